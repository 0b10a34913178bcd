//! Text from data on its way to a terminal: what would act there instead of being seen is written
//! out, as `\x1b`.
//!
//! An entity may be called "\x1b]0;owned\x07". Every text that leaves the program for people goes
//! through here, so that a name can neither set a terminal's title, nor turn a line around, nor
//! look like another line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Whether a character does something to the text around it, or is not seen at all: control
/// characters (C0, DEL, C1), line and paragraph separators, marks, embeddings, overrides and
/// isolates of bidirectional text, blanks of no width and invisible operators. The joiners U+200C
/// and U+200D are letters' own business in Persian, Hindi and emoji, and stay.
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

/// Returns a name or a sentence as it may stand within a line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable)
}

/// Returns a finished text of several lines; its line ends and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unprintable(c) && !matches!(c, '\n' | '\t'))
}

/// Returns a path as it may stand within a line.
pub fn path(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

/// Returns a JSON text in which such characters are `\uXXXX`: every parser reads the same from it.
pub fn json(text: &str) -> Cow<'_, str> {
    // what is below U+0020 is escaped in strings already, and elsewhere it is layout
    let is_raw = |c: char| is_unprintable(c) && c >= '\u{7f}';
    replaced(text, is_raw, |out, c| {
        write!(out, "\\u{:04x}", u32::from(c))
    })
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, is_escaped, |out, c| match c {
        '\t' => out.write_str("\\t"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        c if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    })
}

fn replaced(
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
    fn what_acts_on_a_terminal_is_seen_instead() {
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
    fn names_of_any_script_stay_as_they_are() {
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
    fn json_says_the_same_in_escapes() {
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
