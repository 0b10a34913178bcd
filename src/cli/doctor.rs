//! `multiexpan doctor`: checks the terminal, the device, the data and the settings, and names the next
//! step if something does not work.

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
use crate::train::MINI_ENCODERS;
use crate::types::DeviceChoice;

/// The encoders of the demo, which `make encoders` downloads.
const ENCODERS: [&str; 2] = MINI_ENCODERS;
/// The columns and rows that the explorer needs.
const MIN_SIZE: (u16, u16) = (60, 16);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub device: DeviceArg,
}

/// One checked item: its state, its description, and the next step if there is one.
struct Finding {
    mark: Mark,
    item: String,
    description: String,
    next: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Works,
    Fails,
    /// Missing, but not required for everything.
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
    fn new(mark: Mark, item: impl Into<String>, description: impl Into<String>) -> Self {
        Finding {
            mark,
            item: item.into(),
            description: description.into(),
            next: String::new(),
        }
    }

    fn next(mut self, step: impl Into<String>) -> Self {
        self.next = step.into();
        self
    }
}

/// Prints the findings about the terminal. `query_terminal` asks it for its image protocol, if there is
/// one.
pub fn check_terminal(query_terminal: impl FnOnce() -> Drawing) -> Result<()> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let drawing = is_terminal.then(query_terminal);
    let findings = terminal(&Environment::current(), drawing, size());
    print(&mut std::io::stdout().lock(), "Terminal", &findings)
        .map_err(Error::io("write", "standard output"))
}

/// Prints the other findings. Succeeds whatever they are.
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
        item,
        description,
        next,
    } in findings
    {
        writeln!(
            out,
            "  {} {item:<18} {}",
            mark.sign(),
            printable::lines(description)
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
        .map(|(what, description)| {
            let absent = what == "cuda" && device::open_device(DeviceChoice::Cuda(0)).is_err();
            Finding::new(
                if absent { Mark::Absent } else { Mark::Works },
                what,
                description,
            )
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

/// Finds the demo's index, and checks that its description can be read.
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

/// Returns the folder of an encoder in `$MULTIEXPAN_ENCODERS`, or in `encoders` in the working folder.
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
        let description = "standard input or output is not a terminal";
        return vec![
            Finding::new(Mark::Absent, "terminal", description)
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
        images(environment, &drawing),
        clipboard(environment),
    ]
}

fn room(size: Option<(u16, u16)>) -> Finding {
    match size {
        None => Finding::new(Mark::Absent, "size", "the terminal does not report it"),
        Some((columns, rows)) if columns < MIN_SIZE.0 || rows < MIN_SIZE.1 => {
            let description = format!(
                "{columns}×{rows}, and the explorer needs {}×{}",
                MIN_SIZE.0, MIN_SIZE.1
            );
            Finding::new(Mark::Fails, "size", description)
                .next("make it larger; 120×40 shows every pane")
        }
        Some((columns, rows)) => Finding::new(Mark::Works, "size", format!("{columns}×{rows}")),
    }
}

/// Returns a description like "kitty(0.41.1) (xterm-kitty), in tmux, over ssh".
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
    let description = format!(
        "{own_name}({term}){within}{}",
        if environment.over_ssh {
            ", over ssh"
        } else {
            ""
        }
    );
    match environment.draws_screens() {
        true => Finding::new(Mark::Works, "terminal", description),
        false => Finding::new(
            Mark::Fails,
            "terminal",
            format!("TERM={term} does not name a terminal that can draw screens"),
        )
        .next("set TERM to your terminal, for example TERM=xterm-256color"),
    }
}

fn letters(environment: &Environment) -> Finding {
    let description = environment
        .locale
        .clone()
        .unwrap_or_else(|| "no locale is set".to_owned());
    match environment.is_utf8() {
        true => Finding::new(Mark::Works, "letters", format!("UTF-8 ({description})")),
        false => Finding::new(
            Mark::Absent,
            "letters",
            format!("not UTF-8 ({description}): borders may be drawn in ASCII"),
        )
        .next(format!(
            "set {}, or another locale in UTF-8",
            environment.utf8_setting()
        )),
    }
}

fn colours(depth: Depth) -> Finding {
    let fewer = |description: &str| {
        Finding::new(Mark::Absent, "colours", description)
            .next("if the terminal has truecolor, say so with COLORTERM=truecolor (over ssh: SendEnv COLORTERM)")
    };
    match depth {
        Depth::True => Finding::new(Mark::Works, "colours", "truecolor"),
        Depth::Indexed => fewer("256"),
        Depth::Ansi => fewer("16"),
        Depth::None => Finding::new(Mark::Absent, "colours", "none, since NO_COLOR is set"),
    }
}

/// Returns the theme of the settings, and checks that it can be read.
fn theme(depth: Depth) -> Finding {
    let folder = config_dir();
    let settings = folder.as_ref().map_or_else(
        || Ok(Settings::default()),
        |f| Settings::load(&f.join("config.toml")),
    );
    let description = settings.and_then(|settings| {
        let resolved = Theme::resolve(&settings.theme, depth).to_owned();
        Theme::load(
            &resolved,
            folder.map(|f| f.join("themes")).as_deref(),
            depth,
        )?;
        Ok((settings.theme, resolved))
    });
    match description {
        Ok((name, resolved)) if name == resolved => Finding::new(
            Mark::Works,
            "theme",
            format!("{resolved}, from the settings"),
        ),
        Ok((name, resolved)) => Finding::new(
            Mark::Works,
            "theme",
            format!("{resolved}, chosen by {name}"),
        ),
        Err(error) => Finding::new(Mark::Fails, "theme", error.to_string()),
    }
}

/// Returns the protocol for drawing images, and the reason.
fn images(environment: &Environment, drawing: &Drawing) -> Finding {
    let description = format!("{}: {}", drawing.chosen.name(), drawing.reason);
    let finding = match drawing.chosen {
        Images::Halfblocks => Finding::new(Mark::Absent, "pictures", description)
            .next("docs/TERMINALS.md lists terminals that draw true images; --images overrides the choice"),
        _ => Finding::new(Mark::Works, "pictures", description),
    };
    match (environment.multiplexer, drawing.chosen) {
        (Some(Multiplexer::Tmux), Images::Kitty) => finding.next(
            "`set -g focus-events on` in tmux brings images back as soon as a client attaches",
        ),
        _ => finding,
    }
}

/// Returns the method of copying. Terminals do not report whether they support it.
fn clipboard(environment: &Environment) -> Finding {
    let finding = Finding::new(
        Mark::Works,
        "clipboard",
        "OSC 52, if the terminal allows it",
    );
    match environment.multiplexer {
        Some(Multiplexer::Tmux) => finding.next("in tmux: `set -s set-clipboard on`"),
        _ => finding,
    }
}

fn files() -> Vec<Finding> {
    let Some(dirs) = ProjectDirs::from("", "", "multiexpan") else {
        return vec![
            Finding::new(Mark::Fails, "home", "the home folder is unknown").next("set HOME"),
        ];
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
    fn every_finding_has_its_sign_and_next_step() {
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
    fn a_small_terminal_gets_the_required_size() {
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
        let shown = text(&terminal(&kitty, Some(drawing), Some((20, 5))));
        assert!(
            shown.contains("✗ size") && shown.contains("kitty(0.26.5) (xterm-kitty)"),
            "{shown}"
        );
        assert!(
            shown.contains("halfblocks: kitty draws") && shown.contains("– letters"),
            "{shown}"
        );
        assert_eq!(terminal(&kitty, None, None)[0].mark, Mark::Absent);
    }

    #[test]
    fn damaged_json_is_reported() {
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
