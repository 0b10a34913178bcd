//! A view as a file. It opens the same expansion on the same screen, on this machine or another
//! (`docs/FORMATS.md`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::engine::protocol::Catalogue;
use crate::error::{Error, Result};
use crate::name::is_same;
use crate::text_file;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::parts::Screen;
use crate::types::{ClassId, EntityId, Mode, RankingKind, SearchSettings, SeedCount};

/// The kind that the file names.
const KIND: &str = "multiexpan-view";
const VERSION: u64 = 2;
/// The largest window of the search.
const MAX_WINDOW: u32 = 1000;

/// An entity by id and name. The name decides if ids have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedEntity {
    pub id: EntityId,
    pub name: String,
}

/// An [`ExpansionQuery`] by names, which another index can resolve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRecord {
    pub seeds: Vec<NamedEntity>,
    /// The accepted candidates; views of version 1 have none.
    #[serde(default)]
    pub accepted: Vec<NamedEntity>,
    pub rejected: Vec<NamedEntity>,
    /// The name of the class, which is that of its file `gt/NAME.txt`.
    pub class: Option<String>,
    pub seed_count: SeedCount,
    /// The number of the class's query, from 0.
    #[serde(rename = "query")]
    pub number: Option<usize>,
    pub mode: Mode,
    #[serde(alias = "joint", deserialize_with = "ranking_or_joint")]
    pub ranking: RankingKind,
    pub settings: SearchSettings,
}

/// Reads a ranking, or the `joint` of version 1, in which every query was expanded by a window search.
fn ranking_or_joint<'de, D>(value: D) -> std::result::Result<RankingKind, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Saved {
        IsJoint(bool),
        Ranking(RankingKind),
    }
    Ok(match Saved::deserialize(value)? {
        Saved::IsJoint(true) => RankingKind::Joint,
        Saved::IsJoint(false) => RankingKind::Window,
        Saved::Ranking(ranking) => ranking,
    })
}

/// The index that a view was saved over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSource {
    pub name: String,
    /// The path that was given on the command line.
    pub path: String,
    /// The hash of the data set that was indexed.
    pub dataset: Option<String>,
}

/// A view file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewFile {
    kind: String,
    version: u64,
    pub index: ViewSource,
    #[serde(rename = "state")]
    pub query: QueryRecord,
    /// The name of the screen in lower case.
    pub screen: String,
    /// True if candidates are shown in their re-ranked order.
    pub reranked: bool,
    /// The candidate under the cursor.
    pub cursor: Option<NamedEntity>,
}

impl NamedEntity {
    /// Names an entity of the catalogue; an unknown one has its id as its name.
    pub fn new(id: EntityId, catalogue: &Catalogue) -> NamedEntity {
        NamedEntity {
            id,
            name: catalogue
                .entity(id)
                .map_or_else(|| id.to_string(), |card| card.name.clone()),
        }
    }

    /// Returns the entity with this name; of several, the one with this id. If there is none, returns
    /// the one with this name in another Unicode form.
    pub fn find(&self, catalogue: &Catalogue) -> Option<EntityId> {
        let find = |is_named: fn(&str, &str) -> bool| {
            let by_id = catalogue
                .entity(self.id)
                .filter(|card| is_named(&card.name, &self.name));
            by_id.or_else(|| {
                catalogue
                    .entities
                    .iter()
                    .find(|card| is_named(&card.name, &self.name))
            })
        };
        find(|own, name| own == name)
            .or_else(|| find(is_same))
            .map(|card| card.id)
    }
}

impl QueryRecord {
    /// Records a query over a catalogue.
    pub fn new(query: &ExpansionQuery, catalogue: &Catalogue) -> QueryRecord {
        let named = |all: &[EntityId]| {
            all.iter()
                .map(|&e| NamedEntity::new(e, catalogue))
                .collect()
        };
        QueryRecord {
            seeds: named(&query.seeds.seeds),
            accepted: named(&query.seeds.accepted),
            rejected: named(&query.seeds.rejected),
            class: query
                .seeds
                .class
                .map(|class| catalogue.class(class).name.clone()),
            seed_count: query.seeds.count,
            number: query.seeds.number,
            mode: query.mode,
            ranking: query.ranking,
            settings: query.settings,
        }
    }

    /// Returns the query as far as this index has its parts, and a message for each missing part.
    pub fn resolve(&self, catalogue: &Catalogue) -> (ExpansionQuery, Vec<String>) {
        let mut missing = Vec::new();
        let seeds = find_all(&self.seeds, "seed", catalogue, &mut missing);
        let accepted = find_all(
            &self.accepted,
            "accepted candidate",
            catalogue,
            &mut missing,
        );
        let rejected = find_all(
            &self.rejected,
            "rejected candidate",
            catalogue,
            &mut missing,
        );
        let class = self.find_class(catalogue, &mut missing);
        let seeds = SeedSet {
            seeds,
            accepted,
            rejected,
            class,
            count: self.seed_count,
            number: class.and_then(|class| self.find_query(class, catalogue, &mut missing)),
        };
        let query = ExpansionQuery {
            seeds,
            mode: self.find_mode(catalogue, &mut missing),
            ranking: self.ranking,
            settings: self.settings,
        };
        (query, missing)
    }

    /// Returns the class with this name; adds a message to `missing` if there is none.
    fn find_class(&self, catalogue: &Catalogue, missing: &mut Vec<String>) -> Option<ClassId> {
        let name = self.class.as_ref()?;
        let class = catalogue.class_named(name);
        if class.is_none() {
            missing.push(format!(
                "unknown class “{}”: the seeds are not those of a class",
                name.replace('_', " ")
            ));
        }
        class
    }

    /// Returns the number of the query; adds a message to `missing` if the class has no such query.
    fn find_query(
        &self,
        class: ClassId,
        catalogue: &Catalogue,
        missing: &mut Vec<String>,
    ) -> Option<usize> {
        let number = self.number?;
        let mut queries = catalogue.queries_of(class, self.seed_count);
        if queries.any(|query| query.number == number) {
            return Some(number);
        }
        missing.push(format!(
            "the class has no query {} of {} seeds",
            number + 1,
            self.seed_count.as_usize()
        ));
        None
    }

    /// Returns the mode; if the index does not have it, adds a message to `missing` and returns the
    /// first mode of the index.
    fn find_mode(&self, catalogue: &Catalogue, missing: &mut Vec<String>) -> Mode {
        if catalogue.modes.contains(&self.mode) {
            return self.mode;
        }
        let mode = catalogue.modes.first().copied().unwrap_or(self.mode);
        missing.push(format!(
            "this index has no mode {}: {mode} is used",
            self.mode
        ));
        mode
    }
}

/// Returns the entities that the catalogue has; adds a message to `missing` for each other one.
fn find_all(
    all: &[NamedEntity],
    kind: &str,
    catalogue: &Catalogue,
    missing: &mut Vec<String>,
) -> Vec<EntityId> {
    let mut found = Vec::new();
    for named in all {
        match named.find(catalogue) {
            Some(entity) => found.push(entity),
            None => missing.push(format!("the {kind} “{}” is not in this index", named.name)),
        }
    }
    found
}

impl ViewFile {
    /// Creates a view file.
    pub fn new(
        index: ViewSource,
        query: QueryRecord,
        screen: Screen,
        reranked: bool,
        cursor: Option<NamedEntity>,
    ) -> Self {
        let screen = screen.name().to_lowercase();
        ViewFile {
            kind: KIND.into(),
            version: VERSION,
            index,
            query,
            screen,
            reranked,
            cursor,
        }
    }

    /// Reads a view file.
    ///
    /// Errors: `Io`; `Format` for a file that is not a view, has another version, is damaged, or has
    /// invalid settings.
    pub fn load(path: &Path) -> Result<ViewFile> {
        let text = text_file::read(path)?;
        let invalid = |reason: String| Error::format(path, reason);
        let value: Value = serde_json::from_str(&text)
            .map_err(|e| invalid(format!("is damaged, or not a view of multiexpan ({e})")))?;
        if value["kind"] != KIND {
            return Err(invalid("is not a view of multiexpan".into()));
        }
        if !(1..=VERSION).any(|version| value["version"] == version) {
            let version = &value["version"];
            return Err(invalid(format!(
                "has version {version}; this program reads versions 1 to {VERSION}"
            )));
        }
        let file: ViewFile =
            serde_json::from_value(value).map_err(|e| invalid(format!("is damaged ({e})")))?;
        match file.query.settings {
            SearchSettings {
                window: Some(width),
                ..
            } if !(1..=MAX_WINDOW).contains(&width) => Err(invalid(format!(
                "has a window of {width} (expected 1 to {MAX_WINDOW})"
            ))),
            SearchSettings {
                weights: Some([0, 0]),
                ..
            } => Err(invalid(
                "has two weights of 0 for re-ranking (expected at least one above 0)".into(),
            )),
            _ => Ok(file),
        }
    }

    /// Returns the file's text.
    pub fn to_json(&self) -> String {
        // cannot fail: it is text and numbers
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .unwrap_or_default()
    }

    /// Returns the path of the index that the view was saved over.
    ///
    /// Errors: `Missing` if there is no such folder any more.
    pub fn find_index(&self) -> Result<PathBuf> {
        let path = PathBuf::from(&self.index.path);
        if path.is_dir() {
            return Ok(path);
        }
        let hint = "name another index: multiexpan explore --open FILE INDEX".into();
        Err(Error::Missing {
            what: "index",
            path,
            hint,
        })
    }

    /// Returns the screen; `None` if this version of the program has no such screen.
    pub fn screen(&self) -> Option<Screen> {
        Screen::ALL
            .into_iter()
            .find(|screen| screen.name().to_lowercase() == self.screen)
    }

    /// Returns a message if the view was saved over another state of the data set.
    pub fn dataset_warning(&self, catalogue: &Catalogue) -> Option<String> {
        match (&self.index.dataset, &catalogue.dataset_hash) {
            (Some(theirs), Some(ours)) if theirs != ours => Some(format!(
                "the view was saved over another state of the data set {}: ranks may differ",
                self.index.name
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{ClassCard, EntityCard};
    use crate::types::Query;

    /// Returns a catalogue of entities with these names, whose ids start at `from`.
    fn catalogue(names: &[&str], from: u32) -> Catalogue {
        let mut c = Catalogue {
            name: "zoo".into(),
            modes: vec![Mode::Both, Mode::Text],
            ..Catalogue::default()
        };
        c.dataset_hash = Some(format!("hash {from}"));
        for (id, name) in (from..).zip(names) {
            c.entities.push(EntityCard {
                id: EntityId(id),
                name: (*name).into(),
                classes: vec![ClassId(0)],
                pairs: 2,
            });
        }
        let members = c.entities.iter().map(|e| e.id).collect();
        c.classes.push(ClassCard {
            name: "cats".into(),
            middle: None,
            coarse: None,
            members,
            negatives: vec![],
        });
        let seeds = vec![EntityId(from), EntityId(from + 1)];
        c.queries.push(Query {
            class: ClassId(0),
            seed_count: SeedCount::Three,
            number: 0,
            seeds,
        });
        c.with_positions()
    }

    fn query() -> ExpansionQuery {
        let id = |n| EntityId(n);
        ExpansionQuery {
            seeds: SeedSet {
                seeds: vec![id(0), id(2)],
                accepted: vec![id(1)],
                rejected: vec![id(3)],
                class: Some(ClassId(0)),
                count: SeedCount::Three,
                number: Some(0),
            },
            mode: Mode::Text,
            ranking: RankingKind::Joint,
            settings: SearchSettings {
                window: Some(1),
                weights: Some([1, 0]),
            },
        }
    }

    fn file() -> ViewFile {
        let zoo = catalogue(&["lion", "tiger", "lynx", "horse"], 0);
        let source = ViewSource {
            name: "zoo".into(),
            path: "zoo/index".into(),
            dataset: zoo.dataset_hash.clone(),
        };
        let cursor = Some(NamedEntity::new(EntityId(1), &zoo));
        ViewFile::new(
            source,
            QueryRecord::new(&query(), &zoo),
            Screen::Metrics,
            false,
            cursor,
        )
    }

    #[test]
    fn a_view_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        std::fs::write(&path, file().to_json()).unwrap();
        let read = ViewFile::load(&path).unwrap();
        assert_eq!((&read, read.screen()), (&file(), Some(Screen::Metrics)));
        let zoo = catalogue(&["lion", "tiger", "lynx", "horse"], 0);
        assert_eq!(read.query.resolve(&zoo), (query(), vec![]));
        assert_eq!(read.dataset_warning(&zoo), None);
    }

    #[test]
    fn a_view_of_version_1_is_read_with_its_ranking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        let mut old: Value = serde_json::from_str(&file().to_json()).unwrap();
        old["version"] = 1.into();
        let state = old["state"].as_object_mut().unwrap();
        state.remove("ranking");
        state.remove("accepted");
        for (joint, ranking) in [(true, RankingKind::Joint), (false, RankingKind::Window)] {
            old["state"]["joint"] = joint.into();
            std::fs::write(&path, old.to_string()).unwrap();
            let read = ViewFile::load(&path).unwrap().query;
            assert_eq!((read.ranking, read.accepted), (ranking, vec![]));
        }
    }

    #[test]
    fn names_with_special_characters_are_read_as_written() {
        let names = [
            "tab\tinside",
            "quote \"q\", \\ and \u{1b}[31m",
            "nul\0byte",
            "line\u{2028}sep\r\n",
            " 1984 ",
        ];
        let zoo = catalogue(&names, 0);
        let query = ExpansionQuery {
            seeds: SeedSet {
                seeds: zoo.entities.iter().map(|e| e.id).collect(),
                ..query().seeds
            },
            ..query()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        let written = ViewFile {
            query: QueryRecord::new(&query, &zoo),
            ..file()
        };
        std::fs::write(&path, written.to_json()).unwrap();
        let read = ViewFile::load(&path).unwrap();
        assert_eq!(
            (&read, read.query.resolve(&zoo)),
            (&written, (query, vec![]))
        );
        // saved by an editor that marks its files, or by PowerShell
        let wide: Vec<u8> = written
            .to_json()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [
            [&b"\xef\xbb\xbf"[..], written.to_json().as_bytes()].concat(),
            [&b"\xff\xfe"[..], &wide].concat(),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(ViewFile::load(&path).unwrap(), written);
        }
    }

    #[test]
    fn a_name_in_another_unicode_form_is_the_same_name() {
        let mut zoo = catalogue(&["lion", "Åland", "lynx", "horse"], 0);
        zoo.classes[0].name = "îles".into();
        let named = NamedEntity {
            id: EntityId(9),
            name: "A\u{30a}land".into(),
        };
        assert_eq!(named.find(&zoo), Some(EntityId(1)));
        let record = QueryRecord {
            seeds: vec![named],
            accepted: vec![],
            class: Some("i\u{302}les".into()),
            ..file().query
        };
        let (query, missing) = record.resolve(&zoo);
        assert_eq!(
            (query.seeds.seeds, query.seeds.class),
            (vec![EntityId(1)], Some(ClassId(0)))
        );
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn names_decide_if_ids_have_changed() {
        let moved = catalogue(&["ape", "horse", "lynx", "tiger", "lion"], 7);
        let (query, missing) = file().query.resolve(&moved);
        assert_eq!(
            (query.seeds.seeds, query.seeds.rejected),
            (vec![EntityId(11), EntityId(9)], vec![EntityId(8)])
        );
        assert_eq!(missing, Vec::<String>::new());
        assert!(file().dataset_warning(&moved).is_some());
    }

    #[test]
    fn each_missing_part_has_a_message() {
        let mut other = catalogue(&["tiger", "lynx"], 0);
        (other.modes, other.classes[0].name) = (vec![Mode::Both], "felines".into());
        let (query, missing) = file().query.resolve(&other);
        assert_eq!(
            (query.seeds.seeds, query.seeds.class, query.mode),
            (vec![EntityId(1)], None, Mode::Both)
        );
        let expected = [
            "the seed “lion” is not in this index",
            "the rejected candidate “horse” is not in this index",
            "unknown class “cats”: the seeds are not those of a class",
            "this index has no mode text: both is used",
        ];
        assert_eq!(missing, expected);
    }

    #[test]
    fn unreadable_files_are_reported_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        let intact = file().to_json();
        let cases = [
            (
                intact[..intact.len() / 2].to_owned(),
                "is damaged, or not a view",
            ),
            ("{\"rows\": []}".to_owned(), "is not a view of multiexpan"),
            (
                intact.replace("\"version\": 2", "\"version\": 3"),
                "has version 3; this program reads versions 1 to 2",
            ),
            (
                intact.replace("\"ranking\": \"joint\"", "\"ranking\": 7"),
                "is damaged (",
            ),
            (intact.replace("\"reranked\"", "\"ranked\""), "is damaged ("),
            (
                intact.replace("\"window\": 1", "\"window\": 0"),
                "has a window of 0 (expected 1 to 1000)",
            ),
        ];
        for (text, reason) in cases {
            std::fs::write(&path, &text).unwrap();
            let message = ViewFile::load(&path).unwrap_err().to_string();
            assert!(
                message.contains("view.json") && message.contains(reason),
                "{message}"
            );
        }
        assert!(matches!(
            ViewFile::load(&folder.path().join("none.json")),
            Err(Error::Io { .. })
        ));
    }
}
