//! Random keys for a minute: no panic, no hang, and no cell that a complete redraw would draw
//! differently.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pty::{ESCAPE, Terminal};
use crate::{redraw_differs, start};

const SEED: u64 = 20_261_125;
const DURATION: Duration = Duration::from_secs(60);
/// The number of keys between two complete redraws.
const KEYS_PER_REDRAW: usize = 100;
/// The sequences of keys that are not printable characters, and one wide character.
const SEQUENCES: [&str; 21] = [
    "\r", "\t", "\x1b[Z", "\x7f", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F",
    "\x1b[5~", "\x1b[6~", "\x1b[3~", "\x12", "\x04", "\x15", "\x0e", "\x10", "\x0f", "\x1bOP",
    "虎",
];
/// The key that ends the explorer, which is not pressed.
const QUIT: char = 'q';
const SIZES: [(u16, u16); 5] = [(80, 24), (160, 50), (60, 16), (59, 15), (120, 40)];

/// Sends a random key, click, turn of the wheel or paste, or changes the size. Returns its
/// description.
fn press(terminal: &mut Terminal, rng: &mut ChaCha8Rng) -> String {
    let input = match rng.random_range(0..100) {
        0..60 => {
            let letter = char::from(rng.random_range(b' '..=b'~'));
            if letter == QUIT {
                "1".into()
            } else {
                letter.to_string()
            }
        }
        60..85 => SEQUENCES[rng.random_range(0..SEQUENCES.len())].to_owned(),
        85..88 => {
            // A single esc. What follows at once would be read as one key with it.
            terminal.keys("\x1b");
            terminal.wait_for_silence(Duration::from_millis(60));
            return "esc".into();
        }
        88..95 => {
            let (button, x, y) = (
                rng.random_range(0..2) * 64,
                rng.random_range(1..160),
                rng.random_range(1..50),
            );
            format!(
                "\x1b[<{};{x};{y}M\x1b[<{};{x};{y}m",
                button + rng.random_range(0..2),
                button
            )
        }
        95..98 => "\x1b[200~lion\x1b[201~".into(),
        _ => {
            let (cols, rows) = SIZES[rng.random_range(0..SIZES.len())];
            terminal.resize(cols, rows);
            return format!("{cols}x{rows}");
        }
    };
    terminal.keys(&input);
    input
}

#[test]
fn random_keys_for_a_minute() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, (120, 40), "halfblocks");
    terminal.until("825 entities");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let start_time = Instant::now();
    let mut pressed = 0;
    let mut last: Vec<String> = Vec::new();
    while start_time.elapsed() < DURATION {
        last.clear();
        for _ in 0..KEYS_PER_REDRAW {
            last.push(press(&mut terminal, &mut rng));
            terminal.read(Duration::from_millis(5));
            pressed += 1;
        }
        if redraw_differs(&mut terminal) {
            let shown = terminal.contents();
            panic!(
                "after {pressed} keys a redraw gives another screen; the last keys were {last:?}\n{shown}"
            );
        }
    }
    // Open popups close, and keys still work.
    terminal.resize(120, 40);
    terminal.redraw();
    terminal.keys(&ESCAPE.repeat(6));
    terminal.keys("1?");
    terminal.until("show the keys");
    terminal.keys(ESCAPE);
    terminal.until_gone("show the keys");
    println!(
        "{pressed} keys in {:.0} s",
        start_time.elapsed().as_secs_f64()
    );
    terminal.keys("q");
    terminal.wait_for_end();
}
