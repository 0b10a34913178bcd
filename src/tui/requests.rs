//! Which requests are under way. A reply whose id is not the latest of its kind is stale.

use crate::engine::protocol::RequestId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
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

const KINDS: [Kind; 11] = [
    Kind::Open,
    Kind::Expand,
    Kind::Inspect,
    Kind::Pictures,
    Kind::Evaluate,
    Kind::Compare,
    Kind::Bring,
    Kind::Failures,
    Kind::Explain,
    Kind::Measure,
    Kind::Stop,
];

/// The latest request of each kind, and whether its answer is complete.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    counter: u64,
    latest: [Option<(RequestId, bool)>; KINDS.len()],
}

impl Asked {
    /// Draws an id; older requests of this kind are stale from now on.
    pub fn start(&mut self, kind: Kind) -> RequestId {
        self.counter += 1;
        let id = RequestId(self.counter);
        self.latest[kind as usize] = Some((id, true));
        id
    }

    /// The kind of a request that is not stale.
    pub fn kind(&self, id: RequestId) -> Option<Kind> {
        KINDS
            .into_iter()
            .find(|&k| self.latest[k as usize].is_some_and(|(latest, _)| latest == id))
    }

    pub fn finish(&mut self, kind: Kind) {
        if let Some((_, running)) = &mut self.latest[kind as usize] {
            *running = false;
        }
    }

    /// Makes every answer of this kind stale.
    pub fn forget(&mut self, kind: Kind) {
        self.latest[kind as usize] = None;
    }

    pub fn runs(&self, kind: Kind) -> bool {
        self.latest[kind as usize].is_some_and(|(_, running)| running)
    }

    /// The first kind under way, the one people wait for most.
    pub fn running(&self) -> Option<Kind> {
        let waited_for = [
            Kind::Open,
            Kind::Expand,
            Kind::Bring,
            Kind::Evaluate,
            Kind::Failures,
        ];
        waited_for.into_iter().find(|&k| self.runs(k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_request_makes_the_older_stale() {
        let mut asked = Asked::default();
        let first = asked.start(Kind::Expand);
        let evaluate = asked.start(Kind::Evaluate);
        let second = asked.start(Kind::Expand);
        assert_eq!(asked.kind(first), None);
        assert_eq!(asked.kind(second), Some(Kind::Expand));
        assert_eq!(asked.kind(evaluate), Some(Kind::Evaluate));
        asked.finish(Kind::Expand);
        assert_eq!(asked.running(), Some(Kind::Evaluate));
        asked.forget(Kind::Evaluate);
        assert_eq!((asked.kind(evaluate), asked.running()), (None, None));
    }
}
