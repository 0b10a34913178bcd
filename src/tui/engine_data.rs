//! What the engine has sent, for every screen to show.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::protocol::{Catalogue, EntityDetail, EvaluationKey, QueryComparison};
use crate::tui::metrics::Overall;
use crate::types::{ClassId, EntityId, MetricValues, Mode};

/// An entity in a mode, and what the engine says of it (or why it cannot).
pub type DetailKey = (EntityId, Mode);
pub type Detail = Result<EntityDetail, String>;

/// What the engine has sent.
#[derive(Debug, Default)]
pub struct EngineData {
    /// `None` until the index is open.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Means of each class over its queries.
    pub(crate) class_metrics: HashMap<(EvaluationKey, ClassId), MetricValues>,
    /// Means over all queries, of each finished evaluation.
    pub overall: HashMap<EvaluationKey, Overall>,
    pub comparisons: HashMap<[EvaluationKey; 2], QueryComparison>,
    pub details: HashMap<DetailKey, Detail>,
    /// The details that are requested and not there yet.
    pub(crate) inspecting: Option<DetailKey>,
    /// The first image of each entity, `None` for an entity without images.
    pub first_images: HashMap<EntityId, Option<PathBuf>>,
    /// Entities whose first image is requested and not there yet.
    pub(crate) requested_images: Vec<EntityId>,
}
