//! What popups with keys of their own do.

pub mod explain;
pub mod export;
pub mod help;
pub mod load_warnings;
pub mod named_queries;
pub mod palette;
pub mod pasted_names;
pub mod themes;
pub mod what_if;
pub mod zoom;

use crate::config::Action;
use crate::tui::app::App;
use crate::tui::overlay::explain::tree::ExplainState;
use crate::tui::overlay::named_queries::NamedQuery;
use crate::tui::overlay::palette::Palette;
use crate::tui::overlay::pasted_names::PastedName;
use crate::tui::overlay::themes::ThemePicker;
use crate::tui::overlay::what_if::WhatIfBaseline;
use crate::tui::parts::Popup;
use crate::tui::search::ListSearch;
use crate::tui::text_input::TextInput;

/// Everything that can lie over a screen.
#[derive(Debug, Default)]
pub struct Overlay {
    pub popup: Option<Popup>,
    /// The first line of the popup that is shown, from 0.
    pub scroll: usize,
    pub palette: Palette,
    pub themes: ThemePicker,
    pub explain: ExplainState,
    /// The expansion that the What-if popup compares with.
    pub what_if: Option<WhatIfBaseline>,
    pub named_queries: Vec<NamedQuery>,
    /// The name of a query while it is typed.
    pub name_input: TextInput,
    pub load_warnings: Vec<String>,
    pub pasted_names: Vec<PastedName>,
    pub search: ListSearch,
}

impl App {
    /// Does what an action means in a popup; false where it means there what it means elsewhere.
    pub(crate) fn act_on_popup(&mut self, popup: Popup, action: Action) -> bool {
        match (popup, action) {
            (Popup::Explain, Action::PreviousSecond) => self.walk_beside(-1),
            (Popup::Explain, Action::NextSecond) => self.walk_beside(1),
            (Popup::Explain, Action::Fold) => self.unfold_line(None),
            (Popup::Explain, Action::Left) => self.unfold_line(Some(false)),
            (Popup::Explain, Action::Right) => self.unfold_line(Some(true)),
            (Popup::Explain, Action::FoldAll) => self.fold_whole(),
            (Popup::WhatIf(setting), Action::Left) => self.turn(setting, -1),
            (Popup::WhatIf(setting), Action::Right) => self.turn(setting, 1),
            (Popup::WhatIf(_), Action::ResetQuery) => self.take_back_all(),
            (Popup::NamedQueries(at), Action::Remove) => self.remove_named(at),
            (Popup::SaveQuery, Action::Accept) => self.accept_name(),
            (Popup::SaveQuery, _) => return self.overlay.name_input.edit(action),
            _ => return false,
        }
        true
    }
}
