//! Reads what `torch.save` pickles without running any of it.
//!
//! A pickle is a program for a small stack machine. This machine knows the instructions up to protocol 4
//! and the few names that a file of tensors needs; any other name is refused, so nothing can be called.
//! Source: CPython's `Lib/pickletools.py`.

use std::collections::HashMap;

use super::pickle::{Global, Layout, Place, Storage, Value, known};

/// Runs the program at the front of `bytes`: its values, the place of the one it makes, the bytes read.
pub(super) fn run(bytes: &[u8]) -> Result<(Vec<Value>, Place, usize), String> {
    let mut machine =
        Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let root = machine.run()?;
    Ok((machine.values, root, machine.at))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Place>,
    /// Heights of the stack at each open MARK.
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
}

const WAY_OUT: &str = "save the parameters alone: torch.save(model.state_dict(), FILE)";
const CUT_SHORT: &str = "is cut short";
const DAMAGED: &str = "is damaged: its pickle makes no sense";

type Step<T = ()> = Result<T, String>;

impl Machine<'_> {
    fn run(&mut self) -> Step<Place> {
        loop {
            let code = self.take(1)?[0];
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Step {
        match code {
            0x80 => drop(self.take(1)?), // PROTO
            0x95 => drop(self.take(8)?), // FRAME
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.unmark()?),
            b'2' => {
                let top = *self.stack.last().ok_or(DAMAGED)?;
                self.stack.push(top);
            }
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b => self.integer(code)?,
            b'F' | b'G' => self.float(code)?,
            b'V' | b'X' | 0x8c | 0x8d | b'T' | b'U' => self.string(code)?,
            b'B' | b'C' | 0x8e => {
                let length = self.length(match code {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                })?;
                let bytes = self.take(length)?.to_vec();
                self.push(Value::Bytes(bytes));
            }
            b'q' | b'r' | b'p' | 0x94 => self.remember(code)?,
            b'h' | b'j' | b'g' => self.recall(code)?,
            b')' | b']' | 0x8f => self.push(Value::List(Vec::new())),
            b't' | b'l' | 0x91 => {
                let items = self.unmark()?;
                self.push(Value::List(items));
            }
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or(DAMAGED)?;
                let items = self.stack.split_off(from);
                self.push(Value::List(items));
            }
            b'a' | b'e' | 0x90 => self.extend_list(code)?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = pairs(&self.unmark()?)?;
                self.push(Value::Dict(items));
            }
            b's' | b'u' => self.extend_dict(code)?,
            b'c' | 0x93 => self.global(code)?,
            b'R' | 0x81 => self.call()?,
            b'b' => drop(self.pop()?), // BUILD: attributes (a state dict's `_metadata`), nothing of use
            b'Q' => self.persistent()?,
            _ => return Err(format!("has the pickle instruction {code:#04x}, which no weight file needs")),
        }
        Ok(())
    }

    fn integer(&mut self, code: u8) -> Step {
        let number = match code {
            b'I' | b'L' => match self.line()?.trim_end_matches('L') {
                "00" => {
                    return {
                        self.push(Value::Bool(false));
                        Ok(())
                    };
                }
                "01" => {
                    return {
                        self.push(Value::Bool(true));
                        Ok(())
                    };
                }
                digits => digits.parse().map_err(|_| DAMAGED)?,
            },
            b'J' => i128::from(self.length(4)? as u32 as i32),
            b'K' => self.length(1)? as i128,
            b'M' => self.length(2)? as i128,
            _ => {
                let length = self.length(if code == 0x8a { 1 } else { 4 })?;
                signed(self.take(length)?)?
            }
        };
        self.push(Value::Int(number));
        Ok(())
    }

    fn float(&mut self, code: u8) -> Step {
        let number = if code == b'F' {
            self.line()?.parse().map_err(|_| DAMAGED)?
        } else {
            let mut eight = [0; 8];
            eight.copy_from_slice(self.take(8)?);
            f64::from_be_bytes(eight)
        };
        self.push(Value::Float(number));
        Ok(())
    }

    fn string(&mut self, code: u8) -> Step {
        let text = if code == b'V' {
            self.line()?.to_owned()
        } else {
            let length = self.length(match code {
                0x8c | b'U' => 1,
                0x8d => 8,
                _ => 4,
            })?;
            String::from_utf8_lossy(self.take(length)?).into_owned()
        };
        self.push(Value::Text(text));
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Step {
        let slot = match code {
            b'q' => self.length(1)? as u64,
            b'r' => self.length(4)? as u64,
            b'p' => self.line()?.parse().map_err(|_| DAMAGED)?,
            _ => self.memo.len() as u64,
        };
        let top = *self.stack.last().ok_or(DAMAGED)?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Step {
        let slot = match code {
            b'h' => self.length(1)? as u64,
            b'j' => self.length(4)? as u64,
            _ => self.line()?.parse().map_err(|_| DAMAGED)?,
        };
        let place = *self.memo.get(&slot).ok_or(DAMAGED)?;
        self.stack.push(place);
        Ok(())
    }

    fn extend_list(&mut self, code: u8) -> Step {
        let more = if code == b'a' { vec![self.pop()?] } else { self.unmark()? };
        match self.top()? {
            Value::List(items) => items.extend(more),
            _ => return Err(DAMAGED.into()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, code: u8) -> Step {
        let more = if code == b's' {
            let value = self.pop()?;
            vec![self.pop()?, value]
        } else {
            self.unmark()?
        };
        match self.top()? {
            Value::Dict(items) => items.extend(pairs(&more)?),
            _ => return Err(DAMAGED.into()),
        }
        Ok(())
    }

    fn global(&mut self, code: u8) -> Step {
        let (module, name) = if code == b'c' {
            (self.line()?.to_owned(), self.line()?.to_owned())
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (&self.values[module], &self.values[name]) {
                (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                _ => return Err(DAMAGED.into()),
            }
        };
        let known = known(&module, &name)
            .ok_or_else(|| format!("names {module}.{name}, which is not loaded from a weight file; {WAY_OUT}"))?;
        self.push(Value::Global(known));
        Ok(())
    }

    /// REDUCE and NEWOBJ: a known name with a tuple of arguments.
    fn call(&mut self) -> Step {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Value::Global(callee), Value::List(arguments)) = (&self.values[callee], &self.values[arguments]) else {
            return Err(DAMAGED.into());
        };
        let made = match (callee, arguments.as_slice()) {
            (Global::Numpy, _) => Value::None,
            (Global::OrderedDict, []) => Value::Dict(Vec::new()),
            (Global::OrderedDict, &[items]) => Value::Dict(self.listed_pairs(items)?),
            (Global::Size, &[sizes]) => self.values[sizes].clone(),
            (Global::RebuildParameter, &[tensor, ..]) => self.values[tensor].clone(),
            (Global::RebuildTensor, &[storage, offset, size, stride, ..]) => {
                self.tensor(storage, offset, size, stride)?
            }
            _ => return Err(DAMAGED.into()),
        };
        self.push(made);
        Ok(())
    }

    fn listed_pairs(&self, place: Place) -> Step<Vec<(Place, Place)>> {
        let Value::List(items) = &self.values[place] else { return Err(DAMAGED.into()) };
        let pair = |&item: &Place| match &self.values[item] {
            Value::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err(DAMAGED.to_owned()),
        };
        items.iter().map(pair).collect()
    }

    fn tensor(&self, storage: Place, offset: Place, size: Place, stride: Place) -> Step<Value> {
        let Value::Storage(storage) = &self.values[storage] else { return Err(DAMAGED.into()) };
        let layout = Layout {
            storage: storage.clone(),
            offset: self.number(offset)?,
            size: self.numbers(size)?,
            stride: self.numbers(stride)?,
        };
        if !layout.fits() {
            return Err(format!("is damaged: a tensor of size {:?} reaches beyond its storage", layout.size));
        }
        Ok(Value::Tensor(layout))
    }

    /// A storage: `("storage", type, key, device, elements[, view])`, view = `(key, offset, elements)` or None.
    fn persistent(&mut self) -> Step {
        let place = self.pop()?;
        let Value::List(parts) = &self.values[place] else { return Err(DAMAGED.into()) };
        let [tag, kind, key, _device, length, view @ ..] = parts.as_slice() else { return Err(DAMAGED.into()) };
        let (Value::Text(tag), Value::Global(Global::Storage(kind)), Value::Text(key)) =
            (&self.values[*tag], &self.values[*kind], &self.values[*key])
        else {
            return Err(DAMAGED.into());
        };
        if tag != "storage" {
            return Err(DAMAGED.into());
        }
        let mut storage = Storage { kind: *kind, key: key.clone(), start: 0, length: self.number(*length)? };
        if let Some(Value::List(view)) = view.first().map(|&place| &self.values[place]) {
            let &[_, start, length] = view.as_slice() else { return Err(DAMAGED.into()) };
            (storage.start, storage.length) = (self.number(start)?, self.number(length)?);
        }
        self.push(Value::Storage(storage));
        Ok(())
    }

    fn number(&self, place: Place) -> Step<i64> {
        match self.values[place] {
            Value::Int(number) => i64::try_from(number).map_err(|_| DAMAGED.into()),
            _ => Err(DAMAGED.into()),
        }
    }

    fn numbers(&self, place: Place) -> Step<Vec<i64>> {
        match &self.values[place] {
            Value::List(items) => items.iter().map(|&item| self.number(item)).collect(),
            _ => Err(DAMAGED.into()),
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Step<Place> {
        self.stack.pop().ok_or_else(|| DAMAGED.into())
    }

    fn top(&mut self) -> Step<&mut Value> {
        let place = *self.stack.last().ok_or(DAMAGED)?;
        Ok(&mut self.values[place])
    }

    fn unmark(&mut self) -> Step<Vec<Place>> {
        let height = self.marks.pop().filter(|&height| height <= self.stack.len()).ok_or(DAMAGED)?;
        Ok(self.stack.split_off(height))
    }

    fn take(&mut self, length: usize) -> Step<&[u8]> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len()).ok_or(CUT_SHORT)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// An unsigned little-endian number of up to 8 bytes.
    fn length(&mut self, bytes: usize) -> Step<usize> {
        let number = self.take(bytes)?.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        usize::try_from(number).map_err(|_| DAMAGED.into())
    }

    fn line(&mut self) -> Step<&str> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or(CUT_SHORT)?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| DAMAGED.into())
    }
}

fn pairs(items: &[Place]) -> Step<Vec<(Place, Place)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()) } else { Err(DAMAGED.into()) }
}

/// A little-endian two's complement number of up to 16 bytes; none is 0.
fn signed(bytes: &[u8]) -> Step<i128> {
    if bytes.len() > 16 {
        return Err("has a number beyond 128 bits".into());
    }
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut all = [if negative { 0xff } else { 0 }; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    Ok(i128::from_le_bytes(all))
}
