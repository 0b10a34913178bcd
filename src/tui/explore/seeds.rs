//! The seeds of the present expansion, and the completion of a typed name.
//!
//! Changes of the seeds: typed, taken from the candidates.
//!
//! The seeds as chips that wrap, and the place where another is typed.

use crate::config::{Action, Context, Role};
use crate::engine::protocol::Catalogue;
use crate::name::matchable;
use crate::tui::app::App;
use crate::tui::parts::Pane;
use crate::tui::parts::Popup;
use crate::tui::text_input::TextInput;
use crate::tui::text_input::erase_from_end;
use crate::tui::ui::draw_context::DrawContext;
use crate::tui::ui::frame_info::ClickTarget;
use crate::tui::ui::text;
use crate::types::EntityId;
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// A name being typed, and what it may become.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typing {
    pub input: String,
    /// Best first.
    pub matches: Vec<EntityId>,
    pub cursor: usize,
}

/// How many completions are kept.
const COMPLETIONS: usize = 50;

impl Typing {
    /// Looks for the input anew in all of the catalogue's names. The first match that is no seed
    /// yet is highlighted.
    pub fn search(&mut self, catalogue: &Catalogue, seeds: &[EntityId]) {
        self.cursor = 0;
        self.matches.clear();
        if self.input.trim().is_empty() {
            return;
        }
        let matcher = SkimMatcherV2::default().ignore_case();
        let input = matchable(self.input.trim());
        let mut found: Vec<(i64, &str, EntityId)> = catalogue
            .entities
            .iter()
            .filter_map(|e| {
                Some((
                    matcher.fuzzy_match(&matchable(&e.name), &input)?,
                    e.name.as_str(),
                    e.id,
                ))
            })
            .collect();
        // Of equal scores the shorter name is the nearer.
        found.sort_by(|a, b| {
            b.0.cmp(&a.0)
                .then(a.1.len().cmp(&b.1.len()))
                .then(a.1.cmp(b.1))
        });
        self.matches = found.into_iter().take(COMPLETIONS).map(|f| f.2).collect();
        self.cursor = self
            .matches
            .iter()
            .position(|entity| !seeds.contains(entity))
            .unwrap_or(0);
    }

    pub fn highlighted(&self) -> Option<EntityId> {
        self.matches.get(self.cursor).copied()
    }
}

impl App {
    pub(crate) fn start_typing(&mut self) {
        (self.explore.focus, self.explore.seeds.chip) =
            (Pane::Seeds, self.explore.query.seeds.seeds.len());
        self.explore.seeds.typing = Some(Typing::default());
    }

    pub(crate) fn accept(&mut self) {
        let highlighted = self
            .explore
            .seeds
            .typing
            .as_ref()
            .and_then(Typing::highlighted);
        match highlighted {
            Some(entity) => {
                self.explore.seeds.typing = Some(Typing::default());
                self.add_seed(entity);
                self.explore.seeds.chip = self.explore.query.seeds.seeds.len();
            }
            None if self
                .explore
                .seeds
                .typing
                .as_ref()
                .is_some_and(|t| t.input.is_empty()) =>
            {
                self.close()
            }
            None => self.notify("no entity is called that"),
        }
    }

    pub(crate) fn erase(&mut self, action: Action) {
        if let Some(typing) = &mut self.explore.seeds.typing {
            if typing.input.is_empty() && action == Action::Erase {
                return self.remove_chip(self.explore.query.seeds.seeds.len().saturating_sub(1));
            }
            erase_from_end(&mut typing.input, action);
            return self.complete();
        }
        erase_from_end(&mut self.explore.classes.tree.filter, action);
        self.explore.classes.tree.cursor = 0;
    }

    fn add_seed(&mut self, entity: EntityId) {
        if self.explore.query.seeds.seeds.contains(&entity) {
            return self.notify("it is a seed already");
        }
        let mut to = self.explore.query.seeds.clone();
        to.rejected.retain(|&r| r != entity);
        to.seeds.push(entity);
        self.change_seeds(to);
    }

    pub(crate) fn remove_chip(&mut self, at: usize) {
        if at < self.explore.query.seeds.seeds.len() {
            let mut to = self.explore.query.seeds.clone();
            to.seeds.remove(at);
            self.change_seeds(to);
        }
    }

    pub(crate) fn seed_subject(&mut self) {
        if let Some(Popup::Missing(_)) = self.overlay.popup {
            self.open();
        }
        if let Some(entity) = self.subject() {
            self.step_past(entity);
            self.add_seed(entity);
        }
    }

    pub(crate) fn reject_subject(&mut self) {
        let Some(entity) = self.subject() else { return };
        if self.explore.query.seeds.seeds.contains(&entity)
            || self.explore.query.seeds.rejected.contains(&entity)
        {
            return;
        }
        self.step_past(entity);
        let mut to = self.explore.query.seeds.clone();
        to.rejected.push(entity);
        self.change_seeds(to);
    }

    /// The cursor goes on to the next candidate, since this one leaves the list.
    fn step_past(&mut self, entity: EntityId) {
        let rows = self.rows();
        if let Some(at) = rows.iter().position(|r| r.entity == entity) {
            self.explore.candidates.selected = rows.get(at + 1).map(|r| r.entity);
        }
    }
}

/// More lines of chips than this are not shown; the last ones are.
const MOST_LINES: usize = 4;

/// Columns that the place to add a seed takes at least.
const FIELD: usize = 14;

/// A chip's place: line, column, width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    line: usize,
    column: usize,
    width: usize,
}

/// How tall the pane is to be at this width.
pub fn height(app: &App, width: u16) -> u16 {
    let places = places(app, usize::from(width.saturating_sub(4)));
    2 + places.last().map_or(1, |p| (p.line + 1).min(MOST_LINES)) as u16
}

/// The places of all chips, and last that of the field.
fn places(app: &App, width: usize) -> Vec<Place> {
    let chips = app.explore.query.seeds.seeds.iter().map(|&s| {
        let name = app
            .shared
            .catalogue
            .as_ref()
            .and_then(|c| c.entity(s))
            .map_or(6, |e| text::width(&e.name));
        name + 4
    });
    let typed = app
        .explore
        .seeds
        .typing
        .as_ref()
        .map_or(0, |t| text::width(&t.input) + 2);
    flow(chips.chain([typed.max(FIELD)]), width)
}

/// Boxes of these widths one after the other, a column apart, in lines of `width`.
fn flow(widths: impl Iterator<Item = usize>, width: usize) -> Vec<Place> {
    let (mut line, mut column) = (0, 0);
    let mut out = Vec::new();
    for wide in widths {
        let wide = wide.min(width);
        if column > 0 && column + wide > width {
            (line, column) = (line + 1, 0);
        }
        out.push(Place {
            line,
            column,
            width: wide,
        });
        column += wide + 1;
    }
    out
}

pub fn draw(canvas: &mut DrawContext, area: Rect) {
    let app = canvas.app;
    let title = Line::from(canvas.title(Pane::Seeds, "Seeds"));
    let right = origin(canvas, usize::from(area.width.saturating_sub(12)));
    let inner = canvas.pane(area, Pane::Seeds, title, right);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let places = places(app, inner.width.into());
    let lines = usize::from(inner.height);
    let skip = places
        .last()
        .map_or(0, |p| (p.line + 1).saturating_sub(lines));
    for (at, place) in places.iter().enumerate() {
        let Some(line) = place.line.checked_sub(skip) else {
            continue;
        };
        let spot = Rect::new(
            inner.x + place.column as u16,
            inner.y + line as u16,
            place.width as u16,
            1,
        );
        match app.explore.query.seeds.seeds.get(at) {
            Some(&seed) => {
                let name = canvas.name(seed);
                chip(canvas, spot, at, &name);
            }
            None => field(canvas, spot, inner),
        }
    }
}

fn chip(canvas: &mut DrawContext, area: Rect, at: usize, name: &str) {
    let app = canvas.app;
    let focused = app.explore.focus == Pane::Seeds
        && app.explore.seeds.typing.is_none()
        && app.explore.seeds.chip == at;
    let style = canvas.style(Role::Seed);
    let style = if focused {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    };
    let name = text::fit(name, usize::from(area.width).saturating_sub(4));
    let line = Line::from(vec![
        Span::styled(format!(" {name} "), style),
        Span::styled(
            "✕ ",
            if focused {
                style
            } else {
                canvas.style(Role::Quiet)
            },
        ),
    ]);
    canvas.line(area, line);
    canvas.click_target(area, ClickTarget::Seed(at));
    canvas.click_target(
        Rect {
            x: area.right().saturating_sub(2),
            width: 2.min(area.width),
            ..area
        },
        ClickTarget::RemoveSeed(at),
    );
}

fn field(canvas: &mut DrawContext, area: Rect, inner: Rect) {
    let app = canvas.app;
    let area = Rect {
        width: inner.right().saturating_sub(area.x),
        ..area
    };
    match &app.explore.seeds.typing {
        Some(typing) => {
            let hint = canvas.span(
                Role::Quiet,
                if typing.input.is_empty() {
                    "a name…"
                } else {
                    ""
                },
            );
            canvas.input_line(
                area,
                vec![],
                &TextInput::from(typing.input.as_str()),
                vec![hint],
            );
        }
        None => {
            let key = app
                .shared
                .settings
                .keymap
                .key_of(Context::Global, Action::AddSeed)
                .unwrap_or_default();
            let style = canvas.style(Role::Quiet);
            let here = app.explore.focus == Pane::Seeds
                && app.explore.seeds.chip >= app.explore.query.seeds.seeds.len();
            let style = if here {
                style.add_modifier(Modifier::REVERSED)
            } else {
                style
            };
            let rejected = match app.explore.query.seeds.rejected.len() {
                0 => String::new(),
                n => format!("   − {n} rejected"),
            };
            let hint = format!("{key} add…");
            let line = Line::from(vec![
                Span::styled(hint, style),
                canvas.span(Role::Quiet, rejected),
            ]);
            canvas.line(area, line);
        }
    }
    canvas.click_target(area, ClickTarget::AddSeed);
}

/// Where the seeds come from: "carnivorous mammals · query 2 of 5 (3 seeds) · edited".
fn origin(canvas: &DrawContext, room: usize) -> Line<'static> {
    let (app, Some(catalogue)) = (canvas.app, canvas.catalogue()) else {
        return Line::default();
    };
    let Some(class) = app.explore.query.seeds.class else {
        let guessed = app
            .explore
            .query
            .seeds
            .gold_class(catalogue)
            .map(|c| format!(" all {} ", catalogue.class(c).title()));
        return Line::from(canvas.span(Role::Quiet, guessed.unwrap_or_default()));
    };
    let title = catalogue.class(class).title();
    let mut said = String::new();
    if let Some(number) = app.explore.query.seeds.number {
        let of = catalogue
            .queries_of(class, app.explore.query.seeds.count)
            .count();
        said = format!(
            "· query {} of {of} ({} seeds) ",
            number + 1,
            app.explore.query.seeds.count.as_usize()
        );
    }
    if !app.explore.query.seeds.is_query(catalogue) && app.explore.query.seeds.number.is_some() {
        said.push_str("· edited ");
    }
    let title = text::cut(&title, room.saturating_sub(text::width(&said) + 2));
    Line::from(vec![
        canvas.span(Role::Title, format!(" {title} ")),
        canvas.span(Role::Quiet, said),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{ClassCard, EntityCard};
    use crate::types::{ClassId, Query, SeedCount};

    fn catalogue() -> Catalogue {
        let mut c = Catalogue::default();
        for (i, (name, classes)) in [
            ("lion", vec![0]),
            ("sea lion", vec![0, 1]),
            ("dandelion", vec![2]),
            ("tiger", vec![0]),
        ]
        .into_iter()
        .enumerate()
        {
            let classes = classes.into_iter().map(ClassId).collect();
            c.entities.push(EntityCard {
                id: EntityId(i as u32),
                name: name.into(),
                classes,
                pairs: 3,
            });
        }
        for name in ["cats", "sea", "flowers"] {
            c.classes.push(ClassCard {
                name: name.into(),
                middle: None,
                coarse: None,
                members: Vec::new(),
                negatives: Vec::new(),
            });
        }
        let seeds = vec![EntityId(0), EntityId(3)];
        c.queries.push(Query {
            class: ClassId(0),
            seed_count: SeedCount::Five,
            number: 0,
            seeds,
        });
        c.with_positions()
    }

    #[test]
    fn completion_is_best_first_and_highlights_no_seed() {
        let mut typing = Typing {
            input: "lion".into(),
            ..Typing::default()
        };
        typing.search(&catalogue(), &[]);
        assert_eq!(typing.matches, [EntityId(0), EntityId(1), EntityId(2)]);
        typing.search(&catalogue(), &[EntityId(0)]);
        assert_eq!(typing.matches, [EntityId(0), EntityId(1), EntityId(2)]);
        assert_eq!(typing.highlighted(), Some(EntityId(1)));
    }

    #[test]
    fn completion_finds_names_in_every_unicode_form() {
        let mut islands = catalogue();
        islands.entities[3].name = "I\u{302}le d'Yeu".into();
        for typed in ["Île", "île", "I\u{302}le"] {
            let mut typing = Typing {
                input: typed.into(),
                ..Typing::default()
            };
            typing.search(&islands, &[]);
            assert_eq!(typing.highlighted(), Some(EntityId(3)), "{typed}");
        }
    }

    #[test]
    fn chips_wrap_and_never_pass_the_edge() {
        let places = flow([8, 9, 11, 14].into_iter(), 30);
        assert_eq!(
            places
                .iter()
                .map(|p| (p.line, p.column))
                .collect::<Vec<_>>(),
            [(0, 0), (0, 9), (0, 19), (1, 0)]
        );
        assert!(
            flow([50, 3].into_iter(), 20)
                .iter()
                .all(|p| p.column + p.width <= 20)
        );
    }
}
