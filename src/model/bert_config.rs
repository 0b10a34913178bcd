//! Reads the `config.json` of a text encoder in Hugging Face's format. Unsupported settings are
//! refused, since they would change the results.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::model::network_config::NetworkConfig;
use crate::text_file::read_json;

/// The required sizes. The epsilon has the default of `BertConfig`.
#[derive(Deserialize)]
struct BertSizes {
    hidden_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    intermediate_size: i64,
    vocab_size: i64,
    max_position_embeddings: i64,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f64,
}

fn layer_norm_eps() -> f64 {
    1e-12
}

/// Returns the settings that change the computation of a BERT, with the only supported value of
/// each. A file may leave them out.
fn supported_settings() -> [(&'static str, Value); 8] {
    [
        ("model_type", json!("bert")),
        ("hidden_act", json!("gelu")),
        ("position_embedding_type", json!("absolute")),
        ("type_vocab_size", json!(2)),
        ("is_decoder", json!(false)),
        ("add_cross_attention", json!(false)),
        ("pruned_heads", json!({})),
        ("quantization_config", Value::Null),
    ]
}

/// Reads the sizes of a BERT from its `config.json`. Sizes that are not part of it are those of the
/// paper.
///
/// Errors: `Missing`; `Io`; `Format` for another kind of model, an unsupported setting or invalid
/// sizes.
pub fn read_bert_config(path: &Path) -> Result<NetworkConfig> {
    if !path.is_file() {
        let hint =
            "the folder of a text encoder has config.json, tokenizer.json or vocab.txt, and weights"
                .into();
        return Err(Error::Missing {
            what: "BERT configuration",
            path: path.to_owned(),
            hint,
        });
    }
    let settings: Map<String, Value> = read_json(path, "a BERT configuration")?;
    for (name, expected) in supported_settings() {
        match settings.get(name) {
            None | Some(Value::Null) => {}
            Some(found) if *found == expected => {}
            Some(found) => {
                let expected = if expected.is_null() {
                    "none".to_owned()
                } else {
                    expected.to_string()
                };
                let reason = format!("has `{name}` {found} (only {expected} is supported)");
                return Err(Error::format(path, reason));
            }
        }
    }
    let sizes: BertSizes = serde_json::from_value(Value::Object(settings))
        .map_err(|e| Error::format(path, format!("is not a BERT configuration: {e}")))?;
    let config = NetworkConfig {
        hidden: sizes.hidden_size,
        bert_layers: sizes.num_hidden_layers,
        heads: sizes.num_attention_heads,
        feed_forward: sizes.intermediate_size,
        token_vocabulary: sizes.vocab_size,
        max_positions: sizes.max_position_embeddings,
        layer_norm_eps_bert: sizes.layer_norm_eps,
        entities: 1, // not known yet, and must be valid
        ..NetworkConfig::default()
    };
    config
        .validate()
        .map_err(|reason| Error::format(path, format!("has invalid sizes: {reason}")))?;
    Ok(NetworkConfig {
        entities: NetworkConfig::default().entities,
        ..config
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"{"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16,
        "vocab_size": 32, "max_position_embeddings": 160}"#;

    fn with(changes: &str) -> std::result::Result<NetworkConfig, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut settings: Map<String, Value> = serde_json::from_str(TINY).unwrap();
        settings.extend(serde_json::from_str::<Map<String, Value>>(changes).unwrap());
        settings.retain(|_, value| *value != json!("left out"));
        std::fs::write(file.path(), Value::Object(settings).to_string()).unwrap();
        read_bert_config(file.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn sizes_are_read_and_supported_settings_are_accepted() {
        let plain = with("{}").unwrap();
        assert_eq!(
            (
                plain.hidden,
                plain.heads,
                plain.max_positions,
                plain.layer_norm_eps_bert
            ),
            (8, 2, 160, 1e-12)
        );
        let usual = r#"{"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute",
            "type_vocab_size": 2, "is_decoder": false, "pruned_heads": {}, "pad_token_id": 0, "use_cache": true,
            "hidden_dropout_prob": 0.1, "quantization_config": null}"#;
        assert_eq!(with(usual).unwrap(), plain);
        assert_eq!(
            with(r#"{"layer_norm_eps": 1e-5}"#)
                .unwrap()
                .layer_norm_eps_bert,
            1e-5
        );
    }

    #[test]
    fn unsupported_settings_are_refused() {
        for (changes, expected) in [
            (
                r#"{"position_embedding_type": "relative_key"}"#,
                r#"`position_embedding_type` "relative_key" (only "absolute" is supported)"#,
            ),
            (
                r#"{"position_embedding_type": "relative_key_query"}"#,
                "`position_embedding_type`",
            ),
            (
                r#"{"model_type": "roberta"}"#,
                r#"`model_type` "roberta" (only "bert" is supported)"#,
            ),
            (r#"{"model_type": "distilbert"}"#, "`model_type`"),
            (r#"{"hidden_act": "relu"}"#, "`hidden_act`"),
            (r#"{"hidden_act": "gelu_new"}"#, "`hidden_act`"),
            (
                r#"{"is_decoder": true}"#,
                "`is_decoder` true (only false is supported)",
            ),
            (r#"{"add_cross_attention": true}"#, "`add_cross_attention`"),
            (
                r#"{"type_vocab_size": 1}"#,
                "`type_vocab_size` 1 (only 2 is supported)",
            ),
            (r#"{"pruned_heads": {"0": [1]}}"#, "`pruned_heads`"),
            (
                r#"{"quantization_config": {"load_in_8bit": true}}"#,
                "(only none is supported)",
            ),
            (
                r#"{"num_attention_heads": 3}"#,
                "the width 8 is not divisible by the 3 heads",
            ),
            (
                r#"{"num_attention_heads": 0}"#,
                "heads is 0 (expected at least 1)",
            ),
            (r#"{"num_hidden_layers": 0}"#, "bert_layers is 0"),
            (r#"{"vocab_size": 0}"#, "token_vocabulary is 0"),
            (r#"{"max_position_embeddings": -1}"#, "max_positions is -1"),
            (r#"{"layer_norm_eps": -1.0}"#, "layer_norm_eps_bert"),
            (
                r#"{"hidden_size": "left out"}"#,
                "missing field `hidden_size`",
            ),
        ] {
            let error = with(changes).unwrap_err();
            assert!(error.contains(expected), "{changes}: {error}");
        }
    }
}
