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

/// What lies over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Popup {
    Help(HelpScope),
    /// Gold entities that are not in the list; the cursor.
    Missing(usize),
    /// The forms to export in; the cursor.
    Export(usize),
    /// What can take part in a comparison; the cursor.
    Rankers(usize),
    /// The entity's picture on the full screen.
    Zoom,
    /// Every action by its name.
    Palette,
    /// The themes; the cursor.
    Themes(usize),
    /// Why an entity stands where it stands.
    Explain,
    /// Settings of the search and their effect; the cursor.
    WhatIf(usize),
    /// A name for the present state is typed.
    SaveQuery,
    /// Named states; the cursor.
    NamedQueries(usize),
    /// What a file asked for and is not there.
    LoadWarnings,
    /// What became of each name of a paste; the cursor.
    PastedNames(usize),
}

/// What help lies over: its keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpScope {
    Screen,
    Explain,
    /// With the cursor there.
    WhatIf(usize),
}

impl HelpScope {
    /// What is there again once help is closed.
    pub fn popup(self) -> Option<Popup> {
        match self {
            HelpScope::Screen => None,
            HelpScope::Explain => Some(Popup::Explain),
            HelpScope::WhatIf(cursor) => Some(Popup::WhatIf(cursor)),
        }
    }
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
