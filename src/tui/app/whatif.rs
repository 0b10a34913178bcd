//! What if: the settings of the search one by one, and the unchanged state to measure against.

use crate::engine::protocol::{Ask, ExpandAsk};
use crate::tui::app::asked::Kind;
use crate::tui::app::state::State;
use crate::tui::app::{App, Popup};
use crate::types::{Measures, Mode, Tuning};

/// A setting that the What-if popup changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Mode,
    Joint,
    Window,
    Reranking,
}

impl Setting {
    pub const ALL: [Setting; 4] = [
        Setting::Mode,
        Setting::Joint,
        Setting::Window,
        Setting::Reranking,
    ];
}

/// Windows to choose from; none: as published.
const WINDOWS: [Option<u32>; 8] = [
    None,
    Some(1),
    Some(2),
    Some(3),
    Some(5),
    Some(8),
    Some(12),
    Some(16),
];
/// Weights of the re-ranking to choose from: none at all, then more and more by divergence.
const WEIGHTS: [Option<[u32; 2]>; 6] = [
    None,
    Some([1, 0]),
    Some([3, 1]),
    Some([1, 1]),
    Some([1, 3]),
    Some([0, 1]),
];

/// The unchanged state's metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Unchanged {
    pub ask: ExpandAsk,
    /// Before and after re-ranking; none until they are there.
    pub measured: Option<(Measures, Measures)>,
}

impl App {
    pub(super) fn open_what_if(&mut self) {
        if self.seeds.seeds.is_empty() && self.seeds.class.is_none() {
            return self.notify("open a class or type seeds first");
        }
        self.open_popup(Popup::WhatIf(0));
    }

    /// Puts the cursor there; a second click turns.
    pub(super) fn click_setting(&mut self, at: usize) {
        match self.popup == Some(Popup::WhatIf(at)) {
            true => self.turn(at, 1),
            false => self.popup = Some(Popup::WhatIf(at)),
        }
    }

    /// Everything at once, so that one undo brings it back.
    pub(super) fn take_back_all(&mut self) {
        let Some(catalogue) = self.catalogue.clone() else {
            return;
        };
        let to = self.state().unchanged(&catalogue);
        match to == self.state() {
            true => self.notify("nothing is changed"),
            false => self.change(to),
        }
    }

    /// The next or previous value of a setting.
    pub(super) fn turn(&mut self, setting: usize, by: isize) {
        let Tuning { window, weights } = self.tuning;
        match Setting::ALL.get(setting) {
            Some(Setting::Mode) => self.turn_mode(by),
            Some(Setting::Joint) => self.toggle_joint(),
            Some(Setting::Window) => self.tune(Tuning {
                window: turned(&WINDOWS, window, by),
                weights,
            }),
            Some(Setting::Reranking) => self.tune(Tuning {
                window,
                weights: turned(&WEIGHTS, weights, by),
            }),
            None => {}
        }
    }

    fn tune(&mut self, tuning: Tuning) {
        self.change(State {
            tuning,
            ..self.state()
        });
    }

    pub(super) fn turn_mode(&mut self, by: isize) {
        if let Some(mode) = self.other_mode(self.mode, by) {
            self.change(State {
                mode,
                ..self.state()
            });
        }
    }

    /// The next or previous mode of the index; where there is no other that is said.
    pub(super) fn other_mode(&mut self, now: Mode, by: isize) -> Option<Mode> {
        let modes = self.modes();
        if modes.iter().all(|&mode| mode == now) {
            self.notify(format!("this index holds no other mode than {now}"));
            return None;
        }
        Some(turned(&modes, now, by))
    }

    /// Has the unchanged state measured while its metrics are on the screen, once.
    pub(super) fn measure_unchanged(&mut self) {
        let (Some(Popup::WhatIf(_)), Some(catalogue)) = (self.popup, &self.catalogue) else {
            return;
        };
        let ask = self
            .state()
            .unchanged(catalogue)
            .ask(catalogue, self.settings.candidates);
        let Some(ask) = ask.filter(|ask| ask.class.is_some()) else {
            return self.unchanged = None;
        };
        if self.unchanged.as_ref().is_none_or(|known| known.ask != ask) {
            self.unchanged = Some(Unchanged {
                ask: ask.clone(),
                measured: None,
            });
            self.ask(Kind::Measure, Ask::Measure(ask));
        }
    }
}

/// The value so many places on, round and round; from a value that is not among them, the first.
fn turned<T: Copy + PartialEq>(values: &[T], now: T, by: isize) -> T {
    let at = values.iter().position(|&value| value == now);
    let to = at.map_or(0, |at| {
        (at as isize + by).rem_euclid(values.len() as isize) as usize
    });
    values.get(to).copied().unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_turned_round_and_round() {
        assert_eq!(turned(&WINDOWS, None, 1), Some(1));
        assert_eq!(turned(&WINDOWS, None, -1), Some(16));
        assert_eq!(
            turned(&WINDOWS, Some(7), 1),
            None,
            "one that a file brought"
        );
        assert_eq!(turned(&[] as &[u8], 3, 1), 3);
    }
}
