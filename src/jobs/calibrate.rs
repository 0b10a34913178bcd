//! Fits the model of the class boundary to the gold of a data set.

use crate::engine::protocol::Catalogue;
use crate::engine::{EvaluationPlan, Session};
use crate::error::{Error, Result};
use crate::eval::{CutMetrics, CutQuery};
use crate::expand::{LabelledCandidate, fit_boundary};
use crate::index::{BoundaryModel, FittedBoundary, store_boundaries};
use crate::jobs::evaluate::{QueryResult, evaluate};
use crate::progress::{Observer, Progress};
use crate::types::{EvaluationProtocol, Mode, RankingKind, SeedCount};

/// The number of folds of the cross-validation; a class belongs to the fold of its number.
const FOLDS: usize = 5;

/// The fitted boundary of one mode.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub fitted: FittedBoundary,
    /// The cut of the queries with each number of seeds, by models that were fitted without the
    /// class of the query.
    pub cross_validated: Vec<(SeedCount, CutMetrics)>,
}

/// Fits the boundary of these modes on the queries with `seeds` seeds. It is not stored yet.
///
/// Errors: `Mismatch` without gold, or if no model can be fitted; those of an evaluation.
pub fn calibrate(
    session: &Session,
    modes: &[Mode],
    seeds: SeedCount,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<Calibration>> {
    if session.catalogue.classes.is_empty() {
        return Err(Error::Mismatch(
            "there is no gold to fit the boundary to: the data set has no classes".into(),
        ));
    }
    let mut calibrations = Vec::with_capacity(modes.len());
    for &mode in modes {
        calibrations.push(calibrate_mode(session, mode, seeds, observer)?);
    }
    Ok(calibrations)
}

/// Writes fitted boundaries to the index, in place of those of the same modes.
///
/// Errors: `Io`, `Format`.
pub fn store(session: &Session, calibrations: &[Calibration]) -> Result<()> {
    let fitted = calibrations.iter().map(|c| c.fitted.clone()).collect();
    store_boundaries(&session.catalogue.index, fitted)
}

/// Returns the modes that have a feedback ranking, `both` first.
pub fn calibrated_modes(catalogue: &Catalogue) -> Vec<Mode> {
    let modes = catalogue.modes.iter().copied();
    modes.filter(|mode| *mode != Mode::None).collect()
}

fn calibrate_mode(
    session: &Session,
    mode: Mode,
    seeds: SeedCount,
    observer: &mut dyn Observer<Progress>,
) -> Result<Calibration> {
    let fitting = ranked(session, mode, seeds, observer)?;
    let mut cross_validated = Vec::new();
    for seed_count in [SeedCount::Three, SeedCount::Five] {
        let evaluated = match seed_count == seeds {
            true => None,
            false => ranked(session, mode, seed_count, observer).ok(),
        };
        let queries = evaluated.as_deref().unwrap_or(&fitting);
        if seed_count != seeds && evaluated.is_none() {
            continue;
        }
        let mut cuts = Vec::new();
        for fold in 0..FOLDS {
            let is_held_out = |result: &&QueryResult| result.query.class.index() % FOLDS == fold;
            let model = fit(session, fitting.iter().filter(|r| !is_held_out(r)))?;
            cuts.extend(
                queries
                    .iter()
                    .filter(is_held_out)
                    .filter_map(|r| r.cut(session, &model)),
            );
        }
        cross_validated.push((seed_count, CutMetrics::of_queries(&cuts)));
    }
    let mut classes: Vec<_> = fitting.iter().map(|r| r.query.class).collect();
    classes.dedup();
    let fitted_on = format!(
        "{} queries of {} seeds of {} classes of {}",
        fitting.len(),
        seeds.as_usize(),
        classes.len(),
        session.catalogue.name
    );
    Ok(Calibration {
        fitted: FittedBoundary {
            mode,
            model: fit(session, fitting.iter())?,
            fitted_on,
        },
        cross_validated,
    })
}

/// Ranks all queries by feedback.
fn ranked(
    session: &Session,
    mode: Mode,
    seed_count: SeedCount,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<QueryResult>> {
    let plan = EvaluationPlan {
        mode,
        seed_count,
        ranking: RankingKind::Feedback,
        protocol: EvaluationProtocol::Standard,
        class: None,
    };
    Ok(evaluate(session, &plan, None, observer)?.results)
}

/// Fits a model to the candidates of these queries.
fn fit<'a>(
    session: &Session,
    results: impl Iterator<Item = &'a QueryResult>,
) -> Result<BoundaryModel> {
    let mut candidates = Vec::new();
    for result in results {
        let gold = session.gold(&result.query);
        let Some(scored) = &result.scored else {
            continue;
        };
        for (entity, score) in &scored.candidates {
            candidates.push(LabelledCandidate {
                features: scored.features,
                score: *score,
                is_member: gold.contains(entity),
            });
        }
    }
    fit_boundary(&candidates).ok_or_else(|| {
        Error::Mismatch(
            "the boundary cannot be fitted: among the candidates are no members, or no others"
                .into(),
        )
    })
}

impl QueryResult {
    /// Returns the cut of this query by a model; `None` if the boundary does not apply to it.
    pub(super) fn cut(&self, session: &Session, model: &BoundaryModel) -> Option<CutQuery> {
        let scored = self.scored.as_ref()?;
        let boundary = scored.boundary(model);
        let gold = session.gold(&self.query);
        let mut candidates = Vec::with_capacity(scored.candidates.len());
        for ((entity, _), probability) in scored.candidates.iter().zip(&boundary.probabilities) {
            candidates.push((gold.contains(entity), *probability));
        }
        Some(CutQuery {
            candidates,
            cut: boundary.size,
            members: session.reachable(&gold),
        })
    }
}
