//! From pairs to what the network takes.

use tch::{Device, Tensor};

use crate::error::Result;
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::patch_store::PatchStore;
use crate::features::text_states::{TextStates, pad};
use crate::model::NetworkInput;
use crate::types::Mode;

/// One pair as it is shown: a sentence, a picture of the same entity, and what of them is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Number in [`LoadedPairs::pairs`]: gives the sentence and the entity.
    pub pair: usize,
    /// Number in the store of patches.
    pub image: usize,
    pub mode: Mode,
}

/// Everything about a data set that the network is fed from.
pub struct FeatureSources {
    pub pairs: LoadedPairs,
    pub texts: TextStates,
    pub patches: PatchStore,
    pub device: Device,
}

/// Where `[MASK]` stands in `[CLS] [MASK] [SEP]`.
const BLANK_MASK_AT: i64 = 1;

impl FeatureSources {
    /// The input for these samples, of any mix of modes.
    pub fn input(&self, samples: &[Sample]) -> Result<NetworkInput> {
        let shown: Vec<Option<usize>> = samples
            .iter()
            .map(|s| s.mode.sees_text().then_some(s.pair))
            .collect();
        let (text, text_keep) = self.texts.get(&shown, self.device)?;
        let at = |s: &Option<usize>| {
            s.map_or(BLANK_MASK_AT, |p| self.pairs.pairs[p].mask_position as i64)
        };
        let mask_position: Vec<i64> = shown.iter().map(at).collect();
        let seen: Vec<bool> = samples.iter().map(|s| s.mode.sees_image()).collect();
        let (patches, image_keep) = if seen.contains(&true) {
            let images: Vec<usize> = samples.iter().map(|s| s.image).collect();
            let keep = seen
                .contains(&false)
                .then(|| Tensor::from_slice(&seen).to_device(self.device));
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

    /// The tokens that the masks hide, `[B, M]`, and `[B, M]` true where they are: what masked
    /// language modelling is to find.
    pub fn mentions(&self, samples: &[Sample]) -> (Tensor, Tensor) {
        let hidden: Vec<&[i64]> = samples.iter().map(|s| self.pairs.mention(s.pair)).collect();
        pad(&hidden, self.device)
    }

    /// The entities' rows, `[B]`: what masked entity prediction is to find.
    pub fn labels(&self, samples: &[Sample]) -> Tensor {
        self.pairs
            .labels(samples.iter().map(|s| s.pair), self.device)
    }
}
