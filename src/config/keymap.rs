//! The table from context and keys to action.

use crate::config::action::Action;
use crate::config::key::{Key, Sequence};

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
    Failures,
    Note,
    Metrics,
    Popup,
    Explain,
    WhatIf,
    SaveQuery,
    Path,
    Palette,
    Searching,
}

impl Context {
    pub const ALL: [Context; 18] = [
        Context::Global,
        Context::Classes,
        Context::Filter,
        Context::Seeds,
        Context::Typing,
        Context::Candidates,
        Context::Entity,
        Context::Compare,
        Context::Failures,
        Context::Note,
        Context::Metrics,
        Context::Popup,
        Context::Explain,
        Context::WhatIf,
        Context::SaveQuery,
        Context::Path,
        Context::Palette,
        Context::Searching,
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
            Context::Failures => "failures",
            Context::Note => "note",
            Context::Metrics => "metrics",
            Context::Popup => "popup",
            Context::Explain => "explain",
            Context::WhatIf => "what-if",
            Context::SaveQuery => "naming",
            Context::Path => "path",
            Context::Palette => "palette",
            Context::Searching => "searching",
        }
    }

    /// What it is called, for people.
    pub fn place(self) -> &'static str {
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

    /// Whether letters are text here, so that no global letter may act.
    pub fn takes_text(self) -> bool {
        use Context::*;
        matches!(
            self,
            Filter | Typing | Note | SaveQuery | Path | Palette | Searching
        )
    }

    /// Whether global keys act here too. In a text field or a popup only those with ctrl do.
    fn passes(self, key: Key) -> bool {
        key.has_ctrl()
            || !(self.takes_text()
                || matches!(self, Context::Popup | Context::Explain | Context::WhatIf))
    }
}

/// What some keys amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Action(Action),
    /// More keys must follow.
    Prefix,
    Nothing,
}

type Binding = (Context, Sequence, Action);

/// The table of keys. Help is printed from it, keys are looked up in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// What these keys ask for in this context. A pane's own come before the global ones.
    pub fn find(&self, context: Context, keys: &[Key]) -> Bound {
        let in_one = |context| {
            let mut begun = self.begun(context, keys);
            match begun.clone().find(|b| b.1.keys().len() == keys.len()) {
                Some(binding) => Bound::Action(binding.2),
                None if begun.next().is_some() => Bound::Prefix,
                None => Bound::Nothing,
            }
        };
        match in_one(context) {
            Bound::Nothing if keys.first().is_some_and(|&key| context.passes(key)) => {
                in_one(Context::Global)
            }
            found => found,
        }
    }

    /// What may follow these keys: the keys that are left, as they are shown, and the action.
    pub fn following(&self, context: Context, keys: &[Key]) -> Vec<(String, Action)> {
        let global = keys
            .first()
            .is_some_and(|&key| context.passes(key))
            .then_some(Context::Global);
        let all = [Some(context), global]
            .into_iter()
            .flatten()
            .flat_map(|context| self.begun(context, keys));
        let left = |b: &Binding| {
            b.1.keys()[keys.len()..]
                .iter()
                .map(|key| key.shown())
                .collect::<Vec<_>>()
                .join(" ")
        };
        all.map(|binding| (left(binding), binding.2)).collect()
    }

    /// The bindings of a context that begin with these keys.
    fn begun(&self, context: Context, keys: &[Key]) -> impl Iterator<Item = &Binding> + Clone {
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

    /// Keys that two actions claim in one context, and keys that never are waited for since their
    /// beginning is an action.
    pub(super) fn clashes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (i, a) in self.bindings.iter().enumerate() {
            for b in self.bindings[i + 1..].iter().filter(|b| b.0 == a.0) {
                let (short, long) = if a.1.keys().len() <= b.1.keys().len() {
                    (a, b)
                } else {
                    (b, a)
                };
                let (place, one, other) = (a.0.name(), short.2.name(), long.2.name());
                if short.1 == long.1 {
                    found.push(format!(
                        "keys.{place}: “{}” is bound to both {one} and {other}",
                        short.1
                    ));
                } else if long.1.keys().starts_with(short.1.keys()) {
                    let (short, long) = (&short.1, &long.1);
                    found.push(format!(
                        "keys.{place}: “{short}” is bound to {one} and begins “{long}” of {other}"
                    ));
                }
            }
        }
        found
    }

    /// Every binding of one context.
    pub fn of(&self, context: Context) -> impl Iterator<Item = (&Sequence, Action)> {
        self.bindings
            .iter()
            .filter(move |b| b.0 == context)
            .map(|b| (&b.1, b.2))
    }

    /// The actions of one context in the order of help, each with its keys.
    pub fn listing(&self, context: Context) -> Vec<(Action, String)> {
        let keys = |action| self.shown(context, action).collect::<Vec<_>>().join(" ");
        Action::ALL
            .iter()
            .map(|&a| (a, keys(a)))
            .filter(|(_, k)| !k.is_empty())
            .collect()
    }

    /// The global actions in the order of help, each with those of its keys that act in this
    /// context too.
    pub fn everywhere(&self, context: Context) -> Vec<(Action, String)> {
        let claimed = |keys: &[Key]| {
            let mut own = self.of(context).map(|(own, _)| own.keys());
            own.any(|own| own.starts_with(keys) || keys.starts_with(own))
        };
        let acts = |(keys, _): &(&Sequence, Action)| {
            context.passes(keys.keys()[0]) && !claimed(keys.keys())
        };
        let bound: Vec<(&Sequence, Action)> = self.of(Context::Global).filter(acts).collect();
        let keys = |action| {
            bound
                .iter()
                .filter(|b| b.1 == action)
                .map(|b| b.0.shown())
                .collect::<Vec<_>>()
                .join(" ")
        };
        Action::ALL
            .iter()
            .map(|&action| (action, keys(action)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect()
    }

    /// The first key of an action in a context, for hints.
    pub fn key_of(&self, context: Context, action: Action) -> Option<String> {
        self.shown(context, action).next()
    }

    fn shown(&self, context: Context, action: Action) -> impl Iterator<Item = String> {
        self.of(context)
            .filter(move |(_, a)| *a == action)
            .map(|(keys, _)| keys.shown())
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
    fn a_pane_comes_before_the_whole() {
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
    fn a_beginning_waits_for_what_follows() {
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
    fn a_key_that_is_whole_and_a_beginning_is_a_clash() {
        let mut map = Keymap::default();
        map.bind(Context::Seeds, Action::First, &keys("g g"));
        map.bind(Context::Seeds, Action::Last, &keys("g"));
        map.bind(Context::Entity, Action::Last, &keys("g"));
        assert_eq!(
            map.clashes(),
            ["keys.seeds: “g” is bound to last and begins “g g” of first"]
        );
    }
}
