//! The sentences and images of each entity, for vectors of the frozen encoders. Unlike the pairs of
//! a training, a sentence needs no image and an image no second pair.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::data::{Dataset, Diagnostics, Pair, kind};
use crate::error::{Error, Result};
use crate::features::text_tokenizer::TextTokenizer;
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// The maximum number of sentences, and of images, of an entity that are used.
const MAX_ITEMS: usize = 16;

/// A sentence with one mention of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitySentence {
    /// The row of the entity.
    pub row: usize,
    /// The start of the line in `sentences.json`, in bytes.
    pub offset: u64,
    /// The position of the mention in its line.
    pub mention: u16,
    /// `[CLS] … [SEP]` with the mention masked.
    pub masked: Vec<i64>,
    /// `[CLS] … [SEP]` with the mention.
    pub unmasked: Vec<i64>,
}

/// The sentences and images of each entity.
#[derive(Debug, Default)]
pub struct FrozenCorpus {
    /// The entities in row order.
    pub entities: Vec<EntityId>,
    /// The sentences, sorted by row, then in the order of the corpus.
    pub sentences: Vec<EntitySentence>,
    /// The distinct images of each entity, in the order of the corpus.
    pub images: Vec<Vec<PathBuf>>,
    /// The parts of the data that were left out, with their counts.
    pub left_out: Vec<(String, usize)>,
}

/// What was read of one entity.
#[derive(Default)]
struct EntityItems {
    sentences: Vec<EntitySentence>,
    images: Vec<PathBuf>,
}

impl FrozenCorpus {
    /// Reads the corpus of a data set. The entities are `rows`, in this order; without it, all that
    /// have a sentence or an image, in the order of the vocabulary.
    ///
    /// Errors: those of the corpus and of the tokenizer; `Mismatch` if no entity has a sentence or
    /// an image; `Stopped`.
    pub fn read(
        dataset: &Dataset,
        tokenizer: &TextTokenizer,
        rows: Option<&[EntityId]>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Self> {
        let mut items: HashMap<EntityId, EntityItems> = HashMap::new();
        let mut diagnostics = Diagnostics::default();
        let mut too_long = 0;
        let mut add = |pair: Pair| {
            let own = items.entry(pair.entity).or_default();
            if let Some(image) = &pair.image
                && own.images.len() < MAX_ITEMS
                && !own.images.contains(image)
            {
                own.images.push(image.clone());
            }
            if own.sentences.len() < MAX_ITEMS {
                match encode(tokenizer, &pair)? {
                    Some(sentence) => own.sentences.push(sentence),
                    None => too_long += 1,
                }
            }
            Ok(())
        };
        dataset.pairs(&mut diagnostics, observer, &mut add)?;
        let mut left_out = diagnostics.summary();
        // They are used: a sentence needs no image here.
        left_out.retain(|(what, _)| what != kind::NO_IMAGE.name);
        if too_long > 0 {
            let limit = tokenizer.max_length();
            left_out.push((format!("sentences over {limit} tokens"), too_long));
        }
        let entities = match rows {
            Some(rows) => rows.to_vec(),
            None => usable_entities(dataset, &items, &mut left_out)?,
        };
        let mut corpus = FrozenCorpus {
            left_out,
            ..FrozenCorpus::default()
        };
        for (row, entity) in entities.iter().enumerate() {
            let own = items.remove(entity).unwrap_or_default();
            for mut sentence in own.sentences {
                sentence.row = row;
                corpus.sentences.push(sentence);
            }
            corpus.images.push(own.images);
        }
        corpus.entities = entities;
        Ok(corpus)
    }

    /// Returns the distinct images of all entities.
    pub fn distinct_images(&self) -> Vec<PathBuf> {
        let mut seen = HashSet::new();
        let all = self.images.iter().flatten();
        all.filter(|path| seen.insert(path.as_path()))
            .cloned()
            .collect()
    }
}

/// Returns the token ids of a pair; `None` if they are too many for the encoder.
fn encode(tokenizer: &TextTokenizer, pair: &Pair) -> Result<Option<EntitySentence>> {
    let Some(masked) = tokenizer.encode(&pair.tokens, pair.start, pair.end)? else {
        return Ok(None);
    };
    let mention = tokenizer.word_pieces(&pair.tokens[pair.start..=pair.end])?;
    let (before, after) = masked.ids.split_at(masked.mask_position);
    let unmasked = [before, &mention, &after[1..]].concat();
    if unmasked.len() > tokenizer.positions() {
        return Ok(None);
    }
    Ok(Some(EntitySentence {
        row: 0,
        offset: pair.offset,
        mention: pair.mention,
        masked: masked.ids,
        unmasked,
    }))
}

/// Returns the entities with a sentence or an image, in the order of the vocabulary, and counts the
/// others.
fn usable_entities(
    dataset: &Dataset,
    items: &HashMap<EntityId, EntityItems>,
    left_out: &mut Vec<(String, usize)>,
) -> Result<Vec<EntityId>> {
    let has_items = |id: &EntityId| {
        let own = items.get(id);
        own.is_some_and(|own| !own.sentences.is_empty() || !own.images.is_empty())
    };
    let all = dataset.vocabulary.iter().map(|(id, _)| id);
    let entities: Vec<EntityId> = all.filter(has_items).collect();
    let without = dataset.vocabulary.len() - entities.len();
    if entities.len() < 2 {
        return Err(Error::Mismatch(format!(
            "{} has {} entities with a sentence or an image; an index needs at least 2",
            dataset.root.display(),
            entities.len()
        )));
    }
    if without > 0 {
        left_out.push(("entities without a sentence or an image".into(), without));
    }
    Ok(entities)
}
