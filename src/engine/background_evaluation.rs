//! The explorer's evaluation of all queries, in the background.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::background_job::{BackgroundJob, STEP_TIME};
use crate::engine::batch_ranker::BatchRanker;
use crate::engine::evaluation_plan::EvaluationPlan;
use crate::engine::protocol::{EvaluationKey, Ranker, ReplyKind};
use crate::engine::query_rankings::QueryRankings;
use crate::engine::session::Session;
use crate::error::Result;
use crate::eval;
use crate::index::Index;
use crate::progress::Progress;
use crate::types::{ClassId, EntityId, EvaluationProtocol, MetricValues, Query, RankingKind, Row};

/// The number of queries that are expanded together. With more of them the first class would take
/// too long.
const BATCH_SIZE: usize = 32;

/// A running evaluation.
pub(super) struct BackgroundEvaluation {
    key: EvaluationKey,
    queries: Vec<Query>,
    ranker: BatchRanker,
    /// The finished rankings.
    rankings: QueryRankings,
    /// The metrics of each finished query.
    metrics: Vec<(ClassId, MetricValues)>,
    /// The number of unfinished queries of each class.
    remaining: HashMap<ClassId, usize>,
}

impl BackgroundEvaluation {
    /// Prepares the evaluation of all queries with the key's number of seeds.
    pub(super) fn new(session: &Session, key: EvaluationKey) -> Result<Self> {
        let (index, mode) = session.ranker_index(key.ranker)?;
        session.check_ranking(index, mode, key.ranking)?;
        let plan = EvaluationPlan {
            mode,
            seed_count: key.seed_count,
            ranking: key.ranking,
            protocol: EvaluationProtocol::Standard,
            class: None,
        };
        let all = session.queries_with(key.seed_count).cloned().collect();
        let (queries, _) = session.answerable_queries(all, index);
        let mut remaining = HashMap::new();
        let mut seeds = Vec::with_capacity(queries.len());
        for query in &queries {
            *remaining.entry(query.class).or_default() += 1;
            let rows: Vec<Row> = query.seeds.iter().filter_map(|&e| index.row(e)).collect();
            seeds.push((query.number, rows));
        }
        Ok(BackgroundEvaluation {
            key,
            queries,
            ranker: BatchRanker::new(&plan, seeds, index, BATCH_SIZE),
            rankings: QueryRankings::new(),
            metrics: Vec::new(),
            remaining,
        })
    }

    /// Returns the finished rankings.
    pub(super) fn rankings(&self) -> &QueryRankings {
        &self.rankings
    }

    /// Returns the number of queries to evaluate.
    pub(super) fn total(&self) -> usize {
        self.queries.len()
    }

    /// Stores the ranking of a query and its metrics. Returns the mean of its class if this was the
    /// last query of the class.
    fn add(
        &mut self,
        session: &Session,
        index: &Index,
        position: usize,
        ranking: &[(Row, f64)],
    ) -> Option<ReplyKind> {
        let query = &self.queries[position];
        let class = query.class;
        let ranking: Vec<EntityId> = ranking
            .iter()
            .map(|&(row, _)| index.entity(row).id)
            .collect();
        let protocol = EvaluationProtocol::Standard;
        let metrics = session.query_metrics(protocol, query, &ranking, Some(index));
        self.metrics.push((class, metrics));
        self.rankings.insert((class, query.number), ranking);
        let remaining = self.remaining.entry(class).or_default();
        *remaining = remaining.saturating_sub(1);
        if *remaining > 0 {
            return None;
        }
        let of_class = self.metrics.iter().filter(|(other, _)| *other == class);
        let metrics = eval::aggregate(of_class.copied()).overall;
        Some(ReplyKind::ClassEvaluated { class, metrics })
    }
}

impl BackgroundJob for BackgroundEvaluation {
    fn evaluation(&self) -> EvaluationKey {
        self.key
    }

    fn advance(
        &mut self,
        session: &Session,
        _partial: Option<&QueryRankings>,
    ) -> Result<Vec<ReplyKind>> {
        let (index, mode) = session.ranker_index(self.key.ranker)?;
        let similarity = session.similarity(index, mode)?;
        let mut replies = Vec::new();
        for (position, ranked) in self.ranker.advance(index, &similarity, STEP_TIME)? {
            replies.extend(self.add(session, index, position, &ranked.ranking));
        }
        Ok(replies)
    }

    fn progress(&self) -> Option<Progress> {
        let mode = match self.key.ranker {
            Ranker::OpenIndex(mode) | Ranker::ImportedIndex(_, mode) => mode.name(),
            Ranker::ImportedRun(_) => "",
        };
        Some(Progress::new(
            format!("evaluating {mode}"),
            self.ranker.done(),
            self.queries.len() as u64,
        ))
    }

    fn is_done(&self) -> bool {
        self.ranker.is_done()
    }

    /// Stores the rankings in the session and, for the next time, in the cache.
    fn finish(self, session: &mut Session, elapsed: Duration) -> Option<ReplyKind> {
        let cache = session.evaluation_cache.as_ref();
        if let Some((cache, name)) = cache.zip(session.cache_name(self.key)) {
            // the cache only saves time: an evaluation that is not in it is computed again
            let _ = cache.store(&name, &self.rankings);
        }
        session.rankings.insert(self.key, self.rankings);
        Some(overall_reply(&self.metrics, elapsed))
    }
}

impl Session {
    /// Returns the replies of an evaluation whose rankings are known: those of a run, and those in
    /// the cache. `None` if the evaluation must be computed.
    pub(super) fn known_evaluation(&mut self, key: EvaluationKey) -> Option<Vec<ReplyKind>> {
        let rankings = match self.run_rankings(key.ranker, key.seed_count) {
            Some(rankings) => rankings,
            None => self
                .evaluation_cache
                .as_ref()?
                .find(&self.cache_name(key)?)?,
        };
        let index = self.ranker_index(key.ranker).ok().map(|(index, _)| index);
        let mut metrics = Vec::new();
        for query in self.queries_with(key.seed_count) {
            if let Some(ranking) = rankings.get(&(query.class, query.number)) {
                let protocol = EvaluationProtocol::Standard;
                let of_query = self.query_metrics(protocol, query, ranking, index);
                metrics.push((query.class, of_query));
            }
        }
        self.rankings.insert(key, rankings);
        let mut replies = Vec::new();
        for (class, mean, _) in eval::aggregate(metrics.iter().copied()).classes {
            let metrics = mean;
            replies.push(ReplyKind::ClassEvaluated { class, metrics });
        }
        replies.push(overall_reply(&metrics, Duration::ZERO));
        Some(replies)
    }

    /// Returns everything that the rankings of an evaluation depend on except the program itself.
    /// `None` if the index can no longer be read.
    fn cache_name(&self, key: EvaluationKey) -> Option<String> {
        let (index, mode) = self.ranker_index(key.ranker).ok()?;
        let fingerprint = index.fingerprint().ok()?;
        let seeds = key.seed_count.as_usize();
        let ranking = match key.ranking {
            RankingKind::Feedback => "Feedback",
            RankingKind::Window => "Expanded",
            RankingKind::Joint => "Joint",
            RankingKind::SeedSimilarity => "Seeds",
        };
        let mut name = format!("{fingerprint} {mode} {seeds} {ranking}");
        if key.ranking == RankingKind::Feedback && matches!(key.ranker, Ranker::OpenIndex(_)) {
            for companion in &self.companions {
                name.push_str(&format!(" with {}", companion.fingerprint().ok()?));
            }
        }
        Some(name)
    }
}

/// Returns the reply with the means over all queries.
fn overall_reply(metrics: &[(ClassId, MetricValues)], elapsed: Duration) -> ReplyKind {
    ReplyKind::Evaluated {
        metrics: eval::aggregate(metrics.iter().copied()).overall,
        interval: eval::bootstrap_intervals(metrics),
        elapsed,
    }
}
