//! The environment variables that describe the terminal. Over ssh most of them are not passed on, so
//! the terminal is queried for whatever it can report (`tui/platform/capabilities.rs`).

use crate::config::theme::Depth;

/// A program between this one and the terminal that draws a screen of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplexer {
    Tmux,
    Screen,
    Zellij,
}

impl Multiplexer {
    /// Returns the name for display.
    pub fn name(self) -> &'static str {
        match self {
            Multiplexer::Tmux => "tmux",
            Multiplexer::Screen => "GNU screen",
            Multiplexer::Zellij => "Zellij",
        }
    }
}

/// The terminal as the environment describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `$TERM`, or empty.
    pub term: String,
    pub multiplexer: Option<Multiplexer>,
    pub over_ssh: bool,
    pub depth: Depth,
    /// The locale variable that sets the character encoding, as `NAME=value`; `None` if none is set.
    pub locale: Option<String>,
}

impl Environment {
    /// Returns the environment of this process.
    pub fn current() -> Environment {
        Environment::from_variables(|name| std::env::var(name).ok())
    }

    /// Returns the environment of other variables, which `variable` looks up.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let get = |name: &str| variable(name).unwrap_or_default();
        let term = get("TERM");
        let multiplexer = multiplexer(&get, &term);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find(|name| !get(name).is_empty());
        Environment {
            multiplexer,
            over_ssh: !get("SSH_CONNECTION").is_empty() || !get("SSH_TTY").is_empty(),
            depth: depth(&get, &term, multiplexer),
            locale: locale.map(|name| format!("{name}={}", get(name))),
            term,
        }
    }

    /// Returns true if the terminal can move the cursor. `dumb` cannot, and a terminal without a
    /// name is unknown.
    pub fn draws_screens(&self) -> bool {
        !matches!(self.term.as_str(), "" | "dumb" | "unknown")
    }

    /// Returns a setting of the deciding locale variable that makes the encoding UTF-8.
    pub fn utf8_setting(&self) -> String {
        let name = self
            .locale
            .as_deref()
            .and_then(|set| set.split('=').next())
            .unwrap_or("LANG");
        format!("{name}=C.UTF-8")
    }

    /// Returns true if the character encoding is UTF-8.
    pub fn is_utf8(&self) -> bool {
        let locale = self
            .locale
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        locale.ends_with("utf-8")
            || locale.ends_with("utf8")
            || locale.contains("utf-8@")
            || locale.contains("utf8@")
    }
}

fn multiplexer(get: &impl Fn(&str) -> String, term: &str) -> Option<Multiplexer> {
    if !get("ZELLIJ").is_empty() {
        Some(Multiplexer::Zellij)
    } else if !get("TMUX").is_empty() || term.starts_with("tmux") {
        Some(Multiplexer::Tmux)
    } else if !get("STY").is_empty() || term.starts_with("screen") {
        Some(Multiplexer::Screen)
    } else {
        None
    }
}

fn depth(get: &impl Fn(&str) -> String, term: &str, multiplexer: Option<Multiplexer>) -> Depth {
    let colorterm = get("COLORTERM");
    if !get("NO_COLOR").is_empty() {
        return Depth::None;
    }
    // GNU screen inherits COLORTERM from the outer terminal, but misreads 24-bit colours
    let is_true = multiplexer != Some(Multiplexer::Screen)
        && (colorterm.contains("truecolor")
            || colorterm.contains("24bit")
            || term.contains("direct"));
    if is_true {
        Depth::True
    } else if ["256color", "kitty", "alacritty", "ghostty", "foot"]
        .iter()
        .any(|name| term.contains(name))
    {
        Depth::Indexed
    } else {
        Depth::Ansi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn multiplexers_are_detected() {
        let detected = |variables: &[(&str, &str)]| environment(variables).multiplexer;
        assert_eq!(
            detected(&[("TERM", "xterm-kitty"), ("ZELLIJ", "0")]),
            Some(Multiplexer::Zellij)
        );
        assert_eq!(
            detected(&[("TERM", "tmux-256color")]),
            Some(Multiplexer::Tmux)
        );
        assert_eq!(
            detected(&[("TERM", "screen-256color"), ("TMUX", "/tmp/t,1,0")]),
            Some(Multiplexer::Tmux)
        );
        assert_eq!(
            detected(&[("TERM", "screen.xterm-256color"), ("STY", "1.pts")]),
            Some(Multiplexer::Screen)
        );
        assert_eq!(detected(&[("TERM", "xterm-256color")]), None);
    }

    #[test]
    fn the_colour_depth_falls_from_true_to_none() {
        let depth = |variables: &[(&str, &str)]| environment(variables).depth;
        assert_eq!(
            depth(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]),
            Depth::True
        );
        assert_eq!(depth(&[("TERM", "xterm-kitty")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "screen-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi);
        assert_eq!(
            depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
            Depth::None
        );
        let in_screen = [
            ("TERM", "screen.xterm-256color"),
            ("STY", "1.pts"),
            ("COLORTERM", "truecolor"),
        ];
        assert_eq!(depth(&in_screen), Depth::Indexed);
    }

    #[test]
    fn the_locale_sets_the_encoding() {
        let utf8 = |variables: &[(&str, &str)]| environment(variables).is_utf8();
        assert!(
            utf8(&[("LANG", "C.UTF-8")]) && utf8(&[("LC_ALL", "de_DE.utf8@euro"), ("LANG", "C")])
        );
        assert!(!utf8(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]) && !utf8(&[]));
        assert!(!utf8(&[("LC_CTYPE", "POSIX"), ("LANG", "en_US.UTF-8")]));
        assert_eq!(
            environment(&[("LC_ALL", "C"), ("LANG", "C")]).utf8_setting(),
            "LC_ALL=C.UTF-8"
        );
        assert_eq!(environment(&[]).utf8_setting(), "LANG=C.UTF-8");
    }

    #[test]
    fn dumb_terminals_draw_no_screens() {
        assert!(
            !environment(&[("TERM", "dumb")]).draws_screens() && !environment(&[]).draws_screens()
        );
        assert!(environment(&[("TERM", "vt100")]).draws_screens());
    }
}
