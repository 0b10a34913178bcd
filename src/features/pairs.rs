//! The usable pairs of a data set, grouped by entity: token ids in memory, pictures by number.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

use super::tokens::TextTokenizer;
use crate::data::{Dataset, Findings};
use crate::error::{Error, Result};
use crate::job::{Observer, Progress};
use crate::types::EntityId;

/// An entity with fewer usable pairs is left out (as published).
pub const LEAST_PAIRS: usize = 2;

/// One pair: a sentence with one mention, and a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRef {
    /// Its picture's number, in the store of patches.
    pub image: usize,
    /// Where its line begins in `sentences.json`, in bytes.
    pub offset: u64,
    /// Which mention of that line.
    pub mention: u16,
    /// Its token ids within the common list.
    tokens: Range<usize>,
    /// Where `[MASK]` stands among them.
    pub mask_at: usize,
    /// The mention's own token ids, which the mask hides, within the common list.
    mention_tokens: Range<usize>,
}

/// All usable pairs, entity by entity.
#[derive(Debug, Default)]
pub struct Pairs {
    /// The entities in row order.
    pub entities: Vec<EntityId>,
    /// Sorted by row, in the corpus's order within one.
    pub pairs: Vec<PairRef>,
    /// What was left out, and how many.
    pub left_out: Vec<(String, usize)>,
    row_offsets: Vec<usize>,
    rows: Vec<u32>,
    tokens: Vec<i64>,
}

impl Pairs {
    /// Reads a data set's corpus. Pictures are only named here; see [`Unsettled::settle`].
    pub fn read(
        dataset: &Dataset,
        tokenizer: &TextTokenizer,
        observe: &mut dyn Observer<Progress>,
    ) -> Result<Unsettled> {
        let mut read = Unsettled::default();
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        let mut findings = Findings::default();
        let (mut long, mut blind) = (0, 0);
        dataset.pairs(&mut findings, observe, &mut |pair| {
            let Some(path) = pair.image else {
                blind += 1;
                return Ok(());
            };
            let Some(ids) = tokenizer.encode(&pair.tokens, pair.start, pair.end) else {
                long += 1;
                return Ok(());
            };
            let Some(mask_at) = ids.iter().position(|&id| id == tokenizer.mask_id()) else { return Ok(()) };
            let next = numbers.len();
            let image = *numbers.entry(path).or_insert_with_key(|path| {
                read.images.push(path.clone());
                next
            });
            let start = read.tokens.len();
            read.tokens.extend(ids);
            let tokens = start..read.tokens.len();
            read.tokens.extend(tokenizer.pieces(&pair.tokens[pair.start..=pair.end]).unwrap_or_default());
            let mention_tokens = tokens.end..read.tokens.len();
            let (offset, mention) = (pair.offset, pair.mention);
            read.found.push((pair.entity, PairRef { image, offset, mention, tokens, mask_at, mention_tokens }));
            Ok(())
        })?;
        read.left_out = findings.summary();
        read.leave_out("sentences over 150 tokens", long);
        read.leave_out("pairs without a picture", blind);
        Ok(read)
    }

    /// The pairs of one row.
    pub fn of(&self, row: usize) -> Range<usize> {
        self.row_offsets[row]..self.row_offsets[row + 1]
    }

    /// The row of a pair.
    pub fn row(&self, pair: usize) -> usize {
        self.rows[pair] as usize
    }

    /// The rows of these pairs as a tensor, `[B]`.
    pub fn labels(&self, pairs: impl Iterator<Item = usize>, device: Device) -> Tensor {
        Tensor::from_slice(&pairs.map(|pair| self.row(pair) as i64).collect::<Vec<_>>()).to_device(device)
    }

    pub fn row_offsets(&self) -> &[usize] {
        &self.row_offsets
    }

    /// `[CLS] … [MASK] … [SEP]`.
    pub fn tokens(&self, pair: usize) -> &[i64] {
        &self.tokens[self.pairs[pair].tokens.clone()]
    }

    /// The mention's own token ids, which the mask hides.
    pub fn mention(&self, pair: usize) -> &[i64] {
        &self.tokens[self.pairs[pair].mention_tokens.clone()]
    }

    /// `[CLS] … [SEP]` with the mention in the mask's place.
    pub fn unmasked(&self, pair: usize) -> Vec<i64> {
        let (before, after) = self.tokens(pair).split_at(self.pairs[pair].mask_at);
        [before, self.mention(pair), &after[1..]].concat()
    }

    /// Tokens of a pair's text.
    pub fn length(&self, pair: usize) -> usize {
        self.pairs[pair].tokens.len()
    }

    /// blake3 over every token id, in order: what states of the text depend on.
    pub fn text_hash(&self) -> blake3::Hash {
        self.hash(|pair| self.tokens(pair).to_vec())
    }

    /// The same with the mentions in the masks' places.
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

/// Pairs as read, before it is known which pictures can be used.
#[derive(Debug, Default)]
pub struct Unsettled {
    /// Distinct pictures, in the order they came.
    pub images: Vec<PathBuf>,
    found: Vec<(EntityId, PairRef)>,
    tokens: Vec<i64>,
    left_out: Vec<(String, usize)>,
}

impl Unsettled {
    fn leave_out(&mut self, what: &str, count: usize) {
        if count > 0 {
            self.left_out.push((what.to_owned(), count));
        }
    }

    /// Leaves out pairs whose picture has no `number`, then entities with too few pairs, and groups the rest.
    ///
    /// `rows`: the entities of an existing model, in its order; then exactly these are kept, and one that has no
    /// pair is an error. Without it, the data set's own order.
    pub fn settle(
        mut self,
        dataset: &Dataset,
        number: &dyn Fn(&Path) -> Option<usize>,
        rows: Option<&[EntityId]>,
    ) -> Result<Pairs> {
        let before = self.found.len();
        let numbers: Vec<Option<usize>> = self.images.iter().map(|path| number(path)).collect();
        self.found.retain_mut(|(_, pair)| match numbers[pair.image] {
            Some(number) => {
                pair.image = number;
                true
            }
            None => false,
        });
        let unseen = before - self.found.len();
        self.leave_out("pairs whose picture cannot be read", unseen);
        let mut by_entity: HashMap<EntityId, Vec<PairRef>> = HashMap::new();
        for (entity, pair) in self.found.drain(..) {
            by_entity.entry(entity).or_default().push(pair);
        }
        let entities: Vec<EntityId> = match rows {
            Some(rows) => rows.to_vec(),
            None => {
                let all = dataset.vocabulary.iter().map(|(id, _)| id);
                all.filter(|id| by_entity.get(id).is_some_and(|p| p.len() >= LEAST_PAIRS)).collect()
            }
        };
        let few = dataset.vocabulary.len().saturating_sub(entities.len());
        self.leave_out("entities with fewer than 2 usable pairs", few);
        let mut pairs = Pairs { left_out: self.left_out, tokens: self.tokens, ..Default::default() };
        for (row, entity) in entities.iter().enumerate() {
            let own = by_entity.remove(entity).ok_or_else(|| {
                Error::Mismatch(format!(
                    "the model knows entity {entity}, of which {} has no usable pair",
                    dataset.root.display()
                ))
            })?;
            pairs.row_offsets.push(pairs.pairs.len());
            pairs.rows.extend(std::iter::repeat_n(row as u32, own.len()));
            pairs.pairs.extend(own);
        }
        pairs.row_offsets.push(pairs.pairs.len());
        pairs.entities = entities;
        if pairs.entities.is_empty() {
            return Err(Error::Mismatch(format!("{} has no entity with 2 usable pairs", dataset.root.display())));
        }
        Ok(pairs)
    }
}
