//! Colours by meaning. A theme gives each [`Role`] a style over a palette, can inherit from another
//! theme, and is reduced to the colours that the terminal can show.

use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::text_file;

const SHIPPED: [(&str, &str); 5] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    (
        "colour-blind",
        include_str!("../../themes/colour-blind.toml"),
    ),
    ("ansi", include_str!("../../themes/ansi.toml")),
];

/// The name for the theme that suits the terminal.
pub(super) const AUTO: &str = "auto";

/// The greatest depth of `inherits`, which a theme that inherits from itself exceeds.
const MAX_DEPTH: usize = 8;

macro_rules! roles {
    ($($variant:ident $name:literal,)*) => {
        /// The meaning of a colour.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role { $(#[doc = $name] $variant,)* }

        impl Role {
            pub const ALL: &[Role] = &[$(Role::$variant,)*];

            /// Returns the name in a theme file.
            pub fn name(self) -> &'static str {
                match self { $(Role::$variant => $name,)* }
            }
        }
    };
}

roles! {
    Text "text",
    Quiet "quiet",
    Border "border",
    Focus "focus",
    Title "title",
    Selection "selection",
    Brand "brand",
    Gold "gold",
    Miss "miss",
    Unjudged "unjudged",
    TextShare "text-share",
    ImageShare "image-share",
    Seed "seed",
    Mention "mention",
    Found "found",
    Warning "warning",
    Paper "paper",
}

/// The number of colours that the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    True,
    Indexed,
    Ansi,
    /// No colours (`NO_COLOR`): only bold, underline and reverse.
    None,
}

impl Depth {
    /// Returns the nearest colour that can be shown; `None` without colours.
    pub fn nearest(self, colour: Color) -> Option<Color> {
        match self {
            Depth::True => Some(colour),
            Depth::Indexed => Some(indexed(colour)),
            Depth::Ansi => Some(ansi(colour)),
            Depth::None => None,
        }
    }
}

/// A style for each role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    styles: Vec<Style>,
    paper: [u8; 3],
}

impl Theme {
    /// Returns the theme that a name stands for: `auto` is ansi on a terminal with 16 colours, and
    /// dark otherwise.
    pub fn resolve(name: &str, depth: Depth) -> &str {
        match (name, depth) {
            (AUTO, Depth::Ansi) => "ansi",
            (AUTO, _) => "dark",
            (name, _) => name,
        }
    }

    /// Returns the names of the shipped themes, then of the user's themes in `folder`.
    pub fn names(folder: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        let files = folder
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .flatten();
        let toml = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "toml"));
        let mut own: Vec<String> = toml
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        own.sort();
        own.retain(|name| !names.contains(name));
        names.extend(own);
        names
    }

    /// Loads a theme by name: the user's in `folder`, or else a shipped one.
    ///
    /// # Errors
    ///
    /// `Unknown` for an unknown name, and `Format` with every fault of the file.
    pub fn load(name: &str, folder: Option<&Path>, depth: Depth) -> Result<Theme> {
        let mut source = Source::default();
        source.read(name, folder, 0)?;
        Ok(source.theme(depth))
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Returns the colour behind transparent images: red, green, blue.
    pub fn paper(&self) -> [u8; 3] {
        self.paper
    }
}

/// The palette and the roles, collected along the chain of inheritance.
#[derive(Default)]
struct Source {
    palette: Table,
    roles: Table,
}

impl Source {
    fn read(&mut self, name: &str, folder: Option<&Path>, depth: usize) -> Result<()> {
        let own = folder
            .map(|f| f.join(format!("{name}.toml")))
            .filter(|p| p.is_file());
        let (path, text) = match &own {
            Some(path) => (path.clone(), text_file::read(path)?),
            None => match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
                Some((_, text)) => (format!("theme {name}").into(), (*text).to_owned()),
                None => return Err(unknown(name)),
            },
        };
        let table: Table = text
            .parse()
            .map_err(|e: toml::de::Error| Error::format(&path, e.to_string()))?;
        if let Some(parent) = table.get("inherits").and_then(Value::as_str) {
            if depth == MAX_DEPTH {
                return Err(Error::format(&path, "inherits from itself"));
            }
            // a user's "dark" may inherit from the shipped one
            self.read(parent, folder.filter(|_| parent != name), depth + 1)?;
        }
        let faults = self.merge(&table);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::format(
                path,
                format!("has faults:\n  {}", faults.join("\n  ")),
            ))
        }
    }

    /// Merges the tables of a file over the inherited ones, and returns its faults.
    fn merge(&mut self, table: &Table) -> Vec<String> {
        let mut faults = Vec::new();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("inherits", Value::String(_)) => {}
                ("palette", Value::Table(palette)) => self.palette.extend(palette.clone()),
                ("roles", Value::Table(roles)) => self.roles.extend(roles.clone()),
                _ => faults.push(format!(
                    "{key}: unknown key (expected one of: inherits, palette, roles)"
                )),
            }
        }
        for (name, value) in &self.palette {
            if value.as_str().and_then(colour).is_none() {
                faults.push(format!(
                    "palette.{name} = {value}: expected \"#rrggbb\", 0 to 255 or the name of a colour"
                ));
            }
        }
        for (name, value) in &self.roles {
            if !Role::ALL.iter().any(|r| r.name() == name) {
                let names: Vec<_> = Role::ALL.iter().map(|r| r.name()).collect();
                faults.push(format!(
                    "roles.{name}: unknown role (expected one of: {})",
                    names.join(", ")
                ));
            } else if let Err(reason) = self.style(value) {
                faults.push(format!("roles.{name} = {value}: {reason}"));
            }
        }
        faults
    }

    fn theme(&self, depth: Depth) -> Theme {
        let style_of = |role: &Role| {
            self.roles
                .get(role.name())
                .and_then(|v| self.style(v).ok())
                .unwrap_or_default()
        };
        let full: Vec<Style> = Role::ALL.iter().map(style_of).collect();
        let paper = match full[Role::Paper as usize].bg {
            Some(Color::Rgb(r, g, b)) => [r, g, b],
            _ => [0, 0, 0],
        };
        let mut styles: Vec<Style> = full.into_iter().map(|s| reduce(s, depth)).collect();
        if depth == Depth::None {
            for role in [Role::Selection, Role::Found] {
                styles[role as usize] = styles[role as usize].add_modifier(Modifier::REVERSED);
            }
        }
        Theme { styles, paper }
    }

    fn style(&self, value: &Value) -> std::result::Result<Style, String> {
        let table = match value {
            Value::String(name) => return Ok(Style::new().fg(self.colour(name)?)),
            Value::Table(table) => table,
            _ => return Err("expected a colour or a table".into()),
        };
        let mut style = Style::new();
        for (key, value) in table {
            let modifier = match key.as_str() {
                "fg" => {
                    style.fg = Some(self.colour(value.as_str().unwrap_or_default())?);
                    continue;
                }
                "bg" => {
                    style.bg = Some(self.colour(value.as_str().unwrap_or_default())?);
                    continue;
                }
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underline" => Modifier::UNDERLINED,
                "reversed" => Modifier::REVERSED,
                _ => {
                    return Err(format!(
                        "unknown key `{key}` (expected one of: fg, bg, bold, dim, italic, underline, reversed)"
                    ));
                }
            };
            if value.as_bool() == Some(true) {
                style = style.add_modifier(modifier);
            }
        }
        Ok(style)
    }

    fn colour(&self, name: &str) -> std::result::Result<Color, String> {
        let through_palette = self.palette.get(name).and_then(Value::as_str);
        colour(through_palette.unwrap_or(name))
            .ok_or(format!("`{name}` is neither in the palette nor a colour"))
    }
}

fn colour(text: &str) -> Option<Color> {
    text.parse().ok()
}

fn unknown(name: &str) -> Error {
    Error::Unknown {
        kind: "theme",
        name: name.into(),
        suggestions: SHIPPED.map(|(n, _)| n.to_owned()).into(),
    }
}

fn reduce(style: Style, depth: Depth) -> Style {
    let nearest = |colour| depth.nearest(colour);
    Style {
        fg: style.fg.and_then(nearest),
        bg: style.bg.and_then(nearest),
        ..style
    }
}

/// Returns the nearest colour of the 6×6×6 cube and the 24 greys.
fn indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else {
        return colour;
    };
    let level = |v: u8| {
        if v < 48 {
            0
        } else if v < 115 {
            1
        } else {
            (v - 35) / 40
        }
    };
    let value = |l: u8| if l == 0 { 0 } else { 55 + 40 * l };
    let cube = [level(r), level(g), level(b)];
    let grey = ((u16::from(r) + u16::from(g) + u16::from(b)) / 3).clamp(8, 238) as u8;
    let grey = (grey - 8) / 10;
    let far_cube = distance([r, g, b], cube.map(value));
    let far_grey = distance([r, g, b], [8 + 10 * grey; 3]);
    Color::Indexed(if far_grey < far_cube {
        232 + grey
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    })
}

/// The 16 colours of every terminal with their usual red, green and blue.
pub const ANSI_COLOURS: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [170, 0, 0]),
    (Color::Green, [0, 170, 0]),
    (Color::Yellow, [170, 85, 0]),
    (Color::Blue, [0, 0, 170]),
    (Color::Magenta, [170, 0, 170]),
    (Color::Cyan, [0, 170, 170]),
    (Color::Gray, [170, 170, 170]),
    (Color::DarkGray, [85, 85, 85]),
    (Color::LightRed, [255, 85, 85]),
    (Color::LightGreen, [85, 255, 85]),
    (Color::LightYellow, [255, 255, 85]),
    (Color::LightBlue, [85, 85, 255]),
    (Color::LightMagenta, [255, 85, 255]),
    (Color::LightCyan, [85, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// Returns the nearest of the 16 colours.
fn ansi(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else {
        return colour;
    };
    let nearest = ANSI_COLOURS
        .iter()
        .min_by_key(|(_, usual)| distance([r, g, b], *usual));
    nearest.map_or(Color::Reset, |(name, _)| *name)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter()
        .zip(b)
        .map(|(&x, y)| u32::from(x.abs_diff(y)).pow(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_themes_give_every_role() {
        for (name, _) in SHIPPED {
            let mut source = Source::default();
            source.read(name, None, 0).unwrap();
            for role in Role::ALL {
                assert!(
                    source.roles.contains_key(role.name()),
                    "{name}: {}",
                    role.name()
                );
            }
        }
    }

    #[test]
    fn a_missing_theme_is_an_error() {
        let error = Theme::load("solarised", None, Depth::True).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown theme `solarised` (did you mean dark, light, high-contrast, colour-blind or ansi?)"
        );
    }

    #[test]
    fn a_users_theme_inherits_and_its_faults_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("dark.toml"),
            "inherits = \"dark\"\n[roles]\ngold = \"#010203\"",
        )
        .unwrap();
        let theme = Theme::load("dark", Some(folder.path()), Depth::True).unwrap();
        assert_eq!(theme.style(Role::Gold).fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(
            theme.style(Role::Text).fg,
            Some(Color::Rgb(0xdc, 0xe0, 0xea))
        );

        std::fs::write(
            folder.path().join("bad.toml"),
            "[roles]\ngolden = \"red\"\nmiss = \"mauvish\"",
        )
        .unwrap();
        let error = Theme::load("bad", Some(folder.path()), Depth::True)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("roles.golden") && error.contains("mauvish"),
            "{error}"
        );
    }

    #[test]
    fn a_theme_that_inherits_from_itself_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), "inherits = \"b\"").unwrap();
        std::fs::write(folder.path().join("b.toml"), "inherits = \"a\"").unwrap();
        assert!(
            Theme::load("a", Some(folder.path()), Depth::True)
                .unwrap_err()
                .to_string()
                .contains("itself")
        );
    }

    #[test]
    fn colours_are_reduced_to_those_of_the_terminal() {
        assert_eq!(indexed(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(indexed(Color::Rgb(128, 128, 128)), Color::Indexed(244));
        assert_eq!(ansi(Color::Rgb(250, 90, 80)), Color::LightRed);
        let plain = Theme::load("dark", None, Depth::None).unwrap();
        assert_eq!(plain.style(Role::Gold).fg, None);
        assert!(
            plain
                .style(Role::Selection)
                .add_modifier
                .contains(Modifier::REVERSED)
        );
    }
}
