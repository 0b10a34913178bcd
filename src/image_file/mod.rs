//! Image files: the one function that decodes them, for the validator, the features, the explorer,
//! `show` and reports.
//!
//! The decoders below are lenient: a JPEG that breaks off decodes to an image whose lower part is
//! made up. So the file is first walked to its end (`structure`), and is refused where it stops
//! early, as Pillow does.

mod format;
mod structure;

use std::io::{Cursor, ErrorKind};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits, Rgb,
    RgbImage,
};

use crate::error::{Error, Result};

/// The most pixels of an image that is decoded: the limit of Pillow, above which it suspects an
/// attack. It lies above the 108 megapixels of telephones.
const MOST_PIXELS: u64 = 178_956_970;
/// The most bytes that the pixels of one image may take.
const MOST_BYTES: u64 = 1 << 29;

/// Reads and decodes the file at `path`, as [`decode`] does. Errors: `Io`, and `Format` for what is
/// not a whole image of a format that is read.
pub fn open(path: &Path) -> Result<DynamicImage> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    decode(&bytes).map_err(|reason| Error::format(path, reason))
}

/// Decodes a PNG, JPEG, WebP, GIF (its first frame) or BMP, whose format is recognised by its
/// content, and turns it upright by its EXIF orientation.
///
/// The error completes a sentence that begins with the file's name: "is cut short: …".
pub fn decode(bytes: &[u8]) -> std::result::Result<DynamicImage, String> {
    let format = format::recognize(bytes)?;
    structure::check_complete(format, bytes).map_err(|what| format!("is cut short: {what}"))?;
    let (image, orientation) =
        decode_as(format, bytes).map_err(|error| describe_error(format, &error))?;
    let mut image = drop_empty_alpha(image, format);
    image.apply_orientation(orientation);
    Ok(image)
}

/// Lays an image on paper of this colour, which is seen where the image is transparent.
pub fn flatten_onto(image: DynamicImage, paper: [u8; 3]) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let over =
            |colour, paper| ((colour * alpha + u32::from(paper) * (255 - alpha) + 127) / 255) as u8;
        Rgb([over(r, paper[0]), over(g, paper[1]), over(b, paper[2])])
    })
}

fn decode_as(format: ImageFormat, bytes: &[u8]) -> ImageResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large());
    }
    limits.reserve(decoder.total_bytes())?;
    // metadata that cannot be read says nothing about the pixels
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn too_large() -> ImageError {
    ImageError::Limits(image::error::LimitError::from_kind(
        image::error::LimitErrorKind::DimensionError,
    ))
}

/// Drops an alpha channel that is 0 everywhere from a BMP: many programs leave the fourth byte
/// unset, and none means an image that cannot be seen.
fn drop_empty_alpha(image: DynamicImage, format: ImageFormat) -> DynamicImage {
    let is_void = |image: &DynamicImage| {
        image
            .as_rgba8()
            .is_some_and(|rgba| rgba.pixels().all(|p| p.0[3] == 0))
    };
    if format == ImageFormat::Bmp && is_void(&image) {
        image.into_rgb8().into()
    } else {
        image
    }
}

fn describe_error(format: ImageFormat, error: &ImageError) -> String {
    let name = format::format_name(format);
    match error {
        ImageError::Limits(_) => {
            format!(
                "is too large: an image may have {MOST_PIXELS} pixels and take {} MiB decoded",
                MOST_BYTES >> 20
            )
        }
        ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
            format!("is cut short: the {name} data end too early")
        }
        ImageError::Unsupported(e) => format!(
            "is a {name} of a kind that cannot be read: {}",
            first_line(e)
        ),
        other => format!("is a damaged {name}: {}", first_line(other)),
    }
}

/// Decoders may add lines about their inner state.
fn first_line(error: &impl ToString) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
