//! Devices, and the capabilities of libtorch on this machine.

use tch::{Cuda, Device, TchError};

use crate::error::{Error, Result};
use crate::model::cuda;
use crate::model::cuda::CudaStatus;
use crate::types::DeviceChoice;

/// Returns the chosen device. Loads CUDA first if the choice allows it, so call this before any
/// other tensor operation. `Auto` returns the CPU if there is no GPU.
///
/// Errors: `Torch` for a GPU that is not available.
pub fn open_device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(if gpus() > 0 {
            Device::Cuda(0)
        } else {
            Device::Cpu
        }),
        DeviceChoice::Cuda(n) if n < gpus() => Ok(Device::Cuda(n)),
        DeviceChoice::Cuda(n) => Err(Error::Torch {
            operation: format!("opening cuda:{n}"),
            message: no_gpu(),
        }),
    }
}

/// Returns the name of a device in the form of `--device`: "cpu", "cuda:0".
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".into(),
        Device::Cuda(n) => format!("cuda:{n}"),
        Device::Mps => "mps".into(),
        Device::Vulkan => "vulkan".into(),
    }
}

/// Describes libtorch on this machine, as (subject, state) in words.
pub fn report() -> Vec<(String, String)> {
    let gpus = gpus();
    let line = |subject: &str, state: String| (subject.to_owned(), state);
    vec![
        line("libtorch", env!("LIBTORCH_VERSION").to_owned()),
        line(
            "cpu threads",
            format!("{} ({})", tch::get_num_threads(), cpu_libraries()),
        ),
        line(
            "cuda",
            if gpus > 0 {
                format!("{gpus} device(s), cuDNN {}", cudnn())
            } else {
                no_gpu()
            },
        ),
    ]
}

/// Returns the number of GPUs that libtorch can use.
fn gpus() -> usize {
    if *cuda::load() != CudaStatus::Available {
        return 0;
    }
    usize::try_from(Cuda::device_count()).unwrap_or(0)
}

/// Explains why a GPU is not available, or lists the available ones.
fn no_gpu() -> String {
    match (cuda::load(), gpus()) {
        (CudaStatus::NoDriver, _) => "no NVIDIA driver on this machine".into(),
        (CudaStatus::LoadFailed(reason), _) => {
            format!(
                "libtorch's CUDA library cannot be loaded ({reason}); install it with `LIBTORCH_VARIANT=cuda make setup`"
            )
        }
        (CudaStatus::Available, 0) => {
            "libtorch finds no usable GPU; its CUDA 13 needs driver 580 or newer".into()
        }
        (CudaStatus::Available, n) => format!("this machine's GPUs are cuda:0 to cuda:{}", n - 1),
    }
}

fn cpu_libraries() -> String {
    let all = [
        (tch::utils::has_openmp(), "OpenMP"),
        (tch::utils::has_mkl(), "MKL"),
        (tch::utils::has_mkldnn(), "oneDNN"),
    ];
    let found: Vec<&str> = all
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, name)| *name)
        .collect();
    if found.is_empty() {
        "no accelerating library".into()
    } else {
        found.join(", ")
    }
}

fn cudnn() -> &'static str {
    if Cuda::cudnn_is_available() {
        "available"
    } else {
        "not available"
    }
}

/// Keeps the first line of libtorch's message. The others are a C++ backtrace.
impl From<TchError> for Error {
    fn from(error: TchError) -> Error {
        let message = error.to_string();
        let first = message
            .lines()
            .next()
            .unwrap_or("")
            .trim_start_matches("Internal torch error: ");
        Error::Torch {
            operation: "a tensor operation".into(),
            message: first.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_available() {
        assert_eq!(open_device(DeviceChoice::Cpu).unwrap(), Device::Cpu);
        assert_eq!(device_name(Device::Cpu), "cpu");
        assert_eq!(device_name(Device::Cuda(1)), "cuda:1");
    }

    #[test]
    fn a_missing_gpu_is_refused_in_one_line() {
        let message = open_device(DeviceChoice::Cuda(99)).unwrap_err().to_string();
        assert!(message.starts_with("opening cuda:99 failed: "), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[test]
    fn auto_returns_a_working_device() {
        let device = open_device(DeviceChoice::Auto).unwrap();
        let sum = tch::Tensor::from_slice(&[1.0f32, 2.0])
            .to_device(device)
            .sum(tch::Kind::Float);
        assert_eq!(sum.double_value(&[]), 3.0);
    }

    #[test]
    fn a_torch_error_is_one_line() {
        let a = tch::Tensor::from_slice(&[1.0f32, 2.0, 3.0]);
        let b = tch::Tensor::from_slice(&[1.0f32, 2.0]);
        let message = Error::from(a.f_add(&b).unwrap_err()).to_string();
        assert!(
            message.contains("size of tensor") && message.lines().count() == 1,
            "{message}"
        );
    }

    #[test]
    fn the_report_names_libtorch_and_threads() {
        let report = report();
        assert!(
            report
                .iter()
                .any(|(what, found)| what == "libtorch" && found.starts_with("2.")),
            "{report:?}"
        );
        assert!(report.iter().any(|(what, _)| what == "cpu threads"));
    }
}
