//! Mutations of files, like those by interrupted downloads, editors, other programs and attackers.

use std::time::{Duration, Instant};

use bolero::TypeGenerator;

/// The longest time that a reader may take for a small file, however busy the machine is.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A change of a file. Positions are taken modulo its length plus one.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Edit {
    Cut { at: u16 },
    Flip { at: u16, bits: u8 },
    Set { at: u16, value: Extreme },
    Remove { at: u16, length: u8 },
    Insert { at: u16, bytes: [u8; 3] },
    Word { at: u16, word: u8 },
    Repeat { at: u16, length: u8, times: u8 },
    Move { from: u16, to: u16, length: u8 },
}

/// A number at the limit of an integer type, which overwrites the bytes of the file.
#[derive(Debug, Clone, Copy, TypeGenerator)]
pub enum Extreme {
    Zero,
    One,
    Largest8,
    Largest16Little,
    Largest16Big,
    Largest31Little,
    Largest31Big,
    Largest32,
    Largest63Little,
    Largest64,
}

impl Extreme {
    fn bytes(self) -> Vec<u8> {
        match self {
            Extreme::Zero => vec![0],
            Extreme::One => vec![1],
            Extreme::Largest8 => vec![0xff],
            Extreme::Largest16Little => vec![0xff, 0x7f],
            Extreme::Largest16Big => vec![0x7f, 0xff],
            Extreme::Largest31Little => i32::MAX.to_le_bytes().to_vec(),
            Extreme::Largest31Big => i32::MAX.to_be_bytes().to_vec(),
            Extreme::Largest32 => vec![0xff; 4],
            Extreme::Largest63Little => i64::MAX.to_le_bytes().to_vec(),
            Extreme::Largest64 => vec![0xff; 8],
        }
    }
}

/// A choice of a file, and the changes that are made to it.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Mutation {
    start: u8,
    edits: Vec<Edit>,
}

impl Mutation {
    /// Returns one of `files` with the changes. `words` are fragments of the format.
    pub fn mutate(&self, files: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = files[usize::from(self.start) % files.len()].clone();
        // More changes would leave nothing of the file.
        for edit in self.edits.iter().take(6) {
            edit.apply(&mut bytes, words);
        }
        bytes
    }
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>, words: &[&[u8]]) {
        let position = |at: u16, bytes: &[u8]| usize::from(at) % (bytes.len() + 1);
        match *self {
            Edit::Cut { at } => bytes.truncate(position(at, bytes)),
            Edit::Flip { at, bits } => {
                let at = position(at, bytes);
                bytes[at..]
                    .iter_mut()
                    .take(1)
                    .for_each(|byte| *byte ^= bits);
            }
            Edit::Set { at, value } => {
                let at = position(at, bytes);
                bytes[at..]
                    .iter_mut()
                    .zip(value.bytes())
                    .for_each(|(byte, new)| *byte = new);
            }
            Edit::Remove { at, length } => {
                let at = position(at, bytes);
                let end = (at + usize::from(length)).min(bytes.len());
                bytes.drain(at..end);
            }
            Edit::Insert { at, bytes: new } => {
                let at = position(at, bytes);
                bytes.splice(at..at, new);
            }
            Edit::Word { at, word } => {
                if let Some(word) = words.get(usize::from(word) % words.len().max(1)) {
                    let at = position(at, bytes);
                    bytes.splice(at..at, word.iter().copied());
                }
            }
            Edit::Repeat { at, length, times } => {
                let at = position(at, bytes);
                let piece = bytes[at..]
                    .iter()
                    .copied()
                    .take(usize::from(length))
                    .collect::<Vec<u8>>();
                bytes.splice(at..at, piece.repeat(usize::from(times)));
            }
            Edit::Move { from, to, length } => {
                let from = position(from, bytes);
                let end = (from + usize::from(length)).min(bytes.len());
                let piece: Vec<u8> = bytes.drain(from..end).collect();
                let to = position(to, bytes);
                bytes.splice(to..to, piece);
            }
        }
    }
}

/// Runs `work`, and fails if it takes too long.
pub fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < TIMEOUT, "it took {:?}", start.elapsed());
    result
}

/// Creates a temporary folder, in memory if possible, since thousands of files are written.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Reads the files of a folder of fixtures with one of these extensions.
pub fn fixtures(folder: &str, extensions: &[&str]) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        extensions.iter().any(|wanted| {
            path.extension()
                .is_some_and(|extension| extension == *wanted)
        })
    });
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}
