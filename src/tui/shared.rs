//! The state that every component reads: settings, and the results of the engine.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Settings;
use crate::engine::protocol::{
    Catalogue, EntityDetail, EvaluationKey, Import, QueryComparison, Ranker,
};
use crate::tui::evaluations::{EvaluationQueue, Overall};
use crate::tui::requests::{EngineRequests, ExploreOptions, RequestClass};
use crate::tui::ui::frame_info::FrameInfo;
use crate::types::{ClassId, EntityId, MetricValues, Mode};

/// An entity in a mode.
pub type DetailKey = (EntityId, Mode);
/// The details of an entity, or the reason why the engine has none.
pub type Detail = Result<EntityDetail, String>;

/// The state that every component may read. Only [`App`](crate::tui::app::App) changes it.
#[derive(Debug)]
pub struct Shared {
    pub settings: Settings,
    /// The requests to the engine.
    pub engine: EngineRequests,
    /// The evaluations that are running or stopped.
    pub evaluations: EvaluationQueue,
    /// The last frame that was drawn.
    pub frame: FrameInfo,
    /// `None` until the index is open.
    pub catalogue: Option<Arc<Catalogue>>,
    /// The mean metrics of each class over its queries.
    pub(crate) class_metrics: HashMap<(EvaluationKey, ClassId), MetricValues>,
    /// The mean metrics over all queries of each finished evaluation.
    pub overall: HashMap<EvaluationKey, Overall>,
    /// The indexes and runs that were imported.
    pub imports: Vec<Import>,
    pub comparisons: HashMap<[EvaluationKey; 2], QueryComparison>,
    pub details: HashMap<DetailKey, Detail>,
    /// The details that are requested.
    pub(crate) inspecting: Option<DetailKey>,
    /// The first image of each entity, `None` for an entity without images.
    pub first_images: HashMap<EntityId, Option<PathBuf>>,
    /// The entities whose first images are requested.
    pub(crate) requested_images: Vec<EntityId>,
}

impl Shared {
    /// Creates the state before an index is open.
    pub fn new(settings: Settings, options: ExploreOptions) -> Self {
        Shared {
            settings,
            engine: EngineRequests::new(options),
            evaluations: EvaluationQueue::default(),
            frame: FrameInfo::default(),
            catalogue: None,
            class_metrics: HashMap::new(),
            overall: HashMap::new(),
            imports: Vec::new(),
            comparisons: HashMap::new(),
            details: HashMap::new(),
            inspecting: None,
            first_images: HashMap::new(),
            requested_images: Vec::new(),
        }
    }

    /// Returns the modes of the index that use a modality.
    pub fn modes(&self) -> Vec<Mode> {
        let modes = self
            .catalogue
            .as_ref()
            .map(|catalogue| &catalogue.modes[..]);
        let modes = modes.unwrap_or_default().iter().copied();
        modes.filter(|mode| *mode != Mode::None).collect()
    }

    /// Returns the mode after or before another one. Error: a message that the index has no other.
    pub fn next_mode(&self, mode: Mode, by: isize) -> Result<Mode, String> {
        let modes = self.modes();
        if modes.iter().all(|&other| other == mode) {
            return Err(format!("this index has no mode but {mode}"));
        }
        let position = modes.iter().position(|&other| other == mode);
        let next = position.map_or(0, |position| {
            (position as isize + by).rem_euclid(modes.len() as isize) as usize
        });
        Ok(modes[next])
    }

    /// Returns whether an expansion is being computed.
    pub fn is_expanding(&self) -> bool {
        self.engine.pending.is_running(RequestClass::Expand)
    }

    /// Returns the name of a ranker, as columns show it.
    pub fn ranker_name(&self, ranker: Ranker) -> String {
        let label = |import: u16| {
            self.imports
                .get(usize::from(import))
                .map_or("?", |import| import.label.as_str())
        };
        match ranker {
            Ranker::OpenIndex(mode) => mode.to_string(),
            Ranker::ImportedIndex(import, mode) => format!("{} {mode}", label(import)),
            Ranker::ImportedRun(import) => label(import).to_owned(),
        }
    }

    /// Returns an entity's name: that of the catalogue, or for an unknown entity the one that an
    /// imported run gives it, or its id.
    pub fn name(&self, entity: EntityId) -> String {
        let imported = self
            .imports
            .iter()
            .find_map(|import| import.unknown_entities.get(&entity));
        if let Some(name) = imported {
            return format!("{name} (unknown)");
        }
        self.catalogue.as_ref().map_or_else(
            || format!("entity {entity}"),
            |catalogue| catalogue.name(entity),
        )
    }
}
