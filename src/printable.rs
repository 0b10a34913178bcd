//! Escapes characters of data that a terminal would interpret, as in `\x1b`.
//!
//! An entity may be called "\x1b]0;owned\x07". Every text for people passes through this module, so
//! that a name can neither set a terminal's title, nor reverse a line, nor imitate another line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Returns whether a character is invisible or changes the text around it: control characters (C0,
/// DEL, C1), line and paragraph separators, marks, embeddings, overrides and isolates of
/// bidirectional text, zero-width blanks and invisible operators. The joiners U+200C and U+200D are
/// part of words in Persian, Hindi and emoji, and are not escaped.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Escapes a name or a sentence for use within a line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escape(text, is_unprintable)
}

/// Escapes a text of several lines. Its line ends and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_unprintable(c) && !matches!(c, '\n' | '\t'))
}

/// Escapes a path for use within a line.
pub fn path(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

/// Writes unprintable characters of a JSON text as `\uXXXX`. Every parser reads the same value.
pub fn json(text: &str) -> Cow<'_, str> {
    // characters below U+0020 are escaped in strings already; elsewhere they are layout
    let is_raw = |c: char| is_unprintable(c) && c >= '\u{7f}';
    replace(text, is_raw, |out, c| {
        write!(out, "\\u{:04x}", u32::from(c))
    })
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    replace(text, is_escaped, |out, c| match c {
        '\t' => out.write_str("\\t"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        c if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    })
}

fn replace(
    text: &str,
    is_replaced: impl Fn(char) -> bool,
    write: impl Fn(&mut String, char) -> std::fmt::Result,
) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_replaced(c) {
            // writing to a string cannot fail
            let _ = write(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        for (name, shown) in [
            (
                "esc\x1b[31mRED\x1b]0;owned\x07",
                "esc\\x1b[31mRED\\x1b]0;owned\\x07",
            ),
            ("tab\tnul\0del\x7f", "tab\\tnul\\x00del\\x7f"),
            ("two\r\nlines", "two\\r\\nlines"),
            ("c1\u{9b}31m\u{85}", "c1\\u{9b}31m\\u{85}"),
            (
                "rtl \u{202e}gnp.exe\u{2069}",
                "rtl \\u{202e}gnp.exe\\u{2069}",
            ),
            ("line\u{2028}sep\u{feff}", "line\\u{2028}sep\\u{feff}"),
        ] {
            assert_eq!(one_line(name), shown);
        }
        assert_eq!(lines("a\tb\nc\r\x1b"), "a\tb\nc\\r\\x1b");
        assert_eq!(path(Path::new("data/\x1b[2J.png")), "data/\\x1b[2J.png");
    }

    #[test]
    fn printable_names_of_any_script_are_unchanged() {
        for name in [
            "Åland",
            "عنوان عربي",
            "می\u{200c}خواهم",
            "👨\u{200d}👩\u{200d}👧",
            "e\u{301}",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "back\\slash",
        ] {
            assert!(matches!(one_line(name), Cow::Borrowed(_)), "{name}");
        }
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let name = "\x1b\x7f\u{9b}\u{202e}\u{2028} \"quoted\" Å";
        let text = serde_json::to_string_pretty(&[name]).unwrap();
        let shown = json(&text);
        assert!(
            !shown.contains(|c| is_unprintable(c) && c != '\n'),
            "{shown}"
        );
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [name]);
    }
}
