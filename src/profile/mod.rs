//! What a class of accounts demands of its keys ([`Profile`]), and who is to get keys ([`Roster`]).
//!
//! Reads what people write, and says line and column of what is wrong with it. It refuses to touch a key, an IdP or the
//! ledger.

pub mod roster;

use std::collections::BTreeMap;
use std::fmt;

use crate::secret::PinAlphabet;
use crate::webauthn::Aaguid;
pub use roster::{Person, Roster, RosterError};

/// The name of a profile: `admin`, `finance`, ... Lower-case letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ProfileName(pub String);

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must be known about a key's attestation before it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationDemand {
    /// Nothing is demanded; the verdict is kept all the same.
    None,
    /// The statement is valid, self attestation included.
    Statement,
    /// The statement is valid and its certificate leads to a trusted anchor.
    Trusted,
    /// The same, and it names the single key by its serial number.
    Enterprise,
}

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
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PinRules {
    /// Code points of the PIN that is drawn, 4 to 63.
    pub length: usize,
    /// Its characters.
    pub alphabet: PinAlphabet,
    /// The minimum that the key enforces from then on, in code points, 4 to 63. At most `length`.
    pub minimum_on_key: usize,
    /// Whether the person has to choose a new PIN first. Refused together with a break-glass drill interval.
    pub force_change: bool,
}

/// Which keys will do, and what they have to prove.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
    /// credProtect level, 1 to 3. 1 by default: Windows sign-in needs it.
    pub cred_protect: u8,
}

/// What an account class demands (`profiles/*.toml`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// The profile's name; the file is called after it.
    pub name: ProfileName,
    /// For people, one sentence.
    pub description: String,
    /// The keys.
    pub keys: KeyRules,
    /// The PIN.
    pub pin: PinRules,
    /// The credential's label at the IdP. `{model}`, `{ordinal}`, `{account}`, `{serial}` are filled in.
    pub label: String,
    /// How PINs are handed over.
    pub hand_over: HandOver,
    /// Days after which a stored key has to be proved again; absent if it is used daily.
    #[serde(default)]
    pub drill_interval_days: Option<u32>,
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
    #[error("{file}: {why}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// The system's words.
        why: String,
    },
}

/// The four profiles that come with keywright.
pub fn built_in() -> Profiles {
    todo!()
}

/// The profiles in a folder, over the built-in ones: a file replaces the built-in profile of its name.
pub fn load(_folder: Option<&std::path::Path>) -> Result<Profiles, ProfileError> {
    todo!()
}

/// Reads one profile; `file` is only named in errors.
pub fn parse(_file: &str, _text: &str) -> Result<Profile, ProfileError> {
    todo!()
}
