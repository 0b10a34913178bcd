//! Another system over a data set's queries: the same candidates, queries and metrics as an
//! evaluation of ours.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::baselines::{BaselineSources, FittedBaseline, rows_by_entity};
use crate::data::Dataset;
use crate::engine::describe::class_cards;
use crate::engine::protocol::ClassCard;
use crate::engine::{Evaluated, QueryResult};
use crate::error::{Error, Result};
use crate::eval;
use crate::eval::aggregate;
use crate::eval::run::{Ranking, Run, check_scores};
use crate::features::cache_folder;
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::types::{DeviceChoice, EntityId, EvaluationProtocol, Query, Row, SeedCount};

pub use crate::baselines::Baseline;

/// Which system to run on what.
#[derive(Debug, Clone)]
pub struct BaselineOptions {
    pub rival: Baseline,
    pub dataset: PathBuf,
    pub seed_count: SeedCount,
    /// By name or folder; none: the settings', which are the mini preset's where no file says so.
    pub text_encoder: Option<String>,
    pub image_encoder: Option<String>,
    /// Folder of a CLIP.
    pub clip: Option<PathBuf>,
    /// Folder of the model of a system that is trained: taken where it is there, else trained
    /// there.
    pub model: PathBuf,
    /// Settings of a system that is trained, which go over its own.
    pub config: Option<PathBuf>,
    pub device: DeviceChoice,
    /// CPU threads; none: all.
    pub threads: Option<usize>,
}

/// What came of it.
#[derive(Debug)]
pub struct BaselineRun {
    pub evaluated: Evaluated,
    pub classes: Vec<ClassCard>,
    /// The rankings, with every setting that made them.
    pub run: Run,
}

impl BaselineOptions {
    /// Prepares the system, training it where it has to be, and asks it every query of so many
    /// seeds.
    ///
    /// Errors: those of the data set, of encoders and of training; `Mismatch` where there is no
    /// query to ask; `Stopped`.
    pub fn run(&self, observe: &mut dyn Observer<Progress>) -> Result<BaselineRun> {
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads as i32);
        }
        let device = device::open_device(self.device)?;
        let dataset = Dataset::open(&self.dataset)?;
        let places = self.places()?;
        let system = self.rival.fit(&dataset, &places, device, observe)?;
        let rows = rows_by_entity(&system.entities);
        let all = dataset
            .queries
            .iter()
            .filter(|q| q.seed_count == self.seed_count)
            .cloned()
            .collect();
        let (queries, left_out) =
            eval::answerable_queries(&dataset, all, |entity| rows.contains_key(&entity));
        if queries.is_empty() {
            let seeds = self.seed_count.as_usize();
            return Err(Error::Mismatch(format!(
                "there is no query with {seeds} seeds to evaluate"
            )));
        }
        let results = ask(&dataset, &system, &rows, &queries, observe)?;
        let evaluation = aggregate(results.iter().map(|r| (r.query.class, r.measures)));
        let ranking = |r: &QueryResult| Ranking {
            query: dataset.query_id(&r.query),
            candidates: r.ranking.clone(),
        };
        let run = Run {
            tag: self.rival.name().to_owned(),
            settings: self.settings(&dataset, &system, device::device_name(device))?,
            rankings: results.iter().map(ranking).collect(),
            ..Run::default()
        };
        let left_out = [system.left_out, left_out].concat();
        Ok(BaselineRun {
            evaluated: Evaluated {
                results,
                evaluation,
                left_out,
            },
            classes: class_cards(&dataset),
            run,
        })
    }

    /// Returns the places that the system is made from.
    fn places(&self) -> Result<BaselineSources> {
        Ok(BaselineSources {
            text_encoder: self.text_encoder.clone(),
            image_encoder: self.image_encoder.clone(),
            clip: self.clip.clone(),
            model: self.model.clone(),
            config: self.config.clone(),
            cache: cache_folder()?,
        })
    }

    fn settings(
        &self,
        dataset: &Dataset,
        system: &FittedBaseline,
        device: String,
    ) -> Result<Map<String, Value>> {
        let settings = json!({
            "program": concat!("multiexpan ", env!("CARGO_PKG_VERSION")),
            "system": self.rival.name(),
            "dataset": dataset.root,
            "dataset_hash": dataset.hash()?,
            "queries_hash": dataset.queries_hash(self.seed_count),
            "device": device,
            "seeds": self.seed_count,
            "protocol": EvaluationProtocol::Standard,
        });
        let mut settings = settings.as_object().cloned().unwrap_or_default();
        settings.extend(system.settings.clone());
        Ok(settings)
    }
}

/// Every query's ranking and what it is worth; `rows` are those of the system's entities.
fn ask(
    dataset: &Dataset,
    system: &FittedBaseline,
    rows: &HashMap<EntityId, Row>,
    queries: &[Query],
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<QueryResult>> {
    let mut results = Vec::with_capacity(queries.len());
    for query in queries {
        let seeds: Vec<Row> = query
            .seeds
            .iter()
            .filter_map(|seed| rows.get(seed).copied())
            .collect();
        let found = (system.rank)(query.class, &seeds)?;
        let ranking: Vec<_> = found
            .into_iter()
            .map(|(row, score)| (system.entities[row.index()], score))
            .collect();
        let query_id = dataset.query_id(query);
        check_scores(&query_id, &ranking)?;
        let list: Vec<EntityId> = ranking.iter().map(|(entity, _)| *entity).collect();
        let measures =
            eval::evaluate_query(dataset, query, &list, EvaluationProtocol::Standard, |e| {
                rows.contains_key(&e)
            });
        results.push(QueryResult {
            query: query.clone(),
            ranking,
            measures,
        });
        let done = results.len() as u64;
        observe.report(Progress::new("evaluating", done, queries.len() as u64))?;
    }
    Ok(results)
}

/// Where the model of a run's system is kept: beside the run, `.model` added.
pub fn model_beside(run: &Path) -> PathBuf {
    let mut name = run.file_name().unwrap_or_default().to_owned();
    name.push(".model");
    run.with_file_name(name)
}
