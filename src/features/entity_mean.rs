//! Mean vectors by entity.

use tch::{Device, Kind, Tensor};

use crate::model::layer::unit_rows;

/// A running mean of the rows of each entity.
pub struct EntityMean {
    /// The sums, `[V, D]`, once the width is known.
    sums: Option<Tensor>,
    /// The number of rows of each entity, `[V, 1]`.
    counts: Tensor,
}

impl EntityMean {
    pub fn new(entities: usize, device: Device) -> Self {
        EntityMean {
            sums: None,
            counts: Tensor::zeros([entities as i64, 1], (Kind::Float, device)),
        }
    }

    /// Adds `rows [B, D]` of the entities `labels [B]`.
    pub fn add(&mut self, labels: &Tensor, rows: &Tensor) {
        let options = (Kind::Float, rows.device());
        let (count, size) = (rows.size()[0], [self.counts.size()[0], rows.size()[1]]);
        let _ = self
            .sums
            .get_or_insert_with(|| Tensor::zeros(size, options))
            .index_add_(0, labels, rows);
        let _ = self
            .counts
            .index_add_(0, labels, &Tensor::ones([count, 1], options));
    }

    /// Returns the means, `[V, D]`. The mean of an entity without rows is 0.
    pub fn finish(self) -> Tensor {
        let counts = self.counts.clamp_min(1.0);
        self.sums
            .map_or_else(|| counts.zeros_like(), |sums| sums / &counts)
    }
}

/// Subtracts the mean of all rows, and scales the rows to unit length.
pub fn centred_unit_rows(rows: &Tensor) -> Tensor {
    unit_rows(&(rows - rows.mean_dim(0, true, Kind::Float)))
}

/// Subtracts the mean of the rows that are among `labels`, and scales these to unit length. All
/// other rows become 0.
pub fn centred_unit_rows_of(labels: &Tensor, rows: &Tensor) -> Tensor {
    let options = (Kind::Float, rows.device());
    let is_labelled = Tensor::zeros([rows.size()[0], 1], options).index_fill(0, labels, 1.0);
    let labelled = rows * &is_labelled;
    let count = is_labelled.sum(Kind::Float).clamp_min(1.0);
    let mean = labelled.sum_dim_intlist([0i64].as_slice(), true, Kind::Float) / count;
    unit_rows(&(rows - mean)) * is_labelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entity_has_its_own_mean() {
        let mut mean = EntityMean::new(3, Device::Cpu);
        let rows = |rows: &[f32]| Tensor::from_slice(rows).view([-1, 2]);
        mean.add(
            &Tensor::from_slice(&[0i64, 2]),
            &rows(&[1.0, 2.0, 5.0, 5.0]),
        );
        mean.add(&Tensor::from_slice(&[0i64]), &rows(&[3.0, 6.0]));
        assert_eq!(mean.finish(), rows(&[2.0, 4.0, 0.0, 0.0, 5.0, 5.0]));
    }
}
