//! The classes as a tree, coarse ▸ middle ▸ fine: folded, filtered, sorted.

use std::collections::{BTreeMap, HashSet};

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use crate::engine::protocol::Catalogue;
use crate::name::matchable;
use crate::types::ClassId;

/// An order of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    /// By size, the largest first.
    Size,
    /// By MAP@10, the best first.
    Map,
}

impl Sort {
    pub fn next(self) -> Sort {
        match self {
            Sort::Name => Sort::Size,
            Sort::Size => Sort::Map,
            Sort::Map => Sort::Name,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Sort::Name => "name",
            Sort::Size => "size",
            Sort::Map => "MAP",
        }
    }
}

/// One line of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow {
    pub depth: usize,
    pub label: String,
    pub kind: TreeKind,
    /// The number of members of all classes below.
    pub size: usize,
    /// The mean MAP@10 of the classes below that have been evaluated.
    pub map: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TreeKind {
    /// A group with its key in [`ClassTree::folded`], which is open or folded.
    Group {
        key: String,
        open: bool,
    },
    Class(ClassId),
}

/// The state of the tree: folded groups, filter, order and cursor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassTree {
    pub folded: HashSet<String>,
    pub filter: String,
    pub sort: Sort,
    pub cursor: usize,
}

/// A class before it is sorted into the tree.
struct Leaf {
    id: ClassId,
    title: String,
    size: usize,
    map: Option<f64>,
}

impl ClassTree {
    /// Returns all rows of the tree; `map` returns a class's MAP@10 once it is known.
    pub fn rows(
        &self,
        catalogue: &Catalogue,
        map: impl Fn(ClassId) -> Option<f64>,
    ) -> Vec<TreeRow> {
        let matcher = SkimMatcherV2::default().ignore_case();
        let filter = matchable(&self.filter);
        let mut groups: BTreeMap<Option<&str>, BTreeMap<Option<&str>, Vec<Leaf>>> = BTreeMap::new();
        for (at, card) in catalogue.classes.iter().enumerate() {
            let (id, title) = (ClassId(at as u16), card.title());
            if !filter.is_empty() && matcher.fuzzy_match(&matchable(&title), &filter).is_none() {
                continue;
            }
            let leaf = Leaf {
                id,
                title,
                size: card.members.len(),
                map: map(id),
            };
            let coarse = groups.entry(card.coarse.as_deref()).or_default();
            coarse.entry(card.middle.as_deref()).or_default().push(leaf);
        }
        let mut rows = Blocks::default();
        for (coarse, middles) in groups {
            match coarse {
                Some(name) => {
                    rows.push(self.group(name, name.to_owned(), 0, self.middles(name, 1, middles)))
                }
                None => rows.0.extend(self.middles("", 0, middles).0),
            }
        }
        rows.sorted(self.sort)
    }

    /// Returns the rows below a coarse class. A middle class with a single class in it is not shown as
    /// a group.
    fn middles(
        &self,
        coarse: &str,
        depth: usize,
        middles: BTreeMap<Option<&str>, Vec<Leaf>>,
    ) -> Blocks {
        let mut blocks = Blocks::default();
        for (middle, leaves) in middles {
            match middle {
                Some(name) if leaves.len() > 1 => {
                    let key = format!("{coarse}/{name}");
                    blocks.push(self.group(name, key, depth, classes(depth + 1, leaves)));
                }
                _ => blocks.0.extend(classes(depth, leaves).0),
            }
        }
        blocks
    }

    fn group(&self, label: &str, key: String, depth: usize, below: Blocks) -> Vec<TreeRow> {
        let open = !self.filter.is_empty() || !self.folded.contains(&key);
        let size = below
            .0
            .iter()
            .filter_map(|b| b.first())
            .map(|r| r.size)
            .sum();
        // the mean is over classes, not over groups: each class counts once
        let maps: Vec<f64> = below
            .0
            .iter()
            .flatten()
            .filter(|r| matches!(r.kind, TreeKind::Class(_)))
            .filter_map(|r| r.map)
            .collect();
        let map = (!maps.is_empty()).then(|| maps.iter().sum::<f64>() / maps.len() as f64);
        let mut rows = vec![TreeRow {
            depth,
            label: label.into(),
            kind: TreeKind::Group { key, open },
            size,
            map,
        }];
        rows.extend(below.sorted(self.sort));
        rows
    }

    /// Returns the rows that are not below a folded group.
    pub fn visible(&self, rows: Vec<TreeRow>) -> Vec<TreeRow> {
        let mut hidden_below = usize::MAX;
        rows.into_iter()
            .filter(|row| {
                if row.depth > hidden_below {
                    return false;
                }
                hidden_below = match row.kind {
                    TreeKind::Group { open: false, .. } => row.depth,
                    _ => usize::MAX,
                };
                true
            })
            .collect()
    }
}

fn classes(depth: usize, leaves: Vec<Leaf>) -> Blocks {
    let row = |l: Leaf| TreeRow {
        depth,
        label: l.title,
        kind: TreeKind::Class(l.id),
        size: l.size,
        map: l.map,
    };
    Blocks(leaves.into_iter().map(|l| vec![row(l)]).collect())
}

/// Siblings, each with the rows below it. They are sorted by their first rows.
#[derive(Default)]
struct Blocks(Vec<Vec<TreeRow>>);

impl Blocks {
    fn push(&mut self, block: Vec<TreeRow>) {
        self.0.push(block);
    }

    fn sorted(mut self, sort: Sort) -> Vec<TreeRow> {
        self.0.sort_by(|a, b| {
            let (Some(a), Some(b)) = (a.first(), b.first()) else {
                return std::cmp::Ordering::Equal;
            };
            let by_name = a.label.cmp(&b.label);
            match sort {
                Sort::Name => by_name,
                Sort::Size => b.size.cmp(&a.size).then(by_name),
                Sort::Map => b
                    .map
                    .unwrap_or(-1.0)
                    .total_cmp(&a.map.unwrap_or(-1.0))
                    .then(by_name),
            }
        });
        self.0.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::ClassCard;
    use crate::types::EntityId;

    fn catalogue() -> Catalogue {
        let card = |name: &str, middle: Option<&str>, coarse: Option<&str>, size: u32| ClassCard {
            name: name.into(),
            middle: middle.map(Into::into),
            coarse: coarse.map(Into::into),
            members: (0..size).map(EntityId).collect(),
            negatives: Vec::new(),
        };
        let classes = vec![
            card("fish", Some("Animals"), Some("Living things"), 5),
            card("insects", Some("Animals"), Some("Living things"), 9),
            card("trees", Some("Plants"), Some("Living things"), 7),
            card("odds_and_ends", None, None, 2),
        ];
        Catalogue {
            classes,
            ..Catalogue::default()
        }
    }

    fn labels(tree: &ClassTree, maps: &[f64]) -> Vec<String> {
        let rows = tree.visible(tree.rows(&catalogue(), |c| maps.get(c.index()).copied()));
        rows.iter()
            .map(|r| format!("{}{}", " ".repeat(r.depth), r.label))
            .collect()
    }

    #[test]
    fn a_middle_class_of_one_is_not_a_group() {
        let all = [
            "Living things",
            " Animals",
            "  fish",
            "  insects",
            " trees",
            "odds and ends",
        ];
        assert_eq!(labels(&ClassTree::default(), &[]), all);
    }

    #[test]
    fn folding_hides_rows_and_a_filter_unfolds_them() {
        let mut tree = ClassTree::default();
        tree.folded.insert("Living things".into());
        assert_eq!(labels(&tree, &[]), ["Living things", "odds and ends"]);
        tree.filter = "ins".into();
        assert_eq!(labels(&tree, &[]), ["Living things", " insects"]);
        let mut islands = catalogue();
        islands.classes[3].name = "i\u{302}les".into();
        tree.filter = "île".into();
        assert_eq!(tree.rows(&islands, |_| None).len(), 1);
    }

    #[test]
    fn sorting_by_size_and_map() {
        let tree = ClassTree {
            sort: Sort::Size,
            ..ClassTree::default()
        };
        assert_eq!(
            labels(&tree, &[])[..4],
            ["Living things", " Animals", "  insects", "  fish"]
        );
        let tree = ClassTree {
            sort: Sort::Map,
            ..ClassTree::default()
        };
        assert_eq!(
            labels(&tree, &[0.9, 0.1, 0.8, 0.95])[..3],
            ["odds and ends", "Living things", " trees"]
        );
    }

    #[test]
    fn a_group_shows_the_mean_over_its_classes() {
        let maps = [0.3, 0.6, 0.9, 0.0];
        let rows = ClassTree::default().rows(&catalogue(), |c| Some(maps[c.index()]));
        assert!((rows[0].map.unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(rows[0].size, 21);
    }
}
