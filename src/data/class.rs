//! The classes, and their hierarchy from `classes.tsv`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::text_lines::read_lines;
use crate::error::Result;
use crate::name;
use crate::name::{fold, nfc};
use crate::types::{ClassId, EntityId};

/// A fine class and its gold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Class {
    /// The name of the class's file without `.txt`: "carnivorous_mammals".
    pub name: String,
    /// The middle level of the hierarchy, if `classes.tsv` gives it.
    pub middle: Option<String>,
    /// The coarse level of the hierarchy, if `classes.tsv` gives it.
    pub coarse: Option<String>,
    /// The gold members in file order, each once.
    pub members: Vec<EntityId>,
    /// The entities that are labelled as non-members (hard negatives).
    pub negatives: Vec<EntityId>,
}

impl Class {
    /// Makes a class without gold.
    pub(super) fn named(name: impl Into<String>) -> Class {
        Class {
            name: name.into(),
            ..Class::default()
        }
    }

    /// Returns the name for people: "carnivorous mammals".
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// Finds a class by name: the same name, else the same name in another Unicode form, else a name
/// that differs only in case or in `_` for a space. Returns its index.
pub(super) fn find_class(classes: &[Class], name: &str) -> Option<usize> {
    let exact = classes.iter().position(|c| c.name == name);
    exact
        .or_else(|| classes.iter().position(|c| name::is_same(&c.name, name)))
        .or_else(|| {
            let folded = fold(name);
            classes.iter().position(|c| fold(&c.name) == folded)
        })
}

/// Reports a file that names a class in a different Unicode form.
pub(super) fn report_unicode_form(
    given: &str,
    own: &str,
    path: &Path,
    line: Option<usize>,
    diagnostics: &mut Diagnostics,
) {
    if given != own && name::is_same(given, own) {
        diagnostics.report(kind::UNICODE_FORM, path, line, || {
            format!("the name of the gold file has the class “{given}” in another Unicode form")
        });
    }
}

/// Reports classes whose names differ only in case, blanks or Unicode form: runs and options cannot
/// distinguish them.
pub(super) fn report_similar_names(classes: &[Class], root: &Path, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, &Class> = HashMap::new();
    for class in classes {
        if let Some(first) = seen.insert(fold(&class.name), class) {
            let file = root.join("gt").join(format!("{}.txt", class.name));
            diagnostics.report(kind::SIMILAR_CLASSES, &file, None, || {
                format!("“{}” and “{}”", first.name, class.name)
            });
        }
    }
}

/// Finds a class like [`find_class`], and returns its id.
pub(super) fn find_class_id(classes: &[Class], name: &str) -> Option<ClassId> {
    find_class(classes, name)
        .and_then(|index| u16::try_from(index).ok())
        .map(ClassId)
}

/// Reads `middle` and `coarse` of each class from `classes.tsv` if it exists: a header, then
/// `class<TAB>middle<TAB>coarse`.
pub(super) fn read_hierarchy(
    classes: &mut [Class],
    path: &Path,
    diagnostics: &mut Diagnostics,
) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    let mut found = HashSet::new();
    for (number, line) in read_lines(path, diagnostics)?.into_iter().skip(1) {
        let mut fields = line.split('\t').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let Some(index) = find_class(classes, name) else {
            diagnostics.report(kind::UNKNOWN_CLASS, path, Some(number), || {
                format!("unknown class “{name}”")
            });
            continue;
        };
        let class = &mut classes[index];
        report_unicode_form(name, &class.name, path, Some(number), diagnostics);
        class.middle = level_name(fields.next());
        class.coarse = level_name(fields.next());
        found.insert(index);
    }
    for (index, class) in classes.iter().enumerate() {
        if !found.contains(&index) {
            diagnostics.report(kind::MISSING_CLASS_ROW, path, None, || {
                format!("“{}” has no row", class.name)
            });
        }
    }
    Ok(())
}

/// Returns the name of a level in Form C, so that the same name is the same level.
fn level_name(field: Option<&str>) -> Option<String> {
    let name = field.filter(|field| !field.is_empty())?;
    Some(nfc(name).into_owned())
}
