//! `multiexpan baseline` on a small data set, and CLIP against the transformers package
//! (`fixtures/clip/make.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::workspace::Workspace;
use multiexpan::eval::run::Run;
use multiexpan::features::clip_encoder::ClipEncoder;
use multiexpan::features::image_encoder::{PreparedImage, to_pixel_tensor};
use multiexpan::model::clip::{Clip, ClipConfig};
use multiexpan::model::network_config::AlignmentConfig;
use multiexpan::model::weights::Weights;
use multiexpan::train::{Task, TaskSet, TrainConfig};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

/// Returns the command on the data of the workspace, with encoders by path.
fn baseline(workspace: &Workspace, name: &str, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
    command
        .current_dir(workspace.path(""))
        .env("XDG_CACHE_HOME", workspace.path("cache"))
        .stderr(Stdio::piped());
    command.args([
        "baseline",
        name,
        "data",
        "--out",
        out,
        "--device",
        "cpu",
        "--threads",
        "1",
        "--format",
        "json",
    ]);
    command
        .args([
            "--text-encoder",
            "text",
            "--image-encoder",
            "image.safetensors",
        ])
        .args(more);
    command
}

/// Returns the printed metrics and the run that was written.
fn run(workspace: &Workspace, name: &str, out: &str, more: &[&str]) -> (Value, Run) {
    let done = baseline(workspace, name, out, more).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    (
        serde_json::from_slice(&done.stdout).unwrap(),
        Run::read(&workspace.path(out)).unwrap(),
    )
}

/// Asserts that the run has the query with 3 seeds of both classes, each with the 13 other entities,
/// best first.
fn assert_complete(run: &Run, name: &str) {
    assert_eq!((run.tag.as_str(), run.rankings.len()), (name, 2));
    assert_eq!(
        (&run.settings["system"], &run.settings["seeds"]),
        (&Value::from(name), &Value::from("3"))
    );
    for ranking in &run.rankings {
        let mut entities: Vec<u32> = ranking
            .candidates
            .iter()
            .map(|(entity, _)| entity.0)
            .collect();
        entities.sort();
        entities.dedup();
        assert_eq!(entities.len(), 13, "{ranking:?}");
        let seeds = if ranking.query.starts_with("reds") {
            [0, 2, 4]
        } else {
            [1, 3, 5]
        };
        assert!(
            seeds.iter().all(|seed| !entities.contains(seed)),
            "{ranking:?}"
        );
        assert!(
            ranking
                .candidates
                .windows(2)
                .all(|pair| pair[0].1 >= pair[1].1)
        );
    }
}

#[test]
fn the_cosines_rank_every_candidate_by_their_modalities() {
    let workspace = Workspace::new();
    for name in ["text-cosine", "image-cosine", "fused-cosine"] {
        let (printed, run) = run(&workspace, name, name, &[]);
        assert_complete(&run, name);
        // words and colours separate the classes even with random encoders
        let map = printed["overall"]["map@10"].as_f64().unwrap();
        assert!(map > 0.9, "{name}: {map}");
        // both encoders decide which pairs are used
        assert!(
            ["text_encoder", "image_encoder"]
                .iter()
                .all(|encoder| run.settings[*encoder]["hash"].is_string())
        );
    }
    let fused = Run::read(&workspace.path("fused-cosine")).unwrap();
    assert_eq!(fused.settings["image_share"].as_object().unwrap().len(), 2);
}

#[test]
fn probexpan_is_trained_once_and_resumes_after_a_kill() {
    let workspace = Workspace::new();
    let recipe = TrainConfig {
        drop_text: 0.0,
        drop_image: 1.0,
        epochs: 2,
        soft_targets: None,
        ..workspace.config(&[Task::Mep, Task::Contrastive])
    };
    fs::write(
        workspace.path("recipe.toml"),
        toml::to_string(&recipe).unwrap(),
    )
    .unwrap();
    let recipe = ["--config", "recipe.toml"];
    let (_, whole) = run(&workspace, "probexpan", "whole", &recipe);
    assert_complete(&whole, "probexpan");
    assert_eq!(whole.settings["training"]["drop_image"], Value::from(1.0));

    let trained = |out: &str| {
        fs::metadata(workspace.path(&format!("{out}.model/model.safetensors")))
            .unwrap()
            .modified()
    };
    let before = trained("whole").unwrap();
    assert_eq!(run(&workspace, "probexpan", "whole", &recipe).1, whole);
    assert_eq!(trained("whole").unwrap(), before, "it was there already");
    // the settings of the mini preset are different
    let refused = baseline(&workspace, "probexpan", "whole", &[])
        .output()
        .unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1)
            && error.contains("whole.model has a model that was trained with other settings"),
        "{error}"
    );

    kill_while_training(&workspace, "killed", || {
        baseline(&workspace, "probexpan", "killed", &recipe)
    });
    assert_eq!(
        run(&workspace, "probexpan", "killed", &recipe).1.rankings,
        whole.rankings
    );

    // a model that was trained on other sentences is refused
    let sentences = fs::read_to_string(workspace.path("data/sentences.json")).unwrap();
    fs::write(
        workspace.path("data/sentences.json"),
        sentences.lines().skip(1).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    let refused = baseline(&workspace, "probexpan", "whole", &recipe)
        .output()
        .unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1) && error.contains("another data set"),
        "{error}"
    );
}

#[test]
fn aligned_networks_are_trained_once_and_resume_after_a_kill() {
    let workspace = Workspace::new();
    let dual = TrainConfig {
        drop_text: 0.0,
        drop_image: 0.0,
        soft_targets: None,
        epochs: 6,
        fusion_layers: 0,
        alignment: AlignmentConfig { width: 8, queue: 0 },
        ..workspace.config(&[Task::Itc])
    };
    let albef = TrainConfig {
        fusion_layers: 1,
        alignment: AlignmentConfig {
            width: 8,
            queue: 20,
        },
        tasks: TaskSet::new([Task::Itc, Task::Itm, Task::Mlm, Task::Distillation]),
        ..dual.clone()
    };
    for (name, recipe) in [("dual", dual), ("albef", albef)] {
        fs::write(
            workspace.path("recipe.toml"),
            toml::to_string(&recipe).unwrap(),
        )
        .unwrap();
        let recipe = ["--config", "recipe.toml"];
        let (printed, whole) = run(&workspace, name, name, &recipe);
        assert_complete(&whole, name);
        assert_eq!(whole.settings.contains_key("image_share"), name == "dual");
        let map = printed["overall"]["map@10"].as_f64().unwrap();
        assert!(map > 0.9, "{name}: {map}");
        let log = workspace.log(&format!("{name}.model"));
        // with a queue, contrast becomes harder as the queue fills
        let task = if name == "dual" { "itc" } else { "mlm" };
        let loss = [&log[0], &log[log.len() - 1]].map(|line| line["loss"][task].as_f64().unwrap());
        assert!(loss[1] < 0.95 * loss[0], "{name} learned: {loss:?}");
        assert_eq!(
            run(&workspace, name, name, &recipe).1,
            whole,
            "from the model that is there"
        );
        let killed = format!("{name}-killed");
        kill_while_training(&workspace, &killed, || {
            baseline(&workspace, name, &killed, &recipe)
        });
        assert_eq!(
            run(&workspace, name, &killed, &recipe).1.rankings,
            whole.rankings
        );
        // no entity head was trained, so that no index can be built
        let mut index = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        index
            .current_dir(workspace.path(""))
            .env("XDG_CACHE_HOME", workspace.path("cache"));
        let refused = index
            .args([
                "index",
                "data",
                "--model",
                &format!("{name}.model"),
                "--out",
                "index",
            ])
            .output()
            .unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(
            refused.status.code() == Some(1) && error.contains("without masked entity prediction"),
            "{error}"
        );
    }
}

/// Starts the command and kills it when the folder of its model has a checkpoint, that is, after the
/// first epoch and before the end of the last. If it ends before it is killed, it is started again.
fn kill_while_training(workspace: &Workspace, out: &str, command: impl Fn() -> Command) {
    let (run, model) = (workspace.path(out), workspace.path(&format!("{out}.model")));
    for _ in 0..20 {
        let mut child = command().stdout(Stdio::null()).spawn().unwrap();
        while !model.join("training.safetensors").exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        // it may just have ended
        let _ = child.kill();
        child.wait().unwrap();
        if !run.exists() {
            return;
        }
        fs::remove_dir_all(&run)
            .or_else(|_| fs::remove_file(&run))
            .unwrap();
        fs::remove_dir_all(&model).unwrap();
    }
    panic!("it was never killed on the way");
}

#[test]
fn clip_ranks_from_its_folder_and_reports_missing_files() {
    let workspace = Workspace::new();
    let folder = clip();
    let (_, found) = run(
        &workspace,
        "clip",
        "clip.run",
        &["--clip", folder.to_str().unwrap()],
    );
    assert_complete(&found, "clip");
    // the second time from the cache
    let (_, again) = run(
        &workspace,
        "clip",
        "again.run",
        &["--clip", folder.to_str().unwrap()],
    );
    assert_eq!(again.rankings, found.rankings);
    // the same weights with another configuration are another CLIP
    let other = workspace.path("other");
    fs::create_dir(&other).unwrap();
    for file in ["model.safetensors", "tokenizer.json", "config.json"] {
        fs::copy(folder.join(file), other.join(file)).unwrap();
    }
    let config = fs::read_to_string(other.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["text_config"]["hidden_act"] = Value::from("gelu"); // instead of quick_gelu
    fs::write(other.join("config.json"), config.to_string()).unwrap();
    assert_ne!(
        run(&workspace, "clip", "other.run", &["--clip", "other"])
            .1
            .rankings,
        found.rankings
    );
    // a tokenizer without an end-of-text token
    let tokenizer = fs::read_to_string(other.join("tokenizer.json")).unwrap();
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).unwrap();
    tokenizer["post_processor"] = Value::Null;
    fs::write(other.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let refused = baseline(&workspace, "clip", "refused", &["--clip", "other"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&refused.stderr)
            .contains("does not end a text with the end token of the model")
    );
    for (more, code, why) in [
        (&[][..], 2, "clip needs --clip DIR"),
        (&["--clip", "nowhere"], 1, "nowhere"),
        (&["--clip", "text"], 1, "text"), // a BERT
    ] {
        let refused = baseline(&workspace, "clip", "refused", more)
            .output()
            .unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(
            refused.status.code() == Some(code) && error.contains(why),
            "{error}"
        );
        assert!(!workspace.path("refused").exists());
    }
}

#[test]
fn options_without_effect_are_refused_at_once() {
    let workspace = Workspace::new();
    for (name, out, more, code, why) in [
        (
            "text-cosine",
            "x.run",
            &["--clip", "text"][..],
            2,
            "the baseline text-cosine has no option --clip",
        ),
        (
            "fused-cosine",
            "x.run",
            &["--config", "recipe.toml"],
            2,
            "the baseline fused-cosine has no option --config",
        ),
        (
            "clip",
            "x.run",
            &["--clip", "text", "--model", "model"],
            2,
            "the baseline clip has no option --model",
        ),
        (
            "dual",
            "x.run",
            &["--clip", "text"],
            2,
            "the baseline dual has no option --clip",
        ),
        (
            "image-cosine",
            "nowhere/x.run",
            &[],
            1,
            "no folder at nowhere",
        ),
    ] {
        let refused = baseline(&workspace, name, out, more).output().unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(
            refused.status.code() == Some(code) && error.contains(why),
            "{error}"
        );
        assert!(
            !workspace.path("cache").exists() && !workspace.path(out).exists(),
            "{name}"
        );
    }
}

fn clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip")
}

fn expected() -> BTreeMap<String, Tensor> {
    Tensor::read_safetensors(clip().join("expected.safetensors"))
        .unwrap()
        .into_iter()
        .collect()
}

/// Returns the largest absolute difference.
fn max_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

fn unit(rows: &Tensor) -> Tensor {
    rows / rows.norm_scalaropt_dim(2.0, [1i64].as_slice(), true)
}

#[test]
fn both_towers_agree_with_the_transformers_package() {
    let (expected, folder) = (expected(), clip());
    let config = ClipConfig::read(&folder.join("config.json")).unwrap();
    let weights = Weights::open(&folder).unwrap();
    let (network, left_out) = Clip::open(&config, &weights, Device::Cpu).unwrap();
    assert_eq!(left_out, [], "all of it is used");
    let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
    let (text, image) = (
        network.text(&expected["ids"]),
        network.image(&expected["pixels"]),
    );
    assert!(max_difference(&text, &expected["text"]) < 1e-4 * largest(&text));
    assert!(max_difference(&image, &expected["image"]) < 1e-4 * largest(&image));
    // the first checkpoints have another end-of-text token
    let mut old = config;
    old.text_config.eos_token_id = 2;
    let (old, _) = Clip::open(&old, &weights, Device::Cpu).unwrap();
    assert_eq!(old.text(&expected["ids"]), text);
}

#[test]
fn texts_and_images_are_prepared_as_in_the_transformers_package() {
    let (expected, folder) = (expected(), clip());
    let encoder = ClipEncoder::open(&folder, Device::Cpu).unwrap();
    let texts: Vec<String> =
        serde_json::from_slice(&fs::read(folder.join("texts.json")).unwrap()).unwrap();
    let ids: Vec<Vec<i64>> = texts
        .iter()
        .map(|text| encoder.ids(text).unwrap())
        .collect();
    for (row, ids) in ids.iter().enumerate() {
        let wanted = Vec::<i64>::try_from(expected["ids"].get(row as i64)).unwrap();
        // it pads with the end of text
        assert_eq!(wanted[..ids.len()], ids[..]);
        assert!(wanted[ids.len()..].iter().all(|id| Some(id) == ids.last()));
    }
    assert!(
        max_difference(&encoder.texts(&ids), &unit(&expected["text"])) < 1e-5,
        "whatever fills up"
    );
    let side = encoder.side();
    let picture =
        PreparedImage::decode_center_crop(&fs::read(folder.join("picture.png")).unwrap(), side)
            .unwrap();
    let image = encoder.images(std::slice::from_ref(&picture)).unwrap();
    let cosine = (image * unit(&expected["image"]))
        .sum(Kind::Float)
        .double_value(&[]);
    assert!(cosine > 0.9999, "{cosine}");
    // in units of one byte over the least deviation; the package rounds to bytes between the two
    // directions too
    let [mean, deviation] = [
        [0.481_454_66, 0.457_827_5, 0.408_210_73],
        [0.268_629_54, 0.261_302_6, 0.275_777_1],
    ];
    let ours = to_pixel_tensor(&[picture], side, Some([mean, deviation]), Device::Cpu).unwrap();
    let steps = (ours - &expected["pixels"]).abs() * 255.0 * 0.2613;
    let (most, mean) = (
        steps.max().double_value(&[]),
        steps.mean(Kind::Float).double_value(&[]),
    );
    assert!(most < 3.1 && mean < 0.4, "{most} {mean}");
}

#[test]
fn the_centre_of_an_image_of_any_shape_is_cut_out() {
    let png = |image: &image::RgbImage| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let wide = image::RgbImage::from_fn(57, 40, |x, y| {
        image::Rgb([(4 * x) as u8, (6 * y) as u8, (x * y) as u8])
    });
    let tall = image::imageops::rotate90(&wide);
    let [wide, tall] =
        [wide, tall].map(|image| PreparedImage::decode_center_crop(&png(&image), 32).unwrap());
    let turned = image::RgbImage::from_raw(32, 32, wide.rgb)
        .map(|image| image::imageops::rotate90(&image))
        .unwrap();
    assert!(
        turned
            .iter()
            .zip(&tall.rgb)
            .all(|(a, b)| a.abs_diff(*b) <= 1),
        "the tall one as the wide one"
    );
    // red in the centre, and too long to be resized as a whole
    let strip = image::RgbImage::from_fn(60_000, 2, |x, _| {
        image::Rgb([if x.abs_diff(30_000) < 99 { 255 } else { 0 }, 0, 0])
    });
    assert!(
        PreparedImage::decode_center_crop(&png(&strip), 32)
            .unwrap()
            .rgb
            .chunks(3)
            .all(|pixel| pixel == [255, 0, 0])
    );
}
