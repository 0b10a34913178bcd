//! What the environment tells of the terminal. The explorer asks the terminal itself; these are guesses that cost
//! nothing and cannot hang.

/// Columns and rows, where the terminal tells.
pub fn size() -> Option<(u16, u16)> {
    let (columns, rows) = viuer::terminal_size();
    (columns > 0 && rows > 0).then_some((columns, rows))
}

/// How pictures reach the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Kitty,
    Iterm2,
    Sixel,
    HalfBlocks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// `$TERM`, or empty.
    pub term: String,
    /// "truecolor", "256", "16", or "none" where `NO_COLOR` is set.
    pub colours: &'static str,
    /// "tmux", "screen", "zellij".
    pub multiplexer: Option<&'static str>,
    pub over_ssh: bool,
    pub protocol: Protocol,
}

impl Terminal {
    /// From the process's environment.
    pub fn here() -> Self {
        Self::from_env(|name| std::env::var(name).ok())
    }

    /// From any environment: `var` looks a variable up.
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| var(name).unwrap_or_default();
        let term = get("TERM");
        let multiplexer = multiplexer(&get, &term);
        Terminal {
            colours: colours(&get, &term),
            over_ssh: !get("SSH_CONNECTION").is_empty() || !get("SSH_TTY").is_empty(),
            protocol: protocol(&get, &term, multiplexer),
            multiplexer,
            term,
        }
    }
}

fn multiplexer(get: &impl Fn(&'static str) -> String, term: &str) -> Option<&'static str> {
    if !get("ZELLIJ").is_empty() {
        Some("zellij")
    } else if !get("TMUX").is_empty() || term.starts_with("tmux") {
        Some("tmux")
    } else if !get("STY").is_empty() || term.starts_with("screen") {
        Some("screen")
    } else {
        None
    }
}

fn colours(get: &impl Fn(&'static str) -> String, term: &str) -> &'static str {
    let depth = get("COLORTERM");
    if !get("NO_COLOR").is_empty() {
        "none"
    } else if depth.contains("truecolor") || depth.contains("24bit") {
        "truecolor"
    } else if term.contains("256color") {
        "256"
    } else {
        "16"
    }
}

fn protocol(get: &impl Fn(&'static str) -> String, term: &str, multiplexer: Option<&str>) -> Protocol {
    let program = get("TERM_PROGRAM");
    let kitty = !get("KITTY_WINDOW_ID").is_empty() || ["kitty", "ghostty"].iter().any(|k| term.contains(k));
    if matches!(multiplexer, Some("zellij" | "screen")) {
        Protocol::HalfBlocks
    } else if kitty || program == "ghostty" {
        Protocol::Kitty
    } else if multiplexer.is_some() {
        Protocol::HalfBlocks
    } else if ["iTerm.app", "WezTerm", "mintty"].contains(&program.as_str()) || get("LC_TERMINAL") == "iTerm2" {
        Protocol::Iterm2
    } else if ["foot", "mlterm", "contour"].iter().any(|s| term.starts_with(s)) {
        Protocol::Sixel
    } else {
        Protocol::HalfBlocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(vars: &[(&str, &str)]) -> Terminal {
        Terminal::from_env(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn terminals_are_told_apart() {
        let protocol = |vars: &[(&str, &str)]| terminal(vars).protocol;
        assert_eq!(protocol(&[("TERM", "xterm-kitty")]), Protocol::Kitty);
        assert_eq!(protocol(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), Protocol::Iterm2);
        assert_eq!(protocol(&[("TERM", "foot")]), Protocol::Sixel);
        assert_eq!(protocol(&[("TERM", "xterm-256color")]), Protocol::HalfBlocks);
        assert_eq!(protocol(&[]), Protocol::HalfBlocks);
    }

    #[test]
    fn multiplexers_take_protocols_away() {
        let zellij = terminal(&[("TERM", "xterm-kitty"), ("ZELLIJ", "0")]);
        assert_eq!((zellij.multiplexer, zellij.protocol), (Some("zellij"), Protocol::HalfBlocks));
        let iterm = terminal(&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("LC_TERMINAL", "iTerm2")]);
        assert_eq!((iterm.multiplexer, iterm.protocol), (Some("tmux"), Protocol::HalfBlocks));
        let kitty = terminal(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/t,1,0"), ("KITTY_WINDOW_ID", "1")]);
        assert_eq!((kitty.multiplexer, kitty.protocol), (Some("tmux"), Protocol::Kitty));
    }

    #[test]
    fn colours_fall_from_true_to_none() {
        assert_eq!(terminal(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]).colours, "truecolor");
        assert_eq!(terminal(&[("TERM", "xterm-256color")]).colours, "256");
        assert_eq!(terminal(&[("TERM", "linux")]).colours, "16");
        assert_eq!(terminal(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).colours, "none");
    }
}
