//! Keys: how they are written, and the table from (context, key) to action.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Action;

/// Where a key is pressed. A pane's own keys come before the global ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    Global,
    Classes,
    Filter,
    Seeds,
    Typing,
    Candidates,
    Entity,
    Compare,
    Metrics,
    Popup,
    Explain,
    WhatIf,
    Naming,
}

impl Context {
    pub const ALL: [Context; 13] = [
        Context::Global,
        Context::Classes,
        Context::Filter,
        Context::Seeds,
        Context::Typing,
        Context::Candidates,
        Context::Entity,
        Context::Compare,
        Context::Metrics,
        Context::Popup,
        Context::Explain,
        Context::WhatIf,
        Context::Naming,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Context::Global => "global",
            Context::Classes => "classes",
            Context::Filter => "filter",
            Context::Seeds => "seeds",
            Context::Typing => "typing",
            Context::Candidates => "candidates",
            Context::Entity => "entity",
            Context::Compare => "compare",
            Context::Metrics => "metrics",
            Context::Popup => "popup",
            Context::Explain => "explain",
            Context::WhatIf => "what-if",
            Context::Naming => "naming",
        }
    }

    /// Whether letters are text here, so that no global letter may act.
    pub fn takes_text(self) -> bool {
        matches!(self, Context::Filter | Context::Typing | Context::Naming)
    }

    /// Whether global keys act here too. In a text field or a popup only those with ctrl do.
    fn passes(self, key: Key) -> bool {
        use Context::*;
        match self {
            Filter | Typing | Popup | Explain | WhatIf | Naming => key.modifiers.contains(KeyModifiers::CONTROL),
            _ => true,
        }
    }
}

/// A key as people write it: `J`, `ctrl-r`, `backtab`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl From<KeyEvent> for Key {
    /// Shift is part of the character or of `backtab`; terminals differ in whether they report it too.
    fn from(event: KeyEvent) -> Self {
        Key { code: event.code, modifiers: event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT) }
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
        while let Some((head, tail)) = rest.split_once('-').filter(|(h, t)| !h.is_empty() && !t.is_empty()) {
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

/// The table of keys. Help is printed from it, keys are looked up in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keymap {
    bindings: Vec<(Context, Key, Action)>,
}

impl Keymap {
    /// What this key asks for in this context.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let find = |c| self.bindings.iter().find(|b| b.0 == c && b.1 == key).map(|b| b.2);
        find(context).or_else(|| context.passes(key).then(|| find(Context::Global)).flatten())
    }

    /// Replaces the keys of one action in one context.
    pub(super) fn bind(&mut self, context: Context, action: Action, keys: &[Key]) {
        self.bindings.retain(|b| (b.0, b.2) != (context, action));
        self.bindings.extend(keys.iter().map(|&key| (context, key, action)));
    }

    /// A key that two actions claim in one context.
    pub(super) fn clashes(&self) -> Vec<(Context, Key, Action, Action)> {
        let mut found = Vec::new();
        for (i, a) in self.bindings.iter().enumerate() {
            for b in &self.bindings[i + 1..] {
                if (a.0, a.1) == (b.0, b.1) {
                    found.push((a.0, a.1, a.2, b.2));
                }
            }
        }
        found
    }

    /// The actions of one context in the order of help, each with its keys.
    pub fn listing(&self, context: Context) -> Vec<(Action, String)> {
        let keys = |action| {
            let mine = self.bindings.iter().filter(|b| (b.0, b.2) == (context, action));
            mine.map(|b| symbol(&b.1.to_string())).collect::<Vec<_>>().join(" ")
        };
        Action::ALL.iter().map(|&a| (a, keys(a))).filter(|(_, k)| !k.is_empty()).collect()
    }

    /// The first key of an action in a context, for hints.
    pub fn key_of(&self, context: Context, action: Action) -> Option<String> {
        self.bindings.iter().find(|b| (b.0, b.2) == (context, action)).map(|b| symbol(&b.1.to_string()))
    }
}

/// Arrows are shown as arrows, pages short.
fn symbol(key: &str) -> String {
    match key {
        "up" => "↑".into(),
        "down" => "↓".into(),
        "left" => "←".into(),
        "right" => "→".into(),
        "pageup" => "pgup".into(),
        "pagedown" => "pgdn".into(),
        _ => key.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["J", "ctrl-r", "alt-ctrl-x", "-", "ctrl--", "space", "backtab", "f12", "é"] {
            let key: Key = text.parse().unwrap();
            let again: Key = key.to_string().parse().unwrap();
            assert_eq!(key, again, "{text}");
        }
        for bad in ["", "hyper-x", "f13", "entre", "ctrl-"] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }

    #[test]
    fn letters_are_text_in_a_field() {
        let mut map = Keymap::default();
        map.bind(Context::Global, Action::Quit, &["q".parse().unwrap(), "ctrl-c".parse().unwrap()]);
        assert_eq!(map.action(Context::Candidates, "q".parse().unwrap()), Some(Action::Quit));
        assert_eq!(map.action(Context::Typing, "q".parse().unwrap()), None);
        assert_eq!(map.action(Context::Typing, "ctrl-c".parse().unwrap()), Some(Action::Quit));
    }

    #[test]
    fn a_pane_comes_before_the_whole() {
        let mut map = Keymap::default();
        map.bind(Context::Global, Action::FocusLeft, &["h".parse().unwrap()]);
        map.bind(Context::Seeds, Action::Left, &["h".parse().unwrap()]);
        assert_eq!(map.action(Context::Seeds, "h".parse().unwrap()), Some(Action::Left));
        assert_eq!(map.action(Context::Entity, "h".parse().unwrap()), Some(Action::FocusLeft));
    }
}
