//! Text files of runs, plain or gzip.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::data::{Diagnostics, decode_lines, kind};
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::text_file::Encoding;

/// The first bytes of every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the lines that are not blank, with their numbers from 1. Gzip is recognised by its first
/// bytes. Errors: `Io`, and `Format` for damaged gzip and for files that are not text.
pub(super) fn read_lines(path: &Path, found: &mut Diagnostics) -> Result<Vec<(usize, String)>> {
    let bytes = read_unpacked(path)?;
    let (encoding, _) = Encoding::detect(&bytes).map_err(|reason| Error::format(path, reason))?;
    if encoding == Encoding::Utf8 && bytes.contains(&0) {
        return Err(Error::format(
            path,
            "is a binary file, where lines of text are expected",
        ));
    }
    let lines = decode_lines(&bytes, path, found).map_err(|reason| Error::format(path, reason))?;
    // published lists have one blank line each, and elsewhere it has no meaning
    found.remove(kind::BLANK);
    Ok(lines)
}

/// Reads a file, and unpacks it if it is gzip.
fn read_unpacked(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    if bytes.starts_with(&GZIP) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut unpacked)
            .map_err(|e| {
                Error::format(path, format!("is gzip that is cut short or damaged: {e}"))
            })?;
        return Ok(unpacked);
    }
    if has_gz_extension(path) {
        return Err(Error::format(
            path,
            "has the extension .gz and is not a gzip file",
        ));
    }
    Ok(bytes)
}

/// Writes a file atomically, as gzip if its path ends in `.gz`. Error: `Io`.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if !has_gz_extension(path) {
        return write_atomic(path, text.as_bytes());
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(text.as_bytes())
        .and_then(|()| packed.finish())
        .map_err(Error::io("write", path))?;
    write_atomic(path, &packed)
}

/// Returns whether a path ends in `.gz`.
pub(super) fn has_gz_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}
