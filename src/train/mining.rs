//! Mining of positives and hard negatives for the tasks that compare views: the current model
//! expands every query.

use std::collections::HashMap;
use std::path::Path;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::expand::{
    ExpandConfig, FeedbackConfig, FeedbackQuery, Similarity, expand, rank_by_feedback,
};
use crate::features::samples::FeatureSources;
use crate::index::{Builder, Entity, Index, ModeIndex, Provenance, States, StoragePrecision};
use crate::model::Network;
use crate::progress::{Observer, Progress, Unobserved};
use crate::train::entity_states::mean_states;
use crate::train::train_config::{MiningConfig, MiningRanking, QuerySource, TrainConfig};
use crate::types::{EntityId, Mode, Query, Row};

/// The result of mining with one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinedQuery {
    /// The seeds and the best candidates.
    pub positives: Vec<Row>,
    /// The last candidates of the ranking: similar to the class, but usually not of it.
    pub negatives: Vec<Row>,
}

/// Expands every query with the current model, and returns the positives and hard negatives of each.
/// The index that this takes is built in the folder `scratch`, which is removed afterwards.
///
/// Errors: `Missing` if there is no query; those of the index; `Stopped`.
pub fn mine(
    network: &Network,
    sources: &FeatureSources,
    dataset: &Dataset,
    config: &TrainConfig,
    scratch: &Path,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<MinedQuery>> {
    let mining = &config.mining;
    let queries = mining_queries(sources, dataset, mining.query_source);
    if queries.is_empty() {
        return Err(Error::Missing {
            what: "queries to mine with",
            path: dataset.root.join("query"),
            hint:
                "set mining.from to \"entities\", or remove contrastive and clustering from tasks"
                    .into(),
        });
    }
    let index = build_index(network, sources, config, scratch, observer)?;
    let view = index.view(Mode::Both)?;
    let mut mined = Vec::with_capacity(queries.len());
    for (done, seeds) in (1..).zip(&queries) {
        let ranking = rank(&view, seeds, mining)?;
        mined.push(split_ranking(seeds, &ranking, mining));
        observer.report(Progress::new("mining", done, queries.len() as u64))?;
    }
    drop(index);
    std::fs::remove_dir_all(scratch).map_err(Error::io("remove", scratch))?;
    Ok(mined)
}

/// Ranks the candidates of a query.
fn rank(view: &ModeIndex, seeds: &[Row], mining: &MiningConfig) -> Result<Vec<Row>> {
    match mining.ranking {
        MiningRanking::Window => {
            let config = ExpandConfig {
                size: mining.ranking_size,
                ..ExpandConfig::default()
            };
            let expansion = expand(view, seeds, &[], &config, &mut Unobserved)?;
            Ok(expansion.ranking().collect())
        }
        MiningRanking::Feedback => {
            let similarity = Similarity::of_view(*view);
            let query = FeedbackQuery::from_seeds(seeds);
            let config = FeedbackConfig::default();
            Ok(rank_by_feedback(&similarity, &query, mining.ranking_size, &config)?.ranking)
        }
    }
}

/// Takes the positives from the start of a ranking and the negatives from its end. If the ranking is
/// too short for both, the positives come first.
fn split_ranking(seeds: &[Row], ranking: &[Row], mining: &MiningConfig) -> MinedQuery {
    let positives = mining.positives.min(ranking.len());
    let first_negative = ranking
        .len()
        .saturating_sub(mining.negatives)
        .max(positives);
    MinedQuery {
        positives: seeds.iter().chain(&ranking[..positives]).copied().collect(),
        negatives: ranking[first_negative..].to_vec(),
    }
}

/// Returns the seeds of each query to expand.
fn mining_queries(
    sources: &FeatureSources,
    dataset: &Dataset,
    query_source: QuerySource,
) -> Vec<Vec<Row>> {
    let entities = &sources.pairs.entities;
    let all_rows = (0..entities.len() as u32).map(Row);
    match query_source {
        QuerySource::Entities => all_rows.map(|row| vec![row]).collect(),
        QuerySource::Queries => {
            let rows: HashMap<EntityId, Row> = entities.iter().copied().zip(all_rows).collect();
            dataset
                .queries
                .iter()
                .map(|query| seed_rows(query, &rows))
                .filter(|seeds| !seeds.is_empty())
                .collect()
        }
    }
}

/// Returns the rows of a query's known seeds, sorted, each once.
fn seed_rows(query: &Query, rows: &HashMap<EntityId, Row>) -> Vec<Row> {
    let mut seeds: Vec<Row> = query
        .seeds
        .iter()
        .filter_map(|id| rows.get(id).copied())
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

/// Builds an index of the current model in the one mode that is expanded.
fn build_index(
    network: &Network,
    sources: &FeatureSources,
    config: &TrainConfig,
    scratch: &Path,
    observer: &mut dyn Observer<Progress>,
) -> Result<Index> {
    let means = mean_states(network, sources, config.input_mode(), usize::MAX, observer)?;
    let (mut weight, mut bias) = network.student.head.last_layer();
    if let Some(prototypes) = config.prototypes {
        let mode = config.most_discriminative_mode();
        let states = mean_states(network, sources, mode, usize::MAX, observer)?;
        (weight, bias) = prototypes.refine(&weight, &bias, &states);
    }
    let entities: Vec<Entity> = sources
        .pairs
        .entities
        .iter()
        .map(|&id| Entity {
            id,
            name: id.to_string(),
        })
        .collect();
    let offsets: Vec<i64> = (0..=entities.len() as i64).collect();
    let pair_states: Vec<i32> = (0..entities.len() as i32).collect();
    let states = States::from_pairs(means, &offsets, &pair_states, StoragePrecision::Single);
    let mut builder = Builder::new(scratch, entities, &weight, &bias, Provenance::default())?;
    builder.add_mode(Mode::Both, states, &mut Unobserved)?;
    builder.finish()?;
    Index::open(scratch, sources.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positives_and_negatives_are_the_ends_of_the_ranking() {
        let ranking: Vec<Row> = (10..210).map(Row).collect();
        let mining = MiningConfig::default();
        let mined = split_ranking(&[Row(1), Row(2)], &ranking, &mining);
        assert_eq!(mined.positives, [1, 2, 10, 11, 12, 13, 14].map(Row));
        assert_eq!(
            (mined.negatives.len(), mined.negatives[0]),
            (30, Row(180)),
            "ranks 171 to 200"
        );
        let short = split_ranking(&[Row(1)], &ranking[..7], &mining);
        assert_eq!((short.positives.len(), short.negatives.len()), (6, 2));
        assert!(split_ranking(&[Row(1)], &[], &mining).negatives.is_empty());
    }
}
