//! Fits the weights of the class boundary by logistic regression.

use crate::expand::boundary::QueryFeatures;
use crate::index::BoundaryModel;

/// The number of weights.
const WEIGHTS: usize = 4;
/// The weight of the squared weights, which keeps the solution finite where members and others can
/// be separated.
const RIDGE: f64 = 1e-3;
/// The number of Newton steps at most, and the step length at which they end.
const MAX_STEPS: usize = 50;
const TOLERANCE: f64 = 1e-8;

/// A candidate of a query whose membership is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelledCandidate {
    pub features: QueryFeatures,
    pub score: f64,
    pub is_member: bool,
}

impl LabelledCandidate {
    fn row(&self) -> [f64; WEIGHTS] {
        [
            self.score,
            self.features.cohesion,
            self.features.background,
            1.0,
        ]
    }
}

/// Returns the weights with the greatest likelihood, by Newton's method. `None` if there are no
/// members or no others, or the method does not converge.
pub fn fit_boundary(candidates: &[LabelledCandidate]) -> Option<BoundaryModel> {
    let members = candidates.iter().filter(|c| c.is_member).count();
    if members == 0 || members == candidates.len() {
        return None;
    }
    let mut weights = [0.0; WEIGHTS];
    for _ in 0..MAX_STEPS {
        let step = newton_step(candidates, &weights)?;
        for (weight, step) in weights.iter_mut().zip(step) {
            *weight += step;
        }
        if step.iter().all(|step| step.abs() < TOLERANCE) {
            let [score, cohesion, background, bias] = weights;
            return Some(BoundaryModel {
                score,
                cohesion,
                background,
                bias,
            });
        }
    }
    None
}

/// Returns the change of the weights by one step: (XᵀDX + ridge)⁻¹ (Xᵀ(y − p) − ridge · w).
fn newton_step(
    candidates: &[LabelledCandidate],
    weights: &[f64; WEIGHTS],
) -> Option<[f64; WEIGHTS]> {
    let mut gradient = weights.map(|weight| -RIDGE * weight);
    let mut hessian = [[0.0; WEIGHTS]; WEIGHTS];
    for (i, row) in hessian.iter_mut().enumerate() {
        row[i] = RIDGE;
    }
    for candidate in candidates {
        let row = candidate.row();
        let log_odds: f64 = row.iter().zip(weights).map(|(x, w)| x * w).sum();
        let p = 1.0 / (1.0 + (-log_odds).exp());
        let error = f64::from(u8::from(candidate.is_member)) - p;
        for i in 0..WEIGHTS {
            gradient[i] += row[i] * error;
            for j in 0..WEIGHTS {
                hessian[i][j] += row[i] * row[j] * p * (1.0 - p);
            }
        }
    }
    solve(hessian, gradient)
}

/// Solves a linear system by elimination with pivoting; `None` if it is singular.
fn solve(
    mut matrix: [[f64; WEIGHTS]; WEIGHTS],
    mut right: [f64; WEIGHTS],
) -> Option<[f64; WEIGHTS]> {
    for column in 0..WEIGHTS {
        let size = |row: &usize| matrix[*row][column].abs();
        let pivot = (column..WEIGHTS).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if matrix[pivot][column].abs() < f64::MIN_POSITIVE {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..WEIGHTS {
            let factor = matrix[row][column] / matrix[column][column];
            let pivot_row = matrix[column];
            for (value, pivot) in matrix[row].iter_mut().zip(pivot_row).skip(column) {
                *value -= factor * pivot;
            }
            right[row] -= factor * right[column];
        }
    }
    for column in (0..WEIGHTS).rev() {
        right[column] /= matrix[column][column];
        for row in 0..column {
            right[row] -= matrix[row][column] * right[column];
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_weights_that_made_the_labels_are_found() {
        let truth = BoundaryModel::TRAINED;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut candidates = Vec::new();
        for _ in 0..60_000 {
            let mut number = |least: f64, most: f64| rng.random_range(least..most);
            let features = QueryFeatures {
                cohesion: number(-3.0, 1.0),
                background: number(-7.0, -3.0),
            };
            let score = number(-5.0, 1.0);
            let log_odds = truth.score * score
                + truth.cohesion * features.cohesion
                + truth.background * features.background
                + truth.bias;
            candidates.push(LabelledCandidate {
                features,
                score,
                is_member: number(0.0, 1.0) < 1.0 / (1.0 + (-log_odds).exp()),
            });
        }
        let found = fit_boundary(&candidates).unwrap();
        for (found, expected) in [
            (found.score, truth.score),
            (found.cohesion, truth.cohesion),
            (found.background, truth.background),
            (found.bias, truth.bias),
        ] {
            assert!((found - expected).abs() < 0.1, "{found} {expected}");
        }
    }

    #[test]
    fn without_members_or_others_there_is_no_fit() {
        let candidate = |is_member| LabelledCandidate {
            features: QueryFeatures {
                cohesion: 0.0,
                background: 0.0,
            },
            score: 1.0,
            is_member,
        };
        assert_eq!(fit_boundary(&[]), None);
        assert_eq!(fit_boundary(&[candidate(true)]), None);
        assert_eq!(fit_boundary(&[candidate(false)]), None);
        assert!(fit_boundary(&[candidate(true), candidate(false)]).is_some());
    }
}
