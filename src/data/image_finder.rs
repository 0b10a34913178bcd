//! Where a sentence's image lies: the corpus gives a path that is relative to some folder.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::name::nfc;

/// Finds images, and remembers the last answer: consecutive sentences tend to share theirs.
pub(super) struct ImageFinder {
    root: PathBuf,
    parent: Option<PathBuf>,
    last: Option<(String, Option<PathBuf>)>,
    listings: Listings,
}

impl ImageFinder {
    pub(super) fn new(root: &Path) -> ImageFinder {
        // of "." the parent is "..", which only the full path knows
        let full = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        ImageFinder {
            root: root.to_owned(),
            parent: full.parent().map(Path::to_owned),
            last: None,
            listings: Listings::default(),
        }
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

    /// In the data set's folder, then beside it; then the same with leading folders of the path
    /// taken off, as published paths are relative to wherever the archive was unpacked. Names are
    /// looked for as they are given, then in other Unicode forms.
    fn look(&mut self, image: &str) -> Option<PathBuf> {
        let image = image.replace('\\', "/");
        let parts: Vec<&str> = image
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let bases: Vec<&Path> = std::iter::once(&self.root)
            .chain(&self.parent)
            .map(PathBuf::as_path)
            .collect();
        let tails =
            || (0..parts.len()).flat_map(|skipped| bases.iter().map(move |&base| (base, skipped)));
        let exact = |(base, skipped): (&Path, usize)| {
            base.join(parts[skipped..].iter().collect::<PathBuf>())
        };
        let listings = &mut self.listings;
        tails().map(exact).find(|path| path.is_file()).or_else(|| {
            if image.is_ascii() {
                return None;
            }
            tails().find_map(|(base, skipped)| {
                listings
                    .find(base, &parts[skipped..])
                    .filter(|path| path.is_file())
            })
        })
    }
}

/// The names in folders that have more than one Unicode form, by their Form C.
#[derive(Default)]
struct Listings(HashMap<PathBuf, HashMap<String, OsString>>);

impl Listings {
    /// The path below `base` whose parts are these in some Unicode form.
    fn find(&mut self, base: &Path, parts: &[&str]) -> Option<PathBuf> {
        let mut path = base.to_owned();
        for part in parts {
            let exact = path.join(part);
            path = if exact.exists() {
                exact
            } else {
                let name = self.of(&path).get(nfc(part).as_ref())?.clone();
                path.join(name)
            };
        }
        Some(path)
    }

    fn of(&mut self, folder: &Path) -> &HashMap<String, OsString> {
        if !self.0.contains_key(folder) {
            // a folder that cannot be listed holds nothing that can be found
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
    fn published_paths_are_found_wherever_they_were_unpacked() {
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
    fn a_name_is_found_in_another_unicode_form() {
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
