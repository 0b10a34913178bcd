//! Every key of the key table has an effect where help lists it.

use multiexpan::config::{Action, Context, Keymap, Sequence};
use multiexpan::tui::parts::Screen;

use crate::harness::{Screens, screen};

/// Returns the states of a context, as the keys that lead to them. A key must have an effect in one
/// of them: at the top of a list `k` has none.
fn states_of(context: Context) -> &'static [&'static str] {
    match context {
        Context::Global => &[],
        Context::Classes => &["", "G", "g", "g<down>"],
        Context::Filter => &["/i", "/i<down>"],
        Context::Seeds => &["@k", "@kl", "@kll"],
        Context::Typing => &["@a", "@ali", "@ali<down>"],
        Context::Candidates => &[
            "@",
            "@G",
            "@jj",
            "@jj-M<enter>h",
            "@<ctrl-o>1l",
            "@+u",
            "@/an<enter>",
        ],
        Context::Entity => &["@l", "@lG", "@jjl", "@jjjl>"],
        Context::Compare => &[
            "2",
            "2G",
            "2jj]",
            "2/an<enter>",
            "2v",
            "2vJJ",
            "2bG<enter>clip.run<enter><esc>",
        ],
        Context::Failures => &[
            "3",
            "3j",
            "3jj",
            "3G",
            "3jjx",
            "3vvc",
            "3vvcjl",
            "3/o<enter>",
            "3h",
        ],
        Context::Note => &["3ja", "3jaa b", "3jaa b<left>"],
        Context::Metrics => &["4", "4G", "4sjj", "4/an<enter>"],
        Context::Popup => &[
            "@?",
            "@?G",
            "@?/an<enter>",
            "@jj-M",
            "@z",
            "@z>",
            "@m,na<enter>,l",
            "@jj-Mj",
            "4e",
            "4ejj",
            "T",
            "TG",
        ],
        Context::Explain => &["@w", "@wj", "@wjjjl", "@wG", "@jjw]", "@jjw]]"],
        Context::WhatIf => &["@i", "@ij", "@+i", "@+ui", "@miG", "@+ilu"],
        Context::SaveQuery => &["@,n", "@,na b", "@,na b<left>"],
        Context::Path => &["2bG<enter>", "2bG<enter>a b", "2bG<enter>a b<left>"],
        Context::Palette => &[":", ":G", ":so", ":so<left>", ":<down>"],
        Context::Searching => &["@/", "@/an", "@/an<left>", "@/an<down>"],
    }
}

/// Returns an explorer in a state; `@` opens a class.
fn screen_in(state: &str) -> Screens {
    let mut s = screen(80, 24);
    match state.strip_prefix('@') {
        Some(rest) => s.open("carniv").keys(rest),
        None => s.keys(state),
    };
    s
}

/// Returns true if the keys change the screen or send a command to the event loop.
fn has_effect(state: &str, keys: &Sequence) -> bool {
    let mut s = screen_in(state);
    let before = s.drawn();
    s.press(keys);
    s.command().is_some() || s.drawn() != before
}

#[test]
fn every_key_has_an_effect_in_its_context() {
    let mut dead = Vec::new();
    for &context in Context::ALL {
        for state in states_of(context) {
            assert_eq!(screen_in(state).app().context(), context, "{state}");
        }
        if context == Context::Global {
            continue;
        }
        for (keys, action) in Keymap::shipped().bindings(context) {
            if !states_of(context)
                .iter()
                .any(|state| has_effect(state, keys))
            {
                dead.push(format!("{} {keys}: {}", context.name(), action.name()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_global_key_has_an_effect_on_each_screen_that_lists_it() {
    let explore = [
        Context::Classes,
        Context::Seeds,
        Context::Candidates,
        Context::Entity,
    ];
    let screens: [(Screen, &[Context]); 4] = [
        (Screen::Explore, &explore),
        (Screen::Compare, &[Context::Compare]),
        (Screen::Failures, &[Context::Failures]),
        (Screen::Metrics, &[Context::Metrics]),
    ];
    let mut dead = Vec::new();
    for (screen, contexts) in screens {
        let states: Vec<&str> = contexts
            .iter()
            .flat_map(|&context| states_of(context))
            .copied()
            .collect();
        let listed = |action: Action| screen_in(states[0]).app().acts_on_screen(action);
        for (keys, action) in Keymap::shipped()
            .bindings(Context::Global)
            .filter(|(_, action)| listed(*action))
        {
            if !states.iter().any(|state| has_effect(state, keys)) {
                dead.push(format!("{} {keys}: {}", screen.name(), action.name()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_action_is_in_the_palette_with_the_key_of_its_context() {
    for state in ["", "@", "@k", "@l", "2", "4"] {
        let mut s = screen_in(state);
        let context = s.app().context();
        s.keys(":");
        let rows = s.app().palette_rows();
        assert_eq!(rows.len(), Action::ALL.len());
        for row in rows.iter().filter(|row| row.elsewhere.is_none()) {
            let bound = [context, Context::Global]
                .iter()
                .any(|&c| Keymap::shipped().key_of(c, row.action).is_some());
            assert!(
                bound && row.key.is_some(),
                "{context:?}: {} has no key",
                row.action.name()
            );
        }
    }
}
