//! The four pre-training tasks, and which of them an epoch has when.

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
}

impl Task {
    pub const ALL: [Task; 4] = [Task::Mep, Task::Contrastive, Task::Clustering, Task::Distillation];

    pub fn name(self) -> &'static str {
        match self {
            Task::Mep => "mep",
            Task::Contrastive => "contrastive",
            Task::Clustering => "clustering",
            Task::Distillation => "distillation",
        }
    }
}

impl Task {
    /// Whether a step of this task moves the parameter of this name: the encoders always, a head in its own task.
    pub fn trains(self, parameter: &str) -> bool {
        match parameter.split('.').next().unwrap_or_default() {
            "head" => matches!(self, Task::Mep | Task::Distillation),
            "projection_head" => self == Task::Contrastive,
            "cluster_head" => self == Task::Clustering,
            _ => true,
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let names = Task::ALL.map(Task::name).join(", ");
        let unknown = || Error::Argument(format!("“{s}” is no task; the tasks are {names}"));
        Task::ALL.into_iter().find(|t| t.name() == s).ok_or_else(unknown)
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

    /// Whether any task compares two views, for which positives and hard negatives are mined first.
    pub fn compare_views(&self) -> bool {
        self.has(Task::Contrastive) || self.has(Task::Clustering)
    }

    /// Refuses a training without masked entity prediction: expansion reads what it teaches, and the others only shape it.
    pub fn validate(&self) -> Result<(), Error> {
        match self.has(Task::Mep) {
            true => Ok(()),
            false => {
                Err(Error::Argument("the tasks lack mep, without which no expansion can be read off a model".into()))
            }
        }
    }

    /// What a task's loss is multiplied by, as published: masked entity prediction counts 1, .5 beside contrast alone,
    /// .8 beside clustering alone; contrast .5, clustering .2. Distillation's share is a setting of its own.
    pub fn weight(&self, task: Task) -> f64 {
        match (task, self.has(Task::Contrastive), self.has(Task::Clustering)) {
            (Task::Mep, true, false) => 0.5,
            (Task::Mep, false, true) => 0.8,
            (Task::Mep | Task::Distillation, ..) => 1.0,
            (Task::Contrastive, ..) => 0.5,
            (Task::Clustering, ..) => 0.2,
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
        assert_eq!(weights(&Task::ALL), [1.0, 0.5, 0.2]);
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
        assert!("sleeping".parse::<Task>().unwrap_err().to_string().contains("clustering"));
        assert!(Tasks::new([Task::Contrastive]).validate().is_err());
    }
}
