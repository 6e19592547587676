//! Profiles as people write them: TOML, read strictly.
//!
//! Unknown, missing and contradictory settings are refused with file, line and column.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{
    AttestationDemand, HandOver, KeyRules, LabelTemplate, PinRules, Profile, ProfileError, ProfileName, Reset,
    cred_protect_by_default,
};
use crate::secret::PinAlphabet;
use crate::webauthn::Aaguid;

/// Reads one profile; `file` is only named in errors.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let (_, profile) = read(text).map_err(|wrong| wrong.at(file, text))?;
    Ok(profile)
}

/// Reads one profile from the bytes of a file, which has to be called after it.
pub(super) fn parse_file(path: &Path, bytes: &[u8]) -> Result<Profile, ProfileError> {
    let file = path.display().to_string();
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        Wrong { span: before.len()..before.len(), why: "this is not UTF-8".to_owned() }.at(&file, &before)
    })?;
    let (name, profile) = read(text).map_err(|wrong| wrong.at(&file, text))?;
    if path.file_stem().is_some_and(|stem| stem == profile.name.as_str()) {
        return Ok(profile);
    }
    let why = format!("the profile \"{0}\" has to be in a file called {0}.toml", profile.name);
    Err(Wrong { span: name, why }.at(&file, text))
}

/// What is wrong, and where it is in the text, in bytes.
struct Wrong {
    span: Range<usize>,
    why: String,
}

impl Wrong {
    /// Counts lines and columns (in characters), both from 1.
    fn at(self, file: &str, text: &str) -> ProfileError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ProfileError::Setting {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].trim_start_matches(BYTE_ORDER_MARK).chars().count() + 1,
            why: self.why,
        }
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// [`Profile`] with the place of each setting that others can contradict.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    name: Spanned<ProfileName>,
    description: Spanned<String>,
    label: LabelTemplate,
    hand_over: HandOver,
    drill_interval_days: Option<Spanned<u32>>,
    keys: KeysTable,
    pin: PinTable,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeysTable {
    required: Spanned<usize>,
    #[serde(default)]
    models: Vec<Spanned<Aaguid>>,
    attestation: Spanned<AttestationDemand>,
    reset: Reset,
    always_uv: bool,
    cred_protect: Option<Spanned<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PinTable {
    length: Spanned<usize>,
    alphabet: PinAlphabet,
    minimum_on_key: Spanned<usize>,
    force_change: Spanned<bool>,
}

/// The profile and the place of its name.
fn read(text: &str) -> Result<(Range<usize>, Profile), Wrong> {
    let document: Document = toml::from_str(text).map_err(|error| Wrong {
        span: error.span().unwrap_or_default(),
        why: error.message().lines().collect::<Vec<_>>().join("; "),
    })?;
    document.check()?;
    let Document { name, description, label, hand_over, drill_interval_days, keys, pin } = document;
    let span = name.span();
    let profile = Profile {
        name: name.into_inner(),
        description: description.into_inner(),
        keys: KeyRules {
            required: keys.required.into_inner(),
            models: keys.models.into_iter().map(Spanned::into_inner).collect(),
            attestation: keys.attestation.into_inner(),
            reset: keys.reset,
            always_uv: keys.always_uv,
            cred_protect: keys.cred_protect.map_or_else(cred_protect_by_default, Spanned::into_inner),
        },
        pin: PinRules {
            length: pin.length.into_inner(),
            alphabet: pin.alphabet,
            minimum_on_key: pin.minimum_on_key.into_inner(),
            force_change: pin.force_change.into_inner(),
        },
        label,
        hand_over,
        drill_interval_days: drill_interval_days.map(Spanned::into_inner),
    };
    Ok((span, profile))
}

impl Document {
    /// Limits first, then contradictions; each is told at the setting that a person would change.
    fn check(&self) -> Result<(), Wrong> {
        let Self { description, drill_interval_days, keys, pin, .. } = self;
        if description.get_ref().trim().is_empty() || description.get_ref().contains(char::is_control) {
            return Err(wrong(description, "a description is one line of text"));
        }
        within("required", &keys.required, 1..=10)?;
        if let Some(level) = &keys.cred_protect {
            within("cred-protect", level, 1..=3)?;
        }
        // CTAP 2.1 section 6.5.1: at least 4 code points, at most 63 bytes.
        within("length", &pin.length, 4..=63)?;
        within("minimum-on-key", &pin.minimum_on_key, 4..=63)?;
        if let Some(days) = drill_interval_days {
            within("drill-interval-days", days, 1..=3660)?;
        }

        let (minimum, length) = (pin.minimum_on_key.get_ref(), pin.length.get_ref());
        if minimum > length {
            let why = format!("a key with minimum-on-key = {minimum} would refuse the PIN of length = {length}");
            return Err(wrong(&pin.minimum_on_key, why));
        }
        if *pin.force_change.get_ref() && drill_interval_days.is_some() {
            let why = "a key whose PIN has to be changed first cannot be drilled: set force-change = false, or leave out \
                       drill-interval-days";
            return Err(wrong(&pin.force_change, why));
        }
        self.check_models()
    }

    fn check_models(&self) -> Result<(), Wrong> {
        let KeysTable { models, attestation, .. } = &self.keys;
        for (at, model) in models.iter().enumerate() {
            if *model.get_ref() == Aaguid::ZERO {
                return Err(wrong(model, "keys with the zero AAGUID do not tell their model"));
            }
            if models[..at].iter().any(|earlier| earlier.get_ref() == model.get_ref()) {
                return Err(wrong(model, format!("{} is listed twice", model.get_ref())));
            }
        }
        if !models.is_empty() && *attestation.get_ref() < AttestationDemand::Trusted {
            let why = "models are listed, but below \"trusted\" any key can claim to be of any model: demand \"trusted\" or \
                       \"enterprise\", or list no models";
            return Err(wrong(attestation, why));
        }
        Ok(())
    }
}

fn wrong<T>(setting: &Spanned<T>, why: impl Into<String>) -> Wrong {
    Wrong { span: setting.span(), why: why.into() }
}

fn within<T: PartialOrd + Display>(name: &str, setting: &Spanned<T>, limits: RangeInclusive<T>) -> Result<(), Wrong> {
    let value = setting.get_ref();
    if limits.contains(value) {
        return Ok(());
    }
    Err(wrong(setting, format!("{name} = {value} is outside of {} to {}", limits.start(), limits.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"name = "desk"
description = "Keys for the front desk."
label = "Key {ordinal} {model}"
hand-over = "terminal"

[keys]
required = 2
attestation = "trusted"
reset = "if-used"
always-uv = false

[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 6
force-change = true
"#;

    /// Line, column and reason of what is wrong with `GOOD` after replacing a part of it.
    fn wrong_with(part: &str, by: &str) -> (usize, usize, String) {
        assert!(GOOD.contains(part), "{part}");
        match parse("desk.toml", &GOOD.replacen(part, by, 1)) {
            Err(ProfileError::Setting { file, line, column, why }) => {
                assert_eq!(file, "desk.toml");
                (line, column, why)
            }
            other => panic!("{part} -> {by}: {other:?}"),
        }
    }

    #[test]
    fn a_profile_is_read_with_its_defaults() {
        let profile = parse("desk.toml", GOOD).unwrap();
        assert_eq!(profile.name.as_str(), "desk");
        assert_eq!((profile.keys.cred_protect, profile.keys.models.len(), profile.drill_interval_days), (1, 0, None));
        assert_eq!(profile.pin.alphabet, PinAlphabet::Unambiguous);
    }

    #[test]
    fn windows_editors_leave_marks_that_do_no_harm() {
        let profile = parse("desk.toml", &format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).unwrap();
        assert_eq!(profile, parse("desk.toml", GOOD).unwrap());
    }

    #[test]
    fn unknown_missing_and_malformed_settings_are_told_with_their_place() {
        for (part, by, line, column, why) in [
            ("always-uv = false", "always_uv = false", 10, 1, "unknown field `always_uv`"),
            ("required = 2", "requried = 2", 7, 1, "unknown field `requried`"),
            ("minimum-on-key = 6\n", "", 12, 1, "missing field `minimum-on-key`"),
            ("attestation = \"trusted\"", "attestation = \"yes\"", 8, 15, "unknown variant `yes`"),
            ("length = 8", "length = \"8\"", 13, 10, "invalid type"),
            ("length = 8", "length = -8", 13, 10, "invalid value"),
            ("length = 8", "length =", 13, 9, ""),
            ("\"desk\"", "\"Desk\"", 1, 8, "no profile name"),
            ("{ordinal} {model}", "{modell}", 3, 9, "{modell} cannot be filled in"),
            ("required = 2", "required = 2\nmodels = [\"x\"]", 8, 10, "not a UUID"),
        ] {
            let (at_line, at_column, text) = wrong_with(part, by);
            assert_eq!((at_line, at_column), (line, column), "{by}: {text}");
            assert!(text.contains(why), "{by}: {text}");
            assert!(!text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn values_outside_of_their_limits_are_told_with_their_place() {
        for (part, by, line, column) in [
            ("required = 2", "required = 0", 7, 12),
            ("required = 2", "required = 11", 7, 12),
            ("always-uv = false", "always-uv = false\ncred-protect = 4", 11, 16),
            ("always-uv = false", "always-uv = false\ncred-protect = 0", 11, 16),
            ("length = 8", "length = 3", 13, 10),
            ("length = 8", "length = 64", 13, 10),
            ("minimum-on-key = 6", "minimum-on-key = 3", 15, 18),
            ("[keys]", "drill-interval-days = 0\n[keys]", 6, 23),
            ("Keys for the front desk.", " ", 2, 15),
        ] {
            let (at_line, at_column, text) = wrong_with(part, by);
            assert_eq!((at_line, at_column), (line, column), "{by}: {text}");
        }
    }

    #[test]
    fn contradictions_are_told_with_their_place() {
        let model = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
        let (line, column, why) = wrong_with("minimum-on-key = 6", "minimum-on-key = 9");
        assert_eq!((line, column), (15, 18));
        assert!(why.contains("minimum-on-key = 9") && why.contains("length = 8"), "{why}");

        let (line, column, why) = wrong_with("[keys]", "drill-interval-days = 90\n[keys]");
        assert_eq!((line, column), (17, 16));
        assert!(why.contains("drilled"), "{why}");

        let claim = format!("attestation = \"statement\"\nmodels = [\"{model}\"]");
        let (line, column, why) = wrong_with("attestation = \"trusted\"", &claim);
        assert_eq!((line, column), (8, 15));
        assert!(why.contains("claim"), "{why}");

        let twice = format!("required = 2\nmodels = [\"{model}\", \"{}\"]", model.to_uppercase());
        assert_eq!(wrong_with("required = 2", &twice), (8, 51, format!("{model} is listed twice")));

        let zero = format!("required = 2\nmodels = [\"{}\"]", Aaguid::ZERO);
        assert_eq!(wrong_with("required = 2", &zero).0, 8);
    }

    #[test]
    fn columns_count_characters() {
        let (line, column, _) = wrong_with("description = \"Keys", "é = 1\ndescription = \"Keys");
        assert_eq!((line, column), (2, 1));
        let error = parse_file(Path::new("desk.toml"), b"name = \"d\xc3\xa9s\xffk\"").unwrap_err();
        assert_eq!(error.to_string(), "desk.toml:1:12: this is not UTF-8");
    }
}
