//! Tests `multiexpan index --raw`, killed at different moments: the index is complete or absent,
//! and
//! the same command finishes it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tch::{Device, Kind, Tensor};

const ENTITIES: i64 = 3_000;
const WIDTH: i64 = 64;
const PAIRS: i64 = 4;

fn write_raw(path: &Path) {
    let sines = |rows: i64, width: i64| {
        Tensor::arange(rows * width, (Kind::Float, Device::Cpu))
            .sin()
            .view([rows, width])
    };
    let tensors = [
        ("head.weight", sines(ENTITIES, WIDTH)),
        (
            "head.bias",
            Tensor::zeros([ENTITIES], (Kind::Float, Device::Cpu)),
        ),
        ("pre_head", sines(ENTITIES * PAIRS, WIDTH)),
        (
            "row_offsets",
            Tensor::arange(ENTITIES + 1, (Kind::Int64, Device::Cpu)) * PAIRS,
        ),
    ];
    Tensor::write_safetensors(&tensors, path).unwrap();
}

fn multiexpan(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
    command
        .current_dir(folder)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_killed_import_is_finished_by_the_same_command() {
    let folder = tempfile::tempdir().unwrap();
    write_raw(&folder.path().join("raw.safetensors"));
    let index = |out: &str| {
        multiexpan(
            folder.path(),
            &[
                "index",
                "--raw",
                "raw.safetensors",
                "--device",
                "cpu",
                "--out",
                out,
            ],
        )
    };
    let start = std::time::Instant::now();
    assert!(index("whole").status().unwrap().success());
    let full_duration = start.elapsed();
    let mut killed = 0;
    // The machine may be less busy than before, so some kills are early.
    for percent in [1, 2, 5, 10, 20, 50, 70, 80, 90] {
        let mut child = index("out").spawn().unwrap();
        std::thread::sleep(full_duration.max(Duration::from_millis(100)) * percent / 100);
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break; // The command finished before the kill.
        }
        killed += 1;
        // A kill after the last rename leaves a complete index, and an earlier kill leaves none.
        let is_complete = folder.path().join("out").exists();
        let opened = multiexpan(folder.path(), &["expand", "out", "--seeds", "1,2,3"])
            .status()
            .unwrap();
        assert_eq!(
            opened.code(),
            Some(if is_complete { 0 } else { 1 }),
            "killed after {percent} hundredths"
        );
    }
    assert!(killed > 0);
    assert!(index("out").status().unwrap().success());
    for name in ["head.safetensors", "both.safetensors"] {
        let read = |index: &str| std::fs::read(folder.path().join(index).join(name)).unwrap();
        assert!(read("whole") == read("out"), "{name} differs");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        3,
        "there is more than the raw file and two indexes"
    );
}
