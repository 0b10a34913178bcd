//! Draws the What-if popup.
//!
//! ```text
//! ┏ What if ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ carnivorous mammals · query 2 of 5 (3 seeds)                        ┃
//! ┃ − leopard  + jaguar  ✗ horse  window 1                              ┃
//! ┃                                                                     ┃
//! ┃ mode        ‹ both ›                                                ┃
//! ┃ ranking       window search                                         ┃
//! ┃ window        1: picks the best score                               ┃
//! ┃ re-ranking    as published, 9/i + 1/j                               ┃
//! ┃                                                                     ┃
//! ┃              AP@10   @20   @50  @100    P@10                        ┃
//! ┃ unchanged      .93   .88   .81   .81     .90                        ┃
//! ┃ changed        .88   .83   .80   .80     .80                        ┃
//! ┃ difference  ▼ −.05 …                                                ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━ ← → change · 0 resets · u undoes · esc ━━━━━━━┛
//! ```

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::config::Role;
use crate::tui::explore::query::{ExpansionQuery, QueryChange};
use crate::tui::overlay::query_labels::{change_label, origin};
use crate::tui::overlay::what_if::{Setting, WhatIf};
use crate::tui::ui::delta::difference;
use crate::tui::ui::draw_context::{DrawContext, centered, indented};
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::{CUTOFFS, MetricValues, RankingKind, SearchSettings};

/// The width of the popup in columns.
const WIDTH: u16 = 74;
/// The width of the labels of lines in columns.
const LABEL_WIDTH: usize = 12;
/// The greatest width of a number in columns.
const MAX_NUMBER_WIDTH: usize = 9;
/// The greatest number of lines of changes.
const MAX_CHANGE_LINES: usize = 3;
/// The number of metrics: AP at each cutoff, and P at the first.
const METRICS: usize = CUTOFFS.len() + 1;
/// The value of a setting of the window search in another ranking.
const NOT_APPLICABLE: &str = "of the window search only";
/// The gold never contains the seeds, so other seeds have another gold.
const GOLD_WARNING: &str = "The gold differs: it has the dropped seeds, and not the added ones.";

impl WhatIf {
    /// Draws the popup. `metrics` are those of the present query, `None` until they arrive.
    pub fn draw(
        &self,
        canvas: &mut DrawContext,
        screen: Rect,
        query: &ExpansionQuery,
        metrics: Option<MetricValues>,
    ) {
        let Some(catalogue) = canvas.catalogue() else {
            return;
        };
        let changes = query.changes(catalogue);
        let width = WIDTH.min(screen.width.saturating_sub(2));
        let inner_width = usize::from(width).saturating_sub(4);
        let mut lines = query_lines(canvas, query, &changes, inner_width);
        lines.push(Line::default());
        let first_setting = lines.len();
        lines.extend(self.setting_lines(canvas, query, inner_width));
        lines.push(Line::default());
        lines.extend(self.metric_lines(canvas, metrics, &changes, inner_width));
        let height = lines.len() as u16 + 2;
        let area = Rect {
            height: height.min(screen.height),
            ..centered(screen, width, height)
        };
        let footer = "← → change · 0 resets · u undoes · ? keys · esc";
        let inner = indented(canvas.popup(area, "What if", footer));
        let settings = inner.rows().skip(first_setting);
        for (index, row) in settings.take(Setting::ALL.len()).enumerate() {
            canvas.click_target(row, ClickTarget::Setting(index));
        }
        canvas.lines(inner, lines);
    }

    fn setting_lines(
        &self,
        canvas: &DrawContext,
        query: &ExpansionQuery,
        width: usize,
    ) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (index, setting) in Setting::ALL.into_iter().enumerate() {
            let selected = index == self.cursor;
            let line = setting_line(canvas, query, setting, width, selected);
            lines.push(if selected {
                line.style(canvas.style(Role::Selection))
            } else {
                line
            });
        }
        lines
    }

    /// Returns the lines of the metrics, and a warning if the changes give the query another gold.
    fn metric_lines(
        &self,
        canvas: &DrawContext,
        metrics: Option<MetricValues>,
        changes: &[QueryChange],
        width: usize,
    ) -> Vec<Line<'static>> {
        let number_width = (width.saturating_sub(LABEL_WIDTH) / METRICS).min(MAX_NUMBER_WIDTH);
        let mut lines = match &self.baseline {
            Some(baseline) => {
                let unchanged = baseline.metrics.map(|(_, reranked)| reranked);
                metric_table(canvas, unchanged, metrics, number_width)
            }
            None => {
                let message = "Without a class there are no metrics.";
                vec![Line::from(canvas.span(Role::Quiet, message))]
            }
        };
        let changes_gold = |change: &QueryChange| {
            matches!(
                change,
                QueryChange::Dropped(_) | QueryChange::Added(_) | QueryChange::Accepted(_)
            )
        };
        if changes.iter().any(changes_gold) {
            let warning = text::cut(GOLD_WARNING, width);
            lines.push(Line::from(canvas.span(Role::Quiet, warning)));
        }
        lines
    }
}

/// Returns the lines on top: the query and its changes.
fn query_lines(
    canvas: &DrawContext,
    query: &ExpansionQuery,
    changes: &[QueryChange],
    width: usize,
) -> Vec<Line<'static>> {
    let origin = text::cut(&origin(canvas, query), width);
    let mut lines = vec![Line::from(canvas.span(Role::Title, origin))];
    let changes = change_lines(canvas, changes, width);
    lines.extend(changes.into_iter().take(MAX_CHANGE_LINES));
    lines
}

fn change_lines(canvas: &DrawContext, changes: &[QueryChange], width: usize) -> Vec<Line<'static>> {
    if changes.is_empty() {
        return vec![Line::from(canvas.span(Role::Quiet, "no changes"))];
    }
    let mut words: Vec<(String, Style)> = Vec::new();
    for &change in changes {
        let (role, label) = change_label(canvas, change);
        // a no-break space keeps a change on one line
        let word = label.replace(' ', "\u{a0}") + "\u{a0}";
        words.push((word, canvas.style(role)));
    }
    text::wrap_words(words, width)
}

fn setting_line(
    canvas: &DrawContext,
    query: &ExpansionQuery,
    setting: Setting,
    width: usize,
    selected: bool,
) -> Line<'static> {
    let (label, value) = match setting {
        Setting::Mode => ("mode", query.mode.to_string()),
        Setting::Ranking => ("ranking", ranking(query.ranking).to_owned()),
        Setting::Window if !query.is_window_search() => ("window", NOT_APPLICABLE.to_owned()),
        Setting::Reranking if !query.is_window_search() => {
            ("re-ranking", NOT_APPLICABLE.to_owned())
        }
        Setting::Window => ("window", window(query.settings)),
        Setting::Reranking => ("re-ranking", reranking(query.settings)),
    };
    let value = if selected {
        format!("‹ {value} ›")
    } else {
        format!("  {value}")
    };
    let value = text::fit(&value, width.saturating_sub(LABEL_WIDTH));
    Line::from(vec![
        canvas.span(Role::Quiet, text::fit(label, LABEL_WIDTH)),
        canvas.span(Role::Text, value),
    ])
}

fn ranking(ranking: RankingKind) -> &'static str {
    match ranking {
        RankingKind::Feedback => "by feedback: the seeds and the best candidates",
        RankingKind::Window => "window search, as published",
        RankingKind::SeedSimilarity => "by seeds: the sum of Z over the seeds",
        RankingKind::Joint => "window search, jointly with every class",
    }
}

fn window(settings: SearchSettings) -> String {
    match settings.window {
        None => "as published".into(),
        Some(1) => "1: picks the best score".into(),
        Some(size) => format!("{size} candidates compete for each pick"),
    }
}

fn reranking(settings: SearchSettings) -> String {
    let weights = match settings.weights() {
        [_, 0] => return "none: in the order of the picks".into(),
        [0, _] => "by divergence alone".into(),
        [rank, divergence] => format!("{rank}/i + {divergence}/j"),
    };
    if settings.weights.is_none() {
        format!("as published, {weights}")
    } else {
        weights
    }
}

/// Returns the metrics of the unchanged and the changed query, and their difference.
fn metric_table(
    canvas: &DrawContext,
    unchanged: Option<MetricValues>,
    changed: Option<MetricValues>,
    width: usize,
) -> Vec<Line<'static>> {
    let cell = |role, text: &str| canvas.span(role, text::fit_right(text, width));
    let mut header: Vec<Span> = CUTOFFS
        .iter()
        .map(|cutoff| cell(Role::Quiet, &format!("AP@{cutoff}")))
        .collect();
    header.push(cell(Role::Quiet, &format!("P@{}", CUTOFFS[0])));
    let mut lines = vec![table_line(canvas, "", header)];
    for (label, metrics) in [("unchanged", unchanged), ("changed", changed)] {
        let mut cells = Vec::new();
        for index in 0..METRICS {
            let value = metrics.map(|metrics| text::fraction(metric(&metrics, index)));
            cells.push(cell(Role::Text, value.as_deref().unwrap_or("…")));
        }
        lines.push(table_line(canvas, label, cells));
    }
    let mut differences = Vec::new();
    for index in 0..METRICS {
        let both = unchanged.zip(changed);
        let value = both.map(|(from, to)| metric(&to, index) - metric(&from, index));
        differences.push(difference(canvas, value, width));
    }
    lines.push(table_line(canvas, "difference", differences));
    lines
}

/// Returns AP at the cutoff of this index; after the last one, P at the first cutoff.
fn metric(metrics: &MetricValues, index: usize) -> f64 {
    metrics.ap.get(index).copied().unwrap_or(metrics.p[0])
}

fn table_line(canvas: &DrawContext, label: &str, cells: Vec<Span<'static>>) -> Line<'static> {
    let mut spans = vec![canvas.span(Role::Quiet, text::fit(label, LABEL_WIDTH))];
    spans.extend(cells);
    Line::from(spans)
}
