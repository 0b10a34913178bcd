//! The parts of a candidate's score. The score is a sum, so the parts are exact.

use crate::error::Result;
use crate::index::{Index, ModeIndex};
use crate::types::{ModalityParts, Mode, Row};

/// The parts of a candidate's score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreParts {
    /// ΣZ over the seeds, which is the sum of `seeds` and of `parts`.
    pub score: f64,
    /// Z\[seed\]\[candidate\], in the order of the seeds.
    pub seeds: Vec<f64>,
    /// The contribution of each modality; `None` if the index lacks a mode that this requires.
    pub parts: Option<ModalityParts>,
}

/// Returns the parts of each candidate's ΣZ over the seeds in this mode, with the Shapley value of
/// each modality. All rows must be of this index. Error: the index does not have the mode.
pub fn explain(
    index: &Index,
    mode: Mode,
    seeds: &[Row],
    candidates: &[Row],
) -> Result<Vec<ScoreParts>> {
    let by_seed = index.view(mode)?.z(seeds, candidates);
    let sums = |m: Mode| -> Option<Vec<f64>> {
        let z = index.view(m).ok()?.z(seeds, candidates);
        Some(
            (0..candidates.len())
                .map(|c| z.iter().map(|row| row[c]).sum())
                .collect(),
        )
    };
    let parts = parts(mode, sums);
    let explanations = (0..candidates.len()).map(|c| {
        let seeds: Vec<f64> = by_seed.iter().map(|row| row[c]).collect();
        ScoreParts {
            score: seeds.iter().sum(),
            seeds,
            parts: parts.as_ref().map(|p| p[c]),
        }
    });
    Ok(explanations.collect())
}

/// Returns the contribution of each modality to Σ weight · S\[member\]\[candidate\] in a stored mode;
/// `None` if the index lacks a mode that this requires.
pub fn similarity_parts(
    index: &Index,
    view: &ModeIndex,
    members: &[(Row, f64)],
    candidates: &[Row],
) -> Option<Vec<ModalityParts>> {
    let rows: Vec<Row> = members.iter().map(|(row, _)| *row).collect();
    let sums = |mode: Mode| -> Option<Vec<f64>> {
        let view = if mode == view.mode() {
            *view
        } else {
            index.view(mode).ok()?
        };
        let similarities = view.symmetric(&rows, candidates);
        let sum = |c: usize| {
            let weighted = members.iter().zip(&similarities);
            weighted.map(|((_, weight), row)| weight * row[c]).sum()
        };
        Some((0..candidates.len()).map(sum).collect())
    };
    parts(view.mode(), sums)
}

/// Returns prior, text and image of each candidate, from its score in each mode
/// (`docs/ALGORITHM.md`): φ_text = ½[(s(text) − s(none)) + (s(both) − s(image))], and φ_image
/// likewise.
pub(super) fn parts(
    mode: Mode,
    sums: impl Fn(Mode) -> Option<Vec<f64>>,
) -> Option<Vec<ModalityParts>> {
    if mode.is_frozen() {
        return single_modality_parts(mode, sums(mode)?);
    }
    let none = sums(Mode::None)?;
    let parts = match mode {
        Mode::None | Mode::FrozenText | Mode::FrozenImage | Mode::Words => none
            .into_iter()
            .map(|prior| ModalityParts {
                prior,
                ..ModalityParts::default()
            })
            .collect(),
        Mode::Text => {
            let pairs = none.into_iter().zip(sums(Mode::Text)?);
            pairs
                .map(|(prior, text)| ModalityParts {
                    prior,
                    text: text - prior,
                    ..ModalityParts::default()
                })
                .collect()
        }
        Mode::Image => {
            let pairs = none.into_iter().zip(sums(Mode::Image)?);
            pairs
                .map(|(prior, image)| ModalityParts {
                    prior,
                    image: image - prior,
                    ..ModalityParts::default()
                })
                .collect()
        }
        Mode::Both => {
            let (both, text, image) = (sums(Mode::Both)?, sums(Mode::Text)?, sums(Mode::Image)?);
            (0..none.len())
                .map(|c| shapley(none[c], text[c], image[c], both[c]))
                .collect()
        }
    };
    Some(parts)
}

/// Returns the parts of scores to which only the modality of `mode` contributes.
fn single_modality_parts(mode: Mode, scores: Vec<f64>) -> Option<Vec<ModalityParts>> {
    let part = |score| ModalityParts {
        text: if mode.sees_text() { score } else { 0.0 },
        image: if mode.sees_image() { score } else { 0.0 },
        ..ModalityParts::default()
    };
    Some(scores.into_iter().map(part).collect())
}

fn shapley(none: f64, text: f64, image: f64, both: f64) -> ModalityParts {
    ModalityParts {
        prior: none,
        text: 0.5 * ((text - none) + (both - image)),
        image: 0.5 * ((image - none) + (both - text)),
        ..ModalityParts::default()
    }
}
