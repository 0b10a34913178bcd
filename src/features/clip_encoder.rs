//! Encodes sentences and images into the common space of a frozen CLIP.

use std::path::{Path, PathBuf};

use tch::{Device, Tensor};
use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

use crate::error::{Error, Result};
use crate::features::image_encoder::{PreparedImage, to_pixel_tensor};
use crate::features::preprocessing::{ImagePreparation, unsupported_settings};
use crate::features::text_states::pad;
use crate::git_lfs;
use crate::model::clip::{Clip, ClipConfig, TextConfig};
use crate::model::layer::unit_rows;
use crate::model::weights::Weights;

/// The channel means and standard deviations of CLIP's training, of values in 0..1.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Pillow's number of the resampling filter.
const BICUBIC: i64 = 3;

const CONFIG: &str = "config.json";
/// The version of the preparation of texts and images. It is part of the hash.
const PREPARATION_VERSION: u8 = 2;

/// A frozen CLIP with its tokenizer.
pub struct ClipEncoder {
    network: Clip,
    tokenizer: Tokenizer,
    side: u32,
    device: Device,
    hash: String,
    left_out: Vec<(String, usize)>,
}

impl ClipEncoder {
    /// Opens a folder in the format of Hugging Face's `CLIPModel`: `config.json`, `tokenizer.json`
    /// and weights.
    ///
    /// Errors: `Missing`, `Format`, `Io`.
    pub fn open(folder: &Path, device: Device) -> Result<ClipEncoder> {
        if !folder.is_dir() {
            let hint =
                "it has config.json, tokenizer.json and model.safetensors of a CLIPModel".into();
            return Err(Error::Missing {
                what: "CLIP folder",
                path: folder.to_owned(),
                hint,
            });
        }
        let config = ClipConfig::read(&folder.join(CONFIG))?;
        let file = folder.join("tokenizer.json");
        let tokenizer = open_tokenizer(&file, &config.text_config)?;
        let weights = Weights::open(folder)?.strip_prefix_of(Clip::MARKER)?;
        let (network, left_out) = Clip::open(&config, &weights, device)
            .map_err(|error| error.with_clause("config.json gives the sizes"))?;
        let mut left_out = weights.describe_unused(&left_out);
        let side = config.vision_config.image_size as u32;
        let normalization = Some([MEAN, DEVIATION]);
        let preparation = ImagePreparation {
            side,
            center_crop: true,
            resample: BICUBIC,
            normalization,
        };
        left_out.extend(unsupported_settings(folder, &preparation)?);
        let hash = hash(&[folder.join(CONFIG), file.clone()], &weights)?;
        let encoder = ClipEncoder {
            network,
            tokenizer,
            side,
            device,
            hash,
            left_out,
        };
        if !config.text_config.has_end(&encoder.ids("a")?) {
            return Err(Error::format(
                &file,
                "does not end a text with the end token of the model",
            ));
        }
        Ok(encoder)
    }

    /// Returns the width and height of images, in pixels. See
    /// [`PreparedImage::decode_center_crop`].
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Returns D, the width of the common space.
    pub fn width(&self) -> i64 {
        self.network.width()
    }

    /// Returns the unused parts of its files with their counts: modules with their parameters, and
    /// unsupported settings of the image processor.
    pub fn left_out(&self) -> &[(String, usize)] {
        &self.left_out
    }

    /// Returns the BLAKE3 hash, in hexadecimal, of everything on which the vectors depend: weights,
    /// configuration, tokenizer, and the preparation of texts and images.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns the ids of a text with start and end token. A long text is truncated.
    pub fn ids(&self, text: &str) -> Result<Vec<i64>> {
        let failed = |e| Error::Mismatch(format!("CLIP's tokenizer fails for “{text}”: {e}"));
        let encoding = self.tokenizer.encode_fast(text, true).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// Encodes texts, given by their ids → `[B, D]`, of unit length.
    pub fn texts<T: AsRef<[i64]>>(&self, texts: &[T]) -> Tensor {
        let (ids, _) = pad(texts, self.device);
        unit_rows(&tch::no_grad(|| self.network.text(&ids)))
    }

    /// Encodes images of the size [`ClipEncoder::side`] → `[B, D]`, of unit length.
    pub fn images(&self, images: &[PreparedImage]) -> Result<Tensor> {
        let pixels = to_pixel_tensor(images, self.side, Some([MEAN, DEVIATION]), self.device)?;
        Ok(unit_rows(&tch::no_grad(|| self.network.image(&pixels))))
    }
}

/// Opens a `tokenizer.json`, and makes it truncate texts to the number of the model's positions.
///
/// Errors: `Format` for an unusable tokenizer, or one of another model.
fn open_tokenizer(file: &Path, config: &TextConfig) -> Result<Tokenizer> {
    let unusable =
        |e: tokenizers::Error| Error::format(file, format!("is not a usable tokenizer: {e}"));
    git_lfs::refuse_pointer(file)?;
    let mut tokenizer = Tokenizer::from_file(file).map_err(unusable)?;
    let max_length = config.max_position_embeddings as usize;
    let added = tokenizer
        .get_post_processor()
        .map_or(0, |processor| processor.added_tokens(false));
    if added >= max_length {
        let reason = format!(
            "adds {added} tokens to every text, but the model has only {max_length} positions"
        );
        return Err(Error::format(file, reason));
    }
    // a longer text is truncated before the end token
    tokenizer
        .with_truncation(Some(TruncationParams {
            max_length,
            ..Default::default()
        }))
        .map_err(unusable)?;
    tokenizer.with_padding(None);
    let highest = tokenizer
        .get_vocab(true)
        .into_values()
        .max()
        .map_or(0, i64::from);
    if highest >= config.vocab_size {
        let reason = format!(
            "has the token id {highest}, but the model has only {} tokens",
            config.vocab_size
        );
        return Err(Error::format(file, reason));
    }
    Ok(tokenizer)
}

/// Returns the hash of everything on which the vectors depend: these files, the weights, and the
/// preparation of texts and images.
fn hash(files: &[PathBuf], weights: &Weights) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        hasher.update(blake3::hash(&bytes).as_bytes());
    }
    hasher.update(weights.hash().as_bytes());
    hasher.update(&[PREPARATION_VERSION]);
    Ok(hasher.finalize().to_hex().to_string())
}
