//! The data set in the MESED layout: vocabulary, classes and gold, queries, corpus, and the
//! validator.
//!
//! Real files hold surprises. Whatever can be left out is left out, counted and named in
//! [`Diagnostics`]; only a missing folder or vocabulary, and files that cannot be read, are errors.

mod class;
mod corpus;
mod diagnostics;
mod entity_evidence;
mod image_finder;
mod query_files;
mod row_list;
mod sentence_json;
mod suggest;
mod text_lines;
mod validator;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use class::Class;
pub use corpus::Pair;
pub use diagnostics::{Diagnostic, DiagnosticKind, Diagnostics, MAX_PER_KIND, Severity, kind};
pub use entity_evidence::EntityEvidence;
pub use row_list::read_rows;
pub use suggest::nearest;
pub use text_lines::decode_lines;
pub use validator::check;
pub use vocabulary::Vocabulary;

use crate::error::{Error, Result};
use crate::git_lfs;
use crate::name::nfc;
use crate::progress::{Observer, Progress};
use crate::types::{ClassId, EntityId, Query, SeedCount};

const ENTITIES: &str = "entity2id.txt";
const SENTENCES: &str = "sentences.json";
const HIERARCHY: &str = "classes.tsv";

/// As many classes as a [`ClassId`] can count.
const MAX_CLASSES: usize = u16::MAX as usize + 1;
/// How many class names an error suggests.
const SUGGESTIONS: usize = 3;

/// A data set but for its sentences, which are streamed.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub root: PathBuf,
    /// The folder's name.
    pub name: String,
    pub vocabulary: Vocabulary,
    /// Sorted by name ([`nfc`], so that Linux and a Mac agree); a [`ClassId`] is a place in it.
    pub classes: Vec<Class>,
    /// Sorted by class, seed count, number.
    pub queries: Vec<Query>,
    /// What loading left out or found odd.
    pub diagnostics: Diagnostics,
}

impl Dataset {
    /// Reads everything but `sentences.json`. Errors: `Missing` for the folder or its
    /// `entity2id.txt`, `Io`, and `Format` for an `entity2id.txt` that is a Git LFS pointer and for
    /// more classes than a [`ClassId`] can count.
    pub fn open(root: &Path) -> Result<Dataset> {
        let entities = root.join(ENTITIES);
        if !root.is_dir() {
            return Err(missing(
                "data set",
                root,
                "give the folder that holds entity2id.txt",
            ));
        }
        if !entities.is_file() {
            return Err(missing(
                ENTITIES,
                &entities,
                "a data set is a folder in the MESED layout",
            ));
        }
        let mut diagnostics = Diagnostics::default();
        let vocabulary = Vocabulary::read(&entities, &mut diagnostics)?;
        let files = query_files::find_query_files(root, &mut diagnostics)?;
        let classes = read_classes(root, &files, &vocabulary, &mut diagnostics)?;
        let queries = query_files::read_queries(&files, &classes, &vocabulary, &mut diagnostics)?;
        query_files::report_query_counts(root, &files, &classes, &queries, &mut diagnostics);
        Ok(Dataset {
            root: root.to_owned(),
            name: folder_name(root),
            vocabulary,
            classes,
            queries,
            diagnostics,
        })
    }

    /// BLAKE3, in hex, of `entity2id.txt` and `sentences.json`: what an index is built from. Gold
    /// and queries may change without it. Errors: `Missing`, `Io`.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for name in [ENTITIES, SENTENCES] {
            let path = self.root.join(name);
            if !path.is_file() {
                return Err(missing(
                    name,
                    &path,
                    "it is part of what an index is built from",
                ));
            }
            let file = File::open(&path).map_err(Error::io("read", &path))?;
            let length = file.metadata().map_err(Error::io("read", &path))?.len();
            // the length keeps the border between the two files from shifting unseen
            hasher.update(&length.to_le_bytes());
            hasher
                .update_reader(file)
                .map_err(Error::io("read", &path))?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// BLAKE3, in hex, of what a run of so many seeds is scored by: its queries' seeds and every
    /// class's members, as they were read. The order of files and of members does not matter, nor
    /// what was left out, nor the Unicode form of names.
    pub fn queries_hash(&self, seeds: SeedCount) -> String {
        let ids = |ids: &[EntityId]| {
            ids.iter()
                .map(EntityId::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut hasher = blake3::Hasher::new();
        // no name of a file has a 0 in it, so nothing shifts from one field to the next unseen
        let mut line = |name: &str, entities: &[EntityId]| {
            hasher.update(format!("{}\0{}\0", nfc(name), ids(entities)).as_bytes());
        };
        for class in &self.classes {
            let mut members = class.members.clone();
            members.sort();
            line(&class.name, &members);
        }
        let queries = self
            .queries
            .iter()
            .filter(|query| query.seed_count == seeds);
        queries.for_each(|query| line(&self.query_id(query), &query.seeds));
        hasher.finalize().to_hex().to_string()
    }

    /// The same with the queries of another folder in the place of those of so many seeds. Errors:
    /// as [`Dataset::queries_in`].
    pub fn with_queries(mut self, folder: &Path, seeds: SeedCount) -> Result<Dataset> {
        let queries = self.queries_in(folder, seeds, &mut Diagnostics::default())?;
        self.queries.retain(|query| query.seed_count != seeds);
        self.queries.extend(queries);
        Ok(self)
    }

    /// The class of this file name or shown name ("carnivorous mammals"). Error: `Unknown` with
    /// near ones.
    pub fn class(&self, name: &str) -> Result<ClassId> {
        let name = name.trim();
        class::find_class_id(&self.classes, name).ok_or_else(|| Error::Unknown {
            kind: "class",
            name: name.to_string(),
            suggestions: suggest::nearest(
                name,
                self.classes.iter().map(|c| c.name.as_str()),
                SUGGESTIONS,
            ),
        })
    }

    /// `<class>/<3|5>/<number from 1>`: how runs name the query.
    pub fn query_id(&self, query: &Query) -> String {
        format!(
            "{}/{}/{}",
            self.classes[query.class.index()].name,
            query.seed_count.as_usize(),
            query.number + 1
        )
    }

    /// Queries from another folder of `<class>.txt` files, in the order of `queries`; what is left
    /// out goes to `diagnostics`. Errors: `Missing`, `Io`.
    pub fn queries_in(
        &self,
        folder: &Path,
        seed_count: SeedCount,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Query>> {
        let files = query_files::find_query_files_in(folder, seed_count, diagnostics)?.ok_or_else(
            || {
                missing(
                    "folder of queries",
                    folder,
                    "it holds a file CLASS.txt for each class",
                )
            },
        )?;
        query_files::read_queries(&files, &self.classes, &self.vocabulary, diagnostics)
    }

    /// Streams the corpus: every usable mention goes to `each`, in file order; what is left out
    /// goes to `diagnostics`. Progress is in bytes. Errors: `Missing`, `Io`, `Stopped`, those of
    /// `each`.
    pub fn pairs(
        &self,
        diagnostics: &mut Diagnostics,
        observe: &mut dyn Observer<Progress>,
        each: &mut dyn FnMut(Pair) -> Result<()>,
    ) -> Result<()> {
        let path = self.sentences()?;
        let images = image_finder::ImageFinder::new(&self.root);
        corpus::CorpusReader {
            path: &path,
            vocabulary: &self.vocabulary,
            images,
            diagnostics,
        }
        .run(observe, each)
    }

    /// Reads one mention again by its line's byte offset; its `line` is 0. Errors: `Missing`, `Io`,
    /// and `Format` where the corpus has no such mention (any more).
    pub fn pair_at(&self, offset: u64, mention: u16) -> Result<Pair> {
        let path = self.sentences()?;
        corpus::read_pair(
            &path,
            &self.vocabulary,
            &mut image_finder::ImageFinder::new(&self.root),
            offset,
            mention,
        )
    }

    fn sentences(&self) -> Result<PathBuf> {
        let path = self.root.join(SENTENCES);
        if path.is_file() {
            git_lfs::refuse_pointer(&path)?;
            Ok(path)
        } else {
            Err(missing(
                SENTENCES,
                &path,
                "the sentences are one JSON object a line",
            ))
        }
    }
}

fn missing(what: &'static str, path: &Path, hint: &str) -> Error {
    Error::Missing {
        what,
        path: path.to_owned(),
        hint: hint.to_string(),
    }
}

fn folder_name(root: &Path) -> String {
    let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    full.file_name()
        .unwrap_or(full.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Classes with gold, and those that only have queries; sorted by name and placed in the hierarchy.
fn read_classes(
    root: &Path,
    files: &[query_files::QueryFile],
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Class>> {
    let mut classes = class::read_gold(root, vocabulary, diagnostics)?;
    query_files::add_classes_without_gold(&mut classes, files);
    if classes.len() > MAX_CLASSES {
        return Err(Error::format(
            root,
            format!(
                "has {} classes, and {MAX_CLASSES} is the most",
                classes.len()
            ),
        ));
    }
    classes.sort_by(|a, b| {
        nfc(&a.name)
            .cmp(&nfc(&b.name))
            .then_with(|| a.name.cmp(&b.name))
    });
    class::report_similar_names(&classes, root, diagnostics);
    class::read_hierarchy(&mut classes, &root.join(HIERARCHY), diagnostics)?;
    for class in classes.iter().filter(|c| c.members.is_empty()) {
        let file = root.join("gt").join(format!("{}.txt", class.name));
        diagnostics.report(kind::EMPTY_CLASS, &file, None, || {
            format!("“{}” has no members", class.title())
        });
    }
    Ok(classes)
}
