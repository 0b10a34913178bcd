//! Keys and key sequences, and their notation.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, written as in `J`, `ctrl-r` or `backtab`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    pub(super) fn has_ctrl(self) -> bool {
        self.modifiers.contains(KeyModifiers::CONTROL)
    }
}

impl From<KeyEvent> for Key {
    /// Drops shift, which is part of the character or of `backtab`. Not all terminals report it.
    fn from(event: KeyEvent) -> Self {
        Key {
            code: event.code,
            modifiers: event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT),
        }
    }
}

const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (mut rest, mut modifiers) = (text, KeyModifiers::NONE);
        while let Some((head, tail)) = rest
            .split_once('-')
            .filter(|(h, t)| !h.is_empty() && !t.is_empty())
        {
            modifiers |= match head {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                _ => return Err(()),
            };
            rest = tail;
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(one), None) => KeyCode::Char(one),
            _ => named(rest).ok_or(())?,
        };
        Ok(Key { code, modifiers })
    }
}

fn named(text: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*code);
    }
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(n)) => write!(f, "f{n}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

impl Key {
    /// Returns the key for display, with arrows for the arrow keys.
    pub fn display(self) -> String {
        const SHORT: [(&str, &str); 6] = [
            ("up", "↑"),
            ("down", "↓"),
            ("left", "←"),
            ("right", "→"),
            ("pageup", "pgup"),
            ("pagedown", "pgdn"),
        ];
        let written = self.to_string();
        let name = written.rsplit('-').next().unwrap_or_default();
        match SHORT.iter().find(|(long, _)| *long == name) {
            Some((long, short)) => written.replace(long, short),
            None => written,
        }
    }
}

/// Keys that are pressed one after the other, as in `g g`. Most sequences have one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(Vec<Key>);

impl Sequence {
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Returns the sequence for display, with letters joined.
    pub fn display(&self) -> String {
        let keys: Vec<String> = self.0.iter().map(|key| key.display()).collect();
        let letters = keys.iter().all(|key| key.chars().count() == 1);
        keys.join(if letters { "" } else { " " })
    }
}

impl FromStr for Sequence {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let keys = text
            .split(' ')
            .map(str::parse)
            .collect::<Result<Vec<Key>, ()>>()?;
        Ok(Sequence(keys))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let keys: Vec<String> = self.0.iter().map(Key::to_string).collect();
        f.write_str(&keys.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_from_their_display() {
        for text in [
            "J",
            "ctrl-r",
            "alt-ctrl-x",
            "-",
            "ctrl--",
            "space",
            "backtab",
            "f12",
            "é",
        ] {
            let key: Key = text.parse().unwrap();
            let again: Key = key.to_string().parse().unwrap();
            assert_eq!(key, again, "{text}");
        }
        for bad in ["", "hyper-x", "f13", "entre", "ctrl-"] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sequences_are_separated_by_spaces() {
        let sequence: Sequence = "g alt-left".parse().unwrap();
        assert_eq!(
            (sequence.keys().len(), sequence.to_string().as_str()),
            (2, "g alt-left")
        );
        assert_eq!(sequence.display(), "g alt-←");
        assert_eq!("y y".parse::<Sequence>().unwrap().display(), "yy");
        for bad in ["", "g ", "g  g", "g entre"] {
            assert!(bad.parse::<Sequence>().is_err(), "{bad}");
        }
    }
}
