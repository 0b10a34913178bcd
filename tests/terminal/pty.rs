//! Runs the program in a pseudo-terminal that answers the queries of the explorer.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The longest time to wait. Only a hang takes longer, however busy the machine is.
pub const TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// The size of a cell in pixels.
const CELL: (u16, u16) = (10, 20);
/// The number of chunks of output that can wait to be read. Then the output of the program is
/// blocked.
const MAX_CHUNKS: usize = 4;
/// The end of a frame (of a synchronized update).
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// The escape key in an encoding that is never combined with the next key, however slowly both are
/// read.
pub const ESCAPE: &str = "\x1b[27u";
/// A text that only the list of keys contains.
pub const HELP: &str = "Everywhere";
/// ctrl-l
pub const REDRAW: &str = "\x0c";

/// The folder of the sessions in the home folder.
pub const STATE: &str = "state";

/// Returns the index of the demo.
pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

/// The answers of a terminal to the queries of the explorer.
#[derive(Clone, Copy)]
pub struct Answers {
    /// The name and version (XTVERSION); `None` if the terminal does not answer this query.
    pub version: Option<&'static str>,
    /// The device attributes (DA1).
    pub attributes: &'static str,
    /// The size of a cell in pixels.
    pub cell: Option<(u16, u16)>,
    /// True if the terminal answers only when [`Terminal::send_answers`] is called.
    pub late: bool,
}

/// A terminal that draws sixel.
pub const SIXEL: Answers = Answers {
    version: Some("a test"),
    attributes: "62;4;22",
    cell: Some(CELL),
    late: false,
};
/// A terminal that draws no images.
pub const PLAIN: Answers = Answers {
    version: None,
    attributes: "6",
    cell: None,
    late: false,
};

impl Answers {
    /// Returns each query with its answer, which is empty if the terminal does not answer it.
    fn to_queries(self) -> [(&'static [u8], String); 4] {
        let cell = match self.cell {
            Some((width, height)) => format!("\x1b[6;{height};{width}t"),
            None => String::new(),
        };
        let version = match self.version {
            Some(version) => format!("\x1bP>|{version}\x1b\\"),
            None => String::new(),
        };
        [
            (b"\x1b[16t", cell),
            (b"\x1b[>q", version),
            (b"\x1b[c", format!("\x1b[?{}c", self.attributes)),
            (b"\x1b[5n", "\x1b[0n".into()),
        ]
    }
}

/// Returns the end of the first query in `output`, and its answer.
fn first_query<'a>(
    output: &[u8],
    answers: &'a [(&'static [u8], String); 4],
) -> Option<(usize, &'a str)> {
    answers
        .iter()
        .filter_map(|(query, answer)| Some((find(output, query)?, query.len(), answer.as_str())))
        .min_by_key(|(start, ..)| *start)
        .map(|(start, length, answer)| (start + length, answer))
}

/// Returns the position of the first occurrence of `sequence`.
fn find(bytes: &[u8], sequence: &[u8]) -> Option<usize> {
    bytes
        .windows(sequence.len())
        .position(|window| window == sequence)
}

/// The way in which the explorer is started.
pub struct Setup<'a> {
    /// The folder in which the explorer is started, with its settings, sessions and cache.
    pub home: &'a Path,
    pub index: PathBuf,
    pub columns_and_rows: (u16, u16),
    pub images: &'static str,
    pub answers: Answers,
    pub environment: Vec<(&'static str, String)>,
    /// A shell script that runs the explorer as `"$@"`; `None` runs the explorer alone.
    pub script: Option<&'static str>,
}

impl<'a> Setup<'a> {
    /// Opens the demo, without images.
    pub fn new(home: &'a Path) -> Self {
        Setup {
            home,
            index: demo(),
            columns_and_rows: (120, 40),
            images: "off",
            answers: SIXEL,
            environment: Vec::new(),
            script: None,
        }
    }

    pub fn start(self) -> Terminal {
        let (columns, rows) = self.columns_and_rows;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let program = env!("CARGO_BIN_EXE_multiexpan");
        let mut command = match self.script {
            None => CommandBuilder::new(program),
            Some(script) => {
                let mut command = CommandBuilder::new("bash");
                command.args(["--norc", "--noprofile", "-c", script, "bash", program]);
                command
            }
        };
        command.arg("explore");
        command.arg(&self.index);
        command.args(["--images", self.images, "--device", "cpu"]);
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
        ] {
            command.env(name, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home);
        for (variable, folder) in [
            ("XDG_STATE_HOME", STATE),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(variable, self.home.join(folder));
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command.cwd(self.home);
        let started_at = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = sync_channel(MAX_CHUNKS);
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            output,
            raw: Vec::new(),
            keys,
            child,
            started_at,
            answers: self.answers,
            searched: 0,
            pending_answers: Vec::new(),
            master: pair.master,
        }
    }
}

pub struct Terminal {
    pub screen: vt100::Parser,
    /// Everything the program wrote.
    pub raw: Vec<u8>,
    pub child: Box<dyn Child + Send + Sync>,
    pub started_at: Instant,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    answers: Answers,
    /// The number of bytes of the output that were searched for queries.
    searched: usize,
    /// Answers that were not sent yet.
    pending_answers: Vec<u8>,
    // Dropping it closes the pseudo-terminal.
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Reads what the program writes within this time. Returns false if it writes nothing.
    pub fn read(&mut self, timeout: Duration) -> bool {
        match self.output.recv_timeout(timeout) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                self.answer_queries();
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the program ended:\n{}", self.contents())
            }
        }
    }

    /// Answers the queries in the output that was not searched yet.
    fn answer_queries(&mut self) {
        let answers = self.answers.to_queries();
        while let Some((end, answer)) = first_query(&self.raw[self.searched..], &answers) {
            self.searched += end;
            self.pending_answers.extend(answer.as_bytes());
        }
        // The end of the output may be the beginning of a query.
        self.searched = self.searched.max(self.raw.len().saturating_sub(8));
        if !self.answers.late {
            self.send_answers();
        }
    }

    /// Sends the answers to all queries so far.
    pub fn send_answers(&mut self) {
        let answers = std::mem::take(&mut self.pending_answers);
        self.keys.write_all(&answers).unwrap();
    }

    /// Reads until the screen fulfils a condition, which `description` names. Returns the time since
    /// the start.
    pub fn wait(
        &mut self,
        description: &str,
        mut condition: impl FnMut(&vt100::Screen) -> bool,
    ) -> Duration {
        let deadline = Instant::now() + TIMEOUT;
        while !condition(self.screen.screen()) {
            assert!(
                Instant::now() < deadline,
                "no {description} on:\n{}",
                self.contents()
            );
            self.read(Duration::from_millis(50));
        }
        self.started_at.elapsed()
    }

    /// Reads until the screen contains this text. Returns the time since the start.
    pub fn until(&mut self, text: &str) -> Duration {
        self.wait(&format!("“{text}”"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Reads until the screen no longer contains this text.
    pub fn until_gone(&mut self, text: &str) {
        self.wait(&format!("end of “{text}”"), |screen| {
            !screen.contents().contains(text)
        });
    }

    /// Reads until this sequence was written after position `from` of [`Terminal::raw`]. Returns the
    /// position at which it ends.
    pub fn until_written(&mut self, sequence: &[u8], from: usize) -> usize {
        let deadline = Instant::now() + TIMEOUT;
        let mut searched = from;
        loop {
            if let Some(start) = find(&self.raw[searched..], sequence) {
                return searched + start + sequence.len();
            }
            searched = self.raw.len().saturating_sub(sequence.len()).max(from);
            assert!(
                Instant::now() < deadline,
                "{:?} was not written",
                String::from_utf8_lossy(sequence)
            );
            self.read(Duration::from_millis(50));
        }
    }

    /// Requests a complete redraw, and reads until it is finished.
    pub fn redraw(&mut self) {
        let from = self.raw.len();
        self.keys(REDRAW);
        let cleared = self.until_written(b"\x1b[2J", from);
        self.until_written(FRAME_END, cleared);
    }

    /// Reads until nothing was written for this time.
    pub fn wait_for_silence(&mut self, silence: Duration) {
        let deadline = Instant::now() + TIMEOUT;
        while self.read(silence) {
            assert!(
                Instant::now() < deadline,
                "the screen keeps changing:\n{}",
                self.contents()
            );
        }
    }

    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Sends a signal to the program, by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Stops reading, like a terminal after ctrl-s, and requests redraws until the program is blocked
    /// in writing.
    pub fn block_output(&mut self) {
        let pid = self.child.process_id().unwrap();
        // The file begins with the number and the first argument of the system call that the main
        // thread is in: `write(1, …)`.
        let is_writing = || {
            let call = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/syscall")).unwrap();
            call.starts_with("1 0x1 ")
        };
        let deadline = Instant::now() + TIMEOUT;
        let mut observations = 0;
        while observations < 10 {
            assert!(Instant::now() < deadline, "the program can still write");
            self.keys.write_all(REDRAW.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            observations = if is_writing() { observations + 1 } else { 0 };
        }
    }

    /// Waits until the program has ended, without reading its output.
    pub fn wait_for_end_unread(self) {
        let Terminal {
            output,
            keys,
            master,
            child,
            ..
        } = self;
        wait_for_exit(child);
        drop((output, keys, master));
    }

    /// Closes the pseudo-terminal, like a lost connection, and waits until the program has ended.
    pub fn disconnect(self) {
        let Terminal {
            output,
            mut keys,
            master,
            child,
            ..
        } = self;
        drop(output);
        // The output that follows ends the thread that reads, which holds the last descriptor.
        keys.write_all(REDRAW.as_bytes()).unwrap();
        drop((keys, master));
        wait_for_exit(child);
    }

    /// Reads until the program has ended. Returns everything that it wrote.
    pub fn read_to_end(mut self) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => {
                    self.raw.extend(bytes);
                    self.answer_queries();
                }
                Err(RecvTimeoutError::Timeout) => {
                    assert!(Instant::now() < deadline, "the program does not end")
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.child.wait().unwrap();
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Waits until the program has ended, and checks that it has restored the terminal.
    pub fn wait_for_end(self) {
        let raw = self.read_to_end();
        let (enters, leaves) = ("\x1b[?1049h", "\x1b[?1049l");
        assert!(
            raw.rfind(leaves) > raw.rfind(enters),
            "the main screen was not restored"
        );
        assert!(
            raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l"),
            "the cursor was not restored"
        );
    }
}

fn wait_for_exit(mut child: Box<dyn Child + Send + Sync>) {
    let deadline = Instant::now() + TIMEOUT;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the program does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: columns * CELL.0,
        pixel_height: rows * CELL.1,
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("the screen is not empty")
}
