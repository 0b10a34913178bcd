//! The settings of an evaluation.

use crate::types::{ClassId, EvaluationProtocol, Mode, RankingKind, SeedCount};

/// The queries to evaluate, and the ranking to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationPlan {
    pub mode: Mode,
    pub seed_count: SeedCount,
    pub ranking: RankingKind,
    pub protocol: EvaluationProtocol,
    /// The only class to evaluate; `None` for all.
    pub class: Option<ClassId>,
}

impl EvaluationPlan {
    /// Returns true if all classes of a query number share one pool of candidates, as in the
    /// published protocol.
    pub(crate) fn is_joint(&self) -> bool {
        let is_published =
            self.ranking == RankingKind::Window && self.protocol == EvaluationProtocol::Published;
        is_published || self.ranking == RankingKind::Joint
    }
}
