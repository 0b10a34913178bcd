//! The losses that align sentences with images: contrast alone (a dual encoder, CLIP), or contrast,
//! then matching and masked language modelling on the fused states, with a momentum teacher (ALBEF,
//! Li et al. 2021).
//!
//! Unlike in either paper, pairs match by entity: a sentence matches every image of its entity, as
//! an image matches each of its captions in ALBEF's training for retrieval.

use tch::{Device, Kind, Tensor};

use crate::features::samples::Sample;
use crate::model::NetworkInput;
use crate::model::alignment_heads::{Alignment, PairEmbeddings};
use crate::model::network::Tower;
use crate::train::loss::{image_text_contrast, image_text_matching, masked_language_modelling};
use crate::train::step_batch::StepBatch;
use crate::train::task::Task;
use crate::train::train_state::Training;
use crate::types::Mode;

/// The momentum teacher's output for the pairs of a step, and its weight in the targets.
struct TeacherTargets {
    views: PairEmbeddings,
    /// The log-probabilities of the masked mention's tokens, `[B, W]`; `None` without masked
    /// language modelling.
    word_log_prob: Option<Tensor>,
    weight: f64,
}

/// Rows of a batch whose sentences and images are combined to pairs.
struct PairRows {
    texts: Tensor,
    images: Tensor,
}

/// Returns the losses of one step, and adds the views of its pairs to the queue.
pub fn alignment_losses(
    training: &Training,
    alignment: &Alignment,
    batch: &StepBatch,
) -> Vec<(Task, Tensor)> {
    let (tower, tasks) = (&training.network.student, &training.config.tasks);
    let towers = tower.encode_separately(&batch.input, true);
    // the settings do not allow pairs without an image
    let Some(views) = alignment.heads.project(&towers) else {
        return Vec::new();
    };
    let teacher = teacher_targets(training, alignment, &batch.input);
    let contrast = contrast_loss(alignment, &views, teacher.as_ref(), &batch.labels);
    let mut losses = vec![(Task::Itc, contrast)];
    if !tasks.contains(Task::Itm) && !tasks.contains(Task::Mlm) {
        return losses;
    }
    let fused = tower.fuse(&towers, true);
    if tasks.contains(Task::Itm) {
        let probability = |from: &Tensor, to: &Tensor| {
            tch::no_grad(|| {
                (from.matmul(&to.tr()) / alignment.temperature()).softmax(-1, Kind::Float)
            })
        };
        let negatives = sample_hard_negatives(
            &probability(&views.text, &views.image),
            &probability(&views.image, &views.text),
            &batch.labels,
        );
        let positives = tower.pool(&fused, &towers);
        let loss = matching_loss(alignment, tower, &towers, &positives, &negatives);
        losses.push((Task::Itm, loss));
    }
    if tasks.contains(Task::Mlm) {
        let teacher = teacher
            .as_ref()
            .and_then(|t| Some((t.word_log_prob.as_ref()?, t.weight)));
        let loss = mention_loss(training, alignment, batch, &towers.at_mask(&fused), teacher);
        losses.push((Task::Mlm, loss));
    }
    losses
}

/// Returns the teacher's targets, or `None` without a teacher. As published, their weight rises
/// linearly over the first epoch.
fn teacher_targets(
    training: &Training,
    alignment: &Alignment,
    input: &NetworkInput,
) -> Option<TeacherTargets> {
    let (tower, heads) = (
        training.network.teacher.as_ref()?,
        alignment.teacher.as_ref()?,
    );
    let config = training.config;
    let epochs_done =
        training.position.total_steps as f64 * config.epochs as f64 / training.total_steps as f64;
    tch::no_grad(|| {
        let towers = tower.encode_separately(input, false);
        let word_log_prob = config.tasks.contains(Task::Mlm).then(|| {
            let hidden = towers.at_mask(&tower.fuse(&towers, false));
            heads.word_log_prob(&hidden, training.network.student.bert.words())
        });
        Some(TeacherTargets {
            views: heads.project(&towers)?,
            word_log_prob,
            weight: config.distillation_weight * epochs_done.min(1.0),
        })
    })
}

/// Returns the loss of image–text contrast between the pairs and the keys: all pairs of the step
/// and of the queue, as the teacher sees them if there is one. Adds the keys of the step to the
/// queue.
fn contrast_loss(
    alignment: &Alignment,
    views: &PairEmbeddings,
    teacher: Option<&TeacherTargets>,
    labels: &Tensor,
) -> Tensor {
    let step_keys = teacher.map_or(views, |t| &t.views);
    let (queued, queued_labels) = alignment.queued();
    let keys = step_keys.concat(&queued);
    let key_labels = Tensor::cat(&[labels, &queued_labels], 0);
    let loss = image_text_contrast(
        (views, labels),
        (&keys, &key_labels),
        &alignment.temperature(),
        teacher.map(|t| (&t.views, t.weight)),
    );
    alignment.enqueue(step_keys, labels);
    loss
}

/// Returns the losses of image–text matching and masked language modelling for a step of masked
/// entity prediction, if the training has these tasks: of the pairs with sentence and image, and of
/// all. `encoded` and `fused` are those of the batch, `log_prob [B, V]` is the prediction.
///
/// The negatives of a sentence are images of other entities, those with a higher probability by the
/// entity head more often, and likewise those of an image.
pub fn further_losses(
    training: &Training,
    batch: &StepBatch,
    encoded: &NetworkInput,
    fused: &Tensor,
    log_prob: &Tensor,
) -> Vec<(Task, Tensor)> {
    let tasks = &training.config.tasks;
    let Some(alignment) = &training.network.alignment else {
        return Vec::new();
    };
    let mut losses = Vec::new();
    let complete = complete_rows(&batch.samples, fused.device());
    if tasks.contains(Task::Itm) && complete.size()[0] > 0 {
        let labels = batch.labels.index_select(0, &complete);
        let probability = tch::no_grad(|| {
            log_prob
                .index_select(0, &complete)
                .index_select(1, &labels)
                .exp()
        });
        let negatives = sample_hard_negatives(&probability, &probability.tr(), &labels);
        let negatives = PairRows {
            texts: complete.index_select(0, &negatives.texts),
            images: complete.index_select(0, &negatives.images),
        };
        let tower = &training.network.student;
        let positives = tower.pool(fused, encoded).index_select(0, &complete);
        let loss = matching_loss(alignment, tower, encoded, &positives, &negatives);
        losses.push((Task::Itm, loss));
    }
    if tasks.contains(Task::Mlm) {
        let loss = mention_loss(training, alignment, batch, &encoded.at_mask(fused), None);
        losses.push((Task::Mlm, loss));
    }
    losses
}

/// Returns the loss of masked language modelling from the fused states at the masks, `[B, D]`.
/// `teacher` is the teacher's prediction `[B, W]` and its weight in the target.
fn mention_loss(
    training: &Training,
    alignment: &Alignment,
    batch: &StepBatch,
    at_mask: &Tensor,
    teacher: Option<(&Tensor, f64)>,
) -> Tensor {
    let words = training.network.student.bert.words();
    let log_prob = alignment.heads.word_log_prob(at_mask, words);
    let (tokens, keep) = training.sources.mentions(&batch.samples);
    masked_language_modelling(&log_prob, &tokens, &keep, teacher)
}

/// Returns the rows of the pairs that have sentence and image, `[N]`.
fn complete_rows(samples: &[Sample], device: Device) -> Tensor {
    let rows: Vec<i64> = (0..)
        .zip(samples)
        .filter(|(_, sample)| sample.mode == Mode::Both)
        .map(|(row, _)| row)
        .collect();
    Tensor::from_slice(&rows).to_device(device)
}

/// Samples sentences and images of the batch that do not match: for each image a sentence of
/// another entity, and for each sentence an image of another entity, those with a greater weight
/// `[B, B]` with a higher probability. A pair gets none if all pairs of the batch are of its entity.
fn sample_hard_negatives(
    image_of_text: &Tensor,
    text_of_image: &Tensor,
    labels: &Tensor,
) -> PairRows {
    tch::no_grad(|| {
        let same_entity = labels.unsqueeze(1).eq_tensor(&labels.unsqueeze(0)); // [B, B]
        let sample =
            |weights: &Tensor| sample_columns(&(weights + 1e-4).masked_fill(&same_entity, 0.0));
        let (images, negative_texts) = sample(text_of_image);
        let (texts, negative_images) = sample(image_of_text);
        PairRows {
            texts: Tensor::cat(&[negative_texts, texts], 0),
            images: Tensor::cat(&[images, negative_images], 0),
        }
    })
}

/// Samples one column from each row of `weights [B, B]` that is not 0 everywhere, and returns the
/// indexes of these rows and their columns.
fn sample_columns(weights: &Tensor) -> (Tensor, Tensor) {
    let rows = weights
        .sum_dim_intlist([1i64].as_slice(), false, Kind::Float)
        .gt(0.0)
        .nonzero()
        .squeeze_dim(1);
    let columns = weights
        .index_select(0, &rows)
        .multinomial(1, false)
        .squeeze_dim(1);
    (rows, columns)
}

/// Returns the loss of telling pairs that match, of which the fused states `[N, D]` are given, from
/// the negatives, which do not match.
fn matching_loss(
    alignment: &Alignment,
    tower: &Tower,
    encoded: &NetworkInput,
    positives: &Tensor,
    negatives: &PairRows,
) -> Tensor {
    let negatives = encoded.recombined(&negatives.texts, &negatives.images);
    let negative_states = tower.pool(&tower.fuse(&negatives, true), &negatives);
    image_text_matching(
        &positives.apply(&alignment.matching),
        &negative_states.apply(&alignment.matching),
    )
}
