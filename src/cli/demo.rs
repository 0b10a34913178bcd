//! The location of the bundled demo.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Finds the demo's index in `$MULTIEXPAN_DATA`, the working folder, the installation, or the source
/// tree.
pub fn index() -> Result<PathBuf> {
    let tried = candidate_paths();
    match tried.iter().find(|p| p.join("index.json").is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(Error::Missing {
            what: "demo index",
            path: tried.into_iter().next_back().unwrap_or_default(),
            hint: "build it with `make demo-index`, name an index, or set MULTIEXPAN_DATA".into(),
        }),
    }
}

/// Returns every candidate path, in the order of the search.
pub fn candidate_paths() -> Vec<PathBuf> {
    let from_env = std::env::var_os("MULTIEXPAN_DATA").map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let relative_to_program = |data: &str| Some(program.as_ref()?.parent()?.parent()?.join(data));
    // PREFIX/bin/multiexpan
    let installed = relative_to_program("share/multiexpan");
    // target/release/multiexpan
    let in_clone = relative_to_program("../data");
    let from_source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    [
        from_env,
        Some("./data".into()),
        installed,
        in_clone,
        Some(from_source),
    ]
    .into_iter()
    .flatten()
    .map(|data| data.join("demo/index"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_tree_comes_last() {
        let candidate_paths = candidate_paths();
        assert!(candidate_paths.len() >= 3);
        assert_eq!(
            candidate_paths.last().unwrap(),
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
        );
    }
}
