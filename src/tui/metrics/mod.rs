//! The Metrics screen's state: classes × modes in one measure, sorted by any column, rolled up,
//! exported.

mod draw;

use crate::config::Action;
use crate::engine::protocol::Catalogue;
use crate::tui::parts::MetricsColumn;
use crate::types::{CUTOFFS, ClassId, MetricValues, Mode};

use crate::table::{Cell, Table};
use crate::tui::class_tree::{ClassTree, TreeKind};
use crate::tui::evaluations::Overall;
use crate::tui::message::Effect;
use crate::tui::parts::Popup;
use crate::tui::shared::Shared;
use crate::tui::ui::scroll::shifted;

/// The number that the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsValue {
    Ap(usize),
    P(usize),
}

impl MetricsValue {
    /// Every one, by its place in [`CUTOFFS`].
    const ALL: [MetricsValue; 8] = [
        MetricsValue::Ap(0),
        MetricsValue::Ap(1),
        MetricsValue::Ap(2),
        MetricsValue::Ap(3),
        MetricsValue::P(0),
        MetricsValue::P(1),
        MetricsValue::P(2),
        MetricsValue::P(3),
    ];

    pub fn name(self) -> String {
        match self {
            MetricsValue::Ap(at) => format!("MAP@{}", CUTOFFS[at]),
            MetricsValue::P(at) => format!("P@{}", CUTOFFS[at]),
        }
    }

    pub fn of(self, measures: &MetricValues) -> f64 {
        match self {
            MetricsValue::Ap(at) => measures.ap[at],
            MetricsValue::P(at) => measures.p[at],
        }
    }

    fn ceiling(self, measures: &MetricValues) -> f64 {
        match self {
            MetricsValue::Ap(at) | MetricsValue::P(at) => measures.ceiling[at],
        }
    }

    fn next(self) -> MetricsValue {
        let at = MetricsValue::ALL
            .iter()
            .position(|&m| m == self)
            .unwrap_or(0);
        MetricsValue::ALL[(at + 1) % MetricsValue::ALL.len()]
    }
}

/// The first line's label.
const ALL: &str = "all queries";

/// The Metrics screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    pub value: MetricsValue,
    pub sort: MetricsColumn,
    /// Whether the smallest value comes first.
    pub ascending: bool,
    pub cursor: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            value: MetricsValue::Ap(0),
            sort: MetricsColumn::Class,
            ascending: false,
            cursor: 0,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsRow {
    pub depth: usize,
    pub label: String,
    pub class: Option<ClassId>,
    /// Members, of all classes below.
    pub size: usize,
    /// By mode; none where it is not measured yet or has no query.
    pub values: Vec<Option<f64>>,
    /// By mode, of the line of all queries.
    pub intervals: Vec<Option<(f64, f64)>>,
    pub ceiling: Option<f64>,
}

impl MetricsRow {
    /// The first mode less the second.
    pub fn difference(&self) -> Option<f64> {
        Some((*self.values.first()?)? - (*self.values.get(1)?)?)
    }

    fn key(&self, column: MetricsColumn) -> Option<f64> {
        match column {
            MetricsColumn::Class => None,
            MetricsColumn::Size => Some(self.size as f64),
            MetricsColumn::Mode(at) => *self.values.get(at)?,
            MetricsColumn::Difference => self.difference(),
            MetricsColumn::Ceiling => self.ceiling,
        }
    }
}

impl Metrics {
    /// Does what a key asks for; returns what is left to others.
    pub(crate) fn update(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Sort => self.sort_by_next(shared),
            // A tree has one order.
            Action::ReverseOrder if self.sort == MetricsColumn::Class => self.ascending = false,
            Action::ReverseOrder => self.ascending = !self.ascending,
            Action::NextMetric => self.value = self.value.next(),
            Action::Export => return vec![Effect::OpenPopup(Popup::Export(0))],
            Action::Ranking => return vec![Effect::NextRanking],
            Action::SeedCount => return vec![Effect::NextSeedCount],
            Action::Open => return vec![self.open_row(shared)],
            _ => {}
        }
        Vec::new()
    }

    fn sort_by_next(&mut self, shared: &Shared) {
        let modes = shared.modes().len();
        self.sort = match self.sort {
            MetricsColumn::Class => MetricsColumn::Size,
            MetricsColumn::Size => MetricsColumn::Mode(0),
            MetricsColumn::Mode(at) if at + 1 < modes => MetricsColumn::Mode(at + 1),
            MetricsColumn::Mode(_) if modes > 1 => MetricsColumn::Difference,
            MetricsColumn::Mode(_) | MetricsColumn::Difference => MetricsColumn::Ceiling,
            MetricsColumn::Ceiling => MetricsColumn::Class,
        };
        self.cursor = 0;
    }

    /// Sorts by a column that was clicked; by the same one again the other way round.
    pub(crate) fn sort_by(&mut self, column: MetricsColumn) {
        self.ascending = self.sort == column && !self.ascending;
        self.sort = column;
        self.cursor = 0;
    }

    /// Opens the class in Explore, with the queries that were evaluated.
    pub(crate) fn open_row(&self, shared: &Shared) -> Effect {
        let rows = self.rows(shared);
        match rows.get(self.cursor).and_then(|row| row.class) {
            Some(class) => Effect::ShowQuery {
                class,
                number: 0,
                mode: None,
            },
            None => Effect::Notify("a roll-up opens nothing: choose a class".into()),
        }
    }

    /// Moves the cursor by a number of rows.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        self.cursor = shifted(self.cursor, by, self.rows(shared).len());
    }

    /// The table as shown: all queries first, then the tree with its roll-ups or, sorted by a
    /// number, the classes.
    pub fn rows(&self, shared: &Shared) -> Vec<MetricsRow> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let mut rows = vec![self.all_queries(catalogue, shared)];
        let tree = ClassTree::default().rows(catalogue, |_| None);
        let below = |at: usize| -> Vec<ClassId> {
            let classes = tree[at + 1..]
                .iter()
                .take_while(|row| row.depth > tree[at].depth);
            classes.filter_map(|row| class_of(&row.kind)).collect()
        };
        for (at, row) in tree.iter().enumerate() {
            let classes = class_of(&row.kind).map_or_else(|| below(at), |class| vec![class]);
            rows.push(MetricsRow {
                depth: row.depth,
                label: row.label.clone(),
                class: class_of(&row.kind),
                size: row.size,
                ..self.mean_of(&classes, shared)
            });
        }
        if self.sort == MetricsColumn::Class {
            return rows;
        }
        let mut classes: Vec<MetricsRow> = rows
            .split_off(1)
            .into_iter()
            .filter(|row| row.class.is_some())
            .collect();
        classes.iter_mut().for_each(|row| row.depth = 0);
        classes.sort_by(|a, b| {
            let (a, b) = (a.key(self.sort), b.key(self.sort));
            // what is not known comes last, whichever way
            match (a, b) {
                (Some(a), Some(b)) if self.ascending => a.total_cmp(&b),
                (Some(a), Some(b)) => b.total_cmp(&a),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        });
        rows.extend(classes);
        rows
    }

    fn all_queries(&self, catalogue: &Catalogue, shared: &Shared) -> MetricsRow {
        let overall: Vec<Option<&Overall>> = shared
            .modes()
            .iter()
            .map(|&m| shared.overall.get(&shared.evaluations.key(m)))
            .collect();
        let measure = self.value;
        let interval = |o: &Overall| {
            o.interval
                .map(|(low, high)| (measure.of(&low), measure.of(&high)))
        };
        MetricsRow {
            depth: 0,
            label: ALL.into(),
            class: None,
            size: catalogue.classes.iter().map(|c| c.members.len()).sum(),
            values: overall
                .iter()
                .map(|o| o.map(|o| measure.of(&o.mean)))
                .collect(),
            intervals: overall.iter().map(|o| o.and_then(interval)).collect(),
            ceiling: overall
                .iter()
                .find_map(|o| o.map(|o| measure.ceiling(&o.mean))),
        }
    }

    /// Over these classes, each with the same weight; one that has no query counts nowhere.
    fn mean_of(&self, classes: &[ClassId], shared: &Shared) -> MetricsRow {
        let mean = |values: Vec<f64>| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let measure = self.value;
        let of = |mode: Mode, value: &dyn Fn(&MetricValues) -> f64| {
            mean(
                classes
                    .iter()
                    .filter_map(|&c| shared.class_metrics.get(&(shared.evaluations.key(mode), c)))
                    .map(value)
                    .collect(),
            )
        };
        let modes = shared.modes();
        MetricsRow {
            depth: 0,
            label: String::new(),
            class: None,
            size: 0,
            values: modes
                .iter()
                .map(|&mode| of(mode, &|m| measure.of(m)))
                .collect(),
            intervals: Vec::new(),
            ceiling: modes
                .iter()
                .find_map(|&mode| of(mode, &|m| measure.ceiling(m))),
        }
    }

    /// The table's title: the measure and the queries.
    pub fn title(&self, shared: &Shared) -> String {
        format!("{} · {}", self.value.name(), shared.evaluations.title())
    }

    /// What the table shows, for other programs.
    pub(crate) fn table(&self, shared: &Shared) -> Table {
        let modes = shared.modes();
        let mut rows = Vec::new();
        for (at, row) in self.rows(shared).iter().enumerate() {
            let level = match (at, row.class) {
                (0, _) => ALL,
                (_, Some(_)) => "class",
                (_, None) => "group",
            };
            rows.push(self.cells(row, level, modes.len(), shared));
        }
        let name = shared.catalogue.as_ref().map_or("", |c| &c.name);
        let title = format!(
            "{name}: {}; low and high: 95 % bootstrap interval, clustered by class",
            self.title(shared)
        );
        Table {
            title,
            headers: table_heads(&modes),
            rows,
        }
    }

    /// Returns the cells of one row, in the order of [`table_heads`].
    fn cells(&self, row: &MetricsRow, level: &str, modes: usize, shared: &Shared) -> Vec<Cell> {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let mut cells = vec![
            Cell::Text(row.label.clone()),
            Cell::Text(level.into()),
            Cell::Count(row.size),
            Cell::Text(self.value.name()),
            Cell::Count(shared.evaluations.seed_count.as_usize()),
            Cell::Text(shared.evaluations.ranking_name().into()),
        ];
        for (at, value) in row.values.iter().enumerate() {
            let interval = row.intervals.get(at).copied().flatten();
            cells.extend([
                number(*value),
                number(interval.map(|i| i.0)),
                number(interval.map(|i| i.1)),
            ]);
        }
        if modes > 1 {
            cells.push(number(row.difference()));
        }
        cells.push(number(row.ceiling));
        cells
    }
}

/// Returns the heads of the exported table.
fn table_heads(modes: &[Mode]) -> Vec<String> {
    let mut heads = ["class", "level", "size", "measure", "seeds", "ranking"]
        .map(str::to_owned)
        .to_vec();
    for mode in modes {
        heads.extend([
            mode.to_string(),
            format!("{mode} low"),
            format!("{mode} high"),
        ]);
    }
    if let [first, second, ..] = modes {
        heads.push(format!("{first} − {second}"));
    }
    heads.push("ceiling".into());
    heads
}

fn class_of(kind: &TreeKind) -> Option<ClassId> {
    match kind {
        TreeKind::Class(class) => Some(*class),
        TreeKind::Group { .. } => None,
    }
}
