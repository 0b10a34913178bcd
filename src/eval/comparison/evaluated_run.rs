//! A run held against the data set that the comparison is of.

use crate::data::Dataset;
use crate::eval::comparison::{Entry, Outcome};
use crate::eval::run::Run;
use crate::eval::scored_run::{Judged, QueryKey, key_of};
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
        Held {
            entry,
            judged,
            measured,
        }
    }

    /// The query's list, best first; empty where the run has none.
    pub(super) fn list(&self, query: &Query) -> &[EntityId] {
        self.judged
            .lists
            .get(&key_of(query))
            .map_or(&[], Vec::as_slice)
    }
}

/// A run as it is scored on a data set, whose [`Dataset::hash`] this is, over queries of so many
/// seeds; else why it is not.
pub fn judge(entry: &Entry, dataset: &Dataset, hash: &str, seeds: SeedCount) -> Outcome<Judged> {
    let Held {
        judged, measured, ..
    } = Held::of(entry, dataset, hash, seeds);
    match measured {
        Outcome::Done(_) => Outcome::Done(judged),
        Outcome::NotRun(why) => Outcome::NotRun(why),
        Outcome::NotComparable(why) => Outcome::NotComparable(why),
    }
}

fn measured(
    entry: &Entry,
    judged: &Judged,
    dataset: &Dataset,
    hash: &str,
    seeds: SeedCount,
) -> Outcome<Measured> {
    if let Some(why) = entry.run.mismatch(dataset, hash) {
        return Outcome::NotComparable(why);
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
pub fn seeds_of(run: &Run, dataset: &Dataset) -> SeedCount {
    let lists = Judged::of(run, dataset).lists;
    let has = |count: SeedCount| lists.keys().any(|(_, seeds, _)| *seeds == count);
    if has(SeedCount::Five) && !has(SeedCount::Three) {
        SeedCount::Five
    } else {
        SeedCount::Three
    }
}
