//! The real program in a pseudo-terminal that answers what terminals are asked.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Far above what is promised: the machine may be busy. What is measured is printed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Cells of this many pixels.
const CELL: (u16, u16) = (10, 20);

pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/index")
}

pub struct Terminal {
    pub screen: vt100::Parser,
    /// Everything the program wrote.
    pub raw: Vec<u8>,
    pub child: Box<dyn Child + Send + Sync>,
    pub begun: Instant,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    answered: usize,
    // closes the line when dropped
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// The explorer on an index, at home in `home` (its settings, sessions and cache, and where it is started).
    pub fn start(home: &Path, index: &Path, (cols, rows): (u16, u16), images: &str) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_multiexpan"));
        command.arg("explore");
        command.arg(index);
        command.args(["--images", images, "--device", "cpu"]);
        command.env("TERM", "xterm-256color");
        for variable in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"] {
            command.env(variable, home);
        }
        command.cwd(home);
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(cells(rows), cells(cols), 0);
        Terminal { screen, output, raw: Vec::new(), keys, child, begun, answered: 0, master: pair.master }
    }

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
            Err(RecvTimeoutError::Disconnected) => panic!("the program ended:\n{}", self.contents()),
        }
    }

    /// Answers what a terminal is asked: its cells' size, what it is, whether it knows kitty's pictures (it does not), sixel
    /// (it does).
    fn answer(&mut self) {
        let asked: [(&[u8], String); 4] = [
            (b"\x1b[16t", format!("\x1b[6;{};{}t", CELL.1, CELL.0)),
            (b"\x1b[>q", "\x1bP>|a test\x1b\\".into()),
            (b"\x1b[c", "\x1b[?62;4;22c".into()),
            (b"\x1b[5n", "\x1b[0n".into()),
        ];
        while let Some((at, answer, length)) = asked
            .iter()
            .filter_map(|(query, answer)| {
                let left = &self.raw[self.answered..];
                let at = left.windows(query.len()).position(|window| window == *query)?;
                Some((at, answer, query.len()))
            })
            .min_by_key(|(at, ..)| *at)
        {
            self.answered += at + length;
            self.keys.write_all(answer.as_bytes()).unwrap();
        }
        // a question may still be on its way
        self.answered = self.answered.max(self.raw.len().saturating_sub(8));
    }

    /// Reads until the screen is as wanted; gives the time since the start.
    pub fn wait(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self.screen.screen()) {
            assert!(Instant::now() < deadline, "no {what} on:\n{}", self.contents());
            self.read(Duration::from_millis(50));
        }
        self.begun.elapsed()
    }

    /// Reads until the screen holds this text; gives the time since the start.
    pub fn until(&mut self, text: &str) -> Duration {
        self.wait(&format!("“{text}”"), |screen| screen.contents().contains(text))
    }

    /// Reads until nothing was written for this long.
    pub fn quiet(&mut self, silence: Duration) {
        let deadline = Instant::now() + PATIENCE;
        while self.read(silence) {
            assert!(Instant::now() < deadline, "it does not come to rest:\n{}", self.contents());
        }
    }

    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.screen.screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows)).unwrap();
    }

    pub fn hang_up(&self) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    /// Cuts the line, as a dropped connection does, and waits for the end.
    pub fn cut(self) {
        let Terminal { output, mut keys, master, mut child, .. } = self;
        drop(output);
        // what it writes now ends the thread that reads, and with it the line's last end
        keys.write_all(b"\x0c").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        drop((keys, master));
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the program outlives its line");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end; the terminal must have been given back.
    pub fn ends(mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.raw.extend(bytes);
        }
        let raw = String::from_utf8_lossy(&self.raw);
        let (enters, leaves) = ("\x1b[?1049h", "\x1b[?1049l");
        assert!(raw.rfind(leaves) > raw.rfind(enters), "the first screen is not back");
        assert!(raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l"), "the cursor is not back");
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: cols * CELL.0, pixel_height: rows * CELL.1 }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a screen has cells")
}
