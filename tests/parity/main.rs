//! Parity with golden numbers of the published algorithm. `MULTIEXPAN_GOLDEN` names their folder; unset, it is
//! `tests/golden`. Every size is taken from the files.

mod expansion;
mod losses;
mod metrics;
mod model;

use std::path::PathBuf;

/// A file of the golden folder.
fn golden(path: &str) -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::env::var_os("MULTIEXPAN_GOLDEN").map_or_else(own, PathBuf::from).join(path)
}
