//! The pre-training tasks: the paper's four, and those that align sentences with pictures.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

use crate::error::Error;

/// A pre-training task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Masked entity prediction: which entity stands behind the `[MASK]`.
    Mep,
    /// Contrast: entities that expand into each other are near, hard negatives far.
    Contrastive,
    /// Clustering: two views of a class are assigned alike.
    Clustering,
    /// Momentum distillation: a slower copy of the model teaches masked entity prediction.
    Distillation,
    /// Image–text contrast: a sentence is near its picture and far from others' (CLIP, ALBEF).
    Itc,
    /// Image–text matching: whether a sentence and a picture belong together, by the fused state
    /// (ALBEF). In itc's steps.
    Itm,
    /// Masked language modelling: the tokens of the masked mention, by the fused state (ALBEF). In
    /// itc's steps.
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
    /// Those of MultiExpan.
    pub const PAPER: [Task; 4] = [
        Task::Mep,
        Task::Contrastive,
        Task::Clustering,
        Task::Distillation,
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
    /// Whether a step of this task moves the parameter of this name: the encoders always, a head in
    /// its own task.
    pub fn trains(self, parameter: &str) -> bool {
        match parameter.split('.').next().unwrap_or_default() {
            "head" => matches!(self, Task::Mep | Task::Distillation),
            "projection_head" => self == Task::Contrastive,
            "cluster_head" => self == Task::Clustering,
            "text_proj" | "vision_proj" | "temp" | "itm_head" | "mlm_head" => self == Task::Itc,
            _ => true,
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let names = Task::ALL.map(Task::name).join(", ");
        let unknown = || Error::Argument(format!("“{s}” is no task; the tasks are {names}"));
        Task::ALL
            .into_iter()
            .find(|t| t.name() == s)
            .ok_or_else(unknown)
    }
}

/// Which tasks a training has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    /// Each once, in the order of [`Task::ALL`].
    pub fn new(tasks: impl IntoIterator<Item = Task>) -> Self {
        let mut tasks: Vec<Task> = tasks.into_iter().collect();
        tasks.sort_unstable();
        tasks.dedup();
        Tasks(tasks)
    }

    pub fn has(&self, task: Task) -> bool {
        self.0.contains(&task)
    }

    pub fn iter(&self) -> impl Iterator<Item = Task> {
        self.0.iter().copied()
    }

    /// Whether any task compares two views, for which positives and hard negatives are mined first.
    pub fn compare_views(&self) -> bool {
        self.has(Task::Contrastive) || self.has(Task::Clustering)
    }

    /// Refuses a training with neither masked entity prediction nor image–text contrast: entities
    /// are told apart by what these teach, and the others only shape it.
    pub fn validate(&self) -> Result<(), Error> {
        match (self.has(Task::Mep), self.has(Task::Itc)) {
            (false, false) => Err(Error::Argument(
                "the tasks lack mep, without which no expansion can be read off a model".into(),
            )),
            (false, true) if self.compare_views() => Err(Error::Argument(
                "contrastive and clustering mine with a model of mep, which the tasks lack".into(),
            )),
            (_, false) if self.has(Task::Itm) || self.has(Task::Mlm) => Err(Error::Argument(
                "itm and mlm are parts of itc's steps, which the tasks lack".into(),
            )),
            _ => Ok(()),
        }
    }

    /// What a task's loss is multiplied by, as published: masked entity prediction counts 1, .5
    /// beside contrast alone, .8 beside clustering alone; contrast .5, clustering .2. ALBEF's all
    /// count 1. Distillation's share is a setting of its own.
    pub fn weight(&self, task: Task) -> f64 {
        match (
            task,
            self.has(Task::Contrastive),
            self.has(Task::Clustering),
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
            let tasks = Tasks::new(tasks.iter().copied());
            [Task::Mep, Task::Contrastive, Task::Clustering].map(|t| tasks.weight(t))
        };
        assert_eq!(weights(&Task::PAPER), [1.0, 0.5, 0.2]);
        assert_eq!(weights(&[Task::Mep, Task::Contrastive])[0], 0.5);
        assert_eq!(weights(&[Task::Mep, Task::Clustering])[0], 0.8);
        assert_eq!(weights(&[Task::Mep, Task::Distillation])[0], 1.0);
    }

    #[test]
    fn names_go_there_and_back() {
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
        let refused = |tasks: &[Task]| Tasks::new(tasks.iter().copied()).validate().is_err();
        assert!(
            refused(&[Task::Contrastive])
                && refused(&[Task::Mep, Task::Itm])
                && refused(&[Task::Itc, Task::Clustering])
        );
        assert!(!refused(&[Task::Itc, Task::Mlm]) && !refused(&Task::ALL));
    }
}
