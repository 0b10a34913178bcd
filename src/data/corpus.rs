//! The corpus: `sentences.json`, one JSON object per line, streamed in constant memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::data::diagnostics::{DiagnosticKind, Diagnostics, kind};
use crate::data::image_finder::ImageFinder;
use crate::data::sentence_json;
use crate::data::sentence_json::{Sentence, Span};
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::name::is_same;
use crate::progress::{Observer, Progress};
use crate::text_file::Encoding;
use crate::types::EntityId;

/// The maximum length of a line, in bytes. A longer one is skipped without reading it into memory.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// The maximum number of mentions in a line, which [`Pair::mention`] can number.
const MAX_MENTIONS: usize = u16::MAX as usize + 1;
/// The number of bytes between two progress reports.
const REPORT_EVERY: u64 = 1 << 20;
const BUFFER: usize = 1 << 18;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One mention of an entity, with its sentence and the sentence's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub entity: EntityId,
    pub tokens: Vec<String>,
    /// The first token of the mention.
    pub start: usize,
    /// The last token of the mention.
    pub end: usize,
    /// The image file. `None` if the sentence has no image or the file is missing.
    pub image: Option<PathBuf>,
    /// The start of the line in `sentences.json`, in bytes.
    pub offset: u64,
    /// The position of the mention in its line, from 0.
    pub mention: u16,
    /// The line number, from 1, or 0 if the pair was read by its offset.
    pub line: usize,
}

impl Pair {
    fn new(
        span: Span,
        tokens: Vec<String>,
        image: Option<PathBuf>,
        position: PairPosition,
    ) -> Pair {
        let PairPosition {
            offset,
            mention,
            line,
        } = position;
        Pair {
            entity: span.entity,
            tokens,
            start: span.start,
            end: span.end,
            image,
            offset,
            mention,
            line,
        }
    }
}

/// The position of a pair in the corpus. See [`Pair`] for the fields.
#[derive(Clone, Copy)]
struct PairPosition {
    offset: u64,
    mention: u16,
    line: usize,
}

/// One line of the file.
struct Line<'a> {
    /// The start of the line in the file, in bytes.
    offset: u64,
    number: usize,
    bytes: &'a [u8],
    /// True if the line has a line end. Only the last line may not have one.
    is_terminated: bool,
}

/// One pass over the corpus. It reports what it leaves out.
pub(super) struct CorpusReader<'a> {
    pub path: &'a Path,
    pub vocabulary: &'a Vocabulary,
    pub images: ImageFinder,
    pub diagnostics: &'a mut Diagnostics,
}

type PairHandler<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

impl CorpusReader<'_> {
    /// Passes every usable mention to `each`. A file that is not text has none, and is reported.
    ///
    /// Errors: `Io`, `Stopped`, those of `each`.
    pub(super) fn run(
        &mut self,
        observe: &mut dyn Observer<Progress>,
        each: PairHandler,
    ) -> Result<()> {
        let path = self.path;
        let read_error = |e| Error::io("read", path)(e);
        let file = File::open(path).map_err(read_error)?;
        let total = file.metadata().map_err(read_error)?.len();
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let start = reader.fill_buf().map_err(read_error)?;
        let Some(encoding) = self.detect_encoding(start) else {
            return report_progress(observe, total, total);
        };
        let mut buffer = Vec::new();
        let (mut offset, mut reported) = (0, 0);
        for number in 1.. {
            buffer.clear();
            let is_terminated = read_line(&mut reader, encoding, MAX_LINE_BYTES, &mut buffer)
                .map_err(read_error)?;
            let mut length = buffer.len() as u64;
            if length == 0 {
                break;
            }
            if !is_terminated && length == MAX_LINE_BYTES {
                length += skip_line(&mut reader, encoding, &mut buffer).map_err(read_error)?;
                self.report(kind::LONG_LINE, number, || {
                    format!("{length} bytes in one line")
                });
            } else {
                let line = Line {
                    offset,
                    number,
                    bytes: &buffer,
                    is_terminated,
                };
                self.process_line(line, encoding, each)?;
            }
            offset += length;
            if offset - reported >= REPORT_EVERY {
                reported = offset;
                report_progress(observe, offset, total)?;
            }
        }
        report_progress(observe, offset, total)
    }

    /// Detects the encoding of the file by its first bytes. Returns `None` if it is not text, which
    /// is reported.
    fn detect_encoding(&mut self, start: &[u8]) -> Option<Encoding> {
        match Encoding::detect(start) {
            Ok((encoding, _)) => {
                if encoding != Encoding::Utf8 {
                    let reason = || "is UTF-16 according to its byte order mark".into();
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

    /// Passes the mentions of a line to `each`. The line includes its line end.
    fn process_line(&mut self, line: Line, encoding: Encoding, each: PairHandler) -> Result<()> {
        let (text, valid) = to_utf8(line.bytes, encoding);
        if !valid {
            self.report(kind::NOT_UTF8, line.number, || {
                "has invalid UTF-16; the characters are lost".into()
            });
        }
        match self.strip_line(&text, encoding, line.number) {
            Some(bytes) => self.process_sentence(Line { bytes, ..line }, each),
            None => Ok(()),
        }
    }

    fn report(&mut self, kind: DiagnosticKind, line: usize, reason: impl FnOnce() -> String) {
        self.diagnostics.report(kind, self.path, Some(line), reason);
    }

    /// Returns the line without line end and byte order mark, or `None` if it is blank.
    fn strip_line<'l>(
        &mut self,
        line: &'l [u8],
        encoding: Encoding,
        number: usize,
    ) -> Option<&'l [u8]> {
        let mut bytes = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(stripped) = bytes.strip_suffix(b"\r") {
            self.report(kind::CRLF, number, || "ends in CRLF".into());
            bytes = stripped;
        }
        if number == 1 && bytes.starts_with(BOM) {
            if encoding == Encoding::Utf8 {
                self.report(kind::BOM, number, || "starts with a byte order mark".into());
            }
            bytes = &bytes[BOM.len()..];
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            self.report(kind::BLANK, number, || "blank line".into());
            return None;
        }
        Some(bytes)
    }

    /// Makes one pair for each usable mention of a sentence.
    fn process_sentence(&mut self, line: Line, each: PairHandler) -> Result<()> {
        let Some(sentence) = self.parse(&line) else {
            return Ok(());
        };
        let image = self.find_image(&sentence, line.number);
        if sentence.mentions.is_empty() {
            self.report(kind::NO_MENTION, line.number, || {
                "no entity is mentioned".into()
            });
        }
        if sentence.mentions.len() > MAX_MENTIONS {
            self.report(kind::LONG_LINE, line.number, || {
                format!("{} mentions in one line", sentence.mentions.len())
            });
            return Ok(());
        }
        let mut tokens = sentence.tokens;
        let last = sentence.mentions.len().saturating_sub(1);
        for (mention, found) in (0..=u16::MAX).zip(&sentence.mentions) {
            let span = match found.resolve(tokens.len(), self.vocabulary) {
                Ok(span) => span,
                Err((kind, reason)) => {
                    self.report(kind, line.number, || reason);
                    continue;
                }
            };
            if let Some(conversion) = &span.conversion {
                self.report(kind::CONVERTED_NUMBER, line.number, || conversion.clone());
            }
            // the last mention takes the tokens, the others copy them
            let tokens = if usize::from(mention) == last {
                std::mem::take(&mut tokens)
            } else {
                tokens.clone()
            };
            let position = PairPosition {
                offset: line.offset,
                mention,
                line: line.number,
            };
            each(Pair::new(span, tokens, image.clone(), position))?;
        }
        Ok(())
    }

    /// Parses a line. Returns `None` if it is not a sentence, which is reported.
    fn parse(&mut self, line: &Line) -> Option<Sentence> {
        let error = match sentence_json::parse(line.bytes) {
            Ok(sentence) => return Some(sentence),
            Err(error) => error,
        };
        let kind = if !line.is_terminated && error.is_eof() {
            kind::TRUNCATED
        } else {
            kind::BAD_JSON
        };
        // the error's line number counts within this one line: only the column is useful
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        let column = if error.column() > 0 {
            format!(" (column {})", error.column())
        } else {
            String::new()
        };
        self.report(kind, line.number, || format!("{what}{column}"));
        None
    }

    /// Returns the file of the sentence's image, or `None` if there is none, which is reported.
    fn find_image(&mut self, sentence: &Sentence, line: usize) -> Option<PathBuf> {
        let image = match sentence.image() {
            Ok(Some(image)) => image,
            Ok(None) => {
                self.report(kind::NO_IMAGE, line, || "the sentence has no image".into());
                return None;
            }
            Err((kind, reason)) => {
                self.report(kind, line, || reason);
                return None;
            }
        };
        let found = self.images.find(image);
        match &found {
            None => self.report(kind::MISSING_IMAGE, line, || {
                format!("there is no image {image}")
            }),
            Some(file) if !image.is_ascii() && differs_in_unicode_form(file, image) => {
                let reason =
                    || format!("the name of the image file {image} is in another Unicode form");
                self.report(kind::UNICODE_FORM, line, reason);
            }
            Some(_) => {}
        }
        found
    }
}

/// Returns whether the name of a file differs from that of the `given` path in its Unicode form.
fn differs_in_unicode_form(file: &Path, given: &str) -> bool {
    let given = given.rsplit(['/', '\\']).next().unwrap_or(given);
    let own = file.file_name().and_then(|name| name.to_str());
    own.is_some_and(|own| own != given && is_same(own, given))
}

/// Converts a line to UTF-8. Returns it with whether all bytes are valid. The bytes of a UTF-8 file
/// are not checked here, since the JSON parser checks them.
fn to_utf8(line: &[u8], encoding: Encoding) -> (Cow<'_, [u8]>, bool) {
    match encoding {
        Encoding::Utf8 => (Cow::Borrowed(line), true),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let (text, valid) = encoding.decode(line);
            (Cow::Owned(text.into_owned().into_bytes()), valid)
        }
    }
}

/// Appends the bytes up to and including the next line end, at most `limit` bytes, which must be
/// even. Returns whether there was a line end.
fn read_line(
    reader: &mut impl BufRead,
    encoding: Encoding,
    limit: u64,
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    let mut limited = reader.take(limit);
    loop {
        let before = line.len();
        limited.read_until(b'\n', line)?;
        if line.len() == before || !line.ends_with(b"\n") {
            return Ok(false);
        }
        // either of the two bytes of a UTF-16 character may have the value of a line end
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

/// Skips the rest of a line. Returns the number of skipped bytes. `buffer` is a scratch buffer.
fn skip_line(
    reader: &mut impl BufRead,
    encoding: Encoding,
    buffer: &mut Vec<u8>,
) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        buffer.clear();
        let is_terminated = read_line(reader, encoding, MAX_LINE_BYTES, buffer)?;
        skipped += buffer.len() as u64;
        if is_terminated || buffer.is_empty() {
            return Ok(skipped);
        }
    }
}

fn report_progress(observe: &mut dyn Observer<Progress>, done: u64, total: u64) -> Result<()> {
    observe.report(Progress::new("sentences", done, total))
}

/// Reads one mention by the offset and number that a [`CorpusReader`] gave it. Its `line` is 0.
///
/// Errors: `Io`; `Format` if the file has changed and there is no such mention.
pub(super) fn read_pair(
    path: &Path,
    vocabulary: &Vocabulary,
    images: &mut ImageFinder,
    offset: u64,
    mention: u16,
) -> Result<Pair> {
    let not_found = |reason: String| {
        Error::format(
            path,
            format!("has no mention {mention} at byte {offset}: {reason}"),
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
        .map_err(|e| not_found(e.to_string()))?;
    let found = sentence
        .mentions
        .get(usize::from(mention))
        .ok_or_else(|| not_found("the line has fewer mentions".into()))?;
    let span = found
        .resolve(sentence.tokens.len(), vocabulary)
        .map_err(|(_, reason)| not_found(reason))?;
    let image = sentence
        .image()
        .ok()
        .flatten()
        .and_then(|image| images.find(image));
    let position = PairPosition {
        offset,
        mention,
        line: 0,
    };
    Ok(Pair::new(span, sentence.tokens, image, position))
}
