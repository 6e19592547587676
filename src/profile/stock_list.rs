//! What was bought: CSV with the heading `serial` and optional `model,place`, in any order, as spreadsheets save it.
//!
//! One row is one key. Nothing is guessed: all wrong rows are told at once, before anything is written.

use std::collections::BTreeMap;
use std::path::Path;

use super::roster::lines::{decoded, lines, named_separator, row, separators};
use keywright_files::shown;

/// A key that was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoughtKey {
    /// The line of the file, from 1.
    pub row: usize,
    /// The serial number, as printed.
    pub serial: String,
    /// The model's name.
    pub model: Option<String>,
    /// Where it is kept.
    pub place: Option<String>,
}

/// Everything that is wrong with a list, found in one reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StockListError {
    /// The file cannot be read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        why: String,
    },
    /// There is no column of serial numbers.
    #[error("{file}: the heading has no column \"serial\"")]
    NoSerials {
        /// The file.
        file: String,
    },
    /// Rows that are wrong, each with its line.
    #[error("{file}: some rows are wrong")]
    Rows {
        /// The file.
        file: String,
        /// Line and what is wrong there.
        rows: Vec<(usize, String)>,
    },
}

/// Reads a list.
pub fn read(file: &Path) -> Result<Vec<BoughtKey>, StockListError> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file)
        .map_err(|error| StockListError::Unreadable { file: name.clone(), why: error.to_string() })?;
    parse(&name, &bytes)
}

fn parse(file: &str, bytes: &[u8]) -> Result<Vec<BoughtKey>, StockListError> {
    let text =
        decoded(bytes).map_err(|error| StockListError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
    let mut rest = lines(&text);
    let mut first = 1;
    let named = rest.first().and_then(|line| named_separator(line));
    if named.is_some() {
        rest.remove(0);
        first += 1;
    }
    let heading = rest.first().copied().unwrap_or_default();
    let separator = named.unwrap_or(separators(heading)[0]);
    let names = row(&rest, separator).0.unwrap_or_default();
    let place = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    let Some(serials) = place("serial") else { return Err(StockListError::NoSerials { file: file.to_owned() }) };
    let (models, places) = (place("model"), place("place"));
    let (mut keys, mut wrong, mut seen) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut at = 1;
    while at < rest.len() {
        let line = first + at;
        let (fields, count) = row(&rest[at..], separator);
        at += count;
        let fields = match fields {
            Ok(fields) => fields,
            Err(why) => {
                wrong.push((line, why));
                continue;
            }
        };
        let field = |place: Option<usize>| {
            let text = place.and_then(|place| fields.get(place)).map(|text| text.trim()).unwrap_or_default();
            (!text.is_empty()).then(|| text.to_owned())
        };
        if fields.iter().all(|text| text.trim().is_empty()) {
            continue;
        }
        let Some(serial) = field(Some(serials)) else {
            wrong.push((line, "it has no serial number".to_owned()));
            continue;
        };
        let bought = BoughtKey { row: line, serial, model: field(models), place: field(places) };
        let texts = [Some(&bought.serial), bought.model.as_ref(), bought.place.as_ref()];
        if texts.into_iter().flatten().any(|text| text.contains(shown::is_hidden)) {
            wrong.push((line, "it has a control character or another hidden one".to_owned()));
        } else if let Some(other) = seen.insert(bought.serial.to_lowercase(), line) {
            wrong.push((line, format!("row {other} has the same serial number")));
        } else {
            keys.push(bought);
        }
    }
    if wrong.is_empty() { Ok(keys) } else { Err(StockListError::Rows { file: file.to_owned(), rows: wrong }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serials(text: &str) -> Result<Vec<(usize, String)>, StockListError> {
        Ok(parse("list.csv", text.as_bytes())?.into_iter().map(|key| (key.row, key.serial)).collect())
    }

    #[test]
    fn lists_are_read_as_spreadsheets_save_them() {
        let expected = vec![(2, "15898933".to_owned()), (4, "0A77".to_owned())];
        assert_eq!(serials("Serial,Model\n15898933,\"Key, blue\"\n\n0A77,\n"), Ok(expected));
        assert_eq!(serials("sep=;\nmodel;serial\nKey;1\n"), Ok(vec![(3, "1".to_owned())]));
    }

    #[test]
    fn all_wrong_rows_are_told_at_once() {
        let StockListError::Rows { rows, .. } = serials("serial,model\n0a7,A\n,B\n0A7,C\n").unwrap_err() else {
            panic!()
        };
        assert_eq!(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(serials("model\nA\n"), Err(StockListError::NoSerials { file: "list.csv".into() }));
    }
}
