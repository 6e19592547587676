//! Who did it: the name that was claimed, and beside it what is not as easily claimed.
//!
//! It refuses to call any of it proof: whoever is root on the station, or has its key, can write another's. What stands against
//! that is a checkpoint that the operator's own security key signed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A person at a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Actor {
    /// The name, as the environment says (`SUDO_USER`, `USER`): anybody can set it.
    pub name: String,
    /// What the system says. `None` in logs from before it was kept.
    pub seen: Option<Seen>,
}

/// What the system and the state folder say of who runs a program. What they do not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The process's real user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The user id that logged in, which stays the same through su and sudo (Linux audit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The machine's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The station: [`super::StationKey::fingerprint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
}

/// In old logs it is a name.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Seen {
        name: String,
        #[serde(flatten)]
        seen: Seen,
    },
}

impl From<Written> for Actor {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self { name, seen: None },
            Written::Seen { name, seen } => Self { name, seen: Some(seen) },
        }
    }
}

impl From<Actor> for Written {
    fn from(Actor { name, seen }: Actor) -> Self {
        match seen {
            None => Self::Name(name),
            Some(seen) => Self::Seen { name, seen },
        }
    }
}

impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), seen: None }
    }
}

/// For people: `ada (uid 0, logged in as uid 1000, host desk7, station 1a2b3c4d5e6f7081)`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let Some(Seen { uid, login_uid, host, station }) = &self.seen else { return Ok(()) };
        let parts = [
            uid.map(|uid| format!("uid {uid}")),
            login_uid.filter(|login| Some(*login) != *uid).map(|uid| format!("logged in as uid {uid}")),
            host.as_ref().map(|host| format!("host {host}")),
            station.as_ref().map(|station| format!("station {station}")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_logs_have_a_name_and_new_ones_what_was_seen() {
        let seen = Seen {
            uid: Some(0),
            login_uid: Some(1000),
            host: Some("desk7".into()),
            station: Some("1a2b3c4d5e6f7081".into()),
        };
        for (actor, json, text) in [
            (Actor::from("ada"), "\"ada\"", "ada"),
            (Actor { seen: Some(Seen::default()), ..Actor::from("ada") }, "{\"name\":\"ada\"}", "ada"),
            (
                Actor { seen: Some(seen), ..Actor::from("ada") },
                "{\"name\":\"ada\",\"uid\":0,\"login_uid\":1000,\"host\":\"desk7\",\"station\":\"1a2b3c4d5e6f7081\"}",
                "ada (uid 0, logged in as uid 1000, host desk7, station 1a2b3c4d5e6f7081)",
            ),
        ] {
            assert_eq!(serde_json::to_string(&actor).unwrap(), json);
            assert_eq!(serde_json::from_str::<Actor>(json).unwrap(), actor);
            assert_eq!(actor.to_string(), text);
        }
        assert!(serde_json::from_str::<Actor>("{\"uid\":0}").is_err());
    }
}
