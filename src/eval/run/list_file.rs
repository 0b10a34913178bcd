//! One file of a folder of lists.

use std::path::PathBuf;

use crate::eval::run::file_name::ListFileName;
use crate::types::ClassId;

/// The file of one list: its path, the query that its name states, and its lines with their
/// numbers from 1.
pub(super) struct ListFile {
    pub path: PathBuf,
    pub name: ListFileName<ClassId>,
    pub lines: Vec<(usize, String)>,
}
