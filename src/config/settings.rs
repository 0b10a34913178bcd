//! `config.toml`: read over the defaults, with every fault reported at once.

use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;

use toml::{Table, Value};

use crate::config::action::Action;
use crate::config::key::Sequence;
use crate::config::keymap::{Context, Keymap};
use crate::config::theme::AUTO;
use crate::config::theme::Theme;
use crate::error::{Error, Result};
use crate::text_file;

/// The default settings with their documentation.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// What the terminal says it can, where its answer is to be trusted.
    Auto,
    Kitty,
    Sixel,
    Iterm2,
    Halfblocks,
    Off,
}

impl Images {
    pub const ALL: [(&str, Images); 6] = [
        ("auto", Images::Auto),
        ("kitty", Images::Kitty),
        ("sixel", Images::Sixel),
        ("iterm2", Images::Iterm2),
        ("halfblocks", Images::Halfblocks),
        ("off", Images::Off),
    ];

    /// As the settings write it.
    pub fn name(self) -> &'static str {
        Images::ALL
            .iter()
            .find(|(_, images)| *images == self)
            .map_or("", |(name, _)| name)
    }
}

/// How images are drawn in a terminal, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// What the terminal calls itself; `None` where it has not answered.
    pub terminal: Option<String>,
    pub chosen: Images,
    /// The reason, as a clause for people.
    pub why: String,
}

impl FromStr for Images {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        let found = Images::ALL
            .iter()
            .find(|(name, _)| *name == s)
            .map(|(_, images)| *images);
        found.ok_or_else(|| {
            Error::Argument(format!("“{s}” draws no images; allowed: {}", image_names()))
        })
    }
}

fn image_names() -> String {
    Images::ALL.map(|(name, _)| name).join(", ")
}

/// Everything that `config.toml` sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub theme: String,
    pub images: Images,
    pub mouse: bool,
    /// Candidates in two lines with a thumbnail.
    pub tall_rows: bool,
    /// How many candidates an expansion picks.
    pub candidates: usize,
    /// The filter "moved" asks for more than this many ranks.
    pub moved_by: usize,
    pub keymap: Keymap,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Settings::bare();
        let faults = settings.read(DEFAULT_TOML);
        debug_assert!(faults.is_empty(), "{faults:?}"); // the embedded file is tested
        settings
    }
}

impl Settings {
    /// The defaults with the user's file over them, where there is one.
    ///
    /// Errors: `Io` when it cannot be read; `Format` with every unknown key and bad value at once.
    pub fn load(path: &Path) -> Result<Settings> {
        let text = match text_file::read(path) {
            Ok(text) => text,
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Settings::default());
            }
            Err(e) => return Err(e),
        };
        let mut settings = Settings::default();
        let mut faults = settings.read(&text);
        let themes = path.parent().map(|folder| folder.join("themes"));
        faults.extend(settings.theme_fault(themes.as_deref()));
        if faults.is_empty() {
            return Ok(settings);
        }
        let many = if faults.len() == 1 {
            "has a fault"
        } else {
            "has faults"
        };
        Err(Error::format(
            path,
            format!("{many}:\n  {}", faults.join("\n  ")),
        ))
    }

    /// The defaults with this text over them, or every fault: the key, the value, what is allowed.
    pub fn parse(text: &str) -> std::result::Result<Settings, Vec<String>> {
        let mut settings = Settings::default();
        let faults = settings.read(text);
        if faults.is_empty() {
            Ok(settings)
        } else {
            Err(faults)
        }
    }

    /// Returns what is wrong with the theme's name; `folder` has the user's own themes.
    fn theme_fault(&self, folder: Option<&Path>) -> Option<String> {
        if self.theme == AUTO {
            return None;
        }
        let names = Theme::names(folder);
        (!names.contains(&self.theme)).then(|| {
            format!(
                "theme = \"{}\": allowed is {AUTO}, {}",
                self.theme,
                names.join(", ")
            )
        })
    }

    /// Before the embedded file is read: it sets every field.
    fn bare() -> Settings {
        Settings {
            theme: String::new(),
            images: Images::Auto,
            mouse: false,
            tall_rows: false,
            candidates: 0,
            moved_by: 0,
            keymap: Keymap::default(),
        }
    }

    fn read(&mut self, text: &str) -> Vec<String> {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(e) => return vec![e.to_string()],
        };
        let mut faults = Faults(Vec::new());
        for (key, value) in &table {
            match (key.as_str(), value) {
                ("theme", Value::String(name)) => self.theme = name.clone(),
                ("theme", _) => faults.bad(key, value, "a theme's name"),
                ("images", _) => match value.as_str().and_then(|s| s.parse().ok()) {
                    Some(images) => self.images = images,
                    None => faults.bad(key, value, &image_names()),
                },
                ("mouse", _) => faults.truth(key, value, &mut self.mouse),
                ("layout", Value::Table(layout)) => self.read_layout(layout, &mut faults),
                ("keys", Value::Table(keys)) => self.read_keys(keys, &mut faults),
                ("layout" | "keys", _) => faults.bad(key, value, "a table"),
                _ => faults.unknown(key, value, "theme, images, mouse, layout, keys"),
            }
        }
        faults.0
    }

    fn read_layout(&mut self, layout: &Table, faults: &mut Faults) {
        for (key, value) in layout {
            let path = format!("layout.{key}");
            match key.as_str() {
                "tall_rows" => faults.truth(&path, value, &mut self.tall_rows),
                "candidates" => faults.number(&path, value, 10..=1000, &mut self.candidates),
                "moved_by" => faults.number(&path, value, 0..=1000, &mut self.moved_by),
                _ => faults.unknown(&path, value, "tall_rows, candidates, moved_by"),
            }
        }
    }

    fn read_keys(&mut self, keys: &Table, faults: &mut Faults) {
        for (name, value) in keys {
            let path = format!("keys.{name}");
            let Some(context) = Context::ALL.into_iter().find(|c| c.name() == name) else {
                faults.unknown(&path, value, &Context::ALL.map(Context::name).join(", "));
                continue;
            };
            match value {
                Value::Table(bindings) => self.read_bindings(context, bindings, faults),
                _ => faults.bad(&path, value, "a table of actions"),
            }
        }
        faults.0.extend(self.keymap.clashes());
    }

    fn read_bindings(&mut self, context: Context, bindings: &Table, faults: &mut Faults) {
        for (name, value) in bindings {
            let path = format!("keys.{}.{name}", context.name());
            let Some(action) = Action::ALL.iter().copied().find(|a| a.name() == name) else {
                faults.unknown(
                    &path,
                    value,
                    &Action::ALL
                        .iter()
                        .map(|a| a.name())
                        .collect::<Vec<_>>()
                        .join(", "),
                );
                continue;
            };
            match read_key_list(value) {
                Some(keys) => self.keymap.bind(context, action, &keys),
                None => faults.bad(
                    &path,
                    value,
                    "a key such as “x”, “ctrl-r”, “enter”, keys such as “g g”, or a list of them",
                ),
            }
        }
    }
}

fn read_key_list(value: &Value) -> Option<Vec<Sequence>> {
    match value {
        Value::String(key) => Some(vec![key.parse().ok()?]),
        Value::Array(keys) => keys.iter().map(|k| k.as_str()?.parse().ok()).collect(),
        _ => None,
    }
}

struct Faults(Vec<String>);

impl Faults {
    fn bad(&mut self, key: &str, value: &Value, allowed: &str) {
        self.0
            .push(format!("{key} = {value}: allowed is {allowed}"));
    }

    fn unknown(&mut self, key: &str, value: &Value, allowed: &str) {
        let shown = if value.is_table() {
            String::new()
        } else {
            format!(" = {value}")
        };
        self.0
            .push(format!("{key}{shown}: no such key; there are {allowed}"));
    }

    fn truth(&mut self, key: &str, value: &Value, into: &mut bool) {
        match value.as_bool() {
            Some(truth) => *into = truth,
            None => self.bad(key, value, "true or false"),
        }
    }

    fn number(
        &mut self,
        key: &str,
        value: &Value,
        range: std::ops::RangeInclusive<usize>,
        into: &mut usize,
    ) {
        match value
            .as_integer()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| range.contains(n))
        {
            Some(number) => *into = number,
            None => self.bad(key, value, &format!("{} to {}", range.start(), range.end())),
        }
    }
}

impl Keymap {
    /// Returns the keymap of the embedded settings.
    pub fn shipped() -> &'static Keymap {
        static SHIPPED: OnceLock<Keymap> = OnceLock::new();
        SHIPPED.get_or_init(|| Settings::default().keymap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keymap::Bound;

    #[test]
    fn the_embedded_file_has_no_fault_and_sets_everything() {
        let mut settings = Settings::bare();
        assert_eq!(settings.read(DEFAULT_TOML), Vec::<String>::new());
        assert_eq!(
            (
                settings.theme.as_str(),
                settings.candidates,
                settings.moved_by
            ),
            ("auto", 120, 10)
        );
        assert_eq!(settings.keymap.clashes(), Vec::<String>::new());
    }

    #[test]
    fn every_action_has_a_key_somewhere() {
        let keymap = Settings::default().keymap;
        for action in Action::ALL {
            let bound = Context::ALL
                .iter()
                .any(|&c| keymap.key_of(c, *action).is_some());
            assert!(bound, "{}", action.name());
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let text = "images = \"ascii\"\ncolour = 3\n[layout]\ncandidates = 5\n[keys.global]\nquit = \"hyper-q\"\n\
                    fly = \"y\"\nmode = \"u\"";
        let faults = Settings::parse(text).unwrap_err().join("\n");
        for part in [
            "images = \"ascii\"",
            "colour = 3",
            "layout.candidates = 5: allowed is 10 to 1000",
            "hyper-q",
        ] {
            assert!(faults.contains(part), "{part} in {faults}");
        }
        assert!(faults.contains("keys.global.fly"), "{faults}");
        assert!(faults.contains("“u” is bound to both"), "{faults}");
    }

    #[test]
    fn an_unknown_theme_is_told_with_the_other_faults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "theme = \"drak\"\ncolour = 3").unwrap();
        let said = Settings::load(&path).unwrap_err().to_string();
        assert!(
            said.contains("theme = \"drak\": allowed is auto, dark, light"),
            "{said}"
        );
        assert!(said.contains("colour = 3"), "{said}");
        std::fs::create_dir(folder.path().join("themes")).unwrap();
        std::fs::write(
            folder.path().join("themes/drak.toml"),
            "inherits = \"dark\"",
        )
        .unwrap();
        std::fs::write(&path, "theme = \"drak\"").unwrap();
        assert_eq!(Settings::load(&path).unwrap().theme, "drak");
    }

    #[test]
    fn a_binding_replaces_the_default_ones() {
        let settings = Settings::parse("[keys.global]\nmode = \"o\"").unwrap();
        let find = |key: &str| {
            settings
                .keymap
                .find(Context::Candidates, &[key.parse().unwrap()])
        };
        assert_eq!(
            (find("o"), find("m")),
            (Bound::Action(Action::Mode), Bound::Nothing)
        );
    }
}
