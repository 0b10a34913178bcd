//! Runs a baseline over a data set's queries, with the candidates, queries and metrics of an
//! evaluation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::baselines::{
    Baseline, BaselineRanking, BaselineSources, FittedBaseline, rows_by_entity,
};
use crate::data::Dataset;
use crate::engine::describe::class_cards;
use crate::engine::protocol::ClassCard;
use crate::error::Result;
use crate::eval;
use crate::eval::run::{Ranking, Run, check_scores};
use crate::features::cache_folder;
use crate::jobs::evaluate::{EvaluatedQueries, QueryResult, aggregate, no_query};
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::types::{DeviceChoice, EntityId, EvaluationProtocol, Query, Row, SeedCount};

/// A baseline and its inputs.
#[derive(Debug, Clone)]
pub struct BaselineOptions {
    pub baseline: Baseline,
    pub ranking: BaselineRanking,
    pub dataset: PathBuf,
    pub seed_count: SeedCount,
    /// The text encoder, by name or folder; `None` for that of the settings, which by default is
    /// that of the mini preset.
    pub text_encoder: Option<String>,
    pub image_encoder: Option<String>,
    /// The folder of a CLIP model.
    pub clip: Option<PathBuf>,
    /// The folder of the model of a trained baseline. It is used if it exists, and else trained.
    pub model: PathBuf,
    /// Settings of a trained baseline, over its defaults.
    pub config: Option<PathBuf>,
    pub device: DeviceChoice,
    /// The number of CPU threads; `None` for all.
    pub threads: Option<usize>,
}

/// The results of a baseline.
#[derive(Debug)]
pub struct BaselineRun {
    pub evaluated: EvaluatedQueries,
    pub classes: Vec<ClassCard>,
    /// The rankings, with all settings that produced them.
    pub run: Run,
}

impl BaselineOptions {
    /// Prepares the baseline, training it if necessary, and ranks every query with this number of
    /// seeds.
    ///
    /// # Errors
    ///
    /// Fails if the data set or an encoder cannot be opened, or if the training fails. `Mismatch`
    /// if there is no query to rank; `Stopped`.
    pub fn run(&self, observer: &mut dyn Observer<Progress>) -> Result<BaselineRun> {
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads as i32);
        }
        let device = device::open_device(self.device)?;
        let dataset = Dataset::open(&self.dataset)?;
        let sources = self.sources()?;
        let fitted = self
            .baseline
            .fit(self.ranking, &dataset, &sources, device, observer)?;
        let rows = rows_by_entity(&fitted.entities);
        let (queries, unanswerable) = self.queries(&dataset, &rows);
        if queries.is_empty() {
            return Err(no_query(self.seed_count));
        }
        let results = rank_all(&dataset, &fitted, &rows, &queries, observer)?;
        let device_name = device::device_name(device);
        let run = Run {
            tag: self.tag(),
            settings: self.settings(&dataset, &fitted, device_name)?,
            rankings: rankings(&dataset, &results),
            ..Run::default()
        };
        Ok(BaselineRun {
            evaluated: EvaluatedQueries {
                cut: None,
                evaluation: aggregate(&results),
                results,
                left_out: [fitted.left_out, unanswerable].concat(),
            },
            classes: class_cards(&dataset),
            run,
        })
    }

    /// Returns the name of the system, with the ranking if it is not the system's own.
    fn tag(&self) -> String {
        let name = self.baseline.name();
        match self.ranking {
            BaselineRanking::Own => name.to_owned(),
            BaselineRanking::Feedback => format!("{name}-feedback"),
        }
    }

    /// Returns the queries that can be answered, and the reasons why others are left out.
    fn queries(
        &self,
        dataset: &Dataset,
        rows: &HashMap<EntityId, Row>,
    ) -> (Vec<Query>, Vec<(String, usize)>) {
        let mut all = dataset.queries.clone();
        all.retain(|query| query.seed_count == self.seed_count);
        eval::answerable_queries(dataset, all, |entity| rows.contains_key(&entity))
    }

    fn sources(&self) -> Result<BaselineSources> {
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
        fitted: &FittedBaseline,
        device: String,
    ) -> Result<Map<String, Value>> {
        let settings = json!({
            "program": concat!("multiexpan ", env!("CARGO_PKG_VERSION")),
            "system": self.baseline.name(),
            "ranking": self.baseline.ranking_name(self.ranking),
            "dataset": dataset.root,
            "dataset_hash": dataset.hash()?,
            "queries_hash": dataset.queries_hash(self.seed_count),
            "device": device,
            "seeds": self.seed_count,
            "protocol": EvaluationProtocol::Standard,
        });
        let mut settings = settings.as_object().cloned().unwrap_or_default();
        settings.extend(fitted.settings.clone());
        Ok(settings)
    }
}

fn rankings(dataset: &Dataset, results: &[QueryResult]) -> Vec<Ranking> {
    let ranking = |result: &QueryResult| Ranking {
        query: dataset.query_id(&result.query),
        candidates: result.ranking.clone(),
    };
    results.iter().map(ranking).collect()
}

/// Ranks every query and computes its metrics. `rows` are those of the baseline's entities.
fn rank_all(
    dataset: &Dataset,
    fitted: &FittedBaseline,
    rows: &HashMap<EntityId, Row>,
    queries: &[Query],
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<QueryResult>> {
    let total = queries.len() as u64;
    let mut results = Vec::with_capacity(queries.len());
    for query in queries {
        let seeds: Vec<Row> = query
            .seeds
            .iter()
            .filter_map(|seed| rows.get(seed).copied())
            .collect();
        let ranking: Vec<(EntityId, f64)> = (fitted.rank)(query.class, &seeds)?
            .into_iter()
            .map(|(row, score)| (fitted.entities[row.index()], score))
            .collect();
        check_scores(&dataset.query_id(query), &ranking)?;
        let entities: Vec<EntityId> = ranking.iter().map(|(entity, _)| *entity).collect();
        let protocol = EvaluationProtocol::Standard;
        let metrics = eval::evaluate_query(dataset, query, &entities, protocol, |entity| {
            rows.contains_key(&entity)
        });
        results.push(QueryResult {
            scored: None,
            query: query.clone(),
            ranking,
            metrics,
        });
        observer.report(Progress::new("evaluating", results.len() as u64, total))?;
    }
    Ok(results)
}

/// Returns the folder of the model that belongs to a run: the run's path with `.model` appended.
pub fn default_model_path(run: &Path) -> PathBuf {
    let mut name = run.file_name().unwrap_or_default().to_owned();
    name.push(".model");
    run.with_file_name(name)
}
