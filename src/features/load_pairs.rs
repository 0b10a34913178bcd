//! Loads pairs and patch features from a data set and two frozen encoders, for training and
//! indexing.

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

/// An opened text encoder.
pub struct TextEncoder {
    pub source: EncoderSource,
    /// The tokenizer, limited to the encoder's tokens and positions.
    pub tokenizer: TextTokenizer,
    pub weights: Weights,
    /// The sizes of the encoder. Other sizes are those of the paper.
    pub sizes: NetworkConfig,
    /// The unused modules of its weights, with the number of parameters of each.
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

    /// Returns the names and hashes for the settings of a run.
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

    /// Returns the unused parts of their files with their counts: modules with their parameters,
    /// and unsupported settings.
    pub fn left_out(&self) -> Vec<(String, usize)> {
        [self.text.left_out.as_slice(), self.image.left_out()].concat()
    }
}

impl TextEncoder {
    /// Opens a folder with `config.json`, a tokenizer ([`TokenizerFiles`]) and weights, and checks
    /// that they are of one model.
    ///
    /// Errors: `Missing`, `Format`, `Io` for files that are missing, unreadable or of different
    /// models; those of [`resolve_encoder`].
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

    /// Returns the hidden states of these pairs' texts after the frozen layers of `bert`, cached in
    /// `folder`.
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

/// Reads the corpus, loads or computes the features of its images, and selects the usable pairs.
///
/// `rows` are the entities of an existing model, in its order.
pub fn load_pairs(
    dataset: &Dataset,
    encoders: &Encoders,
    grid: Option<i64>,
    cache: &Path,
    rows: Option<&[EntityId]>,
    observe: &mut dyn Observer<Progress>,
) -> Result<(LoadedPairs, PatchStore)> {
    let unresolved = LoadedPairs::read(dataset, &encoders.text.tokenizer, observe)?;
    let cache = FeatureCache::open(
        &cache.join("patches"),
        &encoders.image.hash(),
        cache_record(&encoders.image),
        DEFAULT_LIMIT,
    )?;
    let features = image_features(&unresolved.images, &encoders.image, cache, grid, observe)?;
    let mut pairs = unresolved.resolve(dataset, &features, rows)?;
    pairs.left_out.extend(encoders.left_out());
    Ok((pairs, features.store))
}
