//! The head's file in an open index.

use std::cell::{Cell, OnceCell};
use std::path::Path;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::index::tensor_file::TensorFile;

/// The last layer of the entity head, and the device that computes with it.
pub struct HeadFile {
    file: TensorFile,
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
        file.check("weight", &[Kind::Float], &[v, d])?;
        file.slice::<f32>("weight")?;
        let bias = file.vector("bias", v)?;
        file.check_finite("bias")?;
        Ok(HeadFile {
            file,
            bias,
            device,
            weight_on_device: OnceCell::new(),
            is_finite: Cell::new(false),
        })
    }

    /// Checks once that W is finite.
    pub fn check_finite(&self) -> Result<()> {
        if !self.is_finite.get() {
            self.file.check_finite("weight")?;
            self.is_finite.set(true);
        }
        Ok(())
    }

    /// Returns W `[V · D]`, row-major, in the mapped file.
    pub fn weight(&self) -> Result<&[f32]> {
        self.file.slice("weight")
    }

    /// Returns W `[V, D]` on a device other than the CPU.
    pub fn weight_on_device(&self) -> &Tensor {
        self.weight_on_device.get_or_init(|| {
            // open() has checked that the tensor exists
            let weight = self.file.tensor("weight").expect("checked on opening");
            weight.to_device(self.device)
        })
    }

    /// Releases the memory of the mapped file.
    pub fn release_memory(&self) {
        self.file.release_memory();
    }
}
