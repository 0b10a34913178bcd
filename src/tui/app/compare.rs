//! The Compare screen's state: rankings of the same queries, class by class and, for one query, rank by rank.

use std::collections::HashMap;

use crate::config::Action;
use crate::engine::api::{Ask, Comparison, Contender, Evaluation, QueryPair};
use crate::tui::screen::Screen;
use crate::types::{CUTOFFS, ClassId, EntityId, Verdict};

use super::act::shifted;
use super::{App, Kind, Popup};
use crate::sheet::{Cell, Sheet};

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
    /// The first of its joined rows that is shown.
    pub scroll: usize,
}

/// One class in both: means over its queries.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassPair {
    pub class: ClassId,
    pub label: String,
    /// AP at the cutoff of the two that are set against each other.
    pub ap: [f64; 2],
    /// Each contender's; that of one that is in neither over all queries that it has.
    pub all: Vec<Option<f64>>,
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

/// An entity that is within the cutoff in a list, with its rank (from 1) in each contender's.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    pub entity: EntityId,
    pub ranks: Vec<Option<usize>>,
}

impl App {
    pub(super) fn act_on_compare(&mut self, action: Action) {
        match action {
            Action::Sort => (self.compared.order, self.compared.reversed) = (self.compared.order.next(), false),
            Action::Reverse => self.compared.reversed = !self.compared.reversed,
            Action::Measure => self.compared.cutoff = (self.compared.cutoff + 1) % CUTOFFS.len(),
            Action::Ranking => self.switch_ranking(),
            Action::SeedCount => self.switch_measured(),
            Action::Mode => self.next_modes(),
            Action::Contenders => self.popup = Some(Popup::Contenders(0)),
            Action::Against => self.next_against(),
            Action::ScrollDown => self.scroll_joined(1),
            Action::ScrollUp => self.scroll_joined(-1),
            Action::PreviousQuery => self.step_query(-1),
            Action::NextQuery => self.step_query(1),
            Action::Export => self.popup = Some(Popup::Export(0)),
            Action::Open => self.open_pair(),
            _ => {}
        }
    }

    fn step_query(&mut self, by: isize) {
        let count = self.selected_pair().map_or(0, |pair| pair.queries.len());
        (self.compared.query, self.compared.scroll) = (shifted(self.compared.query, by, count), 0);
    }

    pub(super) fn step_in_compare(&mut self, by: isize) {
        let pairs = self.class_pairs();
        self.select_pair(shifted(self.pair_cursor(&pairs), by, pairs.len()));
    }

    /// Asks for the comparisons of the first with each other one that are not there, one at a time.
    pub(super) fn compare(&mut self) {
        if self.screen != Screen::Compare || self.comparing.is_some() {
            return;
        }
        let plans: Vec<Evaluation> = self.contenders.chosen.iter().map(|&of| self.plan_of(of)).collect();
        let Some((&first, others)) = plans.split_first() else { return };
        let missing = |other: &&Evaluation| !self.comparisons.contains_key(&[first, **other]);
        if let Some(&second) =
            others.iter().find(missing).filter(|_| plans.iter().all(|p| self.overall.contains_key(p)))
        {
            self.comparing = Some([first, second]);
            self.ask(Kind::Compare, Ask::Compare { first, second });
        }
    }

    /// Of the first with another contender; none until it is there.
    fn comparison_with(&self, other: Contender) -> Option<&Comparison> {
        let first = *self.contenders.chosen.first()?;
        self.comparisons.get(&[self.plan_of(first), self.plan_of(other)])
    }

    /// Of the two that are set against each other.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison_with(self.contenders.pair()?[1])
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.comparison()?.verdicts[self.compared.cutoff]
    }

    /// The line in the place of the classes while there are none.
    pub fn compare_state(&self) -> String {
        let seeds = self.seeds_measured;
        match &self.catalogue {
            None => self.broken.clone().unwrap_or_else(|| "opening …".into()),
            Some(_) if self.contenders.chosen.len() < 2 => {
                "This index has one mode: nothing stands beside it. Choose another index or a run.".into()
            }
            Some(c) if !c.queries.iter().any(|q| q.seed_count == seeds) => {
                format!("There are no queries of {} seeds to compare over.", seeds.number())
            }
            Some(_) if self.asked.runs(Kind::Evaluate) || self.asked.runs(Kind::Compare) => "measuring …".into(),
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
                all: self.all_ap(class, [ap(0), ap(1)]),
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

    /// Each contender's MAP of a class: that of the two as they are compared, else over its own queries.
    fn all_ap(&self, class: ClassId, pair: [f64; 2]) -> Vec<Option<f64>> {
        let own = |of: Contender| self.maps.get(&(self.plan_of(of), class)).map(|m| m.ap[self.compared.cutoff]);
        let ap = |(at, &of): (usize, &Contender)| match at {
            0 => Some(pair[0]),
            _ if self.is_set_against(at) => Some(pair[1]),
            _ => own(of),
        };
        self.contenders.chosen.iter().enumerate().map(ap).collect()
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
            (self.compared.class, self.compared.query, self.compared.scroll) = (class, 0, 0);
        }
    }

    /// The query of the selected class that is shown rank by rank.
    pub fn compared_query(&self) -> Option<&QueryPair> {
        let pair = self.selected_pair()?;
        self.comparison()?.queries.get(*pair.queries.get(self.compared.query).or(pair.queries.last())?)
    }

    /// All lists of one query, joined: those within the cutoff in any, by the best of their ranks.
    pub fn joined(&self, query: &QueryPair) -> Vec<Joined> {
        let depth = CUTOFFS[self.compared.cutoff];
        let list = |(at, &of): (usize, &Contender)| -> &[EntityId] {
            let first = if at == 0 { self.contenders.chosen.get(1).copied() } else { None };
            let comparison = self.comparison_with(first.unwrap_or(of));
            let same = |q: &&QueryPair| (q.class, q.number) == (query.class, query.number);
            match comparison.and_then(|c| c.queries.iter().find(same)) {
                Some(found) => &found.lists[usize::from(at > 0)],
                // the one beside the first may lack the query where another has it
                None if at == 0 => &query.lists[0],
                None => &[],
            }
        };
        let lists: Vec<&[EntityId]> = self.contenders.chosen.iter().enumerate().map(list).collect();
        let ranks = |list: &&[EntityId]| -> HashMap<EntityId, usize> {
            list.iter().enumerate().map(|(at, &entity)| (entity, at + 1)).collect()
        };
        let ranks: Vec<HashMap<EntityId, usize>> = lists.iter().map(ranks).collect();
        let mut entities: Vec<EntityId> = lists.iter().flat_map(|list| list.iter().take(depth).copied()).collect();
        let of = |entity: &EntityId| ranks.iter().map(|ranks| ranks.get(entity).copied()).collect::<Vec<_>>();
        let key = |entity: &EntityId| {
            let ranks = of(entity);
            (ranks.iter().flatten().min().copied(), ranks.first().is_none_or(Option::is_none), entity.0)
        };
        entities.sort_by_cached_key(key);
        entities.dedup();
        entities.into_iter().map(|entity| Joined { entity, ranks: of(&entity) }).collect()
    }

    /// Moves the joined lists.
    pub(super) fn scroll_joined(&mut self, by: isize) {
        let at = self.compared.scroll.min(self.view.joined.furthest);
        self.compared.scroll = shifted(at, by, self.view.joined.furthest + 1);
    }

    /// Opens the query in Explore, in the first contender's mode where that is this index's.
    pub(super) fn open_pair(&mut self) {
        let Some(query) = self.compared_query() else { return };
        let (class, number) = (query.class, query.number);
        if let Some(&Contender::Own(mode)) = self.contenders.chosen.first() {
            self.mode = mode;
        }
        self.show_query(class, number);
    }

    /// The classes, for other programs.
    pub(super) fn compare_sheet(&self) -> Sheet {
        let [first, second] = match self.contenders.pair() {
            Some(pair) => pair.map(|of| self.contenders.name(of)),
            None => Default::default(),
        };
        let names = self.contender_names();
        let heads = ["class", "measure", "seeds", "ranking"].into_iter().chain(names.iter().map(String::as_str));
        let heads = heads.chain(["difference", "overlap", "RBO", "tau", "queries"]).map(str::to_owned).collect();
        let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
        let row = |pair: ClassPair| {
            let mut cells = vec![Cell::Text(pair.label.clone())];
            cells.push(Cell::Text(format!("MAP@{}", CUTOFFS[self.compared.cutoff])));
            cells.push(Cell::Count(self.seeds_measured.number()));
            cells.push(Cell::Text(self.ranking_name().into()));
            cells.extend(pair.all.iter().map(|&ap| number(ap)));
            cells.extend([pair.difference(), pair.overlap, pair.rbo].map(Cell::Number));
            cells.extend([number(pair.tau), Cell::Count(pair.queries.len())]);
            cells
        };
        let name = self.catalogue.as_ref().map_or("", |c| &c.name);
        let said = self.verdict().map_or_else(String::new, |v| format!("; {}", verdict_text(&v)));
        let cutoff = CUTOFFS[self.compared.cutoff];
        Sheet {
            title: format!("{name}: MAP@{cutoff}, {first} against {second} · {}{said}", self.queries_title()),
            heads,
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
