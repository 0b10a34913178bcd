//! Whether an image file goes on to its end: a walk over its segments, which decodes nothing.
//!
//! Each function returns a clause that says where the file stops. Bytes after the end are nobody's
//! concern: telephones put a second image there.

use image::ImageFormat;

type Completeness = Result<(), &'static str>;

/// Errors where the file ends before its last segment does. A BMP has no segments: its decoder
/// misses every byte.
pub(super) fn check_complete(format: ImageFormat, bytes: &[u8]) -> Completeness {
    match format {
        ImageFormat::Png => png(bytes),
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::WebP => webp(bytes),
        ImageFormat::Gif => gif(bytes),
        _ => Ok(()),
    }
}

/// A walk from one byte to the next.
struct ByteCursor<'a> {
    rest: &'a [u8],
}

impl<'a> ByteCursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }
}

/// Signature, then chunks of length (4 bytes, big-endian), name, data and CRC until `IEND`. The
/// decoder checks the CRCs.
fn png(bytes: &[u8]) -> Completeness {
    const SIGNATURE: usize = 8;
    const CRC: usize = 4;
    let mut walk = ByteCursor { rest: bytes };
    let chunk = |walk: &mut ByteCursor| {
        let length = walk.take(4)?.try_into().ok().map(u32::from_be_bytes)?;
        let name = walk.take(4)?;
        walk.take(length as usize)?;
        walk.take(CRC)?;
        Some(name == b"IEND")
    };
    walk.take(SIGNATURE);
    loop {
        match chunk(&mut walk) {
            Some(true) => return Ok(()),
            Some(false) => {}
            None => return Err("it ends before its IEND chunk"),
        }
    }
}

/// Markers (ITU T.81, annex B) until the end of the image. Between them lie entropy-coded data, in
/// which a byte 0xFF is followed by 0, and bytes that decoders pass over.
fn jpeg(bytes: &[u8]) -> Completeness {
    const START: u8 = 0xd8;
    const END: u8 = 0xd9;
    const EARLY: &str = "it ends before its end-of-image marker";
    let mut walk = ByteCursor { rest: bytes };
    walk.take(2);
    while let Some(at) = memchr::memchr(0xff, walk.rest) {
        walk.take(at + 1);
        let Some(&marker) = walk.rest.first() else {
            return Err(EARLY);
        };
        if marker == 0xff {
            // it may begin the next marker
            continue;
        }
        walk.take(1);
        match marker {
            // stuffing, TEM and the restart markers have no data
            0x00 | 0x01 | 0xd0..=0xd7 => {}
            END => return Ok(()),
            START => return Err("another JPEG begins before its end"),
            _ => jpeg_segment(&mut walk).ok_or(EARLY)?,
        }
    }
    Err(EARLY)
}

/// A length (2 bytes, big-endian, of itself and the data), then the data.
fn jpeg_segment(walk: &mut ByteCursor) -> Option<()> {
    let length = walk.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
    walk.take(usize::from(length).saturating_sub(2)).map(drop)
}

/// The header says how many bytes there are after its first eight.
fn webp(bytes: &[u8]) -> Completeness {
    let length = bytes
        .get(4..8)
        .and_then(|length| length.try_into().ok())
        .map(u32::from_le_bytes);
    match length {
        Some(length) if bytes.len() as u64 >= u64::from(length) + 8 => Ok(()),
        _ => Err("it has fewer bytes than its header says"),
    }
}

/// Blocks until the data of the first image have ended. What an animation has after it is not used.
fn gif(bytes: &[u8]) -> Completeness {
    gif_blocks(&mut ByteCursor { rest: bytes }).ok_or("it ends before its first frame does")
}

fn gif_blocks(walk: &mut ByteCursor) -> Option<()> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2c;
    let header = walk.take(13)?;
    walk.take(colour_table(header[10]))?;
    loop {
        match walk.byte()? {
            EXTENSION => {
                walk.byte()?;
                sub_blocks(walk)?;
            }
            IMAGE => {
                let descriptor = walk.take(9)?;
                walk.take(colour_table(descriptor[8]))?;
                // the code size comes before the data
                walk.byte()?;
                return sub_blocks(walk);
            }
            // the trailer, or damage, which the decoder names
            _ => return Some(()),
        }
    }
}

/// The bytes of the colour table that the flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Data in blocks of up to 255 bytes; an empty one ends them.
fn sub_blocks(walk: &mut ByteCursor) -> Option<()> {
    loop {
        match walk.byte()? {
            0 => return Some(()),
            length => _ = walk.take(usize::from(length))?,
        }
    }
}
