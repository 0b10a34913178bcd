//! The session: the explorer's state between two starts, in one small file for each index, which is
//! written as things change.
//!
//! Several explorers may have the same index open. Each of them takes a lock and writes its own
//! changes over the present contents of the file, so that none removes what another one added. A
//! file with values that cannot be read is copied before anything is written.

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
use crate::types::{EntityId, Mode, RankingKind, SearchSettings, SeedCount};

/// The version of the format that this program writes. A file with a higher version is set aside.
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

/// The state of the explorer between two starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSession {
    /// The format's version.
    pub version: u64,
    /// The expansion. In the file its fields are on the same level as the others.
    #[serde(flatten)]
    pub expansion: ExpansionRecord,
    /// True if a candidate takes two lines.
    pub tall: bool,
    /// The entity pane's width in columns, where the divider was dragged.
    pub entity_width: Option<u16>,
    pub folded: Vec<String>,
    /// The theme, if one was chosen in the explorer.
    pub theme: Option<String>,
    /// Marks and notes on failures.
    #[serde(rename = "remarks")]
    pub annotations: Vec<(AnnotationKey, Annotation)>,
    /// The saved queries.
    #[serde(rename = "states")]
    pub named_queries: Vec<NamedQueryRecord>,
    /// Fields of the file that this program does not know. They are written back.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The query that was expanded. Two sessions are never mixed within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpansionRecord {
    /// The name of the class, since ids change when a class is added to the data set.
    pub class: Option<String>,
    pub seeds: Vec<EntityId>,
    pub accepted: Vec<EntityId>,
    pub rejected: Vec<EntityId>,
    pub count: SeedCount,
    pub number: Option<usize>,
    pub mode: Option<Mode>,
    pub ranking: RankingKind,
    #[serde(rename = "tuning")]
    pub settings: SearchSettings,
    pub reranked: bool,
}

impl Default for ExpansionRecord {
    fn default() -> Self {
        ExpansionRecord {
            class: None,
            seeds: Vec::new(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            count: SeedCount::Three,
            number: None,
            mode: None,
            ranking: RankingKind::default(),
            settings: SearchSettings::default(),
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
            named_queries: Vec::new(),
            unknown: Map::new(),
        }
    }
}

/// A query that was saved under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedQueryRecord {
    pub name: String,
    #[serde(rename = "state")]
    pub query: QueryRecord,
}

/// Returns the path of the session file of an index. Its name has the hash of the index's absolute
/// path.
pub fn path_for(index: &Path) -> Option<PathBuf> {
    let absolute = index.canonicalize().unwrap_or_else(|_| index.to_owned());
    let hash = blake3::hash(absolute.as_os_str().as_encoded_bytes()).to_hex();
    Some(state_dir()?.join(format!("session-{}.json", &hash[..16])))
}

/// A session that was read, and a warning about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadedSession {
    /// `None` if there is no file, or one that cannot be read at all.
    pub session: Option<SavedSession>,
    /// A message about values that could not be read, and the path of the copy.
    pub warning: Option<String>,
}

impl SavedSession {
    /// Reads a session file. A value that cannot be read is left out, and the file is copied to
    /// another name.
    ///
    /// Errors: `Io` if the file cannot be read or copied.
    pub fn load(path: &Path) -> Result<LoadedSession> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(LoadedSession::default());
            }
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        let ParsedSession { session, fault } = parse(&text);
        let Some(fault) = fault else {
            return Ok(LoadedSession {
                session,
                warning: None,
            });
        };
        let copy = set_aside(path, &text)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let copy = copy.display();
        Ok(LoadedSession {
            session,
            warning: Some(format!(
                "the session file {name} {fault}; it is copied to {copy}"
            )),
        })
    }

    /// Writes the changes since `base` over the present contents of the file; returns the new
    /// contents. `base` are the contents that were read or written last.
    ///
    /// Errors: `Io`.
    pub fn save(&self, base: &SavedSession, path: &Path) -> Result<SavedSession> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let _lock = lock(path);
        let on_disk = SavedSession::load(path)?.session.unwrap_or_default();
        let merged = self.merged(base, &on_disk);
        let text =
            serde_json::to_vec_pretty(&merged).map_err(|e| Error::format(path, e.to_string()))?;
        write_atomic(path, &text)?;
        Ok(merged)
    }

    /// Returns each field of `self` that differs from `base`, and the others of `on_disk`. Saved
    /// queries and annotations are merged one by one.
    fn merged(&self, base: &SavedSession, on_disk: &SavedSession) -> SavedSession {
        fn either<T: Clone + PartialEq>(own: &T, base: &T, on_disk: &T) -> T {
            if own == base {
                on_disk.clone()
            } else {
                own.clone()
            }
        }
        SavedSession {
            version: VERSION,
            expansion: either(&self.expansion, &base.expansion, &on_disk.expansion),
            tall: either(&self.tall, &base.tall, &on_disk.tall),
            entity_width: either(
                &self.entity_width,
                &base.entity_width,
                &on_disk.entity_width,
            ),
            folded: either(&self.folded, &base.folded, &on_disk.folded),
            theme: either(&self.theme, &base.theme, &on_disk.theme),
            annotations: merge_lists(
                &self.annotations,
                &base.annotations,
                &on_disk.annotations,
                |(key, _)| key.clone(),
            ),
            named_queries: merge_lists(
                &self.named_queries,
                &base.named_queries,
                &on_disk.named_queries,
                |query| query.name.clone(),
            ),
            unknown: on_disk.unknown.clone(),
        }
    }
}

/// A session as far as it could be read, and a clause about the rest.
struct ParsedSession {
    session: Option<SavedSession>,
    fault: Option<String>,
}

/// Parses the text of a session file.
fn parse(text: &[u8]) -> ParsedSession {
    let unreadable = |fault: String| ParsedSession {
        session: None,
        fault: Some(fault),
    };
    let fields = match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return unreadable("is not a session".to_owned()),
        Err(e) => return unreadable(format!("is damaged ({e})")),
    };
    let version = fields.get("version").and_then(Value::as_u64);
    if let Some(version) = version.filter(|&version| version > VERSION) {
        let fault = format!("has version {version}; this program reads version {VERSION}");
        return unreadable(fault);
    }
    let (session, unread) = read_fields(fields);
    let unread = (!unread.is_empty()).then(|| unread.join(", "));
    ParsedSession {
        session: Some(session),
        fault: unread.map(|unread| format!("has values that cannot be read ({unread})")),
    }
}

/// Reads each field by itself. Returns the session, and the names of the fields that could not be
/// read.
fn read_fields(fields: Map<String, Value>) -> (SavedSession, Vec<String>) {
    // this cannot fail: names, numbers and lists only
    let mut session = serde_json::to_value(SavedSession::default()).unwrap_or_default();
    let known: Vec<String> = session
        .as_object()
        .map(|all| all.keys().cloned().collect())
        .unwrap_or_default();
    let mut unread = Vec::new();
    for (name, value) in with_ranking(fields) {
        let value = match name.as_str() {
            "remarks" => readable::<(AnnotationKey, Annotation)>(value, &name, &mut unread),
            "states" => readable::<NamedQueryRecord>(value, &name, &mut unread),
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

/// Replaces `joint`, which earlier versions wrote, by the ranking. A session that was neither joint
/// nor had settings of its own is ranked as a new one is.
fn with_ranking(mut fields: Map<String, Value>) -> Map<String, Value> {
    let Some(joint) = fields.remove("joint") else {
        return fields;
    };
    let settings = fields.get("tuning").cloned().unwrap_or_default();
    let has_settings = serde_json::from_value(settings)
        .is_ok_and(|s: SearchSettings| s != SearchSettings::default());
    let ranking = match joint {
        Value::Bool(true) => "joint",
        _ if has_settings => "window",
        _ => return fields,
    };
    fields.entry("ranking").or_insert_with(|| ranking.into());
    fields
}

/// Returns a list without the items that cannot be read, and adds their number to `unread`.
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

/// Merges two lists whose items have keys. An item of `own` that differs from `base` was changed
/// here and is taken; of the others those on disk are taken. The order is that of `own`, then that
/// of the file.
fn merge_lists<T: Clone + PartialEq, K: Ord>(
    own: &[T],
    base: &[T],
    on_disk: &[T],
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    fn by_key<'a, T, K: Ord>(list: &'a [T], key: &impl Fn(&T) -> K) -> BTreeMap<K, &'a T> {
        list.iter().map(|item| (key(item), item)).collect()
    }
    let (owned, based, found) = (by_key(own, &key), by_key(base, &key), by_key(on_disk, &key));
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
    let added = on_disk.iter().filter(|item| {
        let key = key(item);
        // an item of the base that `own` does not have was removed here
        !owned.contains_key(&key) && based.get(&key) != Some(item)
    });
    merged.extend(added.cloned());
    merged
}

/// Copies a file that could not be read to the first free name in its folder: `session-….bad.json`,
/// `session-….bad-2.json` and so on. Returns the path of the copy.
fn set_aside(path: &Path, text: &[u8]) -> Result<PathBuf> {
    let name = |number: usize| {
        if number == 1 {
            "bad.json".to_owned()
        } else {
            format!("bad-{number}.json")
        }
    };
    for number in 1.. {
        let copy = path.with_extension(name(number));
        match std::fs::read(&copy) {
            // the same file was read a second time before it was written
            Ok(same) if same == text => return Ok(copy),
            Ok(_) => {}
            Err(_) => {
                write_atomic(&copy, text)?;
                return Ok(copy);
            }
        }
    }
    Ok(path.to_owned())
}

/// Takes the lock of a session file, which is held until the returned file is dropped. On a file
/// system without locks there is none; the file is still written atomically.
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

    fn named(name: &str, number: usize) -> NamedQueryRecord {
        let query = QueryRecord {
            seeds: Vec::new(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            class: Some("fish".into()),
            seed_count: SeedCount::Three,
            number: Some(number),
            mode: Mode::Both,
            ranking: RankingKind::Feedback,
            settings: SearchSettings::default(),
        };
        NamedQueryRecord {
            name: name.into(),
            query,
        }
    }

    fn session() -> SavedSession {
        SavedSession {
            expansion: ExpansionRecord {
                class: Some("fish".into()),
                seeds: vec![EntityId(3), EntityId(1)],
                accepted: vec![EntityId(4)],
                rejected: vec![EntityId(9)],
                count: SeedCount::Five,
                number: Some(2),
                mode: Some(Mode::Text),
                ranking: RankingKind::Joint,
                settings: SearchSettings {
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
            named_queries: vec![named("mine", 1)],
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
    fn a_saved_session_is_restored() {
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
            named_queries: vec![],
            theme: None,
            ..session()
        };
        expected.expansion.settings = SearchSettings::default();
        assert_eq!(read(&path), expected);
    }

    #[test]
    fn a_joint_session_of_an_earlier_version_is_ranked_jointly() {
        let (_folder, path) = file();
        session().save(&SavedSession::default(), &path).unwrap();
        let saved: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let restored = |joint: bool, tuning: Value| {
            let mut old = saved.clone();
            let fields = old.as_object_mut().unwrap();
            fields.remove("ranking");
            fields.remove("accepted");
            fields.insert("joint".into(), joint.into());
            fields.insert("tuning".into(), tuning);
            std::fs::write(&path, old.to_string()).unwrap();
            let session = read(&path);
            assert_eq!(session.named_queries, [named("mine", 1)]);
            assert!(session.unknown.is_empty(), "{:?}", session.unknown);
            session.expansion
        };
        let published = serde_json::json!({"window": null, "weights": null});
        let narrow = serde_json::json!({"window": 3, "weights": null});
        let joint = restored(true, published.clone());
        assert_eq!(
            (joint.ranking, joint.accepted),
            (RankingKind::Joint, vec![])
        );
        assert_eq!(restored(false, published).ranking, RankingKind::Feedback);
        assert_eq!(restored(false, narrow).ranking, RankingKind::Window);
    }

    #[test]
    fn two_explorers_keep_the_additions_of_both() {
        let (_folder, path) = file();
        let start = session();
        start.save(&SavedSession::default(), &path).unwrap();
        // both have read the file; one saves a query and removes the annotation, the other one
        // saves a query of its own and opens another class
        let first = SavedSession {
            named_queries: vec![named("mine", 1), named("first", 2)],
            annotations: vec![],
            ..start.clone()
        };
        let mut second = SavedSession {
            named_queries: vec![named("second", 3), named("mine", 4)],
            annotations: vec![annotation(1, "a fish all the same"), annotation(2, "new")],
            ..start.clone()
        };
        second.expansion.class = Some("flowers".into());
        first.save(&start, &path).unwrap();
        let merged = second.save(&start, &path).unwrap();
        let names: Vec<&str> = merged
            .named_queries
            .iter()
            .map(|query| query.name.as_str())
            .collect();
        assert_eq!(names, ["second", "mine", "first"]);
        assert_eq!(merged.named_queries[1], named("mine", 4));
        assert_eq!(merged.annotations, [annotation(2, "new")]);
        assert_eq!(merged.expansion.class.as_deref(), Some("flowers"));
        assert_eq!(read(&path), merged);
        // the first one changes nothing more, so its own class is not written again
        let again = SavedSession {
            tall: false,
            ..first.clone()
        }
        .save(&first, &path)
        .unwrap();
        assert_eq!(again.expansion.class.as_deref(), Some("flowers"));
        assert_eq!((again.named_queries.len(), again.tall), (3, false));
    }

    #[test]
    fn an_unreadable_value_is_left_out_and_the_file_is_copied() {
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
    fn an_unreadable_query_leaves_the_others() {
        let (_folder, path) = file();
        let both = SavedSession {
            named_queries: vec![named("a", 1), named("b", 2)],
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
        assert_eq!(loaded.session.unwrap().named_queries, [named("b", 2)]);
    }

    #[test]
    fn damaged_and_newer_files_are_copied() {
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
            let copy = if number == 0 {
                "bad.json".to_owned()
            } else {
                format!("bad-{}.json", number + 1)
            };
            assert!(loaded.warning.unwrap().contains(&copy));
            assert_eq!(
                std::fs::read_to_string(path.with_extension(&copy)).unwrap(),
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
                        own.named_queries
                            .push(named(&format!("{writer}-{number}"), number));
                        base = own.save(&base, path).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path).named_queries.len(), 80);
    }
}
