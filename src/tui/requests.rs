//! Requests to the engine: the pending ones, and those that are still to be sent.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::engine::protocol::{Request, RequestId, RequestKind};
use crate::progress::Progress;
use crate::types::DeviceChoice;

/// A class of requests. A newer request replaces the older one of its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestClass {
    Open,
    Expand,
    Inspect,
    FirstImages,
    Evaluate,
    Compare,
    Import,
    Failures,
    Explain,
    Measure,
    Stop,
}

/// The classes that users wait for, the most important first.
const WAITED_FOR: [RequestClass; 5] = [
    RequestClass::Open,
    RequestClass::Expand,
    RequestClass::Import,
    RequestClass::Evaluate,
    RequestClass::Failures,
];

/// The latest request of a class.
#[derive(Debug, Clone)]
struct LatestRequest {
    id: RequestId,
    /// True until its last reply has arrived.
    is_running: bool,
}

/// The latest request of each class. Replies to any other request are stale.
#[derive(Debug, Clone, Default)]
pub struct PendingRequests {
    counter: u64,
    latest: HashMap<RequestClass, LatestRequest>,
}

impl PendingRequests {
    /// Returns the id of a new request, and makes the older requests of its class stale.
    pub fn start(&mut self, class: RequestClass) -> RequestId {
        self.counter += 1;
        let id = RequestId(self.counter);
        let request = LatestRequest {
            id,
            is_running: true,
        };
        self.latest.insert(class, request);
        id
    }

    /// Returns the class of a request; `None` if the request is stale.
    pub fn class_of(&self, id: RequestId) -> Option<RequestClass> {
        let mut latest = self.latest.iter();
        latest
            .find(|(_, request)| request.id == id)
            .map(|(class, _)| *class)
    }

    /// Records that the last reply to the latest request of a class has arrived.
    pub fn finish(&mut self, class: RequestClass) {
        if let Some(request) = self.latest.get_mut(&class) {
            request.is_running = false;
        }
    }

    /// Makes every request of a class stale.
    pub fn discard(&mut self, class: RequestClass) {
        self.latest.remove(&class);
    }

    /// Returns whether replies to the latest request of a class are still to come.
    pub fn is_running(&self, class: RequestClass) -> bool {
        let latest = self.latest.get(&class);
        latest.is_some_and(|request| request.is_running)
    }

    /// Returns the most important class that is running.
    pub fn first_running(&self) -> Option<RequestClass> {
        WAITED_FOR.into_iter().find(|&class| self.is_running(class))
    }
}

/// The index and the imports that are opened at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct ExploreOptions {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Indexes and runs to import for Compare.
    pub imports: Vec<PathBuf>,
}

/// The explorer's side of the engine: pending requests, and those that are still to be sent.
#[derive(Debug)]
pub struct EngineRequests {
    pub options: ExploreOptions,
    /// The reason why the index could not be opened.
    pub open_error: Option<String>,
    pub pending: PendingRequests,
    /// The progress of each pending request that has reported any.
    pub progress: HashMap<RequestClass, Progress>,
    pub(crate) outbox: Vec<Request>,
}

impl EngineRequests {
    /// Creates the state before the first request.
    pub fn new(options: ExploreOptions) -> Self {
        EngineRequests {
            options,
            open_error: None,
            pending: PendingRequests::default(),
            progress: HashMap::new(),
            outbox: Vec::new(),
        }
    }

    /// Queues a request. It replaces the pending one of its class, whose replies become stale.
    pub(crate) fn send(&mut self, class: RequestClass, kind: RequestKind) {
        let id = self.pending.start(class);
        self.progress.remove(&class);
        self.outbox.push(Request { id, kind });
    }

    /// Records that the latest request of a class is done.
    pub(crate) fn finish(&mut self, class: RequestClass) {
        self.pending.finish(class);
        self.progress.remove(&class);
    }

    /// Makes every request of a class stale.
    pub(crate) fn discard(&mut self, class: RequestClass) {
        self.pending.discard(class);
        self.progress.remove(&class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_request_makes_the_older_stale() {
        let mut pending = PendingRequests::default();
        let first = pending.start(RequestClass::Expand);
        let evaluate = pending.start(RequestClass::Evaluate);
        let second = pending.start(RequestClass::Expand);
        assert_eq!(pending.class_of(first), None);
        assert_eq!(pending.class_of(second), Some(RequestClass::Expand));
        assert_eq!(pending.class_of(evaluate), Some(RequestClass::Evaluate));
        pending.finish(RequestClass::Expand);
        assert_eq!(pending.first_running(), Some(RequestClass::Evaluate));
        pending.discard(RequestClass::Evaluate);
        assert_eq!(pending.class_of(evaluate), None);
        assert_eq!(pending.first_running(), None);
    }
}
