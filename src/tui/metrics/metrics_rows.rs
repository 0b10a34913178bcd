//! Computes the rows of the Metrics table.

use crate::engine::protocol::Catalogue;
use crate::tui::class_tree::{ClassTree, TreeKind, TreeRow};
use crate::tui::evaluations::Overall;
use crate::tui::metrics::Metrics;
use crate::tui::metrics::metrics_row::{ALL_QUERIES, MetricsRow};
use crate::tui::parts::MetricsColumn;
use crate::tui::shared::Shared;
use crate::types::{ClassId, Metric, MetricValues, Mode};

impl Metrics {
    /// Returns the rows as they are shown: all queries first, then the tree with the means of its
    /// groups or, if they are sorted by a value, the classes.
    pub fn rows(&self, shared: &Shared) -> Vec<MetricsRow> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let tree = ClassTree::default().rows(catalogue, |_| None);
        let mut rows = Vec::new();
        for (index, row) in tree.iter().enumerate() {
            let classes = classes_of(&tree, index);
            rows.push(MetricsRow {
                depth: row.depth,
                label: row.label.clone(),
                class: class_of(row),
                size: row.size,
                ..self.mean_row(&classes, shared)
            });
        }
        if self.sort != MetricsColumn::Class {
            rows.retain(|row| row.class.is_some());
            rows.iter_mut().for_each(|row| row.depth = 0);
            rows.sort_by(|a, b| a.compare(b, self.sort, self.ascending));
        }
        rows.insert(0, self.all_queries_row(catalogue, shared));
        rows
    }

    fn all_queries_row(&self, catalogue: &Catalogue, shared: &Shared) -> MetricsRow {
        let metric = self.metric;
        let mut values = Vec::new();
        let mut intervals = Vec::new();
        let mut ceiling = None;
        for mode in shared.modes() {
            let overall = shared.overall.get(&shared.evaluations.key(mode));
            values.push(overall.map(|overall| metric.value(&overall.mean)));
            intervals.push(overall.and_then(|overall| interval(overall, metric)));
            ceiling = ceiling.or(overall.map(|overall| ceiling_of(metric, &overall.mean)));
        }
        MetricsRow {
            depth: 0,
            label: ALL_QUERIES.into(),
            class: None,
            size: catalogue.classes.iter().map(|c| c.members.len()).sum(),
            values,
            intervals,
            ceiling,
        }
    }

    /// Returns the means over classes, each with the same weight. A class without queries is left
    /// out.
    fn mean_row(&self, classes: &[ClassId], shared: &Shared) -> MetricsRow {
        let mut values = Vec::new();
        let mut ceiling = None;
        for mode in shared.modes() {
            let evaluated = class_metrics(classes, mode, shared);
            values.push(mean(evaluated.iter().map(|m| self.metric.value(m))));
            let ceilings = evaluated.iter().map(|m| ceiling_of(self.metric, m));
            ceiling = ceiling.or(mean(ceilings));
        }
        MetricsRow {
            depth: 0,
            label: String::new(),
            class: None,
            size: 0,
            values,
            intervals: Vec::new(),
            ceiling,
        }
    }
}

/// Returns the metrics of the classes that are evaluated in a mode.
fn class_metrics<'a>(classes: &[ClassId], mode: Mode, shared: &'a Shared) -> Vec<&'a MetricValues> {
    let evaluation = shared.evaluations.key(mode);
    let metrics = classes
        .iter()
        .map(|&class| shared.class_metrics.get(&(evaluation, class)));
    metrics.flatten().collect()
}

/// Returns the 95 % interval of a metric.
fn interval(overall: &Overall, metric: Metric) -> Option<(f64, f64)> {
    let (low, high) = overall.interval?;
    Some((metric.value(&low), metric.value(&high)))
}

/// Returns the best value of a metric that the candidates of the index allow.
fn ceiling_of(metric: Metric, values: &MetricValues) -> f64 {
    match metric {
        Metric::Map(cutoff) | Metric::Precision(cutoff) => values.ceiling[cutoff],
    }
}

/// Returns the mean of some values; `None` if there are none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// Returns the class of a row of the tree, or the classes in its group.
fn classes_of(tree: &[TreeRow], index: usize) -> Vec<ClassId> {
    let row = &tree[index];
    if let Some(class) = class_of(row) {
        return vec![class];
    }
    let below = tree[index + 1..].iter();
    let below = below.take_while(|other| other.depth > row.depth);
    below.filter_map(class_of).collect()
}

fn class_of(row: &TreeRow) -> Option<ClassId> {
    match row.kind {
        TreeKind::Class(class) => Some(class),
        TreeKind::Group { .. } => None,
    }
}
