//! Names close to what was typed: typos by edit distance, fragments by fuzzy matching.

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use crate::name::fold;

/// Below this likeness a name is no help.
const MIN_SIMILARITY: f64 = 0.55;
/// A likeness that only one word of the name, or scattered letters, account for weighs this much.
const PARTIAL_WEIGHT: f64 = 0.9;

/// Up to `n` of `names` that are like `typed`, best first, each once. Likeness is the best of: edit
/// similarity (1 − distance / longer length) to the name, to one of its words, and the share of the
/// fuzzy score that a perfect match would have.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>, n: usize) -> Vec<String> {
    let typed = fold(typed);
    if typed.is_empty() {
        return Vec::new();
    }
    let matcher = SkimMatcherV2::default();
    let perfect = matcher.fuzzy_match(&typed, &typed).unwrap_or(1).max(1) as f64;
    let mut found: Vec<(f64, usize, &str)> = names
        .filter_map(|name| {
            let folded = fold(name);
            let fuzzy = matcher
                .fuzzy_match(&folded, &typed)
                .map_or(0.0, |s| PARTIAL_WEIGHT * s as f64 / perfect);
            let likeness = similarity(&typed, &folded)
                .max(fuzzy)
                .max(word_similarity(&typed, &folded));
            (likeness >= MIN_SIMILARITY).then_some((likeness, name.len(), name))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(b.2)));
    found.dedup_by(|a, b| a.2 == b.2);
    found
        .into_iter()
        .take(n)
        .map(|(_, _, name)| name.to_string())
        .collect()
}

fn word_similarity(typed: &str, folded: &str) -> f64 {
    let best = folded
        .split(' ')
        .map(|word| similarity(typed, word))
        .fold(0.0, f64::max);
    PARTIAL_WEIGHT * best
}

/// 1 − edit distance / the longer length, 0..1.
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let longer = a.len().max(b.len()).max(1);
    1.0 - distance(&a, &b) as f64 / longer as f64
}

/// Edit distance where two neighbours swapped count once (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
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

    fn near(typed: &str) -> Vec<String> {
        nearest(typed, NAMES.into_iter(), 3)
    }

    #[test]
    fn typos_find_their_name() {
        for (typed, name) in [
            ("tigre", "tiger"),
            ("loin", "lion"),
            ("leopad", "leopard"),
            ("rutenium", "Ruthenium"),
            ("new_yrok", "New York"),
            ("carnivores", "carnivorous_mammals"),
        ] {
            assert_eq!(
                near(typed).first().map(String::as_str),
                Some(name),
                "{typed}"
            );
        }
    }

    #[test]
    fn whole_names_come_before_fragments_and_strangers_not_at_all() {
        assert_eq!(near("lion"), ["lion", "sea lion"]);
        assert!(near("zzzqx").is_empty());
        assert!(near("  ").is_empty());
    }

    #[test]
    fn distance_counts_edits() {
        let d = |a: &str, b: &str| {
            distance(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        assert_eq!(d("kitten", "sitting"), 3);
        assert_eq!(d("tigre", "tiger"), 1);
        assert_eq!(d("", "abc"), 3);
    }
}
