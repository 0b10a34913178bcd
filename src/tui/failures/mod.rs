//! The Failures screen's state: what the lists of one evaluation got wrong, filtered, grouped,
//! marked, and as a matrix.

pub mod annotations;
pub mod detail;
pub mod export;
pub mod list;
pub mod matrix;
pub mod screen;

use std::collections::{HashMap, HashSet};

use crate::config::{Action, Context};
use crate::engine::protocol::{EvaluationKey, Failure, Failures, RequestKind};
use crate::engine::protocol::{FailureKind, TagKind};
use crate::tui::parts::Screen;
use crate::types::{CUTOFFS, ClassId, EntityId, Mode, RankingKind};

use crate::tui::app::App;
use crate::tui::explore::expansion::RowFilter;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
use crate::tui::text_input::TextInput;
use crate::tui::text_input::erase_from_end;
use crate::tui::ui::scroll::shifted;

pub use annotations::Annotations;
pub use export::reason;
pub use list::{FailureLine, Grouping};
pub use matrix::{Confused, Confusion, Matrix, NO_CLASS};

/// A failure wherever it is: between two evaluations places shift, this does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FailureId {
    pub class: ClassId,
    pub number: usize,
    pub entity: EntityId,
    pub kind: FailureKind,
}

impl FailureId {
    fn of(failure: &Failure) -> FailureId {
        FailureId {
            class: failure.class,
            number: failure.number,
            entity: failure.entity,
            kind: failure.kind(),
        }
    }
}

/// A line of text being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureInput {
    /// What names are to contain; it acts as it is typed.
    Filter,
    Note {
        of: FailureId,
        text: TextInput,
    },
}

/// What is known, and what the user did to the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureList {
    /// Of every evaluation that was looked at.
    pub found: HashMap<EvaluationKey, Failures>,
    pub(crate) searching: Option<EvaluationKey>,
    pub remarks: Annotations,
    pub mode: Mode,
    /// Place in [`CUTOFFS`]: false positives down to there are shown.
    pub cutoff: usize,
    pub grouping: Grouping,
    /// Only these.
    pub kind: Option<FailureKind>,
    pub tag: Option<TagKind>,
    pub marked: bool,
    pub filter: String,
    /// Only those of one cell of the matrix.
    pub confused: Option<Confused>,
    pub field: Option<FailureInput>,
    /// Groups by their labels.
    pub folded: HashSet<String>,
    /// The list as shown: made anew at every change, since it may be long.
    pub lines: Vec<FailureLine>,
    pub cursor: usize,
    /// Where the cursor was put: the group's label, and the failure where it is on one.
    at: Option<(String, Option<FailureId>)>,
    pub matrix: Matrix,
}

impl Default for FailureList {
    fn default() -> Self {
        FailureList {
            found: HashMap::new(),
            searching: None,
            remarks: Annotations::new(),
            mode: Mode::Both,
            cutoff: 0,
            grouping: Grouping::Class,
            kind: None,
            tag: None,
            marked: false,
            filter: String::new(),
            confused: None,
            field: None,
            folded: HashSet::new(),
            lines: Vec::new(),
            cursor: 0,
            at: None,
            matrix: Matrix::default(),
        }
    }
}

impl App {
    pub(crate) fn act_on_failures(&mut self, action: Action) {
        match action {
            Action::Accept | Action::Open if self.failures.field.is_some() => self.accept_field(),
            _ if self.failures.field.is_some() => self.edit_field(action),
            Action::Open if self.failures.matrix.on => self.open_cell(),
            Action::Open => self.open_failure_line(),
            Action::Left if self.failures.matrix.on => self.step_column(-1),
            Action::Right if self.failures.matrix.on => self.step_column(1),
            Action::Left => self.fold_group(true),
            Action::Right => self.fold_group(false),
            Action::Fold => self.toggle_group(),
            Action::FoldAll => self.fold_groups(),
            Action::Mode => self.next_failure_mode(),
            Action::SeedCount => self.next_seed_count(),
            Action::Ranking => self.next_ranking(),
            Action::Export => self.overlay.popup = Some(Popup::Export(0)),
            Action::Mark => self.toggle_mark(),
            Action::Annotate => self.start_note(),
            _ => self.act_on_view(action),
        }
        self.regroup();
    }

    /// Which failures are shown, and how.
    fn act_on_view(&mut self, action: Action) {
        match action {
            Action::Group => {
                self.failures.grouping = self.failures.grouping.next();
                self.failures.folded.clear();
            }
            Action::Cutoff => self.failures.cutoff = (self.failures.cutoff + 1) % CUTOFFS.len(),
            Action::FailureKinds => {
                self.failures.kind = match self.failures.kind {
                    None => Some(FailureKind::FalsePositive),
                    Some(FailureKind::FalsePositive) => Some(FailureKind::Missed),
                    Some(FailureKind::Missed) => None,
                }
            }
            Action::Tag => self.next_tag(),
            Action::OnlyMarked => self.failures.marked = !self.failures.marked,
            Action::FilterList => self.failures.field = Some(FailureInput::Filter),
            Action::Confusion => {
                self.failures.matrix.on = !self.failures.matrix.on;
                self.failures.confused = None;
            }
            Action::RollUp => self.roll_up(),
            _ => {}
        }
    }

    /// Where keys go on this screen.
    pub(crate) fn failures_context(&self) -> Context {
        match self.failures.field {
            Some(FailureInput::Note { .. }) => Context::Note,
            Some(FailureInput::Filter) => Context::Filter,
            None => Context::Failures,
        }
    }

    pub(crate) fn step_in_failures(&mut self, by: isize) {
        if self.failures.matrix.on {
            return self.step_row(by);
        }
        self.put_cursor(shifted(self.failures.cursor, by, self.failures.lines.len()));
    }

    /// One step out: the field, the cell, the matrix, the filter. False where there was none of
    /// them.
    pub(crate) fn close_in_failures(&mut self) -> bool {
        let list = &mut self.failures;
        match list.field.take() {
            Some(FailureInput::Filter) => list.filter.clear(),
            Some(FailureInput::Note { .. }) => {}
            None if list.confused.take().is_some() => list.matrix.on = true,
            None if list.matrix.on => list.matrix.on = false,
            None if !list.filter.is_empty() => list.filter.clear(),
            None => return false,
        }
        self.regroup();
        true
    }

    pub(crate) fn type_in_failures(&mut self, text: &str) {
        match &mut self.failures.field {
            Some(FailureInput::Filter) => self.failures.filter.push_str(text),
            Some(FailureInput::Note { text: note, .. }) => note.insert(text),
            None => {}
        }
        self.regroup();
    }

    fn edit_field(&mut self, action: Action) {
        match &mut self.failures.field {
            Some(FailureInput::Filter) => erase_from_end(&mut self.failures.filter, action),
            Some(FailureInput::Note { text, .. }) => drop(text.edit(action)),
            None => {}
        }
    }

    fn accept_field(&mut self) {
        if let Some(FailureInput::Note { of, text }) = self.failures.field.take() {
            self.keep_note(of, text.text().trim());
        }
    }

    /// The next of the tags that there are, after the last all of them.
    fn next_tag(&mut self) {
        let Some(failures) = self.failures_found() else {
            return;
        };
        let there = |kind: &TagKind| {
            failures
                .failures
                .iter()
                .any(|f| f.tags.iter().any(|tag| tag.kind() == *kind))
        };
        let mut later = TagKind::ALL
            .into_iter()
            .filter(|&kind| self.failures.tag.is_none_or(|now| kind > now));
        self.failures.tag = later.find(there);
    }

    fn next_failure_mode(&mut self) {
        if let Some(mode) = self.other_mode(self.failures.mode, 1) {
            self.failures.mode = mode;
            self.evaluate();
        }
    }

    /// What the screen is about.
    pub(crate) fn failure_plan(&self) -> EvaluationKey {
        self.shared.evaluations.key(self.failures.mode)
    }

    /// Asks for the failures as soon as lists are made.
    pub(crate) fn find_failures(&mut self) {
        let plan = self.failure_plan();
        let found = self
            .failures
            .found
            .get(&plan)
            .is_some_and(Failures::is_complete);
        let known = found || self.failures.searching == Some(plan);
        // while lists are made, those that there are can be searched; jointly each depends on all
        let has_lists = self.shared.overall.contains_key(&plan)
            || self.shared.evaluations.current == Some(plan) && plan.ranking != RankingKind::Joint;
        if self.screen == Screen::Failures && !known && has_lists {
            self.failures.searching = Some(plan);
            self.shared
                .engine
                .send(RequestClass::Failures, RequestKind::Failures(plan));
        }
    }

    /// Takes in a part of what was found.
    pub(crate) fn take_failures(&mut self, part: Failures) {
        let Some(plan) = self.failures.searching else {
            return;
        };
        let is_complete = part.is_complete();
        self.failures.found.entry(plan).or_default().extend(part);
        if is_complete {
            self.shared.engine.pending.finish(RequestClass::Failures);
            self.shared.engine.progress.remove(&RequestClass::Failures);
            self.failures.searching = None;
        }
        self.regroup();
    }

    /// As far as they were searched for; `None` before the first part is there.
    pub fn failures_found(&self) -> Option<&Failures> {
        self.failures.found.get(&self.failure_plan())
    }

    /// The failure under the cursor.
    pub fn failure(&self) -> Option<&Failure> {
        match self.failures.lines.get(self.failures.cursor)? {
            FailureLine::One(place) => self.failures_found()?.failures.get(*place),
            FailureLine::Group { .. } => None,
        }
    }

    /// The line in the place of the list while there is none.
    pub fn failures_state(&self) -> String {
        let seeds = self.shared.evaluations.seed_count;
        match (&self.shared.catalogue, self.failures_found()) {
            (None, _) => self
                .shared
                .engine
                .open_error
                .clone()
                .unwrap_or_else(|| "opening …".into()),
            (Some(c), _) if !c.queries.iter().any(|q| q.seed_count == seeds) => {
                format!(
                    "There are no queries of {} seeds: nothing can fail.",
                    seeds.as_usize()
                )
            }
            (_, Some(found)) if found.failures.is_empty() && found.is_complete() => {
                "Nothing is wrong in any list.".into()
            }
            (_, Some(found)) if found.failures.is_empty() => "looking for what is wrong …".into(),
            (_, Some(_)) => "No failure passes the filters.".into(),
            _ if self
                .shared
                .engine
                .pending
                .is_running(RequestClass::Evaluate)
                || self
                    .shared
                    .engine
                    .pending
                    .is_running(RequestClass::Failures) =>
            {
                format!(
                    "measuring {}, then looking for what is wrong …",
                    self.failures.mode
                )
            }
            _ if self.is_stopped() => format!("Measuring {} was stopped.", self.failures.mode),
            _ => "Nothing could be measured.".into(),
        }
    }

    fn open_failure_line(&mut self) {
        match self.failure().map(FailureId::of) {
            Some(failure) => self.open_failure(failure),
            None => self.toggle_group(),
        }
    }

    /// The query in Explore as it was measured, with the cursor on the entity or, where it is
    /// missing, a look at it.
    fn open_failure(&mut self, failure: FailureId) {
        let expanded = self.shared.evaluations.ranking != RankingKind::SeedSimilarity;
        self.explore.query.mode = self.failures.mode;
        (
            self.explore.candidates.reranked,
            self.explore.candidates.filter,
        ) = (expanded, RowFilter::All);
        self.show_query(failure.class, failure.number, None);
        self.explore.candidates.selected = Some(failure.entity);
        // in a list by the seeds it may be where the expansion has nothing
        if failure.kind == FailureKind::Missed || !expanded {
            (self.explore.entity.inspected, self.explore.focus) =
                (Some(failure.entity), Pane::Entity);
        }
    }
}
