//! Tests a text encoder from the Hugging Face Hub, with a local server that has one model: every
//! required file is fetched, and afterwards the network is not needed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::common::workspace::Workspace;
use serde_json::json;
use tch::Tensor;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The files of the server by name, the status of the one request that fails, and the requested
/// files.
#[derive(Default)]
struct Model {
    files: BTreeMap<String, Vec<u8>>,
    failing: Option<(String, u16)>,
    requested: Vec<String>,
}

/// Serves the model until the test ends, and returns the address of the server.
fn serve(model: Arc<Mutex<Model>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let model = model.clone();
            std::thread::spawn(move || respond(stream.unwrap(), &model));
        }
    });
    address
}

/// Responds to one request for a file or for a range of its bytes.
fn respond(mut stream: TcpStream, model: &Mutex<Model>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let range = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let line = line.to_ascii_lowercase();
        let (from, to) = line.strip_prefix("range: bytes=")?.split_once('-')?;
        Some((from.parse::<usize>().unwrap(), to.parse::<usize>().ok()))
    });
    let file = request
        .split(' ')
        .nth(1)
        .unwrap()
        .rsplit_once("/resolve/main/")
        .unwrap()
        .1
        .to_owned();
    let mut model = model.lock().unwrap();
    model.requested.push(file.clone());
    let failing = model
        .failing
        .as_ref()
        .filter(|(name, _)| *name == file)
        .map(|(_, status)| *status);
    let status = |code: u16| {
        format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let response = match (failing, model.files.get(&file)) {
        (Some(code), _) => status(code),
        (None, None) => status(404),
        (None, Some(content)) => {
            let (from, to) = range.unwrap_or((0, None));
            let end = to.map_or(content.len(), |to| (to + 1).min(content.len()));
            let part = &content[from..end];
            let head = format!(
                "HTTP/1.1 206 Partial\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\nETag: \"{}\"\r\n\
                 X-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
                part.len(),
                end.max(1) - 1,
                content.len(),
                blake3::hash(content).to_hex()
            );
            [head.as_bytes(), part].concat()
        }
    };
    let _ = stream.write_all(&response);
}

/// Returns the text encoder of the workspace as a cased model in two shards.
fn sharded_model(workspace: &Workspace) -> Model {
    let tensors: Vec<(String, Tensor)> =
        Tensor::read_safetensors(workspace.path("text/model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    let mut files = BTreeMap::new();
    for (number, part) in tensors.chunks(tensors.len().div_ceil(2)).enumerate() {
        let name = format!("model-0000{}-of-00002.safetensors", number + 1);
        let path = workspace.path(&name);
        let part: Vec<(&str, &Tensor)> = part
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        Tensor::write_safetensors(&part, &path).unwrap();
        map.extend(
            part.iter()
                .map(|(parameter, _)| ((*parameter).to_owned(), json!(name))),
        );
        files.insert(name, fs::read(path).unwrap());
    }
    files.insert(
        "model.safetensors.index.json".into(),
        json!({ "weight_map": map }).to_string().into_bytes(),
    );
    files.insert(
        "tokenizer_config.json".into(),
        br#"{"do_lower_case": false}"#.to_vec(),
    );
    for file in ["config.json", "vocab.txt"] {
        files.insert(
            file.into(),
            fs::read(workspace.path(&format!("text/{file}"))).unwrap(),
        );
    }
    Model {
        files,
        ..Model::default()
    }
}

/// The program in a workspace, with the address of the server and the cache folder of the hub.
struct Hub<'a> {
    workspace: &'a Workspace,
    address: String,
    home: PathBuf,
}

impl Hub<'_> {
    /// Runs a baseline with a text encoder and returns its exit code and standard error.
    fn run(&self, out: &str, encoder: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multiexpan"));
        command
            .current_dir(self.workspace.path(""))
            .env("XDG_CACHE_HOME", self.workspace.path("cache"));
        command
            .env("HF_HOME", &self.home)
            .env("HF_ENDPOINT", &self.address);
        command.args([
            "baseline",
            "text-cosine",
            "data",
            "--out",
            out,
            "--device",
            "cpu",
            "--image-encoder",
        ]);
        let output = command
            .args(["image.safetensors", "--text-encoder", encoder])
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

/// Returns the entity, the rank and the score of each line of a run.
fn scores(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            line.split(' ')
                .skip(2)
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

#[test]
fn required_files_are_fetched_once_and_then_used_offline() {
    let workspace = Workspace::new();
    // "Cat" is not in the cased vocabulary, so the tokenizer settings change the scores.
    let sentences = fs::read_to_string(workspace.path("data/sentences.json")).unwrap();
    fs::write(
        workspace.path("data/sentences.json"),
        sentences.replace("\"cat\"", "\"Cat\""),
    )
    .unwrap();
    let shared_model = Arc::new(Mutex::new(sharded_model(&workspace)));
    let mut hub = Hub {
        workspace: &workspace,
        address: serve(shared_model.clone()),
        home: workspace.path("hf"),
    };
    let (code, message) = hub.run("hub.run", "org/cased");
    assert_eq!(code, Some(0), "{message}");
    let snapshot = workspace.path(&format!("hf/hub/models--org--cased/snapshots/{COMMIT}"));
    for file in shared_model.lock().unwrap().files.keys() {
        assert!(snapshot.join(file).is_file(), "{file}");
    }
    // The same files in a folder give the same scores.
    let folder = workspace.path("folder");
    fs::create_dir(&folder).unwrap();
    for (file, content) in &shared_model.lock().unwrap().files {
        fs::write(folder.join(file), content).unwrap();
    }
    let (code, message) = hub.run("folder.run", "folder");
    assert_eq!(code, Some(0), "{message}");
    assert_eq!(
        scores(&workspace.path("hub.run")),
        scores(&workspace.path("folder.run"))
    );
    fs::remove_file(folder.join("tokenizer_config.json")).unwrap();
    assert_eq!(hub.run("lower.run", "folder").0, Some(0));
    assert_ne!(
        scores(&workspace.path("hub.run")),
        scores(&workspace.path("lower.run")),
        "lower case is something else"
    );

    // Files that the model does not have are not requested again.
    let missing_file_marker = workspace.path(&format!(
        "hf/hub/models--org--cased/.no_exist/{COMMIT}/tokenizer.json"
    ));
    assert!(missing_file_marker.is_file());
    hub.address = "http://127.0.0.1:1".into();
    let (code, message) = hub.run("offline.run", "org/cased");
    assert_eq!(code, Some(0), "{message}");
    assert_eq!(
        scores(&workspace.path("offline.run")),
        scores(&workspace.path("hub.run"))
    );
}

#[test]
fn a_file_that_cannot_be_fetched_is_an_error() {
    let workspace = Workspace::new();
    let shared_model = Arc::new(Mutex::new(sharded_model(&workspace)));
    let hub = Hub {
        workspace: &workspace,
        address: serve(shared_model.clone()),
        home: workspace.path("hf"),
    };
    for (file, status) in [
        ("tokenizer_config.json", 500),
        ("model-00002-of-00002.safetensors", 404),
        ("config.json", 404),
    ] {
        shared_model.lock().unwrap().failing = Some((file.into(), status));
        let (code, message) = hub.run("x.run", "org/cased");
        assert!(
            code == Some(2) && message.contains(file) && message.contains(&status.to_string()),
            "{code:?} {message}"
        );
        assert!(!workspace.path("x.run").exists());
        // The folder does not exist if the first file could not be fetched.
        let _ = fs::remove_dir_all(workspace.path("hf"));
    }
    shared_model.lock().unwrap().failing = None;
    shared_model
        .lock()
        .unwrap()
        .files
        .retain(|file, _| !file.starts_with("model"));
    let (code, message) = hub.run("x.run", "org/cased");
    assert!(
        code == Some(2) && message.contains("it has none of model.safetensors, "),
        "{code:?} {message}"
    );
}
