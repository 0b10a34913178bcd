//! Where a sentence's image lies: the corpus gives a path that is relative to some folder.

use std::path::{Path, PathBuf};

/// Finds images, and remembers the last answer: consecutive sentences tend to share theirs.
pub(super) struct ImageFinder {
    root: PathBuf,
    parent: Option<PathBuf>,
    last: Option<(String, Option<PathBuf>)>,
}

impl ImageFinder {
    pub(super) fn new(root: &Path) -> ImageFinder {
        // of "." the parent is "..", which only the full path knows
        let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        ImageFinder { root: root.to_owned(), parent: full.parent().map(Path::to_owned), last: None }
    }

    /// The image's file, where there is one.
    pub(super) fn find(&mut self, image: &str) -> Option<PathBuf> {
        match &self.last {
            Some((asked, found)) if asked == image => found.clone(),
            _ => {
                let found = self.look(image);
                self.last = Some((image.to_string(), found.clone()));
                found
            }
        }
    }

    /// In the data set's folder, then beside it; then the same with leading folders of the path taken off, as published
    /// paths are relative to wherever the archive was unpacked.
    fn look(&self, image: &str) -> Option<PathBuf> {
        let image = image.replace('\\', "/");
        let parts: Vec<&str> = image.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let bases = || std::iter::once(&self.root).chain(&self.parent);
        (0..parts.len())
            .flat_map(|skipped| {
                let rest: PathBuf = parts[skipped..].iter().collect();
                bases().map(move |base| base.join(&rest))
            })
            .find(|path| path.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn published_paths_are_found_wherever_they_were_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mesed");
        for file in ["mesed/image/a.png", "pictures/b.png", "mesed/c.png"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut finder = ImageFinder::new(&root);
        let mut tail = |image: &str| finder.find(image).map(|p| p.file_name().unwrap().to_owned());
        assert_eq!(tail("image/a.png").unwrap(), "a.png");
        assert_eq!(tail("mesed/image/a.png").unwrap(), "a.png");
        assert_eq!(tail("../data/mesed/image/a.png").unwrap(), "a.png");
        assert_eq!(tail("pictures/b.png").unwrap(), "b.png");
        assert_eq!(tail("/home/someone/pictures\\b.png").unwrap(), "b.png");
        assert_eq!(tail("image/c.png").unwrap(), "c.png");
        assert_eq!(tail("image/d.png"), None);
        assert_eq!(tail(""), None);
    }
}
