//! Tests that compute the patch features of images through the cache: order, pooling, resuming,
//! stopping and broken files.

use crate::common::formula;
use std::fs;
use std::path::{Path, PathBuf};

use multiexpan::error::Error;
use multiexpan::features::feature_cache::{DEFAULT_LIMIT, FeatureCache};
use multiexpan::features::image_encoder::{ImageEncoder, ImageEncoderKind, PreparedImage};
use multiexpan::features::patch_store::{ImageFeatures, cache_record, image_features};
use multiexpan::progress::{Progress, Unobserved};
use tch::{Device, Kind, Tensor};

/// Opens an EfficientNet-Lite0 whose parameters follow a formula. Its file is written to `folder`.
fn encoder(folder: &Path) -> ImageEncoder {
    let file = folder.join("weights.safetensors");
    let tensors: Vec<_> = formula::filled("efficientnet-lite0.txt")
        .into_iter()
        .collect();
    Tensor::write_safetensors(&tensors, &file).unwrap();
    ImageEncoder::open(&file, Device::Cpu, true).unwrap()
}

/// Writes `count` images of 160 × 120 pixels with different colours, which become lighter to the
/// right, and returns their paths.
fn write_images(folder: &Path, count: u8) -> Vec<PathBuf> {
    let write_image = |number: u8| {
        let path = folder.join(format!("{number}.png"));
        let colour = |x: u32, y: u32| {
            image::Rgb([
                (x as u8).wrapping_add(number * 40),
                number * 20,
                (y as u8) ^ number,
            ])
        };
        image::RgbImage::from_fn(160, 120, colour)
            .save(&path)
            .unwrap();
        path
    };
    (0..count).map(write_image).collect()
}

/// Returns the features of the images at `paths`, computed or read from the cache.
fn compute_features(
    paths: &[PathBuf],
    encoder: &ImageEncoder,
    cache: &Path,
    grid: Option<i64>,
) -> ImageFeatures {
    let cache =
        FeatureCache::open(cache, &encoder.hash(), cache_record(encoder), DEFAULT_LIMIT).unwrap();
    image_features(paths, encoder, cache, grid, &mut Unobserved).unwrap()
}

/// Returns the largest absolute difference, as a fraction of the largest value of `b`.
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    ((a - b).abs().max() / b.abs().max()).double_value(&[])
}

/// The largest difference due to rounding to f16, which has a significand of 11 bits.
const F16: f64 = 1e-3;

#[test]
fn computed_and_cached_features_come_in_the_requested_order() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = encoder(folder.path());
    assert_eq!(
        (encoder.kind(), encoder.patches(), encoder.features()),
        (ImageEncoderKind::EfficientNetLite0, 49, 1280)
    );
    let mut paths = write_images(folder.path(), 3);
    let images: Vec<PreparedImage> = paths
        .iter()
        .map(|path| PreparedImage::decode_squashed(&fs::read(path).unwrap(), 224).unwrap())
        .collect();
    let expected = encoder.encode(&images).unwrap();
    let image_difference = (expected.get(0) - expected.get(1))
        .abs()
        .max()
        .double_value(&[]);
    assert!(
        image_difference > 0.05,
        "the pictures must differ: {image_difference}"
    );

    // The paths also include a copy, a repeated path, a missing file and a file that is not an
    // image.
    let copy = folder.path().join("copy.png");
    fs::copy(&paths[1], &copy).unwrap();
    let text_file = folder.path().join("notes.webp");
    fs::write(&text_file, "no picture").unwrap();
    let missing = folder.path().join("absent.png");
    paths.extend([
        copy.clone(),
        paths[0].clone(),
        missing.clone(),
        text_file.clone(),
    ]);

    let cache = folder.path().join("cache");
    let first = compute_features(&paths, &encoder, &cache, None);
    let broken: Vec<&PathBuf> = first.broken.iter().map(|(path, _)| path).collect();
    assert_eq!(broken, [&missing, &text_file]);
    assert_eq!(first.store.len(), 4);
    assert_eq!(first.store.number(&text_file), None);
    let numbers: Vec<usize> = [2, 0, 1]
        .map(|n: usize| first.store.number(&paths[n]).unwrap())
        .to_vec();
    let stored = first.store.get(&numbers).unwrap();
    let reordered = expected.index_select(0, &Tensor::from_slice(&[2i64, 0, 1]));
    assert_eq!(stored.size(), [3, 49, 1280]);
    assert!(difference(&stored, &reordered) < F16);
    let copied = first
        .store
        .get(&[first.store.number(&copy).unwrap()])
        .unwrap();
    assert!(difference(&copied, &expected.narrow(0, 1, 1)) < F16);

    let cached = compute_features(&paths, &encoder, &cache, Some(4));
    assert_eq!(
        (
            cached.encoded,
            cached.store.patches(),
            cached.store.features()
        ),
        (0, 16, 1280)
    );
    let pooled = cached
        .store
        .get(&[cached.store.number(&paths[1]).unwrap()])
        .unwrap();
    let map = expected
        .narrow(0, 1, 1)
        .transpose(1, 2)
        .reshape([1, 1280, 7, 7])
        .adaptive_avg_pool2d([4, 4]);
    assert!(difference(&pooled, &map.flatten(2, 3).transpose(1, 2)) < F16);
}

#[test]
fn a_stopped_computation_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = encoder(folder.path());
    let paths = write_images(folder.path(), 2);
    let cache_folder = folder.path().join("cache");
    compute_features(&paths[..1], &encoder, &cache_folder, None);
    let cache = FeatureCache::open(
        &cache_folder,
        &encoder.hash(),
        cache_record(&encoder),
        DEFAULT_LIMIT,
    )
    .unwrap();
    let mut stop = |_: Progress| Err(Error::Stopped);
    let stopped = image_features(&paths, &encoder, cache, None, &mut stop);
    assert!(matches!(stopped, Err(Error::Stopped)));
    let resumed = compute_features(&paths, &encoder, &cache_folder, None);
    assert_eq!((resumed.encoded, resumed.store.len()), (1, 2));
}

#[test]
fn an_unknown_network_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.safetensors");
    Tensor::write_safetensors(
        &[("x", Tensor::zeros([2], (Kind::Float, Device::Cpu)))],
        &file,
    )
    .unwrap();
    let Err(error) = ImageEncoder::open(&file, Device::Cpu, true) else {
        panic!("it opened")
    };
    assert!(
        error
            .to_string()
            .contains("neither a ResNet-50 (torchvision's names) nor an EfficientNet-Lite0"),
        "{error}"
    );
}
