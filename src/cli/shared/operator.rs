//! Who runs this program, for the ledger: the name that the environment claims, and what the system says.

use crate::cli::shared::{CliError, Session};
use crate::ledger::{Actor, Seen, StationKey};

impl Session {
    /// Who runs this. The station is named by its key, if it has one yet.
    pub(crate) fn operator(&self) -> Result<Actor, CliError> {
        let station = StationKey::read(&self.state()?.station_key())?.map(|key| key.fingerprint());
        let seen = Seen { uid: uid(), login_uid: login_uid(), host: host(), station };
        Ok(Actor { name: claimed_name(), seen: Some(seen) })
    }
}

/// As the operating system's environment says; behind sudo, the person who called it. A process that was started without an
/// environment is named as the system's list of users has it, or else by its user's number.
pub(crate) fn claimed_name() -> String {
    let named = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["SUDO_USER", "LOGNAME", "USER", "USERNAME"].into_iter().find_map(named).unwrap_or_else(system_user)
}

#[cfg(unix)]
fn system_user() -> String {
    let Some(uid) = uid() else { return "unknown".into() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_named(uid, &users).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

#[cfg(not(unix))]
fn system_user() -> String {
    "unknown".into()
}

/// The user's name in the lines of passwd(5).
#[cfg(unix)]
fn user_named(uid: u32, users: &str) -> Option<&str> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .filter(|fields| fields.get(2).is_some_and(|number| number.parse() == Ok(uid)))
        .find_map(|fields| fields.first().copied())
}

#[cfg(unix)]
fn uid() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

/// Windows has no such numbers.
#[cfg(not(unix))]
fn uid() -> Option<u32> {
    None
}

/// The user id that logged in, where the kernel keeps it; it has -1 for a process that no login started.
fn login_uid() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

#[cfg(unix)]
fn host() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
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
