//! The terminal underneath the explorer: what it sends, what it can draw, and how it is taken and
//! given back.

mod ascii;
pub mod bidi;
pub mod capabilities;
mod compact_backend;
mod event_decoder;
pub mod event_loop;
pub mod images;
pub mod input;
mod kitty_placement;
pub mod query;
mod reader;
mod saver;
mod signals;
mod terminal;
pub mod theme_files;
mod tmux;
