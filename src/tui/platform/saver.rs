//! Saves the session to disk: soon after a change, again after a failure, and also if the event
//! loop is blocked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Result;
use crate::tui::persist::session::SavedSession;

/// The time for which changes are collected before the session is written.
const SAVE_DELAY: Duration = Duration::from_millis(400);
/// The delay of the first retry after a failure. It doubles with each further failure.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest delay of a retry.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// Saves the session of one index.
pub struct Saver {
    /// The file; `None` if the session is not saved.
    path: Option<PathBuf>,
    /// The session that the file holds.
    saved: SavedSession,
    due_at: Option<Instant>,
    /// The delay before the next attempt; `None` if the last one succeeded.
    retry_delay: Option<Duration>,
    unsaved: UnsavedChanges,
}

/// The changes that are not saved yet, shared with the thread that ends the program if the event
/// loop is blocked.
#[derive(Debug, Clone, Default)]
pub struct UnsavedChanges(Arc<Mutex<Option<UnsavedSession>>>);

/// A session that is not saved yet, and the saved one that it was changed from.
#[derive(Debug)]
struct UnsavedSession {
    path: PathBuf,
    base: SavedSession,
    session: SavedSession,
}

/// The outcome of a successful save.
pub struct SaveOutcome {
    /// The content of the file: another explorer may have added to it.
    pub merged: SavedSession,
    /// True if an earlier attempt had failed.
    pub recovered: bool,
}

impl UnsavedChanges {
    fn lock(&self) -> MutexGuard<'_, Option<UnsavedSession>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Saves the changes, if there are any. Errors are ignored, since the program is about to end.
    pub fn save(&self) {
        let unsaved = self.lock().take();
        if let Some(unsaved) = unsaved {
            let _ = unsaved.session.save(&unsaved.base, &unsaved.path);
        }
    }
}

impl Saver {
    /// Creates a saver for the file at `path`, from which `loaded` was read.
    pub fn new(path: Option<PathBuf>, loaded: Option<SavedSession>) -> Saver {
        Saver {
            path,
            saved: loaded.unwrap_or_default(),
            due_at: None,
            retry_delay: None,
            unsaved: UnsavedChanges::default(),
        }
    }

    pub fn unsaved_changes(&self) -> UnsavedChanges {
        self.unsaved.clone()
    }

    /// Takes in the present session. If it differs from the saved one, a save becomes due.
    pub fn record(&mut self, session: &SavedSession) {
        let Some(path) = &self.path else { return };
        if *session == self.saved {
            return;
        }
        *self.unsaved.lock() = Some(UnsavedSession {
            path: path.clone(),
            base: self.saved.clone(),
            session: session.clone(),
        });
        if self.due_at.is_none() {
            let delay = SAVE_DELAY.max(self.retry_delay.unwrap_or_default());
            self.due_at = Some(Instant::now() + delay);
        }
    }

    /// Returns the time at which [`Saver::save`] is to be called; `None` if nothing has changed.
    pub fn due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// Saves the session. Returns `None` if it has not changed, if sessions are not saved, or if
    /// an attempt after a failure fails again. After every failure another attempt becomes due.
    ///
    /// Errors: only the first failure of several in a row.
    pub fn save(&mut self, session: &SavedSession) -> Result<Option<SaveOutcome>> {
        self.due_at = None;
        let Some(path) = &self.path else {
            return Ok(None);
        };
        if *session == self.saved {
            return Ok(None);
        }
        // The lock prevents the other thread from writing at the same time.
        let mut unsaved = self.unsaved.lock();
        match session.save(&self.saved, path) {
            Ok(merged) => {
                *unsaved = None;
                drop(unsaved);
                Ok(Some(self.record_success(session, merged)))
            }
            Err(error) => {
                drop(unsaved);
                let is_first = self.retry_delay.is_none();
                self.schedule_retry();
                if is_first { Err(error) } else { Ok(None) }
            }
        }
    }

    fn record_success(&mut self, session: &SavedSession, merged: SavedSession) -> SaveOutcome {
        // The query of another explorer may be in the file, and is not part of this session.
        self.saved = SavedSession {
            named_queries: merged.named_queries.clone(),
            annotations: merged.annotations.clone(),
            ..session.clone()
        };
        SaveOutcome {
            merged,
            recovered: self.retry_delay.take().is_some(),
        }
    }

    fn schedule_retry(&mut self) {
        let delay = match self.retry_delay {
            Some(previous) => (previous * 2).min(LAST_RETRY),
            None => FIRST_RETRY,
        };
        self.retry_delay = Some(delay);
        self.due_at = Some(Instant::now() + delay);
    }

    /// Saves the session for the last time.
    ///
    /// Errors: any failure, even if earlier attempts failed too.
    pub fn finish(&mut self, session: &SavedSession) -> Result<()> {
        self.retry_delay = None;
        self.save(session).map(drop)
    }
}
