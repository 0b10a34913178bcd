//! The identity of a failure.

use crate::engine::protocol::{Failure, FailureKind};
use crate::types::{ClassId, EntityId};

/// The identity of a failure. Unlike its index, it is the same in every evaluation of the same
/// queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FailureId {
    pub class: ClassId,
    /// The query number, from 0.
    pub number: usize,
    pub entity: EntityId,
    pub kind: FailureKind,
}

impl From<&Failure> for FailureId {
    fn from(failure: &Failure) -> FailureId {
        FailureId {
            class: failure.class,
            number: failure.number,
            entity: failure.entity,
            kind: failure.kind(),
        }
    }
}
