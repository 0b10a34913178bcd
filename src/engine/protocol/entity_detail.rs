//! Everything about one entity.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::types::{ClassId, EntityId};

/// The images, sentences, neighbours and query ranks of one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityDetail {
    pub entity: EntityId,
    /// Each image once, in the order of the corpus.
    pub images: Vec<PathBuf>,
    /// Up to 200 of its sentences, in the order of the corpus.
    pub sentences: Vec<SentenceCard>,
    /// The entities with the greatest Z in the requested mode, best first: (entity, Z).
    pub neighbours: Vec<(EntityId, f64)>,
    /// Its rank in each query that was evaluated in that mode and that either belongs to one of its
    /// classes or has it in the ranking: (class, query number, rank from 1).
    pub query_ranks: Vec<(ClassId, usize, usize)>,
}

/// A sentence, its mention and its image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentenceCard {
    pub tokens: Vec<String>,
    /// The mention: tokens `start..=end`.
    pub start: usize,
    pub end: usize,
    pub image: Option<PathBuf>,
}
