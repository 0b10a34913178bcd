//! Network parameters from an integer formula, which `fixtures/encoders/make.py` computes, too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

/// Returns the path of a file in `tests/fixtures/encoders`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/encoders")
        .join(name)
}

/// Returns numbers in −1..1 that are equal in every language: a hash of their position and of the
/// number of the tensor.
pub fn noise(count: i64, tensor_number: u32) -> Tensor {
    let mix = |position: u32| {
        let mut x = position
            .wrapping_mul(2_654_435_761)
            .wrapping_add(tensor_number * 40_503 + 12_345);
        x = (x ^ x >> 15).wrapping_mul(2_246_822_519);
        x = (x ^ x >> 13).wrapping_mul(3_266_489_917);
        f64::from(x ^ x >> 16) / f64::from(1u32 << 31) - 1.0
    };
    Tensor::from_slice(&(0..count as u32).map(mix).collect::<Vec<f64>>())
}

/// Returns the parameters that a list names, filled by the formula.
pub fn filled(list: &str) -> BTreeMap<String, Tensor> {
    let mut tensors = BTreeMap::new();
    for (number, line) in fs::read_to_string(fixture(list))
        .unwrap()
        .lines()
        .enumerate()
    {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let size: Vec<i64> = words.map(|word| word.parse().unwrap()).collect();
        let u = noise(size.iter().product(), number as u32).view(size.as_slice());
        let tensor = match size.as_slice() {
            [_, input, height, width] => u * (6.0 / (input * height * width) as f64).sqrt(),
            _ if name.ends_with("running_var") => u * 0.5 + 1.0,
            _ if name.ends_with("weight") => u * 0.2 + 1.0,
            _ => u * 0.1,
        };
        tensors.insert(name.to_owned(), tensor.to_kind(Kind::Float));
    }
    tensors
}
