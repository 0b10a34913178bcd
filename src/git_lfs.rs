//! Git LFS pointers: small text files in place of large ones that have not been fetched.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// The first bytes of a pointer.
const MAGIC: &[u8] = b"version https://git-lfs.";
/// The error for a pointer, with the next step. It follows the file's name.
pub const REASON: &str = "is a Git LFS pointer, not the file itself; run `git lfs pull`";

/// Returns whether a file that starts with `bytes` is a pointer.
pub fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Returns an error (`Format`) if `path` is a pointer. A file that cannot be read is accepted here,
/// since its reader reports the problem.
pub fn refuse_pointer(path: &Path) -> Result<()> {
    let mut first = Vec::new();
    let opened =
        File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut first));
    match opened {
        Ok(_) if is_pointer(&first) => Err(Error::format(path, REASON)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pointers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(
            &path,
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
        )
        .unwrap();
        assert!(
            refuse_pointer(&path)
                .unwrap_err()
                .to_string()
                .contains("git lfs pull")
        );
        std::fs::write(&path, "version 2").unwrap();
        assert!(
            refuse_pointer(&path).is_ok() && refuse_pointer(&folder.path().join("none")).is_ok()
        );
    }
}
