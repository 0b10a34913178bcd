//! Checkpoints as `torch.save` writes them, made here: tensors in nested dicts, and numpy numbers
//! beside them.
#![allow(dead_code)] // each test uses what it needs

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A value of a checkpoint.
pub enum Item {
    Dict(Vec<(&'static str, Item)>),
    List(Vec<Item>),
    /// A vector of f32.
    Tensor(Vec<f32>),
    Int(u8),
    /// `numpy.float64(0.5)`, as numpy from 2.0 on pickles it.
    Numpy,
}

/// A zip of `torch.save`, its pickle of protocol 2.
pub fn zipped(root: &Item) -> Vec<u8> {
    let (mut pickle, mut storages) = (vec![0x80, 2], Vec::new());
    write(root, &mut pickle, &mut storages);
    pickle.push(b'.');
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    // as a Mac's archiver puts before the rest
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

fn write(item: &Item, out: &mut Vec<u8>, storages: &mut Vec<Vec<f32>>) {
    match item {
        Item::Dict(items) => {
            out.extend(b"}(");
            for (key, value) in items {
                text(key, out);
                write(value, out, storages);
            }
            out.push(b'u');
        }
        Item::List(items) => {
            out.extend(b"](");
            items.iter().for_each(|item| write(item, out, storages));
            out.push(b'e');
        }
        Item::Tensor(numbers) => {
            let length = (numbers.len() as u32).to_le_bytes();
            out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
            text("storage", out);
            out.extend(b"ctorch\nFloatStorage\n");
            text(&storages.len().to_string(), out);
            text("cpu", out);
            out.push(b'J');
            out.extend(length);
            // the persistent id ends; offset, size, stride, requires_grad, hooks
            out.extend(b"tQK\0(J");
            out.extend(length);
            out.extend(b"t(K\x01t\x89ccollections\nOrderedDict\n)RtR");
            storages.push(numbers.clone());
        }
        Item::Int(number) => out.extend([b'K', *number]),
        Item::Numpy => {
            out.extend(b"cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n(");
            text("f8", out);
            out.extend(b"\x89\x88tR(K\x03");
            text("<", out);
            out.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb");
            out.extend(b"c_codecs\nencode\n(");
            text("\0\0\0\0\0\0à?", out);
            text("latin1", out);
            out.extend(b"tRtR");
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}
