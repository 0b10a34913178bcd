//! The patch features of a data set's pictures: computed where the cache has none, then read at
//! random.

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

/// Pictures encoded at once.
const BATCH: usize = 32;
/// Threads that read and decode pictures beside the one that encodes.
const DECODERS: usize = 2;
/// Pictures read at once where features are pooled.
const CHUNK: usize = 256;
/// Bytes of an f16.
const F16: usize = 2;
/// The observer hears no more often.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Returns what one image's features are in the cache of this encoder.
pub fn cache_record(encoder: &ImageEncoder) -> CacheRecord {
    CacheRecord {
        numbers: (encoder.patches() * encoder.features()) as usize,
        kind: Kind::Half,
    }
}

/// What came of a list of pictures.
pub struct ImageFeatures {
    pub store: PatchStore,
    /// Pictures without features, and why, as a clause; sorted by path.
    pub broken: Vec<(PathBuf, String)>,
    /// How many were computed now; the rest came from the cache.
    pub encoded: usize,
}

/// Patch features `[P, F]` of pictures, by a dense number.
pub struct PatchStore {
    numbers: HashMap<PathBuf, usize>,
    patches: i64,
    features: i64,
    rows: PatchRows,
}

enum PatchRows {
    /// f16, all pictures one after another.
    InMemory(Vec<u8>),
    /// In the cache's memory-mapped segments.
    Mapped(FeatureCache, Vec<CacheLocation>),
}

impl ImageLookup for ImageFeatures {
    fn number(&self, path: &Path) -> Option<usize> {
        self.store.number(path)
    }

    fn fault(&self, path: &Path) -> Option<&str> {
        let at = self
            .broken
            .binary_search_by(|(broken, _)| broken.as_path().cmp(path))
            .ok()?;
        Some(&self.broken[at].1)
    }
}

impl PatchStore {
    /// Features that are at hand: `features` `[N, P, F]`, one a path.
    pub fn from_tensor(paths: &[PathBuf], features: &Tensor) -> Result<PatchStore> {
        let (n, patches, features_wide) = features
            .size3()
            .map_err(|e| torch_error("holding features", e))?;
        if n as usize != paths.len() {
            return Err(Error::Mismatch(format!(
                "features of {n} pictures for {} paths",
                paths.len()
            )));
        }
        let numbers = paths
            .iter()
            .cloned()
            .enumerate()
            .map(|(number, path)| (path, number))
            .collect();
        Ok(PatchStore {
            numbers,
            patches,
            features: features_wide,
            rows: PatchRows::InMemory(f16_bytes(features)?),
        })
    }

    /// Features in `cache`: those of `paths[i]` are at `places[i]`, if anywhere. With `grid` they
    /// are pooled to `grid × grid` and held in memory.
    fn cached(
        paths: &[&Path],
        places: &[Option<CacheLocation>],
        encoder: &ImageEncoder,
        cache: FeatureCache,
        grid: Option<i64>,
    ) -> Result<PatchStore> {
        let mut numbers = HashMap::new();
        let mut found = Vec::new();
        for (path, place) in paths.iter().zip(places) {
            if let Some(place) = place {
                numbers.insert(path.to_path_buf(), found.len());
                found.push(*place);
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

    /// A picture's number, none where it has no features.
    pub fn number(&self, path: &Path) -> Option<usize> {
        self.numbers.get(path).copied()
    }

    /// Pictures that have features.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// P, after pooling.
    pub fn patches(&self) -> i64 {
        self.patches
    }

    /// F.
    pub fn features(&self) -> i64 {
        self.features
    }

    /// Features of the pictures with these numbers: `[B, P, F]`, f32, on the CPU. Panics on a
    /// number that no picture has; fails where the cache's file was harmed meanwhile.
    pub fn get(&self, numbers: &[usize]) -> Result<Tensor> {
        let record = (self.patches * self.features) as usize * F16;
        let mut bytes = Vec::with_capacity(numbers.len() * record);
        for &number in numbers {
            bytes.extend_from_slice(match &self.rows {
                PatchRows::InMemory(all) => &all[number * record..(number + 1) * record],
                PatchRows::Mapped(cache, places) => cache.record(places[number])?,
            });
        }
        let half = f16_tensor(&bytes, &[numbers.len() as i64, self.patches, self.features])?;
        Ok(half.to_kind(Kind::Float))
    }
}

/// Features of every picture in `paths` (each once, however often it is named), from `cache` where
/// it has them. With `grid`, the patches are average-pooled to `grid × grid` and held in memory
/// (f16: 41 KB a picture at 4 × 4 × 1280); without, they stay in the cache's files. What cannot be
/// read or decoded is listed as broken. `Err(Stopped)` when the observer stops it; what was encoded
/// until then stays in the cache.
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
        places,
        broken,
        encoded,
        ..
    } = gathering;
    Ok(ImageFeatures {
        store: PatchStore::cached(&paths, &places, encoder, cache, grid)?,
        broken,
        encoded,
    })
}

/// One picture as it comes from a decoder.
enum DecodedImage {
    /// The cache has this content.
    Known(ContentHash),
    New(ContentHash, PreparedImage),
    Broken(String),
}

/// A decoder thread: takes the next path until there is none, or nobody listens.
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
        Ok(picture) => DecodedImage::New(hash, picture),
        Err(reason) => DecodedImage::Broken(reason),
    }
}

/// The encoding side: takes what the decoders read and finds each picture a place in the cache.
struct EncodingRun<'a> {
    paths: &'a [&'a Path],
    encoder: &'a ImageEncoder,
    cache: &'a mut FeatureCache,
    places: Vec<Option<CacheLocation>>,
    broken: Vec<(PathBuf, String)>,
    encoded: usize,
    waiting: Vec<(usize, ContentHash)>,
    pictures: Vec<PreparedImage>,
}

impl<'a> EncodingRun<'a> {
    fn new(
        paths: &'a [&'a Path],
        encoder: &'a ImageEncoder,
        cache: &'a mut FeatureCache,
    ) -> EncodingRun<'a> {
        EncodingRun {
            places: vec![None; paths.len()],
            paths,
            encoder,
            cache,
            broken: Vec::new(),
            encoded: 0,
            waiting: Vec::new(),
            pictures: Vec::new(),
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
            // the receiver goes with this call, so the decoders end also when it stops early
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
            if self.pictures.len() == BATCH {
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
        let (hash, picture) = match read {
            DecodedImage::Broken(reason) => {
                self.broken.push((self.paths[number].to_owned(), reason));
                return Ok(());
            }
            DecodedImage::Known(hash) => (hash, None),
            DecodedImage::New(hash, picture) => (hash, Some(picture)),
        };
        self.places[number] = self.cache.find(&hash)?;
        if self.places[number].is_some() {
            return Ok(());
        }
        match picture {
            Some(picture) => {
                self.waiting.push((number, hash));
                self.pictures.push(picture);
                Ok(())
            }
            // its record turned out to be damaged: read it again, now as a new one
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
        if self.pictures.is_empty() {
            return Ok(());
        }
        let bytes = f16_bytes(&self.encoder.encode(&self.pictures)?)?;
        let records = bytes.chunks_exact(cache_record(self.encoder).bytes());
        for ((number, hash), record) in self.waiting.drain(..).zip(records) {
            let path = self.paths[number];
            self.places[number] = Some(
                self.cache
                    .append(hash, record, || path.display().to_string())?,
            );
        }
        self.encoded += self.pictures.len();
        self.pictures.clear();
        Ok(())
    }
}

/// When to tell the observer, and what.
struct ProgressTimer {
    total: usize,
    began: Instant,
    told: Instant,
}

impl ProgressTimer {
    fn new(total: usize) -> ProgressTimer {
        ProgressTimer {
            total,
            began: Instant::now(),
            told: Instant::now(),
        }
    }

    fn report(
        &mut self,
        done: usize,
        encoded: usize,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        if self.told.elapsed() < REPORT_INTERVAL && done < self.total {
            return Ok(());
        }
        self.told = Instant::now();
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let mut progress = Progress::new("image features", done as u64, self.total as u64);
        progress.remaining = Some(Duration::from_secs_f64(
            seconds * (self.total - done) as f64 / done as f64,
        ));
        if encoded > 0 {
            progress.details = format!("{:.0} pictures/s", done as f64 / seconds);
        }
        observer.report(progress)
    }
}

/// Every record average-pooled to `grid × grid`, as f16.
fn pool_records(
    cache: &FeatureCache,
    places: &[CacheLocation],
    encoder: &ImageEncoder,
    grid: i64,
) -> Result<Vec<u8>> {
    let (side, features) = (encoder.kind().grid(), encoder.features());
    let mut all = Vec::with_capacity(places.len() * (grid * grid * features) as usize * F16);
    for chunk in places.chunks(CHUNK) {
        let mut bytes = Vec::with_capacity(chunk.len() * cache_record(encoder).bytes());
        for &place in chunk {
            bytes.extend_from_slice(cache.record(place)?);
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

/// A tensor's numbers as f16, in memory order of its shape.
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

/// `bytes` must be exactly the shape's f16 numbers.
fn f16_tensor(bytes: &[u8], size: &[i64]) -> Result<Tensor> {
    if bytes.len() as i64 != size.iter().product::<i64>() * F16 as i64 {
        return Err(Error::Mismatch(format!(
            "{} bytes of features for {size:?}",
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
