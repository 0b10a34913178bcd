//! Vectors of the frozen encoders: of every sentence, and of every entity by its images.

use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::entity_mean::{EntityMean, centred_unit_rows_of};
use crate::features::frozen_corpus::{EntitySentence, FrozenCorpus};
use crate::features::load_pairs::TextEncoder;
use crate::features::patch_store::{ImageFeatures, PatchStore};
use crate::features::profiles::sentence_states;
use crate::model::bert::Bert;
use crate::model::checkpoint::write_tensors;
use crate::model::finite::find_not_finite;
use crate::model::layer::unit_rows;
use crate::model::parameters::load_encoder;
use crate::model::weights::Weights;
use crate::progress::{Observer, Progress};

/// The batch size of the text encoder.
const TEXT_BATCH: usize = 64;
/// The number of images that are read at once.
const IMAGE_BATCH: usize = 256;
/// The fraction of the mean variance that is added to each variance before images are whitened.
const WHITENING_FLOOR: f64 = 0.1;

/// Vectors of the sentences of a corpus, each the mean over tokens of the text encoder's last hidden
/// states, of unit length.
pub struct SentenceVectors {
    /// With the mention, `[N, D]`.
    pub unmasked: Tensor,
    /// With the mention masked, `[N, D]`.
    pub masked: Tensor,
    /// The row of each sentence's entity.
    pub rows: Vec<i64>,
}

impl SentenceVectors {
    /// Encodes the sentences of a corpus. The vectors are cached in `folder`.
    ///
    /// Errors: those of opening the encoder; `Mismatch` for numbers that are not finite; `Stopped`.
    pub fn open(
        corpus: &FrozenCorpus,
        encoder: &TextEncoder,
        folder: &Path,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let store = VarStore::new(device);
        let bert = Bert::new(store.root() / "bert", &encoder.sizes);
        load_encoder(&store, &encoder.weights)?;
        let rows = corpus.sentences.iter().map(|s| s.row as i64).collect();
        let path = folder.join(format!(
            "sentences-{}.safetensors",
            cache_name(corpus, encoder, &bert)
        ));
        let cached = Weights::open(&path)
            .and_then(|cached| Ok((cached.get("unmasked")?, cached.get("masked")?)));
        if let Ok((unmasked, masked)) = cached {
            let [unmasked, masked] =
                [unmasked, masked].map(|t| t.to_kind(Kind::Float).to_device(device));
            return Ok(SentenceVectors {
                unmasked,
                masked,
                rows,
            });
        }
        // missing or damaged: compute them
        let texts = |get: fn(&EntitySentence) -> &[i64]| {
            corpus.sentences.iter().map(get).collect::<Vec<_>>()
        };
        let unmasked = encode(
            &bert,
            &texts(|s| &s.unmasked),
            "sentences",
            device,
            observer,
        )?;
        let masked = encode(
            &bert,
            &texts(|s| &s.masked),
            "masked sentences",
            device,
            observer,
        )?;
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let stored = |name: &str, vectors: &Tensor| {
            let half = vectors.to_kind(Kind::Half).to_device(Device::Cpu);
            (name.to_owned(), half)
        };
        write_tensors(
            &path,
            &[stored("unmasked", &unmasked), stored("masked", &masked)],
        )?;
        // The same numbers whether they were cached or not.
        let [unmasked, masked] =
            [unmasked, masked].map(|t| t.to_kind(Kind::Half).to_kind(Kind::Float));
        Ok(SentenceVectors {
            unmasked,
            masked,
            rows,
        })
    }

    /// Returns the vector of every entity, `[entities, 2 D]` of unit length: the mean of its unmasked
    /// sentences, and less heavily that of its masked ones. With `chosen`, only these sentences
    /// count.
    pub fn entity_vectors(&self, entities: usize, chosen: Option<&[usize]>) -> Tensor {
        let all: Vec<i64> = match chosen {
            Some(chosen) => chosen.iter().map(|&i| i as i64).collect(),
            None => (0..self.rows.len() as i64).collect(),
        };
        let labels: Vec<i64> = all.iter().map(|&i| self.rows[i as usize]).collect();
        let device = self.unmasked.device();
        let labels = Tensor::from_slice(&labels).to_device(device);
        let all = Tensor::from_slice(&all).to_device(device);
        let [unmasked, masked] = [&self.unmasked, &self.masked].map(|vectors| {
            let mut mean = EntityMean::new(entities, device);
            mean.add(&labels, &vectors.index_select(0, &all));
            centred_unit_rows_of(&labels, &mean.finish())
        });
        let both = Tensor::cat(&[unmasked, masked * MASKED_WEIGHT], 1);
        centred_unit_rows_of(&labels, &both)
    }
}

/// The weight of masked sentences relative to unmasked ones.
const MASKED_WEIGHT: f64 = 0.7;

/// Returns the hash of everything that the vectors depend on.
fn cache_name(corpus: &FrozenCorpus, encoder: &TextEncoder, bert: &Bert) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{} {}", encoder.source.hash, bert.settings()).as_bytes());
    for sentence in &corpus.sentences {
        for id in sentence.unmasked.iter().chain(&sentence.masked) {
            hasher.update(&id.to_le_bytes());
        }
        hasher.update(b"|");
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Returns the vectors of texts, `[N, D]` on the CPU. Texts of similar lengths are encoded together.
fn encode(
    bert: &Bert,
    texts: &[&[i64]],
    stage: &str,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&i| texts[i].len());
    let mut vectors = Vec::with_capacity(order.len() / TEXT_BATCH + 1);
    for (number, batch) in order.chunks(TEXT_BATCH).enumerate() {
        let done = (number * TEXT_BATCH) as u64;
        observer.report(Progress::new(stage, done, texts.len() as u64))?;
        let batch: Vec<&[i64]> = batch.iter().map(|&i| texts[i]).collect();
        vectors.push(sentence_states(bert, &batch, device).to_device(Device::Cpu));
    }
    let mut position = vec![0i64; order.len()];
    for (at, &i) in order.iter().enumerate() {
        position[i] = at as i64;
    }
    let vectors = Tensor::cat(&vectors, 0).index_select(0, &Tensor::from_slice(&position));
    match find_not_finite(&vectors)? {
        None => Ok(vectors.to_device(device)),
        Some(found) => Err(Error::Mismatch(format!(
            "the vector of one of the {stage} is not finite: {found}"
        ))),
    }
}

/// Returns the vector of every entity by its images, `[entities, F]` of unit length; 0 for an entity
/// without an image. `None` if no entity has one.
///
/// An image is the mean of its patches. The vectors of all images are centred, and their principal
/// components divided by the fourth root of their variance, which halves the differences between
/// strong and weak components. An entity is the mean of its images of unit length, centred.
///
/// Errors: those of the patch features; `Stopped`.
pub fn image_vectors(
    corpus: &FrozenCorpus,
    features: &ImageFeatures,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Option<Tensor>> {
    let store = &features.store;
    if store.is_empty() {
        return Ok(None);
    }
    let (mut labels, mut images) = (Vec::new(), Vec::new());
    for (row, own) in corpus.images.iter().enumerate() {
        for number in own.iter().filter_map(|path| store.number(path)) {
            labels.push(row as i64);
            images.push(number);
        }
    }
    let whitening = Whitening::of_images(store, device, observer)?;
    let entities = corpus.entities.len();
    let mut mean = EntityMean::new(entities, device);
    for (labels, images) in labels.chunks(IMAGE_BATCH).zip(images.chunks(IMAGE_BATCH)) {
        let vectors = unit_rows(&whitening.apply(&mean_patches(store, images, device)?));
        mean.add(&Tensor::from_slice(labels).to_device(device), &vectors);
    }
    let labels = Tensor::from_slice(&labels).to_device(device);
    Ok(Some(centred_unit_rows_of(&labels, &mean.finish())))
}

/// Returns the mean over patches of these images, `[B, F]`.
fn mean_patches(store: &PatchStore, images: &[usize], device: Device) -> Result<Tensor> {
    let patches = store.get(images)?;
    Ok(patches
        .mean_dim([1i64].as_slice(), false, Kind::Float)
        .to_device(device))
}

/// A linear map that halves, on a logarithmic scale, the differences between the variances of the
/// principal components.
struct Whitening {
    /// `[F]`.
    mean: Tensor,
    /// `[F, F]`.
    components: Tensor,
}

impl Whitening {
    fn of_images(
        store: &PatchStore,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let (count, width) = (store.len(), store.features());
        let options = (Kind::Double, device);
        let mut sum = Tensor::zeros([width], options);
        let mut products = Tensor::zeros([width, width], options);
        let all: Vec<usize> = (0..count).collect();
        for (number, images) in all.chunks(IMAGE_BATCH).enumerate() {
            let done = (number * IMAGE_BATCH) as u64;
            observer.report(Progress::new("image vectors", done, count as u64))?;
            let vectors = mean_patches(store, images, device)?.to_kind(Kind::Double);
            sum += vectors.sum_dim_intlist([0i64].as_slice(), false, Kind::Double);
            products += vectors.tr().matmul(&vectors);
        }
        let mean = sum / count as f64;
        let covariance = products / count as f64 - mean.outer(&mean);
        let (variances, directions) = covariance.linalg_eigh("L");
        let variances = variances.clamp_min(0.0);
        let floor = variances.mean(Kind::Double) * WHITENING_FLOOR;
        let scale = (variances + floor)
            .clamp_min(1e-12)
            .pow_tensor_scalar(-0.25);
        Ok(Whitening {
            mean: mean.to_kind(Kind::Float),
            components: (directions * scale).to_kind(Kind::Float),
        })
    }

    /// Maps vectors `[B, F]`.
    fn apply(&self, vectors: &Tensor) -> Tensor {
        (vectors - &self.mean).matmul(&self.components)
    }
}
