//! The evidence for each entity in the corpus: the number of pairs, the images, and their kinds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::diagnostics::Diagnostics;
use crate::data::text_lines::read_required_lines;
use crate::data::{Dataset, missing};
use crate::error::{Error, Result};
use crate::name::nfc;
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// The file with the source and the kind of each image.
const SOURCES: &str = "image/SOURCES.tsv";

/// The evidence for one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityEvidence {
    /// The number of mentions in sentences with an image.
    pub pairs: u32,
    /// The images, each once, in the order of the corpus.
    pub images: Vec<PathBuf>,
}

impl Dataset {
    /// Collects the evidence for every entity in one pass over the corpus. Entities without
    /// evidence are not included.
    ///
    /// Errors: `Missing`, `Io`, `Stopped`.
    pub fn evidence(
        &self,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<HashMap<EntityId, EntityEvidence>> {
        let mut found: HashMap<EntityId, EntityEvidence> = HashMap::new();
        self.pairs(&mut Diagnostics::default(), observe, &mut |pair| {
            if let Some(image) = pair.image {
                let evidence = found.entry(pair.entity).or_default();
                evidence.pairs += 1;
                if !evidence.images.contains(&image) {
                    evidence.images.push(image);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads the kind of each image from the columns `file` and `kind` of `image/SOURCES.tsv`. The
    /// keys are file names in Form C ([`nfc`]).
    ///
    /// Errors: `Missing`; `Io`; `Format` for a missing column; `Line` for a row with an empty cell,
    /// or a file that is listed twice.
    pub fn image_kinds(&self) -> Result<HashMap<String, String>> {
        let path = self.root.join(SOURCES);
        if !path.is_file() {
            return Err(missing(
                SOURCES,
                &path,
                "its columns `file` and `kind` give the kind of each image",
            ));
        }
        read_image_kinds(&path)
    }
}

fn read_image_kinds(path: &Path) -> Result<HashMap<String, String>> {
    let rows = read_required_lines(path, &mut Diagnostics::default())?;
    let header: Vec<&str> = rows
        .first()
        .map(|(_, line)| line.split('\t').collect())
        .unwrap_or_default();
    let column = |name: &str| {
        let index = header.iter().position(|column| column.trim() == name);
        index
            .ok_or_else(|| Error::format(path, format!("has no column `{name}` in its first line")))
    };
    let (file, kind) = (column("file")?, column("kind")?);
    let mut kinds = HashMap::new();
    for (line, row) in rows.iter().skip(1) {
        let line_error = |reason| Error::Line {
            path: path.to_owned(),
            line: *line,
            reason,
        };
        let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
        let cell = |column: usize| {
            cells
                .get(column)
                .filter(|cell| !cell.is_empty())
                .map(|cell| (*cell).to_owned())
        };
        let (Some(file), Some(kind)) = (cell(file), cell(kind)) else {
            return Err(line_error(
                "expected a file and its kind, found an empty cell".into(),
            ));
        };
        if kinds.insert(nfc(&file).into_owned(), kind).is_some() {
            return Err(line_error(format!("“{file}” is listed twice")));
        }
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Result<HashMap<String, String>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_image_kinds(file.path())
    }

    #[test]
    fn columns_are_found_by_name() {
        let found = kinds("kind\tlicence\tfile\r\nphoto\tCC0\ta.png\n\nicon\t\tb.png\n").unwrap();
        assert_eq!(
            (
                found.len(),
                found["a.png"].as_str(),
                found["b.png"].as_str()
            ),
            (2, "photo", "icon")
        );
        assert_eq!(
            kinds("file\tkind\ni\u{302}le.png\tphoto\n").unwrap()["île.png"],
            "photo"
        );
    }

    #[test]
    fn errors_name_the_column_or_the_line() {
        let error = |text| kinds(text).unwrap_err().to_string();
        assert!(error("file\tsource\na.png\tx\n").contains("no column `kind`"));
        assert!(error("").contains("no column `file`"));
        assert!(
            error("file\tkind\na.png\ticon\nb.png\t \n")
                .contains(":3: expected a file and its kind")
        );
        assert!(
            error("file\tkind\na.png\ticon\na.png\tphoto\n")
                .contains(":3: “a.png” is listed twice")
        );
    }
}
