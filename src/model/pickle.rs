//! What a pickle written by `torch.save` holds: tensors by name, as views of storages.
//!
//! Values live in one arena and point to each other by place: shared and cyclic values cost nothing special.
//! Source: `torch/serialization.py`, `torch/_utils.py`.

use tch::Kind;

use super::unpickle;

/// A value's place in the arena.
pub(super) type Place = usize;

/// What a pickle may hold. Numbers beyond 128 bits are refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A tuple, a list or a set.
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    /// A known name that is called later: a class or a rebuilding function.
    Global(Global),
    Storage(Storage),
    Tensor(Layout),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

/// A flat array of numbers that tensors are views of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Storage {
    pub kind: Kind,
    /// Names its bytes in the file.
    pub key: String,
    /// Where it starts within those bytes, in elements (only old files have views of storages).
    pub start: i64,
    /// Elements.
    pub length: i64,
}

/// A tensor as a view of a storage; offset and strides in elements.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub storage: Storage,
    pub offset: i64,
    pub size: Vec<i64>,
    pub stride: Vec<i64>,
}

impl Layout {
    /// Whether every element lies inside the storage.
    pub fn fits(&self) -> bool {
        let natural = self.offset >= 0 && self.size.iter().chain(&self.stride).all(|&n| n >= 0);
        if !natural || self.size.len() != self.stride.len() {
            return false;
        }
        if self.size.contains(&0) {
            return true;
        }
        let reach = self.size.iter().zip(&self.stride).try_fold(self.offset, |last, (&size, &stride)| {
            (size - 1).checked_mul(stride).and_then(|step| last.checked_add(step))
        });
        reach.is_some_and(|last| last < self.storage.length)
    }
}

/// One finished pickle.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Place,
    /// Bytes read, to find what follows it.
    pub length: usize,
}

/// Deeper nesting than any checkpoint has; it also ends a cycle.
const DEPTH: usize = 16;

impl Pickle {
    /// Runs the program at the front of `bytes`. The error is a clause: "is cut short", "names … ".
    pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
        let (values, root, length) = unpickle::run(bytes)?;
        Ok(Pickle { values, root, length })
    }

    pub fn root(&self) -> &Value {
        &self.values[self.root]
    }

    /// The root's items, where it is a list or tuple of texts.
    pub fn texts(&self) -> Option<Vec<&str>> {
        let Value::List(items) = self.root() else { return None };
        items.iter().map(|&place| self.text(place)).collect()
    }

    fn text(&self, place: Place) -> Option<&str> {
        match &self.values[place] {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the root, a dict, has under `key`.
    pub fn entry(&self, key: &str) -> Option<&Value> {
        self.member(self.root, key).map(|place| &self.values[place])
    }

    fn member(&self, dict: Place, key: &str) -> Option<Place> {
        let Value::Dict(items) = &self.values[dict] else { return None };
        items.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|&(_, value)| value)
    }

    /// Every tensor with its name; nested dicts are joined by '.'. A checkpoint that keeps its parameters
    /// under `state_dict` or `model` beside other things gives those parameters alone.
    pub fn tensors(&self) -> Vec<(String, &Layout)> {
        let is_dict = |&place: &Place| matches!(self.values[place], Value::Dict(_));
        let inner = ["state_dict", "model_state_dict", "model"]
            .into_iter()
            .find_map(|key| self.member(self.root, key).filter(is_dict));
        let mut found = Vec::new();
        self.collect(inner.unwrap_or(self.root), "", 0, &mut found);
        found
    }

    /// Every storage that the pickle speaks of, those of tensors that are not parameters too.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    fn collect<'a>(&'a self, place: Place, name: &str, depth: usize, found: &mut Vec<(String, &'a Layout)>) {
        match &self.values[place] {
            Value::Tensor(layout) => found.push((name.to_owned(), layout)),
            Value::Dict(items) if depth < DEPTH => {
                for &(key, value) in items {
                    let key = match &self.values[key] {
                        Value::Text(text) => text.clone(),
                        Value::Int(number) => number.to_string(),
                        _ => continue,
                    };
                    let joined = if name.is_empty() { key } else { format!("{name}.{key}") };
                    self.collect(value, &joined, depth + 1, found);
                }
            }
            _ => {}
        }
    }
}

/// The names that a file of tensors needs; everything else is refused.
pub(super) fn known(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch", "Size") => Global::Size,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("torch.storage", "UntypedStorage") => Global::Storage(Kind::Uint8),
        ("torch" | "torch.cuda", storage) => Global::Storage(match storage.strip_suffix("Storage")? {
            "Float" => Kind::Float,
            "Half" => Kind::Half,
            "BFloat16" => Kind::BFloat16,
            "Double" => Kind::Double,
            "Long" => Kind::Int64,
            "Int" => Kind::Int,
            "Short" => Kind::Int16,
            "Char" => Kind::Int8,
            "Byte" => Kind::Uint8,
            "Bool" => Kind::Bool,
            _ => return None,
        }),
        _ => return None,
    })
}
