//! The Failures screen: the errors in the rankings of one evaluation and their causes, as a list or
//! as a confusion matrix.
//!
//! ```text
//!  multiexpan  demo · both · 825 entities                 1 Explore  2 Compare  3 Failures  4 Metrics  ? help
//! ┏ Failures by class ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ both @10 · 3 seeds · expanded ┓╭ horse ─────────────────╮
//! ┃ 212 false positives · 14 missed                            only shared word    ┃│ ✗ false positive, 3rd  │
//! ┃ ▾ carnivorous mammals                                          9 ✗   1 ○       ┃│ picture   of carniv…   │
//! ┃   * ✗    3 horse              q2  sibling class, picture misleads              ┃│           query 2      │
//! ┃     ○    – lynx               q2  long tail                                    ┃│ why                    │
//! ┃ ▸ drinks                                                       4 ✗   0 ○       ┃│ sibling class: in …    │
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰────────────────────────╯
//!  enter opens · b groups · f kinds · t tag · v cutoff · c matrix · x marks · n note · e exports
//! ```

pub mod annotations;
pub mod confusion;
mod draw;
mod failure_details;
mod failure_export;
pub mod failure_id;
pub mod filters;
pub mod found_failures;
pub mod list;
mod list_view;
pub mod matrix;
mod matrix_view;
mod tag_text;

use crate::config::{Action, Context};
use crate::engine::protocol::{EvaluationKey, Failure, FailureKind, Failures};
use crate::tui::failures::annotations::Annotations;
use crate::tui::failures::confusion::{Confusion, ConfusionCell};
use crate::tui::failures::failure_id::FailureId;
use crate::tui::failures::filters::FailureFilters;
use crate::tui::failures::found_failures::FoundFailures;
use crate::tui::failures::list::{FailureLine, FailureList, Grouping};
use crate::tui::failures::matrix::Matrix;
use crate::tui::message::Effect;
use crate::tui::parts::{Popup, Screen};
use crate::tui::requests::RequestClass;
use crate::tui::search::SearchableList;
use crate::tui::shared::Shared;
use crate::tui::text_input::{TextInput, erase_from_end};
use crate::tui::ui::scroll::shifted;
use crate::types::Mode;

/// The text that is typed on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureInput {
    /// A part of a name; the list is filtered while it is typed.
    Filter,
    Note {
        failure: FailureId,
        text: TextInput,
    },
}

/// The Failures screen.
#[derive(Debug, Clone, PartialEq)]
pub struct FailuresScreen {
    pub mode: Mode,
    pub found: FoundFailures,
    pub annotations: Annotations,
    pub filters: FailureFilters,
    pub list: FailureList,
    pub matrix: Matrix,
    pub input: Option<FailureInput>,
}

impl Default for FailuresScreen {
    fn default() -> Self {
        FailuresScreen {
            mode: Mode::Both,
            found: FoundFailures::default(),
            annotations: Annotations::default(),
            filters: FailureFilters::default(),
            list: FailureList::default(),
            matrix: Matrix::default(),
            input: None,
        }
    }
}

impl FailuresScreen {
    /// Handles an action on the screen; returns what is left to others. The list is to be rebuilt
    /// afterwards.
    pub(crate) fn update(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Accept | Action::Open if self.input.is_some() => self.accept_input(shared),
            _ if self.input.is_some() => self.edit_input(action),
            Action::Open if self.matrix.on => return self.open_cell(shared),
            Action::Open => return self.open_line(shared),
            Action::Left if self.matrix.on => self.step_column(-1, shared),
            Action::Right if self.matrix.on => self.step_column(1, shared),
            Action::Left => self.list.fold(true),
            Action::Right => self.list.fold(false),
            Action::Fold => self.list.toggle_fold(),
            Action::FoldAll => self.list.toggle_all(),
            Action::Mode => return vec![self.next_mode(shared)],
            Action::SeedCount => return vec![Effect::NextSeedCount],
            Action::Ranking => return vec![Effect::NextRanking],
            Action::Export => return vec![Effect::OpenPopup(Popup::Export)],
            Action::Mark => return self.toggle_mark(shared),
            Action::Annotate => return self.start_note(shared),
            _ => self.update_view(action, shared),
        }
        Vec::new()
    }

    /// Changes which failures are shown, and how.
    fn update_view(&mut self, action: Action, shared: &Shared) {
        match action {
            Action::Group => self.list.next_grouping(),
            Action::Cutoff => self.filters.next_cutoff(),
            Action::FailureKinds => self.filters.next_kind(),
            Action::Tag => {
                let evaluation = self.evaluation(shared);
                if let Some(found) = self.found.get(evaluation) {
                    self.filters.next_tag(found);
                }
            }
            Action::OnlyMarked => self.filters.marked = !self.filters.marked,
            Action::FilterList => self.input = Some(FailureInput::Filter),
            Action::Confusion => {
                self.matrix.on = !self.matrix.on;
                self.filters.cell = None;
            }
            Action::RollUp => self.matrix.roll_up(),
            _ => {}
        }
    }

    /// Returns the context of keys on this screen.
    pub(crate) fn context(&self) -> Context {
        match self.input {
            Some(FailureInput::Note { .. }) => Context::Note,
            Some(FailureInput::Filter) => Context::Filter,
            None => Context::Failures,
        }
    }

    // The cursor.

    /// Moves the cursor by a number of lines.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        if self.matrix.on {
            let confusion = self.confusion(shared);
            return self.matrix.step_row(by, &confusion);
        }
        let line = shifted(self.list.cursor, by, self.list.lines.len());
        self.select(line, shared);
    }

    fn step_column(&mut self, by: isize, shared: &Shared) {
        let confusion = self.confusion(shared);
        self.matrix.step_column(by, &confusion);
    }

    fn select(&mut self, line: usize, shared: &Shared) {
        let evaluation = self.evaluation(shared);
        self.list.select(line, self.found.get(evaluation));
    }

    /// Selects a line that was clicked; opens it if it was selected before.
    pub(crate) fn click_line(&mut self, line: usize, shared: &Shared) -> Vec<Effect> {
        if self.list.cursor == line {
            return self.update(Action::Open, shared);
        }
        self.select(line, shared);
        Vec::new()
    }

    /// Selects a cell of the matrix that was clicked; opens it if it was selected before.
    pub(crate) fn click_cell(&mut self, row: usize, column: usize, shared: &Shared) -> Vec<Effect> {
        if (self.matrix.row, self.matrix.column) == (row, column) {
            return self.open_cell(shared);
        }
        (self.matrix.row, self.matrix.column) = (row, column);
        Vec::new()
    }

    // Opening and closing.

    /// Opens the failure under the cursor, or folds the group.
    fn open_line(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(failure) = self.selected(shared).map(FailureId::from) else {
            self.list.toggle_fold();
            return Vec::new();
        };
        self.open_failure(failure)
    }

    /// Opens the query of a failure in Explore as it was evaluated, with the cursor on the entity.
    fn open_failure(&self, failure: FailureId) -> Vec<Effect> {
        let query = Effect::ShowQuery {
            class: failure.class,
            number: failure.number,
            mode: Some(self.mode),
        };
        let candidate = Effect::ShowCandidate {
            entity: failure.entity,
            reranked: true,
            inspect: failure.kind == FailureKind::Missed,
        };
        vec![query, candidate]
    }

    /// Lists the failures of the cell under the cursor.
    fn open_cell(&mut self, shared: &Shared) -> Vec<Effect> {
        let cell = self.matrix.selected(&self.confusion(shared));
        let cell = cell.filter(|cell| !self.failures_in(cell, shared).is_empty());
        let Some(cell) = cell else {
            return vec![Effect::Notify("these classes are never confused".into())];
        };
        self.matrix.on = false;
        self.filters.cell = Some(cell);
        self.filters.kind = None;
        self.filters.name.clear();
        self.list.cursor = 0;
        self.rebuild_list(shared);
        Vec::new()
    }

    /// Closes the innermost of input, cell, matrix and filter. Returns false if there is none.
    pub(crate) fn close(&mut self, shared: &Shared) -> bool {
        match self.input.take() {
            Some(FailureInput::Filter) => self.filters.name.clear(),
            Some(FailureInput::Note { .. }) => {}
            None if self.filters.cell.take().is_some() => self.matrix.on = true,
            None if self.matrix.on => self.matrix.on = false,
            None if !self.filters.name.is_empty() => self.filters.name.clear(),
            None => return false,
        }
        self.rebuild_list(shared);
        true
    }

    // Marks, notes and the filter by name.

    fn toggle_mark(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(failure) = self.selected(shared).map(FailureId::from) else {
            return vec![Effect::Notify("select a failure to mark it".into())];
        };
        self.annotations.toggle_mark(failure, shared);
        Vec::new()
    }

    fn start_note(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(failure) = self.selected(shared).map(FailureId::from) else {
            return vec![Effect::Notify("select a failure to annotate it".into())];
        };
        let mut text = TextInput::default();
        text.insert(self.annotations.note(failure, shared));
        self.input = Some(FailureInput::Note { failure, text });
        Vec::new()
    }

    /// Puts text into the input, if there is one.
    pub(crate) fn insert_text(&mut self, text: &str, shared: &Shared) {
        match &mut self.input {
            Some(FailureInput::Filter) => self.filters.name.push_str(text),
            Some(FailureInput::Note { text: note, .. }) => note.insert(text),
            None => {}
        }
        self.rebuild_list(shared);
    }

    fn edit_input(&mut self, action: Action) {
        match &mut self.input {
            Some(FailureInput::Filter) => erase_from_end(&mut self.filters.name, action),
            Some(FailureInput::Note { text, .. }) => drop(text.edit(action)),
            None => {}
        }
    }

    fn accept_input(&mut self, shared: &Shared) {
        if let Some(FailureInput::Note { failure, text }) = self.input.take() {
            let note = text.text().trim();
            self.annotations.set_note(failure, note, shared);
        }
    }

    // The evaluation and its failures.

    fn next_mode(&mut self, shared: &Shared) -> Effect {
        match shared.next_mode(self.mode, 1) {
            Ok(mode) => {
                self.mode = mode;
                Effect::Evaluate
            }
            Err(message) => Effect::Notify(message),
        }
    }

    /// Returns the evaluation that the screen shows.
    pub(crate) fn evaluation(&self, shared: &Shared) -> EvaluationKey {
        shared.evaluations.key(self.mode)
    }

    /// Begins the search for the failures of the evaluation as soon as it has rankings. Returns the
    /// evaluation to search.
    pub(crate) fn begin_search(&mut self, shared: &Shared) -> Option<EvaluationKey> {
        let evaluation = self.evaluation(shared);
        self.found.begin(evaluation, shared).then_some(evaluation)
    }

    /// Returns the failures found so far; `None` before the first part.
    pub fn found_failures(&self, shared: &Shared) -> Option<&Failures> {
        self.found.get(self.evaluation(shared))
    }

    /// Returns the failure under the cursor; `None` on a group.
    pub fn selected(&self, shared: &Shared) -> Option<&Failure> {
        let found = self.found_failures(shared)?;
        found.failures.get(self.list.selected()?)
    }

    /// Filters and groups the failures again. The cursor stays on its failure, or on its group.
    pub(crate) fn rebuild_list(&mut self, shared: &Shared) {
        let evaluation = self.evaluation(shared);
        let (Some(catalogue), Some(found)) = (&shared.catalogue, self.found.get(evaluation)) else {
            return self.list.clear();
        };
        let annotations = &self.annotations;
        let passing = self.filters.passing(found, annotations, catalogue, shared);
        self.list.rebuild(&passing, found, catalogue);
    }

    /// Counts the false positives that pass the filters of the matrix.
    pub fn confusion(&self, shared: &Shared) -> Confusion {
        let found = self.found_failures(shared);
        let (Some(catalogue), Some(found)) = (&shared.catalogue, found) else {
            return Confusion::default();
        };
        let counted = found.failures.iter().filter(|failure| {
            let annotations = &self.annotations;
            failure.rank.is_some() && self.filters.pass_in_matrix(failure, annotations, shared)
        });
        Confusion::from_failures(counted, self.matrix.level, catalogue)
    }

    /// Returns the false positives of a cell.
    pub fn failures_in(&self, cell: &ConfusionCell, shared: &Shared) -> Vec<&Failure> {
        let found = self.found_failures(shared);
        let (Some(catalogue), Some(found)) = (&shared.catalogue, found) else {
            return Vec::new();
        };
        let is_in_cell = cell.filter(catalogue);
        let failures = found.failures.iter().filter(|failure| {
            let annotations = &self.annotations;
            self.filters.pass_in_matrix(failure, annotations, shared) && is_in_cell(failure)
        });
        failures.collect()
    }

    // Texts.

    /// Returns the labels of the list, or of the matrix's rows, for searching and copying.
    pub(crate) fn list(&self, shared: &Shared) -> SearchableList {
        if self.matrix.on {
            let confusion = self.confusion(shared);
            return SearchableList {
                cursor: self.matrix.cursor(&confusion).0,
                labels: confusion.rows,
            };
        }
        let Some(found) = self.found_failures(shared) else {
            return SearchableList::default();
        };
        let lines = self.list.lines.iter();
        SearchableList {
            labels: lines.map(|line| self.label(line, found, shared)).collect(),
            cursor: self.list.cursor,
        }
    }

    /// Returns the name that a line is listed under.
    fn label(&self, line: &FailureLine, found: &Failures, shared: &Shared) -> String {
        let (index, catalogue) = match (line, &shared.catalogue) {
            (FailureLine::Group { label, .. }, _) => return label.clone(),
            (FailureLine::Failure(_), None) => return String::new(),
            (FailureLine::Failure(index), Some(catalogue)) => (*index, catalogue),
        };
        let failure = &found.failures[index];
        if self.list.grouping == Grouping::Entity {
            return catalogue.class(failure.class).title();
        }
        catalogue.name(failure.entity)
    }

    /// Returns the text in place of the list while it is empty.
    pub fn empty_text(&self, shared: &Shared) -> String {
        let Some(catalogue) = &shared.catalogue else {
            let error = shared.engine.open_error.clone();
            return error.unwrap_or_else(|| "opening …".into());
        };
        let seeds = shared.evaluations.seed_count;
        if !catalogue.queries.iter().any(|q| q.seed_count == seeds) {
            return format!("There are no queries of {} seeds.", seeds.as_usize());
        }
        if let Some(found) = self.found_failures(shared) {
            return match (found.failures.is_empty(), found.is_complete()) {
                (true, true) => "The rankings have no failures.".into(),
                (true, false) => "searching for failures …".into(),
                (false, _) => "No failure passes the filters.".into(),
            };
        }
        let mode = self.mode;
        let pending = &shared.engine.pending;
        if pending.is_running(RequestClass::Evaluate) || pending.is_running(RequestClass::Failures)
        {
            return format!("evaluating {mode}, then searching for failures …");
        }
        let evaluation = self.evaluation(shared);
        if shared
            .evaluations
            .is_stopped(Screen::Failures, &[evaluation])
        {
            return format!("The evaluation of {mode} was stopped.");
        }
        "Nothing could be evaluated.".into()
    }
}
