//! One expansion, as the explorer streams it and as the command line prints it.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::engine::protocol::{
    Candidate, ExpandRequest, JointScope, Missing, MissingReason, ReplyKind, RerankedPick,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::expand;
use crate::expand::{ExpandConfig, Expansion, Pick};
use crate::index::ModeIndex;
use crate::types::{CUTOFFS, ClassId, EntityId, EvaluationProtocol, MetricValues, Mode, Row};

/// Picks are sent in pages: the first after this many, the rest by time.
const FIRST_PAGE: usize = 12;
const PAGE_EVERY: Duration = Duration::from_millis(16);
/// Picks of a single expansion after which the index is taken out of memory.
const GIVE_BACK_EVERY: usize = 2;

/// Receives the replies to one request; returns [`Error::Stopped`] once a newer request has come.
pub(super) type Sink<'a> = dyn FnMut(ReplyKind) -> Result<()> + 'a;

/// Where entities are among all that are not seeds, from 1.
pub(super) struct EntityRanks {
    /// By ΣZ over the seeds; seeds have none.
    pub(super) by_seeds: HashMap<Row, usize>,
    /// By ΣZ over the whole set, `[V]`.
    by_set: Vec<usize>,
}

/// What a search found, with the other classes' picks where it was joint.
pub(super) struct SearchResult {
    pub(super) expansion: Expansion,
    pub(super) taken: HashMap<Row, ClassId>,
}

/// The queries of a joint expansion.
struct JointQueries {
    classes: Vec<ClassId>,
    /// The seeds of each class.
    queries: Vec<Vec<Row>>,
    /// The place of the class that is asked for.
    own: usize,
}

impl Session {
    /// Answers an [`ExpandRequest`], reply by reply. `current` is asked at every pick.
    pub(super) fn stream(
        &mut self,
        ask: &ExpandRequest,
        say: &mut Sink,
        current: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let begun = Instant::now();
        self.check(ask)?;
        let seeds = self.rows(&ask.seeds)?;
        let found = self.search(ask, &seeds, say, current)?;
        let reranked = found.expansion.reranked.iter().map(reranked).collect();
        say(ReplyKind::Reranked(reranked))?;
        let elapsed = begun.elapsed();
        if let Some(class) = ask.class {
            say(self.measured(class, &ask.seeds, &found.expansion))?;
            let missing = self.missing(ask, class, &seeds, &found)?;
            say(ReplyKind::Missing(missing))?;
        }
        for &mode in self
            .index
            .modes()
            .iter()
            .filter(|&&m| m != ask.mode && m != Mode::None)
        {
            let config = ExpandConfig::tuned(ask.size, ask.settings);
            let excluded = self.known_rows(&ask.rejected);
            let other = expand::expand(
                &self.index.view(mode)?,
                &seeds,
                &excluded,
                &config,
                &mut |_: &Pick| current(),
            )?;
            say(ReplyKind::OtherMode {
                mode,
                ranking: self.reranked(&other),
            })?;
        }
        say(ReplyKind::Expanded { elapsed })
    }

    /// The metrics of an expansion, and nothing else of it. Error: it has no class.
    pub(crate) fn measure_only(
        &self,
        ask: &ExpandRequest,
        current: &dyn Fn() -> Result<()>,
    ) -> Result<ReplyKind> {
        self.check(ask)?;
        let class = ask
            .class
            .ok_or_else(|| Error::Argument("without a class nothing can be measured".into()))?;
        let found = self.search(ask, &self.rows(&ask.seeds)?, &mut |_| Ok(()), current)?;
        Ok(self.measured(class, &ask.seeds, &found.expansion))
    }

    fn measured(&self, class: ClassId, seeds: &[EntityId], expansion: &Expansion) -> ReplyKind {
        let measure = |list: &[EntityId]| self.measure(class, seeds, list);
        ReplyKind::Measured {
            picked: measure(&self.picked(expansion)),
            reranked: measure(&self.reranked(expansion)),
        }
    }

    /// One whole expansion: candidates in re-ranked order, each with its place among the picks. It
    /// is for a process that expands once, and holds little of the index in memory.
    pub fn expand(&mut self, ask: &ExpandRequest) -> Result<Vec<(Candidate, RerankedPick)>> {
        let mut picks: Vec<Candidate> = Vec::new();
        let mut order: Vec<RerankedPick> = Vec::new();
        self.check(ask)?;
        let seeds = self.rows(&ask.seeds)?;
        let picked = Cell::new(0usize);
        let found = self.search(
            ask,
            &seeds,
            &mut |said| {
                if let ReplyKind::Picks(page) = said {
                    picks.extend(page);
                }
                Ok(())
            },
            &|| {
                picked.set(picked.get() + 1);
                if picked.get().is_multiple_of(GIVE_BACK_EVERY) {
                    self.index.give_back();
                }
                Ok(())
            },
        )?;
        order.extend(found.expansion.reranked.iter().map(reranked));
        Ok(order
            .into_iter()
            .map(|r| (picks[r.pick].clone(), r))
            .collect())
    }

    pub(super) fn check(&self, ask: &ExpandRequest) -> Result<()> {
        let (size, most) = (ask.size, self.index.len());
        if size == 0 || size > most {
            return Err(Error::Argument(format!(
                "a size of {size}: this index allows 1 to {most}"
            )));
        }
        if ask.seeds.is_empty() {
            return Err(Error::Argument(
                "an expansion needs at least one seed".into(),
            ));
        }
        Ok(())
    }

    /// Runs the search and sends its picks, page by page.
    pub(super) fn search(
        &self,
        ask: &ExpandRequest,
        seeds: &[Row],
        say: &mut Sink,
        current: &dyn Fn() -> Result<()>,
    ) -> Result<SearchResult> {
        let view = self.index.view(ask.mode)?;
        let config = ExpandConfig::tuned(ask.size, ask.settings);
        let mut page = Page {
            session: self,
            mode: ask.mode,
            seeds,
            waiting: Vec::new(),
            sent: 0,
            last: Instant::now(),
        };
        let found = match ask.joint.zip(ask.class) {
            Some((scope, class)) => {
                let joint = self.joint_queries(scope, class, seeds)?;
                page.expand_jointly(&view, &config, &joint, say, current)?
            }
            None => {
                let excluded = self.known_rows(&ask.rejected);
                page.expand_alone(&view, &config, &excluded, say, current)?
            }
        };
        page.send(say)?;
        Ok(found)
    }

    /// All classes' queries of one number, with this class's seeds in the place of its own.
    fn joint_queries(
        &self,
        scope: JointScope,
        class: ClassId,
        seeds: &[Row],
    ) -> Result<JointQueries> {
        let (mut classes, mut queries) = (Vec::new(), Vec::new());
        for i in 0..self.catalogue.classes.len() {
            let id = ClassId(i as u16);
            let own = match self.query(id, scope.seed_count, scope.number) {
                _ if id == class => seeds.to_vec(),
                Some(query) => self.known_rows(&query.seeds),
                None => continue,
            };
            if !own.is_empty() {
                classes.push(id);
                queries.push(own);
            }
        }
        let own = classes
            .iter()
            .position(|&c| c == class)
            .ok_or_else(|| Error::Mismatch("a joint expansion needs a class".into()))?;
        Ok(JointQueries {
            classes,
            queries,
            own,
        })
    }

    /// Candidates as the screen shows them.
    fn candidates(&self, mode: Mode, seeds: &[Row], picks: &[Pick]) -> Result<Vec<Candidate>> {
        let rows: Vec<Row> = picks.iter().map(|p| p.row).collect();
        let explained = expand::explain(&self.index, mode, seeds, &rows)?;
        for (pick, why) in picks.iter().zip(&explained) {
            if ![why.score, pick.set_score, pick.divergence]
                .iter()
                .all(|number| number.is_finite())
            {
                let name = &self.index.entity(pick.row).name;
                return Err(Error::Mismatch(format!(
                    "the score of “{name}” is {}, not a finite number",
                    why.score
                )));
            }
        }
        Ok(picks
            .iter()
            .zip(explained)
            .map(|(pick, why)| Candidate {
                entity: self.entity(pick.row),
                score: why.score,
                parts: why.parts,
                seed_contributions: why.seeds,
                set_score: pick.set_score,
                round: pick.round,
                window: pick.window,
                window_rank: pick.window_place,
                divergence: pick.divergence,
            })
            .collect())
    }

    pub(super) fn picked(&self, expansion: &Expansion) -> Vec<EntityId> {
        expansion.picks.iter().map(|p| self.entity(p.row)).collect()
    }

    pub(super) fn reranked(&self, expansion: &Expansion) -> Vec<EntityId> {
        expansion
            .reranked
            .iter()
            .map(|r| self.entity(expansion.picks[r.pick].row))
            .collect()
    }

    /// Metrics of a list against a class, its gold less the seeds.
    pub(crate) fn measure(
        &self,
        class: ClassId,
        seeds: &[EntityId],
        list: &[EntityId],
    ) -> MetricValues {
        let Some(dataset) = &self.dataset else {
            return MetricValues::default();
        };
        let gold = eval::gold(&dataset.classes[class.index()], seeds);
        let reachable = gold
            .iter()
            .filter(|&&e| self.index.row(e).is_some())
            .count();
        eval::ranking_metrics(
            &list[..list.len().min(CUTOFFS[3])],
            &gold,
            reachable,
            EvaluationProtocol::Standard,
        )
    }

    pub(crate) fn known_rows(&self, entities: &[EntityId]) -> Vec<Row> {
        entities.iter().filter_map(|&e| self.index.row(e)).collect()
    }

    /// Where each gold entity is that the list lacks.
    fn missing(
        &self,
        ask: &ExpandRequest,
        class: ClassId,
        seeds: &[Row],
        found: &SearchResult,
    ) -> Result<Vec<Missing>> {
        let listed: std::collections::HashSet<EntityId> =
            self.picked(&found.expansion).into_iter().collect();
        let members = &self.catalogue.class(class).members;
        let absent: Vec<EntityId> = members
            .iter()
            .copied()
            .filter(|e| !listed.contains(e) && !ask.seeds.contains(e))
            .collect();
        let ranks = self.entity_ranks(ask, seeds, found)?;
        Ok(absent
            .into_iter()
            .map(|entity| Missing {
                entity,
                reason: self.missing_reason(ask, found, &ranks, entity),
            })
            .collect())
    }

    pub(super) fn entity_ranks(
        &self,
        ask: &ExpandRequest,
        seeds: &[Row],
        found: &SearchResult,
    ) -> Result<EntityRanks> {
        let view: ModeIndex = self.index.view(ask.mode)?;
        let ranking = expand::rank_by_seeds(&view, seeds, &[])
            .into_iter()
            .zip(1..);
        let by_seeds = ranking.map(|((row, _), rank)| (row, rank)).collect();
        Ok(EntityRanks {
            by_seeds,
            by_set: found.expansion.final_ranks(&view),
        })
    }

    /// Why an entity that is no seed is not in the list.
    pub(super) fn missing_reason(
        &self,
        ask: &ExpandRequest,
        found: &SearchResult,
        ranks: &EntityRanks,
        entity: EntityId,
    ) -> MissingReason {
        let Some(row) = self.index.row(entity) else {
            return MissingReason::NotIndexed(
                "it has fewer than 2 usable sentence–picture pairs".into(),
            );
        };
        if ask.rejected.contains(&entity) {
            MissingReason::Rejected
        } else if let Some(taker) = found.taken.get(&row) {
            MissingReason::TakenBy(*taker)
        } else if let Some(pick) = found.expansion.first_window(row) {
            MissingReason::LostInWindow { pick }
        } else {
            let seed_rank = ranks
                .by_seeds
                .get(&row)
                .copied()
                .unwrap_or(self.index.len());
            MissingReason::BelowWindow {
                seed_rank,
                final_rank: ranks.by_set[row.index()],
            }
        }
    }
}

fn reranked(from: &expand::Reranked) -> RerankedPick {
    RerankedPick {
        pick: from.pick,
        divergence_rank: from.divergence_rank,
        score: from.score,
    }
}

/// Picks that wait to be sent together.
struct Page<'a> {
    session: &'a Session,
    mode: Mode,
    seeds: &'a [Row],
    waiting: Vec<Pick>,
    sent: usize,
    last: Instant,
}

impl Page<'_> {
    /// Expands the seeds on their own, and sends the picks.
    fn expand_alone(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        excluded: &[Row],
        say: &mut Sink,
        current: &dyn Fn() -> Result<()>,
    ) -> Result<SearchResult> {
        let seeds = self.seeds;
        let expansion = expand::expand(view, seeds, excluded, config, &mut |pick: &Pick| {
            current()?;
            self.add(pick, say)
        })?;
        Ok(SearchResult {
            expansion,
            taken: HashMap::new(),
        })
    }

    /// Expands all classes together, and sends the picks of the class that is asked for.
    fn expand_jointly(
        &mut self,
        view: &ModeIndex,
        config: &ExpandConfig,
        joint: &JointQueries,
        say: &mut Sink,
        current: &dyn Fn() -> Result<()>,
    ) -> Result<SearchResult> {
        let mut on = |(query, pick): (usize, &Pick)| {
            current()?;
            if query == joint.own {
                self.add(pick, say)
            } else {
                Ok(())
            }
        };
        let mut all = expand::expand_joint(view, &joint.queries, config, &mut on)?;
        let expansion = all.remove(joint.own);
        let others = (0..joint.classes.len()).filter(|&place| place != joint.own);
        let mut taken = HashMap::new();
        for (place, other) in others.zip(&all) {
            // the seeds of the other classes are out for all too
            for row in joint.queries[place].iter().copied().chain(other.ranking()) {
                taken.insert(row, joint.classes[place]);
            }
        }
        Ok(SearchResult { expansion, taken })
    }

    fn add(&mut self, pick: &Pick, say: &mut Sink) -> Result<()> {
        self.waiting.push(*pick);
        let due = if self.sent == 0 {
            self.waiting.len() >= FIRST_PAGE
        } else {
            self.last.elapsed() >= PAGE_EVERY
        };
        if due { self.send(say) } else { Ok(()) }
    }

    fn send(&mut self, say: &mut Sink) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let page = self
            .session
            .candidates(self.mode, self.seeds, &self.waiting)?;
        self.sent += self.waiting.len();
        self.waiting.clear();
        self.last = Instant::now();
        say(ReplyKind::Picks(page))
    }
}
