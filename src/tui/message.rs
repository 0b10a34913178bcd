//! What the explorer reacts to, and what it has its event loop do.

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;

use crate::engine::protocol::Reply;
use crate::tui::ui::frame_info::FrameInfo;

/// Everything that can happen.
#[derive(Debug, Clone)]
pub enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(Size),
    Reply(Reply),
    /// Ten a second while something moves.
    Tick,
    /// A frame was drawn.
    Drawn(FrameInfo),
}

/// What the event loop is asked to do, since the app itself does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Quit,
    Suspend,
    Redraw,
    /// A file in the folder that the explorer was started in: `stem.ending`, or with a number where
    /// there is one already.
    Write {
        stem: String,
        ending: &'static str,
        text: String,
    },
    /// Text for the terminal's clipboard.
    Copy(String),
}
