//! Reads runs and compares them.

use std::path::{Path, PathBuf};

use crate::data::Dataset;
use crate::engine::external::label;
use crate::error::{Error, Result};
use crate::eval::ScoredRun;
use crate::eval::comparison;
use crate::eval::comparison::{Comparison, ComparisonInput, ComparisonSettings, PairOutcome};
use crate::eval::run;
use crate::eval::run::{OpenedRun, Run};
use crate::types::SeedCount;

/// The runs to compare or analyse.
#[derive(Debug, Clone, Copy)]
pub struct RunInputs<'a> {
    pub paths: &'a [PathBuf],
    /// The data set; `None` for the one that the first run's settings name.
    pub dataset: Option<&'a Path>,
    /// A folder of query files to use in place of the data set's.
    pub queries: Option<&'a Path>,
    /// The number of seeds of the queries; `None` for that of the first run, or 3 if it has both.
    pub seeds: Option<SeedCount>,
}

/// Runs that were read, each with a unique name, and their data set.
pub(super) struct LoadedRuns {
    pub inputs: Vec<ComparisonInput>,
    pub dataset: Dataset,
    pub seeds: SeedCount,
}

/// Runs by name that can be scored, and the reasons why others cannot.
pub(super) struct ScoredRuns {
    pub scored: Vec<(String, ScoredRun)>,
    pub left_out: Vec<(String, String)>,
}

/// Compares runs.
///
/// # Errors
///
/// Fails if a run or the data set cannot be opened. `Argument` if no data set is named.
pub fn compare(runs: &RunInputs, settings: &ComparisonSettings) -> Result<Comparison> {
    let loaded = load_runs(runs)?;
    comparison::compare(&loaded.inputs, &loaded.dataset, loaded.seeds, settings)
}

/// Opens the given data set, or the one that the settings of the run name.
pub(super) fn open_dataset(run: &Path, given: Option<&Path>) -> Result<Dataset> {
    match given {
        Some(path) => Dataset::open(path),
        None => Dataset::open(&run::stated_dataset(run)?),
    }
}

/// Reads runs and their data set. Queries with another number of seeds are not read, and so not
/// missing. Fails like [`compare`].
pub(super) fn load_runs(runs: &RunInputs) -> Result<LoadedRuns> {
    let Some(first) = runs.paths.first() else {
        return Err(Error::Argument("there is no run to compare".into()));
    };
    let mut dataset = open_dataset(first, runs.dataset)?;
    let seeds = match runs.seeds {
        Some(seeds) => seeds,
        None => comparison::seed_count_of(&Run::open(first, &dataset, None)?.run, &dataset),
    };
    if let Some(folder) = runs.queries {
        dataset = dataset.with_queries(folder, seeds)?;
    }
    let mut inputs: Vec<ComparisonInput> = Vec::new();
    for path in runs.paths {
        let OpenedRun { run, warnings, .. } =
            Run::open_with(path, &dataset, Some(seeds), runs.seeds)?;
        inputs.push(ComparisonInput {
            name: unique_name(path, &inputs),
            path: path.clone(),
            run,
            warnings,
        });
    }
    Ok(LoadedRuns {
        inputs,
        dataset,
        seeds,
    })
}

/// Returns the label of a run, with a number if it is taken.
fn unique_name(path: &Path, inputs: &[ComparisonInput]) -> String {
    let label = label(path);
    let is_taken = |name: &String| inputs.iter().any(|input| input.name == *name);
    let mut name = label.clone();
    let mut number = 2;
    while is_taken(&name) {
        name = format!("{label} ({number})");
        number += 1;
    }
    name
}

/// Scores the runs that are comparable with the first one. `hash` is the [`Dataset::hash`].
pub(super) fn score_runs(loaded: &LoadedRuns, hash: &str) -> ScoredRuns {
    let LoadedRuns {
        inputs,
        dataset,
        seeds,
    } = loaded;
    // the first run that states its pools decides
    let is_joint = inputs.iter().find_map(|input| input.run.is_joint());
    let mut runs = ScoredRuns {
        scored: Vec::new(),
        left_out: Vec::new(),
    };
    for input in inputs {
        let name = input.name.clone();
        let own = input.run.is_joint();
        let has_other_pools = own.is_some() && own != is_joint;
        let mut outcome = comparison::score_run(input, dataset, hash, *seeds);
        if has_other_pools && matches!(outcome, PairOutcome::Done(_)) {
            outcome = PairOutcome::NotComparable(comparison::DIFFERENT_POOLS.into());
        }
        if let Some(reason) = outcome.failure_reason() {
            runs.left_out.push((name.clone(), reason));
        }
        if let PairOutcome::Done(scored) = outcome {
            runs.scored.push((name, scored));
        }
    }
    runs
}
