//! Progress and stopping: what a long job says, and how it is told to end.

use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, for people: "image features", "epoch 2 of 5".
    pub stage: String,
    pub done: u64,
    /// 0 where it is not known.
    pub total: u64,
    /// More for people: "loss 4.21 · 210 pairs/s". May be empty.
    pub note: String,
    /// Estimated time left of the whole job, where it can be told.
    pub left: Option<Duration>,
}

impl Progress {
    pub fn new(stage: impl Into<String>, done: u64, total: u64) -> Self {
        Progress {
            stage: stage.into(),
            done,
            total,
            note: String::new(),
            left: None,
        }
    }
}

/// Whoever watches a job: gets its events, and answers `Break` to stop it.
/// Any `FnMut(E) -> ControlFlow<()>` is one.
pub trait Observer<E> {
    fn on(&mut self, event: E) -> ControlFlow<()>;
}

impl<E, F: FnMut(E) -> ControlFlow<()>> Observer<E> for F {
    fn on(&mut self, event: E) -> ControlFlow<()> {
        self(event)
    }
}

/// An observer that lets everything pass.
pub struct Unobserved;

impl<E> Observer<E> for Unobserved {
    fn on(&mut self, _: E) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A flag that any thread may raise and a job looks at; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Break` once cancelled: what an observer returns.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
