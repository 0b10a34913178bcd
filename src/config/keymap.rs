//! The keymap: the actions of keys in each context.

use strum::VariantArray;

use crate::config::action::Action;
use crate::config::key::{Key, Sequence};

/// The part of the interface that has the focus. Its own keys take precedence over the global ones.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Context {
    Global,
    Classes,
    Filter,
    Seeds,
    Typing,
    Candidates,
    Entity,
    Compare,
    Failures,
    Note,
    Metrics,
    Popup,
    Explain,
    WhatIf,
    #[strum(serialize = "naming")]
    SaveQuery,
    Path,
    Palette,
    Searching,
}

impl Context {
    pub const ALL: &[Context] = Context::VARIANTS;

    /// Returns the name in `config.toml`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the name for display.
    pub fn title(self) -> &'static str {
        match self {
            Context::Global => "Explore",
            Context::Classes => "classes",
            Context::Filter => "filter",
            Context::Seeds => "seeds",
            Context::Typing => "seed field",
            Context::Candidates => "candidates",
            Context::Entity => "entity",
            Context::Compare => "Compare",
            Context::Failures => "Failures",
            Context::Note => "note",
            Context::Metrics => "Metrics",
            Context::Popup => "popups",
            Context::Explain => "Explain",
            Context::WhatIf => "What-if",
            Context::SaveQuery => "name",
            Context::Path => "path",
            Context::Palette => "palette",
            Context::Searching => "search",
        }
    }

    /// Returns true if letters are text, so that global letters do not act.
    pub fn takes_text(self) -> bool {
        use Context::*;
        matches!(
            self,
            Filter | Typing | Note | SaveQuery | Path | Palette | Searching
        )
    }

    /// Returns true if a global key acts here too. In a text field or a popup only those with ctrl do.
    fn passes_to_global(self, key: Key) -> bool {
        key.has_ctrl()
            || !(self.takes_text()
                || matches!(self, Context::Popup | Context::Explain | Context::WhatIf))
    }
}

/// The meaning of a key sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Action(Action),
    /// More keys must follow.
    Prefix,
    Nothing,
}

type Binding = (Context, Sequence, Action);

/// The actions of all key sequences. Help is printed from it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// Returns the meaning of keys in a context. Its own keys take precedence over the global ones.
    pub fn find(&self, context: Context, keys: &[Key]) -> Bound {
        let in_one = |context| {
            let mut matches = self.starting_with(context, keys);
            match matches.clone().find(|b| b.1.keys().len() == keys.len()) {
                Some(binding) => Bound::Action(binding.2),
                None if matches.next().is_some() => Bound::Prefix,
                None => Bound::Nothing,
            }
        };
        match in_one(context) {
            Bound::Nothing
                if keys
                    .first()
                    .is_some_and(|&key| context.passes_to_global(key)) =>
            {
                in_one(Context::Global)
            }
            meaning => meaning,
        }
    }

    /// Returns the possible continuations of these keys: the remaining keys for display, and the action.
    pub fn following(&self, context: Context, keys: &[Key]) -> Vec<(String, Action)> {
        let global = keys
            .first()
            .is_some_and(|&key| context.passes_to_global(key))
            .then_some(Context::Global);
        let all = [Some(context), global]
            .into_iter()
            .flatten()
            .flat_map(|context| self.starting_with(context, keys));
        let left = |b: &Binding| {
            b.1.keys()[keys.len()..]
                .iter()
                .map(|key| key.display())
                .collect::<Vec<_>>()
                .join(" ")
        };
        all.map(|binding| (left(binding), binding.2)).collect()
    }

    /// Returns the bindings of a context that start with these keys.
    fn starting_with(
        &self,
        context: Context,
        keys: &[Key],
    ) -> impl Iterator<Item = &Binding> + Clone {
        self.bindings
            .iter()
            .filter(move |b| b.0 == context && b.1.keys().starts_with(keys))
    }

    /// Replaces the keys of one action in one context.
    pub(super) fn bind(&mut self, context: Context, action: Action, keys: &[Sequence]) {
        self.bindings.retain(|b| (b.0, b.2) != (context, action));
        self.bindings
            .extend(keys.iter().map(|keys| (context, keys.clone(), action)));
    }

    /// Describes the conflicts: sequences that two actions of a context share, and sequences that
    /// cannot be completed because their start is bound to an action.
    pub(super) fn conflicts(&self) -> Vec<String> {
        let mut conflicts = Vec::new();
        for (i, a) in self.bindings.iter().enumerate() {
            for b in self.bindings[i + 1..].iter().filter(|b| b.0 == a.0) {
                let (short, long) = if a.1.keys().len() <= b.1.keys().len() {
                    (a, b)
                } else {
                    (b, a)
                };
                let (context, one, other) = (a.0.name(), short.2.name(), long.2.name());
                if short.1 == long.1 {
                    conflicts.push(format!(
                        "keys.{context}: “{}” is bound to both {one} and {other}",
                        short.1
                    ));
                } else if long.1.keys().starts_with(short.1.keys()) {
                    let (short, long) = (&short.1, &long.1);
                    conflicts.push(format!(
                        "keys.{context}: “{short}” is bound to {one}, and is also the start of “{long}”, bound to {other}"
                    ));
                }
            }
        }
        conflicts
    }

    /// Returns every binding of one context.
    pub fn bindings(&self, context: Context) -> impl Iterator<Item = (&Sequence, Action)> {
        self.bindings
            .iter()
            .filter(move |b| b.0 == context)
            .map(|b| (&b.1, b.2))
    }

    /// Returns the actions of one context in the order of help, each with its keys.
    pub fn listing(&self, context: Context) -> Vec<(Action, String)> {
        let keys = |action| {
            self.displayed(context, action)
                .collect::<Vec<_>>()
                .join(" ")
        };
        Action::ALL
            .iter()
            .map(|&a| (a, keys(a)))
            .filter(|(_, k)| !k.is_empty())
            .collect()
    }

    /// Returns the global actions in the order of help, each with those of its keys that also act in
    /// this context.
    pub fn everywhere(&self, context: Context) -> Vec<(Action, String)> {
        let is_taken = |keys: &[Key]| {
            let mut own = self.bindings(context).map(|(own, _)| own.keys());
            own.any(|own| own.starts_with(keys) || keys.starts_with(own))
        };
        let is_active = |(keys, _): &(&Sequence, Action)| {
            context.passes_to_global(keys.keys()[0]) && !is_taken(keys.keys())
        };
        let bound: Vec<(&Sequence, Action)> =
            self.bindings(Context::Global).filter(is_active).collect();
        let keys = |action| {
            bound
                .iter()
                .filter(|b| b.1 == action)
                .map(|b| b.0.display())
                .collect::<Vec<_>>()
                .join(" ")
        };
        Action::ALL
            .iter()
            .map(|&action| (action, keys(action)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect()
    }

    /// Returns the first key of an action in a context, for hints.
    pub fn key_of(&self, context: Context, action: Action) -> Option<String> {
        self.displayed(context, action).next()
    }

    fn displayed(&self, context: Context, action: Action) -> impl Iterator<Item = String> {
        self.bindings(context)
            .filter(move |(_, a)| *a == action)
            .map(|(keys, _)| keys.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Sequence> {
        vec![text.parse().unwrap()]
    }

    fn find(map: &Keymap, context: Context, text: &str) -> Bound {
        map.find(context, keys(text)[0].keys())
    }

    #[test]
    fn letters_are_text_in_a_field() {
        let mut map = Keymap::default();
        map.bind(
            Context::Global,
            Action::Quit,
            &["q".parse().unwrap(), "ctrl-c".parse().unwrap()],
        );
        assert_eq!(
            find(&map, Context::Candidates, "q"),
            Bound::Action(Action::Quit)
        );
        assert_eq!(find(&map, Context::Typing, "q"), Bound::Nothing);
        assert_eq!(
            find(&map, Context::Typing, "ctrl-c"),
            Bound::Action(Action::Quit)
        );
    }

    #[test]
    fn own_keys_take_precedence_over_global_ones() {
        let mut map = Keymap::default();
        map.bind(Context::Global, Action::FocusLeft, &keys("h"));
        map.bind(Context::Seeds, Action::Left, &keys("h"));
        assert_eq!(find(&map, Context::Seeds, "h"), Bound::Action(Action::Left));
        assert_eq!(
            find(&map, Context::Entity, "h"),
            Bound::Action(Action::FocusLeft)
        );
    }

    #[test]
    fn a_prefix_waits_for_further_keys() {
        let mut map = Keymap::default();
        map.bind(Context::Global, Action::Quit, &keys("g q"));
        map.bind(Context::Seeds, Action::First, &keys("g g"));
        assert_eq!(find(&map, Context::Seeds, "g"), Bound::Prefix);
        assert_eq!(
            find(&map, Context::Seeds, "g g"),
            Bound::Action(Action::First)
        );
        assert_eq!(
            find(&map, Context::Seeds, "g q"),
            Bound::Action(Action::Quit)
        );
        assert_eq!(find(&map, Context::Seeds, "g x"), Bound::Nothing);
        let following = map.following(Context::Seeds, keys("g")[0].keys());
        assert_eq!(
            following,
            [
                ("g".to_owned(), Action::First),
                ("q".to_owned(), Action::Quit)
            ]
        );
    }

    #[test]
    fn a_bound_prefix_is_a_conflict() {
        let mut map = Keymap::default();
        map.bind(Context::Seeds, Action::First, &keys("g g"));
        map.bind(Context::Seeds, Action::Last, &keys("g"));
        map.bind(Context::Entity, Action::Last, &keys("g"));
        assert_eq!(
            map.conflicts(),
            ["keys.seeds: “g” is bound to last, and is also the start of “g g”, bound to first"]
        );
    }
}
