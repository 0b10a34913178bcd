//! The filters of the Failures screen.

use crate::engine::protocol::{Catalogue, Failure, FailureKind, Failures, TagKind};
use crate::name::lower;
use crate::tui::failures::annotations::Annotations;
use crate::tui::failures::confusion::ConfusionCell;
use crate::tui::failures::failure_id::FailureId;
use crate::tui::shared::Shared;
use crate::types::CUTOFFS;

/// The conditions that a failure must meet to be shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FailureFilters {
    /// The index of the cutoff in [`CUTOFFS`]: false positives at lower ranks are left out.
    pub cutoff: usize,
    pub kind: Option<FailureKind>,
    pub tag: Option<TagKind>,
    /// If true, only marked failures are shown.
    pub marked: bool,
    /// A part of the name of the entity or the class.
    pub name: String,
    /// The cell of the matrix that the list was opened from.
    pub cell: Option<ConfusionCell>,
}

impl FailureFilters {
    /// Returns the number of ranks in which false positives are shown.
    pub fn depth(&self) -> usize {
        CUTOFFS[self.cutoff]
    }

    pub(super) fn next_cutoff(&mut self) {
        self.cutoff = (self.cutoff + 1) % CUTOFFS.len();
    }

    pub(super) fn next_kind(&mut self) {
        self.kind = match self.kind {
            None => Some(FailureKind::FalsePositive),
            Some(FailureKind::FalsePositive) => Some(FailureKind::Missed),
            Some(FailureKind::Missed) => None,
        };
    }

    /// Filters by the next tag that a failure has; after the last one, by none.
    pub(super) fn next_tag(&mut self, found: &Failures) {
        let mut later = TagKind::ALL
            .iter()
            .copied()
            .filter(|&kind| self.tag.is_none_or(|current| kind > current));
        self.tag = later.find(|&kind| found.failures.iter().any(|f| has_tag(f, kind)));
    }

    /// Returns true if a failure passes the filters of the matrix: cutoff, tag and mark.
    pub(super) fn pass_in_matrix(
        &self,
        failure: &Failure,
        annotations: &Annotations,
        shared: &Shared,
    ) -> bool {
        let is_above_cutoff = failure.rank.is_none_or(|rank| rank <= self.depth());
        is_above_cutoff
            && self.tag.is_none_or(|kind| has_tag(failure, kind))
            && (!self.marked || annotations.is_marked(FailureId::from(failure), shared))
    }

    /// Returns the indexes of the failures that pass every filter.
    pub(super) fn passing(
        &self,
        found: &Failures,
        annotations: &Annotations,
        catalogue: &Catalogue,
        shared: &Shared,
    ) -> Vec<usize> {
        let name = lower(&self.name);
        let is_in_cell = self.cell.as_ref().map(|cell| cell.filter(catalogue));
        let mut passing = Vec::new();
        for (index, failure) in found.failures.iter().enumerate() {
            if self.pass_in_matrix(failure, annotations, shared)
                && self.kind.is_none_or(|kind| kind == failure.kind())
                && is_in_cell
                    .as_ref()
                    .is_none_or(|is_in_cell| is_in_cell(failure))
                && is_named(failure, &name, catalogue)
            {
                passing.push(index);
            }
        }
        passing
    }

    /// Returns the conditions in words.
    pub(super) fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        match self.kind {
            Some(FailureKind::Missed) => conditions.push("missed".to_owned()),
            Some(FailureKind::FalsePositive) => conditions.push("false positives".to_owned()),
            None => {}
        }
        if let Some(tag) = self.tag {
            conditions.push(tag.name().to_owned());
        }
        if self.marked {
            conditions.push("marked".to_owned());
        }
        if let Some(cell) = &self.cell {
            conditions.push(format!("{} as {}", cell.other, cell.gold));
        }
        if !self.name.is_empty() {
            conditions.push(format!("named {}", self.name));
        }
        conditions
    }
}

fn has_tag(failure: &Failure, kind: TagKind) -> bool {
    failure.tags.iter().any(|tag| tag.kind() == kind)
}

/// Returns true if the name of the entity or the class contains a lower-case text.
fn is_named(failure: &Failure, name: &str, catalogue: &Catalogue) -> bool {
    name.is_empty()
        || lower(&catalogue.name(failure.entity)).contains(name)
        || lower(&catalogue.class(failure.class).title()).contains(name)
}
