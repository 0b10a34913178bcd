//! One step of the optimizer: the losses of its task, their gradients and the update.

use tch::Tensor;

use crate::error::{Error, Result};
use crate::model::NetworkInput;
use crate::train::alignment::{alignment_losses, further_losses};
use crate::train::loss::{clustering, contrastive, distillation, masked_entity};
use crate::train::schedule::TrainStep;
use crate::train::step_batch::StepBatch;
use crate::train::task::Task;
use crate::train::train_state::Training;

impl Training<'_> {
    /// Performs one step of the optimizer on the batches of the step, then updates the teacher.
    pub(super) fn step(&mut self, step: &TrainStep, batches: &[StepBatch]) -> Result<()> {
        // Dropout draws from torch's global generator. Seeding it by the step number makes a
        // resumed training draw the same numbers as an uninterrupted one.
        tch::manual_seed((self.config.seed << 32 | self.position.total_steps as u64) as i64);
        self.optimizer.zero_grad();
        for batch in batches {
            let mut weighted = Vec::new();
            for (task, loss) in self.losses(step, batch) {
                self.record_loss(task, &loss, batch.fraction)?;
                weighted.push(loss * (batch.fraction * self.config.tasks.weight(task)));
            }
            weighted.into_iter().sum::<Tensor>().f_backward()?;
        }
        if let Some(max_norm) = self.config.gradient_norm {
            self.optimizer
                .clip_gradient_norm(max_norm, |name| step.task.trains(name));
        }
        self.optimizer
            .step(self.learning_rate_factor(), |name| step.task.trains(name));
        if let Some(teacher) = &mut self.teacher {
            teacher.update(self.config.momentum);
        }
        self.position.advance_step();
        Ok(())
    }

    /// Adds a loss to the sums of the epoch. Error: the loss is not finite.
    fn record_loss(&mut self, task: Task, loss: &Tensor, fraction: f64) -> Result<()> {
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return Err(Error::Mismatch(format!(
                "the loss of {} became {value} at epoch {}, batch {}; try a smaller learning rate",
                task.name(),
                self.position.epoch + 1,
                self.position.batch + 1
            )));
        }
        self.position.losses.add(task, value, fraction);
        Ok(())
    }

    /// Returns the losses of a step, not yet weighted: one for each of the tasks that share its
    /// steps.
    fn losses(&self, step: &TrainStep, batch: &StepBatch) -> Vec<(Task, Tensor)> {
        match (step.task, &self.network.alignment) {
            (Task::Itc | Task::Itm | Task::Mlm, Some(alignment)) => {
                alignment_losses(self, alignment, batch)
            }
            (Task::Mep, _) => self.prediction_losses(batch),
            (task, _) => vec![(task, self.comparison_loss(task, batch))],
        }
    }

    /// Returns the losses of masked entity prediction and of the tasks that share its steps.
    fn prediction_losses(&self, batch: &StepBatch) -> Vec<(Task, Tensor)> {
        let tower = &self.network.student;
        let encoded = tower.encode_separately(&batch.input, true);
        let fused = tower.fuse(&encoded, true);
        let pre_head = tower.head.pre_head(&tower.pool(&fused, &encoded), true);
        let log_prob = tower
            .head
            .log_prob(&pre_head, true, self.config.score_dropout);
        let loss = self.masked_entity_loss(&log_prob, &batch.input, &batch.labels);
        let mut losses = vec![(Task::Mep, loss)];
        if !self.config.tasks.contains(Task::Itc) {
            let further = further_losses(self, batch, &encoded, &fused, &log_prob);
            losses.extend(further);
        }
        losses
    }

    /// Returns the loss of a task that compares two views.
    fn comparison_loss(&self, task: Task, batch: &StepBatch) -> Tensor {
        let hidden = self.network.student.hidden(&batch.input, true);
        if task == Task::Clustering {
            let (a, b) = split_views(self.network.cluster.forward(&hidden, true));
            return clustering(&a, &b, &self.config.nce);
        }
        let (a, b) = split_views(self.network.projection.forward(&hidden, true));
        contrastive(&a, &b, &self.config.nce)
    }

    /// Returns the loss of masked entity prediction, mixed with the losses against the soft targets
    /// and against the teacher if the settings have them.
    fn masked_entity_loss(
        &self,
        log_prob: &Tensor,
        input: &NetworkInput,
        labels: &Tensor,
    ) -> Tensor {
        let mut loss = masked_entity(log_prob, labels, self.config.label_smoothing);
        if let Some(soft_targets) = &self.soft_targets {
            let weight = soft_targets.fraction();
            loss = loss * (1.0 - weight) + soft_targets.loss(log_prob, labels) * weight;
        }
        if let Some(tower) = &self.network.teacher {
            let weight = self.config.distillation_weight;
            let teacher_log_prob =
                tch::no_grad(|| tower.head.log_prob(&tower.pre_head(input), false, 0.0));
            loss = loss * (1.0 - weight) + distillation(log_prob, &teacher_log_prob) * weight;
        }
        loss
    }
}

/// Splits a batch `[2N, D]` into its first and its second views, `[N, D]` each.
fn split_views(x: Tensor) -> (Tensor, Tensor) {
    let n = x.size()[0] / 2;
    (x.narrow(0, 0, n), x.narrow(0, n, n))
}
