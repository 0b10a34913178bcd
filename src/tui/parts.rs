//! The parts of the interface by their names: screens, panes, popups, columns.

use crate::config::Action;

/// The screens, in the order of their tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Explore,
    Compare,
    Failures,
    Metrics,
}

impl Screen {
    pub const ALL: [Screen; 4] = [
        Screen::Explore,
        Screen::Compare,
        Screen::Failures,
        Screen::Metrics,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Screen::Explore => "Explore",
            Screen::Compare => "Compare",
            Screen::Failures => "Failures",
            Screen::Metrics => "Metrics",
        }
    }

    /// The action that opens the screen.
    pub fn action(self) -> Action {
        match self {
            Screen::Explore => Action::Explore,
            Screen::Compare => Action::Compare,
            Screen::Failures => Action::Failures,
            Screen::Metrics => Action::Metrics,
        }
    }
}

/// The panes of the Explore screen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    #[default]
    Classes,
    Seeds,
    Candidates,
    Entity,
}

/// The popups, which lie over a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Popup {
    /// The keys of the screen or popup below.
    Help,
    /// The gold entities that the expansion has not found.
    Missing,
    /// The formats that a table can be exported in.
    Export,
    /// The rankers to compare.
    Rankers,
    /// An image on the full screen.
    Zoom,
    /// Every action by its name.
    Palette,
    /// The themes.
    Themes,
    /// The explanation of an entity's rank.
    Explain,
    /// The settings of the search and their effect on the metrics.
    WhatIf,
    /// The field for the name of the present query.
    SaveQuery,
    /// The named queries.
    NamedQueries,
    /// The parts of a view file that the index does not have.
    LoadWarnings,
    /// The pasted names and the outcome of each.
    PastedNames,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsColumn {
    /// The tree, with its roll-ups.
    Class,
    Size,
    /// By its place among the modes shown.
    Mode(usize),
    /// The first mode less the second.
    Difference,
    Ceiling,
}
