//! Sentences to token ids, the mention's whole span replaced by one `[MASK]`.

use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, Tokenizer};

use crate::error::{Error, Result};

/// Sentences of more tokens, `[CLS]` and `[SEP]` counted, are left out (Li et al., AAAI 2024).
pub const MAX_TOKENS: usize = 150;

/// A BERT tokenizer (`tokenizer.json`, or else `vocab.txt`) and its special tokens.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    cls: i64,
    sep: i64,
    mask: i64,
    pad: i64,
}

impl TextTokenizer {
    /// Opens a folder's `tokenizer.json` or `vocab.txt`. Fails where neither is there or usable, or where
    /// `[CLS]`, `[SEP]`, `[MASK]` or `[PAD]` is missing.
    pub fn open(folder: &Path) -> Result<TextTokenizer> {
        let (json, vocab) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
        let (file, mut tokenizer) = if json.is_file() {
            let tokenizer = Tokenizer::from_file(&json).map_err(|e| unusable(&json, &e))?;
            (json, tokenizer)
        } else if vocab.is_file() {
            let tokenizer = from_vocabulary(folder, &vocab)?;
            (vocab, tokenizer)
        } else {
            let hint = "a text encoder's folder has tokenizer.json or vocab.txt".into();
            return Err(Error::Missing { what: "tokenizer", path: folder.to_owned(), hint });
        };
        // A file may ask to cut or fill every sentence; here long ones are left out and batches filled later.
        tokenizer.with_truncation(None).map_err(|e| unusable(&file, &e))?;
        tokenizer.with_padding(None);
        // A sentence that spells out "[MASK]" gets the letters, not the token.
        tokenizer.set_encode_special_tokens(true);
        let special = |token: &str| {
            let id = tokenizer.token_to_id(token).map(i64::from);
            id.ok_or_else(|| Error::format(&file, format!("has no token {token}")))
        };
        let (cls, sep, mask, pad) = (special("[CLS]")?, special("[SEP]")?, special("[MASK]")?, special("[PAD]")?);
        special("[UNK]")?;
        Ok(TextTokenizer { tokenizer, cls, sep, mask, pad })
    }

    /// `[CLS] … [MASK] … [SEP]` for a sentence whose mention is `tokens[start..=end]`. None where that is more
    /// than [`MAX_TOKENS`] ids, or the mention is not inside the sentence: the pair is to be left out.
    pub fn encode(&self, tokens: &[String], start: usize, end: usize) -> Option<Vec<i64>> {
        if start > end || end >= tokens.len() {
            return None;
        }
        // The two sides apart, so that no normalizer or merge can reach the mask.
        let before = self.pieces(&tokens[..start])?;
        let after = self.pieces(&tokens[end + 1..])?;
        let length = before.len() + after.len() + 3;
        if length > MAX_TOKENS {
            return None;
        }
        let mut ids = Vec::with_capacity(length);
        ids.push(self.cls);
        ids.extend(before);
        ids.push(self.mask);
        ids.extend(after);
        ids.push(self.sep);
        Some(ids)
    }

    /// `[CLS] [MASK] [SEP]`: what a model that sees no text is shown.
    pub fn blank(&self) -> Vec<i64> {
        vec![self.cls, self.mask, self.sep]
    }

    pub fn mask_id(&self) -> i64 {
        self.mask
    }

    pub fn pad_id(&self) -> i64 {
        self.pad
    }

    pub fn cls_id(&self) -> i64 {
        self.cls
    }

    pub fn sep_id(&self) -> i64 {
        self.sep
    }

    /// How many ids there are, special tokens counted.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// None only where the tokenizer itself fails.
    fn pieces(&self, words: &[String]) -> Option<Vec<i64>> {
        let encoding = self.tokenizer.encode_fast(words.join(" "), false).ok()?;
        Some(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }
}

/// BERT's own tokenizer over a `vocab.txt`; lower-cases unless `tokenizer_config.json` says otherwise.
fn from_vocabulary(folder: &Path, vocab: &Path) -> Result<Tokenizer> {
    let content = std::fs::read(vocab).map_err(Error::io("read", vocab))?;
    let words = WordPiece::read_bytes(&content).map_err(|e| unusable(vocab, &e))?;
    let model = WordPiece::builder().vocab(words).unk_token("[UNK]".into()).build().map_err(|e| unusable(vocab, &e))?;
    let mut tokenizer = Tokenizer::new(model);
    let normalizer = BertNormalizer::new(true, true, None, lower_cases(folder));
    tokenizer.with_normalizer(Some(normalizer)).map_err(|e| unusable(vocab, &e))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(|token| AddedToken::from(token, true));
    tokenizer.add_special_tokens(special).map_err(|e| unusable(vocab, &e))?;
    Ok(tokenizer)
}

fn lower_cases(folder: &Path) -> bool {
    let config = std::fs::read(folder.join("tokenizer_config.json")).unwrap_or_default();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    config["do_lower_case"].as_bool().unwrap_or(true)
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::format(path, format!("is no usable tokenizer ({reason})"))
}
