//! From a data set and two frozen encoders to pairs and patches: the way that training and indexing
//! share.

use serde_json::{Map, Value, json};
use std::path::Path;
use tch::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::features::encoder_source::resolve_encoder;
use crate::features::feature_cache::{DEFAULT_LIMIT, FeatureCache};
use crate::features::image_encoder::ImageEncoder;
use crate::features::loaded_pairs::LoadedPairs;
use crate::features::patch_store::{PatchStore, cache_record, image_features};
use crate::features::text_states::TextStates;
use crate::features::text_tokenizer::TextTokenizer;
use crate::model::bert;
use crate::model::bert::Bert;
use crate::model::checkpoint::EncoderSource;
use crate::model::weights::Weights;
use crate::model::{NetworkConfig, bert_config};
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// A text encoder from its folder.
pub struct TextEncoder {
    pub source: EncoderSource,
    /// Limited to the encoder's tokens and positions.
    pub tokenizer: TextTokenizer,
    pub weights: Weights,
    /// The sizes that the encoder fixes; the others are the paper's.
    pub sizes: NetworkConfig,
    /// The parts of its weights that are not used, and how many parameters each has.
    pub left_out: Vec<(String, usize)>,
}

/// The two frozen encoders.
pub struct Encoders {
    pub text: TextEncoder,
    pub image: ImageEncoder,
    pub image_source: EncoderSource,
}

impl Encoders {
    /// Opens both by name (see [`resolve_encoder`]).
    ///
    /// Errors: those of [`resolve_encoder`], [`TextEncoder::open`] and [`ImageEncoder::open`].
    pub fn open(text: &str, image: &str, normalize: bool, device: Device) -> Result<Self> {
        let encoder = ImageEncoder::open(&resolve_encoder(image)?, device, normalize)?;
        let image_source = EncoderSource {
            name: image.into(),
            hash: encoder.weights_hash().to_owned(),
        };
        Ok(Encoders {
            text: TextEncoder::open(text)?,
            image: encoder,
            image_source,
        })
    }

    /// Both by name and hash, as a run's settings tell them.
    pub fn settings(&self) -> Map<String, Value> {
        let sources = [
            ("text_encoder", &self.text.source),
            ("image_encoder", &self.image_source),
        ];
        sources
            .map(|(key, source)| (key.to_owned(), json!(source)))
            .into_iter()
            .collect()
    }

    /// Returns what of their files is not used, and how much of it there is: modules, and settings
    /// that are not followed.
    pub fn left_out(&self) -> Vec<(String, usize)> {
        [self.text.left_out.as_slice(), self.image.left_out()].concat()
    }
}

impl TextEncoder {
    /// Opens a folder with `config.json`, a tokenizer ([`TokenizerFiles`]) and weights, and checks
    /// that they are of one model.
    ///
    /// Errors: `Missing`, `Format`, `Io` for files that are not there, cannot be read, or do not go
    /// together; those of [`resolve_encoder`].
    ///
    /// [`TokenizerFiles`]: super::tokenizer_files::TokenizerFiles
    pub fn open(name: &str) -> Result<Self> {
        let folder = resolve_encoder(name)?;
        if folder.is_file() {
            let reason =
                "is a file; a text encoder is a folder with config.json, a tokenizer and weights";
            return Err(Error::format(folder, reason));
        }
        let sizes = bert_config::read_bert_config(&folder.join("config.json"))?;
        let weights = Weights::open(&folder)?.strip_prefix_of(bert::MARKER)?;
        let left_out = bert::check_parameters(&weights, &sizes)
            .map_err(|error| error.with_clause("config.json gives the sizes"))?;
        let left_out = weights.describe_unused(&left_out);
        let tokenizer = TextTokenizer::open(&folder)?
            .with_limits(sizes.token_vocabulary, sizes.max_positions)?;
        let source = EncoderSource {
            name: name.into(),
            hash: weights.hash().to_owned(),
        };
        Ok(TextEncoder {
            source,
            tokenizer,
            weights,
            sizes,
            left_out,
        })
    }

    /// The states of these pairs' texts after `bert`'s frozen layers, kept under `folder`.
    pub fn states(
        &self,
        folder: &Path,
        pairs: &LoadedPairs,
        bert: &Bert,
        device: Device,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<TextStates> {
        TextStates::open(
            folder,
            pairs,
            bert,
            &self.source.hash,
            &self.tokenizer.blank_input(),
            device,
            observe,
        )
    }
}

/// Reads the corpus, brings the pictures' features from the cache or the encoder, and settles which
/// pairs are used.
///
/// `rows`: the entities of an existing model, in its order.
pub fn load_pairs(
    dataset: &Dataset,
    encoders: &Encoders,
    grid: Option<i64>,
    cache: &Path,
    rows: Option<&[EntityId]>,
    observe: &mut dyn Observer<Progress>,
) -> Result<(LoadedPairs, PatchStore)> {
    let unsettled = LoadedPairs::read(dataset, &encoders.text.tokenizer, observe)?;
    let cache = FeatureCache::open(
        &cache.join("patches"),
        &encoders.image.hash(),
        cache_record(&encoders.image),
        DEFAULT_LIMIT,
    )?;
    let seen = image_features(&unsettled.images, &encoders.image, cache, grid, observe)?;
    let mut pairs = unsettled.resolve(dataset, &seen, rows)?;
    pairs.left_out.extend(encoders.left_out());
    Ok((pairs, seen.store))
}
