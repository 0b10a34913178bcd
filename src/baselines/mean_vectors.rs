//! Mean vectors of entities, from encoded items that are cached by their content.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::features::entity_mean::EntityMean;
use crate::features::feature_cache::{ContentHash, FeatureCache};
use crate::progress::{Observer, Progress};

/// The number of items that are encoded at once.
const ENCODE_BATCH: usize = 32;
/// The number of vectors that are read from the cache at once.
const READ_BATCH: usize = 4096;

/// A text or an image, with the entity row of every pair that has it.
pub(super) struct EncodedItem<T> {
    pub(super) item: T,
    pub(super) content: ContentHash,
    pub(super) rows: Vec<usize>,
}

/// Computes means by entity. Vectors are cached by content, so that a run that was stopped
/// continues where it was.
pub(super) struct MeanVectors {
    pub(super) cache: FeatureCache,
    /// The number of entities.
    pub(super) entities: usize,
    pub(super) device: Device,
}

impl MeanVectors {
    /// Returns the mean vector of every entity, `[V, D]`. Items that are not in the cache are
    /// encoded, in batches to `[B, D]`. `name` is the plural of the items, for progress.
    pub(super) fn compute<T>(
        &mut self,
        name: &str,
        items: &[EncodedItem<T>],
        encode: &dyn Fn(&[&T]) -> Result<Tensor>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<Tensor> {
        self.encode_missing(name, items, encode, observer)?;
        let mut mean = EntityMean::new(self.entities, self.device);
        for batch in items.chunks(READ_BATCH) {
            let vectors = self.read_vectors(batch)?; // [N, D]
            let mut labels = Vec::new();
            let mut indices = Vec::new();
            for (item, index) in batch.iter().zip(0i64..) {
                for &row in &item.rows {
                    labels.push(row as i64);
                    indices.push(index);
                }
            }
            let labels = Tensor::from_slice(&labels).to_device(self.device);
            let indices = Tensor::from_slice(&indices).to_device(self.device);
            mean.add(&labels, &vectors.index_select(0, &indices));
        }
        Ok(mean.finish())
    }

    /// Encodes the items that are not in the cache, and adds them.
    fn encode_missing<T>(
        &mut self,
        name: &str,
        items: &[EncodedItem<T>],
        encode: &dyn Fn(&[&T]) -> Result<Tensor>,
        observer: &mut dyn Observer<Progress>,
    ) -> Result<()> {
        let mut missing = Vec::new();
        for item in items {
            if self.cache.find(&item.content)?.is_none() {
                missing.push(item);
            }
        }
        for (index, batch) in missing.chunks(ENCODE_BATCH).enumerate() {
            observer.report(Progress::new(
                format!("encoding {name} with CLIP"),
                (index * ENCODE_BATCH) as u64,
                missing.len() as u64,
            ))?;
            let inputs: Vec<&T> = batch.iter().map(|item| &item.item).collect();
            let encoded = encode(&inputs)?.to_device(Device::Cpu);
            let vectors = Vec::<Vec<f32>>::try_from(encoded)?;
            for (item, vector) in batch.iter().zip(vectors) {
                let values = vector.iter();
                let record: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
                self.cache
                    .append(item.content, &record, || format!("one of the {name}"))?;
            }
        }
        self.cache.flush()
    }

    /// Reads the vectors of the items from the cache, `[N, D]`.
    fn read_vectors<T>(&mut self, items: &[EncodedItem<T>]) -> Result<Tensor> {
        let mut values: Vec<f32> = Vec::new();
        for item in items {
            let location = self.cache.find(&item.content)?.ok_or_else(|| {
                Error::Mismatch("the cache of CLIP lost vectors while it was in use".into())
            })?;
            let (numbers, _) = self.cache.record(location)?.as_chunks::<4>();
            values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        Ok(Tensor::from_slice(&values)
            .view([items.len() as i64, -1])
            .to_device(self.device)
            .to_kind(Kind::Float))
    }
}
