//! The settings of `config.toml`, which override the defaults. Every fault is reported at once.

use std::path::Path;
use std::sync::OnceLock;

use strum::VariantNames;
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

/// The protocol for drawing images.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = Error,
    parse_err_fn = unknown_image_protocol
)]
pub enum Images {
    /// The best protocol that the terminal reports, if its answer can be trusted.
    Auto,
    Kitty,
    Sixel,
    Iterm2,
    Halfblocks,
    Off,
}

impl Images {
    /// Returns the name in the settings.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the names of all protocols, separated by commas.
    fn names() -> String {
        Images::VARIANTS.join(", ")
    }
}

fn unknown_image_protocol(name: &str) -> Error {
    let names = Images::names();
    Error::Argument(format!(
        "unknown image protocol `{name}` (expected one of: {names})"
    ))
}

/// The chosen image protocol of a terminal, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// The name that the terminal reports; `None` if it does not answer.
    pub terminal: Option<String>,
    pub chosen: Images,
    /// The reason, as a clause for display.
    pub reason: String,
}

/// The settings of `config.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub theme: String,
    pub images: Images,
    pub mouse: bool,
    /// Show candidates in two lines with a thumbnail.
    pub tall_rows: bool,
    /// The number of candidates of an expansion.
    pub candidates: usize,
    /// The number of ranks that a candidate must exceed to pass the filter "moved".
    pub moved_by: usize,
    pub keymap: Keymap,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Settings::empty();
        let faults = settings.read(DEFAULT_TOML);
        // a test reads the embedded file
        debug_assert!(faults.is_empty(), "{faults:?}");
        settings
    }
}

impl Settings {
    /// Loads the user's file, if there is one, over the defaults.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be read, and `Format` with every unknown key and invalid value.
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
        let count = if faults.len() == 1 {
            "has a fault"
        } else {
            "has faults"
        };
        Err(Error::format(
            path,
            format!("{count}:\n  {}", faults.join("\n  ")),
        ))
    }

    /// Reads a text over the defaults. Returns every fault: the key, the value, and what is allowed.
    pub fn parse(text: &str) -> std::result::Result<Settings, Vec<String>> {
        let mut settings = Settings::default();
        let faults = settings.read(text);
        if faults.is_empty() {
            Ok(settings)
        } else {
            Err(faults)
        }
    }

    /// Returns the fault of the theme's name, if any. `folder` has the user's own themes.
    fn theme_fault(&self, folder: Option<&Path>) -> Option<String> {
        if self.theme == AUTO {
            return None;
        }
        let names = Theme::names(folder);
        (!names.contains(&self.theme)).then(|| {
            format!(
                "theme = \"{}\": unknown theme (expected one of: {AUTO}, {})",
                self.theme,
                names.join(", ")
            )
        })
    }

    /// Returns settings without values, before the embedded file sets every field.
    fn empty() -> Settings {
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
                ("theme", _) => faults.invalid(key, value, "a theme's name"),
                ("images", _) => match value.as_str().and_then(|s| s.parse().ok()) {
                    Some(images) => self.images = images,
                    None => faults.invalid(key, value, &format!("one of: {}", Images::names())),
                },
                ("mouse", _) => faults.boolean(key, value, &mut self.mouse),
                ("layout", Value::Table(layout)) => self.read_layout(layout, &mut faults),
                ("keys", Value::Table(keys)) => self.read_keys(keys, &mut faults),
                ("layout" | "keys", _) => faults.invalid(key, value, "a table"),
                _ => faults.unknown(key, value, "theme, images, mouse, layout, keys"),
            }
        }
        faults.0
    }

    fn read_layout(&mut self, layout: &Table, faults: &mut Faults) {
        for (key, value) in layout {
            let path = format!("layout.{key}");
            match key.as_str() {
                "tall_rows" => faults.boolean(&path, value, &mut self.tall_rows),
                "candidates" => faults.number(&path, value, 10..=1000, &mut self.candidates),
                "moved_by" => faults.number(&path, value, 0..=1000, &mut self.moved_by),
                _ => faults.unknown(&path, value, "tall_rows, candidates, moved_by"),
            }
        }
    }

    fn read_keys(&mut self, keys: &Table, faults: &mut Faults) {
        for (name, value) in keys {
            let path = format!("keys.{name}");
            let Ok(context) = name.parse::<Context>() else {
                faults.unknown(&path, value, &context_names());
                continue;
            };
            match value {
                Value::Table(bindings) => self.read_bindings(context, bindings, faults),
                _ => faults.invalid(&path, value, "a table of actions"),
            }
        }
        faults.0.extend(self.keymap.conflicts());
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
                None => faults.invalid(
                    &path,
                    value,
                    "a key such as “x”, “ctrl-r”, “enter”, keys such as “g g”, or a list of them",
                ),
            }
        }
    }
}

fn context_names() -> String {
    let names: Vec<&str> = Context::ALL.iter().map(|context| context.name()).collect();
    names.join(", ")
}

fn read_key_list(value: &Value) -> Option<Vec<Sequence>> {
    match value {
        Value::String(key) => Some(vec![key.parse().ok()?]),
        Value::Array(keys) => keys.iter().map(|k| k.as_str()?.parse().ok()).collect(),
        _ => None,
    }
}

/// The faults of a settings file.
struct Faults(Vec<String>);

impl Faults {
    fn invalid(&mut self, key: &str, value: &Value, allowed: &str) {
        self.0.push(format!("{key} = {value}: expected {allowed}"));
    }

    fn unknown(&mut self, key: &str, value: &Value, allowed: &str) {
        let shown = if value.is_table() {
            String::new()
        } else {
            format!(" = {value}")
        };
        self.0.push(format!(
            "{key}{shown}: unknown key (expected one of: {allowed})"
        ));
    }

    fn boolean(&mut self, key: &str, value: &Value, into: &mut bool) {
        match value.as_bool() {
            Some(truth) => *into = truth,
            None => self.invalid(key, value, "true or false"),
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
            None => self.invalid(key, value, &format!("{} to {}", range.start(), range.end())),
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
        let mut settings = Settings::empty();
        assert_eq!(settings.read(DEFAULT_TOML), Vec::<String>::new());
        assert_eq!(
            (
                settings.theme.as_str(),
                settings.candidates,
                settings.moved_by
            ),
            ("auto", 120, 10)
        );
        assert_eq!(settings.keymap.conflicts(), Vec::<String>::new());
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
    fn every_fault_is_reported_at_once() {
        let text = "images = \"ascii\"\ncolour = 3\n[layout]\ncandidates = 5\n[keys.global]\nquit = \"hyper-q\"\n\
                    fly = \"y\"\nmode = \"u\"";
        let faults = Settings::parse(text).unwrap_err().join("\n");
        for part in [
            "images = \"ascii\"",
            "colour = 3",
            "layout.candidates = 5: expected 10 to 1000",
            "hyper-q",
        ] {
            assert!(faults.contains(part), "{part} in {faults}");
        }
        assert!(faults.contains("keys.global.fly"), "{faults}");
        assert!(faults.contains("“u” is bound to both"), "{faults}");
    }

    #[test]
    fn an_unknown_theme_is_reported_with_the_other_faults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "theme = \"drak\"\ncolour = 3").unwrap();
        let error = Settings::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("theme = \"drak\": unknown theme (expected one of: auto, dark, light"),
            "{error}"
        );
        assert!(error.contains("colour = 3"), "{error}");
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
