//! `multiexpan show`: an image in the terminal.

use std::io::IsTerminal;
use std::path::PathBuf;

use image::DynamicImage;

use crate::cli::output::print_text;
use crate::cli::terminal;
use crate::config::{Depth, Drawing, Environment, Images};
use crate::error::{Error, Result};
use crate::image_file;

/// The columns and rows of a terminal that does not report its size.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A PNG, JPEG, WebP, GIF or BMP file
    pub image: PathBuf,

    /// Greatest number of columns [default: that of the terminal]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(1..))]
    pub width: Option<u16>,

    /// Greatest number of rows [default: that of the terminal]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..))]
    pub height: Option<u16>,
}

/// Draws an image as text within a number of columns and rows, for this terminal.
pub type DrawText =
    fn(DynamicImage, (u16, u16), &Environment) -> std::result::Result<String, String>;

/// Draws the image at the cursor, at most at its own size. `query_terminal` asks the terminal for its
/// image protocol, if there is one; `draw_text` is used if the terminal draws no images.
pub fn run(
    args: Args,
    query_terminal: impl FnOnce() -> Drawing,
    draw_text: DrawText,
) -> Result<()> {
    let image = image_file::open(&args.image)?;
    let (columns, rows) = terminal::size().unwrap_or(DEFAULT_SIZE);
    // one row is left for the prompt
    let room = (
        args.width.unwrap_or(columns),
        args.height.unwrap_or(rows.saturating_sub(1)),
    );
    let (width, height) = cells((image.width(), image.height()), room);
    let mut environment = Environment::current();
    let writes_to_terminal = std::io::stdout().is_terminal();
    let is_terminal = std::io::stdin().is_terminal() && writes_to_terminal;
    // viuer draws to the terminal itself and queries it again, so it is used only if nothing is in
    // between and the terminal will answer
    let chosen = if is_terminal && environment.multiplexer.is_none() {
        query_terminal().chosen
    } else {
        Images::Halfblocks
    };
    if !matches!(chosen, Images::Kitty | Images::Iterm2) {
        if !writes_to_terminal || !environment.draws_screens() {
            environment.depth = Depth::None;
        }
        let cells = (width as u16, height as u16);
        let text = draw_text(image, cells, &environment)
            .map_err(|reason| Error::format(&args.image, reason))?;
        return print_text(&text);
    }
    let config = viuer::Config {
        absolute_offset: false,
        transparent: true,
        width: Some(width),
        height: Some(height),
        truecolor: environment.depth == Depth::True,
        use_kitty: chosen == Images::Kitty,
        use_iterm: chosen == Images::Iterm2,
        ..viuer::Config::default()
    };
    viuer::print(&image, &config).map_err(|error| match error {
        viuer::ViuError::Io(source) => Error::io("write", "standard output")(source),
        other => Error::format(&args.image, format!("cannot be shown: {other}")),
    })?;
    Ok(())
}

/// Returns the columns and rows for an image of this size in pixels within the room. The aspect ratio
/// is preserved. A cell is one pixel wide and two high. The image is not enlarged, and has at least
/// one cell.
fn cells((width, height): (u32, u32), (columns, rows): (u16, u16)) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(columns) / width)
        .min(f64::from(rows) * 2.0 / height)
        .min(1.0);
    let at_least_one = |cells: f64| (cells.round() as u32).max(1);
    (
        at_least_one(width * scale),
        at_least_one(height * scale / 2.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aspect_ratio_is_preserved() {
        assert_eq!(cells((160, 160), (80, 23)), (46, 23));
        assert_eq!(cells((160, 80), (80, 23)), (80, 20));
        assert_eq!(cells((10, 10), (80, 23)), (10, 5));
    }

    #[test]
    fn a_narrow_image_has_at_least_one_cell() {
        assert_eq!(cells((1, 1000), (80, 23)), (1, 23));
        assert_eq!(cells((1000, 1), (80, 23)), (80, 1));
        assert_eq!(cells((160, 160), (1, 1)), (1, 1));
        assert_eq!(cells((160, 160), (80, 0)), (1, 1));
    }
}
