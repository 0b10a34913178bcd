//! The similarity of a mode, by which the feedback ranking compares two entities
//! (`docs/ALGORITHM.md`, "Feedback ranking"): a weighted sum over one or several stored modes, of
//! one or several indexes.
//!
//! In an index with modes that need no training, mode `text` is the mean of the trained mode `text`
//! and of the frozen text, plus the words. Mode `both` is the mean of the trained mode `both` and of
//! the frozen text, plus the words, plus the frozen images, which count as much as they can be
//! trusted.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::index::{ImageTrust, Index, ModeIndex};
use crate::types::{Mode, Row};

/// The largest weight of images, relative to the text.
pub const MAX_IMAGE_WEIGHT: f64 = 0.3;
/// The weight of images for each unit of trust.
const IMAGE_WEIGHT_PER_TRUST: f64 = 3.0;

/// The weight of the words, relative to the other text.
pub const WORDS_WEIGHT: f64 = 0.2;

/// The weight of a part of a similarity.
#[derive(Debug, Clone, Copy)]
enum PartWeight<'a> {
    Fixed(f64),
    /// The factor of a weight that depends on the query: the mean over the seeds of the trust in
    /// their images, less the trust below which images do not count, times
    /// [`IMAGE_WEIGHT_PER_TRUST`], between 0 and [`MAX_IMAGE_WEIGHT`].
    Trust(f64, ImageTrust<'a>),
}

/// One stored mode of a similarity.
#[derive(Clone, Copy)]
struct SimilarityPart<'a> {
    view: ModeIndex<'a>,
    weight: PartWeight<'a>,
}

/// The similarity of a mode.
#[derive(Clone)]
pub struct Similarity<'a> {
    parts: Vec<SimilarityPart<'a>>,
}

/// A part of a similarity with its weight and its neighborhood size for one query.
pub struct QueryPart<'a> {
    pub view: ModeIndex<'a>,
    pub weight: f64,
    /// k.
    pub neighborhood: usize,
    /// H\[·\]\[k\], `[V]`.
    pub hubness: &'a [f32],
}

impl<'a> Similarity<'a> {
    /// Returns the similarity of a mode.
    ///
    /// Errors: those of [`Index::view`].
    pub fn of_mode(index: &'a Index, mode: Mode) -> Result<Self> {
        let modes = index.modes_of_similarity(mode);
        let is_added = |m: &Mode| matches!(m, Mode::FrozenImage | Mode::Words);
        let averaged = modes.iter().filter(|m| !is_added(m)).count();
        let mut parts = Vec::with_capacity(modes.len());
        for &stored in &modes {
            let view = index.view(stored)?;
            let weight = match stored {
                _ if modes.len() == 1 => PartWeight::Fixed(1.0),
                Mode::FrozenImage => PartWeight::Trust(1.0, image_trust(index, &view)?),
                Mode::Words => PartWeight::Fixed(WORDS_WEIGHT),
                _ => PartWeight::Fixed(1.0 / averaged as f64),
            };
            parts.push(SimilarityPart { view, weight });
        }
        Ok(Similarity { parts })
    }

    /// Returns the similarity of one mode alone, without trust in images.
    pub fn of_view(view: ModeIndex<'a>) -> Self {
        Similarity::weighted([(view, 1.0)])
    }

    /// Returns the sum of several modes with fixed weights, without trust in images.
    pub fn weighted(views: impl IntoIterator<Item = (ModeIndex<'a>, f64)>) -> Self {
        let part = |(view, weight)| SimilarityPart {
            view,
            weight: PartWeight::Fixed(weight),
        };
        Similarity {
            parts: views.into_iter().map(part).collect(),
        }
    }

    /// Returns the mean of several similarities of the same entities.
    pub fn mean(similarities: impl IntoIterator<Item = Similarity<'a>>) -> Self {
        let all: Vec<Similarity> = similarities.into_iter().collect();
        let factor = 1.0 / all.len() as f64;
        let mut parts = Vec::new();
        for mut part in all.into_iter().flat_map(|similarity| similarity.parts) {
            part.weight = match part.weight {
                PartWeight::Fixed(weight) => PartWeight::Fixed(weight * factor),
                PartWeight::Trust(weight, trust) => PartWeight::Trust(weight * factor, trust),
            };
            parts.push(part);
        }
        Similarity { parts }
    }

    /// Returns V, the number of entities.
    pub fn len(&self) -> usize {
        self.parts[0].view.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the stored modes and their largest possible weights.
    pub fn modes(&self) -> Vec<(Mode, f64)> {
        let part = |part: &SimilarityPart| {
            let weight = match part.weight {
                PartWeight::Fixed(weight) => weight,
                PartWeight::Trust(factor, _) => factor * MAX_IMAGE_WEIGHT,
            };
            (part.view.mode(), weight)
        };
        self.parts.iter().map(part).collect()
    }

    /// Computes the rows of S of these entities, so that queries find them in the cache.
    pub fn prepare(&self, rows: &[Row]) {
        for part in &self.parts {
            part.view.symmetric_rows(rows);
        }
    }

    /// Returns the parts with their weights and neighborhood sizes for a query with these seeds.
    /// Parts of weight 0 are left out.
    pub fn for_query(
        &self,
        seeds: &[Row],
        neighborhood: impl Fn(&[Rc<Vec<f32>>]) -> usize,
    ) -> Result<Vec<QueryPart<'a>>> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let weight = match part.weight {
                PartWeight::Fixed(weight) => weight,
                PartWeight::Trust(factor, trust) => factor * image_weight(trust, seeds),
            };
            if weight == 0.0 {
                continue;
            }
            let k = neighborhood(&part.view.symmetric_rows(seeds));
            parts.push(QueryPart {
                view: part.view,
                weight,
                neighborhood: k,
                hubness: part.view.hubness(k)?,
            });
        }
        Ok(parts)
    }
}

/// Returns the trust in the images of an index.
///
/// Errors: `Format` if the index has none.
fn image_trust<'a>(index: &Index, view: &ModeIndex<'a>) -> Result<ImageTrust<'a>> {
    view.image_trust()?
        .ok_or_else(|| Error::format(index.path(), "is damaged: it has no trust in its images"))
}

/// Returns the weight of images for a query with these seeds.
fn image_weight(trust: ImageTrust, seeds: &[Row]) -> f64 {
    let trust_of = |seed: &Row| f64::from(trust.of_entities[seed.index()]);
    let mean = seeds.iter().map(trust_of).sum::<f64>() / seeds.len() as f64;
    (IMAGE_WEIGHT_PER_TRUST * (mean - f64::from(trust.min))).clamp(0.0, MAX_IMAGE_WEIGHT)
}
