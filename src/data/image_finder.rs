//! Finds the image files of sentences. The corpus gives paths that are relative to an unknown
//! folder.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::name::nfc;

/// Finds image files. The last result is cached, since consecutive sentences often share an image.
pub(super) struct ImageFinder {
    root: PathBuf,
    parent: Option<PathBuf>,
    last: Option<(String, Option<PathBuf>)>,
    listings: Listings,
}

impl ImageFinder {
    pub(super) fn new(root: &Path) -> ImageFinder {
        // "." has no parent, its full path has one
        let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        ImageFinder {
            root: root.to_owned(),
            parent: full.parent().map(Path::to_owned),
            last: None,
            listings: Listings::default(),
        }
    }

    /// Returns the file of the image, or `None` if there is none.
    pub(super) fn find(&mut self, image: &str) -> Option<PathBuf> {
        match &self.last {
            Some((last, found)) if last == image => found.clone(),
            _ => {
                let found = self.search(image);
                self.last = Some((image.to_string(), found.clone()));
                found
            }
        }
    }

    /// Searches the data set's folder, then its parent; then both without the leading folders of
    /// the path, since published paths are relative to the folder in which the archive was
    /// unpacked. Names are matched exactly first, then in other Unicode forms.
    fn search(&mut self, image: &str) -> Option<PathBuf> {
        let image = image.replace('\\', "/");
        let parts: Vec<&str> = image
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let mut bases = vec![self.root.as_path()];
        bases.extend(self.parent.as_deref());
        for skipped in 0..parts.len() {
            for base in &bases {
                let path = base.join(parts[skipped..].iter().collect::<PathBuf>());
                if path.is_file() {
                    return Some(path);
                }
            }
        }
        if image.is_ascii() {
            return None;
        }
        for skipped in 0..parts.len() {
            for base in &bases {
                let path = self.listings.find(base, &parts[skipped..]);
                if let Some(path) = path.filter(|path| path.is_file()) {
                    return Some(path);
                }
            }
        }
        None
    }
}

/// The names in folders that are not ASCII, by their Form C. They may be in another Unicode form.
#[derive(Default)]
struct Listings(HashMap<PathBuf, HashMap<String, OsString>>);

impl Listings {
    /// Returns the path below `base` with these parts in any Unicode form.
    fn find(&mut self, base: &Path, parts: &[&str]) -> Option<PathBuf> {
        let mut path = base.to_owned();
        for part in parts {
            let exact = path.join(part);
            path = if exact.exists() {
                exact
            } else {
                let name = self.names_in(&path).get(nfc(part).as_ref())?.clone();
                path.join(name)
            };
        }
        Some(path)
    }

    /// Returns the listing of a folder, reading it at the first call.
    fn names_in(&mut self, folder: &Path) -> &HashMap<String, OsString> {
        if !self.0.contains_key(folder) {
            // a folder that cannot be listed counts as empty
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| {
                let name = entry.file_name();
                let composed = name
                    .to_str()
                    .filter(|name| !name.is_ascii())
                    .map(|name| nfc(name).into_owned())?;
                Some((composed, name))
            });
            self.0.insert(folder.to_owned(), names.collect());
        }
        &self.0[folder]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn published_paths_are_found_in_any_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mesed");
        for file in ["mesed/image/a.png", "pictures/b.png", "mesed/c.png"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut finder = ImageFinder::new(&root);
        let mut tail = |image: &str| {
            finder
                .find(image)
                .map(|p| p.file_name().unwrap().to_owned())
        };
        assert_eq!(tail("image/a.png").unwrap(), "a.png");
        assert_eq!(tail("mesed/image/a.png").unwrap(), "a.png");
        assert_eq!(tail("../data/mesed/image/a.png").unwrap(), "a.png");
        assert_eq!(tail("pictures/b.png").unwrap(), "b.png");
        assert_eq!(tail("/home/someone/pictures\\b.png").unwrap(), "b.png");
        assert_eq!(tail("image/c.png").unwrap(), "c.png");
        assert_eq!(tail("image/d.png"), None);
        assert_eq!(tail(""), None);
    }

    #[test]
    fn images_are_found_in_another_unicode_form() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        for file in [
            "imäges/A\u{30a}land.png",
            "ima\u{308}ges/Åbo.png",
            "imäges/虎.png",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut finder = ImageFinder::new(&root);
        let mut found = |image: &str| {
            finder
                .find(image)
                .map(|p| p.strip_prefix(&root).unwrap().display().to_string())
        };
        assert_eq!(
            found("imäges/Åland.png").unwrap(),
            "imäges/A\u{30a}land.png"
        );
        assert_eq!(
            found("ima\u{308}ges/A\u{30a}bo.png").unwrap(),
            "ima\u{308}ges/Åbo.png"
        );
        assert_eq!(found("imäges/虎.png").unwrap(), "imäges/虎.png");
        assert_eq!(found("imäges/Öland.png"), None);
    }
}
