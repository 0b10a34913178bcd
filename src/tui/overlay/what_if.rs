//! What if: the settings of the search one by one, and the unchanged state to measure against.
//!
//! What if: what is changed from the class's own query, the settings of the search, and what all
//! that does to the metrics.
//!
//! ```text
//! ┏ What if ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ carnivorous mammals · query 2 of 5 (3 seeds)                        ┃
//! ┃ − leopard  + jaguar  ✗ horse  window 1                              ┃
//! ┃                                                                     ┃
//! ┃ mode        ‹ both ›                                                ┃
//! ┃ expansion   ‹ alone ›                                               ┃
//! ┃ window      ‹ 1: the best is picked ›                               ┃
//! ┃ re-ranking  ‹ as published, 9/i + 1/j ›                             ┃
//! ┃                                                                     ┃
//! ┃              AP@10   @20   @50  @100    P@10                        ┃
//! ┃ unchanged      .93   .88   .81   .81     .90                        ┃
//! ┃ changed        .88   .83   .80   .80     .80                        ┃
//! ┃ difference  ▼ −.05 …                                                ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━ ← → changes · 0 unchanged · u undoes · esc ━━━┛
//! ```

use crate::config::Role;
use crate::engine::protocol::{ExpandRequest, RequestKind};
use crate::tui::app::App;
use crate::tui::explore::query::{ExpansionQuery, QueryChange};
use crate::tui::parts::Popup;
use crate::tui::requests::RequestClass;
use crate::tui::ui::delta::difference;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::{CUTOFFS, MetricValues, SearchSettings};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A setting that the What-if popup changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Mode,
    Joint,
    Window,
    Reranking,
}

impl Setting {
    pub const ALL: [Setting; 4] = [
        Setting::Mode,
        Setting::Joint,
        Setting::Window,
        Setting::Reranking,
    ];
}

/// Windows to choose from; none: as published.
const WINDOWS: [Option<u32>; 8] = [
    None,
    Some(1),
    Some(2),
    Some(3),
    Some(5),
    Some(8),
    Some(12),
    Some(16),
];
/// Weights of the re-ranking to choose from: none at all, then more and more by divergence.
const WEIGHTS: [Option<[u32; 2]>; 6] = [
    None,
    Some([1, 0]),
    Some([3, 1]),
    Some([1, 1]),
    Some([1, 3]),
    Some([0, 1]),
];

/// The unchanged state's metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIfBaseline {
    pub ask: ExpandRequest,
    /// Before and after re-ranking; none until they are there.
    pub measured: Option<(MetricValues, MetricValues)>,
}

impl App {
    pub(crate) fn open_what_if(&mut self) {
        if self.explore.query.seeds.seeds.is_empty() && self.explore.query.seeds.class.is_none() {
            return self.notify("open a class or type seeds first");
        }
        self.open_popup(Popup::WhatIf(0));
    }

    /// Puts the cursor there; a second click turns.
    pub(crate) fn click_setting(&mut self, at: usize) {
        match self.overlay.popup == Some(Popup::WhatIf(at)) {
            true => self.turn(at, 1),
            false => self.overlay.popup = Some(Popup::WhatIf(at)),
        }
    }

    /// Everything at once, so that one undo brings it back.
    pub(crate) fn take_back_all(&mut self) {
        let Some(catalogue) = self.shared.catalogue.clone() else {
            return;
        };
        let to = self.state().unchanged(&catalogue);
        match to == self.state() {
            true => self.notify("nothing is changed"),
            false => self.change(to),
        }
    }

    /// The next or previous value of a setting.
    pub(crate) fn turn(&mut self, setting: usize, by: isize) {
        let SearchSettings { window, weights } = self.explore.query.settings;
        match Setting::ALL.get(setting) {
            Some(Setting::Mode) => self.turn_mode(by),
            Some(Setting::Joint) => self.toggle_joint(),
            Some(Setting::Window) => self.change_settings(SearchSettings {
                window: turned(&WINDOWS, window, by),
                weights,
            }),
            Some(Setting::Reranking) => self.change_settings(SearchSettings {
                window,
                weights: turned(&WEIGHTS, weights, by),
            }),
            None => {}
        }
    }

    fn change_settings(&mut self, settings: SearchSettings) {
        self.change(ExpansionQuery {
            settings,
            ..self.state()
        });
    }

    /// Has the unchanged state measured while its metrics are on the screen, once.
    pub(crate) fn measure_unchanged(&mut self) {
        let (Some(Popup::WhatIf(_)), Some(catalogue)) =
            (self.overlay.popup, &self.shared.catalogue)
        else {
            return;
        };
        let ask = self
            .state()
            .unchanged(catalogue)
            .request(catalogue, self.shared.settings.candidates);
        let Some(ask) = ask.filter(|ask| ask.class.is_some()) else {
            return self.overlay.what_if = None;
        };
        if self
            .overlay
            .what_if
            .as_ref()
            .is_none_or(|known| known.ask != ask)
        {
            self.overlay.what_if = Some(WhatIfBaseline {
                ask: ask.clone(),
                measured: None,
            });
            self.shared
                .engine
                .send(RequestClass::Measure, RequestKind::Measure(ask));
        }
    }
}

/// The value so many places on, round and round; from a value that is not among them, the first.
fn turned<T: Copy + PartialEq>(values: &[T], now: T, by: isize) -> T {
    let at = values.iter().position(|&value| value == now);
    let to = at.map_or(0, |at| {
        (at as isize + by).rem_euclid(values.len() as isize) as usize
    });
    values.get(to).copied().unwrap_or(now)
}

const WIDTH: u16 = 74;
/// Columns of the names of lines.
const LABEL: usize = 12;
/// Columns of a number, where there is room.
const NUMBER: usize = 9;
/// Gold never holds the seeds, so other seeds have another gold.
const RESEEDED: &str = "A dropped seed is to be found again, an added one no longer counts.";
/// Lines of changes, at most.
const CHANGES: usize = 3;

pub fn draw(canvas: &mut DrawContext, whole: Rect, cursor: usize) {
    let Some(catalogue) = canvas.catalogue() else {
        return;
    };
    let state = canvas.app.state();
    let changed = state.changes(catalogue);
    let width = WIDTH.min(whole.width.saturating_sub(2));
    let inside = usize::from(width).saturating_sub(4);
    let mut lines = query_and_changes(canvas, &state, &changed, inside);
    lines.push(Line::default());
    let first_setting = lines.len();
    let settings = first_setting..first_setting + Setting::ALL.len();
    lines.extend(setting_lines(canvas, &state, inside, cursor));
    lines.push(Line::default());
    lines.extend(effect(canvas, &changed, inside));
    let height = lines.len() as u16 + 2;
    let area = Rect::new(
        (whole.width - width) / 2,
        whole.height.saturating_sub(height) / 2,
        width,
        height.min(whole.height),
    );
    let inner = canvas.popup(
        area,
        "What if",
        "← → changes · 0 unchanged · u undoes · ? keys · esc",
    );
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    for (at, row) in inner.rows().enumerate() {
        if settings.contains(&at) {
            canvas.click_target(row, ClickTarget::Setting(at - first_setting));
        }
    }
    canvas.lines(inner, lines);
}

/// Returns the lines on top: the query, and what is changed from it.
fn query_and_changes(
    canvas: &DrawContext,
    state: &ExpansionQuery,
    changed: &[QueryChange],
    width: usize,
) -> Vec<Line<'static>> {
    let query = text::cut(&origin(canvas, state), width);
    let mut lines = vec![Line::from(canvas.span(Role::Title, query))];
    lines.extend(changes(canvas, changed, width).into_iter().take(CHANGES));
    lines
}

fn setting_lines(
    canvas: &DrawContext,
    state: &ExpansionQuery,
    width: usize,
    cursor: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (at, setting) in Setting::ALL.into_iter().enumerate() {
        let line = setting_line(canvas, state, setting, width, at == cursor);
        lines.push(if at == cursor {
            line.style(canvas.style(Role::Selection))
        } else {
            line
        });
    }
    lines
}

/// Returns the lines at the foot: the metrics, with a warning where the changes give them another
/// gold.
fn effect(canvas: &DrawContext, changed: &[QueryChange], width: usize) -> Vec<Line<'static>> {
    let column = (width.saturating_sub(LABEL) / COLUMNS).min(NUMBER);
    let mut lines = numbers(canvas, column);
    let is_reseeded = changed
        .iter()
        .any(|change| matches!(change, QueryChange::Dropped(_) | QueryChange::Added(_)));
    if is_reseeded {
        let warning = text::cut(RESEEDED, width);
        lines.push(Line::from(canvas.span(Role::Quiet, warning)));
    }
    lines
}

/// "carnivorous mammals · query 2 of 5 (3 seeds)", or that the seeds are free.
pub fn origin(canvas: &DrawContext, state: &ExpansionQuery) -> String {
    let (Some(catalogue), Some(class)) = (canvas.catalogue(), state.seeds.class) else {
        let names: Vec<String> = state
            .seeds
            .seeds
            .iter()
            .map(|&seed| canvas.name(seed))
            .collect();
        return format!("free seeds: {}", names.join(", "));
    };
    let title = catalogue.class(class).title();
    match state.seeds.number {
        Some(number) => {
            let of = catalogue.queries_of(class, state.seeds.count).count();
            format!(
                "{title} · query {} of {of} ({} seeds)",
                number + 1,
                state.seeds.count.as_usize()
            )
        }
        None => title,
    }
}

fn changes(canvas: &DrawContext, changes: &[QueryChange], width: usize) -> Vec<Line<'static>> {
    if changes.is_empty() {
        return vec![Line::from(canvas.span(Role::Quiet, "nothing is changed"))];
    }
    // a no-break space keeps a change on one line
    let words = changes.iter().map(|&change| {
        let (role, said) = change_words(canvas, change);
        (said.replace(' ', "\u{a0}") + "\u{a0}", canvas.style(role))
    });
    text::wrap_words(words.collect::<Vec<(String, Style)>>(), width)
}

/// A change in a few words: "− leopard".
pub fn change_words(canvas: &DrawContext, change: QueryChange) -> (Role, String) {
    match change {
        QueryChange::Dropped(entity) => (Role::Miss, format!("− {}", canvas.name(entity))),
        QueryChange::Added(entity) => (Role::Gold, format!("+ {}", canvas.name(entity))),
        QueryChange::Rejected(entity) => (Role::Miss, format!("✗ {}", canvas.name(entity))),
        QueryChange::Mode(mode) => (Role::Warning, format!("mode {mode}")),
        QueryChange::Joint => (Role::Warning, "joint".into()),
        QueryChange::Window(width) => (Role::Warning, format!("window {width}")),
        QueryChange::Weights([_, 0]) => (Role::Warning, "no re-ranking".into()),
        QueryChange::Weights([rank, divergence]) => (
            Role::Warning,
            format!("re-ranking {rank}/i + {divergence}/j"),
        ),
    }
}

pub fn window(settings: SearchSettings) -> String {
    match settings.window {
        None => "as published".into(),
        Some(1) => "1: the best by score is picked".into(),
        Some(width) => format!("{width} compete for every pick"),
    }
}

pub fn reranking(settings: SearchSettings) -> String {
    let said = match settings.weights() {
        [_, 0] => return "none: as picked".into(),
        [0, _] => "by divergence alone".into(),
        [rank, divergence] => format!("{rank}/i + {divergence}/j"),
    };
    if settings.weights.is_none() {
        format!("as published, {said}")
    } else {
        said
    }
}

fn setting_line(
    canvas: &DrawContext,
    state: &ExpansionQuery,
    setting: Setting,
    width: usize,
    selected: bool,
) -> Line<'static> {
    let (name, value) = match setting {
        Setting::Mode => ("mode", state.mode.to_string()),
        Setting::Joint if state.joint => ("expansion", "jointly with every class".to_owned()),
        Setting::Joint => ("expansion", "alone".to_owned()),
        Setting::Window => ("window", window(state.settings)),
        Setting::Reranking => ("re-ranking", reranking(state.settings)),
    };
    let value = if selected {
        format!("‹ {value} ›")
    } else {
        format!("  {value}")
    };
    Line::from(vec![
        canvas.span(Role::Quiet, text::fit(name, LABEL)),
        canvas.span(Role::Text, text::fit(&value, width.saturating_sub(LABEL))),
    ])
}

/// The metrics of both in columns so wide, or why there are none.
fn numbers(canvas: &DrawContext, width: usize) -> Vec<Line<'static>> {
    let app = canvas.app;
    let quiet = |said: &str| vec![Line::from(canvas.span(Role::Quiet, said.to_owned()))];
    let Some(unchanged) = &app.overlay.what_if else {
        return quiet("Without a class nothing can be measured.");
    };
    let of_changed = app
        .explore
        .candidates
        .expansion
        .as_ref()
        .filter(|_| !app.expands())
        .and_then(|e| e.metrics);
    let (before, after) = (unchanged.measured.map(|m| m.1), of_changed.map(|m| m.1));
    let heads = CUTOFFS
        .iter()
        .map(|k| format!("AP@{k}"))
        .chain([format!("P@{}", CUTOFFS[0])]);
    let mut lines = vec![line(
        canvas,
        "",
        heads.map(|head| canvas.span(Role::Quiet, text::fit_right(&head, width))),
    )];
    for (label, measures) in [("unchanged", before), ("changed", after)] {
        let number = |at| measures.map_or_else(|| "…".into(), |m| text::fraction(column(&m, at)));
        let values =
            (0..COLUMNS).map(|at| canvas.span(Role::Text, text::fit_right(&number(at), width)));
        lines.push(line(canvas, label, values));
    }
    let apart = |at| {
        before
            .zip(after)
            .map(|(before, after)| column(&after, at) - column(&before, at))
    };
    lines.push(line(
        canvas,
        "difference",
        (0..COLUMNS).map(|at| difference(canvas, apart(at), width)),
    ));
    lines
}

/// AP at each cutoff, then P at the first.
const COLUMNS: usize = CUTOFFS.len() + 1;

fn column(measures: &MetricValues, at: usize) -> f64 {
    measures.ap.get(at).copied().unwrap_or(measures.p[0])
}

fn line(
    canvas: &DrawContext,
    label: &str,
    numbers: impl Iterator<Item = Span<'static>>,
) -> Line<'static> {
    let label = canvas.span(Role::Quiet, text::fit(label, LABEL));
    Line::from([label].into_iter().chain(numbers).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_turned_round_and_round() {
        assert_eq!(turned(&WINDOWS, None, 1), Some(1));
        assert_eq!(turned(&WINDOWS, None, -1), Some(16));
        assert_eq!(
            turned(&WINDOWS, Some(7), 1),
            None,
            "one that a file brought"
        );
        assert_eq!(turned(&[] as &[u8], 3, 1), 3);
    }
}
