//! Reads the queries: the seeds of each class, three per line in `query/` and five in
//! `query_seed=5/`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::class::{Class, find_class, find_class_id, report_unicode_form};
use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::text_lines::{class_files, read_lines};
use crate::data::vocabulary::Vocabulary;
use crate::error::Result;
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// The line that ends a query file; later lines are ignored.
const END: &str = "EXIT";

const FOLDERS: [(SeedCount, &str); 2] = [
    (SeedCount::Three, "query"),
    (SeedCount::Five, "query_seed=5"),
];

/// A query file and its class.
pub(super) struct QueryFile {
    seed_count: SeedCount,
    class: String,
    path: PathBuf,
}

/// Finds every query file of the data set.
pub(super) fn find_query_files(
    root: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<QueryFile>> {
    let mut all = Vec::new();
    for (seed_count, folder) in FOLDERS {
        all.extend(
            find_query_files_in(&root.join(folder), seed_count, diagnostics)?.unwrap_or_default(),
        );
    }
    Ok(all)
}

/// Finds the query files of one folder. Returns `None` if the folder does not exist.
pub(super) fn find_query_files_in(
    folder: &Path,
    seed_count: SeedCount,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Vec<QueryFile>>> {
    let Some(files) = class_files(folder, diagnostics)? else {
        return Ok(None);
    };
    let mut query_files = Vec::new();
    for (class, path) in files {
        query_files.push(QueryFile {
            seed_count,
            class,
            path,
        });
    }
    Ok(Some(query_files))
}

/// Adds an empty class for each query file of an unknown class: its queries can be expanded without
/// gold.
pub(super) fn add_classes_without_gold(classes: &mut Vec<Class>, files: &[QueryFile]) {
    for file in files {
        if find_class(classes, &file.class).is_none() {
            classes.push(Class::named(&file.class));
        }
    }
}

/// Reads all queries, sorted by class, seed count and number. If there are several files of one
/// class, only the first is read. `classes` must be in their final order.
pub(super) fn read_queries(
    files: &[QueryFile],
    classes: &[Class],
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    let mut read: HashMap<(ClassId, SeedCount), &Path> = HashMap::new();
    for file in files {
        let Some(class) = find_class_id(classes, &file.class) else {
            diagnostics.report(kind::UNKNOWN_QUERY_CLASS, &file.path, None, || {
                format!("unknown class “{}”", file.class)
            });
            continue;
        };
        if let Some(first) = read.get(&(class, file.seed_count)) {
            diagnostics.report(kind::DUPLICATE_QUERIES, &file.path, None, || {
                format!("{} already has the queries of this class", first.display())
            });
            continue;
        }
        read.insert((class, file.seed_count), &file.path);
        report_unicode_form(
            &file.class,
            &classes[class.index()].name,
            &file.path,
            None,
            diagnostics,
        );
        read_query_file(file, class, classes, vocabulary, diagnostics, &mut queries)?;
    }
    queries.sort_by_key(|q| (q.class, q.seed_count, q.number));
    Ok(queries)
}

/// Adds the queries of one file of `class`.
fn read_query_file(
    file: &QueryFile,
    class: ClassId,
    classes: &[Class],
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
    queries: &mut Vec<Query>,
) -> Result<()> {
    for (number, (line, text)) in read_lines(&file.path, diagnostics)?.into_iter().enumerate() {
        if text.trim() == END {
            break;
        }
        let seeds = read_seeds(
            &text,
            line,
            file,
            &classes[class.index()],
            vocabulary,
            diagnostics,
        );
        if seeds.is_empty() {
            diagnostics.report(kind::EMPTY_QUERY, &file.path, Some(line), || {
                "the query has no usable seed".into()
            });
            continue;
        }
        queries.push(Query {
            class,
            seed_count: file.seed_count,
            number,
            seeds,
        });
    }
    Ok(())
}

fn read_seeds(
    text: &str,
    line: usize,
    file: &QueryFile,
    class: &Class,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Vec<EntityId> {
    let mut seeds: Vec<EntityId> = Vec::new();
    let mut report =
        |kind, reason: String| diagnostics.report(kind, &file.path, Some(line), || reason);
    for word in text.split_whitespace() {
        let Ok(id) = word.parse().map(EntityId) else {
            report(kind::BAD_SEED, format!("“{word}” is not an entity id"));
            continue;
        };
        let Some(name) = vocabulary.name(id) else {
            report(
                kind::UNKNOWN_SEED,
                format!("entity {id} is not in entity2id.txt"),
            );
            continue;
        };
        if seeds.contains(&id) {
            report(
                kind::DUPLICATE_SEED,
                format!("{id} “{name}” is listed twice"),
            );
            continue;
        }
        if !class.members.is_empty() && !class.members.contains(&id) {
            report(
                kind::NON_MEMBER_SEED,
                format!("{id} “{name}” is not a member of “{}”", class.title()),
            );
        }
        seeds.push(id);
    }
    let expected = file.seed_count.as_usize();
    if seeds.len() != expected && !seeds.is_empty() {
        report(
            kind::SEED_COUNT,
            format!("{} usable seeds, expected {expected}", seeds.len()),
        );
    }
    seeds
}

/// Reports classes without queries, and those with a different number of queries than most classes,
/// for each seed count in use.
pub(super) fn report_query_counts(
    root: &Path,
    files: &[QueryFile],
    classes: &[Class],
    queries: &[Query],
    diagnostics: &mut Diagnostics,
) {
    if queries.is_empty() && !classes.is_empty() {
        diagnostics.report(kind::NO_QUERIES, &root.join(FOLDERS[0].1), None, || {
            "the data set has no queries".into()
        });
    }
    for (seed_count, folder) in FOLDERS {
        let mut counts = vec![0usize; classes.len()];
        for query in queries.iter().filter(|q| q.seed_count == seed_count) {
            counts[query.class.index()] += 1;
        }
        let Some(usual) = most_frequent(&counts) else {
            continue;
        };
        for (class, count) in classes.iter().zip(counts) {
            if count == usual {
                continue;
            }
            let own = files
                .iter()
                .find(|file| file.seed_count == seed_count && belongs_to(file, class));
            let file = match own {
                Some(file) => file.path.clone(),
                None => root.join(folder).join(format!("{}.txt", class.name)),
            };
            report_query_count(class, seed_count, count, usual, &file, diagnostics);
        }
    }
}

/// Reports a class that has `count` queries; most have `usual`.
fn report_query_count(
    class: &Class,
    seed_count: SeedCount,
    count: usize,
    usual: usize,
    file: &Path,
    diagnostics: &mut Diagnostics,
) {
    let (name, seeds) = (class.title(), seed_count.as_usize());
    if count == 0 {
        diagnostics.report(kind::NO_QUERIES, file, None, || {
            format!("“{name}” has no queries of {seeds} seeds")
        });
    } else {
        diagnostics.report(kind::UNEQUAL_QUERIES, file, None, || {
            format!("“{name}” has {count} queries of {seeds} seeds; most classes have {usual}")
        });
    }
}

fn belongs_to(file: &QueryFile, class: &Class) -> bool {
    find_class(std::slice::from_ref(class), &file.class).is_some()
}

/// Returns the most frequent count above 0; the greater one in a tie, `None` if all are 0.
fn most_frequent(counts: &[usize]) -> Option<usize> {
    let mut frequency: HashMap<usize, usize> = HashMap::new();
    for &count in counts.iter().filter(|&&c| c > 0) {
        *frequency.entry(count).or_default() += 1;
    }
    frequency
        .into_iter()
        .max_by_key(|&(count, times)| (times, count))
        .map(|(count, _)| count)
}
