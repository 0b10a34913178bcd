//! Computes the rows of the Compare table: classes or queries, and one query's joined rankings.

use std::collections::{BTreeMap, HashMap};

use crate::engine::protocol::{QueryComparison, QueryPair, Ranker};
use crate::tui::compare::Compare;
use crate::tui::compare::table_state::{CompareRow, JoinedRow};
use crate::tui::requests::RequestClass;
use crate::tui::shared::Shared;
use crate::types::{ClassId, EntityId};

impl Compare {
    /// Returns the sorted rows. Until the comparison is computed, they are the classes that are
    /// evaluated so far.
    pub fn rows(&self, shared: &Shared) -> Vec<CompareRow> {
        let mut rows = match self.rankers.comparison(shared) {
            Some(comparison) => self.compared_rows(comparison, shared),
            None => self.evaluated_rows(shared),
        };
        self.table.sort(&mut rows);
        rows
    }

    /// Returns the row under the cursor.
    pub fn selected_row(&self, shared: &Shared) -> Option<CompareRow> {
        let rows = self.rows(shared);
        let cursor = self.table.cursor(&rows);
        rows.into_iter().nth(cursor)
    }

    fn compared_rows(&self, comparison: &QueryComparison, shared: &Shared) -> Vec<CompareRow> {
        let mut by_class: BTreeMap<ClassId, Vec<usize>> = BTreeMap::new();
        for (index, query) in comparison.queries.iter().enumerate() {
            by_class.entry(query.class).or_default().push(index);
        }
        let mut rows = Vec::new();
        for (class, queries) in by_class {
            if !self.table.by_query {
                rows.push(self.row(comparison, class, None, queries, shared));
                continue;
            }
            for (position, query) in queries.into_iter().enumerate() {
                rows.push(self.row(comparison, class, Some(position), vec![query], shared));
            }
        }
        rows
    }

    /// Returns the classes that are evaluated for the first ranker or the reference, while
    /// evaluations or comparisons are under way.
    fn evaluated_rows(&self, shared: &Shared) -> Vec<CompareRow> {
        let (Some(catalogue), Some(pair)) = (&shared.catalogue, self.rankers.pair()) else {
            return Vec::new();
        };
        let pending = &shared.engine.pending;
        let is_running =
            pending.is_running(RequestClass::Evaluate) || pending.is_running(RequestClass::Compare);
        if self.table.by_query || !is_running {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for (index, card) in catalogue.classes.iter().enumerate() {
            let class = ClassId(index as u16);
            let ap = pair.map(|ranker| self.class_ap(ranker, class, shared));
            if ap == [None, None] {
                continue;
            }
            let rankers = self.rankers.chosen.iter();
            let all_ap = rankers.map(|&r| self.class_ap(r, class, shared)).collect();
            rows.push(CompareRow {
                class,
                query: None,
                label: card.title(),
                ap,
                all_ap,
                overlap: None,
                rbo: None,
                tau: None,
                queries: vec![],
            });
        }
        rows
    }

    /// Returns the row of some queries of a class, with the means over them; `position` is that of
    /// a single query.
    fn row(
        &self,
        comparison: &QueryComparison,
        class: ClassId,
        position: Option<usize>,
        queries: Vec<usize>,
        shared: &Shared,
    ) -> CompareRow {
        let pairs: Vec<&QueryPair> = queries.iter().map(|&q| &comparison.queries[q]).collect();
        let cutoff = self.table.cutoff;
        let ap = [0, 1].map(|side| mean(pairs.iter().map(|pair| pair.ap[side][cutoff])));
        let number = position.map(|_| pairs[0].number);
        let title = class_title(class, shared);
        let label = match number {
            Some(number) => format!("{title} · {}", seed_names(class, number, shared)),
            None => title,
        };
        CompareRow {
            class,
            query: position,
            label,
            ap,
            all_ap: self.all_ap(class, number, ap, shared),
            overlap: mean(pairs.iter().map(|pair| pair.similarity.overlap)),
            rbo: mean(pairs.iter().map(|pair| pair.similarity.rbo)),
            tau: mean(pairs.iter().filter_map(|pair| pair.similarity.tau)),
            queries,
        }
    }

    /// Returns the AP of every ranker for a class, or for its query of this number. `pair` holds
    /// those of the first and the reference.
    fn all_ap(
        &self,
        class: ClassId,
        number: Option<usize>,
        pair: [Option<f64>; 2],
        shared: &Shared,
    ) -> Vec<Option<f64>> {
        let mut all = Vec::new();
        for (index, &ranker) in self.rankers.chosen.iter().enumerate() {
            all.push(match number {
                _ if index == 0 => pair[0],
                _ if self.rankers.is_paired(index) => pair[1],
                None => self.class_ap(ranker, class, shared),
                Some(number) => self.query_ap(ranker, class, number, shared),
            });
        }
        all
    }

    /// Returns a ranker's MAP over all its queries of a class.
    fn class_ap(&self, ranker: Ranker, class: ClassId, shared: &Shared) -> Option<f64> {
        let key = (shared.evaluations.key_of(ranker), class);
        let metrics = shared.class_metrics.get(&key)?;
        Some(metrics.ap[self.table.cutoff])
    }

    /// Returns a ranker's AP of one query, from its comparison with the first ranker.
    fn query_ap(
        &self,
        ranker: Ranker,
        class: ClassId,
        number: usize,
        shared: &Shared,
    ) -> Option<f64> {
        let comparison = self.rankers.comparison_with(ranker, shared)?;
        let query = find_query(comparison, class, number)?;
        Some(query.ap[1][self.table.cutoff])
    }

    /// Returns the number of a row's query, from 1; `None` for the row of a class.
    pub fn query_number(&self, row: &CompareRow, shared: &Shared) -> Option<usize> {
        row.query?;
        let comparison = self.rankers.comparison(shared)?;
        let query = comparison.queries.get(*row.queries.first()?)?;
        Some(query.number + 1)
    }

    /// Returns the number of a class's queries that are compared.
    pub fn query_count(&self, class: ClassId, shared: &Shared) -> usize {
        let queries = match self.rankers.comparison(shared) {
            Some(comparison) => &comparison.queries[..],
            None => &[],
        };
        queries.iter().filter(|query| query.class == class).count()
    }

    /// Returns the query of the selected row that is shown rank by rank.
    pub fn selected_query<'a>(&self, shared: &'a Shared) -> Option<&'a QueryPair> {
        let row = self.selected_row(shared)?;
        let index = row.queries.get(self.table.query).or(row.queries.last())?;
        self.rankers.comparison(shared)?.queries.get(*index)
    }

    /// Joins the rankings of a query: the entities within the cutoff of any ranking, in the order
    /// of their best rank.
    pub fn joined_rows(&self, query: &QueryPair, shared: &Shared) -> Vec<JoinedRow> {
        let rankings = self.rankings(query, shared);
        let ranks: Vec<_> = rankings.iter().map(|ranking| ranks_in(ranking)).collect();
        let mut entities: Vec<EntityId> = Vec::new();
        for ranking in &rankings {
            entities.extend(ranking.iter().take(self.table.depth()));
        }
        entities.sort_unstable();
        entities.dedup();
        let mut rows = Vec::new();
        for entity in entities {
            let ranks = ranks.iter().map(|ranks| ranks.get(&entity).copied());
            let ranks = ranks.collect();
            rows.push(JoinedRow { entity, ranks });
        }
        rows.sort_by_key(|row| {
            let best = row.ranks.iter().flatten().min().copied();
            let is_missing_in_first = row.ranks.first().is_none_or(Option::is_none);
            (best, is_missing_in_first, row.entity)
        });
        rows
    }

    /// Returns every ranker's ranking of a query; it is empty for a ranker without the query.
    fn rankings<'a>(&self, query: &'a QueryPair, shared: &'a Shared) -> Vec<&'a [EntityId]> {
        let mut rankings: Vec<&[EntityId]> = Vec::new();
        for (index, &ranker) in self.rankers.chosen.iter().enumerate() {
            // the first is compared with each of the others: its ranking is that of the comparison
            // with the second
            let side = usize::from(index > 0);
            let other = match index {
                0 => self.rankers.chosen.get(1).copied().unwrap_or(ranker),
                _ => ranker,
            };
            let comparison = self.rankers.comparison_with(other, shared);
            let found = comparison.and_then(|c| find_query(c, query.class, query.number));
            rankings.push(match found {
                Some(found) => &found.rankings[side],
                // the second may not have the query where another ranker has it
                None if index == 0 => &query.rankings[0],
                None => &[],
            });
        }
        rankings
    }
}

/// Returns the compared query of a class with this number.
fn find_query(comparison: &QueryComparison, class: ClassId, number: usize) -> Option<&QueryPair> {
    let mut queries = comparison.queries.iter();
    queries.find(|query| (query.class, query.number) == (class, number))
}

/// Returns the title of a class.
pub(super) fn class_title(class: ClassId, shared: &Shared) -> String {
    match &shared.catalogue {
        Some(catalogue) => catalogue.class(class).title(),
        None => String::new(),
    }
}

/// Returns the names of an evaluated query's seeds, separated by commas.
pub(super) fn seed_names(class: ClassId, number: usize, shared: &Shared) -> String {
    let Some(catalogue) = &shared.catalogue else {
        return String::new();
    };
    let mut queries = catalogue.queries_of(class, shared.evaluations.seed_count);
    let Some(query) = queries.find(|query| query.number == number) else {
        return String::new();
    };
    let names: Vec<String> = query.seeds.iter().map(|&s| catalogue.name(s)).collect();
    names.join(", ")
}

/// Returns the rank of each entity of a ranking, from 1.
fn ranks_in(ranking: &[EntityId]) -> HashMap<EntityId, usize> {
    let entities = ranking.iter().copied();
    entities.zip(1..).collect()
}

/// Returns the mean of some values; `None` if there are none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}
