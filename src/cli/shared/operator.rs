//! Who runs this program, for the ledger.

/// Who runs this, as the operating system's environment says; behind sudo, the person who called it. A process that was started
/// without an environment is named as the system's list of users has it, or else by its user's number.
pub(crate) fn operator_name() -> String {
    let named = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["SUDO_USER", "LOGNAME", "USER", "USERNAME"].into_iter().find_map(named).unwrap_or_else(system_user)
}

#[cfg(unix)]
fn system_user() -> String {
    use std::os::unix::fs::MetadataExt as _;

    let Ok(process) = std::fs::metadata("/proc/self") else { return "unknown".into() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_named(process.uid(), &users).map_or_else(|| format!("uid {}", process.uid()), str::to_owned)
}

/// The user's name in the lines of passwd(5).
#[cfg(unix)]
fn user_named(uid: u32, users: &str) -> Option<&str> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .filter(|fields| fields.get(2).is_some_and(|number| number.parse() == Ok(uid)))
        .find_map(|fields| fields.first().copied())
}

#[cfg(not(unix))]
fn system_user() -> String {
    "unknown".into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_an_environment_has_a_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\nbroken\nada:x:1000:1000:Ada:/home/ada:/bin/sh\n";
        assert_eq!(user_named(0, users), Some("root"));
        assert_eq!(user_named(1000, users), Some("ada"));
        assert_eq!(user_named(7, users), None);
    }
}
