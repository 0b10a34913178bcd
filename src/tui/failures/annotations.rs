//! Marks and notes on failures. They belong to a failure of a query, in every mode.

use std::collections::BTreeMap;

use crate::tui::failures::failure_id::FailureId;
use crate::tui::persist::session::{Annotation, AnnotationKey};
use crate::tui::shared::Shared;

/// The marks and notes on the failures of this index's queries, and on those of classes that the
/// data set no longer has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations(BTreeMap<AnnotationKey, Annotation>);

impl Annotations {
    /// Returns the annotation of a failure, if it has one.
    pub fn get(&self, failure: FailureId, shared: &Shared) -> Option<&Annotation> {
        // most sessions have none, and keys are made of names
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&key(failure, shared)?)
    }

    /// Returns true if a failure is marked.
    pub fn is_marked(&self, failure: FailureId, shared: &Shared) -> bool {
        let annotation = self.get(failure, shared);
        annotation.is_some_and(|annotation| annotation.marked)
    }

    /// Returns the note on a failure; empty without one.
    pub fn note(&self, failure: FailureId, shared: &Shared) -> &str {
        let annotation = self.get(failure, shared);
        annotation.map_or("", |annotation| &annotation.note)
    }

    /// Marks a failure, or unmarks it.
    pub(crate) fn toggle_mark(&mut self, failure: FailureId, shared: &Shared) {
        self.change(failure, shared, |annotation| {
            annotation.marked = !annotation.marked
        });
    }

    /// Replaces the note on a failure.
    pub(crate) fn set_note(&mut self, failure: FailureId, note: &str, shared: &Shared) {
        self.change(failure, shared, |annotation| {
            note.clone_into(&mut annotation.note)
        });
    }

    /// Changes the annotation of a failure, and removes it if it is empty afterwards.
    fn change(
        &mut self,
        failure: FailureId,
        shared: &Shared,
        change: impl FnOnce(&mut Annotation),
    ) {
        let Some(key) = key(failure, shared) else {
            return;
        };
        let mut annotation = self.0.remove(&key).unwrap_or_default();
        change(&mut annotation);
        if annotation != Annotation::default() {
            self.0.insert(key, annotation);
        }
    }

    /// Returns all annotations, for the session.
    pub(crate) fn saved(&self) -> Vec<(AnnotationKey, Annotation)> {
        let entries = self.0.iter();
        entries.map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// Replaces all annotations by those of a session.
    pub(crate) fn restore(&mut self, saved: &[(AnnotationKey, Annotation)]) {
        self.0 = saved.iter().cloned().collect();
    }
}

/// Returns the key of a failure, with its class by name. `None` until the index is open.
fn key(failure: FailureId, shared: &Shared) -> Option<AnnotationKey> {
    let catalogue = shared.catalogue.as_ref()?;
    Some(AnnotationKey {
        class: catalogue.class(failure.class).name.clone(),
        seeds: shared.evaluations.seed_count,
        number: failure.number,
        entity: failure.entity,
        kind: failure.kind,
    })
}
