//! A run in memory.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::types::{EntityId, RankingKind, SeedCount};

/// The number of characters of a hash that a message shows.
const SHORT_HASH: usize = 8;

/// The rankings of one system for many queries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// The name of the system, with `_` for blanks. A folder does not state one, and is called by
    /// its file name.
    pub tag: String,
    /// Every setting that made the run; empty for a run that comes without settings.
    pub settings: Map<String, Value>,
    /// The rankings in the order of the file, or, for a folder, of the data set's queries.
    pub rankings: Vec<Ranking>,
    /// The names of entities that the vocabulary does not have, or that are ambiguous. Their ids
    /// belong to no entity of the vocabulary.
    pub unknown_entities: BTreeMap<EntityId, String>,
}

/// The candidates of one query with their scores, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// `<class>/<3|5>/<number from 1>`, as written by [`super::run_query_id`].
    pub query: String,
    /// Entities with scores; 1 / rank where the file has no scores.
    pub candidates: Vec<(EntityId, f64)>,
}

/// Checks that every score is finite, since no run format can store another. Error: `Mismatch`,
/// with the query and the entity.
pub fn check_scores(query: &str, candidates: &[(EntityId, f64)]) -> Result<()> {
    match candidates.iter().find(|(_, score)| !score.is_finite()) {
        Some((entity, score)) => Err(Error::Mismatch(format!(
            "the score of entity {entity} for query {query} is {score}, not a finite number"
        ))),
        None => Ok(()),
    }
}

impl Run {
    /// Returns the reason why the run must not be scored on this data set, whose
    /// [`Dataset::hash`] is `hash`: by its settings it was made for another data set, for the
    /// queries of another folder, or for queries or gold that have changed since. A setting that
    /// is not there is assumed to agree.
    pub fn mismatch(&self, dataset: &Dataset, hash: &str) -> Option<String> {
        if let Some(other) = self.text_setting("dataset_hash")
            && other != hash
        {
            return Some(format!(
                "it is of another data set: {}…, not {}…",
                short(other),
                short(hash)
            ));
        }
        let queries_hash = self.text_setting("queries_hash");
        let is_current = |seeds| queries_hash.is_some_and(|own| own == dataset.queries_hash(seeds));
        if [SeedCount::Three, SeedCount::Five]
            .into_iter()
            .any(is_current)
        {
            return None;
        }
        if let Some(folder) = self.text_setting("queries") {
            return Some(format!(
                "its queries are those of {folder}, not those that it is compared on (--queries \
                 names a folder)"
            ));
        }
        queries_hash?;
        Some(
            "the queries or the gold that it was made with are not those that it is compared on"
                .into(),
        )
    }

    /// Returns whether all classes of a query number drew from one pool, by the run's settings;
    /// `None` if they do not say so.
    pub fn is_joint(&self) -> Option<bool> {
        let protocol = self.text_setting("protocol")?;
        let ranking = self.settings.get("ranking").cloned().unwrap_or_default();
        // Runs of other systems may name rankings that are not ours. Older runs say `expanded`, which
        // the type still reads.
        let ranking: Option<RankingKind> = serde_json::from_value(ranking).ok();
        let is_window = ranking == Some(RankingKind::Window);
        Some(ranking == Some(RankingKind::Joint) || protocol == "published" && is_window)
    }

    /// Checks every score with [`check_scores`].
    pub(super) fn check_scores(&self) -> Result<()> {
        self.rankings
            .iter()
            .try_for_each(|ranking| check_scores(&ranking.query, &ranking.candidates))
    }

    fn text_setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str)
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}
