//! The corpus: `sentences.json`, one JSON object a line, streamed in constant memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::finding::{Findings, Kind, kind};
use super::image::ImageFinder;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::job::{Observer, Progress};
use crate::types::EntityId;

/// A line longer than this (bytes) is no sentence, and is passed over without being held in memory.
const LONGEST_LINE: u64 = 4 << 20;
/// As many mentions of one line as a [`Pair`] can number.
const MOST_MENTIONS: usize = u16::MAX as usize + 1;
/// Progress is told every so many bytes.
const REPORT_EVERY: u64 = 1 << 20;
const BUFFER: usize = 1 << 18;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One mention of an entity: its sentence, and the sentence's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub entity: EntityId,
    pub tokens: Vec<String>,
    /// The mention: tokens `start..=end`.
    pub start: usize,
    pub end: usize,
    /// The image's file; none where the sentence has no image or the file is missing.
    pub image: Option<PathBuf>,
    /// Where the line starts in `sentences.json`, in bytes.
    pub offset: u64,
    /// Which mention of the line, from 0.
    pub mention: u16,
    /// The line's number, from 1; 0 where the pair was read by its offset.
    pub line: usize,
}

/// A mention's entity, first and last token; or what is wrong with it.
type Span = std::result::Result<(EntityId, usize, usize), (Kind, String)>;

/// A line as the file has it. Numbers are wide, so that a wrong one is named and not the whole line lost.
#[derive(Deserialize)]
struct Sentence {
    tokens: Vec<String>,
    #[serde(rename = "entityMentions")]
    mentions: Vec<Mention>,
    #[serde(default)]
    image: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mention {
    entity_id: i64,
    start: i64,
    end: i64,
}

impl Mention {
    fn resolve(&self, tokens: usize, vocabulary: &Vocabulary) -> Span {
        let id = u32::try_from(self.entity_id).ok().map(EntityId).filter(|id| vocabulary.contains(*id));
        let Some(entity) = id else {
            return Err((kind::UNKNOWN_ENTITY, format!("entity {} is not in entity2id.txt", self.entity_id)));
        };
        if self.end < self.start {
            return Err((
                kind::BAD_SPAN,
                format!("the mention {}..{} of {entity} ends before it starts", self.start, self.end),
            ));
        }
        match (usize::try_from(self.start), usize::try_from(self.end)) {
            (Ok(start), Ok(end)) if end < tokens => Ok((entity, start, end)),
            _ => {
                let Mention { start, end, .. } = self;
                Err((kind::OUT_OF_RANGE, format!("the mention {start}..{end} of {entity} is outside {tokens} tokens")))
            }
        }
    }
}

/// One line of the file: where it starts, its number, and its bytes without line end and BOM.
struct Line<'a> {
    offset: u64,
    number: usize,
    bytes: &'a [u8],
    /// It ends in a line end; only the last may not.
    whole: bool,
}

/// One pass over the file: what it needs, and where it notes what it leaves out.
pub(super) struct Stream<'a> {
    pub path: &'a Path,
    pub vocabulary: &'a Vocabulary,
    pub images: ImageFinder,
    pub findings: &'a mut Findings,
}

type Each<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

impl Stream<'_> {
    /// Hands every usable mention to `each`, through one line buffer. Errors: `Io`, `Stopped`, those of `each`.
    pub(super) fn run(&mut self, observe: &mut dyn Observer<Progress>, each: Each) -> Result<()> {
        let path = self.path;
        let file = File::open(path).map_err(Error::io("read", path))?;
        let total = file.metadata().map_err(Error::io("read", path))?.len();
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let mut buffer = Vec::new();
        let (mut offset, mut told) = (0, 0);
        for number in 1.. {
            buffer.clear();
            let mut limited = (&mut reader).take(LONGEST_LINE);
            let mut length = limited.read_until(b'\n', &mut buffer).map_err(Error::io("read", path))? as u64;
            if length == 0 {
                break;
            }
            let whole = buffer.ends_with(b"\n");
            if !whole && length == LONGEST_LINE {
                length += reader.skip_until(b'\n').map_err(Error::io("read", path))? as u64;
                self.note(kind::LONG_LINE, number, || format!("{length} bytes in one line"));
            } else if let Some(bytes) = self.content(&buffer, number) {
                self.sentence(Line { offset, number, bytes, whole }, each)?;
            }
            offset += length;
            if offset - told >= REPORT_EVERY {
                told = offset;
                tell(observe, offset, total)?;
            }
        }
        tell(observe, offset, total)
    }

    fn note(&mut self, kind: Kind, line: usize, reason: impl FnOnce() -> String) {
        self.findings.note(kind, self.path, Some(line), reason);
    }

    /// The line without line end and BOM; none where it is blank.
    fn content<'l>(&mut self, line: &'l [u8], number: usize) -> Option<&'l [u8]> {
        let mut bytes = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(bare) = bytes.strip_suffix(b"\r") {
            self.note(kind::CRLF, number, || "ends in CRLF".into());
            bytes = bare;
        }
        if number == 1 && bytes.starts_with(BOM) {
            self.note(kind::BOM, number, || "starts with a byte order mark".into());
            bytes = &bytes[BOM.len()..];
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            self.note(kind::BLANK, number, || "blank line".into());
            return None;
        }
        Some(bytes)
    }

    /// One pair a usable mention. The tokens are copied for all mentions but the last.
    fn sentence(&mut self, line: Line, each: Each) -> Result<()> {
        let Some(sentence) = self.parse(&line) else { return Ok(()) };
        let image = self.image(sentence.image.as_deref(), line.number);
        if sentence.mentions.is_empty() {
            self.note(kind::NO_MENTION, line.number, || "no entity is mentioned".into());
        }
        if sentence.mentions.len() > MOST_MENTIONS {
            self.note(kind::LONG_LINE, line.number, || format!("{} mentions in one line", sentence.mentions.len()));
            return Ok(());
        }
        let mut tokens = sentence.tokens;
        let last = sentence.mentions.len().saturating_sub(1);
        for (number, (at, mention)) in (0..=u16::MAX).zip(sentence.mentions.iter().enumerate()) {
            match mention.resolve(tokens.len(), self.vocabulary) {
                Ok((entity, start, end)) => {
                    let tokens = if at == last { std::mem::take(&mut tokens) } else { tokens.clone() };
                    let (image, offset, line) = (image.clone(), line.offset, line.number);
                    each(Pair { entity, tokens, start, end, image, offset, mention: number, line })?;
                }
                Err((kind, why)) => self.note(kind, line.number, || why),
            }
        }
        Ok(())
    }

    fn parse(&mut self, line: &Line) -> Option<Sentence> {
        serde_json::from_slice(line.bytes)
            .map_err(|e: serde_json::Error| {
                let kind = if !line.whole && e.is_eof() { kind::TRUNCATED } else { kind::BAD_JSON };
                // serde counts lines within this one line, which would mislead: its column is what helps
                let text = e.to_string();
                let what = text.split(" at line ").next().unwrap_or(&text);
                self.note(kind, line.number, || format!("{what} (column {})", e.column()));
            })
            .ok()
    }

    fn image(&mut self, image: Option<&str>, line: usize) -> Option<PathBuf> {
        let Some(image) = image.filter(|image| !image.is_empty()) else {
            self.note(kind::NO_IMAGE, line, || "the sentence has no image".into());
            return None;
        };
        let found = self.images.find(image);
        if found.is_none() {
            self.note(kind::MISSING_IMAGE, line, || format!("there is no image {image}"));
        }
        found
    }
}

fn tell(observe: &mut dyn Observer<Progress>, done: u64, total: u64) -> Result<()> {
    match observe.on(Progress::new("sentences", done, total)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Stopped),
    }
}

/// The mention that a [`Stream`] gave with this offset and number, its `line` 0. Errors: `Io`, and `Format` where the
/// file has changed since and there is no such mention.
pub(super) fn pair_at(
    path: &Path,
    vocabulary: &Vocabulary,
    images: &mut ImageFinder,
    offset: u64,
    mention: u16,
) -> Result<Pair> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.seek(SeekFrom::Start(offset)).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    BufReader::new(file.take(LONGEST_LINE)).read_until(b'\n', &mut bytes).map_err(Error::io("read", path))?;
    let gone = |why: String| Error::format(path, format!("has no mention {mention} at byte {offset}: {why}"));

    let bytes = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    let sentence: Sentence = serde_json::from_slice(bytes).map_err(|e| gone(e.to_string()))?;
    let found = sentence.mentions.get(usize::from(mention)).ok_or_else(|| gone("the line has fewer".into()))?;
    let (entity, start, end) = found.resolve(sentence.tokens.len(), vocabulary).map_err(|(_, why)| gone(why))?;
    let image = sentence.image.as_deref().and_then(|image| images.find(image));
    Ok(Pair { entity, tokens: sentence.tokens, start, end, image, offset, mention, line: 0 })
}
