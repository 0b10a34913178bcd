//! Finished evaluations on disk, so that the explorer has them at once the next time.
//!
//! A file that is damaged or belongs to something else counts as absent.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::engine::query_rankings::QueryRankings;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::types::{ClassId, EntityId};

/// The version of the rankings: it must change whenever a ranking could differ.
const VERSION: u32 = 1;
/// The number of evaluations that are stored; older ones are removed.
const MAX_ENTRIES: usize = 256;

/// The contents of one file.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The versioned name; the file name is only its hash.
    name: String,
    rankings: Vec<(ClassId, usize, Vec<EntityId>)>,
}

/// A folder of finished evaluations.
#[derive(Debug, Clone)]
pub(super) struct EvaluationCache(PathBuf);

impl EvaluationCache {
    pub fn new(folder: PathBuf) -> Self {
        EvaluationCache(folder)
    }

    fn file(&self, versioned: &str) -> PathBuf {
        let hash = blake3::hash(versioned.as_bytes()).to_hex();
        self.0.join(format!("{}.lists", &hash[..32]))
    }

    /// Returns the rankings stored under `name`, which contains everything that they depend on.
    pub fn find(&self, name: &str) -> Option<QueryRankings> {
        let versioned = versioned(name);
        let bytes = fs::read(self.file(&versioned)).ok()?;
        let entry: Entry = postcard::from_bytes(&bytes).ok()?;
        if entry.name != versioned {
            return None;
        }
        let mut rankings = QueryRankings::new();
        for (class, number, ranking) in entry.rankings {
            rankings.insert((class, number), ranking);
        }
        Some(rankings)
    }

    /// Stores rankings under `name`, and removes the oldest entries if there are too many. Fails if
    /// the file cannot be written.
    pub fn store(&self, name: &str, rankings: &QueryRankings) -> Result<()> {
        fs::create_dir_all(&self.0).map_err(Error::io("create", &self.0))?;
        let mut sorted = Vec::with_capacity(rankings.len());
        for (&(class, number), ranking) in rankings {
            sorted.push((class, number, ranking.clone()));
        }
        sorted.sort();
        let entry = Entry {
            name: versioned(name),
            rankings: sorted,
        };
        let path = self.file(&entry.name);
        let bytes = postcard::to_stdvec(&entry)
            .map_err(|e| Error::format(&path, format!("cannot be written: {e}")))?;
        write_atomic(&path, &bytes)?;
        self.remove_oldest();
        Ok(())
    }

    fn remove_oldest(&self) {
        let Ok(files) = fs::read_dir(&self.0) else {
            return;
        };
        let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        files.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "lists")
        });
        files.sort_by_key(|path| std::cmp::Reverse(modified(path)));
        for path in files.into_iter().skip(MAX_ENTRIES) {
            // another process may have removed it already
            let _ = fs::remove_file(path);
        }
    }
}

fn modified(path: &Path) -> SystemTime {
    let metadata = path.metadata();
    metadata
        .and_then(|metadata| metadata.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn versioned(name: &str) -> String {
    format!("{VERSION} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_rankings_are_found_and_damaged_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = EvaluationCache::new(folder.path().join("lists"));
        let rankings: QueryRankings = [
            ((ClassId(3), 1), vec![EntityId(7), EntityId(9)]),
            ((ClassId(0), 0), vec![]),
        ]
        .into();
        assert!(cache.find("one").is_none());
        cache.store("one", &rankings).unwrap();
        assert_eq!(cache.find("one"), Some(rankings.clone()));
        assert!(cache.find("two").is_none());
        fs::rename(cache.file(&versioned("one")), cache.file(&versioned("two"))).unwrap();
        assert!(cache.find("two").is_none(), "a file of another name");
        cache.store("one", &rankings).unwrap();
        let complete = fs::read(cache.file(&versioned("one"))).unwrap();
        for cut in 0..complete.len() {
            fs::write(cache.file(&versioned("one")), &complete[..cut]).unwrap();
            assert!(cache.find("one").is_none(), "cut to {cut}");
        }
    }

    #[test]
    fn the_oldest_entries_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = EvaluationCache::new(folder.path().into());
        (0..MAX_ENTRIES + 3)
            .for_each(|i| cache.store(&i.to_string(), &QueryRankings::new()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MAX_ENTRIES);
        assert!(cache.find(&(MAX_ENTRIES + 2).to_string()).is_some());
    }
}
