//! Numbers of an independent implementation. `MULTIEXPAN_GOLDEN` names another folder of the same form.

use std::path::PathBuf;

mod expansion;

/// The folder of golden numbers.
fn golden() -> PathBuf {
    std::env::var_os("MULTIEXPAN_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from)
}
