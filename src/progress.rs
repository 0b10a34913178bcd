//! Progress reports of long jobs, and the two ways to stop one: an observer's answer and a shared
//! flag.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// The state of a running job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The current stage in words: "image features", "epoch 2 of 5".
    pub stage: String,
    /// The number of steps done in this stage.
    pub done: u64,
    /// The number of steps of this stage, or 0 if it is not known.
    pub total: u64,
    /// Further details in words: "loss 4.21 · 210 pairs/s". May be empty.
    pub details: String,
    /// The estimated time until the whole job ends, if there is an estimate.
    pub remaining: Option<Duration>,
}

impl Progress {
    /// Creates a report without details and without an estimate.
    pub fn new(stage: impl Into<String>, done: u64, total: u64) -> Self {
        Progress {
            stage: stage.into(),
            done,
            total,
            details: String::new(),
            remaining: None,
        }
    }
}

/// A receiver of a job's events. Any `FnMut(E) -> Result<()>` is an observer.
pub trait Observer<E> {
    /// Receives one event. An error stops the job, which then returns that error; an observer that
    /// only wants to stop the job returns [`Error::Stopped`].
    fn report(&mut self, event: E) -> Result<()>;
}

impl<E, F: FnMut(E) -> Result<()>> Observer<E> for F {
    fn report(&mut self, event: E) -> Result<()> {
        self(event)
    }
}

/// An observer that ignores every event.
pub struct Unobserved;

impl<E> Observer<E> for Unobserved {
    fn report(&mut self, _: E) -> Result<()> {
        Ok(())
    }
}

/// A flag that any thread may set to cancel a job. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Sets the flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns [`Error::Stopped`] if the flag is set.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }
}
