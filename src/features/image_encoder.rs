//! Encodes images to patch features with a frozen image network.

use std::path::Path;

use image::RgbImage;
use image::imageops::FilterType;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::preprocessing::{ImagePreparation, unsupported_settings};
use crate::image_file;
use crate::model::efficientnet::EfficientNetLite0;
use crate::model::resnet::ResNet50;
use crate::model::weights::Weights;

/// The channel means and standard deviations of ImageNet, of values in 0..1.
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];

/// The normalisation of EfficientNet-Lite, (x − 127)/128 of bytes, as mean and standard deviation of
/// values in 0..1.
const EFFICIENTNET_LITE: [[f32; 3]; 2] = [[127.0 / 255.0; 3], [128.0 / 255.0; 3]];

/// The maximum ratio of the sides of an image. A longer image would need too much memory when it is
/// resized by its shorter side.
const MAX_ASPECT_RATIO: u32 = 100;

/// The version of the preprocessing, which is part of the encoder's hash. Version 2 applies the
/// EXIF orientation, refuses truncated files, and ignores an alpha channel of a BMP that is 0
/// everywhere.
pub const PREPROCESSING_VERSION: u32 = 2;

/// The background of transparent images.
const WHITE: [u8; 3] = [255; 3];

/// Pillow's number of the resampling filter.
const BILINEAR: i64 = 2;

/// The size of images and patches for ResNet-50, in pixels (Li et al., AAAI 2024).
const RESNET_SIDE: u32 = 192;
const RESNET_PATCH: i64 = 32;

/// The supported image networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum ImageEncoderKind {
    /// The image of 192 px is cut into 6 × 6 patches, each of which is encoded: 36 × 2048.
    #[serde(rename = "resnet-50")]
    #[strum(serialize = "resnet-50")]
    ResNet50,
    /// The image of 224 px is encoded to a 7 × 7 map: 49 × 1280.
    #[serde(rename = "efficientnet-lite0")]
    #[strum(serialize = "efficientnet-lite0")]
    EfficientNetLite0,
}

impl ImageEncoderKind {
    /// Returns the name: "resnet-50" or "efficientnet-lite0".
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Recognizes the network by the names of its parameters. Returns it with the weights without a
    /// prefix.
    ///
    /// Errors: `Format` for another network, and for a file with several.
    fn recognize(weights: Weights) -> Result<(ImageEncoderKind, Weights)> {
        let markers = [
            (
                EfficientNetLite0::MARKER,
                ImageEncoderKind::EfficientNetLite0,
            ),
            (ResNet50::MARKER, ImageEncoderKind::ResNet50),
        ];
        let mut weights = weights;
        for (marker, kind) in markers {
            weights = weights.strip_prefix_of(marker)?;
            if weights.has(marker) {
                return Ok((kind, weights));
            }
        }
        let names: Vec<&str> = weights.names().take(3).collect();
        let reason = format!(
            "is neither a ResNet-50 (torchvision's names) nor an EfficientNet-Lite0: its parameters are {} …",
            names.join(", ")
        );
        Err(Error::format(weights.path(), reason))
    }

    /// Returns the width and height to which images are resized, in pixels.
    pub fn side(self) -> u32 {
        match self {
            ImageEncoderKind::ResNet50 => RESNET_SIDE,
            ImageEncoderKind::EfficientNetLite0 => EfficientNetLite0::SIDE as u32,
        }
    }

    /// Returns the means and standard deviations of the channels, of values in 0..1, with which the
    /// network was trained.
    pub fn normalization(self) -> [[f32; 3]; 2] {
        match self {
            ImageEncoderKind::ResNet50 => IMAGENET,
            ImageEncoderKind::EfficientNetLite0 => EFFICIENTNET_LITE,
        }
    }

    /// Returns the number of patches along one side. The patches are in row-major order.
    pub fn grid(self) -> i64 {
        match self {
            ImageEncoderKind::ResNet50 => i64::from(RESNET_SIDE) / RESNET_PATCH,
            ImageEncoderKind::EfficientNetLite0 => {
                EfficientNetLite0::SIDE / EfficientNetLite0::STRIDE
            }
        }
    }

    /// Returns the number of features of a patch.
    pub fn features(self) -> i64 {
        match self {
            ImageEncoderKind::ResNet50 => ResNet50::FEATURES,
            ImageEncoderKind::EfficientNetLite0 => EfficientNetLite0::FEATURES,
        }
    }
}

/// A decoded and resized image: RGB bytes, row by row, `side × side × 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedImage {
    pub side: u32,
    pub rgb: Vec<u8>,
}

impl PreparedImage {
    /// Decodes a file ([`image_file::decode`]) on a white background, and resizes it to `side ×
    /// side` without keeping the ratio of the sides (bilinear, antialiased).
    ///
    /// The error follows the file's name.
    pub fn decode_squashed(bytes: &[u8], side: u32) -> std::result::Result<PreparedImage, String> {
        let rgb =
            image::imageops::resize(&decode_on_white(bytes)?, side, side, FilterType::Triangle);
        Ok(PreparedImage {
            side,
            rgb: rgb.into_raw(),
        })
    }

    /// Decodes a file on a white background, resizes its shorter side to `side` (bicubic,
    /// antialiased), and cuts out the centre.
    ///
    /// The error follows the file's name.
    pub fn decode_center_crop(
        bytes: &[u8],
        side: u32,
    ) -> std::result::Result<PreparedImage, String> {
        let image = decode_on_white(bytes)?;
        let (width, height) = image.dimensions();
        // a very long image is cropped before it is resized
        let max_length = MAX_ASPECT_RATIO * width.min(height);
        let (width, height) = (width.min(max_length), height.min(max_length));
        let [left, top] = [(image.width() - width) / 2, (image.height() - height) / 2];
        let image = image::imageops::crop_imm(&image, left, top, width, height);
        let scaled = |length: u32| {
            (u64::from(side) * u64::from(length) / u64::from(width.min(height).max(1))) as u32
        };
        let (width, height) = (scaled(width), scaled(height));
        let image = image::imageops::resize(&*image, width, height, FilterType::CatmullRom);
        let centre =
            image::imageops::crop_imm(&image, (width - side) / 2, (height - side) / 2, side, side);
        Ok(PreparedImage {
            side,
            rgb: centre.to_image().into_raw(),
        })
    }
}

fn decode_on_white(bytes: &[u8]) -> std::result::Result<RgbImage, String> {
    Ok(image_file::flatten_onto(image_file::decode(bytes)?, WHITE))
}

/// Converts images of one size to `[N, 3, side, side]` f32 on the device. Values are in 0..1, or
/// normalised by the means and standard deviations of the channels.
///
/// Errors: `Mismatch` for an image of another size.
pub fn to_pixel_tensor(
    images: &[PreparedImage],
    side: u32,
    normalize: Option<[[f32; 3]; 2]>,
    device: Device,
) -> Result<Tensor> {
    let bytes = (side * side * 3) as usize;
    if let Some(other) = images
        .iter()
        .find(|p| p.side != side || p.rgb.len() != bytes)
    {
        let message = format!("an image of {} px for an encoder of {side} px", other.side);
        return Err(Error::Mismatch(message));
    }
    let all: Vec<u8> = images
        .iter()
        .flat_map(|image| &image.rgb)
        .copied()
        .collect();
    let size = [images.len() as i64, i64::from(side), i64::from(side), 3];
    let x = Tensor::from_slice(&all)
        .view(size)
        .to_device(device)
        .permute([0, 3, 1, 2]);
    // the memory layout stays channels-last, with which convolutions are twice as fast on a CPU
    let x = x.to_kind(Kind::Float) / 255.0;
    let row = |values: [f32; 3]| {
        Tensor::from_slice(&values)
            .view([1, 3, 1, 1])
            .to_device(device)
    };
    Ok(normalize.map_or(x.shallow_clone(), |[mean, deviation]| {
        (&x - row(mean)) / row(deviation)
    }))
}

enum ImageNetwork {
    ResNet50(ResNet50),
    EfficientNetLite0(EfficientNetLite0),
}

/// A frozen image network.
pub struct ImageEncoder {
    network: ImageNetwork,
    kind: ImageEncoderKind,
    device: Device,
    weights_hash: String,
    normalize: bool,
    left_out: Vec<(String, usize)>,
}

impl ImageEncoder {
    /// Opens a weight file, or a folder with one. The network is recognized by the names of its
    /// parameters. If `normalize`, images are normalised as the network expects
    /// ([`ImageEncoderKind::normalization`]). The published MultiExpan checkpoints were trained
    /// without it.
    ///
    /// Errors: those of [`Weights::open`]; `Format` for another network.
    pub fn open(source: &Path, device: Device, normalize: bool) -> Result<ImageEncoder> {
        let (kind, weights) = ImageEncoderKind::recognize(Weights::open(source)?)?;
        let network = match kind {
            ImageEncoderKind::ResNet50 => ImageNetwork::ResNet50(ResNet50::open(&weights, device)?),
            ImageEncoderKind::EfficientNetLite0 => {
                ImageNetwork::EfficientNetLite0(EfficientNetLite0::open(&weights, device)?)
            }
        };
        let mut left_out = weights.describe_unused(weights.other_parts());
        let preparation = ImagePreparation {
            side: kind.side(),
            center_crop: false,
            resample: BILINEAR,
            normalization: normalize.then(|| kind.normalization()),
        };
        left_out.extend(unsupported_settings(
            weights.path().parent().unwrap_or(Path::new("")),
            &preparation,
        )?);
        let weights_hash = weights.hash().to_owned();
        Ok(ImageEncoder {
            network,
            kind,
            device,
            weights_hash,
            normalize,
            left_out,
        })
    }

    /// Returns the unused parts of its files with their counts: modules with their parameters, and
    /// unsupported settings of the image processor.
    pub fn left_out(&self) -> &[(String, usize)] {
        &self.left_out
    }

    /// Returns the network.
    pub fn kind(&self) -> ImageEncoderKind {
        self.kind
    }

    /// Returns the number of patches of an image.
    pub fn patches(&self) -> i64 {
        self.kind.grid().pow(2)
    }

    /// Returns the number of features of a patch.
    pub fn features(&self) -> i64 {
        self.kind.features()
    }

    /// Returns the BLAKE3 hash of the weight file, in hexadecimal.
    pub fn weights_hash(&self) -> &str {
        &self.weights_hash
    }

    /// Returns the hash of everything on which the features of an image depend: network, weights
    /// and preprocessing.
    pub fn hash(&self) -> String {
        let mut all = format!(
            "{} {} {PREPROCESSING_VERSION} {}",
            self.kind.name(),
            self.weights_hash,
            self.normalize
        );
        // The hash of networks that expect ImageNet's normalisation stays as it was before others were
        // supported.
        if let Some(normalization) = self.normalization().filter(|n| *n != IMAGENET) {
            all.push_str(&format!(" {normalization:?}"));
        }
        blake3::hash(all.as_bytes()).to_hex().to_string()
    }

    fn normalization(&self) -> Option<[[f32; 3]; 2]> {
        self.normalize.then(|| self.kind.normalization())
    }

    /// Encodes images of the size of [`ImageEncoderKind::side`] → `[N, P, F]` f32 on the encoder's
    /// device, without gradient.
    pub fn encode(&self, images: &[PreparedImage]) -> Result<Tensor> {
        let batch = to_pixel_tensor(images, self.kind.side(), self.normalization(), self.device)?;
        let failed = |e: tch::TchError| Error::Torch {
            operation: "encoding images".into(),
            message: e.to_string(),
        };
        let _frozen = tch::no_grad_guard();
        match &self.network {
            ImageNetwork::ResNet50(net) => {
                let (n, grid) = (images.len() as i64, self.kind.grid());
                // [N, 3, 6·32, 6·32] → [N·36, 3, 32, 32], patches row by row
                let patches = batch
                    .f_view([n, 3, grid, RESNET_PATCH, grid, RESNET_PATCH])
                    .and_then(|x| x.f_permute([0, 2, 4, 1, 3, 5]))
                    .and_then(|x| x.f_reshape([n * grid * grid, 3, RESNET_PATCH, RESNET_PATCH]))
                    .map_err(failed)?;
                Ok(net
                    .forward(&patches)
                    .view([n, grid * grid, ResNet50::FEATURES]))
            }
            // [N, 1280, 7, 7] → [N, 49, 1280]
            ImageNetwork::EfficientNetLite0(net) => Ok(net
                .forward(&batch)
                .flatten(2, 3)
                .transpose(1, 2)
                .contiguous()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::DynamicImage;

    use super::*;

    fn png(image: DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        bytes
    }

    #[test]
    fn transparent_images_have_a_white_background() {
        let half_red = image::RgbaImage::from_pixel(3, 5, image::Rgba([255, 0, 0, 128]));
        let image = PreparedImage::decode_squashed(&png(half_red.into()), 2).unwrap();
        assert_eq!(image.rgb, [255, 127, 127].repeat(4));
        let clear_black = image::RgbaImage::from_pixel(3, 5, image::Rgba([0, 0, 0, 0]));
        assert_eq!(
            PreparedImage::decode_squashed(&png(clear_black.into()), 2)
                .unwrap()
                .rgb,
            [255; 12]
        );
    }

    #[test]
    fn images_are_resized_without_keeping_the_ratio() {
        // left half black, right half white; twice as wide as high
        let sides = RgbImage::from_fn(8, 4, |x, _| image::Rgb([if x < 4 { 0 } else { 255 }; 3]));
        let image = PreparedImage::decode_squashed(&png(sides.into()), 4).unwrap();
        let row: Vec<u8> = image.rgb[..12].iter().step_by(3).copied().collect();
        assert!(
            row[0] < 5 && row[1] < 60 && row[2] > 195 && row[3] > 250,
            "{row:?}"
        );
        assert_eq!(image.rgb[..12], image.rgb[36..]);
    }

    #[test]
    fn the_exif_orientation_is_applied() {
        let fixture = |name: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images");
            std::fs::read(folder.join(name)).unwrap()
        };
        let [upright, turned] = ["rgb.png", "orientation_6.png"].map(fixture);
        let rotated = image::imageops::rotate90(&image_file::decode(&upright).unwrap().into_rgb8());
        let expected = PreparedImage::decode_squashed(&png(rotated.clone().into()), 8).unwrap();
        assert_eq!(
            PreparedImage::decode_squashed(&turned, 8).unwrap(),
            expected
        );
        let expected = PreparedImage::decode_center_crop(&png(rotated.into()), 8).unwrap();
        assert_eq!(
            PreparedImage::decode_center_crop(&turned, 8).unwrap(),
            expected
        );
    }

    #[test]
    fn invalid_images_are_errors() {
        assert!(PreparedImage::decode_squashed(b"", 4).is_err());
        assert!(PreparedImage::decode_squashed(b"not an image", 4).is_err());
        let mut cut = png(RgbImage::new(64, 64).into());
        cut.truncate(cut.len() / 2);
        assert!(PreparedImage::decode_squashed(&cut, 4).is_err());
    }
}
