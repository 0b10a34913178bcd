//! Keeps the session on the disk: soon after a change, again after a failure, and also when the
//! event loop is stuck.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Result;
use crate::tui::persist::session::SavedSession;

/// Changes are gathered for so long before the session is written.
const SAVE_AFTER: Duration = Duration::from_millis(400);
/// After a failure it is tried again so much later, then twice as much, up to a minute.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// Writes the session of one index.
pub struct Saver {
    /// `None` where there is no place to keep it.
    path: Option<PathBuf>,
    /// What the file is known to hold.
    saved: SavedSession,
    at: Option<Instant>,
    /// How long to wait before the next try; `None` while the last one succeeded.
    retry: Option<Duration>,
    pending: Pending,
}

/// What is to be saved yet, for a thread that ends the program when the event loop does not.
#[derive(Debug, Clone, Default)]
pub struct Pending(Arc<Mutex<Option<UnsavedSession>>>);

/// A session that is not on the disk, and what it was changed from.
#[derive(Debug)]
struct UnsavedSession {
    path: PathBuf,
    base: SavedSession,
    session: SavedSession,
}

/// A session that was written.
pub struct Saved {
    /// What is in the file: another explorer may have added to it.
    pub merged: SavedSession,
    /// An earlier try had failed.
    pub recovered: bool,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Option<UnsavedSession>> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Writes what is not saved yet. An error is passed over: there is nobody left to tell.
    pub fn write(&self) {
        if let Some(UnsavedSession {
            path,
            base,
            session,
        }) = self.lock().take()
        {
            let _ = session.save(&base, &path);
        }
    }
}

impl Saver {
    /// `loaded` is what was read from the file.
    pub fn new(path: Option<PathBuf>, loaded: Option<SavedSession>) -> Saver {
        Saver {
            path,
            saved: loaded.unwrap_or_default(),
            at: None,
            retry: None,
            pending: Pending::default(),
        }
    }

    pub fn pending(&self) -> Pending {
        self.pending.clone()
    }

    /// Takes notice of the session as it is now.
    pub fn notice(&mut self, session: &SavedSession) {
        let Some(path) = &self.path else { return };
        if *session == self.saved {
            return;
        }
        *self.pending.lock() = Some(UnsavedSession {
            path: path.clone(),
            base: self.saved.clone(),
            session: session.clone(),
        });
        self.at
            .get_or_insert_with(|| Instant::now() + SAVE_AFTER.max(self.retry.unwrap_or_default()));
    }

    /// When [`Saver::save`] is due; `None` where nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        self.at
    }

    /// Writes the session if it changed and has a place; `None` if not. After an error it is due
    /// again by itself; `Err` comes only for the first failure in a row.
    pub fn save(&mut self, session: &SavedSession) -> Result<Option<Saved>> {
        self.at = None;
        let Some(path) = self.path.clone().filter(|_| *session != self.saved) else {
            return Ok(None);
        };
        // held while it is written: the other thread may write too
        let mut pending = self.pending.lock();
        match session.save(&self.saved, &path) {
            Ok(merged) => {
                *pending = None;
                drop(pending);
                // what another explorer expanded is in the file, and not here
                self.saved = SavedSession {
                    states: merged.states.clone(),
                    annotations: merged.annotations.clone(),
                    ..session.clone()
                };
                Ok(Some(Saved {
                    merged,
                    recovered: self.retry.take().is_some(),
                }))
            }
            Err(error) => {
                drop(pending);
                let first = self.retry.is_none();
                let wait = self
                    .retry
                    .map_or(FIRST_RETRY, |before| (before * 2).min(LAST_RETRY));
                self.retry = Some(wait);
                self.at = Some(Instant::now() + wait);
                if first { Err(error) } else { Ok(None) }
            }
        }
    }

    /// The last try before the end. Error: it failed, whether or not an earlier one did.
    pub fn finish(&mut self, session: &SavedSession) -> Result<()> {
        self.retry = None;
        self.save(session).map(drop)
    }
}
