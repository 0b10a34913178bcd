//! The small text files, line by line: BOM, CRLF and blank lines are noted and passed over.

use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{Findings, kind};
use crate::error::{Error, Result};

/// The file's lines that say something, with their numbers from 1, without line ends.
/// Bytes that are not UTF-8 are replaced and noted. Errors: `Io`.
pub(super) fn lines(path: &Path, findings: &mut Findings) -> Result<Vec<(usize, String)>> {
    Ok(lines_of(&fs::read(path).map_err(Error::io("read", path))?, path, findings))
}

/// As `lines`, of what was read from `path` already.
pub fn lines_of(bytes: &[u8], path: &Path, findings: &mut Findings) -> Vec<(usize, String)> {
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        findings.note(kind::NOT_UTF8, path, None, || "some bytes are not UTF-8".into());
    }
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            findings.note(kind::BOM, path, Some(1), || "starts with a byte order mark".into());
            rest
        }
        None => &text,
    };
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        let bare = note_line_end(line, path, number, findings);
        if bare.trim().is_empty() {
            findings.note(kind::BLANK, path, Some(number), || "blank line".into());
        } else {
            lines.push((number, bare.to_string()));
        }
    }
    lines
}

fn note_line_end<'a>(line: &'a str, path: &Path, number: usize, findings: &mut Findings) -> &'a str {
    match line.strip_suffix('\r') {
        Some(bare) => {
            findings.note(kind::CRLF, path, Some(number), || "ends in CRLF".into());
            bare
        }
        None => line,
    }
}

/// The folder's `.txt` files as (name without `.txt`, path), sorted by name; none where there is no such folder.
/// Anything else in it is noted. Errors: `Io`.
pub(super) fn class_files(folder: &Path, findings: &mut Findings) -> Result<Option<Vec<(String, PathBuf)>>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.strip_suffix(".txt") {
            Some(class) if path.is_file() => files.push((class.to_string(), path)),
            _ => findings.note(kind::STRAY_FILE, &path, None, || "not a class file (CLASS.txt)".into()),
        }
    }
    files.sort();
    Ok(Some(files))
}

/// A name as it is compared where its spelling may differ: lower case, spaces for `_`, single spaces.
pub fn fold(name: &str) -> String {
    let spaced = name.replace('_', " ").to_lowercase();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
