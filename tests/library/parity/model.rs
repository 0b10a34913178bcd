//! The network with the golden checkpoint in all four modes, compared with golden numbers.

use multiexpan::model::checkpoint::OpenedNetwork;
use multiexpan::model::layer::attention_bias;
use multiexpan::model::network::Tower;
use multiexpan::model::network_config::TRAINED_BERT_LAYERS;
use multiexpan::model::network_input::NetworkInput;
use multiexpan::model::weights::Weights;
use multiexpan::model::{ModelFolder, Network, NetworkConfig};
use tch::{Device, Kind, Tensor};

const TOLERANCE: f64 = 1e-4;
const PAD: i64 = 0;
const CLS: i64 = 101;
const SEP: i64 = 102;
const MASK: i64 = 103;

struct Golden {
    cases: Weights,
    store: tch::nn::VarStore,
    network: Network,
}

impl Golden {
    /// Opens the golden checkpoint as a model folder.
    fn open() -> Self {
        let golden = super::golden("model");
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(
            golden.join("config.json"),
            folder.path().join("config.json"),
        )
        .unwrap();
        std::fs::copy(
            golden.join("checkpoint.safetensors"),
            folder.path().join("model.safetensors"),
        )
        .unwrap();
        let OpenedNetwork { store, network, .. } = ModelFolder::open(folder.path())
            .unwrap()
            .network(None, Device::Cpu)
            .unwrap();
        Golden {
            cases: Weights::open(&golden.join("cases.safetensors")).unwrap(),
            store,
            network,
        }
    }

    fn get(&self, name: &str) -> Tensor {
        self.cases.get(name).unwrap()
    }

    fn input(&self, tower: &Tower, mode: &str) -> NetworkInput {
        let ids = self.get("token_ids");
        let rows = ids.size()[0];
        let ids = if matches!(mode, "both" | "text") {
            ids
        } else {
            Tensor::from_slice(&[CLS, MASK, SEP]).repeat([rows, 1])
        };
        let text_keep = ids.ne(PAD);
        let text = tower
            .bert
            .lower(&ids, &attention_bias(&text_keep), TRAINED_BERT_LAYERS);
        let patches = matches!(mode, "both" | "image").then(|| self.get("patches"));
        NetworkInput {
            text,
            text_keep,
            mask_position: ids.eq(MASK).to_kind(Kind::Float).argmax(1, false),
            patches,
            image_keep: None,
        }
    }

    fn assert_near(&self, name: &str, found: &Tensor) {
        let expected_value = self.get(name);
        assert_eq!(expected_value.size(), found.size(), "{name}");
        let off = (expected_value - found).abs().max().double_value(&[]);
        assert!(off < TOLERANCE, "{name} is off by {off}");
    }
}

#[test]
fn every_mode_gives_the_golden_states_and_probabilities() {
    let golden = Golden::open();
    let tower = &golden.network.student;
    for mode in ["both", "text", "image", "none"] {
        let state = tower.hidden(&golden.input(tower, mode), false);
        let pre_head = tower.head.pre_head(&state, false);
        golden.assert_near(&format!("{mode}.hidden"), &state);
        golden.assert_near(
            &format!("{mode}.log_prob"),
            &tower.head.log_prob(&pre_head, false, 0.0),
        );
        golden.assert_near(&format!("{mode}.pre_head"), &pre_head);
    }
}

#[test]
fn heads_and_teacher_give_the_golden_numbers() {
    let golden = Golden::open();
    let state = golden
        .network
        .student
        .hidden(&golden.input(&golden.network.student, "both"), false);
    golden.assert_near(
        "projection",
        &golden.network.projection.forward(&state, false),
    );
    golden.assert_near("cluster", &golden.network.cluster.forward(&state, false));
    let teacher = golden
        .network
        .teacher
        .as_ref()
        .expect("the golden checkpoint has a momentum copy");
    let state = teacher.hidden(&golden.input(teacher, "both"), false);
    golden.assert_near(
        "momentum.log_prob",
        &teacher
            .head
            .log_prob(&teacher.head.pre_head(&state, false), false, 0.0),
    );
}

/// A row with a masked image, among rows with images, equals the text mode.
#[test]
fn a_masked_picture_is_no_picture() {
    let golden = Golden::open();
    let tower = &golden.network.student;
    let mut input = golden.input(tower, "both");
    let rows = input.text.size()[0];
    let keep: Vec<bool> = (0..rows).map(|i| i % 2 == 0).collect();
    input.image_keep = Some(Tensor::from_slice(&keep));
    let state = tower.hidden(&input, false);
    for row in 0..rows {
        let expected_value = golden
            .get(if row % 2 == 0 {
                "both.hidden"
            } else {
                "text.hidden"
            })
            .get(row);
        let off = (state.get(row) - expected_value)
            .abs()
            .max()
            .double_value(&[]);
        assert!(off < TOLERANCE, "row {row} is off by {off}");
    }
}

#[test]
fn a_checkpoint_of_another_vocabulary_is_refused() {
    let golden = Golden::open();
    let folder = tempfile::tempdir().unwrap();
    let config = NetworkConfig {
        entities: golden.network.config.entities + 1,
        ..golden.network.config.clone()
    };
    std::fs::write(
        folder.path().join("config.json"),
        serde_json::to_string(&config).unwrap(),
    )
    .unwrap();
    golden
        .store
        .save(folder.path().join("model.safetensors"))
        .unwrap();
    let refusal = ModelFolder::open(folder.path())
        .unwrap()
        .network(None, Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("head.4") && refusal.contains("vocabulary"),
        "{refusal}"
    );
}
