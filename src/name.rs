//! Names as they are compared. `Å` is one character on Linux and two on a Mac; a name is the same
//! in both forms.

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

/// Whether two names are the same but for their Unicode form.
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || nfc(a) == nfc(b)
}

/// A name as it is compared where its spelling may differ: Form C, lower case, single spaces for
/// `_`, blanks and control characters.
pub fn fold(name: &str) -> String {
    let lower = lower(name);
    let words = lower.split(|c: char| c == '_' || separates(c));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name as a word of a line whose words end at blanks: `_` for blanks and control characters,
/// none at the ends.
pub fn one_word(name: &str) -> String {
    name.split(separates)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// Whether a character cannot stand within a word of a file of lines: blanks, control characters,
/// and U+FEFF, which at the beginning of a file is its byte order mark.
fn separates(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

/// A text in Form C and lower case, to search in and to search for. What a letter becomes does not
/// depend on those around it: Σ is σ also at the end of a word.
pub fn lower(text: &str) -> String {
    nfc(&nfc(text).to_lowercase().replace('ς', "σ")).into_owned()
}

/// A text to look for by a fuzzy matcher, which folds the case of ASCII alone: Form C, and lower
/// case where it is not ASCII.
pub fn matchable(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(lower(text))
    }
}

/// A name as one field of a line: single spaces for blanks and control characters, which lines and
/// fields end at.
pub fn one_field(name: &str) -> Cow<'_, str> {
    if !name.contains(|c: char| separates(c) && c != ' ') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(
        name.split(separates)
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same names, composed and decomposed.
    const FORMS: [(&str, &str); 4] = [
        ("Åland", "A\u{30a}land"),
        ("Côte_d'Or", "Co\u{302}te_d'Or"),
        ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
        ("ẛ̣", "\u{17f}\u{323}\u{307}"),
    ];

    #[test]
    fn the_forms_of_a_name_are_one_name() {
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
    fn what_looks_alike_and_is_no_other_form_is_another_name() {
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
    fn folded_names_differ_in_letters_alone() {
        assert_eq!(fold("  Snow__LEOPARD\t"), "snow leopard");
        assert_eq!(fold("tab\tinside\u{85}nul\0"), "tab inside nul");
        assert_eq!(fold("İ"), fold("I\u{307}"));
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(fold("ΟΔΟΣ_ΑΒ"), fold("οδος αβ"));
        assert_eq!(fold("\u{212a}elvin"), "kelvin");
    }

    #[test]
    fn a_field_has_no_line_end_and_no_tab() {
        assert_eq!(one_field("a  b"), "a  b");
        assert_eq!(one_field("tab\tinside \n\0x\u{2028}"), "tab inside x");
        assert_eq!(fold(&one_field("tab\tinside")), fold("tab\tinside"));
        assert_eq!(one_word("\u{feff} sea  lion\t\x1b[2J "), "sea_lion_[2J");
        assert_eq!(fold("\u{feff}lion"), "lion");
    }
}
