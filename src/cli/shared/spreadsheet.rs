//! Rows for a spreadsheet, written in one way everywhere: CSV with CRLF (RFC 4180), a byte-order mark before it, because Excel takes
//! the text for another encoding without one.
//!
//! It refuses to have anything calculated: a cell that begins like a formula gets an apostrophe before it (OWASP, CSV injection).

/// A sheet that grows row by row.
pub(crate) struct Spreadsheet(csv::Writer<Vec<u8>>);

impl Spreadsheet {
    /// One with this heading.
    pub(crate) fn new(heading: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mark = "\u{feff}".as_bytes().to_vec();
        let rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(mark);
        let mut sheet = Self(rows);
        sheet.row(heading);
        sheet
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let cells = cells.into_iter().map(|cell| harmless(cell.as_ref()));
        self.0.write_record(cells).expect("rows of any length are written to memory");
    }

    /// The file.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_inner().expect("nothing is left to be written but to memory")
    }
}

/// A text that a spreadsheet would calculate, with an apostrophe before it.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_calculates_nothing_and_reads_every_letter() {
        let mut sheet = Spreadsheet::new(["account", "name"]);
        sheet.row(["ada@example.org", "=1+1"]);
        sheet.row(["@ada", "Müller, \"Jürgen\""]);
        let text = String::from_utf8(sheet.finish()).unwrap();
        assert_eq!(text, "\u{feff}account,name\r\nada@example.org,'=1+1\r\n'@ada,\"Müller, \"\"Jürgen\"\"\"\r\n");
    }
}
