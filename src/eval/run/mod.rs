//! Runs, of any system: rankings of many queries, in the forms that they are passed around in, and
//! gold as TREC qrels.

mod columns;
mod entity_resolver;
mod file_name;
mod folder;
mod nlpcc;
mod published;
mod qrels;
#[cfg(test)]
mod tests;
mod text;
mod trec;
mod warnings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::{Map, Value};

pub use qrels::write_qrels;

use crate::data::{Dataset, Diagnostics, Vocabulary};
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::name::{fold, one_word};
use crate::text_file;
use crate::types::{EntityId, Query, SeedCount};

/// One system's rankings of many queries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// The system's name; blanks are written as `_`. A folder has none of its own, and goes by its
    /// file name.
    pub tag: String,
    /// Every setting that made the run; empty for a run of another system that brings none.
    pub settings: Map<String, Value>,
    /// In the order of the file; those of a folder in the order of the data set's queries.
    pub rankings: Vec<Ranking>,
    /// What the run calls entities that the vocabulary lacks, or that it does not say clearly.
    /// Their ids are of no entity.
    pub unknown_entities: BTreeMap<EntityId, String>,
}

/// One query's candidates with their scores, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// `<class>/<3|5>/<number from 1>`, as a [`key`].
    pub query: String,
    /// Lists that bring no scores have 1 / rank.
    pub candidates: Vec<(EntityId, f64)>,
}

/// How a run is written down (`docs/FORMATS.md`, "Runs").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFormat {
    /// One file of lines `query Q0 entity rank score tag`.
    Trec,
    /// The published code's folder of results: a file `<i>_<class>.txt` for each query of one
    /// number of seeds.
    Published,
    /// A submission to NLPCC 2024: a file `<class>_<i>_<3|5>.txt` for each query.
    Nlpcc,
}

/// A run as it was read.
#[derive(Debug)]
pub struct OpenedRun {
    pub run: Run,
    pub format: RunFormat,
    /// What of it cannot be scored, is missing or is strange.
    pub warnings: Diagnostics,
}

/// A query's list as it stands in a file, best first.
struct QueryList {
    query: String,
    file: PathBuf,
    entries: Vec<ListEntry>,
}

struct ListEntry {
    line: usize,
    entity: EntityId,
    score: f64,
}

/// Refuses a score that is not finite (`Mismatch`, which names query and entity): no run can hold
/// it.
pub fn check_scores(query: &str, candidates: &[(EntityId, f64)]) -> Result<()> {
    match candidates.iter().find(|(_, score)| !score.is_finite()) {
        Some((entity, score)) => Err(Error::Mismatch(format!(
            "the score of entity {entity} for query {query} is {score}, not a finite number"
        ))),
        None => Ok(()),
    }
}

/// A query's id as run lines have it, whose fields end at blanks ([`one_word`]).
pub fn run_query_id(query_id: &str) -> String {
    one_word(query_id)
}

/// The data set's queries by the [`key`] of their ids.
pub(super) fn queries_by_run_id(dataset: &Dataset) -> HashMap<String, &Query> {
    dataset
        .queries
        .iter()
        .map(|query| (run_query_id(&dataset.query_id(query)), query))
        .collect()
}

/// Gives a list whose query is called as one of the data set's but for case that one's id, unless
/// another list has it.
fn normalize_query_ids(lists: &mut [QueryList], dataset: &Dataset) {
    let known = queries_by_run_id(dataset);
    let by_fold: HashMap<String, &String> = known.keys().map(|id| (fold(id), id)).collect();
    let mut taken: HashSet<String> = lists.iter().map(|list| list.query.clone()).collect();
    for list in lists
        .iter_mut()
        .filter(|list| !known.contains_key(&list.query))
    {
        if let Some(id) = by_fold
            .get(&fold(&list.query))
            .filter(|id| taken.insert((**id).clone()))
        {
            list.query.clone_from(id);
        }
    }
}

/// The settings that lie beside a run: its path with `.json` added, for gzip also without its
/// `.gz`. Empty where there are none. Errors: `Io`, and `Format` where they are no JSON object.
pub fn read_settings(path: &Path) -> Result<Map<String, Value>> {
    let Some(path) = settings_file(path) else {
        return Ok(Map::new());
    };
    let text = text_file::read(&path)?;
    serde_json::from_str(&text).map_err(|e| Error::format(&path, format!("is no JSON object: {e}")))
}

/// The data set that a run's settings name. Errors: those of [`settings`], `Missing` where there is
/// no run, and `Argument` where they name none.
pub fn stated_dataset(path: &Path) -> Result<PathBuf> {
    run_metadata(path)?;
    let named = read_settings(path)?
        .get("dataset")
        .and_then(Value::as_str)
        .map(PathBuf::from);
    let unnamed = || {
        format!(
            "the settings of {} name no data set; give it with --dataset",
            path.display()
        )
    };
    let named = named.ok_or_else(|| Error::Argument(unnamed()))?;
    if !named.is_dir() {
        let file = settings_file(path).unwrap_or_default();
        let hint = format!(
            "{} names it; --dataset tells where it is now",
            file.display()
        );
        return Err(Error::Missing {
            what: "data set",
            path: named,
            hint,
        });
    }
    Ok(named)
}

fn run_metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => {
            let hint = "a run is a file of TREC lines, or a folder of lists".to_string();
            Error::Missing {
                what: "run",
                path: path.to_owned(),
                hint,
            }
        }
        _ => Error::io("read", path)(source),
    })
}

/// Of how many seeds a run is by its settings. Error: `Format` where they say neither 3 nor 5.
fn stated_seed_count(settings: &Map<String, Value>, path: &Path) -> Result<Option<SeedCount>> {
    let told = match settings.get("seeds") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let wrong = |_| {
        Error::format(
            settings_file(path).unwrap_or_default(),
            format!("has {told} seeds: queries have 3 or 5"),
        )
    };
    told.parse().map(Some).map_err(wrong)
}

/// The file of the settings that lie beside a run, where there is one.
fn settings_file(path: &Path) -> Option<PathBuf> {
    let plain = text::is_gz(path).then(|| settings_path(&path.with_extension("")));
    [Some(settings_path(path)), plain]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}

fn settings_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    path.with_file_name(name)
}

impl Run {
    /// Reads a run of any form, which is told by what is there: a file of TREC lines or a folder of
    /// lists, each file plain or gzip. `seeds`: only queries of so many, which is also what a
    /// published folder is taken to have whose settings do not tell.
    ///
    /// Errors: `Missing`, `Io`, `Line`, and `Format` for what is no run, cannot be told apart, or
    /// has settings that are none.
    pub fn open(path: &Path, dataset: &Dataset, seeds: Option<SeedCount>) -> Result<OpenedRun> {
        Run::open_with(path, dataset, seeds, seeds)
    }

    /// As [`Run::open`], with the two told apart: `only` queries of so many seeds are read, and a
    /// published folder is `taken` to have so many.
    pub fn open_with(
        path: &Path,
        dataset: &Dataset,
        only: Option<SeedCount>,
        taken: Option<SeedCount>,
    ) -> Result<OpenedRun> {
        let kind = run_metadata(path)?;
        let settings = read_settings(path)?;
        let mut odd = Diagnostics::default();
        let mut content = if kind.is_dir() {
            folder::read(
                path,
                dataset,
                stated_seed_count(&settings, path)?.or(taken),
                &mut odd,
            )?
        } else if kind.is_file() {
            trec::read(path, &dataset.vocabulary, &mut odd)?
        } else {
            return Err(Error::format(path, "is neither a file nor a folder"));
        };
        normalize_query_ids(&mut content.lists, dataset);
        if let Some(seeds) = only {
            let known = queries_by_run_id(dataset);
            content.lists.retain(|list| {
                known
                    .get(&list.query)
                    .is_none_or(|query| query.seed_count == seeds)
            });
        }
        warnings::note(&content.lists, dataset, path, &mut odd);
        Ok(OpenedRun {
            format: content.form,
            run: content.run(settings),
            warnings: odd,
        })
    }

    /// Reads a file of TREC lines as it stands, with no data set to hold it against. Errors: as
    /// [`Run::open`].
    pub fn read(path: &Path) -> Result<Run> {
        run_metadata(path)?;
        let content = trec::read(path, &Vocabulary::default(), &mut Diagnostics::default())?;
        Ok(content.run(read_settings(path)?))
    }

    /// Why its lists are not to be scored on this data set, whose [`Dataset::hash`] this is: by its
    /// settings it is of another one, of a folder of queries, or of queries or gold that have
    /// changed since. What they do not name is taken to be the data set's.
    pub fn mismatch(&self, dataset: &Dataset, hash: &str) -> Option<String> {
        let setting = |name: &str| self.settings.get(name).and_then(Value::as_str);
        if let Some(other) = setting("dataset_hash").filter(|other| *other != hash) {
            let short = |hash: &str| hash.chars().take(8).collect::<String>();
            return Some(format!(
                "it is of another data set: {}…, not {}…",
                short(other),
                short(hash)
            ));
        }
        let told = setting("queries_hash");
        let is_told = |seeds| told.is_some_and(|told| told == dataset.queries_hash(seeds));
        if [SeedCount::Three, SeedCount::Five].into_iter().any(is_told) {
            return None;
        }
        match setting("queries") {
            Some(folder) => Some(format!(
                "its queries are those of {folder}, not those that it is held against (--queries names a folder)"
            )),
            None => told
                .map(|_| "the queries or the gold that it was made with are not those that it is held against".into()),
        }
    }

    /// Whether all classes of a query number drew from one pool, by its settings; none where they
    /// do not say.
    pub fn is_joint(&self) -> Option<bool> {
        let setting = |name: &str| self.settings.get(name).and_then(Value::as_str);
        let (protocol, ranking) = (setting("protocol")?, setting("ranking"));
        Some(ranking == Some("joint") || protocol == "published" && ranking == Some("expanded"))
    }

    /// Writes the run as TREC lines and the settings beside them; each file is there whole or not
    /// at all. A file that is called `.gz` is gzip. Errors: `Io`, and `Mismatch` for a score that
    /// is not finite.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.check_scores()?;
        trec::write(self, path)?;
        write_settings(&self.settings, path)
    }

    /// As [`Run::write`], in any form. Published results have their number of seeds said in the
    /// settings. Errors: `Io`, and `Format` and `Mismatch` for what the form cannot hold.
    pub fn write_as(&self, form: RunFormat, path: &Path, dataset: &Dataset) -> Result<()> {
        form.check_output_path(path)?;
        self.check_scores()?;
        let mut settings = self.settings.clone();
        match form {
            RunFormat::Trec => trec::write(self, path)?,
            RunFormat::Nlpcc => nlpcc::write(self, path, dataset)?,
            RunFormat::Published => {
                let seeds = published::write(self, path, dataset)?;
                settings.insert("seeds".into(), seeds.as_usize().to_string().into());
            }
        }
        write_settings(&settings, path)
    }

    fn check_scores(&self) -> Result<()> {
        self.rankings
            .iter()
            .try_for_each(|ranking| check_scores(&ranking.query, &ranking.candidates))
    }
}

fn write_settings(settings: &Map<String, Value>, path: &Path) -> Result<()> {
    let text = format!("{:#}\n", Value::Object(settings.clone()));
    write_atomic(&settings_path(path), text.as_bytes())
}

/// What a form gives of a run.
struct RunContent {
    form: RunFormat,
    tag: String,
    lists: Vec<QueryList>,
    strangers: BTreeMap<EntityId, String>,
}

impl RunContent {
    fn run(self, settings: Map<String, Value>) -> Run {
        let rankings = self.lists.into_iter().map(Ranking::from).collect();
        Run {
            tag: self.tag,
            settings,
            rankings,
            unknown_entities: self.strangers,
        }
    }
}

impl From<QueryList> for Ranking {
    fn from(list: QueryList) -> Ranking {
        let candidates = list
            .entries
            .into_iter()
            .map(|entry| (entry.entity, entry.score))
            .collect();
        Ranking {
            query: list.query,
            candidates,
        }
    }
}

impl RunFormat {
    /// Every form.
    pub const ALL: [RunFormat; 3] = [RunFormat::Trec, RunFormat::Published, RunFormat::Nlpcc];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            RunFormat::Trec => "trec",
            RunFormat::Published => "published",
            RunFormat::Nlpcc => "nlpcc",
        }
    }

    /// Whether a run can be written there. Errors: `Missing` where the folder that it is to be in
    /// is not there, and `Format` where a folder is to be written and something is there, or a file
    /// and a folder is.
    pub fn check_output_path(self, path: &Path) -> Result<()> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        {
            let hint = format!("{} is to be written in it", path.display());
            return Err(Error::Missing {
                what: "folder",
                path: folder.to_owned(),
                hint,
            });
        }
        if self == RunFormat::Trec && path.is_dir() {
            return Err(Error::format(
                path,
                "is a folder; lines are written to a file",
            ));
        }
        let empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        if self != RunFormat::Trec && path.exists() && !empty() {
            return Err(Error::format(
                path,
                "is there already; lists are written to a new folder",
            ));
        }
        Ok(())
    }
}

impl fmt::Display for RunFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RunFormat {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        RunFormat::ALL
            .into_iter()
            .find(|form| form.name() == s)
            .ok_or_else(|| {
                Error::Argument(format!(
                    "“{s}” is no form of runs; they are trec, published and nlpcc"
                ))
            })
    }
}
