//! What each part of a recipe is worth: tasks, modalities and prototypes left out one at a time,
//! each variant trained with several seeds, indexed, and measured on the queries of 3 seeds.

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

/// What to leave out of which recipe.
#[derive(Debug, Clone)]
pub struct Ablation {
    pub dataset: PathBuf,
    /// Models, one JSON a cell, and the table. What is there already is not done again.
    pub out: PathBuf,
    /// The recipe with nothing left out.
    pub config: TrainConfig,
    /// Training seeds.
    pub seeds: Vec<u64>,
    pub device: DeviceChoice,
}

/// One recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: String,
    pub config: TrainConfig,
    /// Takes the head as it was trained, of another variant's model.
    trained_head_of: Option<String>,
}

/// One variant with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AblationRun {
    pub variant: String,
    pub seed: u64,
    /// Every setting of the training, and the data set's hash: a cell of others is done again.
    settings: serde_json::Value,
    #[serde(default)]
    dataset: String,
    /// MAP@10 by mode and ranking: "both, seeds".
    pub map10: BTreeMap<String, f64>,
    /// Of the run that finished it.
    pub minutes: f64,
}

/// A variant over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AblationRow {
    pub variant: String,
    pub seeds: Vec<u64>,
    /// Mean and sample deviation of MAP@10 by column; the deviation is none of one seed.
    pub columns: BTreeMap<String, (f64, Option<f64>)>,
    /// Of the first column, less that of the whole recipe.
    pub difference: f64,
    /// Whether that is less than two standard errors; none where it cannot be told.
    pub within_noise: Option<bool>,
    pub minutes: f64,
}

/// The whole recipe's name.
const WHOLE: &str = "all";
/// Both modes of ranking, in the order of the table.
const RANKINGS: [(RankingKind, &str); 2] = [
    (RankingKind::SeedSimilarity, "seeds"),
    (RankingKind::Expanded, "expanded"),
];
/// Modes in the order of the table.
const MODES: [Mode; 3] = [Mode::Both, Mode::Text, Mode::Image];

/// A column's name.
fn column(mode: Mode, ranking: &str) -> String {
    format!("{mode}, {ranking}")
}

/// The recipe, and the recipe less each of its parts.
pub fn variants(config: &TrainConfig) -> Vec<Variant> {
    let mut all = vec![Variant::of(WHOLE, config, config.clone())];
    all.extend(variants_of_tasks(config));
    all.extend(variants_of_modalities(config));
    if config.prototypes.is_some() {
        all.push(variant_of_prototypes(config));
    }
    all
}

impl Variant {
    /// The variant `config` of the recipe `whole`, trained for as many epochs in all.
    fn of(name: &str, whole: &TrainConfig, mut config: TrainConfig) -> Variant {
        // without mining there is no first stage: as many epochs all the same
        config.epochs += whole.total_epochs() - config.total_epochs();
        Variant {
            name: name.into(),
            config,
            trained_head_of: None,
        }
    }
}

/// The recipe without each task but masked entity prediction, then that one alone.
fn variants_of_tasks(whole: &TrainConfig) -> Vec<Variant> {
    let with_tasks = |tasks: TaskSet| TrainConfig {
        tasks,
        ..whole.clone()
    };
    let others: Vec<Task> = Task::ALL
        .into_iter()
        .filter(|&t| t != Task::Mep && whole.tasks.contains(t))
        .collect();
    let mut all = Vec::new();
    for &out in &others {
        let tasks = Task::ALL
            .into_iter()
            .filter(|&t| t != out && whole.tasks.contains(t));
        let name = format!("without {}", out.name());
        all.push(Variant::of(&name, whole, with_tasks(TaskSet::new(tasks))));
    }
    if others.len() > 1 {
        let alone = with_tasks(TaskSet::new([Task::Mep]));
        all.push(Variant::of("mep alone", whole, alone));
    }
    all
}

/// The recipe without pictures, and without sentences.
fn variants_of_modalities(whole: &TrainConfig) -> [Variant; 2] {
    let mut text = TrainConfig {
        drop_text: 0.0,
        drop_image: 1.0,
        ..whole.clone()
    };
    let mut image = TrainConfig {
        drop_text: 1.0,
        drop_image: 0.0,
        ..whole.clone()
    };
    if let Some(soft_targets) = &mut text.soft_targets {
        soft_targets.image_weight = 0.0;
    }
    if let Some(soft_targets) = &mut image.soft_targets {
        (soft_targets.text_weight, soft_targets.image_weight) = (0.0, 1.0);
    }
    [
        Variant::of("without pictures", whole, text),
        Variant::of("without sentences", whole, image),
    ]
}

/// The recipe without prototypes. It is trained anew where mining looks at prototypes too; else its
/// model is the whole recipe's, with the head as it was trained.
fn variant_of_prototypes(whole: &TrainConfig) -> Variant {
    let name = "without prototypes";
    if whole.tasks.compare_views() {
        let config = TrainConfig {
            prototypes: None,
            ..whole.clone()
        };
        return Variant::of(name, whole, config);
    }
    Variant {
        trained_head_of: Some(WHOLE.to_owned()),
        ..Variant::of(name, whole, whole.clone())
    }
}

/// Does every cell that is not done yet, all variants of one seed before the next seed, and writes
/// `ablation.json` and `ablation.md` after each. A training that was interrupted goes on where it
/// was.
///
/// Errors: those of training, indexing and evaluating; `Stopped`.
pub fn ablate(
    ablation: &Ablation,
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<AblationRow>> {
    let variants = variants(&ablation.config);
    let dataset = Dataset::open(&ablation.dataset)?.hash()?;
    let mut cells = Vec::new();
    for (at, &seed) in ablation.seeds.iter().enumerate() {
        if ablation.seeds[..at].contains(&seed) {
            return Err(Error::Argument(format!(
                "seed {seed} is named twice: it is one training"
            )));
        }
        for variant in &variants {
            cells.push(cell(ablation, &dataset, variant, seed, observe)?);
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
    observe: &mut dyn Observer<Progress>,
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
    let begun = std::time::Instant::now();
    let named = &mut |mut progress: Progress| {
        progress.stage = format!("{}, seed {seed}: {}", variant.name, progress.stage);
        observe.report(progress)
    };
    let map10 = train_and_measure(ablation, variant, &config, named)?;
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
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

/// The folder of the model of a variant with a seed.
fn model_folder(ablation: &Ablation, variant: &str, seed: u64) -> PathBuf {
    let name = variant.replace(' ', "-");
    ablation.out.join(format!("{name}-{seed}"))
}

/// Trains a variant unless its model is another variant's, indexes the model, and measures the
/// index, which is then removed. `config` is the variant's with the seed of the cell.
fn train_and_measure(
    ablation: &Ablation,
    variant: &Variant,
    config: &TrainConfig,
    observe: &mut dyn Observer<Progress>,
) -> Result<BTreeMap<String, f64>> {
    let trained = variant.trained_head_of.as_ref().unwrap_or(&variant.name);
    let model = model_folder(ablation, trained, config.seed);
    if variant.trained_head_of.is_none() {
        let places = TrainPaths {
            dataset: ablation.dataset.clone(),
            out: model.clone(),
            cache: cache_folder()?,
        };
        train::train_to_completion(
            &places,
            config,
            device::open_device(ablation.device)?,
            observe,
        )?;
    }
    let index = model.with_extension("index");
    let prototypes = variant.trained_head_of.is_some().then_some(None);
    build_index(
        &ablation.dataset,
        &model,
        &index,
        prototypes,
        ablation.device,
        observe,
    )?;
    let map10 = measure(&index, config, ablation.device, observe)?;
    std::fs::remove_dir_all(&index).map_err(Error::io("remove", &index))?;
    Ok(map10)
}

fn read(path: &Path) -> Result<Option<AblationRun>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&text_file::read(path)?)
        .map(Some)
        .map_err(|e| Error::format(path, format!("is no cell: {e}")))
}

/// MAP@10 in each mode that the training shows.
fn measure(
    index: &Path,
    config: &TrainConfig,
    device: DeviceChoice,
    observe: &mut dyn Observer<Progress>,
) -> Result<BTreeMap<String, f64>> {
    let session = Session::open(index, None, device)?;
    let modes = match config.input_mode() {
        Mode::Both => MODES.to_vec(),
        only => vec![only],
    };
    let mut found = BTreeMap::new();
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
            let measured = evaluate(&session, &plan, None, observe)?.evaluation.overall;
            found.insert(column(mode, name), measured.ap[0]);
        }
    }
    Ok(found)
}

/// The table, in the order of the variants.
fn rows(variants: &[Variant], cells: &[AblationRun]) -> Vec<AblationRow> {
    let of = |name: &str| {
        cells
            .iter()
            .filter(|c| c.variant == name)
            .collect::<Vec<_>>()
    };
    let whole = first_column(&of(WHOLE));
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
        let difference = spread(&own).0 - spread(&whole).0;
        AblationRow {
            variant: variant.name.clone(),
            seeds: cells.iter().map(|c| c.seed).collect(),
            columns: names.iter().map(over_seeds).collect(),
            difference,
            within_noise: standard_error(&own, &whole).map(|error| difference.abs() < 2.0 * error),
            minutes: cells.iter().map(|c| c.minutes).sum::<f64>() / cells.len().max(1) as f64,
        }
    };
    variants
        .iter()
        .map(row)
        .filter(|row| !row.seeds.is_empty())
        .collect()
}

/// By the seeds, in the mode that the variant is trained in.
fn first_column(cells: &[&AblationRun]) -> Vec<f64> {
    let of = |cell: &&AblationRun| {
        MODES
            .iter()
            .find_map(|&mode| cell.map10.get(&column(mode, RANKINGS[0].1)).copied())
    };
    cells.iter().filter_map(of).collect()
}

/// Mean and sample deviation.
fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (
        mean,
        (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
    )
}

/// Of the difference of two means, each over some seeds.
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

/// The table: MAP@10 in %, mean ± deviation.
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
        let difference = match (row.variant == WHOLE, row.within_noise) {
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
    fn the_table_tells_noise_from_a_difference() {
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
