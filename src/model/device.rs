//! Where tensors live, and what this machine's libtorch can do.

use tch::{Cuda, Device, TchError};

use crate::error::{Error, Result};
use crate::model::cuda;
use crate::model::cuda::CudaStatus;
use crate::types::DeviceChoice;

/// The device that was chosen. Loads CUDA first where the choice allows it, so call this before any
/// other tensor work. Fails, saying why, where CUDA was asked for and is not there; `Auto` then
/// gives the CPU.
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

/// The device's name as `--device` takes it: "cpu", "cuda:0".
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".into(),
        Device::Cuda(n) => format!("cuda:{n}"),
        Device::Mps => "mps".into(),
        Device::Vulkan => "vulkan".into(),
    }
}

/// What is known of libtorch on this machine, for people: (what, how it stands).
pub fn report() -> Vec<(String, String)> {
    let gpus = gpus();
    let line = |what: &str, found: String| (what.to_owned(), found);
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

/// How many GPUs libtorch can use.
fn gpus() -> usize {
    if *cuda::load() != CudaStatus::Available {
        return 0;
    }
    usize::try_from(Cuda::device_count()).unwrap_or(0)
}

/// Why no GPU is to be had, or how many there are.
fn no_gpu() -> String {
    match (cuda::load(), gpus()) {
        (CudaStatus::NoDriver, _) => "no NVIDIA driver on this machine".into(),
        (CudaStatus::LoadFailed(said), _) => {
            format!(
                "libtorch's CUDA half does not load ({said}); `LIBTORCH_VARIANT=cuda make setup` fetches it"
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

/// libtorch's messages go on with a C++ backtrace: only the first line is for people.
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
    fn the_cpu_is_always_there() {
        assert_eq!(open_device(DeviceChoice::Cpu).unwrap(), Device::Cpu);
        assert_eq!(device_name(Device::Cpu), "cpu");
        assert_eq!(device_name(Device::Cuda(1)), "cuda:1");
    }

    #[test]
    fn a_gpu_that_is_not_there_is_refused_in_one_sentence() {
        let said = open_device(DeviceChoice::Cuda(99)).unwrap_err().to_string();
        assert!(said.starts_with("opening cuda:99 failed: "), "{said}");
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn auto_gives_a_device_that_computes() {
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
        let said = Error::from(a.f_add(&b).unwrap_err()).to_string();
        assert!(
            said.contains("size of tensor") && said.lines().count() == 1,
            "{said}"
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
