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

    /// The words' own ids, without special tokens; none only where the tokenizer itself fails.
    pub fn pieces(&self, words: &[String]) -> Option<Vec<i64>> {
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
    // only those that the file has: an added one would get an id that the model has no row for
    let special: Vec<AddedToken> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .into_iter()
        .filter(|token| tokenizer.token_to_id(token).is_some())
        .map(|token| AddedToken::from(token, true))
        .collect();
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

/// Expected ids are those of Python's `tokenizers` (`tests/fixtures/tokenizer/make.py`).
#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
    }

    /// From `tokenizer.json`, which asks for 8 tokens and padding to 16, and from `vocab.txt` alone.
    fn both_sources() -> [TextTokenizer; 2] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(fixture().join("vocab.txt"), folder.path().join("vocab.txt")).unwrap();
        [TextTokenizer::open(&fixture()).unwrap(), TextTokenizer::open(folder.path()).unwrap()]
    }

    fn words(sentence: &str) -> Vec<String> {
        sentence.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn ids_are_those_of_the_reference() {
        for tokenizer in both_sources() {
            let jaguar =
                tokenizer.encode(&words("The jaguar is a large cat , native to the Américas ."), 1, 1).unwrap();
            assert_eq!(jaguar, [2, 5, 4, 6, 7, 8, 9, 10, 12, 13, 5, 14, 11, 3]);
            let first = tokenizer.encode(&words("A fine thing unaffable Zürich 北京 3.14 ... can't"), 0, 2).unwrap();
            assert_eq!(first, [2, 4, 15, 16, 17, 18, 24, 25, 19, 11, 20, 11, 11, 11, 21, 22, 23, 3]);
            let last = tokenizer.encode(&words("unaffable tigers a jaguar"), 3, 3).unwrap();
            assert_eq!(last, [2, 15, 16, 17, 1, 7, 4, 3]);
        }
    }

    #[test]
    fn a_mask_spelled_out_in_the_sentence_is_only_letters() {
        for tokenizer in both_sources() {
            let ids = tokenizer.encode(&words("the [MASK] jaguar [CLS]"), 2, 2).unwrap();
            assert_eq!(ids.iter().filter(|&&id| id == tokenizer.mask_id()).count(), 1);
            assert_eq!(ids.iter().filter(|&&id| id == tokenizer.cls_id()).count(), 1);
            assert_eq!(ids[5], tokenizer.mask_id(), "{ids:?}");
        }
    }

    #[test]
    fn a_long_sentence_and_a_mention_outside_are_left_out() {
        let [tokenizer, _] = both_sources();
        let most = vec!["cat".to_owned(); MAX_TOKENS - 2];
        assert_eq!(tokenizer.encode(&most, 0, 0).unwrap().len(), MAX_TOKENS);
        let more = vec!["cat".to_owned(); MAX_TOKENS - 1];
        assert_eq!(tokenizer.encode(&more, 0, 0), None);
        assert_eq!(tokenizer.encode(&more, 0, 1).unwrap().len(), MAX_TOKENS);
        assert_eq!(tokenizer.encode(&most, 3, MAX_TOKENS), None);
        assert_eq!(tokenizer.encode(&most, 3, 2), None);
        assert_eq!(tokenizer.blank(), [2, 4, 3]);
    }

    #[test]
    fn a_folder_without_a_tokenizer_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = TextTokenizer::open(folder.path()) else { panic!("it opened") };
        assert!(error.to_string().contains("tokenizer.json or vocab.txt"), "{error}");
        std::fs::write(folder.path().join("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n").unwrap();
        // the mask would get a new id that the model has no row for
        let opened = TextTokenizer::open(folder.path());
        assert!(opened.is_err_and(|e| e.to_string().contains("[MASK]")));
    }
}
