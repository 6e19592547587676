//! What the install scripts under `tests` have put into the cache.

use std::path::PathBuf;

use crate::skipped;

/// The folder of one of them, such as `reverify`: `$KEYWRIGHT_REVERIFY`, else in the user's cache. `None` where it is not there:
/// the test is [`skipped`]. `whose` is what is missing, `script` what gets it.
pub fn installed(name: &str, whose: &str, script: &str) -> Option<PathBuf> {
    let variable = name.to_ascii_uppercase();
    let cache = || {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
        Some(cache.join("keywright").join(name))
    };
    let folder = std::env::var_os(format!("KEYWRIGHT_{variable}")).map(PathBuf::from).or_else(cache);
    let complete = folder.filter(|folder| folder.join("complete").exists());
    if complete.is_none() {
        skipped(format_args!("{whose} is not there; {script} gets it"));
    }
    complete
}
