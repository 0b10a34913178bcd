//! Small pictures that stand in the page itself.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Rgba, RgbaImage, imageops};

/// Of the longer side, in pixels: sharp at half of it.
const SIDE: u32 = 72;
const QUALITY: u8 = 78;

/// The picture as a `data:` address, on white; none where it cannot be read as one.
pub fn thumbnail(path: &Path) -> Option<String> {
    let small = image::open(path).ok()?.thumbnail(SIDE, SIDE).to_rgba8();
    let mut on_white = RgbaImage::from_pixel(small.width(), small.height(), Rgba([255; 4]));
    imageops::overlay(&mut on_white, &small, 0, 0);
    let mut bytes = Vec::new();
    DynamicImage::from(on_white)
        .to_rgb8()
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_small_and_what_is_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbaImage::from_pixel(400, 200, Rgba([200, 0, 0, 255])).save(&good).unwrap();
        std::fs::write(&bad, "no picture").unwrap();
        let address = thumbnail(&good).unwrap();
        let bytes = STANDARD.decode(address.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        let read = image::load_from_memory(&bytes).unwrap();
        assert_eq!((read.width(), read.height()), (72, 36));
        assert_eq!(thumbnail(&bad), None);
    }
}
