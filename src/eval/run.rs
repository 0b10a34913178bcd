//! Runs and gold as files: TREC run lines beside a JSON of settings, and TREC qrels.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::gold;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::file::write_whole;
use crate::types::EntityId;

/// One system's rankings of many queries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// The system's name; blanks are written as `_`.
    pub tag: String,
    /// Every setting that made the run; empty for a run of another system that brings none.
    pub settings: Map<String, Value>,
    /// In the order of the file.
    pub rankings: Vec<Ranking>,
}

/// One query's candidates with their scores, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// `<class>/<3|5>/<number from 1>`, as a [`key`].
    pub query: String,
    pub candidates: Vec<(EntityId, f64)>,
}

/// A query's id as run lines have it, whose fields end at blanks: `_` for each blank.
pub fn key(query_id: &str) -> String {
    query_id.split_whitespace().collect::<Vec<_>>().join("_")
}

/// Where the settings of the run at `path` are: beside it, `.json` added.
pub fn settings_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

impl Run {
    /// The ranking of this query id, spelled with blanks or without.
    pub fn ranking(&self, query_id: &str) -> Option<&Ranking> {
        let key = key(query_id);
        self.rankings.iter().find(|r| r.query == key)
    }

    /// Writes the run lines to `path` and the settings beside it; each file is there whole or not at all. Errors: `Io`.
    pub fn write(&self, path: &Path) -> Result<()> {
        let tag = if self.tag.trim().is_empty() { "run".to_string() } else { key(&self.tag) };
        let mut lines = String::new();
        for Ranking { query, candidates } in &self.rankings {
            let query = key(query);
            for (rank, (entity, score)) in (1..).zip(candidates) {
                // writing to a string cannot fail
                let _ = writeln!(lines, "{query} Q0 {entity} {rank} {score} {tag}");
            }
        }
        let settings = format!("{:#}\n", Value::Object(self.settings.clone()));
        write_whole(&settings_path(path), settings.as_bytes())?;
        write_whole(path, lines.as_bytes())
    }

    /// Reads a run, with its settings where they lie beside it. A query's candidates are ordered by rank, then by score
    /// (other systems give every line the same rank), then as in the file. Errors: `Missing`, `Io`, `Line`, and `Format`
    /// for settings that are no JSON object.
    pub fn read(path: &Path) -> Result<Run> {
        if !path.is_file() {
            let hint = "a run is the file that evaluate --out writes".to_string();
            return Err(Error::Missing { what: "run", path: path.to_owned(), hint });
        }
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let mut run = Run { settings: read_settings(&settings_path(path))?, ..Run::default() };
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut ranked: Vec<Vec<Entry>> = Vec::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let bad = |reason| Error::Line { path: path.to_owned(), line: number, reason };
            let (query, entry, tag) = read_line(line).map_err(bad)?;
            if run.tag.is_empty() {
                run.tag = tag.to_string();
            }
            let place = *places.entry(query.to_string()).or_insert_with(|| {
                run.rankings.push(Ranking { query: query.to_string(), candidates: Vec::new() });
                ranked.push(Vec::new());
                ranked.len() - 1
            });
            ranked[place].push(entry);
        }
        for (ranking, mut entries) in run.rankings.iter_mut().zip(ranked) {
            entries.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.score.total_cmp(&a.score)));
            ranking.candidates = entries.into_iter().map(|e| (e.entity, e.score)).collect();
        }
        Ok(run)
    }
}

struct Entry {
    rank: i64,
    entity: EntityId,
    score: f64,
}

/// `query Q0 entity rank score tag` as (query, entry, tag), or what is wrong with it.
fn read_line(line: &str) -> std::result::Result<(&str, Entry, &str), String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[query, _, entity, rank, score, tag] = fields.as_slice() else {
        return Err(format!("expected “query Q0 entity rank score tag”, found {} fields", fields.len()));
    };
    let entity = entity.parse().map(EntityId).map_err(|_| format!("“{entity}” is no entity id"))?;
    let rank = rank.parse().map_err(|_| format!("“{rank}” is no rank"))?;
    let score: f64 = score.parse().map_err(|_| format!("“{score}” is no score"))?;
    if score.is_nan() {
        return Err("the score is not a number".into());
    }
    Ok((query, Entry { rank, entity, score }, tag))
}

fn read_settings(path: &Path) -> Result<Map<String, Value>> {
    if !path.is_file() {
        return Ok(Map::new());
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|e| Error::format(path, format!("is no JSON object: {e}")))
}

/// Writes the gold of every query as TREC qrels, `query 0 entity label`: 1 a member, 0 a judged non-member; seeds are
/// left out, and queries without gold have no line. Returns how many queries have lines. Errors: `Io`.
pub fn write_qrels(dataset: &Dataset, path: &Path) -> Result<usize> {
    let (mut lines, mut queries) = (String::new(), 0);
    for query in &dataset.queries {
        let class = &dataset.classes[query.class.at()];
        let wanted = gold(class, &query.seeds);
        if wanted.is_empty() {
            continue;
        }
        queries += 1;
        let key = key(&dataset.query_id(query));
        let members = class.members.iter().filter(|e| wanted.contains(e)).map(|e| (e, 1));
        let negatives = class.negatives.iter().filter(|e| !query.seeds.contains(e)).map(|e| (e, 0));
        for (entity, label) in members.chain(negatives) {
            // writing to a string cannot fail
            let _ = writeln!(lines, "{key} 0 {entity} {label}");
        }
    }
    write_whole(path, lines.as_bytes())?;
    Ok(queries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let settings = serde_json::json!({"mode": "both", "seeds": 3, "size": 100});
        let candidates = vec![(EntityId(7), 9.1), (EntityId(3), 1.0 / 3.0), (EntityId(9), -2.5e-17)];
        Run {
            tag: "multiexpan".into(),
            settings: settings.as_object().unwrap().clone(),
            rankings: vec![
                Ranking { query: "land_birds/3/1".into(), candidates: candidates.clone() },
                Ranking { query: "fish/3/2".into(), candidates: candidates.into_iter().rev().collect() },
            ],
        }
    }

    #[test]
    fn a_run_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.run");
        run().write(&path).unwrap();
        assert_eq!(Run::read(&path).unwrap(), run());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
        let first = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_string();
        assert_eq!(first, "land_birds/3/1 Q0 7 1 9.1 multiexpan");
    }

    #[test]
    fn a_run_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(matches!(write_whole(&path, b"x"), Err(Error::Io { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn runs_of_other_systems_are_ordered_by_rank_then_score() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.run");
        fs::write(&path, "a/3/1 Q0 5 0 0.1 x\r\na/3/1 Q0 6 0 0.9 x\n\nb/3/1\tQ0\t2\t2\t7\tx\nb/3/1 Q0 1 1 3 x\n")
            .unwrap();
        let read = Run::read(&path).unwrap();
        let ids = |r: &Ranking| r.candidates.iter().map(|(e, _)| e.0).collect::<Vec<_>>();
        assert_eq!(read.rankings.iter().map(ids).collect::<Vec<_>>(), [[6, 5], [1, 2]]);
        assert!(read.settings.is_empty());
    }

    #[test]
    fn a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.run");
        for line in ["q Q0 1 1 0.5", "q Q0 one 1 0.5 x", "q Q0 1 first 0.5 x", "q Q0 1 1 NaN x"] {
            fs::write(&path, format!("q Q0 1 1 0.5 x\n{line}\n")).unwrap();
            assert!(matches!(Run::read(&path), Err(Error::Line { line: 2, .. })), "{line}");
        }
        assert!(matches!(Run::read(&folder.path().join("none")), Err(Error::Missing { .. })));
    }

    #[test]
    fn query_ids_with_blanks_are_found_either_way() {
        let rankings = vec![Ranking { query: key("small animals/3/1"), candidates: vec![] }];
        let run = Run { rankings, ..Run::default() };
        assert!(run.ranking("small animals/3/1").is_some() && run.ranking("small_animals/3/1").is_some());
        assert!(run.ranking("small/3/1").is_none());
    }

    #[test]
    fn qrels_hold_members_and_negatives_less_the_seeds() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (name, text) in [
            ("entity2id.txt", "ant\t1\nbee\t2\ncow\t3\ndog\t4\n"),
            ("gt/small ones.txt", "1\tant\t1\n2\tbee\t1\n3\tcow\t0\n4\tdog\t0\n"),
            ("query/small ones.txt", "1 3\n1 2\n"),
        ] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        }
        let path = root.join("qrels");
        assert_eq!(write_qrels(&Dataset::open(root).unwrap(), &path).unwrap(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "small_ones/3/1 0 2 1\nsmall_ones/3/1 0 4 0\n");
    }
}
