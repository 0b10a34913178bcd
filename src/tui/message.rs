//! Messages to the explorer, effects between its components, and commands for its event loop.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;

use crate::config::Action;
use crate::engine::protocol::{Reply, RequestKind};
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::parts::{Popup, Screen};
use crate::tui::requests::RequestClass;
use crate::tui::ui::frame_info::FrameInfo;
use crate::types::{ClassId, EntityId, Mode};

/// An event that the explorer handles.
#[derive(Debug, Clone)]
pub enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(Size),
    Reply(Reply),
    /// A tenth of a second has passed while something moves.
    Tick,
    /// A frame was drawn.
    Drawn(FrameInfo),
}

/// An effect outside the component that returns it, which changes only its own state.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Shows a message in the status line for a while.
    Notify(String),
    /// Sends a request to the engine; it replaces the pending one of its class.
    Send(RequestClass, RequestKind),
    GoTo(Screen),
    /// Evaluates the next kind of ranking on the screens that share it.
    NextRanking,
    /// Evaluates the queries of the other number of seeds.
    NextSeedCount,
    /// Opens an evaluated query in Explore; the number is its position among the class's queries.
    ShowQuery {
        class: ClassId,
        number: usize,
        /// The mode to expand in; `None` keeps the present one.
        mode: Option<Mode>,
    },
    /// Puts the cursor of Explore on an entity, among all candidates of the query.
    ShowCandidate {
        entity: EntityId,
        /// If true, candidates are shown in their re-ranked order.
        reranked: bool,
        /// If true, the entity pane gets the focus.
        inspect: bool,
    },
    /// Computes the evaluations that the screen still needs.
    Evaluate,
    /// Imports an index or a run from a path.
    Import(PathBuf),
    /// Performs an action, as its key does.
    Act(Action),
    OpenPopup(Popup),
    ClosePopup,
    /// Does what `esc` does.
    Close,
    /// Changes the query of Explore, which can be undone, and expands it.
    ChangeQuery(Box<ExpansionQuery>),
    /// Shows an entity in the entity pane, and records the jump.
    Inspect(EntityId),
    /// Discards the pending request of a class and all replies to it.
    Discard(RequestClass),
    Loop(LoopCommand),
}

/// A command for the event loop, since the app does no I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopCommand {
    Quit,
    Suspend,
    Redraw,
    /// Writes a file to the current folder: `stem.ending`, or a name with a number if that file
    /// exists.
    Write {
        stem: String,
        ending: &'static str,
        text: String,
    },
    /// Copies text to the terminal's clipboard.
    Copy(String),
}
