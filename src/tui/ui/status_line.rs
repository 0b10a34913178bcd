//! The line on top: what is open, what runs and how far or was stopped, the screens.
//!
//! ` multiexpan  demo · 825 entities · 46 classes · both · cpu   ⠹ expanding 87 of 120        1
//! Explore  ? help`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::{Action, Context, Role};
use crate::tui::parts::Screen;
use crate::tui::requests::RequestClass;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;

/// From this width on every screen is named, and not only the one that is shown.
const WITH_NAMES: u16 = 100;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let Tabs { line, places } = tabs(canvas, area.width >= WITH_NAMES);
    let taken = line.width() as u16;
    let room = usize::from(area.width.saturating_sub(taken + 1));
    let left = left(canvas, room);
    canvas.line(area, left);
    let at = Rect::new(
        area.right().saturating_sub(taken),
        area.y,
        taken.min(area.width),
        1,
    );
    canvas.line(at, line);
    for TabPlace { screen, x, width } in places {
        let tab = Rect {
            x: at.x.saturating_add(x),
            width,
            ..at
        };
        canvas.click_target(tab.intersection(at), ClickTarget::Tab(screen));
    }
    let help = Rect {
        x: at.right().saturating_sub(7),
        width: 7.min(at.width),
        ..at
    };
    canvas.click_target(help, ClickTarget::Help);
}

/// The right side of the line: the screens, and the key of the help.
struct Tabs {
    line: Line<'static>,
    places: Vec<TabPlace>,
}

/// The columns of a screen's tab, from the beginning of the tabs.
struct TabPlace {
    screen: Screen,
    x: u16,
    width: u16,
}

/// Returns the tabs; where it is not roomy, only the screen that is shown has its name there.
fn tabs(canvas: &DrawContext, roomy: bool) -> Tabs {
    let keymap = &canvas.app.shared.settings.keymap;
    let mut line = Line::default();
    let mut places = Vec::new();
    for screen in Screen::ALL {
        let key = keymap
            .key_of(Context::Global, screen.action())
            .unwrap_or_default();
        let is_shown = canvas.app.screen == screen;
        let role = if is_shown { Role::Focus } else { Role::Quiet };
        // a screen without a key cannot go by it
        let named = roomy || is_shown || key.is_empty();
        let name = if named { screen.name() } else { "" };
        let tab = canvas.span(role, format!("{key} {name}").trim().to_owned());
        places.push(TabPlace {
            screen,
            x: line.width() as u16,
            width: tab.width() as u16,
        });
        line.push_span(tab);
        line.push_span(Span::raw("  "));
    }
    let key = keymap
        .key_of(Context::Global, Action::Help)
        .unwrap_or_default();
    line.push_span(canvas.span(Role::Quiet, format!("{key} help ")));
    Tabs { line, places }
}

/// As many of the facts as there is room for; what runs is said before the device and the counts.
fn left(canvas: &DrawContext, room: usize) -> Line<'static> {
    let mut spans = vec![canvas.span(Role::Brand, " multiexpan ")];
    let mut used = 12;
    let running = running(canvas);
    let reserved = running.as_ref().map_or(0, |r| text::width(r) + 3);
    for (at, fact) in facts(canvas).into_iter().enumerate() {
        let lead = if at == 0 { " " } else { " · " };
        let wide = text::width(lead) + text::width(&fact);
        if used + wide + reserved > room {
            break;
        }
        used += wide;
        spans.push(canvas.span(Role::Quiet, lead));
        spans.push(canvas.span(Role::Text, fact));
    }
    if let Some(running) = running {
        spans.push(Span::raw("   "));
        spans.push(canvas.span(
            Role::Warning,
            text::cut(&running, room.saturating_sub(used + 3)),
        ));
    }
    Line::from(spans)
}

/// What is open, the most telling first.
fn facts(canvas: &DrawContext) -> Vec<String> {
    let app = canvas.app;
    let Some(catalogue) = canvas.catalogue() else {
        return vec![app.shared.engine.options.index.display().to_string()];
    };
    let mut mode = app.explore.query.mode.to_string();
    if app.explore.query.joint {
        mode.push_str(" joint");
    }
    let mut facts = vec![
        catalogue.name.clone(),
        mode,
        format!("{} entities", thousands(catalogue.entities.len())),
    ];
    if !catalogue.classes.is_empty() {
        facts.push(format!("{} classes", catalogue.classes.len()));
    }
    facts.push(catalogue.device.clone());
    facts
}

fn running(canvas: &DrawContext) -> Option<String> {
    let app = canvas.app;
    let Some(kind) = app.shared.engine.pending.running() else {
        let key = app
            .shared
            .settings
            .keymap
            .key_of(Context::Global, Action::StopEvaluation);
        let said = key.map_or_else(
            || "■ stopped".to_owned(),
            |key| format!("■ stopped · {key} goes on"),
        );
        return app.is_stopped().then_some(said);
    };
    let spin = SPINNER[app.status.ticks as usize % SPINNER.len()];
    let what = match kind {
        RequestClass::Open => "opening",
        RequestClass::Expand => "expanding",
        RequestClass::Failures => "looking for failures",
        _ => "measuring the classes",
    };
    let Some(progress) = app.shared.engine.progress.get(&kind) else {
        return Some(format!("{spin} {what}"));
    };
    let far = match progress.total {
        0 => String::new(),
        total => format!(" {} of {total}", progress.done),
    };
    let stage = if progress.stage.is_empty() {
        what
    } else {
        &progress.stage
    };
    let note = if progress.details.is_empty() {
        String::new()
    } else {
        format!(" · {}", progress.details)
    };
    Some(format!("{spin} {stage}{far}{note}"))
}

/// 14489 → "14,489".
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::tui::ui::status_line::thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [7, 825, 14489, 1000000].map(thousands),
            ["7", "825", "14,489", "1,000,000"]
        );
    }
}
