//! Encodes images for the terminal: scaled to whole cells, in the protocol and the colours that the
//! terminal draws.

use std::num::NonZero;

use crossterm::style::{Colors, ResetColor, SetColors};
use image::imageops::{ColorMap, FilterType, dither};
use image::{DynamicImage, RgbImage};
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::protocol::{Protocol as Encoded, halfblocks, iterm2, kitty, sixel};
use ratatui_image::{Image, Resize};

use crate::config::{ANSI_COLOURS, Depth, Environment, Images};
use crate::tui::platform::capabilities::{Answers, GraphicsProtocol, ImageSetup, image_setup};
use crate::tui::platform::kitty_placement;

/// A cell whose symbol is a sequence takes one column all the same.
const ONE_COLUMN: CellDiffOption = CellDiffOption::ForcedWidth(NonZero::<u16>::MIN);

/// From empty to full, for terminals without colours.
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];
const ASCII_SHADES: [&str; 10] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"];

/// The background of a terminal that was not asked.
const DARK_PAPER: [u8; 3] = [0, 0, 0];

/// An image as it is drawn.
pub enum EncodedImage {
    Protocol {
        encoded: Encoded,
        /// Text drawn over the image replaces it cell by cell.
        is_made_of_cells: bool,
        depth: Depth,
    },
    /// A sequence that places the image at the cursor.
    Placed { sequence: String, size: Size },
    /// A letter for each cell, row by row.
    Shades {
        letters: Vec<&'static str>,
        size: Size,
    },
}

impl EncodedImage {
    /// Scales `image` to fit `area` and encodes it; `paper` is the theme's background, red, green,
    /// blue.
    ///
    /// Error: a clause for people, where the encoder fails.
    pub fn new(
        image: DynamicImage,
        area: Size,
        paper: [u8; 3],
        setup: &ImageSetup,
    ) -> Result<EncodedImage, String> {
        let protocol = setup.protocol.ok_or("images are off")?;
        let resize = Resize::Scale(Some(FilterType::Triangle));
        let size = resize.size_for(&image, setup.font_size(), area);
        if size.width == 0 || size.height == 0 {
            return Err("there is no room for it".into());
        }
        if protocol == GraphicsProtocol::Shades {
            return Ok(shades(&image, size, paper, setup));
        }
        if protocol == GraphicsProtocol::KittyPlaced {
            let scaled = scaled(&image, size, &resize, protocol, paper, setup);
            return kitty_placement::sequence(&scaled, size)
                .map(|sequence| EncodedImage::Placed { sequence, size });
        }
        let encoded =
            encode(&image, size, &resize, protocol, paper, setup).map_err(|e| e.to_string())?;
        Ok(EncodedImage::Protocol {
            encoded,
            is_made_of_cells: protocol.is_made_of_cells(),
            depth: setup.depth,
        })
    }

    /// The cells that it takes.
    pub fn size(&self) -> Size {
        match self {
            EncodedImage::Protocol { encoded, .. } => encoded.size(),
            EncodedImage::Placed { size, .. } | EncodedImage::Shades { size, .. } => *size,
        }
    }

    /// Whether it is made of cells (see [`GraphicsProtocol::is_made_of_cells`]).
    pub fn is_made_of_cells(&self) -> bool {
        match self {
            EncodedImage::Protocol {
                is_made_of_cells, ..
            } => *is_made_of_cells,
            EncodedImage::Placed { .. } => false,
            EncodedImage::Shades { .. } => true,
        }
    }
}

impl Widget for &EncodedImage {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        match self {
            EncodedImage::Protocol { encoded, depth, .. } => {
                Image::new(encoded).render(area, buffer);
                if let Encoded::Halfblocks(_) = encoded {
                    lower(area, buffer, *depth);
                }
            }
            EncodedImage::Placed { sequence, size } => {
                for position in Rect::new(area.x, area.y, size.width, size.height)
                    .intersection(area)
                    .positions()
                {
                    buffer[position].set_diff_option(CellDiffOption::Skip);
                }
                buffer[area.as_position()]
                    .set_symbol(sequence)
                    .set_diff_option(ONE_COLUMN);
            }
            EncodedImage::Shades { letters, size } => {
                let width = usize::from(size.width);
                for (at, letter) in letters.iter().enumerate() {
                    let (x, y) = (area.x + (at % width) as u16, area.y + (at / width) as u16);
                    if let Some(cell) = buffer
                        .cell_mut((x, y))
                        .filter(|_| area.contains((x, y).into()))
                    {
                        cell.set_symbol(letter);
                    }
                }
            }
        }
    }
}

/// Draws an image as lines of text: half blocks or shades, at most so many cells.
///
/// Error: a clause for people.
pub fn draw_text(
    image: DynamicImage,
    area: Size,
    environment: &Environment,
) -> Result<String, String> {
    let setup = image_setup(
        Images::Halfblocks,
        &Answers::default(),
        environment,
        !environment.is_utf8(),
        None,
    );
    let encoded = EncodedImage::new(image, area, DARK_PAPER, &setup)?;
    let area = Rect::from((Position::ORIGIN, encoded.size()));
    let mut buffer = Buffer::empty(area);
    encoded.render(area, &mut buffer);
    let mut text = String::new();
    for y in 0..area.height {
        let own = (Color::Reset, Color::Reset);
        let mut colours = own;
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            if colours != (cell.fg, cell.bg) {
                colours = (cell.fg, cell.bg);
                let change = SetColors(Colors::new(
                    cell.fg.into_crossterm(),
                    cell.bg.into_crossterm(),
                ));
                text += &change.to_string();
            }
            text += cell.symbol();
        }
        if colours != own {
            text += &ResetColor.to_string();
        }
        text.push('\n');
    }
    Ok(text)
}

fn encode(
    image: &DynamicImage,
    size: Size,
    resize: &Resize,
    protocol: GraphicsProtocol,
    paper: [u8; 3],
    setup: &ImageSetup,
) -> Result<Encoded, ratatui_image::errors::Errors> {
    if protocol == GraphicsProtocol::HalfBlocks {
        return Ok(Encoded::Halfblocks(halfblocks::Halfblocks::new(
            half_blocks(image, size, setup.depth),
            size,
        )?));
    }
    let scaled = scaled(image, size, resize, protocol, paper, setup);
    Ok(match protocol {
        GraphicsProtocol::Sixel => Encoded::Sixel(sixel::Sixel::new(
            whole_sixels(scaled),
            size,
            setup.through_tmux,
        )?),
        GraphicsProtocol::Iterm2 => {
            Encoded::ITerm2(iterm2::Iterm2::new(scaled, size, setup.through_tmux)?)
        }
        _ => {
            let (id, shared_memory) = (rand::random(), false);
            let (tmux, deflate) = (setup.through_tmux, setup.compressed);
            Encoded::Kitty(kitty::Kitty::new(
                scaled,
                size,
                id,
                tmux,
                deflate,
                shared_memory,
            )?)
        }
    })
}

/// Without the last rows of pixels that do not fill a sixel, which is six high: terminals draw the
/// rest of one in black, or over the text below.
fn whole_sixels(image: DynamicImage) -> DynamicImage {
    const HIGH: u32 = 6;
    let height = (image.height() / HIGH * HIGH).max(HIGH.min(image.height()));
    image.crop_imm(0, 0, image.width(), height)
}

/// Scaled to fit the cells, the rest filled with paper; grey where the user wants no colours.
fn scaled(
    image: &DynamicImage,
    size: Size,
    resize: &Resize,
    protocol: GraphicsProtocol,
    paper: [u8; 3],
    setup: &ImageSetup,
) -> DynamicImage {
    let [red, green, blue] = paper;
    // placeholders have the cells' own paper behind them
    let opacity = if protocol == GraphicsProtocol::Kitty {
        0
    } else {
        255
    };
    let scaled = resize.resize(
        image,
        setup.font_size(),
        size,
        Some(image::Rgba([red, green, blue, opacity])),
    );
    if setup.depth == Depth::None {
        grey(&scaled)
    } else {
        scaled
    }
}

fn grey(image: &DynamicImage) -> DynamicImage {
    DynamicImage::ImageRgba8(DynamicImage::ImageLumaA8(image.to_luma_alpha8()).to_rgba8())
}

/// Two pixels a cell, dithered where there are but 16 colours.
fn half_blocks(image: &DynamicImage, size: Size, depth: Depth) -> DynamicImage {
    let (width, height) = (u32::from(size.width), 2 * u32::from(size.height));
    let mut pixels = image
        .resize_exact(width, height, FilterType::Triangle)
        .to_rgb8();
    if depth == Depth::Ansi {
        dither(&mut pixels, &AnsiColours);
    }
    DynamicImage::ImageRgb8(pixels)
}

/// The 16 colours that dithering may take.
struct AnsiColours;

impl ColorMap for AnsiColours {
    type Color = image::Rgb<u8>;

    fn index_of(&self, colour: &image::Rgb<u8>) -> usize {
        let [red, green, blue] = colour.0;
        let nearest = Depth::Ansi.nearest(Color::Rgb(red, green, blue));
        ANSI_COLOURS
            .iter()
            .position(|(name, _)| Some(*name) == nearest)
            .unwrap_or(0)
    }

    fn map_color(&self, colour: &mut image::Rgb<u8>) {
        colour.0 = ANSI_COLOURS[self.index_of(colour)].1;
    }
}

/// Brings the cells of an area to the colours that the terminal shows.
fn lower(area: Rect, buffer: &mut Buffer, depth: Depth) {
    for position in area.intersection(buffer.area).positions() {
        let cell = &mut buffer[position];
        cell.fg = depth.nearest(cell.fg).unwrap_or(Color::Reset);
        cell.bg = depth.nearest(cell.bg).unwrap_or(Color::Reset);
    }
}

/// A shade a cell: on a dark background the fuller the brighter, on a light one the other way
/// round.
fn shades(image: &DynamicImage, size: Size, paper: [u8; 3], setup: &ImageSetup) -> EncodedImage {
    let ramp: &[&'static str] = if setup.ascii { &ASCII_SHADES } else { &SHADES };
    // with few colours the theme leaves the terminal's own background
    let background = match setup.depth {
        Depth::None | Depth::Ansi => setup.background.unwrap_or(paper),
        Depth::Indexed | Depth::True => paper,
    };
    let is_light = background
        .iter()
        .map(|&channel| u32::from(channel))
        .sum::<u32>()
        > 3 * 128;
    let (width, height) = (u32::from(size.width), u32::from(size.height));
    let pixels: RgbImage = image
        .resize_exact(width, height, FilterType::Triangle)
        .to_rgb8();
    let letter = |pixel: &image::Rgb<u8>| {
        let [red, green, blue] = pixel.0.map(u32::from);
        // Rec. 709
        let brightness = (2126 * red + 7152 * green + 722 * blue) / 10_000;
        let ink = if is_light {
            255 - brightness
        } else {
            brightness
        } as usize;
        ramp[(ink * ramp.len() / 256).min(ramp.len() - 1)]
    };
    EncodedImage::Shades {
        letters: pixels.pixels().map(letter).collect(),
        size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_colours_and_letters_of_the_terminal() {
        let image = || {
            DynamicImage::ImageRgb8(RgbImage::from_fn(8, 8, |x, y| {
                image::Rgb([32 * x as u8, 32 * y as u8, 0])
            }))
        };
        let drawn = |variables: &[(&str, &str)]| {
            let get = |name: &str| {
                variables
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            draw_text(image(), Size::new(8, 4), &Environment::from_variables(get)).unwrap()
        };
        let utf8 = ("LANG", "C.UTF-8");
        let true_colour = drawn(&[utf8, ("TERM", "xterm"), ("COLORTERM", "truecolor")]);
        assert!(
            true_colour.contains("38;2;") && true_colour.contains(['▀', '▄']),
            "{true_colour:?}"
        );
        let sixteen = drawn(&[utf8, ("TERM", "xterm")]);
        assert!(
            sixteen.contains('\x1b') && !sixteen.contains("38;2;"),
            "{sixteen:?}"
        );
        assert!(
            true_colour
                .lines()
                .chain(sixteen.lines())
                .all(|line| line.ends_with("\x1b[0m"))
        );
        let colourless = drawn(&[utf8, ("TERM", "xterm"), ("NO_COLOR", "1")]);
        assert!(
            !colourless.contains('\x1b') && colourless.contains('▒'),
            "{colourless:?}"
        );
        let ascii = drawn(&[("LANG", "C"), ("TERM", "xterm"), ("COLORTERM", "truecolor")]);
        assert!(ascii.is_ascii() && !ascii.contains('\x1b'), "{ascii:?}");
        for text in [true_colour, sixteen, colourless, ascii] {
            assert_eq!(text.lines().count(), 4);
        }
    }

    fn setup(images: Images, depth: Depth, ascii: bool) -> ImageSetup {
        let environment = Environment {
            depth,
            ..Environment::from_variables(|_| None)
        };
        image_setup(
            images,
            &Answers::default(),
            &environment,
            ascii,
            Some((10, 20)),
        )
    }

    /// Left half red, right half blue.
    fn image() -> DynamicImage {
        let colour = |x| {
            if x < 20 {
                image::Rgb([230, 20, 20])
            } else {
                image::Rgb([10, 10, 200])
            }
        };
        DynamicImage::ImageRgb8(RgbImage::from_fn(40, 40, |x, _| colour(x)))
    }

    fn drawn(setup: &ImageSetup, paper: [u8; 3]) -> Buffer {
        let encoded = EncodedImage::new(image(), Size::new(4, 2), paper, setup).unwrap();
        assert_eq!(encoded.size(), Size::new(4, 2));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 3));
        encoded.render(Rect::new(1, 1, 4, 2), &mut buffer);
        buffer
    }

    #[test]
    fn half_blocks_have_no_more_colours_than_the_terminal() {
        let colours = |depth| -> Vec<Color> {
            let buffer = drawn(&setup(Images::Halfblocks, depth, false), DARK_PAPER);
            buffer
                .content
                .iter()
                .flat_map(|cell| [cell.fg, cell.bg])
                .filter(|c| *c != Color::Reset)
                .collect()
        };
        assert!(colours(Depth::True).contains(&Color::Rgb(230, 20, 20)));
        let indexed = colours(Depth::Indexed);
        assert!(
            !indexed.is_empty() && indexed.iter().all(|c| matches!(c, Color::Indexed(16..))),
            "{indexed:?}"
        );
        let ansi = colours(Depth::Ansi);
        let named = |c: &Color| ANSI_COLOURS.iter().any(|(name, _)| name == c);
        assert!(!ansi.is_empty() && ansi.iter().all(named), "{ansi:?}");
        assert!(colours(Depth::None).is_empty());
    }

    #[test]
    fn shades_are_darker_where_the_image_is_brighter_on_light_paper() {
        let letters = |paper, ascii| -> Vec<String> {
            let buffer = drawn(&setup(Images::Halfblocks, Depth::None, ascii), paper);
            [1, 4].map(|x| buffer[(x, 1)].symbol().to_owned()).into()
        };
        assert_eq!(letters(DARK_PAPER, false), ["░", " "]);
        assert_eq!(letters([250; 3], false), ["▓", "█"]);
        assert!(
            letters(DARK_PAPER, true)
                .iter()
                .all(|letter| letter.is_ascii())
        );
    }

    #[test]
    fn images_of_pixels_are_grey_without_colours() {
        let coloured = DynamicImage::ImageRgba8(image().to_rgba8());
        assert_ne!(grey(&coloured).to_rgb8(), coloured.to_rgb8());
        assert!(
            grey(&coloured)
                .to_rgb8()
                .pixels()
                .all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2])
        );
    }

    #[test]
    fn each_protocol_knows_whether_it_is_made_of_cells() {
        for (images, of_cells) in [
            (Images::Kitty, true),
            (Images::Sixel, false),
            (Images::Iterm2, false),
            (Images::Halfblocks, true),
        ] {
            let setup = setup(images, Depth::True, false);
            let encoded = EncodedImage::new(image(), Size::new(4, 2), DARK_PAPER, &setup).unwrap();
            assert_eq!(encoded.is_made_of_cells(), of_cells, "{images:?}");
        }
    }
}
