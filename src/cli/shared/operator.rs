//! Who runs this program, for the ledger.

/// Who runs this, as the operating system's environment says; behind sudo, the person who called it. A process that was started
/// without an environment is named by its user's number.
pub(crate) fn operator_name() -> String {
    let named = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["SUDO_USER", "LOGNAME", "USER", "USERNAME"].into_iter().find_map(named).unwrap_or_else(user_number)
}

#[cfg(unix)]
fn user_number() -> String {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata("/proc/self").map_or_else(|_| "unknown".into(), |process| format!("uid {}", process.uid()))
}

#[cfg(not(unix))]
fn user_number() -> String {
    "unknown".into()
}
