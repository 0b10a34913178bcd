//! The usable pairs of a data set, grouped by entity, with token ids and image numbers.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

use crate::data::{Dataset, Diagnostics, Pair};
use crate::error::{Error, Result};
use crate::features::text_tokenizer::TextTokenizer;
use crate::progress::{Observer, Progress};
use crate::types::EntityId;

/// The minimum number of usable pairs of an entity, as published. Other entities are left out.
pub const MIN_PAIRS: usize = 2;

/// A pair: a sentence with one mention, and an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRef {
    /// The number of the image in the patch store.
    pub image: usize,
    /// The start of the line in `sentences.json`, in bytes.
    pub offset: u64,
    /// The position of the mention in its line.
    pub mention: u16,
    /// The range of its token ids in the common list.
    tokens: Range<usize>,
    /// The position of `[MASK]` in the token ids.
    pub mask_position: usize,
    /// The range of the mention's own token ids in the common list.
    mention_tokens: Range<usize>,
}

/// All usable pairs, grouped by entity.
#[derive(Debug, Default)]
pub struct LoadedPairs {
    /// The entities in row order.
    pub entities: Vec<EntityId>,
    /// The pairs, sorted by row, then in the order of the corpus.
    pub pairs: Vec<PairRef>,
    /// The parts of the data that were left out, with their counts.
    pub left_out: Vec<(String, usize)>,
    row_offsets: Vec<usize>,
    rows: Vec<u32>,
    tokens: Vec<i64>,
}

impl LoadedPairs {
    /// Reads the corpus of a data set. Images are not checked yet (see
    /// [`UnresolvedPairs::resolve`]). A pair is left out if its sentence is longer than
    /// [`TextTokenizer::max_length`], or does not fit into the encoder with its mention unmasked.
    ///
    /// Errors: those of the corpus and of the tokenizer; `Stopped`.
    pub fn read(
        dataset: &Dataset,
        tokenizer: &TextTokenizer,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<UnresolvedPairs> {
        let mut reader = PairReader {
            tokenizer,
            read: UnresolvedPairs::default(),
            numbers: HashMap::new(),
            too_long: Cause::new(too_long(tokenizer)),
            without_image: Cause::new("pairs without an image".into()),
        };
        let mut diagnostics = Diagnostics::default();
        dataset.pairs(&mut diagnostics, observe, &mut |pair| reader.add(pair))?;
        let PairReader {
            mut read,
            too_long,
            without_image,
            ..
        } = reader;
        read.causes = Cause::from_diagnostics(&diagnostics);
        read.causes.extend(
            [too_long, without_image]
                .into_iter()
                .filter(|cause| cause.count > 0),
        );
        Ok(read)
    }

    /// Returns the pairs of one row.
    pub fn pairs_of(&self, row: usize) -> Range<usize> {
        self.row_offsets[row]..self.row_offsets[row + 1]
    }

    /// Returns the row of a pair.
    pub fn row(&self, pair: usize) -> usize {
        self.rows[pair] as usize
    }

    /// Returns the rows of these pairs, `[B]`.
    pub fn labels(&self, pairs: impl Iterator<Item = usize>, device: Device) -> Tensor {
        Tensor::from_slice(&pairs.map(|pair| self.row(pair) as i64).collect::<Vec<_>>())
            .to_device(device)
    }

    pub fn row_offsets(&self) -> &[usize] {
        &self.row_offsets
    }

    /// Returns the token ids `[CLS] … [MASK] … [SEP]`.
    pub fn tokens(&self, pair: usize) -> &[i64] {
        &self.tokens[self.pairs[pair].tokens.clone()]
    }

    /// Returns the token ids of the mention.
    pub fn mention(&self, pair: usize) -> &[i64] {
        &self.tokens[self.pairs[pair].mention_tokens.clone()]
    }

    /// Returns `[CLS] … [SEP]` with the mention instead of the mask.
    pub fn unmasked(&self, pair: usize) -> Vec<i64> {
        let (before, after) = self.tokens(pair).split_at(self.pairs[pair].mask_position);
        [before, self.mention(pair), &after[1..]].concat()
    }

    /// Returns the number of tokens of a pair's text.
    pub fn length(&self, pair: usize) -> usize {
        self.pairs[pair].tokens.len()
    }

    /// Returns the BLAKE3 hash of all token ids, on which the hidden states of texts depend.
    pub fn text_hash(&self) -> blake3::Hash {
        self.hash(|pair| self.tokens(pair).to_vec())
    }

    /// Returns the BLAKE3 hash of all token ids with unmasked mentions.
    pub fn unmasked_hash(&self) -> blake3::Hash {
        self.hash(|pair| self.unmasked(pair))
    }

    fn hash(&self, ids: impl Fn(usize) -> Vec<i64>) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for pair in 0..self.pairs.len() {
            ids(pair).iter().for_each(|id| {
                hasher.update(&id.to_le_bytes());
            });
            hasher.update(b"|");
        }
        hasher.finalize()
    }
}

/// Collects the pairs of a corpus, and counts those that are left out.
struct PairReader<'a> {
    tokenizer: &'a TextTokenizer,
    read: UnresolvedPairs,
    /// The numbers of the images that were found so far.
    numbers: HashMap<PathBuf, usize>,
    too_long: Cause,
    without_image: Cause,
}

impl PairReader<'_> {
    /// Adds a pair, or counts it as left out.
    fn add(&mut self, pair: Pair) -> Result<()> {
        let line = || format!("sentences.json:{}", pair.line);
        let Some(path) = pair.image else {
            self.without_image.add(line);
            return Ok(());
        };
        let Some(sentence) = self.tokenizer.encode(&pair.tokens, pair.start, pair.end)? else {
            self.too_long.add(line);
            return Ok(());
        };
        let mention = self
            .tokenizer
            .word_pieces(&pair.tokens[pair.start..=pair.end])?;
        if sentence.ids.len() - 1 + mention.len() > self.tokenizer.positions() {
            self.too_long.add(line);
            return Ok(());
        }
        let image = self.number(path);
        let all = &mut self.read.tokens;
        let start = all.len();
        all.extend(sentence.ids);
        let tokens = start..all.len();
        all.extend(mention);
        let mention_tokens = tokens.end..all.len();
        let found = PairRef {
            image,
            offset: pair.offset,
            mention: pair.mention,
            tokens,
            mask_position: sentence.mask_position,
            mention_tokens,
        };
        self.read.found.push((pair.entity, found));
        Ok(())
    }

    /// Returns the number of an image. A new image gets the next number.
    fn number(&mut self, path: PathBuf) -> usize {
        let next = self.numbers.len();
        let images = &mut self.read.images;
        *self.numbers.entry(path).or_insert_with_key(|path| {
            images.push(path.clone());
            next
        })
    }
}

/// A reason for leaving out data, with its count and the first example.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    /// In the plural: "pairs without an image".
    what: String,
    count: usize,
    /// The first example, with its location.
    example: Option<String>,
}

impl Cause {
    fn new(what: String) -> Cause {
        Cause {
            what,
            count: 0,
            example: None,
        }
    }

    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        self.example.get_or_insert_with(example);
    }

    /// Converts the diagnostics of a data set to causes.
    fn from_diagnostics(diagnostics: &Diagnostics) -> Vec<Cause> {
        let cause = |(what, count): (String, usize)| {
            let example = diagnostics
                .iter()
                .find(|finding| finding.kind == what)
                .map(|first| {
                    let file = first
                        .file
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    let line = first
                        .line
                        .map_or_else(String::new, |line| format!(":{line}"));
                    format!("{file}{line}: {}", first.reason)
                });
            Cause {
                what,
                count,
                example,
            }
        };
        diagnostics.summary().into_iter().map(cause).collect()
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} {}", self.count, self.what)?;
        match &self.example {
            Some(example) => write!(f, " (the first: {example})"),
            None => Ok(()),
        }
    }
}

fn too_long(tokenizer: &TextTokenizer) -> String {
    format!("sentences over {} tokens", tokenizer.max_length())
}

/// The pairs of a corpus before their images are checked.
#[derive(Debug, Default)]
pub struct UnresolvedPairs {
    /// The distinct images, in the order of the corpus.
    pub images: Vec<PathBuf>,
    found: Vec<(EntityId, PairRef)>,
    tokens: Vec<i64>,
    causes: Vec<Cause>,
}

/// A lookup of the features of images.
pub trait ImageLookup {
    /// Returns the number of an image in the patch store, or `None` if it has no features.
    fn number(&self, path: &Path) -> Option<usize>;
    /// Returns the reason that an image has no features, if it is known.
    fn error(&self, path: &Path) -> Option<&str>;
}

/// Returns the entities with enough pairs, in the order of the data set's vocabulary.
fn usable_entities(
    dataset: &Dataset,
    by_entity: &HashMap<EntityId, Vec<PairRef>>,
) -> Vec<EntityId> {
    let has_enough = |id: &EntityId| {
        by_entity
            .get(id)
            .is_some_and(|pairs| pairs.len() >= MIN_PAIRS)
    };
    let all = dataset.vocabulary.iter().map(|(id, _)| id);
    all.filter(has_enough).collect()
}

impl UnresolvedPairs {
    /// Leaves out pairs whose image has no features, then entities with too few pairs, and groups
    /// the others.
    ///
    /// `rows` are the entities of an existing model, in its order: exactly these are used, and each
    /// needs a pair. Without it, the order is that of the data set.
    ///
    /// Errors: `NoPairs`, with the reasons.
    pub fn resolve(
        mut self,
        dataset: &Dataset,
        seen: &dyn ImageLookup,
        rows: Option<&[EntityId]>,
    ) -> Result<LoadedPairs> {
        self.drop_unreadable_images(seen);
        let mut by_entity: HashMap<EntityId, Vec<PairRef>> = HashMap::new();
        for (entity, pair) in self.found.drain(..) {
            by_entity.entry(entity).or_default().push(pair);
        }
        let entities: Vec<EntityId> = match rows {
            Some(rows) => rows.to_vec(),
            None => usable_entities(dataset, &by_entity),
        };
        if entities.is_empty() {
            return Err(self.no_entity_error(dataset, by_entity.len()));
        }
        let mut pairs = LoadedPairs {
            left_out: self.left_out(dataset.vocabulary.len().saturating_sub(entities.len())),
            ..Default::default()
        };
        for (row, entity) in entities.iter().enumerate() {
            let Some(own) = by_entity.remove(entity) else {
                let what = format!(
                    "{} has no usable pair of entity {entity}, which the model needs",
                    dataset.root.display()
                );
                return Err(self.no_pairs_error(what, dataset));
            };
            pairs.row_offsets.push(pairs.pairs.len());
            pairs
                .rows
                .extend(std::iter::repeat_n(row as u32, own.len()));
            pairs.pairs.extend(own);
        }
        pairs.row_offsets.push(pairs.pairs.len());
        pairs.entities = entities;
        pairs.tokens = self.tokens;
        Ok(pairs)
    }

    /// Lists the causes, and the number of entities with too few pairs.
    fn left_out(&self, few: usize) -> Vec<(String, usize)> {
        let mut left_out: Vec<(String, usize)> = self
            .causes
            .iter()
            .map(|cause| (cause.what.clone(), cause.count))
            .collect();
        if few > 0 {
            left_out.push(("entities with fewer than 2 usable pairs".to_owned(), few));
        }
        left_out
    }

    /// Makes the error for a data set in which no entity has enough pairs. `single` entities have
    /// one.
    fn no_entity_error(&mut self, dataset: &Dataset, single: usize) -> Error {
        let what = format!(
            "{} has no entity with 2 usable pairs of a sentence and an image",
            dataset.root.display()
        );
        if single > 0 {
            self.causes.push(Cause {
                count: single,
                ..Cause::new("entities with a single usable pair".into())
            });
        }
        self.no_pairs_error(what, dataset)
    }

    fn drop_unreadable_images(&mut self, seen: &dyn ImageLookup) {
        let numbers: Vec<Option<usize>> =
            self.images.iter().map(|path| seen.number(path)).collect();
        let mut unseen = Cause::new("pairs whose image cannot be read".into());
        let images = &self.images;
        self.found
            .retain_mut(|(_, pair)| match numbers[pair.image] {
                Some(number) => {
                    pair.image = number;
                    true
                }
                None => {
                    let path = &images[pair.image];
                    unseen.add(|| {
                        format!(
                            "{} {}",
                            path.display(),
                            seen.error(path).unwrap_or("has no features")
                        )
                    });
                    false
                }
            });
        self.causes
            .extend(Some(unseen).filter(|cause| cause.count > 0));
    }

    /// Makes the error for missing pairs, with the causes found in the corpus and in the
    /// vocabulary.
    fn no_pairs_error(&self, what: String, dataset: &Dataset) -> Error {
        let mut causes = Cause::from_diagnostics(&dataset.diagnostics.errors());
        causes.extend(self.causes.iter().cloned());
        Error::NoPairs {
            what,
            causes: causes.iter().map(Cause::to_string).collect(),
        }
    }
}
