//! Names of models, for where no metadata is at hand: roaming FIDO2 authenticators of the FIDO Alliance's metadata BLOB number 237 (due
//! on 2026-04-01), by their descriptions, and keywright's own soft key.
//!
//! A name is for people. It refuses to be evidence: whoever decides by a model decides by its AAGUID and its attestation.

use super::Aaguid;

/// A line each: AAGUID, a blank, the name. Sorted.
const NAMES: &str = include_str!("model_names.txt");

impl Aaguid {
    /// The model's name, if it is known.
    pub fn model_name(self) -> Option<&'static str> {
        let wanted = self.to_string();
        NAMES.lines().find_map(|line| line.strip_prefix(&*wanted)?.strip_prefix(' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_their_names() {
        let named = |aaguid: &str| aaguid.parse::<Aaguid>().unwrap().model_name();
        assert_eq!(named("6b657977-7269-4768-b42d-736f66746b31"), Some("keywright soft key"));
        assert!(named("2fc0579f-8113-47ea-b116-bb5a8db9202a").unwrap().starts_with("YubiKey 5"));
        assert_eq!(named("00000000-0000-0000-0000-000000000000"), None);
    }

    #[test]
    fn the_table_is_sorted_and_every_line_is_a_model() {
        let lines: Vec<_> = NAMES.lines().collect();
        assert!(lines.is_sorted_by(|one, next| one[..36] < next[..36]));
        for line in lines {
            let (aaguid, name) = line.split_once(' ').unwrap();
            assert_eq!(aaguid.parse::<Aaguid>().unwrap().to_string(), aaguid);
            assert!(!name.is_empty() && name.trim() == name && name.chars().all(|c| !c.is_control()), "{line}");
        }
    }
}
