//! The first line of the screen: what is open, what runs and how far, and the screens.
//!
//! ` multiexpan  demo · both · 825 entities · 46 classes · cpu   ⠹ expanding 87 of 120
//! 1 Explore  2  3  4  ? help`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::parts::Screen;
use crate::tui::requests::RequestClass;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::Mode;

/// The width from which on every screen has its name, and not only the one that is shown.
const WIDTH_FOR_NAMES: u16 = 100;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The state that the line shows beyond what is shared.
#[derive(Debug, Clone, Copy)]
pub struct StatusLine {
    /// The screen that is shown.
    pub screen: Screen,
    pub mode: Mode,
    /// Set if the user stopped the evaluation that the screen shows.
    pub is_stopped: bool,
    /// The clock of the spinner, in tenths of a second.
    pub ticks: u64,
}

impl StatusLine {
    pub fn draw(&self, canvas: &mut DrawContext, area: Rect) {
        let tabs = self.tabs(canvas, area.width >= WIDTH_FOR_NAMES);
        let width = tabs.line.width() as u16;
        let room = usize::from(area.width.saturating_sub(width + 1));
        let facts = self.facts_line(canvas, room);
        canvas.line(area, facts);
        let right = Rect::new(
            area.right().saturating_sub(width),
            area.y,
            width.min(area.width),
            1,
        );
        canvas.line(right, tabs.line);
        for tab in tabs.columns {
            let area = Rect {
                x: right.x.saturating_add(tab.x),
                width: tab.width,
                ..right
            };
            canvas.click_target(area.intersection(right), ClickTarget::Tab(tab.screen));
        }
        let help = Rect {
            x: right.right().saturating_sub(7),
            width: 7.min(right.width),
            ..right
        };
        canvas.click_target(help, ClickTarget::Help);
    }

    /// Returns the tabs. Unless `all_named`, only the screen that is shown has its name in them.
    fn tabs(&self, canvas: &DrawContext, all_named: bool) -> Tabs {
        let keymap = &canvas.shared.settings.keymap;
        let global_key = |action| keymap.key_of(Context::Global, action).unwrap_or_default();
        let mut line = Line::default();
        let mut columns = Vec::new();
        for screen in Screen::ALL {
            let key = global_key(screen.action());
            let is_shown = self.screen == screen;
            let role = if is_shown { Role::Focus } else { Role::Quiet };
            // without a key, only the name is left
            let is_named = all_named || is_shown || key.is_empty();
            let name = if is_named { screen.name() } else { "" };
            let tab = canvas.span(role, format!("{key} {name}").trim().to_owned());
            columns.push(TabColumns {
                screen,
                x: line.width() as u16,
                width: tab.width() as u16,
            });
            line.push_span(tab);
            line.push_span(Span::raw("  "));
        }
        let help = format!("{} help ", global_key(Action::Help));
        line.push_span(canvas.span(Role::Quiet, help));
        Tabs { line, columns }
    }

    /// Returns as many facts as fit, and what runs. What runs comes before the last facts.
    fn facts_line(&self, canvas: &DrawContext, room: usize) -> Line<'static> {
        let mut spans = vec![canvas.span(Role::Brand, " multiexpan ")];
        let mut used = 12;
        let running = self.running(canvas);
        let reserved = running.as_ref().map_or(0, |r| text::width(r) + 3);
        for (index, fact) in self.facts(canvas).into_iter().enumerate() {
            let separator = if index == 0 { " " } else { " · " };
            let width = text::width(separator) + text::width(&fact);
            if used + width + reserved > room {
                break;
            }
            used += width;
            spans.push(canvas.span(Role::Quiet, separator));
            spans.push(canvas.span(Role::Text, fact));
        }
        if let Some(running) = running {
            let running = text::cut(&running, room.saturating_sub(used + 3));
            spans.push(Span::raw("   "));
            spans.push(canvas.span(Role::Warning, running));
        }
        Line::from(spans)
    }

    /// Returns what is open, the most important fact first.
    fn facts(&self, canvas: &DrawContext) -> Vec<String> {
        let Some(catalogue) = canvas.catalogue() else {
            return vec![canvas.shared.engine.options.index.display().to_string()];
        };
        let mut facts = vec![
            catalogue.name.clone(),
            self.mode.to_string(),
            format!("{} entities", with_thousands(catalogue.entities.len())),
        ];
        if !catalogue.classes.is_empty() {
            facts.push(format!("{} classes", catalogue.classes.len()));
        }
        facts.push(catalogue.device.clone());
        facts
    }

    /// Returns what runs and how far it is, or that it is stopped; `None` if nothing runs.
    fn running(&self, canvas: &DrawContext) -> Option<String> {
        let engine = &canvas.shared.engine;
        let Some(class) = engine.pending.first_running() else {
            return self.is_stopped.then(|| stopped(canvas));
        };
        let spinner = SPINNER[self.ticks as usize % SPINNER.len()];
        let activity = match class {
            RequestClass::Open => "opening",
            RequestClass::Expand => "expanding",
            RequestClass::Failures => "searching for failures",
            _ => "evaluating the classes",
        };
        let Some(progress) = engine.progress.get(&class) else {
            return Some(format!("{spinner} {activity}"));
        };
        let count = match progress.total {
            0 => String::new(),
            total => format!(" {} of {total}", progress.done),
        };
        let stage = if progress.stage.is_empty() {
            activity
        } else {
            &progress.stage
        };
        let details = if progress.details.is_empty() {
            String::new()
        } else {
            format!(" · {}", progress.details)
        };
        Some(format!("{spinner} {stage}{count}{details}"))
    }
}

/// The right side of the line: the screens, and the key of the help.
struct Tabs {
    line: Line<'static>,
    columns: Vec<TabColumns>,
}

/// The columns of a screen's tab, from the start of the tabs.
struct TabColumns {
    screen: Screen,
    x: u16,
    width: u16,
}

/// Returns that the evaluation is stopped, with the key that continues it.
fn stopped(canvas: &DrawContext) -> String {
    let keymap = &canvas.shared.settings.keymap;
    match keymap.key_of(Context::Global, Action::StopEvaluation) {
        Some(key) => format!("■ stopped · {key} continues"),
        None => "■ stopped".to_owned(),
    }
}

/// Formats a number with commas: 14489 as "14,489".
pub fn with_thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_by_commas() {
        assert_eq!(
            [7, 825, 14489, 1000000].map(with_thousands),
            ["7", "825", "14,489", "1,000,000"]
        );
    }
}
