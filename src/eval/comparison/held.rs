//! A run held against the data set that the comparison is of.

use serde_json::Value;

use super::{Entry, Outcome};
use crate::data::Dataset;
use crate::eval::{Judged, QueryKey, key_of};
use crate::types::{EntityId, Measures, Protocol, Query, SeedCount};

/// The queries that a run has and that have gold, in the data set's order.
pub(super) type Measured = Vec<(QueryKey, Measures)>;

pub(super) struct Held<'a> {
    pub(super) entry: &'a Entry,
    pub(super) judged: Judged,
    pub(super) measured: Outcome<Measured>,
}

impl<'a> Held<'a> {
    pub(super) fn of(entry: &'a Entry, dataset: &Dataset, hash: &str, seeds: SeedCount) -> Self {
        let judged = Judged::of(&entry.run, dataset);
        let measured = measured(entry, &judged, dataset, hash, seeds);
        Held { entry, judged, measured }
    }

    /// The query's list, best first; empty where the run has none.
    pub(super) fn list(&self, query: &Query) -> &[EntityId] {
        self.judged.lists.get(&key_of(query)).map_or(&[], Vec::as_slice)
    }
}

fn measured(entry: &Entry, judged: &Judged, dataset: &Dataset, hash: &str, seeds: SeedCount) -> Outcome<Measured> {
    let setting = |name: &str| entry.run.settings.get(name).and_then(Value::as_str);
    if let Some(other) = setting("dataset_hash").filter(|other| *other != hash) {
        let short = |hash: &str| hash.chars().take(8).collect::<String>();
        return Outcome::NotComparable(format!("it is of another data set: {}…, not {}…", short(other), short(hash)));
    }
    if let Some(folder) = setting("queries") {
        return Outcome::NotComparable(format!("its queries are those of {folder}, not the data set's"));
    }
    // read for so many seeds, a run of others is empty
    if entry.run.rankings.is_empty() {
        return Outcome::NotRun(format!("it has no query of {} seeds", seeds.number()));
    }
    if judged.lists.is_empty() {
        return Outcome::NotComparable("it has no query of this data set".into());
    }
    if !judged.lists.keys().any(|(_, count, _)| *count == seeds) {
        return Outcome::NotRun(format!("it has no query of {} seeds", seeds.number()));
    }
    let measured = judged.measures(dataset, seeds, Protocol::Standard);
    if measured.is_empty() {
        return Outcome::NotComparable("none of its queries has gold".into());
    }
    Outcome::Done(measured)
}

/// With how many seeds a run has queries; 3 where it has both, or none.
pub(super) fn seeds_of(entry: Option<&Entry>, dataset: &Dataset) -> SeedCount {
    let lists = entry.map(|entry| Judged::of(&entry.run, dataset).lists).unwrap_or_default();
    let has = |count: SeedCount| lists.keys().any(|(_, seeds, _)| *seeds == count);
    if has(SeedCount::Five) && !has(SeedCount::Three) { SeedCount::Five } else { SeedCount::Three }
}
