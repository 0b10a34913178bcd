//! The patch features of a data set's images: missing ones are computed, then they can be read in
//! any order.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::feature_cache::{CacheLocation, CacheRecord, ContentHash, FeatureCache};
use crate::features::image_encoder::{ImageEncoder, PreparedImage};
use crate::features::loaded_pairs::ImageLookup;
use crate::progress::{Observer, Progress};

/// The batch size of the image encoder.
const BATCH: usize = 32;
/// The number of threads that read and decode images, besides the one that encodes.
const DECODERS: usize = 2;
/// The number of images that are pooled at once.
const CHUNK: usize = 256;
/// The size of an f16, in bytes.
const F16: usize = 2;
/// The minimum time between two progress reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Returns the shape of an image's features in the cache of this encoder.
pub fn cache_record(encoder: &ImageEncoder) -> CacheRecord {
    CacheRecord {
        numbers: (encoder.patches() * encoder.features()) as usize,
        kind: Kind::Half,
    }
}

/// The features of a list of images.
pub struct ImageFeatures {
    pub store: PatchStore,
    /// The images without features, sorted by path, with the reason, which follows the path.
    pub broken: Vec<(PathBuf, String)>,
    /// The number of images that were encoded. The others were in the cache.
    pub encoded: usize,
}

/// The patch features `[P, F]` of images, numbered from 0.
pub struct PatchStore {
    numbers: HashMap<PathBuf, usize>,
    patches: i64,
    features: i64,
    rows: PatchRows,
}

enum PatchRows {
    /// The features of all images as f16.
    InMemory(Vec<u8>),
    /// The features in the memory-mapped segments of the cache.
    Mapped(FeatureCache, Vec<CacheLocation>),
}

impl ImageLookup for ImageFeatures {
    fn number(&self, path: &Path) -> Option<usize> {
        self.store.number(path)
    }

    fn error(&self, path: &Path) -> Option<&str> {
        let at = self
            .broken
            .binary_search_by(|(broken, _)| broken.as_path().cmp(path))
            .ok()?;
        Some(&self.broken[at].1)
    }
}

impl PatchStore {
    /// Makes a store from the features in `cache`. Those of `paths[i]` are at `locations[i]`. With
    /// `grid` they are pooled to `grid × grid` and stored in memory.
    fn cached(
        paths: &[&Path],
        locations: &[Option<CacheLocation>],
        encoder: &ImageEncoder,
        cache: FeatureCache,
        grid: Option<i64>,
    ) -> Result<PatchStore> {
        let mut numbers = HashMap::new();
        let mut found = Vec::new();
        for (path, location) in paths.iter().zip(locations) {
            if let Some(location) = location {
                numbers.insert(path.to_path_buf(), found.len());
                found.push(*location);
            }
        }
        let (patches, rows) = match grid {
            None => (encoder.patches(), PatchRows::Mapped(cache, found)),
            Some(grid) => {
                let pooled = pool_records(&cache, &found, encoder, grid)?;
                (grid * grid, PatchRows::InMemory(pooled))
            }
        };
        Ok(PatchStore {
            numbers,
            patches,
            features: encoder.features(),
            rows,
        })
    }

    /// Returns the number of an image, or `None` if it has no features.
    pub fn number(&self, path: &Path) -> Option<usize> {
        self.numbers.get(path).copied()
    }

    /// Returns the number of images with features.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Returns P, the number of patches after pooling.
    pub fn patches(&self) -> i64 {
        self.patches
    }

    /// Returns F, the number of features of a patch.
    pub fn features(&self) -> i64 {
        self.features
    }

    /// Returns the features of the images with these numbers: `[B, P, F]`, f32, on the CPU. Panics
    /// for an unknown number.
    ///
    /// Errors: `Format` if the cache's file was damaged meanwhile.
    pub fn get(&self, numbers: &[usize]) -> Result<Tensor> {
        let record = (self.patches * self.features) as usize * F16;
        let mut bytes = Vec::with_capacity(numbers.len() * record);
        for &number in numbers {
            bytes.extend_from_slice(match &self.rows {
                PatchRows::InMemory(all) => &all[number * record..(number + 1) * record],
                PatchRows::Mapped(cache, locations) => cache.record(locations[number])?,
            });
        }
        let half = f16_tensor(&bytes, &[numbers.len() as i64, self.patches, self.features])?;
        Ok(half.to_kind(Kind::Float))
    }
}

/// Loads the features of the distinct images in `paths` from `cache`, and encodes missing ones.
/// With `grid`, the patches are average-pooled to `grid × grid` and stored in memory (f16: 41 KB
/// per image at 4 × 4 × 1280); without, they stay in the cache's files. Images that cannot be
/// decoded are listed as broken.
///
/// Errors: `Stopped`. The images that were encoded until then stay in the cache.
pub fn image_features(
    paths: &[PathBuf],
    encoder: &ImageEncoder,
    mut cache: FeatureCache,
    grid: Option<i64>,
    observer: &mut dyn Observer<Progress>,
) -> Result<ImageFeatures> {
    let mut seen = HashSet::new();
    let paths: Vec<&Path> = paths
        .iter()
        .map(PathBuf::as_path)
        .filter(|path| seen.insert(*path))
        .collect();
    let mut gathering = EncodingRun::new(&paths, encoder, &mut cache);
    gathering.gather(observer)?;
    let EncodingRun {
        locations,
        broken,
        encoded,
        ..
    } = gathering;
    Ok(ImageFeatures {
        store: PatchStore::cached(&paths, &locations, encoder, cache, grid)?,
        broken,
        encoded,
    })
}

/// An image from a decoder thread.
enum DecodedImage {
    /// The content is in the cache.
    Known(ContentHash),
    New(ContentHash, PreparedImage),
    Broken(String),
}

/// Decodes images until there are none left, or the receiver is gone. Runs on a decoder thread.
fn decode_all(
    paths: &[&Path],
    side: u32,
    known: &HashSet<ContentHash>,
    next: &AtomicUsize,
    sender: &SyncSender<(usize, DecodedImage)>,
) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(path) = paths.get(number) else {
            return;
        };
        if sender
            .send((number, decode_image(path, side, known)))
            .is_err()
        {
            return;
        }
    }
}

fn decode_image(path: &Path, side: u32, known: &HashSet<ContentHash>) -> DecodedImage {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => return DecodedImage::Broken(format!("cannot be read: {e}")),
    };
    let hash = *blake3::hash(&bytes).as_bytes();
    if known.contains(&hash) {
        return DecodedImage::Known(hash);
    }
    match PreparedImage::decode_squashed(&bytes, side) {
        Ok(image) => DecodedImage::New(hash, image),
        Err(reason) => DecodedImage::Broken(reason),
    }
}

/// A run that encodes the images of the decoders and stores their features in the cache.
struct EncodingRun<'a> {
    paths: &'a [&'a Path],
    encoder: &'a ImageEncoder,
    cache: &'a mut FeatureCache,
    locations: Vec<Option<CacheLocation>>,
    broken: Vec<(PathBuf, String)>,
    encoded: usize,
    waiting: Vec<(usize, ContentHash)>,
    images: Vec<PreparedImage>,
}

impl<'a> EncodingRun<'a> {
    fn new(
        paths: &'a [&'a Path],
        encoder: &'a ImageEncoder,
        cache: &'a mut FeatureCache,
    ) -> EncodingRun<'a> {
        EncodingRun {
            locations: vec![None; paths.len()],
            paths,
            encoder,
            cache,
            broken: Vec::new(),
            encoded: 0,
            waiting: Vec::new(),
            images: Vec::new(),
        }
    }

    /// Starts the decoders, and encodes what they read.
    fn gather(&mut self, observer: &mut dyn Observer<Progress>) -> Result<()> {
        let paths = self.paths;
        let known: HashSet<ContentHash> = self.cache.known().collect();
        let next = AtomicUsize::new(0);
        let side = self.encoder.kind().side();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(2 * BATCH);
            for _ in 0..DECODERS {
                let (sender, known, next) = (sender.clone(), &known, &next);
                scope.spawn(move || decode_all(paths, side, known, next, &sender));
            }
            drop(sender);
            // the receiver is dropped in this call, which also ends the decoders if it stops early
            self.run(receiver, observer)
        })
    }

    fn run(
        &mut self,
        receiver: Receiver<(usize, DecodedImage)>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        let mut clock = ProgressTimer::new(self.paths.len());
        for (done, (number, read)) in receiver.into_iter().enumerate() {
            self.take(number, read)?;
            if self.images.len() == BATCH {
                self.encode()?;
            }
            if let Err(stopped) = clock.report(done + 1, self.encoded, observer) {
                self.cache.flush()?;
                return Err(stopped);
            }
        }
        self.encode()?;
        self.broken.sort();
        self.cache.flush()
    }

    fn take(&mut self, number: usize, read: DecodedImage) -> Result<()> {
        let (hash, image) = match read {
            DecodedImage::Broken(reason) => {
                self.broken.push((self.paths[number].to_owned(), reason));
                return Ok(());
            }
            DecodedImage::Known(hash) => (hash, None),
            DecodedImage::New(hash, image) => (hash, Some(image)),
        };
        self.locations[number] = self.cache.find(&hash)?;
        if self.locations[number].is_some() {
            return Ok(());
        }
        match image {
            Some(image) => {
                self.waiting.push((number, hash));
                self.images.push(image);
                Ok(())
            }
            // the cached record is damaged: decode the image again
            None => {
                let side = self.encoder.kind().side();
                self.take(
                    number,
                    self::decode_image(self.paths[number], side, &HashSet::new()),
                )
            }
        }
    }

    fn encode(&mut self) -> Result<()> {
        if self.images.is_empty() {
            return Ok(());
        }
        let bytes = f16_bytes(&self.encoder.encode(&self.images)?)?;
        let records = bytes.chunks_exact(cache_record(self.encoder).bytes());
        for ((number, hash), record) in self.waiting.drain(..).zip(records) {
            let path = self.paths[number];
            self.locations[number] = Some(
                self.cache
                    .append(hash, record, || path.display().to_string())?,
            );
        }
        self.encoded += self.images.len();
        self.images.clear();
        Ok(())
    }
}

/// Limits the rate of progress reports and estimates the remaining time.
struct ProgressTimer {
    total: usize,
    began: Instant,
    reported: Instant,
}

impl ProgressTimer {
    fn new(total: usize) -> ProgressTimer {
        ProgressTimer {
            total,
            began: Instant::now(),
            reported: Instant::now(),
        }
    }

    fn report(
        &mut self,
        done: usize,
        encoded: usize,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        if self.reported.elapsed() < REPORT_INTERVAL && done < self.total {
            return Ok(());
        }
        self.reported = Instant::now();
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let mut progress = Progress::new("image features", done as u64, self.total as u64);
        progress.remaining = Some(Duration::from_secs_f64(
            seconds * (self.total - done) as f64 / done as f64,
        ));
        if encoded > 0 {
            progress.details = format!("{:.0} images/s", done as f64 / seconds);
        }
        observer.report(progress)
    }
}

/// Average-pools every record to `grid × grid`, as f16.
fn pool_records(
    cache: &FeatureCache,
    locations: &[CacheLocation],
    encoder: &ImageEncoder,
    grid: i64,
) -> Result<Vec<u8>> {
    let (side, features) = (encoder.kind().grid(), encoder.features());
    let mut all = Vec::with_capacity(locations.len() * (grid * grid * features) as usize * F16);
    for chunk in locations.chunks(CHUNK) {
        let mut bytes = Vec::with_capacity(chunk.len() * cache_record(encoder).bytes());
        for &location in chunk {
            bytes.extend_from_slice(cache.record(location)?);
        }
        // [n, P, F] → [n, F, side, side] → [n, F, grid, grid] → [n, grid², F]
        let map =
            f16_tensor(&bytes, &[chunk.len() as i64, side, side, features])?.to_kind(Kind::Float);
        let map = map
            .permute([0, 3, 1, 2])
            .f_adaptive_avg_pool2d([grid, grid])
            .map_err(|e| torch_error("pooling", e))?;
        all.extend(f16_bytes(&map.flatten(2, 3).transpose(1, 2))?);
    }
    Ok(all)
}

/// Returns the values of a tensor as f16 bytes, in row-major order.
fn f16_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let half = tensor
        .to_device(tch::Device::Cpu)
        .to_kind(Kind::Half)
        .contiguous();
    let mut bytes = vec![0; half.numel() * F16];
    half.f_copy_data_u8(&mut bytes, half.numel())
        .map_err(|e| torch_error("copying features", e))?;
    Ok(bytes)
}

/// Makes a tensor from f16 bytes.
///
/// Errors: `Mismatch` for another number of bytes.
fn f16_tensor(bytes: &[u8], size: &[i64]) -> Result<Tensor> {
    if bytes.len() as i64 != size.iter().product::<i64>() * F16 as i64 {
        return Err(Error::Mismatch(format!(
            "{} bytes of features for the shape {size:?}",
            bytes.len()
        )));
    }
    Tensor::f_from_data_size(bytes, size, Kind::Half)
        .map_err(|e| torch_error("reading features", e))
}

fn torch_error(doing: &str, e: tch::TchError) -> Error {
    Error::Torch {
        operation: doing.into(),
        message: e.to_string(),
    }
}
