//! Pictures: decoded, resized and encoded off the event loop, newest wish first; the finished ones
//! are kept.
//!
//! The queue *is* the last frame's wishes. What scrolled away before its turn is dropped with the
//! frame that wanted it.

use std::collections::{HashMap, HashSet};

use crate::image_file;
use crate::tui::platform::capabilities::ImageSetup;
use crate::tui::platform::images::EncodedImage;
use crate::tui::ui::frame_info::PictureKey;

/// How many finished pictures are kept.
const KEPT: usize = 400;

/// How many are made at once.
const AT_ONCE: usize = 2;

/// A picture as it stands.
pub enum Look<'a> {
    Ready(&'a EncodedImage),
    /// One sentence.
    Broken(&'a str),
    Waiting,
    /// The terminal shows no pictures.
    Off,
}

/// What decoding gives: the encoded picture, or one sentence.
pub type Made = Result<EncodedImage, String>;

/// The finished pictures and the wishes for more.
#[derive(Default)]
pub struct ImageCache {
    /// `None` until the terminal has said what it can draw; then images wait.
    setup: Option<ImageSetup>,
    /// Whether images are drawn at all.
    on: bool,
    paper: [u8; 3],
    made: HashMap<PictureKey, (Made, u64)>,
    running: HashSet<PictureKey>,
    queue: Vec<PictureKey>,
    clock: u64,
    /// Rises when everything made so far becomes worthless.
    generation: u64,
}

impl ImageCache {
    /// `on` false: no images at all. `paper`: what lies behind transparent ones.
    pub fn new(on: bool, paper: [u8; 3]) -> Self {
        ImageCache {
            on,
            paper,
            ..ImageCache::default()
        }
    }

    /// Has images drawn so. Where it is another way than before, those made so far are of no more
    /// use.
    pub fn set_up(&mut self, setup: ImageSetup) {
        if self.setup.as_ref() != Some(&setup) {
            self.on = setup.protocol.is_some();
            self.setup = Some(setup);
            self.clear();
        }
    }

    /// Another paper behind transparent pictures: those made so far are of no more use.
    pub fn lay_on(&mut self, paper: [u8; 3]) {
        if paper != self.paper {
            self.paper = paper;
            self.clear();
        }
    }

    pub fn on(&self) -> bool {
        self.on
    }

    pub fn look(&self, key: &PictureKey) -> Look<'_> {
        match (self.on, self.made.get(key)) {
            (false, _) => Look::Off,
            (_, Some((Ok(encoded), _))) => Look::Ready(encoded),
            (_, Some((Err(why), _))) => Look::Broken(why),
            (_, None) => Look::Waiting,
        }
    }

    /// Takes a frame's pictures, the most wanted first: marks the finished ones as used, queues the
    /// others.
    pub fn wish(&mut self, wanted: &[PictureKey]) {
        self.clock += 1;
        self.queue.clear();
        for key in wanted {
            match self.made.get_mut(key) {
                Some((_, used)) => *used = self.clock,
                None if self.running.contains(key) || self.queue.contains(key) => {}
                None => self.queue.push(key.clone()),
            }
        }
    }

    /// The next to make, while there is room.
    pub fn begin(&mut self) -> Option<Job> {
        let setup = self.setup.clone().filter(|_| self.on)?;
        if self.running.len() >= AT_ONCE || self.queue.is_empty() {
            return None;
        }
        let key = self.queue.remove(0);
        self.running.insert(key.clone());
        Some(Job {
            key,
            setup,
            paper: self.paper,
            generation: self.generation,
        })
    }

    pub fn finish(&mut self, job: Job, made: Made) {
        if job.generation != self.generation {
            return;
        }
        self.running.remove(&job.key);
        if self.made.len() >= KEPT
            && let Some(oldest) = self
                .made
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(k, _)| k.clone())
        {
            self.made.remove(&oldest);
        }
        self.made.insert(job.key, (made, self.clock));
    }

    /// Forgets everything: the terminal has lost what it was sent.
    pub fn clear(&mut self) {
        self.generation += 1;
        self.made.clear();
        self.running.clear();
    }
}

/// A picture to make, with all that it takes.
#[derive(Clone)]
pub struct Job {
    key: PictureKey,
    setup: ImageSetup,
    paper: [u8; 3],
    generation: u64,
}

impl Job {
    /// Reads, decodes, scales and encodes. Blocks; to be run off the event loop.
    pub fn run(&self) -> Made {
        let path = &self.key.path;
        if !path.is_file() {
            return Err(format!("{} is missing", name(path)));
        }
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", name(path)))?;
        let image =
            image_file::decode(&bytes).map_err(|reason| format!("{} {reason}", name(path)))?;
        let image = image_file::flatten_onto(image, self.paper).into();
        EncodedImage::new(image, self.key.size, self.paper, &self.setup)
            .map_err(|e| format!("{}: {e}", name(path)))
    }
}

fn name(path: &std::path::Path) -> String {
    path.file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Images};
    use crate::tui::platform::capabilities::{Answers, image_setup};
    use ratatui::layout::Size;

    fn key(name: &str) -> PictureKey {
        PictureKey {
            path: name.into(),
            size: Size::new(4, 2),
        }
    }

    fn setup() -> ImageSetup {
        let environment = Environment::from_variables(|_| None);
        image_setup(
            Images::Halfblocks,
            &Answers::default(),
            &environment,
            false,
            None,
        )
    }

    fn pictures() -> ImageCache {
        let mut pictures = ImageCache::new(true, [0, 0, 0]);
        pictures.set_up(setup());
        pictures
    }

    #[test]
    fn wishes_of_an_older_frame_are_dropped() {
        let mut pictures = pictures();
        pictures.wish(&[key("a"), key("b"), key("c")]);
        let first = pictures.begin().unwrap();
        pictures.wish(&[key("d"), key("a")]);
        assert_eq!(
            pictures.begin().unwrap().key,
            key("d"),
            "b and c are no longer wanted"
        );
        assert!(
            pictures.begin().is_none(),
            "two at once, and a is being made"
        );
        pictures.finish(first, Err("no".into()));
        assert!(matches!(pictures.look(&key("a")), Look::Broken("no")));
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut pictures = pictures();
        for i in 0..=KEPT {
            pictures.wish(&[key(&i.to_string()), key("0")]);
            while let Some(job) = pictures.begin() {
                pictures.finish(job, Err(String::new()));
            }
        }
        assert!(
            matches!(pictures.look(&key("0")), Look::Broken(_)),
            "used in every frame"
        );
        assert!(
            matches!(pictures.look(&key("1")), Look::Waiting),
            "the oldest is gone"
        );
        assert_eq!(pictures.made.len(), KEPT);
    }

    #[test]
    fn what_was_begun_before_a_clear_is_not_kept() {
        let mut pictures = pictures();
        pictures.wish(&[key("a")]);
        let job = pictures.begin().unwrap();
        pictures.clear();
        pictures.finish(job, Err("late".into()));
        assert!(matches!(pictures.look(&key("a")), Look::Waiting));
    }

    #[test]
    fn images_wait_until_it_is_known_how_to_draw_them() {
        let mut pictures = ImageCache::new(true, [0, 0, 0]);
        pictures.wish(&[key("a")]);
        assert!(pictures.begin().is_none() && matches!(pictures.look(&key("a")), Look::Waiting));
        pictures.set_up(setup());
        pictures.wish(&[key("a")]);
        let job = pictures.begin().unwrap();
        pictures.finish(job, Err("no".into()));
        // the same answer again costs nothing, another one makes them anew
        pictures.set_up(setup());
        assert!(matches!(pictures.look(&key("a")), Look::Broken(_)));
        pictures.set_up(ImageSetup {
            cell: (7, 15),
            ..setup()
        });
        assert!(matches!(pictures.look(&key("a")), Look::Waiting));
    }

    #[test]
    fn missing_and_broken_pictures_are_sentences() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken.png");
        std::fs::write(&broken, b"\x89PNG\r\n\x1a\nnot really").unwrap();
        let job = |path| Job {
            key: PictureKey {
                path,
                size: Size::new(4, 2),
            },
            setup: setup(),
            paper: [0; 3],
            generation: 0,
        };
        assert_eq!(
            job(folder.path().join("no.webp")).run().err().unwrap(),
            "no.webp is missing"
        );
        assert!(
            job(broken)
                .run()
                .err()
                .unwrap()
                .starts_with("broken.png is cut short: ")
        );

        let whole = folder.path().join("whole.png");
        image::RgbaImage::from_pixel(9, 9, image::Rgba([200, 0, 0, 100]))
            .save(&whole)
            .unwrap();
        assert_eq!(job(whole).run().unwrap().size(), Size::new(4, 2));
    }
}
