//! Text as editors save it: UTF-8 with or without a byte order mark, and UTF-16 with one, as Windows tools write.
//!
//! It refuses to guess: bytes that are neither are an error that names what they look like.

use std::borrow::Cow;
use std::io;
use std::path::Path;

/// Bytes that are no text, with what they look like and what helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A byte that UTF-8 cannot have here.
    #[error("line {line} is not UTF-8 (byte 0x{byte:02x}): save the file as UTF-8")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
        /// The byte.
        byte: u8,
    },
    /// UTF-16 with half a character in it, or with an odd number of bytes.
    #[error("the text is damaged UTF-16: save the file as UTF-8")]
    DamagedUtf16,
    /// Every other byte is zero, and nothing says which of two is the first.
    #[error("the text looks like UTF-16 without a byte order mark: save the file as UTF-8")]
    UnmarkedUtf16,
    /// The byte order mark of UTF-32.
    #[error("the text is UTF-32: save the file as UTF-8")]
    Utf32,
}

/// The text in these bytes, without its byte order mark. Line ends stay as they are.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(TextError::Utf32),
        [0xff, 0xfe, units @ ..] => utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => utf16(units, u16::from_be_bytes),
        [a, b, ..] if (*a == 0) != (*b == 0) => Err(TextError::UnmarkedUtf16),
        [0xef, 0xbb, 0xbf, text @ ..] | text => std::str::from_utf8(text).map(Cow::Borrowed).map_err(|error| {
            let (good, bad) = text.split_at(error.valid_up_to());
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            TextError::NotUtf8 { line, byte: bad.first().copied().unwrap_or_default() }
        }),
    }
}

/// The text of a file. An encoding that would have to be guessed is an error of the file's, with what helps.
pub fn read(file: &Path) -> io::Result<String> {
    let bytes = std::fs::read(file)?;
    decode(&bytes).map(Cow::into_owned).map_err(io::Error::other)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, TextError> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return Err(TextError::DamagedUtf16) };
    // Room for all of it: a secret leaves no copy behind by growing.
    let mut text = String::with_capacity(pairs.len() * 3);
    for char in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(char.map_err(|_| TextError::DamagedUtf16)?);
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"Żółw\"\r\nn = 1 🔑\n";

    fn utf16(unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(TEXT.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_that_names_itself_is_read() {
        let marked = format!("\u{feff}{TEXT}");
        for bytes in [TEXT.as_bytes().to_vec(), marked.into_bytes(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
            assert_eq!(decode(&bytes).unwrap(), TEXT);
        }
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn others_are_named() {
        let unmarked: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        for (bytes, error) in [
            (&b"a\nb\n\xe9t\xe9"[..], TextError::NotUtf8 { line: 3, byte: 0xe9 }),
            (&unmarked, TextError::UnmarkedUtf16),
            (&little[..little.len() - 1], TextError::DamagedUtf16),
            (&[&big[..], &[0xd8, 0]].concat(), TextError::DamagedUtf16),
            (&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0], TextError::Utf32),
        ] {
            assert_eq!(decode(bytes), Err(error));
        }
    }
}
