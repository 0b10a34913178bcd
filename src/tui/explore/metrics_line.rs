//! The last line: the list's metrics, its ceiling, what is missing, how far it is.
//!
//! ` AP@10 .93  @20 .88  @50 .81  @100 .81   P@10 .90   ceiling 1.0   missing 3 ▸      120 of 120
//! picked, re-ranked`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::explore::expansion::CandidateList;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::CUTOFFS;

/// From this width on the line says how long it took.
const WITH_TIME: u16 = 100;

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let Some(expansion) = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .filter(|e| e.failed.is_none())
    else {
        return;
    };
    let roomy = area.width >= WITH_TIME;
    let state = state(canvas, roomy);
    let room = usize::from(area.width).saturating_sub(text::width(&state) + 2);
    let (missing, role) = match expansion.missing.as_ref().map(Vec::len) {
        None => (String::new(), Role::Quiet),
        Some(0) => ("missing 0".to_owned(), Role::Quiet),
        Some(n) => (format!("missing {n} ▸"), Role::Warning),
    };
    let mut spans: Vec<Span> = vec![Span::raw(" ")];
    let mut used = 1;
    for (label, value) in facts(expansion, app.explore.candidates.reranked, roomy) {
        let wide = text::width(&label) + text::width(&value) + 3;
        if used + wide + text::width(&missing) + 2 > room {
            break;
        }
        used += wide;
        spans.push(canvas.span(Role::Quiet, format!("{label} ")));
        spans.push(canvas.span(Role::Title, format!("{value}  ")));
    }
    let at = Rect {
        x: area.x + used as u16,
        width: (text::width(&missing) as u16).min(area.width),
        ..area
    };
    canvas.click_target(at, ClickTarget::MissingCount);
    spans.push(canvas.span(role, missing));
    canvas.line(area, Line::from(spans));
    let wide = (text::width(&state) as u16 + 1).min(area.width);
    let line = Line::from(canvas.span(Role::Quiet, state));
    canvas.line(
        Rect {
            x: area.right() - wide,
            width: wide,
            ..area
        },
        line,
    );
}

/// Label and value, the most telling first.
fn facts(expansion: &CandidateList, reranked: bool, roomy: bool) -> Vec<(String, String)> {
    let Some((before, after)) = expansion.measured else {
        return Vec::new();
    };
    let m = if reranked { after } else { before };
    let mut facts = Vec::new();
    for (at, k) in CUTOFFS.iter().enumerate() {
        let label = if at == 0 {
            format!("AP@{k}")
        } else {
            format!("@{k}")
        };
        facts.push((label, text::fraction(m.ap[at])));
    }
    facts.push((format!("P@{}", CUTOFFS[0]), text::fraction(m.p[0])));
    facts.push((
        if roomy { "ceiling" } else { "of" }.into(),
        text::fraction(m.ceiling[0]),
    ));
    facts
}

/// "87 of 120 picked", then "120 picked, re-ranked in 0.2 s".
fn state(canvas: &DrawContext, roomy: bool) -> String {
    let Some(e) = &canvas.app.explore.candidates.expansion else {
        return String::new();
    };
    let picked = e.picks.len();
    if e.reranked.is_some() && !canvas.app.explore.candidates.reranked {
        return format!("{picked} picked, before re-ranking");
    }
    match (&e.reranked, e.took) {
        (None, _) if canvas.app.expands() => format!("{picked} of {} picked", e.ask.size),
        (None, None) => format!("{picked} picked"),
        (None, Some(took)) => format!("{picked} picked, {}", seconds(took.as_secs_f64())),
        (Some(_), _) if !roomy => format!("{picked} re-ranked"),
        (Some(_), None) => format!("{picked} picked, re-ranked"),
        (Some(_), Some(took)) => format!(
            "{picked} picked, re-ranked, {}",
            seconds(took.as_secs_f64())
        ),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}
