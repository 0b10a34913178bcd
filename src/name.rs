//! Comparison of names. `Å` is one character on Linux and two on a Mac; both are the same name.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Returns the name in Unicode's Normalization Form C, in which names that differ only in form are
/// equal.
pub fn nfc(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || is_nfc_quick(name.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.nfc().collect())
}

/// Returns whether two names are equal, apart from their Unicode form.
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || nfc(a) == nfc(b)
}

/// Returns the key by which spellings of a name are compared: Form C, lower case, and single spaces
/// for `_`, blanks and control characters.
pub fn fold(name: &str) -> String {
    let lower = lower(name);
    let words = lower.split(|c: char| c == '_' || is_separator(c));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns a name as one word of a line whose words are separated by blanks: `_` for blanks and
/// control characters, none at the ends.
pub fn one_word(name: &str) -> String {
    name.split(is_separator)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// Returns whether a character separates words: blanks, control characters, and U+FEFF, which is the
/// byte order mark at the beginning of a file.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

/// Returns a text in Form C and lower case, for searching. The result for a letter does not depend
/// on its neighbours: Σ becomes σ also at the end of a word.
pub fn lower(text: &str) -> String {
    nfc(&nfc(text).to_lowercase().replace('ς', "σ")).into_owned()
}

/// Returns a text for a fuzzy matcher that ignores case only in ASCII: in Form C, and in lower case
/// if it is not ASCII.
pub fn matchable(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(lower(text))
    }
}

/// Returns a name as one field of a line: single spaces for blanks and control characters, which
/// could end the line or the field.
pub fn one_field(name: &str) -> Cow<'_, str> {
    if !name.contains(|c: char| is_separator(c) && c != ' ') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(
        name.split(is_separator)
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same names in composed and in decomposed form.
    const FORMS: [(&str, &str); 4] = [
        ("Åland", "A\u{30a}land"),
        ("Côte_d'Or", "Co\u{302}te_d'Or"),
        ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
        ("ẛ̣", "\u{17f}\u{323}\u{307}"),
    ];

    #[test]
    fn unicode_forms_of_a_name_are_equal() {
        for (composed, decomposed) in FORMS {
            assert_ne!(composed, decomposed);
            assert!(is_same(composed, decomposed), "{composed}");
            assert_eq!(fold(composed), fold(decomposed));
            assert_eq!(nfc(decomposed), composed);
        }
        assert!(
            matches!(nfc("Åland"), Cow::Borrowed(_)) && matches!(nfc("lion"), Cow::Borrowed(_))
        );
    }

    #[test]
    fn similar_looking_names_are_different() {
        for (a, b) in [
            ("H₂O", "H2O"),
            ("ﬁg", "fig"),
            ("Ａ", "A"),
            ("Aland", "Åland"),
            ("a", "\u{430}"),
        ] {
            assert!(!is_same(a, b), "{a} {b}");
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn folding_ignores_case_and_blanks() {
        assert_eq!(fold("  Snow__LEOPARD\t"), "snow leopard");
        assert_eq!(fold("tab\tinside\u{85}nul\0"), "tab inside nul");
        assert_eq!(fold("İ"), fold("I\u{307}"));
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(fold("ΟΔΟΣ_ΑΒ"), fold("οδος αβ"));
        assert_eq!(fold("\u{212a}elvin"), "kelvin");
    }

    #[test]
    fn fields_and_words_have_no_line_end_and_no_tab() {
        assert_eq!(one_field("a  b"), "a  b");
        assert_eq!(one_field("tab\tinside \n\0x\u{2028}"), "tab inside x");
        assert_eq!(fold(&one_field("tab\tinside")), fold("tab\tinside"));
        assert_eq!(one_word("\u{feff} sea  lion\t\x1b[2J "), "sea_lion_[2J");
        assert_eq!(fold("\u{feff}lion"), "lion");
    }
}
