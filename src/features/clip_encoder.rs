//! Sentences and pictures to the common space of a frozen CLIP.

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

/// Channel means and deviations that CLIP was trained with, of values in 0..1.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Pillow's number of the filter that images are resized with.
const BICUBIC: i64 = 3;

const CONFIG: &str = "config.json";
/// Changes whenever the same text or picture would be given to the network otherwise.
const PREPARATION: u8 = 2;

/// A frozen CLIP with its tokenizer, on its device.
pub struct ClipEncoder {
    network: Clip,
    tokenizer: Tokenizer,
    side: u32,
    device: Device,
    hash: String,
    left_out: Vec<(String, usize)>,
}

impl ClipEncoder {
    /// A folder in the form of Hugging Face's `CLIPModel`: `config.json`, `tokenizer.json` and
    /// weights.
    pub fn open(folder: &Path, device: Device) -> Result<ClipEncoder> {
        if !folder.is_dir() {
            let hint =
                "it holds config.json, tokenizer.json and model.safetensors of a CLIPModel".into();
            return Err(Error::Missing {
                what: "CLIP's folder",
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
        match config.text_config.has_end(&encoder.ids("a")?) {
            true => Ok(encoder),
            false => Err(Error::format(
                &file,
                "ends a text with no token that the model takes for its end",
            )),
        }
    }

    /// Width and height that pictures must have, in pixels; [`PreparedImage::decode_middle`] makes them
    /// so.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// D, the width of the common space.
    pub fn width(&self) -> i64 {
        self.network.width()
    }

    /// Returns what of its files is not used: modules with how many parameters they have, and
    /// settings of its image processor that are not followed.
    pub fn left_out(&self) -> &[(String, usize)] {
        &self.left_out
    }

    /// BLAKE3, in hexadecimal, of all that a text's or a picture's vector depends on: weights,
    /// configuration, tokenizer, and how this program prepares them.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// A text's ids, with its begin and end; a long one is cut.
    pub fn ids(&self, text: &str) -> Result<Vec<i64>> {
        let failed = |e| Error::Mismatch(format!("CLIP's tokenizer takes no “{text}”: {e}"));
        let encoding = self.tokenizer.encode_fast(text, true).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// Texts by their ids → `[B, D]`, of unit length.
    pub fn texts<T: AsRef<[i64]>>(&self, texts: &[T]) -> Tensor {
        let (ids, _) = pad(texts, self.device);
        unit_rows(&tch::no_grad(|| self.network.text(&ids)))
    }

    /// Pictures of [`ClipEncoder::side`] → `[B, D]`, of unit length.
    pub fn images(&self, pictures: &[PreparedImage]) -> Result<Tensor> {
        let pixels = to_pixel_tensor(pictures, self.side, Some([MEAN, DEVIATION]), self.device)?;
        Ok(unit_rows(&tch::no_grad(|| self.network.image(&pixels))))
    }
}

/// Opens a `tokenizer.json`, and sets it to cut a text that is longer than the model's positions.
///
/// Errors: `Format` where it is not usable, or does not go with the model.
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
        let reason =
            format!("adds {added} tokens to every text, for a model of {max_length} positions");
        return Err(Error::format(file, reason));
    }
    // what is longer is cut before its end of text
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
        let reason = format!("has a token {highest} for a model of {}", config.vocab_size);
        return Err(Error::format(file, reason));
    }
    Ok(tokenizer)
}

/// Returns the hash of all that vectors depend on: these files, the weights, and how texts and
/// pictures are prepared.
fn hash(files: &[PathBuf], weights: &Weights) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
        hasher.update(blake3::hash(&bytes).as_bytes());
    }
    hasher.update(weights.hash().as_bytes());
    hasher.update(&[PREPARATION]);
    Ok(hasher.finalize().to_hex().to_string())
}
