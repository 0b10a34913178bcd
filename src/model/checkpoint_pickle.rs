//! Interprets a pickle of `torch.save`: tensors by name, as views of storages.
//!
//! Only the few classes and functions that a file of tensors needs are supported; any other is
//! refused. Source: `torch/serialization.py`, `torch/_utils.py`.

use std::collections::HashSet;

use tch::Kind;

use crate::pickle;
use crate::pickle::{Call, DAMAGED, ValueIndex};

const HINT: &str = "save only the parameters: torch.save(model.state_dict(), FILE)";

/// A value of a pickle of `torch.save`, with the same index as in [`pickle::Pickle::values`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CheckpointValue {
    Bool(bool),
    Int(i128),
    Text(String),
    /// A tuple, a list or a set.
    List(Vec<ValueIndex>),
    Dict(Vec<(ValueIndex, ValueIndex)>),
    /// A supported class or function, which is called later.
    Global(Global),
    Storage(Storage),
    Tensor(TensorView),
    /// Any other value, which is not part of the parameters.
    Other,
}

/// A supported class or function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
    /// A part of a numpy number or array, such as a saved metric. The result is ignored.
    Numpy,
}

/// A flat array of numbers. Tensors are views of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Storage {
    pub kind: Kind,
    /// The key of its bytes in the file.
    pub key: String,
    /// The start in these bytes, in elements. It is 0 except in legacy files.
    pub start: i64,
    /// The number of elements.
    pub length: i64,
}

impl Storage {
    /// Returns the number of bytes that it needs, or `None` for an invalid length.
    pub fn bytes(&self) -> Option<u64> {
        let end = u64::try_from(self.start.checked_add(self.length)?).ok()?;
        end.checked_mul(self.kind.elt_size_in_bytes() as u64)
    }
}

/// A tensor as a view of a storage. Offset and strides are in elements.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorView {
    pub storage: Storage,
    pub offset: i64,
    pub size: Vec<i64>,
    pub stride: Vec<i64>,
}

impl TensorView {
    /// Returns whether every element is inside the storage.
    pub fn fits(&self) -> bool {
        let is_natural = self.offset >= 0 && self.size.iter().chain(&self.stride).all(|&n| n >= 0);
        if !is_natural || self.size.len() != self.stride.len() {
            return false;
        }
        if self.size.contains(&0) {
            return true;
        }
        let last_element =
            self.size
                .iter()
                .zip(&self.stride)
                .try_fold(self.offset, |last, (&size, &stride)| {
                    (size - 1)
                        .checked_mul(stride)
                        .and_then(|step| last.checked_add(step))
                });
        last_element.is_some_and(|last| last < self.storage.length)
    }
}

/// An interpreted pickle.
pub(super) struct CheckpointPickle {
    values: Vec<CheckpointValue>,
    root: ValueIndex,
    /// The number of bytes read. Other data may follow.
    pub length: usize,
}

/// The keys under which training loops save the parameters. The first that exists is used.
const PARAMETER_KEYS: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Parts of the keys under which training loops save their own state.
const TRAINING_STATE: [&str; 7] = [
    "optim",
    "sched",
    "scaler",
    "rng",
    "random_state",
    "callbacks",
    "loops",
];
/// The maximum number of values in nested dicts. Dicts with shared values could have more than fit
/// in memory.
const MAX_VISITS: usize = 1 << 20;
/// The maximum depth of nested dicts, more than any checkpoint has. It also ends a cycle.
const MAX_DEPTH: usize = 16;

impl CheckpointPickle {
    /// Reads the pickle at the start of `bytes`. The error follows the file's name: "is cut short".
    pub fn read(bytes: &[u8]) -> Result<CheckpointPickle, String> {
        let plain = pickle::Pickle::read(bytes)?;
        let mut values = ValueBuilder(Vec::with_capacity(plain.values.len()));
        for value in plain.values {
            values.add(value)?;
        }
        Ok(CheckpointPickle {
            values: values.0,
            root: plain.root,
            length: plain.length,
        })
    }

    /// Returns the pickled value.
    pub fn root(&self) -> &CheckpointValue {
        &self.values[self.root]
    }

    /// Returns the items of the root if it is a list or tuple of texts.
    pub fn texts(&self) -> Option<Vec<&str>> {
        let CheckpointValue::List(items) = self.root() else {
            return None;
        };
        items.iter().map(|&index| self.text(index)).collect()
    }

    fn text(&self, index: ValueIndex) -> Option<&str> {
        match &self.values[index] {
            CheckpointValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of `key` in the root if it is a dict.
    pub fn entry(&self, key: &str) -> Option<&CheckpointValue> {
        self.member(self.root, key).map(|index| &self.values[index])
    }

    fn member(&self, dict: ValueIndex, key: &str) -> Option<ValueIndex> {
        let CheckpointValue::Dict(items) = &self.values[dict] else {
            return None;
        };
        items
            .iter()
            .rev()
            .find(|(name, _)| self.text(*name) == Some(key))
            .map(|&(_, value)| value)
    }

    /// Returns the parameters with their names. The keys of nested dicts are joined by '.'. If a
    /// checkpoint has its parameters under `state_dict` or `model`, only these are returned.
    ///
    /// The error follows the file's name: "has several state dicts …".
    pub fn parameters(&self) -> Result<Parameters<'_>, String> {
        let sections = self.sections()?;
        let has_tensors = |key: &str| {
            sections
                .iter()
                .any(|section| section.key == key && !section.tensors.is_empty())
        };
        let Some(chosen) = PARAMETER_KEYS.into_iter().find(|key| has_tensors(key)) else {
            return Ok(Parameters {
                tensors: self.tensors(self.root)?,
                other_parts: Vec::new(),
            });
        };
        let (chosen, others): (Vec<Section>, Vec<Section>) =
            sections.into_iter().partition(|s| s.key == chosen);
        let Some(chosen) = chosen.into_iter().next() else {
            return Err("has no tensors".into());
        };
        let names: HashSet<&str> = chosen
            .tensors
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let mut other_parts = Vec::new();
        for other in others
            .iter()
            .filter(|other| other.count > 0 && !is_training_state(&other.key))
        {
            if let Some(copy) = other.find_copy_of(&names) {
                return Err(several_state_dicts(&[&chosen.key, &copy]));
            }
            other_parts.push((other.key.clone(), other.count));
        }
        Ok(Parameters {
            tensors: chosen.tensors,
            other_parts,
        })
    }

    /// Returns the sections of the root, one per key, if it is a dict.
    fn sections(&self) -> Result<Vec<Section<'_>>, String> {
        let CheckpointValue::Dict(items) = self.root() else {
            return Ok(Vec::new());
        };
        let mut sections = Vec::new();
        for &(key, value) in items {
            let Some(key) = self.text(key) else { continue };
            let tensors = match self.values[value] {
                CheckpointValue::Dict(_) => self.tensors(value)?,
                _ => Vec::new(),
            };
            sections.push(Section {
                key: key.to_owned(),
                count: self.count(value),
                tensors,
            });
        }
        Ok(sections)
    }

    /// Counts the distinct tensors in a value, at any depth.
    fn count(&self, index: ValueIndex) -> usize {
        let (mut seen, mut open, mut count) = (HashSet::from([index]), vec![index], 0);
        while let Some(index) = open.pop() {
            let children: Vec<ValueIndex> = match &self.values[index] {
                CheckpointValue::Tensor(_) => {
                    count += 1;
                    continue;
                }
                CheckpointValue::List(items) => items.clone(),
                CheckpointValue::Dict(items) => items.iter().map(|&(_, value)| value).collect(),
                _ => continue,
            };
            open.extend(children.into_iter().filter(|&index| seen.insert(index)));
        }
        count
    }

    fn tensors(&self, index: ValueIndex) -> Result<Vec<(String, &TensorView)>, String> {
        let mut found = CollectedTensors {
            tensors: Vec::new(),
            visits: 0,
        };
        self.collect(index, "", 0, &mut found)?;
        Ok(found.tensors)
    }

    /// Returns every storage in the pickle, including those of tensors that are not parameters.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.values.iter().filter_map(|value| match value {
            CheckpointValue::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    fn collect<'a>(
        &'a self,
        index: ValueIndex,
        name: &str,
        depth: usize,
        found: &mut CollectedTensors<'a>,
    ) -> Result<(), String> {
        found.visits += 1;
        if found.visits > MAX_VISITS {
            return Err(format!("has more than {MAX_VISITS} values in nested dicts"));
        }
        match &self.values[index] {
            CheckpointValue::Tensor(layout) => found.tensors.push((name.to_owned(), layout)),
            CheckpointValue::Dict(items) if depth < MAX_DEPTH => {
                for &(key, value) in items {
                    let key = match &self.values[key] {
                        CheckpointValue::Text(text) => text.clone(),
                        CheckpointValue::Int(number) => number.to_string(),
                        _ => continue,
                    };
                    let joined = if name.is_empty() {
                        key
                    } else {
                        format!("{name}.{key}")
                    };
                    self.collect(value, &joined, depth + 1, found)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The values that were interpreted so far. A call comes after its arguments.
struct ValueBuilder(Vec<CheckpointValue>);

impl ValueBuilder {
    fn add(&mut self, value: pickle::Value) -> Result<(), String> {
        let value = match value {
            pickle::Value::Bool(value) => CheckpointValue::Bool(value),
            pickle::Value::Int(number) => CheckpointValue::Int(number),
            pickle::Value::Text(text) => CheckpointValue::Text(text),
            pickle::Value::List(items) => CheckpointValue::List(items),
            pickle::Value::Dict(items) => CheckpointValue::Dict(items),
            pickle::Value::Global { module, name } => {
                CheckpointValue::Global(known_global(&module, &name).ok_or_else(|| {
                    format!("uses {module}.{name}, which is not loaded from a weight file; {HINT}")
                })?)
            }
            pickle::Value::Call(call) => self.result(call)?,
            pickle::Value::Persistent(description) => {
                CheckpointValue::Storage(self.storage(description)?)
            }
            pickle::Value::None | pickle::Value::Float(_) | pickle::Value::Bytes(_) => {
                CheckpointValue::Other
            }
        };
        self.0.push(value);
        Ok(())
    }

    /// Returns a value that was interpreted before.
    fn get(&self, index: ValueIndex) -> Result<&CheckpointValue, String> {
        self.0.get(index).ok_or_else(|| DAMAGED.into())
    }

    fn result(&self, call: Call) -> Result<CheckpointValue, String> {
        let CheckpointValue::Global(callee) = self.get(call.callee)? else {
            return Err(DAMAGED.into());
        };
        Ok(match (callee, call.arguments.as_slice()) {
            (Global::Numpy, _) => CheckpointValue::Other,
            (Global::OrderedDict, []) => CheckpointValue::Dict(call.pairs),
            (Global::OrderedDict, &[items]) => {
                CheckpointValue::Dict([self.listed_pairs(items)?, call.pairs].concat())
            }
            (Global::Size, &[sizes]) => self.get(sizes)?.clone(),
            (Global::RebuildParameter, &[tensor, ..]) => self.get(tensor)?.clone(),
            (Global::RebuildTensor, &[storage, offset, size, stride, ..]) => {
                CheckpointValue::Tensor(self.tensor(storage, offset, size, stride)?)
            }
            _ => return Err(DAMAGED.into()),
        })
    }

    fn listed_pairs(&self, index: ValueIndex) -> Result<Vec<(ValueIndex, ValueIndex)>, String> {
        let CheckpointValue::List(items) = self.get(index)? else {
            return Err(DAMAGED.into());
        };
        let pair = |&item: &ValueIndex| match self.get(item)? {
            CheckpointValue::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err(DAMAGED.to_owned()),
        };
        items.iter().map(pair).collect()
    }

    fn tensor(
        &self,
        storage: ValueIndex,
        offset: ValueIndex,
        size: ValueIndex,
        stride: ValueIndex,
    ) -> Result<TensorView, String> {
        let CheckpointValue::Storage(storage) = self.get(storage)? else {
            return Err(DAMAGED.into());
        };
        let layout = TensorView {
            storage: storage.clone(),
            offset: self.number(offset)?,
            size: self.numbers(size)?,
            stride: self.numbers(stride)?,
        };
        if !layout.fits() {
            return Err(format!(
                "is damaged: a tensor of size {:?} exceeds its storage",
                layout.size
            ));
        }
        Ok(layout)
    }

    /// Parses the description of a storage: `("storage", type, key, device, elements[, view])` with
    /// view = `(key, offset, elements)` or None.
    fn storage(&self, description: ValueIndex) -> Result<Storage, String> {
        let CheckpointValue::List(parts) = self.get(description)? else {
            return Err(DAMAGED.into());
        };
        let [tag, kind, key, _device, length, view @ ..] = parts.as_slice() else {
            return Err(DAMAGED.into());
        };
        let (
            CheckpointValue::Text(tag),
            CheckpointValue::Global(Global::Storage(kind)),
            CheckpointValue::Text(key),
        ) = (self.get(*tag)?, self.get(*kind)?, self.get(*key)?)
        else {
            return Err(DAMAGED.into());
        };
        if tag != "storage" {
            return Err(DAMAGED.into());
        }
        let mut storage = Storage {
            kind: *kind,
            key: key.clone(),
            start: 0,
            length: self.number(*length)?,
        };
        let view = view.first().map(|&index| self.get(index)).transpose()?;
        if let Some(CheckpointValue::List(view)) = view {
            let &[_, start, length] = view.as_slice() else {
                return Err(DAMAGED.into());
            };
            (storage.start, storage.length) = (self.number(start)?, self.number(length)?);
        }
        Ok(storage)
    }

    fn number(&self, index: ValueIndex) -> Result<i64, String> {
        match self.get(index)? {
            CheckpointValue::Int(number) => i64::try_from(*number).map_err(|_| DAMAGED.into()),
            _ => Err(DAMAGED.into()),
        }
    }

    fn numbers(&self, index: ValueIndex) -> Result<Vec<i64>, String> {
        match self.get(index)? {
            CheckpointValue::List(items) => items.iter().map(|&item| self.number(item)).collect(),
            _ => Err(DAMAGED.into()),
        }
    }
}

/// The tensors that [`CheckpointPickle::collect`] has found so far.
struct CollectedTensors<'a> {
    tensors: Vec<(String, &'a TensorView)>,
    visits: usize,
}

/// The parameters of a checkpoint.
pub(super) struct Parameters<'a> {
    pub tensors: Vec<(String, &'a TensorView)>,
    /// The other keys except those of a training state, with the number of tensors of each.
    pub other_parts: Vec<(String, usize)>,
}

/// The part of a checkpoint with one key.
struct Section<'a> {
    key: String,
    tensors: Vec<(String, &'a TensorView)>,
    /// The number of its tensors, including those in lists.
    count: usize,
}

impl Section<'_> {
    /// Returns the path in this section with parameters of the same names, such as those of a
    /// moving average: "ema.shadow".
    fn find_copy_of(&self, names: &HashSet<&str>) -> Option<String> {
        self.tensors.iter().find_map(|(name, _)| {
            let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
            let start = starts
                .into_iter()
                .find(|&start| names.contains(&name[start..]))?;
            Some(
                format!("{}.{}", self.key, &name[..start])
                    .trim_end_matches('.')
                    .to_owned(),
            )
        })
    }
}

/// Returns whether a key of a checkpoint is that of a training loop's state.
pub(super) fn is_training_state(key: &str) -> bool {
    TRAINING_STATE
        .iter()
        .any(|part| key.to_ascii_lowercase().contains(part))
}

/// Returns the error for a checkpoint with several state dicts, under these keys.
pub(super) fn several_state_dicts(keys: &[&str]) -> String {
    let listed: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    format!(
        "has several state dicts, under {}; save one of them to a separate file: torch.save(…, FILE)",
        listed.join(" and ")
    )
}

/// Returns the class or function of this name if it is supported.
pub(super) fn known_global(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch", "Size") => Global::Size,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct") => {
            Global::Numpy
        }
        ("numpy", "dtype" | "ndarray") | ("_codecs", "encode") => Global::Numpy,
        ("torch.storage", "UntypedStorage") => Global::Storage(Kind::Uint8),
        ("torch" | "torch.cuda", storage) => {
            Global::Storage(match storage.strip_suffix("Storage")? {
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
            })
        }
        _ => return None,
    })
}
