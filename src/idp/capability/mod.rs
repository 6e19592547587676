//! What an IdP can do besides registering keys: one file for each capability, with its types.
//!
//! An adapter has a capability or has not; [`Directory::capabilities`](super::Directory::capabilities) says which, so that a report
//! can name what an IdP does not do. What was not told never reads as clean ([`told`]). Nothing here decides who loses what.

pub mod applications;
pub mod labels;
pub mod last_use;
pub mod methods;
pub mod models;
pub mod pass;
pub mod passkeys;
pub mod people;
pub mod policies;
pub mod removal;
pub mod rights;
pub mod sessions;
pub mod suspension;
pub mod told;
pub mod what_if;

use serde::{Deserialize, Serialize};

pub use applications::{Application, Applications};
pub use labels::Labels;
pub use last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
pub use methods::{
    Method, MethodClass, MethodKind, MethodTable, Removal, Reported, SignInMethods, Usable, weaker_ways,
};
pub use models::{ModelRules, ShutOut};
pub use pass::{Pass, TemporaryPass, WantedPass};
pub use passkeys::{Binding, Passkey, Passkeys, ToldBy};
pub use people::{Hold, People, Person, Role, RoleHolder};
pub use policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
pub use removal::{MethodRemoval, Removed};
pub use rights::{AccountRights, Readiness, Right, Rights};
pub use sessions::Sessions;
pub use suspension::{Standing, Suspension};
pub use told::{Cursor, Listing, Page, Told, Untold, WhyUntold, walk};
pub use what_if::{Evaluation, WhatIf};

/// What an adapter can do, each `None` where it cannot.
#[derive(Clone, Copy, Default)]
pub struct Capabilities<'a> {
    /// Groups, roles and who is in them.
    pub people: Option<&'a dyn People>,
    /// The ways in that an account has.
    pub methods: Option<&'a dyn SignInMethods>,
    /// Removing one of them.
    pub removal: Option<&'a dyn MethodRemoval>,
    /// What a group's policies allow.
    pub policies: Option<&'a dyn Policies>,
    /// Suspending and restoring an account.
    pub suspension: Option<&'a dyn Suspension>,
    /// Ending sessions.
    pub sessions: Option<&'a dyn Sessions>,
    /// Temporary passes.
    pub pass: Option<&'a dyn TemporaryPass>,
    /// When accounts and keys were last used.
    pub last_use: Option<&'a dyn LastUse>,
    /// What registered passkeys are.
    pub passkeys: Option<&'a dyn Passkeys>,
    /// Which models of keys are shut out.
    pub models: Option<&'a dyn ModelRules>,
    /// Changing the labels of keys.
    pub labels: Option<&'a dyn Labels>,
    /// What our account may do.
    pub rights: Option<&'a dyn AccountRights>,
    /// The applications that people sign in to.
    pub applications: Option<&'a dyn Applications>,
    /// What it evaluates a sign-in to that nobody made.
    pub what_if: Option<&'a dyn WhatIf>,
}

/// A capability by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Registering keys, which every adapter of an IdP with an API does.
    Registration,
    /// [`Capabilities::people`].
    People,
    /// [`Capabilities::methods`].
    Methods,
    /// [`Capabilities::removal`].
    Removal,
    /// [`Capabilities::policies`].
    Policies,
    /// [`Capabilities::suspension`].
    Suspension,
    /// [`Capabilities::sessions`].
    Sessions,
    /// [`Capabilities::pass`].
    Pass,
    /// [`Capabilities::last_use`].
    LastUse,
    /// [`Capabilities::passkeys`].
    Passkeys,
    /// [`Capabilities::what_if`].
    WhatIf,
}

impl Capability {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Registration,
        Self::People,
        Self::Methods,
        Self::Passkeys,
        Self::LastUse,
        Self::Policies,
        Self::WhatIf,
        Self::Removal,
        Self::Suspension,
        Self::Sessions,
        Self::Pass,
    ];

    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Registration => "register keys",
            Self::People => "read groups and roles",
            Self::Methods => "read sign-in methods",
            Self::Passkeys => "tell what a passkey is",
            Self::LastUse => "read the last use",
            Self::Policies => "read policies",
            Self::WhatIf => "evaluate a sign-in (what-if)",
            Self::Removal => "remove a sign-in method",
            Self::Suspension => "suspend and restore accounts",
            Self::Sessions => "end sessions",
            Self::Pass => "give out temporary passes",
        }
    }

    /// Whether it changes something at the IdP.
    pub fn writes(self) -> bool {
        match self {
            Self::Registration | Self::Removal | Self::Suspension | Self::Sessions | Self::Pass => true,
            Self::People | Self::Methods | Self::Passkeys | Self::LastUse | Self::Policies | Self::WhatIf => false,
        }
    }
}

impl Capabilities<'_> {
    /// Whether the adapter has it. Registration is told elsewhere and counts as there.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Registration => true,
            Capability::People => self.people.is_some(),
            Capability::Methods => self.methods.is_some(),
            Capability::Removal => self.removal.is_some(),
            Capability::Policies => self.policies.is_some(),
            Capability::Suspension => self.suspension.is_some(),
            Capability::Sessions => self.sessions.is_some(),
            Capability::Pass => self.pass.is_some(),
            Capability::LastUse => self.last_use.is_some(),
            Capability::Passkeys => self.passkeys.is_some(),
            Capability::WhatIf => self.what_if.is_some(),
        }
    }
}
