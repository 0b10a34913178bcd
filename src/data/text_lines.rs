//! Reads the small text files of a data set line by line. Byte order marks, CRLF and blank lines
//! are reported and skipped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::diagnostics::{Diagnostics, kind};
use crate::error::{Error, Result};
use crate::text_file;
use crate::text_file::Encoding;

/// Reads the lines that are not blank, with their numbers from 1 and without line ends. A file that
/// is not text has no lines, and is reported.
///
/// Errors: `Io`.
pub(super) fn read_lines(
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(usize, String)>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    match decode_lines(&bytes, path, diagnostics) {
        Ok(lines) => Ok(lines),
        Err(reason) => {
            diagnostics.report(kind::UNREADABLE_TEXT, path, None, || reason);
            Ok(Vec::new())
        }
    }
}

/// Reads lines like [`read_lines`], but a file that is not text is an error.
///
/// Errors: `Io`, `Format`.
pub(super) fn read_required_lines(
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(usize, String)>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    decode_lines(&bytes, path, diagnostics).map_err(|reason| Error::format(path, reason))
}

/// Splits the bytes of the file at `path` into lines like `read_lines`. Invalid bytes are
/// replaced and reported.
///
/// The error says why the file is not text. It follows the file's name.
pub fn decode_lines(
    bytes: &[u8],
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> std::result::Result<Vec<(usize, String)>, String> {
    let file = text_file::decode(bytes)?;
    match file.encoding {
        Encoding::Utf8 if file.has_bom => {
            diagnostics.report(kind::BOM, path, Some(1), || {
                "starts with a byte order mark".into()
            });
        }
        Encoding::Utf8 => {}
        Encoding::Utf16Le | Encoding::Utf16Be => {
            diagnostics.report(kind::UTF16, path, None, || {
                "is UTF-16 according to its byte order mark".into()
            });
        }
    }
    if let Some(line) = file.first_invalid {
        let encoding = if file.encoding == Encoding::Utf8 {
            "UTF-8"
        } else {
            "UTF-16"
        };
        let reason = || format!("has invalid {encoding}; the characters are lost");
        diagnostics.report(kind::NOT_UTF8, path, Some(line), reason);
    }
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(file.text.split_terminator('\n')) {
        let bare = strip_carriage_return(line, path, number, diagnostics);
        if bare.trim().is_empty() {
            diagnostics.report(kind::BLANK, path, Some(number), || "blank line".into());
        } else {
            lines.push((number, bare.to_string()));
        }
    }
    Ok(lines)
}

/// Removes the carriage return of a CRLF line end, and reports it.
fn strip_carriage_return<'a>(
    line: &'a str,
    path: &Path,
    number: usize,
    diagnostics: &mut Diagnostics,
) -> &'a str {
    match line.strip_suffix('\r') {
        Some(bare) => {
            diagnostics.report(kind::CRLF, path, Some(number), || "ends in CRLF".into());
            bare
        }
        None => line,
    }
}

/// Returns the folder's `.txt` files as (name without `.txt`, path), sorted by name, or `None` if
/// the folder does not exist. Other files are reported.
///
/// Errors: `Io`.
pub(super) fn class_files(
    folder: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Vec<(String, PathBuf)>>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match name.strip_suffix(".txt") {
            Some(class) if path.is_file() => files.push((class.to_string(), path)),
            _ => diagnostics.report(kind::STRAY_FILE, &path, None, || {
                "is not a class file (CLASS.txt)".into()
            }),
        }
    }
    files.sort();
    Ok(Some(files))
}
