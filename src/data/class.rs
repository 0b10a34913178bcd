//! The classes: gold of `gt/` (or of `eid2cls.pkl`), and their place in the hierarchy of
//! `classes.tsv`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::text_lines::{class_files, read_lines};
use crate::data::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::git_lfs;
use crate::name;
use crate::name::{fold, nfc};
use crate::pickle::{Pickle, Value, ValueIndex};
use crate::types::{ClassId, EntityId};

/// A fine class and its gold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Class {
    /// Its file's name without `.txt`: "carnivorous_mammals".
    pub name: String,
    /// The two levels above it, where `classes.tsv` gives them.
    pub middle: Option<String>,
    pub coarse: Option<String>,
    /// Gold, in file order, each once.
    pub members: Vec<EntityId>,
    /// Judged not to be members (hard negatives).
    pub negatives: Vec<EntityId>,
}

impl Class {
    pub(super) fn named(name: impl Into<String>) -> Class {
        Class {
            name: name.into(),
            ..Class::default()
        }
    }

    /// The name as people read it: "carnivorous mammals".
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// The place of the class that `name` means: the same name, else the same in another Unicode form,
/// else one that differs in case or `_` for a space.
pub(super) fn find_class(classes: &[Class], name: &str) -> Option<usize> {
    let exact = classes.iter().position(|c| c.name == name);
    exact
        .or_else(|| classes.iter().position(|c| name::is_same(&c.name, name)))
        .or_else(|| {
            let folded = fold(name);
            classes.iter().position(|c| fold(&c.name) == folded)
        })
}

/// Notes where a file names a class in another Unicode form than its own.
pub(super) fn report_unicode_form(
    given: &str,
    own: &str,
    path: &Path,
    line: Option<usize>,
    diagnostics: &mut Diagnostics,
) {
    if given != own && name::is_same(given, own) {
        diagnostics.report(kind::UNICODE_FORM, path, line, || {
            format!("the class “{given}” is in another Unicode form in the name of its gold file")
        });
    }
}

/// Notes each class whose name differs from another's only where names are compared loosely: runs
/// and options cannot tell them apart.
pub(super) fn report_similar_names(classes: &[Class], root: &Path, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, &Class> = HashMap::new();
    for class in classes {
        if let Some(first) = seen.insert(fold(&class.name), class) {
            let file = root.join("gt").join(format!("{}.txt", class.name));
            diagnostics.report(kind::TWIN_CLASSES, &file, None, || {
                format!("“{}” and “{}”", first.name, class.name)
            });
        }
    }
}

/// As [`find_class`]; every class of a data set has an id.
pub(super) fn find_class_id(classes: &[Class], name: &str) -> Option<ClassId> {
    find_class(classes, name)
        .and_then(|at| u16::try_from(at).ok())
        .map(ClassId)
}

/// The gold of `gt/`; without it that of `eid2cls.pkl`; without both nothing, and a finding.
pub(super) fn read_gold(
    root: &Path,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Class>> {
    let (folder, pickle) = (root.join("gt"), root.join("eid2cls.pkl"));
    if let Some(files) = class_files(&folder, diagnostics)? {
        return files
            .into_iter()
            .map(|(name, path)| read_gold_file(name, &path, vocabulary, diagnostics))
            .collect();
    }
    if pickle.is_file() {
        return read_gold_pickle(&pickle, vocabulary, diagnostics);
    }
    diagnostics.report(kind::NO_GOLD, &folder, None, || {
        "there is no gt folder and no eid2cls.pkl".into()
    });
    Ok(Vec::new())
}

/// One file of `gt/`: `id<TAB>name<TAB>label`, label ≥ 1 a member, anything else a judged
/// non-member.
fn read_gold_file(
    name: String,
    path: &Path,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Class> {
    let mut class = Class::named(name);
    let mut seen = HashSet::new();
    for (number, line) in read_lines(path, diagnostics)? {
        let mut fields = line.split('\t').map(str::trim);
        let id = fields.next().and_then(|id| id.parse().ok()).map(EntityId);
        let (Some(entity), Some(given), Some(label)) = (id, fields.next(), fields.next()) else {
            diagnostics.report(kind::BAD_GOLD, path, Some(number), || {
                format!("no id, name and label in “{line}”")
            });
            continue;
        };
        let Some(known) = vocabulary.name(entity) else {
            diagnostics.report(kind::UNKNOWN_GOLD, path, Some(number), || {
                format!("entity {entity} is not in entity2id.txt")
            });
            continue;
        };
        if fold(known) != fold(given) {
            diagnostics.report(kind::GOLD_NAME, path, Some(number), || {
                format!("entity {entity} is “{known}”, not “{given}”")
            });
        } else if known != given && name::is_same(known, given) {
            diagnostics.report(kind::UNICODE_FORM, path, Some(number), || {
                format!("“{given}” is in another Unicode form in entity2id.txt")
            });
        }
        if !seen.insert(entity) {
            diagnostics.report(kind::DUPLICATE_GOLD, path, Some(number), || {
                format!("entity {entity} came before")
            });
            continue;
        }
        match label.parse::<f64>() {
            Ok(label) if label >= 1.0 => class.members.push(entity),
            _ => class.negatives.push(entity),
        }
    }
    Ok(class)
}

/// The published pickle: a dict from entity id to a class name or several. One that cannot be read
/// is noted, and gives no class: the data set can be explored without gold. Errors: `Io`.
fn read_gold_pickle(
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
    let Some(entries) = dict_items(&pickle) else {
        diagnostics.report(kind::BAD_PICKLE, path, None, || {
            "is not a dict from entity id to class names".into()
        });
        return Ok(Vec::new());
    };
    let mut members: BTreeMap<String, Vec<EntityId>> = BTreeMap::new();
    for &(key, names) in entries {
        let Some(entity) = entity_of_key(&pickle.values[key], path, vocabulary, diagnostics) else {
            continue;
        };
        let Some(names) = class_names_of(&pickle, names) else {
            diagnostics.report(kind::BAD_GOLD, path, None, || {
                format!("entity {entity} has no class names")
            });
            continue;
        };
        for name in names {
            members.entry(name.to_owned()).or_default().push(entity);
        }
    }
    Ok(members
        .into_iter()
        .map(|(name, members)| Class {
            members,
            ..Class::named(name)
        })
        .collect())
}

/// Reads a pickle. The error is a clause that follows the file's name.
fn parse_gold_pickle(bytes: &[u8]) -> std::result::Result<Pickle, String> {
    if git_lfs::is_pointer(bytes) {
        return Err(git_lfs::REASON.into());
    }
    Pickle::read(bytes)
}

/// The entity that a key of the pickle's dict means; `None`, and noted, where it is not in the
/// vocabulary.
fn entity_of_key(
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

/// The items of the pickle's dict, a plain one or one of the standard library's.
fn dict_items(pickle: &Pickle) -> Option<&[(ValueIndex, ValueIndex)]> {
    match &pickle.values[pickle.root] {
        Value::Dict(entries) => Some(entries),
        Value::Call(call) => match &pickle.values[call.callee] {
            Value::Global { module, name } if module == "collections" => match name.as_str() {
                "OrderedDict" | "defaultdict" => Some(&call.pairs),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// A name, or those of a list, a tuple or a set.
fn class_names_of(pickle: &Pickle, place: ValueIndex) -> Option<Vec<&str>> {
    let name = |place: &ValueIndex| match &pickle.values[*place] {
        Value::Text(name) => Some(name.as_str()),
        _ => None,
    };
    let items = match &pickle.values[place] {
        Value::Text(_) => return name(&place).map(|name| vec![name]),
        Value::List(items) => items,
        // `set([…])`, in the pickles of older protocols
        Value::Call(call) => match (&pickle.values[call.callee], call.arguments.as_slice()) {
            (Value::Global { module, name }, [items])
                if matches!(module.as_str(), "builtins" | "__builtin__")
                    && matches!(name.as_str(), "set" | "frozenset") =>
            {
                match &pickle.values[*items] {
                    Value::List(items) => items,
                    _ => return None,
                }
            }
            _ => return None,
        },
        _ => return None,
    };
    items.iter().map(name).collect()
}

/// Fills `middle` and `coarse` from `classes.tsv` where there is one: a header, then
/// `class<TAB>middle<TAB>coarse`.
pub(super) fn read_hierarchy(
    classes: &mut [Class],
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    let mut placed = HashSet::new();
    for (number, line) in read_lines(path, diagnostics)?.into_iter().skip(1) {
        let mut fields = line.split('\t').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let Some(at) = find_class(classes, name) else {
            diagnostics.report(kind::UNKNOWN_CLASS, path, Some(number), || {
                format!("there is no class “{name}”")
            });
            continue;
        };
        report_unicode_form(name, &classes[at].name, path, Some(number), diagnostics);
        // levels are only names: those that are the same are one
        let mut level = || {
            fields
                .next()
                .filter(|f| !f.is_empty())
                .map(|level| nfc(level).into_owned())
        };
        (classes[at].middle, classes[at].coarse) = (level(), level());
        placed.insert(at);
    }
    for (_, class) in classes
        .iter()
        .enumerate()
        .filter(|(at, _)| !placed.contains(at))
    {
        diagnostics.report(kind::UNPLACED_CLASS, path, None, || {
            format!("“{}” has no row", class.name)
        });
    }
    Ok(())
}
