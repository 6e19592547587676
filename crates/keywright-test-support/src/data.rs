//! Finds the test data that is not part of the project; see the README there. A test without it is [`skipped`].

use std::path::PathBuf;

use crate::skipped;

/// The path of a file or folder of the shared data: in `$KEYWRIGHT_TEST_DATA`, or in `../shared/data` beside the project.
/// `None` if there is none: the test is [`skipped`].
pub fn find(relative: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = std::env::var_os("KEYWRIGHT_TEST_DATA").map_or_else(beside, PathBuf::from).join(relative);
    if !path.exists() {
        skipped(format_args!("{} is not there", path.display()));
        return None;
    }
    Some(path)
}

/// The cases of one kind, in order of their names: in a folder of the cases beside the shared data, files that end in `.extension`.
/// `None` if there are none: the test is [`skipped`].
pub fn cases(kind: &str, extension: &str) -> Option<Vec<PathBuf>> {
    let folder = find("../cases")?.join(kind);
    let entries = std::fs::read_dir(folder).expect("a folder of cases can be listed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a case can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    Some(files)
}

/// One case: a file or folder of the cases beside the shared data. `None` if there is none: the test is [`skipped`].
pub fn case(relative: &str) -> Option<PathBuf> {
    find(&format!("../cases/{relative}"))
}

/// A JSON document of the shared data.
pub fn json(relative: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(find(relative)?).expect("a file that exists can be read");
    Some(serde_json::from_str(&text).expect("the shared data is JSON"))
}
