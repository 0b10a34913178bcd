//! Converts sentences to token ids. The mention is replaced by one `[MASK]`.

use std::path::Path;

use crate::error::{Error, Result};
use crate::features::tokenizer_files::TokenizerFiles;

/// The maximum number of tokens of a sentence, including `[CLS]` and `[SEP]`. Longer sentences are
/// left out (Li et al., AAAI 2024).
pub const MAX_TOKENS: usize = 150;
/// The minimum number of positions of an encoder, for `[CLS] [MASK] [SEP]`.
const MIN_LENGTH: usize = 3;

/// A BERT tokenizer with its special tokens. See [`TokenizerFiles`] for its files and settings.
pub struct TextTokenizer {
    files: TokenizerFiles,
    /// The number of positions of the encoder.
    positions: usize,
}

/// A sentence as input of the text encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedSentence {
    /// `[CLS] … [MASK] … [SEP]`.
    pub ids: Vec<i64>,
    /// The index of `[MASK]` among them.
    pub mask_position: usize,
}

impl TextTokenizer {
    /// Opens the tokenizer of a folder, without limits on tokens and positions.
    ///
    /// Errors: those of [`TokenizerFiles::open`].
    pub fn open(folder: &Path) -> Result<TextTokenizer> {
        Ok(TextTokenizer {
            files: TokenizerFiles::open(folder)?,
            positions: usize::MAX,
        })
    }

    /// Limits the tokenizer to an encoder with these numbers of token embeddings and positions.
    ///
    /// Errors: `Format` for a token without an embedding; `Mismatch` for too few positions.
    pub fn with_limits(mut self, rows: i64, positions: i64) -> Result<TextTokenizer> {
        let highest = self
            .files
            .tokenizer
            .get_vocab(true)
            .into_iter()
            .max_by_key(|(_, id)| *id);
        if let Some((token, id)) = highest.filter(|(_, id)| i64::from(*id) >= rows) {
            let reason = format!(
                "has a token “{token}” with the id {id}, for a text encoder of {rows} token embeddings (ids from 0); the \
                 tokenizer and the weights are not of one model"
            );
            return Err(Error::format(&self.files.file, reason));
        }
        self.positions = usize::try_from(positions).unwrap_or(0);
        if self.positions < MIN_LENGTH {
            let message = format!(
                "a text encoder of {positions} positions has no room for [CLS] [MASK] [SEP]"
            );
            return Err(Error::Mismatch(message));
        }
        Ok(self)
    }

    /// Returns the maximum number of tokens of a sentence: [`MAX_TOKENS`], or the number of the
    /// encoder's positions if it is smaller.
    pub fn max_length(&self) -> usize {
        MAX_TOKENS.min(self.positions)
    }

    /// Returns the number of positions of the encoder.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Converts a sentence with the masked mention `tokens[start..=end]`. Returns `None` if it is
    /// longer than [`TextTokenizer::max_length`], or the mention is not inside the sentence.
    ///
    /// Errors: `Format` if the tokenizer fails.
    pub fn encode(
        &self,
        tokens: &[String],
        start: usize,
        end: usize,
    ) -> Result<Option<MaskedSentence>> {
        if start > end || end >= tokens.len() {
            return Ok(None);
        }
        // both sides are tokenized separately, so that the mask is not changed
        let before = self.word_pieces(&tokens[..start])?;
        let after = self.word_pieces(&tokens[end + 1..])?;
        if before.len() + after.len() + MIN_LENGTH > self.max_length() {
            return Ok(None);
        }
        let mask_position = 1 + before.len();
        let ids = [
            &[self.files.cls],
            before.as_slice(),
            &[self.files.mask],
            &after,
            &[self.files.sep],
        ]
        .concat();
        Ok(Some(MaskedSentence { ids, mask_position }))
    }

    /// Returns `[CLS] [MASK] [SEP]`, the input of a model that does not see the text.
    pub fn blank_input(&self) -> Vec<i64> {
        vec![self.files.cls, self.files.mask, self.files.sep]
    }

    /// Returns the ids of the words, without special tokens.
    ///
    /// Errors: `Format` if the tokenizer fails.
    pub fn word_pieces(&self, words: &[String]) -> Result<Vec<i64>> {
        let failed = |e| {
            Error::format(
                &self.files.file,
                format!("cannot tokenize “{}”: {e}", words.join(" ")),
            )
        };
        let encoding = self
            .files
            .tokenizer
            .encode_fast(words.join(" "), false)
            .map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }
}

/// The expected ids are those of Python's `tokenizers` (`tests/fixtures/tokenizer/make.py`).
#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
    }

    /// Opens the tokenizer from `tokenizer.json`, which truncates to 8 tokens and pads to 16, and
    /// from `vocab.txt` alone.
    fn both_sources() -> [TextTokenizer; 2] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(fixture().join("vocab.txt"), folder.path().join("vocab.txt")).unwrap();
        [
            TextTokenizer::open(&fixture()).unwrap(),
            TextTokenizer::open(folder.path()).unwrap(),
        ]
    }

    fn ids(sentence: Result<Option<MaskedSentence>>) -> Vec<i64> {
        sentence.unwrap().unwrap().ids
    }

    fn words(sentence: &str) -> Vec<String> {
        sentence.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn ids_are_those_of_the_reference() {
        for tokenizer in both_sources() {
            let jaguar = tokenizer.encode(
                &words("The jaguar is a large cat , native to the Américas ."),
                1,
                1,
            );
            assert_eq!(ids(jaguar), [2, 5, 4, 6, 7, 8, 9, 10, 12, 13, 5, 14, 11, 3]);
            let first = tokenizer.encode(
                &words("A fine thing unaffable Zürich 北京 3.14 ... can't"),
                0,
                2,
            );
            assert_eq!(
                ids(first),
                [
                    2, 4, 15, 16, 17, 18, 24, 25, 19, 11, 20, 11, 11, 11, 21, 22, 23, 3
                ]
            );
            let last = tokenizer.encode(&words("unaffable tigers a jaguar"), 3, 3);
            assert_eq!(ids(last), [2, 15, 16, 17, 1, 7, 4, 3]);
        }
    }

    #[test]
    fn a_literal_mask_in_the_sentence_is_not_a_special_token() {
        for tokenizer in both_sources() {
            let MaskedSentence { ids, mask_position } = tokenizer
                .encode(&words("the [MASK] jaguar [CLS]"), 2, 2)
                .unwrap()
                .unwrap();
            assert_eq!(mask_position, 5);
            assert_eq!(
                ids.iter().filter(|&&id| id == tokenizer.files.mask).count(),
                1
            );
            assert_eq!(
                ids.iter().filter(|&&id| id == tokenizer.files.cls).count(),
                1
            );
            assert_eq!(ids[5], tokenizer.files.mask, "{ids:?}");
        }
    }

    #[test]
    fn a_long_sentence_and_a_mention_outside_are_left_out() {
        let [tokenizer, _] = both_sources();
        let most = vec!["cat".to_owned(); MAX_TOKENS - 2];
        let length = |tokens: &[String], start, end| {
            tokenizer
                .encode(tokens, start, end)
                .unwrap()
                .map(|sentence| sentence.ids.len())
        };
        assert_eq!(length(&most, 0, 0), Some(MAX_TOKENS));
        let more = vec!["cat".to_owned(); MAX_TOKENS - 1];
        assert_eq!(length(&more, 0, 0), None);
        assert_eq!(length(&more, 0, 1), Some(MAX_TOKENS));
        assert_eq!(length(&most, 3, MAX_TOKENS), None);
        assert_eq!(length(&most, 3, 2), None);
        assert_eq!(tokenizer.blank_input(), [2, 4, 3]);
    }

    #[test]
    fn a_missing_tokenizer_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = TextTokenizer::open(folder.path()) else {
            panic!("it opened")
        };
        assert!(
            error.to_string().contains("tokenizer.json or vocab.txt"),
            "{error}"
        );
        std::fs::write(
            folder.path().join("vocab.txt"),
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n",
        )
        .unwrap();
        // the mask would get a new id without an embedding
        let opened = TextTokenizer::open(folder.path());
        assert!(opened.is_err_and(|e| e.to_string().contains("[MASK]")));
    }

    #[test]
    fn every_token_needs_an_embedding_and_positions_limit_the_length() {
        let open = || both_sources().into_iter().next().unwrap();
        let tokens = open().files.tokenizer.get_vocab_size(true) as i64;
        let Err(error) = open().with_limits(tokens - 1, 512) else {
            panic!("it was taken")
        };
        let message = error.to_string();
        assert!(
            message.contains("“jaguar” with the id 31")
                && message.contains("of 31 token embeddings"),
            "{message}"
        );
        assert!(
            open()
                .with_limits(tokens, 2)
                .is_err_and(|e| e.to_string().contains("2 positions"))
        );
        assert_eq!(
            open().with_limits(tokens, 512).unwrap().max_length(),
            MAX_TOKENS
        );
        let short = open().with_limits(tokens + 8, 12).unwrap();
        let most = vec!["cat".to_owned(); 10];
        assert_eq!(
            (short.max_length(), ids(short.encode(&most, 0, 0)).len()),
            (12, 12)
        );
        assert_eq!(
            short
                .encode(&[most, vec!["cat".to_owned()]].concat(), 0, 0)
                .unwrap(),
            None
        );
    }
}
