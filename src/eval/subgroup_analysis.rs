//! One metric by group of entities, or by number of seeds, for several rankings side by side.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::bootstrap::{Clusters, MIN_CLASSES};
use crate::eval::comparison::Estimate;
use crate::eval::metrics::gold;
use crate::eval::query_key::query_key;
use crate::eval::scored_run::ScoredRun;
use crate::eval::subgroups::EntityGroups;
use crate::table::{Cell, Table, percent, text};
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// A row of fewer entities or queries, or of fewer than [`MIN_CLASSES`] classes, has no intervals.
const MIN_COUNT: usize = 10;

/// The headers of the table of an analysis; the second is [`SubgroupAnalysis::count_unit`].
const HEADERS: [&str; 8] = [
    "group", "", "classes", "ranking", "value", "95 %", "more", "95 %",
];

/// An analysis with a row per group and a column per ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubgroupAnalysis {
    /// The title, such as "Recall@50 by kind of picture".
    pub title: String,
    /// A sentence that says what [`SubgroupCell::value`] is.
    #[serde(rename = "measure")]
    pub value_description: String,
    /// A sentence that says what [`SubgroupCell::contrast`] is.
    #[serde(rename = "contrast")]
    pub contrast_description: String,
    /// The unit of [`SubgroupRow::count`], in the plural.
    #[serde(rename = "counted")]
    pub count_unit: Cow<'static, str>,
    pub columns: Vec<String>,
    pub rows: Vec<SubgroupRow>,
    /// Sentences about what was left out.
    pub notes: Vec<String>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubgroupRow {
    pub name: String,
    pub count: usize,
    pub classes: usize,
    /// Whether the group is too small for intervals.
    #[serde(rename = "too_few")]
    pub is_too_small: bool,
    /// The cells by column.
    pub cells: Vec<SubgroupCell>,
}

/// The result of one ranking in one group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SubgroupCell {
    /// The value, 0..1.
    pub value: Estimate,
    /// The difference from what the value is compared with; `None` if there is nothing.
    pub contrast: Option<Estimate>,
}

impl SubgroupAnalysis {
    /// Returns a table with a row per group and ranking, in %.
    pub fn table(&self) -> Table {
        let mut headers = HEADERS.map(str::to_owned).to_vec();
        headers[1] = self.count_unit.clone().into_owned();
        let mut rows = Vec::new();
        for row in &self.rows {
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                rows.push(table_row(row, column, cell));
            }
        }
        Table {
            title: self.title.clone(),
            headers,
            rows,
        }
    }
}

fn table_row(row: &SubgroupRow, column: &str, cell: &SubgroupCell) -> Vec<Cell> {
    let contrast = match cell.contrast {
        Some(contrast) => text(percent(contrast.mean)),
        None => Cell::Empty,
    };
    vec![
        text(&row.name),
        Cell::Count(row.count),
        Cell::Count(row.classes),
        text(column),
        text(percent(cell.value.mean)),
        interval_cell(Some(cell.value)),
        contrast,
        interval_cell(cell.contrast),
    ]
}

/// Returns the interval of an estimate. The contrast alone may have too few classes.
fn interval_cell(estimate: Option<Estimate>) -> Cell {
    match estimate.map(|estimate| estimate.interval) {
        Some(Some([low, high])) => text(format!("{} to {}", percent(low), percent(high))),
        Some(None) => text("too few"),
        None => Cell::Empty,
    }
}

/// The values of queries, or of entities of queries, with their classes.
type Values = Vec<(ClassId, f64)>;

/// The values of one ranking in one row.
#[derive(Debug, Clone, Default)]
pub(super) struct ColumnValues {
    pub(super) values: Values,
    /// The contrasts; possibly fewer than the values, or none.
    pub(super) contrasts: Values,
}

impl ColumnValues {
    fn into_cell(self, is_too_small: bool) -> SubgroupCell {
        let value = estimate(self.values, is_too_small);
        let contrast = if self.contrasts.is_empty() {
            None
        } else {
            Some(estimate(self.contrasts, is_too_small))
        };
        SubgroupCell { value, contrast }
    }
}

/// Returns the mean of values, with an interval if there are enough classes.
fn estimate(values: Values, is_too_small: bool) -> Estimate {
    let clusters = Clusters::new(values.into_iter().map(|(class, value)| (class, [value])));
    let bounds = if is_too_small {
        None
    } else {
        clusters.interval_if_enough_classes()
    };
    Estimate {
        mean: clusters.mean()[0],
        interval: bounds.map(|([low], [high])| [low, high]),
    }
}

impl SubgroupRow {
    pub(super) fn new(
        name: String,
        count: usize,
        classes: usize,
        columns: Vec<ColumnValues>,
    ) -> SubgroupRow {
        let is_too_small = count < MIN_COUNT || classes < MIN_CLASSES;
        let columns = columns.into_iter();
        SubgroupRow {
            name,
            count,
            classes,
            is_too_small,
            cells: columns
                .map(|column| column.into_cell(is_too_small))
                .collect(),
        }
    }
}

/// Analyses the recall of gold at rank `k` by group: the fraction of every query's gold entities in
/// the group that is among the query's first `k`. The contrast is the difference from the same
/// fraction of the same query's other gold, since classes are not equally hard and groups are not
/// spread evenly over them. Only queries that every run has are used.
///
/// Error: `Mismatch` if there is no such query.
pub fn recall_analysis(
    dataset: &Dataset,
    groups: &EntityGroups,
    runs: &[(String, ScoredRun)],
    seeds: SeedCount,
    k: usize,
) -> Result<SubgroupAnalysis> {
    let mut tally = RecallTally::new(groups, runs.len(), k);
    for query in dataset.queries.iter().filter(|q| q.seed_count == seeds) {
        let gold = gold(&dataset.classes[query.class.index()], &query.seeds);
        if gold.is_empty() {
            continue;
        }
        match rankings_of(runs, query) {
            Some(rankings) => tally.add(query.class, gold, &rankings),
            None => tally.left_out += 1,
        }
    }
    if tally.queries == 0 || runs.is_empty() {
        return Err(Error::Mismatch(format!(
            "there is no query of {} seeds that every run has and that has gold",
            seeds.as_usize()
        )));
    }
    let mut notes = Vec::new();
    if tally.left_out > 0 {
        notes.push(format!(
            "{} queries are left out: not every run has them.",
            tally.left_out
        ));
    }
    Ok(SubgroupAnalysis {
        title: format!("Recall@{k} by {}", groups.property),
        value_description: format!(
            "The share of a group's gold entities that are among the first {k} of their query's \
             list."
        ),
        contrast_description:
            "By how much that is more than the share of the same queries' other gold.".into(),
        count_unit: "entities".into(),
        columns: runs.iter().map(|(name, _)| name.clone()).collect(),
        rows: tally.into_rows(),
        notes,
    })
}

/// Returns each run's ranking of a query; `None` if a run does not have the query.
fn rankings_of<'a>(
    runs: &'a [(String, ScoredRun)],
    query: &Query,
) -> Option<Vec<&'a Vec<EntityId>>> {
    let key = query_key(query);
    runs.iter().map(|(_, run)| run.rankings.get(&key)).collect()
}

/// The values of all groups while queries are added.
struct RecallTally<'a> {
    groups: &'a EntityGroups,
    /// The rank up to which gold is counted.
    k: usize,
    tallies: Vec<GroupTally>,
    /// The number of queries that were added.
    queries: usize,
    /// The number of queries that not every run has.
    left_out: usize,
}

impl<'a> RecallTally<'a> {
    fn new(groups: &'a EntityGroups, runs: usize, k: usize) -> RecallTally<'a> {
        let empty = GroupTally {
            columns: vec![ColumnValues::default(); runs],
            ..GroupTally::default()
        };
        RecallTally {
            groups,
            k,
            tallies: vec![empty; groups.names.len()],
            queries: 0,
            left_out: 0,
        }
    }

    /// Adds a query with its gold and each run's ranking.
    fn add(&mut self, class: ClassId, gold: HashSet<EntityId>, rankings: &[&Vec<EntityId>]) {
        self.queries += 1;
        let mut grouped = Vec::new();
        for entity in gold {
            if let Some(group) = self.groups.group_of(entity) {
                grouped.push((group, entity));
            }
        }
        let k = self.k;
        let firsts = rankings
            .iter()
            .map(|ranking| ranking.iter().take(k).copied().collect());
        for (group, tally) in self.tallies.iter_mut().enumerate() {
            tally.add(group, class, &grouped, firsts.clone());
        }
    }

    /// Returns a row for each group that has gold.
    fn into_rows(self) -> Vec<SubgroupRow> {
        let mut rows = Vec::new();
        for (name, tally) in self.groups.names.iter().zip(self.tallies) {
            if !tally.entities.is_empty() {
                rows.push(tally.into_row(name));
            }
        }
        rows
    }
}

/// The values of one group while queries are added.
#[derive(Debug, Clone, Default)]
struct GroupTally {
    entities: HashSet<EntityId>,
    classes: HashSet<ClassId>,
    /// The values by run.
    columns: Vec<ColumnValues>,
}

impl GroupTally {
    /// Adds a query to the group with index `group`: the query's gold with the indices of its
    /// groups, and each run's first entities.
    fn add(
        &mut self,
        group: usize,
        class: ClassId,
        gold: &[(usize, EntityId)],
        firsts: impl Iterator<Item = HashSet<EntityId>>,
    ) {
        let (own, others): (Vec<_>, Vec<_>) = gold.iter().partition(|(g, _)| *g == group);
        if own.is_empty() {
            return;
        }
        self.classes.insert(class);
        self.entities.extend(own.iter().map(|(_, entity)| entity));
        for (column, first) in self.columns.iter_mut().zip(firsts) {
            let recall = recall(&own, &first);
            // each entity has the same weight, so that a query counts once per entity
            let value = std::iter::repeat_n((class, recall), own.len());
            column.values.extend(value);
            if !others.is_empty() {
                let contrast = recall - self::recall(&others, &first);
                let contrast = std::iter::repeat_n((class, contrast), own.len());
                column.contrasts.extend(contrast);
            }
        }
    }

    fn into_row(self, name: &str) -> SubgroupRow {
        SubgroupRow::new(
            name.to_owned(),
            self.entities.len(),
            self.classes.len(),
            self.columns,
        )
    }
}

/// Returns the fraction of gold entities that are among the first of a ranking.
fn recall(gold: &[(usize, EntityId)], first: &HashSet<EntityId>) -> f64 {
    let found = gold.iter().filter(|(_, entity)| first.contains(entity));
    found.count() as f64 / gold.len() as f64
}

/// The AP@K of queries, by number of seeds from 1: the same queries in the same order for each
/// number.
type ValuesBySeedCount = Vec<Values>;

/// Analyses the AP@K of queries of which only the first seeds are given, with a row per number of
/// seeds and a column per ranking. The contrast is the difference from one seed fewer.
pub fn seed_count_analysis(columns: &[(String, ValuesBySeedCount)], k: usize) -> SubgroupAnalysis {
    let counts = columns.iter().map(|(_, by_count)| by_count.len());
    let most = counts.min().unwrap_or(0);
    SubgroupAnalysis {
        title: format!("MAP@{k} by number of seeds"),
        value_description: format!(
            "MAP@{k} of the queries of {most} seeds, given their first ones only; gold is what \
             none of the {most} is."
        ),
        contrast_description: "By how much that is more than with one seed fewer.".into(),
        count_unit: "queries".into(),
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: (0..most)
            .map(|index| seed_count_row(columns, index))
            .collect(),
        notes: Vec::new(),
    }
}

/// Returns the row of `index` + 1 seeds.
fn seed_count_row(columns: &[(String, ValuesBySeedCount)], index: usize) -> SubgroupRow {
    let columns: Vec<ColumnValues> = columns
        .iter()
        .map(|(_, by_count)| seed_count_values(by_count, index))
        .collect();
    let queries = columns.first().map_or(&[][..], |column| &column.values);
    let classes: HashSet<ClassId> = queries.iter().map(|(class, _)| *class).collect();
    let name = if index == 0 {
        "1 seed".to_owned()
    } else {
        format!("{} seeds", index + 1)
    };
    SubgroupRow::new(name, queries.len(), classes.len(), columns)
}

fn seed_count_values(by_count: &ValuesBySeedCount, index: usize) -> ColumnValues {
    let values = by_count[index].clone();
    let mut contrasts = Vec::new();
    if let Some(before) = index.checked_sub(1) {
        for (&(class, value), (_, fewer)) in values.iter().zip(&by_count[before]) {
            contrasts.push((class, value - fewer));
        }
    }
    ColumnValues { values, contrasts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(ids: &[u32]) -> Vec<EntityId> {
        ids.iter().copied().map(EntityId).collect()
    }

    /// The class of a query, its gold with the group of each, and the first of its ranking.
    type QueryCase<'a> = (u16, &'a [(usize, u32)], &'a [u32]);

    fn group_row(index: usize, queries: &[QueryCase]) -> SubgroupRow {
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
                index,
                ClassId(*class),
                &gold,
                std::iter::once(entities(first).into_iter().collect()),
            );
        }
        group.into_row("group")
    }

    #[test]
    fn the_contrast_of_recall_is_with_the_other_gold_of_the_same_queries() {
        // 1 of 3 and 1 of 1 are found; the first query's other one is, and the second has no other
        let queries: [QueryCase; 2] = [
            (0, &[(0, 1), (0, 2), (0, 3), (1, 4)], &[4, 9, 1]),
            (1, &[(0, 5)], &[5]),
        ];
        let row = group_row(0, &queries);
        assert_eq!((row.count, row.classes, row.is_too_small), (4, 2, true));
        assert!((row.cells[0].value.mean - 0.5).abs() < 1e-12);
        assert!((row.cells[0].contrast.unwrap().mean - (1.0 / 3.0 - 1.0)).abs() < 1e-12);
        assert_eq!(
            row.cells[0].value.interval, None,
            "there are too few classes"
        );
        let alone = group_row(0, &queries[1..]);
        assert_eq!(alone.cells[0].contrast, None, "there is no other gold");
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
        let queries: Vec<QueryCase> = gold
            .iter()
            .zip(&found)
            .zip(0..)
            .map(|((gold, found), class)| (class, &gold[..], &found[..]))
            .collect();
        let row = group_row(0, &queries);
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
            "as high as that of the others"
        );
    }

    #[test]
    fn a_contrast_can_have_too_few_classes_on_its_own() {
        // of six classes, five lie in the group and have no other gold
        let gold: Vec<Vec<(usize, u32)>> = (0..6)
            .map(|q| {
                [(0, 3 * q), (0, 3 * q + 1), (1, 3 * q + 2)][..if q == 0 { 3 } else { 2 }].to_vec()
            })
            .collect();
        let queries: Vec<QueryCase> = gold
            .iter()
            .zip(0..)
            .map(|(gold, class)| (class, &gold[..], &[][..]))
            .collect();
        let rows = vec![group_row(0, &queries)];
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
    fn each_number_of_seeds_is_contrasted_with_one_fewer() {
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
