//! Golden numbers: the folder named by `MULTIEXPAN_GOLDEN`, or `tests/golden`.

mod model;

use std::path::PathBuf;

pub fn golden() -> PathBuf {
    std::env::var_os("MULTIEXPAN_GOLDEN").map_or_else(|| "tests/golden".into(), PathBuf::from)
}
