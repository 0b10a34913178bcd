//! The popup in which the rankers to compare are chosen, with a field for the path of another index
//! or run.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::config::Role;
use crate::engine::protocol::Ranker;
use crate::tui::compare::rankers::Rankers;
use crate::tui::shared::Shared;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::{popup_list, text};

/// The width of the popup in columns.
const WIDTH: u16 = 60;
/// The width of a ranker's name in columns.
const NAME: usize = 22;
/// The columns before the name.
const LEAD: usize = 4;

impl Rankers {
    /// Draws the popup; the last line is the field for a path.
    pub fn draw(&self, canvas: &mut DrawContext, screen: Rect) {
        let available = self.available(canvas.shared);
        let area = popup_area(screen, available.len());
        let foot = "enter adds or removes · esc closes";
        let inner = canvas.popup(area, "Rankers to compare", foot);
        // the line of the path is always in sight
        let list = Rect {
            height: inner.height.saturating_sub(1),
            ..inner
        };
        let width = usize::from(list.width);
        popup_list::draw(
            canvas,
            list,
            self.cursor,
            available.len(),
            |canvas, index| {
                let line = self.line(canvas, available[index], width);
                (line, ClickTarget::Ranker(index))
            },
        );
        let line = Rect {
            y: inner.bottom().saturating_sub(1),
            height: 1.min(inner.height),
            ..inner
        };
        self.draw_path(canvas, line, self.cursor == available.len());
        canvas.click_target(line, ClickTarget::Ranker(available.len()));
    }

    /// Returns the line of a ranker: its number among the chosen ones, its name and its origin.
    fn line(&self, canvas: &DrawContext, ranker: Ranker, width: usize) -> Line<'static> {
        let number = match self.chosen.iter().position(|&chosen| chosen == ranker) {
            Some(position) => format!(" {} ", position + 1),
            None => "   ".to_owned(),
        };
        let name = text::fit(&canvas.shared.ranker_name(ranker), NAME);
        let origin = origin(canvas.shared, ranker);
        let origin = text::fit(&origin, width.saturating_sub(NAME + LEAD));
        let mut spans = vec![canvas.span(Role::Focus, number)];
        spans.extend(canvas.label(Role::Text, &name));
        spans.push(canvas.span(Role::Quiet, origin));
        Line::from(spans)
    }

    /// Draws the field in which a path is typed, or a hint until it is open.
    fn draw_path(&self, canvas: &mut DrawContext, line: Rect, selected: bool) {
        match &self.path {
            Some(path) => {
                let lead = vec![canvas.span(Role::Focus, " open: ")];
                canvas.input_line(line, lead, path, vec![]);
            }
            None => {
                let hint = " + add an index folder or a run file …";
                let hint = Line::from(canvas.span(Role::Quiet, hint));
                canvas.list_line(line, hint, selected);
            }
        }
    }
}

/// Returns the area of the popup in the middle of the screen.
fn popup_area(screen: Rect, rankers: usize) -> Rect {
    let width = WIDTH.min(screen.width);
    let height = (rankers as u16 + 3).min(screen.height);
    Rect::new(
        (screen.width - width) / 2,
        screen.height.saturating_sub(height) / 2,
        width,
        height,
    )
}

/// Returns the source of a ranker's rankings.
fn origin(shared: &Shared, ranker: Ranker) -> String {
    match ranker {
        Ranker::OpenIndex(_) => "this index".into(),
        Ranker::ImportedIndex(index, _) | Ranker::ImportedRun(index) => {
            let import = shared.imports.get(usize::from(index));
            import.map_or_else(String::new, |import| import.path.display().to_string())
        }
    }
}
