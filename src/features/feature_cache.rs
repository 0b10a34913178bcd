//! Cache of features on disk, by the content of the image or the text.
//!
//! Each encoder (its weights and preprocessing) has a folder with segments of up to 1 GiB, which
//! are only appended to:
//! ```text
//! CACHE/<encoder>/000001.features   records (P·F f16 per image, little-endian), one after another
//! CACHE/<encoder>/000001.keys       per record: BLAKE3 of the content (32 bytes), of the record (8 bytes)
//! ```
//! A key is written after its record, so that every record with a key is valid after a crash. A
//! record that is cut short or does not match its hash counts as absent. Every run writes its own
//! segments, so that runs do not interfere. When a segment is started and the cache exceeds its
//! limit, the oldest segments that this run does not use are deleted. Therefore a data set larger
//! than the limit can still be processed.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use half::f16;
use memmap2::Mmap;
use tch::Kind;

use crate::error::{Error, Result};
use crate::model::weights::map_file;

/// The size limit of the cache with all encoders, in bytes. The demo needs 0.3 GB at 49 × 1280;
/// 434,000 images at 36 × 2048 need 64 GB.
pub const DEFAULT_LIMIT: u64 = 20 << 30;
/// The size at which a segment is closed, in bytes.
const SEGMENT_BYTES: u64 = 1 << 30;

const CONTENT_HASH: usize = 32;
const RECORD_HASH: usize = 8;
const KEY: usize = CONTENT_HASH + RECORD_HASH;

/// The BLAKE3 hash of an image file or a text.
pub type ContentHash = [u8; CONTENT_HASH];

/// The shape of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheRecord {
    /// The number of values.
    pub numbers: usize,
    /// The kind of the values: `Half` or `Float`, little-endian.
    pub kind: Kind,
}

impl CacheRecord {
    /// Returns the length in bytes.
    pub fn bytes(self) -> usize {
        self.numbers * self.kind.elt_size_in_bytes()
    }

    /// Returns whether every value of a record is finite.
    fn is_finite(self, record: &[u8]) -> bool {
        match self.kind {
            Kind::Half => record
                .as_chunks()
                .0
                .iter()
                .all(|number| f16::from_le_bytes(*number).is_finite()),
            _ => record
                .as_chunks()
                .0
                .iter()
                .all(|number| f32::from_le_bytes(*number).is_finite()),
        }
    }
}

/// The location of features: a segment, and a record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLocation {
    segment: usize,
    record: usize,
}

/// The cached features of one encoder.
pub struct FeatureCache {
    root: PathBuf,
    folder: PathBuf,
    record: CacheRecord,
    limit: u64,
    segments: Vec<Segment>,
    known: HashMap<ContentHash, CacheLocation>,
    writer: Option<Writer>,
}

struct Segment {
    features: PathBuf,
    /// `None` if there is no complete record yet, or while this run writes the segment.
    map: Option<Mmap>,
    checks: Vec<[u8; RECORD_HASH]>,
    used: bool,
}

struct Writer {
    segment: usize,
    features: File,
    keys: File,
}

impl FeatureCache {
    /// Opens or creates the cache of `encoder` ([`super::image_encoder::ImageEncoder::hash`]) in
    /// `root`. `limit` is the size limit of `root`, in bytes.
    pub fn open(
        root: &Path,
        encoder: &str,
        record: CacheRecord,
        limit: u64,
    ) -> Result<FeatureCache> {
        let folder = root.join(encoder.get(..16).unwrap_or(encoder));
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let mut cache = FeatureCache {
            root: root.to_owned(),
            folder,
            record,
            limit,
            segments: Vec::new(),
            known: HashMap::new(),
            writer: None,
        };
        for features in segment_files(&cache.folder)? {
            cache.add(features)?;
        }
        Ok(cache)
    }

    /// Returns the number of cached contents.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the hashes of the cached contents.
    pub fn known(&self) -> impl Iterator<Item = ContentHash> {
        self.known.keys().copied()
    }

    /// Finds the valid features of this content. Returns `None` if they must be computed.
    pub fn find(&mut self, content: &ContentHash) -> Result<Option<CacheLocation>> {
        let Some(&location) = self.known.get(content) else {
            return Ok(None);
        };
        let segment = &self.segments[location.segment];
        // the segment that is being written has no map yet, and its records are valid
        if segment.map.is_some() {
            let record = self.record(location)?;
            if record_checksum(record) != segment.checks[location.record]
                || !self.record.is_finite(record)
            {
                self.known.remove(content);
                return Ok(None);
            }
        }
        self.segments[location.segment].used = true;
        Ok(Some(location))
    }

    /// Returns the bytes of a record. Call [`FeatureCache::flush`] after appending.
    pub fn record(&self, location: CacheLocation) -> Result<&[u8]> {
        let segment = &self.segments[location.segment];
        let start = location.record * self.record.bytes();
        let bytes = segment
            .map
            .as_ref()
            .and_then(|map| map.get(start..start + self.record.bytes()));
        bytes.ok_or_else(|| Error::format(&segment.features, "is shorter than its keys say"))
    }

    /// Appends a record. `describe` names the content for an error message.
    ///
    /// Errors: `Io`; `Mismatch` for another length, and for NaN and infinity.
    pub fn append(
        &mut self,
        content: ContentHash,
        features: &[u8],
        describe: impl Fn() -> String,
    ) -> Result<CacheLocation> {
        if features.len() != self.record.bytes() {
            return Err(Error::Mismatch(format!(
                "{} bytes for a record of {}",
                features.len(),
                self.record.bytes()
            )));
        }
        if !self.record.is_finite(features) {
            let kind = self.record.kind;
            return Err(Error::Mismatch(format!(
                "the encoder's features of {} are not finite as {kind:?}; its weights are damaged or of \
                 another network",
                describe()
            )));
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin()?,
        };
        let segment = &mut self.segments[writer.segment];
        let write_error = Error::io("write", &segment.features);
        let hash = record_checksum(features);
        let key = [content.as_slice(), &hash].concat();
        writer
            .features
            .write_all(features)
            .and_then(|()| writer.keys.write_all(&key))
            .map_err(write_error)?;
        let location = CacheLocation {
            segment: writer.segment,
            record: segment.checks.len(),
        };
        segment.checks.push(hash);
        self.known.insert(content, location);
        let full = (segment.checks.len() * self.record.bytes()) as u64 >= SEGMENT_BYTES;
        self.writer = Some(writer);
        if full {
            self.flush().map(|()| location)
        } else {
            Ok(location)
        }
    }

    /// Closes the current segment, so that the appended records can be read.
    pub fn flush(&mut self) -> Result<()> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let segment = &mut self.segments[writer.segment];
        segment.map = Some(map_file(&segment.features)?);
        Ok(())
    }

    /// Returns the size of the segments of all encoders, in bytes.
    pub fn size(&self) -> Result<u64> {
        Ok(all_segments(&self.root)?
            .iter()
            .map(|(_, _, bytes)| bytes)
            .sum())
    }

    fn add(&mut self, features: PathBuf) -> Result<()> {
        let keys = fs::read(features.with_extension("keys")).unwrap_or_default();
        let length = fs::metadata(&features)
            .map_err(Error::io("read", &features))?
            .len() as usize;
        let complete = (keys.len() / KEY).min(length / self.record.bytes());
        if complete == 0 {
            return Ok(());
        }
        let segment = self.segments.len();
        let mut checks = Vec::with_capacity(complete);
        for (record, key) in keys.as_chunks::<KEY>().0.iter().take(complete).enumerate() {
            let mut content = [0; CONTENT_HASH];
            content.copy_from_slice(&key[..CONTENT_HASH]);
            let mut hash = [0; RECORD_HASH];
            hash.copy_from_slice(&key[CONTENT_HASH..]);
            checks.push(hash);
            self.known
                .insert(content, CacheLocation { segment, record });
        }
        let map = Some(map_file(&features)?);
        self.segments.push(Segment {
            features,
            map,
            checks,
            used: false,
        });
        Ok(())
    }

    /// Starts a new segment of this run, after deleting old ones if necessary.
    fn begin(&mut self) -> Result<Writer> {
        self.evict()?;
        let mut number = segment_files(&self.folder)?.len() + 1;
        let (features, file) = loop {
            let path = self.folder.join(format!("{number:06}.features"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io("create", &path)(e)),
            }
        };
        let keys = features.with_extension("keys");
        let keys = File::create(&keys).map_err(Error::io("create", &keys))?;
        let segment = self.segments.len();
        self.segments.push(Segment {
            features,
            map: None,
            checks: Vec::new(),
            used: true,
        });
        Ok(Writer {
            segment,
            features: file,
            keys,
        })
    }

    fn evict(&mut self) -> Result<()> {
        let mut all = all_segments(&self.root)?;
        let mut size: u64 = all.iter().map(|(_, _, bytes)| bytes).sum();
        all.sort_by_key(|(_, modified, _)| *modified);
        for (path, _, bytes) in all {
            if size + SEGMENT_BYTES <= self.limit.max(SEGMENT_BYTES) {
                break;
            }
            let ours = self
                .segments
                .iter()
                .position(|segment| segment.features == path);
            if ours.is_some_and(|number| self.segments[number].used) {
                continue;
            }
            remove(&path.with_extension("keys"))?;
            remove(&path)?;
            size -= bytes;
            if let Some(number) = ours {
                self.known.retain(|_, location| location.segment != number);
            }
        }
        Ok(())
    }
}

/// Returns the first 8 bytes of a record's BLAKE3 hash.
fn record_checksum(record: &[u8]) -> [u8; RECORD_HASH] {
    let mut hash = [0; RECORD_HASH];
    hash.copy_from_slice(&blake3::hash(record).as_bytes()[..RECORD_HASH]);
    hash
}

/// Deletes a file, which another run may have deleted already.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", path)(e)),
        _ => Ok(()),
    }
}

/// Returns the `.features` files of one encoder, sorted by name.
fn segment_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "features"))
        .collect();
    files.sort();
    Ok(files)
}

/// Returns the segments of all encoders: path, time of the last change, size in bytes.
fn all_segments(root: &Path) -> Result<Vec<(PathBuf, SystemTime, u64)>> {
    let mut all = Vec::new();
    for folder in fs::read_dir(root)
        .map_err(Error::io("read", root))?
        .flatten()
        .map(|entry| entry.path())
    {
        if !folder.is_dir() {
            continue;
        }
        for path in segment_files(&folder)? {
            // another run may have deleted it
            let Ok(about) = fs::metadata(&path) else {
                continue;
            };
            all.push((
                path,
                about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                about.len(),
            ));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 6;
    const HALVES: CacheRecord = CacheRecord {
        numbers: RECORD / 2,
        kind: Kind::Half,
    };
    const ENCODER: &str = "0123456789abcdef0123";

    fn content(n: u8) -> ContentHash {
        [n; CONTENT_HASH]
    }

    fn open(root: &Path) -> FeatureCache {
        FeatureCache::open(root, ENCODER, HALVES, DEFAULT_LIMIT).unwrap()
    }

    /// Writes a cache with the contents 1, 2 and 3.
    fn write_three(root: &Path) {
        let mut cache = open(root);
        for n in 1..=3 {
            cache.append(content(n), &[n; RECORD], String::new).unwrap();
        }
        cache.flush().unwrap();
    }

    fn files(root: &Path, end: &str) -> Vec<PathBuf> {
        let folder = root.join(&ENCODER[..16]);
        let mut all: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        all.retain(|path| path.extension().is_some_and(|has| has == end));
        all.sort();
        all
    }

    #[test]
    fn appended_records_are_found_after_reopening() {
        let root = tempfile::tempdir().unwrap();
        write_three(root.path());
        let mut cache = open(root.path());
        let location = cache.find(&content(2)).unwrap().unwrap();
        assert_eq!(cache.record(location).unwrap(), [2; RECORD]);
        assert_eq!(cache.find(&content(9)).unwrap(), None);
        cache.append(content(9), &[9; RECORD], String::new).unwrap();
        cache.flush().unwrap();
        assert_eq!(open(root.path()).len(), 4);
        assert_eq!(open(root.path()).size().unwrap(), 4 * RECORD as u64);
        let other =
            FeatureCache::open(root.path(), "another encoder's hash", HALVES, DEFAULT_LIMIT)
                .unwrap();
        assert!(other.is_empty());
    }

    #[test]
    fn records_survive_a_crash() {
        let root = tempfile::tempdir().unwrap();
        let mut cache = open(root.path());
        cache.append(content(1), &[1; RECORD], String::new).unwrap();
        cache.append(content(2), &[2; RECORD], String::new).unwrap();
        drop(cache); // never flushed
        let mut again = open(root.path());
        assert!(again.find(&content(2)).unwrap().is_some());
    }

    #[test]
    fn incomplete_and_damaged_records_count_as_absent() {
        let root = tempfile::tempdir().unwrap();
        write_three(root.path());
        let path = &files(root.path(), "features")[0];
        let mut bytes = fs::read(path).unwrap();
        bytes[RECORD] ^= 1; // content 2
        bytes.truncate(2 * RECORD + 3); // content 3
        fs::write(path, bytes).unwrap();
        let mut cache = open(root.path());
        assert!(cache.find(&content(1)).unwrap().is_some());
        assert_eq!(cache.find(&content(2)).unwrap(), None);
        assert_eq!(cache.find(&content(3)).unwrap(), None);
        // it can be appended again
        let location = cache.append(content(2), &[2; RECORD], String::new).unwrap();
        cache.flush().unwrap();
        assert_eq!(cache.record(location).unwrap(), [2; RECORD]);
        assert!(open(root.path()).find(&content(2)).unwrap().is_some());
    }

    #[test]
    fn the_oldest_unused_segments_are_deleted_at_the_limit() {
        let root = tempfile::tempdir().unwrap();
        for n in 1..=3 {
            let mut cache = open(root.path());
            cache.append(content(n), &[n; RECORD], String::new).unwrap();
            cache.flush().unwrap();
            let age = std::time::Duration::from_secs(1000 - u64::from(n));
            let file = File::options()
                .append(true)
                .open(&files(root.path(), "features")[usize::from(n) - 1])
                .unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        // enough for a new segment and two records
        let limit = SEGMENT_BYTES + 2 * RECORD as u64;
        let mut cache = FeatureCache::open(root.path(), ENCODER, HALVES, limit).unwrap();
        assert!(cache.find(&content(1)).unwrap().is_some());
        cache.append(content(4), &[4; RECORD], String::new).unwrap();
        cache.flush().unwrap();
        assert_eq!(
            cache.find(&content(2)).unwrap(),
            None,
            "the oldest unused segment"
        );
        let mut again = open(root.path());
        let left = [1, 2, 3, 4].map(|n| again.find(&content(n)).unwrap().is_some());
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn values_that_are_not_finite_are_refused_and_not_found() {
        let root = tempfile::tempdir().unwrap();
        let mut cache = open(root.path());
        let bytes: Vec<u8> = [1.0, f32::INFINITY, 2.0]
            .iter()
            .flat_map(|x| f16::from_f32(*x).to_le_bytes())
            .collect();
        let error = cache
            .append(content(1), &bytes, || "a.png".into())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the encoder's features of a.png are not finite as Half"),
            "{error}"
        );
        write_three(root.path());
        // an earlier version may have written it, with a valid hash
        fs::write(
            &files(root.path(), "features")[0],
            [bytes.as_slice(), &[2; RECORD], &[3; RECORD]].concat(),
        )
        .unwrap();
        let keys = &files(root.path(), "keys")[0];
        let mut written = fs::read(keys).unwrap();
        written[CONTENT_HASH..KEY].copy_from_slice(&record_checksum(&bytes));
        fs::write(keys, written).unwrap();
        let mut again = open(root.path());
        assert_eq!(
            [1, 2].map(|n| again.find(&content(n)).unwrap().is_some()),
            [false, true]
        );
    }
}
