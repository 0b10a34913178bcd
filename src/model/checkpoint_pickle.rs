//! What a pickle written by `torch.save` holds: tensors by name, as views of storages.
//!
//! Of the names that a pickle may call, only the few are known that a file of tensors needs; any
//! other is refused. Source: `torch/serialization.py`, `torch/_utils.py`.

use std::collections::HashSet;

use tch::Kind;

use crate::pickle;
use crate::pickle::{Call, DAMAGED, ValueIndex};

const HINT: &str = "save the parameters alone: torch.save(model.state_dict(), FILE)";

/// A value of a pickle of `torch.save`, in an arena with the places of [`pickle::Pickle::values`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CheckpointValue {
    Bool(bool),
    Int(i128),
    Text(String),
    /// A tuple, a list or a set.
    List(Vec<ValueIndex>),
    Dict(Vec<(ValueIndex, ValueIndex)>),
    /// A known name that is called later: a class or a rebuilding function.
    Global(Global),
    Storage(Storage),
    Tensor(TensorView),
    /// Anything else: it has no part in parameters.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
    /// A part of a numpy number or array, such as a metric beside the parameters. What is made of
    /// it is passed over.
    Numpy,
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

impl Storage {
    /// Returns how many of the file's bytes it needs; `None` for lengths that cannot be.
    pub fn bytes(&self) -> Option<u64> {
        let end = u64::try_from(self.start.checked_add(self.length)?).ok()?;
        end.checked_mul(self.kind.elt_size_in_bytes() as u64)
    }
}

/// A tensor as a view of a storage; offset and strides in elements.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorView {
    pub storage: Storage,
    pub offset: i64,
    pub size: Vec<i64>,
    pub stride: Vec<i64>,
}

impl TensorView {
    /// Whether every element lies inside the storage.
    pub fn fits(&self) -> bool {
        let natural = self.offset >= 0 && self.size.iter().chain(&self.stride).all(|&n| n >= 0);
        if !natural || self.size.len() != self.stride.len() {
            return false;
        }
        if self.size.contains(&0) {
            return true;
        }
        let reach =
            self.size
                .iter()
                .zip(&self.stride)
                .try_fold(self.offset, |last, (&size, &stride)| {
                    (size - 1)
                        .checked_mul(stride)
                        .and_then(|step| last.checked_add(step))
                });
        reach.is_some_and(|last| last < self.storage.length)
    }
}

/// One finished pickle.
pub(super) struct CheckpointPickle {
    values: Vec<CheckpointValue>,
    root: ValueIndex,
    /// Bytes read, to find what follows it.
    pub length: usize,
}

/// The keys under which training loops save the parameters, the first that is there wins.
const PARAMETERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Parts of the keys under which they save their own state.
const TRAINING_STATE: [&str; 7] = [
    "optim",
    "sched",
    "scaler",
    "rng",
    "random_state",
    "callbacks",
    "loops",
];
/// Values that nested dicts may hold in all; dicts that share others could name more than there is
/// memory.
const MAX_VISITS: usize = 1 << 20;
/// Deeper nesting than any checkpoint has; it also ends a cycle.
const DEPTH: usize = 16;

impl CheckpointPickle {
    /// Reads the pickle at the front of `bytes`. The error is a clause: "is cut short", "names … ".
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

    pub fn root(&self) -> &CheckpointValue {
        &self.values[self.root]
    }

    /// The root's items, where it is a list or tuple of texts.
    pub fn texts(&self) -> Option<Vec<&str>> {
        let CheckpointValue::List(items) = self.root() else {
            return None;
        };
        items.iter().map(|&place| self.text(place)).collect()
    }

    fn text(&self, place: ValueIndex) -> Option<&str> {
        match &self.values[place] {
            CheckpointValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the root, a dict, has under `key`.
    pub fn entry(&self, key: &str) -> Option<&CheckpointValue> {
        self.member(self.root, key).map(|place| &self.values[place])
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

    /// Returns the parameters with their names; those of nested dicts are joined by '.'. Of a
    /// checkpoint that holds its parameters under `state_dict` or `model` beside other things, only
    /// those.
    ///
    /// The error is a clause: "holds several state dicts …", "has too many tensors".
    pub fn parameters(&self) -> Result<Parameters<'_>, String> {
        let sections = self.sections()?;
        let has_tensors = |key: &str| {
            sections
                .iter()
                .any(|section| section.key == key && !section.tensors.is_empty())
        };
        let Some(chosen) = PARAMETERS.into_iter().find(|key| has_tensors(key)) else {
            return Ok(Parameters {
                tensors: self.tensors(self.root)?,
                other_parts: Vec::new(),
            });
        };
        let (chosen, others): (Vec<Section>, Vec<Section>) =
            sections.into_iter().partition(|s| s.key == chosen);
        let Some(chosen) = chosen.into_iter().next() else {
            return Err("holds no tensors".into());
        };
        let names: HashSet<&str> = chosen
            .tensors
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let mut beside = Vec::new();
        for other in others
            .iter()
            .filter(|other| other.count > 0 && !is_training_state(&other.key))
        {
            if let Some(place) = other.second_copy_of(&names) {
                return Err(several_state_dicts(&[&chosen.key, &place]));
            }
            beside.push((other.key.clone(), other.count));
        }
        Ok(Parameters {
            tensors: chosen.tensors,
            other_parts: beside,
        })
    }

    /// Returns what the root, a dict, has under each of its keys.
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

    /// Counts the tensors anywhere under a value, each once.
    fn count(&self, place: ValueIndex) -> usize {
        let (mut seen, mut open, mut count) = (HashSet::from([place]), vec![place], 0);
        while let Some(place) = open.pop() {
            let under: Vec<ValueIndex> = match &self.values[place] {
                CheckpointValue::Tensor(_) => {
                    count += 1;
                    continue;
                }
                CheckpointValue::List(items) => items.clone(),
                CheckpointValue::Dict(items) => items.iter().map(|&(_, value)| value).collect(),
                _ => continue,
            };
            open.extend(under.into_iter().filter(|&place| seen.insert(place)));
        }
        count
    }

    fn tensors(&self, place: ValueIndex) -> Result<Vec<(String, &TensorView)>, String> {
        let mut found = CollectedTensors {
            tensors: Vec::new(),
            visits: 0,
        };
        self.collect(place, "", 0, &mut found)?;
        Ok(found.tensors)
    }

    /// Every storage that the pickle speaks of, those of tensors that are not parameters too.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.values.iter().filter_map(|value| match value {
            CheckpointValue::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    fn collect<'a>(
        &'a self,
        place: ValueIndex,
        name: &str,
        depth: usize,
        found: &mut CollectedTensors<'a>,
    ) -> Result<(), String> {
        found.visits += 1;
        if found.visits > MAX_VISITS {
            return Err(format!("has more than {MAX_VISITS} values in nested dicts"));
        }
        match &self.values[place] {
            CheckpointValue::Tensor(layout) => found.tensors.push((name.to_owned(), layout)),
            CheckpointValue::Dict(items) if depth < DEPTH => {
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

/// The values that were made sense of so far. A call and what it is given stand before its result.
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
                    format!("names {module}.{name}, which is not loaded from a weight file; {HINT}")
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

    /// A value that was made before the one that is added.
    fn get(&self, place: ValueIndex) -> Result<&CheckpointValue, String> {
        self.0.get(place).ok_or_else(|| DAMAGED.into())
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

    fn listed_pairs(&self, place: ValueIndex) -> Result<Vec<(ValueIndex, ValueIndex)>, String> {
        let CheckpointValue::List(items) = self.get(place)? else {
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
        match layout.fits() {
            true => Ok(layout),
            false => Err(format!(
                "is damaged: a tensor of size {:?} reaches beyond its storage",
                layout.size
            )),
        }
    }

    /// A storage's description: `("storage", type, key, device, elements[, view])`, view = `(key,
    /// offset, elements)` or None.
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
        let view = view.first().map(|&place| self.get(place)).transpose()?;
        if let Some(CheckpointValue::List(view)) = view {
            let &[_, start, length] = view.as_slice() else {
                return Err(DAMAGED.into());
            };
            (storage.start, storage.length) = (self.number(start)?, self.number(length)?);
        }
        Ok(storage)
    }

    fn number(&self, place: ValueIndex) -> Result<i64, String> {
        match self.get(place)? {
            CheckpointValue::Int(number) => i64::try_from(*number).map_err(|_| DAMAGED.into()),
            _ => Err(DAMAGED.into()),
        }
    }

    fn numbers(&self, place: ValueIndex) -> Result<Vec<i64>, String> {
        match self.get(place)? {
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
    /// The other keys, without those of a training's state, and how many tensors each has.
    pub other_parts: Vec<(String, usize)>,
}

/// A part of a checkpoint, under one key.
struct Section<'a> {
    key: String,
    tensors: Vec<(String, &'a TensorView)>,
    /// The number of its tensors, those in lists too.
    count: usize,
}

impl Section<'_> {
    /// Returns the place in this section that holds parameters of the same names, as a moving
    /// average does: "ema.shadow".
    fn second_copy_of(&self, names: &HashSet<&str>) -> Option<String> {
        self.tensors.iter().find_map(|(name, _)| {
            let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
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

/// Returns whether a checkpoint's key names the state of a training loop.
pub(super) fn is_training_state(key: &str) -> bool {
    TRAINING_STATE
        .iter()
        .any(|part| key.to_ascii_lowercase().contains(part))
}

/// Returns the clause about a checkpoint that holds several state dicts, under these keys.
pub(super) fn several_state_dicts(keys: &[&str]) -> String {
    let listed: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    format!(
        "holds several state dicts, under {}; save the one that is meant to a file of its own (torch.save(…, FILE))",
        listed.join(" and ")
    )
}

/// The names that a file of tensors needs; everything else is refused.
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
