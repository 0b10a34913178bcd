//! Small images within the page.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;
use image::codecs::jpeg::JpegEncoder;

use crate::error::Result;
use crate::image_file;
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// The length of the longer side, in px; images are shown at half of it, so that they are sharp.
const SIDE: u32 = 72;
/// The quality of the JPEG encoding, 1..100.
const QUALITY: u8 = 78;

/// Returns thumbnails by entity as `data:` addresses, made in the order of `images` until they fill
/// `limit` bytes, and the number of images that were left out for lack of room. A file that cannot
/// be read as an image is skipped. Error: `Stopped`.
pub fn thumbnails(
    images: &[(EntityId, &Path)],
    limit: usize,
    observer: &mut dyn Observer<Progress>,
) -> Result<(HashMap<EntityId, String>, usize)> {
    let mut made = HashMap::new();
    let mut used = 0;
    for (done, (entity, path)) in images.iter().enumerate() {
        observer.report(Progress::new("images", done as u64, images.len() as u64))?;
        let Some(address) = thumbnail(path) else {
            continue;
        };
        used += address.len();
        if used > limit {
            return Ok((made, images.len() - done));
        }
        made.insert(*entity, address);
    }
    Ok((made, 0))
}

/// Returns an image as a `data:` address, on white; `None` if the file cannot be read as an image.
fn thumbnail(path: &Path) -> Option<String> {
    let image = image_file::flatten_onto(image_file::open(path).ok()?, [255; 3]);
    let small = DynamicImage::from(image).thumbnail(SIDE, SIDE);
    let mut bytes = Vec::new();
    small
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use image::{Rgba, RgbaImage};

    use super::*;
    use crate::error::Error;

    #[test]
    fn an_image_becomes_small_and_another_file_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbaImage::from_pixel(400, 200, Rgba([200, 0, 0, 255]))
            .save(&good)
            .unwrap();
        let misnamed = folder.path().join("c.webp");
        std::fs::copy(&good, &misnamed).unwrap();
        assert!(
            thumbnail(&misnamed).is_some(),
            "the extension does not matter"
        );
        std::fs::write(&bad, "no picture").unwrap();
        let address = thumbnail(&good).unwrap();
        let bytes = STANDARD
            .decode(address.strip_prefix("data:image/jpeg;base64,").unwrap())
            .unwrap();
        let read = image::load_from_memory(&bytes).unwrap();
        assert_eq!((read.width(), read.height()), (72, 36));
        assert_eq!(thumbnail(&bad), None);
    }

    #[test]
    fn the_first_images_fill_the_limit_and_the_rest_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbaImage::from_pixel(9, 9, Rgba([200, 0, 0, 255]))
            .save(&good)
            .unwrap();
        std::fs::write(&bad, "no picture").unwrap();
        let paths: [&Path; 5] = [&good, &bad, &good, &good, &good];
        let images: Vec<(EntityId, &Path)> = (0..).map(EntityId).zip(paths).collect();
        let limit = 2 * thumbnail(&good).unwrap().len();
        let mut reports = Vec::new();
        let mut watch = |progress: Progress| {
            reports.push((progress.done, progress.total));
            Ok(())
        };
        let (made, left_out) = thumbnails(&images, limit, &mut watch).unwrap();
        assert_eq!(
            made.keys().map(|entity| entity.0).collect::<BTreeSet<_>>(),
            [0, 2].into()
        );
        assert_eq!(
            (left_out, reports),
            (2, vec![(0, 5), (1, 5), (2, 5), (3, 5)])
        );
        let stopped = thumbnails(&images, limit, &mut |_: Progress| Err(Error::Stopped));
        assert!(matches!(stopped, Err(Error::Stopped)));
    }
}
