//! Names of parameters in checkpoints and encoder files, and copying of parameters.

use tch::Tensor;
use tch::nn::VarStore;

use crate::error::{Error, Result};
use crate::model::network_config::TRAINED_BERT_LAYERS;
use crate::model::weights::Weights;

/// Fills every `bert.` variable of the store from the weights of an encoder.
pub fn load_encoder(store: &VarStore, encoder: &Weights) -> Result<()> {
    for (name, mut variable) in store.variables() {
        if name.starts_with("bert.") {
            let value = encoder.expect(&encoder_name(encoder, &name), &variable.size())?;
            copy_parameter(&name, &mut variable, &value)?;
        }
    }
    Ok(())
}

/// Takes the parameter `bert.x` or `bert_m.x` from the weights of an encoder ([`encoder_name`]).
pub(super) fn encoder_parameter(encoder: &Weights, name: &str) -> Result<Tensor> {
    encoder.get(&encoder_name(encoder, name))
}

/// Returns the name of the parameter `bert.x`, `bert_m.x` or `x` in the file of an encoder: with or
/// without the prefix, and a layer norm's by its old or its new name. Returns `x` if the file has
/// none of these names.
pub(super) fn encoder_name(encoder: &Weights, name: &str) -> String {
    let bare = name
        .trim_start_matches("bert_m.")
        .trim_start_matches("bert.");
    let old = bare
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta");
    let names = [
        bare.to_owned(),
        format!("bert.{bare}"),
        old.clone(),
        format!("bert.{old}"),
    ];
    names
        .into_iter()
        .find(|name| encoder.has(name))
        .unwrap_or_else(|| bare.to_owned())
}

/// Returns whether a parameter is part of published checkpoints, but never used by the network.
pub(super) fn is_unused(name: &str) -> bool {
    name.starts_with("bert.pooler.") || name.starts_with("bert_m.pooler.")
}

/// Copies a parameter.
///
/// Errors: `Mismatch` for a different shape.
pub fn copy_parameter(name: &str, variable: &mut Tensor, value: &Tensor) -> Result<()> {
    if variable.size() != value.size() {
        return Err(Error::Mismatch(format!(
            "parameter `{name}` has the shape {:?} (expected {:?}): the weights are of another \
             model or vocabulary",
            value.size(),
            variable.size()
        )));
    }
    tch::no_grad(|| variable.f_copy_(value))?;
    Ok(())
}

/// Returns whether a parameter belongs to the layers of BERT that are never trained. `bert_layers`
/// is the number of all layers of BERT.
pub fn is_frozen(name: &str, bert_layers: i64) -> bool {
    let in_bert = name
        .strip_prefix("bert.")
        .or_else(|| name.strip_prefix("bert_m."));
    let Some(parameter) = in_bert else {
        return false;
    };
    let layer = parameter
        .strip_prefix("encoder.layer.")
        .and_then(|rest| rest.split('.').next())
        .and_then(|number| number.parse::<i64>().ok());
    layer.is_none_or(|layer| layer < bert_layers - TRAINED_BERT_LAYERS as i64)
}
