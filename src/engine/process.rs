//! The engine as a process of its own, from the explorer's side.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use crate::engine::pipe;
use crate::engine::protocol::{Reply, ReplyKind, Request, RequestId};
use crate::error::{Error, Result};

/// The engine program, in the folder of the running program.
const PROGRAM: &str = "multiexpan-engine";
/// The argument that makes it answer requests on standard input.
const SERVE: &str = "serve";

/// A running engine process. When it is dropped, its standard input ends, and so does the process.
#[derive(Debug)]
pub struct Process {
    requests: Sender<Request>,
}

impl Process {
    /// Returns the path of the engine program.
    pub fn program() -> Result<PathBuf> {
        let own = std::env::current_exe().map_err(Error::io("find", "the running program"))?;
        let path = own.with_file_name(PROGRAM);
        if path.is_file() {
            return Ok(path);
        }
        let hint = "it must be in the folder of multiexpan: in the source folder, `make build` builds \
                    both programs (`cargo build --release --bins`), and `make install` installs both";
        Err(Error::Missing {
            what: "engine",
            path,
            hint: hint.into(),
        })
    }

    /// Starts the engine. `reply` is called on a thread of its own, and receives
    /// [`ReplyKind::EngineExited`] last.
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
        thread(&path, "engine requests", move || {
            write_requests(stdin, &inbox)
        })?;
        thread(&path, "engine replies", move || {
            read_replies(child, stdout, stderr, &reply)
        })?;
        Ok(Process { requests })
    }

    pub fn send(&self, request: Request) {
        // an engine that has exited has already sent the reason
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

fn write_requests(mut stdin: impl Write, inbox: &Receiver<Request>) {
    while let Ok(request) = inbox.recv() {
        if pipe::write(&mut stdin, &request).is_err() {
            return;
        }
    }
}

/// Passes replies on until the engine exits, and then the reason.
fn read_replies(mut child: Child, stdout: ChildStdout, stderr: ChildStderr, reply: &dyn Fn(Reply)) {
    // standard error is read all the time, so that the engine never blocks on it
    let last_line = std::thread::spawn(move || {
        BufReader::new(stderr)
            .lines()
            .map_while(|line| line.ok())
            .last()
    });
    let mut stdout = BufReader::new(stdout);
    let broken = loop {
        match pipe::read::<Reply>(&mut stdout) {
            Ok(Some(message)) => reply(message),
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    if broken.is_some() {
        let _ = child.kill();
    }
    let status = child.wait().map(|status| status.to_string());
    let last_line = last_line.join().ok().flatten();
    let reason = broken.or(last_line).or(status.ok()).unwrap_or_default();
    reply(Reply {
        id: RequestId::default(),
        kind: ReplyKind::EngineExited(format!("the engine has ended ({reason})")),
    });
}
