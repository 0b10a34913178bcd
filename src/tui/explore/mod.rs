//! The Explore screen: classes, seeds, candidates and one entity.

pub mod candidates;
pub mod classes;
pub mod completion;
pub mod draw;
pub mod entity;
pub mod expansion;
pub mod history;
pub mod metrics_line;
pub mod missing;
pub mod query;
pub mod seed_set;
pub mod seeds;
pub mod selection;

use crate::tui::class_tree::ClassTree;
use crate::tui::explore::expansion::{CandidateList, RowFilter};
use crate::tui::explore::history::History;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seeds::Typing;
use crate::tui::parts::Pane;
use crate::types::EntityId;

/// The Explore screen.
#[derive(Debug, Default)]
pub struct Explore {
    /// The pane that has the keys.
    pub focus: Pane,
    pub classes: ClassesPane,
    pub seeds: SeedsPane,
    /// What is expanded: seeds, mode, scope and settings of the search.
    pub query: ExpansionQuery,
    pub history: History,
    pub candidates: CandidatesPane,
    pub entity: EntityPane,
}

/// The tree of classes.
#[derive(Debug, Default)]
pub struct ClassesPane {
    pub tree: ClassTree,
    /// Whether the filter of the classes is being typed.
    pub filtering: bool,
}

/// The seeds of the query.
#[derive(Debug, Default)]
pub struct SeedsPane {
    /// The name of a new seed while it is typed.
    pub typing: Option<Typing>,
    /// The seed in focus, from 0; one past the last is the field for a new one.
    pub chip: usize,
}

/// The ranked candidates.
#[derive(Debug)]
pub struct CandidatesPane {
    pub expansion: Option<CandidateList>,
    /// The next expansion, until its first reply: the one before stays readable until then.
    pub(crate) pending_expansion: Option<CandidateList>,
    /// The candidate under the cursor; `None` means the first, whichever it is.
    pub selected: Option<EntityId>,
    pub filter: RowFilter,
    /// Whether candidates are shown in their re-ranked order.
    pub reranked: bool,
    /// Whether a candidate takes two lines.
    pub tall: bool,
}

impl Default for CandidatesPane {
    fn default() -> Self {
        CandidatesPane {
            expansion: None,
            pending_expansion: None,
            selected: None,
            filter: RowFilter::All,
            reranked: true,
            tall: false,
        }
    }
}

/// One entity: its images, scores and sentences.
#[derive(Debug, Default)]
pub struct EntityPane {
    /// An entity inspected from elsewhere, such as a missing one or a neighbour; otherwise the
    /// selected candidate is shown.
    pub inspected: Option<EntityId>,
    /// The first of the entity's images that is shown, from 0.
    pub first_image: usize,
    pub scroll: usize,
    /// The width in columns that the user chose.
    pub width: Option<u16>,
    /// Whether the border is being dragged.
    pub(crate) resizing: bool,
}
