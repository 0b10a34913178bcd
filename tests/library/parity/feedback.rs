//! The feedback ranking and the class boundary, compared with a dense implementation in numpy.

use multiexpan::expand::{
    Boundary, FeedbackConfig, FeedbackQuery, FeedbackRanking, Similarity, rank_by_feedback,
    rank_together,
};
use multiexpan::index::{BoundaryModel, Index};
use multiexpan::types::{Mode, Row};
use serde::Deserialize;

/// The tolerance of scores and probabilities.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Expected {
    constants: Constants,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Constants {
    lambda: f64,
    /// The least and the greatest k, the factor of the ranks, and k of a single seed.
    k: (usize, usize, f64, usize),
    feedback: usize,
    reject: f64,
    boundary: BoundaryConstants,
}

#[derive(Deserialize)]
struct BoundaryConstants {
    score: f64,
    seeds: f64,
    far: f64,
    bias: f64,
}

#[derive(Deserialize)]
struct Case {
    seeds: Vec<Row>,
    accepted: Vec<Row>,
    rejected: Vec<Row>,
    k: usize,
    leave_one_out: f64,
    ranking: Vec<Row>,
    score: Vec<f64>,
    boundary: Option<usize>,
    probability: Option<Vec<f64>>,
}

fn expected() -> Expected {
    let text = std::fs::read(super::golden("ranking/small.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    assert!(!expected.cases.is_empty());
    expected
}

fn assert_close(what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < TOLERANCE,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn the_constants_are_those_of_the_reference() {
    let constants = expected().constants;
    let (least, most) = multiexpan::index::neighborhood_sizes(300);
    let (k_least, k_most, rank_factor, single_seed_neighborhood) = constants.k;
    assert_eq!((least, most), (k_least, k_most));
    let config = FeedbackConfig {
        hubness_weight: constants.lambda,
        rank_factor,
        single_seed_neighborhood,
        feedback: constants.feedback,
        rejection_weight: constants.reject,
    };
    assert_eq!(config, FeedbackConfig::default());
    let BoundaryConstants {
        score,
        seeds,
        far,
        bias,
    } = constants.boundary;
    let model = BoundaryModel {
        score,
        cohesion: seeds,
        background: far,
        bias,
    };
    assert_eq!(model, BoundaryModel::TRAINED);
}

#[test]
fn rankings_scores_and_boundaries_equal_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let index = super::expansion::import(&folder);
    let similarity = Similarity::of_mode(&index, Mode::Both).unwrap();
    for (number, case) in expected().cases.iter().enumerate() {
        let query = FeedbackQuery {
            seeds: case.seeds.clone(),
            accepted: case.accepted.clone(),
            rejected: case.rejected.clone(),
        };
        let size = case.ranking.len();
        let ranking =
            rank_by_feedback(&similarity, &query, size, &FeedbackConfig::default()).unwrap();
        let name = format!("case {number}");
        assert_eq!(ranking.ranking, case.ranking, "{name}");
        assert_eq!(ranking.neighborhood(), case.k, "{name}");
        assert_close(&name, ranking.cohesion, case.leave_one_out);
        for (row, expected) in ranking.ranking.iter().zip(&case.score) {
            assert_close(&name, ranking.scores[row.index()], *expected);
        }
        assert_contributions_sum_to_scores(&ranking);
        let boundary = Boundary::of_ranking(&ranking, &BoundaryModel::TRAINED);
        assert_eq!(boundary.as_ref().map(|b| b.size), case.boundary, "{name}");
        let probabilities = boundary.map(|b| b.probabilities).unwrap_or_default();
        for (found, expected) in probabilities.iter().zip(case.probability.iter().flatten()) {
            assert_close(&name, *found, *expected);
        }
    }
}

fn assert_contributions_sum_to_scores(ranking: &FeedbackRanking) {
    let contributions = ranking.contributions(&ranking.ranking);
    for (row, contributions) in ranking.ranking.iter().zip(contributions) {
        let score = ranking.scores[row.index()];
        assert_close("the sum of the contributions", contributions.sum(), score);
    }
}

#[test]
fn queries_together_and_alone_have_the_same_scores() {
    let folder = tempfile::tempdir().unwrap();
    let index: Index = super::expansion::import(&folder);
    let similarity = Similarity::of_mode(&index, Mode::Both).unwrap();
    let config = FeedbackConfig::default();
    let rank = |seeds: &[Row]| {
        let query = FeedbackQuery::from_seeds(seeds);
        rank_by_feedback(&similarity, &query, 100, &config)
            .unwrap()
            .scores
    };
    let queries: Vec<Vec<Row>> = expected()
        .cases
        .into_iter()
        .map(|case| case.seeds)
        .collect();
    let together = rank_together(&similarity, &queries, 100, &config).unwrap();
    for (seeds, together) in queries.iter().zip(&together) {
        index.limit_cache(1 << 20);
        assert_eq!(rank(seeds), together.scores);
    }
}
