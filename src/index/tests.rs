use std::fs;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::index::tensor_file;
use crate::index::tensor_file::TensorFile;
use crate::index::test_index::{
    ENTITIES, PAIRS, WIDTH, add_mode, builder, entities, head, provenance, states,
};
use crate::index::*;
use crate::progress::{Progress, Unobserved};
use crate::types::{EntityId, Mode, Row};

fn written(folder: &tempfile::TempDir, modes: &[Mode], precision: StoragePrecision) -> PathBuf {
    let out = folder.path().join("index");
    builder(&out, modes, precision).finish().unwrap();
    out
}

fn refusal(path: &Path) -> String {
    match Index::open(path, Device::Cpu) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(e) => e.to_string(),
    }
}

fn rows() -> Vec<Row> {
    (0..ENTITIES as u32).map(Row).collect()
}

/// Returns log p of each pair in the dense form, `[pairs, V]`, from the states as stored.
fn dense(mode: Mode, kind: Kind) -> Tensor {
    let (weight, bias, _) = head();
    let states = states(mode, StoragePrecision::Single);
    let picked: Vec<i64> = states.entry_state.iter().map(|&s| s as i64).collect();
    let g = states
        .states
        .to_kind(kind)
        .to_kind(Kind::Double)
        .index_select(0, &Tensor::from_slice(&picked));
    let logits = g.matmul(&weight.to_kind(Kind::Double).tr()) + bias.to_kind(Kind::Double);
    logits.log_softmax(1, Kind::Double)
}

fn worst(found: &[f64], expected: &Tensor) -> f64 {
    (Tensor::from_slice(found).view_as(expected) - expected)
        .abs()
        .max()
        .double_value(&[])
}

#[test]
fn a_written_index_opens() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(
        &written(&folder, &Mode::TRAINED, StoragePrecision::Half),
        Device::Cpu,
    )
    .unwrap();
    assert_eq!(
        (index.len(), index.width(), index.modes()),
        (ENTITIES, WIDTH, Mode::TRAINED.to_vec())
    );
    assert_eq!(index.entities(), entities());
    assert_eq!(index.meta.provenance, provenance());
    assert_eq!(
        (index.row(EntityId(103)), index.row(EntityId(3))),
        (Some(Row(3)), None)
    );
    index.verify().unwrap();
    let pairs = index.pairs_of(Row(2));
    assert_eq!((pairs.len(), index.pair_count(Row(2))), (PAIRS, PAIRS));
    assert_eq!((pairs[1].offset, pairs[1].mention), (7 * 77, 1));
    assert_eq!(
        pairs[1].states,
        [
            (Mode::Both, 7),
            (Mode::Text, 7),
            (Mode::Image, 6),
            (Mode::None, 0)
        ]
    );
}

/// With half precision the stored statistics are those of the rounded states.
#[test]
fn statistics_match_the_stored_states() {
    let folder = tempfile::tempdir().unwrap();
    for (name, precision, kind) in [
        ("h", StoragePrecision::Half, Kind::Half),
        ("s", StoragePrecision::Single, Kind::Float),
    ] {
        let out = folder.path().join(name);
        builder(&out, &[Mode::Both], precision).finish().unwrap();
        let index = Index::open(&out, Device::Cpu).unwrap();
        let view = index.view(Mode::Both).unwrap();
        let log_p = dense(Mode::Both, kind).view([ENTITIES as i64, PAIRS as i64, ENTITIES as i64]);
        let mean = log_p.mean_dim([1i64].as_slice(), false, Kind::Double);
        assert!(worst(&view.log_probs(&rows(), &rows()).concat(), &mean) < 2e-6);
        let p = log_p.exp().mean_dim([1i64].as_slice(), false, Kind::Double);
        let (prepared, mut targets) = (
            rows()
                .into_iter()
                .map(|e| view.prepare(e))
                .collect::<Vec<_>>(),
            TargetSet::default(),
        );
        rows()
            .into_iter()
            .for_each(|row| view.add_target(&mut targets, row));
        let found = view.probabilities(
            &prepared.iter().map(|e| (e, 0)).collect::<Vec<_>>(),
            &targets,
        );
        assert!(worst(&found.concat(), &p) < 1e-6);
        let sums: Vec<f64> = rows().iter().map(|&r| view.sum_log_prob(r)).collect();
        assert!(
            worst(
                &sums,
                &p.log()
                    .sum_dim_intlist([1i64].as_slice(), false, Kind::Double)
            ) < 1e-4
        );
        let z = (&mean - mean.mean_dim([1i64].as_slice(), true, Kind::Double))
            / mean.std_dim([1i64].as_slice(), false, true);
        assert!(worst(&view.z(&rows(), &rows()).concat(), &z) < 1e-5);
        let flat: Vec<f64> = view
            .z_rows(&rows())
            .iter()
            .flat_map(|r| r.iter().map(|&x| x as f64).collect::<Vec<_>>())
            .collect();
        assert!(worst(&flat, &z) < 1e-5);
    }
}

#[test]
fn rounding_to_half_changes_the_numbers() {
    let (half, single) = (
        dense(Mode::Both, Kind::Half),
        dense(Mode::Both, Kind::Float),
    );
    assert!(
        (half - single).abs().max().double_value(&[]) > 1e-5,
        "or the test above compares nothing"
    );
}

#[test]
fn shared_states_are_counted_together() {
    let shared = states(Mode::Image, StoragePrecision::Half);
    assert_eq!(shared.entry_state[..4], [0, 2, 3, 5]);
    assert_eq!(shared.entry_fraction[..2], [2.0 / 3.0, 1.0 / 3.0]);
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(
        &written(
            &folder,
            &[Mode::Image, Mode::None],
            StoragePrecision::Single,
        ),
        Device::Cpu,
    )
    .unwrap();
    let view = index.view(Mode::Image).unwrap();
    let evidence = view.state_contributions(Row(4), Row(9));
    assert_eq!(
        evidence.iter().map(|e| e.state).collect::<Vec<_>>(),
        [12, 14]
    );
    let mean: f64 = evidence.iter().map(|e| e.fraction * e.z).sum();
    assert!((mean - view.z(&[Row(4)], &[Row(9)])[0][0]).abs() < 1e-5);
    let prior = index
        .view(Mode::None)
        .unwrap()
        .z(&[Row(0), Row(50)], &rows());
    assert_eq!(prior[0], prior[1], "the prior is the same for every entity");
}

#[test]
fn a_missing_mode_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(
        &written(&folder, &[Mode::Text], StoragePrecision::Half),
        Device::Cpu,
    )
    .unwrap();
    let error = index.view(Mode::Both).err().unwrap().to_string();
    assert_eq!(error, "the index has no mode both; it has text");
}

#[test]
fn a_truncated_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
    for name in [
        "index.json",
        "head.safetensors",
        "both.safetensors",
        "pairs.safetensors",
    ] {
        let path = out.join(name);
        let complete = fs::read(&path).unwrap();
        for length in [0, 4, 9, 100, complete.len() / 2, complete.len() - 1] {
            fs::write(&path, &complete[..length]).unwrap();
            let sentence = refusal(&out);
            assert!(
                sentence.contains(name)
                    && sentence.contains(if name == "index.json" {
                        "damaged"
                    } else {
                        "cut short"
                    }),
                "{sentence}"
            );
        }
        fs::write(&path, [&complete[..], b" "].concat()).unwrap();
        if name != "index.json" {
            assert!(refusal(&out).contains("were written"));
        }
        fs::write(&path, complete).unwrap();
    }
    Index::open(&out, Device::Cpu).unwrap();
    fs::remove_file(out.join("both.safetensors")).unwrap();
    assert!(refusal(&out).contains("missing"));
}

#[test]
fn a_damaged_header_and_damaged_contents_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
    let path = out.join("both.safetensors");
    let complete = fs::read(&path).unwrap();
    let mut header = complete.clone();
    header[8] = b'x';
    fs::write(&path, header).unwrap();
    assert!(refusal(&out).contains("damaged header"));
    let mut contents = complete.clone();
    *contents.last_mut().unwrap() ^= 1;
    fs::write(&path, contents).unwrap();
    let index = Index::open(&out, Device::Cpu).unwrap();
    assert!(
        index
            .verify()
            .unwrap_err()
            .to_string()
            .contains("both.safetensors is damaged")
    );
}

fn edit_meta(out: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let path = out.join("index.json");
    let mut meta = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut meta);
    fs::write(&path, serde_json::to_vec(&meta).unwrap()).unwrap();
}

#[test]
fn other_files_and_versions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(&folder.path().join("none")).starts_with("no index at"));
    assert!(refusal(folder.path()).contains("is not an index"));
    let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
    edit_meta(&out, |meta| meta["width"] = 9.into());
    assert!(
        refusal(&out).contains("holds “weight” as Float [60, 8] where"),
        "{}",
        refusal(&out)
    );
    // another version may have any other fields
    fs::write(
        out.join("index.json"),
        r#"{"kind": "multiexpan index", "version": 99}"#,
    )
    .unwrap();
    assert!(refusal(&out).contains("format version 99, this program reads versions up to 2"));
    fs::write(out.join("index.json"), r#"{"kind": "soup", "version": 1}"#).unwrap();
    assert!(refusal(&out).contains("not an index but “soup”"));
}

#[test]
fn another_data_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(
        &written(&folder, &[Mode::Both], StoragePrecision::Half),
        Device::Cpu,
    )
    .unwrap();
    index.check_dataset("sample-hash").unwrap();
    let sentence = index.check_dataset("other").unwrap_err().to_string();
    assert!(
        sentence.contains("“sample”") && sentence.contains("another"),
        "{sentence}"
    );
}

#[test]
fn an_unfinished_index_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let unfinished = builder(&out, &[Mode::Both], StoragePrecision::Half);
    assert!(!out.exists());
    // the folder that a killed process leaves
    let partial = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(refusal(&partial).contains("is not an index"));
    drop(unfinished);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_index_is_replaced_and_other_folders_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
    builder(&out, &[Mode::Text], StoragePrecision::Half)
        .finish()
        .unwrap();
    assert_eq!(
        Index::open(&out, Device::Cpu).unwrap().modes(),
        [Mode::Text]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let other = folder.path().join("photos");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("cat.webp"), "").unwrap();
    let (weight, bias, _) = head();
    let refused = Builder::new(&other, entities(), &weight, &bias, provenance())
        .err()
        .unwrap()
        .to_string();
    assert!(refused.contains("will not be overwritten"), "{refused}");
}

#[test]
fn a_builder_refuses_mismatching_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let (weight, bias, _) = head();
    let new = |entities| Builder::new(&out, entities, &weight, &bias, provenance());
    assert!(matches!(
        new(entities()[1..].to_vec()),
        Err(Error::Mismatch(_))
    ));
    assert!(matches!(
        new([&entities()[1..], &entities()[1..2]].concat()),
        Err(Error::Mismatch(_))
    ));
    let try_states = |edit: fn(&mut States)| -> Result<()> {
        let mut states = states(Mode::Both, StoragePrecision::Half);
        edit(&mut states);
        new(entities())?.add_mode(Mode::Both, states, &mut Unobserved)
    };
    try_states(|_| ()).unwrap();
    let edits: [fn(&mut States); 5] = [
        |s| s.states = s.states.narrow(1, 0, 4),
        |s| s.states = &s.states * 1e6, // not finite in f16
        |s| s.row_offsets[1] = 0,
        |s| s.entry_state[5] = 10_000,
        |s| s.entry_fraction.truncate(3),
    ];
    assert!(
        edits
            .into_iter()
            .all(|edit| matches!(try_states(edit), Err(Error::Mismatch(_))))
    );
    let mut stop = |_: Progress| Err(Error::Stopped);
    let stopped = new(entities()).unwrap().add_mode(
        Mode::Both,
        states(Mode::Both, StoragePrecision::Half),
        &mut stop,
    );
    assert!(matches!(stopped, Err(Error::Stopped)));
}

#[test]
fn a_raw_file_is_imported_with_or_without_names() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (
        folder.path().join("raw.safetensors"),
        folder.path().join("index"),
    );
    let tensors = |offsets: &[i64]| {
        let number = |n: i64| Tensor::arange(n, (Kind::Float, Device::Cpu)).sin();
        let named = [
            ("head.weight", number(12).view([4, 3])),
            ("head.bias", number(4)),
            ("pre_head", number(18).view([6, 3])),
            ("row_offsets", Tensor::from_slice(offsets)),
        ];
        Tensor::write_safetensors(&named, &file).unwrap();
    };
    let import = |names: Option<&[(EntityId, String)]>| {
        import_raw(&file, names, &out, Device::Cpu, &mut Unobserved)
    };
    tensors(&[0, 1, 3, 5, 6]);
    import(None).unwrap();
    let index = Index::open(&out, Device::Cpu).unwrap();
    assert_eq!(
        (index.entity(Row(2)).id, index.entity(Row(2)).name.as_str()),
        (EntityId(2), "2")
    );
    assert_eq!(
        (index.pair_count(Row(1)), index.pairs_of(Row(1)).len()),
        (2, 0)
    );
    let names: Vec<_> = [30, 10, 40, 20]
        .map(|id| (EntityId(id), format!("n{id}")))
        .to_vec();
    import(Some(&names)).unwrap();
    assert_eq!(
        Index::open(&out, Device::Cpu).unwrap().entity(Row(3)).name,
        "n40"
    );
    assert!(matches!(import(Some(&names[1..])), Err(Error::Mismatch(_))));
    for wrong in [[0, 1, 3, 5, 5], [0, 3, 1, 5, 6], [1, 2, 3, 5, 6]] {
        tensors(&wrong);
        assert!(
            import(None)
                .unwrap_err()
                .to_string()
                .contains("row_offsets")
        );
    }
}

/// Writes a safetensors file with a misaligned header, a misaligned tensor, and one that is not
/// used.
fn write_misaligned(path: &Path, pre_head: &[f32]) {
    let floats = |numbers: &[f32]| {
        numbers
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let offsets: Vec<u8> = [0i64, 1, 3, 5, 6]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let head: Vec<f32> = (0..12).map(|x| (x as f32).sin()).collect();
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in [
        ("note", "U8", vec![13], b"made by hand!".to_vec()),
        ("row_offsets", "I64", vec![5], offsets),
        ("head.weight", "F32", vec![4, 3], floats(&head)),
        ("pre_head", "F32", vec![6, 3], floats(pre_head)),
        ("head.bias", "F32", vec![4], floats(&head[..4])),
    ] {
        let range = [data.len(), data.len() + bytes.len()];
        header.insert(
            name.into(),
            serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": range }),
        );
        data.extend(bytes);
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8) + 3, b' ');
    fs::write(
        path,
        [
            &(header.len() as u64).to_le_bytes(),
            header.as_slice(),
            &data,
        ]
        .concat(),
    )
    .unwrap();
}

#[test]
fn a_misaligned_raw_file_is_imported_and_unused_tensors_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (
        folder.path().join("raw.safetensors"),
        folder.path().join("index"),
    );
    let mut states: Vec<f32> = (0..18).map(|x| (x as f32).cos()).collect();
    write_misaligned(&file, &states);
    let tensors = TensorFile::open(&file).unwrap();
    assert_eq!(tensors.slice::<f32>("pre_head").unwrap(), states);
    assert_eq!(
        tensors.vector::<i64>("row_offsets", 5).unwrap(),
        [0, 1, 3, 5, 6]
    );
    let import = || import_raw(&file, None, &out, Device::Cpu, &mut Unobserved);
    let left_out = import().unwrap();
    let [(what, 1)] = left_out.as_slice() else {
        panic!("{left_out:?}")
    };
    assert!(
        what.contains("raw.safetensors that an index does not use (note)"),
        "{what}"
    );
    assert_eq!(
        Index::open(&out, Device::Cpu)
            .unwrap()
            .view(Mode::Both)
            .unwrap()
            .len(),
        4
    );
    // entity 2 has the states 3 and 4
    states[4 * 3 + 1] = f32::NEG_INFINITY;
    write_misaligned(&file, &states);
    let message = import().unwrap_err().to_string();
    assert!(
        message.contains("not finite, -inf at [4, 1], in row 4 (entity “2”)"),
        "{message}"
    );
}

/// Replaces the first number of a tensor.
fn overwrite_first_number(path: &Path, tensor: &str, number: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let offset = 8 + header + json[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[offset..offset + number.len()].copy_from_slice(number);
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_index_with_a_number_that_is_not_finite_gives_no_scores() {
    let (nan, inf) = (f32::NAN.to_le_bytes(), half::f16::INFINITY.to_le_bytes());
    for (file, tensor, number) in [
        ("head", "weight", nan.as_slice()),
        ("head", "bias", &nan),
        ("both", "states", &inf),
        ("both", "mean_state", &nan),
        ("both", "log_z", &nan),
        ("both", "deviation", &f64::NAN.to_le_bytes()),
        ("both", "entry_share", &f32::INFINITY.to_le_bytes()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
        overwrite_first_number(&out.join(format!("{file}.safetensors")), tensor, number);
        let refused =
            Index::open(&out, Device::Cpu).and_then(|index| index.view(Mode::Both).map(drop));
        let message = refused.unwrap_err().to_string();
        let expected =
            format!("{file}.safetensors holds a number that is not finite in row 0 of “{tensor}”");
        assert!(message.contains(&expected), "{message}");
    }
}

/// After random bytes of a file of an index are changed, the index is refused with an error, or
/// opens and can be read.
#[test]
fn damaged_indexes_do_not_panic() {
    use rand::{RngExt, SeedableRng};
    let folder = tempfile::tempdir().unwrap();
    let out = written(&folder, &[Mode::Both, Mode::Image], StoragePrecision::Half);
    let complete = bytes_of(&out);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let (mut refused, mut opened) = (0, 0);
    for round in 0..600 {
        let (name, bytes) = &complete[round % complete.len()];
        let mut bytes = bytes.clone();
        for _ in 0..random.random_range(1..4) {
            // half of the changes are to headers, which random offsets would rarely hit
            let length = if random.random() {
                bytes.len()
            } else {
                bytes.len().min(700)
            };
            bytes[random.random_range(0..length)] = random.random();
        }
        fs::write(out.join(name), &bytes).unwrap();
        let scores = Index::open(&out, Device::Cpu).and_then(|index| {
            let view = index.view(index.modes()[0])?;
            let rows: Vec<Row> = (0..index.len() as u32).map(Row).collect();
            rows.iter().for_each(|&row| {
                drop((
                    index.pairs_of(row),
                    index.entity(row),
                    index.pair_count(row),
                ))
            });
            Ok(view.z_rows(&rows))
        });
        match scores {
            Err(error) => refused += usize::from(!error.to_string().is_empty()),
            Ok(_) => opened += 1,
        }
        fs::write(out.join(name), &complete[round % complete.len()].1).unwrap();
    }
    assert!(
        refused > 100 && opened > 50,
        "{refused} refused, {opened} opened"
    );
}

#[test]
fn tensors_that_are_not_finite_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let tensors = [
        ("good", Tensor::from_slice(&[1.0f32])),
        ("bad", Tensor::from_slice(&[1.0f64, f64::NAN])),
    ];
    let message = tensor_file::write(&path, &tensors).unwrap_err().to_string();
    assert!(
        message.contains("“bad” is not finite, NaN at [1]") && !path.exists(),
        "{message}"
    );
    let named = tensors.map(|(name, tensor)| (name.to_owned(), tensor));
    let message = crate::model::checkpoint::write_tensors(&path, &named)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`bad` has a value that is not finite") && !path.exists(),
        "{message}"
    );
}

/// Returns a builder that resumes an interrupted build.
fn resuming_builder(out: &Path, model: &str) -> Result<Builder> {
    let (weight, bias, _) = head();
    let model = Some(Origin {
        hash: model.to_owned(),
        ..Origin::default()
    });
    Builder::resume(
        out,
        entities(),
        &weight,
        &bias,
        Provenance {
            model,
            ..provenance()
        },
    )
}

fn bytes_of(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(out)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|p| {
            (
                p.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(p).unwrap(),
            )
        })
        .collect()
}

#[test]
fn an_interrupted_build_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (out, complete) = (folder.path().join("index"), folder.path().join("whole"));
    let finish = |mut builder: Builder, modes: &[Mode]| {
        for &mode in modes {
            add_mode(&mut builder, mode, StoragePrecision::Half);
        }
        builder.finish().unwrap();
    };
    finish(
        resuming_builder(&complete, "a").unwrap(),
        &[Mode::Both, Mode::Text],
    );
    let mut builder = resuming_builder(&out, "a").unwrap();
    add_mode(&mut builder, Mode::Both, StoragePrecision::Half);
    drop(builder);
    let partial = folder.path().join(".index.partial");
    // the file of a mode that was being written
    fs::write(partial.join("text.safetensors"), "half").unwrap();
    assert!(!out.exists() && refusal(&partial).contains("is not an index"));
    let builder = resuming_builder(&out, "a").unwrap();
    assert!(builder.has_mode(Mode::Both) && !builder.has_mode(Mode::Text));
    finish(builder, &[Mode::Text]);
    assert_eq!(bytes_of(&out), bytes_of(&complete));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_different_build_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("index");
    let interrupt = |model| {
        let mut builder = resuming_builder(&out, model).unwrap();
        add_mode(&mut builder, Mode::Both, StoragePrecision::Half);
        assert!(
            resuming_builder(&out, model)
                .err()
                .unwrap()
                .to_string()
                .contains("is being written by another process")
        );
    };
    interrupt("a");
    assert!(
        !resuming_builder(&out, "another model")
            .unwrap()
            .has_mode(Mode::Both)
    );
    assert!(
        !resuming_builder(&out, "a").unwrap().has_mode(Mode::Both),
        "the other build started over"
    );
    interrupt("a");
    fs::write(
        folder.path().join(".index.partial/both.safetensors"),
        "damaged",
    )
    .unwrap();
    assert!(!resuming_builder(&out, "a").unwrap().has_mode(Mode::Both));
    interrupt("a");
    drop(builder(&out, &[Mode::Text], StoragePrecision::Half));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a builder that does not resume leaves nothing"
    );
}

#[test]
fn a_process_killed_during_replacement_loses_no_index() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(&folder, &[Mode::Both], StoragePrecision::Half);
    fs::rename(&out, folder.path().join(".index.old")).unwrap();
    drop(builder(&out, &[Mode::Text], StoragePrecision::Half));
    assert_eq!(
        Index::open(&out, Device::Cpu).unwrap().modes(),
        [Mode::Both],
        "the old index is restored"
    );
    // the process was killed after the new index was in place
    fs::create_dir(folder.path().join(".index.old")).unwrap();
    builder(&out, &[Mode::Text], StoragePrecision::Half)
        .finish()
        .unwrap();
    assert_eq!(
        Index::open(&out, Device::Cpu).unwrap().modes(),
        [Mode::Text]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
