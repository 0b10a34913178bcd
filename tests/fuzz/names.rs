//! Names: normalisation, folding, printing.

use bolero::{TypeGenerator, check};
use multiexpan::table::{Cell, Table, TableFormat};
use multiexpan::{name, printable, text_file};
use unicode_normalization::UnicodeNormalization;

/// Characters that need special care; others come from `char`.
const SPECIAL: [char; 40] = [
    '\0', '\t', '\n', '\r', '\x1b', '\x7f', '\u{85}', '\u{9b}', ' ', '_', '|', '"', '\'', '`',
    '\\', ',', '#', '<', '&', '=', '-', '1', '7', 'a', 'A', 'é', 'e', '\u{301}', '\u{308}', 'Å',
    '\u{212b}', 'Σ', 'İ', '虎', '한', '\u{1100}', '\u{202e}', '\u{200d}', '\u{2028}', '\u{feff}',
];

/// A short name, most characters of which are special.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Name(Vec<Character>);

#[derive(Debug, Clone, TypeGenerator)]
enum Character {
    Special(u8),
    /// Doubles the probability of special characters.
    MoreSpecial(u8),
    Any(char),
}

impl Name {
    pub fn text(&self) -> String {
        let character = |character: &Character| match character {
            Character::Special(index) | Character::MoreSpecial(index) => {
                SPECIAL[usize::from(*index) % SPECIAL.len()]
            }
            Character::Any(character) => *character,
        };
        self.0.iter().take(12).map(character).collect()
    }
}

#[test]
fn the_unicode_forms_of_a_name_are_equal() {
    check!().with_type::<Name>().for_each(|given| {
        let given = given.text();
        let (composed, decomposed): (String, String) =
            (given.nfc().collect(), given.nfd().collect());
        assert_eq!(name::nfc(&given), composed);
        assert!(name::is_same(&composed, &decomposed) && name::is_same(&given, &composed));
        let folded = name::fold(&given);
        assert_eq!(name::fold(&composed), folded);
        assert_eq!(name::fold(&decomposed), folded);
        assert_eq!(name::fold(&folded), folded, "folding again changes nothing");
        assert_eq!(
            name::fold(&name::one_field(&given)),
            folded,
            "one_field keeps the name"
        );
        assert_eq!(name::lower(&decomposed), name::lower(&composed));
    });
}

#[test]
fn a_printed_name_does_not_affect_the_text_around_it() {
    let is_control = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    check!().with_type::<Name>().for_each(|given| {
        let given = given.text();
        assert!(!printable::one_line(&given).contains(is_control));
        assert!(!printable::lines(&given).contains(|c| is_control(c) && c != '\n' && c != '\t'));
        let json = serde_json::to_string(&given).unwrap();
        assert_eq!(
            serde_json::from_str::<String>(&printable::json(&json)).unwrap(),
            given
        );

        let rows = vec![vec![Cell::Text(given.clone()), Cell::Count(1)]];
        let table = Table {
            title: given.clone(),
            headers: vec![given.clone(), "n".into()],
            rows,
        };
        assert_eq!(table.to_text().lines().count(), 4);
        for (format, lines) in [(TableFormat::Markdown, 5), (TableFormat::Latex, 8)] {
            let written = table.render(format);
            assert_eq!(written.lines().count(), lines, "{written:?}");
            assert!(!written.contains(|c| is_control(c) && c != '\n'));
        }
        let rows: serde_json::Value =
            serde_json::from_str(&table.render(TableFormat::Json)).unwrap();
        assert_eq!(rows["title"], given.as_str());
    });
}

#[test]
fn any_bytes_are_decoded_or_give_a_reason() {
    check!().for_each(|bytes: &[u8]| match text_file::decode(bytes) {
        Ok(text) => assert!(text.first_invalid.is_none_or(|line| line >= 1)),
        Err(reason) => assert!(
            reason.contains("iconv") || reason.contains("git lfs"),
            "{reason}"
        ),
    });
}
