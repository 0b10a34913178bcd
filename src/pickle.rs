//! Reads Python pickles without executing them.
//!
//! A pickle is a program for a small stack machine. This machine supports the instructions up to
//! protocol 4. It does not call anything: a call is returned as a [`Call`], which the reader
//! interprets or refuses. Values are stored in one arena and refer to each other by index, so that
//! shared, cyclic and deeply nested values need no special treatment. Source: CPython's
//! `Lib/pickletools.py`.

use std::collections::HashMap;

/// The index of a value in the arena.
pub type ValueIndex = usize;

/// A value of a pickle. Integers beyond 128 bits are refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A tuple, a list or a set.
    List(Vec<ValueIndex>),
    Dict(Vec<(ValueIndex, ValueIndex)>),
    /// The name of a class or a function.
    Global {
        module: String,
        name: String,
    },
    Call(Call),
    /// An object stored outside the pickle, such as a storage of `torch.save`, by the index of its
    /// description.
    Persistent(ValueIndex),
}

/// A call of a class or a function, which was not executed.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The index of a [`Value::Global`].
    pub callee: ValueIndex,
    pub arguments: Vec<ValueIndex>,
    /// The list items that were added to its result.
    pub items: Vec<ValueIndex>,
    /// The dict items that were added to its result.
    pub pairs: Vec<(ValueIndex, ValueIndex)>,
}

/// The contents of a pickle.
#[derive(Debug)]
pub struct Pickle {
    /// The arena. A value comes after those that it refers to when it is created; lists and dicts
    /// may be filled later.
    pub values: Vec<Value>,
    /// The index of the pickled value.
    pub root: ValueIndex,
    /// The number of bytes read. Other data may follow.
    pub length: usize,
}

/// The error for a pickle that no pickler writes. It follows the file's name.
pub const DAMAGED: &str = "is damaged: its pickle is invalid";
const CUT_SHORT: &str = "is cut short";

impl Pickle {
    /// Reads the pickle at the start of `bytes`. The error follows the file's name: "is cut short".
    pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
        let mut machine = Machine {
            bytes,
            position: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run()?;
        Ok(Pickle {
            values: machine.values,
            root,
            length: machine.position,
        })
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    values: Vec<Value>,
    stack: Vec<ValueIndex>,
    /// The height of the stack at each open MARK.
    marks: Vec<usize>,
    memo: HashMap<u64, ValueIndex>,
}

type MachineResult<T = ()> = Result<T, String>;

impl Machine<'_> {
    fn run(&mut self) -> MachineResult<ValueIndex> {
        loop {
            let code = self.take(1)?[0];
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> MachineResult {
        match code {
            0x80 => drop(self.take(1)?), // PROTO
            0x95 => drop(self.take(8)?), // FRAME
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.unmark()?),
            b'2' => self.duplicate()?,
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b => self.integer(code)?,
            b'F' | b'G' => self.float(code)?,
            b'V' | b'X' | 0x8c | 0x8d | b'T' | b'U' => self.string(code)?,
            b'B' | b'C' | 0x8e => self.byte_string(code)?,
            b'q' | b'r' | b'p' | 0x94 => self.remember(code)?,
            b'h' | b'j' | b'g' => self.recall(code)?,
            b')' | b']' | 0x8f => self.push(Value::List(Vec::new())),
            b't' | b'l' | 0x91 => {
                let items = self.unmark()?;
                self.push(Value::List(items));
            }
            0x85..=0x87 => self.short_tuple(usize::from(code - 0x84))?,
            b'a' | b'e' | 0x90 => self.extend_list(code)?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = into_pairs(&self.unmark()?)?;
                self.push(Value::Dict(items));
            }
            b's' | b'u' => self.extend_dict(code)?,
            b'c' | 0x93 => self.global(code)?,
            b'R' | 0x81 => self.call()?,
            b'b' => drop(self.pop()?), // BUILD: attributes, such as a state dict's `_metadata`, are not used
            b'Q' => {
                let description = self.pop()?;
                self.push(Value::Persistent(description));
            }
            _ => {
                return Err(format!(
                    "has the pickle instruction {code:#04x}, which is not supported"
                ));
            }
        }
        Ok(())
    }

    /// Executes DUP: pushes the top of the stack again.
    fn duplicate(&mut self) -> MachineResult {
        let top = *self.stack.last().ok_or(DAMAGED)?;
        self.stack.push(top);
        Ok(())
    }

    /// Executes TUPLE1, TUPLE2 and TUPLE3: makes a tuple of the `length` values on top.
    fn short_tuple(&mut self, length: usize) -> MachineResult {
        let from = self.stack.len().checked_sub(length).ok_or(DAMAGED)?;
        let items = self.stack.split_off(from);
        self.push(Value::List(items));
        Ok(())
    }

    fn byte_string(&mut self, code: u8) -> MachineResult {
        let length = self.length(match code {
            b'C' => 1,
            b'B' => 4,
            _ => 8,
        })?;
        let bytes = self.take(length)?.to_vec();
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    fn integer(&mut self, code: u8) -> MachineResult {
        let value = match code {
            b'I' | b'L' => match self.line()?.trim_end_matches('L') {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                digits => Value::Int(digits.parse().map_err(|_| DAMAGED)?),
            },
            b'J' => Value::Int(i128::from(self.length(4)? as u32 as i32)),
            b'K' => Value::Int(self.length(1)? as i128),
            b'M' => Value::Int(self.length(2)? as i128),
            _ => {
                let length = self.length(if code == 0x8a { 1 } else { 4 })?;
                Value::Int(parse_signed(self.take(length)?)?)
            }
        };
        self.push(value);
        Ok(())
    }

    fn float(&mut self, code: u8) -> MachineResult {
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

    fn string(&mut self, code: u8) -> MachineResult {
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

    fn remember(&mut self, code: u8) -> MachineResult {
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

    fn recall(&mut self, code: u8) -> MachineResult {
        let slot = match code {
            b'h' => self.length(1)? as u64,
            b'j' => self.length(4)? as u64,
            _ => self.line()?.parse().map_err(|_| DAMAGED)?,
        };
        let index = *self.memo.get(&slot).ok_or(DAMAGED)?;
        self.stack.push(index);
        Ok(())
    }

    fn extend_list(&mut self, code: u8) -> MachineResult {
        let more = if code == b'a' {
            vec![self.pop()?]
        } else {
            self.unmark()?
        };
        match self.top()? {
            Value::List(items) | Value::Call(Call { items, .. }) => items.extend(more),
            _ => return Err(DAMAGED.into()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, code: u8) -> MachineResult {
        let more = if code == b's' {
            let value = self.pop()?;
            vec![self.pop()?, value]
        } else {
            self.unmark()?
        };
        match self.top()? {
            Value::Dict(all) | Value::Call(Call { pairs: all, .. }) => {
                all.extend(into_pairs(&more)?)
            }
            _ => return Err(DAMAGED.into()),
        }
        Ok(())
    }

    fn global(&mut self, code: u8) -> MachineResult {
        let (module, name) = if code == b'c' {
            (self.line()?.to_owned(), self.line()?.to_owned())
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (&self.values[module], &self.values[name]) {
                (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                _ => return Err(DAMAGED.into()),
            }
        };
        self.push(Value::Global { module, name });
        Ok(())
    }

    /// Executes REDUCE and NEWOBJ: records the call of a name with a tuple of arguments.
    fn call(&mut self) -> MachineResult {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Value::Global { .. }, Value::List(arguments)) =
            (&self.values[callee], &self.values[arguments])
        else {
            return Err(DAMAGED.into());
        };
        let call = Call {
            callee,
            arguments: arguments.clone(),
            items: Vec::new(),
            pairs: Vec::new(),
        };
        self.push(Value::Call(call));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> MachineResult<ValueIndex> {
        self.stack.pop().ok_or_else(|| DAMAGED.into())
    }

    fn top(&mut self) -> MachineResult<&mut Value> {
        let index = *self.stack.last().ok_or(DAMAGED)?;
        Ok(&mut self.values[index])
    }

    fn unmark(&mut self) -> MachineResult<Vec<ValueIndex>> {
        let height = self
            .marks
            .pop()
            .filter(|&height| height <= self.stack.len())
            .ok_or(DAMAGED)?;
        Ok(self.stack.split_off(height))
    }

    fn take(&mut self, length: usize) -> MachineResult<&[u8]> {
        let end = self
            .position
            .checked_add(length)
            .filter(|&end| end <= self.bytes.len())
            .ok_or(CUT_SHORT)?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    /// Reads an unsigned little-endian number of up to 8 bytes.
    fn length(&mut self, bytes: usize) -> MachineResult<usize> {
        let number = self
            .take(bytes)?
            .iter()
            .rev()
            .fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        usize::try_from(number).map_err(|_| DAMAGED.into())
    }

    fn line(&mut self) -> MachineResult<&str> {
        let length = self.bytes[self.position..]
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(CUT_SHORT)?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| DAMAGED.into())
    }
}

fn into_pairs(items: &[ValueIndex]) -> MachineResult<Vec<(ValueIndex, ValueIndex)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err(DAMAGED.into())
    }
}

/// Parses a little-endian two's complement number of up to 16 bytes. No bytes mean 0.
fn parse_signed(bytes: &[u8]) -> MachineResult<i128> {
    if bytes.len() > 16 {
        return Err("has an integer of more than 128 bits".into());
    }
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut all = [if negative { 0xff } else { 0 }; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    Ok(i128::from_le_bytes(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_protocols_are_read() {
        // pickle.dumps({1: ["a", "b"]}, protocol) for the protocols 0, 2 and 4
        let pickles: [&[u8]; 3] = [
            b"(dp0\nI1\n(lp1\nVa\np2\naVb\np3\nas.",
            b"\x80\x02}q\x00K\x01]q\x01(X\x01\x00\x00\x00aq\x02X\x01\x00\x00\x00bq\x03es.",
            b"\x80\x04\x95\x12\0\0\0\0\0\0\0}\x94K\x01]\x94(\x8c\x01a\x94\x8c\x01b\x94es.",
        ];
        for bytes in pickles {
            let pickle = Pickle::read(bytes).unwrap();
            let Value::Dict(entries) = &pickle.values[pickle.root] else {
                panic!("{:?}", pickle.values)
            };
            let &[(key, value)] = entries.as_slice() else {
                panic!("{entries:?}")
            };
            assert_eq!(pickle.values[key], Value::Int(1));
            let Value::List(items) = &pickle.values[value] else {
                panic!("{:?}", pickle.values[value])
            };
            let texts: Vec<&Value> = items.iter().map(|&item| &pickle.values[item]).collect();
            assert_eq!(texts, [&Value::Text("a".into()), &Value::Text("b".into())]);
            assert_eq!(pickle.length, bytes.len());
            assert_eq!(
                Pickle::read(&bytes[..bytes.len() - 1]).unwrap_err(),
                CUT_SHORT
            );
        }
    }

    #[test]
    fn calls_are_recorded_and_not_executed() {
        // collections.OrderedDict([("a", 1)]), then "b": 2 set
        let pickle =
            Pickle::read(b"ccollections\nOrderedDict\n((l(Va\nI1\ntatRVb\nI2\ns.").unwrap();
        let Value::Call(call) = &pickle.values[pickle.root] else {
            panic!("{:?}", pickle.values)
        };
        let global = Value::Global {
            module: "collections".into(),
            name: "OrderedDict".into(),
        };
        assert_eq!(
            (
                &pickle.values[call.callee],
                call.arguments.len(),
                call.pairs.len()
            ),
            (&global, 1, 1)
        );
    }

    #[test]
    fn deeply_nested_values_do_not_overflow_the_stack() {
        let deep = [vec![b']'; 2_000_000], vec![b'a'; 1_999_999], vec![b'.']].concat();
        assert!(matches!(
            Pickle::read(&deep).unwrap().values[0],
            Value::List(_)
        ));
    }
}
