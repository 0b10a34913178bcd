//! The capabilities of the terminal, according to its own answers.
//!
//! Environment variables are not passed through ssh, so the terminal itself is queried: its name and
//! version (XTVERSION), its device attributes (DA1) and the size of a cell. What a terminal claims
//! is not sufficient, since several terminals know a protocol and draw it wrongly. The protocol is
//! chosen from a list of terminals that were tested (`docs/TERMINALS.md`).

use std::ops::RangeInclusive;

use ratatui_image::FontSize;

use crate::config::{Depth, Drawing, Environment, Images, Multiplexer};
use crate::tui::platform::input::TerminalReport;
use crate::tui::platform::tmux::OuterTerminal;

/// Queries the name and version, the size of a cell, the colour of the background, and the device
/// attributes. Terminals ignore sequences that they do not know; what one prints nevertheless is
/// cleared before the first frame. Every terminal answers the last query, so that its answer ends
/// the others.
pub const QUERY: &str = "\x1b[>q\x1b[16t\x1b]11;?\x1b\\\x1b[c";

/// The device attribute of terminals that draw sixel.
const SIXEL: u16 = 4;
/// The size of a cell in pixels that is assumed if the terminal reports none, or an impossible one.
const DEFAULT_CELL: (u16, u16) = (10, 20);
/// The possible widths of a cell, in pixels.
const CELL_WIDTH: RangeInclusive<u16> = 3..=100;
/// The possible heights of a cell, in pixels.
const CELL_HEIGHT: RangeInclusive<u16> = 5..=200;

/// The way in which images are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphicsProtocol {
    /// kitty's graphics with Unicode placeholders: an image is text, and behaves like it.
    Kitty,
    /// kitty's graphics placed at the cursor, for terminals without placeholders: an image covers
    /// the text, and stays until it is deleted.
    KittyPlaced,
    Sixel,
    Iterm2,
    /// Two pixels in each cell.
    HalfBlocks,
    /// One of several shades in each cell, for terminals without colours.
    Shades,
}

impl GraphicsProtocol {
    /// Returns true if an image of this protocol consists of cells, so that text drawn over it
    /// replaces it.
    pub fn is_made_of_cells(self) -> bool {
        matches!(
            self,
            GraphicsProtocol::Kitty | GraphicsProtocol::HalfBlocks | GraphicsProtocol::Shades
        )
    }

    /// Returns true if the size of a cell must be known, because an image of pixels is placed on
    /// cells.
    fn needs_cell_size(self) -> bool {
        matches!(
            self,
            GraphicsProtocol::Sixel | GraphicsProtocol::Iterm2 | GraphicsProtocol::KittyPlaced
        )
    }

    /// Returns the setting that selects this protocol.
    fn setting(self) -> Images {
        match self {
            GraphicsProtocol::Kitty | GraphicsProtocol::KittyPlaced => Images::Kitty,
            GraphicsProtocol::Sixel => Images::Sixel,
            GraphicsProtocol::Iterm2 => Images::Iterm2,
            GraphicsProtocol::HalfBlocks | GraphicsProtocol::Shades => Images::Halfblocks,
        }
    }
}

/// The answers of the terminal so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The name and version, as the terminal writes them.
    pub version: Option<String>,
    pub attributes: Option<Vec<u16>>,
    /// The width and height of a cell in pixels.
    pub cell: Option<(u16, u16)>,
    /// The colour of the background: red, green, blue.
    pub background: Option<[u8; 3]>,
    /// The terminal outside of tmux, if the explorer runs in tmux.
    pub outer: Option<OuterTerminal>,
}

impl Answers {
    /// Records a report. Returns true if it changes an answer.
    pub fn record(&mut self, report: TerminalReport) -> bool {
        let previous = self.clone();
        match report {
            TerminalReport::Version(version) => self.version = Some(version),
            TerminalReport::Attributes(attributes) => self.attributes = Some(attributes),
            TerminalReport::CellSize { width, height } => self.cell = Some((width, height)),
            TerminalReport::Background(colour) => self.background = Some(colour),
            TerminalReport::Cursor { .. } | TerminalReport::Other => {}
        }
        *self != previous
    }

    /// Returns true if the terminal has reported that it draws sixel.
    fn has_sixel(&self) -> bool {
        self.attributes
            .as_ref()
            .is_some_and(|attributes| attributes.contains(&SIXEL))
    }

    /// Returns the name of the terminal for users; `None` if it has not answered.
    fn terminal_name(&self) -> Option<String> {
        let outer_version = match &self.outer {
            Some(outer) => outer.version.as_str(),
            None => "",
        };
        match &self.version {
            Some(version) if outer_version.is_empty() => Some(version.clone()),
            Some(version) => Some(format!("{version} in {outer_version}")),
            None if self.attributes.is_some() => {
                Some("a terminal that does not report its name".to_owned())
            }
            None => None,
        }
    }
}

/// The way in which images are drawn in this terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSetup {
    /// The protocol; `None` if images are off.
    pub protocol: Option<GraphicsProtocol>,
    /// The width and height of a cell in pixels.
    pub cell: (u16, u16),
    /// The background of the terminal, if it has reported it.
    pub background: Option<[u8; 3]>,
    /// True if sequences are wrapped so that tmux passes them on.
    pub through_tmux: bool,
    /// True if kitty's images are compressed. That takes time, and spares a slow connection.
    pub compressed: bool,
    pub depth: Depth,
    /// True if only ASCII is written.
    pub ascii: bool,
    /// The choice and its reason, for users.
    pub drawing: Drawing,
}

impl ImageSetup {
    /// Returns the size of a cell as the encoders expect it.
    pub fn font_size(&self) -> FontSize {
        FontSize::from(self.cell)
    }
}

/// A protocol, and the reason for it as a clause for users.
struct Choice {
    protocol: GraphicsProtocol,
    reason: String,
}

impl Choice {
    fn half_blocks(reason: &str) -> Choice {
        Choice {
            protocol: GraphicsProtocol::HalfBlocks,
            reason: reason.to_owned(),
        }
    }
}

/// Decides how images are drawn. `setting` is the user's choice, and `kernel_cell` the size of a
/// cell computed from the size of the terminal in pixels, if the kernel reports one.
pub fn image_setup(
    setting: Images,
    answers: &Answers,
    environment: &Environment,
    ascii: bool,
    kernel_cell: Option<(u16, u16)>,
) -> ImageSetup {
    let cell = [answers.cell, kernel_cell]
        .into_iter()
        .flatten()
        .find(|cell| is_plausible(*cell));
    let depth = environment.depth;
    let (protocol, reason) = match setting {
        Images::Auto => {
            let choice = choose_protocol(answers, environment, cell.is_some());
            let protocol = or_shades(choice.protocol, depth, ascii);
            (Some(protocol), choice.reason)
        }
        _ => {
            let protocol = forced_protocol(setting, answers, depth, ascii);
            (protocol, "by the settings".to_owned())
        }
    };
    ImageSetup {
        protocol,
        cell: cell.unwrap_or(DEFAULT_CELL),
        background: answers.background,
        through_tmux: is_tmux(answers, environment),
        compressed: environment.over_ssh,
        depth,
        ascii,
        drawing: Drawing {
            terminal: answers.terminal_name(),
            chosen: protocol.map_or(Images::Off, GraphicsProtocol::setting),
            reason,
        },
    }
}

/// Returns the protocol that the settings demand; `None` if images are off.
fn forced_protocol(
    setting: Images,
    answers: &Answers,
    depth: Depth,
    ascii: bool,
) -> Option<GraphicsProtocol> {
    match setting {
        Images::Kitty => Some(kitty_protocol(answers)),
        Images::Sixel => Some(GraphicsProtocol::Sixel),
        Images::Iterm2 => Some(GraphicsProtocol::Iterm2),
        Images::Halfblocks => Some(or_shades(GraphicsProtocol::HalfBlocks, depth, ascii)),
        Images::Auto | Images::Off => None,
    }
}

/// Returns shades if the protocol needs something that is missing: half blocks need colours and a
/// character beyond ASCII, kitty's placeholders such characters.
fn or_shades(protocol: GraphicsProtocol, depth: Depth, ascii: bool) -> GraphicsProtocol {
    match protocol {
        GraphicsProtocol::HalfBlocks if ascii || depth == Depth::None => GraphicsProtocol::Shades,
        GraphicsProtocol::Kitty if ascii => GraphicsProtocol::Shades,
        other => other,
    }
}

/// Returns the form of kitty's protocol: placed at the cursor if the terminal is known to need
/// that, otherwise with placeholders.
fn kitty_protocol(answers: &Answers) -> GraphicsProtocol {
    let Some(version) = &answers.version else {
        return GraphicsProtocol::Kitty;
    };
    match protocol_of_version(version, false).protocol {
        GraphicsProtocol::KittyPlaced => GraphicsProtocol::KittyPlaced,
        _ => GraphicsProtocol::Kitty,
    }
}

/// Chooses the best protocol that the terminal draws correctly.
fn choose_protocol(answers: &Answers, environment: &Environment, cell_is_known: bool) -> Choice {
    if is_tmux(answers, environment) {
        return choose_protocol_in_tmux(answers);
    }
    match environment.multiplexer {
        Some(Multiplexer::Screen) => {
            return Choice::half_blocks("GNU screen does not pass images through");
        }
        Some(Multiplexer::Zellij) => {
            return Choice::half_blocks("Zellij does not pass images through");
        }
        Some(Multiplexer::Tmux) | None => {}
    }
    let choice = match &answers.version {
        Some(version) => protocol_of_version(version, answers.has_sixel()),
        None => protocol_without_version(answers),
    };
    if choice.protocol.needs_cell_size() && !cell_is_known {
        return Choice::half_blocks("the terminal does not report the size of its cells");
    }
    choice
}

/// Chooses the protocol of a terminal that has not reported its name.
fn protocol_without_version(answers: &Answers) -> Choice {
    if answers.has_sixel() {
        Choice {
            protocol: GraphicsProtocol::Sixel,
            reason: "the terminal reports that it draws sixel".into(),
        }
    } else if answers.attributes.is_some() {
        Choice::half_blocks("the terminal reports no image protocol")
    } else {
        Choice::half_blocks("the terminal has not answered")
    }
}

fn is_tmux(answers: &Answers, environment: &Environment) -> bool {
    environment.multiplexer == Some(Multiplexer::Tmux)
        || answers
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with("tmux "))
}

/// Chooses the protocol in tmux. Only kitty's placeholders are safe: to tmux they are text, which
/// it moves and redraws.
fn choose_protocol_in_tmux(answers: &Answers) -> Choice {
    let Some(outer) = &answers.outer else {
        return Choice::half_blocks(
            "tmux on another machine does not say which terminal is outside; use --images to choose a protocol",
        );
    };
    let outer_choice = protocol_of_version(&outer.version, false);
    if outer_choice.protocol != GraphicsProtocol::Kitty {
        return Choice::half_blocks(
            "tmux moves images only in terminals with kitty's placeholders",
        );
    }
    Choice {
        protocol: GraphicsProtocol::Kitty,
        reason: format!("{}, through tmux", outer_choice.reason),
    }
}

/// Chooses the protocol by the name and version: the best one that the terminal was seen to draw
/// correctly.
fn protocol_of_version(version: &str, has_sixel: bool) -> Choice {
    let name = version.split(['(', ' ']).next().unwrap_or_default();
    let (protocol, reason) = match name.to_ascii_lowercase().as_str() {
        "kitty" if major_minor(version) >= [0, 28] => {
            (GraphicsProtocol::Kitty, "draws kitty's placeholders")
        }
        // With sixel, Konsole keeps showing images after text was drawn over them.
        "kitty" | "konsole" => (GraphicsProtocol::KittyPlaced, "draws kitty's images"),
        "ghostty" => (GraphicsProtocol::Kitty, "draws kitty's placeholders"),
        "iterm2" | "wezterm" => (GraphicsProtocol::Iterm2, "draws iTerm2's images"),
        _ if has_sixel => (GraphicsProtocol::Sixel, "draws sixel"),
        _ => (GraphicsProtocol::HalfBlocks, "reports no image protocol"),
    };
    Choice {
        protocol,
        reason: format!("{name} {reason}"),
    }
}

/// Returns the first two numbers of a version: 0 and 26 for `kitty(0.26.5)`.
fn major_minor(version: &str) -> [u32; 2] {
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().unwrap_or(0));
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)]
}

/// Returns true if a cell can have this size. Some systems report a size that is meaningless, such
/// as 14 × 46 pixels for the entire terminal.
fn is_plausible((width, height): (u16, u16)) -> bool {
    CELL_WIDTH.contains(&width)
        && CELL_HEIGHT.contains(&height)
        && (width..=4 * width).contains(&height)
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

    fn plain() -> Environment {
        environment(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])
    }

    fn answers(version: &str, attributes: &[u16]) -> Answers {
        Answers {
            version: (!version.is_empty()).then(|| version.to_owned()),
            attributes: Some(attributes.to_vec()),
            cell: Some((9, 18)),
            ..Answers::default()
        }
    }

    fn protocol(answers: &Answers, environment: &Environment) -> GraphicsProtocol {
        image_setup(Images::Auto, answers, environment, false, None)
            .protocol
            .unwrap()
    }

    #[test]
    fn the_protocol_follows_the_answers_of_the_terminal() {
        let cases = [
            ("kitty(0.41.1)", &[62][..], GraphicsProtocol::Kitty),
            ("kitty(0.26.5)", &[62], GraphicsProtocol::KittyPlaced),
            (
                "Konsole 25.04.2",
                &[62, 1, 4],
                GraphicsProtocol::KittyPlaced,
            ),
            ("ghostty 1.1.3", &[62, 22], GraphicsProtocol::Kitty),
            (
                "WezTerm 20240203-110809-5046fc22",
                &[65, 4],
                GraphicsProtocol::Iterm2,
            ),
            ("iTerm2 3.5.10", &[62, 4], GraphicsProtocol::Iterm2),
            ("foot(1.21.0)", &[62, 4, 22], GraphicsProtocol::Sixel),
            ("XTerm(379)", &[63, 1, 2, 4], GraphicsProtocol::Sixel),
            ("XTerm(379)", &[64, 1, 2], GraphicsProtocol::HalfBlocks),
            ("VTE(7006)", &[65, 1, 9], GraphicsProtocol::HalfBlocks),
            ("", &[62, 4], GraphicsProtocol::Sixel),
            ("", &[62], GraphicsProtocol::HalfBlocks),
        ];
        for (version, attributes, expected) in cases {
            assert_eq!(
                protocol(&answers(version, attributes), &plain()),
                expected,
                "{version} {attributes:?}"
            );
        }
    }

    #[test]
    fn environment_variables_of_another_terminal_change_nothing() {
        let stale = environment(&[
            ("TERM", "xterm-kitty"),
            ("KITTY_WINDOW_ID", "1"),
            ("TERM_PROGRAM", "WezTerm"),
            ("COLORTERM", "truecolor"),
        ]);
        assert_eq!(
            protocol(&answers("VTE(7006)", &[65]), &stale),
            GraphicsProtocol::HalfBlocks
        );
        assert_eq!(
            protocol(&Answers::default(), &stale),
            GraphicsProtocol::HalfBlocks
        );
    }

    #[test]
    fn images_in_multiplexers_use_only_what_is_passed_through() {
        let tmux = environment(&[
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/t,1,0"),
            ("COLORTERM", "truecolor"),
        ]);
        let in_tmux = |version: &str| Answers {
            outer: Some(OuterTerminal {
                version: version.into(),
                utf8: true,
                attachment: String::new(),
            }),
            ..answers("tmux 3.5a", &[1, 2, 4])
        };
        let setup = image_setup(Images::Auto, &in_tmux("kitty(0.41.1)"), &tmux, false, None);
        assert_eq!(
            (setup.protocol, setup.through_tmux),
            (Some(GraphicsProtocol::Kitty), true)
        );
        assert_eq!(
            protocol(&in_tmux("foot(1.21.0)"), &tmux),
            GraphicsProtocol::HalfBlocks
        );
        // tmux at the other end of an ssh connection is recognised by its answer only
        assert_eq!(
            protocol(&answers("tmux 3.3a", &[1, 2, 4]), &plain()),
            GraphicsProtocol::HalfBlocks
        );
        let screen = environment(&[("TERM", "screen"), ("STY", "1.pts")]);
        assert_eq!(
            protocol(&answers("", &[62, 4]), &screen),
            GraphicsProtocol::HalfBlocks
        );
    }

    #[test]
    fn impossible_cell_sizes_are_ignored() {
        let cell = |answer, kernel_cell| {
            let answers = Answers {
                cell: answer,
                ..answers("XTerm(379)", &[4])
            };
            let setup = image_setup(Images::Auto, &answers, &plain(), false, kernel_cell);
            (setup.cell, setup.protocol.unwrap())
        };
        assert_eq!(
            cell(Some((8, 17)), Some((9, 18))),
            ((8, 17), GraphicsProtocol::Sixel)
        );
        assert_eq!(
            cell(Some((0, 0)), Some((9, 18))),
            ((9, 18), GraphicsProtocol::Sixel)
        );
        assert_eq!(
            cell(None, Some((14, 1))),
            (DEFAULT_CELL, GraphicsProtocol::HalfBlocks)
        );
        assert_eq!(
            cell(Some((40, 8)), None),
            (DEFAULT_CELL, GraphicsProtocol::HalfBlocks)
        );
    }

    #[test]
    fn without_colours_or_utf8_half_blocks_become_shades() {
        let no_colour = environment(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]);
        assert_eq!(
            protocol(&answers("VTE(7006)", &[62]), &no_colour),
            GraphicsProtocol::Shades
        );
        assert_eq!(
            protocol(&answers("kitty(0.41.1)", &[62]), &no_colour),
            GraphicsProtocol::Kitty
        );
        let setup = image_setup(Images::Auto, &answers("", &[62]), &plain(), true, None);
        assert_eq!(setup.protocol, Some(GraphicsProtocol::Shades));
        assert_eq!(
            image_setup(Images::Off, &answers("", &[62]), &plain(), false, None).protocol,
            None
        );
        let forced = image_setup(Images::Sixel, &Answers::default(), &plain(), false, None);
        assert_eq!(forced.protocol, Some(GraphicsProtocol::Sixel));
    }

    #[test]
    fn only_answers_that_change_something_are_new() {
        let mut answers = Answers::default();
        assert!(answers.record(TerminalReport::Version("foot(1.21.0)".into())));
        assert!(!answers.record(TerminalReport::Version("foot(1.21.0)".into())));
        assert!(!answers.record(TerminalReport::Other));
        assert!(
            answers.record(TerminalReport::CellSize {
                width: 8,
                height: 16
            }) && answers.record(TerminalReport::Attributes(vec![62]))
        );
    }
}
