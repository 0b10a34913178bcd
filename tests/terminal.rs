//! The real program in a pseudo-terminal, on the real demo: start, a class, a query, modes, an entity, quit.
//! Prints how long the first frame and the first expansion took (`cargo test --release --test terminal -- --nocapture`).

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo/index");
/// Far above what is promised: this machine may be busy. What is measured is printed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Terminal {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    /// Everything the program wrote.
    raw: Vec<u8>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    begun: Instant,
    // closes the line when dropped
    _master: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Terminal {
    fn start(rows: u16, cols: u16, images: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_multiexpan"));
        command.args(["explore", DEMO, "--images", images, "--device", "cpu"]);
        command.env("TERM", "xterm-256color");
        for variable in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"] {
            command.env(variable, home.path());
        }
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
        let size = |n: u16| n.try_into().unwrap();
        let screen = vt100::Parser::new(size(rows), size(cols), 0);
        Terminal { screen, output, raw: Vec::new(), keys, child, begun, _master: pair.master, _home: home }
    }

    /// Reads until the screen holds this text; gives the time since the start.
    fn until(&mut self, text: &str) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(text) {
            assert!(Instant::now() < deadline, "no “{text}” on:\n{}", self.screen.screen().contents());
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the program ended:\n{}", self.screen.screen().contents())
                }
            }
        }
        self.begun.elapsed()
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end; the terminal must have been given back.
    fn ends(mut self) {
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

fn walk(rows: u16, cols: u16, images: &str) {
    let mut terminal = Terminal::start(rows, cols, images);
    let first_frame = terminal.until("multiexpan");
    let loaded = terminal.until("825 entities");
    terminal.keys("/");
    terminal.keys("carniv");
    terminal.until("carniv");
    let asked = Instant::now();
    terminal.keys("\r");
    terminal.until("query 1 of 5");
    terminal.until("re-ranked");
    println!(
        "{cols}x{rows} {images}: first frame {:.0} ms, index open {:.0} ms, a class's expansion {:.0} ms",
        first_frame.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3,
        asked.elapsed().as_secs_f64() * 1e3
    );
    terminal.keys("]");
    terminal.until("query 2 of 5");
    terminal.keys("m");
    terminal.until("vs both");
    terminal.keys("jj");
    terminal.until("divergence");
    terminal.keys("yy");
    terminal.until("copied: ");
    let copied = String::from_utf8_lossy(&terminal.raw).contains("\x1b]52;c;");
    assert!(copied, "the terminal is not asked to copy");
    terminal.keys("?");
    terminal.until("help");
    terminal.keys("\x1b");
    std::thread::sleep(Duration::from_millis(200));
    terminal.keys("q");
    terminal.ends();
}

#[test]
fn half_blocks_at_120_by_40() {
    walk(40, 120, "halfblocks");
}

#[test]
fn no_pictures_at_140_by_50() {
    walk(50, 140, "off");
}

#[test]
fn a_hang_up_gives_the_terminal_back() {
    let mut terminal = Terminal::start(40, 120, "off");
    terminal.until("825 entities");
    let pid = terminal.child.process_id().unwrap();
    let killed = std::process::Command::new("kill").args(["-HUP", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    terminal.ends();
}

#[test]
fn the_screen_needs_no_libtorch_and_outlives_the_engine() {
    let mut terminal = Terminal::start(40, 120, "off");
    terminal.until("825 entities");
    let pid = terminal.child.process_id().unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    assert!(!maps.contains("libtorch"), "the first frame waits for libtorch");
    let children = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let engine =
        children.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap()).collect::<String>();
    let killed = std::process::Command::new("kill").args(["-KILL", engine.trim()]).status().unwrap();
    assert!(killed.success());
    terminal.until("the engine has ended");
    terminal.keys("q");
    terminal.ends();
}
