//! The last line: the list's metrics, its ceiling, what is missing, how far it is.
//!
//! ` AP@10 .93  @20 .88  @50 .81  @100 .81   P@10 .90   ceiling 1.0   missing 3 ▸      120 of 120 picked, re-ranked`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::config::Role;
use crate::tui::canvas::Canvas;
use crate::tui::view::Hit;
use crate::types::CUTOFFS;

/// From this width on the line says how long it took.
const WITH_TIME: u16 = 100;

pub fn draw(canvas: &mut Canvas, area: Rect) {
    let app = canvas.app;
    let Some(expansion) = app.expansion.as_ref().filter(|e| e.failed.is_none()) else { return };
    let state = state(canvas, area.width >= WITH_TIME);
    let room = usize::from(area.width).saturating_sub(text::width(&state) + 2);
    let mut spans: Vec<Span> = vec![Span::raw(" ")];
    let mut used = 1;
    let measures = expansion.measured.map(|(picked, reranked)| if app.reranked { reranked } else { picked });
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(m) = measures {
        for (at, k) in CUTOFFS.iter().enumerate() {
            let label = if at == 0 { format!("AP@{k}") } else { format!("@{k}") };
            facts.push((label, text::fraction(m.ap[at])));
        }
        facts.push((format!("P@{}", CUTOFFS[0]), text::fraction(m.p[0])));
        facts.push((if area.width >= WITH_TIME { "ceiling" } else { "of" }.into(), text::fraction(m.ceiling[0])));
    }
    let missing = expansion.missing.as_ref().map(|m| match m.len() {
        0 => "missing 0".to_owned(),
        n => format!("missing {n} ▸"),
    });
    let reserved = missing.as_ref().map_or(0, |m| text::width(m) + 2);
    for (label, value) in facts {
        let wide = text::width(&label) + text::width(&value) + 3;
        if used + wide + reserved > room {
            break;
        }
        used += wide;
        spans.push(canvas.span(Role::Quiet, format!("{label} ")));
        spans.push(canvas.span(Role::Title, format!("{value}  ")));
    }
    if let Some(missing) = missing {
        let at = Rect { x: area.x + used as u16, width: (text::width(&missing) as u16).min(area.width), ..area };
        spans.push(canvas.span(Role::Warning, missing));
        canvas.hit(at, Hit::MissingCount);
    }
    canvas.line(area, Line::from(spans));
    let wide = (text::width(&state) as u16 + 1).min(area.width);
    let line = Line::from(canvas.span(Role::Quiet, state));
    canvas.line(Rect { x: area.right() - wide, width: wide, ..area }, line);
}

/// "87 of 120 picked", then "120 picked, re-ranked in 0.2 s".
fn state(canvas: &Canvas, roomy: bool) -> String {
    let Some(e) = &canvas.app.expansion else { return String::new() };
    let picked = e.picks.len();
    match (&e.reranked, e.took) {
        (None, _) if canvas.app.expands() => format!("{picked} of {} picked", e.ask.size),
        (None, None) => format!("{picked} picked"),
        (None, Some(took)) => format!("{picked} picked, {}", seconds(took.as_secs_f64())),
        (Some(_), _) if !roomy => format!("{picked} re-ranked"),
        (Some(_), None) => format!("{picked} picked, re-ranked"),
        (Some(_), Some(took)) => format!("{picked} picked, re-ranked, {}", seconds(took.as_secs_f64())),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}
