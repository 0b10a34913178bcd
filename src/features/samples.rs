//! Makes the network's input from samples of pairs.

use tch::{Device, Tensor};

use crate::error::Result;
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::patch_store::PatchStore;
use crate::features::text_states::{TextStates, pad};
use crate::model::NetworkInput;
use crate::types::Mode;

/// A sentence, an image of the same entity, and the mode in which the network sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The index in [`LoadedPairs::pairs`], which gives the sentence and the entity.
    pub pair: usize,
    /// The index in the patch store.
    pub image: usize,
    pub mode: Mode,
}

/// The features of a data set from which the network's input is made.
pub struct FeatureSources {
    pub pairs: LoadedPairs,
    pub texts: TextStates,
    pub patches: PatchStore,
    pub device: Device,
}

/// The position of `[MASK]` in `[CLS] [MASK] [SEP]`.
const BLANK_MASK_POSITION: i64 = 1;

impl FeatureSources {
    /// Makes the input for these samples, which may have different modes.
    pub fn input(&self, samples: &[Sample]) -> Result<NetworkInput> {
        let texts: Vec<Option<usize>> = samples
            .iter()
            .map(|s| s.mode.sees_text().then_some(s.pair))
            .collect();
        let (text, text_keep) = self.texts.get(&texts, self.device)?;
        let position = |s: &Option<usize>| {
            s.map_or(BLANK_MASK_POSITION, |p| {
                self.pairs.pairs[p].mask_position as i64
            })
        };
        let mask_position: Vec<i64> = texts.iter().map(position).collect();
        let sees_image: Vec<bool> = samples.iter().map(|s| s.mode.sees_image()).collect();
        let (patches, image_keep) = if sees_image.contains(&true) {
            let images: Vec<usize> = samples.iter().map(|s| s.image).collect();
            let keep = sees_image
                .contains(&false)
                .then(|| Tensor::from_slice(&sees_image).to_device(self.device));
            (
                Some(self.patches.get(&images)?.to_device(self.device)),
                keep,
            )
        } else {
            (None, None)
        };
        Ok(NetworkInput {
            text,
            text_keep,
            mask_position: Tensor::from_slice(&mask_position).to_device(self.device),
            patches,
            image_keep,
        })
    }

    /// Returns the tokens of the masked mentions, `[B, M]`, and the mask of valid tokens, `[B, M]`.
    /// They are the targets of masked language modelling.
    pub fn mentions(&self, samples: &[Sample]) -> (Tensor, Tensor) {
        let mentions: Vec<&[i64]> = samples.iter().map(|s| self.pairs.mention(s.pair)).collect();
        pad(&mentions, self.device)
    }

    /// Returns the rows of the entities, `[B]`, which are the targets of masked entity prediction.
    pub fn labels(&self, samples: &[Sample]) -> Tensor {
        self.pairs
            .labels(samples.iter().map(|s| s.pair), self.device)
    }
}
