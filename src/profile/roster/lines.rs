//! A roster as rows of fields, as spreadsheets save them: RFC 4180 with another separator where the country or the program has
//! one, in any encoding that names itself.
//!
//! A quoted field may go on in the next lines. A quote that is never closed spoils its own line only, so that everything else
//! that is wrong can be told, too.

use std::borrow::Cow;

use keywright_files::text::{self, TextError};

/// Lines that a quoted field may have. A cell of a spreadsheet has a few; a forgotten quote would take in everything.
const LONGEST_FIELD: usize = 50;

/// What ends a file of CP/M's and DOS's.
const CTRL_Z: u8 = 0x1a;

/// The bytes of a file as UTF-8, where they are text of another encoding; each line that is no text is left to [`fields`].
pub(in crate::profile) fn decoded(bytes: &[u8]) -> Result<Cow<'_, [u8]>, TextError> {
    match text::decode(bytes) {
        Ok(Cow::Borrowed(text)) => Ok(Cow::Borrowed(text.as_bytes())),
        Ok(Cow::Owned(text)) => Ok(Cow::Owned(text.into_bytes())),
        Err(TextError::NotUtf8 { .. }) => Ok(Cow::Borrowed(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))),
        Err(error) => Err(error),
    }
}

/// The lines of a file, without their ends, up to an end-of-file mark: LF, CRLF, or CR alone where there is no LF.
pub(in crate::profile) fn lines(text: &[u8]) -> Vec<&[u8]> {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(&[CTRL_Z]).unwrap_or(text).trim_ascii_end();
    let end = if text.contains(&b'\n') { b'\n' } else { b'\r' };
    text.split(|byte| *byte == end).map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

/// The separator that a first line `sep=;` names. Excel writes it, and hides it.
pub(in crate::profile) fn named_separator(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', separator, ..] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*separator),
        _ => None,
    }
    .filter(|separator| separator.is_ascii() && !separator.is_ascii_alphanumeric() && *separator != b'"')
}

/// The separators that a heading may be written with, the likeliest first.
pub(in crate::profile) fn separators(heading: &[u8]) -> [u8; 4] {
    let mut separators = [b',', b';', b'\t', b'|'];
    separators.sort_by_key(|separator| std::cmp::Reverse(heading.iter().filter(|byte| *byte == separator).count()));
    separators
}

/// The fields of the row that begins at a line, and how many lines it has. A row that is wrong has one.
pub(in crate::profile) fn row(lines: &[&[u8]], separator: u8) -> (Result<Vec<String>, String>, usize) {
    let alone = fields(lines[0], separator);
    if alone.is_err() {
        let mut row = lines[0].to_vec();
        for (count, line) in (2..).zip(&lines[1..]).take(LONGEST_FIELD) {
            row.push(b'\n');
            row.extend_from_slice(line);
            if let Ok(fields) = fields(&row, separator) {
                return (Ok(fields), count);
            }
        }
    }
    (alone, 1)
}

/// The fields of one row, without blanks around them.
fn fields(row: &[u8], separator: u8) -> Result<Vec<String>, String> {
    let row = std::str::from_utf8(row)
        .map_err(|error| format!("byte {} is not UTF-8; save the file as \"CSV UTF-8\"", error.valid_up_to() + 1))?;
    if row.contains('\r') {
        return Err("a carriage return stands inside of the line; lines end in LF or CRLF".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .buffer_capacity(row.len())
        .from_reader(row.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    if !is_written_as(row, &record, char::from(separator)) {
        return Err("a quote is not closed, or stands inside of a field; write \" as \"\" in a quoted field".to_owned());
    }
    Ok(record.iter().map(|field| field.trim().to_owned()).collect())
}

/// Whether a row is how these fields are written, each quoted or not. The csv crate takes a stray quote for a character, and
/// the end of the file for a closing one.
fn is_written_as(row: &str, fields: &csv::StringRecord, separator: char) -> bool {
    let mut rest = row;
    for (at, field) in fields.iter().enumerate() {
        let Some(field_and_rest) = (if at == 0 { Some(rest) } else { rest.strip_prefix(separator) }) else {
            return false;
        };
        let quoted = format!("\"{}\"", field.replace('"', "\"\""));
        let plain = Some(field).filter(|field| !field.contains('"'));
        let after =
            field_and_rest.strip_prefix(&quoted).or_else(|| plain.and_then(|field| field_and_rest.strip_prefix(field)));
        let Some(after) = after else { return false };
        rest = after;
    }
    rest.is_empty()
}
