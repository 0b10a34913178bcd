//! The rankers that Compare shows side by side: modes of the index, other indexes, runs.

use std::path::PathBuf;

use crate::config::Action;
use crate::engine::protocol::{EvaluationKey, QueryComparison, Ranker};
use crate::tui::message::Effect;
use crate::tui::shared::Shared;
use crate::tui::text_input::TextInput;
use crate::tui::ui::scroll::shifted;
use crate::types::Mode;

/// The largest number of rankers that fit on the screen.
pub const MAX_RANKERS: usize = 4;

/// The rankers that are compared, and those to be added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rankers {
    /// At most [`MAX_RANKERS`]; the first is compared with the reference.
    pub chosen: Vec<Ranker>,
    /// The index of the reference among the chosen rankers, from 1.
    pub reference: usize,
    /// The paths that are still to be imported, in order.
    pub pending_imports: Vec<PathBuf>,
    /// The selected line of the popup in which rankers are chosen.
    pub(crate) cursor: usize,
    /// The path of an import while it is typed.
    pub path: Option<TextInput>,
}

impl Rankers {
    /// Moves the cursor of the popup. The line after the rankers is the field for a path.
    pub(crate) fn step(&mut self, by: isize, shared: &Shared) {
        let lines = self.available(shared).len() + 1;
        self.cursor = shifted(self.cursor, by, lines);
    }

    /// Returns the first ranker and the reference.
    pub fn pair(&self) -> Option<[Ranker; 2]> {
        let first = *self.chosen.first()?;
        let reference = *self
            .chosen
            .get(self.reference)
            .or_else(|| self.chosen.get(1))?;
        Some([first, reference])
    }

    /// Returns true if the ranker at `index` is the first or the reference.
    pub fn is_paired(&self, index: usize) -> bool {
        index == 0 || index == self.reference
    }

    /// Returns the names of the chosen rankers, in order.
    pub fn names(&self, shared: &Shared) -> Vec<String> {
        let names = self.chosen.iter().map(|&ranker| shared.ranker_name(ranker));
        names.collect()
    }

    /// Returns the names of the first ranker and the reference; empty while there are none.
    pub fn pair_names(&self, shared: &Shared) -> [String; 2] {
        match self.pair() {
            Some(pair) => pair.map(|ranker| shared.ranker_name(ranker)),
            None => Default::default(),
        }
    }

    /// Returns the evaluations that a comparison needs; none for fewer than two rankers.
    pub fn evaluations(&self, shared: &Shared) -> Vec<EvaluationKey> {
        if self.chosen.len() < 2 {
            return Vec::new();
        }
        let rankers = self.chosen.iter();
        rankers.map(|&r| shared.evaluations.key_of(r)).collect()
    }

    /// Returns the comparison of the first ranker with another one, once it is computed.
    pub fn comparison_with<'a>(
        &self,
        other: Ranker,
        shared: &'a Shared,
    ) -> Option<&'a QueryComparison> {
        let first = *self.chosen.first()?;
        let keys = [first, other].map(|ranker| shared.evaluations.key_of(ranker));
        shared.comparisons.get(&keys)
    }

    /// Returns the comparison of the first ranker with the reference, once it is computed.
    pub fn comparison<'a>(&self, shared: &'a Shared) -> Option<&'a QueryComparison> {
        self.comparison_with(self.pair()?[1], shared)
    }

    /// Returns the next comparison to compute: of the first ranker with one of the others. `None`
    /// while an evaluation is missing, or if every comparison is computed.
    pub fn missing_comparison(&self, shared: &Shared) -> Option<[EvaluationKey; 2]> {
        let keys = self.evaluations(shared);
        if keys.iter().any(|key| !shared.overall.contains_key(key)) {
            return None;
        }
        let (&first, others) = keys.split_first()?;
        others
            .iter()
            .map(|&other| [first, other])
            .find(|pair| !shared.comparisons.contains_key(pair))
    }

    /// Returns every ranker that can be chosen, those of the open index first.
    pub fn available(&self, shared: &Shared) -> Vec<Ranker> {
        let mut rankers: Vec<Ranker> = shared.modes().into_iter().map(Ranker::OpenIndex).collect();
        for import in &shared.imports {
            rankers.extend(&import.rankers);
        }
        rankers
    }

    /// Chooses the first two modes of the index.
    pub(crate) fn choose_first_modes(&mut self, shared: &Shared) {
        let modes = shared.modes().into_iter().take(2);
        self.chosen = modes.map(Ranker::OpenIndex).collect();
        self.reference = 1;
    }

    /// Chooses the next pair of the index's modes.
    pub(crate) fn next_modes(&mut self, shared: &Shared) -> Effect {
        let pairs = pairs_of(&shared.modes());
        let current = pairs.iter().position(|pair| self.chosen == pair);
        let next = current.map_or(0, |index| (index + 1) % pairs.len());
        match pairs.get(next) {
            Some(pair) if self.chosen != pair => {
                self.chosen = pair.to_vec();
                self.reference = 1;
                Effect::Evaluate
            }
            _ => Effect::Notify("the index has no other pair of modes".into()),
        }
    }

    /// Makes the next of the other rankers the reference.
    pub(crate) fn next_reference(&mut self) -> Vec<Effect> {
        let count = self.chosen.len();
        if count < 3 {
            let message = "only two rankers are chosen: add another one to change the reference";
            return vec![Effect::Notify(message.into())];
        }
        self.reference = self.reference % (count - 1) + 1;
        Vec::new()
    }

    /// Adds the available ranker at `index`, or removes it if it is chosen; at least two stay. The
    /// index after the last one opens the field for a path.
    pub(crate) fn toggle(&mut self, index: usize, shared: &Shared) -> Vec<Effect> {
        let Some(&ranker) = self.available(shared).get(index) else {
            self.path = Some(TextInput::default());
            return Vec::new();
        };
        match self.chosen.iter().position(|&chosen| chosen == ranker) {
            Some(_) if self.chosen.len() <= 2 => {
                let message = "at least two rankers are compared: add another one first";
                return vec![Effect::Notify(message.into())];
            }
            Some(position) => drop(self.chosen.remove(position)),
            None if self.chosen.len() == MAX_RANKERS => {
                let message =
                    format!("at most {MAX_RANKERS} rankers are compared: remove one first");
                return vec![Effect::Notify(message)];
            }
            None => self.chosen.push(ranker),
        }
        self.reference = self.reference.clamp(1, self.chosen.len() - 1);
        vec![Effect::Evaluate]
    }

    /// Edits the path that is typed, or imports it.
    pub(crate) fn update_path(&mut self, action: Action) -> Vec<Effect> {
        if action != Action::Accept {
            if let Some(path) = &mut self.path {
                path.edit(action);
            }
            return Vec::new();
        }
        let input = self.path.take().unwrap_or_default();
        let path = input.text().trim();
        if path.is_empty() {
            return Vec::new();
        }
        vec![Effect::Import(PathBuf::from(path))]
    }

    /// Adds one of an import's rankers if there is room: a run, or an index in the mode of the
    /// first ranker. It becomes the reference. Returns true if it was added.
    pub(crate) fn add_imported(&mut self, imported: &[Ranker]) -> bool {
        let first = self.chosen.first().copied();
        let same_mode = imported.iter().find(|&&r| has_same_mode(r, first));
        let Some(&ranker) = same_mode.or(imported.first()) else {
            return false;
        };
        if self.chosen.len() >= MAX_RANKERS {
            return false;
        }
        self.chosen.push(ranker);
        self.reference = self.chosen.len() - 1;
        true
    }
}

/// Returns true if an imported index ranks in the mode of the first chosen ranker.
fn has_same_mode(imported: Ranker, first: Option<Ranker>) -> bool {
    match (imported, first) {
        (
            Ranker::ImportedIndex(_, mode),
            Some(Ranker::OpenIndex(first) | Ranker::ImportedIndex(_, first)),
        ) => mode == first,
        _ => false,
    }
}

/// Returns every pair of the index's modes.
fn pairs_of(modes: &[Mode]) -> Vec<[Ranker; 2]> {
    let mut pairs = Vec::new();
    for (index, &first) in modes.iter().enumerate() {
        for &second in &modes[index + 1..] {
            pairs.push([first, second].map(Ranker::OpenIndex));
        }
    }
    pairs
}
