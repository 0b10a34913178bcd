//! What outlives the explorer: the session of an index, and views as files.

pub mod session;
pub mod view_file;
