//! The line on top: what is open, what runs and how far or was stopped, the screens.
//!
//! ` multiexpan  demo · 825 entities · 46 classes · both · cpu   ⠹ expanding 87 of 120        1
//! Explore  ? help`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::config::{Action, Context, Role};
use crate::tui::app::Kind;
use crate::tui::canvas::Canvas;
use crate::tui::screen::Screen;
use crate::tui::view::Hit;

/// From this width on every screen is named, and not only the one that is shown.
const WITH_NAMES: u16 = 100;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

pub fn draw(canvas: &mut Canvas, area: Rect) {
    let mut right: Vec<Span> = Vec::new();
    let roomy = area.width >= WITH_NAMES;
    let mut tabs = Vec::new();
    for screen in Screen::ALL {
        let key = canvas
            .app
            .settings
            .keymap
            .key_of(Context::Global, screen.action())
            .unwrap_or_default();
        let role = if canvas.app.screen == screen {
            Role::Focus
        } else {
            Role::Quiet
        };
        // a screen without a key cannot go by it
        let named = roomy || canvas.app.screen == screen || key.is_empty();
        let name = if named { screen.name() } else { "" };
        let tab = canvas.span(role, format!("{key} {name}").trim().to_owned());
        tabs.push((
            screen,
            Line::from(right.clone()).width() as u16,
            tab.width() as u16,
        ));
        right.push(tab);
        right.push(Span::raw("  "));
    }
    let key = canvas
        .app
        .settings
        .keymap
        .key_of(Context::Global, Action::Help)
        .unwrap_or_default();
    right.push(canvas.span(Role::Quiet, format!("{key} help ")));
    let right = Line::from(right);
    let taken = right.width() as u16;

    let room = usize::from(area.width.saturating_sub(taken + 1));
    let left = left(canvas, room);
    canvas.line(area, left);
    let at = Rect::new(
        area.right().saturating_sub(taken),
        area.y,
        taken.min(area.width),
        1,
    );
    canvas.line(at, right);
    for (screen, x, width) in tabs {
        canvas.hit(
            Rect {
                x: at.x.saturating_add(x),
                width,
                ..at
            }
            .intersection(at),
            Hit::Tab(screen),
        );
    }
    canvas.hit(
        Rect {
            x: at.right().saturating_sub(7),
            width: 7.min(at.width),
            ..at
        },
        Hit::Help,
    );
}

/// As many of the facts as there is room for; what runs is said before the device and the counts.
fn left(canvas: &Canvas, room: usize) -> Line<'static> {
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
fn facts(canvas: &Canvas) -> Vec<String> {
    let app = canvas.app;
    let Some(catalogue) = canvas.catalogue() else {
        return vec![app.source.index.display().to_string()];
    };
    let mut mode = app.mode.to_string();
    if app.joint {
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

fn running(canvas: &Canvas) -> Option<String> {
    let app = canvas.app;
    let Some(kind) = app.asked.running() else {
        let key = app
            .settings
            .keymap
            .key_of(Context::Global, Action::StopEvaluation);
        let said = key.map_or_else(
            || "■ stopped".to_owned(),
            |key| format!("■ stopped · {key} goes on"),
        );
        return app.is_stopped().then_some(said);
    };
    let spin = SPINNER[app.ticks as usize % SPINNER.len()];
    let what = match kind {
        Kind::Open => "opening",
        Kind::Expand => "expanding",
        Kind::Failures => "looking for failures",
        _ => "measuring the classes",
    };
    let Some(progress) = app.progress.get(&kind) else {
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
    let note = if progress.note.is_empty() {
        String::new()
    } else {
        format!(" · {}", progress.note)
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
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [7, 825, 14489, 1000000].map(thousands),
            ["7", "825", "14,489", "1,000,000"]
        );
    }
}
