//! Vectors of entities from the words of their sentences, without an encoder: TF–IDF of word pieces,
//! reduced by latent semantic analysis (Deerwester et al. 1990). Rare words, such as *lanthanide* or
//! *Bundesland*, name a class more exactly than the mean of sentence vectors.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::features::entity_mean::centred_unit_rows_of;
use crate::features::frozen_corpus::FrozenCorpus;

/// The number of dimensions of the vectors.
const WIDTH: i64 = 192;
/// The number of additional dimensions of the random start, and the number of iterations, with which
/// these are found (Halko, Martinsson and Tropp 2011).
const OVERSAMPLING: i64 = 32;
const ITERATIONS: usize = 4;
/// The number of entities that a word piece must occur with.
const MIN_ENTITIES: usize = 2;

/// Returns the vector of every entity, `[entities, ≤ 192]` of unit length; 0 for an entity without a
/// sentence. `None` if no word piece is shared by two entities.
///
/// The mention is left out, so that names play no part. With `chosen`, only these sentences count.
/// The weight of a word piece is (1 + ln n)·ln(N / df), with n its count in the entity's sentences,
/// N the number of entities with a sentence and df the number of those with the word piece. It is 0
/// for `[CLS]`, `[MASK]` and `[SEP]`, which all have.
pub fn word_vectors(
    corpus: &FrozenCorpus,
    chosen: Option<&[usize]>,
    device: Device,
) -> Option<Tensor> {
    let counts = count_pieces(corpus, chosen);
    let weights = SparseRows::tf_idf(&counts, device)?;
    let labels: Vec<i64> = (0..counts.len() as i64)
        .filter(|&row| !counts[row as usize].is_empty())
        .collect();
    let labels = Tensor::from_slice(&labels).to_device(device);
    let reduced = weights.principal_coordinates(WIDTH).to_kind(Kind::Float);
    Some(centred_unit_rows_of(&labels, &reduced))
}

/// Returns how often each word piece occurs in the sentences of each entity.
fn count_pieces(corpus: &FrozenCorpus, chosen: Option<&[usize]>) -> Vec<BTreeMap<i64, usize>> {
    let mut counts = vec![BTreeMap::new(); corpus.entities.len()];
    let mut count = |sentence: usize| {
        let sentence = &corpus.sentences[sentence];
        for &piece in &sentence.masked {
            *counts[sentence.row].entry(piece).or_default() += 1;
        }
    };
    match chosen {
        Some(chosen) => chosen.iter().copied().for_each(&mut count),
        None => (0..corpus.sentences.len()).for_each(&mut count),
    }
    counts
}

/// A sparse matrix `[V, W]` and its transpose.
struct SparseRows {
    rows: Tensor,
    transposed: Tensor,
    device: Device,
}

impl SparseRows {
    /// Returns the TF–IDF weights, with rows of unit length; `None` if there is none.
    fn tf_idf(counts: &[BTreeMap<i64, usize>], device: Device) -> Option<Self> {
        let documents = counts.iter().filter(|own| !own.is_empty()).count() as f64;
        let mut frequency: BTreeMap<i64, usize> = BTreeMap::new();
        for piece in counts.iter().flat_map(BTreeMap::keys) {
            *frequency.entry(*piece).or_default() += 1;
        }
        let shared = frequency.iter().filter(|(_, df)| **df >= MIN_ENTITIES);
        let columns: BTreeMap<i64, (i64, f64)> = (0..)
            .zip(shared)
            .map(|(column, (&piece, &df))| (piece, (column, (documents / df as f64).ln())))
            .collect();
        let (mut at_rows, mut at_columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (row, own) in (0..).zip(counts) {
            let start = values.len();
            for (piece, &count) in own {
                if let Some(&(column, idf)) = columns.get(piece) {
                    at_rows.push(row as i64);
                    at_columns.push(column);
                    values.push((1.0 + (count as f64).ln()) * idf);
                }
            }
            let own = &mut values[start..];
            let length = own.iter().map(|x| x * x).sum::<f64>().sqrt();
            own.iter_mut().for_each(|x| *x /= length.max(1e-12));
        }
        if values.iter().all(|x| *x == 0.0) {
            return None;
        }
        let (at_rows, at_columns) = (
            Tensor::from_slice(&at_rows),
            Tensor::from_slice(&at_columns),
        );
        let values = Tensor::from_slice(&values);
        let sparse = |indices: &[&Tensor], size: [i64; 2]| {
            let options = (Kind::Double, Device::Cpu);
            let indices = Tensor::stack(indices, 0);
            Tensor::sparse_coo_tensor_indices_size(&indices, &values, size, options, false)
                .coalesce()
                .to_device(device)
        };
        let (v, w) = (counts.len() as i64, columns.len() as i64);
        Some(SparseRows {
            rows: sparse(&[&at_rows, &at_columns], [v, w]),
            transposed: sparse(&[&at_columns, &at_rows], [w, v]),
            device,
        })
    }

    /// Returns the coordinates of each row along the strongest singular directions, `[V, ≤ width]`,
    /// the strongest last.
    fn principal_coordinates(&self, width: i64) -> Tensor {
        let (v, w) = (self.rows.size()[0], self.rows.size()[1]);
        let rank = (width + OVERSAMPLING).min(v).min(w);
        let orthonormal = |columns: &Tensor| Tensor::linalg_qr(columns, "reduced").0;
        let mut range = orthonormal(&self.rows.mm(&random_signs([w, rank], self.device)));
        for _ in 0..ITERATIONS {
            let directions = orthonormal(&self.transposed.mm(&range));
            range = orthonormal(&self.rows.mm(&directions));
        }
        let projected = self.transposed.mm(&range); // [W, rank]
        // Eigenvalues are in ascending order.
        let (squares, directions) = projected.tr().matmul(&projected).linalg_eigh("L");
        let dimensions = width.min(rank);
        let strongest = directions.narrow(1, rank - dimensions, dimensions);
        let strengths = squares
            .narrow(0, rank - dimensions, dimensions)
            .clamp_min(0.0)
            .sqrt();
        range.matmul(&strongest) * strengths
    }
}

/// Returns a matrix of 1 and −1, always the same.
fn random_signs([rows, columns]: [i64; 2], device: Device) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let sign = |_| if rng.random::<bool>() { 1.0 } else { -1.0 };
    let signs: Vec<f64> = (0..rows * columns).map(sign).collect();
    Tensor::from_slice(&signs)
        .view([rows, columns])
        .to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::frozen_corpus::EntitySentence;
    use crate::types::EntityId;

    /// A corpus with one sentence of these word pieces for each entity; an empty one is left out.
    fn corpus(texts: &[&[i64]]) -> FrozenCorpus {
        let sentence = |(row, pieces): (usize, &&[i64])| EntitySentence {
            row,
            offset: 0,
            mention: 0,
            masked: pieces.to_vec(),
            unmasked: pieces.to_vec(),
        };
        FrozenCorpus {
            entities: (1..=texts.len() as u32).map(EntityId).collect(),
            sentences: texts
                .iter()
                .enumerate()
                .filter(|(_, pieces)| !pieces.is_empty())
                .map(sentence)
                .collect(),
            images: vec![Vec::new(); texts.len()],
            left_out: Vec::new(),
        }
    }

    #[test]
    fn entities_that_share_rare_words_are_similar() {
        let corpus = corpus(&[&[1, 7, 8], &[1, 7, 8, 2], &[1, 9, 4], &[1, 9, 2], &[]]);
        let vectors = word_vectors(&corpus, None, Device::Cpu).unwrap();
        let cosines: Vec<Vec<f64>> = Vec::try_from(vectors.matmul(&vectors.tr())).unwrap();
        assert!(cosines[0][1] > 0.4 && cosines[2][3] > 0.4, "{cosines:?}");
        assert!(cosines[0][2] < 0.0 && cosines[0][3] < 0.0, "{cosines:?}");
        assert!(
            cosines[4].iter().all(|x| *x == 0.0),
            "no sentence: {cosines:?}"
        );
    }

    #[test]
    fn only_the_chosen_sentences_count() {
        let corpus = corpus(&[&[1, 7], &[1, 7], &[1, 9], &[1, 9]]);
        let vectors = word_vectors(&corpus, Some(&[0, 1, 2]), Device::Cpu).unwrap();
        let lengths = vectors.norm_scalaropt_dim(2.0, [1i64].as_slice(), false);
        assert_eq!(lengths.double_value(&[3]), 0.0);
        assert!(lengths.double_value(&[0]) > 0.99);
    }

    #[test]
    fn without_shared_words_there_are_no_vectors() {
        assert!(word_vectors(&corpus(&[&[1], &[2]]), None, Device::Cpu).is_none());
        assert!(word_vectors(&corpus(&[&[1], &[1]]), None, Device::Cpu).is_none());
    }

    #[test]
    fn the_coordinates_have_the_inner_products_of_the_rows() {
        let texts: Vec<Vec<i64>> = (0..40)
            .map(|i| (0..6).map(|j| (i * j * 7 + i + j) % 23).collect())
            .collect();
        let texts: Vec<&[i64]> = texts.iter().map(Vec::as_slice).collect();
        let rows = SparseRows::tf_idf(&count_pieces(&corpus(&texts), None), Device::Cpu).unwrap();
        let dense = rows.rows.to_dense(None, false);
        let reduced = rows.principal_coordinates(WIDTH);
        let difference = dense.matmul(&dense.tr()) - reduced.matmul(&reduced.tr());
        assert!(difference.abs().max().double_value(&[]) < 1e-9);
    }
}
