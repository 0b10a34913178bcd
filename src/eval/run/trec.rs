//! TREC runs: lines `query Q0 entity rank score tag`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::data::{Diagnostics, Vocabulary};
use crate::error::{Error, Result};
use crate::eval::run::entity_resolver::{EntityResolver, SourceLine};
use crate::eval::run::gzip_text;
use crate::eval::run::query_id::run_query_id;
use crate::eval::run::query_list::{ListEntry, QueryList, RunContent};
use crate::eval::run::ranking::Run;
use crate::eval::run::run_format::RunFormat;
use crate::name::one_word;

/// The number of fields of a run line.
const RUN_FIELDS: usize = 6;
/// The number of fields of a qrels line; qrels are easily mistaken for a run.
const QRELS_FIELDS: usize = 4;
/// The fields of a run line, for messages.
const EXPECTED: &str = "expected “query Q0 entity rank score tag”";

/// One line of a run file, with its number from 1.
struct RunLine<'a> {
    number: usize,
    query: String,
    entity: &'a str,
    rank: u64,
    score: f64,
    tag: &'a str,
}

/// Reads a run. Entities are ids ([`are_ids`]) or names with `_` for blanks. The candidates of a
/// query are sorted by rank, then by score (some systems give every line the same rank), then by
/// their order in the file.
pub(super) fn read(
    path: &Path,
    vocabulary: &Vocabulary,
    found: &mut Diagnostics,
) -> Result<RunContent> {
    let text = gzip_text::read_lines(path, found)?;
    let lines = parse_lines(&text, path)?;
    let Some(first) = lines.first() else {
        return Err(Error::format(path, "has no rankings"));
    };
    let tag = first.tag.to_owned();
    let mut resolver = EntityResolver::new(vocabulary, are_ids(&lines, vocabulary), found);
    let mut lists = Vec::new();
    for (query, mut lines) in group_by_query(&lines) {
        lines.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.score.total_cmp(&a.score)));
        let mut entries = Vec::with_capacity(lines.len());
        for line in lines {
            let source = SourceLine {
                file: path,
                line: line.number,
            };
            entries.push(ListEntry {
                line: line.number,
                entity: resolver.find(line.entity, source),
                score: line.score,
            });
        }
        lists.push(QueryList {
            query,
            file: path.to_owned(),
            entries,
        });
    }
    Ok(RunContent {
        format: RunFormat::Trec,
        tag,
        lists,
        unknown_entities: resolver.unknown_entities,
    })
}

fn parse_lines<'a>(lines: &'a [(usize, String)], path: &Path) -> Result<Vec<RunLine<'a>>> {
    let mut parsed = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let line = parse_line(*number, line).map_err(|reason| Error::Line {
            path: path.to_owned(),
            line: *number,
            reason,
        })?;
        parsed.push(line);
    }
    Ok(parsed)
}

/// Groups lines by query; queries and their lines keep the order of the file.
fn group_by_query<'a, 'l>(lines: &'l [RunLine<'a>]) -> Vec<(String, Vec<&'l RunLine<'a>>)> {
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<&RunLine>)> = Vec::new();
    for line in lines {
        let position = *positions.entry(line.query.clone()).or_insert_with(|| {
            groups.push((line.query.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[position].1.push(line);
    }
    groups
}

/// Returns whether entities are ids: most of them are numbers, or none of the others is the name
/// of an entity, as in a run whose entities are mostly of another vocabulary.
fn are_ids(lines: &[RunLine], vocabulary: &Vocabulary) -> bool {
    let (numbers, names): (Vec<&str>, Vec<&str>) = lines
        .iter()
        .map(|line| line.entity)
        .partition(|entity| entity.parse::<u32>().is_ok());
    numbers.len() > names.len()
        || !names
            .into_iter()
            .any(|name| vocabulary.all_named(name).len() == 1)
}

/// Parses a line, or returns what is wrong with it. If tabs separate the fields, names may contain
/// blanks.
fn parse_line(number: usize, line: &str) -> std::result::Result<RunLine<'_>, String> {
    let mut fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    if fields.len() != RUN_FIELDS {
        fields = line.split_whitespace().collect();
    }
    let &[query, _, entity, rank, score, tag] = fields.as_slice() else {
        let mut reason = format!("{EXPECTED}, found {} fields", fields.len());
        if fields.len() == QRELS_FIELDS {
            reason += "; a line of 4 fields is one of qrels, which are gold and not a run";
        }
        return Err(reason);
    };
    if query.is_empty() || entity.is_empty() {
        return Err(format!("{EXPECTED}, found an empty query or entity"));
    }
    let rank = rank
        .parse()
        .map_err(|_| format!("invalid rank “{rank}” (expected a whole number from 0)"))?;
    let finite = score.parse().ok().filter(|score: &f64| score.is_finite());
    let score =
        finite.ok_or_else(|| format!("invalid score “{score}” (expected a finite number)"))?;
    Ok(RunLine {
        number,
        query: run_query_id(query),
        entity,
        rank,
        score,
        tag,
    })
}

/// Writes a run as TREC lines. Error: `Io`.
pub(super) fn write(run: &Run, path: &Path) -> Result<()> {
    let tag = if run.tag.trim().is_empty() {
        "run".to_string()
    } else {
        one_word(&run.tag)
    };
    let mut lines = String::new();
    for ranking in &run.rankings {
        let query = run_query_id(&ranking.query);
        for (rank, (entity, score)) in (1..).zip(&ranking.candidates) {
            let entity = match run.unknown_entities.get(entity) {
                Some(name) => one_word(name),
                None => entity.to_string(),
            };
            // writing to a string cannot fail
            let _ = writeln!(lines, "{query} Q0 {entity} {rank} {score} {tag}");
        }
    }
    gzip_text::write(path, &lines)
}
