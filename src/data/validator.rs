//! Validation of a complete data set: every file, every line and every image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::{Dataset, ENTITIES, SENTENCES};
use crate::error::Result;
use crate::image_file;
use crate::progress::{CancelFlag, Observer, Progress};
use crate::types::EntityId;

/// Entities with fewer pairs are left out of an index.
const MIN_PAIRS: usize = 2;
/// The maximum number of threads that decode images.
const MAX_THREADS: usize = 4;
/// The number of images between two progress reports.
const REPORT_EVERY: u64 = 32;

/// The path of an image, and the first line of the corpus that names it.
type ImageMention = (PathBuf, usize);

/// Validates the data set at `root`.
///
/// Errors: those of [`Dataset::open`], `Io`, `Stopped`.
pub fn check(root: &Path, observe: &mut dyn Observer<Progress>) -> Result<Diagnostics> {
    let dataset = Dataset::open(root)?;
    let mut diagnostics = dataset.diagnostics.clone();
    let sentences = root.join(SENTENCES);
    if !sentences.is_file() {
        diagnostics.report(kind::MISSING_FILE, &sentences, None, || {
            "the data set has no sentences".into()
        });
        return Ok(diagnostics);
    }

    let mut pairs: HashMap<EntityId, usize> = HashMap::new();
    let mut images: HashMap<PathBuf, usize> = HashMap::new();
    dataset.pairs(&mut diagnostics, observe, &mut |pair| {
        *pairs.entry(pair.entity).or_default() += 1;
        if let Some(image) = pair.image {
            images.entry(image).or_insert(pair.line);
        }
        Ok(())
    })?;
    report_rare_entities(&dataset, &pairs, &mut diagnostics);

    let mut images: Vec<ImageMention> = images.into_iter().collect();
    images.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    for (number, reason) in find_undecodable_images(&images, observe)? {
        let (image, line) = &images[number];
        diagnostics.report(kind::BROKEN_IMAGE, &sentences, Some(*line), || {
            format!("{}: it {reason}", image.display())
        });
    }
    Ok(diagnostics)
}

/// Reports the entities with fewer than [`MIN_PAIRS`] pairs.
fn report_rare_entities(
    dataset: &Dataset,
    pairs: &HashMap<EntityId, usize>,
    diagnostics: &mut Diagnostics,
) {
    for (entity, name) in dataset.vocabulary.iter() {
        let count = pairs.get(&entity).copied().unwrap_or(0);
        if count < MIN_PAIRS {
            diagnostics.report(kind::FEW_PAIRS, &dataset.root.join(ENTITIES), None, || {
                format!("{entity} “{name}” has {count}")
            });
        }
    }
}

/// Decodes every image on a few threads. Returns the index and the error of each that cannot be
/// decoded.
///
/// Errors: `Stopped`.
fn find_undecodable_images(
    images: &[ImageMention],
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<(usize, String)>> {
    let threads = thread::available_parallelism()
        .map_or(1, |n| n.get())
        .min(MAX_THREADS);
    let (next, cancel) = (AtomicUsize::new(0), CancelFlag::default());
    let total = images.len() as u64;
    let mut broken = thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next, cancel) = (sender.clone(), &next, &cancel);
            scope.spawn(move || decode_images(images, next, cancel, &sender));
        }
        drop(sender);
        let mut broken = Vec::new();
        for (done, (number, result)) in (1..).zip(results) {
            if let Err(reason) = result {
                broken.push((number, reason));
            }
            let due = done % REPORT_EVERY == 0 || done == total;
            if due && let Err(stopped) = observe.report(Progress::new("images", done, total)) {
                cancel.cancel();
                return Err(stopped);
            }
        }
        Ok(broken)
    })?;
    broken.sort();
    Ok(broken)
}

/// The index of an image, and its error if it cannot be decoded.
type DecodeResult = (usize, std::result::Result<(), String>);

/// Decodes images until there are none left, or the validation is cancelled.
fn decode_images(
    images: &[ImageMention],
    next: &AtomicUsize,
    cancel: &CancelFlag,
    results: &mpsc::Sender<DecodeResult>,
) {
    while !cancel.is_cancelled() {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some((image, _)) = images.get(number) else {
            return;
        };
        // the receiver is gone only after the validation was stopped
        if results.send((number, decode(image))).is_err() {
            return;
        }
    }
}

/// Decodes a complete image, since a valid header does not mean that the pixels are valid.
fn decode(path: &Path) -> std::result::Result<(), String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    image_file::decode(&bytes).map(drop)
}
