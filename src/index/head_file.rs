//! The head's file in an open index.

use std::cell::{Cell, OnceCell};
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::tensor_file::TensorFile;

/// The last layer of the entity head, and the device that computes with it.
pub struct HeadFile {
    file: TensorFile,
    /// The name of the tensor with W.
    weight_name: &'static str,
    /// b `[V]`.
    pub bias: Vec<f32>,
    pub device: Device,
    weight_on_device: OnceCell<Tensor>,
    /// Whether W has been found to be finite.
    is_finite: Cell<bool>,
}

impl HeadFile {
    /// Opens the head of an index with `v` entities and the width `d`.
    pub fn open(path: &Path, [v, d]: [usize; 2], device: Device) -> Result<Self> {
        let file = TensorFile::open(path)?;
        let bias = file.vector("bias", v)?;
        file.check_finite("bias")?;
        HeadFile::new(file, "weight", bias, [v, d], device)
    }

    /// Opens the head of a mode without training, whose rows are the mean states of the mode and
    /// whose bias is 0.
    pub fn from_mean_states(path: &Path, [v, d]: [usize; 2], device: Device) -> Result<Self> {
        let file = TensorFile::open(path)?;
        HeadFile::new(file, "mean_state", vec![0.0; v], [v, d], device)
    }

    fn new(
        file: TensorFile,
        weight_name: &'static str,
        bias: Vec<f32>,
        size: [usize; 2],
        device: Device,
    ) -> Result<Self> {
        file.check(weight_name, &[Kind::Float], &size)?;
        file.slice::<f32>(weight_name)?;
        Ok(HeadFile {
            file,
            weight_name,
            bias,
            device,
            weight_on_device: OnceCell::new(),
            is_finite: Cell::new(false),
        })
    }

    /// Checks once that W is finite.
    pub fn check_finite(&self) -> Result<()> {
        if !self.is_finite.get() {
            self.file.check_finite(self.weight_name)?;
            self.is_finite.set(true);
        }
        Ok(())
    }

    /// Returns W `[V · D]`, row-major, in the mapped file.
    pub fn weight(&self) -> Result<&[f32]> {
        self.file.slice(self.weight_name)
    }

    /// Returns W `[V, D]` on a device other than the CPU.
    pub fn weight_on_device(&self) -> &Tensor {
        self.weight_on_device.get_or_init(|| {
            // open() has checked that the tensor exists
            let weight = self.file.tensor(self.weight_name);
            let weight = weight.expect("checked on opening"); // as above
            weight.to_device(self.device)
        })
    }

    /// Releases the memory of the mapped file.
    pub fn release_memory(&self) {
        self.file.release_memory();
    }
}
