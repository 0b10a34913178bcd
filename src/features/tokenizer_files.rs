//! Opens a BERT tokenizer with the same settings as Hugging Face's transformers. The files are
//! `tokenizer.json` or `vocab.txt`, and `tokenizer_config.json`, `special_tokens_map.json` and
//! `added_tokens.json`. Unsupported settings are refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokenizers::{AddedToken, ModelWrapper, Tokenizer};

use crate::error::{Error, Result};
use crate::git_lfs;
use crate::text_file::read_json;

/// The files of a tokenizer.
pub const FILES: [&str; 5] = [JSON, VOCABULARY, CONFIG, SPECIAL_TOKENS, ADDED_TOKENS];

const JSON: &str = "tokenizer.json";
const VOCABULARY: &str = "vocab.txt";
const CONFIG: &str = "tokenizer_config.json";
const SPECIAL_TOKENS: &str = "special_tokens_map.json";
const ADDED_TOKENS: &str = "added_tokens.json";

/// The classes of transformers with BERT's tokenizer, without the suffix `Fast`.
const BERT_CLASSES: [&str; 4] = [
    "BertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "MobileBertTokenizer",
];

/// The settings for special tokens, and the default names of the tokens.
const ROLES: [(&str, &str); 5] = [
    ("cls_token", "[CLS]"),
    ("sep_token", "[SEP]"),
    ("mask_token", "[MASK]"),
    ("pad_token", "[PAD]"),
    ("unk_token", "[UNK]"),
];

/// A tokenizer and its special tokens.
pub struct TokenizerFiles {
    /// The tokenizer, without truncation and padding. A literal special token in a text is
    /// tokenized as text.
    pub tokenizer: Tokenizer,
    /// The main file of the tokenizer.
    pub file: PathBuf,
    /// The id of the start token.
    pub cls: i64,
    /// The id of the end token.
    pub sep: i64,
    /// The id of the mask token.
    pub mask: i64,
}

impl TokenizerFiles {
    /// Opens the tokenizer of a folder.
    ///
    /// Errors: `Missing` without `tokenizer.json` and `vocab.txt`; `Format` for an invalid file, an
    /// unsupported setting, and a special token that is not in the vocabulary; `Io`.
    pub fn open(folder: &Path) -> Result<TokenizerFiles> {
        let (json, vocabulary) = (folder.join(JSON), folder.join(VOCABULARY));
        let settings = Settings::read(folder)?;
        let (file, content) = if json.is_file() {
            let content = settings.apply_to_json(read_json(&json, "a tokenizer")?)?;
            (json, content)
        } else if vocabulary.is_file() {
            let content = settings.entries_from_vocabulary(read_vocabulary(&vocabulary)?)?;
            (vocabulary, content)
        } else {
            let hint = "a text encoder's folder has tokenizer.json or vocab.txt".into();
            return Err(Error::Missing {
                what: "tokenizer",
                path: folder.to_owned(),
                hint,
            });
        };
        let tokenizer: Tokenizer = Value::Object(content)
            .to_string()
            .parse()
            .map_err(|e| unusable_tokenizer(&file, &e))?;
        settings.finish(tokenizer, file)
    }
}

/// The settings of a tokenizer.
struct Settings {
    /// The content of `tokenizer_config.json`, if it exists.
    config: Option<Map<String, Value>>,
    /// The folder of the files, for messages.
    folder: PathBuf,
    /// The names of the special tokens, by setting.
    special: BTreeMap<&'static str, String>,
    /// The added tokens by id.
    added: BTreeMap<u32, AddedToken>,
    /// The additional tokens, whose ids are in the vocabulary.
    additional: Vec<AddedToken>,
}

impl Settings {
    fn read(folder: &Path) -> Result<Settings> {
        let config: Option<Map<String, Value>> =
            read_optional_json(folder, CONFIG, "a tokenizer's settings")?;
        let map: Option<Map<String, Value>> =
            read_optional_json(folder, SPECIAL_TOKENS, "a map of special tokens")?;
        let mut settings = Settings {
            config,
            folder: folder.to_owned(),
            special: BTreeMap::new(),
            added: BTreeMap::new(),
            additional: Vec::new(),
        };
        settings.refuse_unsupported()?;
        let map = map.unwrap_or_default();
        settings.special = settings.read_special(&map)?;
        settings.added = settings.read_added()?;
        settings.additional = settings.read_additional(&map)?;
        Ok(settings)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.config
            .as_ref()?
            .get(name)
            .filter(|value| !value.is_null())
    }

    fn config_error(&self, reason: String) -> Error {
        Error::format(self.folder.join(CONFIG), reason)
    }

    /// Returns a boolean setting, or `Ok(None)` if it is missing or null.
    fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => {
                Err(self.config_error(format!("has `{name}` {other} (expected true or false)")))
            }
        }
    }

    /// Returns whether the settings name one of transformers' BERT tokenizers.
    fn is_bert(&self) -> bool {
        let class = self.get("tokenizer_class").and_then(Value::as_str);
        class.is_none_or(|class| BERT_CLASSES.contains(&class.trim_end_matches("Fast")))
    }

    /// Refuses settings of the slow tokenizers, which would split a text differently.
    fn refuse_unsupported(&self) -> Result<()> {
        if self.flag("do_basic_tokenize")? == Some(false) {
            return Err(
                self.config_error("has `do_basic_tokenize` false (only true is supported)".into())
            );
        }
        match self.get("never_split") {
            Some(words) if words.as_array().is_none_or(|words| !words.is_empty()) => {
                let reason = format!(
                    "has `never_split` {words}, which is not supported; add the words as tokens instead"
                );
                Err(self.config_error(reason))
            }
            _ => Ok(()),
        }
    }

    /// Returns the settings of the normalizer with which transformers' `BertTokenizerFast`
    /// overrides `tokenizer.json`: these settings, or the defaults of the class.
    fn normalizer(&self) -> Result<Map<String, Value>> {
        let settings = json!({
            "lowercase": self.flag("do_lower_case")?.unwrap_or(true),
            "strip_accents": self.flag("strip_accents")?,
            "handle_chinese_chars": self.flag("tokenize_chinese_chars")?.unwrap_or(true),
        });
        Ok(settings.as_object().cloned().unwrap_or_default())
    }

    /// Finds a token in the settings, else in the map of special tokens. Returns it with the name
    /// of the file.
    fn find_token<'a>(
        &'a self,
        map: &'a Map<String, Value>,
        name: &str,
    ) -> Option<(&'a Value, &'static str)> {
        let config = self
            .config
            .as_ref()
            .and_then(|config| config.get(name))
            .map(|value| (value, CONFIG));
        config.or_else(|| map.get(name).map(|value| (value, SPECIAL_TOKENS)))
    }

    /// Reads the names of the special tokens from `tokenizer_config.json`, else from
    /// `special_tokens_map.json`. The defaults are those of BERT.
    fn read_special(&self, map: &Map<String, Value>) -> Result<BTreeMap<&'static str, String>> {
        let mut special = BTreeMap::new();
        for (role, usual) in ROLES {
            let name = match self.find_token(map, role) {
                None => usual.to_owned(),
                Some((value, file)) => token_name(value).ok_or_else(|| {
                    let reason = format!("has `{role}` {value} (expected the name of a token)");
                    Error::format(self.folder.join(file), reason)
                })?,
            };
            special.insert(role, name);
        }
        Ok(special)
    }

    /// Reads the added tokens from `added_tokens_decoder` of the settings, else from
    /// `added_tokens.json`.
    fn read_added(&self) -> Result<BTreeMap<u32, AddedToken>> {
        let mut added = BTreeMap::new();
        if let Some(decoder) = self.get("added_tokens_decoder") {
            let entries = decoder.as_object().cloned().unwrap_or_default();
            for (id, token) in entries {
                let wrong = || {
                    self.config_error(format!(
                        "has an invalid added token {token} with the id `{id}`"
                    ))
                };
                let number: u32 = id.parse().map_err(|_| wrong())?;
                added.insert(number, read_added_token(&token).ok_or_else(wrong)?);
            }
            return Ok(added);
        }
        let listed: Option<BTreeMap<String, u32>> =
            read_optional_json(&self.folder, ADDED_TOKENS, "a map of tokens to ids")?;
        Ok(listed
            .unwrap_or_default()
            .into_iter()
            .map(|(token, id)| (id, AddedToken::from(token, false)))
            .collect())
    }

    /// Reads the additional special tokens, such as markers of entities, which a sentence may
    /// contain.
    fn read_additional(&self, map: &Map<String, Value>) -> Result<Vec<AddedToken>> {
        let mut tokens = Vec::new();
        for name in ["additional_special_tokens", "extra_special_tokens"] {
            let Some((listed, file)) = self
                .find_token(map, name)
                .filter(|(value, _)| !value.is_null())
            else {
                continue;
            };
            let values: Vec<&Value> = match listed {
                Value::Array(values) => values.iter().collect(),
                Value::Object(named) => named.values().collect(),
                other => vec![other],
            };
            for value in values {
                let reason = || format!("has {value} in `{name}` (expected the name of a token)");
                let content = token_name(value)
                    .ok_or_else(|| Error::format(self.folder.join(file), reason()))?;
                tokens.push(AddedToken::from(content, false).normalized(false));
            }
        }
        Ok(tokens)
    }

    /// Applies these settings to a `tokenizer.json`. Its truncation and padding are removed: long
    /// sentences are left out, and batches are padded later.
    fn apply_to_json(&self, mut file: Map<String, Value>) -> Result<Map<String, Value>> {
        file.insert("truncation".into(), Value::Null);
        file.insert("padding".into(), Value::Null);
        let normalizer = file.get_mut("normalizer").and_then(Value::as_object_mut);
        let of_bert = normalizer
            .filter(|normalizer| normalizer.get("type") == Some(&json!("BertNormalizer")));
        if let Some(normalizer) = of_bert.filter(|_| self.config.is_some() && self.is_bert()) {
            normalizer.extend(self.normalizer()?);
        }
        // additional special tokens are ordinary tokens, which a sentence may contain
        for token in file
            .get_mut("added_tokens")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let has_role = token
                .get("content")
                .and_then(Value::as_str)
                .is_some_and(|name| self.has_role(name));
            if let Some(token) = token.as_object_mut() {
                token.insert("special".into(), json!(has_role));
            }
        }
        Ok(file)
    }

    /// Makes BERT's tokenizer from the words of a `vocab.txt`, in the format of a `tokenizer.json`.
    fn entries_from_vocabulary(&self, words: Map<String, Value>) -> Result<Map<String, Value>> {
        if !self.is_bert() {
            let class = self
                .get("tokenizer_class")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let reason = format!(
                "has `tokenizer_class` {class} (with a vocab.txt, expected one of: {})",
                BERT_CLASSES.join(", ")
            );
            return Err(self.config_error(reason));
        }
        let mut normalizer = self.normalizer()?;
        normalizer.extend([
            ("type".to_owned(), json!("BertNormalizer")),
            ("clean_text".to_owned(), json!(true)),
        ]);
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": normalizer,
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": null, "decoder": null,
            "model": {
                "type": "WordPiece", "unk_token": self.special["unk_token"], "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": words,
            },
        });
        Ok(tokenizer.as_object().cloned().unwrap_or_default())
    }

    fn has_role(&self, token: &str) -> bool {
        self.special.values().any(|name| name == token)
    }

    /// Adds the added and the additional tokens to the tokenizer of `file`, and finds the special
    /// ones.
    fn finish(&self, mut tokenizer: Tokenizer, file: PathBuf) -> Result<TokenizerFiles> {
        let failed = |e| unusable_tokenizer(&file, &e);
        // only those in the file: a new one would get an id without an embedding
        let names = self
            .special
            .values()
            .filter(|name| tokenizer.token_to_id(name).is_some());
        let special: Vec<AddedToken> = names
            .map(|name| AddedToken::from(name.clone(), true))
            .collect();
        tokenizer.add_special_tokens(special).map_err(failed)?;
        self.add_listed(&mut tokenizer, &file)?;
        for token in &self.additional {
            // a token that was added with properties keeps them
            let is_there = |there: &AddedToken| there.content == token.content;
            if !tokenizer.get_added_tokens_decoder().values().any(is_there) {
                self.add(&mut tokenizer, token).map_err(failed)?;
            }
        }
        // a literal "[MASK]" in a sentence is not the mask token
        tokenizer.set_encode_special_tokens(true);
        let id = |role: &str| {
            let name = &self.special[role];
            let missing = || Error::format(&file, format!("has no token {name} (the `{role}`)"));
            tokenizer
                .token_to_id(name)
                .map(i64::from)
                .ok_or_else(missing)
        };
        let (cls, sep, mask) = (id("cls_token")?, id("sep_token")?, id("mask_token")?);
        // A tokenizer without a padding token is not supported.
        id("pad_token")?;
        check_unknown_token(&tokenizer, &file)?;
        Ok(TokenizerFiles {
            tokenizer,
            file,
            cls,
            sep,
            mask,
        })
    }

    /// Adds the tokens with given ids.
    ///
    /// Errors: `Format` if the tokenizer of `file` has another id for one of them.
    fn add_listed(&self, tokenizer: &mut Tokenizer, file: &Path) -> Result<()> {
        for (id, token) in &self.added {
            self.add(tokenizer, token)
                .map_err(|e| unusable_tokenizer(file, &e))?;
            let found = tokenizer.token_to_id(&token.content);
            if found != Some(*id) {
                let found = found.map_or_else(|| "none".to_owned(), |id| id.to_string());
                let name = &token.content;
                let reason = format!(
                    "has the id {found} for the token “{name}” (expected {id}, the id in the added tokens)"
                );
                return Err(Error::format(file, reason));
            }
        }
        Ok(())
    }

    /// Adds one token, unless it is a special token that exists already.
    fn add(&self, tokenizer: &mut Tokenizer, token: &AddedToken) -> tokenizers::Result<usize> {
        let special = self.has_role(&token.content);
        if special && tokenizer.token_to_id(&token.content).is_some() {
            return Ok(0);
        }
        tokenizer.add_tokens([AddedToken {
            special,
            ..token.clone()
        }])
    }
}

/// Returns the name of a token, which is a text or an object with its properties.
fn token_name(token: &Value) -> Option<String> {
    token
        .as_str()
        .or_else(|| token.get("content").and_then(Value::as_str))
        .map(str::to_owned)
}

/// Checks that a WordPiece model has the token for unknown words, without which it fails at the
/// first unknown word.
fn check_unknown_token(tokenizer: &Tokenizer, file: &Path) -> Result<()> {
    let ModelWrapper::WordPiece(model) = tokenizer.get_model() else {
        return Ok(());
    };
    match tokenizer.token_to_id(&model.unk_token) {
        Some(_) => Ok(()),
        None => Err(Error::format(
            file,
            format!("has no token {} (the `unk_token`)", model.unk_token),
        )),
    }
}

/// Reads a `vocab.txt`. The id of a token is its line number from 0, the last one if it is listed
/// twice. A byte order mark and CRLF are not part of a token.
///
/// Errors: `Io`; `Format` for a Git LFS pointer; `Line` for bytes that are not UTF-8.
fn read_vocabulary(path: &Path) -> Result<Map<String, Value>> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    if git_lfs::is_pointer(&bytes) {
        return Err(Error::format(path, git_lfs::REASON));
    }
    let text = str::from_utf8(&bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Error::Line {
            path: path.to_owned(),
            line,
            reason: "is not UTF-8".into(),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text
        .lines()
        .zip(0u32..)
        .map(|(word, id)| (word.to_owned(), json!(id)))
        .collect())
}

/// Reads an added token of `tokenizer_config.json`.
fn read_added_token(token: &Value) -> Option<AddedToken> {
    let flag = |name: &str| token.get(name).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(false);
    Some(AddedToken {
        content: token_name(token)?,
        single_word: flag("single_word").unwrap_or(false),
        lstrip: flag("lstrip").unwrap_or(false),
        rstrip: flag("rstrip").unwrap_or(false),
        normalized: flag("normalized").unwrap_or(!special),
        special,
    })
}

fn read_optional_json<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    what: &str,
) -> Result<Option<T>> {
    let path = folder.join(name);
    if path.is_file() {
        read_json(&path, what).map(Some)
    } else {
        Ok(None)
    }
}

fn unusable_tokenizer(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::format(path, format!("is not a usable tokenizer ({reason})"))
}
