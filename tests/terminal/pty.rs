//! The real program in a pseudo-terminal that answers what terminals are asked.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Only a hang takes longer, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// The size of a cell in pixels.
const CELL: (u16, u16) = (10, 20);
/// How many pieces of output wait to be read; then the program's output is blocked.
const PIECES: usize = 4;
/// What ends the drawing of a frame (the end of a synchronized update).
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// The escape key in a form that is never taken together with the next key, however slowly both are
/// read.
pub const ESCAPE: &str = "\x1b[27u";
/// Stands in the list of keys only.
pub const HELP: &str = "Everywhere";
pub const REDRAW: &str = "\x0c";

/// Where sessions are kept, in the home.
pub const STATE: &str = "state";

pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

/// What a terminal answers to the queries of the explorer.
#[derive(Clone, Copy)]
pub struct Answers {
    /// Its name and version (XTVERSION); without one it does not answer this query.
    pub version: Option<&'static str>,
    /// Its device attributes (DA1).
    pub attributes: &'static str,
    /// The size of a cell in pixels.
    pub cell: Option<(u16, u16)>,
    /// It answers when told to ([`Terminal::answer_now`]) and not at once.
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

/// How the explorer is started.
pub struct Setup<'a> {
    /// Its settings, sessions and cache are in here, and it is started here.
    pub home: &'a Path,
    pub index: PathBuf,
    pub columns_and_rows: (u16, u16),
    pub images: &'static str,
    pub answers: Answers,
    pub environment: Vec<(&'static str, String)>,
    /// A shell's script that runs the explorer as `"$@"`, in the place of the explorer alone.
    pub within: Option<&'static str>,
}

impl<'a> Setup<'a> {
    /// The explorer on the demo, without images.
    pub fn new(home: &'a Path) -> Self {
        Setup {
            home,
            index: demo(),
            columns_and_rows: (120, 40),
            images: "off",
            answers: SIXEL,
            environment: Vec::new(),
            within: None,
        }
    }

    pub fn start(self) -> Terminal {
        let (columns, rows) = self.columns_and_rows;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let program = env!("CARGO_BIN_EXE_multiexpan");
        let mut command = match self.within {
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
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = sync_channel(PIECES);
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
            begun,
            answers: self.answers,
            looked_at: 0,
            owed: Vec::new(),
            master: pair.master,
        }
    }
}

pub struct Terminal {
    pub screen: vt100::Parser,
    /// Everything the program wrote.
    pub raw: Vec<u8>,
    pub child: Box<dyn Child + Send + Sync>,
    pub begun: Instant,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    answers: Answers,
    /// So much of the output was searched for queries.
    looked_at: usize,
    /// Answers not yet given.
    owed: Vec<u8>,
    // closes the line when dropped
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Takes in what the program wrote within this time; false where it wrote nothing.
    pub fn read(&mut self, within: Duration) -> bool {
        match self.output.recv_timeout(within) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                self.answer();
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the program ended:\n{}", self.contents())
            }
        }
    }

    /// Answers what a terminal is asked.
    fn answer(&mut self) {
        let Answers {
            version,
            attributes,
            cell,
            late,
        } = self.answers;
        let asked: [(&[u8], String); 4] = [
            (
                b"\x1b[16t",
                cell.map(|(width, height)| format!("\x1b[6;{height};{width}t"))
                    .unwrap_or_default(),
            ),
            (
                b"\x1b[>q",
                version
                    .map(|version| format!("\x1bP>|{version}\x1b\\"))
                    .unwrap_or_default(),
            ),
            (b"\x1b[c", format!("\x1b[?{attributes}c")),
            (b"\x1b[5n", "\x1b[0n".into()),
        ];
        while let Some((at, answer, length)) = asked
            .iter()
            .filter_map(|(query, answer)| {
                let left = &self.raw[self.looked_at..];
                let at = left
                    .windows(query.len())
                    .position(|window| window == *query)?;
                Some((at, answer, query.len()))
            })
            .min_by_key(|(at, ..)| *at)
        {
            self.looked_at += at + length;
            self.owed.extend(answer.as_bytes());
        }
        // a query may still be on its way
        self.looked_at = self.looked_at.max(self.raw.len().saturating_sub(8));
        if !late {
            self.answer_now();
        }
    }

    /// Gives the answers that are owed.
    pub fn answer_now(&mut self) {
        self.keys
            .write_all(&std::mem::take(&mut self.owed))
            .unwrap();
    }

    /// Reads until the screen is as wanted; gives the time since the start.
    pub fn wait(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self.screen.screen()) {
            assert!(
                Instant::now() < deadline,
                "no {what} on:\n{}",
                self.contents()
            );
            self.read(Duration::from_millis(50));
        }
        self.begun.elapsed()
    }

    /// Reads until the screen holds this text; gives the time since the start.
    pub fn until(&mut self, text: &str) -> Duration {
        self.wait(&format!("“{text}”"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Reads until the screen no longer holds this text.
    pub fn until_gone(&mut self, text: &str) {
        self.wait(&format!("end of “{text}”"), |screen| {
            !screen.contents().contains(text)
        });
    }

    /// Reads until this was written; gives where it ends in [`Terminal::raw`].
    pub fn until_written(&mut self, sequence: &[u8], from: usize) -> usize {
        let (deadline, mut looked_at) = (Instant::now() + PATIENCE, from);
        loop {
            if let Some(at) = self.raw[looked_at..]
                .windows(sequence.len())
                .position(|window| window == sequence)
            {
                return looked_at + at + sequence.len();
            }
            looked_at = self.raw.len().saturating_sub(sequence.len()).max(from);
            assert!(
                Instant::now() < deadline,
                "no {:?} is written",
                String::from_utf8_lossy(sequence)
            );
            self.read(Duration::from_millis(50));
        }
    }

    /// Has the whole screen drawn anew, and reads until it is.
    pub fn redraw(&mut self) {
        let from = self.raw.len();
        self.keys(REDRAW);
        let cleared = self.until_written(b"\x1b[2J", from);
        self.until_written(FRAME_END, cleared);
    }

    /// Reads until nothing was written for this long.
    pub fn quiet(&mut self, silence: Duration) {
        let deadline = Instant::now() + PATIENCE;
        while self.read(silence) {
            assert!(
                Instant::now() < deadline,
                "it does not come to rest:\n{}",
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

    /// Reads nothing more, as a terminal after ctrl-s, and has frames drawn until the program waits
    /// for one to be taken.
    pub fn block_output(&mut self) {
        let pid = self.child.process_id().unwrap();
        // the number and first argument of the system call that the main thread is in: write(1, …)
        let writes = || {
            let call = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/syscall")).unwrap();
            call.starts_with("1 0x1 ")
        };
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        while seen < 10 {
            assert!(Instant::now() < deadline, "the program can still write");
            self.keys.write_all(REDRAW.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            seen = if writes() { seen + 1 } else { 0 };
        }
    }

    /// Waits for the end without reading anything.
    pub fn ends_unread(self) {
        let Terminal {
            output,
            keys,
            master,
            child,
            ..
        } = self;
        wait_for(child);
        drop((output, keys, master));
    }

    /// Cuts the line, as a dropped connection does, and waits for the end.
    pub fn cut(self) {
        let Terminal {
            output,
            mut keys,
            master,
            child,
            ..
        } = self;
        drop(output);
        // what it writes now ends the thread that reads, and with it the line's last end
        keys.write_all(REDRAW.as_bytes()).unwrap();
        drop((keys, master));
        wait_for(child);
    }

    /// Reads all that comes until the end; gives everything written.
    pub fn until_end(mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => {
                    self.raw.extend(bytes);
                    self.answer();
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

    /// Waits for the end; the terminal must have been given back.
    pub fn ends(self) {
        let raw = self.until_end();
        let (enters, leaves) = ("\x1b[?1049h", "\x1b[?1049l");
        assert!(
            raw.rfind(leaves) > raw.rfind(enters),
            "the first screen is not back"
        );
        assert!(
            raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l"),
            "the cursor is not back"
        );
    }
}

fn wait_for(mut child: Box<dyn Child + Send + Sync>) {
    let deadline = Instant::now() + PATIENCE;
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
    NonZero::new(count).expect("a screen has cells")
}
