//! A backend that writes frames in few bytes, for slow connections. Only the colours and modifiers
//! that differ from those of the cell before are written, the cursor moves by the shortest sequence,
//! and a frame without changes writes nothing. Each frame is one synchronized update, so that it is
//! never shown in part. Everything else is delegated to crossterm's backend.

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

use crate::tui::platform::ascii::to_ascii;
use crate::tui::platform::kitty_placement;

/// A backend that writes frames in few bytes.
pub struct CompactBackend<W: Write> {
    inner: CrosstermBackend<W>,
    /// True if the cursor is known to be hidden.
    is_cursor_hidden: bool,
    /// The position of the cursor, if it is known.
    cursor: Option<Position>,
    /// The style in which the terminal writes now. It persists from frame to frame, and is reset
    /// when the terminal is restored.
    style: TextStyle,
    /// True if characters other than ASCII are replaced.
    ascii: bool,
    /// The ids of the images that were placed at the cursor, by their first cell. The terminal shows
    /// each until it is deleted.
    placed_images: HashMap<Position, u32>,
}

/// The style in which a terminal writes text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TextStyle {
    fg: Color,
    bg: Color,
    modifiers: Modifier,
}

const DEFAULT_STYLE: TextStyle = TextStyle {
    fg: Color::Reset,
    bg: Color::Reset,
    modifiers: Modifier::empty(),
};
/// The modifiers that are visible on a blank.
const VISIBLE_ON_BLANKS: Modifier = Modifier::UNDERLINED
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);
/// The parameter that switches off both bold and dim.
const NORMAL_INTENSITY: u8 = 22;
/// The modifiers with the SGR parameters that switch them on and off.
const MODIFIERS: [(Modifier, u8, u8); 8] = [
    (Modifier::BOLD, 1, NORMAL_INTENSITY),
    (Modifier::DIM, 2, NORMAL_INTENSITY),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];
/// The first SGR parameter of the foreground colours.
const FOREGROUND: u8 = 30;
/// The first SGR parameter of the background colours.
const BACKGROUND: u8 = 40;

impl<W: Write> CompactBackend<W> {
    pub fn new(writer: W) -> Self {
        CompactBackend {
            inner: CrosstermBackend::new(writer),
            is_cursor_hidden: false,
            cursor: None,
            style: DEFAULT_STYLE,
            ascii: false,
            placed_images: HashMap::new(),
        }
    }

    /// Chooses whether characters other than ASCII are replaced. The screen must be cleared
    /// afterwards.
    pub fn set_ascii(&mut self, ascii: bool) {
        self.ascii = ascii;
    }

    /// Writes a cell. `from` is the position of the cursor, if it is known; returns the position
    /// after the cell in the same sense.
    fn write_cell(
        &mut self,
        from: Option<Position>,
        to: Position,
        cell: &Cell,
    ) -> io::Result<Option<Position>> {
        let symbol = cell.symbol();
        if let Some(id) = self.placed_images.remove(&to) {
            queue!(self.inner, Print(kitty_placement::delete(id)))?;
        }
        queue!(self.inner, Print(cursor_movement(from, to)))?;
        if let Some(id) = kitty_placement::placed_id(symbol) {
            self.placed_images.insert(to, id);
        }
        self.set_style(self.style.for_cell(cell))?;
        // The sequence of an image moves the cursor, and leaves the style as it is.
        let is_image = symbol.contains('\x1b');
        if self.ascii && !is_image {
            queue!(self.inner, Print(to_ascii(symbol, symbol.width())))?;
        } else {
            queue!(self.inner, Print(symbol))?;
        }
        // Terminals disagree on the width of some characters that are not ASCII.
        let has_certain_width = symbol.is_ascii() || symbol.width() == 1;
        if is_image || !has_certain_width {
            return Ok(None);
        }
        Ok(Some(Position {
            x: to.x + 1,
            y: to.y,
        }))
    }

    /// Writes the sequence that changes the style, if it differs.
    fn set_style(&mut self, style: TextStyle) -> io::Result<()> {
        let parameters = self.style.parameters_to(style);
        if !parameters.is_empty() {
            let parameters = parameters.join(";");
            queue!(self.inner, Print(format_args!("\x1b[{parameters}m")))?;
        }
        self.style = style;
        Ok(())
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

impl TextStyle {
    /// Returns the style in which a cell is written after this style. The foreground colour of a
    /// blank is not visible, and does not change.
    fn for_cell(self, cell: &Cell) -> TextStyle {
        if cell.symbol() != " " {
            return TextStyle {
                fg: cell.fg,
                bg: cell.bg,
                modifiers: cell.modifier,
            };
        }
        let is_reversed = cell.modifier.contains(Modifier::REVERSED);
        TextStyle {
            fg: if is_reversed { cell.fg } else { self.fg },
            bg: cell.bg,
            modifiers: (self.modifiers - VISIBLE_ON_BLANKS) | (cell.modifier & VISIBLE_ON_BLANKS),
        }
    }

    /// Returns the SGR parameters that change this style to another one.
    fn parameters_to(self, target: TextStyle) -> Vec<String> {
        let mut parameters = Vec::new();
        let removed = self.modifiers - target.modifiers;
        let mut remaining = self.modifiers;
        for (modifier, _, off) in MODIFIERS {
            if !removed.contains(modifier) {
                continue;
            }
            remaining -= modifier;
            if off == NORMAL_INTENSITY {
                remaining -= Modifier::BOLD | Modifier::DIM;
            }
            let parameter = off.to_string();
            if !parameters.contains(&parameter) {
                parameters.push(parameter);
            }
        }
        let added = target.modifiers - remaining;
        for (modifier, on, _) in MODIFIERS {
            if added.contains(modifier) {
                parameters.push(on.to_string());
            }
        }
        if self.fg != target.fg {
            parameters.push(colour_parameter(target.fg, FOREGROUND));
        }
        if self.bg != target.bg {
            parameters.push(colour_parameter(target.bg, BACKGROUND));
        }
        parameters
    }
}

/// Returns the SGR parameter of a colour; `base` is [`FOREGROUND`] or [`BACKGROUND`].
fn colour_parameter(colour: Color, base: u8) -> String {
    let named = |n: u8| {
        let parameter = if n < 8 { base + n } else { base + 60 + n - 8 };
        parameter.to_string()
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

/// Returns the shortest sequence that moves the cursor; `from` is its position, if that is known.
fn cursor_movement(from: Option<Position>, to: Position) -> String {
    if from == Some(to) {
        return String::new();
    }
    if let Some(from) = from
        && from.y == to.y
        && from.x < to.x
    {
        let columns = to.x - from.x;
        return if columns == 1 {
            "\x1b[C".into()
        } else {
            format!("\x1b[{columns}C")
        };
    }
    if to.x == 0 {
        format!("\x1b[{}H", to.y + 1)
    } else {
        format!("\x1b[{};{}H", to.y + 1, to.x + 1)
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
        // A visible cursor would flicker across the screen.
        self.hide_cursor()?;
        self.cursor = None;
        let mut position = None;
        for (x, y, cell) in cells {
            position = self.write_cell(position, Position { x, y }, cell)?;
        }
        queue!(self.inner, EndSynchronizedUpdate)
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.inner.append_lines(n)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_cursor_hidden, true) {
            return Ok(());
        }
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_cursor_hidden, false) {
            return self.inner.show_cursor();
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor.replace(position) == Some(position) {
            return Ok(());
        }
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        for (_, id) in self.placed_images.drain() {
            queue!(self.inner, Print(kitty_placement::delete(id)))?;
        }
        // Another program may have used the terminal in between.
        self.is_cursor_hidden = false;
        self.cursor = None;
        self.style = DEFAULT_STYLE;
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

    /// Returns a frame with letters, blanks, wide characters, colours and modifiers.
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
        for (index, cell) in buffer.content.iter_mut().enumerate() {
            let hash = (index as u32 / 3)
                .wrapping_mul(2_654_435_761)
                .wrapping_add(salt)
                >> 7;
            let pick = |count: usize, shift: u32| (hash >> shift) as usize % count;
            cell.set_symbol(texts[(pick(texts.len(), 0) + index % 2) % texts.len()]);
            (cell.fg, cell.bg) = (colours[pick(5, 3)], colours[pick(5, 6)]);
            cell.modifier = MODIFIERS[pick(8, 9)].0
                - Modifier::SLOW_BLINK
                - Modifier::HIDDEN
                - Modifier::CROSSED_OUT;
        }
        buffer.set_string(3, 2, "虎虎", ratatui::style::Style::default());
        buffer
    }

    fn draw_changes(backend: &mut impl Backend, from: &Buffer, to: &Buffer) {
        let _ = backend.draw(from.diff(to).into_iter());
    }

    #[test]
    fn the_screen_is_the_same_in_fewer_bytes() {
        let screen = || vt100::Parser::new(6.try_into().unwrap(), 24.try_into().unwrap(), 0);
        let (mut compact_screen, mut plain_screen) = (screen(), screen());
        let (mut compact_bytes, mut plain_bytes) = (0, 0);
        let (mut before, mut style) = (Buffer::empty(AREA), DEFAULT_STYLE);
        for salt in 0..40 {
            let next = frame(salt);
            let (mut compact, mut plain) = (Vec::new(), Vec::new());
            let mut backend = CompactBackend::new(&mut compact);
            backend.style = style;
            draw_changes(&mut backend, &before, &next);
            style = backend.style;
            draw_changes(&mut CrosstermBackend::new(&mut plain), &before, &next);
            compact_screen.process(&compact);
            plain_screen.process(&plain);
            for (row, column) in (0..6).flat_map(|row| (0..24).map(move |column| (row, column))) {
                let [own, expected] = [&compact_screen, &plain_screen]
                    .map(|s| s.screen().cell(row, column).unwrap().clone());
                assert_eq!(
                    (own.contents(), own.bgcolor()),
                    (expected.contents(), expected.bgcolor())
                );
                if own.has_contents() && own.contents() != " " {
                    assert_eq!(own, expected, "at {row}, {column}");
                }
                assert_eq!(
                    (own.underline(), own.inverse()),
                    (expected.underline(), expected.inverse())
                );
            }
            (compact_bytes, plain_bytes) =
                (compact_bytes + compact.len(), plain_bytes + plain.len());
            before = next;
        }
        assert!(
            compact_bytes * 10 < plain_bytes * 8,
            "{compact_bytes} of {plain_bytes}"
        );
    }

    #[test]
    fn a_placed_image_is_deleted_when_it_leaves_its_cell() {
        let mut bytes = Vec::new();
        let mut backend = CompactBackend::new(&mut bytes);
        let (empty, mut shown) = (Buffer::empty(AREA), Buffer::empty(AREA));
        shown[(3, 2)].set_symbol("\x1b_Ga=T,i=77,p=1,q=2,m=0;AAAA\x1b\\");
        draw_changes(&mut backend, &empty, &shown);
        let mut other = shown.clone();
        other[(3, 2)].set_symbol("\x1b_Ga=T,i=78,p=1,q=2,m=0;AAAA\x1b\\");
        draw_changes(&mut backend, &shown, &other);
        draw_changes(&mut backend, &other, &empty);
        draw_changes(&mut backend, &empty, &shown);
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
    fn removing_one_modifier_keeps_the_others() {
        let style = |modifiers| TextStyle {
            modifiers,
            ..DEFAULT_STYLE
        };
        let (bold_dim, dim) = (Modifier::BOLD | Modifier::DIM, Modifier::DIM);
        assert_eq!(style(bold_dim).parameters_to(style(dim)), ["22", "2"]);
        assert_eq!(style(bold_dim).parameters_to(DEFAULT_STYLE), ["22"]);
        assert_eq!(
            DEFAULT_STYLE.parameters_to(TextStyle {
                fg: Color::White,
                bg: Color::Rgb(1, 2, 3),
                ..DEFAULT_STYLE
            }),
            ["97", "48;2;1;2;3"]
        );
    }
}
