//! Sentences and pictures to the common space of a frozen CLIP.

use std::path::Path;

use tch::{Device, Kind, Tensor};
use tokenizers::{Tokenizer, TruncationParams};

use super::image::{Picture, pixels};
use super::texts::padded;
use crate::error::{Error, Result};
use crate::model::clip::{Clip, ClipConfig};
use crate::model::weights::Weights;

/// Channel means and deviations that CLIP was trained with, of values in 0..1.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// A frozen CLIP with its tokenizer, on its device.
pub struct ClipEncoder {
    network: Clip,
    tokenizer: Tokenizer,
    side: u32,
    device: Device,
    weights_hash: String,
}

impl ClipEncoder {
    /// A folder in the form of Hugging Face's `CLIPModel`: `config.json`, `tokenizer.json` and weights.
    pub fn open(folder: &Path, device: Device) -> Result<ClipEncoder> {
        if !folder.is_dir() {
            let hint = "it holds config.json, tokenizer.json and model.safetensors of a CLIPModel".into();
            return Err(Error::Missing { what: "CLIP's folder", path: folder.to_owned(), hint });
        }
        let config = ClipConfig::read(&folder.join("config.json"))?;
        let file = folder.join("tokenizer.json");
        let unusable = |e: tokenizers::Error| Error::format(&file, format!("is no usable tokenizer: {e}"));
        let mut tokenizer = Tokenizer::from_file(&file).map_err(unusable)?;
        let max_length = config.text_config.max_position_embeddings as usize;
        // what is longer is cut before its end of text
        tokenizer.with_truncation(Some(TruncationParams { max_length, ..Default::default() })).map_err(unusable)?;
        tokenizer.with_padding(None);
        let tokens = tokenizer.get_vocab_size(true) as i64;
        if tokens > config.text_config.vocab_size {
            let reason = format!("has {tokens} tokens for a model of {}", config.text_config.vocab_size);
            return Err(Error::format(&file, reason));
        }
        let weights = Weights::open(folder)?;
        let network = Clip::open(&config, &weights, device)?;
        let (side, weights_hash) = (config.vision_config.image_size as u32, weights.hash().to_owned());
        Ok(ClipEncoder { network, tokenizer, side, device, weights_hash })
    }

    /// Width and height that pictures must have, in pixels; [`Picture::decode_middle`] makes them so.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// BLAKE3 of the weight file, in hexadecimal.
    pub fn weights_hash(&self) -> &str {
        &self.weights_hash
    }

    /// A text's ids, with its begin and end; a long one is cut.
    pub fn ids(&self, text: &str) -> Result<Vec<i64>> {
        let failed = |e| Error::Mismatch(format!("CLIP's tokenizer takes no “{text}”: {e}"));
        let encoding = self.tokenizer.encode_fast(text, true).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    /// Texts by their ids → `[B, D]`, of unit length.
    pub fn texts(&self, texts: &[Vec<i64>]) -> Tensor {
        let (ids, _) = padded(texts, self.device);
        unit(&tch::no_grad(|| self.network.text(&ids)))
    }

    /// Pictures of [`ClipEncoder::side`] → `[B, D]`, of unit length.
    pub fn pictures(&self, pictures: &[Picture]) -> Result<Tensor> {
        let pixels = pixels(pictures, self.side, Some([MEAN, DEVIATION]), self.device)?;
        Ok(unit(&tch::no_grad(|| self.network.image(&pixels))))
    }
}

fn unit(rows: &Tensor) -> Tensor {
    let rows = rows.to_kind(Kind::Float);
    &rows / rows.norm_scalaropt_dim(2.0, [1i64].as_slice(), true).clamp_min(1e-12)
}
