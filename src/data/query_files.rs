//! The queries: seeds of each class, `query/` with three a line and `query_seed=5/` with five.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::class::{Class, find_class, find_class_id, report_unicode_form};
use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::text_lines::{class_files, read_lines};
use crate::data::vocabulary::Vocabulary;
use crate::error::Result;
use crate::types::{ClassId, EntityId, Query, SeedCount};

/// What ends a query file before its end.
const END: &str = "EXIT";

const FOLDERS: [(SeedCount, &str); 2] = [
    (SeedCount::Three, "query"),
    (SeedCount::Five, "query_seed=5"),
];

/// One query file and the class it is of.
pub(super) struct QueryFile {
    seed_count: SeedCount,
    class: String,
    path: PathBuf,
}

/// Every query file of the data set.
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

/// The query files of one folder; none where there is no such folder.
pub(super) fn find_query_files_in(
    folder: &Path,
    seed_count: SeedCount,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Vec<QueryFile>>> {
    let files = class_files(folder, diagnostics)?;
    let of = |(class, path)| QueryFile {
        seed_count,
        class,
        path,
    };
    Ok(files.map(|files| files.into_iter().map(of).collect()))
}

/// Adds an empty class for each query file that no class has: what has queries can be expanded
/// without gold.
pub(super) fn add_classes_without_gold(classes: &mut Vec<Class>, files: &[QueryFile]) {
    for file in files {
        if find_class(classes, &file.class).is_none() {
            classes.push(Class::named(&file.class));
        }
    }
}

/// All queries, sorted by class, seed count and number; of several files of one class, those of the
/// first. `classes` must be in their final order.
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
            diagnostics.report(kind::FOREIGN_QUERIES, &file.path, None, || {
                format!("there is no class “{}”", file.class)
            });
            continue;
        };
        if let Some(first) = read.get(&(class, file.seed_count)) {
            diagnostics.report(kind::TWIN_QUERIES, &file.path, None, || {
                format!("{} has its queries", first.display())
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

/// Adds the queries of one file, which are of `class`.
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
                "no seed can be used".into()
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
    let mut note =
        |kind, reason: String| diagnostics.report(kind, &file.path, Some(line), || reason);
    for word in text.split_whitespace() {
        let Ok(id) = word.parse().map(EntityId) else {
            note(kind::BAD_SEED, format!("“{word}” is no entity id"));
            continue;
        };
        let Some(name) = vocabulary.name(id) else {
            note(
                kind::UNKNOWN_SEED,
                format!("entity {id} is not in entity2id.txt"),
            );
            continue;
        };
        if seeds.contains(&id) {
            note(kind::DUPLICATE_SEED, format!("{id} “{name}” came before"));
            continue;
        }
        if !class.members.is_empty() && !class.members.contains(&id) {
            note(
                kind::FOREIGN_SEED,
                format!("{id} “{name}” is no member of “{}”", class.title()),
            );
        }
        seeds.push(id);
    }
    let wanted = file.seed_count.as_usize();
    if seeds.len() != wanted && !seeds.is_empty() {
        note(
            kind::SEED_COUNT,
            format!("{} usable seeds where {wanted} are expected", seeds.len()),
        );
    }
    seeds
}

/// Notes classes without queries and those with another number of them than most, for each seed
/// count in use.
pub(super) fn report_query_counts(
    root: &Path,
    files: &[QueryFile],
    classes: &[Class],
    queries: &[Query],
    diagnostics: &mut Diagnostics,
) {
    if queries.is_empty() && !classes.is_empty() {
        diagnostics.report(kind::NO_QUERIES, &root.join(FOLDERS[0].1), None, || {
            "no class has a query".into()
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
        for (class, &count) in classes
            .iter()
            .zip(&counts)
            .filter(|(_, count)| **count != usual)
        {
            let own = files
                .iter()
                .find(|f| f.seed_count == seed_count && belongs_to(f, class));
            let file = own.map_or_else(
                || root.join(folder).join(format!("{}.txt", class.name)),
                |f| f.path.clone(),
            );
            let (name, seeds) = (class.title(), seed_count.as_usize());
            match count {
                0 => diagnostics.report(kind::NO_QUERIES, &file, None, || {
                    format!("“{name}” has no query of {seeds} seeds")
                }),
                _ => diagnostics.report(kind::UNEQUAL_QUERIES, &file, None, || {
                    format!(
                        "“{name}” has {count} queries of {seeds} seeds, most classes have {usual}"
                    )
                }),
            }
        }
    }
}

fn belongs_to(file: &QueryFile, class: &Class) -> bool {
    find_class(std::slice::from_ref(class), &file.class).is_some()
}

/// The most frequent count above 0 (the greater of equals); none where all are 0.
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
