//! TREC runs: lines `query Q0 entity rank score tag`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::data::{Diagnostics, Vocabulary};
use crate::error::{Error, Result};
use crate::eval::run::entity_resolver::{EntityResolver, SourceLine};
use crate::eval::run::{ListEntry, QueryList, Run, RunContent, RunFormat, run_query_id, text};

/// Fields of a line of qrels, which are easily taken for a run.
const QRELS: usize = 4;

struct Line<'a> {
    number: usize,
    query: String,
    entity: &'a str,
    rank: u64,
    score: f64,
    tag: &'a str,
}

/// Entities are ids or names, `_` for a blank ([`is_by_id`]). A query's candidates are ordered by
/// rank, then by score (other systems give every line the same rank), then as in the file.
pub(super) fn read(
    path: &Path,
    vocabulary: &Vocabulary,
    odd: &mut Diagnostics,
) -> Result<RunContent> {
    let lines = text::read(path, odd)?;
    let parsed = read_lines(&lines, path)?;
    let Some(first) = parsed.first() else {
        return Err(Error::format(path, "holds no ranking"));
    };
    let tag = first.tag.to_owned();
    let mut entities = EntityResolver::new(vocabulary, is_by_id(&parsed, vocabulary), odd);
    let lists = by_query(&parsed).into_iter().map(|(query, mut lines)| {
        lines.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.score.total_cmp(&a.score)));
        let entry = |line: &Line| {
            let entity = entities.find(
                line.entity,
                SourceLine {
                    file: path,
                    line: line.number,
                },
            );
            ListEntry {
                line: line.number,
                entity,
                score: line.score,
            }
        };
        QueryList {
            query,
            file: path.to_owned(),
            entries: lines.into_iter().map(entry).collect(),
        }
    });
    let lists = lists.collect();
    Ok(RunContent {
        form: RunFormat::Trec,
        tag,
        lists,
        strangers: entities.strangers,
    })
}

fn read_lines<'a>(lines: &'a [(usize, String)], path: &Path) -> Result<Vec<Line<'a>>> {
    let mut parsed = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let line = read_line(*number, line).map_err(|reason| Error::Line {
            path: path.to_owned(),
            line: *number,
            reason,
        })?;
        parsed.push(line);
    }
    Ok(parsed)
}

/// Groups lines by query; queries and their lines come in the order of the file.
fn by_query<'a, 'l>(lines: &'l [Line<'a>]) -> Vec<(String, Vec<&'l Line<'a>>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut grouped: Vec<(String, Vec<&Line>)> = Vec::new();
    for line in lines {
        let place = *places.entry(line.query.clone()).or_insert_with(|| {
            grouped.push((line.query.clone(), Vec::new()));
            grouped.len() - 1
        });
        grouped[place].1.push(line);
    }
    grouped
}

/// Whether entities are ids: most of them are numbers, or no other one is the name of an entity, as
/// in a run of which most entities are of another vocabulary.
fn is_by_id(lines: &[Line], vocabulary: &Vocabulary) -> bool {
    let (numbers, names): (Vec<&str>, Vec<&str>) = lines
        .iter()
        .map(|line| line.entity)
        .partition(|entity| entity.parse::<u32>().is_ok());
    numbers.len() > names.len()
        || !names
            .into_iter()
            .any(|name| vocabulary.all_named(name).len() == 1)
}

/// A line's parts, or what is wrong with it. Where the fields are separated by tabs, names may have
/// blanks.
fn read_line(number: usize, line: &str) -> std::result::Result<Line<'_>, String> {
    let tabbed: Vec<&str> = line.split('\t').map(str::trim).collect();
    let fields = if tabbed.len() == 6 {
        tabbed
    } else {
        line.split_whitespace().collect()
    };
    let &[query, _, entity, rank, score, tag] = fields.as_slice() else {
        let seems = if fields.len() == QRELS {
            ", as qrels have, which are gold and no run"
        } else {
            ""
        };
        return Err(format!(
            "expected “query Q0 entity rank score tag”, found {} fields{seems}",
            fields.len()
        ));
    };
    if query.is_empty() || entity.is_empty() {
        return Err(
            "expected “query Q0 entity rank score tag”, found an empty query or entity".into(),
        );
    }
    let rank = rank
        .parse()
        .map_err(|_| format!("“{rank}” is no rank, a whole number from 0"))?;
    let finite = score.parse().ok().filter(|score: &f64| score.is_finite());
    let score = finite.ok_or_else(|| format!("“{score}” is no score, a finite number"))?;
    Ok(Line {
        number,
        query: run_query_id(query),
        entity,
        rank,
        score,
        tag,
    })
}

pub(super) fn write(run: &Run, path: &Path) -> Result<()> {
    let tag = if run.tag.trim().is_empty() {
        "run".to_string()
    } else {
        run_query_id(&run.tag)
    };
    let mut lines = String::new();
    for ranking in &run.rankings {
        let query = run_query_id(&ranking.query);
        for (rank, (entity, score)) in (1..).zip(&ranking.candidates) {
            let entity = run
                .unknown_entities
                .get(entity)
                .map_or_else(|| entity.to_string(), |name| run_query_id(name));
            // writing to a string cannot fail
            let _ = writeln!(lines, "{query} Q0 {entity} {rank} {score} {tag}");
        }
    }
    text::write(path, &lines)
}
