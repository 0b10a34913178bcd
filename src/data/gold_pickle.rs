//! The classes of `eid2cls.pkl`, the published pickle: a dict from entity id to one or several
//! class names.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::class::Class;
use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::git_lfs;
use crate::pickle::{Call, Pickle, Value, ValueIndex};
use crate::types::EntityId;

/// Reads the classes of the pickle. A pickle that cannot be read is reported and gives no classes,
/// since a data set can be explored without gold.
///
/// Errors: `Io`.
pub(super) fn read_gold_pickle(
    path: &Path,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Class>> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let pickle = match parse_gold_pickle(&bytes) {
        Ok(pickle) => pickle,
        Err(reason) => {
            diagnostics.report(kind::BAD_PICKLE, path, None, || reason);
            return Ok(Vec::new());
        }
    };
    let Some(items) = dict_items(&pickle) else {
        diagnostics.report(kind::BAD_PICKLE, path, None, || {
            "is not a dict from entity id to class names".into()
        });
        return Ok(Vec::new());
    };
    let mut members: BTreeMap<String, Vec<EntityId>> = BTreeMap::new();
    for &(key, value) in items {
        let Some(entity) = read_entity(&pickle.values[key], path, vocabulary, diagnostics) else {
            continue;
        };
        let Some(names) = class_names(&pickle, value) else {
            diagnostics.report(kind::BAD_GOLD, path, None, || {
                format!("entity {entity} has no class names")
            });
            continue;
        };
        for name in names {
            members.entry(name.to_owned()).or_default().push(entity);
        }
    }
    let mut classes = Vec::new();
    for (name, members) in members {
        classes.push(Class {
            members,
            ..Class::named(name)
        });
    }
    Ok(classes)
}

/// Parses a pickle. The error follows the file's name.
fn parse_gold_pickle(bytes: &[u8]) -> std::result::Result<Pickle, String> {
    if git_lfs::is_pointer(bytes) {
        return Err(git_lfs::REASON.into());
    }
    Pickle::read(bytes)
}

/// Returns the entity of a key, or `None` if it is not in the vocabulary, which is reported.
fn read_entity(
    key: &Value,
    path: &Path,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<EntityId> {
    let key = match key {
        Value::Int(id) => id.to_string(),
        Value::Text(id) => id.clone(),
        _ => {
            diagnostics.report(kind::BAD_GOLD, path, None, || {
                "a key is not an entity id".into()
            });
            return None;
        }
    };
    let id = key.parse().ok().map(EntityId);
    let entity = id.filter(|id| vocabulary.contains(*id));
    if entity.is_none() {
        diagnostics.report(kind::UNKNOWN_GOLD, path, None, || {
            format!("entity {key} is not in entity2id.txt")
        });
    }
    entity
}

/// Returns the items of the pickled dict, which may be an `OrderedDict` or a `defaultdict`.
fn dict_items(pickle: &Pickle) -> Option<&[(ValueIndex, ValueIndex)]> {
    match &pickle.values[pickle.root] {
        Value::Dict(items) => Some(items),
        Value::Call(call) => {
            let (module, name) = callee(pickle, call)?;
            let is_dict = module == "collections" && matches!(name, "OrderedDict" | "defaultdict");
            is_dict.then_some(&call.pairs)
        }
        _ => None,
    }
}

/// Returns the class names of a value: one name, or those of a list, a tuple or a set.
fn class_names(pickle: &Pickle, value: ValueIndex) -> Option<Vec<&str>> {
    match &pickle.values[value] {
        Value::Text(name) => Some(vec![name]),
        Value::List(items) => texts(pickle, items),
        // `set([…])`, in the pickles of older protocols
        Value::Call(call) => {
            let (module, name) = callee(pickle, call)?;
            let is_set =
                matches!(module, "builtins" | "__builtin__") && matches!(name, "set" | "frozenset");
            let &[items] = call.arguments.as_slice() else {
                return None;
            };
            match &pickle.values[items] {
                Value::List(items) if is_set => texts(pickle, items),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns the module and the name of a called class.
fn callee<'a>(pickle: &'a Pickle, call: &Call) -> Option<(&'a str, &'a str)> {
    match &pickle.values[call.callee] {
        Value::Global { module, name } => Some((module, name)),
        _ => None,
    }
}

/// Returns the texts of these values, or `None` if one is not a text.
fn texts<'a>(pickle: &'a Pickle, items: &[ValueIndex]) -> Option<Vec<&'a str>> {
    let text = |item: &ValueIndex| match &pickle.values[*item] {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    };
    items.iter().map(text).collect()
}
