//! Labels of queries: where a query comes from, and how it was changed.

use crate::config::Role;
use crate::tui::evaluations::ranking_name;
use crate::tui::explore::query::{ExpansionQuery, QueryChange};
use crate::tui::ui::draw_context::DrawContext;

/// Returns the class and the number of a query, or the names of free seeds:
/// "carnivorous mammals · query 2 of 5 (3 seeds)".
pub fn origin(canvas: &DrawContext, query: &ExpansionQuery) -> String {
    let (Some(catalogue), Some(class)) = (canvas.catalogue(), query.seeds.class) else {
        let seeds = query.seeds.seeds.iter();
        let names: Vec<String> = seeds.map(|&seed| canvas.name(seed)).collect();
        return format!("free seeds: {}", names.join(", "));
    };
    let title = catalogue.class(class).title();
    let Some(number) = query.seeds.number else {
        return title;
    };
    let count = catalogue.queries_of(class, query.seeds.count).count();
    let seeds = query.seeds.count.as_usize();
    format!("{title} · query {} of {count} ({seeds} seeds)", number + 1)
}

/// Returns a change in a few words, such as "− leopard", and its colour.
pub fn change_label(canvas: &DrawContext, change: QueryChange) -> (Role, String) {
    match change {
        QueryChange::Dropped(entity) => (Role::Miss, format!("− {}", canvas.name(entity))),
        QueryChange::Added(entity) => (Role::Gold, format!("+ {}", canvas.name(entity))),
        QueryChange::Accepted(entity) => (Role::Gold, format!("✓ {}", canvas.name(entity))),
        QueryChange::Rejected(entity) => (Role::Miss, format!("✗ {}", canvas.name(entity))),
        QueryChange::Mode(mode) => (Role::Warning, format!("mode {mode}")),
        QueryChange::Ranking(ranking) => (Role::Warning, ranking_name(ranking).into()),
        QueryChange::Window(width) => (Role::Warning, format!("window {width}")),
        QueryChange::Weights([_, 0]) => (Role::Warning, "no re-ranking".into()),
        QueryChange::Weights([rank, divergence]) => (
            Role::Warning,
            format!("re-ranking {rank}/i + {divergence}/j"),
        ),
    }
}

/// Returns the origin of a query and its changes on one line.
pub fn summary(canvas: &DrawContext, query: &ExpansionQuery) -> String {
    let Some(catalogue) = canvas.catalogue() else {
        return String::new();
    };
    let origin = origin(canvas, query);
    let changes: Vec<String> = query
        .changes(catalogue)
        .into_iter()
        .map(|change| change_label(canvas, change).1)
        .collect();
    if changes.is_empty() {
        origin
    } else {
        format!("{origin} · {}", changes.join("  "))
    }
}
