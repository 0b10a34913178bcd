//! Building of an index without a model, from the frozen encoders alone, and the modes without
//! training that an index of a trained model has too.

use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

use crate::data::Dataset;
use crate::error::Result;
use crate::features::encoder_source::resolve_encoder;
use crate::features::feature_cache::{DEFAULT_LIMIT, FeatureCache};
use crate::features::frozen_corpus::FrozenCorpus;
use crate::features::frozen_vectors::{SentenceVectors, image_vectors};
use crate::features::image_encoder::ImageEncoder;
use crate::features::load_pairs::TextEncoder;
use crate::features::patch_store::{cache_record, image_features};
use crate::index::builder::Builder;
use crate::index::frozen_modes;
use crate::index::meta::{Entity, LeftOut, Origin, Provenance};
use crate::index::mode_index::IMAGE_TRUST;
use crate::index::pair_table::PairTable;
use crate::model::device::device_name;
use crate::progress::{Observer, Progress};
use crate::types::{EntityId, Mode};

/// The inputs and the output of an index without a model.
#[derive(Debug, Clone)]
pub struct FrozenIndexPaths {
    pub dataset: PathBuf,
    pub out: PathBuf,
    /// The folder for cached features of the frozen encoders.
    pub cache: PathBuf,
    /// The names of the encoders (see [`resolve_encoder`]).
    pub text_encoder: String,
    pub image_encoder: String,
}

/// Builds an index without a model. An entity needs a sentence or an image. Returns the reasons why
/// data were left out, with counts.
///
/// Errors: those of the data set and of the encoders; `Mismatch` if no entity has a sentence or an
/// image; `Stopped`.
pub fn build_frozen_index(
    paths: &FrozenIndexPaths,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<Vec<(String, usize)>> {
    let dataset = Dataset::open(&paths.dataset)?;
    let text = TextEncoder::open(&paths.text_encoder)?;
    let corpus = FrozenCorpus::read(&dataset, &text.tokenizer, None, observer)?;
    let image = match corpus.distinct_images().is_empty() {
        true => None,
        false => Some(ImageEncoder::open(
            &resolve_encoder(&paths.image_encoder)?,
            device,
            true,
        )?),
    };
    let modes = FrozenModes::new(
        &corpus,
        &text,
        image.as_ref(),
        &paths.cache,
        device,
        observer,
    )?;
    let mut left_out = corpus.left_out.clone();
    left_out.extend(modes.left_out.clone());
    let entity = |&id: &EntityId| Entity {
        id,
        name: dataset.vocabulary.name(id).unwrap_or_default().to_owned(),
    };
    let entities = corpus.entities.iter().map(entity).collect();
    let provenance = Provenance {
        dataset: Some(Origin::relative_to(
            &paths.out,
            dataset.name.clone(),
            &dataset.root,
            dataset.hash()?,
        )?),
        state: "frozen".to_owned(),
        device: device_name(device),
        settings: serde_json::json!({
            "text_encoder": text.source,
            "image_encoder": image.as_ref().map(|image| serde_json::json!({
                "name": paths.image_encoder,
                "hash": image.weights_hash(),
            })),
        }),
        left_out: left_out.iter().map(left_out_entry).collect(),
        ..Provenance::default()
    };
    let mut builder = Builder::without_head(&paths.out, entities, provenance, device)?;
    modes.add_to(&mut builder, observer)?;
    builder.add_pairs(&sentence_table(&corpus))?;
    builder.finish()?;
    Ok(left_out)
}

fn left_out_entry((reason, count): &(String, usize)) -> LeftOut {
    LeftOut {
        reason: reason.clone(),
        count: *count,
        ..LeftOut::default()
    }
}

/// Returns the table of the sentences, as pairs without states. An entity without a sentence has a
/// pair at the start of the corpus, since every entity needs one.
fn sentence_table(corpus: &FrozenCorpus) -> PairTable {
    let mut table = PairTable {
        row_offsets: vec![0],
        offset: Vec::new(),
        mention: Vec::new(),
        states: Vec::new(),
    };
    let mut sentences = corpus.sentences.iter().peekable();
    for row in 0..corpus.entities.len() {
        let start = table.offset.len();
        while let Some(sentence) = sentences.next_if(|sentence| sentence.row == row) {
            table.offset.push(sentence.offset);
            table.mention.push(u32::from(sentence.mention));
        }
        if table.offset.len() == start {
            table.offset.push(0);
            table.mention.push(0);
        }
        table.row_offsets.push(table.offset.len() as i64);
    }
    table
}

/// The vectors of the modes without training.
pub struct FrozenModes {
    /// `[V, D]` of unit length; 0 for an entity without a sentence.
    text: Option<Tensor>,
    /// `[V, D]` of unit length; 0 for an entity without an image.
    image: Option<Tensor>,
    /// The trust in the images of each entity, `[V]`; 0 throughout without text.
    trust: Option<Tensor>,
    /// The images that could not be read, with their count.
    pub left_out: Vec<(String, usize)>,
}

impl FrozenModes {
    /// Computes the vectors. Without `image_encoder` images are not used.
    ///
    /// Errors: those of the encoders; `Stopped`.
    pub fn new(
        corpus: &FrozenCorpus,
        text_encoder: &TextEncoder,
        image_encoder: Option<&ImageEncoder>,
        cache: &Path,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let mut left_out = Vec::new();
        let text = if corpus.sentences.is_empty() {
            None
        } else {
            let vectors = SentenceVectors::open(corpus, text_encoder, cache, device, observer)?;
            Some(text_vectors(
                &vectors,
                corpus.entities.len(),
                None,
                observer,
            )?)
        };
        let image = match image_encoder {
            None => None,
            Some(encoder) => {
                let features = FeatureCache::open(
                    &cache.join("patches"),
                    &encoder.hash(),
                    cache_record(encoder),
                    DEFAULT_LIMIT,
                )?;
                let images = corpus.distinct_images();
                let features = image_features(&images, encoder, features, None, observer)?;
                if !features.broken.is_empty() {
                    let (path, reason) = &features.broken[0];
                    let what = format!(
                        "images that cannot be read (the first: {} {reason})",
                        path.display()
                    );
                    left_out.push((what, features.broken.len()));
                }
                tch::no_grad(|| image_vectors(corpus, &features, device, observer))?
            }
        };
        let image = image.map(|image| frozen_modes::reduced(&image));
        let trust = match (&text, &image) {
            (Some(text), Some(image)) => Some(tch::no_grad(|| {
                frozen_modes::image_trust(text, image, observer)
            })?),
            _ => None,
        };
        Ok(FrozenModes {
            text,
            image,
            trust,
            left_out,
        })
    }

    /// Adds the modes to an index.
    pub fn add_to(
        self,
        builder: &mut Builder,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        if let Some(text) = self.text.filter(|_| !builder.has_mode(Mode::FrozenText)) {
            builder.add_frozen_mode(Mode::FrozenText, &text, Vec::new(), observer)?;
        }
        if let Some(image) = self.image.filter(|_| !builder.has_mode(Mode::FrozenImage)) {
            let trust = self.trust.map(|trust| (IMAGE_TRUST, trust));
            let others = trust.into_iter().collect();
            builder.add_frozen_mode(Mode::FrozenImage, &image, others, observer)?;
        }
        Ok(())
    }
}

/// Returns the text vector of every entity, `[entities, D]`, from the sentences at the positions
/// `chosen`, or from all.
///
/// Errors: `Stopped`.
pub fn text_vectors(
    sentences: &SentenceVectors,
    entities: usize,
    chosen: Option<&[usize]>,
    observer: &mut dyn Observer<Progress>,
) -> Result<Tensor> {
    tch::no_grad(|| {
        let vectors = sentences.entity_vectors(entities, chosen);
        Ok(frozen_modes::reduced(&frozen_modes::smoothed(
            &vectors, observer,
        )?))
    })
}
