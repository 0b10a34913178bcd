//! The validator: every file, every line, every image.

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

/// Entities with fewer pairs than this are left out of an index.
const MIN_PAIRS: usize = 2;
const MAX_THREADS: usize = 4;
/// Progress is told every so many images.
const REPORT_EVERY: u64 = 32;

/// Everything that is wrong or odd with the data set at `root`. Errors: those of [`Dataset::open`],
/// `Io`, `Stopped`.
pub fn check(root: &Path, observe: &mut dyn Observer<Progress>) -> Result<Diagnostics> {
    let dataset = Dataset::open(root)?;
    let mut diagnostics = dataset.diagnostics.clone();
    let sentences = root.join(SENTENCES);
    if !sentences.is_file() {
        diagnostics.report(kind::MISSING_FILE, &sentences, None, || {
            "there are no sentences".into()
        });
        return Ok(diagnostics);
    }

    let mut pairs: HashMap<EntityId, usize> = HashMap::new();
    // each image once, with the first line that names it
    let mut images: HashMap<PathBuf, usize> = HashMap::new();
    dataset.pairs(&mut diagnostics, observe, &mut |pair| {
        *pairs.entry(pair.entity).or_default() += 1;
        if let Some(image) = pair.image {
            images.entry(image).or_insert(pair.line);
        }
        Ok(())
    })?;
    for (entity, name) in dataset.vocabulary.iter() {
        let count = pairs.get(&entity).copied().unwrap_or(0);
        if count < MIN_PAIRS {
            diagnostics.report(kind::FEW_PAIRS, &root.join(ENTITIES), None, || {
                format!("{entity} “{name}” has {count}")
            });
        }
    }

    let mut images: Vec<(PathBuf, usize)> = images.into_iter().collect();
    images.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    for (at, reason) in find_undecodable_images(&images, observe)? {
        let (image, line) = &images[at];
        diagnostics.report(kind::BROKEN_IMAGE, &sentences, Some(*line), || {
            format!("{}: it {reason}", image.display())
        });
    }
    Ok(diagnostics)
}

/// Decodes every image on a few threads: the places of those that cannot be, and why. Error:
/// `Stopped`.
fn find_undecodable_images(
    images: &[(PathBuf, usize)],
    observe: &mut dyn Observer<Progress>,
) -> Result<Vec<(usize, String)>> {
    let threads = thread::available_parallelism()
        .map_or(1, |n| n.get())
        .min(MAX_THREADS);
    let (next, cancel, total) = (
        AtomicUsize::new(0),
        CancelFlag::default(),
        images.len() as u64,
    );
    let mut broken = thread::scope(|scope| {
        let (send, results) = mpsc::channel();
        for _ in 0..threads {
            let (send, next, cancel) = (send.clone(), &next, &cancel);
            scope.spawn(move || {
                while !cancel.is_cancelled() {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((image, _)) = images.get(at) else {
                        break;
                    };
                    // the receiver is only gone once this was stopped
                    if send.send((at, decode(image))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut broken = Vec::new();
        for (done, (at, result)) in (1..).zip(results) {
            broken.extend(result.err().map(|reason| (at, reason)));
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

/// Decodes the whole image: a header tells nothing of what follows.
fn decode(path: &Path) -> std::result::Result<(), String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    image_file::decode(&bytes).map(drop)
}
