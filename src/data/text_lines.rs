//! The small text files, line by line: byte order marks, CRLF and blank lines are noted and passed
//! over.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::diagnostics::{Diagnostics, kind};
use crate::error::{Error, Result};
use crate::text_file;
use crate::text_file::Encoding;

/// The file's lines that say something, with their numbers from 1, without line ends. A file that
/// cannot be read as text has none, and is noted. Errors: `Io`.
pub(super) fn read_lines(
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(usize, String)>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    Ok(
        decode_lines(&bytes, path, diagnostics).unwrap_or_else(|reason| {
            diagnostics.report(kind::UNREADABLE_TEXT, path, None, || reason);
            Vec::new()
        }),
    )
}

/// As [`read_lines`], where a file that cannot be read as text is a `Format` error.
pub(super) fn read_required_lines(
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(usize, String)>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    decode_lines(&bytes, path, diagnostics).map_err(|reason| Error::format(path, reason))
}

/// The same of what was read from `path` already. Bytes that are not valid are replaced and noted.
/// The error says why the file cannot be read as text, and completes a sentence that begins with
/// the file's name.
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
                "is UTF-16, as its byte order mark says".into()
            });
        }
    }
    if let Some(line) = file.first_invalid {
        let encoding = if file.encoding == Encoding::Utf8 {
            "UTF-8"
        } else {
            "UTF-16"
        };
        let reason = || format!("has bytes that are not {encoding}; their characters are lost");
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

/// The folder's `.txt` files as (name without `.txt`, path), sorted by name; none where there is no
/// such folder. Anything else in it is noted. Errors: `Io`.
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
                "not a class file (CLASS.txt)".into()
            }),
        }
    }
    files.sort();
    Ok(Some(files))
}
