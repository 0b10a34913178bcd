//! Analyses runs and indexes by subgroups of entities and by the number of seeds.

use crate::data::Dataset;
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::{EntityGroups, SubgroupAnalysis};
use crate::expand;
use crate::expand::{ExpandConfig, FeedbackConfig, FeedbackQuery, Pick};
use crate::jobs::compare::{RunInputs, load_runs, score_runs};
use crate::progress::{Observer, Progress};
use crate::types::{CUTOFFS, ClassId, EntityId, Mode, Query, RankingKind, Row, SeedCount};

/// The property by which entities are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// The kinds of an entity's images.
    Images,
    /// The words that the name shares with another class.
    Polysemy,
    /// The number of pairs.
    Pairs,
}

fn groups(
    dataset: &Dataset,
    property: Property,
    observer: &mut dyn Observer<Progress>,
) -> Result<EntityGroups> {
    Ok(match property {
        Property::Images => {
            let kinds = dataset.image_kinds()?;
            eval::group_by_image_kind(&dataset.evidence(observer)?, &kinds)
        }
        Property::Polysemy => eval::group_by_shared_words(dataset),
        Property::Pairs => eval::group_by_pair_count(&dataset.evidence(observer)?),
    })
}

/// Computes the recall at rank `k` by a property of the entities, for runs side by side. A run that
/// is not comparable is left out with a note.
///
/// # Errors
///
/// Fails if a run or a file of the data set cannot be read. `Mismatch` if no run is comparable, or
/// if the runs have no query in common.
pub fn analyse(
    runs: &RunInputs,
    property: Property,
    k: usize,
    observer: &mut dyn Observer<Progress>,
) -> Result<SubgroupAnalysis> {
    let loaded = load_runs(runs)?;
    let dataset = &loaded.dataset;
    let runs = score_runs(&loaded, &dataset.hash()?);
    let mut reasons = Vec::new();
    for (name, reason) in &runs.left_out {
        reasons.push(format!("{name} is {reason}"));
    }
    if runs.scored.is_empty() {
        return Err(Error::Mismatch(reasons.join("; ")));
    }
    let groups = groups(dataset, property, observer)?;
    let mut analysis = eval::recall_analysis(dataset, &groups, &runs.scored, loaded.seeds, k)?;
    for reason in reasons {
        analysis.notes.push(reason + ".");
    }
    Ok(analysis)
}

/// Computes MAP at a cutoff by the number of given seeds of 5-seed queries. The other seeds are
/// neither candidates nor gold.
///
/// # Errors
///
/// `Argument` for another cutoff than 10, 20, 50 or 100, and `Mismatch` without such queries;
/// `Stopped`.
pub fn analyse_seeds(
    session: &Session,
    modes: &[Mode],
    ranking: RankingKind,
    cutoff: usize,
    observer: &mut dyn Observer<Progress>,
) -> Result<SubgroupAnalysis> {
    let Some(position) = CUTOFFS.iter().position(|&k| k == cutoff) else {
        return Err(Error::Argument(format!(
            "unknown cutoff {cutoff} (expected one of: 10, 20, 50, 100)"
        )));
    };
    let (queries, left_out) = queries_with_five_seeds(session);
    if queries.is_empty() {
        return Err(Error::Mismatch(
            "there is no query with 5 seeds that are all in the index".into(),
        ));
    }
    let mut columns = Vec::new();
    for &mode in modes {
        let ranker = SeedCountRanker {
            session,
            mode,
            ranking,
        };
        let values = ranker.average_precisions(&queries, position, observer)?;
        columns.push((mode.name().to_owned(), values));
    }
    let mut analysis = eval::seed_count_analysis(&columns, cutoff);
    if left_out > 0 {
        analysis.notes.push(format!(
            "{left_out} queries are left out: a seed is not in the index."
        ));
    }
    Ok(analysis)
}

/// Returns the queries with 5 seeds that are all in the index, and the number of the others.
fn queries_with_five_seeds(session: &Session) -> (Vec<&Query>, usize) {
    let five = SeedCount::Five;
    let mut complete = Vec::new();
    let mut left_out = 0;
    for query in &session.catalogue.queries {
        if query.seed_count != five {
            continue;
        }
        let is_indexed = |&seed: &EntityId| session.index.row(seed).is_some();
        if query.seeds.len() == five.as_usize() && query.seeds.iter().all(is_indexed) {
            complete.push(query);
        } else {
            left_out += 1;
        }
    }
    (complete, left_out)
}

/// Ranks by some of the seeds of a query.
struct SeedCountRanker<'a> {
    session: &'a Session,
    mode: Mode,
    ranking: RankingKind,
}

impl SeedCountRanker<'_> {
    /// Ranks by the first seed of each query, by the first two, up to all 5. Returns for each number
    /// of seeds the class of every query and its AP at the cutoff with this position.
    fn average_precisions(
        &self,
        queries: &[&Query],
        cutoff: usize,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Vec<Vec<(ClassId, f64)>>> {
        let mut by_count = vec![Vec::new(); SeedCount::Five.as_usize()];
        for (done, query) in queries.iter().enumerate() {
            let stage = format!("ranking by 1 to 5 seeds, {}", self.mode);
            observer.report(Progress::new(stage, done as u64, queries.len() as u64))?;
            for (seeds, values) in (1..).zip(&mut by_count) {
                let ranking = self.rank_by_first(seeds, query)?;
                let metrics = self.session.measure(query.class, &query.seeds, &ranking);
                values.push((query.class, metrics.ap[cutoff]));
            }
        }
        Ok(by_count)
    }

    /// Returns the best candidates for the first `count` seeds of a query, without its other seeds.
    fn rank_by_first(&self, count: usize, query: &Query) -> Result<Vec<EntityId>> {
        let session = self.session;
        let rows = session.known_rows(&query.seeds);
        let (seeds, others) = rows.split_at(count);
        let size = CUTOFFS[3].min(session.index.len() - rows.len());
        let ranking: Vec<Row> = match self.ranking {
            RankingKind::SeedSimilarity => {
                let view = session.index.view(self.mode)?;
                let ranking = expand::rank_by_seeds(&view, seeds, others).into_iter();
                ranking.map(|(row, _)| row).collect()
            }
            RankingKind::Feedback => {
                let similarity = session.similarity(&session.index, self.mode)?;
                let query = FeedbackQuery::from_seeds(seeds);
                let found = expand::rank_by_feedback(
                    &similarity,
                    &query,
                    size + others.len(),
                    &FeedbackConfig::default(),
                )?;
                let is_other = |row: &Row| others.contains(row);
                let ranking = found.ranking.into_iter();
                ranking.filter(|row| !is_other(row)).collect()
            }
            RankingKind::Window | RankingKind::Joint => {
                let view = session.index.view(self.mode)?;
                let config = ExpandConfig {
                    size,
                    ..ExpandConfig::default()
                };
                let on_pick = &mut |_: &Pick| Ok(());
                expand::expand(&view, seeds, others, &config, on_pick)?
                    .ranking()
                    .collect()
            }
        };
        let best = ranking.into_iter().take(size);
        Ok(best.map(|row| session.entity(row)).collect())
    }
}
