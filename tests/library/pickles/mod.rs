//! Writes checkpoints in the format of `torch.save`, with nested dicts of tensors and with numpy
//! numbers.
#![allow(dead_code)] // Not every test uses every item.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A value in a checkpoint.
pub enum Item {
    Dict(Vec<(&'static str, Item)>),
    List(Vec<Item>),
    /// A vector of f32.
    Tensor(Vec<f32>),
    Int(u8),
    /// The number `numpy.float64(0.5)`, as numpy 2.0 and later versions pickle it.
    Numpy,
}

/// Returns a zip archive of `torch.save` with `root` as a pickle of protocol 2.
pub fn torch_archive(root: &Item) -> Vec<u8> {
    let (mut pickle, mut storages) = (vec![0x80, 2], Vec::new());
    write_item(root, &mut pickle, &mut storages);
    pickle.push(b'.');
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    // The archiver of macOS puts such a file before the others.
    add("__MACOSX/archive/._data.pkl", b"\x00\x05\x16\x07");
    add("archive/data.pkl", &pickle);
    add("archive/byteorder", b"little");
    for (key, numbers) in storages.iter().enumerate() {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        add(&format!("archive/data/{key}"), &bytes);
    }
    zip.finish().unwrap().into_inner()
}

/// Writes the pickle of an item to `out`, and appends its tensors to `storages`.
fn write_item(item: &Item, out: &mut Vec<u8>, storages: &mut Vec<Vec<f32>>) {
    match item {
        Item::Dict(items) => {
            out.extend(b"}(");
            for (key, value) in items {
                write_text(key, out);
                write_item(value, out, storages);
            }
            out.push(b'u');
        }
        Item::List(items) => {
            out.extend(b"](");
            items
                .iter()
                .for_each(|item| write_item(item, out, storages));
            out.push(b'e');
        }
        Item::Tensor(numbers) => {
            let length = (numbers.len() as u32).to_le_bytes();
            out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            write_text("storage", out);
            out.extend(b"ctorch\nFloatStorage\n");
            write_text(&storages.len().to_string(), out);
            write_text("cpu", out);
            out.push(b'J');
            out.extend(length);
            // The persistent id ends here. Next are the offset, size, stride, requires_grad and
            // hooks.
            out.extend(b"tQK\0(J");
            out.extend(length);
            out.extend(b"t(K\x01t\x89ccollections\nOrderedDict\n)RtR");
            storages.push(numbers.clone());
        }
        Item::Int(number) => out.extend([b'K', *number]),
        Item::Numpy => {
            out.extend(b"cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n(");
            write_text("f8", out);
            out.extend(b"\x89\x88tR(K\x03");
            write_text("<", out);
            out.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb");
            out.extend(b"c_codecs\nencode\n(");
            write_text("\0\0\0\0\0\0à?", out);
            write_text("latin1", out);
            out.extend(b"tRtR");
        }
    }
}

/// Writes a pickled string to `out`.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}
