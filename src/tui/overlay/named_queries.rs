//! Named states, and the file that opens the same view elsewhere.
//!
//! Named states: the field for a name, and the list to come back from.

use crate::config::Role;
use crate::engine::protocol::Catalogue;
use crate::tui::app::App;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::message::LoopCommand;
use crate::tui::overlay::what_if::{change_words, origin};
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::parts::Screen;
use crate::tui::persist::session::NamedQueryRecord;
use crate::tui::persist::view_file::{NamedEntity, QueryRecord, ViewFile, ViewSource};
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A state that was given a name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    pub name: String,
    pub state: ExpansionQuery,
    /// As it is kept: also what this index lacks.
    pub record: QueryRecord,
}

impl NamedQuery {
    /// The state as far as this index has what it takes.
    pub fn from_record(
        NamedQueryRecord {
            name,
            query: record,
        }: NamedQueryRecord,
        catalogue: &Catalogue,
    ) -> Self {
        NamedQuery {
            name,
            state: record.resolve(catalogue).0,
            record,
        }
    }
}

impl App {
    pub(crate) fn start_naming(&mut self) {
        self.overlay.name_input = TextInput::default();
        self.open_popup(Popup::SaveQuery);
    }

    /// Takes the name that was typed. One of the same name is replaced.
    pub(crate) fn accept_name(&mut self) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let name = self.overlay.name_input.text().trim().to_owned();
        if name.is_empty() {
            return self.notify("a name has at least one letter");
        }
        self.overlay.popup = None;
        self.notify(format!("“{name}” is kept"));
        let state = self.state();
        let named = NamedQuery {
            record: QueryRecord::new(&state, &catalogue),
            name,
            state,
        };
        match self
            .overlay
            .named_queries
            .iter_mut()
            .find(|other| other.name == named.name)
        {
            Some(other) => *other = named,
            None => self.overlay.named_queries.push(named),
        }
    }

    pub(crate) fn open_states(&mut self) {
        match self.overlay.named_queries.is_empty() {
            true => self.notify("no state has a name yet"),
            false => self.open_popup(Popup::NamedQueries(0)),
        }
    }

    /// Comes back to a named state, which can be undone.
    pub(crate) fn open_named(&mut self, at: usize) {
        self.overlay.popup = None;
        if let Some(named) = self.overlay.named_queries.get(at).cloned() {
            self.explore.candidates.selected = None;
            self.change(named.state);
        }
    }

    pub(crate) fn remove_named(&mut self, at: usize) {
        if at < self.overlay.named_queries.len() {
            self.overlay.named_queries.remove(at);
            let cursor = shifted(at, 0, self.overlay.named_queries.len());
            self.overlay.popup =
                (!self.overlay.named_queries.is_empty()).then_some(Popup::NamedQueries(cursor));
        }
    }

    /// The present view, to be written to a file.
    pub(crate) fn save_view(&mut self) {
        let Some(file) = self.view_file() else {
            return self.notify("nothing is open yet");
        };
        self.command = Some(LoopCommand::Write {
            stem: "view".into(),
            ending: "json",
            text: file.to_json(),
        });
    }

    pub fn view_file(&self) -> Option<ViewFile> {
        let catalogue = self.shared.catalogue.as_deref()?;
        let index = ViewSource {
            name: catalogue.name.clone(),
            path: catalogue.index.display().to_string(),
            dataset: catalogue.dataset_hash.clone(),
        };
        let rows = self.rows();
        let cursor = rows
            .get(self.cursor(&rows))
            .map(|row| NamedEntity::new(row.entity, catalogue));
        Some(ViewFile::new(
            index,
            QueryRecord::new(&self.state(), catalogue),
            self.screen,
            self.explore.candidates.reranked,
            cursor,
        ))
    }

    /// Opens what a file says as far as it is there, and tells the rest.
    pub(crate) fn open_file(&mut self, file: &ViewFile) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let (state, mut lost) = file.query.resolve(&catalogue);
        lost.extend(file.dataset_warning(&catalogue));
        (
            self.explore.query.seeds,
            self.explore.query.mode,
            self.explore.query.joint,
            self.explore.query.settings,
        ) = (state.seeds, state.mode, state.joint, state.settings);
        (
            self.explore.candidates.reranked,
            self.shared.evaluations.seed_count,
        ) = (file.reranked, self.explore.query.seeds.count);
        self.screen = file.screen().unwrap_or_else(|| {
            lost.push(format!("there is no screen “{}”", file.screen));
            Screen::Explore
        });
        if let Some(cursor) = &file.cursor {
            self.explore.candidates.selected = cursor.find(&catalogue);
            if self.explore.candidates.selected.is_none() {
                lost.push(format!(
                    "“{}”, where the cursor was, is not in this index",
                    cursor.name
                ));
            }
        }
        self.cursor_to_class();
        if !self.explore.query.seeds.seeds.is_empty() {
            self.explore.focus = Pane::Candidates;
        }
        self.overlay.load_warnings = lost;
        if !self.overlay.load_warnings.is_empty() {
            self.open_popup(Popup::LoadWarnings);
        }
    }
}

const WIDTH: u16 = 84;
const FIELD: u16 = 60;

pub fn draw_naming(canvas: &mut DrawContext, whole: Rect) {
    let width = FIELD.min(whole.width);
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height / 3,
        width,
        4.min(whole.height),
    );
    let inner = canvas.popup(area, "A name for the present state", "enter keeps · esc");
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let app = canvas.app;
    canvas.input_line(
        Rect { height: 1, ..inner },
        vec![],
        &app.overlay.name_input,
        vec![],
    );
    let what = text::cut(&summary(canvas, &app.state()), usize::from(inner.width));
    let line = Line::from(canvas.span(Role::Quiet, what));
    canvas.line(
        Rect {
            y: inner.y + 1,
            height: 1.min(inner.height.saturating_sub(1)),
            ..inner
        },
        line,
    );
}

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let app = canvas.app;
    let named = &app.overlay.named_queries;
    let width = WIDTH.min(whole.width.saturating_sub(4));
    let height = (named.len() as u16 + 2).min(whole.height.saturating_sub(4));
    let area = Rect::new(
        (whole.width - width) / 2,
        (whole.height - height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(
        area,
        "Named states",
        "enter comes back to it · x takes it off · esc",
    );
    let names = named
        .iter()
        .map(|n| text::width(&n.name))
        .max()
        .unwrap_or(0)
        .min(usize::from(inner.width) / 3);
    let room = usize::from(inner.width).saturating_sub(names + 4);
    popup_list::draw(canvas, inner, cursor, named.len(), |canvas, at| {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(canvas.label(Role::Text, &text::fit(&named[at].name, names)));
        spans.push(canvas.span(
            Role::Quiet,
            format!("  {}", text::fit(&summary(canvas, &named[at].state), room)),
        ));
        (Line::from(spans), ClickTarget::NamedQuery(at))
    });
}

/// Where it comes from and what is changed.
fn summary(canvas: &DrawContext, state: &ExpansionQuery) -> String {
    let Some(catalogue) = canvas.catalogue() else {
        return String::new();
    };
    let changes: Vec<String> = state
        .changes(catalogue)
        .iter()
        .map(|&change| change_words(canvas, change).1)
        .collect();
    match changes.is_empty() {
        true => origin(canvas, state),
        false => format!("{} · {}", origin(canvas, state), changes.join("  ")),
    }
}
