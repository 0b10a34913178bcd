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
use crate::features::word_vectors::word_vectors;
use crate::index::builder::Builder;
use crate::index::frozen_modes;
use crate::index::meta::{Entity, LeftOut, Origin, Provenance};
use crate::index::mode_index::{IMAGE_TRUST, MIN_TRUST};
use crate::index::pair_table::PairTable;
use crate::index::staged_folder::prepare_destination;
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
    prepare_destination(&paths.out)?;
    let names = [paths.text_encoder.as_str(), paths.image_encoder.as_str()];
    let sources = open_sources(&dataset, names, &paths.cache, device, observer)?;
    let modes = sources.modes(None, observer)?;
    let corpus = &sources.corpus;
    let mut left_out = corpus.left_out.clone();
    left_out.extend(sources.left_out.clone());
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
        settings: sources.settings.clone(),
        left_out: left_out.iter().map(left_out_entry).collect(),
        ..Provenance::default()
    };
    let mut builder = Builder::without_head(&paths.out, entities, provenance, device)?;
    modes.add_to(&mut builder, observer)?;
    builder.add_pairs(&sentence_table(corpus))?;
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

/// Opens the encoders with these names (see [`resolve_encoder`]), and encodes the corpus of a data
/// set. The image encoder is opened only if there is an image.
///
/// Errors: those of the data set and of the encoders; `Mismatch` if no entity has a sentence or an
/// image; `Stopped`.
pub fn open_sources(
    dataset: &Dataset,
    [text_encoder, image_encoder]: [&str; 2],
    cache: &Path,
    device: Device,
    observer: &mut dyn Observer<Progress>,
) -> Result<FrozenSources> {
    let text = TextEncoder::open(text_encoder)?;
    let corpus = FrozenCorpus::read(dataset, &text.tokenizer, None, observer)?;
    let image = match corpus.distinct_images().is_empty() {
        true => None,
        false => Some(ImageEncoder::open(
            &resolve_encoder(image_encoder)?,
            device,
            true,
        )?),
    };
    let mut sources = FrozenSources::new(corpus, &text, image.as_ref(), cache, device, observer)?;
    sources.settings = serde_json::json!({
        "text_encoder": text.source,
        "image_encoder": image.map(|image| serde_json::json!({
            "name": image_encoder,
            "hash": image.weights_hash(),
        })),
    });
    Ok(sources)
}

/// The vectors of sentences and images, from which the modes without training are computed.
pub struct FrozenSources {
    pub corpus: FrozenCorpus,
    /// `None` if the corpus has no sentence.
    pub sentences: Option<SentenceVectors>,
    /// `[V, D]` of unit length; 0 for an entity without an image. `None` if there is no image.
    image: Option<Tensor>,
    /// The images that could not be read, with their count.
    left_out: Vec<(String, usize)>,
    /// The names and hashes of the encoders.
    settings: serde_json::Value,
    device: Device,
}

impl FrozenSources {
    /// Returns the sources of a corpus without its vectors, for tests.
    #[cfg(test)]
    pub fn without_vectors(corpus: FrozenCorpus) -> Self {
        FrozenSources {
            corpus,
            sentences: None,
            image: None,
            left_out: Vec::new(),
            settings: serde_json::Value::Null,
            device: Device::Cpu,
        }
    }

    /// Encodes the sentences and images of a corpus. Without `image_encoder` images are not used.
    ///
    /// Errors: those of the encoders; `Stopped`.
    pub fn new(
        corpus: FrozenCorpus,
        text_encoder: &TextEncoder,
        image_encoder: Option<&ImageEncoder>,
        cache: &Path,
        device: Device,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let sentences = match corpus.sentences.is_empty() {
            true => None,
            false => Some(SentenceVectors::open(
                &corpus,
                text_encoder,
                cache,
                device,
                observer,
            )?),
        };
        let mut left_out = Vec::new();
        let mut image = None;
        if let Some(encoder) = image_encoder {
            let features = FeatureCache::open(
                &cache.join("patches"),
                &encoder.hash(),
                cache_record(encoder),
                DEFAULT_LIMIT,
            )?;
            let images = corpus.distinct_images();
            let features = image_features(&images, encoder, features, None, observer)?;
            left_out.extend(unreadable(&features.broken));
            let vectors = tch::no_grad(|| image_vectors(&corpus, &features, device, observer))?;
            image = vectors.map(|vectors| frozen_modes::reduced(&vectors));
        }
        Ok(FrozenSources {
            corpus,
            sentences,
            image,
            left_out,
            settings: serde_json::Value::Null,
            device,
        })
    }

    /// Computes the modes, with only the sentences at these positions, or with all.
    ///
    /// Errors: `Stopped`.
    pub fn modes(
        &self,
        chosen: Option<&[usize]>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<FrozenModes> {
        let entities = self.corpus.entities.len();
        let text = match &self.sentences {
            None => None,
            Some(sentences) => Some(tch::no_grad(|| -> Result<Tensor> {
                let vectors = sentences.entity_vectors(entities, chosen);
                let smoothed = frozen_modes::smoothed(&vectors, observer)?;
                Ok(frozen_modes::reduced(&smoothed))
            })?),
        };
        let trust = match (&text, &self.image) {
            (Some(text), Some(image)) => Some(tch::no_grad(|| {
                frozen_modes::image_trust(text, image, observer)
            })?),
            _ => None,
        };
        let words = tch::no_grad(|| {
            let vectors = word_vectors(&self.corpus, chosen, self.device);
            vectors
                .map(|vectors| frozen_modes::smoothed(&vectors, observer))
                .transpose()
        })?;
        let sentences = chosen.map_or(self.corpus.sentences.len(), <[usize]>::len);
        Ok(FrozenModes {
            text,
            words,
            image: self.image.as_ref().map(Tensor::shallow_clone),
            trust,
            min_trust: frozen_modes::min_trust(sentences as f64 / entities as f64),
        })
    }
}

/// Describes images that could not be read, with their number.
fn unreadable(broken: &[(PathBuf, String)]) -> Option<(String, usize)> {
    let (path, reason) = broken.first()?;
    let what = format!(
        "images that cannot be read (the first: {} {reason})",
        path.display()
    );
    Some((what, broken.len()))
}

/// The vectors of the modes without training.
pub struct FrozenModes {
    /// `[V, D]` of unit length; 0 for an entity without a sentence.
    text: Option<Tensor>,
    /// `[V, D]` of unit length; 0 for an entity without a sentence. `None` if no word occurs in the
    /// sentences of two entities.
    words: Option<Tensor>,
    /// `[V, D]` of unit length; 0 for an entity without an image.
    image: Option<Tensor>,
    /// The trust in the images of each entity, `[V]`; `None` if there is only one modality.
    trust: Option<Tensor>,
    /// The trust below which images do not count.
    min_trust: f32,
}

impl FrozenModes {
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
            let mut others = Vec::new();
            if let Some(trust) = self.trust {
                others.push((IMAGE_TRUST, trust));
                others.push((MIN_TRUST, Tensor::from_slice(&[self.min_trust])));
            }
            builder.add_frozen_mode(Mode::FrozenImage, &image, others, observer)?;
        }
        if let Some(words) = self.words.filter(|_| !builder.has_mode(Mode::Words)) {
            builder.add_frozen_mode(Mode::Words, &words, Vec::new(), observer)?;
        }
        Ok(())
    }
}
