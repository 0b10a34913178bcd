//! What is kept between two starts: one small file an index, written as things change.
//!
//! Several explorers may have the same index open. Each writes under a lock what it changed over
//! what is in the file by then, so that none takes away what another one added. A file that cannot
//! be read whole is set aside before anything is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::state_dir;
use crate::engine::protocol::FailureKind;
use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::tui::persist::view_file::QueryRecord;
use crate::types::{EntityId, Mode, SearchSettings, SeedCount};

/// The format that this program writes. A file of a higher one is set aside.
const VERSION: u64 = 1;

/// A failure of a query. The class is saved by its name, as in [`SavedSession`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnnotationKey {
    pub class: String,
    pub seeds: SeedCount,
    /// Query number, from 0.
    pub number: usize,
    pub entity: EntityId,
    pub kind: FailureKind,
}

/// A mark and a note of the user on a failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Annotation {
    pub marked: bool,
    pub note: String,
}

/// The state of the explorer that outlives a dropped connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSession {
    /// The format's version.
    pub version: u64,
    /// What is expanded and how it is shown; in the file its fields stand beside the others.
    #[serde(flatten)]
    pub expansion: ExpansionRecord,
    /// Candidates in two lines.
    pub tall: bool,
    /// The entity pane's width in columns, where the divider was dragged.
    pub entity_width: Option<u16>,
    pub folded: Vec<String>,
    /// Where one was chosen in the explorer.
    pub theme: Option<String>,
    /// Marks and notes on failures.
    #[serde(rename = "remarks")]
    pub annotations: Vec<(AnnotationKey, Annotation)>,
    pub states: Vec<NamedRecord>,
    /// Fields of the file that this program does not know. They are written back.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The expansion that was on the screen. Its parts belong together: two sessions are never mixed
/// within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpansionRecord {
    /// By name: ids shift when a class is added to the data set.
    pub class: Option<String>,
    pub seeds: Vec<EntityId>,
    pub rejected: Vec<EntityId>,
    pub count: SeedCount,
    pub number: Option<usize>,
    pub mode: Option<Mode>,
    pub joint: bool,
    pub tuning: SearchSettings,
    pub reranked: bool,
}

impl Default for ExpansionRecord {
    fn default() -> Self {
        ExpansionRecord {
            class: None,
            seeds: Vec::new(),
            rejected: Vec::new(),
            count: SeedCount::Three,
            number: None,
            mode: None,
            joint: false,
            tuning: SearchSettings::default(),
            reranked: true,
        }
    }
}

impl Default for SavedSession {
    fn default() -> Self {
        SavedSession {
            version: VERSION,
            expansion: ExpansionRecord::default(),
            tall: false,
            entity_width: None,
            folded: Vec::new(),
            theme: None,
            annotations: Vec::new(),
            states: Vec::new(),
            unknown: Map::new(),
        }
    }
}

/// A state that was given a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedRecord {
    pub name: String,
    pub state: QueryRecord,
}

/// Where the session of an index lives: its name is the hash of the index's whole path.
pub fn path_for(index: &Path) -> Option<PathBuf> {
    let whole = index.canonicalize().unwrap_or_else(|_| index.to_owned());
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    Some(state_dir()?.join(format!("session-{}.json", &hash[..16])))
}

/// A session as it was read, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadedSession {
    /// `None` where there is no file, or one that cannot be read at all.
    pub session: Option<SavedSession>,
    /// What could not be read, and where the file was set aside.
    pub warning: Option<String>,
}

impl SavedSession {
    /// Reads a file. Whatever in it cannot be read costs itself alone, and the file as it was is
    /// set aside under another name.
    ///
    /// Errors: `Io`, where the file cannot be read or set aside.
    pub fn load(path: &Path) -> Result<LoadedSession> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(LoadedSession::default());
            }
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        let (session, fault) = match serde_json::from_slice::<Value>(&text) {
            Ok(Value::Object(fields)) => match fields.get("version").and_then(Value::as_u64) {
                Some(version) if version > VERSION => (
                    None,
                    format!("is of version {version}, and this program reads {VERSION}"),
                ),
                _ => {
                    let (session, unread) = read_fields(fields);
                    match unread.is_empty() {
                        true => {
                            return Ok(LoadedSession {
                                session: Some(session),
                                warning: None,
                            });
                        }
                        false => (
                            Some(session),
                            format!("has values that cannot be read ({})", unread.join(", ")),
                        ),
                    }
                }
            },
            Ok(_) => (None, "is no session".to_owned()),
            Err(e) => (None, format!("is damaged ({e})")),
        };
        let aside = set_aside(path, &text)?;
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let warning = format!(
            "the session file {} {fault}; it is kept as {}",
            name(path),
            aside.display()
        );
        Ok(LoadedSession {
            session,
            warning: Some(warning),
        })
    }

    /// Writes what changed since `base` over what is in the file now; returns what is in it then.
    /// `base` is what the file was known to hold.
    ///
    /// Errors: `Io`.
    pub fn save(&self, base: &SavedSession, path: &Path) -> Result<SavedSession> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let _lock = lock(path);
        let there = SavedSession::load(path)?.session.unwrap_or_default();
        let merged = self.merged(base, &there);
        let text =
            serde_json::to_vec_pretty(&merged).map_err(|e| Error::format(path, e.to_string()))?;
        write_atomic(path, &text)?;
        Ok(merged)
    }

    /// `self` where it differs from `base`, else `there`. Named states, marks and notes are merged
    /// one by one.
    fn merged(&self, base: &SavedSession, there: &SavedSession) -> SavedSession {
        fn either<T: Clone + PartialEq>(own: &T, base: &T, there: &T) -> T {
            if own == base {
                there.clone()
            } else {
                own.clone()
            }
        }
        SavedSession {
            version: VERSION,
            expansion: either(&self.expansion, &base.expansion, &there.expansion),
            tall: either(&self.tall, &base.tall, &there.tall),
            entity_width: either(&self.entity_width, &base.entity_width, &there.entity_width),
            folded: either(&self.folded, &base.folded, &there.folded),
            theme: either(&self.theme, &base.theme, &there.theme),
            annotations: merge_lists(
                &self.annotations,
                &base.annotations,
                &there.annotations,
                |(key, _)| key.clone(),
            ),
            states: merge_lists(&self.states, &base.states, &there.states, |state| {
                state.name.clone()
            }),
            unknown: there.unknown.clone(),
        }
    }
}

/// Reads each field by itself. Returns the session and the names of the fields that could not be
/// read.
fn read_fields(fields: Map<String, Value>) -> (SavedSession, Vec<String>) {
    // cannot fail: names, numbers and lists
    let mut session = serde_json::to_value(SavedSession::default()).unwrap_or_default();
    let known: Vec<String> = session
        .as_object()
        .map(|all| all.keys().cloned().collect())
        .unwrap_or_default();
    let mut unread = Vec::new();
    for (name, value) in fields {
        let value = match name.as_str() {
            "remarks" => readable::<(AnnotationKey, Annotation)>(value, &name, &mut unread),
            "states" => readable::<NamedRecord>(value, &name, &mut unread),
            _ => value,
        };
        let before = session.get(&name).cloned();
        session[&name] = value;
        if known.contains(&name) && serde_json::from_value::<SavedSession>(session.clone()).is_err()
        {
            session[&name] = before.unwrap_or_default();
            unread.push(name);
        }
    }
    session["version"] = VERSION.into();
    (serde_json::from_value(session).unwrap_or_default(), unread)
}

/// The list without the items that cannot be read.
fn readable<T: DeserializeOwned>(list: Value, name: &str, unread: &mut Vec<String>) -> Value {
    let Value::Array(items) = list else {
        return list;
    };
    let all = items.len();
    let readable: Vec<Value> = items
        .into_iter()
        .filter(|item| T::deserialize(item).is_ok())
        .collect();
    if readable.len() < all {
        unread.push(format!("{} of {name}", all - readable.len()));
    }
    Value::Array(readable)
}

/// Items are told apart by their key. One that differs from the base was changed or removed here,
/// and stays so; of the others the file's count. Own order first.
fn merge_lists<T: Clone + PartialEq, K: Ord>(
    own: &[T],
    base: &[T],
    there: &[T],
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    fn by_key<'a, T, K: Ord>(list: &'a [T], key: &impl Fn(&T) -> K) -> BTreeMap<K, &'a T> {
        list.iter().map(|item| (key(item), item)).collect()
    }
    let (owned, based, found) = (by_key(own, &key), by_key(base, &key), by_key(there, &key));
    let mut merged = Vec::new();
    for item in own {
        let key = key(item);
        let is_changed = based.get(&key) != Some(&item);
        match found.get(&key) {
            _ if is_changed => merged.push(item.clone()),
            Some(theirs) => merged.push((*theirs).clone()),
            None => {}
        }
    }
    let added = there.iter().filter(|item| {
        let key = key(item);
        // what was in the base and is not here any more was removed here
        !owned.contains_key(&key) && based.get(&key) != Some(item)
    });
    merged.extend(added.cloned());
    merged
}

/// Copies a file that could not be read to a name beside it that is free: `session-….bad.json`,
/// `session-….bad-2.json` and so on.
fn set_aside(path: &Path, text: &[u8]) -> Result<PathBuf> {
    let name = |number: usize| {
        if number == 1 {
            "bad.json".to_owned()
        } else {
            format!("bad-{number}.json")
        }
    };
    for number in 1.. {
        let aside = path.with_extension(name(number));
        match std::fs::read(&aside) {
            // read a second time before it was written anew
            Ok(same) if same == text => return Ok(aside),
            Ok(_) => {}
            Err(_) => {
                write_atomic(&aside, text)?;
                return Ok(aside);
            }
        }
    }
    Ok(path.to_owned())
}

/// Held while it lives. Where a file system has no locks there is none: the file is still written
/// whole.
fn lock(path: &Path) -> Option<File> {
    let file = File::create(path.with_extension("lock")).ok()?;
    file.lock().ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(number: usize, note: &str) -> (AnnotationKey, Annotation) {
        let (class, entity) = ("fish".into(), EntityId(7));
        let key = AnnotationKey {
            class,
            seeds: SeedCount::Three,
            number,
            entity,
            kind: FailureKind::Missed,
        };
        (
            key,
            Annotation {
                marked: true,
                note: note.into(),
            },
        )
    }

    fn named(name: &str, query: usize) -> NamedRecord {
        let state = QueryRecord {
            seeds: Vec::new(),
            rejected: Vec::new(),
            class: Some("fish".into()),
            seed_count: SeedCount::Three,
            query: Some(query),
            mode: Mode::Both,
            joint: false,
            settings: SearchSettings::default(),
        };
        NamedRecord {
            name: name.into(),
            state,
        }
    }

    fn session() -> SavedSession {
        SavedSession {
            expansion: ExpansionRecord {
                class: Some("fish".into()),
                seeds: vec![EntityId(3), EntityId(1)],
                rejected: vec![EntityId(9)],
                count: SeedCount::Five,
                number: Some(2),
                mode: Some(Mode::Text),
                joint: true,
                tuning: SearchSettings {
                    window: Some(3),
                    weights: None,
                },
                reranked: false,
            },
            tall: true,
            entity_width: Some(40),
            folded: vec!["Food".into()],
            theme: Some("light".into()),
            annotations: vec![annotation(1, "a fish all the same")],
            states: vec![named("mine", 1)],
            ..SavedSession::default()
        }
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/session-1.json");
        (folder, path)
    }

    fn read(path: &Path) -> SavedSession {
        let loaded = SavedSession::load(path).unwrap();
        assert_eq!(loaded.warning, None);
        loaded.session.unwrap()
    }

    #[test]
    fn what_is_saved_is_restored() {
        let (_folder, path) = file();
        assert_eq!(SavedSession::load(&path).unwrap(), LoadedSession::default());
        session().save(&SavedSession::default(), &path).unwrap();
        assert_eq!(read(&path), session());
        let mut left: Vec<_> = path
            .parent()
            .unwrap()
            .read_dir()
            .unwrap()
            .map(|f| f.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["session-1.json", "session-1.lock"],
            "the temporary file is gone"
        );
    }

    #[test]
    fn a_file_of_an_earlier_version_still_loads() {
        let (_folder, path) = file();
        session().save(&SavedSession::default(), &path).unwrap();
        let mut old: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for field in ["remarks", "states", "version", "theme", "tuning"] {
            old.as_object_mut().unwrap().remove(field);
        }
        std::fs::write(&path, old.to_string()).unwrap();
        let mut expected = SavedSession {
            annotations: vec![],
            states: vec![],
            theme: None,
            ..session()
        };
        expected.expansion.tuning = SearchSettings::default();
        assert_eq!(read(&path), expected);
    }

    #[test]
    fn two_explorers_keep_what_each_added() {
        let (_folder, path) = file();
        let start = session();
        start.save(&SavedSession::default(), &path).unwrap();
        // both have read the file; one adds a state and removes the annotation, the other one adds its
        // own and goes elsewhere
        let first = SavedSession {
            states: vec![named("mine", 1), named("first", 2)],
            annotations: vec![],
            ..start.clone()
        };
        let mut second = SavedSession {
            states: vec![named("second", 3), named("mine", 4)],
            annotations: vec![annotation(1, "a fish all the same"), annotation(2, "new")],
            ..start.clone()
        };
        second.expansion.class = Some("flowers".into());
        first.save(&start, &path).unwrap();
        let merged = second.save(&start, &path).unwrap();
        let names: Vec<&str> = merged
            .states
            .iter()
            .map(|state| state.name.as_str())
            .collect();
        assert_eq!(names, ["second", "mine", "first"]);
        assert_eq!(merged.states[1], named("mine", 4));
        assert_eq!(merged.annotations, [annotation(2, "new")]);
        assert_eq!(merged.expansion.class.as_deref(), Some("flowers"));
        assert_eq!(read(&path), merged);
        // the first one changes nothing more: it must not bring its own class back
        let again = SavedSession {
            tall: false,
            ..first.clone()
        }
        .save(&first, &path)
        .unwrap();
        assert_eq!(again.expansion.class.as_deref(), Some("flowers"));
        assert_eq!((again.states.len(), again.tall), (3, false));
    }

    #[test]
    fn one_unreadable_value_costs_that_value_and_the_file_is_set_aside() {
        let (_folder, path) = file();
        session().save(&SavedSession::default(), &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = text.replacen("\"mode\": \"text\"", "\"mode\": \"audio\"", 1);
        assert_ne!(changed, text);
        std::fs::write(&path, &changed).unwrap();
        let loaded = SavedSession::load(&path).unwrap();
        let warning = loaded.warning.unwrap();
        assert!(
            warning.contains("(mode)") && warning.contains("session-1.bad.json"),
            "{warning}"
        );
        let mut expected = session();
        expected.expansion.mode = None;
        assert_eq!(loaded.session, Some(expected));
        assert_eq!(
            std::fs::read_to_string(path.with_extension("bad.json")).unwrap(),
            changed
        );
    }

    #[test]
    fn one_unreadable_state_costs_no_other() {
        let (_folder, path) = file();
        let both = SavedSession {
            states: vec![named("a", 1), named("b", 2)],
            ..session()
        };
        both.save(&SavedSession::default(), &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap().replacen(
            "\"seed_count\": \"3\"",
            "\"seed_count\": 7",
            1,
        );
        std::fs::write(&path, text).unwrap();
        let loaded = SavedSession::load(&path).unwrap();
        assert!(loaded.warning.unwrap().contains("1 of states"));
        assert_eq!(loaded.session.unwrap().states, [named("b", 2)]);
    }

    #[test]
    fn what_is_damaged_or_newer_is_set_aside_and_never_lost() {
        let (_folder, path) = file();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        for (number, text) in [
            "{\"class\": ",
            "[1]",
            "{\"version\": 99, \"class\": \"fish\"}",
        ]
        .into_iter()
        .enumerate()
        {
            std::fs::write(&path, text).unwrap();
            let loaded = SavedSession::load(&path).unwrap();
            assert_eq!(loaded.session, None, "{text}");
            let aside = if number == 0 {
                "bad.json".to_owned()
            } else {
                format!("bad-{}.json", number + 1)
            };
            assert!(loaded.warning.unwrap().contains(&aside));
            assert_eq!(
                std::fs::read_to_string(path.with_extension(&aside)).unwrap(),
                text
            );
            // a second start finds the copy that there is
            SavedSession::load(&path).unwrap();
            assert!(
                !path
                    .with_extension(format!("bad-{}.json", number + 2))
                    .exists()
            );
        }
        session().save(&SavedSession::default(), &path).unwrap();
        assert_eq!(read(&path), session());
    }

    #[test]
    fn fields_of_another_program_version_are_written_back() {
        let (_folder, path) = file();
        session().save(&SavedSession::default(), &path).unwrap();
        let mut fields: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        fields["new_field"] = serde_json::json!({"kept": true});
        std::fs::write(&path, fields.to_string()).unwrap();
        let loaded = read(&path);
        SavedSession {
            tall: false,
            ..loaded.clone()
        }
        .save(&loaded, &path)
        .unwrap();
        assert_eq!(read(&path).unknown["new_field"]["kept"], true);
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let (_folder, path) = file();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let mut base = SavedSession::default();
                    for number in 0..10 {
                        let mut own = base.clone();
                        own.states
                            .push(named(&format!("{writer}-{number}"), number));
                        base = own.save(&base, path).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path).states.len(), 80);
    }
}
