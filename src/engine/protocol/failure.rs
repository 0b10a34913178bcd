//! The errors in the rankings of an evaluation.

use serde::{Deserialize, Serialize};

use crate::eval::{FailureKind, Tag};
use crate::types::{ClassId, EntityId, Mode};

/// The failures of one evaluation, in the queries searched so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Failures {
    /// The modes of [`Failure::seed_ranks`].
    pub modes: Vec<Mode>,
    /// The number of queries searched in earlier parts; 0 for the first part.
    pub previously_searched: usize,
    /// The number of queries searched so far.
    pub searched: usize,
    /// The number of queries to search.
    pub total: usize,
    /// Query by query: false positives by rank, then missed members.
    pub failures: Vec<Failure>,
}

impl Failures {
    /// Returns true if every query was searched.
    pub fn is_complete(&self) -> bool {
        self.searched == self.total
    }

    /// Appends the next part; a first part replaces everything.
    pub fn extend(&mut self, part: Failures) {
        if part.previously_searched == 0 {
            *self = part;
            return;
        }
        self.searched = part.searched;
        self.total = part.total;
        self.failures.extend(part.failures);
    }
}

/// A false positive among the first 100, or a member that is not among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub class: ClassId,
    /// The query number, from 0.
    pub number: usize,
    pub entity: EntityId,
    /// The rank of a false positive, from 1; `None` for a missed member.
    pub rank: Option<usize>,
    /// The rank in the seed ranking of each mode, from 1; empty if it is not in the index.
    pub seed_ranks: Vec<usize>,
    pub tags: Vec<Tag>,
}

impl Failure {
    pub fn kind(&self) -> FailureKind {
        if self.rank.is_some() {
            FailureKind::FalsePositive
        } else {
            FailureKind::Missed
        }
    }

    /// Returns the class that a false positive is known to belong to.
    pub fn known_class(&self) -> Option<ClassId> {
        self.tags.iter().find_map(|tag| match tag {
            Tag::SiblingClass { class, .. } | Tag::OtherClass { class } => Some(*class),
            _ => None,
        })
    }
}
