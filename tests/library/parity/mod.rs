//! Comparison with golden numbers of the published algorithm and of other programs.
//! `MULTIEXPAN_GOLDEN` names the folder of the former; the default is `tests/golden`. All sizes are
//! taken from the files.

mod expansion;
mod feedback;
mod losses;
mod metrics;
mod model;
mod statistics;
mod trec;

use std::path::PathBuf;

/// Returns the path of a file in the golden folder.
fn golden(path: &str) -> PathBuf {
    std::env::var_os("MULTIEXPAN_GOLDEN")
        .map_or_else(own_golden, PathBuf::from)
        .join(path)
}

/// Returns the golden folder of this repository, which alone has the numbers of programs that do
/// not run the algorithm.
fn own_golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
