//! Finds NaN and infinity in tensors.

use tch::{Kind, Tensor};

use crate::error::Result;

/// The first value of a tensor that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct NotFinite {
    /// NaN or infinity, or an f64 that is too large for an f32.
    pub value: f64,
    /// The index in every dimension, from 0.
    pub index: Vec<i64>,
}

impl NotFinite {
    /// Returns the index in the first dimension; 0 for a scalar.
    pub fn row(&self) -> usize {
        self.index.first().map_or(0, |&row| row as usize)
    }
}

impl std::fmt::Display for NotFinite {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let value = if self.value.is_nan() {
            "NaN".to_owned()
        } else {
            format!("{:e}", self.value)
        };
        write!(f, "{value} at {:?}", self.index)
    }
}

/// Returns the first value of `tensor` that is not finite as an f32. Returns `None` if all are, and
/// for integers.
///
/// Errors: `Torch`, such as out of memory.
pub fn find_not_finite(tensor: &Tensor) -> Result<Option<NotFinite>> {
    if !is_float(tensor.kind()) || tensor.numel() == 0 {
        return Ok(None);
    }
    let distinct = distinct(tensor)?;
    // both ends are NaN if any value is, and libtorch makes no copy
    let (least, most) = distinct.f_aminmax(None, false)?;
    if is_finite(least.f_double_value(&[])?) && is_finite(most.f_double_value(&[])?) {
        return Ok(None);
    }
    let infinite = distinct
        .f_to_kind(Kind::Float)?
        .f_isfinite()?
        .f_logical_not()?;
    let index = Vec::<i64>::try_from(infinite.f_nonzero()?.f_get(0)?)?;
    Ok(Some(NotFinite {
        value: tensor.f_double_value(&index)?,
        index,
    }))
}

fn is_finite(value: f64) -> bool {
    (value as f32).is_finite()
}

/// Returns whether a kind is one of the floating-point kinds of parameters.
pub fn is_float(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Float | Kind::Half | Kind::BFloat16 | Kind::Double
    )
}

/// Returns the tensor without the repetitions of expanded dimensions, which can be arbitrarily
/// large in a small file.
fn distinct(tensor: &Tensor) -> Result<Tensor> {
    let mut distinct = tensor.shallow_clone();
    for (dimension, stride) in (0..).zip(tensor.stride()) {
        if stride == 0 {
            distinct = distinct.f_narrow(dimension, 0, 1)?;
        }
    }
    Ok(distinct)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn found(numbers: &[f64], kind: Kind) -> Option<String> {
        let tensor = Tensor::from_slice(numbers).to_kind(kind).view([2, -1]);
        find_not_finite(&tensor)
            .unwrap()
            .map(|found| found.to_string())
    }

    #[test]
    fn the_first_value_is_reported_with_its_index() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(found(&[1.0, -3e38, 3e38, 3e38], Kind::Float), None);
        assert_eq!(
            found(&[1.0, 2.0, 3.0, nan], Kind::Float).unwrap(),
            "NaN at [1, 1]"
        );
        assert_eq!(
            found(&[1.0, -inf, inf, nan], Kind::BFloat16).unwrap(),
            "-inf at [0, 1]"
        );
        // a value beyond f16 became infinite when it was stored
        assert_eq!(
            found(&[1.0, 65504.0, 65535.0, 2.0], Kind::Half).unwrap(),
            "inf at [1, 0]"
        );
        // finite as an f64, but not as an f32
        assert_eq!(
            found(&[1.0, 2.0, 1e300, 2.0], Kind::Double).unwrap(),
            "1e300 at [1, 0]"
        );
        assert_eq!(found(&[1.0, 2.0], Kind::Int64), None);
    }

    #[test]
    fn expanded_tensors_are_checked_by_their_storage() {
        let wide = Tensor::from_slice(&[1.0f32, f32::NAN]).expand([1 << 40, 2], false);
        assert_eq!(find_not_finite(&wide).unwrap().unwrap().index, [0, 1]);
        assert_eq!(
            find_not_finite(&Tensor::zeros([0, 3], (Kind::Float, Device::Cpu))).unwrap(),
            None
        );
    }
}
