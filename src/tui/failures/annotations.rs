//! Marks and notes: they belong to a failure of a query, in whatever mode it is seen.

use std::collections::BTreeMap;

use crate::engine::protocol::Failure;
use crate::tui::persist::session::{Annotation, AnnotationKey};

use crate::tui::app::App;
use crate::tui::failures::{FailureId, FailureInput};
use crate::tui::text_input::TextInput;

/// Every mark and note, of this index's queries and, should the data set have lost a class, of
/// others.
pub type Annotations = BTreeMap<AnnotationKey, Annotation>;

impl App {
    pub fn remark(&self, failure: &Failure) -> Option<&Annotation> {
        // most sessions have none, and keys are made of names
        if self.failures.remarks.is_empty() {
            return None;
        }
        self.failures
            .remarks
            .get(&self.remark_key(FailureId::of(failure))?)
    }

    fn remark_key(&self, failure: FailureId) -> Option<AnnotationKey> {
        let class = self
            .shared
            .catalogue
            .as_ref()?
            .class(failure.class)
            .name
            .clone();
        let FailureId {
            number,
            entity,
            kind,
            ..
        } = failure;
        Some(AnnotationKey {
            class,
            seeds: self.shared.evaluations.seed_count,
            number,
            entity,
            kind,
        })
    }

    /// Changes a failure's remark; one that says nothing is none.
    fn change_remark(&mut self, failure: FailureId, change: impl FnOnce(&mut Annotation)) {
        let Some(key) = self.remark_key(failure) else {
            return;
        };
        let mut remark = self.failures.remarks.remove(&key).unwrap_or_default();
        change(&mut remark);
        if remark != Annotation::default() {
            self.failures.remarks.insert(key, remark);
        }
    }

    pub(crate) fn toggle_mark(&mut self) {
        match self.failure().map(FailureId::of) {
            Some(failure) => self.change_remark(failure, |remark| remark.marked = !remark.marked),
            None => self.notify("a mark goes on a failure: choose one"),
        }
    }

    pub(crate) fn start_note(&mut self) {
        let Some(failure) = self.failure() else {
            return self.notify("a note goes on a failure: choose one");
        };
        let mut text = TextInput::default();
        text.insert(self.remark(failure).map_or("", |remark| &remark.note));
        self.failures.field = Some(FailureInput::Note {
            of: FailureId::of(failure),
            text,
        });
    }

    pub(crate) fn keep_note(&mut self, failure: FailureId, note: &str) {
        self.change_remark(failure, |remark| remark.note = note.to_owned());
    }
}
