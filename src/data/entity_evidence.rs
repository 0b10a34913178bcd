//! What the corpus holds of each entity: how many pairs, which pictures, of what kind.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::diagnostics::Diagnostics;
use crate::data::text_lines::read_required_lines;
use crate::data::{Dataset, missing};
use crate::error::{Error, Result};
use crate::name::nfc;
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// Beside the pictures: where each is from, and what kind it is.
const SOURCES: &str = "image/SOURCES.tsv";

/// Of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityEvidence {
    /// Mentions whose sentence has a picture.
    pub pairs: u32,
    /// Those pictures, each once, in the order of the corpus.
    pub images: Vec<PathBuf>,
}

impl Dataset {
    /// The evidence of every entity that has some, in one pass over the corpus. Errors: `Missing`,
    /// `Io`, `Stopped`.
    pub fn evidence(
        &self,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<HashMap<EntityId, EntityEvidence>> {
        let mut found: HashMap<EntityId, EntityEvidence> = HashMap::new();
        self.pairs(&mut Diagnostics::default(), observe, &mut |pair| {
            if let Some(picture) = pair.image {
                let evidence = found.entry(pair.entity).or_default();
                evidence.pairs += 1;
                if !evidence.images.contains(&picture) {
                    evidence.images.push(picture);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The kind of each picture by its file's name ([`nfc`]), as the columns `file` and `kind` of
    /// `image/SOURCES.tsv` have it. Errors: `Missing`, `Io`, `Format` where a column lacks, `Line`
    /// for a row without either or of a file that had one.
    pub fn image_kinds(&self) -> Result<HashMap<String, String>> {
        let path = self.root.join(SOURCES);
        if !path.is_file() {
            return Err(missing(
                SOURCES,
                &path,
                "its columns “file” and “kind” say what kind each picture is",
            ));
        }
        read_image_kinds(&path)
    }
}

fn read_image_kinds(path: &Path) -> Result<HashMap<String, String>> {
    let rows = read_required_lines(path, &mut Diagnostics::default())?;
    let head: Vec<&str> = rows
        .first()
        .map(|(_, line)| line.split('\t').collect())
        .unwrap_or_default();
    let column = |name: &str| {
        let at = head.iter().position(|head| head.trim() == name);
        at.ok_or_else(|| Error::format(path, format!("has no column “{name}” in its first line")))
    };
    let (file, kind) = (column("file")?, column("kind")?);
    let mut kinds = HashMap::new();
    for (line, row) in rows.iter().skip(1) {
        let fault = |reason| Error::Line {
            path: path.to_owned(),
            line: *line,
            reason,
        };
        let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
        let cell = |at: usize| {
            cells
                .get(at)
                .filter(|cell| !cell.is_empty())
                .map(|cell| (*cell).to_owned())
        };
        let (Some(file), Some(kind)) = (cell(file), cell(kind)) else {
            return Err(fault(
                "expected a file and its kind, found a row without".into(),
            ));
        };
        if kinds.insert(nfc(&file).into_owned(), kind).is_some() {
            return Err(fault(format!("“{file}” is listed a second time")));
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
    fn columns_are_found_by_their_names() {
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
    fn faults_name_the_column_or_the_line() {
        let said = |text| kinds(text).unwrap_err().to_string();
        assert!(said("file\tsource\na.png\tx\n").contains("no column “kind”"));
        assert!(said("").contains("no column “file”"));
        assert!(
            said("file\tkind\na.png\ticon\nb.png\t \n")
                .contains(":3: expected a file and its kind")
        );
        assert!(
            said("file\tkind\na.png\ticon\na.png\tphoto\n")
                .contains(":3: “a.png” is listed a second time")
        );
    }
}
