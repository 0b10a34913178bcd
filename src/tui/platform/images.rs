//! Encodes images for the terminal: scales them to cells, in the protocol and the colours that the
//! terminal supports.

use std::num::NonZero;

use crossterm::style::{Colors, ResetColor, SetColors};
use image::imageops::{ColorMap, FilterType, dither};
use image::{DynamicImage, Rgb, Rgba};
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::errors::Errors;
use ratatui_image::protocol::{Protocol as Encoded, halfblocks, iterm2, kitty, sixel};
use ratatui_image::{Image, Resize};

use crate::config::{ANSI_COLOURS, Depth, Environment, Images};
use crate::tui::platform::capabilities::{Answers, GraphicsProtocol, ImageSetup, image_setup};
use crate::tui::platform::kitty_placement;

/// The width of a cell whose symbol is an escape sequence.
const ONE_COLUMN: CellDiffOption = CellDiffOption::ForcedWidth(NonZero::<u16>::MIN);

/// The shades from empty to full, for terminals without colours.
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];
/// The shades for terminals without colours and UTF-8.
const ASCII_SHADES: [&str; 10] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"];

/// The background that is assumed in a terminal that was not queried.
const BLACK: [u8; 3] = [0, 0, 0];

/// The filter by which images are scaled.
const FILTER: FilterType = FilterType::Triangle;

/// The height of a sixel in pixels.
const SIXEL_HEIGHT: u32 = 6;

/// An image that can be drawn in the terminal.
pub enum EncodedImage {
    Protocol {
        encoded: Encoded,
        /// True if text drawn over the image replaces it cell by cell.
        is_made_of_cells: bool,
        depth: Depth,
    },
    /// A sequence that places the image at the cursor.
    Placed { sequence: String, size: Size },
    /// A character for each cell, row by row.
    Shades {
        characters: Vec<&'static str>,
        size: Size,
    },
}

/// The parameters of the encoders.
struct Encoding<'a> {
    protocol: GraphicsProtocol,
    /// The size in cells.
    size: Size,
    resize: Resize,
    /// The colour behind the image: red, green, blue.
    background: [u8; 3],
    setup: &'a ImageSetup,
}

impl EncodedImage {
    /// Scales `image` to fit `area` and encodes it; `background` is the background of the theme:
    /// red, green, blue.
    ///
    /// Error: a clause for users, if the image cannot be encoded.
    pub fn new(
        image: DynamicImage,
        area: Size,
        background: [u8; 3],
        setup: &ImageSetup,
    ) -> Result<EncodedImage, String> {
        let protocol = setup.protocol.ok_or("images are off")?;
        let resize = Resize::Scale(Some(FILTER));
        let size = resize.size_for(&image, setup.font_size(), area);
        if size.width == 0 || size.height == 0 {
            return Err("there is no room for it".into());
        }
        let encoding = Encoding {
            protocol,
            size,
            resize,
            background,
            setup,
        };
        match protocol {
            GraphicsProtocol::Shades => Ok(encoding.shades(&image)),
            GraphicsProtocol::KittyPlaced => encoding.placement(&image),
            _ => encoding.protocol(&image),
        }
    }

    /// Returns the size in cells.
    pub fn size(&self) -> Size {
        match self {
            EncodedImage::Protocol { encoded, .. } => encoded.size(),
            EncodedImage::Placed { size, .. } | EncodedImage::Shades { size, .. } => *size,
        }
    }

    /// Returns true if the image consists of cells (see [`GraphicsProtocol::is_made_of_cells`]).
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
                    reduce_colours(area, buffer, *depth);
                }
            }
            EncodedImage::Placed { sequence, size } => {
                render_placement(sequence, *size, area, buffer);
            }
            EncodedImage::Shades { characters, size } => {
                render_shades(characters, *size, area, buffer);
            }
        }
    }
}

/// Writes the sequence of a placed image into the first cell of `area`, and excludes the other cells
/// of the image from drawing.
fn render_placement(sequence: &str, size: Size, area: Rect, buffer: &mut Buffer) {
    let image_area = Rect::new(area.x, area.y, size.width, size.height);
    for position in image_area.intersection(area).positions() {
        buffer[position].set_diff_option(CellDiffOption::Skip);
    }
    buffer[area.as_position()]
        .set_symbol(sequence)
        .set_diff_option(ONE_COLUMN);
}

fn render_shades(characters: &[&str], size: Size, area: Rect, buffer: &mut Buffer) {
    let image_area = Rect::new(area.x, area.y, size.width, size.height);
    for (position, character) in image_area.positions().zip(characters) {
        if !area.contains(position) {
            continue;
        }
        if let Some(cell) = buffer.cell_mut(position) {
            cell.set_symbol(character);
        }
    }
}

/// Reduces the colours of an area to those that the terminal shows.
fn reduce_colours(area: Rect, buffer: &mut Buffer, depth: Depth) {
    for position in area.intersection(buffer.area).positions() {
        let cell = &mut buffer[position];
        cell.fg = depth.nearest(cell.fg).unwrap_or(Color::Reset);
        cell.bg = depth.nearest(cell.bg).unwrap_or(Color::Reset);
    }
}

/// Draws an image as lines of text, in half blocks or shades that fit `area`.
///
/// Error: a clause for users.
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
    let encoded = EncodedImage::new(image, area, BLACK, &setup)?;
    let area = Rect::from((Position::ORIGIN, encoded.size()));
    let mut buffer = Buffer::empty(area);
    encoded.render(area, &mut buffer);
    let mut text = String::new();
    for y in 0..area.height {
        push_row(&mut text, &buffer, y);
    }
    Ok(text)
}

/// Appends a row of a buffer as a line of text with the sequences of its colours.
fn push_row(text: &mut String, buffer: &Buffer, y: u16) {
    let default_colours = (Color::Reset, Color::Reset);
    let mut colours = default_colours;
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        if colours != (cell.fg, cell.bg) {
            colours = (cell.fg, cell.bg);
            let foreground = cell.fg.into_crossterm();
            let background = cell.bg.into_crossterm();
            *text += &SetColors(Colors::new(foreground, background)).to_string();
        }
        *text += cell.symbol();
    }
    if colours != default_colours {
        *text += &ResetColor.to_string();
    }
    text.push('\n');
}

impl Encoding<'_> {
    /// Encodes an image in one of the protocols of `ratatui_image`.
    fn protocol(&self, image: &DynamicImage) -> Result<EncodedImage, String> {
        let encoded = match self.protocol {
            GraphicsProtocol::HalfBlocks => self.half_blocks(image),
            GraphicsProtocol::Sixel => self.sixel(image),
            GraphicsProtocol::Iterm2 => self.iterm2(image),
            _ => self.kitty(image),
        };
        Ok(EncodedImage::Protocol {
            encoded: encoded.map_err(|e| e.to_string())?,
            is_made_of_cells: self.protocol.is_made_of_cells(),
            depth: self.setup.depth,
        })
    }

    /// Encodes two pixels in each cell. With 16 colours they are dithered.
    fn half_blocks(&self, image: &DynamicImage) -> Result<Encoded, Errors> {
        let width = u32::from(self.size.width);
        let height = 2 * u32::from(self.size.height);
        let mut pixels = image.resize_exact(width, height, FILTER).to_rgb8();
        if self.setup.depth == Depth::Ansi {
            dither(&mut pixels, &AnsiColours);
        }
        let image = DynamicImage::ImageRgb8(pixels);
        let encoded = halfblocks::Halfblocks::new(image, self.size)?;
        Ok(Encoded::Halfblocks(encoded))
    }

    fn sixel(&self, image: &DynamicImage) -> Result<Encoded, Errors> {
        let image = crop_to_sixels(self.scaled(image));
        let encoded = sixel::Sixel::new(image, self.size, self.setup.through_tmux)?;
        Ok(Encoded::Sixel(encoded))
    }

    fn iterm2(&self, image: &DynamicImage) -> Result<Encoded, Errors> {
        let image = self.scaled(image);
        let encoded = iterm2::Iterm2::new(image, self.size, self.setup.through_tmux)?;
        Ok(Encoded::ITerm2(encoded))
    }

    fn kitty(&self, image: &DynamicImage) -> Result<Encoded, Errors> {
        let shared_memory = false;
        let encoded = kitty::Kitty::new(
            self.scaled(image),
            self.size,
            rand::random(),
            self.setup.through_tmux,
            self.setup.compressed,
            shared_memory,
        )?;
        Ok(Encoded::Kitty(encoded))
    }

    /// Encodes an image that is placed at the cursor.
    fn placement(&self, image: &DynamicImage) -> Result<EncodedImage, String> {
        let sequence = kitty_placement::sequence(&self.scaled(image), self.size)?;
        Ok(EncodedImage::Placed {
            sequence,
            size: self.size,
        })
    }

    /// Scales an image to the pixels of its cells, and fills the rest with the background. Without
    /// colours it becomes grey.
    fn scaled(&self, image: &DynamicImage) -> DynamicImage {
        let [red, green, blue] = self.background;
        // kitty's placeholders have the background of their cells.
        let opacity = if self.protocol == GraphicsProtocol::Kitty {
            0
        } else {
            255
        };
        let background = Rgba([red, green, blue, opacity]);
        let font_size = self.setup.font_size();
        let scaled = self
            .resize
            .resize(image, font_size, self.size, Some(background));
        if self.setup.depth == Depth::None {
            to_grey(&scaled)
        } else {
            scaled
        }
    }

    /// Encodes one shade in each cell.
    fn shades(&self, image: &DynamicImage) -> EncodedImage {
        let shades: &[&'static str] = if self.setup.ascii {
            &ASCII_SHADES
        } else {
            &SHADES
        };
        let is_light = is_light(self.shades_background());
        let width = u32::from(self.size.width);
        let height = u32::from(self.size.height);
        let pixels = image.resize_exact(width, height, FILTER).to_rgb8();
        let characters = pixels
            .pixels()
            .map(|pixel| shade(pixel, shades, is_light))
            .collect();
        EncodedImage::Shades {
            characters,
            size: self.size,
        }
    }

    /// Returns the background on which shades are drawn. With few colours, the theme does not
    /// change the background of the terminal.
    fn shades_background(&self) -> [u8; 3] {
        match self.setup.depth {
            Depth::None | Depth::Ansi => self.setup.background.unwrap_or(self.background),
            Depth::Indexed | Depth::True => self.background,
        }
    }
}

/// Removes the last rows of pixels that do not fill a sixel. Terminals draw the rest of a sixel in
/// black, or over the text below.
fn crop_to_sixels(image: DynamicImage) -> DynamicImage {
    let full_sixels = image.height() / SIXEL_HEIGHT * SIXEL_HEIGHT;
    let height = full_sixels.max(SIXEL_HEIGHT.min(image.height()));
    image.crop_imm(0, 0, image.width(), height)
}

fn to_grey(image: &DynamicImage) -> DynamicImage {
    DynamicImage::ImageRgba8(DynamicImage::ImageLumaA8(image.to_luma_alpha8()).to_rgba8())
}

/// The 16 colours to which images are dithered.
struct AnsiColours;

impl ColorMap for AnsiColours {
    type Color = Rgb<u8>;

    fn index_of(&self, colour: &Rgb<u8>) -> usize {
        let [red, green, blue] = colour.0;
        let nearest = Depth::Ansi.nearest(Color::Rgb(red, green, blue));
        ANSI_COLOURS
            .iter()
            .position(|(name, _)| Some(*name) == nearest)
            .unwrap_or(0)
    }

    fn map_color(&self, colour: &mut Rgb<u8>) {
        colour.0 = ANSI_COLOURS[self.index_of(colour)].1;
    }
}

fn is_light(colour: [u8; 3]) -> bool {
    let sum: u32 = colour.iter().map(|&channel| u32::from(channel)).sum();
    sum > 3 * 128
}

/// Returns the shade of a pixel: on a dark background bright pixels get full shades, on a light one
/// dark pixels.
fn shade(pixel: &Rgb<u8>, shades: &[&'static str], is_light: bool) -> &'static str {
    let [red, green, blue] = pixel.0.map(u32::from);
    // the luma of Rec. 709
    let brightness = (2126 * red + 7152 * green + 722 * blue) / 10_000;
    let fill = if is_light {
        255 - brightness
    } else {
        brightness
    };
    let index = fill as usize * shades.len() / 256;
    shades[index.min(shades.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    #[test]
    fn text_has_only_the_colours_and_characters_of_the_terminal() {
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

    fn setup(setting: Images, depth: Depth, ascii: bool) -> ImageSetup {
        let environment = Environment {
            depth,
            ..Environment::from_variables(|_| None)
        };
        image_setup(
            setting,
            &Answers::default(),
            &environment,
            ascii,
            Some((10, 20)),
        )
    }

    /// Returns an image whose left half is red and whose right half is blue.
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

    fn drawn(setup: &ImageSetup, background: [u8; 3]) -> Buffer {
        let encoded = EncodedImage::new(image(), Size::new(4, 2), background, setup).unwrap();
        assert_eq!(encoded.size(), Size::new(4, 2));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 3));
        encoded.render(Rect::new(1, 1, 4, 2), &mut buffer);
        buffer
    }

    #[test]
    fn half_blocks_have_no_more_colours_than_the_terminal() {
        let colours = |depth| -> Vec<Color> {
            let buffer = drawn(&setup(Images::Halfblocks, depth, false), BLACK);
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
    fn shades_are_inverted_on_a_light_background() {
        let characters = |background, ascii| -> Vec<String> {
            let buffer = drawn(&setup(Images::Halfblocks, Depth::None, ascii), background);
            [1, 4].map(|x| buffer[(x, 1)].symbol().to_owned()).into()
        };
        assert_eq!(characters(BLACK, false), ["░", " "]);
        assert_eq!(characters([250; 3], false), ["▓", "█"]);
        assert!(
            characters(BLACK, true)
                .iter()
                .all(|character| character.is_ascii())
        );
    }

    #[test]
    fn pixels_are_grey_without_colours() {
        let coloured = DynamicImage::ImageRgba8(image().to_rgba8());
        assert_ne!(to_grey(&coloured).to_rgb8(), coloured.to_rgb8());
        assert!(
            to_grey(&coloured)
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
            let encoded = EncodedImage::new(image(), Size::new(4, 2), BLACK, &setup).unwrap();
            assert_eq!(encoded.is_made_of_cells(), of_cells, "{images:?}");
        }
    }
}
