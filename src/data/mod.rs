//! Data sets in the MESED layout: vocabulary, classes and gold, queries, corpus, and their
//! validation.
//!
//! Real files have faults. Invalid parts are left out, counted and reported in [`Diagnostics`].
//! Only a missing folder or vocabulary, and files that cannot be read, are errors.

mod class;
mod corpus;
mod diagnostics;
mod entity_evidence;
mod gold;
mod gold_pickle;
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

/// The maximum number of classes, which a [`ClassId`] can number.
const MAX_CLASSES: usize = u16::MAX as usize + 1;
/// The maximum number of class names that an error suggests.
const SUGGESTIONS: usize = 3;

/// A data set without its sentences, which are streamed.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub root: PathBuf,
    /// The name of the folder.
    pub name: String,
    pub vocabulary: Vocabulary,
    /// The classes sorted by name, in Form C ([`nfc`]) so that Linux and a Mac agree. A [`ClassId`]
    /// is an index in this list.
    pub classes: Vec<Class>,
    /// The queries sorted by class, seed count and number.
    pub queries: Vec<Query>,
    /// The problems that were found while loading.
    pub diagnostics: Diagnostics,
}

impl Dataset {
    /// Reads everything except `sentences.json`.
    ///
    /// Errors: `Missing` for the folder or its `entity2id.txt`; `Io`; `Format` for an
    /// `entity2id.txt` that is a Git LFS pointer, and for too many classes.
    pub fn open(root: &Path) -> Result<Dataset> {
        let entities = root.join(ENTITIES);
        if !root.is_dir() {
            return Err(missing(
                "data set",
                root,
                "give the folder that contains entity2id.txt",
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

    /// Returns the BLAKE3 hash, in hexadecimal, of `entity2id.txt` and `sentences.json`, from which
    /// an index is built. Gold and queries do not change it.
    ///
    /// Errors: `Missing`, `Io`.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for name in [ENTITIES, SENTENCES] {
            let path = self.root.join(name);
            if !path.is_file() {
                return Err(missing(name, &path, "an index is built from it"));
            }
            let file = File::open(&path).map_err(Error::io("read", &path))?;
            let length = file.metadata().map_err(Error::io("read", &path))?.len();
            // the length marks the border between the two files
            hasher.update(&length.to_le_bytes());
            hasher
                .update_reader(file)
                .map_err(Error::io("read", &path))?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Returns the BLAKE3 hash, in hexadecimal, of the data by which a run is scored: the seeds of
    /// the queries with this seed count, and the members of every class. The order of files and
    /// members, the invalid parts of files and the Unicode form of names do not change it.
    pub fn queries_hash(&self, seeds: SeedCount) -> String {
        let ids = |ids: &[EntityId]| {
            ids.iter()
                .map(EntityId::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut hasher = blake3::Hasher::new();
        // file names have no 0, so that it can separate the fields
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

    /// Replaces the queries with this seed count by those of another folder.
    ///
    /// Errors: those of [`Dataset::queries_in`].
    pub fn with_queries(mut self, folder: &Path, seeds: SeedCount) -> Result<Dataset> {
        let queries = self.queries_in(folder, seeds, &mut Diagnostics::default())?;
        self.queries.retain(|query| query.seed_count != seeds);
        self.queries.extend(queries);
        Ok(self)
    }

    /// Finds a class by its file name or its title ("carnivorous mammals").
    ///
    /// Errors: `Unknown`, with similar names.
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

    /// Returns the id of a query in runs: `<class>/<3|5>/<number from 1>`.
    pub fn query_id(&self, query: &Query) -> String {
        format!(
            "{}/{}/{}",
            self.classes[query.class.index()].name,
            query.seed_count.as_usize(),
            query.number + 1
        )
    }

    /// Reads queries from another folder of `<class>.txt` files, in the order of `queries`. Invalid
    /// parts are left out and reported.
    ///
    /// Errors: `Missing`, `Io`.
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
                    "it has a file CLASS.txt for each class",
                )
            },
        )?;
        query_files::read_queries(&files, &self.classes, &self.vocabulary, diagnostics)
    }

    /// Streams the corpus: passes every usable mention to `each`, in file order. Invalid parts are
    /// left out and reported. Progress is in bytes.
    ///
    /// Errors: `Missing`, `Io`, `Stopped`, those of `each`.
    pub fn pairs(
        &self,
        diagnostics: &mut Diagnostics,
        observe: &mut dyn Observer<Progress>,
        each: &mut dyn FnMut(Pair) -> Result<()>,
    ) -> Result<()> {
        let path = self.corpus_path()?;
        let images = image_finder::ImageFinder::new(&self.root);
        corpus::CorpusReader {
            path: &path,
            vocabulary: &self.vocabulary,
            images,
            diagnostics,
        }
        .run(observe, each)
    }

    /// Reads one mention again by its line's byte offset. Its `line` is 0.
    ///
    /// Errors: `Missing`; `Io`; `Format` if the corpus has no such mention (any more).
    pub fn pair_at(&self, offset: u64, mention: u16) -> Result<Pair> {
        let path = self.corpus_path()?;
        corpus::read_pair(
            &path,
            &self.vocabulary,
            &mut image_finder::ImageFinder::new(&self.root),
            offset,
            mention,
        )
    }

    /// Returns the path of the corpus.
    fn corpus_path(&self) -> Result<PathBuf> {
        let path = self.root.join(SENTENCES);
        if path.is_file() {
            git_lfs::refuse_pointer(&path)?;
            Ok(path)
        } else {
            Err(missing(
                SENTENCES,
                &path,
                "it has one sentence per line, as a JSON object",
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

/// Reads the classes with gold and those that only have queries, sorted by name, with their
/// hierarchy.
fn read_classes(
    root: &Path,
    files: &[query_files::QueryFile],
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Class>> {
    let mut classes = gold::read_gold(root, vocabulary, diagnostics)?;
    query_files::add_classes_without_gold(&mut classes, files);
    if classes.len() > MAX_CLASSES {
        return Err(Error::format(
            root,
            format!(
                "has {} classes; at most {MAX_CLASSES} are supported",
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
