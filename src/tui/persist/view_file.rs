//! A view as a file: what it takes to open the same expansion on the same screen, here or at a
//! colleague's (`docs/FORMATS.md`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::protocol::Catalogue;
use crate::error::{Error, Result};
use crate::name::is_same;
use crate::text_file;
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::explore::seed_set::SeedSet;
use crate::tui::parts::Screen;
use crate::types::{ClassId, EntityId, Mode, SearchSettings, SeedCount};

/// What the file says it is.
const KIND: &str = "multiexpan-view";
const VERSION: u64 = 1;
/// No window is wider.
const WIDEST: u32 = 1000;

/// An entity by id and name: the name counts where ids have moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedEntity {
    pub id: EntityId,
    pub name: String,
}

/// A [`ExpansionQuery`] that outlives its index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRecord {
    pub seeds: Vec<NamedEntity>,
    pub rejected: Vec<NamedEntity>,
    /// By name, as `gt/NAME.txt` has it.
    pub class: Option<String>,
    pub seed_count: SeedCount,
    /// Which query of the class, from 0.
    pub query: Option<usize>,
    pub mode: Mode,
    pub joint: bool,
    pub settings: SearchSettings,
}

/// What the view was made over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    pub name: String,
    /// As it was named.
    pub path: String,
    /// The hash of the data set that was indexed.
    pub dataset: Option<String>,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    kind: String,
    version: u64,
    pub index: Origin,
    pub state: QueryRecord,
    /// In small letters.
    pub screen: String,
    /// Whether candidates are shown as re-ranked.
    pub reranked: bool,
    /// The candidate under the cursor.
    pub cursor: Option<NamedEntity>,
}

impl NamedEntity {
    /// An entity of the catalogue; one that it does not know is called by its number.
    pub fn of(id: EntityId, catalogue: &Catalogue) -> NamedEntity {
        NamedEntity {
            id,
            name: catalogue
                .entity(id)
                .map_or_else(|| id.to_string(), |card| card.name.clone()),
        }
    }

    /// The entity of this name, of several the one of this id; where there is none, of this name in
    /// another Unicode form.
    pub fn find(&self, catalogue: &Catalogue) -> Option<EntityId> {
        let find = |is_named: fn(&str, &str) -> bool| {
            let here = catalogue
                .entity(self.id)
                .filter(|card| is_named(&card.name, &self.name));
            here.or_else(|| {
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
    pub fn of(state: &ExpansionQuery, catalogue: &Catalogue) -> QueryRecord {
        let named = |all: &[EntityId]| all.iter().map(|&e| NamedEntity::of(e, catalogue)).collect();
        QueryRecord {
            seeds: named(&state.seeds.seeds),
            rejected: named(&state.seeds.rejected),
            class: state
                .seeds
                .class
                .map(|class| catalogue.class(class).name.clone()),
            seed_count: state.seeds.count,
            query: state.seeds.number,
            mode: state.mode,
            joint: state.joint,
            settings: state.tuning,
        }
    }

    /// The state as far as this index has what it takes, and a sentence for each thing that it has
    /// not.
    pub fn state(&self, catalogue: &Catalogue) -> (ExpansionQuery, Vec<String>) {
        let mut lost = Vec::new();
        let seeds = find_all(&self.seeds, "seed", catalogue, &mut lost);
        let rejected = find_all(&self.rejected, "rejected", catalogue, &mut lost);
        let class = self.find_class(catalogue, &mut lost);
        let seeds = SeedSet {
            seeds,
            rejected,
            class,
            count: self.seed_count,
            number: class.and_then(|class| self.find_query(class, catalogue, &mut lost)),
        };
        let state = ExpansionQuery {
            seeds,
            mode: self.find_mode(catalogue, &mut lost),
            joint: self.joint,
            tuning: self.settings,
        };
        (state, lost)
    }

    /// Returns the class of this name; adds a sentence to `lost` if there is none.
    fn find_class(&self, catalogue: &Catalogue, lost: &mut Vec<String>) -> Option<ClassId> {
        let name = self.class.as_ref()?;
        let class = catalogue.class_named(name);
        if class.is_none() {
            lost.push(format!(
                "there is no class “{}”: the seeds are free",
                name.replace('_', " ")
            ));
        }
        class
    }

    /// Returns the number of the query; adds a sentence to `lost` if the class has no such query.
    fn find_query(
        &self,
        class: ClassId,
        catalogue: &Catalogue,
        lost: &mut Vec<String>,
    ) -> Option<usize> {
        let number = self.query?;
        let mut queries = catalogue.queries_of(class, self.seed_count);
        if queries.any(|query| query.number == number) {
            return Some(number);
        }
        lost.push(format!(
            "the class has no query {} of {} seeds",
            number + 1,
            self.seed_count.as_usize()
        ));
        None
    }

    /// Returns the mode; if the index lacks it, adds a sentence to `lost` and returns the first
    /// mode of the index.
    fn find_mode(&self, catalogue: &Catalogue, lost: &mut Vec<String>) -> Mode {
        if catalogue.modes.contains(&self.mode) {
            return self.mode;
        }
        let mode = catalogue.modes.first().copied().unwrap_or(self.mode);
        lost.push(format!(
            "this index has no mode {}: it is {mode}",
            self.mode
        ));
        mode
    }
}

/// Returns the entities that the catalogue knows; adds a sentence to `lost` for each other one.
fn find_all(
    all: &[NamedEntity],
    what: &str,
    catalogue: &Catalogue,
    lost: &mut Vec<String>,
) -> Vec<EntityId> {
    let mut found = Vec::new();
    for named in all {
        match named.find(catalogue) {
            Some(entity) => found.push(entity),
            None => lost.push(format!("the {what} “{}” is not in this index", named.name)),
        }
    }
    found
}

impl StateFile {
    pub fn new(
        index: Origin,
        state: QueryRecord,
        screen: Screen,
        reranked: bool,
        cursor: Option<NamedEntity>,
    ) -> Self {
        let screen = screen.name().to_lowercase();
        StateFile {
            kind: KIND.into(),
            version: VERSION,
            index,
            state,
            screen,
            reranked,
            cursor,
        }
    }

    /// Errors: no such file; one that is no view, that another version wrote, that is damaged, or
    /// whose settings cannot be.
    pub fn load(path: &Path) -> Result<StateFile> {
        let text = text_file::read(path)?;
        let refused = |why: String| Error::format(path, why);
        let value: Value = serde_json::from_str(&text)
            .map_err(|e| refused(format!("is damaged, or no view of multiexpan ({e})")))?;
        if value["kind"] != KIND {
            return Err(refused("is no view of multiexpan".into()));
        }
        if value["version"] != VERSION {
            let version = &value["version"];
            return Err(refused(format!(
                "is of version {version}; this program reads version {VERSION}"
            )));
        }
        let file: StateFile =
            serde_json::from_value(value).map_err(|e| refused(format!("is damaged ({e})")))?;
        match file.state.settings {
            SearchSettings {
                window: Some(width),
                ..
            } if !(1..=WIDEST).contains(&width) => Err(refused(format!(
                "has a window of {width}; 1 to {WIDEST} are allowed"
            ))),
            SearchSettings {
                weights: Some([0, 0]),
                ..
            } => Err(refused(
                "has a re-ranking by nothing: both weights are 0".into(),
            )),
            _ => Ok(file),
        }
    }

    pub fn write(&self) -> String {
        // cannot fail: it is text and numbers
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .unwrap_or_default()
    }

    /// The index that it was made over, where that still is. Error: it is not, and one must be
    /// named.
    pub fn find_index(&self) -> Result<PathBuf> {
        let path = PathBuf::from(&self.index.path);
        if path.is_dir() {
            return Ok(path);
        }
        let hint = "name one: multiexpan explore --open FILE INDEX".into();
        Err(Error::Missing {
            what: "index",
            path,
            hint,
        })
    }

    /// None where this program has no such screen.
    pub fn screen(&self) -> Option<Screen> {
        Screen::ALL
            .into_iter()
            .find(|screen| screen.name().to_lowercase() == self.screen)
    }

    /// Said where it was made over another data set.
    pub fn origin_differs(&self, catalogue: &Catalogue) -> Option<String> {
        match (&self.index.dataset, &catalogue.dataset_hash) {
            (Some(theirs), Some(ours)) if theirs != ours => Some(format!(
                "it was made over another state of the data set {}: ranks may differ",
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

    /// Entities by name, whose ids begin there.
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

    fn state() -> ExpansionQuery {
        let id = |n| EntityId(n);
        ExpansionQuery {
            seeds: SeedSet {
                seeds: vec![id(0), id(2)],
                rejected: vec![id(3)],
                class: Some(ClassId(0)),
                count: SeedCount::Three,
                number: Some(0),
            },
            mode: Mode::Text,
            joint: true,
            tuning: SearchSettings {
                window: Some(1),
                weights: Some([1, 0]),
            },
        }
    }

    fn file() -> StateFile {
        let zoo = catalogue(&["lion", "tiger", "lynx", "horse"], 0);
        let origin = Origin {
            name: "zoo".into(),
            path: "zoo/index".into(),
            dataset: zoo.dataset_hash.clone(),
        };
        let cursor = Some(NamedEntity::of(EntityId(1), &zoo));
        StateFile::new(
            origin,
            QueryRecord::of(&state(), &zoo),
            Screen::Metrics,
            false,
            cursor,
        )
    }

    #[test]
    fn a_view_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        std::fs::write(&path, file().write()).unwrap();
        let read = StateFile::load(&path).unwrap();
        assert_eq!((&read, read.screen()), (&file(), Some(Screen::Metrics)));
        let zoo = catalogue(&["lion", "tiger", "lynx", "horse"], 0);
        assert_eq!(read.state.state(&zoo), (state(), vec![]));
        assert_eq!(read.origin_differs(&zoo), None);
    }

    #[test]
    fn names_come_back_whatever_is_in_them() {
        let names = [
            "tab\tinside",
            "quote \"q\", \\ and \u{1b}[31m",
            "nul\0byte",
            "line\u{2028}sep\r\n",
            " 1984 ",
        ];
        let zoo = catalogue(&names, 0);
        let state = ExpansionQuery {
            seeds: SeedSet {
                seeds: zoo.entities.iter().map(|e| e.id).collect(),
                ..state().seeds
            },
            ..state()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        let written = StateFile {
            state: QueryRecord::of(&state, &zoo),
            ..file()
        };
        std::fs::write(&path, written.write()).unwrap();
        let read = StateFile::load(&path).unwrap();
        assert_eq!((&read, read.state.state(&zoo)), (&written, (state, vec![])));
        // saved by an editor that marks its files, or by PowerShell
        let wide: Vec<u8> = written
            .write()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [
            [&b"\xef\xbb\xbf"[..], written.write().as_bytes()].concat(),
            [&b"\xff\xfe"[..], &wide].concat(),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(StateFile::load(&path).unwrap(), written);
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
            class: Some("i\u{302}les".into()),
            ..file().state
        };
        let (state, lost) = record.state(&zoo);
        assert_eq!(
            (state.seeds.seeds, state.seeds.class),
            (vec![EntityId(1)], Some(ClassId(0)))
        );
        assert_eq!(lost, Vec::<String>::new());
    }

    #[test]
    fn names_count_where_ids_have_moved() {
        let moved = catalogue(&["ape", "horse", "lynx", "tiger", "lion"], 7);
        let (state, lost) = file().state.state(&moved);
        assert_eq!(
            (state.seeds.seeds, state.seeds.rejected),
            (vec![EntityId(11), EntityId(9)], vec![EntityId(8)])
        );
        assert_eq!(lost, Vec::<String>::new());
        assert!(file().origin_differs(&moved).is_some());
    }

    #[test]
    fn each_thing_that_is_gone_is_said() {
        let mut other = catalogue(&["tiger", "lynx"], 0);
        (other.modes, other.classes[0].name) = (vec![Mode::Both], "felines".into());
        let (state, lost) = file().state.state(&other);
        assert_eq!(
            (state.seeds.seeds, state.seeds.class, state.mode),
            (vec![EntityId(1)], None, Mode::Both)
        );
        let expected = [
            "the seed “lion” is not in this index",
            "the rejected “horse” is not in this index",
            "there is no class “cats”: the seeds are free",
            "this index has no mode text: it is both",
        ];
        assert_eq!(lost, expected);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.json");
        let whole = file().write();
        let cases = [
            (
                whole[..whole.len() / 2].to_owned(),
                "is damaged, or no view",
            ),
            ("{\"rows\": []}".to_owned(), "is no view of multiexpan"),
            (
                whole.replace("\"version\": 1", "\"version\": 2"),
                "is of version 2; this program reads version 1",
            ),
            (
                whole.replace("\"joint\": true", "\"joint\": 7"),
                "is damaged (",
            ),
            (whole.replace("\"reranked\"", "\"ranked\""), "is damaged ("),
            (
                whole.replace("\"window\": 1", "\"window\": 0"),
                "has a window of 0; 1 to 1000 are allowed",
            ),
        ];
        for (text, why) in cases {
            std::fs::write(&path, &text).unwrap();
            let said = StateFile::load(&path).unwrap_err().to_string();
            assert!(said.contains("view.json") && said.contains(why), "{said}");
        }
        assert!(matches!(
            StateFile::load(&folder.path().join("none.json")),
            Err(Error::Io { .. })
        ));
    }
}
