//! The Compare screen's state: two modes over the same queries, class by class and, for one query, rank by rank.

use std::collections::HashMap;

use crate::config::Action;
use crate::engine::api::{Ask, Comparison, Evaluation, QueryPair};
use crate::tui::screen::Screen;
use crate::types::{CUTOFFS, ClassId, EntityId, Verdict};

use super::act::shifted;
use super::sheet::{Cell, Sheet};
use super::{App, Kind, Popup};

/// What the classes are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Where the first gains most.
    #[default]
    Difference,
    Name,
    /// Where the lists share least.
    Overlap,
    Rbo,
}

impl Order {
    pub fn name(self) -> &'static str {
        match self {
            Order::Difference => "difference",
            Order::Name => "name",
            Order::Overlap => "overlap",
            Order::Rbo => "RBO",
        }
    }

    fn next(self) -> Order {
        match self {
            Order::Difference => Order::Name,
            Order::Name => Order::Overlap,
            Order::Overlap => Order::Rbo,
            Order::Rbo => Order::Difference,
        }
    }
}

/// What the user did to the screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compared {
    /// Place in [`CUTOFFS`].
    pub cutoff: usize,
    pub order: Order,
    pub reversed: bool,
    /// Where the cursor is; none: on the first.
    pub class: Option<ClassId>,
    /// Which of the class's compared queries is shown rank by rank, from 0.
    pub query: usize,
}

/// One class in both: means over its queries.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassPair {
    pub class: ClassId,
    pub label: String,
    /// AP at the cutoff.
    pub ap: [f64; 2],
    pub overlap: f64,
    pub rbo: f64,
    /// Over the queries that have one.
    pub tau: Option<f64>,
    /// Places in [`Comparison::queries`].
    pub queries: Vec<usize>,
}

impl ClassPair {
    pub fn difference(&self) -> f64 {
        self.ap[0] - self.ap[1]
    }
}

/// An entity that is within the cutoff in one list or in both, with its rank (from 1) in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joined {
    pub entity: EntityId,
    pub ranks: [Option<usize>; 2],
}

impl App {
    pub(super) fn act_on_compare(&mut self, action: Action) {
        match action {
            Action::Sort => (self.compared.order, self.compared.reversed) = (self.compared.order.next(), false),
            Action::Reverse => self.compared.reversed = !self.compared.reversed,
            Action::Measure => self.compared.cutoff = (self.compared.cutoff + 1) % CUTOFFS.len(),
            Action::Ranking => self.switch_ranking(),
            Action::SeedCount => self.switch_measured(),
            Action::Mode => self.next_pair(),
            Action::PreviousQuery => self.compared.query = self.compared.query.saturating_sub(1),
            Action::NextQuery => {
                let count = self.selected_pair().map_or(0, |pair| pair.queries.len());
                self.compared.query = shifted(self.compared.query, 1, count);
            }
            Action::Export => self.popup = Some(Popup::Export(0)),
            Action::Open => self.open_pair(),
            _ => {}
        }
    }

    pub(super) fn step_in_compare(&mut self, by: isize) {
        let pairs = self.class_pairs();
        self.select_pair(shifted(self.pair_cursor(&pairs), by, pairs.len()));
    }

    /// The next two of the index's modes.
    fn next_pair(&mut self) {
        let modes = self.modes();
        let pairs: Vec<_> =
            modes.iter().enumerate().flat_map(|(i, &a)| modes[i + 1..].iter().map(move |&b| [a, b])).collect();
        let at = pairs.iter().position(|&pair| pair == self.pair).unwrap_or(0);
        match pairs.get((at + 1) % pairs.len().max(1)) {
            Some(&next) if next != self.pair => {
                self.pair = next;
                self.evaluate();
            }
            _ => self.notify("this index holds no other two modes"),
        }
    }

    /// Asks for the comparison once both are measured.
    pub(super) fn compare(&mut self) {
        let plans = self.plans();
        let known = self.comparisons.contains_key(&plans) || self.comparing == Some(plans);
        if self.screen == Screen::Compare && !known && plans.iter().all(|plan| self.overall.contains_key(plan)) {
            self.comparing = Some(plans);
            self.ask(Kind::Compare, Ask::Compare { first: plans[0], second: plans[1] });
        }
    }

    fn plans(&self) -> [Evaluation; 2] {
        self.pair.map(|mode| self.plan(mode))
    }

    /// None until it is there.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparisons.get(&self.plans())
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.comparison()?.verdicts[self.compared.cutoff]
    }

    /// The line in the place of the classes while there are none.
    pub fn compare_state(&self) -> String {
        let seeds = self.seeds_measured;
        match &self.catalogue {
            None => self.broken.clone().unwrap_or_else(|| "opening …".into()),
            Some(_) if self.modes().len() < 2 => "This index has one mode: nothing stands beside it.".into(),
            Some(c) if !c.queries.iter().any(|q| q.seed_count == seeds) => {
                format!("There are no queries of {} seeds to compare over.", seeds.number())
            }
            Some(_) if self.asked.runs(Kind::Evaluate) || self.asked.runs(Kind::Compare) => "measuring both …".into(),
            Some(_) => "Nothing could be compared.".into(),
        }
    }

    /// The classes, sorted.
    pub fn class_pairs(&self) -> Vec<ClassPair> {
        let (Some(comparison), Some(catalogue)) = (self.comparison(), &self.catalogue) else { return Vec::new() };
        let mut by_class: HashMap<ClassId, Vec<usize>> = HashMap::new();
        for (at, query) in comparison.queries.iter().enumerate() {
            by_class.entry(query.class).or_default().push(at);
        }
        let pair = |(class, queries): (ClassId, Vec<usize>)| {
            let mean = |of: &dyn Fn(&QueryPair) -> Option<f64>| {
                let values: Vec<f64> = queries.iter().filter_map(|&q| of(&comparison.queries[q])).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            };
            let ap = |which: usize| mean(&|q| Some(q.ap[which][self.compared.cutoff])).unwrap_or_default();
            ClassPair {
                class,
                label: catalogue.class(class).title(),
                ap: [ap(0), ap(1)],
                overlap: mean(&|q| Some(q.likeness.overlap)).unwrap_or_default(),
                rbo: mean(&|q| Some(q.likeness.rbo)).unwrap_or_default(),
                tau: mean(&|q| q.likeness.tau),
                queries,
            }
        };
        let mut pairs: Vec<ClassPair> = by_class.into_iter().map(pair).collect();
        pairs.sort_by(|a, b| {
            let by_name = a.label.cmp(&b.label);
            match self.compared.order {
                Order::Difference => b.difference().total_cmp(&a.difference()).then(by_name),
                Order::Name => by_name,
                Order::Overlap => a.overlap.total_cmp(&b.overlap).then(by_name),
                Order::Rbo => a.rbo.total_cmp(&b.rbo).then(by_name),
            }
        });
        if self.compared.reversed {
            pairs.reverse();
        }
        pairs
    }

    pub fn selected_pair(&self) -> Option<ClassPair> {
        let mut pairs = self.class_pairs();
        let at = self.pair_cursor(&pairs);
        (at < pairs.len()).then(|| pairs.swap_remove(at))
    }

    /// The cursor's place: on its class wherever that is now, else on the first.
    pub fn pair_cursor(&self, pairs: &[ClassPair]) -> usize {
        let class = self.compared.class;
        pairs.iter().position(|pair| Some(pair.class) == class).unwrap_or(0)
    }

    /// Puts the cursor on a class, and on its first query where that is another class.
    pub(super) fn select_pair(&mut self, at: usize) {
        let class = self.class_pairs().get(at).map(|pair| pair.class);
        if class != self.compared.class {
            (self.compared.class, self.compared.query) = (class, 0);
        }
    }

    /// The query of the selected class that is shown rank by rank.
    pub fn compared_query(&self) -> Option<&QueryPair> {
        let pair = self.selected_pair()?;
        self.comparison()?.queries.get(*pair.queries.get(self.compared.query).or(pair.queries.last())?)
    }

    /// Both lists of one query, joined: those within the cutoff in either, by the better of their ranks.
    pub fn joined(&self, query: &QueryPair) -> Vec<Joined> {
        let depth = CUTOFFS[self.compared.cutoff];
        let ranks = query.lists.each_ref().map(|list| {
            list.iter().enumerate().map(|(at, &entity)| (entity, at + 1)).collect::<HashMap<EntityId, usize>>()
        });
        let mut entities: Vec<EntityId> =
            query.lists.iter().flat_map(|list| list.iter().take(depth).copied()).collect();
        let rank = |entity: &EntityId| ranks.each_ref().map(|ranks| ranks.get(entity).copied());
        let key = |entity: &EntityId| {
            let [first, second] = rank(entity);
            (first.into_iter().chain(second).min(), first.is_none(), entity.0)
        };
        entities.sort_by_key(key);
        entities.dedup();
        entities.into_iter().map(|entity| Joined { entity, ranks: rank(&entity) }).collect()
    }

    /// Opens the query in Explore, in the first mode.
    pub(super) fn open_pair(&mut self) {
        let Some(query) = self.compared_query() else { return };
        let (class, number) = (query.class, query.number);
        self.mode = self.pair[0];
        self.show_query(class, number);
    }

    /// The classes, for other programs.
    pub(super) fn compare_sheet(&self) -> Sheet {
        let [first, second] = self.pair.map(|mode| mode.to_string());
        let heads =
            ["class", "measure", "seeds", "ranking", &first, &second, "difference", "overlap", "RBO", "tau", "queries"];
        let row = |pair: ClassPair| {
            vec![
                Cell::Text(pair.label.clone()),
                Cell::Text(format!("MAP@{}", CUTOFFS[self.compared.cutoff])),
                Cell::Count(self.seeds_measured.number()),
                Cell::Text(self.ranking_name().into()),
                Cell::Number(pair.ap[0]),
                Cell::Number(pair.ap[1]),
                Cell::Number(pair.difference()),
                Cell::Number(pair.overlap),
                Cell::Number(pair.rbo),
                pair.tau.map_or(Cell::Nothing, Cell::Number),
                Cell::Count(pair.queries.len()),
            ]
        };
        let name = self.catalogue.as_ref().map_or("", |c| &c.name);
        let said = self.verdict().map_or_else(String::new, |v| format!("; {}", verdict_text(&v)));
        let cutoff = CUTOFFS[self.compared.cutoff];
        Sheet {
            title: format!("{name}: MAP@{cutoff}, {first} against {second} · {}{said}", self.queries_title()),
            heads: heads.map(str::to_owned).into(),
            rows: self.class_pairs().into_iter().map(row).collect(),
        }
    }
}

/// A verdict in one line.
pub fn verdict_text(v: &Verdict) -> String {
    let signed = |x: f64| if x < 0.0 { format!("−{:.3}", -x) } else { format!("+{x:.3}") };
    let p = if v.p < 0.001 { "p < .001".to_owned() } else { format!("p {:.3}", v.p).replace(" 0.", " .") };
    let interval = format!("[{}, {}]", signed(v.low), signed(v.high));
    format!("{} {interval} {p} · {} wins, {} ties, {} losses", signed(v.difference), v.wins, v.ties, v.losses)
}
