//! Text measured in terminal cells, not in characters.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the columns of a text. A control character has none, since ratatui leaves it out.
pub fn width(text: &str) -> usize {
    without_control(text).width()
}

fn without_control(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !c.is_control()).collect())
}

/// Cuts a text to at most `columns`; a text that is cut ends in `…`. Removes control characters.
pub fn cut(text: &str, columns: usize) -> String {
    let text = without_control(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        used += width;
        out.push(character);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Cuts a text at its start to at most `columns`; a text that is cut starts with `…`.
pub fn cut_left(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut reversed: Vec<char> = Vec::new();
    let mut used = 1;
    for character in text.chars().rev() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        reversed.push(character);
    }
    let cut = if columns > 0 { "…" } else { "" };
    cut.chars().chain(reversed.into_iter().rev()).collect()
}

/// Cuts or fills a text to exactly `columns`.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    out.push_str(&" ".repeat(columns.saturating_sub(out.width())));
    out
}

/// Cuts or fills a text to exactly `columns`, right-aligned.
pub fn fit_right(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    " ".repeat(columns.saturating_sub(cut.width())) + &cut
}

/// Wraps a text into lines of at most `columns`.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    // no break at a no-break space
    let words = text
        .split([' ', '\n'])
        .filter(|w| !w.is_empty())
        .map(|w| (w.to_owned(), Style::default()));
    wrap_words(words, columns)
        .into_iter()
        .map(|l| l.to_string())
        .collect()
}

/// Wraps styled words into lines of at most `columns`; a word longer than a line is broken. A space
/// between two words of the same style has that style, and no style otherwise.
pub fn wrap_words(
    words: impl IntoIterator<Item = (String, Style)>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    let pieces = words.into_iter().flat_map(|(word, style)| {
        break_word(&word, columns)
            .into_iter()
            .enumerate()
            .map(move |(at, piece)| (piece, style, at > 0))
    });
    for (word, style, is_continued) in pieces {
        let width = word.width();
        if is_continued {
            lines.push(Line::from(std::mem::take(&mut spans)));
            used = 0;
        }
        if used > 0 && used + 1 + width > columns {
            lines.push(Line::from(std::mem::take(&mut spans)));
            used = 0;
        }
        if used > 0 {
            let between = spans
                .last()
                .filter(|s| s.style == style)
                .map_or(Style::default(), |s| s.style);
            spans.push(Span::styled(" ", between));
            used += 1;
        }
        used += width;
        spans.push(Span::styled(word, style));
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines
}

/// Breaks a word into pieces of at most `columns`.
fn break_word(word: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let width = character.width().unwrap_or(0);
        if used + width > columns && used > 0 {
            pieces.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

/// Formats a number between 0 and 1 as papers do: ".83", "1.0".
pub fn fraction(value: f64) -> String {
    let text = format!("{value:.2}");
    match text.strip_prefix("0").or(text.strip_prefix("-0")) {
        Some(".00") => ".00".to_owned(),
        Some(rest) if value < 0.0 => format!("-{rest}"),
        Some(rest) => rest.to_owned(),
        None => format!("{value:.1}"),
    }
}

/// Returns true for a token that follows the previous one without a space.
pub fn attaches_to_previous(token: &str) -> bool {
    matches!(
        token,
        "." | "," | ";" | ":" | "!" | "?" | ")" | "]" | "'s" | "’s" | "%" | "n't" | "''"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_measured() {
        assert_eq!(width("虎 tiger"), 8);
        assert_eq!(cut("虎虎虎", 5), "虎虎…");
        assert_eq!(width(&fit("虎虎虎", 4)), 4);
        assert_eq!(fit("ox", 4), "ox  ");
        assert_eq!(fit_right("7", 3), "  7");
        assert_eq!(cut("anything", 0), "");
        assert_eq!(
            [
                cut_left("anything", 5),
                cut_left("虎虎虎", 4),
                cut_left("ox", 2)
            ],
            ["…hing", "…虎", "ox"]
        );
    }

    #[test]
    fn control_characters_have_the_width_that_is_drawn() {
        use ratatui::buffer::Buffer;
        use ratatui::layout::Rect;
        for text in [
            "tab\there",
            "esc\x1b[31mRED\x07",
            "c1\u{9b}1m",
            "plain",
            "虎\0",
        ] {
            let mut drawn = Buffer::empty(Rect::new(0, 0, 30, 1));
            let (end, _) = drawn.set_stringn(0, 0, text, 30, Style::default());
            assert_eq!(width(text), usize::from(end), "{text:?}");
            assert_eq!(
                (width(&fit(text, 14)), width(&cut(text, 3)).max(3)),
                (14, 3),
                "{text:?}"
            );
        }
        assert_eq!(cut("a\tb\tc\td", 3), "ab…");
    }

    #[test]
    fn lines_are_no_longer_than_the_columns() {
        assert_eq!(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(
            wrap("an incomprehensible word", 6),
            ["an", "incomp", "rehens", "ible", "word"]
        );
        assert_eq!(wrap("虎虎虎", 5), ["虎虎", "虎"]);
        assert!(wrap("", 6).is_empty());
    }

    #[test]
    fn fractions_are_short() {
        assert_eq!(
            [0.834, 1.0, 0.0, 0.996].map(fraction),
            [".83", "1.0", ".00", "1.0"]
        );
        assert_eq!(
            [-0.0, -0.001, -0.34, -1.0].map(fraction),
            [".00", ".00", "-.34", "-1.0"]
        );
    }
}
