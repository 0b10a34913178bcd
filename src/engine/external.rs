//! The indexes and runs that are loaded beside the open index.

use std::collections::HashMap;
use std::path::Path;

use crate::eval::QueryKey;
use crate::index::Index;
use crate::types::EntityId;

/// An imported index or run.
pub(super) enum ExternalSource {
    Index(Box<Index>),
    Run(RunRankings),
}

/// The rankings of a run by query.
pub(super) type RunRankings = HashMap<QueryKey, Vec<EntityId>>;

/// Returns the label of an index or run: the name of the file without its extension or, for a folder
/// named `index`, the name of the folder above it.
pub(crate) fn label(path: &Path) -> String {
    let name = |path: &Path| {
        path.file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let own = name(path);
    match path.parent() {
        Some(parent) if own == "index" && parent.file_name().is_some() => name(parent),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_distinguishes_indexes_of_the_same_name() {
        assert_eq!(label(Path::new("runs/clip/index")), "clip");
        assert_eq!(label(Path::new("runs/probexpan.run")), "probexpan");
        assert_eq!(label(Path::new("/index")), "index");
    }
}
