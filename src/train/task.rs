//! The pre-training tasks: the paper's four, and those that align sentences with images.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

use crate::error::Error;

/// A pre-training task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Masked entity prediction: predicts the entity behind the `[MASK]`.
    Mep,
    /// Contrast: pulls entities that expand into each other together and pushes hard negatives
    /// away.
    Contrastive,
    /// Clustering: assigns two views of a class to the same cluster.
    Clustering,
    /// Momentum distillation: a slower copy of the model teaches masked entity prediction.
    Distillation,
    /// Image–text contrast: pulls a sentence to its image and pushes it away from others (CLIP,
    /// ALBEF).
    Itc,
    /// Image–text matching: decides from the fused state whether a sentence and an image match
    /// (ALBEF). It shares the steps of `itc`, or without it those of `mep`.
    Itm,
    /// Masked language modelling: predicts the tokens of the masked mention from the fused state
    /// (ALBEF). It shares the steps of `itc`, or without it those of `mep`.
    Mlm,
}

impl Task {
    pub const ALL: [Task; 7] = [
        Task::Mep,
        Task::Contrastive,
        Task::Clustering,
        Task::Distillation,
        Task::Itc,
        Task::Itm,
        Task::Mlm,
    ];
    /// The tasks of MultiExpan.
    pub const PAPER: [Task; 4] = [
        Task::Mep,
        Task::Contrastive,
        Task::Clustering,
        Task::Distillation,
    ];

    /// The tasks of the command `train`: those of MultiExpan, and two of ALBEF that can be added.
    pub const OFFERED: [Task; 6] = [
        Task::Mep,
        Task::Contrastive,
        Task::Clustering,
        Task::Distillation,
        Task::Itm,
        Task::Mlm,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Task::Mep => "mep",
            Task::Contrastive => "contrastive",
            Task::Clustering => "clustering",
            Task::Distillation => "distillation",
            Task::Itc => "itc",
            Task::Itm => "itm",
            Task::Mlm => "mlm",
        }
    }
}

impl Task {
    /// Returns whether a step of this task updates the parameter of this name. All tasks update the
    /// encoders, and each its own head.
    pub fn trains(self, parameter: &str) -> bool {
        match parameter.split('.').next().unwrap_or_default() {
            "head" => matches!(self, Task::Mep | Task::Distillation),
            "projection_head" => self == Task::Contrastive,
            "cluster_head" => self == Task::Clustering,
            "text_proj" | "vision_proj" | "temp" => self == Task::Itc,
            "itm_head" | "mlm_head" => matches!(self, Task::Itc | Task::Mep),
            _ => true,
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let names = Task::ALL.map(Task::name).join(", ");
        let unknown = || Error::Argument(format!("unknown task `{s}` (expected one of: {names})"));
        Task::ALL
            .into_iter()
            .find(|t| t.name() == s)
            .ok_or_else(unknown)
    }
}

/// The set of tasks of a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskSet(Vec<Task>);

impl TaskSet {
    /// Creates a set with each task once, in the order of [`Task::ALL`].
    pub fn new(tasks: impl IntoIterator<Item = Task>) -> Self {
        let mut tasks: Vec<Task> = tasks.into_iter().collect();
        tasks.sort_unstable();
        tasks.dedup();
        TaskSet(tasks)
    }

    pub fn contains(&self, task: Task) -> bool {
        self.0.contains(&task)
    }

    pub fn iter(&self) -> impl Iterator<Item = Task> {
        self.0.iter().copied()
    }

    /// Returns whether any task compares two views. Positives and hard negatives are mined for
    /// these.
    pub fn compare_views(&self) -> bool {
        self.contains(Task::Contrastive) || self.contains(Task::Clustering)
    }

    /// Refuses tasks without masked entity prediction and image–text contrast: only these separate
    /// entities from each other.
    pub fn validate(&self) -> Result<(), Error> {
        match (self.contains(Task::Mep), self.contains(Task::Itc)) {
            (false, false) => Err(Error::Argument(
                "tasks must include mep or itc: without them a model cannot expand".into(),
            )),
            (false, true) if self.compare_views() => Err(Error::Argument(
                "contrastive and clustering require mep, whose model is used for mining".into(),
            )),
            _ => Ok(()),
        }
    }

    /// Returns the factor of a task's loss, as published: masked entity prediction has 1, .5 together
    /// with contrast alone, .8 together with clustering alone; contrast has .5, clustering .2. The
    /// tasks of ALBEF have 1. Distillation has its own setting.
    pub fn weight(&self, task: Task) -> f64 {
        match (
            task,
            self.contains(Task::Contrastive),
            self.contains(Task::Clustering),
        ) {
            (Task::Mep, true, false) => 0.5,
            (Task::Mep, false, true) => 0.8,
            (Task::Contrastive, ..) => 0.5,
            (Task::Clustering, ..) => 0.2,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_paper() {
        let weights = |tasks: &[Task]| {
            let tasks = TaskSet::new(tasks.iter().copied());
            [Task::Mep, Task::Contrastive, Task::Clustering].map(|t| tasks.weight(t))
        };
        assert_eq!(weights(&Task::PAPER), [1.0, 0.5, 0.2]);
        assert_eq!(weights(&[Task::Mep, Task::Contrastive])[0], 0.5);
        assert_eq!(weights(&[Task::Mep, Task::Clustering])[0], 0.8);
        assert_eq!(weights(&[Task::Mep, Task::Distillation])[0], 1.0);
    }

    #[test]
    fn names_survive_a_round_trip() {
        for task in Task::ALL {
            assert_eq!(task.name().parse::<Task>().unwrap(), task);
            assert_eq!(serde_json::to_value(task).unwrap(), task.name());
        }
        assert!(
            "sleeping"
                .parse::<Task>()
                .unwrap_err()
                .to_string()
                .contains("clustering")
        );
        let is_refused = |tasks: &[Task]| TaskSet::new(tasks.iter().copied()).validate().is_err();
        assert!(
            is_refused(&[Task::Contrastive])
                && is_refused(&[Task::Itm, Task::Mlm])
                && is_refused(&[Task::Itc, Task::Clustering])
        );
        assert!(
            !is_refused(&[Task::Itc, Task::Mlm])
                && !is_refused(&[Task::Mep, Task::Itm])
                && !is_refused(&Task::ALL)
        );
    }
}
