//! Reads the gold of the classes from the files of `gt/`, or from `eid2cls.pkl`.

use std::collections::HashSet;
use std::path::Path;

use crate::data::class::Class;
use crate::data::diagnostics::{Diagnostics, kind};
use crate::data::gold_pickle;
use crate::data::text_lines::{class_files, read_lines};
use crate::data::vocabulary::Vocabulary;
use crate::error::Result;
use crate::name;
use crate::name::fold;
use crate::types::EntityId;

/// Reads the gold of `gt/`, else of `eid2cls.pkl`. If both are missing, there are no classes, and
/// this is reported.
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
        return gold_pickle::read_gold_pickle(&pickle, vocabulary, diagnostics);
    }
    diagnostics.report(kind::NO_GOLD, &folder, None, || {
        "the data set has neither a gt folder nor eid2cls.pkl".into()
    });
    Ok(Vec::new())
}

/// A line of a gold file.
struct GoldLine<'a> {
    entity: EntityId,
    name: &'a str,
    is_member: bool,
}

impl GoldLine<'_> {
    /// Parses `id<TAB>name<TAB>label`. A label ≥ 1 means a member, any other a non-member.
    fn parse(line: &str) -> Option<GoldLine<'_>> {
        let mut fields = line.split('\t').map(str::trim);
        let id = fields.next()?.parse().ok()?;
        let (name, label) = (fields.next()?, fields.next()?);
        let is_member = label.parse::<f64>().is_ok_and(|label| label >= 1.0);
        Some(GoldLine {
            entity: EntityId(id),
            name,
            is_member,
        })
    }
}

/// Reads one file of `gt/`.
fn read_gold_file(
    name: String,
    path: &Path,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Result<Class> {
    let mut class = Class::named(name);
    let mut seen = HashSet::new();
    for (number, line) in read_lines(path, diagnostics)? {
        let Some(gold) = GoldLine::parse(&line) else {
            diagnostics.report(kind::BAD_GOLD, path, Some(number), || {
                format!("expected id, name and label, found “{line}”")
            });
            continue;
        };
        let entity = gold.entity;
        let Some(known) = vocabulary.name(entity) else {
            diagnostics.report(kind::UNKNOWN_GOLD, path, Some(number), || {
                format!("entity {entity} is not in entity2id.txt")
            });
            continue;
        };
        report_other_name(&gold, known, path, number, diagnostics);
        if !seen.insert(entity) {
            diagnostics.report(kind::DUPLICATE_GOLD, path, Some(number), || {
                format!("entity {entity} is listed twice")
            });
            continue;
        }
        if gold.is_member {
            class.members.push(entity);
        } else {
            class.negatives.push(entity);
        }
    }
    Ok(class)
}

/// Reports a gold line whose name is not the `known` one of its entity.
fn report_other_name(
    gold: &GoldLine,
    known: &str,
    path: &Path,
    number: usize,
    diagnostics: &mut Diagnostics,
) {
    let GoldLine { entity, name, .. } = gold;
    if fold(known) != fold(name) {
        diagnostics.report(kind::GOLD_NAME_MISMATCH, path, Some(number), || {
            format!("entity {entity} is “{known}”, not “{name}”")
        });
    } else if known != *name && name::is_same(known, name) {
        diagnostics.report(kind::UNICODE_FORM, path, Some(number), || {
            format!("entity2id.txt has “{name}” in another Unicode form")
        });
    }
}
