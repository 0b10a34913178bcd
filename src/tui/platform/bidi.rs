//! Text that is written from right to left, in rows of cells that are laid out from left to right.
//!
//! A terminal that orders letters itself (Unicode Standard Annex #9) would turn a whole row around
//! because of one name in it. So each stretch of such text is isolated from its row, and characters
//! that act without being seen are taken out.

use ratatui::buffer::Buffer;
use unicode_bidi::{BidiClass, bidi_class};

use crate::printable::is_unprintable;

/// First strong isolate, and the end of an isolate.
const ISOLATE: char = '\u{2068}';
const END: char = '\u{2069}';

/// Isolates every stretch of right-to-left text of the frame, and removes what acts on a terminal
/// without being seen, such as overrides of direction.
pub fn isolate(buffer: &mut Buffer) {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let (left, top) = (buffer.area.x, buffer.area.y);
    for cell in &mut buffer.content {
        // nearly every cell is ASCII, where control characters are left out by ratatui, or are an
        // image
        if !cell.symbol().is_ascii()
            && !cell.symbol().contains('\x1b')
            && cell.symbol().contains(is_unprintable)
        {
            let kept: String = cell
                .symbol()
                .chars()
                .filter(|letter| !is_unprintable(*letter))
                .collect();
            cell.set_symbol(if kept.is_empty() { " " } else { &kept });
        }
    }
    for y in top..top + height {
        let mut x = left;
        while x < left + width {
            if is_right_to_left(buffer[(x, y)].symbol()) {
                x = isolate_from(buffer, x, y, left + width);
            }
            x += 1;
        }
    }
}

/// Isolates the stretch that begins in this cell; returns its last cell's column. Single blanks
/// between words belong to it.
fn isolate_from(buffer: &mut Buffer, first: u16, y: u16, end: u16) -> u16 {
    let mut last = first;
    for x in first + 1..end {
        let symbol = buffer[(x, y)].symbol();
        if is_right_to_left(symbol) {
            last = x;
        } else if symbol != " " || x > last + 1 {
            break;
        }
    }
    let begin = format!("{ISOLATE}{}", buffer[(first, y)].symbol());
    buffer[(first, y)].set_symbol(&begin);
    let finish = format!("{}{END}", buffer[(last, y)].symbol());
    buffer[(last, y)].set_symbol(&finish);
    last
}

/// By the letter that the cell begins with: what follows it are its marks.
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
    fn text_from_right_to_left_is_isolated() {
        assert_eq!(row("1 ✓ שלום 12"), "1 ✓ \u{2068}שלום\u{2069} 12");
        assert_eq!(row("אסד ערבי  ab"), "\u{2068}אסד ערבי\u{2069}  ab");
        assert_eq!(row("א│ב"), "\u{2068}א\u{2069}│\u{2068}ב\u{2069}");
        assert_eq!(row("plain ✓ 虎"), "plain ✓ 虎");
    }

    #[test]
    fn overrides_of_the_data_do_not_reach_the_screen() {
        assert_eq!(row("\u{202e}evil\u{202c} a\u{200f}b"), "evil ab");
    }

    #[test]
    fn images_of_placeholders_are_left_alone() {
        // kitty's rows and columns are marks of scripts that are written from right to left
        let placeholder = "\u{10EEEE}\u{592}\u{610}";
        assert_eq!(row(placeholder), placeholder);
    }
}
