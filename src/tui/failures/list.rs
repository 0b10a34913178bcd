//! The list of failures: groups that fold, and the cursor that stays on its failure.

use std::collections::{HashMap, HashSet};

use crate::engine::protocol::{Catalogue, Failure, Failures};
use crate::tui::failures::failure_id::FailureId;

/// The property that failures are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// The query's class.
    #[default]
    Class,
    /// A failure is in the group of each of its tags.
    Tag,
    Entity,
}

impl Grouping {
    fn next(self) -> Grouping {
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

    /// Returns the groups that a failure is in.
    fn labels(self, catalogue: &Catalogue, failure: &Failure) -> Vec<String> {
        match self {
            Grouping::Class => vec![catalogue.class(failure.class).title()],
            Grouping::Entity => vec![catalogue.name(failure.entity)],
            Grouping::Tag if failure.tags.is_empty() => vec!["no tag".into()],
            Grouping::Tag => {
                let names = failure.tags.iter().map(|tag| tag.kind().name());
                names.map(str::to_owned).collect()
            }
        }
    }
}

/// One line of the list. Failures are indexes into [`Failures::failures`].
#[derive(Debug, Clone, PartialEq)]
pub enum FailureLine {
    Group {
        label: String,
        members: Vec<usize>,
        open: bool,
    },
    Failure(usize),
}

/// The line that the cursor was put on.
#[derive(Debug, Clone, PartialEq)]
struct Anchor {
    /// The label of its group.
    group: String,
    /// `None` if it is the head of the group.
    failure: Option<FailureId>,
}

/// The lines of the list, and the cursor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FailureList {
    pub grouping: Grouping,
    /// The folded groups, by their labels.
    pub folded: HashSet<String>,
    /// The lines as they are shown. They are computed at every change, since they may be many.
    pub lines: Vec<FailureLine>,
    pub cursor: usize,
    anchor: Option<Anchor>,
}

impl FailureList {
    /// Groups the failures with these indexes. The cursor stays on its failure, or on its group.
    pub(super) fn rebuild(&mut self, passing: &[usize], found: &Failures, catalogue: &Catalogue) {
        self.lines = self.grouped(passing, found, catalogue);
        let last = self.lines.len().saturating_sub(1);
        let position = self.anchor_position(found);
        self.cursor = position.unwrap_or(self.cursor.min(last));
    }

    /// Removes every line.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.cursor = 0;
    }

    /// Returns groups by their size, each with its failures unless it is folded.
    fn grouped(
        &self,
        passing: &[usize],
        found: &Failures,
        catalogue: &Catalogue,
    ) -> Vec<FailureLine> {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for &index in passing {
            for label in self.grouping.labels(catalogue, &found.failures[index]) {
                groups.entry(label).or_default().push(index);
            }
        }
        let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
        let mut lines = Vec::new();
        for (label, members) in groups {
            let open = !self.folded.contains(&label);
            let shown = if open { members.clone() } else { Vec::new() };
            lines.push(FailureLine::Group {
                label,
                members,
                open,
            });
            lines.extend(shown.into_iter().map(FailureLine::Failure));
        }
        lines
    }

    /// Returns the position of the line that the cursor was put on; that of its group if the
    /// failure is not shown.
    fn anchor_position(&self, found: &Failures) -> Option<usize> {
        let anchor = self.anchor.as_ref()?;
        let is_failure = |line: &FailureLine| match line {
            FailureLine::Failure(index) => {
                Some(FailureId::from(&found.failures[*index])) == anchor.failure
            }
            FailureLine::Group { .. } => false,
        };
        let is_group = |line: &FailureLine| match line {
            FailureLine::Group { label, .. } => *label == anchor.group,
            FailureLine::Failure(_) => false,
        };
        // under another grouping the failure is in a group of another name
        let Some(group) = self.lines.iter().position(is_group) else {
            return self.lines.iter().position(is_failure);
        };
        let members = self.lines[group + 1..].iter();
        let mut members = members.take_while(|line| matches!(line, FailureLine::Failure(_)));
        let position = members.position(is_failure);
        Some(position.map_or(group, |position| group + 1 + position))
    }

    /// Returns the index of the failure under the cursor; `None` on a group.
    pub fn selected(&self) -> Option<usize> {
        match self.lines.get(self.cursor)? {
            FailureLine::Failure(index) => Some(*index),
            FailureLine::Group { .. } => None,
        }
    }

    /// Puts the cursor on a line.
    pub(super) fn select(&mut self, line: usize, found: Option<&Failures>) {
        self.cursor = line;
        let index = self.selected();
        let failure = found.and_then(|found| found.failures.get(index?));
        let failure = failure.map(FailureId::from);
        let group = self.group_label().cloned();
        self.anchor = group.map(|group| Anchor { group, failure });
    }

    /// Returns the label of the group that the cursor is in.
    fn group_label(&self) -> Option<&String> {
        let before = self.lines.get(..=self.cursor)?;
        before.iter().rev().find_map(|line| match line {
            FailureLine::Group { label, .. } => Some(label),
            FailureLine::Failure(_) => None,
        })
    }

    pub(super) fn next_grouping(&mut self) {
        self.grouping = self.grouping.next();
        self.folded.clear();
    }

    /// Folds the cursor's group and puts the cursor on its head, or unfolds the group.
    pub(super) fn fold(&mut self, fold: bool) {
        let Some(group) = self.group_label().cloned() else {
            return;
        };
        if !fold {
            self.folded.remove(&group);
            return;
        }
        self.folded.insert(group.clone());
        self.anchor = Some(Anchor {
            group,
            failure: None,
        });
    }

    /// Folds the cursor's group if it is unfolded, and the other way round.
    pub(super) fn toggle_fold(&mut self) {
        let label = self.group_label();
        let is_open = label.is_some_and(|label| !self.folded.contains(label));
        self.fold(is_open);
    }

    /// Folds every group, or unfolds all if any is folded.
    pub(super) fn toggle_all(&mut self) {
        if !self.folded.is_empty() {
            self.folded.clear();
            return;
        }
        for line in &self.lines {
            if let FailureLine::Group { label, .. } = line {
                self.folded.insert(label.clone());
            }
        }
        if let Some(anchor) = &mut self.anchor {
            anchor.failure = None;
        }
    }

    /// Returns the indexes of the failures in all groups, folded or not, each once and in the order
    /// of the list.
    pub(super) fn members(&self) -> Vec<usize> {
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for line in &self.lines {
            if let FailureLine::Group { members, .. } = line {
                all.extend(members.iter().copied().filter(|&index| seen.insert(index)));
            }
        }
        all
    }
}
