//! Problems of a data set. Every problem is counted; the first of each kind are stored with file
//! and line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The number of diagnostics of one kind that are stored. Further ones are only counted.
pub const MAX_PER_KIND: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A part of the data is left out or cannot be used.
    Error,
    /// The data is unusual, and is used.
    Warning,
}

/// One problem of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The name of the kind, in the plural: "lines that are not JSON".
    pub kind: &'static str,
    pub file: PathBuf,
    /// The line, from 1. `None` if the problem concerns the whole file.
    pub line: Option<usize>,
    /// The problem in words: "entity 9 is not in entity2id.txt".
    pub reason: String,
}

/// A kind of problem and its severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnosticKind {
    pub name: &'static str,
    pub severity: Severity,
}

impl DiagnosticKind {
    pub const fn error(name: &'static str) -> DiagnosticKind {
        DiagnosticKind {
            name,
            severity: Severity::Error,
        }
    }

    pub const fn warning(name: &'static str) -> DiagnosticKind {
        DiagnosticKind {
            name,
            severity: Severity::Warning,
        }
    }
}

/// The kinds of problems that loading and validation report.
pub mod kind {
    use crate::data::diagnostics::DiagnosticKind;

    // any text file
    pub const BOM: DiagnosticKind =
        DiagnosticKind::warning("files that start with a byte order mark");
    pub const BLANK: DiagnosticKind = DiagnosticKind::warning("blank lines");
    pub const CRLF: DiagnosticKind = DiagnosticKind::warning("lines ending in CRLF");
    pub const UTF16: DiagnosticKind = DiagnosticKind::warning("files in UTF-16");
    pub const NOT_UTF8: DiagnosticKind = DiagnosticKind::error("files with invalid characters");
    pub const UNREADABLE_TEXT: DiagnosticKind =
        DiagnosticKind::error("files that cannot be read as text");
    pub const UNICODE_FORM: DiagnosticKind =
        DiagnosticKind::warning("names in another Unicode form (NFC, NFD) than elsewhere");
    pub const STRAY_FILE: DiagnosticKind =
        DiagnosticKind::warning("files that are not class files");
    pub const MISSING_FILE: DiagnosticKind = DiagnosticKind::error("missing files");

    // entity2id.txt
    pub const BAD_ENTITY: DiagnosticKind =
        DiagnosticKind::error("lines of entity2id.txt that are not name and id");
    pub const DUPLICATE_ID: DiagnosticKind = DiagnosticKind::error("entity ids given twice");
    pub const DUPLICATE_NAME: DiagnosticKind = DiagnosticKind::warning("entity names given twice");
    pub const UNICODE_DUPLICATES: DiagnosticKind =
        DiagnosticKind::warning("entity names that differ only in their Unicode form (NFC, NFD)");

    // gt, classes.tsv, eid2cls.pkl
    pub const NO_GOLD: DiagnosticKind = DiagnosticKind::warning("data sets without gold");
    pub const BAD_PICKLE: DiagnosticKind = DiagnosticKind::error("pickles that cannot be read");
    pub const BAD_GOLD: DiagnosticKind =
        DiagnosticKind::error("gold lines that are not id, name and label");
    pub const UNKNOWN_GOLD: DiagnosticKind =
        DiagnosticKind::error("gold entities that are not in entity2id.txt");
    pub const GOLD_NAME_MISMATCH: DiagnosticKind =
        DiagnosticKind::warning("gold entities under another name than in entity2id.txt");
    pub const DUPLICATE_GOLD: DiagnosticKind =
        DiagnosticKind::warning("gold entities given twice in a class");
    pub const SIMILAR_CLASSES: DiagnosticKind =
        DiagnosticKind::warning("class files that differ only in case, blanks or Unicode form");
    pub const EMPTY_CLASS: DiagnosticKind = DiagnosticKind::warning("classes without members");
    pub const UNKNOWN_CLASS: DiagnosticKind =
        DiagnosticKind::warning("rows of classes.tsv with an unknown class");
    pub const MISSING_CLASS_ROW: DiagnosticKind =
        DiagnosticKind::warning("classes that are not in classes.tsv");

    // query
    pub const NO_QUERIES: DiagnosticKind = DiagnosticKind::warning("classes without queries");
    pub const UNKNOWN_QUERY_CLASS: DiagnosticKind =
        DiagnosticKind::error("query files of an unknown class");
    pub const DUPLICATE_QUERIES: DiagnosticKind =
        DiagnosticKind::error("further query files of the same class");
    pub const UNEQUAL_QUERIES: DiagnosticKind =
        DiagnosticKind::warning("classes with a different number of queries than most");
    pub const BAD_SEED: DiagnosticKind = DiagnosticKind::error("seeds that are not an entity id");
    pub const UNKNOWN_SEED: DiagnosticKind =
        DiagnosticKind::error("seeds that are not in entity2id.txt");
    pub const DUPLICATE_SEED: DiagnosticKind =
        DiagnosticKind::warning("seeds given twice in a query");
    pub const NON_MEMBER_SEED: DiagnosticKind =
        DiagnosticKind::warning("seeds that are not members of their class");
    pub const SEED_COUNT: DiagnosticKind =
        DiagnosticKind::warning("queries with a different number of seeds than their folder's");
    pub const EMPTY_QUERY: DiagnosticKind = DiagnosticKind::error("queries without a usable seed");

    // sentences.json and its images
    pub const BAD_JSON: DiagnosticKind =
        DiagnosticKind::error("lines that are not a sentence in JSON");
    pub const TRUNCATED: DiagnosticKind = DiagnosticKind::error("incomplete last lines");
    pub const LONG_LINE: DiagnosticKind =
        DiagnosticKind::error("lines too long to be one sentence");
    pub const BAD_MENTION: DiagnosticKind = DiagnosticKind::error("mentions without valid numbers");
    pub const CONVERTED_NUMBER: DiagnosticKind =
        DiagnosticKind::warning("numbers written as text or with a decimal point");
    pub const NO_MENTION: DiagnosticKind = DiagnosticKind::warning("sentences without a mention");
    pub const UNKNOWN_ENTITY: DiagnosticKind =
        DiagnosticKind::error("mentions of entities that are not in entity2id.txt");
    pub const BAD_SPAN: DiagnosticKind =
        DiagnosticKind::error("mentions that end before they start");
    pub const OUT_OF_RANGE: DiagnosticKind =
        DiagnosticKind::error("mentions outside their sentence");
    pub const NO_IMAGE: DiagnosticKind = DiagnosticKind::warning("sentences without an image");
    pub const BAD_IMAGE: DiagnosticKind =
        DiagnosticKind::error("sentences whose image is not a path");
    pub const MISSING_IMAGE: DiagnosticKind =
        DiagnosticKind::error("sentences whose image is missing");
    pub const BROKEN_IMAGE: DiagnosticKind = DiagnosticKind::error("images that cannot be decoded");
    pub const FEW_PAIRS: DiagnosticKind =
        DiagnosticKind::warning("entities with fewer than 2 pairs");
}

#[derive(Debug, Clone, PartialEq)]
struct Tally {
    severity: Severity,
    count: usize,
    examples: Vec<Diagnostic>,
}

/// A collection of diagnostics: exact counts by kind, and the first [`MAX_PER_KIND`] of each kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics {
    kinds: BTreeMap<&'static str, Tally>,
}

impl Diagnostics {
    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let tally = self.tally(diagnostic.kind, diagnostic.severity);
        tally.count += 1;
        if tally.examples.len() < MAX_PER_KIND {
            tally.examples.push(diagnostic);
        }
    }

    /// Adds a diagnostic. `reason` is called only while diagnostics of this kind are stored.
    pub fn report(
        &mut self,
        kind: DiagnosticKind,
        file: &Path,
        line: Option<usize>,
        reason: impl FnOnce() -> String,
    ) {
        let tally = self.tally(kind.name, kind.severity);
        tally.count += 1;
        if tally.examples.len() < MAX_PER_KIND {
            tally.examples.push(Diagnostic {
                severity: kind.severity,
                kind: kind.name,
                file: file.to_owned(),
                line,
                reason: reason(),
            });
        }
    }

    fn tally(&mut self, kind: &'static str, severity: Severity) -> &mut Tally {
        self.kinds.entry(kind).or_insert_with(|| Tally {
            severity,
            count: 0,
            examples: Vec::new(),
        })
    }

    /// Removes every diagnostic of a kind.
    pub fn remove(&mut self, kind: DiagnosticKind) {
        self.kinds.remove(kind.name);
    }

    /// Returns the number of diagnostics of this kind, including those that are only counted.
    pub fn count(&self, kind: &str) -> usize {
        self.kinds.get(kind).map_or(0, |t| t.count)
    }

    /// Returns the number of diagnostics of this severity, including those that are only counted.
    pub fn total(&self, severity: Severity) -> usize {
        self.kinds
            .values()
            .filter(|t| t.severity == severity)
            .map(|t| t.count)
            .sum()
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Returns only the errors.
    pub fn errors(&self) -> Diagnostics {
        let kinds = self
            .kinds
            .iter()
            .filter(|(_, tally)| tally.severity == Severity::Error);
        Diagnostics {
            kinds: kinds.map(|(kind, tally)| (*kind, tally.clone())).collect(),
        }
    }

    /// Returns the stored diagnostics: errors first, then by kind, then in the order of the data.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.sorted_kinds()
            .into_iter()
            .flat_map(|(_, tally)| &tally.examples)
    }

    /// Returns each kind with its count: errors first, then the most frequent first.
    pub fn summary(&self) -> Vec<(String, usize)> {
        self.sorted_kinds()
            .into_iter()
            .map(|(kind, tally)| (kind.to_string(), tally.count))
            .collect()
    }

    fn sorted_kinds(&self) -> Vec<(&'static str, &Tally)> {
        let mut kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, tally)| (*kind, tally))
            .collect();
        kinds.sort_by_key(|(kind, tally)| (tally.severity, std::cmp::Reverse(tally.count), *kind));
        kinds
    }

    /// Adds the counts of `other`, and its diagnostics up to the limit per kind.
    pub fn merge(&mut self, other: Diagnostics) {
        for (kind, theirs) in other.kinds {
            let ours = self.tally(kind, theirs.severity);
            ours.count += theirs.count;
            let free = MAX_PER_KIND - ours.examples.len();
            ours.examples.extend(theirs.examples.into_iter().take(free));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_beyond_the_limit() {
        let mut diagnostics = Diagnostics::default();
        for line in 1..=70 {
            diagnostics.report(kind::BLANK, Path::new("a"), Some(line), || {
                format!("line {line}")
            });
        }
        let mut more = Diagnostics::default();
        more.report(kind::BLANK, Path::new("b"), Some(1), String::new);
        more.report(kind::BAD_JSON, Path::new("b"), Some(2), || "no".into());
        diagnostics.merge(more);

        assert_eq!(diagnostics.count(kind::BLANK.name), 71);
        assert_eq!(diagnostics.total(Severity::Warning), 71);
        assert_eq!(diagnostics.total(Severity::Error), 1);
        assert_eq!(diagnostics.iter().count(), MAX_PER_KIND + 1);
        // errors come first, even if there are fewer
        assert_eq!(
            diagnostics.summary()[0],
            (kind::BAD_JSON.name.to_string(), 1)
        );
        assert_eq!(
            diagnostics.iter().next().map(|f| f.reason.as_str()),
            Some("no")
        );
    }
}
