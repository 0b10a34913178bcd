//! The text of run files, plain or gzip.

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

/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The lines that say something, with their numbers from 1; gzip is told by its first bytes.
/// Errors: `Io`, and `Format` for gzip that is none, is cut short or damaged, and for what is no
/// text.
pub(super) fn read(path: &Path, odd: &mut Diagnostics) -> Result<Vec<(usize, String)>> {
    let mut bytes = fs::read(path).map_err(Error::io("read", path))?;
    if bytes.starts_with(&GZIP) {
        let mut text = Vec::new();
        let unpacked = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text);
        unpacked.map_err(|e| {
            Error::format(path, format!("is gzip that is cut short or damaged: {e}"))
        })?;
        bytes = text;
    } else if is_gz(path) {
        return Err(Error::format(path, "is called .gz and is no gzip"));
    }
    let (encoding, _) = Encoding::detect(&bytes).map_err(|reason| Error::format(path, reason))?;
    if encoding == Encoding::Utf8 && bytes.contains(&0) {
        return Err(Error::format(
            path,
            "is a binary file, where lines of text are expected",
        ));
    }
    let lines = decode_lines(&bytes, path, odd).map_err(|reason| Error::format(path, reason))?;
    // published lists have one each, and elsewhere they mean nothing
    odd.remove(kind::BLANK);
    Ok(lines)
}

/// Writes a file whole, as gzip where it is called so. Errors: `Io`.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if !is_gz(path) {
        return write_atomic(path, text.as_bytes());
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(text.as_bytes())
        .and_then(|()| packed.finish())
        .map_err(Error::io("write", path))?;
    write_atomic(path, &packed)
}

/// Whether a file is called after gzip.
pub(super) fn is_gz(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "gz")
}
