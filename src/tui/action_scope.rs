//! The scopes of actions: which of them have an effect on a screen or in a popup.

use crate::config::Action;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;

/// The actions that do the same on every screen.
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

/// The actions on the list that has the keys, or on the jump list.
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

/// The actions that move the cursor of the list that has the keys.
pub(crate) const CURSOR_ACTIONS: [Action; 6] = [
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// Returns whether a popup takes an action that is not global.
pub(crate) fn popup_accepts(popup: Popup, action: Action) -> bool {
    use Action::*;
    match action {
        _ if popup == Popup::SaveQuery => true,
        Open | Search | NextMatch | PreviousMatch => true,
        _ if CURSOR_ACTIONS.contains(&action) => true,
        AcceptCandidate | Seed => matches!(popup, Popup::Missing | Popup::Zoom),
        PreviousImage | NextImage | Zoom => popup == Popup::Zoom,
        Explain => matches!(popup, Popup::Missing | Popup::Explain),
        Fold | FoldAll | PreviousSecond | NextSecond => popup == Popup::Explain,
        Left | Right => matches!(popup, Popup::Explain | Popup::WhatIf),
        Undo | Redo | ResetQuery | SaveQuery | NamedQueries => matches!(popup, Popup::WhatIf),
        Remove => matches!(popup, Popup::NamedQueries),
        _ => false,
    }
}

/// Returns whether an action that is bound everywhere has an effect on a screen.
pub(crate) fn screen_accepts(screen: Screen, action: Action) -> bool {
    if action == screen.action() {
        return false;
    }
    let anywhere = GLOBAL_ACTIONS.contains(&action) || LIST_ACTIONS.contains(&action);
    match screen {
        Screen::Explore => true,
        Screen::Compare => {
            anywhere
                || matches!(
                    action,
                    Action::SeedCount | Action::Mode | Action::PreviousQuery | Action::NextQuery
                )
        }
        Screen::Failures => anywhere || matches!(action, Action::SeedCount | Action::Mode),
        Screen::Metrics => anywhere || action == Action::SeedCount,
    }
}
