//! The parser for everything that a terminal sends: keys, mouse, pastes, and answers to queries.
//!
//! A terminal answers on the same line on which keys arrive, and over a slow connection its answers
//! can come seconds after the query. Therefore there is one parser for all input. It splits the
//! bytes into units (ECMA-48), recognises a report by its form whenever it comes, and passes only
//! the other units to [`termina`], which knows the encodings of keys. A report is never read as a
//! key, and no key is lost while answers are expected.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyModifiers};

use crate::tui::platform::event_decoder::{
    ESC, PASTE_END, PASTE_START, alt_key_press, decode_event, key_press, paste_event,
};

/// The time after which a single `ESC` is the escape key. A terminal sends a sequence at once; the
/// rest comes later only if a packet was split on its way.
const ESCAPE_DELAY: Duration = Duration::from_millis(50);
/// The time within which the rest of a sequence or paste must arrive. Connections can stall.
const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(3);
/// The greatest length of a report in bytes. Anything longer is noise.
const MAX_REPORT: usize = 4096;
/// The greatest length of a paste in bytes. A longer one is split.
const MAX_PASTE: usize = 1 << 20;
/// The byte that can end a control string instead of `ESC \`.
const BEL: u8 = 0x07;
/// The bytes that `ESC P`, `ESC ]` and `ESC _` (DCS, OSC, APC) add to the escape character.
const DCS: u8 = b'P';
const OSC: u8 = b']';
const APC: u8 = b'_';

/// One unit of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalInput {
    Event(Event),
    Report(TerminalReport),
}

/// An answer of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalReport {
    /// The name and version of the terminal (XTVERSION): `kitty(0.41.1)`.
    Version(String),
    /// The primary device attributes (DA1). The attribute 4 means that the terminal draws sixel.
    Attributes(Vec<u16>),
    /// The size of a cell in pixels.
    CellSize { width: u16, height: u16 },
    /// The colour of the background: red, green, blue (OSC 11).
    Background([u8; 3]),
    /// The position of the cursor, from 1.
    Cursor { row: u16, column: u16 },
    /// A report that the explorer does not use.
    Other,
}

/// Splits a stream of bytes into [`TerminalInput`]s.
#[derive(Debug, Default)]
pub struct InputParser {
    /// The beginning of a unit that is not complete.
    pending: Vec<u8>,
    /// The time at which the pending bytes are to be read as they are.
    deadline: Option<Instant>,
}

/// The unit at the front of the buffer, with its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A key, mouse or focus event.
    Event(usize),
    Report(usize),
    /// A bracketed paste, including its brackets.
    Paste(usize),
    /// Bytes without a meaning.
    Noise(usize),
    /// The beginning of a unit, which is read as it is after this time.
    Incomplete(Duration),
}

impl InputParser {
    /// Takes in bytes that arrived at `now`, and returns the units that they complete, in order.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) -> Vec<TerminalInput> {
        self.pending.extend_from_slice(bytes);
        self.deadline = None;
        let mut inputs = Vec::new();
        let mut start = 0;
        while start < self.pending.len() {
            let rest = &self.pending[start..];
            let unit = first_unit(rest);
            if let Unit::Incomplete(timeout) = unit {
                self.deadline = Some(now + timeout);
                break;
            }
            inputs.extend(decode(unit, rest));
            start += unit.length();
        }
        self.pending.drain(..start);
        inputs
    }

    /// Returns the time at which [`InputParser::expire`] is to be called; `None` while nothing is
    /// pending.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Reads the pending bytes as they are, because nothing followed: a single `ESC` becomes the
    /// escape key, the beginning of a report is dropped, and a paste ends here.
    pub fn expire(&mut self) -> Vec<TerminalInput> {
        self.deadline = None;
        let pending = std::mem::take(&mut self.pending);
        let escape = key_press(KeyCode::Esc, KeyModifiers::NONE);
        let events = match pending.as_slice() {
            [ESC] => vec![escape],
            [ESC, ESC] => vec![escape; 2],
            [ESC, character] => vec![alt_key_press(*character)],
            paste if paste.starts_with(PASTE_START) => vec![paste_event(paste)],
            _ => Vec::new(),
        };
        events.into_iter().map(TerminalInput::Event).collect()
    }
}

impl Unit {
    fn length(self) -> usize {
        match self {
            Unit::Event(length)
            | Unit::Report(length)
            | Unit::Paste(length)
            | Unit::Noise(length) => length,
            Unit::Incomplete(_) => 0,
        }
    }
}

/// Decodes the unit at the front of `bytes`. Returns `None` if it has no meaning.
fn decode(unit: Unit, bytes: &[u8]) -> Option<TerminalInput> {
    let bytes = &bytes[..unit.length()];
    match unit {
        Unit::Event(_) => decode_event(bytes).map(TerminalInput::Event),
        Unit::Report(_) => Some(TerminalInput::Report(decode_report(bytes))),
        Unit::Paste(_) => Some(TerminalInput::Event(paste_event(bytes))),
        Unit::Noise(_) | Unit::Incomplete(_) => None,
    }
}

/// Returns the unit at the front of `bytes`, which must not be empty.
fn first_unit(bytes: &[u8]) -> Unit {
    match bytes {
        [ESC] => Unit::Incomplete(ESCAPE_DELAY),
        [ESC, b'[', ..] => control_sequence(bytes),
        [ESC, b'O'] => Unit::Incomplete(ESCAPE_DELAY),
        [ESC, b'O', b'A'..=b'Z' | b'a'..=b'z', ..] => Unit::Event(3),
        [ESC, DCS | OSC | APC, ..] => control_string(bytes),
        [ESC, ESC, ..] => after_escape(bytes),
        [ESC, ..] => match character(&bytes[1..]) {
            Unit::Event(length) => Unit::Event(length + 1),
            Unit::Noise(length) => Unit::Noise(length + 1),
            other => other,
        },
        _ => character(bytes),
    }
}

/// Returns the unit at the front of bytes that begin with two `ESC`: alt with a key that has a
/// sequence of its own (rxvt sends alt-up so), or the escape key.
fn after_escape(bytes: &[u8]) -> Unit {
    match bytes.get(2) {
        None => return Unit::Incomplete(ESCAPE_DELAY),
        Some(b'[' | b'O') => {}
        Some(_) => return Unit::Event(1),
    }
    match first_unit(&bytes[1..]) {
        Unit::Event(length) => Unit::Event(length + 1),
        Unit::Incomplete(timeout) => Unit::Incomplete(timeout),
        // What follows the escape key is not a key.
        _ => Unit::Event(1),
    }
}

/// Returns the unit of one UTF-8 character or control character.
fn character(bytes: &[u8]) -> Unit {
    let length = match bytes[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Unit::Noise(1),
    };
    let Some(encoded) = bytes.get(..length) else {
        let is_continued = bytes[1..].iter().all(|byte| (0x80..=0xbf).contains(byte));
        return if is_continued {
            Unit::Incomplete(SEQUENCE_TIMEOUT)
        } else {
            Unit::Noise(1)
        };
    };
    if std::str::from_utf8(encoded).is_ok() {
        Unit::Event(length)
    } else {
        Unit::Noise(1)
    }
}

/// Returns the unit of a sequence that begins with `ESC [`: parameters, intermediate bytes and a
/// final byte (ECMA-48, 5.4).
fn control_sequence(bytes: &[u8]) -> Unit {
    match bytes.get(2) {
        None => return Unit::Incomplete(ESCAPE_DELAY),
        // The Linux console sends F1 to F5 so.
        Some(b'[') => return fixed_length(bytes, 4),
        // In the oldest encoding of the mouse, three bytes follow the final byte.
        Some(b'M') => return fixed_length(bytes, 6),
        Some(_) => {}
    }
    if bytes.starts_with(PASTE_START) {
        return bracketed_paste(bytes);
    }
    let is_parameter = |byte: &u8| (0x20..=0x3f).contains(byte);
    let parameters = bytes[2..].iter().take_while(|byte| is_parameter(byte));
    let end = 2 + parameters.count();
    match bytes.get(end) {
        None if bytes.len() > MAX_REPORT => Unit::Noise(bytes.len()),
        None => Unit::Incomplete(SEQUENCE_TIMEOUT),
        Some(&last @ 0x40..=0x7e) if is_report(&bytes[2..end], last) => Unit::Report(end + 1),
        Some(0x40..=0x7e) => Unit::Event(end + 1),
        // No sequence contains such a byte: it begins something else.
        Some(_) => Unit::Noise(end),
    }
}

fn fixed_length(bytes: &[u8], length: usize) -> Unit {
    if bytes.len() < length {
        Unit::Incomplete(SEQUENCE_TIMEOUT)
    } else {
        Unit::Event(length)
    }
}

fn bracketed_paste(bytes: &[u8]) -> Unit {
    let end = bytes
        .windows(PASTE_END.len())
        .position(|window| window == PASTE_END);
    match end {
        Some(end) => Unit::Paste(end + PASTE_END.len()),
        None if bytes.len() >= MAX_PASTE => Unit::Paste(bytes.len()),
        None => Unit::Incomplete(SEQUENCE_TIMEOUT),
    }
}

/// Returns true if a control sequence answers a query. No key and no mouse event has a private
/// parameter other than `<`, or one of these final bytes. The final byte `R` belongs to F3 with
/// modifiers if the first parameter is 1, otherwise to the position of the cursor.
fn is_report(parameters: &[u8], last: u8) -> bool {
    match (parameters.first(), last) {
        (Some(b'?' | b'>' | b'='), _) | (_, b'c' | b't' | b'n' | b'y') => true,
        (Some(first), b'R') => *first != b'1' || parameters.get(1) != Some(&b';'),
        _ => false,
    }
}

/// Returns the unit of a control string (`ESC P`, `ESC ]` or `ESC _`) if it begins like a report,
/// otherwise the unit of the key with alt.
fn control_string(bytes: &[u8]) -> Unit {
    let Some(first) = bytes.get(2) else {
        return Unit::Incomplete(ESCAPE_DELAY);
    };
    if !begins_report(bytes[1], *first) {
        return Unit::Event(2);
    }
    for (index, pair) in bytes.windows(2).enumerate().skip(2) {
        match pair {
            [ESC, b'\\'] => return Unit::Report(index + 2),
            // The string was cut off.
            [ESC, _] => return Unit::Noise(index),
            [BEL, _] => return Unit::Report(index + 1),
            _ => {}
        }
    }
    if bytes.last() == Some(&BEL) {
        Unit::Report(bytes.len())
    } else if bytes.len() > MAX_REPORT {
        Unit::Noise(bytes.len())
    } else {
        Unit::Incomplete(SEQUENCE_TIMEOUT)
    }
}

/// Returns true if a report can begin with a control string of this kind and this first byte.
fn begins_report(kind: u8, first: u8) -> bool {
    match kind {
        // XTVERSION; DECRQSS and XTGETTCAP, valid or not
        DCS => matches!(first, b'>' | b'0' | b'1'),
        // colours and the clipboard
        OSC => first.is_ascii_digit(),
        // kitty's graphics
        _ => first == b'G',
    }
}

fn decode_report(unit: &[u8]) -> TerminalReport {
    let decoded = std::str::from_utf8(unit).ok().and_then(known_report);
    decoded.unwrap_or(TerminalReport::Other)
}

/// Decodes a report. Returns `None` for those that the explorer does not use.
fn known_report(text: &str) -> Option<TerminalReport> {
    if let Some(version) = text.strip_prefix("\x1bP>|") {
        return Some(TerminalReport::Version(trim_terminator(version).to_owned()));
    }
    if let Some(colour) = text.strip_prefix("\x1b]11;rgb:") {
        return parse_colour(trim_terminator(colour)).map(TerminalReport::Background);
    }
    let parameters = text.strip_prefix("\x1b[")?;
    if let Some(size) = parameters.strip_suffix('t') {
        return match parse_numbers(size)[..] {
            [6, height, width] => Some(TerminalReport::CellSize { width, height }),
            _ => None,
        };
    }
    if let Some(cursor) = parameters.strip_suffix('R') {
        return match parse_numbers(cursor)[..] {
            [row, column] => Some(TerminalReport::Cursor { row, column }),
            _ => None,
        };
    }
    let attributes = parameters.strip_prefix('?')?.strip_suffix('c')?;
    Some(TerminalReport::Attributes(parse_numbers(attributes)))
}

/// Removes the terminator of a control string: `ESC \`, BEL or both.
fn trim_terminator(text: &str) -> &str {
    text.trim_end_matches("\x1b\\").trim_end_matches('\x07')
}

/// Parses numbers separated by semicolons; anything else is skipped.
fn parse_numbers(parameters: &str) -> Vec<u16> {
    parameters
        .split(';')
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Parses a colour such as `ffff/8080/0000`: red, green and blue in one to four hexadecimal digits.
fn parse_colour(colour: &str) -> Option<[u8; 3]> {
    let mut channels = colour.split('/').map(parse_channel);
    Some([channels.next()??, channels.next()??, channels.next()??])
}

/// Parses hexadecimal digits as a fraction of the largest value that they can hold, scaled to 255.
fn parse_channel(digits: &str) -> Option<u8> {
    let value = u32::from_str_radix(digits, 16).ok()?;
    let largest = 16u32.checked_pow(digits.len() as u32)?.checked_sub(1)?;
    let scaled = value.checked_mul(255)?.checked_div(largest)?;
    u8::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<TerminalInput> {
        InputParser::default().feed(bytes, Instant::now())
    }

    fn letter(letter: char) -> TerminalInput {
        TerminalInput::Event(key_press(KeyCode::Char(letter), KeyModifiers::NONE))
    }

    fn with_alt(letter: char) -> TerminalInput {
        TerminalInput::Event(key_press(KeyCode::Char(letter), KeyModifiers::ALT))
    }

    const REPORTS: [(&[u8], TerminalReport); 10] = [
        (b"\x1b_Gi=31;OK\x1b\\", TerminalReport::Other),
        (b"\x1b[?2031;1n", TerminalReport::Other),
        (b"\x1b[>41;378;0c", TerminalReport::Other),
        (b"\x1b[0n", TerminalReport::Other),
        (
            b"\x1b[24;80R",
            TerminalReport::Cursor {
                row: 24,
                column: 80,
            },
        ),
        (b"\x1b[?2026;2$y", TerminalReport::Other),
        (b"\x1b[?62u", TerminalReport::Other),
        (
            b"\x1b]11;rgb:1e1e/ffff/0000\x1b\\",
            TerminalReport::Background([30, 255, 0]),
        ),
        (b"\x1b]10;rgb:ffff/ffff/ffff\x07", TerminalReport::Other),
        (b"\x1bP1+r544e=787465726d\x1b\\", TerminalReport::Other),
    ];

    #[test]
    fn reports_are_distinguished_from_keys_anywhere_in_the_input() {
        for (bytes, report) in REPORTS {
            let stream = [b"j", bytes, b"k"].concat();
            // in one piece, and cut at every position
            for cut in 0..=stream.len() {
                let mut parser = InputParser::default();
                let mut inputs = parser.feed(&stream[..cut], Instant::now());
                inputs.extend(parser.feed(&stream[cut..], Instant::now()));
                assert_eq!(
                    (inputs.len(), &inputs[0], &inputs[2]),
                    (3, &letter('j'), &letter('k')),
                    "{bytes:?} at {cut}"
                );
                assert_eq!(
                    inputs[1],
                    TerminalInput::Report(report.clone()),
                    "{bytes:?} at {cut}"
                );
            }
        }
    }

    #[test]
    fn the_answers_to_the_query_are_decoded() {
        let reports =
            parse(b"\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;20;10t\x1b[?62;4;22c\x1bP>|foot(1.13.1)\x07");
        let expected = [
            TerminalReport::Version("kitty(0.41.1)".into()),
            TerminalReport::CellSize {
                width: 10,
                height: 20,
            },
            TerminalReport::Attributes(vec![62, 4, 22]),
            TerminalReport::Version("foot(1.13.1)".into()),
        ];
        assert_eq!(reports, expected.map(TerminalInput::Report));
    }

    #[test]
    fn keys_are_decoded() {
        let cases: [(&[u8], KeyCode, KeyModifiers); 17] = [
            (b"a", KeyCode::Char('a'), KeyModifiers::NONE),
            ("å".as_bytes(), KeyCode::Char('å'), KeyModifiers::NONE),
            ("虎".as_bytes(), KeyCode::Char('虎'), KeyModifiers::NONE),
            (b"G", KeyCode::Char('G'), KeyModifiers::SHIFT),
            (b"\r", KeyCode::Enter, KeyModifiers::NONE),
            (b"\t", KeyCode::Tab, KeyModifiers::NONE),
            (b"\x7f", KeyCode::Backspace, KeyModifiers::NONE),
            (b"\x18", KeyCode::Char('x'), KeyModifiers::CONTROL),
            (b"\x1b[A", KeyCode::Up, KeyModifiers::NONE),
            (b"\x1bOB", KeyCode::Down, KeyModifiers::NONE),
            (b"\x1b[1;3D", KeyCode::Left, KeyModifiers::ALT),
            (b"\x1b\x1b[C", KeyCode::Right, KeyModifiers::ALT),
            (b"\x1b[6~", KeyCode::PageDown, KeyModifiers::NONE),
            (b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
            (b"\x1b[1;2R", KeyCode::F(3), KeyModifiers::SHIFT),
            (b"\x1b[[A", KeyCode::F(1), KeyModifiers::NONE),
            (b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT),
        ];
        for (bytes, code, modifiers) in cases {
            assert_eq!(
                parse(bytes),
                [TerminalInput::Event(key_press(code, modifiers))],
                "{bytes:?}"
            );
            let mut parser = InputParser::default();
            let one_by_one: Vec<TerminalInput> = bytes
                .iter()
                .flat_map(|byte| parser.feed(&[*byte], Instant::now()))
                .collect();
            assert_eq!(
                one_by_one,
                [TerminalInput::Event(key_press(code, modifiers))],
                "{bytes:?} byte by byte"
            );
        }
    }

    #[test]
    fn alt_with_a_character_that_begins_reports_is_a_key() {
        assert_eq!(parse(b"\x1b_j"), [with_alt('_'), letter('j')]);
        assert_eq!(parse(b"\x1bPj"), [with_alt('P'), letter('j')]);
        assert_eq!(parse(b"\x1b]j"), [with_alt(']'), letter('j')]);
        let mut parser = InputParser::default();
        for character in ['_', 'P', ']', 'O', '['] {
            let bytes = [ESC, character as u8];
            assert!(parser.feed(&bytes, Instant::now()).is_empty());
            assert_eq!(parser.expire(), [with_alt(character)]);
        }
    }

    #[test]
    fn a_single_escape_is_the_escape_key_after_a_delay() {
        let (mut parser, now) = (InputParser::default(), Instant::now());
        assert!(parser.feed(b"\x1b", now).is_empty());
        assert_eq!(parser.deadline(), Some(now + ESCAPE_DELAY));
        assert_eq!(
            parser.expire(),
            [TerminalInput::Event(key_press(
                KeyCode::Esc,
                KeyModifiers::NONE
            ))]
        );
        assert_eq!(parser.deadline(), None);
        assert_eq!(parser.feed(b"j", now), [letter('j')]);
        assert_eq!(
            parse(b"\x1b\x1bj")[0],
            TerminalInput::Event(key_press(KeyCode::Esc, KeyModifiers::NONE))
        );
    }

    #[test]
    fn the_beginning_of_a_report_is_dropped_and_not_read_as_keys() {
        for (bytes, _) in REPORTS {
            let mut parser = InputParser::default();
            assert!(
                parser
                    .feed(&bytes[..bytes.len().min(6) - 1], Instant::now())
                    .is_empty()
            );
            assert_eq!(parser.expire(), [], "{bytes:?}");
            assert_eq!(parser.feed(b"j", Instant::now()), [letter('j')]);
        }
    }

    #[test]
    fn a_paste_is_one_event_whatever_it_contains() {
        let pasted = |text: &str| [TerminalInput::Event(Event::Paste(text.into()))];
        assert_eq!(
            parse(b"\x1b[200~lion\rti\x1b[31mger\x1b[201~"),
            pasted("lion\rti\x1b[31mger")
        );
        let mut parser = InputParser::default();
        assert!(
            parser
                .feed(b"\x1b[200~lion\x1b[20", Instant::now())
                .is_empty()
        );
        assert_eq!(parser.feed(b"1~", Instant::now()), pasted("lion"));
        assert!(parser.feed(b"\x1b[200~cut", Instant::now()).is_empty());
        assert_eq!(parser.expire(), pasted("cut"));
    }

    #[test]
    fn mouse_and_focus_events_are_decoded() {
        let inputs = parse(b"\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<64;1;1M\x1b[<32;9;9M\x1b[I\x1b[O");
        let kinds: Vec<_> = inputs
            .iter()
            .map(|input| match input {
                TerminalInput::Event(Event::Mouse(mouse)) => {
                    format!("{:?} {} {}", mouse.kind, mouse.column, mouse.row)
                }
                other => format!("{other:?}"),
            })
            .collect();
        let expected = [
            "Down(Left) 4 2",
            "Up(Left) 4 2",
            "ScrollUp 0 0",
            "Drag(Left) 8 8",
            "Event(FocusGained)",
            "Event(FocusLost)",
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_key_after_noise_is_not_lost() {
        for noise in [
            &b"\xff"[..],
            b"\x1b[12\x01",
            b"\x1b[?",
            b"\xc3",
            b"\x1bP>|name\x1b",
            b"\x9b",
        ] {
            let mut parser = InputParser::default();
            let mut inputs = parser.feed(noise, Instant::now());
            inputs.extend(parser.expire());
            inputs.extend(parser.feed(b"j", Instant::now()));
            assert_eq!(inputs.last(), Some(&letter('j')), "{noise:?}: {inputs:?}");
        }
    }
}
