//! Positives and hard negatives for the tasks that compare views: every query is expanded by the
//! model so far.

use std::collections::HashMap;
use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::expand;
use crate::expand::expand;
use crate::features::samples::FeatureSources;
use crate::index;
use crate::index::{Builder, Entity, Index, Provenance};
use crate::model::Network;
use crate::progress::{Observer, Progress, Unobserved};
use crate::train::config::{MinedFrom, Mining, TrainConfig};
use crate::train::entity_states::mean_states;
use crate::types::{EntityId, Mode, Query, Row};

/// What one query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinedQuery {
    /// Its seeds and the best of its list.
    pub positives: Vec<Row>,
    /// The last of its list: like the class, and as a rule not of it.
    pub negatives: Vec<Row>,
}

/// Expands every query and keeps both ends of its list. `scratch`: a folder for the index that this
/// takes; removed after.
///
/// Errors: no query; those of the index; `Stopped`.
pub fn mine(
    network: &Network,
    sources: &FeatureSources,
    dataset: &Dataset,
    settings: &TrainConfig,
    scratch: &Path,
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<MinedQuery>> {
    let mining = &settings.mining;
    let queries = queries(sources, dataset, mining.from);
    if queries.is_empty() {
        let hint =
            "set mining.from to \"entities\", or leave contrast and clustering out of the tasks"
                .into();
        return Err(Error::Missing {
            what: "queries to mine with",
            path: dataset.root.join("query"),
            hint,
        });
    }
    let index = build(network, sources, settings, scratch, observe)?;
    let view = index.view(Mode::Both)?;
    let config = expand::ExpandConfig {
        size: mining.size,
        ..expand::ExpandConfig::default()
    };
    let mut groups = Vec::with_capacity(queries.len());
    for (done, seeds) in queries.iter().enumerate() {
        let list: Vec<Row> = expand(&view, seeds, &[], &config, &mut |_: &_| Ok(()))?
            .ranking()
            .collect();
        groups.push(group(seeds, &list, mining));
        observe.report(Progress::new(
            "mining",
            done as u64 + 1,
            queries.len() as u64,
        ))?;
    }
    drop(index);
    std::fs::remove_dir_all(scratch).map_err(Error::io("remove", scratch))?;
    Ok(groups)
}

/// Both ends of a query's list. A list that is too short for both gives its positives first.
fn group(seeds: &[Row], list: &[Row], mining: &Mining) -> MinedQuery {
    let best = mining.positives.min(list.len());
    let last = list.len().saturating_sub(mining.negatives).max(best);
    MinedQuery {
        positives: seeds.iter().chain(&list[..best]).copied().collect(),
        negatives: list[last..].to_vec(),
    }
}

fn queries(sources: &FeatureSources, dataset: &Dataset, from: MinedFrom) -> Vec<Vec<Row>> {
    let entities = &sources.pairs.entities;
    match from {
        MinedFrom::Entities => (0..entities.len() as u32)
            .map(|row| vec![Row(row)])
            .collect(),
        MinedFrom::Queries => {
            let rows: HashMap<EntityId, Row> = entities
                .iter()
                .enumerate()
                .map(|(row, &id)| (id, Row(row as u32)))
                .collect();
            let seeds = |query: &Query| -> Vec<Row> {
                let mut seeds: Vec<Row> = query
                    .seeds
                    .iter()
                    .filter_map(|id| rows.get(id).copied())
                    .collect();
                seeds.sort_unstable();
                seeds.dedup();
                seeds
            };
            dataset
                .queries
                .iter()
                .map(seeds)
                .filter(|seeds| !seeds.is_empty())
                .collect()
        }
    }
}

/// An index of the model so far, in the one mode that is expanded.
fn build(
    network: &Network,
    sources: &FeatureSources,
    settings: &TrainConfig,
    scratch: &Path,
    observe: &mut dyn Observer<Progress>,
) -> Result<Index> {
    let means = mean_states(network, sources, settings.shown(), usize::MAX, observe)?;
    let entities = sources
        .pairs
        .entities
        .iter()
        .map(|&id| Entity {
            id,
            name: id.to_string(),
        })
        .collect();
    let (mut weight, mut bias) = network.student.head.last_layer();
    if let Some(prototypes) = settings.prototypes {
        let states = mean_states(network, sources, settings.tells_best(), usize::MAX, observe)?;
        (weight, bias) = prototypes.refine(&weight, &bias, &states);
    }
    let rows = sources.pairs.entities.len();
    let offsets: Vec<i64> = (0..=rows as i64).collect();
    let states: Vec<i32> = (0..rows as i32).collect();
    let states = index::States::of_pairs(means, &offsets, &states, index::StoragePrecision::Single);
    let mut builder = Builder::new(scratch, entities, &weight, &bias, Provenance::default())?;
    builder.mode(Mode::Both, states, &mut Unobserved)?;
    builder.finish()?;
    Index::open(scratch, sources.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_list_are_kept() {
        let list: Vec<Row> = (10..210).map(Row).collect();
        let mining = Mining::default();
        let group = super::group(&[Row(1), Row(2)], &list, &mining);
        assert_eq!(group.positives, [1, 2, 10, 11, 12, 13, 14].map(Row));
        assert_eq!(
            (group.negatives.len(), group.negatives[0]),
            (30, Row(180)),
            "ranks 171 to 200"
        );
        let short = super::group(&[Row(1)], &list[..7], &mining);
        assert_eq!((short.positives.len(), short.negatives.len()), (6, 2));
        assert!(super::group(&[Row(1)], &[], &mining).negatives.is_empty());
    }
}
