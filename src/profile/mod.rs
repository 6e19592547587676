//! What a class of accounts demands of its keys ([`Profile`]), and who is to get keys ([`Roster`]).
//!
//! Reads what people write, and says line and column of what is wrong with it. It refuses to touch a key, an IdP or the
//! ledger.

mod document;
pub mod label;
pub mod login;
pub mod name;
pub mod roster;
pub mod stock_list;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use document::{parse, renamed};
pub use label::{LabelError, LabelFields, LabelTemplate};
pub use login::LoginError;
pub use name::{ProfileName, ProfileNameError};
pub use roster::{Column, ColumnHeading, Person, Roster, RosterError, RosterLayout};

use data_encoding::BASE64;
use keywright_attest::{Anchors, AttestationDemand, Certification, Firmware, ModelStatus, Policy, TrustError};
use keywright_fido::webauthn::Aaguid;
use keywright_files::{FileError, private};

use crate::secret::PinAlphabet;

/// When a key is reset before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reset {
    /// Never: a key that is not factory-fresh is refused.
    Never,
    /// A key that has a PIN or credentials is reset, after the operator agreed.
    IfUsed,
    /// Every key is reset.
    Always,
}

/// How a PIN reaches the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandOver {
    /// One age file for each reader.
    Age,
    /// A letter, piped to the program that prints it.
    Letter,
    /// Shown once on the terminal.
    Terminal,
}

/// The PIN that is drawn, and what the key enforces about PINs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PinRules {
    /// Code points of the PIN that is drawn, 4 to 63.
    pub length: usize,
    /// Its characters.
    pub alphabet: PinAlphabet,
    /// The minimum that the key enforces from then on, in code points, 4 to 63. At most `length`.
    pub minimum_on_key: usize,
    /// Whether the person has to choose a new PIN first. Refused together with a break-glass drill interval.
    pub force_change: bool,
    /// Whether the key holds PINs against rules of its maker's (pinComplexityPolicy), those that the person chooses too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complexity_on_key: bool,
    /// Whether the key signs its minimum PIN length with the registration (minPinLength), for the IdP and for auditors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub minimum_signed: bool,
}

/// Which keys will do, and what they have to prove.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyRules {
    /// Proved keys that make the account complete.
    pub required: usize,
    /// Models allowed; empty for any.
    #[serde(default)]
    pub models: Vec<Aaguid>,
    /// What the attestation has to show.
    pub attestation: AttestationDemand,
    /// When keys are reset.
    pub reset: Reset,
    /// Whether the key asks for the PIN at every use, for every relying party.
    pub always_uv: bool,
    /// credProtect level, 1 to 3 (CTAP 2.1 section 12.1). 1 by default: Windows sign-in needs it.
    #[serde(default = "cred_protect_by_default")]
    pub cred_protect: u8,
    /// Models allowed besides `models`, by the name that metadata gives them.
    #[serde(default)]
    pub model_names: Vec<String>,
    /// The lowest certification allowed, as metadata reports it.
    #[serde(default)]
    pub minimum_certification: Option<Certification>,
    /// The lowest firmware allowed.
    #[serde(default)]
    pub minimum_firmware: Option<Firmware>,
    /// Statuses of a model in metadata that are refused, besides those that always are ([`ModelStatus::forbids`]).
    #[serde(default)]
    pub refuse_statuses: Vec<ModelStatus>,
    /// Certificates that attestations may lead to, for every model: DER in base64. In a profile they are names of PEM or DER
    /// files, relative to it.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Whether the keys of break-glass accounts have to be of two models at least, so that one fault does not take all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub two_models: bool,
    /// Whether a reset of the key takes a touch of ten seconds, so that nobody wipes it in passing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub long_touch_for_reset: bool,
}

impl KeyRules {
    /// The anchors that the profile pins ([`KeyRules::anchors`]).
    pub fn pinned_anchors(&self) -> Result<Anchors, TrustError> {
        let mut anchors = Anchors::none();
        for text in &self.anchors {
            let der = BASE64.decode(text.as_bytes()).map_err(|error| TrustError::NotACertificate(error.to_string()))?;
            anchors.merge(Anchors::from_der(&der)?);
        }
        Ok(anchors)
    }
}

/// The rules of a profile. A security key's credential stays on the key, so one that may leave it is refused.
impl From<&KeyRules> for Policy {
    fn from(rules: &KeyRules) -> Self {
        Self {
            attestation: rules.attestation,
            aaguids: rules.models.clone(),
            refuse_backup_eligible: true,
            minimum_firmware: rules.minimum_firmware,
            model_names: rules.model_names.clone(),
            minimum_certification: rules.minimum_certification,
            refuse_statuses: rules.refuse_statuses.clone(),
        }
    }
}

/// What an account class demands (`profiles/*.toml`).
///
/// Serialised, it is part of the ledger: members may be added, never renamed, and unknown ones are passed over, so that an older
/// keywright reads what a newer one wrote. What people write is read by [`parse`], which is strict.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// The profile's name; the file is called after it.
    pub name: ProfileName,
    /// For people, one sentence.
    pub description: String,
    /// The keys.
    pub keys: KeyRules,
    /// The PIN.
    pub pin: PinRules,
    /// The credential's label at the IdP.
    pub label: LabelTemplate,
    /// How PINs are handed over.
    pub hand_over: HandOver,
    /// Days after which a stored key has to be proved again; absent if it is used daily.
    #[serde(default)]
    pub drill_interval_days: Option<u32>,
}

fn cred_protect_by_default() -> u8 {
    1
}

impl Profile {
    /// The label of one key. As long as the template and its fields make it: IdPs cut differently.
    pub fn render_label(&self, fields: &LabelFields<'_>) -> String {
        self.label.render(fields)
    }
}

/// The profiles by name.
pub type Profiles = BTreeMap<ProfileName, Profile>;

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// A setting that is unknown, missing, of the wrong kind, or contradicts another.
    #[error("{file}:{line}:{column}: {why}")]
    Setting {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// The file cannot be read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// The system's words.
        why: String,
    },
    /// Others can change the file, or put another in its place.
    #[error(transparent)]
    Shared(FileError),
}

/// File name and text of the profiles that come with keywright.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("admin.toml", include_str!("../../profiles/admin.toml")),
    ("break-glass.toml", include_str!("../../profiles/break-glass.toml")),
    ("exec.toml", include_str!("../../profiles/exec.toml")),
    ("finance.toml", include_str!("../../profiles/finance.toml")),
];

/// The four profiles that come with keywright.
pub fn built_in() -> Profiles {
    BUILT_IN
        .iter()
        .map(|(file, text)| {
            let profile = parse(file, text).expect("each built-in profile is parsed by a test");
            (profile.name.clone(), profile)
        })
        .collect()
}

/// The profiles in a folder, over the built-in ones: a file replaces the built-in profile of its name. Stops at the first that is
/// wrong.
pub fn load(folder: Option<&Path>) -> Result<Profiles, ProfileError> {
    let mut profiles = built_in();
    let Some(folder) = folder else { return Ok(profiles) };
    for path in files_in(folder)? {
        match read_if_there(&path)? {
            Some(profile) => drop(profiles.insert(profile.name.clone(), profile)),
            // One that went meanwhile is none.
            None => continue,
        }
    }
    Ok(profiles)
}

/// The files of a folder that are profiles, by name: those called `NAME.toml`, hidden ones left out.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, ProfileError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|why| unreadable(folder, why))? {
        let path = entry.map_err(|why| unreadable(folder, why))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "toml") && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads one file, which has to be called after its profile.
pub fn read_file(path: &Path) -> Result<Profile, ProfileError> {
    read_if_there(path)?.ok_or_else(|| unreadable(path, std::io::ErrorKind::NotFound.into()))
}

fn read_if_there(path: &Path) -> Result<Option<Profile>, ProfileError> {
    let bytes = private::read_unshared(path).map_err(|error| match error {
        FileError::Io { path, why } => ProfileError::Unreadable { file: path, why },
        shared => ProfileError::Shared(shared),
    })?;
    bytes.map(|bytes| document::parse_file(path, &bytes)).transpose()
}

fn unreadable(path: &Path, why: std::io::Error) -> ProfileError {
    ProfileError::Unreadable { file: path.display().to_string(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_named_after_their_files() {
        for (file, text) in BUILT_IN {
            let profile = parse(file, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(format!("{}.toml", profile.name), file);
        }
        assert_eq!(built_in().len(), BUILT_IN.len());
    }

    #[test]
    fn every_built_in_profile_keeps_what_such_accounts_need() {
        for (name, profile) in built_in() {
            assert_eq!(profile.keys.required, 2, "{name}: one lost key must not lock anybody out");
            assert_eq!(profile.keys.cred_protect, 1, "{name}: Windows sign-in needs level 1");
            assert!(profile.keys.attestation >= AttestationDemand::Trusted, "{name}");
            assert!(profile.keys.always_uv, "{name}");
            assert!(profile.pin.minimum_on_key >= 6, "{name}");
        }
    }

    #[test]
    fn a_break_glass_key_has_no_surprise_in_the_safe() {
        let profiles = built_in();
        let profile = &profiles[&"break-glass".parse::<ProfileName>().unwrap()];
        assert!(!profile.pin.force_change);
        assert_eq!(profile.drill_interval_days, Some(90));
        assert_eq!(profile.hand_over, HandOver::Letter);
        assert_eq!(profile.keys.reset, Reset::Never);
        let admin = &profiles[&"admin".parse::<ProfileName>().unwrap()];
        assert!(profile.pin.length > admin.pin.length);
    }

    #[test]
    fn a_file_replaces_the_built_in_profile_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let own = include_str!("../../profiles/exec.toml").replace("required = 2", "required = 3");
        std::fs::write(folder.path().join("exec.toml"), own).unwrap();
        std::fs::write(folder.path().join(".#exec.toml"), "an editor's").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not a profile").unwrap();
        let profiles = load(Some(folder.path())).unwrap();
        assert_eq!(profiles.len(), 4);
        assert_eq!(profiles[&"exec".parse::<ProfileName>().unwrap()].keys.required, 3);
        assert_eq!(load(None).unwrap(), built_in());
    }

    #[test]
    fn a_file_called_otherwise_than_its_profile_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("board.toml"), include_str!("../../profiles/exec.toml")).unwrap();
        let error = load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("board.toml:") && error.contains("exec.toml"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("profiles");
        assert!(
            matches!(load(Some(&missing)), Err(ProfileError::Unreadable { file, .. }) if file.ends_with("profiles"))
        );
    }

    #[test]
    fn the_ledger_s_form_is_stable_and_tolerant() {
        let written = r#"{"name":"desk","description":"Desk keys.","keys":{"required":1,"attestation":"none","reset":"if-used","always-uv":false},
            "pin":{"length":6,"alphabet":"digits","minimum-on-key":4,"force-change":true},"label":"Key {ordinal}","hand-over":"terminal",
            "from-a-newer-keywright":true}"#;
        let profile: Profile = serde_json::from_str(written).unwrap();
        assert_eq!((profile.keys.cred_protect, profile.drill_interval_days), (1, None));
        let again: Profile = serde_json::from_str(&serde_json::to_string(&profile).unwrap()).unwrap();
        assert_eq!(again, profile);
        for profile in built_in().into_values() {
            assert_eq!(serde_json::from_value::<Profile>(serde_json::to_value(&profile).unwrap()).unwrap(), profile);
        }
    }
}
