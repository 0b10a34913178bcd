//! Text in cells: measured by what the terminal shows, not by letters.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes. A control character takes none, since ratatui leaves it out.
pub fn width(text: &str) -> usize {
    without_control(text).width()
}

fn without_control(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !c.is_control()).collect())
}

/// At most `columns` wide, without control characters; what does not fit ends in `…`.
pub fn cut(text: &str, columns: usize) -> String {
    let text = without_control(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(letter);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// At most `columns` wide: what does not fit is left away at the beginning, after a `…`.
pub fn cut_left(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut used = 1;
    for letter in text.chars().rev() {
        used += letter.width().unwrap_or(0);
        if used > columns {
            break;
        }
        kept.push(letter);
    }
    let cut = if columns > 0 { "…" } else { "" };
    cut.chars().chain(kept.into_iter().rev()).collect()
}

/// Exactly `columns` wide.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    out.push_str(&" ".repeat(columns.saturating_sub(out.width())));
    out
}

/// Exactly `columns` wide, to the right.
pub fn fit_right(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    " ".repeat(columns.saturating_sub(cut.width())) + &cut
}

/// Words into lines of at most `columns`.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    // A no-break space holds a word together.
    let words = text
        .split([' ', '\n'])
        .filter(|w| !w.is_empty())
        .map(|w| (w.to_owned(), Style::default()));
    wrap_words(words, columns)
        .into_iter()
        .map(|l| l.to_string())
        .collect()
}

/// Styled words into lines of at most `columns`; a word longer than a line is broken. A space takes
/// its word's style only between two words of one style, so that an underlined mention has no
/// ragged edge.
pub fn wrap_words(
    words: impl IntoIterator<Item = (String, Style)>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    let pieces = words.into_iter().flat_map(|(word, style)| {
        broken(&word, columns)
            .into_iter()
            .enumerate()
            .map(move |(at, piece)| (piece, style, at > 0))
    });
    for (word, style, goes_on) in pieces {
        let wide = word.width();
        if goes_on {
            lines.push(Line::from(std::mem::take(&mut spans)));
            used = 0;
        }
        if used > 0 && used + 1 + wide > columns {
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
        used += wide;
        spans.push(Span::styled(word, style));
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines
}

/// A word in pieces of at most `columns`; as it is where it fits.
fn broken(word: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for letter in word.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide > columns && used > 0 {
            pieces.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
    }
    pieces
}

/// 0..1 as people of the field write it: ".83", "1.0".
pub fn fraction(value: f64) -> String {
    let text = format!("{value:.2}");
    match text.strip_prefix("0").or(text.strip_prefix("-0")) {
        Some(".00") => ".00".to_owned(),
        Some(rest) if value < 0.0 => format!("-{rest}"),
        Some(rest) => rest.to_owned(),
        None => format!("{value:.1}"),
    }
}

/// A word's spaces before punctuation and after brackets taken out: corpora come as tokens.
pub fn closes(token: &str) -> bool {
    matches!(
        token,
        "." | "," | ";" | ":" | "!" | "?" | ")" | "]" | "'s" | "’s" | "%" | "n't" | "''"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_are_measured() {
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
    fn control_characters_are_as_wide_as_they_are_drawn() {
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
    fn lines_hold_what_fits() {
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
