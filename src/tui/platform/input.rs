//! Reads everything that a terminal sends: keys, mouse, pastes, and its answers to queries.
//!
//! A terminal answers on the same line on which keys arrive, and over a slow connection its answers
//! can come seconds after the query. So there is one parser for all input. It cuts the bytes into
//! units (ECMA-48), recognises a report by its form whenever it comes, and hands only the other
//! units to [`termina`], which knows the encodings of keys. A report is never taken for a key, and
//! no key is lost while the terminal is being asked.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyModifiers};

use crate::tui::platform::event_decoder::{
    ESC, PASTE_BEGIN, PASTE_END, alt_key, event, key, paste,
};

/// How long an `ESC` may stand alone before it is the escape key. A terminal sends the rest of a
/// sequence at once; only a packet that was split on its way is later.
const ESCAPE_DELAY: Duration = Duration::from_millis(50);
/// How long the rest of a sequence or a paste that has begun may take. Connections stall.
const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest report in bytes; what is longer is noise.
const LONGEST_REPORT: usize = 4096;
/// The longest paste in bytes; what is longer is cut into several.
const LONGEST_PASTE: usize = 1 << 20;

/// One unit of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalInput {
    Event(Event),
    Report(TerminalReport),
}

/// An answer of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalReport {
    /// The terminal's name and version (XTVERSION): `kitty(0.41.1)`.
    Version(String),
    /// Its primary device attributes (DA1); 4 among them: it draws sixel.
    Attributes(Vec<u16>),
    /// The size of a cell in pixels.
    CellSize { width: u16, height: u16 },
    /// The colour of the background, red, green, blue (OSC 11).
    Background([u8; 3]),
    /// Where the cursor is, from 1.
    Cursor { row: u16, column: u16 },
    /// A report that nobody here asks for.
    Other,
}

/// Cuts a stream of bytes into [`TerminalInput`]s.
#[derive(Debug, Default)]
pub struct InputParser {
    /// What has begun and is not complete.
    pending: Vec<u8>,
    /// When what is pending is to be taken as it is.
    deadline: Option<Instant>,
}

/// What the front of the buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A key, mouse or focus event of so many bytes.
    Event(usize),
    /// A report of so many bytes.
    Report(usize),
    /// A bracketed paste of so many bytes, its brackets included.
    Paste(usize),
    /// So many bytes that mean nothing.
    Noise(usize),
    /// The unit goes on; taken as it is after this time.
    Incomplete(Duration),
}

impl InputParser {
    /// Takes in bytes as they arrived at `now`; returns the units that they complete, in order.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) -> Vec<TerminalInput> {
        self.pending.extend_from_slice(bytes);
        let mut found = Vec::new();
        let mut start = 0;
        self.deadline = None;
        while start < self.pending.len() {
            let rest = &self.pending[start..];
            let unit = unit(rest);
            match unit {
                Unit::Incomplete(patience) => {
                    self.deadline = Some(now + patience);
                    break;
                }
                Unit::Event(length) => {
                    found.extend(event(&rest[..length]).map(TerminalInput::Event))
                }
                Unit::Report(length) => found.push(TerminalInput::Report(report(&rest[..length]))),
                Unit::Paste(length) => found.push(TerminalInput::Event(paste(&rest[..length]))),
                Unit::Noise(_) => {}
            }
            start += unit.length();
        }
        self.pending.drain(..start);
        found
    }

    /// When [`InputParser::expire`] is to be called; `None` while nothing is pending.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes what is pending as it is, since nothing followed: an `ESC` becomes the escape key, the
    /// beginning of a report is dropped, a paste ends here.
    pub fn expire(&mut self) -> Vec<TerminalInput> {
        self.deadline = None;
        let pending = std::mem::take(&mut self.pending);
        let keys = match pending.as_slice() {
            [ESC] => vec![key(KeyCode::Esc, KeyModifiers::NONE)],
            [ESC, ESC] => vec![key(KeyCode::Esc, KeyModifiers::NONE); 2],
            [ESC, letter] => vec![alt_key(*letter)],
            pasted if pasted.starts_with(PASTE_BEGIN) => vec![paste(pasted)],
            _ => Vec::new(),
        };
        keys.into_iter().map(TerminalInput::Event).collect()
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

/// The unit at the front of `bytes`, which must not be empty.
fn unit(bytes: &[u8]) -> Unit {
    match bytes {
        [ESC] => Unit::Incomplete(ESCAPE_DELAY),
        [ESC, b'[', ..] => control_sequence(bytes),
        [ESC, b'O'] => Unit::Incomplete(ESCAPE_DELAY),
        [ESC, b'O', b'A'..=b'Z' | b'a'..=b'z', ..] => Unit::Event(3),
        [ESC, b'P' | b']' | b'_', ..] => control_string(bytes),
        // alt with a key that has a sequence of its own; rxvt sends alt-up so
        [ESC, ESC] => Unit::Incomplete(ESCAPE_DELAY),
        [ESC, ESC, b'[' | b'O', ..] => match unit(&bytes[1..]) {
            Unit::Event(length) => Unit::Event(length + 1),
            Unit::Incomplete(patience) => Unit::Incomplete(patience),
            // the first is a key, and what follows it is not
            _ => Unit::Event(1),
        },
        [ESC, ESC, ..] => Unit::Event(1),
        [ESC, ..] => match character(&bytes[1..]) {
            Unit::Event(length) => Unit::Event(length + 1),
            Unit::Noise(length) => Unit::Noise(length + 1),
            other => other,
        },
        _ => character(bytes),
    }
}

/// One character of UTF-8 or a control character.
fn character(bytes: &[u8]) -> Unit {
    let length = match bytes[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Unit::Noise(1),
    };
    match bytes.get(..length) {
        Some(whole) if std::str::from_utf8(whole).is_ok() => Unit::Event(length),
        Some(_) => Unit::Noise(1),
        None if bytes[1..].iter().all(|byte| (0x80..=0xbf).contains(byte)) => {
            Unit::Incomplete(SEQUENCE_TIMEOUT)
        }
        None => Unit::Noise(1),
    }
}

/// A sequence that `ESC [` begins: parameters, intermediates and a final byte (ECMA-48, 5.4).
fn control_sequence(bytes: &[u8]) -> Unit {
    match bytes.get(2) {
        None => return Unit::Incomplete(ESCAPE_DELAY),
        // the Linux console's F1 to F5
        Some(b'[') => return fixed(bytes, 4),
        // the mouse in its oldest encoding: three bytes after the final one
        Some(b'M') => return fixed(bytes, 6),
        Some(_) => {}
    }
    if bytes.starts_with(PASTE_BEGIN) {
        return match find(bytes, PASTE_END) {
            Some(at) => Unit::Paste(at + PASTE_END.len()),
            None if bytes.len() >= LONGEST_PASTE => Unit::Paste(bytes.len()),
            None => Unit::Incomplete(SEQUENCE_TIMEOUT),
        };
    }
    let is_parameter = |byte: &u8| (0x20..=0x3f).contains(byte);
    let Some(end) = bytes[2..]
        .iter()
        .position(|byte| !is_parameter(byte))
        .map(|at| at + 2)
    else {
        return if bytes.len() > LONGEST_REPORT {
            Unit::Noise(bytes.len())
        } else {
            Unit::Incomplete(SEQUENCE_TIMEOUT)
        };
    };
    match bytes[end] {
        last @ 0x40..=0x7e if is_report(&bytes[2..end], last) => Unit::Report(end + 1),
        0x40..=0x7e => Unit::Event(end + 1),
        // no sequence has such a byte: it begins something else
        _ => Unit::Noise(end),
    }
}

fn fixed(bytes: &[u8], length: usize) -> Unit {
    if bytes.len() < length {
        Unit::Incomplete(SEQUENCE_TIMEOUT)
    } else {
        Unit::Event(length)
    }
}

/// Whether a control sequence answers a query. No key and no mouse event has a private parameter
/// other than `<`, nor one of these final bytes; `R` with a 1 before it is F3 with modifiers, else
/// the cursor's position.
fn is_report(parameters: &[u8], last: u8) -> bool {
    match (parameters.first(), last) {
        (Some(b'?' | b'>' | b'='), _) | (_, b'c' | b't' | b'n' | b'y') => true,
        (Some(first), b'R') => *first != b'1' || parameters.get(1) != Some(&b';'),
        _ => false,
    }
}

/// A string that `ESC P`, `ESC ]` or `ESC _` begins, if what follows is the beginning of a report;
/// else the key with alt.
fn control_string(bytes: &[u8]) -> Unit {
    let Some(first) = bytes.get(2) else {
        return Unit::Incomplete(ESCAPE_DELAY);
    };
    let begins_report = match bytes[1] {
        // XTVERSION; DECRQSS and XTGETTCAP, found or not
        b'P' => matches!(first, b'>' | b'0' | b'1'),
        // colours, the clipboard
        b']' => first.is_ascii_digit(),
        // kitty's graphics
        _ => *first == b'G',
    };
    if !begins_report {
        return Unit::Event(2);
    }
    for (at, pair) in bytes.windows(2).enumerate().skip(2) {
        match pair {
            [ESC, b'\\'] => return Unit::Report(at + 2),
            // the string was broken off
            [ESC, _] => return Unit::Noise(at),
            [0x07, _] => return Unit::Report(at + 1),
            _ => {}
        }
    }
    match bytes {
        [.., 0x07] => Unit::Report(bytes.len()),
        _ if bytes.len() > LONGEST_REPORT => Unit::Noise(bytes.len()),
        _ => Unit::Incomplete(SEQUENCE_TIMEOUT),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// What a report says.
fn report(unit: &[u8]) -> TerminalReport {
    let Ok(text) = std::str::from_utf8(unit) else {
        return TerminalReport::Other;
    };
    if let Some(version) = text.strip_prefix("\x1bP>|") {
        return TerminalReport::Version(
            version
                .trim_end_matches("\x1b\\")
                .trim_end_matches('\x07')
                .to_owned(),
        );
    }
    if let Some(colour) = text.strip_prefix("\x1b]11;rgb:") {
        return background(colour).map_or(TerminalReport::Other, TerminalReport::Background);
    }
    let numbers = |parameters: &str| -> Vec<u16> {
        parameters
            .split(';')
            .filter_map(|n| n.parse().ok())
            .collect()
    };
    if let Some(attributes) = text
        .strip_prefix("\x1b[?")
        .and_then(|rest| rest.strip_suffix('c'))
    {
        return TerminalReport::Attributes(numbers(attributes));
    }
    let size = text
        .strip_prefix("\x1b[")
        .and_then(|rest| rest.strip_suffix('t'))
        .map(numbers);
    let cursor = text
        .strip_prefix("\x1b[")
        .and_then(|rest| rest.strip_suffix('R'))
        .map(numbers);
    match (size.as_deref(), cursor.as_deref()) {
        (Some(&[6, height, width]), _) => TerminalReport::CellSize { width, height },
        (_, Some(&[row, column])) => TerminalReport::Cursor { row, column },
        _ => TerminalReport::Other,
    }
}

/// The colour in `ffff/8080/0000`, each channel in one to four hexadecimal digits, before the
/// string's end.
fn background(colour: &str) -> Option<[u8; 3]> {
    let colour = colour.trim_end_matches("\x1b\\").trim_end_matches('\x07');
    let channel = |digits: &str| {
        let value = u32::from_str_radix(digits, 16).ok()?;
        let most = 16u32
            .checked_pow(digits.len() as u32)?
            .checked_sub(1)
            .filter(|most| *most > 0)?;
        u8::try_from(value * 255 / most).ok()
    };
    let mut channels = colour.split('/').map(channel);
    Some([channels.next()??, channels.next()??, channels.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<TerminalInput> {
        InputParser::default().feed(bytes, Instant::now())
    }

    fn letter(letter: char) -> TerminalInput {
        TerminalInput::Event(key(KeyCode::Char(letter), KeyModifiers::NONE))
    }

    fn with_alt(letter: char) -> TerminalInput {
        TerminalInput::Event(key(KeyCode::Char(letter), KeyModifiers::ALT))
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
    fn reports_are_told_from_keys_wherever_they_come() {
        for (bytes, report) in REPORTS {
            let stream = [b"j", bytes, b"k"].concat();
            // in one piece, and cut at every place
            for cut in 0..=stream.len() {
                let mut parser = InputParser::default();
                let mut found = parser.feed(&stream[..cut], Instant::now());
                found.extend(parser.feed(&stream[cut..], Instant::now()));
                assert_eq!(
                    (found.len(), &found[0], &found[2]),
                    (3, &letter('j'), &letter('k')),
                    "{bytes:?} at {cut}"
                );
                assert_eq!(
                    found[1],
                    TerminalInput::Report(report.clone()),
                    "{bytes:?} at {cut}"
                );
            }
        }
    }

    #[test]
    fn reports_that_are_asked_for_are_read() {
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
    fn keys_keep_their_meaning() {
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
                [TerminalInput::Event(key(code, modifiers))],
                "{bytes:?}"
            );
            let mut parser = InputParser::default();
            let one_by_one: Vec<TerminalInput> = bytes
                .iter()
                .flat_map(|byte| parser.feed(&[*byte], Instant::now()))
                .collect();
            assert_eq!(
                one_by_one,
                [TerminalInput::Event(key(code, modifiers))],
                "{bytes:?} byte by byte"
            );
        }
    }

    #[test]
    fn a_letter_after_alt_is_no_beginning_of_a_report() {
        assert_eq!(parse(b"\x1b_j"), [with_alt('_'), letter('j')]);
        assert_eq!(parse(b"\x1bPj"), [with_alt('P'), letter('j')]);
        assert_eq!(parse(b"\x1b]j"), [with_alt(']'), letter('j')]);
        let mut parser = InputParser::default();
        for alone in ['_', 'P', ']', 'O', '['] {
            assert!(parser.feed(&[ESC, alone as u8], Instant::now()).is_empty());
            assert_eq!(parser.expire(), [with_alt(alone)]);
        }
    }

    #[test]
    fn an_escape_alone_is_the_key_after_its_delay() {
        let (mut parser, now) = (InputParser::default(), Instant::now());
        assert!(parser.feed(b"\x1b", now).is_empty());
        assert_eq!(parser.deadline(), Some(now + ESCAPE_DELAY));
        assert_eq!(
            parser.expire(),
            [TerminalInput::Event(key(KeyCode::Esc, KeyModifiers::NONE))]
        );
        assert_eq!(parser.deadline(), None);
        assert_eq!(parser.feed(b"j", now), [letter('j')]);
        assert_eq!(
            parse(b"\x1b\x1bj")[0],
            TerminalInput::Event(key(KeyCode::Esc, KeyModifiers::NONE))
        );
    }

    #[test]
    fn the_beginning_of_a_report_is_dropped_and_never_typed() {
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
    fn pastes_come_whole_whatever_is_in_them() {
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
    fn the_mouse_and_the_focus_are_read() {
        let found = parse(b"\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<64;1;1M\x1b[<32;9;9M\x1b[I\x1b[O");
        let kinds: Vec<_> = found
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
    fn noise_loses_no_key_after_it() {
        for noise in [
            &b"\xff"[..],
            b"\x1b[12\x01",
            b"\x1b[?",
            b"\xc3",
            b"\x1bP>|name\x1b",
            b"\x9b",
        ] {
            let mut parser = InputParser::default();
            let mut found = parser.feed(noise, Instant::now());
            found.extend(parser.expire());
            found.extend(parser.feed(b"j", Instant::now()));
            assert_eq!(found.last(), Some(&letter('j')), "{noise:?}: {found:?}");
        }
    }
}
