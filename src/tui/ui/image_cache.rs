//! The cache of encoded images. Images are decoded, scaled and encoded off the event loop; the
//! results are cached, and the least recently drawn are evicted.
//!
//! The queue holds the images of the last frame only. An image that has scrolled away before its
//! turn is dropped together with the frame that requested it.

use std::collections::HashSet;
use std::num::NonZero;
use std::path::Path;

use lru::LruCache;

use crate::image_file;
use crate::tui::platform::capabilities::ImageSetup;
use crate::tui::platform::images::EncodedImage;
use crate::tui::ui::frame_info::ImageKey;

/// The number of encoded images that the cache holds.
const CAPACITY: NonZero<usize> = NonZero::new(400).unwrap();

/// The number of images that are encoded at the same time.
const MAX_RUNNING: usize = 2;

/// The state of an image in the cache.
pub enum ImageState<'a> {
    Ready(&'a EncodedImage),
    /// The image cannot be shown; the text says why, in one sentence.
    Failed(&'a str),
    Pending,
    /// No images are drawn in this terminal.
    Off,
}

/// The encoded image, or one sentence that says why there is none.
pub type EncodeResult = Result<EncodedImage, String>;

/// The encoded images, and the queue of those that are still to be encoded.
pub struct ImageCache {
    /// The way in which images are drawn; `None` until it is decided. Until then images stay
    /// pending.
    setup: Option<ImageSetup>,
    is_enabled: bool,
    /// The colour behind transparent images: red, green, blue.
    background: [u8; 3],
    results: LruCache<ImageKey, EncodeResult>,
    running: HashSet<ImageKey>,
    queue: Vec<ImageKey>,
    /// Increases whenever all results so far become useless.
    generation: u64,
}

impl ImageCache {
    /// Creates an empty cache. `is_enabled` says whether images are drawn at all; `background` is
    /// the colour behind transparent images.
    pub fn new(is_enabled: bool, background: [u8; 3]) -> Self {
        ImageCache {
            setup: None,
            is_enabled,
            background,
            results: LruCache::new(CAPACITY),
            running: HashSet::new(),
            queue: Vec::new(),
            generation: 0,
        }
    }

    /// Sets how images are drawn. If that changes, all results are dropped.
    pub fn set_up(&mut self, setup: ImageSetup) {
        if self.setup.as_ref() != Some(&setup) {
            self.is_enabled = setup.protocol.is_some();
            self.setup = Some(setup);
            self.clear();
        }
    }

    /// Sets the colour behind transparent images. If that changes, all results are dropped.
    pub fn set_background(&mut self, background: [u8; 3]) {
        if background != self.background {
            self.background = background;
            self.clear();
        }
    }

    /// Returns true if images are drawn.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Returns the state of an image.
    pub fn state(&self, key: &ImageKey) -> ImageState<'_> {
        if !self.is_enabled {
            return ImageState::Off;
        }
        match self.results.peek(key) {
            Some(Ok(encoded)) => ImageState::Ready(encoded),
            Some(Err(reason)) => ImageState::Failed(reason),
            None => ImageState::Pending,
        }
    }

    /// Takes in the images of a frame, the most important first: marks those in the cache as used,
    /// and queues the others.
    pub fn request(&mut self, keys: &[ImageKey]) {
        self.queue.clear();
        for key in keys {
            if self.results.get(key).is_some() {
                continue;
            }
            if !self.running.contains(key) && !self.queue.contains(key) {
                self.queue.push(key.clone());
            }
        }
    }

    /// Takes the next image from the queue, if another one may be encoded now.
    pub fn next_job(&mut self) -> Option<EncodeJob> {
        if !self.is_enabled || self.running.len() >= MAX_RUNNING || self.queue.is_empty() {
            return None;
        }
        let setup = self.setup.clone()?;
        let key = self.queue.remove(0);
        self.running.insert(key.clone());
        Some(EncodeJob {
            key,
            setup,
            background: self.background,
            generation: self.generation,
        })
    }

    /// Stores the result of a job, unless the cache was cleared since the job began.
    pub fn finish(&mut self, job: EncodeJob, result: EncodeResult) {
        if job.generation != self.generation {
            return;
        }
        self.running.remove(&job.key);
        self.results.put(job.key, result);
    }

    /// Drops all results, since the terminal has lost what it was sent.
    pub fn clear(&mut self) {
        self.generation += 1;
        self.results.clear();
        self.running.clear();
    }
}

/// An image to encode, with everything that this takes.
#[derive(Clone)]
pub struct EncodeJob {
    key: ImageKey,
    setup: ImageSetup,
    background: [u8; 3],
    generation: u64,
}

impl EncodeJob {
    /// Reads, decodes, scales and encodes the image. This blocks, and must not run on the event
    /// loop.
    pub fn run(&self) -> EncodeResult {
        let path = &self.key.path;
        let name = file_name(path);
        if !path.is_file() {
            return Err(format!("{name} is missing"));
        }
        let bytes = std::fs::read(path).map_err(|e| format!("{name}: {e}"))?;
        let image = image_file::decode(&bytes).map_err(|reason| format!("{name} {reason}"))?;
        let image = image_file::flatten_onto(image, self.background).into();
        EncodedImage::new(image, self.key.size, self.background, &self.setup)
            .map_err(|e| format!("{name}: {e}"))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Images};
    use crate::tui::platform::capabilities::{Answers, image_setup};
    use ratatui::layout::Size;

    fn key(name: &str) -> ImageKey {
        ImageKey {
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

    fn cache() -> ImageCache {
        let mut cache = ImageCache::new(true, [0, 0, 0]);
        cache.set_up(setup());
        cache
    }

    #[test]
    fn requests_of_an_older_frame_are_dropped() {
        let mut cache = cache();
        cache.request(&[key("a"), key("b"), key("c")]);
        let first = cache.next_job().unwrap();
        cache.request(&[key("d"), key("a")]);
        assert_eq!(
            cache.next_job().unwrap().key,
            key("d"),
            "b and c are no longer requested"
        );
        assert!(
            cache.next_job().is_none(),
            "two jobs run at once, and a is one of them"
        );
        cache.finish(first, Err("broken".into()));
        assert!(matches!(
            cache.state(&key("a")),
            ImageState::Failed("broken")
        ));
    }

    #[test]
    fn the_least_recently_used_image_is_evicted() {
        let mut cache = cache();
        for i in 0..=CAPACITY.get() {
            cache.request(&[key(&i.to_string()), key("0")]);
            while let Some(job) = cache.next_job() {
                cache.finish(job, Err(String::new()));
            }
        }
        assert!(
            matches!(cache.state(&key("0")), ImageState::Failed(_)),
            "it is used in every frame"
        );
        assert!(
            matches!(cache.state(&key("1")), ImageState::Pending),
            "the oldest is evicted"
        );
        assert_eq!(cache.results.len(), CAPACITY.get());
    }

    #[test]
    fn a_result_that_arrives_after_a_clear_is_dropped() {
        let mut cache = cache();
        cache.request(&[key("a")]);
        let job = cache.next_job().unwrap();
        cache.clear();
        cache.finish(job, Err("late".into()));
        assert!(matches!(cache.state(&key("a")), ImageState::Pending));
    }

    #[test]
    fn images_stay_pending_until_the_protocol_is_known() {
        let mut cache = ImageCache::new(true, [0, 0, 0]);
        cache.request(&[key("a")]);
        assert!(
            cache.next_job().is_none() && matches!(cache.state(&key("a")), ImageState::Pending)
        );
        cache.set_up(setup());
        cache.request(&[key("a")]);
        let job = cache.next_job().unwrap();
        cache.finish(job, Err("broken".into()));
        // the same setup changes nothing; another one drops the results
        cache.set_up(setup());
        assert!(matches!(cache.state(&key("a")), ImageState::Failed(_)));
        cache.set_up(ImageSetup {
            cell: (7, 15),
            ..setup()
        });
        assert!(matches!(cache.state(&key("a")), ImageState::Pending));
    }

    #[test]
    fn missing_and_broken_images_give_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken.png");
        std::fs::write(&broken, b"\x89PNG\r\n\x1a\nnot really").unwrap();
        let job = |path| EncodeJob {
            key: ImageKey {
                path,
                size: Size::new(4, 2),
            },
            setup: setup(),
            background: [0; 3],
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

        let sound = folder.path().join("sound.png");
        image::RgbaImage::from_pixel(9, 9, image::Rgba([200, 0, 0, 100]))
            .save(&sound)
            .unwrap();
        assert_eq!(job(sound).run().unwrap().size(), Size::new(4, 2));
    }
}
