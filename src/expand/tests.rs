use std::collections::HashSet;
use tch::Device;

use crate::error::Error;
use crate::expand::window_search::WindowSearch;
use crate::expand::*;
use crate::index::test_index::{ENTITIES, builder};
use crate::index::{Index, StoragePrecision};
use crate::progress::Unobserved;
use crate::types::{Mode, Row, SearchSettings};

fn sample(modes: &[Mode]) -> Index {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    builder(&out, modes, StoragePrecision::Half)
        .finish()
        .unwrap();
    // a mapped file can be read after it was removed
    Index::open(&out, Device::Cpu).unwrap()
}

fn config(size: usize) -> ExpandConfig {
    ExpandConfig {
        size,
        ..ExpandConfig::default()
    }
}

fn rows(numbers: &[u32]) -> Vec<Row> {
    numbers.iter().map(|&n| Row(n)).collect()
}

fn picked(expansion: &Expansion) -> Vec<Row> {
    expansion.picks.iter().map(|p| p.row).collect()
}

#[test]
fn picks_stop_when_the_candidates_run_out() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let (seeds, excluded) = (rows(&[0, 5, 10]), rows(&[15, 20]));
    let found = expand(&view, &seeds, &excluded, &config(100), &mut Unobserved).unwrap();
    let all: HashSet<Row> = picked(&found)
        .into_iter()
        .chain(seeds)
        .chain(excluded)
        .collect();
    assert_eq!(
        (found.picks.len(), all.len()),
        (ENTITIES - 5, ENTITIES),
        "each once, excluded and seeds never"
    );
    let order: HashSet<usize> = found.reranked.iter().map(|r| r.pick).collect();
    assert_eq!(order.len(), found.picks.len());
    assert!(found.reranked.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn a_pick_has_its_round_window_and_rank() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let found = expand(&view, &rows(&[0, 5, 10]), &[], &config(50), &mut Unobserved).unwrap();
    for (i, pick) in found.picks.iter().enumerate() {
        assert_eq!(
            (pick.round, pick.window),
            (i as i64, WindowConfig::default().width(i as i64))
        );
        assert!((1..=pick.window).contains(&pick.window_rank) && pick.divergence > 0.0);
    }
    assert!(
        found.picks.iter().any(|p| p.window_rank > 1),
        "divergence never chose"
    );
    for (pick, window) in found.picks.iter().zip(&found.windows) {
        assert_eq!(
            (window.len(), window[pick.window_rank - 1].row),
            (pick.window, pick.row)
        );
        assert!(
            window
                .iter()
                .all(|competitor| competitor.divergence >= pick.divergence)
        );
        assert!(window.is_sorted_by(|a, b| a.set_score >= b.set_score));
    }
    let never_picked: Vec<Row> = (0..ENTITIES as u32)
        .map(Row)
        .filter(|row| !picked(&found).contains(row))
        .collect();
    let first: Vec<usize> = never_picked
        .iter()
        .filter_map(|&row| found.first_window(row))
        .collect();
    assert!(!first.is_empty() && first.iter().all(|&pick| pick > 20 && pick <= 50));
    let first = rank_by_seeds(&view, &rows(&[0, 5, 10]), &[])[0];
    assert_eq!(
        (first.0, first.1),
        (found.picks[0].row, found.picks[0].set_score)
    );
}

#[test]
fn search_settings_change_the_picks() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let run = |window, weights| {
        let config = ExpandConfig::with_settings(50, SearchSettings { window, weights });
        expand(&view, &rows(&[0, 5, 10]), &[], &config, &mut Unobserved).unwrap()
    };
    let greedy = run(Some(1), None);
    assert!(
        greedy
            .picks
            .iter()
            .all(|p| (p.window, p.window_rank) == (1, 1))
    );
    let wide = run(Some(6), Some([1, 0]));
    assert!(wide.windows.iter().all(|window| window.len() == 6));
    assert_ne!(picked(&wide), picked(&greedy));
    assert!(
        wide.reranked.iter().map(|r| r.pick).eq(0..50),
        "the second weight is 0: no re-ranking"
    );
}

#[test]
fn final_ranks_follow_the_final_scores() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let seeds = rows(&[1, 6]);
    let found = expand(&view, &seeds, &[], &config(10), &mut Unobserved).unwrap();
    let set: Vec<Row> = seeds.iter().copied().chain(picked(&found)).collect();
    let scores = view.set_scores(&set);
    for (row, score) in rank_by_seeds(&view, &set, &[]) {
        assert!((score - scores[row.index()]).abs() < 1e-4);
    }
    let ranks = found.final_ranks(&view);
    let mut by_set: Vec<Row> = (0..ENTITIES as u32)
        .map(Row)
        .filter(|r| !seeds.contains(r))
        .collect();
    by_set.sort_by_key(|row| ranks[row.index()]);
    assert!(by_set.is_sorted_by(|a, b| scores[a.index()] >= scores[b.index()]));
    assert_eq!(
        by_set
            .iter()
            .map(|row| ranks[row.index()])
            .collect::<Vec<_>>(),
        (1..=ENTITIES - 2).collect::<Vec<_>>()
    );
}

#[test]
fn single_ranks_equal_those_of_the_whole_ranking() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let seeds = rows(&[1, 6, 11]);
    let ranking = rank_by_seeds(&view, &seeds, &[]);
    let selected: Vec<Row> = ranking
        .iter()
        .map(|(row, _)| *row)
        .rev()
        .step_by(3)
        .collect();
    let ranks = ranks_by_seeds(&view, &seeds, &selected);
    assert!(
        selected
            .iter()
            .zip(ranks)
            .all(|(row, rank)| ranking[rank - 1].0 == *row)
    );
    assert!(ranks_by_seeds(&view, &seeds, &[]).is_empty());
}

#[test]
fn a_search_stops_when_the_observer_returns_an_error() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let mut seen = Vec::new();
    let mut stop = |pick: &Pick| {
        seen.push(pick.row);
        if seen.len() == 7 {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    };
    assert!(matches!(
        expand(&view, &rows(&[0, 5]), &[], &config(30), &mut stop),
        Err(Error::Stopped)
    ));
    let complete = expand(&view, &rows(&[0, 5]), &[], &config(30), &mut Unobserved).unwrap();
    assert_eq!(seen, picked(&complete)[..7]);
}

#[test]
fn a_joint_expansion_of_one_query_equals_a_single_one() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let seeds = rows(&[3, 8, 13]);
    let solo = expand(&view, &seeds, &[], &config(30), &mut Unobserved).unwrap();
    index.limit_cache(1 << 20);
    let joint = expand_joint(&view, &[seeds], &config(30), &mut Unobserved).unwrap();
    assert_eq!(joint, [solo]);
}

#[test]
fn joint_queries_share_one_pool() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    // two queries of one class compete for the same entities
    let queries = [rows(&[0, 5]), rows(&[10, 15]), rows(&[1, 6])];
    let mut turns = Vec::new();
    let mut note = |(query, _): (usize, &Pick)| {
        turns.push(query);
        Ok(())
    };
    let found = expand_joint(&view, &queries, &config(12), &mut note).unwrap();
    assert_eq!(turns[..6], [0, 1, 2, 0, 1, 2]);
    let all: Vec<Row> = found.iter().flat_map(picked).collect();
    let unique: HashSet<Row> = all.iter().copied().collect();
    assert_eq!((all.len(), unique.len()), (36, 36));
    assert!(queries.iter().flatten().all(|seed| !unique.contains(seed)));
}

#[test]
fn invalid_seeds_are_refused() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    for seeds in [rows(&[]), rows(&[4, 4]), rows(&[ENTITIES as u32])] {
        let refused = expand(&view, &seeds, &[], &config(5), &mut Unobserved);
        assert!(matches!(refused, Err(Error::Argument(_))), "{seeds:?}");
    }
}

#[test]
fn parts_and_seeds_sum_to_the_score() {
    let index = sample(&Mode::TRAINED);
    let (seeds, candidates) = (rows(&[0, 5, 10]), rows(&[15, 33, 47]));
    for mode in Mode::TRAINED {
        let ranked = rank_by_seeds(&index.view(mode).unwrap(), &seeds, &[]);
        for (candidate, why) in candidates
            .iter()
            .zip(explain(&index, mode, &seeds, &candidates).unwrap())
        {
            let parts = why.parts.unwrap();
            let score = ranked.iter().find(|(row, _)| row == candidate).unwrap().1;
            assert!(
                (why.score - score).abs() < 1e-4,
                "{mode}: {} and {score}",
                why.score
            );
            assert!((parts.sum() - why.score).abs() < 1e-9);
            assert!(
                (why.seeds.iter().sum::<f64>() - why.score).abs() < 1e-9 && why.seeds.len() == 3
            );
            assert_eq!(
                (parts.text != 0.0, parts.image != 0.0),
                (mode.sees_text(), mode.sees_image())
            );
        }
    }
}

#[test]
fn modality_parts_are_shapley_values() {
    let index = sample(&Mode::TRAINED);
    let (seeds, candidate) = (rows(&[2, 7]), rows(&[31]));
    let score = |mode| explain(&index, mode, &seeds, &candidate).unwrap()[0].score;
    let [both, text, image, none] = Mode::TRAINED.map(score);
    let parts = explain(&index, Mode::Both, &seeds, &candidate).unwrap()[0]
        .parts
        .unwrap();
    // the mean over both orders in which the modalities can be added
    assert!((parts.text - ((text - none) + (both - image)) / 2.0).abs() < 1e-12);
    assert!((parts.image - ((both - text) + (image - none)) / 2.0).abs() < 1e-12);
    assert_eq!(parts.prior, none);
}

#[test]
fn without_the_other_modes_there_are_no_parts() {
    let index = sample(&[Mode::Both, Mode::Text]);
    let why = explain(&index, Mode::Both, &rows(&[1]), &rows(&[2])).unwrap();
    assert_eq!(why[0].parts, None);
    assert!(explain(&index, Mode::Image, &rows(&[1]), &rows(&[2])).is_err());
}

#[test]
fn nearest_entities_are_sorted_and_exclude_the_entity() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let found = nearest_entities(&view, Row(10), 20);
    let expected: Vec<_> = rank_by_seeds(&view, &[Row(10)], &[])
        .into_iter()
        .take(20)
        .collect();
    assert_eq!(found, expected);
    let class = found
        .iter()
        .take(8)
        .filter(|(row, _)| row.0 % 5 == 0)
        .count();
    assert!(class >= 5, "entities of its class are near: {class} of 8");
}

/// An independent query has the same result in a batch, to the last bit: picks, scores,
/// divergences, re-ranking.
#[test]
fn a_batch_equals_single_queries() {
    // different numbers of seeds, a repeated query, and one that runs out of candidates early
    let queries: Vec<Vec<Row>> = [
        &[0, 5, 10][..],
        &[1, 6],
        &[0, 5, 10],
        &[2, 7, 12, 17, 22],
        &[4],
        &[30, 31, 32],
    ]
    .map(rows)
    .into();
    let excluded = rows(&[15, 16]);
    let mut found: Vec<Vec<Expansion>> = Vec::new();
    for bytes in [0, 4 * ENTITIES * 7, 1 << 20] {
        let index = sample(&[Mode::Both]);
        index.limit_cache(bytes);
        let view = index.view(Mode::Both).unwrap();
        let (mut alone, mut together) = (Vec::new(), vec![None; queries.len()]);
        for seeds in &queries {
            alone.push(expand(&view, seeds, &excluded, &config(56), &mut Unobserved).unwrap());
        }
        index.limit_cache(bytes);
        let mut batch =
            BatchExpansion::independent(&view, &queries, &excluded, &config(56)).unwrap();
        while let Some(step) = batch.step(&view) {
            if let BatchStep::Finished(query, found) = step {
                together[query] = Some(*found);
            }
        }
        found.push(alone);
        found.push(together.into_iter().flatten().collect());
    }
    assert!(found.iter().all(|one| one == &found[0]));
}

/// In a vocabulary whose lists contain few of all candidates, the bounds suffice while the class
/// lasts; then rows replace them.
#[test]
fn bounds_and_rows_give_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let index = || {
        crate::index::test_index::large(&out, 6_000);
        Index::open(&out, Device::Cpu).unwrap()
    };
    let (lists, mut by_rows) = (index(), index());
    by_rows.disable_neighbor_lists();
    assert!(
        lists.view(Mode::Both).unwrap().has_lists()
            && !by_rows.view(Mode::Both).unwrap().has_lists()
    );
    for seeds in [rows(&[0, 60, 120]), rows(&[1]), rows(&[700, 5200])] {
        let expanded = |index: &Index| {
            let view = index.view(Mode::Both).unwrap();
            let mut batch =
                BatchExpansion::independent(&view, std::slice::from_ref(&seeds), &[], &config(600))
                    .unwrap();
            let (mut added, mut picks) = (0, 0);
            loop {
                match batch.step(&view).unwrap() {
                    BatchStep::Picked(..) => picks += 1,
                    BatchStep::RowsAdded => added += 1,
                    BatchStep::Finished(_, found) => return (picks, added, *found),
                }
            }
        };
        let (bounded, by_rows) = (expanded(&lists), expanded(&by_rows));
        assert_eq!(bounded.2, by_rows.2);
        assert_eq!(
            (bounded.0, by_rows.0, by_rows.1),
            (600, 600, 601),
            "a product a round"
        );
        assert!((1..550).contains(&bounded.1), "{} products", bounded.1);
    }
    let queries = [rows(&[0, 60]), rows(&[180, 240]), rows(&[7, 67])];
    let joint = |index: &Index| {
        expand_joint(
            &index.view(Mode::Both).unwrap(),
            &queries,
            &config(90),
            &mut Unobserved,
        )
        .unwrap()
    };
    assert_eq!(joint(&lists), joint(&by_rows), "and from one pool");
}

#[test]
fn predicted_picks_are_the_next_picks() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    crate::index::test_index::large(&out, 6_000);
    let mut index = Index::open(&out, Device::Cpu).unwrap();
    index.disable_neighbor_lists();
    let (view, seeds, config) = (
        index.view(Mode::Both).unwrap(),
        rows(&[0, 60, 120]),
        config(40),
    );
    let picks = picked(&expand(&view, &seeds, &[], &config, &mut Unobserved).unwrap());
    let mut search = WindowSearch::new(&view, &seeds).unwrap();
    view.z_rows(&seeds).iter().for_each(|row| search.add(row));
    let mut taken = vec![false; view.len()];
    seeds.iter().for_each(|seed| taken[seed.index()] = true);
    assert!(
        search.predict_picks(&view, &config, &taken, 10).is_empty(),
        "before the first pick nothing is"
    );
    for position in 0..30 {
        let pick = search.pick(&view, &config, &mut taken).unwrap();
        assert_eq!(
            search.predict_picks(&view, &config, &taken, 10),
            picks[position + 1..picks.len().min(position + 11)]
        );
        search.add(&view.z_rows(&[pick.row])[0]);
    }
}

#[test]
fn a_round_takes_one_product() {
    let index = sample(&[Mode::Both]);
    let view = index.view(Mode::Both).unwrap();
    let queries = [rows(&[0, 5]), rows(&[1, 6]), rows(&[2, 7])];
    let mut batch = BatchExpansion::independent(&view, &queries, &[], &config(4)).unwrap();
    let mut steps = Vec::new();
    while let Some(step) = batch.step(&view) {
        steps.push(match step {
            BatchStep::RowsAdded => 'a',
            BatchStep::Picked(..) => 'p',
            BatchStep::Finished(..) => 'f',
        });
    }
    let steps: String = steps.into_iter().collect();
    assert_eq!(
        steps, "apppapppapppapppafff",
        "the seeds' rows, then picks and their rows"
    );
}
