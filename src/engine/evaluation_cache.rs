//! Evaluations that are done, on the disk: the explorer has them at once the next time. A file that
//! is damaged, or of something else, is as good as none.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::engine::session::RankedQueries;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::types::{ClassId, EntityId};

/// Changes whenever a list could come out otherwise.
const VERSION: u32 = 1;
/// The newest that are kept.
const MOST: usize = 256;

/// One file's contents.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What the file is of: a name may be anything.
    of: String,
    lists: Vec<(ClassId, usize, Vec<EntityId>)>,
}

/// A folder of finished evaluations.
#[derive(Debug, Clone)]
pub(super) struct EvaluationCache(PathBuf);

impl EvaluationCache {
    pub fn new(folder: PathBuf) -> Self {
        EvaluationCache(folder)
    }

    fn file(&self, of: &str) -> PathBuf {
        self.0.join(format!(
            "{}.lists",
            &blake3::hash(of.as_bytes()).to_hex()[..32]
        ))
    }

    /// `of`: all that the lists depend on.
    pub fn find(&self, of: &str) -> Option<RankedQueries> {
        let kept: Kept = postcard::from_bytes(&fs::read(self.file(&named(of))).ok()?).ok()?;
        let lists = kept
            .lists
            .into_iter()
            .map(|(class, number, list)| ((class, number), list));
        (kept.of == named(of)).then(|| lists.collect())
    }

    /// Keeps them, and takes the oldest away where there are many. Errors: the disk's.
    pub fn keep(&self, of: &str, ranked: &RankedQueries) -> Result<()> {
        fs::create_dir_all(&self.0).map_err(Error::io("create", &self.0))?;
        let mut lists: Vec<_> = ranked
            .iter()
            .map(|(&(class, number), list)| (class, number, list.clone()))
            .collect();
        lists.sort();
        let path = self.file(&named(of));
        let bytes = postcard::to_stdvec(&Kept {
            of: named(of),
            lists,
        })
        .map_err(|e| Error::format(&path, format!("cannot be written: {e}")))?;
        write_atomic(&path, &bytes)?;
        self.clear();
        Ok(())
    }

    fn clear(&self) {
        let written = |path: &Path| {
            path.metadata()
                .and_then(|m| m.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let Ok(files) = fs::read_dir(&self.0) else {
            return;
        };
        let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "lists"));
        files.sort_by_key(|path| std::cmp::Reverse(written(path)));
        for path in files.into_iter().skip(MOST) {
            // another process may have been faster
            let _ = fs::remove_file(path);
        }
    }
}

fn named(of: &str) -> String {
    format!("{VERSION} {of}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = EvaluationCache::new(folder.path().join("lists"));
        let ranked: RankedQueries = [
            ((ClassId(3), 1), vec![EntityId(7), EntityId(9)]),
            ((ClassId(0), 0), vec![]),
        ]
        .into();
        assert!(shelf.find("one").is_none());
        shelf.keep("one", &ranked).unwrap();
        assert_eq!(shelf.find("one"), Some(ranked.clone()));
        assert!(shelf.find("two").is_none());
        fs::rename(shelf.file(&named("one")), shelf.file(&named("two"))).unwrap();
        assert!(
            shelf.find("two").is_none(),
            "a file of something else under this name"
        );
        shelf.keep("one", &ranked).unwrap();
        let whole = fs::read(shelf.file(&named("one"))).unwrap();
        for cut in 0..whole.len() {
            fs::write(shelf.file(&named("one")), &whole[..cut]).unwrap();
            assert!(shelf.find("one").is_none(), "cut to {cut}");
        }
    }

    #[test]
    fn the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = EvaluationCache::new(folder.path().into());
        (0..MOST + 3).for_each(|i| shelf.keep(&i.to_string(), &RankedQueries::new()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MOST);
        assert!(shelf.find(&(MOST + 2).to_string()).is_some());
    }
}
