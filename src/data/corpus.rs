//! The corpus: `sentences.json`, one JSON object a line, streamed in constant memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::data::diagnostics::{DiagnosticKind, Diagnostics, kind};
use crate::data::image_finder::ImageFinder;
use crate::data::sentence_json;
use crate::data::sentence_json::Sentence;
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::name::is_same;
use crate::progress::{Observer, Progress};
use crate::text_file::Encoding;
use crate::types::EntityId;

/// A line longer than this (bytes) is no sentence, and is passed over without being held in memory.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// As many mentions of one line as a [`Pair`] can number.
const MAX_MENTIONS: usize = u16::MAX as usize + 1;
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

/// One line of the file: where it starts, its number, and its bytes. [`CorpusReader::content`] takes the
/// line end and the byte order mark off.
struct Line<'a> {
    offset: u64,
    number: usize,
    bytes: &'a [u8],
    /// It ends in a line end; only the last may not.
    whole: bool,
}

/// One pass over the file: what it needs, and where it notes what it leaves out.
pub(super) struct CorpusReader<'a> {
    pub path: &'a Path,
    pub vocabulary: &'a Vocabulary,
    pub images: ImageFinder,
    pub diagnostics: &'a mut Diagnostics,
}

type Each<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

impl CorpusReader<'_> {
    /// Hands every usable mention to `each`, through one line buffer. A file that cannot be read as
    /// text has none, and is noted. Errors: `Io`, `Stopped`, those of `each`.
    pub(super) fn run(&mut self, observe: &mut dyn Observer<Progress>, each: Each) -> Result<()> {
        let path = self.path;
        let unread = |e| Error::io("read", path)(e);
        let file = File::open(path).map_err(unread)?;
        let total = file.metadata().map_err(unread)?.len();
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let Some(encoding) = self.encoding(reader.fill_buf().map_err(unread)?) else {
            return report_progress(observe, total, total);
        };
        let mut buffer = Vec::new();
        let (mut offset, mut told) = (0, 0);
        for number in 1.. {
            buffer.clear();
            let whole =
                read_line(&mut reader, encoding, MAX_LINE_BYTES, &mut buffer).map_err(unread)?;
            let mut length = buffer.len() as u64;
            if length == 0 {
                break;
            }
            if !whole && length == MAX_LINE_BYTES {
                length += skip_line(&mut reader, encoding, &mut buffer).map_err(unread)?;
                self.note(kind::LONG_LINE, number, || {
                    format!("{length} bytes in one line")
                });
            } else {
                let line = Line {
                    offset,
                    number,
                    bytes: &buffer,
                    whole,
                };
                self.line(line, encoding, each)?;
            }
            offset += length;
            if offset - told >= REPORT_EVERY {
                told = offset;
                report_progress(observe, offset, total)?;
            }
        }
        report_progress(observe, offset, total)
    }

    /// The encoding of the file by its first bytes; `None`, and noted, where it is no text.
    fn encoding(&mut self, start: &[u8]) -> Option<Encoding> {
        match Encoding::detect(start) {
            Ok((encoding, _)) => {
                if encoding != Encoding::Utf8 {
                    let reason = || "is UTF-16, as its byte order mark says".into();
                    self.diagnostics
                        .report(kind::UTF16, self.path, None, reason);
                }
                Some(encoding)
            }
            Err(reason) => {
                self.diagnostics
                    .report(kind::UNREADABLE_TEXT, self.path, None, || reason);
                None
            }
        }
    }

    /// Hands over the mentions of a line as it is in the file, with its line end.
    fn line(&mut self, line: Line, encoding: Encoding, each: Each) -> Result<()> {
        let (text, valid) = to_utf8(line.bytes, encoding);
        if !valid {
            self.note(kind::NOT_UTF8, line.number, || {
                "has characters that are not valid UTF-16; they are lost".into()
            });
        }
        match self.content(&text, encoding, line.number) {
            Some(bytes) => self.sentence(Line { bytes, ..line }, each),
            None => Ok(()),
        }
    }

    fn note(&mut self, kind: DiagnosticKind, line: usize, reason: impl FnOnce() -> String) {
        self.diagnostics.report(kind, self.path, Some(line), reason);
    }

    /// The line without line end and byte order mark; `None` where it is blank.
    fn content<'l>(
        &mut self,
        line: &'l [u8],
        encoding: Encoding,
        number: usize,
    ) -> Option<&'l [u8]> {
        let mut bytes = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(bare) = bytes.strip_suffix(b"\r") {
            self.note(kind::CRLF, number, || "ends in CRLF".into());
            bytes = bare;
        }
        if number == 1 && bytes.starts_with(BOM) {
            if encoding == Encoding::Utf8 {
                self.note(kind::BOM, number, || "starts with a byte order mark".into());
            }
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
        let Some(sentence) = self.parse(&line) else {
            return Ok(());
        };
        let image = self.image(&sentence, line.number);
        if sentence.mentions.is_empty() {
            self.note(kind::NO_MENTION, line.number, || {
                "no entity is mentioned".into()
            });
        }
        if sentence.mentions.len() > MAX_MENTIONS {
            self.note(kind::LONG_LINE, line.number, || {
                format!("{} mentions in one line", sentence.mentions.len())
            });
            return Ok(());
        }
        let mut tokens = sentence.tokens;
        let last = sentence.mentions.len().saturating_sub(1);
        for (number, (at, mention)) in (0..=u16::MAX).zip(sentence.mentions.iter().enumerate()) {
            match mention.resolve(tokens.len(), self.vocabulary) {
                Ok(span) => {
                    if let Some(loose) = span.loose {
                        self.note(kind::LOOSE_NUMBER, line.number, || loose);
                    }
                    let tokens = if at == last {
                        std::mem::take(&mut tokens)
                    } else {
                        tokens.clone()
                    };
                    let (image, offset, line) = (image.clone(), line.offset, line.number);
                    let sentence_json::Span {
                        entity, start, end, ..
                    } = span;
                    each(Pair {
                        entity,
                        tokens,
                        start,
                        end,
                        image,
                        offset,
                        mention: number,
                        line,
                    })?;
                }
                Err((kind, why)) => self.note(kind, line.number, || why),
            }
        }
        Ok(())
    }

    fn parse(&mut self, line: &Line) -> Option<Sentence> {
        sentence_json::parse(line.bytes)
            .map_err(|e: serde_json::Error| {
                let kind = if !line.whole && e.is_eof() {
                    kind::TRUNCATED
                } else {
                    kind::BAD_JSON
                };
                // serde counts lines within this one line, which would mislead: its column is what
                // helps
                let text = e.to_string();
                let what = text.split(" at line ").next().unwrap_or(&text);
                let column = if e.column() > 0 {
                    format!(" (column {})", e.column())
                } else {
                    String::new()
                };
                self.note(kind, line.number, || format!("{what}{column}"));
            })
            .ok()
    }

    /// The file of the sentence's image; `None`, and noted, where there is none.
    fn image(&mut self, sentence: &Sentence, line: usize) -> Option<PathBuf> {
        let image = match sentence.image() {
            Ok(Some(image)) => image,
            Ok(None) => {
                self.note(kind::NO_IMAGE, line, || "the sentence has no image".into());
                return None;
            }
            Err((kind, why)) => {
                self.note(kind, line, || why);
                return None;
            }
        };
        let found = self.images.find(image);
        match &found {
            None => self.note(kind::MISSING_IMAGE, line, || {
                format!("there is no image {image}")
            }),
            Some(file) if !image.is_ascii() && differs_in_unicode_form(file, image) => {
                let reason = || format!("the file of {image} has a name in another Unicode form");
                self.note(kind::UNICODE_FORM, line, reason);
            }
            Some(_) => {}
        }
        found
    }
}

/// Whether a file was found although its name is in another Unicode form than the path that was
/// asked for.
fn differs_in_unicode_form(file: &Path, asked: &str) -> bool {
    let asked = asked.rsplit(['/', '\\']).next().unwrap_or(asked);
    let own = file.file_name().and_then(|name| name.to_str());
    own.is_some_and(|own| own != asked && is_same(own, asked))
}

/// A line in UTF-8, and whether it was valid. The bytes of a UTF-8 file are not looked at: JSON's
/// own reader does.
fn to_utf8(line: &[u8], encoding: Encoding) -> (Cow<'_, [u8]>, bool) {
    match encoding {
        Encoding::Utf8 => (Cow::Borrowed(line), true),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let (text, valid) = encoding.decode(line);
            (Cow::Owned(text.into_owned().into_bytes()), valid)
        }
    }
}

/// Appends bytes up to the next line end and with it, at most `most`, which is even. Returns
/// whether there was a line end.
fn read_line(
    reader: &mut impl BufRead,
    encoding: Encoding,
    most: u64,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    let mut limited = reader.take(most);
    loop {
        let before = line.len();
        limited.read_until(b'\n', line)?;
        if line.len() == before || !line.ends_with(b"\n") {
            return Ok(false);
        }
        // a character of UTF-16 has two bytes, of which either may happen to be that of a line end
        let is_first = line.len() % 2 == 1;
        match encoding {
            Encoding::Utf8 => return Ok(true),
            Encoding::Utf16Be if !is_first && line.ends_with(b"\0\n") => return Ok(true),
            Encoding::Utf16Le if is_first => {
                let mut second = [0];
                if limited.read(&mut second)? == 0 {
                    return Ok(false);
                }
                line.push(second[0]);
                if second == [0] {
                    return Ok(true);
                }
            }
            Encoding::Utf16Be | Encoding::Utf16Le => {}
        }
    }
}

/// Passes over the rest of a line; returns its bytes. `buffer` is scratch.
fn skip_line(
    reader: &mut impl BufRead,
    encoding: Encoding,
    buffer: &mut Vec<u8>,
) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        buffer.clear();
        let ended = read_line(reader, encoding, MAX_LINE_BYTES, buffer)?;
        skipped += buffer.len() as u64;
        if ended || buffer.is_empty() {
            return Ok(skipped);
        }
    }
}

fn report_progress(observe: &mut dyn Observer<Progress>, done: u64, total: u64) -> Result<()> {
    observe.report(Progress::new("sentences", done, total))
}

/// The mention that a [`CorpusReader`] gave with this offset and number, its `line` 0. Errors: `Io`, and
/// `Format` where the file has changed since and there is no such mention.
pub(super) fn read_pair(
    path: &Path,
    vocabulary: &Vocabulary,
    images: &mut ImageFinder,
    offset: u64,
    mention: u16,
) -> Result<Pair> {
    let gone = |why: String| {
        Error::format(
            path,
            format!("has no mention {mention} at byte {offset}: {why}"),
        )
    };
    let mut reader = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let start = reader.fill_buf().map_err(Error::io("read", path))?;
    let (encoding, _) = Encoding::detect(start).map_err(|reason| Error::format(path, reason))?;
    reader
        .seek(SeekFrom::Start(offset))
        .map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    read_line(&mut reader, encoding, MAX_LINE_BYTES, &mut bytes)
        .map_err(Error::io("read", path))?;
    let (text, _) = to_utf8(&bytes, encoding);
    let sentence = sentence_json::parse(text.strip_prefix(BOM).unwrap_or(&text))
        .map_err(|e| gone(e.to_string()))?;
    let found = sentence
        .mentions
        .get(usize::from(mention))
        .ok_or_else(|| gone("the line has fewer".into()))?;
    let span = found
        .resolve(sentence.tokens.len(), vocabulary)
        .map_err(|(_, why)| gone(why))?;
    let image = sentence
        .image()
        .ok()
        .flatten()
        .and_then(|image| images.find(image));
    let sentence_json::Span {
        entity, start, end, ..
    } = span;
    Ok(Pair {
        entity,
        tokens: sentence.tokens,
        start,
        end,
        image,
        offset,
        mention,
        line: 0,
    })
}
