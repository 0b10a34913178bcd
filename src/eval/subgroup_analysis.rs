//! One measure over groups of entities, or over numbers of seeds, for several rankings side by
//! side.

use std::collections::HashSet;

use serde::Serialize;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::bootstrap::{Clusters, MIN_CLASSES};
use crate::eval::comparison::Estimate;
use crate::eval::metrics::gold;
use crate::eval::query_key::query_key;
use crate::eval::scored_run::ScoredRun;
use crate::eval::subgroups::EntityGroups;
use crate::table::Cell::{Count, Empty};
use crate::table::{Table, percent, text};
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// A row of fewer entities (or queries), or of fewer than [`MIN_CLASSES`], tells nothing: there is
/// no interval to trust.
const FEW: usize = 10;

/// A table with a row a group and a column a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubgroupAnalysis {
    /// "Recall@50 by kind of picture".
    pub title: String,
    /// What [`SubgroupCell::value`] is, in a sentence.
    #[serde(rename = "measure")]
    pub value_description: String,
    /// What [`SubgroupCell::contrast`] is, in a sentence.
    #[serde(rename = "contrast")]
    pub contrast_description: String,
    /// What [`SubgroupRow::count`] counts, in the plural.
    #[serde(rename = "counted")]
    pub count_unit: &'static str,
    pub columns: Vec<String>,
    pub rows: Vec<SubgroupRow>,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

impl SubgroupAnalysis {
    /// A line a group and ranking; in %.
    pub fn table(&self) -> Table {
        let heads = [
            "group",
            self.count_unit,
            "classes",
            "ranking",
            "value",
            "95 %",
            "more",
            "95 %",
        ];
        let lines = self.rows.iter().flat_map(|row| {
            let columns = self.columns.iter().zip(&row.cells);
            columns.map(|(column, cell)| {
                // classes may be too few for the one and not for the other
                let interval = |of: Option<Estimate>| match of.map(|of| of.interval) {
                    Some(Some([low, high])) => {
                        text(format!("{} to {}", percent(low), percent(high)))
                    }
                    Some(None) => text("too few"),
                    None => Empty,
                };
                let value = text(percent(cell.value.mean));
                let more = cell.contrast.map_or(Empty, |more| text(percent(more.mean)));
                let named = [
                    text(&row.name),
                    Count(row.count),
                    Count(row.classes),
                    text(column),
                ];
                let measured = [
                    value,
                    interval(Some(cell.value)),
                    more,
                    interval(cell.contrast),
                ];
                named.into_iter().chain(measured).collect()
            })
        });
        Table {
            title: self.title.clone(),
            headers: heads.map(str::to_owned).to_vec(),
            rows: lines.collect(),
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubgroupRow {
    pub name: String,
    pub count: usize,
    pub classes: usize,
    /// Too small to tell anything; then there are no intervals.
    #[serde(rename = "too_few")]
    pub is_too_small: bool,
    /// One a column.
    pub cells: Vec<SubgroupCell>,
}

/// What a ranking comes to in a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SubgroupCell {
    /// 0..1.
    pub value: Estimate,
    /// None where there is nothing to compare with.
    pub contrast: Option<Estimate>,
}

/// With its interval, where there are enough classes.
fn estimate(values: &Values, too_few: bool) -> Estimate {
    let clusters = Clusters::new(values.iter().map(|&(class, value)| (class, [value])));
    let interval = (!too_few)
        .then(|| clusters.interval_if_enough_classes())
        .flatten()
        .map(|([low], [high])| [low, high]);
    Estimate {
        mean: clusters.mean()[0],
        interval,
    }
}

/// Values of queries, or of entities of queries, with their classes.
type Values = Vec<(ClassId, f64)>;

/// Of one row, what a ranking has.
#[derive(Debug, Clone, Default)]
struct ColumnValues {
    values: Values,
    /// May be of fewer, and of none.
    contrasts: Values,
}

impl SubgroupRow {
    fn of(name: String, count: usize, classes: usize, columns: &[ColumnValues]) -> SubgroupRow {
        let too_few = count < FEW || classes < MIN_CLASSES;
        let contrast = |of: &Values| (!of.is_empty()).then(|| estimate(of, too_few));
        let cell = |ColumnValues { values, contrasts }: &ColumnValues| SubgroupCell {
            value: estimate(values, too_few),
            contrast: contrast(contrasts),
        };
        SubgroupRow {
            name,
            count,
            classes,
            is_too_small: too_few,
            cells: columns.iter().map(cell).collect(),
        }
    }
}

/// Recall of gold at rank `k` by group: of every query's gold entities that are in the group, the
/// share that is among the query's first `k`. Beside it by how much that is more than the share of
/// the same query's other gold: classes are not equally hard, and groups are not spread evenly over
/// them. Only queries that every run has count. `by` ends the title.
///
/// Error: `Mismatch` where there is no such query.
pub fn recall_analysis(
    dataset: &Dataset,
    groups: &EntityGroups,
    runs: &[(String, ScoredRun)],
    seeds: SeedCount,
    k: usize,
) -> Result<SubgroupAnalysis> {
    let mut tally = Tally::new(groups, runs.len(), k);
    let is_asked = |query: &&Query| query.seed_count == seeds;
    for query in dataset.queries.iter().filter(is_asked) {
        let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
        if gold.is_empty() {
            continue;
        }
        match lists_of(runs, query) {
            Some(lists) => tally.add(query.class, gold, &lists),
            None => tally.lacking += 1,
        }
    }
    let Tally {
        found,
        asked,
        lacking,
        ..
    } = tally;
    if asked == 0 || runs.is_empty() {
        let none = format!(
            "there is no query of {} seeds that every run has and that has gold",
            seeds.as_usize()
        );
        return Err(Error::Mismatch(none));
    }
    let rows = groups
        .names
        .iter()
        .zip(found)
        .filter(|(_, group)| !group.entities.is_empty());
    let lacks = format!("{lacking} queries are left out: not every run has them.");
    Ok(SubgroupAnalysis {
        title: format!("Recall@{k} by {}", groups.property),
        value_description: format!(
            "The share of a group's gold entities that are among the first {k} of their query's list."
        ),
        contrast_description:
            "By how much that is more than the share of the same queries' other gold.".into(),
        count_unit: "entities",
        columns: runs.iter().map(|(name, _)| name.clone()).collect(),
        rows: rows.map(|(name, group)| group.row(name)).collect(),
        notes: (lacking > 0).then_some(lacks).into_iter().collect(),
    })
}

/// Each run's list of a query; none where a run does not have the query.
fn lists_of<'a>(runs: &'a [(String, ScoredRun)], query: &Query) -> Option<Vec<&'a Vec<EntityId>>> {
    runs.iter()
        .map(|(_, run)| run.rankings.get(&query_key(query)))
        .collect()
}

/// All groups in the making.
struct Tally<'a> {
    groups: &'a EntityGroups,
    /// The rank up to which gold is looked for.
    k: usize,
    found: Vec<GroupTally>,
    /// The number of queries that count.
    asked: usize,
    /// The number of queries that not every run has.
    lacking: usize,
}

impl<'a> Tally<'a> {
    fn new(groups: &'a EntityGroups, runs: usize, k: usize) -> Tally<'a> {
        let nothing = GroupTally {
            columns: vec![ColumnValues::default(); runs],
            ..GroupTally::default()
        };
        Tally {
            groups,
            k,
            found: vec![nothing; groups.names.len()],
            asked: 0,
            lacking: 0,
        }
    }

    /// Adds a query with its gold and each run's list.
    fn add(&mut self, class: ClassId, gold: HashSet<EntityId>, lists: &[&Vec<EntityId>]) {
        self.asked += 1;
        let members: Vec<(usize, EntityId)> = gold
            .into_iter()
            .filter_map(|entity| Some((self.groups.group_of(entity)?, entity)))
            .collect();
        let k = self.k;
        let firsts = lists
            .iter()
            .map(|list| list.iter().take(k).copied().collect());
        for (at, group) in self.found.iter_mut().enumerate() {
            group.add(at, class, &members, firsts.clone());
        }
    }
}

/// A group in the making.
#[derive(Debug, Clone, Default)]
struct GroupTally {
    entities: HashSet<EntityId>,
    classes: HashSet<ClassId>,
    /// One a run.
    columns: Vec<ColumnValues>,
}

impl GroupTally {
    /// Adds a query: its gold with the places of its groups, this group's place, and each run's
    /// first entities.
    fn add(
        &mut self,
        place: usize,
        class: ClassId,
        gold: &[(usize, EntityId)],
        firsts: impl Iterator<Item = HashSet<EntityId>>,
    ) {
        let (own, others): (Vec<_>, Vec<_>) = gold.iter().partition(|(group, _)| *group == place);
        if own.is_empty() {
            return;
        }
        self.classes.insert(class);
        self.entities.extend(own.iter().map(|(_, entity)| entity));
        for (column, first) in self.columns.iter_mut().zip(firsts) {
            let share = |of: &[(usize, EntityId)]| {
                of.iter()
                    .filter(|(_, entity)| first.contains(entity))
                    .count() as f64
                    / of.len() as f64
            };
            // an entity counts as one, so a query as often as it has some
            column
                .values
                .extend(own.iter().map(|_| (class, share(&own))));
            if !others.is_empty() {
                column
                    .contrasts
                    .extend(own.iter().map(|_| (class, share(&own) - share(&others))));
            }
        }
    }

    fn row(self, name: &str) -> SubgroupRow {
        SubgroupRow::of(
            name.to_owned(),
            self.entities.len(),
            self.classes.len(),
            &self.columns,
        )
    }
}

/// AP@K of queries of which only the first seeds are given, a row a number of seeds and a column a
/// ranking: `columns` has, by number of seeds from 1, the same queries in the same order.
pub fn seed_count_analysis(columns: &[(String, Vec<Values>)], k: usize) -> SubgroupAnalysis {
    let most = columns
        .iter()
        .map(|(_, by_number)| by_number.len())
        .min()
        .unwrap_or(0);
    let row = |at: usize| {
        let column = |by_number: &Vec<Values>| {
            let values = by_number[at].clone();
            let before = at
                .checked_sub(1)
                .map_or(&[][..], |before| &by_number[before]);
            let contrasts = values
                .iter()
                .zip(before)
                .map(|(&(class, now), (_, then))| (class, now - then))
                .collect();
            ColumnValues { values, contrasts }
        };
        let columns: Vec<ColumnValues> = columns
            .iter()
            .map(|(_, by_number)| column(by_number))
            .collect();
        let queries = columns.first().map_or(&[][..], |column| &column.values);
        let classes: HashSet<ClassId> = queries.iter().map(|(class, _)| *class).collect();
        let name = if at == 0 {
            "1 seed".to_owned()
        } else {
            format!("{} seeds", at + 1)
        };
        SubgroupRow::of(name, queries.len(), classes.len(), &columns)
    };
    SubgroupAnalysis {
        title: format!("MAP@{k} by number of seeds"),
        value_description: format!(
            "MAP@{k} of the queries of {most} seeds, given their first ones only; gold is what none of the {most} is."
        ),
        contrast_description: "By how much that is more than with one seed fewer.".into(),
        count_unit: "queries",
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: (0..most).map(row).collect(),
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(ids: &[u32]) -> Vec<EntityId> {
        ids.iter().copied().map(EntityId).collect()
    }

    /// A query's class, its gold with the group of each, and the first of its list.
    type OneQuery<'a> = (u16, &'a [(usize, u32)], &'a [u32]);

    fn group(place: usize, queries: &[OneQuery]) -> SubgroupRow {
        let mut group = GroupTally {
            columns: vec![ColumnValues::default()],
            ..GroupTally::default()
        };
        for (class, gold, first) in queries {
            let gold: Vec<(usize, EntityId)> = gold
                .iter()
                .map(|&(group, entity)| (group, EntityId(entity)))
                .collect();
            group.add(
                place,
                ClassId(*class),
                &gold,
                std::iter::once(entities(first).into_iter().collect()),
            );
        }
        group.row("group")
    }

    #[test]
    fn recall_counts_entities_and_its_contrast_the_others_of_the_same_query() {
        // 1 of 3 and 1 of 1 are found; the first query's other one is, and the second has no other
        let queries: [OneQuery; 2] = [
            (0, &[(0, 1), (0, 2), (0, 3), (1, 4)], &[4, 9, 1]),
            (1, &[(0, 5)], &[5]),
        ];
        let row = group(0, &queries);
        assert_eq!((row.count, row.classes, row.is_too_small), (4, 2, true));
        assert!((row.cells[0].value.mean - 0.5).abs() < 1e-12);
        assert!((row.cells[0].contrast.unwrap().mean - (1.0 / 3.0 - 1.0)).abs() < 1e-12);
        assert_eq!(row.cells[0].value.interval, None, "too few to have one");
        let alone = group(0, &queries[1..]);
        assert_eq!(alone.cells[0].contrast, None, "nothing to compare with");
    }

    #[test]
    fn enough_classes_have_an_interval() {
        let gold: Vec<[(usize, u32); 3]> = (0..6)
            .map(|q| [(0, 3 * q), (0, 3 * q + 1), (1, 3 * q + 2)])
            .collect();
        let found: Vec<Vec<u32>> = (0..6)
            .map(|q| {
                if q % 2 == 0 {
                    vec![3 * q, 3 * q + 1]
                } else {
                    vec![3 * q + 2]
                }
            })
            .collect();
        let queries: Vec<OneQuery> = gold
            .iter()
            .zip(&found)
            .zip(0..)
            .map(|((gold, found), class)| (class, &gold[..], &found[..]))
            .collect();
        let row = group(0, &queries);
        let Estimate { mean, interval } = row.cells[0].value;
        let [low, high] = interval.unwrap();
        assert!(
            !row.is_too_small
                && mean == 0.5
                && (0.0..0.5).contains(&low)
                && high > 0.5
                && high <= 1.0
        );
        assert_eq!(
            row.cells[0].contrast.unwrap().mean,
            0.0,
            "as much as of the others"
        );
    }

    #[test]
    fn a_contrast_of_too_few_classes_says_so_alone() {
        // of six classes, five lie in the group and have no other gold
        let gold: Vec<Vec<(usize, u32)>> = (0..6)
            .map(|q| {
                [(0, 3 * q), (0, 3 * q + 1), (1, 3 * q + 2)][..if q == 0 { 3 } else { 2 }].to_vec()
            })
            .collect();
        let queries: Vec<OneQuery> = gold
            .iter()
            .zip(0..)
            .map(|(gold, class)| (class, &gold[..], &[][..]))
            .collect();
        let rows = vec![group(0, &queries)];
        assert!(!rows[0].is_too_small && rows[0].cells[0].value.interval.is_some());
        let analysis = SubgroupAnalysis {
            columns: vec!["run".into()],
            rows,
            ..seed_count_analysis(&[], 10)
        };
        let line: Vec<String> = analysis.table().rows[0]
            .iter()
            .map(crate::table::Cell::to_plain_text)
            .collect();
        assert_eq!(line[4..], ["0.0", "0.0 to 0.0", "0.0", "too few"]);
    }

    #[test]
    fn more_seeds_are_held_against_one_fewer() {
        let values =
            |of: &[f64]| -> Values { (0..).map(ClassId).zip(of.iter().copied()).collect() };
        let analysis = seed_count_analysis(
            &[(
                "both".into(),
                vec![values(&[0.1, 0.3]), values(&[0.5, 0.3])],
            )],
            10,
        );
        let names: Vec<&str> = analysis.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["1 seed", "2 seeds"]);
        let cell = |at: usize| analysis.rows[at].cells[0];
        assert!((cell(0).value.mean - 0.2).abs() < 1e-12 && cell(0).contrast.is_none());
        assert!((cell(1).contrast.unwrap().mean - 0.2).abs() < 1e-12);
    }
}
