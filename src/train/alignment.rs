//! The steps that align sentences with pictures: contrast alone (a dual encoder, CLIP), or
//! contrast, then matching and masked language modelling on the fused states, with a momentum copy
//! that teaches (ALBEF, Li et al. 2021).
//!
//! Unlike in either paper, what belongs together is told by the entity: a sentence goes with any
//! picture of its entity, as in ALBEF's own training for retrieval a picture goes with any of its
//! captions.

use tch::{Kind, Tensor};

use crate::model::NetworkInput;
use crate::model::alignment_heads::{Alignment, PairEmbeddings};
use crate::model::network::Tower;
use crate::train::loss::{image_text_contrast, image_text_matching, masked_words};
use crate::train::schedule::TrainStep;
use crate::train::task::Task;
use crate::train::train_state::Training;
use crate::train::trainer::StepBatch;

/// What the momentum copy makes of a step's pairs, and what it counts.
struct Taught {
    views: PairEmbeddings,
    /// Of the masked mention's tokens, `[B, W]`; none where these are no task.
    words: Option<Tensor>,
    share: f64,
}

impl Training<'_> {
    /// The losses of one step. Its pairs' views are put into the queue.
    pub(super) fn aligned(
        &self,
        alignment: &Alignment,
        step: &TrainStep,
        part: &StepBatch,
    ) -> Vec<(Task, Tensor)> {
        let (tower, tasks) = (&self.network.student, &self.config.tasks);
        let towers = tower.encode_separately(&part.input, true);
        // the settings refuse pairs without a picture
        let Some(views) = alignment.heads.project(&towers) else {
            return Vec::new();
        };
        let taught = self.taught(alignment, &part.input);
        let contrast = contrast(alignment, &views, taught.as_ref(), &part.labels);
        let mut losses = vec![(Task::Itc, contrast)];
        if tasks.has(Task::Itm) || tasks.has(Task::Mlm) {
            let fused = tower.fuse(&towers, true);
            if tasks.has(Task::Itm) {
                let apart = mismatched(&views, &part.labels, &alignment.temperature());
                losses.push((
                    Task::Itm,
                    matching(alignment, tower, (&towers, &fused), apart),
                ));
            }
            if tasks.has(Task::Mlm) {
                let log_prob = alignment
                    .heads
                    .word_log_prob(&towers.at_mask(&fused), tower.bert.words());
                let (tokens, keep) = self.sources.mentions(&step.samples);
                let taught = taught
                    .as_ref()
                    .and_then(|t| Some((t.words.as_ref()?, t.share)));
                losses.push((Task::Mlm, masked_words(&log_prob, &tokens, &keep, taught)));
            }
        }
        losses
    }

    /// What the momentum copy says, where there is one. It counts more and more over the first
    /// epoch, as published.
    fn taught(&self, alignment: &Alignment, input: &NetworkInput) -> Option<Taught> {
        let (tower, heads) = (self.network.teacher.as_ref()?, alignment.teacher.as_ref()?);
        let epochs =
            self.at.step_in_all as f64 * self.config.epochs as f64 / self.steps_in_all as f64;
        tch::no_grad(|| {
            let towers = tower.encode_separately(input, false);
            let at_mask = || towers.at_mask(&tower.fuse(&towers, false));
            let words = self.config.tasks.has(Task::Mlm);
            let words =
                words.then(|| heads.word_log_prob(&at_mask(), self.network.student.bert.words()));
            Some(Taught {
                views: heads.project(&towers)?,
                words,
                share: self.config.distillation_share * epochs.min(1.0),
            })
        })
    }
}

/// Pairs against all of the step's and the queue's, which are seen by the momentum copy where there
/// is one.
fn contrast(
    alignment: &Alignment,
    views: &PairEmbeddings,
    taught: Option<&Taught>,
    labels: &Tensor,
) -> Tensor {
    let keys = taught.map_or(views, |t| &t.views);
    let (queued, queued_labels) = alignment.queued();
    let (all, all_labels) = (
        keys.concat(&queued),
        Tensor::cat(&[labels, &queued_labels], 0),
    );
    let soft = taught.map(|t| (&t.views, t.share));
    let loss = image_text_contrast(
        (views, labels),
        (&all, &all_labels),
        &alignment.temperature(),
        soft,
    );
    alignment.enqueue(keys, labels);
    loss
}

/// Sentences and pictures of the batch that do not belong together, as rows `(texts, images)` of
/// equal length: for each picture a sentence of another entity and for each sentence a picture,
/// drawn the likelier the more alike they are. A pair of which the batch has no other entity gives
/// none.
fn mismatched(views: &PairEmbeddings, labels: &Tensor, temperature: &Tensor) -> (Tensor, Tensor) {
    tch::no_grad(|| {
        let same = labels.unsqueeze(1).eq_tensor(&labels.unsqueeze(0)); // [B, B]
        let drawn = |from: &Tensor, to: &Tensor| {
            let likeness = (from.matmul(&to.tr()) / temperature).softmax(-1, Kind::Float) + 1e-4;
            let weights = likeness.masked_fill(&same, 0.0);
            let rows = weights
                .sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
                .gt(0.0)
                .nonzero()
                .squeeze_dim(1);
            let drawn = weights
                .index_select(0, &rows)
                .multinomial(1, false)
                .squeeze_dim(1);
            (rows, drawn)
        };
        let (images, other_texts) = drawn(&views.image, &views.text);
        let (texts, other_images) = drawn(&views.text, &views.image);
        (
            Tensor::cat(&[other_texts, texts], 0),
            Tensor::cat(&[images, other_images], 0),
        )
    })
}

/// Whether each of the batch's pairs belongs together, which they do, and each of those `apart`,
/// which do not.
fn matching(
    alignment: &Alignment,
    tower: &Tower,
    (towers, fused): (&NetworkInput, &Tensor),
    (texts, images): (Tensor, Tensor),
) -> Tensor {
    let apart = towers.recombined(&texts, &images);
    let logits =
        |fused: &Tensor, of: &NetworkInput| tower.pool(fused, of).apply(&alignment.matching);
    image_text_matching(
        &logits(fused, towers),
        &logits(&tower.fuse(&apart, true), &apart),
    )
}
