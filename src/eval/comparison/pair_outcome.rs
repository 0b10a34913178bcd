//! A result, or the reason why there is none.

use serde::Serialize;

/// The reason why a run with joint rankings is not compared with one with independent rankings.
pub const DIFFERENT_POOLS: &str =
    "one gives an entity to one class of a query number alone, the other asks each query by itself";

/// A result, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairOutcome<T> {
    Done(T),
    /// A run has no rankings here.
    NotRun(String),
    /// There are rankings, but they must not be compared.
    NotComparable(String),
}

impl<T> PairOutcome<T> {
    /// Returns the reason why there is no result, for people.
    pub fn failure_reason(&self) -> Option<String> {
        match self {
            PairOutcome::Done(_) => None,
            PairOutcome::NotRun(why) => Some(format!("not run: {why}")),
            PairOutcome::NotComparable(why) => Some(format!("not comparable: {why}")),
        }
    }

    /// Returns the result, if there is one.
    pub fn done(&self) -> Option<&T> {
        match self {
            PairOutcome::Done(result) => Some(result),
            _ => None,
        }
    }

    /// Returns the result for changing it, if there is one.
    pub(super) fn done_mut(&mut self) -> Option<&mut T> {
        match self {
            PairOutcome::Done(result) => Some(result),
            _ => None,
        }
    }

    /// Borrows the result; a reason is copied.
    pub(super) fn as_ref(&self) -> PairOutcome<&T> {
        match self {
            PairOutcome::Done(result) => PairOutcome::Done(result),
            PairOutcome::NotRun(why) => PairOutcome::NotRun(why.clone()),
            PairOutcome::NotComparable(why) => PairOutcome::NotComparable(why.clone()),
        }
    }

    /// Applies `convert` to the result; a reason stays as it is.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> PairOutcome<U> {
        self.and_then(|result| PairOutcome::Done(convert(result)))
    }

    /// Applies `convert`, which may fail, to the result; a reason stays as it is.
    pub(super) fn and_then<U>(self, convert: impl FnOnce(T) -> PairOutcome<U>) -> PairOutcome<U> {
        match self {
            PairOutcome::Done(result) => convert(result),
            PairOutcome::NotRun(why) => PairOutcome::NotRun(why),
            PairOutcome::NotComparable(why) => PairOutcome::NotComparable(why),
        }
    }

    /// Puts the name of a run before the reason.
    pub(super) fn named(self, name: &str) -> PairOutcome<T> {
        match self {
            PairOutcome::Done(result) => PairOutcome::Done(result),
            PairOutcome::NotRun(why) => PairOutcome::NotRun(format!("{name}: {why}")),
            PairOutcome::NotComparable(why) => PairOutcome::NotComparable(format!("{name}: {why}")),
        }
    }
}
