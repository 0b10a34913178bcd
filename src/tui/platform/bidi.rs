//! Right-to-left text in rows of cells that are laid out from left to right.
//!
//! A terminal that implements the bidirectional algorithm (Unicode Standard Annex #9) would reorder
//! a whole row because of one name in it. Each run of such text is therefore isolated from the rest
//! of its row, and invisible control characters are removed.

use ratatui::buffer::{Buffer, Cell};
use unicode_bidi::{BidiClass, bidi_class};

use crate::printable::is_unprintable;

/// FIRST STRONG ISOLATE
const ISOLATE: char = '\u{2068}';
/// POP DIRECTIONAL ISOLATE
const END_ISOLATE: char = '\u{2069}';

/// Isolates every run of right-to-left text in the frame, and removes invisible characters that
/// act on the terminal, such as directional overrides.
pub fn isolate(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        remove_unprintable(cell);
    }
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            if is_right_to_left(buffer[(x, y)].symbol()) {
                x = isolate_run(buffer, x, y, area.right());
            }
            x += 1;
        }
    }
}

/// Removes the unprintable characters of a cell.
fn remove_unprintable(cell: &mut Cell) {
    let symbol = cell.symbol();
    // In a cell that is all ASCII, ratatui has removed control characters already. An escape
    // sequence is an image.
    if symbol.is_ascii() || symbol.contains('\x1b') || !symbol.contains(is_unprintable) {
        return;
    }
    let printable: String = symbol.chars().filter(|c| !is_unprintable(*c)).collect();
    cell.set_symbol(if printable.is_empty() {
        " "
    } else {
        &printable
    });
}

/// Isolates the run that begins at column `first`, and returns its last column. Single blanks
/// between words belong to the run.
fn isolate_run(buffer: &mut Buffer, first: u16, y: u16, end: u16) -> u16 {
    let mut last = first;
    for x in first + 1..end {
        let symbol = buffer[(x, y)].symbol();
        if is_right_to_left(symbol) {
            last = x;
        } else if symbol != " " || x > last + 1 {
            break;
        }
    }
    let first_symbol = format!("{ISOLATE}{}", buffer[(first, y)].symbol());
    buffer[(first, y)].set_symbol(&first_symbol);
    let last_symbol = format!("{}{END_ISOLATE}", buffer[(last, y)].symbol());
    buffer[(last, y)].set_symbol(&last_symbol);
    last
}

/// Returns true if the first character of a symbol is written from right to left. The characters
/// that follow it are its combining marks.
fn is_right_to_left(symbol: &str) -> bool {
    let first = symbol.chars().next().filter(|letter| !letter.is_ascii());
    first.is_some_and(|letter| matches!(bidi_class(letter), BidiClass::R | BidiClass::AL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn row(text: &str) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 1));
        buffer.set_string(0, 0, text, ratatui::style::Style::default());
        isolate(&mut buffer);
        let row: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        row.trim_end().to_owned()
    }

    #[test]
    fn right_to_left_text_is_isolated() {
        assert_eq!(row("1 ✓ שלום 12"), "1 ✓ \u{2068}שלום\u{2069} 12");
        assert_eq!(row("אסד ערבי  ab"), "\u{2068}אסד ערבי\u{2069}  ab");
        assert_eq!(row("א│ב"), "\u{2068}א\u{2069}│\u{2068}ב\u{2069}");
        assert_eq!(row("plain ✓ 虎"), "plain ✓ 虎");
    }

    #[test]
    fn directional_overrides_in_the_data_do_not_reach_the_screen() {
        assert_eq!(row("\u{202e}evil\u{202c} a\u{200f}b"), "evil ab");
    }

    #[test]
    fn kitty_placeholders_are_not_isolated() {
        // Some diacritics that encode rows and columns belong to right-to-left scripts.
        let placeholder = "\u{10EEEE}\u{592}\u{610}";
        assert_eq!(row(placeholder), placeholder);
    }
}
