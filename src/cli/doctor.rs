//! `multiexpan doctor`: what works here, what does not, and the next step.

use directories::ProjectDirs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::cli::arguments::DeviceArg;
use crate::cli::demo;
use crate::cli::terminal::size;
use crate::config::{
    Depth, Drawing, Environment, Images, Multiplexer, Settings, Theme, config_dir,
};
use crate::error::{Error, Result};
use crate::model::device;
use crate::printable;
use crate::text_file;
use crate::types::DeviceChoice;

/// The demo's encoders, as `make encoders` lays them down.
const ENCODERS: [&str; 2] = ["all-minilm-l6-v2", "efficientnet-lite0"];
/// The explorer's smallest screen, columns and rows.
const SMALLEST: (u16, u16) = (60, 16);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub device: DeviceArg,
}

/// One line: what was looked at, what was found, and the next step where there is one.
struct Finding {
    mark: Mark,
    what: String,
    found: String,
    next: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Works,
    Fails,
    /// Not there, and not needed for all.
    Absent,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Mark::Works => '✓',
            Mark::Fails => '✗',
            Mark::Absent => '–',
        }
    }
}

impl Finding {
    fn new(mark: Mark, what: impl Into<String>, found: impl Into<String>) -> Self {
        Finding {
            mark,
            what: what.into(),
            found: found.into(),
            next: String::new(),
        }
    }

    fn next(mut self, step: impl Into<String>) -> Self {
        self.next = step.into();
        self
    }
}

/// Prints what is found of the terminal. `ask` asks it what pictures it draws, where there is one.
pub fn tell_terminal(ask: impl FnOnce() -> Drawing) -> Result<()> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let drawing = is_terminal.then(ask);
    let findings = terminal(&Environment::current(), drawing, size());
    print(&mut std::io::stdout().lock(), "Terminal", &findings)
        .map_err(Error::io("write", "standard output"))
}

/// Prints the other findings. Succeeds whatever they are: telling is its work.
pub fn run(args: Args) -> Result<()> {
    let sections = [
        ("Computing", computing(args.device.device)),
        ("Data", data()),
        ("Files of yours", files()),
    ];
    let mut out = std::io::stdout().lock();
    for (title, findings) in sections {
        print(&mut out, title, &findings).map_err(Error::io("write", "standard output"))?;
    }
    Ok(())
}

fn print(out: &mut impl Write, title: &str, findings: &[Finding]) -> std::io::Result<()> {
    writeln!(out, "{title}")?;
    for Finding {
        mark,
        what,
        found,
        next,
    } in findings
    {
        writeln!(
            out,
            "  {} {what:<18} {}",
            mark.sign(),
            printable::lines(found)
        )?;
        if !next.is_empty() {
            writeln!(out, "    {:<18} → {next}", "")?;
        }
    }
    Ok(())
}

fn computing(choice: DeviceChoice) -> Vec<Finding> {
    let mut findings: Vec<Finding> = device::report()
        .into_iter()
        .map(|(what, found)| {
            let absent = what == "cuda" && device::open_device(DeviceChoice::Cuda(0)).is_err();
            Finding::new(if absent { Mark::Absent } else { Mark::Works }, what, found)
        })
        .collect();
    findings.push(match device::open_device(choice) {
        Ok(chosen) => Finding::new(Mark::Works, "computes on", device::device_name(chosen)),
        Err(error) => {
            Finding::new(Mark::Fails, "computes on", error.to_string()).next("leave --device out")
        }
    });
    findings
}

fn data() -> Vec<Finding> {
    let mut findings = vec![demo_index()];
    for name in ENCODERS {
        findings.push(match encoder(name) {
            Some(folder) => Finding::new(Mark::Works, name, folder.display().to_string()),
            None => Finding::new(Mark::Absent, name, "not here; only training needs it")
                .next("`make encoders` in the source folder"),
        });
    }
    findings
}

/// Looks for the demo's index and whether its description can be read.
fn demo_index() -> Finding {
    let what = "demo index";
    let index = match demo::index() {
        Ok(index) => index,
        Err(error) => return Finding::new(Mark::Fails, what, error.to_string()),
    };
    match readable_json(&index.join("index.json")) {
        Ok(()) => Finding::new(Mark::Works, what, index.display().to_string()),
        Err(error) => Finding::new(Mark::Fails, what, error.to_string())
            .next("`make demo-index` in the source folder"),
    }
}

fn readable_json(path: &Path) -> Result<()> {
    let text = text_file::read(path)?;
    serde_json::from_str::<serde_json::Value>(&text)
        .map_err(|e| Error::format(path, format!("is damaged: {e}")))?;
    Ok(())
}

/// The encoder's folder: in `$MULTIEXPAN_ENCODERS`, or `encoders` in the working folder.
fn encoder(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("MULTIEXPAN_ENCODERS").map(PathBuf::from);
    named
        .into_iter()
        .chain([PathBuf::from("encoders")])
        .map(|root| root.join(name))
        .find(|folder| folder.is_dir())
}

fn terminal(
    environment: &Environment,
    drawing: Option<Drawing>,
    size: Option<(u16, u16)>,
) -> Vec<Finding> {
    let Some(drawing) = drawing else {
        let found = "standard input or output is not a terminal";
        return vec![
            Finding::new(Mark::Absent, "terminal", found)
                .next("the explorer must be started in a terminal"),
            theme(environment.depth),
        ];
    };
    vec![
        name(environment, &drawing),
        room(size),
        letters(environment),
        colours(environment.depth),
        theme(environment.depth),
        pictures(environment, &drawing),
        clipboard(environment),
    ]
}

fn room(size: Option<(u16, u16)>) -> Finding {
    match size {
        None => Finding::new(Mark::Absent, "size", "the terminal does not tell"),
        Some((columns, rows)) if columns < SMALLEST.0 || rows < SMALLEST.1 => {
            let found = format!(
                "{columns}×{rows}, and the explorer needs {}×{}",
                SMALLEST.0, SMALLEST.1
            );
            Finding::new(Mark::Fails, "size", found).next("make it larger; 120×40 shows every pane")
        }
        Some((columns, rows)) => Finding::new(Mark::Works, "size", format!("{columns}×{rows}")),
    }
}

/// "kitty(0.41.1) (xterm-kitty), in tmux, over ssh"
fn name(environment: &Environment, drawing: &Drawing) -> Finding {
    let term = &environment.term;
    let own_name = drawing
        .terminal
        .as_ref()
        .map(|name| format!("{name} "))
        .unwrap_or_default();
    let within = environment
        .multiplexer
        .map(|multiplexer| format!(", in {}", multiplexer.name()))
        .unwrap_or_default();
    let found = format!(
        "{own_name}({term}){within}{}",
        if environment.over_ssh {
            ", over ssh"
        } else {
            ""
        }
    );
    match environment.draws_screens() {
        true => Finding::new(Mark::Works, "terminal", found),
        false => Finding::new(
            Mark::Fails,
            "terminal",
            format!("TERM={term} names no terminal that draws screens"),
        )
        .next("set TERM to your terminal, for example TERM=xterm-256color"),
    }
}

fn letters(environment: &Environment) -> Finding {
    let found = environment
        .locale
        .clone()
        .unwrap_or_else(|| "no locale is set".to_owned());
    match environment.is_utf8() {
        true => Finding::new(Mark::Works, "letters", format!("UTF-8 ({found})")),
        false => Finding::new(
            Mark::Absent,
            "letters",
            format!("not UTF-8 ({found}): borders may be drawn in ASCII"),
        )
        .next(format!(
            "set {}, or another locale in UTF-8",
            environment.utf8_setting()
        )),
    }
}

fn colours(depth: Depth) -> Finding {
    let fewer = |found: &str| {
        Finding::new(Mark::Absent, "colours", found)
            .next("if the terminal has truecolor, say so with COLORTERM=truecolor (over ssh: SendEnv COLORTERM)")
    };
    match depth {
        Depth::True => Finding::new(Mark::Works, "colours", "truecolor"),
        Depth::Indexed => fewer("256"),
        Depth::Ansi => fewer("16"),
        Depth::None => Finding::new(Mark::Absent, "colours", "none, since NO_COLOR is set"),
    }
}

/// The settings' theme, what `auto` stands for here, and whether it can be read.
fn theme(depth: Depth) -> Finding {
    let folder = config_dir();
    let settings = folder.as_ref().map_or_else(
        || Ok(Settings::default()),
        |f| Settings::load(&f.join("config.toml")),
    );
    let found = settings.and_then(|settings| {
        let meant = Theme::resolve(&settings.theme, depth).to_owned();
        Theme::load(&meant, folder.map(|f| f.join("themes")).as_deref(), depth)?;
        Ok((settings.theme, meant))
    });
    match found {
        Ok((asked, meant)) if asked == meant => {
            Finding::new(Mark::Works, "theme", format!("{meant}, by the settings"))
        }
        Ok((asked, meant)) => Finding::new(
            Mark::Works,
            "theme",
            format!("{meant}, which {asked} stands for here"),
        ),
        Err(error) => Finding::new(Mark::Fails, "theme", error.to_string()),
    }
}

/// What images are drawn with, and why.
fn pictures(environment: &Environment, drawing: &Drawing) -> Finding {
    let found = format!("{}: {}", drawing.chosen.name(), drawing.reason);
    let finding = match drawing.chosen {
        Images::Halfblocks => Finding::new(Mark::Absent, "pictures", found)
            .next("docs/TERMINALS.md lists terminals that draw true images; --images overrides the choice"),
        _ => Finding::new(Mark::Works, "pictures", found),
    };
    match (environment.multiplexer, drawing.chosen) {
        (Some(Multiplexer::Tmux), Images::Kitty) => finding.next(
            "`set -g focus-events on` in tmux brings images back as soon as a client attaches",
        ),
        _ => finding,
    }
}

/// Terminals do not tell whether they take it.
fn clipboard(environment: &Environment) -> Finding {
    let finding = Finding::new(
        Mark::Works,
        "clipboard",
        "by OSC 52, if the terminal lets programs set it",
    );
    match environment.multiplexer {
        Some(Multiplexer::Tmux) => finding.next("in tmux: `set -s set-clipboard on`"),
        _ => finding,
    }
}

fn files() -> Vec<Finding> {
    let Some(dirs) = ProjectDirs::from("", "", "multiexpan") else {
        return vec![Finding::new(Mark::Fails, "home", "no home folder is known").next("set HOME")];
    };
    let settings = dirs.config_dir().join("config.toml");
    let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    [
        ("settings", settings.as_path()),
        ("sessions", state),
        ("cache", dirs.cache_dir()),
    ]
    .into_iter()
    .map(|(what, path)| {
        let shown = path.display().to_string();
        if path.exists() {
            Finding::new(Mark::Works, what, shown)
        } else {
            Finding::new(Mark::Absent, what, format!("{shown} (not there yet)"))
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(findings: &[Finding]) -> String {
        let mut out = Vec::new();
        print(&mut out, "Title", findings).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_mark_has_its_sign_and_its_next_step() {
        let shown = text(&[
            Finding::new(Mark::Works, "a", "fine"),
            Finding::new(Mark::Fails, "b", "broken").next("mend it"),
            Finding::new(Mark::Absent, "c", "not there"),
        ]);
        assert!(shown.starts_with("Title\n  ✓ a"), "{shown}");
        assert!(
            shown.contains("✗ b") && shown.contains("→ mend it") && shown.contains("– c"),
            "{shown}"
        );
    }

    #[test]
    fn a_small_terminal_is_told_how_large_to_be() {
        let kitty =
            Environment::from_variables(|name| (name == "TERM").then(|| "xterm-kitty".into()));
        assert_eq!(room(Some((59, 40))).mark, Mark::Fails);
        assert_eq!(room(Some((60, 16))).mark, Mark::Works);
        assert_eq!(room(None).mark, Mark::Absent);
        let drawing = Drawing {
            terminal: Some("kitty(0.26.5)".into()),
            chosen: Images::Halfblocks,
            reason: "kitty draws kitty's placeholders only from 0.28 on".into(),
        };
        let whole = text(&terminal(&kitty, Some(drawing), Some((20, 5))));
        assert!(
            whole.contains("✗ size") && whole.contains("kitty(0.26.5) (xterm-kitty)"),
            "{whole}"
        );
        assert!(
            whole.contains("halfblocks: kitty draws") && whole.contains("– letters"),
            "{whole}"
        );
        assert_eq!(terminal(&kitty, None, None)[0].mark, Mark::Absent);
    }

    #[test]
    fn damaged_json_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.json");
        std::fs::write(&path, "{\"version\": 1").unwrap();
        assert!(
            readable_json(&path)
                .unwrap_err()
                .to_string()
                .contains("is damaged")
        );
        std::fs::write(&path, "{\"version\": 1}").unwrap();
        readable_json(&path).unwrap();
    }
}
