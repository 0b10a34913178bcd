//! The files of the explorer: the session of an index, and views.

pub mod session;
pub mod view_file;
