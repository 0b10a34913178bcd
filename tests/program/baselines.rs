//! Tests `multiexpan baseline` on a small data set, and compares CLIP with the transformers package
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
use multiexpan::types::EntityId;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

/// Returns a `baseline` command for the data set and the encoders of the workspace.
fn baseline(workspace: &Workspace, name: &str, out: &str, options: &[&str]) -> Command {
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
        .args(options);
    command
}

/// Returns the printed metrics and the run that was written.
fn run(workspace: &Workspace, name: &str, out: &str, options: &[&str]) -> (Value, Run) {
    let output = baseline(workspace, name, out, options).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (
        serde_json::from_slice(&output.stdout).unwrap(),
        Run::read(&workspace.path(out)).unwrap(),
    )
}

/// Asserts that the run is one of a system's own ranking, and complete.
fn assert_complete(run: &Run, name: &str) {
    assert_eq!(run.tag, name);
    let own = if name == "probexpan" {
        "window"
    } else {
        "cosine"
    };
    assert_eq!(run.settings["ranking"], Value::from(own));
    assert_all_ranked(run, name);
}

/// Ranks a system by feedback, and asserts that the run is complete and that its rankings are not
/// those of the system itself. `out` is the run of the own ranking, whose model is used.
fn feedback_run(workspace: &Workspace, name: &str, out: &str, options: &[&str]) -> Run {
    let feedback = format!("{out}-feedback");
    let options = [&["--ranking", "feedback"], options].concat();
    let (_, run) = run(workspace, name, &feedback, &options);
    assert_eq!(run.tag, format!("{name}-feedback"));
    assert_eq!(run.settings["ranking"], Value::from("feedback"));
    assert_all_ranked(&run, name);
    let own = Run::read(&workspace.path(out)).unwrap();
    let entities = |run: &Run| -> Vec<Vec<EntityId>> {
        let rankings = run.rankings.iter();
        let lists = rankings.map(|r| r.candidates.iter().map(|(entity, _)| *entity).collect());
        lists.collect()
    };
    assert_ne!(entities(&run), entities(&own), "{name}");
    run
}

/// Asserts that the run has the query with 3 seeds of both classes, and that each query ranks the
/// 13 other entities by descending score.
fn assert_all_ranked(run: &Run, name: &str) {
    assert_eq!(run.rankings.len(), 2);
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
fn cosine_baselines_rank_every_candidate() {
    let workspace = Workspace::new();
    for name in ["text-cosine", "image-cosine", "fused-cosine"] {
        let (metrics, run) = run(&workspace, name, name, &[]);
        assert_complete(&run, name);
        // Words and colors separate the classes even with random encoders.
        let map = metrics["overall"]["map@10"].as_f64().unwrap();
        assert!(map > 0.9, "{name}: {map}");
        // Both encoders determine which pairs are used.
        assert!(
            ["text_encoder", "image_encoder"]
                .iter()
                .all(|encoder| run.settings[*encoder]["hash"].is_string())
        );
        let feedback = feedback_run(&workspace, name, name, &[]);
        assert_eq!(
            feedback.settings["dataset_hash"],
            run.settings["dataset_hash"]
        );
    }
    let fused = Run::read(&workspace.path("fused-cosine")).unwrap();
    assert_eq!(fused.settings["image_share"].as_object().unwrap().len(), 2);
}

/// Removes the name of the image from the first lines of the corpus.
fn remove_images(workspace: &Workspace, lines: usize) {
    let path = workspace.path("data/sentences.json");
    let mut corpus = String::new();
    for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if number < lines {
            line["image"] = Value::Null;
        }
        corpus += &format!("{line}\n");
    }
    fs::write(path, corpus).unwrap();
}

#[test]
fn the_text_cosine_ranks_a_data_set_that_names_no_image() {
    let workspace = Workspace::new();
    let (_, with_images) = run(&workspace, "text-cosine", "with-images", &[]);
    remove_images(&workspace, usize::MAX);
    let (metrics, text_only) = run(&workspace, "text-cosine", "text-only", &[]);
    assert_complete(&text_only, "text-cosine");
    let map = metrics["overall"]["map@10"].as_f64().unwrap();
    assert!(map > 0.9, "{map}");
    feedback_run(&workspace, "text-cosine", "text-only", &[]);
    // The same sentences, of which every one had an image, give the same vectors, here rounded to
    // half precision.
    for (found, expected) in text_only.rankings.iter().zip(&with_images.rankings) {
        let expected: BTreeMap<u32, f64> =
            expected.candidates.iter().map(|c| (c.0.0, c.1)).collect();
        for (entity, score) in &found.candidates {
            let difference = (score - expected[&entity.0]).abs();
            assert!(difference < 5e-3, "{entity} {score} {expected:?}");
        }
    }
    // The image encoder has no effect, so that it is neither opened nor reported.
    assert_eq!(
        text_only.settings["text_encoder"],
        with_images.settings["text_encoder"]
    );
    assert!(!text_only.settings.contains_key("image_encoder"));
    fs::remove_file(workspace.path("image.safetensors")).unwrap();
    let (_, without_encoder) = run(&workspace, "text-cosine", "without-encoder", &[]);
    assert_eq!(without_encoder, text_only);
}

/// Asserts that the baseline fails with this message, without writing a run.
fn assert_fails(workspace: &Workspace, name: &str, message: &str) {
    let failed = baseline(workspace, name, "refused", &[]).output().unwrap();
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(
        failed.status.code() == Some(1) && error.contains(message),
        "{name}: {error}"
    );
    assert!(!workspace.path("refused").exists());
}

#[test]
fn only_a_data_set_that_names_no_image_is_text_only() {
    let workspace = Workspace::new();
    remove_images(&workspace, usize::MAX);
    for name in ["image-cosine", "fused-cosine"] {
        assert_fails(&workspace, name, "48 sentences without an image");
    }
    drop(workspace);

    // All images are named, and missing.
    let workspace = Workspace::new();
    fs::remove_dir_all(workspace.path("data/image")).unwrap();
    let message = "48 sentences whose image is missing";
    assert_fails(&workspace, "text-cosine", message);
    drop(workspace);

    // One sentence has an image, and its entity has no second pair.
    let workspace = Workspace::new();
    remove_images(&workspace, 47);
    assert_fails(&workspace, "text-cosine", "no entity with 2 usable pairs");
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
    let (_, complete) = run(&workspace, "probexpan", "whole", &recipe);
    assert_complete(&complete, "probexpan");
    assert_eq!(
        complete.settings["training"]["drop_image"],
        Value::from(1.0)
    );

    let modification_time = |out: &str| {
        fs::metadata(workspace.path(&format!("{out}.model/model.safetensors")))
            .unwrap()
            .modified()
    };
    let modified_before = modification_time("whole").unwrap();
    assert_eq!(run(&workspace, "probexpan", "whole", &recipe).1, complete);
    assert_eq!(
        modification_time("whole").unwrap(),
        modified_before,
        "it was there already"
    );
    assert_feedback_is_that_of_the_index(&workspace);
    // The settings of the mini preset are different.
    let failed = baseline(&workspace, "probexpan", "whole", &[])
        .output()
        .unwrap();
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(
        failed.status.code() == Some(1)
            && error.contains("whole.model has a model that was trained with other settings"),
        "{error}"
    );

    kill_while_training(&workspace, "killed", || {
        baseline(&workspace, "probexpan", "killed", &recipe)
    });
    assert_eq!(
        run(&workspace, "probexpan", "killed", &recipe).1.rankings,
        complete.rankings
    );

    // A model that was trained on other sentences is an error.
    let sentences = fs::read_to_string(workspace.path("data/sentences.json")).unwrap();
    fs::write(
        workspace.path("data/sentences.json"),
        sentences.lines().skip(1).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    let failed = baseline(&workspace, "probexpan", "whole", &recipe)
        .output()
        .unwrap();
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(
        failed.status.code() == Some(1) && error.contains("another data set"),
        "{error}"
    );
}

/// Asserts that the feedback ranking of the trained ProbExpan is that of its index.
fn assert_feedback_is_that_of_the_index(workspace: &Workspace) {
    let options = ["--config", "recipe.toml", "--model", "whole.model"];
    let feedback = feedback_run(workspace, "probexpan", "whole", &options);
    let evaluated = Command::new(env!("CARGO_BIN_EXE_multiexpan"))
        .current_dir(workspace.path(""))
        .args(["evaluate", "whole.model/index", "--dataset", "data"])
        .args(["--mode", "text", "--ranking", "feedback"])
        .args(["--device", "cpu", "--out", "evaluated"])
        .output()
        .unwrap();
    assert!(
        evaluated.status.success(),
        "{}",
        String::from_utf8_lossy(&evaluated.stderr)
    );
    let evaluated = Run::read(&workspace.path("evaluated")).unwrap();
    assert_eq!(feedback.rankings, evaluated.rankings);
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
        let (metrics, complete) = run(&workspace, name, name, &recipe);
        assert_complete(&complete, name);
        assert_eq!(
            complete.settings.contains_key("image_share"),
            name == "dual"
        );
        let map = metrics["overall"]["map@10"].as_f64().unwrap();
        assert!(map > 0.9, "{name}: {map}");
        let log = workspace.log(&format!("{name}.model"));
        // With a queue, the contrastive task becomes harder while the queue fills.
        let task = if name == "dual" { "itc" } else { "mlm" };
        let loss = [&log[0], &log[log.len() - 1]].map(|line| line["loss"][task].as_f64().unwrap());
        assert!(loss[1] < 0.95 * loss[0], "{name} learned: {loss:?}");
        assert_eq!(
            run(&workspace, name, name, &recipe).1,
            complete,
            "from the model that is there"
        );
        let model = format!("{name}.model");
        feedback_run(
            &workspace,
            name,
            name,
            &[&recipe[..], &["--model", &model]].concat(),
        );
        let killed = format!("{name}-killed");
        kill_while_training(&workspace, &killed, || {
            baseline(&workspace, name, &killed, &recipe)
        });
        assert_eq!(
            run(&workspace, name, &killed, &recipe).1.rankings,
            complete.rankings
        );
        // No entity head was trained, so no index can be built.
        let mut index = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        index
            .current_dir(workspace.path(""))
            .env("XDG_CACHE_HOME", workspace.path("cache"));
        let failed = index
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
        let error = String::from_utf8(failed.stderr).unwrap();
        assert!(
            failed.status.code() == Some(1) && error.contains("without masked entity prediction"),
            "{error}"
        );
    }
}

/// Starts the command and kills it when the folder of its model has a checkpoint, that is, after
/// the
/// first epoch and before the end of the last. If it ends before it is killed, it is started again.
fn kill_while_training(workspace: &Workspace, out: &str, command: impl Fn() -> Command) {
    let (run, model) = (workspace.path(out), workspace.path(&format!("{out}.model")));
    for _ in 0..20 {
        let mut child = command().stdout(Stdio::null()).spawn().unwrap();
        while !model.join("training.safetensors").exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        // The process may have ended in the meantime.
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
    let folder = clip_folder();
    let (_, first) = run(
        &workspace,
        "clip",
        "clip.run",
        &["--clip", folder.to_str().unwrap()],
    );
    assert_complete(&first, "clip");
    // The second run reads the cache.
    let (_, again) = run(
        &workspace,
        "clip",
        "again.run",
        &["--clip", folder.to_str().unwrap()],
    );
    assert_eq!(again.rankings, first.rankings);
    let clip = ["--clip", folder.to_str().unwrap()];
    feedback_run(&workspace, "clip", "clip.run", &clip);
    // The same weights with another configuration give other rankings.
    let other = workspace.path("other");
    fs::create_dir(&other).unwrap();
    for file in ["model.safetensors", "tokenizer.json", "config.json"] {
        fs::copy(folder.join(file), other.join(file)).unwrap();
    }
    let config = fs::read_to_string(other.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["text_config"]["hidden_act"] = Value::from("gelu"); // The original value is quick_gelu.
    fs::write(other.join("config.json"), config.to_string()).unwrap();
    assert_ne!(
        run(&workspace, "clip", "other.run", &["--clip", "other"])
            .1
            .rankings,
        first.rankings
    );
    // The tokenizer adds no end-of-text token.
    let tokenizer = fs::read_to_string(other.join("tokenizer.json")).unwrap();
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).unwrap();
    tokenizer["post_processor"] = Value::Null;
    fs::write(other.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let failed = baseline(&workspace, "clip", "refused", &["--clip", "other"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&failed.stderr)
            .contains("does not end a text with the end token of the model")
    );
    for (options, code, message) in [
        (&[][..], 2, "clip needs --clip DIR"),
        (&["--clip", "nowhere"], 1, "nowhere"),
        (&["--clip", "text"], 1, "text"), // This is a BERT model.
    ] {
        let failed = baseline(&workspace, "clip", "refused", options)
            .output()
            .unwrap();
        let error = String::from_utf8(failed.stderr).unwrap();
        assert!(
            failed.status.code() == Some(code) && error.contains(message),
            "{error}"
        );
        assert!(!workspace.path("refused").exists());
    }
}

#[test]
fn an_option_without_effect_is_an_error() {
    let workspace = Workspace::new();
    for (name, out, options, code, message) in [
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
        let failed = baseline(&workspace, name, out, options).output().unwrap();
        let error = String::from_utf8(failed.stderr).unwrap();
        assert!(
            failed.status.code() == Some(code) && error.contains(message),
            "{error}"
        );
        assert!(
            !workspace.path("cache").exists() && !workspace.path(out).exists(),
            "{name}"
        );
    }
}

/// Returns the folder of the CLIP fixture.
fn clip_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip")
}

/// Returns the tensors that the transformers package computed, by name.
fn expected_tensors() -> BTreeMap<String, Tensor> {
    Tensor::read_safetensors(clip_folder().join("expected.safetensors"))
        .unwrap()
        .into_iter()
        .collect()
}

/// Returns the largest absolute difference.
fn max_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Divides each row by its Euclidean norm.
fn normalize_rows(rows: &Tensor) -> Tensor {
    rows / rows.norm_scalaropt_dim(2.0, [1i64].as_slice(), true)
}

#[test]
fn both_towers_agree_with_the_transformers_package() {
    let (expected, folder) = (expected_tensors(), clip_folder());
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
    // The first published checkpoints have another end-of-text token.
    let mut legacy = config;
    legacy.text_config.eos_token_id = 2;
    let (legacy, _) = Clip::open(&legacy, &weights, Device::Cpu).unwrap();
    assert_eq!(legacy.text(&expected["ids"]), text);
}

#[test]
fn texts_and_images_are_prepared_as_in_the_transformers_package() {
    let (expected, folder) = (expected_tensors(), clip_folder());
    let encoder = ClipEncoder::open(&folder, Device::Cpu).unwrap();
    let texts: Vec<String> =
        serde_json::from_slice(&fs::read(folder.join("texts.json")).unwrap()).unwrap();
    let ids: Vec<Vec<i64>> = texts
        .iter()
        .map(|text| encoder.ids(text).unwrap())
        .collect();
    for (row, ids) in ids.iter().enumerate() {
        let expected_ids = Vec::<i64>::try_from(expected["ids"].get(row as i64)).unwrap();
        // The package pads with the end-of-text token.
        assert_eq!(expected_ids[..ids.len()], ids[..]);
        assert!(
            expected_ids[ids.len()..]
                .iter()
                .all(|id| Some(id) == ids.last())
        );
    }
    assert!(
        max_difference(&encoder.texts(&ids), &normalize_rows(&expected["text"])) < 1e-5,
        "whatever fills up"
    );
    let side = encoder.side();
    let picture =
        PreparedImage::decode_center_crop(&fs::read(folder.join("picture.png")).unwrap(), side)
            .unwrap();
    let image = encoder.images(std::slice::from_ref(&picture)).unwrap();
    let cosine = (image * normalize_rows(&expected["image"]))
        .sum(Kind::Float)
        .double_value(&[]);
    assert!(cosine > 0.9999, "{cosine}");
    // The differences are in byte steps, scaled by the smallest deviation. The package also rounds
    // to
    // bytes between the two resize directions.
    let [mean, deviation] = [
        [0.481_454_66, 0.457_827_5, 0.408_210_73],
        [0.268_629_54, 0.261_302_6, 0.275_777_1],
    ];
    let pixels = to_pixel_tensor(&[picture], side, Some([mean, deviation]), Device::Cpu).unwrap();
    let steps = (pixels - &expected["pixels"]).abs() * 255.0 * 0.2613;
    let (maximum, mean) = (
        steps.max().double_value(&[]),
        steps.mean(Kind::Float).double_value(&[]),
    );
    assert!(maximum < 3.1 && mean < 0.4, "{maximum} {mean}");
}

#[test]
fn images_are_cropped_around_their_center() {
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
    // The image is red in the center, and too long to be resized completely.
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
