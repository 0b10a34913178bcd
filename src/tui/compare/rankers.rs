//! What stands side by side in Compare: modes of the index, other indexes, runs.
//!
//! What can take part in a comparison, and the field for a path.

use crate::config::{Action, Role};
use crate::engine::protocol::{Import, Ranker, RequestKind};
use crate::tui::app::App;
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
use crate::tui::text_input::TextInput;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::scroll::shifted;
use crate::tui::ui::{popup_list, text};
use crate::types::Mode;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::path::PathBuf;

/// As many as there is room for on a screen.
pub const MOST: usize = 4;

/// Those that take part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rankers {
    /// At most four; the first is set against another.
    pub chosen: Vec<Ranker>,
    /// The place of that other, from 1.
    pub against: usize,
    /// What is to be brought yet, in order.
    pub coming: Vec<PathBuf>,
    /// The path that is being typed.
    pub path: Option<TextInput>,
}

impl Rankers {
    /// The two that are set against each other.
    pub fn pair(&self) -> Option<[Ranker; 2]> {
        Some([
            *self.chosen.first()?,
            *self.chosen.get(self.against).or(self.chosen.get(1))?,
        ])
    }
}

impl App {
    /// All that could take part, those of the index first.
    pub fn available(&self) -> Vec<Ranker> {
        let own = self.shared.modes().into_iter().map(Ranker::OpenIndex);
        own.chain(
            self.shared
                .imports
                .iter()
                .flat_map(|import| import.rankers.iter().copied()),
        )
        .collect()
    }

    /// Whether the contender at this place is one of the two that are set against each other.
    pub fn is_set_against(&self, at: usize) -> bool {
        at == 0 || at == self.compare.rankers.against
    }

    /// Names of those that take part, in order.
    pub fn contender_names(&self) -> Vec<String> {
        self.compare
            .rankers
            .chosen
            .iter()
            .map(|&of| self.shared.ranker_name(of))
            .collect()
    }

    /// The first two modes, at the start.
    pub(crate) fn choose_first(&mut self) {
        self.compare.rankers.chosen = self
            .shared
            .modes()
            .into_iter()
            .take(2)
            .map(Ranker::OpenIndex)
            .collect();
        self.compare.rankers.against = 1;
    }

    /// The next two of the index's modes.
    pub(crate) fn next_modes(&mut self) {
        let modes = self.shared.modes();
        let pairs: Vec<[Mode; 2]> = modes
            .iter()
            .enumerate()
            .flat_map(|(i, &a)| modes[i + 1..].iter().map(move |&b| [a, b]))
            .collect();
        let own = |pair: &[Mode; 2]| pair.map(Ranker::OpenIndex);
        let at = pairs
            .iter()
            .position(|pair| self.compare.rankers.chosen == own(pair));
        match pairs.get(at.map_or(0, |at| (at + 1) % pairs.len())) {
            Some(next) if self.compare.rankers.chosen != own(next) => {
                (self.compare.rankers.chosen, self.compare.rankers.against) = (own(next).into(), 1);
                self.evaluate();
            }
            _ => self.notify("this index holds no other two modes"),
        }
    }

    /// The first is set against the next of the others.
    pub(crate) fn next_against(&mut self) {
        let count = self.compare.rankers.chosen.len();
        if count < 3 {
            return self.notify("there are two: choose more to set the first against another");
        }
        self.compare.rankers.against = self.compare.rankers.against % (count - 1) + 1;
    }

    /// Takes one in or out. Two stay.
    pub(crate) fn toggle_contender(&mut self, at: usize) {
        let Some(&of) = self.available().get(at) else {
            return self.compare.rankers.path = Some(TextInput::default());
        };
        let chosen = &mut self.compare.rankers.chosen;
        match chosen.iter().position(|&c| c == of) {
            Some(_) if chosen.len() <= 2 => return self.notify("two stay: choose another first"),
            Some(place) => drop(chosen.remove(place)),
            None if chosen.len() == MOST => {
                return self.notify(format!("{MOST} are there already: take one out first"));
            }
            None => chosen.push(of),
        }
        self.compare.rankers.against = self
            .compare
            .rankers
            .against
            .clamp(1, self.compare.rankers.chosen.len() - 1);
        self.evaluate();
    }

    pub(crate) fn step_in_contenders(&mut self, cursor: usize, by: isize) {
        // the last line opens a path
        self.overlay.popup = Some(Popup::Rankers(shifted(
            cursor,
            by,
            self.available().len() + 1,
        )));
    }

    pub(crate) fn act_on_path(&mut self, action: Action) {
        if action == Action::Accept {
            self.bring_typed();
        } else if let Some(path) = &mut self.compare.rankers.path {
            path.edit(action);
        }
    }

    /// Has the typed path opened.
    fn bring_typed(&mut self) {
        let path = self.compare.rankers.path.take().unwrap_or_default();
        if path.text().trim().is_empty() {
            return;
        }
        self.compare
            .rankers
            .coming
            .push(PathBuf::from(path.text().trim()));
        self.bring_next();
    }

    /// One at a time, since a newer request of a kind makes the older stale.
    pub(crate) fn bring_next(&mut self) {
        if self.shared.catalogue.is_some()
            && !self.shared.engine.pending.runs(RequestClass::Bring)
            && !self.compare.rankers.coming.is_empty()
        {
            let path = self.compare.rankers.coming.remove(0);
            self.shared
                .engine
                .send(RequestClass::Bring, RequestKind::Import { path });
        }
    }

    /// It takes part at once where there is room: an index in the mode of the first.
    pub(crate) fn brought(&mut self, import: Import) {
        self.shared.engine.pending.finish(RequestClass::Bring);
        let like_first = |of: &&Ranker| match (of, self.compare.rankers.chosen.first()) {
            (
                Ranker::ImportedIndex(_, mode),
                Some(Ranker::OpenIndex(first) | Ranker::ImportedIndex(_, first)),
            ) => mode == first,
            _ => false,
        };
        let best = import
            .rankers
            .iter()
            .find(like_first)
            .or(import.rankers.first())
            .copied();
        if !import.warnings.is_empty() {
            self.notify(format!("{}: {}", import.label, import.warnings.join(", ")));
        }
        self.shared.imports.push(import);
        if let Some(best) = best.filter(|_| self.compare.rankers.chosen.len() < MOST) {
            self.compare.rankers.chosen.push(best);
            self.compare.rankers.against = self.compare.rankers.chosen.len() - 1;
            self.evaluate();
        }
        self.bring_next();
    }
}

const WIDTH: u16 = 60;

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let app = canvas.app;
    let available = app.available();
    let (width, height) = (
        WIDTH.min(whole.width),
        (available.len() as u16 + 3).min(whole.height),
    );
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height.saturating_sub(height) / 2,
        width,
        height,
    );
    let inner = canvas.popup(area, "Side by side", "enter takes in or out · esc");
    // the line of the path always has its place
    let list = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    popup_list::draw(canvas, list, cursor, available.len(), |canvas, at| {
        let line = contender_line(canvas, available[at], usize::from(list.width));
        (line, ClickTarget::Ranker(at))
    });
    let line = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1.min(inner.height),
        ..inner
    };
    path_line(canvas, line, cursor == available.len());
    canvas.click_target(line, ClickTarget::Ranker(available.len()));
}

/// Returns the line of a contender: its place among the chosen ones, its name and its origin.
fn contender_line(canvas: &DrawContext, contender: Ranker, width: usize) -> Line<'static> {
    let contenders = &canvas.app.compare.rankers;
    let place = contenders.chosen.iter().position(|&c| c == contender);
    let place = place.map_or_else(|| "  ".to_owned(), |place| format!("{} ", place + 1));
    let mut spans = vec![canvas.span(Role::Focus, format!(" {place}"))];
    spans.extend(canvas.label(
        Role::Text,
        &text::fit(&canvas.shared.ranker_name(contender), 22),
    ));
    let from = text::fit(&origin(canvas, contender), width.saturating_sub(26));
    spans.push(canvas.span(Role::Quiet, from));
    Line::from(spans)
}

/// Draws the field in which a path is typed, or the hint that takes its place until then.
fn path_line(canvas: &mut DrawContext, line: Rect, selected: bool) {
    let app = canvas.app;
    match &app.compare.rankers.path {
        Some(path) => {
            let lead = vec![canvas.span(Role::Focus, " open: ")];
            canvas.input_line(line, lead, path, vec![]);
        }
        None => {
            let hint = Line::from(canvas.span(Role::Quiet, " + an index folder or a run file …"));
            canvas.list_line(line, hint, selected);
        }
    }
}

/// Where it comes from.
fn origin(canvas: &DrawContext, of: Ranker) -> String {
    let import = |at: u16| {
        let import = canvas.shared.imports.get(usize::from(at));
        import.map_or_else(String::new, |import| import.path.display().to_string())
    };
    match of {
        Ranker::OpenIndex(_) => "this index".into(),
        Ranker::ImportedIndex(at, _) | Ranker::ImportedRun(at) => import(at),
    }
}
