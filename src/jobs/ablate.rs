//! The effect of each part of a recipe: tasks, modalities and prototypes are left out one at a time.
//! Each variant is trained with several seeds, indexed, and evaluated on the queries with 3 seeds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::engine::{EvaluationPlan, Session};
use crate::error::{Error, Result};
use crate::features::cache_folder;
use crate::files::write_atomic;
use crate::jobs::evaluate::evaluate;
use crate::jobs::index::build_index;
use crate::model::device;
use crate::progress::{Observer, Progress};
use crate::text_file;
use crate::train;
use crate::train::paths::TrainPaths;
use crate::train::task::{Task, TaskSet};
use crate::train::train_config::TrainConfig;
use crate::types::{DeviceChoice, EvaluationProtocol, Mode, RankingKind, SeedCount};

/// The recipe and the settings of an ablation.
#[derive(Debug, Clone)]
pub struct Ablation {
    pub dataset: PathBuf,
    /// The folder for the models, one JSON file for each cell, and the table. Finished cells are not
    /// repeated.
    pub out: PathBuf,
    /// The full recipe.
    pub config: TrainConfig,
    /// The training seeds.
    pub seeds: Vec<u64>,
    pub device: DeviceChoice,
}

/// A variant of the recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: String,
    pub config: TrainConfig,
    /// The variant whose model is used, with the trained head; `None` to train an own one.
    trained_head_of: Option<String>,
}

/// A cell: one variant with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AblationRun {
    pub variant: String,
    pub seed: u64,
    /// The settings of the training and the hash of the data set. A cell with other ones is repeated.
    settings: serde_json::Value,
    #[serde(default)]
    dataset: String,
    /// MAP@10 by mode and ranking: "both, seeds".
    pub map10: BTreeMap<String, f64>,
    /// The duration of the run that finished the cell.
    pub minutes: f64,
}

/// A row: one variant over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AblationRow {
    pub variant: String,
    pub seeds: Vec<u64>,
    /// Mean and sample standard deviation of MAP@10 by column. The latter is `None` for one seed.
    pub columns: BTreeMap<String, (f64, Option<f64>)>,
    /// The mean of the first column minus that of the full recipe.
    pub difference: f64,
    /// True if the difference is less than two standard errors; `None` if these are unknown.
    pub within_noise: Option<bool>,
    pub minutes: f64,
}

/// The name of the full recipe.
const FULL: &str = "all";
/// The rankings and their names, in the order of the table.
const RANKINGS: [(RankingKind, &str); 2] = [
    (RankingKind::SeedSimilarity, "seeds"),
    (RankingKind::Window, "expanded"),
];
/// The modes, in the order of the table.
const MODES: [Mode; 3] = [Mode::Both, Mode::Text, Mode::Image];

/// Returns the name of a column.
fn column(mode: Mode, ranking: &str) -> String {
    format!("{mode}, {ranking}")
}

/// Returns the full recipe and its variants.
pub fn variants(config: &TrainConfig) -> Vec<Variant> {
    let mut all = vec![Variant::new(FULL, config, config.clone())];
    all.extend(variants_of_tasks(config));
    all.extend(variants_of_modalities(config));
    if config.prototypes.is_some() {
        all.push(variant_of_prototypes(config));
    }
    all
}

impl Variant {
    /// Returns the variant `config` of the recipe `full`, trained for the same total number of epochs.
    fn new(name: &str, full: &TrainConfig, mut config: TrainConfig) -> Variant {
        // without mining there is no first stage, whose epochs are added
        config.epochs += full.total_epochs() - config.total_epochs();
        Variant {
            name: name.into(),
            config,
            trained_head_of: None,
        }
    }
}

/// Returns the recipe without each task except masked entity prediction, and with only that task.
fn variants_of_tasks(full: &TrainConfig) -> Vec<Variant> {
    let with_tasks = |tasks: TaskSet| TrainConfig {
        tasks,
        ..full.clone()
    };
    let others: Vec<Task> = Task::ALL
        .into_iter()
        .filter(|&t| t != Task::Mep && full.tasks.contains(t))
        .collect();
    let mut all = Vec::new();
    for &out in &others {
        let tasks = Task::ALL
            .into_iter()
            .filter(|&t| t != out && full.tasks.contains(t));
        let name = format!("without {}", out.name());
        all.push(Variant::new(&name, full, with_tasks(TaskSet::new(tasks))));
    }
    if others.len() > 1 {
        let alone = with_tasks(TaskSet::new([Task::Mep]));
        all.push(Variant::new("mep alone", full, alone));
    }
    all
}

/// Returns the recipe without images, and without sentences.
fn variants_of_modalities(full: &TrainConfig) -> [Variant; 2] {
    let mut text = TrainConfig {
        drop_text: 0.0,
        drop_image: 1.0,
        ..full.clone()
    };
    let mut image = TrainConfig {
        drop_text: 1.0,
        drop_image: 0.0,
        ..full.clone()
    };
    if let Some(soft_targets) = &mut text.soft_targets {
        soft_targets.image_weight = 0.0;
    }
    if let Some(soft_targets) = &mut image.soft_targets {
        (soft_targets.text_weight, soft_targets.image_weight) = (0.0, 1.0);
    }
    [
        Variant::new("without pictures", full, text),
        Variant::new("without sentences", full, image),
    ]
}

/// Returns the recipe without prototypes. It is trained separately if mining uses prototypes; otherwise
/// its model is that of the full recipe with the trained head.
fn variant_of_prototypes(full: &TrainConfig) -> Variant {
    let name = "without prototypes";
    if full.tasks.compare_views() {
        let config = TrainConfig {
            prototypes: None,
            ..full.clone()
        };
        return Variant::new(name, full, config);
    }
    Variant {
        trained_head_of: Some(FULL.to_owned()),
        ..Variant::new(name, full, full.clone())
    }
}

/// Runs every unfinished cell, all variants of one seed before the next seed, and writes
/// `ablation.json` and `ablation.md` after each. An interrupted training is resumed.
///
/// # Errors
///
/// Fails like training, indexing and evaluating; `Stopped`.
pub fn ablate(
    ablation: &Ablation,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<AblationRow>> {
    let variants = variants(&ablation.config);
    let dataset = Dataset::open(&ablation.dataset)?.hash()?;
    let mut cells = Vec::new();
    for (position, &seed) in ablation.seeds.iter().enumerate() {
        if ablation.seeds[..position].contains(&seed) {
            return Err(Error::Argument(format!("seed {seed} is given twice")));
        }
        for variant in &variants {
            cells.push(cell(ablation, &dataset, variant, seed, observer)?);
            write(ablation, &variants, &cells)?;
        }
    }
    Ok(rows(&variants, &cells))
}

fn cell(
    ablation: &Ablation,
    dataset: &str,
    variant: &Variant,
    seed: u64,
    observer: &mut dyn Observer<Progress>,
) -> Result<AblationRun> {
    let path = model_folder(ablation, &variant.name, seed).with_extension("json");
    let config = TrainConfig {
        seed,
        ..variant.config.clone()
    };
    let settings = serde_json::to_value(&config).unwrap_or_default();
    if let Some(done) =
        read(&path)?.filter(|cell| cell.settings == settings && cell.dataset == dataset)
    {
        return Ok(done);
    }
    let started = std::time::Instant::now();
    let staged = &mut |mut progress: Progress| {
        progress.stage = format!("{}, seed {seed}: {}", variant.name, progress.stage);
        observer.report(progress)
    };
    let map10 = train_and_evaluate(ablation, variant, &config, staged)?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let cell = AblationRun {
        variant: variant.name.clone(),
        seed,
        settings,
        dataset: dataset.to_owned(),
        map10,
        minutes,
    };
    let text = serde_json::to_vec_pretty(&cell).map_err(|e| Error::format(&path, e.to_string()))?;
    write_atomic(&path, &text)?;
    Ok(cell)
}

/// Returns the folder of the model of a variant with a seed.
fn model_folder(ablation: &Ablation, variant: &str, seed: u64) -> PathBuf {
    let name = variant.replace(' ', "-");
    ablation.out.join(format!("{name}-{seed}"))
}

/// Trains a variant unless its model is another variant's, indexes the model, evaluates the index, and
/// removes it. `config` is that of the variant with the seed of the cell.
fn train_and_evaluate(
    ablation: &Ablation,
    variant: &Variant,
    config: &TrainConfig,
    observer: &mut dyn Observer<Progress>,
) -> Result<BTreeMap<String, f64>> {
    let trained = variant.trained_head_of.as_ref().unwrap_or(&variant.name);
    let model = model_folder(ablation, trained, config.seed);
    if variant.trained_head_of.is_none() {
        let paths = TrainPaths {
            dataset: ablation.dataset.clone(),
            out: model.clone(),
            cache: cache_folder()?,
        };
        train::train_to_completion(
            &paths,
            config,
            device::open_device(ablation.device)?,
            observer,
        )?;
    }
    let index = model.with_extension("index");
    let prototypes = variant.trained_head_of.is_some().then_some(None);
    build_index(
        &ablation.dataset,
        &model,
        &index,
        prototypes,
        false,
        ablation.device,
        observer,
    )?;
    let map10 = evaluate_modes(&index, config, ablation.device, observer)?;
    std::fs::remove_dir_all(&index).map_err(Error::io("remove", &index))?;
    Ok(map10)
}

fn read(path: &Path) -> Result<Option<AblationRun>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&text_file::read(path)?)
        .map(Some)
        .map_err(|e| Error::format(path, format!("is not a cell of an ablation: {e}")))
}

/// Returns MAP@10 in each mode that the training uses.
fn evaluate_modes(
    index: &Path,
    config: &TrainConfig,
    device: DeviceChoice,
    observer: &mut dyn Observer<Progress>,
) -> Result<BTreeMap<String, f64>> {
    let session = Session::open(index, None, device)?;
    let modes = match config.input_mode() {
        Mode::Both => MODES.to_vec(),
        only => vec![only],
    };
    let mut map10 = BTreeMap::new();
    for mode in modes {
        for (ranking, name) in RANKINGS {
            let (seed_count, protocol) = (SeedCount::Three, EvaluationProtocol::Standard);
            let plan = EvaluationPlan {
                mode,
                seed_count,
                ranking,
                protocol,
                class: None,
            };
            let overall = evaluate(&session, &plan, None, observer)?
                .evaluation
                .overall;
            map10.insert(column(mode, name), overall.ap[0]);
        }
    }
    Ok(map10)
}

/// Returns the rows, in the order of the variants.
fn rows(variants: &[Variant], cells: &[AblationRun]) -> Vec<AblationRow> {
    let of = |name: &str| {
        cells
            .iter()
            .filter(|c| c.variant == name)
            .collect::<Vec<_>>()
    };
    let full = first_column(&of(FULL));
    let row = |variant: &Variant| {
        let cells = of(&variant.name);
        let names: Vec<&String> = cells
            .first()
            .map(|c| c.map10.keys().collect())
            .unwrap_or_default();
        let over_seeds = |name: &&String| {
            let values: Vec<f64> = cells
                .iter()
                .filter_map(|c| c.map10.get(*name).copied())
                .collect();
            ((*name).clone(), spread(&values))
        };
        let own = first_column(&cells);
        let difference = spread(&own).0 - spread(&full).0;
        AblationRow {
            variant: variant.name.clone(),
            seeds: cells.iter().map(|c| c.seed).collect(),
            columns: names.iter().map(over_seeds).collect(),
            difference,
            within_noise: standard_error(&own, &full).map(|error| difference.abs() < 2.0 * error),
            minutes: cells.iter().map(|c| c.minutes).sum::<f64>() / cells.len().max(1) as f64,
        }
    };
    variants
        .iter()
        .map(row)
        .filter(|row| !row.seeds.is_empty())
        .collect()
}

/// Returns the seed ranking's value of each seed, in the mode of the variant's training.
fn first_column(cells: &[&AblationRun]) -> Vec<f64> {
    let of = |cell: &&AblationRun| {
        MODES
            .iter()
            .find_map(|&mode| cell.map10.get(&column(mode, RANKINGS[0].1)).copied())
    };
    cells.iter().filter_map(of).collect()
}

/// Returns the mean and the sample standard deviation.
fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (
        mean,
        (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
    )
}

/// Returns the standard error of the difference of two means over seeds.
fn standard_error(a: &[f64], b: &[f64]) -> Option<f64> {
    let part = |values: &[f64]| {
        spread(values)
            .1
            .map(|deviation| deviation.powi(2) / values.len() as f64)
    };
    Some((part(a)? + part(b)?).sqrt())
}

fn write(ablation: &Ablation, variants: &[Variant], cells: &[AblationRun]) -> Result<()> {
    let rows = rows(variants, cells);
    let path = ablation.out.join("ablation.json");
    let all = serde_json::json!({
        "program": concat!("multiexpan ", env!("CARGO_PKG_VERSION")),
        "dataset": ablation.dataset, "settings": ablation.config, "seeds": ablation.seeds, "rows": rows, "cells": cells,
    });
    write_atomic(&path, format!("{all:#}\n").as_bytes())?;
    write_atomic(
        &ablation.out.join("ablation.md"),
        markdown(&rows).as_bytes(),
    )
}

/// Formats the table: MAP@10 in %, mean ± standard deviation.
pub fn markdown(rows: &[AblationRow]) -> String {
    let columns: Vec<String> = MODES
        .iter()
        .flat_map(|&mode| RANKINGS.map(|(_, ranking)| column(mode, ranking)))
        .collect();
    let heads: String = columns.iter().map(|head| format!(" {head} |")).collect();
    let mut text = format!(
        "| recipe | seeds |{heads} worse than all by | minutes |\n|---|---|{}---|---|\n",
        "---|".repeat(columns.len())
    );
    for row in rows {
        let cells: String = columns
            .iter()
            .map(|name| match row.columns.get(name) {
                None => " – |".to_owned(),
                Some((mean, None)) => format!(" {:.1} |", 100.0 * mean),
                Some((mean, Some(deviation))) => {
                    format!(" {:.1} ± {:.1} |", 100.0 * mean, 100.0 * deviation)
                }
            })
            .collect();
        let difference = match (row.variant == FULL, row.within_noise) {
            (true, _) => "–".to_owned(),
            (_, Some(true)) => format!("{:.1}, within noise", -100.0 * row.difference),
            _ => format!("{:.1}", -100.0 * row.difference),
        };
        text += &format!(
            "| {} | {} |{cells} {difference} | {:.1} |\n",
            row.variant,
            row.seeds.len(),
            row.minutes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::train_config::Preset;

    fn recipe() -> TrainConfig {
        TrainConfig {
            tasks: TaskSet::new(Task::PAPER),
            ..TrainConfig::preset(Preset::Mini)
        }
    }

    #[test]
    fn each_part_is_left_out_once() {
        let all = variants(&recipe());
        let names: Vec<&str> = all.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "all",
                "without contrastive",
                "without clustering",
                "without distillation",
                "mep alone",
                "without pictures",
                "without sentences",
                "without prototypes"
            ]
        );
        assert!(all.iter().all(|v| v.config.validate().is_ok()));
        assert!(
            all.iter()
                .all(|v| v.config.total_epochs() == recipe().total_epochs())
        );
        let shown: Vec<Mode> = all.iter().map(|v| v.config.input_mode()).collect();
        assert_eq!(shown[5..], [Mode::Text, Mode::Image, Mode::Both]);
        let plain = TrainConfig {
            prototypes: None,
            soft_targets: None,
            ..TrainConfig::preset(Preset::Mini)
        };
        assert_eq!(variants(&plain).len(), 3, "the recipe, and each modality");
    }

    fn cell(variant: &str, seed: u64, map: f64) -> AblationRun {
        let map10 = [("both, seeds".to_owned(), map)].into();
        let (settings, dataset) = (serde_json::Value::Null, String::new());
        AblationRun {
            variant: variant.into(),
            seed,
            settings,
            dataset,
            map10,
            minutes: 2.0,
        }
    }

    #[test]
    fn the_table_marks_differences_within_noise() {
        let cells = [
            cell("all", 1, 0.70),
            cell("all", 2, 0.72),
            cell("without contrastive", 1, 0.71),
            cell("without contrastive", 2, 0.70),
            cell("mep alone", 1, 0.50),
            cell("mep alone", 2, 0.51),
        ];
        let rows = rows(&variants(&recipe()), &cells);
        assert_eq!(
            rows.iter().map(|r| r.within_noise).collect::<Vec<_>>(),
            [Some(true), Some(true), Some(false)]
        );
        assert!((rows[0].columns["both, seeds"].1.unwrap() - 0.0141421).abs() < 1e-6);
        let text = markdown(&rows);
        assert!(text.contains("| all | 2 | 71.0 ± 1.4 | – |"), "{text}");
        assert!(
            text.contains("0.5, within noise") && text.contains("20.5 |"),
            "{text}"
        );
        assert_eq!(
            super::rows(&variants(&recipe()), &cells[..1])[0].within_noise,
            None
        );
    }
}
