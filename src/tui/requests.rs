//! Which requests are under way. A reply whose id is not the latest of its kind is stale.

use crate::engine::protocol::RequestId;
use crate::engine::protocol::{Request, RequestKind};
use crate::progress::Progress;
use crate::types::DeviceChoice;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestClass {
    Open,
    Expand,
    Inspect,
    Pictures,
    Evaluate,
    Compare,
    Bring,
    Failures,
    Explain,
    Measure,
    Stop,
}

const KINDS: [RequestClass; 11] = [
    RequestClass::Open,
    RequestClass::Expand,
    RequestClass::Inspect,
    RequestClass::Pictures,
    RequestClass::Evaluate,
    RequestClass::Compare,
    RequestClass::Bring,
    RequestClass::Failures,
    RequestClass::Explain,
    RequestClass::Measure,
    RequestClass::Stop,
];

/// The latest request of each kind, and whether its answer is complete.
#[derive(Debug, Clone, Default)]
pub struct PendingRequests {
    counter: u64,
    latest: [Option<(RequestId, bool)>; KINDS.len()],
}

impl PendingRequests {
    /// Draws an id; older requests of this kind are stale from now on.
    pub fn start(&mut self, kind: RequestClass) -> RequestId {
        self.counter += 1;
        let id = RequestId(self.counter);
        self.latest[kind as usize] = Some((id, true));
        id
    }

    /// The kind of a request that is not stale.
    pub fn kind(&self, id: RequestId) -> Option<RequestClass> {
        KINDS
            .into_iter()
            .find(|&k| self.latest[k as usize].is_some_and(|(latest, _)| latest == id))
    }

    pub fn finish(&mut self, kind: RequestClass) {
        if let Some((_, running)) = &mut self.latest[kind as usize] {
            *running = false;
        }
    }

    /// Makes every answer of this kind stale.
    pub fn forget(&mut self, kind: RequestClass) {
        self.latest[kind as usize] = None;
    }

    pub fn runs(&self, kind: RequestClass) -> bool {
        self.latest[kind as usize].is_some_and(|(_, running)| running)
    }

    /// The first kind under way, the one people wait for most.
    pub fn running(&self) -> Option<RequestClass> {
        let waited_for = [
            RequestClass::Open,
            RequestClass::Expand,
            RequestClass::Bring,
            RequestClass::Evaluate,
            RequestClass::Failures,
        ];
        waited_for.into_iter().find(|&k| self.runs(k))
    }
}

/// What is opened at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct ExploreOptions {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Indexes and runs to stand beside it in Compare.
    pub beside: Vec<PathBuf>,
}

/// The explorer's side of the engine: requests under way, and those still to be sent.
#[derive(Debug)]
pub struct EngineRequests {
    pub options: ExploreOptions,
    /// Why the index could not be opened.
    pub open_error: Option<String>,
    pub pending: PendingRequests,
    /// The progress of each request under way that has reported any.
    pub progress: HashMap<RequestClass, Progress>,
    pub(crate) outbox: Vec<Request>,
}

impl EngineRequests {
    /// No request yet.
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
        self.outbox.push(Request { id, kind: kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_request_makes_the_older_stale() {
        let mut asked = PendingRequests::default();
        let first = asked.start(RequestClass::Expand);
        let evaluate = asked.start(RequestClass::Evaluate);
        let second = asked.start(RequestClass::Expand);
        assert_eq!(asked.kind(first), None);
        assert_eq!(asked.kind(second), Some(RequestClass::Expand));
        assert_eq!(asked.kind(evaluate), Some(RequestClass::Evaluate));
        asked.finish(RequestClass::Expand);
        assert_eq!(asked.running(), Some(RequestClass::Evaluate));
        asked.forget(RequestClass::Evaluate);
        assert_eq!((asked.kind(evaluate), asked.running()), (None, None));
    }
}
