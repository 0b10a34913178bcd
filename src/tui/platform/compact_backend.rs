//! A backend that writes frames in few bytes, for slow lines: of colours and marks only what
//! differs from the cell before is written, short ways are gone by steps, and a frame in which
//! nothing changed is nothing. Each is one update, so that it never tears. Everything else is
//! crossterm's.

use std::collections::HashMap;
use std::io::{self, Write};

use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use crate::tui::platform::ascii::fallback;
use crate::tui::platform::kitty_placement;

/// Writes frames to a terminal.
pub struct CompactBackend<W: Write> {
    inner: CrosstermBackend<W>,
    /// Whether the cursor is known to be hidden.
    hidden: bool,
    /// Where the cursor is known to stand.
    cursor: Option<Position>,
    /// It stays from frame to frame; whoever gives the terminal back resets it.
    style: Style,
    /// Letters beyond ASCII are written as their look-alikes.
    ascii: bool,
    /// Images that were placed at the cursor, by the cell that they begin in. The terminal keeps
    /// each until it is deleted.
    placed: HashMap<Position, u32>,
}

/// How the terminal writes now.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Style {
    fg: Color,
    bg: Color,
    marks: Modifier,
}

const PLAIN: Style = Style {
    fg: Color::Reset,
    bg: Color::Reset,
    marks: Modifier::empty(),
};
/// Marks that a blank shows too.
const ON_BLANKS: Modifier = Modifier::UNDERLINED
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);
/// Marks, how each is set, and how unset; bold and dim are unset together.
const MARKS: [(Modifier, u8, u8); 8] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

impl<W: Write> CompactBackend<W> {
    pub fn new(writer: W) -> Self {
        CompactBackend {
            inner: CrosstermBackend::new(writer),
            hidden: false,
            cursor: None,
            style: PLAIN,
            ascii: false,
            placed: HashMap::new(),
        }
    }

    /// Has letters beyond ASCII written as they are, or as their look-alikes. The screen must be
    /// drawn whole afterwards.
    pub fn set_ascii(&mut self, ascii: bool) {
        self.ascii = ascii;
    }
}

impl<W: Write> Write for CompactBackend<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.inner)
    }
}

impl Style {
    /// What the cell needs where this is set: a blank's ink does not show.
    fn for_cell(self, cell: &Cell) -> Style {
        if cell.symbol() != " " {
            return Style {
                fg: cell.fg,
                bg: cell.bg,
                marks: cell.modifier,
            };
        }
        let (fg, bg) = if cell.modifier.contains(Modifier::REVERSED) {
            (cell.fg, cell.bg)
        } else {
            (self.fg, cell.bg)
        };
        Style {
            fg,
            bg,
            marks: (self.marks - ON_BLANKS) | (cell.modifier & ON_BLANKS),
        }
    }

    /// The numbers of the sequence that leads from one to the other.
    fn towards(self, to: Style) -> Vec<String> {
        let mut numbers = Vec::new();
        let gone = self.marks - to.marks;
        let mut kept = self.marks;
        for (mark, _, unset) in MARKS.into_iter().filter(|(mark, ..)| gone.contains(*mark)) {
            let said = unset.to_string();
            kept -= if unset == 22 {
                Modifier::BOLD | Modifier::DIM
            } else {
                mark
            };
            if !numbers.contains(&said) {
                numbers.push(said);
            }
        }
        let new = to.marks - kept;
        numbers.extend(
            MARKS
                .into_iter()
                .filter(|(mark, ..)| new.contains(*mark))
                .map(|(_, set, _)| set.to_string()),
        );
        if self.fg != to.fg {
            numbers.push(colour(to.fg, 30));
        }
        if self.bg != to.bg {
            numbers.push(colour(to.bg, 40));
        }
        numbers
    }
}

/// A colour's numbers; `base`: 30 for ink, 40 for paper.
fn colour(colour: Color, base: u8) -> String {
    let named = |n: u8| {
        if n < 8 {
            (base + n).to_string()
        } else {
            (base + 60 + n - 8).to_string()
        }
    };
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
        Color::Indexed(n) => format!("{};5;{n}", base + 8),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
    }
}

/// The shortest way to a cell from where the cursor is, where that is known.
fn way(from: Option<Position>, to: Position) -> String {
    match from {
        Some(from) if from == to => String::new(),
        Some(from) if from.y == to.y && to.x == from.x + 1 => "\x1b[C".into(),
        Some(from) if from.y == to.y && to.x > from.x => format!("\x1b[{}C", to.x - from.x),
        _ if to.x == 0 => format!("\x1b[{}H", to.y + 1),
        _ => format!("\x1b[{};{}H", to.y + 1, to.x + 1),
    }
}

impl<W: Write> Backend for CompactBackend<W> {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, cells: I) -> io::Result<()> {
        let mut cells = cells.peekable();
        if cells.peek().is_none() {
            return Ok(());
        }
        queue!(self.inner, BeginSynchronizedUpdate)?;
        // while it draws the cursor would be seen to run about
        self.hide_cursor()?;
        self.cursor = None;
        let (mut style, mut at) = (self.style, None);
        for (x, y, cell) in cells {
            let here = Position { x, y };
            let symbol = cell.symbol();
            if let Some(gone) = self.placed.remove(&here) {
                queue!(self.inner, Print(kitty_placement::delete(gone)))?;
            }
            queue!(self.inner, Print(way(at, here)))?;
            self.placed
                .extend(kitty_placement::placed_id(symbol).map(|id| (here, id)));
            // an image's sequence is among it: it moves the cursor, and leaves colours and marks as
            // they are
            let is_image = symbol.contains('\x1b');
            let wanted = style.for_cell(cell);
            let numbers = style.towards(wanted);
            if !numbers.is_empty() {
                queue!(
                    self.inner,
                    Print(format_args!("\x1b[{}m", numbers.join(";")))
                )?;
            }
            match self.ascii && !is_image {
                true => queue!(self.inner, Print(fallback(symbol, symbol.width())))?,
                false => queue!(self.inner, Print(symbol))?,
            }
            (style, at) = (wanted, Some(Position { x: x + 1, y }));
            // terminals differ in how wide they take what is not plain, and at the edge the cursor
            // hangs
            if is_image || !symbol.is_ascii() && symbol.width() != 1 {
                at = None;
            }
        }
        self.style = style;
        queue!(self.inner, EndSynchronizedUpdate)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.inner.append_lines(n)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.hidden, true) {
            true => Ok(()),
            false => self.inner.hide_cursor(),
        }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.hidden, false) {
            true => self.inner.show_cursor(),
            false => Ok(()),
        }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        match self.cursor.replace(position) == Some(position) {
            true => Ok(()),
            false => self.inner.set_cursor_position(position),
        }
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        for (_, gone) in self.placed.drain() {
            queue!(self.inner, Print(kitty_placement::delete(gone)))?;
        }
        // the terminal may have been someone else's
        (self.hidden, self.cursor, self.style) = (false, None, PLAIN);
        queue!(self.inner, Print("\x1b[m"))?;
        self.inner.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    const AREA: Rect = Rect::new(0, 0, 24, 6);

    /// A frame of letters, blanks, wide letters, colours and marks.
    fn frame(salt: u32) -> Buffer {
        let mut buffer = Buffer::empty(AREA);
        let colours = [
            Color::Reset,
            Color::Rgb(1, 2, 3),
            Color::Rgb(200, 9, 9),
            Color::Indexed(77),
            Color::LightRed,
        ];
        let texts = ["a", " ", " ", "é", "│", "█", "z"];
        for (at, cell) in buffer.content.iter_mut().enumerate() {
            let n = (at as u32 / 3)
                .wrapping_mul(2_654_435_761)
                .wrapping_add(salt)
                >> 7;
            let pick = |of: usize, shift: u32| (n >> shift) as usize % of;
            cell.set_symbol(texts[(pick(texts.len(), 0) + at % 2) % texts.len()]);
            (cell.fg, cell.bg) = (colours[pick(5, 3)], colours[pick(5, 6)]);
            cell.modifier = MARKS[pick(8, 9)].0
                - Modifier::SLOW_BLINK
                - Modifier::HIDDEN
                - Modifier::CROSSED_OUT;
        }
        buffer.set_string(3, 2, "虎虎", ratatui::style::Style::default());
        buffer
    }

    fn written(backend: &mut impl Backend, from: &Buffer, to: &Buffer) {
        let _ = backend.draw(from.diff(to).into_iter());
    }

    #[test]
    fn the_screen_is_the_same_in_fewer_bytes() {
        let screen = || vt100::Parser::new(6.try_into().unwrap(), 24.try_into().unwrap(), 0);
        let (mut lean_screen, mut plain_screen) = (screen(), screen());
        let (mut lean_bytes, mut plain_bytes) = (0, 0);
        let (mut before, mut style) = (Buffer::empty(AREA), PLAIN);
        for salt in 0..40 {
            let next = frame(salt);
            let (mut lean, mut plain) = (Vec::new(), Vec::new());
            let mut backend = CompactBackend::new(&mut lean);
            backend.style = style;
            written(&mut backend, &before, &next);
            style = backend.style;
            written(&mut CrosstermBackend::new(&mut plain), &before, &next);
            lean_screen.process(&lean);
            plain_screen.process(&plain);
            for (row, column) in (0..6).flat_map(|row| (0..24).map(move |column| (row, column))) {
                let [mine, theirs] = [&lean_screen, &plain_screen]
                    .map(|s| s.screen().cell(row, column).unwrap().clone());
                assert_eq!(
                    (mine.contents(), mine.bgcolor()),
                    (theirs.contents(), theirs.bgcolor())
                );
                if mine.has_contents() && mine.contents() != " " {
                    assert_eq!(mine, theirs, "at {row}, {column}");
                }
                assert_eq!(
                    (mine.underline(), mine.inverse()),
                    (theirs.underline(), theirs.inverse())
                );
            }
            (lean_bytes, plain_bytes) = (lean_bytes + lean.len(), plain_bytes + plain.len());
            before = next;
        }
        assert!(
            lean_bytes * 10 < plain_bytes * 8,
            "{lean_bytes} of {plain_bytes}"
        );
    }

    #[test]
    fn a_placed_image_is_deleted_when_it_leaves_its_cell() {
        let mut bytes = Vec::new();
        let mut backend = CompactBackend::new(&mut bytes);
        let (empty, mut shown) = (Buffer::empty(AREA), Buffer::empty(AREA));
        shown[(3, 2)].set_symbol("\x1b_Ga=T,i=77,p=1,q=2,m=0;AAAA\x1b\\");
        written(&mut backend, &empty, &shown);
        let mut other = shown.clone();
        other[(3, 2)].set_symbol("\x1b_Ga=T,i=78,p=1,q=2,m=0;AAAA\x1b\\");
        written(&mut backend, &shown, &other);
        written(&mut backend, &other, &empty);
        written(&mut backend, &empty, &shown);
        backend.clear().unwrap();
        drop(backend);
        let text = String::from_utf8(bytes).unwrap();
        let events: Vec<&str> = text
            .split("\x1b_G")
            .skip(1)
            .map(|part| part.split([';', '\x1b']).next().unwrap())
            .collect();
        let expected = [
            "a=T,i=77,p=1,q=2,m=0",
            "a=d,d=I,i=77,q=2",
            "a=T,i=78,p=1,q=2,m=0",
            "a=d,d=I,i=78,q=2",
            "a=T,i=77,p=1,q=2,m=0",
            "a=d,d=I,i=77,q=2",
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn marks_that_go_take_no_others_along() {
        let style = |marks| Style { marks, ..PLAIN };
        let (bold_dim, dim) = (Modifier::BOLD | Modifier::DIM, Modifier::DIM);
        assert_eq!(style(bold_dim).towards(style(dim)), ["22", "2"]);
        assert_eq!(style(bold_dim).towards(PLAIN), ["22"]);
        assert_eq!(
            PLAIN.towards(Style {
                fg: Color::White,
                bg: Color::Rgb(1, 2, 3),
                ..PLAIN
            }),
            ["97", "48;2;1;2;3"]
        );
    }
}
