//! Parity with golden numbers of the published algorithm. `MULTIEXPAN_GOLDEN` names their folder;
//! unset, it is `tests/golden`. Every size is taken from the files.

mod expansion;
mod losses;
mod metrics;
mod model;
mod statistics;
mod trec;

use std::path::PathBuf;

/// A file of the golden folder.
fn golden(path: &str) -> PathBuf {
    std::env::var_os("MULTIEXPAN_GOLDEN")
        .map_or_else(own_golden, PathBuf::from)
        .join(path)
}

/// The folder of this repository: what is compared with programs that have nothing to do with the
/// algorithm is only there.
fn own_golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
