//! The tree of an explanation: score, pick and re-ranking of one entity or of two, line by line.

use std::collections::HashSet;

use crate::engine::protocol::{EntityExplanation, EntityStatus, Explained};
use crate::types::{EntityId, ModalityParts};

/// What the user has open.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExplainState {
    /// One, or two side by side.
    pub entities: Vec<EntityId>,
    /// None until it is there.
    pub answer: Option<Result<Explained, String>>,
    pub cursor: usize,
    pub(crate) unfolded: HashSet<Branch>,
    /// What was unfolded for the match that a search is at.
    opened: Vec<Branch>,
}

/// What folds. Seeds by their place in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Branch {
    Score,
    Seed(usize),
    Pick,
    Reranking,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Score,
    Part(Modality),
    Seed(usize),
    SeedPart(usize, Modality),
    /// A state of a seed, by its place.
    State(usize, usize),
    /// All other states of a seed.
    Rest(usize),
    Pick,
    /// Its place in the window, from 0.
    Rival(usize),
    Fact(Fact),
    Reranking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    Prior,
    Text,
    Image,
}

/// A number of the pick or of the re-ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    SeedRank,
    Round,
    Window,
    WindowPlace,
    SetScore,
    Divergence,
    Picked,
    ByDivergence,
    Rerank,
    Rank,
}

const OF_PICK: [Fact; 6] = [
    Fact::SeedRank,
    Fact::Round,
    Fact::Window,
    Fact::WindowPlace,
    Fact::SetScore,
    Fact::Divergence,
];
const OF_RERANKING: [Fact; 3] = [Fact::Picked, Fact::ByDivergence, Fact::Rerank];
const MODALITIES: [Modality; 3] = [Modality::Prior, Modality::Text, Modality::Image];

/// One line of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplanationLine {
    pub depth: usize,
    pub subject: Subject,
    /// What it folds, and whether that is open.
    pub branch: Option<(Branch, bool)>,
    /// Of each entity; none where it has none.
    pub values: Vec<Option<f64>>,
}

impl ExplanationLine {
    /// The first less the second.
    pub fn difference(&self) -> Option<f64> {
        match self.values[..] {
            [Some(first), Some(second)] => Some(first - second),
            _ => None,
        }
    }
}

impl Modality {
    pub fn name(self) -> &'static str {
        match self {
            Modality::Prior => "prior",
            Modality::Text => "text",
            Modality::Image => "image",
        }
    }

    pub fn of(self, parts: ModalityParts) -> f64 {
        match self {
            Modality::Prior => parts.prior,
            Modality::Text => parts.text,
            Modality::Image => parts.image,
        }
    }
}

impl Fact {
    pub fn of(self, why: &EntityExplanation) -> Option<f64> {
        let count = |n: usize| n as f64;
        let contest = why.contest.as_ref();
        let place = match &why.standing {
            EntityStatus::Listed(place) => Some(place),
            _ => None,
        };
        match self {
            Fact::SeedRank => why.seed_rank.map(count),
            Fact::Round => contest.map(|c| c.round as f64),
            Fact::Window => contest.map(|c| count(c.rivals.len())),
            Fact::WindowPlace => contest?
                .rivals
                .iter()
                .position(|r| r.entity == why.entity)
                .map(|at| count(at + 1)),
            Fact::SetScore => contest?.rival(why.entity).map(|r| r.set_score),
            Fact::Divergence => contest?.rival(why.entity).map(|r| r.divergence),
            Fact::Picked => place.map(|p| count(p.picked)),
            Fact::ByDivergence => place.map(|p| count(p.by_divergence)),
            Fact::Rerank => place.map(|p| p.score),
            Fact::Rank => place.map(|p| count(p.rank)),
        }
    }

    /// Whether it counts places, of which the least is the best.
    pub fn is_place(self) -> bool {
        !matches!(self, Fact::SetScore | Fact::Divergence | Fact::Rerank)
    }
}

impl ExplainState {
    pub(crate) fn new(entities: Vec<EntityId>) -> Self {
        let unfolded = [Branch::Score, Branch::Pick, Branch::Reranking].into();
        ExplainState {
            entities,
            unfolded,
            ..ExplainState::default()
        }
    }

    pub fn explained(&self) -> Option<&Explained> {
        self.answer.as_ref()?.as_ref().ok()
    }

    /// The lines that are not folded away.
    pub fn lines(&self) -> Vec<ExplanationLine> {
        self.explained().map_or_else(Vec::new, |explained| {
            lines(explained, &|branch| self.unfolded.contains(&branch))
        })
    }

    /// Every line, whatever is folded.
    pub(crate) fn whole(&self) -> Vec<ExplanationLine> {
        self.explained()
            .map_or_else(Vec::new, |explained| lines(explained, &|_| true))
    }

    /// The cursor's place in the whole tree.
    pub(crate) fn place(&self) -> usize {
        let subject = self.lines().get(self.cursor).map(|line| line.subject);
        self.whole()
            .iter()
            .position(|line| Some(line.subject) == subject)
            .unwrap_or(0)
    }

    /// Puts the cursor on a line of the whole tree; what it is folded in is opened, and what the
    /// last one was is folded again.
    pub(crate) fn go_to(&mut self, place: usize) {
        for branch in self.opened.drain(..) {
            self.unfolded.remove(&branch);
        }
        let whole = self.whole();
        let Some(line) = whole.get(place) else { return };
        let mut depth = line.depth;
        for above in whole[..place].iter().rev() {
            if let Some((branch, _)) = above.branch.filter(|_| above.depth < depth) {
                depth = above.depth;
                if self.unfolded.insert(branch) {
                    self.opened.push(branch);
                }
            }
        }
        self.cursor = self
            .lines()
            .iter()
            .position(|shown| shown.subject == line.subject)
            .unwrap_or(0);
    }

    pub(crate) fn fold(&mut self, branch: Branch, open: bool) {
        match open {
            true => self.unfolded.insert(branch),
            false => self.unfolded.remove(&branch),
        };
        // the branch's own line stays under the cursor
        let at = self
            .lines()
            .iter()
            .position(|line| line.branch.is_some_and(|(b, _)| b == branch));
        self.cursor = at.unwrap_or(0);
    }
}

/// Whether a branch is open.
type IsOpen<'a> = dyn Fn(Branch) -> bool + 'a;

fn lines(explained: &Explained, is_open: &IsOpen) -> Vec<ExplanationLine> {
    let mut lines = Vec::new();
    if explained.entities.iter().any(|why| !why.seeds.is_empty()) {
        score(explained, is_open, &mut lines);
    }
    if explained
        .entities
        .iter()
        .any(|why| OF_PICK.iter().any(|fact| fact.of(why).is_some()))
    {
        pick(explained, is_open, &mut lines);
    }
    if explained
        .entities
        .iter()
        .any(|why| matches!(why.standing, EntityStatus::Listed(_)))
    {
        reranking(explained, is_open, &mut lines);
    }
    lines
}

fn score(explained: &Explained, is_open: &IsOpen, lines: &mut Vec<ExplanationLine>) {
    let branch = Branch::Score;
    let open = is_open(branch);
    lines.push(ExplanationLine {
        depth: 0,
        subject: Subject::Score,
        branch: Some((branch, open)),
        values: scored(explained, |why| Some(why.score)),
    });
    if !open {
        return;
    }
    for modality in MODALITIES {
        let values = scored(explained, |why| why.parts.map(|parts| modality.of(parts)));
        if values.iter().any(Option::is_some) {
            lines.push(leaf(1, Subject::Part(modality), values));
        }
    }
    for seed in 0..explained.seeds.len() {
        score_of_seed(explained, seed, is_open, lines);
    }
}

/// Adds the lines of one seed: its Z, the parts of that, and the states of the seed.
fn score_of_seed(
    explained: &Explained,
    seed: usize,
    is_open: &IsOpen,
    lines: &mut Vec<ExplanationLine>,
) {
    let branch = Branch::Seed(seed);
    let open = is_open(branch);
    lines.push(ExplanationLine {
        depth: 1,
        subject: Subject::Seed(seed),
        branch: Some((branch, open)),
        values: scored(explained, |why| Some(why.seeds.get(seed)?.z)),
    });
    if !open {
        return;
    }
    for modality in MODALITIES {
        let values = scored(explained, |why| {
            why.seeds.get(seed)?.parts.map(|parts| modality.of(parts))
        });
        if values.iter().any(Option::is_some) {
            lines.push(leaf(2, Subject::SeedPart(seed, modality), values));
        }
    }
    lines.extend(states_of_seed(explained, seed));
    if explained.seeds[seed].more > 0 {
        let values = scored(explained, |why| Some(why.seeds.get(seed)?.rest));
        lines.push(leaf(2, Subject::Rest(seed), values));
    }
}

/// Returns a line for each state of a seed that is listed.
fn states_of_seed(explained: &Explained, seed: usize) -> Vec<ExplanationLine> {
    let mut lines = Vec::new();
    for at in 0..explained.seeds[seed].states.len() {
        let values = scored(explained, |why| {
            why.seeds.get(seed)?.brought.get(at).copied()
        });
        lines.push(leaf(2, Subject::State(seed, at), values));
    }
    if explained.entities.len() == 2 {
        // what tells the two apart comes first
        let apart = |line: &ExplanationLine| line.difference().map_or(0.0, f64::abs);
        lines.sort_by(|a, b| apart(b).total_cmp(&apart(a)));
    }
    lines
}

/// Returns a value of each entity, and `None` for one whose score is not known.
fn scored(
    explained: &Explained,
    value: impl Fn(&EntityExplanation) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut values = Vec::new();
    for why in &explained.entities {
        let is_known = !why.seeds.is_empty();
        values.push(if is_known { value(why) } else { None });
    }
    values
}

/// Returns a line that folds nothing.
fn leaf(depth: usize, subject: Subject, values: Vec<Option<f64>>) -> ExplanationLine {
    ExplanationLine {
        depth,
        subject,
        branch: None,
        values,
    }
}

fn pick(explained: &Explained, is_open: &IsOpen, lines: &mut Vec<ExplanationLine>) {
    let branch = Branch::Pick;
    let open = is_open(branch);
    let pick = explained
        .entities
        .iter()
        .map(|why| why.contest.as_ref().map(|c| c.pick as f64))
        .collect();
    lines.push(ExplanationLine {
        depth: 0,
        subject: Subject::Pick,
        branch: Some((branch, open)),
        values: pick,
    });
    if !open {
        return;
    }
    facts(explained, &OF_PICK, lines);
    // side by side the two may come from two windows
    if let [only] = &explained.entities[..]
        && let Some(contest) = only
            .contest
            .as_ref()
            .filter(|contest| contest.rivals.len() > 1)
    {
        for (at, rival) in contest.rivals.iter().enumerate() {
            let values = vec![Some(rival.divergence)];
            lines.push(ExplanationLine {
                depth: 1,
                subject: Subject::Rival(at),
                branch: None,
                values,
            });
        }
    }
}

fn reranking(explained: &Explained, is_open: &IsOpen, lines: &mut Vec<ExplanationLine>) {
    let branch = Branch::Reranking;
    let open = is_open(branch);
    let rank = explained
        .entities
        .iter()
        .map(|why| Fact::Rank.of(why))
        .collect();
    lines.push(ExplanationLine {
        depth: 0,
        subject: Subject::Reranking,
        branch: Some((branch, open)),
        values: rank,
    });
    if open {
        facts(explained, &OF_RERANKING, lines);
    }
}

fn facts(explained: &Explained, facts: &[Fact], lines: &mut Vec<ExplanationLine>) {
    for &fact in facts {
        let values: Vec<Option<f64>> = explained.entities.iter().map(|why| fact.of(why)).collect();
        if values.iter().any(Option::is_some) {
            lines.push(ExplanationLine {
                depth: 1,
                subject: Subject::Fact(fact),
                branch: None,
                values,
            });
        }
    }
}
