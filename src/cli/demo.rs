//! Where the bundled demo lies.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The demo's index, from `$MULTIEXPAN_DATA`, the working folder, where it is installed, or the
/// source tree.
pub fn index() -> Result<PathBuf> {
    let tried = places();
    match tried.iter().find(|p| p.join("index.json").is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(Error::Missing {
            what: "demo index",
            path: tried.into_iter().next_back().unwrap_or_default(),
            hint: "build it with `make demo-index`, name an index, or set MULTIEXPAN_DATA".into(),
        }),
    }
}

/// Every place that is looked at, in order.
pub fn places() -> Vec<PathBuf> {
    let from_env = std::env::var_os("MULTIEXPAN_DATA").map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let beside_program = |data: &str| Some(program.as_ref()?.parent()?.parent()?.join(data));
    // PREFIX/bin/multiexpan
    let installed = beside_program("share/multiexpan");
    // target/release/multiexpan
    let in_clone = beside_program("../data");
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
        let places = places();
        assert!(places.len() >= 3);
        assert_eq!(
            places.last().unwrap(),
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
        );
    }
}
