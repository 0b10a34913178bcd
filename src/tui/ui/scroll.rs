//! Cursors and scrolled regions.

/// A scrolled region as it was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The first item shown.
    pub offset: usize,
    /// How many items fit.
    pub page: usize,
    /// The largest offset that makes sense.
    pub furthest: usize,
}

/// The first item to show so that `cursor` stays in sight, moving as little as may be.
pub fn keep_in_sight(cursor: usize, offset: usize, page: usize, len: usize) -> usize {
    let low = (cursor + 1).saturating_sub(page);
    offset
        .clamp(low, low.max(cursor))
        .min(len.saturating_sub(page))
}

/// A place moved by some steps and kept within `0..len`.
pub(crate) fn shifted(at: usize, by: isize, len: usize) -> usize {
    at.saturating_add_signed(by).min(len.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_scrolls_only_as_far_as_it_must() {
        assert_eq!(keep_in_sight(0, 0, 5, 20), 0);
        assert_eq!(keep_in_sight(4, 0, 5, 20), 0);
        assert_eq!(keep_in_sight(5, 0, 5, 20), 1);
        assert_eq!(keep_in_sight(3, 8, 5, 20), 3);
        assert_eq!(keep_in_sight(19, 0, 5, 20), 15);
        assert_eq!(
            keep_in_sight(2, 18, 5, 3),
            0,
            "a shorter list comes back into sight"
        );
    }
}
