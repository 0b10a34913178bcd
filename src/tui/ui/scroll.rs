//! Cursors and scrolled regions.

/// A scrolled region as it was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The index of the first item shown.
    pub offset: usize,
    /// The number of items that fit.
    pub page: usize,
    /// The largest useful offset.
    pub furthest: usize,
}

impl Extent {
    /// Makes the region of a list of `len` items that starts at `offset`.
    pub fn new(offset: usize, page: usize, len: usize) -> Self {
        Extent {
            offset,
            page,
            furthest: len.saturating_sub(page),
        }
    }

    /// Makes the region of a list that was scrolled to `offset`, or as far as the list goes.
    pub fn scrolled(offset: usize, page: usize, len: usize) -> Self {
        Extent::new(offset.min(len.saturating_sub(page)), page, len)
    }
}

/// Returns the offset at which `cursor` is visible, as close to the present offset as possible.
pub fn keep_in_sight(cursor: usize, offset: usize, page: usize, len: usize) -> usize {
    let low = (cursor + 1).saturating_sub(page);
    offset
        .clamp(low, low.max(cursor))
        .min(len.saturating_sub(page))
}

/// Returns an index moved by `by` and limited to `0..len`.
pub(crate) fn shifted(index: usize, by: isize, len: usize) -> usize {
    index.saturating_add_signed(by).min(len.saturating_sub(1))
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
            "a list that got shorter is visible again"
        );
    }
}
