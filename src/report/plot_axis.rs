//! The scale of an axis.

/// The approximate number of intervals between ticks.
const INTERVALS: f64 = 5.0;

/// A linear scale from values to coordinates, with round ticks.
pub(super) struct Axis {
    pub(super) ticks: Vec<f64>,
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Axis {
    /// Makes an axis from `left` to `right` that contains all values.
    pub(super) fn new(values: impl Iterator<Item = f64>, left: f64, right: f64) -> Axis {
        let mut low = f64::MAX;
        let mut high = f64::MIN;
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        } else {
            high = high.max(low + 0.01);
        }
        let step = round_step((high - low) / INTERVALS);
        let first = (low / step).floor() as i64;
        let last = (high / step - 1e-9).ceil() as i64;
        Axis {
            from: first as f64 * step,
            to: last as f64 * step,
            ticks: (first..=last).map(|n| n as f64 * step).collect(),
            left,
            right,
        }
    }

    /// Returns the coordinate of a value.
    pub(super) fn coordinate(&self, value: f64) -> f64 {
        self.left + (value - self.from) / (self.to - self.from) * (self.right - self.left)
    }
}

/// Returns the least of 1, 2, 5 and 10 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    for multiple in [1.0, 2.0, 5.0] {
        if multiple * power >= least {
            return multiple * power;
        }
    }
    10.0 * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_contain_every_value() {
        let axis = Axis::new([0.113, 0.87].into_iter(), 100.0, 200.0);
        assert_eq!(
            axis.ticks
                .iter()
                .map(|t| (t * 100.0).round())
                .collect::<Vec<_>>(),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!((axis.coordinate(0.0), axis.coordinate(1.0)), (100.0, 200.0));
        let one = Axis::new([0.5].into_iter(), 0.0, 1.0);
        assert!(one.from <= 0.5 && one.to > 0.5 && one.ticks.len() > 1);
        assert_eq!(Axis::new(std::iter::empty(), 0.0, 1.0).to, 1.0);
    }
}
