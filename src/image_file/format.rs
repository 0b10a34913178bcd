//! Recognition of image formats, and of other files that are given in place of an image.

use image::ImageFormat;

use crate::git_lfs;

/// The supported formats, for error messages.
const EXPECTED: &str = "expected PNG, JPEG, WebP, GIF or BMP";
/// The number of bytes that are examined to recognize a text file.
const SAMPLE: usize = 1024;

/// Unsupported formats: name, offset of the signature, signature.
const UNSUPPORTED: [(&str, usize, &[u8]); 16] = [
    ("an AVIF file", 4, b"ftypavif"),
    ("an AVIF file", 4, b"ftypavis"),
    ("a HEIC file", 4, b"ftyphei"),
    ("a HEIC file", 4, b"ftyphev"),
    ("a HEIC file", 4, b"ftypmif1"),
    ("a HEIC file", 4, b"ftypmsf1"),
    ("a JPEG XL file", 4, b"JXL \r\n\x87\n"),
    ("a JPEG XL file", 0, b"\xff\x0a"),
    ("a JPEG 2000 file", 4, b"jP  \r\n\x87\n"),
    ("a JPEG 2000 file", 0, b"\xff\x4f\xff\x51"),
    ("a TIFF file", 0, b"II*\0"),
    ("a TIFF file", 0, b"MM\0*"),
    ("an ICO file", 0, b"\0\0\x01\0"),
    ("a Photoshop file", 0, b"8BPS"),
    ("a PDF file", 0, b"%PDF-"),
    ("a gzip file", 0, b"\x1f\x8b"),
];

/// Returns the format of a supported image. The error says what the file is, and follows its name.
pub(super) fn recognize(bytes: &[u8]) -> Result<ImageFormat, String> {
    match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Gif
            | ImageFormat::Bmp),
        ) => Ok(format),
        _ => Err(describe_foreign(bytes)),
    }
}

/// Returns the name of a supported format.
pub(super) fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        _ => "BMP",
    }
}

fn describe_foreign(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "is an empty file".into();
    }
    if bytes.iter().all(|&byte| byte == 0) {
        return "contains only zero bytes, like an incomplete download".into();
    }
    if git_lfs::is_pointer(bytes) {
        return git_lfs::REASON.into();
    }
    let has_signature = |(_, at, signature): &&(&str, usize, &[u8])| {
        bytes.get(*at..).is_some_and(|b| b.starts_with(signature))
    };
    if let Some((name, ..)) = UNSUPPORTED.iter().find(has_signature) {
        return format!("is {name}, which is not supported ({EXPECTED})");
    }
    match leading_text(bytes) {
        Some(text) if text.contains("<svg") => {
            format!("is an SVG file, which is not supported ({EXPECTED})")
        }
        Some(text) if text.starts_with("<!doctype html") || text.starts_with("<html") => {
            format!(
                "is an HTML page, not an image; it may be the response of a failed download ({EXPECTED})"
            )
        }
        Some(_) => format!("is text, not an image ({EXPECTED})"),
        None => format!("is not an image ({EXPECTED})"),
    }
}

/// Returns the start of the file in lower case if it is text.
fn leading_text(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(SAMPLE)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        // the last character may be cut off at `SAMPLE`
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let valid = valid.trim_start_matches('\u{feff}').trim_start();
    (!valid.is_empty() && valid.chars().all(is_text)).then(|| valid.to_lowercase())
}
