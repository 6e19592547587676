//! `[ports]`: what people call the ports that keys are plugged into, as on a hub with numbers.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use keywright_files::shown;

/// Names for ports, each of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortNames(BTreeMap<String, String>);

impl PortNames {
    /// What the port is called: by its name, if it has one.
    pub fn name_of<'p>(&'p self, port: &'p str) -> &'p str {
        self.0.get(port).map_or(port, String::as_str)
    }

    /// The port with this name.
    pub fn port_of<'p>(&'p self, name: &'p str) -> &'p str {
        self.0.iter().find(|(_, known)| *known == name).map_or(name, |(port, _)| port)
    }
}

impl<'de> Deserialize<'de> for PortNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = BTreeMap::<String, String>::deserialize(deserializer)?;
        for (port, name) in &names {
            let is_port = name.chars().all(|char| char.is_ascii_digit() || matches!(char, '-' | '.' | ':'));
            let words = match () {
                () if is_port => "looks like a port itself, or is empty",
                () if name.trim() != name || name.contains(shown::is_hidden) => "has a character that nobody sees",
                () if names.iter().any(|(other, taken)| other != port && taken == name) => "is there twice",
                () => continue,
            };
            return Err(D::Error::custom(format!("the name {name:?} of port {port} {words}")));
        }
        Ok(Self(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PortNames, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_port_has_its_name_and_the_others_stay() {
        let names = read("\"1-4.2\" = \"slot 7\"\n\"1-4.3\" = \"slot 8\"").unwrap();
        assert_eq!((names.name_of("1-4.2"), names.name_of("1-4.4")), ("slot 7", "1-4.4"));
        assert_eq!((names.port_of("slot 8"), names.port_of("1-4.4")), ("1-4.3", "1-4.4"));
    }

    #[test]
    fn names_that_mislead_are_refused() {
        for wrong in ["1-4.3", "", " slot", "slot\\u200b"] {
            assert!(read(&format!("\"1-4.2\" = \"{wrong}\"")).is_err(), "{wrong}");
        }
        let error = read("\"1-1\" = \"left\"\n\"1-2\" = \"left\"").unwrap_err().to_string();
        assert!(error.contains("\"left\" of port 1-1 is there twice"), "{error}");
    }
}
