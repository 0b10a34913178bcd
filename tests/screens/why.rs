//! The Explain screen, and what the made-up engine says on it.

use multiexpan::engine::protocol::*;
use multiexpan::types::*;

use crate::fake::{Fake, noise, rerank};
use crate::harness::{Screens, screen};

impl Fake {
    pub fn explain(&self, ask: &ExpandRequest, entities: &[EntityId]) -> Explained {
        let picks = self.picks(ask, ask.mode);
        let state = |seed: EntityId, sentence: SentenceCard, at: usize| StateCard {
            share: 0.5,
            sentence: Some(SentenceCard {
                image: self.pictures(seed).get(at).cloned(),
                ..sentence
            }),
        };
        let seeds = ask.seeds.iter().map(|&seed| SeedStates {
            seed,
            states: self
                .inspect(seed, ask.mode)
                .sentences
                .into_iter()
                .enumerate()
                .map(|(at, s)| state(seed, s, at))
                .collect(),
            more: 0,
        });
        Explained {
            ask: ask.clone(),
            seeds: seeds.collect(),
            entities: entities
                .iter()
                .map(|&entity| self.why(ask, &picks, entity))
                .collect(),
        }
    }

    fn why(&self, ask: &ExpandRequest, picks: &[Candidate], entity: EntityId) -> EntityExplanation {
        let at = picks.iter().position(|c| c.entity == entity);
        let order = rerank(picks);
        let ids: Vec<EntityId> = picks.iter().map(|c| c.entity).collect();
        let why = |class| {
            self.missing(ask, class, &ids)
                .into_iter()
                .find(|m| m.entity == entity)
                .map(|m| m.reason)
        };
        let standing = match at {
            Some(at) => {
                let rank = order.iter().position(|r| r.pick == at).unwrap();
                let RerankedPick {
                    divergence_rank: by_divergence,
                    score,
                    ..
                } = order[rank];
                EntityStatus::Listed(RerankedRank {
                    picked: at + 1,
                    by_divergence,
                    score,
                    rank: rank + 1,
                    of: picks.len(),
                })
            }
            None if ask.seeds.contains(&entity) => EntityStatus::Seed,
            None => {
                EntityStatus::Missing(ask.class.and_then(why).unwrap_or(MissingReason::Rejected))
            }
        };
        // one that is rejected has its numbers too
        let all = self.picks(
            &ExpandRequest {
                rejected: Vec::new(),
                size: 1000,
                ..ask.clone()
            },
            ask.mode,
        );
        let card = all.iter().find(|c| c.entity == entity);
        let bring = |(&z, seed): (&f64, &EntityId)| {
            let first = z * (0.5 + 0.3 * noise(entity.0 ^ seed.0, 21));
            let image = z * (0.5 + 0.4 * noise(entity.0 ^ seed.0, 22));
            let parts = card.and_then(|c| c.parts).map(|_| ModalityParts {
                prior: 0.1,
                text: z - image - 0.1,
                image,
            });
            SeedContribution {
                z,
                parts,
                brought: vec![first, z - first],
                rest: 0.0,
            }
        };
        EntityExplanation {
            entity,
            standing,
            seed_rank: at.map(|at| at + 1),
            score: card.map_or(0.0, |c| c.score),
            parts: card.and_then(|c| c.parts),
            seeds: card.map_or_else(Vec::new, |c| {
                c.seed_contributions
                    .iter()
                    .zip(&ask.seeds)
                    .map(bring)
                    .collect()
            }),
            contest: at.map(|at| self.contest(picks, at)),
        }
    }

    fn contest(&self, picks: &[Candidate], at: usize) -> WindowPick {
        let window = &picks[at.saturating_sub(1)..(at + 3).min(picks.len())];
        let mut rivals: Vec<CompetitorCard> = window
            .iter()
            .map(|c| CompetitorCard {
                entity: c.entity,
                set_score: c.set_score,
                divergence: c.divergence + 0.03,
            })
            .collect();
        let own = rivals
            .iter_mut()
            .find(|r| r.entity == picks[at].entity)
            .unwrap();
        own.divergence = picks[at].divergence;
        WindowPick {
            pick: at + 1,
            round: picks[at].round,
            winner: picks[at].entity,
            rivals,
        }
    }
}

#[test]
fn a_candidate_is_explained() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys("jjw")
            .snapshot(&format!("why_{width}x{height}"));
    }
    screen(60, 16)
        .open("carnivorous")
        .keys("jjw")
        .snapshot("why_60x16");
    // the first seed's line, unfolded, and on its first pair
    screen(120, 40)
        .open("carnivorous")
        .keys("jjwjjjj lljjj")
        .snapshot("why_pair_120x40");
    screen(80, 24)
        .open("carnivorous")
        .keys("jjwjjjjlllll")
        .snapshot("why_pair_80x24");
}

#[test]
fn two_candidates_stand_side_by_side() {
    for (width, height) in [(80, 24), (120, 40)] {
        screen(width, height)
            .open("carnivorous")
            .keys("wZ]]")
            .snapshot(&format!("why_beside_{width}x{height}"));
    }
    let mut s = screen(120, 40);
    s.open("carnivorous");
    let rows = s.rows();
    s.keys("jw<esc>jjW");
    assert!(
        s.text()
            .contains(&format!("Why: {} beside {}", rows[1], rows[3])),
        "{}",
        s.text()
    );
    s.keys("[[");
    assert!(
        s.text()
            .contains(&format!("Why: {} beside {}", rows[1], rows[0])),
        "{}",
        s.text()
    );
    assert!(
        s.text().contains(&format!("{} (", rows[0])) && s.text().contains("is above"),
        "{}",
        s.text()
    );
    s.keys("[");
    assert!(
        s.text().contains(&rows[0]),
        "the list ends there: {}",
        s.text()
    );
    s.keys("w");
    assert!(
        !s.text().contains("beside carn") && s.text().contains(&format!("Why: {} ", rows[1])),
        "{}",
        s.text()
    );
    s.keys("w");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn branches_fold_and_unfold() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("w");
    let folded = s.text();
    assert!(
        folded.contains("▾ score") && folded.contains("▸ "),
        "{folded}"
    );
    s.keys("h");
    assert!(
        s.text().contains("▸ score") && !s.text().contains("prior"),
        "{}",
        s.text()
    );
    s.keys("l");
    assert_eq!(s.text(), folded);
    s.keys("Z");
    assert!(s.text().contains("is known to most people"), "{}", s.text());
    s.keys("Z");
    assert_eq!(s.text(), folded);
    s.click_on("▸ ");
    s.click_on("▸ ");
    assert!(s.text().contains("is known to most people"), "{}", s.text());
}

#[test]
fn what_is_not_in_the_list_is_explained_too() {
    let mut s = screen(80, 24);
    s.open("fruits").keys("jj-Mw").snapshot("why_missing_80x24");
    s.keys("<esc>kllw");
    let mut of_seed = screen(80, 24);
    of_seed.open("fruits").keys("kw");
    assert!(
        of_seed.text().contains("is a seed: seeds are not ranked"),
        "{}",
        of_seed.text()
    );
}

#[test]
fn a_failed_explanation_is_said_in_its_place() {
    let mut s = screen(80, 24);
    s.open("fruits");
    let asked = s.take_requests("w");
    assert!(
        asked
            .iter()
            .any(|request| matches!(request.kind, RequestKind::Explain { .. }))
    );
    s.say(
        asked[0].id,
        ReplyKind::Failed("the device ran out of memory".into()),
    );
    assert!(
        s.text().contains("the device ran out of memory"),
        "{}",
        s.text()
    );
    s.keys("jZ lh<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn an_index_of_one_mode_has_no_modalities_to_tell_apart() {
    let mut raw = Screens::over(80, 24, |c| c.modes = vec![Mode::Both]);
    raw.open("fruits").keys("w");
    assert!(
        raw.text().contains("score") && !raw.text().contains("prior"),
        "{}",
        raw.text()
    );
}

#[test]
fn the_whole_tree_is_searched_and_what_folds_a_match_away_is_opened() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("jjw");
    assert!(!s.text().contains("read of one"), "{}", s.text());
    s.keys("/read of").snapshot("why_search_120x40");
    assert!(
        s.text().contains("1 of 3"),
        "one of each seed: {}",
        s.text()
    );
    s.keys("<enter>n");
    assert!(s.text().contains("2 of 3"), "{}", s.text());
    s.keys("NN");
    assert!(
        s.text().contains("3 of 3"),
        "from the first on to the last: {}",
        s.text()
    );
    s.keys("<esc>/divergence from");
    assert!(
        s.text().contains("1 of 1") && s.text().contains("KL from an ideal member"),
        "{}",
        s.text()
    );
    s.keys("zzz<esc>");
    assert!(
        s.text().contains("Why: ") && s.text().contains("“Few have seen"),
        "back on the pair: {}",
        s.text()
    );
    s.keys("<esc>");
    assert!(s.text().contains("Candidates"), "{}", s.text());
}

#[test]
fn help_lies_over_explain_and_what_if_and_gives_them_back() {
    let mut s = screen(120, 40);
    s.open("carnivorous").keys("jjwj");
    let before = s.text();
    s.keys("?").snapshot("help_why_120x40");
    assert!(
        !s.text().contains("type a seed") && s.text().contains("stop the evaluation"),
        "{}",
        s.text()
    );
    s.keys("?");
    assert_eq!(s.text(), before);
    s.keys("<esc>ijj");
    let before = s.text();
    s.keys("<f1>").snapshot("help_what_if_120x40");
    s.keys("<enter>");
    assert_eq!(s.text(), before, "with the cursor where it was");
    s.keys("<esc>?");
    assert!(
        s.text().contains("type a seed"),
        "of the screen as before: {}",
        s.text()
    );
}
