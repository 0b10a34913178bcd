//! The comparison of any number of runs.

use crate::data::Dataset;
use crate::error::Result;
use crate::eval::comparison::class_group::known_queries;
use crate::eval::comparison::comparison_result::{
    Comparison, RunPair, RunResult, TestedDifference,
};
use crate::eval::comparison::evaluated_run::EvaluatedRun;
use crate::eval::comparison::inputs::{ComparisonInput, ComparisonSettings, PairSelection};
use crate::eval::comparison::pair_comparison::compare_pair;
use crate::eval::comparison::run_scores::run_scores;
use crate::eval::significance::holm;
use crate::types::{Metric, PairedTest, SeedCount};

/// Compares runs over the queries of a data set with this number of seeds. Errors: those of
/// [`Dataset::hash`].
pub fn compare(
    inputs: &[ComparisonInput],
    dataset: &Dataset,
    seeds: SeedCount,
    settings: &ComparisonSettings,
) -> Result<Comparison> {
    let hash = dataset.hash()?;
    let evaluated: Vec<EvaluatedRun> = inputs
        .iter()
        .map(|input| EvaluatedRun::new(input, dataset, &hash, seeds))
        .collect();
    let mut pairs = Vec::new();
    for [run, reference] in pair_indices(inputs.len(), settings.pair_selection) {
        let runs = [&evaluated[run], &evaluated[reference]];
        pairs.push(RunPair {
            indices: [run, reference],
            run: inputs[run].name.clone(),
            reference: inputs[reference].name.clone(),
            result: compare_pair(runs, dataset, seeds, settings),
        });
    }
    let family = correct_p_values(&mut pairs);
    let known = known_queries(dataset, seeds);
    let runs = evaluated
        .into_iter()
        .map(|run| run_result(run, dataset, &settings.metrics));
    Ok(Comparison {
        dataset: dataset.root.clone(),
        dataset_hash: hash,
        seeds,
        queries: known.iter().filter(|query| query.has_gold).count(),
        metrics: settings.metrics.clone(),
        depth: settings.depth,
        family,
        runs: runs.collect(),
        pairs,
    })
}

/// Returns the indices of the runs to compare, each as (run, reference).
fn pair_indices(runs: usize, selection: PairSelection) -> Vec<[usize; 2]> {
    let mut pairs = Vec::new();
    for run in 1..runs {
        let references = match selection {
            PairSelection::WithReference => 1,
            PairSelection::AllPairs => run,
        };
        pairs.extend((0..references).map(|reference| [run, reference]));
    }
    pairs
}

/// Fills in the corrected p-values, and returns the number of tests. All tests are one family,
/// since a reader may pick the best cell of the whole table.
fn correct_p_values(pairs: &mut [RunPair]) -> usize {
    let mut tested: Vec<&mut TestedDifference> = pairs
        .iter_mut()
        .filter_map(|pair| pair.result.done_mut())
        .flat_map(|pair| pair.metrics.values_mut())
        .collect();
    let corrected = |p_value: fn(&PairedTest) -> f64| {
        let p_values: Vec<f64> = tested.iter().map(|t| p_value(&t.test)).collect();
        holm(&p_values)
    };
    let p = corrected(|test| test.p);
    let p_t = corrected(|test| test.p_t);
    for (index, difference) in tested.iter_mut().enumerate() {
        difference.p_holm = p[index];
        difference.p_t_holm = p_t[index];
    }
    tested.len()
}

fn run_result(run: EvaluatedRun, dataset: &Dataset, metrics: &[Metric]) -> RunResult {
    let warnings = run.input.warnings.summary();
    RunResult {
        name: run.input.name.clone(),
        path: run.input.path.clone(),
        settings: run.input.run.settings.clone(),
        warnings: warnings
            .into_iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect(),
        scores: run
            .metrics
            .map(|query_metrics| run_scores(&query_metrics, dataset, metrics)),
    }
}
