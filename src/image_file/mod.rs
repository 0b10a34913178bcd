//! Decoding of image files, for every part of the program that reads them.
//!
//! The decoders of the `image` crate are lenient: a truncated JPEG decodes to an image whose lower
//! part is made up. Therefore the file is first scanned to its end (`structure`), and a truncated
//! file is refused, as Pillow does.

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

/// The maximum number of pixels of an image. It is Pillow's limit against decompression bombs, and
/// above the 108 megapixels of telephones.
const MAX_PIXELS: u64 = 178_956_970;
/// The maximum size of a decoded image, in bytes.
const MAX_BYTES: u64 = 1 << 29;

/// Reads and decodes the file at `path` with [`decode`].
///
/// Errors: `Io`; `Format` for a file that is not a complete image of a supported format.
pub fn open(path: &Path) -> Result<DynamicImage> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    decode(&bytes).map_err(|reason| Error::format(path, reason))
}

/// Decodes a PNG, JPEG, WebP, GIF (first frame) or BMP, and applies its EXIF orientation. The format
/// is recognized by the content.
///
/// The error follows the file's name: "is cut short: …".
pub fn decode(bytes: &[u8]) -> std::result::Result<DynamicImage, String> {
    let format = format::recognize(bytes)?;
    structure::check_complete(format, bytes).map_err(|what| format!("is cut short: {what}"))?;
    let (image, orientation) =
        decode_as(format, bytes).map_err(|error| describe_error(format, &error))?;
    let mut image = drop_empty_alpha(image, format);
    image.apply_orientation(orientation);
    Ok(image)
}

/// Blends the transparent parts of an image with a background of this colour.
pub fn flatten_onto(image: DynamicImage, background: [u8; 3]) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let blend =
            |colour, below| ((colour * alpha + u32::from(below) * (255 - alpha) + 127) / 255) as u8;
        Rgb([
            blend(r, background[0]),
            blend(g, background[1]),
            blend(b, background[2]),
        ])
    })
}

fn decode_as(format: ImageFormat, bytes: &[u8]) -> ImageResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_large());
    }
    limits.reserve(decoder.total_bytes())?;
    // unreadable metadata does not make the pixels invalid
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn too_large() -> ImageError {
    ImageError::Limits(image::error::LimitError::from_kind(
        image::error::LimitErrorKind::DimensionError,
    ))
}

/// Removes the alpha channel of a BMP if it is 0 everywhere: many programs leave the fourth byte
/// unset, and a fully transparent image is never intended.
fn drop_empty_alpha(image: DynamicImage, format: ImageFormat) -> DynamicImage {
    let is_transparent = |image: &DynamicImage| {
        image
            .as_rgba8()
            .is_some_and(|rgba| rgba.pixels().all(|p| p.0[3] == 0))
    };
    if format == ImageFormat::Bmp && is_transparent(&image) {
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
                "is too large: an image may have {MAX_PIXELS} pixels and take {} MiB decoded",
                MAX_BYTES >> 20
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

/// Returns the first line of an error. Decoders may add lines about their internal state.
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
