//! Builds the report of a comparison.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use crate::data::Dataset;
use crate::error::Result;
use crate::eval;
use crate::eval::comparison;
use crate::eval::comparison::{Comparison, ComparisonSettings};
use crate::eval::{EntityGroups, SubgroupAnalysis};
use crate::jobs::compare::{LoadedRuns, RunInputs, ScoredRuns, load_runs, score_runs};
use crate::progress::{Observer, Progress};
use crate::report::{Report, thumbnails};
use crate::types::EntityId;

/// The rank up to which a report's analyses count entities.
const ANALYSIS_DEPTH: usize = 50;
/// The size in bytes of all images of a report, enough for about 1,500: the page of any data set
/// still opens at once.
const MAX_IMAGE_BYTES: usize = 4 << 20;

/// Compares runs, adds every analysis that the data set allows over the runs that can be scored,
/// and reads the images of the entities that were gained and lost.
///
/// # Errors
///
/// Fails like a comparison; `Stopped`.
pub fn report(
    runs: &RunInputs,
    settings: &ComparisonSettings,
    observer: &mut dyn Observer<Progress>,
) -> Result<Report> {
    let loaded = load_runs(runs)?;
    let LoadedRuns {
        inputs,
        dataset,
        seeds,
    } = &loaded;
    let comparison = comparison::compare(inputs, dataset, *seeds, settings)?;
    let scored = score_runs(&loaded, &comparison.dataset_hash);
    let evidence = dataset.evidence(observer)?;
    let groups = [
        dataset
            .image_kinds()
            .map(|kinds| eval::group_by_image_kind(&evidence, &kinds)),
        Ok(eval::group_by_shared_words(dataset)),
        Ok(eval::group_by_pair_count(&evidence)),
    ];
    let (analyses, notes) = analyses(dataset, &scored, groups, &comparison);
    let mut images: Vec<(EntityId, &Path)> = Vec::new();
    for entity in exchanged(&comparison) {
        if let Some(image) = evidence.get(&entity).and_then(|e| e.images.first()) {
            images.push((entity, image.as_path()));
        }
    }
    let (images, images_left_out) = thumbnails(&images, MAX_IMAGE_BYTES, observer)?;
    Ok(Report {
        comparison,
        analyses,
        notes,
        images,
        images_left_out,
    })
}

/// Analyses the scored runs by each grouping. Returns the analyses, and notes about runs and
/// analyses that are left out.
fn analyses(
    dataset: &Dataset,
    runs: &ScoredRuns,
    groups: [Result<EntityGroups>; 3],
    comparison: &Comparison,
) -> (Vec<SubgroupAnalysis>, Vec<String>) {
    let mut notes = Vec::new();
    for (name, reason) in &runs.left_out {
        notes.push(format!("No analysis has {name}: {reason}."));
    }
    let mut analyses = Vec::new();
    if runs.scored.is_empty() {
        return (analyses, notes);
    }
    for groups in groups {
        let analysis = groups.and_then(|groups| {
            let seeds = comparison.seeds;
            eval::recall_analysis(dataset, &groups, &runs.scored, seeds, ANALYSIS_DEPTH)
        });
        match analysis {
            Ok(analysis) => analyses.push(analysis),
            Err(error) => notes.push(format!("One analysis is not here: {error}.")),
        }
    }
    (analyses, notes)
}

/// Returns every entity that was gained or lost, the most frequent first.
fn exchanged(comparison: &Comparison) -> Vec<EntityId> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::comparison::PairOutcome;
    use crate::eval::comparison::{ChangedEntity, PairComparison, RankingChange, RunPair};
    use crate::types::SeedCount;

    #[test]
    fn most_exchanged_entities_come_first() {
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
