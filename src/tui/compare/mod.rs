//! The Compare screen's state: rankings of the same queries, class by class or query by query and,
//! for one query, rank by rank.

pub mod rankers;
pub mod screen;

use std::collections::{BTreeMap, HashMap};

use crate::config::Action;
use crate::engine::protocol::{EvaluationKey, QueryComparison, QueryPair, Ranker, RequestKind};
use crate::tui::parts::Screen;
use crate::types::{CUTOFFS, ClassId, EntityId, PairedTest};

use crate::table::{Cell, Table};
use crate::tui::app::App;
use crate::tui::compare::rankers::Rankers;
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
use crate::tui::ui::scroll::shifted;

/// What the lines are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareOrder {
    /// Where the first gains most.
    #[default]
    Difference,
    Name,
    /// Where the lists share least.
    Overlap,
    Rbo,
}

impl CompareOrder {
    pub fn name(self) -> &'static str {
        match self {
            CompareOrder::Difference => "difference",
            CompareOrder::Name => "name",
            CompareOrder::Overlap => "overlap",
            CompareOrder::Rbo => "RBO",
        }
    }

    fn next(self) -> CompareOrder {
        match self {
            CompareOrder::Difference => CompareOrder::Name,
            CompareOrder::Name => CompareOrder::Overlap,
            CompareOrder::Overlap => CompareOrder::Rbo,
            CompareOrder::Rbo => CompareOrder::Difference,
        }
    }
}

/// The Compare screen.
#[derive(Debug, Default)]
pub struct Compare {
    pub table: CompareState,
    /// The rankings that are compared.
    pub rankers: Rankers,
}

/// What the user did to the screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompareState {
    /// Place in [`CUTOFFS`].
    pub cutoff: usize,
    pub order: CompareOrder,
    pub reversed: bool,
    /// A line a query, and not a class.
    pub by_query: bool,
    /// Where the cursor is; none: on the first.
    pub class: Option<ClassId>,
    /// Which of the class's compared queries is shown rank by rank, from 0; where each has its
    /// line, it is that one.
    pub query: usize,
    /// The first of its joined rows that is shown.
    pub scroll: usize,
}

/// One class in both, with the means over its queries; or one query. While lists are still made,
/// what is not known yet is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareRow {
    pub class: ClassId,
    /// Of one query: its place among the class's compared ones, from 0.
    pub query: Option<usize>,
    /// The class, and of one query its seeds.
    pub label: String,
    /// AP at the cutoff of the two that are set against each other.
    pub ap: [Option<f64>; 2],
    /// Each contender's; a class's of one that is in neither over all queries that it has.
    pub all: Vec<Option<f64>>,
    pub overlap: Option<f64>,
    pub rbo: Option<f64>,
    /// Over the queries that have one.
    pub tau: Option<f64>,
    /// Places in [`QueryComparison::queries`].
    pub queries: Vec<usize>,
}

impl CompareRow {
    pub fn difference(&self) -> Option<f64> {
        Some(self.ap[0]? - self.ap[1]?)
    }
}

/// An entity that is within the cutoff in a list, with its rank (from 1) in each contender's.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedRow {
    pub entity: EntityId,
    pub ranks: Vec<Option<usize>>,
}

impl App {
    pub(crate) fn act_on_compare(&mut self, action: Action) {
        match action {
            Action::Sort => {
                (self.compare.table.order, self.compare.table.reversed) =
                    (self.compare.table.order.next(), false)
            }
            Action::ReverseOrder => self.compare.table.reversed = !self.compare.table.reversed,
            Action::Queries => self.compare.table.by_query = !self.compare.table.by_query,
            Action::NextMetric => {
                self.compare.table.cutoff = (self.compare.table.cutoff + 1) % CUTOFFS.len()
            }
            Action::Ranking => self.switch_ranking(),
            Action::SeedCount => self.switch_measured(),
            Action::Mode => self.next_modes(),
            Action::Rankers => self.overlay.popup = Some(Popup::Rankers(0)),
            Action::NextReference => self.next_against(),
            Action::ScrollDown => self.scroll_joined(1),
            Action::ScrollUp => self.scroll_joined(-1),
            Action::PreviousQuery => self.step_query(-1),
            Action::NextQuery => self.step_query(1),
            Action::Export => self.overlay.popup = Some(Popup::Export(0)),
            Action::Open => self.open_pair(),
            _ => {}
        }
    }

    fn step_query(&mut self, by: isize) {
        let Some(pair) = self.selected_pair() else {
            return;
        };
        let to = shifted(
            pair.query.unwrap_or(self.compare.table.query),
            by,
            self.queries_compared(pair.class),
        );
        (
            self.compare.table.class,
            self.compare.table.query,
            self.compare.table.scroll,
        ) = (Some(pair.class), to, 0);
    }

    pub(crate) fn step_in_compare(&mut self, by: isize) {
        let pairs = self.pairs();
        self.select_pair(shifted(self.pair_cursor(&pairs), by, pairs.len()));
    }

    /// Asks for the comparisons of the first with each other one that are not there, one at a time.
    pub(crate) fn compare(&mut self) {
        if self.screen != Screen::Compare || self.shared.evaluations.comparing.is_some() {
            return;
        }
        let plans: Vec<EvaluationKey> = self
            .compare
            .rankers
            .chosen
            .iter()
            .map(|&of| self.shared.evaluations.key_of(of))
            .collect();
        let Some((&first, others)) = plans.split_first() else {
            return;
        };
        let missing =
            |other: &&EvaluationKey| !self.shared.comparisons.contains_key(&[first, **other]);
        if let Some(&second) = others
            .iter()
            .find(missing)
            .filter(|_| plans.iter().all(|p| self.shared.overall.contains_key(p)))
        {
            self.shared.evaluations.comparing = Some([first, second]);
            self.shared.engine.send(
                RequestClass::Compare,
                RequestKind::Compare { first, second },
            );
        }
    }

    /// Of the first with another contender; none until it is there.
    fn comparison_with(&self, other: Ranker) -> Option<&QueryComparison> {
        let first = *self.compare.rankers.chosen.first()?;
        self.shared.comparisons.get(&[
            self.shared.evaluations.key_of(first),
            self.shared.evaluations.key_of(other),
        ])
    }

    /// Of the two that are set against each other.
    pub fn comparison(&self) -> Option<&QueryComparison> {
        self.comparison_with(self.compare.rankers.pair()?[1])
    }

    pub fn verdict(&self) -> Option<PairedTest> {
        self.comparison()?.ap_tests[self.compare.table.cutoff]
    }

    /// The line in the place of the classes while there are none.
    pub fn compare_state(&self) -> String {
        let seeds = self.shared.evaluations.seed_count;
        match &self.shared.catalogue {
            None => self
                .shared
                .engine
                .open_error
                .clone()
                .unwrap_or_else(|| "opening …".into()),
            Some(_) if self.compare.rankers.chosen.len() < 2 => {
                "This index has one mode: nothing stands beside it. Choose another index or a run."
                    .into()
            }
            Some(c) if !c.queries.iter().any(|q| q.seed_count == seeds) => {
                format!(
                    "There are no queries of {} seeds to compare over.",
                    seeds.as_usize()
                )
            }
            Some(_)
                if self.shared.engine.pending.runs(RequestClass::Evaluate)
                    || self.shared.engine.pending.runs(RequestClass::Compare) =>
            {
                "measuring …".into()
            }
            Some(_) if self.is_stopped() => "Measuring was stopped.".into(),
            Some(_) if self.comparison().is_some() => {
                format!(
                    "They have no query of {} seeds in common.",
                    seeds.as_usize()
                )
            }
            Some(_) => "Nothing could be compared.".into(),
        }
    }

    /// The classes or the queries, sorted. Before the lists of both are made, the classes that are
    /// measured.
    pub fn pairs(&self) -> Vec<CompareRow> {
        let mut pairs = match self.comparison() {
            Some(comparison) => self.compared_pairs(comparison),
            None => self.measured_pairs(),
        };
        pairs.sort_by(|a, b| {
            // classes are in the order of their names
            let by_name = (a.class, a.query).cmp(&(b.class, b.query));
            // what is not known yet comes last
            let ascending = |a: Option<f64>, b: Option<f64>| {
                a.is_none()
                    .cmp(&b.is_none())
                    .then(a.unwrap_or_default().total_cmp(&b.unwrap_or_default()))
            };
            let negative = |pair: &CompareRow| pair.difference().map(|difference| -difference);
            match self.compare.table.order {
                CompareOrder::Difference => ascending(negative(a), negative(b)).then(by_name),
                CompareOrder::Name => by_name,
                CompareOrder::Overlap => ascending(a.overlap, b.overlap).then(by_name),
                CompareOrder::Rbo => ascending(a.rbo, b.rbo).then(by_name),
            }
        });
        if self.compare.table.reversed {
            pairs.reverse();
        }
        pairs
    }

    fn compared_pairs(&self, comparison: &QueryComparison) -> Vec<CompareRow> {
        let mut by_class: BTreeMap<ClassId, Vec<usize>> = BTreeMap::new();
        for (at, query) in comparison.queries.iter().enumerate() {
            by_class.entry(query.class).or_default().push(at);
        }
        let mut pairs: Vec<CompareRow> = Vec::new();
        for (class, queries) in by_class {
            if self.compare.table.by_query {
                let one = |(at, &query)| self.pair(comparison, class, Some(at), vec![query]);
                pairs.extend(queries.iter().enumerate().map(one));
            } else {
                pairs.push(self.pair(comparison, class, None, queries));
            }
        }
        pairs
    }

    /// The classes that are measured in one of the two, by what is known of them.
    fn measured_pairs(&self) -> Vec<CompareRow> {
        let (Some(catalogue), Some(compared)) =
            (&self.shared.catalogue, self.compare.rankers.pair())
        else {
            return Vec::new();
        };
        if self.compare.table.by_query
            || !(self.shared.engine.pending.runs(RequestClass::Evaluate)
                || self.shared.engine.pending.runs(RequestClass::Compare))
        {
            return Vec::new();
        }
        let measured = |of: Ranker, class: ClassId| {
            self.shared
                .class_metrics
                .get(&(self.shared.evaluations.key_of(of), class))
                .map(|measures| measures.ap[self.compare.table.cutoff])
        };
        let pair = |class: ClassId| {
            let ap = compared.map(|of| measured(of, class));
            let all: Vec<Option<f64>> = self
                .compare
                .rankers
                .chosen
                .iter()
                .map(|&of| measured(of, class))
                .collect();
            let label = catalogue.class(class).title();
            let unknown = CompareRow {
                class,
                query: None,
                label,
                ap,
                all,
                overlap: None,
                rbo: None,
                tau: None,
                queries: vec![],
            };
            ap.iter().any(Option::is_some).then_some(unknown)
        };
        (0..catalogue.classes.len())
            .filter_map(|at| pair(ClassId(at as u16)))
            .collect()
    }

    /// Means over these queries of a class.
    fn pair(
        &self,
        comparison: &QueryComparison,
        class: ClassId,
        query: Option<usize>,
        queries: Vec<usize>,
    ) -> CompareRow {
        let mean = |of: &dyn Fn(&QueryPair) -> Option<f64>| {
            let values: Vec<f64> = queries
                .iter()
                .filter_map(|&q| of(&comparison.queries[q]))
                .collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let ap = [0, 1].map(|which| mean(&|q| Some(q.ap[which][self.compare.table.cutoff])));
        let number = query.map(|_| comparison.queries[queries[0]].number);
        let title = self.class_title(class);
        CompareRow {
            class,
            query,
            label: number.map_or(title.clone(), |number| {
                format!("{title} · {}", self.seed_names(class, number))
            }),
            ap,
            all: self.all_ap(class, number, ap),
            overlap: mean(&|q| Some(q.similarity.overlap)),
            rbo: mean(&|q| Some(q.similarity.rbo)),
            tau: mean(&|q| q.similarity.tau),
            queries,
        }
    }

    fn class_title(&self, class: ClassId) -> String {
        self.shared
            .catalogue
            .as_ref()
            .map_or_else(String::new, |catalogue| catalogue.class(class).title())
    }

    /// The seeds of a measured query, with commas between.
    fn seed_names(&self, class: ClassId, number: usize) -> String {
        let Some(catalogue) = &self.shared.catalogue else {
            return String::new();
        };
        let query = catalogue
            .queries_of(class, self.shared.evaluations.seed_count)
            .find(|query| query.number == number);
        let seeds = query.map_or(&[][..], |query| &query.seeds);
        seeds
            .iter()
            .map(|&seed| catalogue.name(seed))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Each contender's AP of a class or of its query of this number: that of the two as they are
    /// compared, of a class else over its own queries.
    fn all_ap(
        &self,
        class: ClassId,
        number: Option<usize>,
        pair: [Option<f64>; 2],
    ) -> Vec<Option<f64>> {
        let own = |of: Ranker| match number {
            None => self
                .shared
                .class_metrics
                .get(&(self.shared.evaluations.key_of(of), class))
                .map(|m| m.ap[self.compare.table.cutoff]),
            Some(number) => {
                let queries = &self.comparison_with(of)?.queries;
                let query = queries
                    .iter()
                    .find(|q| (q.class, q.number) == (class, number));
                query.map(|q| q.ap[1][self.compare.table.cutoff])
            }
        };
        let ap = |(at, &of): (usize, &Ranker)| match at {
            0 => pair[0],
            _ if self.is_set_against(at) => pair[1],
            _ => own(of),
        };
        self.compare
            .rankers
            .chosen
            .iter()
            .enumerate()
            .map(ap)
            .collect()
    }

    pub fn selected_pair(&self) -> Option<CompareRow> {
        let mut pairs = self.pairs();
        let at = self.pair_cursor(&pairs);
        (at < pairs.len()).then(|| pairs.swap_remove(at))
    }

    /// The cursor's place: on its class or query wherever that is now, else on the first.
    pub fn pair_cursor(&self, pairs: &[CompareRow]) -> usize {
        let CompareState { class, query, .. } = self.compare.table;
        let is_at = |pair: &CompareRow| {
            Some(pair.class) == class && pair.query.is_none_or(|at| at == query)
        };
        pairs.iter().position(is_at).unwrap_or(0)
    }

    /// Puts the cursor on another line: on a class's first query, or on the query.
    pub(crate) fn select_pair(&mut self, at: usize) {
        let pairs = self.pairs();
        if let Some(pair) = pairs.get(at).filter(|_| at != self.pair_cursor(&pairs)) {
            let (class, query) = (Some(pair.class), pair.query.unwrap_or(0));
            (
                self.compare.table.class,
                self.compare.table.query,
                self.compare.table.scroll,
            ) = (class, query, 0);
        }
    }

    /// Which query of its class a line is of, from 1; none of a class's own line.
    pub fn query_number(&self, pair: &CompareRow) -> Option<usize> {
        let query = self.comparison()?.queries.get(*pair.queries.first()?)?;
        pair.query.map(|_| query.number + 1)
    }

    /// How many queries of a class are compared.
    pub fn queries_compared(&self, class: ClassId) -> usize {
        self.comparison().map_or(0, |comparison| {
            comparison
                .queries
                .iter()
                .filter(|q| q.class == class)
                .count()
        })
    }

    /// The query of the selected class that is shown rank by rank.
    pub fn compared_query(&self) -> Option<&QueryPair> {
        let pair = self.selected_pair()?;
        self.comparison()?.queries.get(
            *pair
                .queries
                .get(self.compare.table.query)
                .or(pair.queries.last())?,
        )
    }

    /// All lists of one query, joined: those within the cutoff in any, by the best of their ranks.
    pub fn joined(&self, query: &QueryPair) -> Vec<JoinedRow> {
        let depth = CUTOFFS[self.compare.table.cutoff];
        let lists = self.lists_of(query);
        let ranks: Vec<HashMap<EntityId, usize>> =
            lists.iter().map(|list| ranks_in(list)).collect();
        let ranks_of = |entity: EntityId| -> Vec<Option<usize>> {
            ranks
                .iter()
                .map(|ranks| ranks.get(&entity).copied())
                .collect()
        };
        let mut entities: Vec<EntityId> = lists
            .iter()
            .flat_map(|list| list.iter().take(depth).copied())
            .collect();
        entities.sort_by_cached_key(|&entity| {
            let ranks = ranks_of(entity);
            let best = ranks.iter().flatten().min().copied();
            let lacks_first = ranks.first().is_none_or(Option::is_none);
            (best, lacks_first, entity.0)
        });
        entities.dedup();
        let joined = |entity| JoinedRow {
            entity,
            ranks: ranks_of(entity),
        };
        entities.into_iter().map(joined).collect()
    }

    /// Returns each contender's list of a query; it is empty for one that lacks the query.
    fn lists_of<'a>(&'a self, query: &'a QueryPair) -> Vec<&'a [EntityId]> {
        let mut lists: Vec<&[EntityId]> = Vec::new();
        for (at, &contender) in self.compare.rankers.chosen.iter().enumerate() {
            // the first is compared with each other one: its list is taken beside the second's
            let other = match at {
                0 => self
                    .compare
                    .rankers
                    .chosen
                    .get(1)
                    .copied()
                    .unwrap_or(contender),
                _ => contender,
            };
            let found = self.comparison_with(other).and_then(|comparison| {
                comparison
                    .queries
                    .iter()
                    .find(|q| (q.class, q.number) == (query.class, query.number))
            });
            lists.push(match found {
                Some(found) => &found.rankings[usize::from(at > 0)],
                // the one beside the first may lack the query where another has it
                None if at == 0 => &query.rankings[0],
                None => &[],
            });
        }
        lists
    }

    /// Moves the joined lists.
    pub(crate) fn scroll_joined(&mut self, by: isize) {
        let at = self
            .compare
            .table
            .scroll
            .min(self.shared.frame.compare_rankings.furthest);
        self.compare.table.scroll =
            shifted(at, by, self.shared.frame.compare_rankings.furthest + 1);
    }

    /// Opens the query in Explore, in the first contender's mode where that is this index's.
    pub(crate) fn open_pair(&mut self) {
        let Some(query) = self.compared_query() else {
            return;
        };
        let (class, number) = (query.class, query.number);
        if let Some(&Ranker::OpenIndex(mode)) = self.compare.rankers.chosen.first() {
            self.explore.query.mode = mode;
        }
        self.show_query(class, number);
    }

    /// The classes or the queries, for other programs.
    pub(crate) fn compare_sheet(&self) -> Table {
        let [first, second] = match self.compare.rankers.pair() {
            Some(pair) => pair.map(|of| self.shared.ranker_name(of)),
            None => Default::default(),
        };
        let names = self.contender_names();
        let of_query: &[&str] = if self.compare.table.by_query {
            &["query", "seed names"]
        } else {
            &[]
        };
        let heads = std::iter::once("class")
            .chain(of_query.iter().copied())
            .chain(["measure", "seeds", "ranking"]);
        let heads = heads.chain(names.iter().map(String::as_str));
        let heads = heads
            .chain(["difference", "overlap", "RBO", "tau", "queries"])
            .map(str::to_owned)
            .collect();
        let name = self.shared.catalogue.as_ref().map_or("", |c| &c.name);
        let said = self
            .verdict()
            .map_or_else(String::new, |v| format!("; {}", verdict_text(&v)));
        let cutoff = CUTOFFS[self.compare.table.cutoff];
        Table {
            title: format!(
                "{name}: MAP@{cutoff}, {first} against {second} · {}{said}",
                self.shared.evaluations.title()
            ),
            headers: heads,
            rows: self
                .pairs()
                .into_iter()
                .map(|pair| self.pair_cells(&pair))
                .collect(),
        }
    }

    fn pair_cells(&self, pair: &CompareRow) -> Vec<Cell> {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let mut cells = vec![Cell::Text(self.class_title(pair.class))];
        if let Some(number) = self.query_number(pair) {
            cells.extend([
                Cell::Count(number),
                Cell::Text(self.seed_names(pair.class, number - 1)),
            ]);
        }
        cells.push(Cell::Text(format!(
            "MAP@{}",
            CUTOFFS[self.compare.table.cutoff]
        )));
        cells.push(Cell::Count(self.shared.evaluations.seed_count.as_usize()));
        cells.push(Cell::Text(self.shared.evaluations.ranking_name().into()));
        cells.extend(pair.all.iter().map(|&ap| number(ap)));
        cells.extend([pair.difference(), pair.overlap, pair.rbo, pair.tau].map(number));
        cells.push(Cell::Count(pair.queries.len()));
        cells
    }
}

/// Returns the rank of each entity of a list, from 1.
fn ranks_in(list: &[EntityId]) -> HashMap<EntityId, usize> {
    list.iter()
        .enumerate()
        .map(|(at, &entity)| (entity, at + 1))
        .collect()
}

/// A verdict in one line. Its p is of one test, whatever else the screen shows.
pub fn verdict_text(v: &PairedTest) -> String {
    let signed = |x: f64| {
        if x < 0.0 {
            format!("−{:.3}", -x)
        } else {
            format!("+{x:.3}")
        }
    };
    let p = if v.p < 0.001 {
        "p < .001".to_owned()
    } else {
        format!("p {:.3}", v.p).replace(" 0.", " .")
    };
    let interval = format!("[{}, {}]", signed(v.low), signed(v.high));
    format!(
        "{} {interval} {p} uncorrected · {} wins, {} ties, {} losses",
        signed(v.difference),
        v.wins,
        v.ties,
        v.losses
    )
}
