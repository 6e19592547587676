//! What the install scripts under `tests` have put into the cache.

use std::path::PathBuf;

/// The folder of one of them, such as `reverify`: `$KEYWRIGHT_REVERIFY`, else in the user's cache. `None`, said aloud, where it is
/// not there; with `$KEYWRIGHT_REQUIRE_REVERIFY` that is a failure. `whose` is what is missing, `script` what gets it.
pub fn installed(name: &str, whose: &str, script: &str) -> Option<PathBuf> {
    let variable = name.to_ascii_uppercase();
    let folder = std::env::var_os(format!("KEYWRIGHT_{variable}")).map(PathBuf::from).or_else(|| {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
        Some(cache.join("keywright").join(name))
    })?;
    if folder.join("complete").exists() {
        return Some(folder);
    }
    assert!(
        std::env::var_os(format!("KEYWRIGHT_REQUIRE_{variable}")).is_none(),
        "there is no {} in {}",
        whose,
        folder.display()
    );
    eprintln!("SKIPPED: {whose} is not there; {script} gets it");
    None
}
