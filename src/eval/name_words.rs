//! The words of entity names.

use std::collections::HashMap;

use unicode_normalization::char::is_combining_mark;

use crate::name::nfc;
use crate::types::EntityId;

/// The least length of a word; shorter ones have little meaning.
const MIN_WORD_LENGTH: usize = 3;
/// Words without a meaning of their own.
const STOP_WORDS: [&str; 5] = ["and", "the", "for", "from", "with"];

/// The words of the names of some entities, each with the first entity that has it.
#[derive(Debug, Clone, Default)]
pub struct NameWords(HashMap<String, EntityId>);

impl NameWords {
    /// Collects the words of these names.
    pub fn from_names<'a>(names: impl IntoIterator<Item = (EntityId, &'a str)>) -> NameWords {
        let mut first_with = HashMap::new();
        for (entity, name) in names {
            for word in words(name) {
                first_with.entry(word).or_insert(entity);
            }
        }
        NameWords(first_with)
    }

    /// Returns the first word of `name` that is in the collection, and the entity that has it.
    pub(super) fn shared_with(&self, name: &str) -> Option<(String, EntityId)> {
        words(name).find_map(|word| {
            let entity = *self.0.get(&word)?;
            Some((word, entity))
        })
    }
}

/// Returns the meaningful words of a name in lower case, without the s of a plural.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> + use<> {
    // an accent may be a character of its own
    let separates = |letter: char| !letter.is_alphanumeric() && !is_combining_mark(letter);
    let all: Vec<String> = nfc(name).split(separates).map(str::to_lowercase).collect();
    all.into_iter().filter(|w| is_meaningful(w)).map(singular)
}

fn is_meaningful(word: &str) -> bool {
    word.chars().count() >= MIN_WORD_LENGTH && !STOP_WORDS.contains(&word)
}

fn singular(word: String) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > MIN_WORD_LENGTH && !stem.ends_with('s') => stem.to_owned(),
        _ => word,
    }
}
