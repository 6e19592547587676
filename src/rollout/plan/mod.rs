//! `rollout.toml`: which factor each group gets, in which wave, who supports it, and what may stay until when; shared accounts,
//! contractors, and the ways in that the IdP does not know.
//!
//! It refuses a shared account without custodians, a weak method that may stay for ever, and a risk that nobody gave a reason for.
//! Whether a date has passed is not asked here: [`crate::rollout::ready`] holds a plan against a day.

mod day;
mod document;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::Date;

use crate::profile::{ProfileName, Profiles, login};
use keywright_files::{FileError, private, text};

/// A roll-out as people decided on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The IdP that it is about: its name in the settings. `None`: the only one, or the default.
    pub idp: Option<String>,
    /// In the order of the file: the first that a person is in is theirs.
    pub groups: Vec<GroupPlan>,
    /// Accounts that several people use.
    pub shared: Vec<SharedAccount>,
    /// Accounts of people from elsewhere.
    pub contractors: Vec<Contractor>,
    /// Ways in besides the front door.
    pub paths: Vec<PathPlan>,
    /// Who vouches that these are all applications, where the IdP does not tell them.
    pub paths_vouched_by: Option<String>,
    /// Who vouches that the IdP's rules shut no model of these keys out, where keywright does not read such rules.
    pub models_vouched_by: Option<String>,
    /// Who tried that our account may change accounts of administrators, where the IdP does not tell.
    pub administrators_vouched_by: Option<String>,
    /// Who tried the IdP's own what-if for people of each group, where keywright may not ask it.
    pub what_if_vouched_by: Option<String>,
}

/// What is decided for a group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlan {
    /// What the plan calls it.
    pub name: String,
    /// Who is in it.
    pub who: Who,
    /// The group at the IdP whose policies guard them, where they are no group there.
    pub policy_group: Option<String>,
    /// What they sign in with.
    pub factor: Factor,
    /// The profile of their keys; `None` where no key is made for them.
    pub profile: Option<ProfileName>,
    /// The part of the roll-out that it is in. A roster's `wave` comes before it.
    pub wave: Option<String>,
    /// Whom its people ask for help.
    pub supporter: String,
    /// Weak methods that may stay for a while.
    pub may_stay: Vec<MayStay>,
}

/// Who is in a group of the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "name")]
pub enum Who {
    /// The members of a group at the IdP: its id, or its name where names are ids.
    Group(String),
    /// Everybody who has a role at the IdP, or can take it on: its name or id.
    Role(String),
    /// Everybody with any role of power.
    AllAdmins,
}

/// What a group signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// Security keys that keywright makes.
    HardwareKeys,
    /// Passkeys that people make themselves and that are copied between their devices.
    SyncedPasskey,
    /// Passkeys that people make themselves and that are part of a computer or telephone.
    PlatformPasskey,
    /// Security keys, and beside them passkeys of their own.
    Both,
}

impl Factor {
    /// Whether keywright makes keys for it.
    pub fn has_keys(self) -> bool {
        matches!(self, Self::HardwareKeys | Self::Both)
    }

    /// Whether people register passkeys by themselves.
    pub fn has_own_passkeys(self) -> bool {
        self != Self::HardwareKeys
    }

    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::HardwareKeys => "hardware keys",
            Self::SyncedPasskey => "synced passkey",
            Self::PlatformPasskey => "platform passkey",
            Self::Both => "hardware keys and passkeys",
        }
    }
}

/// A weak method that may stay until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MayStay {
    /// The IdP's word for the kind, or its name in reports.
    pub method: String,
    /// The last day.
    pub until: Date,
    /// Why.
    pub why: String,
}

/// An account that several people use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedAccount {
    /// The login.
    pub account: String,
    /// The logins of those who use it, two at least: each has keys of their own.
    pub custodians: Vec<String>,
}

/// An account of somebody from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contractor {
    /// The login.
    pub account: String,
    /// Who answers for them here.
    pub sponsor: String,
    /// The last day of their contract.
    pub until: Date,
}

/// A way in besides the front door: an application at the IdP, or what the IdP does not know, such as a VPN or a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPlan {
    /// What it is called here.
    pub name: String,
    /// The application at the IdP that it is, by its name or id there; `None`: the IdP does not know it.
    pub application: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What people sign in with there, once that is decided.
    pub factor: Option<Factor>,
    /// What is decided.
    pub decision: Decision,
}

/// What is decided on a way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Undecided,
    /// It asks for the factor that the plan says.
    Covered,
    /// It goes; until this day it may be there.
    SwitchOff {
        /// The last day.
        until: Date,
    },
    /// It stays as it is; somebody takes the risk until this day.
    AcceptRisk {
        /// The last day.
        until: Date,
        /// Why.
        why: String,
    },
}

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Settings that are unknown, missing, of the wrong kind or contradict each other: all of them.
    #[error("{file}: {}", counted(faults))]
    Wrong {
        /// The file.
        file: String,
        /// In the order of the file.
        faults: Vec<PlanFault>,
    },
    /// The file cannot be read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// Others can change the file, and it decides who may be shut out.
    #[error(transparent)]
    Shared(FileError),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanFault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

fn counted(faults: &[PlanFault]) -> String {
    match faults.len() {
        1 => "1 setting is wrong".to_owned(),
        count => format!("{count} settings are wrong"),
    }
}

impl Plan {
    /// The file that was named; or else `rollout.toml` beside the settings.
    pub fn file(named: Option<&Path>, settings: Option<&Path>) -> PathBuf {
        let folder = settings.and_then(Path::parent).unwrap_or(Path::new(""));
        named.map_or_else(|| folder.join("rollout.toml"), Path::to_owned)
    }

    /// Reads a file; `profiles` are those that it may name. A file that others can change is refused.
    pub fn read(file: &Path, profiles: &Profiles) -> Result<Self, PlanError> {
        let name = file.display().to_string();
        let unreadable = |why: String| PlanError::Unreadable { file: name.clone(), why };
        let bytes = private::read_unshared(file).map_err(|error| match error {
            FileError::Io { why, .. } => unreadable(why),
            shared => PlanError::Shared(shared),
        })?;
        let bytes = bytes.ok_or_else(|| unreadable("there is no such file".to_owned()))?;
        let text = text::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&name, &text, profiles)
    }

    /// Reads a text; `file` is only named in errors.
    pub fn parse(file: &str, text: &str, profiles: &Profiles) -> Result<Self, PlanError> {
        document::read(text, profiles).map_err(|faults| PlanError::Wrong { file: file.to_owned(), faults })
    }

    /// The waves that it names, in the order of the file, each once.
    pub fn waves(&self) -> Vec<&str> {
        let mut waves: Vec<&str> = Vec::new();
        for wave in self.groups.iter().filter_map(|group| group.wave.as_deref()) {
            if !waves.iter().any(|known| login::is_same(known, wave)) {
                waves.push(wave);
            }
        }
        waves
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&GroupPlan> {
        self.groups.iter().find(|group| login::is_same(&group.name, name))
    }

    /// What is said of a shared account.
    pub fn shared(&self, account: &str) -> Option<&SharedAccount> {
        self.shared.iter().find(|shared| login::is_same(&shared.account, account))
    }

    /// What is said of an account of somebody from elsewhere.
    pub fn contractor(&self, account: &str) -> Option<&Contractor> {
        self.contractors.iter().find(|contractor| login::is_same(&contractor.account, account))
    }
}

impl GroupPlan {
    /// The group at the IdP whose policies guard it; `None` where nobody has named one for people who are no group there.
    pub fn guarded_as(&self) -> Option<&str> {
        match &self.who {
            Who::Group(group) => Some(self.policy_group.as_deref().unwrap_or(group)),
            Who::Role(_) | Who::AllAdmins => self.policy_group.as_deref(),
        }
    }

    /// What says that a method may stay, by its kind or its name, whether or not its day has passed.
    pub fn stays(&self, kind: &str, name: &str) -> Option<&MayStay> {
        let named = |text: &str| login::is_same(text, kind) || login::is_same(text, name);
        self.may_stay.iter().find(|stay| named(&stay.method))
    }
}

impl Decision {
    /// The last day of it, if it has one.
    pub fn until(&self) -> Option<Date> {
        match self {
            Self::Undecided | Self::Covered => None,
            Self::SwitchOff { until } | Self::AcceptRisk { until, .. } => Some(*until),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::Role(name) => write!(f, "role {name}"),
            Self::AllAdmins => f.write_str("all administrators"),
        }
    }
}
