//! The parameters of a network by name, from one or several weight files.
//!
//! The parameters that the network takes are recorded. An unused one means that the file has
//! another architecture: [`Weights::finish`] refuses it, or lists it if it belongs to a module that
//! the network does not have.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use tch::Tensor;

use crate::error::{Error, Result};
use crate::model::checkpoint_pickle::{is_training_state, several_state_dicts};
use crate::model::finite::{find_not_finite, is_float};
use crate::model::weight_files::{Shards, WeightFiles};
use crate::model::weight_reader::{Contents, Tensors, read_contents};

/// The number of names that an error lists. The others are counted.
const MAX_LISTED_NAMES: usize = 3;

/// The parts of names that wrappers of `torch.nn` add: data parallel, `torch.compile`, FSDP,
/// activation checkpointing.
const WRAPPERS: [&str; 4] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
];

/// Tensors by name, on the CPU.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    hash: Arc<str>,
    tensors: Tensors,
    /// The modules and the parts of a checkpoint outside of the network, with the number of tensors
    /// of each.
    other_parts: Vec<(String, usize)>,
    /// The names of the taken tensors, which were checked to be finite.
    taken: RefCell<BTreeSet<String>>,
}

impl Weights {
    /// Reads a weight file, all shards of an index file, or the weights in a folder
    /// ([`WeightFiles::find`]). The format of a file is recognized by its content.
    ///
    /// Errors: those of finding the files; `Format` for a file that is cut short, is not a weight
    /// file, or requires the execution of code; `Io`.
    pub fn open(path: &Path) -> Result<Weights> {
        match WeightFiles::find(path)? {
            WeightFiles::Single(path) => {
                let (contents, hash) = read_file(&path)?;
                let tensors = strip_wrappers(contents.tensors)
                    .map_err(|reason| Error::format(&path, reason))?;
                Ok(Weights {
                    hash: hash.to_hex().as_str().into(),
                    other_parts: contents.other_parts,
                    ..Weights::new(path, tensors)
                })
            }
            WeightFiles::Shards(shards) => Weights::open_shards(&shards),
        }
    }

    fn open_shards(shards: &Shards) -> Result<Weights> {
        let mut hasher = blake3::Hasher::new();
        let (mut all, mut other_parts) = (Tensors::new(), Vec::new());
        for (path, listed) in &shards.files {
            let (contents, hash) = read_file(path)?;
            hasher.update(hash.as_bytes());
            if let Some(absent) = listed
                .iter()
                .find(|name| !contents.tensors.contains_key(*name))
            {
                let reason = format!(
                    "has no `{absent}`, which {} lists for it",
                    shards.index.display()
                );
                return Err(Error::format(path, reason));
            }
            other_parts.extend(contents.other_parts);
            for (name, tensor) in contents.tensors {
                if all.insert(name.clone(), tensor).is_some() {
                    return Err(Error::format(
                        path,
                        format!("has `{name}`, which another shard has too"),
                    ));
                }
            }
        }
        let tensors = strip_wrappers(all).map_err(|reason| Error::format(&shards.index, reason))?;
        let hash = hasher.finalize().to_hex().as_str().into();
        Ok(Weights {
            hash,
            other_parts,
            ..Weights::new(shards.index.clone(), tensors)
        })
    }

    /// Makes weights from tensors in memory.
    pub fn from_tensors(tensors: Tensors) -> Weights {
        Weights::new(PathBuf::from("(memory)"), tensors)
    }

    fn new(path: PathBuf, tensors: Tensors) -> Weights {
        Weights {
            path,
            hash: "".into(),
            tensors,
            other_parts: Vec::new(),
            taken: RefCell::default(),
        }
    }

    /// Returns the path of the file, or of the index file of shards.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the BLAKE3 hash of the file, in hexadecimal. For shards, it is the hash of their
    /// hashes in the order of their names.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns all names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Returns the shape of the tensor of this name, without taking it.
    pub fn size(&self, name: &str) -> Option<Vec<i64>> {
        self.tensors.get(name).map(Tensor::size)
    }

    /// Returns how many tensors there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Returns the modules and the parts of a checkpoint outside of the network, with the number of
    /// tensors of each.
    pub fn other_parts(&self) -> &[(String, usize)] {
        &self.other_parts
    }

    /// Takes the tensor of this name in its stored kind. The result shares the data.
    ///
    /// Errors: `Format` for a missing tensor, and for NaN or infinity.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| self.format(format!("has no `{name}`{}", self.available_names())))?;
        if !self.taken.borrow().contains(name) {
            if let Some(found) = find_not_finite(tensor)? {
                let reason = format!(
                    "has a value in `{name}` {:?} that is not finite: {found}",
                    tensor.size()
                );
                return Err(self.format(reason));
            }
            self.taken.borrow_mut().insert(name.to_owned());
        }
        Ok(tensor.shallow_clone())
    }

    /// Checks that there is a floating-point parameter of this shape, without taking it.
    ///
    /// Errors: `Format` for a missing parameter, another shape or another kind.
    pub fn check(&self, name: &str, shape: &[i64]) -> Result<()> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| self.format(format!("has no `{name}`{}", self.available_names())))?;
        if tensor.size() != shape {
            let reason = format!(
                "has `{name}` of shape {:?} (expected {shape:?})",
                tensor.size()
            );
            return Err(self.format(reason));
        }
        if !is_float(tensor.kind()) {
            let reason = format!(
                "has `{name}` as {:?} (expected floating-point numbers)",
                tensor.kind()
            );
            return Err(self.format(reason));
        }
        Ok(())
    }

    /// Takes a parameter of this shape. Errors: those of [`Weights::check`] and [`Weights::get`].
    pub fn expect(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        self.check(name, shape)?;
        self.get(name)
    }

    /// Removes the prefix of the parameter `marker` from all names that have it, and returns the
    /// weights with this prefix: the network in a checkpoint that calls it `model.` or `bert.`. If
    /// no name ends with the marker, nothing is changed.
    ///
    /// Errors: `Format` for several such prefixes.
    pub fn strip_prefix_of(self, marker: &str) -> Result<Weights> {
        let prefix = |name: &str| {
            name.strip_suffix(marker)
                .filter(|p| p.is_empty() || p.ends_with('.'))
                .map(str::to_owned)
        };
        let prefixes: Vec<String> = self.names().filter_map(prefix).collect();
        match prefixes.as_slice() {
            [] => Ok(self),
            [only] if only.is_empty() => Ok(self),
            [only] => Ok(self.split_at_prefix(only)),
            several => {
                let describe = |prefix: &String| match prefix.trim_end_matches('.') {
                    "" => "(no prefix)".to_owned(),
                    prefix => prefix.to_owned(),
                };
                let shown: Vec<String> = several.iter().map(describe).collect();
                Err(self.format(several_state_dicts(
                    &shown.iter().map(String::as_str).collect::<Vec<_>>(),
                )))
            }
        }
    }

    fn split_at_prefix(mut self, prefix: &str) -> Weights {
        let others: Vec<String> = self
            .names()
            .filter(|name| !name.starts_with(prefix))
            .map(str::to_owned)
            .collect();
        self.other_parts.extend(count_by_module(
            others
                .into_iter()
                .filter(|name| !is_training_state(module_of(name))),
        ));
        let other_parts = std::mem::take(&mut self.other_parts);
        Weights {
            other_parts,
            ..self.take_prefix(prefix)
        }
    }

    /// Returns the tensors with a prefix, without it: `take_prefix("bert.")` returns
    /// `encoder.layer.0…`.
    pub fn take_prefix(&self, prefix: &str) -> Weights {
        let under = |(name, tensor): (&String, &Tensor)| {
            name.strip_prefix(prefix)
                .map(|rest| (rest.to_owned(), tensor.shallow_clone()))
        };
        let tensors = self.tensors.iter().filter_map(under).collect();
        Weights {
            hash: self.hash.clone(),
            ..Weights::new(self.path.clone(), tensors)
        }
    }

    /// Finishes the reading of a network. Returns the modules that were not used, with the number
    /// of parameters of each, including [`Weights::other_parts`].
    ///
    /// `network` names the network with its article. `ignorable` is true for parameters that are
    /// never used. `is_own` is true for modules of the network from which no parameter was taken.
    ///
    /// Errors: `Format` for unused parameters in modules of the network.
    pub fn finish(
        &self,
        network: &str,
        ignorable: &dyn Fn(&str) -> bool,
        is_own: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, usize)>> {
        let taken = self.taken.borrow();
        let (mut excess, others) = self.unknown_names(taken.iter().map(String::as_str), ignorable);
        let (own, left_out): (Vec<String>, Vec<String>) =
            others.into_iter().partition(|name| is_own(module_of(name)));
        excess.extend(own);
        if !excess.is_empty() {
            return Err(self.format(format!(
                "is not {network}: it also has {}",
                list_names(&excess)
            )));
        }
        // an ignorable head is outside of the network if the network has a prefix
        let other_parts = self
            .other_parts
            .iter()
            .filter(|(part, _)| !ignorable(&format!("{part}.")))
            .cloned();
        Ok(other_parts.chain(count_by_module(left_out)).collect())
    }

    /// Returns the names that are neither in `network` nor ignorable: those in a module of the
    /// network, and those in other modules.
    pub(super) fn unknown_names<'a>(
        &self,
        network: impl Iterator<Item = &'a str>,
        ignorable: &dyn Fn(&str) -> bool,
    ) -> (Vec<String>, Vec<String>) {
        let network: BTreeSet<&str> = network.collect();
        let modules: BTreeSet<&str> = network.iter().map(|name| module_of(name)).collect();
        let left = self
            .names()
            .filter(|name| !network.contains(name) && !ignorable(name) && !is_counter(name));
        left.map(str::to_owned)
            .partition(|name| modules.contains(module_of(name)))
    }

    /// Describes the modules that were not used: "parameters of classifier in
    /// bert/model.safetensors".
    pub fn describe_unused(&self, left_out: &[(String, usize)]) -> Vec<(String, usize)> {
        let described = |part: &String| format!("parameters of {part} in {}", self.path.display());
        left_out
            .iter()
            .map(|(part, count)| (described(part), *count))
            .collect()
    }

    fn format(&self, reason: impl Into<String>) -> Error {
        Error::format(&self.path, reason)
    }

    /// Lists the available names, for the error about a missing one.
    fn available_names(&self) -> String {
        if self.is_empty() {
            String::new()
        } else {
            format!(
                " (it has {})",
                list_names(&self.names().collect::<Vec<_>>())
            )
        }
    }
}

/// Returns whether a name is one of the counters of batch norms and position embeddings, which no
/// network uses.
fn is_counter(name: &str) -> bool {
    [".num_batches_tracked", "position_ids"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Returns the first part of a name: `head` for `head.4.weight`.
fn module_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Counts the names of each module.
pub(super) fn count_by_module(names: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut modules = BTreeMap::new();
    for name in names {
        *modules.entry(module_of(&name).to_owned()).or_default() += 1;
    }
    modules
}

/// Joins names: "a, b, c and 4 more".
pub(super) fn list_names<T: AsRef<str>>(names: &[T]) -> String {
    let more = names.len().saturating_sub(MAX_LISTED_NAMES);
    let first: Vec<&str> = names[..names.len() - more]
        .iter()
        .map(AsRef::as_ref)
        .collect();
    let first = first.join(", ");
    if more == 0 {
        first
    } else {
        format!("{first} and {more} more")
    }
}

fn read_file(path: &Path) -> Result<(Contents, blake3::Hash)> {
    let bytes = map_file(path)?;
    let contents = read_contents(&bytes).map_err(|reason| Error::format(path, reason))?;
    Ok((contents, blake3::hash(&bytes)))
}

/// Removes the parts of wrappers from all names. The error says that two tensors would have the
/// same name, and follows the file's name.
fn strip_wrappers(tensors: Tensors) -> std::result::Result<Tensors, String> {
    let mut bare = Tensors::new();
    for (name, tensor) in tensors {
        let parts: Vec<&str> = name
            .split('.')
            .filter(|part| !WRAPPERS.contains(part))
            .collect();
        let plain = parts.join(".");
        if bare.contains_key(&plain) {
            return Err(format!(
                "has `{plain}` twice, once as `{name}`; save only one of them"
            ));
        }
        bare.insert(plain, tensor);
    }
    Ok(bare)
}

/// Maps a file into memory. If another program truncates the file meanwhile, this process is
/// killed.
#[allow(unsafe_code)]
pub(crate) fn map_file(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    // SAFETY: the map is read-only, and the mapped files are either renamed to their path after
    // writing, or only appended to.
    unsafe { Mmap::map(&file) }.map_err(Error::io("map", path))
}
