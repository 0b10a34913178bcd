//! Small pictures that stand in the page itself.

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

/// Of the longer side, in pixels: sharp at half of it.
const SIDE: u32 = 72;
const QUALITY: u8 = 78;

/// Pictures by entity as `data:` addresses, in this order until they fill `room` (bytes), and how
/// many were left out for want of it. What cannot be read as a picture is not among them. Error:
/// `Stopped`.
pub fn thumbnails(
    pictures: &[(EntityId, &Path)],
    room: usize,
    observe: &mut dyn Observer<Progress>,
) -> Result<(HashMap<EntityId, String>, usize)> {
    let (mut made, mut used) = (HashMap::new(), 0);
    for (done, (entity, path)) in pictures.iter().enumerate() {
        observe.report(Progress::new(
            "pictures",
            done as u64,
            pictures.len() as u64,
        ))?;
        let Some(address) = thumbnail(path) else {
            continue;
        };
        used += address.len();
        if used > room {
            return Ok((made, pictures.len() - done));
        }
        made.insert(*entity, address);
    }
    Ok((made, 0))
}

/// The image as a `data:` address, on white; `None` where the file cannot be read as one.
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
    fn a_picture_is_small_and_what_is_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbaImage::from_pixel(400, 200, Rgba([200, 0, 0, 255]))
            .save(&good)
            .unwrap();
        let misnamed = folder.path().join("c.webp");
        std::fs::copy(&good, &misnamed).unwrap();
        assert!(thumbnail(&misnamed).is_some(), "a picture of any name");
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
    fn the_first_pictures_fill_the_room_and_the_rest_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.png"), folder.path().join("b.png"));
        RgbaImage::from_pixel(9, 9, Rgba([200, 0, 0, 255]))
            .save(&good)
            .unwrap();
        std::fs::write(&bad, "no picture").unwrap();
        let paths: [&Path; 5] = [&good, &bad, &good, &good, &good];
        let pictures: Vec<(EntityId, &Path)> = (0..).map(EntityId).zip(paths).collect();
        let room = 2 * thumbnail(&good).unwrap().len();
        let mut told = Vec::new();
        let mut watch = |progress: Progress| {
            told.push((progress.done, progress.total));
            Ok(())
        };
        let (made, left_out) = thumbnails(&pictures, room, &mut watch).unwrap();
        assert_eq!(
            made.keys().map(|entity| entity.0).collect::<BTreeSet<_>>(),
            [0, 2].into()
        );
        assert_eq!((left_out, told), (2, vec![(0, 5), (1, 5), (2, 5), (3, 5)]));
        let stopped = thumbnails(&pictures, room, &mut |_: Progress| Err(Error::Stopped));
        assert!(matches!(stopped, Err(Error::Stopped)));
    }
}
