//! The files that a baseline is made from.

use std::path::PathBuf;

use tch::Device;

use crate::error::Result;
use crate::features::load_pairs::{Encoders, TextEncoder};
use crate::train::{Preset, TrainConfig};

/// The encoders, models and settings that a baseline is made from.
#[derive(Debug, Clone)]
pub struct BaselineSources {
    /// A folder, a name under `encoders/`, or a name on the hub. `None` means that of the settings,
    /// which is that of the mini preset unless a file changes it.
    pub text_encoder: Option<String>,
    /// Like `text_encoder`.
    pub image_encoder: Option<String>,
    /// The folder of a `CLIPModel` of Hugging Face.
    pub clip: Option<PathBuf>,
    /// The folder of the model of a trained baseline. A model that is there is used, and one whose
    /// training was stopped is trained further.
    pub model: PathBuf,
    /// A TOML file of settings that replace those of the baseline.
    pub config: Option<PathBuf>,
    /// The folder in which features of frozen encoders are cached.
    pub cache: PathBuf,
}

impl BaselineSources {
    /// Opens the text encoder of a baseline without training.
    pub(super) fn open_text_encoder(&self) -> Result<TextEncoder> {
        let preset = TrainConfig::preset(Preset::Mini);
        TextEncoder::open(self.text_encoder.as_ref().unwrap_or(&preset.text_encoder))
    }

    /// Opens the encoders of a baseline without training.
    pub(super) fn encoders(&self, device: Device) -> Result<Encoders> {
        let preset = TrainConfig::preset(Preset::Mini);
        let text = self.text_encoder.as_ref().unwrap_or(&preset.text_encoder);
        let image = self.image_encoder.as_ref().unwrap_or(&preset.image_encoder);
        Encoders::open(text, image, true, device)
    }
}
