//! The list: which failures pass the filters, in which groups.

use std::collections::HashMap;

use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::name::lower;
use crate::types::CUTOFFS;

use crate::tui::app::App;
use crate::tui::app::failures::FailureId;
use crate::tui::app::lists::List;

/// What failures are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The query's class.
    Class,
    /// In each of its tags' groups.
    Tag,
    Entity,
}

impl Grouping {
    pub fn next(self) -> Grouping {
        match self {
            Grouping::Class => Grouping::Tag,
            Grouping::Tag => Grouping::Entity,
            Grouping::Entity => Grouping::Class,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Grouping::Class => "class",
            Grouping::Tag => "tag",
            Grouping::Entity => "entity",
        }
    }

    /// The groups that a failure is in.
    fn labels(self, catalogue: &Catalogue, failure: &Failure) -> Vec<String> {
        match self {
            Grouping::Class => vec![catalogue.class(failure.class).title()],
            Grouping::Entity => vec![catalogue.name(failure.entity)],
            Grouping::Tag if failure.tags.is_empty() => vec!["no tag".into()],
            Grouping::Tag => failure
                .tags
                .iter()
                .map(|tag| tag.kind().name().to_owned())
                .collect(),
        }
    }
}

/// One line of the list; failures by their places in [`Failures::failures`].
#[derive(Debug, Clone, PartialEq)]
pub enum FailureLine {
    Group {
        label: String,
        members: Vec<usize>,
        open: bool,
    },
    One(usize),
}

impl App {
    /// Makes the list anew; the cursor stays on its failure, else on its group.
    pub(in crate::tui::app) fn regroup(&mut self) {
        let lines = match (&self.catalogue, self.failures_found()) {
            (Some(catalogue), Some(found)) => self.grouped(catalogue, found),
            _ => Vec::new(),
        };
        let place = self.place_of_cursor(&lines);
        let last = lines.len().saturating_sub(1);
        self.failures.lines = lines;
        self.failures.cursor = place.unwrap_or(self.failures.cursor.min(last));
    }

    fn grouped(&self, catalogue: &Catalogue, found: &Failures) -> Vec<FailureLine> {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for place in self.passing(catalogue, found) {
            for label in self
                .failures
                .grouping
                .labels(catalogue, &found.failures[place])
            {
                groups.entry(label).or_default().push(place);
            }
        }
        let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        let mut lines = Vec::new();
        for (label, members) in groups {
            let open = !self.failures.folded.contains(&label);
            let below = if open { members.clone() } else { Vec::new() };
            lines.push(FailureLine::Group {
                label,
                members,
                open,
            });
            lines.extend(below.into_iter().map(FailureLine::One));
        }
        lines
    }

    /// The failures that pass every filter, by place.
    fn passing(&self, catalogue: &Catalogue, found: &Failures) -> Vec<usize> {
        let list = &self.failures;
        let filter = lower(&list.filter);
        let named = |f: &Failure| {
            lower(&catalogue.name(f.entity)).contains(&filter)
                || lower(&catalogue.class(f.class).title()).contains(&filter)
        };
        let in_cell = list
            .confused
            .as_ref()
            .map(|confused| confused.filter(catalogue));
        let passes = |f: &Failure| {
            self.passes_but_for_cell(f)
                && list.kind.is_none_or(|kind| kind == f.kind())
                && in_cell.as_ref().is_none_or(|holds| holds(f))
                && (filter.is_empty() || named(f))
        };
        found
            .failures
            .iter()
            .enumerate()
            .filter(|(_, f)| passes(f))
            .map(|(place, _)| place)
            .collect()
    }

    /// The filters that the matrix obeys too: cutoff, tag, mark.
    pub(super) fn passes_but_for_cell(&self, failure: &Failure) -> bool {
        let list = &self.failures;
        failure.rank.is_none_or(|rank| rank <= CUTOFFS[list.cutoff])
            && list
                .tag
                .is_none_or(|tag| failure.tags.iter().any(|t| t.kind() == tag))
            && (!list.marked || self.remark(failure).is_some_and(|remark| remark.marked))
    }

    /// The label of the group that a line is in.
    fn label_at(&self, cursor: usize) -> Option<&String> {
        self.failures
            .lines
            .get(..=cursor)?
            .iter()
            .rev()
            .find_map(|line| match line {
                FailureLine::Group { label, .. } => Some(label),
                FailureLine::One(_) => None,
            })
    }

    pub(in crate::tui::app) fn put_cursor(&mut self, to: usize) {
        self.failures.cursor = to;
        let failure = self.failure().map(FailureId::of);
        self.failures.at = self.label_at(to).map(|label| (label.clone(), failure));
    }

    fn place_of_cursor(&self, lines: &[FailureLine]) -> Option<usize> {
        let (wanted, failure) = self.failures.at.as_ref()?;
        let is_wanted = |line: &FailureLine| matches!(line, FailureLine::Group { label, .. } if label == wanted);
        let found = &self.failures_found()?.failures;
        let same = |line: &FailureLine| match line {
            FailureLine::One(place) => Some(FailureId::of(&found[*place])) == *failure,
            FailureLine::Group { .. } => false,
        };
        // grouped by something else it is in a group of another name
        let Some(group) = lines.iter().position(is_wanted) else {
            return lines.iter().position(same);
        };
        let mut below = lines[group + 1..]
            .iter()
            .take_while(|line| matches!(line, FailureLine::One(_)));
        Some(below.position(same).map_or(group, |at| group + 1 + at))
    }

    /// What the list shows, or the matrix's rows.
    pub(in crate::tui::app) fn failure_labels(&self) -> List {
        if self.failures.matrix.on {
            let confusion = self.confusion();
            let cursor = self.cell(&confusion).0;
            return List {
                labels: confusion.rows,
                cursor,
            };
        }
        let (Some(catalogue), Some(found)) = (&self.catalogue, self.failures_found()) else {
            return List::default();
        };
        let by_entity = self.failures.grouping == Grouping::Entity;
        let label = |line: &FailureLine| match line {
            FailureLine::Group { label, .. } => label.clone(),
            // as it is drawn
            FailureLine::One(place) if by_entity => {
                catalogue.class(found.failures[*place].class).title()
            }
            FailureLine::One(place) => catalogue.name(found.failures[*place].entity),
        };
        List {
            labels: self.failures.lines.iter().map(label).collect(),
            cursor: self.failures.cursor,
        }
    }

    // Folding.

    /// Folds the cursor's group, and puts the cursor on its head; or unfolds it.
    pub(super) fn fold_group(&mut self, fold: bool) {
        let Some(label) = self.label_at(self.failures.cursor).cloned() else {
            return;
        };
        if fold {
            self.failures.at = Some((label.clone(), None));
            self.failures.folded.insert(label);
        } else {
            self.failures.folded.remove(&label);
        }
    }

    pub(super) fn toggle_group(&mut self) {
        let open = self
            .label_at(self.failures.cursor)
            .is_some_and(|label| !self.failures.folded.contains(label));
        self.fold_group(open);
    }

    pub(super) fn fold_groups(&mut self) {
        if !self.failures.folded.is_empty() {
            return self.failures.folded.clear();
        }
        let heads = self.failures.lines.iter().filter_map(|line| match line {
            FailureLine::Group { label, .. } => Some(label.clone()),
            FailureLine::One(_) => None,
        });
        self.failures.folded = heads.collect();
        self.failures.at = self.failures.at.take().map(|(label, _)| (label, None));
    }
}
