//! The list that has the keys, whichever it is: searched with one mechanism, copied with another.
//!
//! A new list joins by an arm in [`App::list`] and, in its widget, by drawing its labels with
//! `DrawContext::label`.
//!
//! What is searched in the list, on the last line: ` /jag  1 of 3   ↓ next  ↑ previous  enter
//! esc`.

use crate::config::{Action, Context, Role};
use crate::table::TableFormat;
use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::text_search::occurrences;
use crate::tui::ui::{key_hints, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A list's labels, top to bottom, and where the cursor is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchableList {
    pub labels: Vec<String>,
    pub cursor: usize,
}

/// What is searched for. It stays for `n` and `N` until it is closed, in whichever list has the
/// keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListSearch {
    pub field: TextInput,
    pub typing: bool,
    /// Whether the foot tells what is searched and which match the cursor is on.
    pub shown: bool,
    /// Where the cursor was when the search began, and whether that was in a popup.
    from: usize,
    in_popup: bool,
    /// The line found last; for lists that scroll and have no cursor.
    pub line: usize,
}

impl ListSearch {
    /// Whether it is what is to be closed first.
    pub(crate) fn holds(&self, popup: Option<Popup>) -> bool {
        self.typing || !self.field.text().is_empty() && self.in_popup == popup.is_some()
    }
}

impl App {
    /// None where there is nothing to search.
    pub fn list(&self) -> Option<SearchableList> {
        let list = match self.overlay.popup {
            Some(Popup::Help(_)) => SearchableList {
                labels: self.help_labels(),
                cursor: self.overlay.search.line,
            },
            Some(Popup::Missing(cursor)) => {
                let missing = self
                    .explore
                    .candidates
                    .expansion
                    .as_ref()?
                    .missing
                    .as_ref()?;
                SearchableList {
                    labels: missing.iter().map(|m| self.shared.name(m.entity)).collect(),
                    cursor,
                }
            }
            Some(Popup::Export(cursor)) => SearchableList {
                labels: TableFormat::ALL.map(|f| f.name().to_owned()).into(),
                cursor,
            },
            Some(Popup::Rankers(cursor)) => {
                let rankers = self.compare.rankers.available(&self.shared);
                let labels = rankers.into_iter().map(|r| self.shared.ranker_name(r));
                let labels = labels.collect();
                SearchableList { labels, cursor }
            }
            Some(Popup::Themes(cursor)) => SearchableList {
                labels: self.overlay.themes.names.clone(),
                cursor,
            },
            Some(Popup::NamedQueries(cursor)) => SearchableList {
                labels: self
                    .overlay
                    .named_queries
                    .iter()
                    .map(|state| state.name.clone())
                    .collect(),
                cursor,
            },
            Some(Popup::PastedNames(cursor)) => SearchableList {
                labels: self
                    .overlay
                    .pasted_names
                    .iter()
                    .map(|pasted| pasted.name.clone())
                    .collect(),
                cursor,
            },
            Some(Popup::Explain) => self.explanation_labels()?,
            Some(_) => return None,
            None => self.list_on_screen()?,
        };
        (!list.labels.is_empty()).then_some(list)
    }

    fn list_on_screen(&self) -> Option<SearchableList> {
        let list = match (self.screen, self.explore.focus) {
            (Screen::Compare, _) => self.compare.list(&self.shared),
            (Screen::Failures, _) => self.failures.list(&self.shared),
            (Screen::Metrics, _) => self.metrics.list(&self.shared),
            (Screen::Explore, Pane::Classes) => SearchableList {
                labels: self.tree_rows().into_iter().map(|row| row.label).collect(),
                cursor: self.explore.classes.tree.cursor,
            },
            (Screen::Explore, Pane::Seeds) => {
                let labels = self
                    .explore
                    .query
                    .seeds
                    .seeds
                    .iter()
                    .map(|&seed| self.shared.name(seed))
                    .collect();
                SearchableList {
                    labels,
                    cursor: self.explore.seeds.chip,
                }
            }
            (Screen::Explore, Pane::Candidates | Pane::Entity) => {
                let rows = self.rows();
                SearchableList {
                    labels: rows.iter().map(|r| self.shared.name(r.entity)).collect(),
                    cursor: self.cursor(&rows),
                }
            }
        };
        Some(list)
    }

    /// Puts the list's cursor on a line.
    fn go_to_line(&mut self, list: &SearchableList, to: usize) {
        let by = to as isize - list.cursor as isize;
        match (self.overlay.popup, self.screen, self.explore.focus) {
            (Some(Popup::Help(_)), ..) => {
                self.overlay.scroll = to.min(self.shared.frame.popup.furthest)
            }
            (Some(Popup::Explain), ..) => self.overlay.explain.go_to(to),
            (None, Screen::Explore, Pane::Seeds) => self.explore.seeds.chip = to,
            (None, Screen::Explore, Pane::Candidates | Pane::Entity) => self.step_candidate(by),
            _ => self.step(by),
        }
        self.overlay.search.line = to;
    }

    // Searching.

    pub(crate) fn start_search(&mut self) {
        self.overlay.search = ListSearch {
            line: self.overlay.scroll,
            in_popup: self.overlay.popup.is_some(),
            ..ListSearch::default()
        };
        match self.list() {
            Some(list) => {
                (
                    self.overlay.search.from,
                    self.overlay.search.typing,
                    self.overlay.search.shown,
                ) = (list.cursor, true, true)
            }
            None => self.notify("there is no list to search here"),
        }
    }

    pub(crate) fn act_on_search(&mut self, action: Action) {
        match action {
            Action::Open => self.overlay.search.typing = false,
            Action::NextMatch => self.next_match(1),
            Action::PreviousMatch => self.next_match(-1),
            _ if self.overlay.search.field.edit(action) => self.search_on(),
            _ => {}
        }
    }

    /// From where the search began, to the first line that holds what is typed by now.
    pub(crate) fn search_on(&mut self) {
        let Some(list) = self.list() else { return };
        let found = self.matches(&list);
        let from = self.overlay.search.from;
        let to = found
            .iter()
            .find(|&&at| at >= from)
            .or(found.first())
            .copied()
            .unwrap_or(from);
        self.go_to_line(&list, to);
    }

    /// Goes to another match, from the last one on to the first.
    pub(crate) fn next_match(&mut self, by: isize) {
        if self.overlay.search.field.text().is_empty() {
            return self.notify("nothing is searched for yet");
        }
        let Some(list) = self.list() else { return };
        let found = self.matches(&list);
        let next = if by > 0 {
            found.iter().find(|&&at| at > list.cursor).or(found.first())
        } else {
            found
                .iter()
                .rev()
                .find(|&&at| at < list.cursor)
                .or(found.last())
        };
        self.overlay.search.shown = true;
        if let Some(&to) = next {
            self.go_to_line(&list, to);
        }
    }

    /// The cursor goes back to where it was.
    pub(crate) fn leave_search(&mut self) {
        if let (true, Some(list)) = (self.overlay.search.typing, self.list()) {
            self.go_to_line(&list, self.overlay.search.from);
        }
        self.overlay.search = ListSearch::default();
    }

    /// "3 of 12", "no match".
    pub fn search_count(&self) -> String {
        let list = self.list().unwrap_or_default();
        let found = self.matches(&list);
        match found.iter().position(|&at| at == list.cursor) {
            _ if self.overlay.search.field.text().is_empty() => String::new(),
            _ if found.is_empty() => "no match".into(),
            Some(at) => format!("{} of {}", at + 1, found.len()),
            None => format!("{} matches", found.len()),
        }
    }

    fn matches(&self, list: &SearchableList) -> Vec<usize> {
        let hit = |label: &String| !occurrences(label, self.overlay.search.field.text()).is_empty();
        list.labels
            .iter()
            .enumerate()
            .filter(|(_, label)| hit(label))
            .map(|(at, _)| at)
            .collect()
    }
}

/// Columns before the text.
const LEAD: usize = 3;

pub fn draw(canvas: &mut DrawContext, whole: Rect) {
    let search = &canvas.app.overlay.search;
    if !search.shown {
        return;
    }
    let line = Rect {
        y: whole.bottom().saturating_sub(1),
        height: 1,
        ..whole
    };
    canvas.clear(line);
    let mut spans = vec![canvas.span(Role::Quiet, format!("{:^LEAD$}", "/"))];
    spans.push(canvas.span(Role::Title, search.field.text()));
    spans.push(canvas.span(Role::Warning, format!("  {}", canvas.app.search_count())));
    spans.push(Span::raw("   "));
    let wanted = [
        (Action::NextMatch, "next"),
        (Action::PreviousMatch, "previous"),
        (Action::Open, "done"),
        (Action::Close, "leaves it"),
    ];
    let (context, wanted) = match search.typing {
        true => (Context::Searching, &wanted[..]),
        false => (Context::Global, &[wanted[0], wanted[1], wanted[3]][..]),
    };
    let column = LEAD + text::width(search.field.split_at_cursor().0);
    key_hints::draw(canvas, line, Line::from(spans), context, 2, wanted);
    if canvas.app.overlay.search.typing {
        canvas.place_cursor(line, column);
    }
}
