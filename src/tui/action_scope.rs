//! Which actions reach what is on the screen.

use crate::config::Action;
use crate::tui::app::App;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;

/// What acts alike on every screen.
pub(crate) const GLOBAL_ACTIONS: [Action; 13] = [
    Action::Quit,
    Action::Suspend,
    Action::Redraw,
    Action::Help,
    Action::Palette,
    Action::Theme,
    Action::Close,
    Action::Explore,
    Action::Compare,
    Action::Failures,
    Action::Metrics,
    Action::SaveView,
    Action::StopEvaluation,
];

/// What acts on whatever list has the keys, or on where the user is.
pub(crate) const LIST_ACTIONS: [Action; 8] = [
    Action::Search,
    Action::NextMatch,
    Action::PreviousMatch,
    Action::Back,
    Action::Forward,
    Action::Copy,
    Action::CopyList,
    Action::CopySeeds,
];

/// What moves the cursor of whatever list has the keys.
pub(crate) const CURSOR_ACTIONS: [Action; 6] = [
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// What a popup takes of the actions that do not act anywhere.
pub(crate) fn popup_accepts(popup: Popup, action: Action) -> bool {
    use Action::*;
    match action {
        _ if popup == Popup::SaveQuery => true,
        Open | Search | NextMatch | PreviousMatch => true,
        _ if CURSOR_ACTIONS.contains(&action) => true,
        Seed => matches!(popup, Popup::Missing(_) | Popup::Zoom),
        PreviousImage | NextImage | Zoom => popup == Popup::Zoom,
        Explain => matches!(popup, Popup::Missing(_) | Popup::Explain),
        Fold | FoldAll | PreviousSecond | NextSecond => popup == Popup::Explain,
        Left | Right => matches!(popup, Popup::Explain | Popup::WhatIf(_)),
        Undo | Redo | ResetQuery | SaveQuery | NamedQueries => matches!(popup, Popup::WhatIf(_)),
        Remove => matches!(popup, Popup::NamedQueries(_)),
        _ => false,
    }
}

impl App {
    /// Whether a key that acts everywhere does something on the screen that is shown.
    pub fn acts_on_screen(&self, action: Action) -> bool {
        if action == self.screen.action() {
            return false;
        }
        let anywhere = GLOBAL_ACTIONS.contains(&action) || LIST_ACTIONS.contains(&action);
        match self.screen {
            Screen::Explore => true,
            Screen::Compare => {
                anywhere
                    || matches!(
                        action,
                        Action::SeedCount
                            | Action::Mode
                            | Action::PreviousQuery
                            | Action::NextQuery
                    )
            }
            Screen::Failures => anywhere || matches!(action, Action::SeedCount | Action::Mode),
            Screen::Metrics => anywhere || action == Action::SeedCount,
        }
    }
}
