//! Aligned copies of bytes, since the safetensors format does not guarantee alignment.

/// The maximum alignment of the numbers in a tensor file, in bytes.
const ALIGNMENT: usize = align_of::<u64>();

/// A copy of bytes that is aligned for any number.
#[derive(Debug, Clone)]
pub struct AlignedBytes {
    words: Vec<u64>,
    length: usize,
}

impl AlignedBytes {
    /// Copies `bytes`.
    pub fn copy(bytes: &[u8]) -> AlignedBytes {
        let mut words = vec![0u64; bytes.len().div_ceil(ALIGNMENT)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        AlignedBytes {
            words,
            length: bytes.len(),
        }
    }

    /// Returns the bytes, without the padding at their end.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// Returns whether `bytes` are aligned for numbers of `size` bytes.
pub fn is_aligned(bytes: &[u8], size: usize) -> bool {
    bytes.as_ptr().addr().is_multiple_of(size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_bytes_at_any_alignment() {
        let all: Vec<u8> = (0..64).collect();
        for from in 0..ALIGNMENT {
            for length in [0, 1, 7, 8, 13, 40] {
                let part = &all[from..from + length];
                let copy = AlignedBytes::copy(part);
                assert_eq!(copy.bytes(), part);
                assert!(is_aligned(copy.bytes(), ALIGNMENT));
            }
        }
        let aligned = |size: usize| {
            (0..ALIGNMENT)
                .filter(|&from| is_aligned(&all[from..], size))
                .count()
        };
        assert_eq!([1, 2, 4, 8].map(aligned), [8, 4, 2, 1]);
    }
}
