//! Profiles as people write them: TOML, read strictly.
//!
//! Unknown, missing and contradictory settings are refused with file, line and column.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde::Deserialize;
use toml::Spanned;

use super::{
    AttestationDemand, Certification, Firmware, HandOver, KeyRules, LabelTemplate, ModelStatus, PinRules, Profile,
    ProfileError, ProfileName, Reset, cred_protect_by_default,
};
use crate::secret::PinAlphabet;
use keywright_attest::Anchors;
use keywright_fido::webauthn::Aaguid;
use keywright_files::{private, shown, text};

/// Reads one profile; `file` is only named in errors.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let (_, profile) = read(Path::new(file), text).map_err(|wrong| wrong.at(file, text))?;
    Ok(profile)
}

/// The text of a profile under another name, with its comments. `text` is a profile that [`parse`] reads.
pub fn renamed(text: &str, name: &ProfileName) -> Result<String, ProfileError> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Wrong { span: error.span().unwrap_or_default(), why: error.message().to_owned() }.at(name.as_str(), text)
    })?;
    document["name"] = toml_edit::value(name.as_str());
    Ok(document.to_string())
}

/// Reads one profile from the bytes of a file, which has to be called after it.
pub(super) fn parse_file(path: &Path, bytes: &[u8]) -> Result<Profile, ProfileError> {
    let file = path.display().to_string();
    let text = &text::decode(bytes).map_err(|error| {
        let good = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let before = String::from_utf8_lossy(&bytes[..good]);
        Wrong { span: before.len()..before.len(), why: error.to_string() }.at(&file, &before)
    })?;
    let (name, profile) = read(path, text).map_err(|wrong| wrong.at(&file, text))?;
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
    #[serde(default)]
    model_names: Vec<Spanned<String>>,
    minimum_certification: Option<Spanned<Certification>>,
    minimum_firmware: Option<Spanned<Firmware>>,
    #[serde(default)]
    refuse_statuses: Vec<Spanned<ModelStatus>>,
    #[serde(default)]
    anchors: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    two_models: bool,
    #[serde(default)]
    long_touch_for_reset: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PinTable {
    length: Spanned<usize>,
    alphabet: PinAlphabet,
    minimum_on_key: Spanned<usize>,
    force_change: Spanned<bool>,
    #[serde(default)]
    complexity_on_key: bool,
    #[serde(default)]
    minimum_signed: bool,
}

/// The profile and the place of its name. The files that it names are relative to `path`.
fn read(path: &Path, text: &str) -> Result<(Range<usize>, Profile), Wrong> {
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
            model_names: keys.model_names.into_iter().map(Spanned::into_inner).collect(),
            minimum_certification: keys.minimum_certification.map(Spanned::into_inner),
            minimum_firmware: keys.minimum_firmware.map(Spanned::into_inner),
            refuse_statuses: keys.refuse_statuses.into_iter().map(Spanned::into_inner).collect(),
            anchors: read_anchors(path.parent().unwrap_or(Path::new("")), &keys.anchors)?,
            two_models: keys.two_models,
            long_touch_for_reset: keys.long_touch_for_reset,
        },
        pin: PinRules {
            length: pin.length.into_inner(),
            alphabet: pin.alphabet,
            minimum_on_key: pin.minimum_on_key.into_inner(),
            force_change: pin.force_change.into_inner(),
            complexity_on_key: pin.complexity_on_key,
            minimum_signed: pin.minimum_signed,
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
        if description.get_ref().trim().is_empty() || description.get_ref().contains(shown::is_hidden) {
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
                return Err(wrong(model, "keys with the zero AAGUID do not name their model"));
            }
            if models[..at].iter().any(|earlier| earlier.get_ref() == model.get_ref()) {
                return Err(wrong(model, format!("{} is listed twice", model.get_ref())));
            }
        }
        for name in &self.keys.model_names {
            if name.get_ref().trim().is_empty() {
                return Err(wrong(name, "a model has a name"));
            }
        }
        for status in &self.keys.refuse_statuses {
            if let ModelStatus::Other(word) = status.get_ref() {
                return Err(wrong(status, format!("{word} is not a status of the FIDO metadata service")));
            }
        }
        let rules = &self.keys;
        let demands = [
            ("models are listed", !models.is_empty()),
            ("model-names are listed", !rules.model_names.is_empty()),
            ("minimum-certification is set", rules.minimum_certification.is_some()),
            ("minimum-firmware is set", rules.minimum_firmware.is_some()),
        ];
        if let Some((what, _)) = demands.iter().find(|(_, made)| *made)
            && *attestation.get_ref() < AttestationDemand::Trusted
        {
            let why = format!(
                "{what}, but below \"trusted\" any key can claim to be of any model: demand \"trusted\" or \"enterprise\", or \
                 leave that out"
            );
            return Err(wrong(attestation, why));
        }
        Ok(())
    }
}

/// The certificates in these PEM or DER files, as base64.
fn read_anchors(folder: &Path, files: &[Spanned<PathBuf>]) -> Result<Vec<String>, Wrong> {
    let mut anchors = Vec::new();
    for file in files {
        let path = folder.join(file.get_ref());
        let refuse = |why: String| wrong(file, format!("{}: {why}", path.display()));
        let bytes = private::read_unshared(&path).map_err(|error| refuse(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| refuse("there is no such file".to_owned()))?;
        let read = Anchors::from_pem_or_der(&bytes).map_err(|error| refuse(error.to_string()))?;
        anchors.extend(read.iter().map(|anchor| BASE64.encode(&anchor.der)));
    }
    Ok(anchors)
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
            ("\"desk\"", "\"Desk\"", 1, 8, "not a profile name"),
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
    fn what_metadata_tells_can_be_demanded() {
        let demands = "required = 2\nmodel-names = [\"Key One\"]\nminimum-certification = \"L1plus\"\n\
                       minimum-firmware = \"5.7.0\"\nrefuse-statuses = [\"UPDATE_AVAILABLE\"]";
        let keys = parse("desk.toml", &GOOD.replace("required = 2", demands)).unwrap().keys;
        assert_eq!(keys.model_names, ["Key One"]);
        assert_eq!(keys.minimum_certification, Some(Certification::L1Plus));
        assert_eq!(keys.minimum_firmware, Some(Firmware::Dotted([5, 7, 0])));
        assert_eq!(keys.refuse_statuses, [ModelStatus::UpdateAvailable]);

        for (setting, column, why) in [
            ("model-names = [\" \"]", 16, "a model has a name"),
            ("minimum-certification = \"L4\"", 25, "unknown variant `L4`"),
            ("minimum-firmware = \"v5\"", 20, "neither a version"),
            ("refuse-statuses = [\"REVOKED\", \"revoked\"]", 31, "revoked is not a status"),
        ] {
            let (at_line, at_column, text) = wrong_with("required = 2", &format!("required = 2\n{setting}"));
            assert_eq!((at_line, at_column), (8, column), "{setting}: {text}");
            assert!(text.contains(why), "{setting}: {text}");
        }
        for (setting, words) in [
            ("model-names = [\"Key One\"]", "model-names are listed"),
            ("minimum-certification = \"L1\"", "minimum-certification is set"),
            ("minimum-firmware = \"1\"", "minimum-firmware is set"),
        ] {
            let (line, column, why) =
                wrong_with("attestation = \"trusted\"", &format!("attestation = \"none\"\n{setting}"));
            assert_eq!((line, column), (8, 15));
            assert!(why.starts_with(words), "{why}");
        }
    }

    #[test]
    fn anchors_are_read_from_files_beside_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["maker.example".to_owned()]).unwrap();
        let pem =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(made.cert.der()));
        std::fs::write(folder.path().join("maker.pem"), pem).unwrap();
        std::fs::write(folder.path().join("maker.der"), made.cert.der()).unwrap();
        std::fs::write(folder.path().join("empty.pem"), "-----BEGIN NOTHING-----\n-----END NOTHING-----\n").unwrap();
        std::fs::write(folder.path().join("other.der"), "no certificate").unwrap();
        let file = folder.path().join("desk.toml").display().to_string();
        let with =
            |names: &str| parse(&file, &GOOD.replace("required = 2", &format!("required = 2\nanchors = [{names}]")));
        let der = BASE64.encode(made.cert.der());
        assert_eq!(with("\"maker.pem\", \"maker.der\"").unwrap().keys.anchors, [der.clone(), der]);
        for (name, why) in [
            ("nowhere.pem", "there is no such file"),
            ("empty.pem", "there is no certificate in it"),
            ("other.der", "there is no certificate in it"),
        ] {
            let error = with(&format!("\"maker.pem\", \"{name}\"")).unwrap_err().to_string();
            assert!(error.contains("desk.toml:8:25: ") && error.contains(name) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn columns_count_characters() {
        let (line, column, _) = wrong_with("description = \"Keys", "é = 1\ndescription = \"Keys");
        assert_eq!((line, column), (2, 1));
        let error = parse_file(Path::new("desk.toml"), b"name = \"d\xc3\xa9s\xffk\"").unwrap_err();
        assert_eq!(error.to_string(), "desk.toml:1:12: line 1 is not UTF-8 (byte 0xff): save the file as UTF-8");
    }
}
