//! Pictures to patch features through the cache: order, pooling, resuming, stopping, broken files.

use crate::common::formula;
use std::fs;
use std::path::{Path, PathBuf};

use multiexpan::error::Error;
use multiexpan::features::feature_cache::{DEFAULT_LIMIT, FeatureCache};
use multiexpan::features::image_encoder::{ImageEncoder, ImageEncoderKind, PreparedImage};
use multiexpan::features::patch_store::{ImageFeatures, cache_record, image_features};
use multiexpan::progress::{Progress, Unobserved};
use tch::{Device, Kind, Tensor};

/// An EfficientNet-Lite0 with parameters by formula, its file in `folder`.
fn encoder(folder: &Path) -> ImageEncoder {
    let file = folder.join("weights.safetensors");
    let tensors: Vec<_> = formula::filled("efficientnet-lite0.txt")
        .into_iter()
        .collect();
    Tensor::write_safetensors(&tensors, &file).unwrap();
    ImageEncoder::open(&file, Device::Cpu, true).unwrap()
}

/// `count` pictures of different colours that grow lighter to the right; 160 × 120.
fn pictures(folder: &Path, count: u8) -> Vec<PathBuf> {
    let picture = |n: u8| {
        let path = folder.join(format!("{n}.png"));
        let colour =
            |x: u32, y: u32| image::Rgb([(x as u8).wrapping_add(n * 40), n * 20, (y as u8) ^ n]);
        image::RgbImage::from_fn(160, 120, colour)
            .save(&path)
            .unwrap();
        path
    };
    (0..count).map(picture).collect()
}

fn run(
    paths: &[PathBuf],
    encoder: &ImageEncoder,
    cache: &Path,
    grid: Option<i64>,
) -> ImageFeatures {
    let cache =
        FeatureCache::open(cache, &encoder.hash(), cache_record(encoder), DEFAULT_LIMIT).unwrap();
    image_features(paths, encoder, cache, grid, &mut Unobserved).unwrap()
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    ((a - b).abs().max() / b.abs().max()).double_value(&[])
}

/// f16 has 11 bits.
const F16: f64 = 1e-3;

#[test]
fn computed_and_cached_features_come_in_the_requested_order() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = encoder(folder.path());
    assert_eq!(
        (encoder.kind(), encoder.patches(), encoder.features()),
        (ImageEncoderKind::EfficientNetLite0, 49, 1280)
    );
    let mut paths = pictures(folder.path(), 3);
    let direct: Vec<PreparedImage> = paths
        .iter()
        .map(|path| PreparedImage::decode_squashed(&fs::read(path).unwrap(), 224).unwrap())
        .collect();
    let expected = encoder.encode(&direct).unwrap();
    let apart = (expected.get(0) - expected.get(1))
        .abs()
        .max()
        .double_value(&[]);
    assert!(apart > 0.05, "the pictures must differ: {apart}");

    // a copy under another name, one named twice, one missing, one that is no picture
    let copy = folder.path().join("copy.png");
    fs::copy(&paths[1], &copy).unwrap();
    let notes = folder.path().join("notes.webp");
    fs::write(&notes, "no picture").unwrap();
    let absent = folder.path().join("absent.png");
    paths.extend([
        copy.clone(),
        paths[0].clone(),
        absent.clone(),
        notes.clone(),
    ]);

    let cache = folder.path().join("cache");
    let first = run(&paths, &encoder, &cache, None);
    let broken: Vec<&PathBuf> = first.broken.iter().map(|(path, _)| path).collect();
    assert_eq!(broken, [&absent, &notes]);
    assert_eq!(first.store.len(), 4);
    assert_eq!(first.store.number(&notes), None);
    let numbers: Vec<usize> = [2, 0, 1]
        .map(|n: usize| first.store.number(&paths[n]).unwrap())
        .to_vec();
    let got = first.store.get(&numbers).unwrap();
    let wanted = expected.index_select(0, &Tensor::from_slice(&[2i64, 0, 1]));
    assert_eq!(got.size(), [3, 49, 1280]);
    assert!(difference(&got, &wanted) < F16);
    let twin = first
        .store
        .get(&[first.store.number(&copy).unwrap()])
        .unwrap();
    assert!(difference(&twin, &expected.narrow(0, 1, 1)) < F16);

    let again = run(&paths, &encoder, &cache, Some(4));
    assert_eq!(
        (again.encoded, again.store.patches(), again.store.features()),
        (0, 16, 1280)
    );
    let pooled = again
        .store
        .get(&[again.store.number(&paths[1]).unwrap()])
        .unwrap();
    let map = expected
        .narrow(0, 1, 1)
        .transpose(1, 2)
        .reshape([1, 1280, 7, 7])
        .adaptive_avg_pool2d([4, 4]);
    assert!(difference(&pooled, &map.flatten(2, 3).transpose(1, 2)) < F16);
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = encoder(folder.path());
    let paths = pictures(folder.path(), 2);
    let root = folder.path().join("cache");
    run(&paths[..1], &encoder, &root, None);
    let cache = FeatureCache::open(
        &root,
        &encoder.hash(),
        cache_record(&encoder),
        DEFAULT_LIMIT,
    )
    .unwrap();
    let mut stop = |_: Progress| Err(Error::Stopped);
    let stopped = image_features(&paths, &encoder, cache, None, &mut stop);
    assert!(matches!(stopped, Err(Error::Stopped)));
    let rest = run(&paths, &encoder, &root, None);
    assert_eq!((rest.encoded, rest.store.len()), (1, 2));
}

#[test]
fn a_foreign_network_is_refused() {
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
