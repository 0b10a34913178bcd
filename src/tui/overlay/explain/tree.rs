//! The lines of an explanation, of one entity or of two side by side, and which of them are folded.

use std::collections::HashSet;

use crate::engine::protocol::{Explanation, ExplanationKind, RankExplanation};
use crate::types::EntityId;

/// The state of the explanation popup.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExplainState {
    /// One entity, or two side by side.
    pub entities: Vec<EntityId>,
    /// The engine's answer; `None` until it arrives.
    pub answer: Option<Result<RankExplanation, String>>,
    /// The selected line among those shown.
    pub cursor: usize,
    /// The branches that are unfolded. A branch is named by its kind, which occurs once in a tree.
    pub(crate) unfolded: HashSet<ExplanationKind>,
    /// The branches that were unfolded to show the current search match.
    unfolded_for_match: Vec<ExplanationKind>,
}

/// One line of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplanationLine<'a> {
    /// The position of the line in the complete tree, from 0.
    pub position: usize,
    pub depth: usize,
    /// The number of the first entity that has it.
    pub number: &'a Explanation,
    /// The value of each entity; `None` if it has none.
    pub values: Vec<Option<f64>>,
    /// The position of the line that folds this one.
    parent: Option<usize>,
    /// For a line with children: whether they are shown.
    pub is_unfolded: Option<bool>,
}

impl ExplanationLine<'_> {
    pub fn kind(&self) -> ExplanationKind {
        self.number.kind
    }

    /// Returns the first value minus the second.
    pub fn difference(&self) -> Option<f64> {
        difference(&self.values)
    }
}

fn difference(values: &[Option<f64>]) -> Option<f64> {
    match values {
        [Some(first), Some(second)] => Some(first - second),
        _ => None,
    }
}

impl ExplainState {
    pub(crate) fn new(entities: Vec<EntityId>) -> Self {
        let unfolded = [
            ExplanationKind::Score,
            ExplanationKind::Pick,
            ExplanationKind::Reranking,
        ];
        ExplainState {
            entities,
            unfolded: unfolded.into(),
            ..ExplainState::default()
        }
    }

    pub fn explanation(&self) -> Option<&RankExplanation> {
        self.answer.as_ref()?.as_ref().ok()
    }

    /// Returns the lines that are not folded away.
    pub fn lines(&self) -> Vec<ExplanationLine<'_>> {
        let mut shown: Vec<ExplanationLine> = Vec::new();
        let mut is_shown = HashSet::new();
        for line in self.all_lines() {
            let parent_is_unfolded = match line.parent {
                None => true,
                Some(parent) => is_shown.contains(&parent),
            };
            if !parent_is_unfolded {
                continue;
            }
            if line.is_unfolded == Some(true) {
                is_shown.insert(line.position);
            }
            shown.push(line);
        }
        shown
    }

    /// Returns every line, folded or not.
    pub(crate) fn all_lines(&self) -> Vec<ExplanationLine<'_>> {
        let Some(explanation) = self.explanation() else {
            return Vec::new();
        };
        let parts = explanation.entities.iter().map(|one| Some(&one.parts[..]));
        let mut lines = Vec::new();
        self.add_lines(&parts.collect::<Vec<_>>(), 0, None, &mut lines);
        lines
    }

    /// Adds the numbers of all entities, and the numbers below them. `siblings` has the numbers of
    /// each entity.
    fn add_lines<'a>(
        &self,
        siblings: &[Option<&'a [Explanation]>],
        depth: usize,
        parent: Option<usize>,
        lines: &mut Vec<ExplanationLine<'a>>,
    ) {
        for same_kind in by_kind(siblings) {
            let Some(number) = same_kind.iter().flatten().copied().next() else {
                continue;
            };
            let position = lines.len();
            let is_branch = same_kind
                .iter()
                .flatten()
                .any(|number| !number.children.is_empty());
            lines.push(ExplanationLine {
                position,
                depth,
                number,
                values: values(&same_kind),
                parent,
                is_unfolded: is_branch.then(|| self.unfolded.contains(&number.kind)),
            });
            let children: Vec<Option<&[Explanation]>> = same_kind
                .iter()
                .map(|number| number.map(|number| &number.children[..]))
                .collect();
            self.add_lines(&children, depth + 1, Some(position), lines);
        }
    }

    /// Returns the position of the cursor's line in the complete tree.
    pub(crate) fn position(&self) -> usize {
        let lines = self.lines();
        lines.get(self.cursor).map_or(0, |line| line.position)
    }

    /// Moves the cursor to a line of the complete tree. Unfolds the branches above it, and folds
    /// those again that were unfolded for the previous match.
    pub(crate) fn go_to(&mut self, position: usize) {
        for branch in self.unfolded_for_match.drain(..) {
            self.unfolded.remove(&branch);
        }
        let branches = self.branches_above(position);
        for branch in branches {
            if self.unfolded.insert(branch) {
                self.unfolded_for_match.push(branch);
            }
        }
        let lines = self.lines();
        let cursor = lines.iter().position(|line| line.position == position);
        self.cursor = cursor.unwrap_or(0);
    }

    /// Returns the branches that a line of the complete tree is in.
    fn branches_above(&self, position: usize) -> Vec<ExplanationKind> {
        let lines = self.all_lines();
        let mut branches = Vec::new();
        let mut line = lines.get(position);
        while let Some(parent) = line.and_then(|line| line.parent) {
            branches.push(lines[parent].kind());
            line = lines.get(parent);
        }
        branches
    }

    /// Folds or unfolds a branch, and moves the cursor to its line.
    pub(crate) fn set_unfolded(&mut self, branch: ExplanationKind, unfolded: bool) {
        if unfolded {
            self.unfolded.insert(branch);
        } else {
            self.unfolded.remove(&branch);
        }
        let lines = self.lines();
        let cursor = lines
            .iter()
            .position(|line| line.is_unfolded.is_some() && line.kind() == branch);
        self.cursor = cursor.unwrap_or(0);
    }
}

fn values(same_kind: &[Option<&Explanation>]) -> Vec<Option<f64>> {
    let value = |number: &Option<&Explanation>| number.and_then(|number| number.value);
    same_kind.iter().map(value).collect()
}

/// Groups the numbers of all entities by kind, in the order in which the kinds occur. States of two
/// entities are sorted by their difference, the greatest first. The competitors of two entities are
/// left out, since they may be those of two different picks, and so is a single competitor.
fn by_kind<'a>(siblings: &[Option<&'a [Explanation]>]) -> Vec<Vec<Option<&'a Explanation>>> {
    let mut kinds = Vec::new();
    for number in siblings.iter().flatten().copied().flatten() {
        if !kinds.contains(&number.kind) {
            kinds.push(number.kind);
        }
    }
    let is_pair = siblings.len() == 2;
    let is_competitor =
        |kind: &&ExplanationKind| matches!(kind, ExplanationKind::Competitor { .. });
    if is_pair || kinds.iter().filter(is_competitor).count() == 1 {
        kinds.retain(|kind| !is_competitor(&kind));
    }
    let of_kind = |kind| {
        let find = |numbers: &'a [Explanation]| numbers.iter().find(|one| one.kind == kind);
        siblings
            .iter()
            .map(|numbers| numbers.and_then(find))
            .collect()
    };
    let mut groups: Vec<Vec<Option<&Explanation>>> = kinds.iter().copied().map(of_kind).collect();
    if is_pair {
        sort_states(&kinds, &mut groups);
    }
    groups
}

fn sort_states(kinds: &[ExplanationKind], groups: &mut [Vec<Option<&Explanation>>]) {
    let is_state = |kind: &ExplanationKind| matches!(kind, ExplanationKind::State(_));
    let first = kinds.iter().position(is_state);
    let last = kinds.iter().rposition(is_state);
    if let Some((first, last)) = first.zip(last) {
        let size =
            |group: &Vec<Option<&Explanation>>| difference(&values(group)).map_or(0.0, f64::abs);
        groups[first..=last].sort_by(|a, b| size(b).total_cmp(&size(a)));
    }
}
