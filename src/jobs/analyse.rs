//! Analyses of runs and of an index, and the report.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use crate::data::Dataset;
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::comparison;
use crate::eval::comparison::ComparisonSettings;
use crate::eval::comparison::PairOutcome;
use crate::eval::{EntityGroups, ScoredRun};
use crate::expand;
use crate::expand::{ExpandConfig, Pick};
use crate::jobs;
use crate::jobs::RunInputs;
use crate::progress::{Observer, Progress};
use crate::report::{Report, thumbnails};
use crate::types::{CUTOFFS, ClassId, EntityId, Mode, Query, RankingKind, Row, SeedCount};

pub use crate::eval::SubgroupAnalysis;
pub use crate::report::analysis_plot;

/// What entities are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    Pictures,
    Polysemy,
    Pairs,
}

/// The rank up to which a report's analyses look.
const DEPTH: usize = 50;
/// Of all pictures of a report: some 1,500, so that a page of any data set opens at once.
const PICTURE_BYTES: usize = 4 << 20;

fn groups(
    dataset: &Dataset,
    property: Property,
    observe: &mut dyn Observer<Progress>,
) -> Result<EntityGroups> {
    Ok(match property {
        Property::Pictures => {
            let kinds = dataset.image_kinds()?;
            eval::group_by_image_kind(&dataset.evidence(observe)?, &kinds)
        }
        Property::Polysemy => eval::group_by_shared_words(dataset),
        Property::Pairs => eval::group_by_pair_count(&dataset.evidence(observe)?),
    })
}

/// Recall at rank `k` by a property of entities, for runs side by side; one that is not comparable
/// is left out and noted. Errors: those of reading them, of the data set's files, and `Mismatch`
/// where no run is left or they have no query in common.
pub fn analyse(
    runs: &RunInputs,
    property: Property,
    k: usize,
    observe: &mut dyn Observer<Progress>,
) -> Result<SubgroupAnalysis> {
    let (entries, dataset, seeds) = jobs::entries(runs)?;
    let (judged, left_out) = judged(&entries, &dataset, &dataset.hash()?, seeds);
    if judged.is_empty() {
        let why = left_out
            .iter()
            .map(|(name, why)| format!("{name} is {why}"))
            .collect::<Vec<_>>();
        return Err(Error::Mismatch(why.join("; ")));
    }
    let mut analysis = eval::recall_analysis(
        &dataset,
        &groups(&dataset, property, observe)?,
        &judged,
        seeds,
        k,
    )?;
    analysis.notes.extend(
        left_out
            .into_iter()
            .map(|(name, why)| format!("{name} is {why}.")),
    );
    Ok(analysis)
}

/// By the names of runs.
type Named<T> = Vec<(String, T)>;

/// The runs that can be scored on the data set, whose [`Dataset::hash`] this is, and which are left
/// out, and why.
fn judged(
    entries: &[comparison::ComparisonInput],
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> (Named<ScoredRun>, Named<String>) {
    let (mut judged, mut left_out) = (Vec::new(), Vec::new());
    // as the first that says how it was expanded
    let first = entries.iter().find_map(|entry| entry.run.is_joint());
    for entry in entries {
        let outcome = match comparison::score_run(entry, dataset, hash, seeds) {
            PairOutcome::Done(_)
                if entry
                    .run
                    .is_joint()
                    .is_some_and(|joint| Some(joint) != first) =>
            {
                PairOutcome::NotComparable(comparison::DIFFERENT_POOLS.into())
            }
            other => other,
        };
        left_out.extend(
            outcome
                .failure_reason()
                .map(|why| (entry.name.clone(), why)),
        );
        if let PairOutcome::Done(run) = outcome {
            judged.push((entry.name.clone(), run));
        }
    }
    (judged, left_out)
}

/// A comparison with every analysis that the data set allows, of the runs that have scores, and the
/// pictures of what was gained and lost. Errors: those of [`jobs::compare`]; `Stopped`.
pub fn report(
    runs: &RunInputs,
    settings: &ComparisonSettings,
    observe: &mut dyn Observer<Progress>,
) -> Result<Report> {
    let (entries, dataset, seeds) = jobs::entries(runs)?;
    let comparison = comparison::compare(&entries, &dataset, seeds, settings)?;
    let (judged, left_out) = judged(&entries, &dataset, &comparison.dataset_hash, seeds);
    let left_out = left_out
        .into_iter()
        .map(|(name, why)| format!("No analysis has {name}: {why}."));
    let mut notes: Vec<String> = left_out.collect();
    let evidence = dataset.evidence(observe)?;
    let by_pictures = dataset
        .image_kinds()
        .map(|kinds| eval::group_by_image_kind(&evidence, &kinds));
    let mut analyses = Vec::new();
    let all = [
        by_pictures,
        Ok(eval::group_by_shared_words(&dataset)),
        Ok(eval::group_by_pair_count(&evidence)),
    ];
    for groups in all.into_iter().filter(|_| !judged.is_empty()) {
        match groups.and_then(|groups| {
            eval::recall_analysis(&dataset, &groups, &judged, comparison.seeds, DEPTH)
        }) {
            Ok(analysis) => analyses.push(analysis),
            Err(why) => notes.push(format!("One analysis is not here: {why}.")),
        }
    }
    let picture = |id: EntityId| Some((id, evidence.get(&id)?.images.first()?.as_path()));
    let shown: Vec<(EntityId, &Path)> = exchanged(&comparison)
        .into_iter()
        .filter_map(picture)
        .collect();
    let (pictures, unpictured) = thumbnails(&shown, PICTURE_BYTES, observe)?;
    Ok(Report {
        comparison,
        analyses,
        notes,
        images: pictures,
        images_left_out: unpictured,
    })
}

/// Every entity that was gained or lost, the most often first.
fn exchanged(comparison: &comparison::Comparison) -> Vec<EntityId> {
    let paired = comparison
        .pairs
        .iter()
        .filter_map(|pair| pair.result.done());
    let mut times: BTreeMap<EntityId, usize> = BTreeMap::new();
    for entity in paired
        .flat_map(|paired| &paired.ranking_changes)
        .flat_map(|e| e.gained.iter().chain(&e.lost))
    {
        *times.entry(entity.id).or_default() += 1;
    }
    let mut entities: Vec<(EntityId, usize)> = times.into_iter().collect();
    entities.sort_by_key(|(_, times)| Reverse(*times));
    entities.into_iter().map(|(entity, _)| entity).collect()
}

impl Session {
    /// MAP at a cutoff by how many of the seeds of 5-seed queries are given. The other seeds are
    /// neither candidates nor gold. Errors: `Mismatch` without such queries; `Stopped`.
    pub fn analyse_seeds(
        &self,
        modes: &[Mode],
        ranking: RankingKind,
        cutoff: usize,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<SubgroupAnalysis> {
        let place = CUTOFFS.iter().position(|&k| k == cutoff);
        let place = place.ok_or_else(|| {
            Error::Argument(format!(
                "a cutoff of {cutoff}: there are 10, 20, 50 and 100"
            ))
        })?;
        let (queries, left_out) = self.queries_of_five();
        if queries.is_empty() {
            return Err(Error::Mismatch(
                "there is no query of 5 seeds that are all in the index".into(),
            ));
        }
        let mut columns = Vec::new();
        for &mode in modes {
            let by_number = self.precisions_by_seeds(mode, ranking, &queries, place, observe)?;
            columns.push((mode.name().to_owned(), by_number));
        }
        let mut analysis = eval::seed_count_analysis(&columns, cutoff);
        if left_out > 0 {
            analysis.notes.push(format!(
                "{left_out} queries are left out: a seed is not in the index."
            ));
        }
        Ok(analysis)
    }

    /// Returns the queries of 5 seeds that are all in the index, and the number of the others.
    fn queries_of_five(&self) -> (Vec<&Query>, usize) {
        let five = SeedCount::Five.as_usize();
        let mut known = Vec::new();
        let mut left_out = 0;
        for query in &self.catalogue.queries {
            if query.seed_count != SeedCount::Five {
                continue;
            }
            if query.seeds.len() == five && query.seeds.iter().all(|&s| self.index.row(s).is_some())
            {
                known.push(query);
            } else {
                left_out += 1;
            }
        }
        (known, left_out)
    }

    /// Ranks by the first seed of each query, by the first two, up to all 5, and returns for each
    /// number of seeds the AP at the cutoff with the place `cutoff` of every query, with its class.
    fn precisions_by_seeds(
        &self,
        mode: Mode,
        ranking: RankingKind,
        queries: &[&Query],
        cutoff: usize,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Vec<Vec<(ClassId, f64)>>> {
        let mut by_number = vec![Vec::new(); SeedCount::Five.as_usize()];
        for (done, query) in queries.iter().enumerate() {
            let stage = format!("ranking by 1 to 5 seeds, {mode}");
            observe.report(Progress::new(stage, done as u64, queries.len() as u64))?;
            for (given, values) in (1..).zip(&mut by_number) {
                let list = self.rank_by_first(mode, ranking, query, given)?;
                let measures = self.measure(query.class, &query.seeds, &list);
                values.push((query.class, measures.ap[cutoff]));
            }
        }
        Ok(by_number)
    }

    /// The best candidates by the first `given` of a query's seeds, alone; the other seeds are
    /// none.
    fn rank_by_first(
        &self,
        mode: Mode,
        ranking: RankingKind,
        query: &Query,
        given: usize,
    ) -> Result<Vec<EntityId>> {
        let (view, rows) = (self.index.view(mode)?, self.known_rows(&query.seeds));
        let (seeds, others) = rows.split_at(given);
        let size = CUTOFFS[3].min(view.len() - rows.len());
        let found: Vec<Row> = match ranking {
            RankingKind::SeedSimilarity => expand::rank_by_seeds(&view, seeds, others)
                .into_iter()
                .map(|(row, _)| row)
                .collect(),
            RankingKind::Expanded | RankingKind::Joint => {
                let config = ExpandConfig {
                    size,
                    ..ExpandConfig::default()
                };
                let all = &mut |_: &Pick| Ok(());
                expand::expand(&view, seeds, others, &config, all)?
                    .ranking()
                    .collect()
            }
        };
        Ok(found
            .into_iter()
            .take(size)
            .map(|row| self.entity(row))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::comparison::{ChangedEntity, PairComparison, RankingChange, RunPair};

    #[test]
    fn what_is_exchanged_most_often_comes_first() {
        let exchanged_of = |ids: &[u32]| -> Vec<ChangedEntity> {
            let one = |&id| ChangedEntity {
                id: EntityId(id),
                name: None,
                gold: false,
                rank: 1,
                other_rank: None,
            };
            ids.iter().map(one).collect()
        };
        let pair = |gained: &[u32], lost: &[u32]| {
            let exchange = RankingChange {
                query: String::new(),
                gained: exchanged_of(gained),
                lost: exchanged_of(lost),
            };
            let paired = PairComparison {
                queries: 2,
                unshared: [0; 2],
                metrics: BTreeMap::new(),
                groups: Vec::new(),
                ranking_changes: vec![exchange],
            };
            let (run, reference) = (String::new(), String::new());
            RunPair {
                indices: [1, 0],
                run,
                reference,
                result: PairOutcome::Done(paired),
            }
        };
        let comparison = comparison::Comparison {
            dataset: std::path::PathBuf::new(),
            dataset_hash: String::new(),
            seeds: SeedCount::Three,
            queries: 2,
            metrics: Vec::new(),
            depth: 10,
            family: 0,
            runs: Vec::new(),
            pairs: vec![pair(&[5, 4], &[9]), pair(&[1], &[9]), pair(&[4], &[9])],
        };
        assert_eq!(exchanged(&comparison), [9, 4, 1, 5].map(EntityId));
    }
}
