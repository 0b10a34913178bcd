//! The last line of Explore: metrics, their ceiling, the missing entities, and the progress.
//!
//! ` AP@10 .93  @20 .88  @50 .81  @100 .81   P@10 .90   ceiling 1.0   missing 3 ▸      120 ranked`

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::explore::candidates::CandidatesPane;
use crate::tui::explore::expansion::CandidateList;
use crate::tui::shared::Shared;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::CUTOFFS;

/// The least width in columns of a line with the elapsed time.
const WITH_TIME: u16 = 100;

/// One metric with its label.
struct Fact {
    label: String,
    value: String,
}

/// Draws the line.
pub(crate) fn draw(canvas: &mut DrawContext, area: Rect, candidates: &CandidatesPane) {
    let expansion = candidates.expansion.as_ref();
    let Some(expansion) = expansion.filter(|expansion| expansion.error.is_none()) else {
        return;
    };
    let roomy = area.width >= WITH_TIME;
    let progress = progress(canvas.shared, expansion, candidates.reranked, roomy);
    let room = usize::from(area.width).saturating_sub(text::width(&progress) + 2);
    let (missing, role) = match expansion.missing.as_ref().map(Vec::len) {
        None => (String::new(), Role::Quiet),
        Some(0) => ("missing 0".to_owned(), Role::Quiet),
        Some(count) => (format!("missing {count} ▸"), Role::Warning),
    };
    let mut spans: Vec<Span> = vec![Span::raw(" ")];
    let mut used = 1;
    for Fact { label, value } in facts(expansion, candidates.reranked, roomy) {
        let width = text::width(&label) + text::width(&value) + 3;
        if used + width + text::width(&missing) + 2 > room {
            break;
        }
        used += width;
        spans.push(canvas.span(Role::Quiet, format!("{label} ")));
        spans.push(canvas.span(Role::Title, format!("{value}  ")));
    }
    let missing_area = Rect {
        x: area.x + used as u16,
        width: (text::width(&missing) as u16).min(area.width),
        ..area
    };
    canvas.click_target(missing_area, ClickTarget::MissingCount);
    spans.push(canvas.span(role, missing));
    canvas.line(area, Line::from(spans));
    let width = (text::width(&progress) as u16 + 1).min(area.width);
    let right = Rect {
        x: area.right() - width,
        width,
        ..area
    };
    let progress = Line::from(canvas.span(Role::Quiet, progress));
    canvas.line(right, progress);
}

/// Returns the metrics, the most important ones first.
fn facts(expansion: &CandidateList, reranked: bool, roomy: bool) -> Vec<Fact> {
    let Some((before, after)) = &expansion.metrics else {
        return Vec::new();
    };
    let metrics = if reranked { after } else { before };
    let fact = |label: String, value: f64| Fact {
        label,
        value: text::fraction(value),
    };
    let mut facts = Vec::new();
    for (at, cutoff) in CUTOFFS.iter().enumerate() {
        let name = if at == 0 { "AP" } else { "" };
        facts.push(fact(format!("{name}@{cutoff}"), metrics.ap[at]));
    }
    facts.push(fact(format!("P@{}", CUTOFFS[0]), metrics.p[0]));
    let ceiling = if roomy { "ceiling" } else { "of" };
    facts.push(fact(ceiling.into(), metrics.ceiling[0]));
    facts
}

/// Returns the progress: "120 ranked, 21 ms"; of a window search "87 of 120 picked", then "120 picked,
/// re-ranked, 0.2 s".
fn progress(shared: &Shared, expansion: &CandidateList, reranked: bool, roomy: bool) -> String {
    let picked = expansion.candidates.len();
    if !expansion.request.is_window_search() {
        return ranked(expansion, roomy);
    }
    if expansion.reranked.is_some() && !reranked {
        return format!("{picked} picked, before re-ranking");
    }
    let elapsed = expansion
        .elapsed
        .map(|elapsed| seconds(elapsed.as_secs_f64()));
    match (&expansion.reranked, elapsed) {
        (None, _) if shared.is_expanding() => {
            format!("{picked} of {} picked", expansion.request.size)
        }
        (None, None) => format!("{picked} picked"),
        (None, Some(elapsed)) => format!("{picked} picked, {elapsed}"),
        (Some(_), _) if !roomy => format!("{picked} re-ranked"),
        (Some(_), None) => format!("{picked} picked, re-ranked"),
        (Some(_), Some(elapsed)) => format!("{picked} picked, re-ranked, {elapsed}"),
    }
}

fn ranked(expansion: &CandidateList, roomy: bool) -> String {
    let count = expansion.candidates.len();
    match expansion.elapsed {
        Some(elapsed) if roomy => format!("{count} ranked, {}", seconds(elapsed.as_secs_f64())),
        _ => format!("{count} ranked"),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}
