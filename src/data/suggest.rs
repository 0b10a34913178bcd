//! Suggestions for a mistyped name: typos by edit distance, fragments by fuzzy matching.

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use crate::name::fold;

/// The minimum similarity of a suggestion.
const MIN_SIMILARITY: f64 = 0.55;
/// The factor on a similarity to a single word of the name, or to scattered letters.
const PARTIAL_WEIGHT: f64 = 0.9;

/// A name with its similarity to the typed text.
struct Suggestion<'a> {
    similarity: f64,
    name: &'a str,
}

/// Returns up to `n` of `names` that are similar to `typed`, best first, each once.
///
/// The similarity is the maximum of the edit similarity (1 − distance / longer length) to the name,
/// the edit similarity to one of its words, and the fuzzy score relative to a perfect match.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>, n: usize) -> Vec<String> {
    let typed = fold(typed);
    if typed.is_empty() {
        return Vec::new();
    }
    let matcher = SkimMatcherV2::default();
    let perfect = fuzzy_score(&matcher, &typed, &typed)
        .unwrap_or(1.0)
        .max(1.0);
    let mut found = Vec::new();
    for name in names {
        let folded = fold(name);
        let fuzzy = fuzzy_score(&matcher, &folded, &typed)
            .map_or(0.0, |score| PARTIAL_WEIGHT * score / perfect);
        let similarity = edit_similarity(&typed, &folded)
            .max(fuzzy)
            .max(word_similarity(&typed, &folded));
        if similarity >= MIN_SIMILARITY {
            found.push(Suggestion { similarity, name });
        }
    }
    found.sort_by(|a, b| {
        let by_similarity = b.similarity.total_cmp(&a.similarity);
        by_similarity
            .then(a.name.len().cmp(&b.name.len()))
            .then(a.name.cmp(b.name))
    });
    found.dedup_by(|a, b| a.name == b.name);
    found.truncate(n);
    found.iter().map(|found| found.name.to_string()).collect()
}

fn fuzzy_score(matcher: &SkimMatcherV2, text: &str, pattern: &str) -> Option<f64> {
    let score = matcher.fuzzy_match(text, pattern)?;
    Some(score as f64)
}

/// Returns the weighted edit similarity to the most similar word of the name, 0..1.
fn word_similarity(typed: &str, folded: &str) -> f64 {
    let best = folded
        .split(' ')
        .map(|word| edit_similarity(typed, word))
        .fold(0.0, f64::max);
    PARTIAL_WEIGHT * best
}

/// Returns 1 − edit distance / longer length, 0..1. A swap of two neighbours counts as one edit
/// (optimal string alignment).
fn edit_similarity(a: &str, b: &str) -> f64 {
    let longer = a.chars().count().max(b.chars().count()).max(1);
    1.0 - strsim::osa_distance(a, b) as f64 / longer as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = [
        "lion",
        "sea lion",
        "tiger",
        "leopard",
        "carnivorous_mammals",
        "New York",
        "Ruthenium",
    ];

    fn suggestions(typed: &str) -> Vec<String> {
        nearest(typed, NAMES.into_iter(), 3)
    }

    #[test]
    fn typos_are_corrected() {
        for (typed, name) in [
            ("tigre", "tiger"),
            ("loin", "lion"),
            ("leopad", "leopard"),
            ("rutenium", "Ruthenium"),
            ("new_yrok", "New York"),
            ("carnivores", "carnivorous_mammals"),
        ] {
            assert_eq!(
                suggestions(typed).first().map(String::as_str),
                Some(name),
                "{typed}"
            );
        }
    }

    #[test]
    fn complete_names_come_before_fragments_and_unrelated_names_are_left_out() {
        assert_eq!(suggestions("lion"), ["lion", "sea lion"]);
        assert!(suggestions("zzzqx").is_empty());
        assert!(suggestions("  ").is_empty());
    }

    #[test]
    fn similarity_counts_edits() {
        let edits = |a: &str, b: &str| {
            let longer = a.len().max(b.len()) as f64;
            ((1.0 - edit_similarity(a, b)) * longer).round() as usize
        };
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("tigre", "tiger"), 1);
        assert_eq!(edits("", "abc"), 3);
    }
}
