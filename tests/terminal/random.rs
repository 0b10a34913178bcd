//! Keys at random for a minute: no panic, no key that sticks, no cell that a whole repaint would
//! draw otherwise.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pty::{ESCAPE, Terminal};
use crate::{repaints_otherwise, start};

const SEED: u64 = 20_261_125;
const HOW_LONG: Duration = Duration::from_secs(60);
/// Keys between two repaints.
const BETWEEN: usize = 100;
/// All but those that leave: letters, digits and signs, and what terminals send for the rest.
const NAMED: [&str; 21] = [
    "\r", "\t", "\x1b[Z", "\x7f", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F",
    "\x1b[5~", "\x1b[6~", "\x1b[3~", "\x12", "\x04", "\x15", "\x0e", "\x10", "\x0f", "\x1bOP",
    "虎",
];
const LEAVE: [char; 1] = ['q'];
const SIZES: [(u16, u16); 5] = [(80, 24), (160, 50), (60, 16), (59, 15), (120, 40)];

/// A key, a click, a turn of the wheel, a paste, another size.
fn press(terminal: &mut Terminal, rng: &mut ChaCha8Rng) -> String {
    let said = match rng.random_range(0..100) {
        0..60 => {
            let letter = char::from(rng.random_range(b' '..=b'~'));
            if LEAVE.contains(&letter) {
                "1".into()
            } else {
                letter.to_string()
            }
        }
        60..85 => NAMED[rng.random_range(0..NAMED.len())].to_owned(),
        85..88 => {
            // a lone esc: what follows at once is read as one key with it
            terminal.keys("\x1b");
            terminal.quiet(Duration::from_millis(60));
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
    terminal.keys(&said);
    said
}

#[test]
fn keys_at_random_for_a_minute() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = start(&home, (120, 40), "halfblocks");
    terminal.until("825 entities");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (begun, mut pressed) = (Instant::now(), 0);
    let mut last: Vec<String> = Vec::new();
    while begun.elapsed() < HOW_LONG {
        last.clear();
        for _ in 0..BETWEEN {
            last.push(press(&mut terminal, &mut rng));
            terminal.read(Duration::from_millis(5));
            pressed += 1;
        }
        if repaints_otherwise(&mut terminal) {
            let shown = terminal.contents();
            panic!(
                "after {pressed} keys a repaint is another screen; the last were {last:?}\n{shown}"
            );
        }
    }
    // whatever is open closes, and keys do what they should
    terminal.resize(120, 40);
    terminal.redraw();
    terminal.keys(&ESCAPE.repeat(6));
    terminal.keys("1?");
    terminal.until("these keys");
    terminal.keys(ESCAPE);
    terminal.until_gone("these keys");
    println!("{pressed} keys in {:.0} s", begun.elapsed().as_secs_f64());
    terminal.keys("q");
    terminal.ends();
}
