//! The terminal in which the explorer runs: its input, its capabilities, how frames and images are
//! written to it, and how it is restored.

mod ascii;
pub mod bidi;
pub mod capabilities;
mod compact_backend;
mod event_decoder;
pub mod event_loop;
pub mod images;
pub mod input;
mod kitty_placement;
mod new_file;
mod reader;
mod saver;
mod signals;
mod terminal;
pub mod terminal_query;
mod terminal_size;
pub mod theme_files;
mod tmux;
