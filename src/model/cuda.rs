//! Loads libtorch's CUDA half, where there is one.
//!
//! CUDA registers itself with libtorch when `libtorch_cuda.so` is loaded. Nothing here names a
//! symbol of it, so the linker drops it (`--as-needed`); opened by hand, the same binary runs with
//! and without a GPU.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

/// What became of CUDA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaStatus {
    /// The driver and libtorch's CUDA half are there.
    Available,
    /// No NVIDIA driver on this machine.
    NoDriver,
    /// A driver, but libtorch's CUDA half does not load; what the loader said.
    LoadFailed(String),
}

/// Loads the CUDA half once; later calls give the first answer. Must come before any other tch
/// call, since libtorch counts its devices once.
pub fn load() -> &'static CudaStatus {
    static LOADED: OnceLock<CudaStatus> = OnceLock::new();
    LOADED.get_or_init(|| {
        if load_library("libcuda.so.1").is_err() {
            return CudaStatus::NoDriver;
        }
        match load_library("libtorch_cuda.so") {
            Ok(()) => CudaStatus::Available,
            Err(said) => CudaStatus::LoadFailed(said),
        }
    })
}

/// Loads a shared library for the life of the process, its symbols open to those loaded later.
fn load_library(name: &str) -> Result<(), String> {
    let name = CString::new(name).map_err(|e| e.to_string())?;
    // SAFETY: `name` is a C string that outlives the call. The libraries' initialisers are
    // libtorch's and the driver's own, which the process would run if it were linked to them; the
    // handle is never closed.
    #[allow(unsafe_code)]
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if handle.is_null() {
        Err(loader_error())
    } else {
        Ok(())
    }
}

/// What the loader said of this thread's last failure.
fn loader_error() -> String {
    // SAFETY: dlerror gives null or a C string that is valid until this thread's next dl* call; it
    // is copied before.
    #[allow(unsafe_code)]
    unsafe {
        let said = libc::dlerror();
        if said.is_null() {
            "no reason given".into()
        } else {
            CStr::from_ptr(said).to_string_lossy().into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let said = load_library("libno_such_thing.so").unwrap_err();
        assert!(said.contains("libno_such_thing.so"), "{said}");
    }

    #[test]
    fn the_answer_stays() {
        assert_eq!(load(), load());
        assert!(std::ptr::eq(load(), load()));
    }
}
