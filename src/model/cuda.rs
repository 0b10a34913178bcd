//! Loads the CUDA library of libtorch if there is one.
//!
//! CUDA registers itself with libtorch when `libtorch_cuda.so` is loaded. This program uses none of
//! its symbols, so the linker drops it (`--as-needed`). Since it is loaded at run time, the same
//! binary runs with and without a GPU.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

/// The result of loading CUDA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaStatus {
    /// The driver and libtorch's CUDA library are loaded.
    Available,
    /// The machine has no NVIDIA driver.
    NoDriver,
    /// There is a driver, but libtorch's CUDA library cannot be loaded. Has the loader's message.
    LoadFailed(String),
}

/// Loads the CUDA library once; later calls return the first result. Call this before any other tch
/// function, since libtorch counts its devices only once.
pub fn load() -> &'static CudaStatus {
    static LOADED: OnceLock<CudaStatus> = OnceLock::new();
    LOADED.get_or_init(|| {
        if load_library("libcuda.so.1").is_err() {
            return CudaStatus::NoDriver;
        }
        match load_library("libtorch_cuda.so") {
            Ok(()) => CudaStatus::Available,
            Err(message) => CudaStatus::LoadFailed(message),
        }
    })
}

/// Loads a shared library for the lifetime of the process, with its symbols visible to later ones.
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

/// Returns the loader's message about this thread's last failure.
fn loader_error() -> String {
    // SAFETY: dlerror gives null or a C string that is valid until this thread's next dl* call; it
    // is copied before.
    #[allow(unsafe_code)]
    unsafe {
        let message = libc::dlerror();
        if message.is_null() {
            "no reason given".into()
        } else {
            CStr::from_ptr(message).to_string_lossy().into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named() {
        let message = load_library("libno_such_thing.so").unwrap_err();
        assert!(message.contains("libno_such_thing.so"), "{message}");
    }

    #[test]
    fn the_first_result_is_returned_again() {
        assert_eq!(load(), load());
        assert!(std::ptr::eq(load(), load()));
    }
}
