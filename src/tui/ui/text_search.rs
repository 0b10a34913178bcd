//! Finds the occurrences of a text in another one.

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::name::nfc;

/// Returns the byte ranges of `text` that match `pattern`, from left to right and without overlap.
/// Both are compared in Unicode's Form C. Case is ignored unless the pattern has a capital letter.
pub fn occurrences(text: &str, pattern: &str) -> Vec<Range<usize>> {
    let exact = pattern.chars().any(char::is_uppercase);
    let matches = |a: char, b: char| a == b || !exact && a.to_lowercase().eq(b.to_lowercase());
    let pattern: Vec<char> = nfc(pattern).chars().collect();
    let characters = composed(text);
    let mut found = Vec::new();
    let mut start = 0;
    while !pattern.is_empty() && start + pattern.len() <= characters.len() {
        let window = &characters[start..start + pattern.len()];
        let mut pairs = window.iter().zip(&pattern);
        if pairs.all(|((_, character), &wanted)| matches(*character, wanted)) {
            found.push(window[0].0.start..window[window.len() - 1].0.end);
            start += pattern.len();
        } else {
            start += 1;
        }
    }
    found
}

/// Returns the characters of a text's Form C, each with the byte range of the text that it is from.
fn composed(text: &str) -> Vec<(Range<usize>, char)> {
    let mut characters = Vec::with_capacity(text.len());
    for (start, cluster) in text.grapheme_indices(true) {
        match nfc(cluster) {
            Cow::Borrowed(cluster) => {
                for (offset, character) in cluster.char_indices() {
                    let from = start + offset;
                    characters.push((from..from + character.len_utf8(), character));
                }
            }
            Cow::Owned(composed) => {
                for character in composed.chars() {
                    characters.push((start..start + cluster.len(), character));
                }
            }
        }
    }
    characters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_in_a_pattern_with_a_capital() {
        let starts = |text, wanted| {
            occurrences(text, wanted)
                .iter()
                .map(|r| (r.start, r.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(starts("Sea lion, SEA", "sea"), [(0, 3), (10, 13)]);
        assert_eq!(starts("Sea lion, SEA", "SEA"), [(10, 13)]);
        assert_eq!(starts("aaa", "aa"), [(0, 2)]);
        assert_eq!(starts("çay ÇAY", "ça"), [(0, 3), (5, 8)]);
        assert_eq!(starts("l'I\u{302}le, île", "île"), [(2, 7), (9, 13)]);
        assert_eq!(starts("Île", "i\u{302}le"), [(0, 4)]);
        assert_eq!(
            starts("cafe\u{301}", "cafe"),
            [],
            "é is another letter, in every form"
        );
        assert_eq!(
            starts("한국 \u{1112}\u{1161}\u{11ab}", "한"),
            [(0, 3), (7, 16)]
        );
        assert!(occurrences("lion", "").is_empty() && occurrences("", "l").is_empty());
    }
}
