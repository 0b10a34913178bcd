//! The engine as a process of its own, seen from the explorer.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use crate::engine::pipe;
use crate::engine::protocol::{Reply, ReplyKind, Request, RequestId};
use crate::error::{Error, Result};

/// The program that computes; it lies beside the one that runs.
const PROGRAM: &str = "multiexpan-engine";
/// Its argument that makes it answer requests on standard input.
const SERVE: &str = "serve";

/// A running engine process. Dropped, its standard input ends, and with it the process.
#[derive(Debug)]
pub struct Process {
    requests: Sender<Request>,
}

impl Process {
    /// Where the program lies that computes.
    pub fn program() -> Result<PathBuf> {
        let own = std::env::current_exe().map_err(Error::io("find", "the running program"))?;
        let path = own.with_file_name(PROGRAM);
        match path.is_file() {
            true => Ok(path),
            false => {
                let hint =
                    "it is a program of its own that must lie beside multiexpan: in the source folder, `make build` \
                            builds both (`cargo build --release --bins`), and `make install` installs both"
                        .into();
                Err(Error::Missing {
                    what: "engine",
                    path,
                    hint,
                })
            }
        }
    }

    /// Starts the engine; `reply` is called on a thread of its own, at last with [`ReplyKind::EngineExited`].
    pub fn start(reply: impl Fn(Reply) + Send + 'static) -> Result<Process> {
        let path = Process::program()?;
        let mut command = Command::new(&path);
        command
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Error::io("start", &path))?;
        let (requests, inbox) = channel();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Error::format(&path, "was started without its pipes"));
        };
        thread(&path, "engine requests", move || hand_over(stdin, &inbox))?;
        thread(&path, "engine replies", move || {
            listen(child, stdout, stderr, &reply)
        })?;
        Ok(Process { requests })
    }

    pub fn send(&self, request: Request) {
        // an engine that is gone has said why
        let _ = self.requests.send(request);
    }
}

fn thread(path: &Path, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
        .map_err(Error::io("listen to", path))
}

fn hand_over(mut stdin: impl Write, inbox: &Receiver<Request>) {
    while let Ok(request) = inbox.recv() {
        if pipe::write(&mut stdin, &request).is_err() {
            return;
        }
    }
}

/// Hands replies on until the engine ends, then says why it did.
fn listen(mut child: Child, stdout: ChildStdout, stderr: ChildStderr, reply: &dyn Fn(Reply)) {
    // read as it is written, so that a talkative engine is never held up
    let told = std::thread::spawn(move || {
        BufReader::new(stderr)
            .lines()
            .map_while(|line| line.ok())
            .last()
    });
    let mut stdout = BufReader::new(stdout);
    let broken = loop {
        match pipe::read::<Reply>(&mut stdout) {
            Ok(Some(said)) => reply(said),
            Ok(None) => break None,
            Err(why) => break Some(why.to_string()),
        }
    };
    if broken.is_some() {
        let _ = child.kill();
    }
    let status = child.wait().map(|status| status.to_string());
    let last_words = told.join().ok().flatten();
    let why = broken.or(last_words).or(status.ok()).unwrap_or_default();
    reply(Reply {
        id: RequestId::default(),
        kind: ReplyKind::EngineExited(format!("the engine has ended ({why})")),
    });
}
