//! Profiles of entities by the frozen encoders: the mean of the unmasked sentences, and of the
//! images.

use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::entity_mean::EntityMean;
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::patch_store::PatchStore;
use crate::features::text_states::pad;
use crate::model::bert::Bert;
use crate::model::checkpoint::write_tensors;
use crate::model::finite::find_not_finite;
use crate::model::layer::{attention_bias, unit_rows};
use crate::model::weights::Weights;
use crate::progress::{Observer, Progress};

/// The maximum number of pairs of an entity that are used.
const MAX_PAIRS: usize = 16;
/// The batch size of the text encoder.
const BATCH: usize = 64;

/// The profiles of all entities, on the device.
#[derive(Debug)]
pub struct Profiles {
    /// The mean over the sentences of the unit mean over tokens, `[V, D]`.
    pub text: Tensor,
    /// The mean over the images of the mean over patches, `[V, F]`.
    pub image: Tensor,
}

impl Profiles {
    /// Computes the profiles. Those of texts are cached in `folder`. `encoder_hash` is the hash of
    /// BERT's weights.
    pub fn open(
        folder: &Path,
        pairs: &LoadedPairs,
        patches: &PatchStore,
        bert: &Bert,
        encoder_hash: &str,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let chosen: Vec<usize> = (0..pairs.entities.len())
            .flat_map(|row| pairs.pairs_of(row).take(MAX_PAIRS))
            .collect();
        let (settings, texts) = (bert.settings(), pairs.unmasked_hash());
        let name =
            blake3::hash(format!("{encoder_hash} {settings} {texts} {MAX_PAIRS}").as_bytes());
        let path = folder.join(format!("profile-{}.safetensors", &name.to_hex()[..32]));
        let text = match Weights::open(&path).and_then(|cached| cached.get("text")) {
            Ok(text) => text.to_device(device),
            // missing or damaged: compute it
            Err(_) => {
                let text = mean_texts(pairs, &chosen, bert, device, observe)?;
                check_finite("sentences", &text, pairs)?;
                std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                write_tensors(&path, &[("text".into(), text.shallow_clone())])?;
                text
            }
        };
        let image = mean_images(pairs, &chosen, patches, device)?;
        check_finite("images", &image, pairs)?;
        Ok(Profiles { text, image })
    }
}

/// Checks that all means are finite.
///
/// Errors: `Mismatch`, which names the entity.
fn check_finite(what: &str, means: &Tensor, pairs: &LoadedPairs) -> Result<()> {
    match find_not_finite(means)? {
        None => Ok(()),
        Some(found) => {
            let entity = pairs.entities[found.row()];
            Err(Error::Mismatch(format!(
                "the mean of entity {entity}'s {what} is not finite: {found}"
            )))
        }
    }
}

fn mean_texts(
    pairs: &LoadedPairs,
    chosen: &[usize],
    bert: &Bert,
    device: Device,
    observe: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let mut order = chosen.to_vec();
    order.sort_by_key(|&pair| pairs.length(pair));
    let mut mean = EntityMean::new(pairs.entities.len(), device);
    for (i, batch) in order.chunks(BATCH).enumerate() {
        let texts: Vec<Vec<i64>> = batch.iter().map(|&pair| pairs.unmasked(pair)).collect();
        mean.add(
            &pairs.labels(batch.iter().copied(), device),
            &sentence_states(bert, &texts, device),
        );
        let done = (i * BATCH + batch.len()) as u64;
        observe.report(Progress::new("text profiles", done, order.len() as u64))?;
    }
    Ok(mean.finish())
}

/// Returns the mean over tokens of BERT's last hidden states, of unit length: `[B, D]`.
pub(super) fn sentence_states<T: AsRef<[i64]>>(bert: &Bert, texts: &[T], device: Device) -> Tensor {
    let (ids, keep) = pad(texts, device);
    tch::no_grad(|| {
        let states = bert.lower(&ids, &attention_bias(&keep), 0);
        let keep = keep.to_kind(Kind::Float).unsqueeze(-1);
        let sums = (states * keep).sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
        unit_rows(&sums)
    })
}

fn mean_images(
    pairs: &LoadedPairs,
    chosen: &[usize],
    patches: &PatchStore,
    device: Device,
) -> Result<Tensor> {
    let mut mean = EntityMean::new(pairs.entities.len(), device);
    for batch in chosen.chunks(BATCH) {
        let images: Vec<usize> = batch.iter().map(|&pair| pairs.pairs[pair].image).collect();
        let features = patches
            .get(&images)?
            .mean_dim([1i64].as_slice(), false, Kind::Float)
            .to_device(device);
        mean.add(&pairs.labels(batch.iter().copied(), device), &features);
    }
    Ok(mean.finish())
}
