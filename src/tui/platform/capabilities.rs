//! What the terminal can draw, by its own answers.
//!
//! Environment variables do not cross ssh, so the terminal is asked: its name and version
//! (XTVERSION), its device attributes (DA1) and the size of a cell. Claims are not enough, since
//! several terminals know a protocol and draw it wrongly; the protocol is chosen from a list of
//! terminals that were seen to draw it well (`docs/TERMINALS.md`).

use ratatui_image::FontSize;

use crate::config::{Depth, Drawing, Environment, Images, Multiplexer};
use crate::tui::platform::input::TerminalReport;
use crate::tui::platform::tmux::Outside;

/// Asks for name and version, the size of a cell, the colour of the background, and the device
/// attributes. Terminals that do not know such a sequence pass over it; whatever one prints all the
/// same is cleared before the first frame. Every terminal answers the last one, so that its answer
/// ends the query.
pub const QUERY: &str = "\x1b[>q\x1b[16t\x1b]11;?\x1b\\\x1b[c";

/// A device attribute: the terminal draws sixel.
const SIXEL: u16 = 4;
/// The size of a cell, in pixels, where the terminal's is not known or cannot be.
const USUAL_CELL: (u16, u16) = (10, 20);
/// The smallest and the largest cell that there can be, in pixels.
const CELL_WIDTH: std::ops::RangeInclusive<u16> = 3..=100;
const CELL_HEIGHT: std::ops::RangeInclusive<u16> = 5..=200;

/// How images are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphicsProtocol {
    /// kitty's graphics with Unicode placeholders: an image is text, and behaves like it.
    Kitty,
    /// kitty's graphics placed at the cursor, for terminals that know no placeholders: an image
    /// lies over the text, and stays until it is deleted.
    KittyPlaced,
    Sixel,
    Iterm2,
    /// Two pixels a cell.
    HalfBlocks,
    /// One of five shades a cell: for terminals without colours.
    Shades,
}

impl GraphicsProtocol {
    /// Whether an image of this protocol is made of cells, so that text drawn over it replaces it.
    pub fn is_made_of_cells(self) -> bool {
        matches!(
            self,
            GraphicsProtocol::Kitty | GraphicsProtocol::HalfBlocks | GraphicsProtocol::Shades
        )
    }
}

/// What the terminal has answered so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// Its name and version, as it writes them.
    pub version: Option<String>,
    pub attributes: Option<Vec<u16>>,
    /// Width and height of a cell in pixels.
    pub cell: Option<(u16, u16)>,
    /// The colour of its background, red, green, blue.
    pub background: Option<[u8; 3]>,
    /// What tmux says of the terminal outside, where the explorer runs in tmux.
    pub outside: Option<Outside>,
}

impl Answers {
    /// Takes in a report; whether it said something new.
    pub fn take(&mut self, report: TerminalReport) -> bool {
        let before = self.clone();
        match report {
            TerminalReport::Version(version) => self.version = Some(version),
            TerminalReport::Attributes(attributes) => self.attributes = Some(attributes),
            TerminalReport::CellSize { width, height } => self.cell = Some((width, height)),
            TerminalReport::Background(colour) => self.background = Some(colour),
            TerminalReport::Cursor { .. } | TerminalReport::Other => {}
        }
        *self != before
    }
}

/// How to draw images here.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSetup {
    /// `None`: images are off.
    pub protocol: Option<GraphicsProtocol>,
    pub cell: (u16, u16),
    /// The terminal's own background, where it told.
    pub background: Option<[u8; 3]>,
    /// Sequences are wrapped for tmux to hand on.
    pub through_tmux: bool,
    /// kitty's images are deflated: it costs time and spares a slow connection.
    pub compressed: bool,
    pub depth: Depth,
    /// Only ASCII reaches the screen as it is.
    pub ascii: bool,
    /// What was chosen and why, for people.
    pub drawing: Drawing,
}

impl ImageSetup {
    /// The size of a cell as the encoders take it.
    pub fn font_size(&self) -> FontSize {
        FontSize::from(self.cell)
    }
}

/// A protocol and the reason for it.
type Choice = (GraphicsProtocol, String);

/// Decides how images are drawn. `asked` is the user's setting; `line_cell` the size of a cell by
/// the size of the terminal in pixels, where the line tells one.
pub fn image_setup(
    asked: Images,
    answers: &Answers,
    environment: &Environment,
    ascii: bool,
    line_cell: Option<(u16, u16)>,
) -> ImageSetup {
    let cell = [answers.cell, line_cell]
        .into_iter()
        .flatten()
        .find(|cell| is_plausible(*cell));
    let in_tmux = is_tmux(answers, environment);
    let (protocol, why) = match asked {
        Images::Off => (None, "by the settings".to_owned()),
        Images::Auto => {
            let (protocol, why) = best(answers, environment, cell.is_some());
            (Some(or_shades(protocol, environment.depth, ascii)), why)
        }
        forced => (
            forced_protocol(forced, answers, environment.depth, ascii),
            "by the settings".to_owned(),
        ),
    };
    ImageSetup {
        protocol,
        cell: cell.unwrap_or(USUAL_CELL),
        background: answers.background,
        through_tmux: in_tmux,
        compressed: environment.over_ssh,
        depth: environment.depth,
        ascii,
        drawing: Drawing {
            terminal: described(answers),
            chosen: images_of(protocol),
            why,
        },
    }
}

fn described(answers: &Answers) -> Option<String> {
    match (&answers.version, &answers.outside) {
        (Some(version), Some(outside)) if !outside.version.is_empty() => {
            Some(format!("{version} in {}", outside.version))
        }
        (Some(version), _) => Some(version.clone()),
        (None, _) => answers
            .attributes
            .as_ref()
            .map(|_| "a terminal that does not tell its name".to_owned()),
    }
}

fn forced_protocol(
    images: Images,
    answers: &Answers,
    depth: Depth,
    ascii: bool,
) -> Option<GraphicsProtocol> {
    match images {
        Images::Kitty => Some(kitty_protocol(answers)),
        Images::Sixel => Some(GraphicsProtocol::Sixel),
        Images::Iterm2 => Some(GraphicsProtocol::Iterm2),
        Images::Halfblocks => Some(or_shades(GraphicsProtocol::HalfBlocks, depth, ascii)),
        Images::Auto | Images::Off => None,
    }
}

/// The protocol, or shades where it needs what the terminal lacks: half blocks need colours and a
/// letter beyond ASCII, kitty's placeholders such letters.
fn or_shades(protocol: GraphicsProtocol, depth: Depth, ascii: bool) -> GraphicsProtocol {
    match protocol {
        GraphicsProtocol::HalfBlocks if ascii || depth == Depth::None => GraphicsProtocol::Shades,
        GraphicsProtocol::Kitty if ascii => GraphicsProtocol::Shades,
        other => other,
    }
}

/// Placed at the cursor where the terminal is known to need that.
fn kitty_protocol(answers: &Answers) -> GraphicsProtocol {
    let chosen = answers
        .version
        .as_deref()
        .map(|version| by_version(version, &[]).0);
    if chosen == Some(GraphicsProtocol::KittyPlaced) {
        GraphicsProtocol::KittyPlaced
    } else {
        GraphicsProtocol::Kitty
    }
}

fn images_of(protocol: Option<GraphicsProtocol>) -> Images {
    match protocol {
        None => Images::Off,
        Some(GraphicsProtocol::Kitty | GraphicsProtocol::KittyPlaced) => Images::Kitty,
        Some(GraphicsProtocol::Sixel) => Images::Sixel,
        Some(GraphicsProtocol::Iterm2) => Images::Iterm2,
        Some(GraphicsProtocol::HalfBlocks | GraphicsProtocol::Shades) => Images::Halfblocks,
    }
}

/// The best protocol that this terminal draws well.
fn best(answers: &Answers, environment: &Environment, cell_is_known: bool) -> Choice {
    let half_blocks = |why: &str| (GraphicsProtocol::HalfBlocks, why.to_owned());
    match environment.multiplexer {
        _ if is_tmux(answers, environment) => return best_in_tmux(answers),
        Some(Multiplexer::Screen) => return half_blocks("GNU screen passes no images on"),
        Some(Multiplexer::Zellij) => return half_blocks("Zellij passes no images on"),
        Some(Multiplexer::Tmux) | None => {}
    }
    let (protocol, why) = match &answers.version {
        Some(version) => by_version(version, answers.attributes.as_deref().unwrap_or_default()),
        None => match &answers.attributes {
            Some(attributes) if attributes.contains(&SIXEL) => (
                GraphicsProtocol::Sixel,
                "the terminal says that it draws sixel".into(),
            ),
            Some(_) => half_blocks("the terminal names no image protocol"),
            None => half_blocks("the terminal has not answered"),
        },
    };
    match protocol {
        // placed by cells, an image of pixels needs to know how large these are
        GraphicsProtocol::Sixel | GraphicsProtocol::Iterm2 | GraphicsProtocol::KittyPlaced
            if !cell_is_known =>
        {
            half_blocks("the terminal does not tell the size of its cells")
        }
        protocol => (protocol, why),
    }
}

fn is_tmux(answers: &Answers, environment: &Environment) -> bool {
    environment.multiplexer == Some(Multiplexer::Tmux)
        || answers
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with("tmux "))
}

/// In tmux only kitty's placeholders are safe: they are text to tmux, which moves and redraws them
/// as such.
fn best_in_tmux(answers: &Answers) -> Choice {
    let half_blocks = |why: &str| (GraphicsProtocol::HalfBlocks, why.to_owned());
    match &answers.outside {
        Some(outside) => match by_version(&outside.version, &[]) {
            (GraphicsProtocol::Kitty, why) => {
                (GraphicsProtocol::Kitty, format!("{why}, through tmux"))
            }
            _ => half_blocks("tmux moves images only of terminals with kitty's placeholders"),
        },
        None => half_blocks(
            "tmux on another machine does not say which terminal is outside; --images overrides this",
        ),
    }
}

/// By name and version: the terminals that were seen to draw well, each with its best protocol.
fn by_version(version: &str, attributes: &[u16]) -> Choice {
    let name = version.split(['(', ' ']).next().unwrap_or_default();
    let chosen = |protocol, why: &str| (protocol, format!("{name} {why}"));
    let has_sixel = attributes.contains(&SIXEL);
    match name.to_ascii_lowercase().as_str() {
        "kitty" if numbers(version) >= [0, 28] => {
            chosen(GraphicsProtocol::Kitty, "draws kitty's placeholders")
        }
        // with sixel, Konsole keeps what was drawn over
        "kitty" | "konsole" => chosen(GraphicsProtocol::KittyPlaced, "draws kitty's images"),
        "ghostty" => chosen(GraphicsProtocol::Kitty, "draws kitty's placeholders"),
        "iterm2" | "wezterm" => chosen(GraphicsProtocol::Iterm2, "draws iTerm2's images"),
        _ if has_sixel => chosen(GraphicsProtocol::Sixel, "draws sixel"),
        _ => chosen(GraphicsProtocol::HalfBlocks, "names no image protocol"),
    }
}

/// The first two numbers of a version: `kitty(0.26.5)` gives 0 and 26.
fn numbers(version: &str) -> [u32; 2] {
    let digits = version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let mut numbers = digits.map(|part| part.parse().unwrap_or(0));
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)]
}

/// Whether a cell can be so large: some lines tell the size of nothing (14 × 46 pixels in all).
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
    fn terminals_are_known_by_their_own_answer() {
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
    fn environment_variables_of_another_machine_change_nothing() {
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
    fn multiplexers_pass_on_what_they_can() {
        let tmux = environment(&[
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/t,1,0"),
            ("COLORTERM", "truecolor"),
        ]);
        let within = |version: &str| Answers {
            outside: Some(Outside {
                version: version.into(),
                utf8: true,
                attached: String::new(),
            }),
            ..answers("tmux 3.5a", &[1, 2, 4])
        };
        let setup = image_setup(Images::Auto, &within("kitty(0.41.1)"), &tmux, false, None);
        assert_eq!(
            (setup.protocol, setup.through_tmux),
            (Some(GraphicsProtocol::Kitty), true)
        );
        assert_eq!(
            protocol(&within("foot(1.21.0)"), &tmux),
            GraphicsProtocol::HalfBlocks
        );
        // tmux is at the other end of an ssh connection: only its answer tells
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
    fn sizes_that_cannot_be_are_not_believed() {
        let cell = |answer, line| {
            let answers = Answers {
                cell: answer,
                ..answers("XTerm(379)", &[4])
            };
            let setup = image_setup(Images::Auto, &answers, &plain(), false, line);
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
            (USUAL_CELL, GraphicsProtocol::HalfBlocks)
        );
        assert_eq!(
            cell(Some((40, 8)), None),
            (USUAL_CELL, GraphicsProtocol::HalfBlocks)
        );
    }

    #[test]
    fn or_shades_or_letters_there_are_shades() {
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
    fn answers_that_say_nothing_new_are_none() {
        let mut answers = Answers::default();
        assert!(answers.take(TerminalReport::Version("foot(1.21.0)".into())));
        assert!(!answers.take(TerminalReport::Version("foot(1.21.0)".into())));
        assert!(!answers.take(TerminalReport::Other));
        assert!(
            answers.take(TerminalReport::CellSize {
                width: 8,
                height: 16
            }) && answers.take(TerminalReport::Attributes(vec![62]))
        );
    }
}
