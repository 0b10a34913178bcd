//! Evaluates an index over the queries of its data set.

use std::path::Path;
use std::time::Duration;

use crate::data::Dataset;
use crate::engine::{BatchRanker, EvaluationPlan, RankedQuery, ScoredCandidates, Session};
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::run::check_scores;
use crate::eval::{CutMetrics, CutQuery, Evaluation};
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, MetricValues, Query, SeedCount};

/// The number of queries that are expanded together: enough to share matrix products, few enough to
/// stay in the processor's cache.
const BATCH_SIZE: usize = 64;
/// The time between two reports of the progress.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// One evaluated query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    pub query: Query,
    /// Best first, with the scores of the ranking.
    pub ranking: Vec<(EntityId, f64)>,
    pub metrics: MetricValues,
    /// What the boundary of the class depends on, for a feedback ranking.
    pub scored: Option<ScoredCandidates<EntityId>>,
}

/// The results of all queries.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedQueries {
    pub results: Vec<QueryResult>,
    pub evaluation: Evaluation,
    /// The metrics of the cut where the class probably ends, for a feedback ranking.
    pub cut: Option<CutMetrics>,
    /// The reasons why queries were left out, with counts.
    pub left_out: Vec<(String, usize)>,
}

/// Reads queries from another folder of query files, one file for each class of the data set, and
/// computes their [`Dataset::queries_hash`].
pub fn read_queries(
    dataset: &Path,
    folder: &Path,
    seeds: SeedCount,
) -> Result<(Vec<Query>, String)> {
    let mut dataset = Dataset::open(dataset)?.with_queries(folder, seeds)?;
    let hash = dataset.queries_hash(seeds);
    dataset.queries.retain(|query| query.seed_count == seeds);
    Ok((dataset.queries, hash))
}

/// Evaluates the queries of a plan. `queries` replaces those of the data set.
///
/// # Errors
///
/// `Mismatch` if there is no query to evaluate; `Stopped`.
pub fn evaluate(
    session: &Session,
    plan: &EvaluationPlan,
    queries: Option<Vec<Query>>,
    observer: &mut dyn Observer<Progress>,
) -> Result<EvaluatedQueries> {
    let mut all = queries.unwrap_or_else(|| session.catalogue.queries.clone());
    all.retain(|query| query.seed_count == plan.seed_count);
    let is_wanted = |query: &Query| plan.class.is_none_or(|class| class == query.class);
    let (mut queries, left_out) = session.answerable_queries(all, &session.index);
    if !queries.iter().any(is_wanted) {
        return Err(no_query(plan.seed_count));
    }
    // in joint rankings the queries of other classes have an effect
    queries.retain(|query| plan.is_joint() || is_wanted(query));
    let mut results = rank_all(session, plan, queries, observer)?;
    results.retain(|result| is_wanted(&result.query));
    results.sort_by_key(|result| (result.query.class, result.query.number));
    let model = session.index.boundary_model(plan.mode);
    let cuts: Vec<CutQuery> = results
        .iter()
        .filter_map(|result| result.cut(session, &model))
        .collect();
    Ok(EvaluatedQueries {
        evaluation: aggregate(&results),
        cut: (!cuts.is_empty()).then(|| CutMetrics::of_queries(&cuts)),
        results,
        left_out,
    })
}

/// Returns the error of an evaluation without a query.
pub(super) fn no_query(seed_count: SeedCount) -> Error {
    let seeds = seed_count.as_usize();
    Error::Mismatch(format!("there is no query with {seeds} seeds to evaluate"))
}

/// Computes the mean metrics by class and over all queries.
pub(super) fn aggregate(results: &[QueryResult]) -> Evaluation {
    eval::aggregate(results.iter().map(|r| (r.query.class, r.metrics)))
}

fn rank_all(
    session: &Session,
    plan: &EvaluationPlan,
    queries: Vec<Query>,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<QueryResult>> {
    let total = queries.len() as u64;
    let mut seeds = Vec::with_capacity(queries.len());
    for query in &queries {
        seeds.push((query.number, session.known_rows(&query.seeds)));
    }
    let index = &session.index;
    session.check_ranking(index, plan.mode, plan.ranking)?;
    let similarity = session.similarity(index, plan.mode)?;
    let mut ranker = BatchRanker::new(plan, seeds, index, BATCH_SIZE);
    let mut results = Vec::with_capacity(queries.len());
    while !ranker.is_done() {
        for (position, ranked) in ranker.advance(index, &similarity, REPORT_INTERVAL)? {
            results.push(query_result(session, plan, &queries[position], ranked)?);
        }
        observer.report(Progress::new("evaluating", ranker.done(), total))?;
    }
    Ok(results)
}

fn query_result(
    session: &Session,
    plan: &EvaluationPlan,
    query: &Query,
    ranked: RankedQuery,
) -> Result<QueryResult> {
    let mut ranking = Vec::with_capacity(ranked.ranking.len());
    for (row, score) in ranked.ranking {
        ranking.push((session.entity(row), score));
    }
    let class = &session.catalogue.class(query.class).name;
    let name = format!("{class}/{}", query.seed_count.as_usize());
    check_scores(&name, &ranking)?;
    let entities: Vec<EntityId> = ranking.iter().map(|&(entity, _)| entity).collect();
    let metrics = session.query_metrics(plan.protocol, query, &entities, Some(&session.index));
    Ok(QueryResult {
        query: query.clone(),
        ranking,
        metrics,
        scored: ranked
            .scored
            .map(|scored| scored.map(|row| session.entity(row))),
    })
}
