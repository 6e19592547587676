//! CBOR as CTAP2 demands it: canonical out, strict in (CTAP 2.1 section 8, RFC 8949 section 4.2).
//!
//! The reader refuses more than one item, indefinite lengths, integers and lengths that are not in their shortest form,
//! duplicate map keys, keys that are lists or maps, maps of more than [`MAX_PAIRS`], floats, nesting deeper than [`MAX_DEPTH`]
//! and text that is not UTF-8. Keys out of canonical order are read: firmware in the field gets the order wrong, and order
//! cannot change a meaning.

use minicbor::data::Type;
use minicbor::decode::Decoder;

/// Nesting a message may have. CTAP2 allows 4 levels; certificates' wrappers and unknown members get some more.
pub const MAX_DEPTH: usize = 16;

/// Pairs that a map may have. The longest map that CTAP2 defines has some forty; the check for duplicates compares all pairs.
pub const MAX_PAIRS: u64 = 1024;

/// One CBOR data item of the kinds that CTAP2 and WebAuthn use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer of major type 0 or 1, within `i64` (COSE and CTAP use no others).
    Integer(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// A list.
    Array(Vec<Value>),
    /// Pairs in the order they came or were built; written in canonical order.
    Map(Vec<(Value, Value)>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Why bytes are not acceptable CBOR, with the offset of the item at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CBOR at byte {offset}: {why}")]
pub struct CborError {
    /// Bytes from the start of the message.
    pub offset: usize,
    /// What is wrong there.
    pub why: &'static str,
}

impl Value {
    /// A map of integer keys, as every CTAP2 message is.
    pub fn map<K: Into<Value>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes, if it is a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is a text string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(value) => Some(value),
            _ => None,
        }
    }

    /// The pairs, if it is a map.
    pub fn as_map(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Map(value) => Some(value),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The member of a map with this key.
    pub fn get(&self, key: impl Into<Value>) -> Option<&Value> {
        let key = key.into();
        self.as_map()?.iter().find(|(candidate, _)| *candidate == key).map(|(_, value)| value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Writes a value in CTAP2 canonical form: shortest integers, definite lengths, map keys sorted by length of their encoding
/// and then bytewise.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Integer(number) if *number >= 0 => head(0, number.unsigned_abs(), out),
        // -1 - n is written as n; for every negative i64 that is !number.
        Value::Integer(number) => head(1, (!number).unsigned_abs(), out),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Map(pairs) => {
            head(5, pairs.len() as u64, out);
            let mut pairs: Vec<(Vec<u8>, &Value)> = pairs.iter().map(|(key, value)| (encode(key), value)).collect();
            pairs.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            for (key, value) in pairs {
                out.extend_from_slice(&key);
                write(value, out);
            }
        }
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Null => out.push(0xf6),
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

/// Reads exactly one item that fills the whole input.
pub fn decode(input: &[u8]) -> Result<Value, CborError> {
    let (value, used) = decode_first(input)?;
    if used != input.len() {
        return Err(CborError { offset: used, why: "there are bytes after the item" });
    }
    Ok(value)
}

/// Reads the item at the start of the input, and says how many bytes it took. For authenticator data, where a COSE key and
/// extensions stand one after the other without a length.
pub fn decode_first(input: &[u8]) -> Result<(Value, usize), CborError> {
    let mut decoder = Decoder::new(input);
    let value = read(&mut decoder, MAX_DEPTH)?;
    Ok((value, decoder.position()))
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, CborError> {
    let offset = decoder.position();
    let refuse = |why| CborError { offset, why };
    let depth = depth.checked_sub(1).ok_or_else(|| refuse("nested too deeply"))?;
    shortest_form(&decoder.input()[offset..]).map_err(refuse)?;
    let ended = |_| refuse("ends in the middle of an item");
    match decoder.datatype().map_err(ended)? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            decoder.i64().map(Value::Integer).map_err(|_| refuse("an integer that is cut short or beyond 63 bits"))
        }
        Type::Bytes => decoder.bytes().map(Value::from).map_err(ended),
        Type::String => decoder.str().map(Value::from).map_err(|_| refuse("a text that is cut short or is not UTF-8")),
        Type::Array => {
            let length = decoder.array().map_err(ended)?.ok_or_else(|| refuse("an indefinite length"))?;
            // No reservation by the length that is claimed: the items themselves are the proof of it.
            let mut items = Vec::new();
            for _ in 0..length {
                items.push(read(decoder, depth)?);
            }
            Ok(Value::Array(items))
        }
        Type::Map => {
            let length = decoder.map().map_err(ended)?.ok_or_else(|| refuse("an indefinite length"))?;
            if length > MAX_PAIRS {
                return Err(refuse("a map of too many pairs"));
            }
            let mut pairs: Vec<(Value, Value)> = Vec::new();
            for _ in 0..length {
                let at = decoder.position();
                let key = read(decoder, depth)?;
                // Two maps are one key in whatever order their pairs stand; nothing of CTAP2 or COSE needs to find that out.
                if matches!(key, Value::Array(_) | Value::Map(_)) {
                    return Err(CborError { offset: at, why: "a map key that is a list or a map" });
                }
                if pairs.iter().any(|(seen, _)| *seen == key) {
                    return Err(CborError { offset: at, why: "a map key that was there before" });
                }
                pairs.push((key, read(decoder, depth)?));
            }
            Ok(Value::Map(pairs))
        }
        Type::Bool => decoder.bool().map(Value::Bool).map_err(ended),
        Type::Null => decoder.null().map(|()| Value::Null).map_err(ended),
        _ => Err(refuse("a kind of item that CTAP2 does not use")),
    }
}

/// RFC 8949 section 4.2.1: the argument of an item's head takes the fewest bytes that hold it, and lengths are definite.
fn shortest_form(item: &[u8]) -> Result<(), &'static str> {
    let Some((&initial, rest)) = item.split_first() else { return Err("ends where an item should be") };
    let argument = |bytes: usize| -> Result<u64, &'static str> {
        let bytes = rest.get(..bytes).ok_or("ends in the middle of an item")?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    // Major type 7 has values and floats there, not arguments; the caller sorts those out by type.
    if initial >> 5 == 7 {
        return Ok(());
    }
    let shortest = match initial & 0x1f {
        0..=23 => true,
        24 => argument(1)? > 23,
        25 => argument(2)? > 0xff,
        26 => argument(4)? > 0xffff,
        27 => argument(8)? > 0xffff_ffff,
        31 => return Err("an indefinite length"),
        _ => return Err("a reserved length"),
    };
    if shortest { Ok(()) } else { Err("a number that is not in its shortest form") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn writes_the_examples_of_rfc_8949_appendix_a() {
        for (value, expected) in [
            (Value::Integer(0), "00"),
            (Value::Integer(23), "17"),
            (Value::Integer(24), "1818"),
            (Value::Integer(1000), "1903e8"),
            (Value::Integer(1_000_000), "1a000f4240"),
            (Value::Integer(1_000_000_000_000), "1b000000e8d4a51000"),
            (Value::Integer(-1), "20"),
            (Value::Integer(-100), "3863"),
            (Value::Integer(-1000), "3903e7"),
            (Value::Bool(false), "f4"),
            (Value::Null, "f6"),
            (Value::from(vec![1, 2, 3, 4]), "4401020304"),
            (Value::from("ü"), "62c3bc"),
            (Value::Array(vec![1.into(), Value::Array(vec![2.into(), 3.into()])]), "8201820203"),
        ] {
            assert_eq!(encode(&value), hex(expected));
            assert_eq!(decode(&hex(expected)), Ok(value));
        }
    }

    #[test]
    fn sorts_map_keys_by_length_then_bytes() {
        let unsorted = Value::Map(
            [Value::from("aa"), "z".into(), (-1).into(), 100.into(), 10.into(), false.into()]
                .into_iter()
                .map(|key| (key, Value::Integer(0)))
                .collect(),
        );
        assert_eq!(encode(&unsorted), hex("a60a002000f400186400617a0062616100"));
    }

    #[test]
    fn extremes_of_i64_survive() {
        for number in [i64::MIN, i64::MAX] {
            assert_eq!(decode(&encode(&Value::Integer(number))), Ok(Value::Integer(number)));
        }
    }

    #[test]
    fn refuses_what_is_not_strict() {
        for (input, offset, why) in [
            ("", 0, "ends where an item should be"),
            ("0000", 1, "there are bytes after the item"),
            ("1817", 0, "a number that is not in its shortest form"),
            ("190018", 0, "a number that is not in its shortest form"),
            ("1a0000ffff", 0, "a number that is not in its shortest form"),
            ("1b00000000ffffffff", 0, "a number that is not in its shortest form"),
            ("580100", 0, "a number that is not in its shortest form"),
            ("1bffffffffffffffff", 0, "an integer that is cut short or beyond 63 bits"),
            ("5f4100ff", 0, "an indefinite length"),
            ("9f00ff", 0, "an indefinite length"),
            ("bf0000ff", 0, "an indefinite length"),
            ("1c", 0, "a reserved length"),
            ("a200000000", 3, "a map key that was there before"),
            ("a18000", 1, "a map key that is a list or a map"),
            // Found by fuzzing: one key twice, with its own pairs in another order.
            ("a2a20001010200a20102000101", 1, "a map key that is a list or a map"),
            ("f93c00", 0, "a kind of item that CTAP2 does not use"),
            ("f7", 0, "a kind of item that CTAP2 does not use"),
            ("c000", 0, "a kind of item that CTAP2 does not use"),
            ("61ff", 0, "a text that is cut short or is not UTF-8"),
            ("4400", 0, "ends in the middle of an item"),
            ("b90401", 0, "a map of too many pairs"),
            ("82", 1, "ends where an item should be"),
            ("9affffffff", 5, "ends where an item should be"),
        ] {
            assert_eq!(decode(&hex(input)), Err(CborError { offset, why }), "{input}");
        }
        let deep = [vec![0x81; MAX_DEPTH], vec![0]].concat();
        assert_eq!(decode(&deep).unwrap_err().why, "nested too deeply");
    }

    #[test]
    fn the_first_item_says_its_length() {
        assert_eq!(decode_first(&hex("a10102f6")), Ok((Value::map([(1, Value::Integer(2))]), 3)));
    }
}
