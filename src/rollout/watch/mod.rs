//! What is new since the last look at the estate, and what is to be done soon: one finding, one line. Pure.
//!
//! It refuses to call a method back that was there at the last look and that nobody removed, and to pass over what could not be read.

mod calendar;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

pub use calendar::{Due, DueKind, calendar, dues};

use super::breakglass;
use super::inventory::{Entry, Inventory, KeyEntry, MadeHere, Whose, diff};
use super::plan::Plan;
use crate::idp::capability::{Seen, Told, Untold};
use crate::ledger::AccountId;
use crate::register::{Register, moment};
use keywright_attest::{Metadata, ModelStatus, advisories_of};
use keywright_fido::webauthn::Aaguid;

/// Days after which a key that nobody ever used is told.
pub const UNUSED_DAYS: i64 = 30;

/// Days before a drill is due on which it is told.
pub const SOON_DAYS: i64 = 14;

/// What is kept of a look, for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The people.
    pub inventory: Inventory,
    /// What is known against the models in use: advisories by name, and statuses in metadata.
    pub models: BTreeMap<String, BTreeSet<String>>,
}

/// What the findings rest on.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// The last look; `None`: this is the first.
    pub before: Option<&'a Look>,
    /// This look.
    pub now: &'a Look,
    /// What people decided, if they did.
    pub plan: Option<&'a Plan>,
    /// Keys, drills and enforcements.
    pub register: &'a Register,
    /// What the IdP says of break-glass accounts.
    pub break_glass: &'a BTreeMap<AccountId, breakglass::Sighting>,
    /// Now.
    pub at: OffsetDateTime,
}

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A break-glass account: a sign-in outside a drill, a drill that is due, and the like.
    BreakGlass {
        /// What.
        finding: breakglass::Finding,
    },
    /// A key at the IdP that nobody here made.
    KeyUnknown {
        /// The login.
        account: String,
        /// Whether the account has a role of power.
        administrator: bool,
        /// What the IdP calls it.
        key: String,
    },
    /// A key that counts here and is not at the IdP any more, or was taken out of service here and still signs in.
    KeyDiffers {
        /// The login.
        account: String,
        /// Its number in the account.
        ordinal: usize,
        /// Whether it is out of service here.
        outlived: bool,
    },
    /// A weak method that was not there at the last look, or that an enforcement had removed.
    WeakMethodBack {
        /// The login.
        account: String,
        /// What it is called.
        method: String,
    },
    /// Somebody whose account does not sign in any more has keys out.
    PersonOut {
        /// The login.
        account: String,
        /// Whether the IdP has the account no more.
        deleted: bool,
        /// How many.
        keys: usize,
    },
    /// Something new is known against a model in use.
    ModelAlert {
        /// The model.
        model: String,
        /// What.
        what: String,
    },
    /// A key that its person never used.
    KeyNeverUsed {
        /// The login.
        account: String,
        /// Its number in the account.
        ordinal: usize,
        /// The day on which it was made.
        made: Date,
    },
    /// A drill or rehearsal that is due soon, or was.
    Due(Due),
    /// Something could not be read.
    CannotTell {
        /// The login; `None` if it is about no single account.
        account: Option<String>,
        /// What, why, and what it needs.
        untold: Untold,
    },
}

/// What is known against models: advisories by name, and statuses in metadata that are no certification.
pub fn models(register: &Register, metadata: Option<&Metadata>, today: Date) -> BTreeMap<String, BTreeSet<String>> {
    let in_use = register.credentials.values().filter(|one| one.state.lives()).map(|one| one.key.aaguid);
    let models: BTreeSet<Aaguid> = in_use.filter(|model| *model != Aaguid::ZERO).collect();
    let against = |model: Aaguid| {
        let advisories = advisories_of(model).into_iter().map(|advice| format!("advisory {}", advice.id));
        let reports = metadata.and_then(|metadata| metadata.model(model)).into_iter();
        let statuses = reports.flat_map(|model| model.reports_on(today)).filter(|report| is_warning(&report.status));
        advisories.chain(statuses.map(|report| format!("status {}", report.status))).collect()
    };
    models.into_iter().map(|model| (model.to_string(), against(model))).collect()
}

/// Whether a status is more than a certification, or the lack of one.
fn is_warning(status: &ModelStatus) -> bool {
    status.forbids() || matches!(status, ModelStatus::UpdateAvailable | ModelStatus::Other(_))
}

/// Everything that somebody should look at, the most pressing first.
pub fn judge(grounds: &Grounds<'_>) -> Vec<Finding> {
    let inventory = &grounds.now.inventory;
    let mut all: Vec<Finding> =
        breakglass::judge(grounds.register, &inventory.directory, grounds.break_glass, grounds.at)
            .into_iter()
            // Where nobody keeps such accounts yet, that is no news.
            .filter(|finding| !matches!(finding, breakglass::Finding::TooFewAccounts { accounts: 0 }))
            .map(|finding| Finding::BreakGlass { finding })
            .collect();
    for entry in &inventory.people {
        all.extend(unknown_keys(entry));
        all.extend(keys_that_differ(entry));
        all.extend(weak_methods(entry, grounds));
        all.extend(person_out(entry, grounds.register));
        all.extend(unused_keys(entry, grounds));
    }
    for gone in &inventory.gone {
        let Some(account) = &gone.account else { continue };
        let (keys, login) = (keys_out(account, grounds.register), grounds.register.login(account));
        if keys > 0 {
            all.push(Finding::PersonOut { account: login.to_owned(), deleted: true, keys });
        }
    }
    all.extend(model_alerts(grounds));
    let soon = grounds.at.date() + Duration::days(SOON_DAYS);
    let dues = dues(grounds.register, &inventory.directory, grounds.plan);
    all.extend(dues.into_iter().filter(|due| due.day <= soon).map(Finding::Due));
    for (account, untold) in inventory.all_untold() {
        all.push(Finding::CannotTell { account: account.map(str::to_owned), untold: untold.clone() });
    }
    all.sort_by_key(Finding::rank);
    all
}

fn unknown_keys(entry: &Entry) -> impl Iterator<Item = Finding> + '_ {
    entry.unknown_keys().map(|key| Finding::KeyUnknown {
        account: entry.user.login.clone(),
        administrator: entry.is_admin(),
        key: diff::name(key),
    })
}

fn keys_that_differ(entry: &Entry) -> impl Iterator<Item = Finding> + '_ {
    entry.keys.iter().filter_map(|key| {
        let (ordinal, outlived) = match &key.whose {
            Whose::Gone(made) => (made.ordinal, false),
            Whose::Outlived { made, .. } => (made.ordinal, true),
            Whose::Ours { .. } | Whose::Unknown { .. } | Whose::CannotTell(_) => return None,
        };
        Some(Finding::KeyDiffers { account: entry.user.login.clone(), ordinal, outlived })
    })
}

/// Methods that are new, or that were taken from the person and are there again, unless the plan lets them stay.
fn weak_methods(entry: &Entry, grounds: &Grounds<'_>) -> Vec<Finding> {
    let before = grounds.before.map(|look| &look.inventory.people);
    let before = before.and_then(|people| people.iter().find(|other| other.user.id == entry.user.id));
    let removed = entry.account.as_ref().map(|account| grounds.register.rollout.removed_methods(account));
    let group = grounds.plan.zip(entry.group.as_deref()).and_then(|(plan, group)| plan.group(group));
    let mut found = Vec::new();
    for method in entry.weak_methods() {
        let stay = group.and_then(|group| group.stays(&method.kind, &method.name));
        let stays = stay.is_some_and(|stay| stay.until >= grounds.at.date());
        let is_new = before.is_some_and(|before| !before.weak_methods().any(|old| old.kind == method.kind));
        let was_removed = removed.iter().flatten().any(|one| one.method.kind == method.kind);
        if (is_new || was_removed) && !stays {
            let (account, method) = (entry.user.login.clone(), method.name.clone());
            found.push(Finding::WeakMethodBack { account, method });
        }
    }
    found
}

fn person_out(entry: &Entry, register: &Register) -> Option<Finding> {
    let keys = entry.account.as_ref().map_or(0, |account| keys_out(account, register));
    let out = || Finding::PersonOut { account: entry.user.login.clone(), deleted: false, keys };
    (!entry.user.active && keys > 0).then(out)
}

/// Keys that somebody has and that were not taken out of service.
fn keys_out(account: &AccountId, register: &Register) -> usize {
    register.credentials_of(account).filter(|(_, one)| one.is_out() && one.state.lives()).count()
}

fn unused_keys(entry: &Entry, grounds: &Grounds<'_>) -> Vec<Finding> {
    let is_break_glass = entry.account.as_ref().is_some_and(|account| grounds.register.is_break_glass(account));
    let made = |key: &KeyEntry| {
        let credential = grounds.register.credentials.get(key.credential_id.as_ref()?)?;
        moment(&credential.made)
    };
    let mut found = Vec::new();
    // A key in a sealed bag is there to be unused.
    for key in entry.keys.iter().filter(|_| !is_break_glass) {
        let (Whose::Ours { made: MadeHere { ordinal, .. }, .. }, Told::Known(Seen { at: None })) =
            (&key.whose, &key.used)
        else {
            continue;
        };
        if let Some(made) = made(key).filter(|made| grounds.at - *made > Duration::days(UNUSED_DAYS)) {
            found.push(Finding::KeyNeverUsed {
                account: entry.user.login.clone(),
                ordinal: *ordinal,
                made: made.date(),
            });
        }
    }
    found
}

fn model_alerts(grounds: &Grounds<'_>) -> Vec<Finding> {
    let none = BTreeSet::new();
    let mut found = Vec::new();
    for (model, against) in &grounds.now.models {
        let before = grounds.before.and_then(|look| look.models.get(model)).unwrap_or(&none);
        let alert = |what: &String| Finding::ModelAlert { model: model.clone(), what: what.clone() };
        found.extend(against.difference(before).map(alert));
    }
    found
}

impl Finding {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BreakGlass { finding } => match finding {
                breakglass::Finding::SignInOutsideDrill { .. } => "break-glass-sign-in",
                breakglass::Finding::CannotTell { .. } => "cannot-tell",
                _ => "break-glass",
            },
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyDiffers { outlived: true, .. } => "key-outlived",
            Self::KeyDiffers { outlived: false, .. } => "key-gone",
            Self::WeakMethodBack { .. } => "weak-method-back",
            Self::PersonOut { deleted: true, .. } => "account-deleted",
            Self::PersonOut { deleted: false, .. } => "account-inactive",
            Self::ModelAlert { .. } => "model-alert",
            Self::KeyNeverUsed { .. } => "key-never-used",
            Self::Due(due) => due.kind.code(),
            Self::CannotTell { .. } => "cannot-tell",
        }
    }

    /// The login that it is about.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::KeyUnknown { account, .. }
            | Self::KeyDiffers { account, .. }
            | Self::WeakMethodBack { account, .. }
            | Self::PersonOut { account, .. }
            | Self::KeyNeverUsed { account, .. } => Some(account),
            Self::Due(due) => due.account.as_deref(),
            Self::CannotTell { account, .. } => account.as_deref(),
            Self::BreakGlass { finding } => match finding {
                breakglass::Finding::KeyNotInService { account, .. }
                | breakglass::Finding::NoBag { account, .. }
                | breakglass::Finding::DrillDue { account, .. }
                | breakglass::Finding::SignInOutsideDrill { account, .. }
                | breakglass::Finding::CannotTell { account, .. } => Some(account),
                breakglass::Finding::TooFewAccounts { .. }
                | breakglass::Finding::OnePlace { .. }
                | breakglass::Finding::OneModel => None,
            },
            Self::ModelAlert { .. } => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::BreakGlass { finding: breakglass::Finding::SignInOutsideDrill { .. } } => 0,
            Self::KeyUnknown { administrator: true, .. } => 1,
            Self::KeyUnknown { administrator: false, .. } => 2,
            Self::KeyDiffers { .. } => 3,
            Self::WeakMethodBack { .. } => 4,
            Self::PersonOut { .. } => 5,
            Self::ModelAlert { .. } => 6,
            Self::BreakGlass { .. } => 7,
            Self::Due(_) => 8,
            Self::KeyNeverUsed { .. } => 9,
            Self::CannotTell { .. } => 10,
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::BreakGlass { .. } => "keywright breakglass status".to_owned(),
            Self::KeyUnknown { account, .. } => format!("keywright reconcile {account}"),
            Self::KeyDiffers { account, ordinal, outlived: true } => {
                format!("keywright revoke {account} --key {ordinal} --reason outlived")
            }
            Self::KeyDiffers { account, ordinal, outlived: false } => {
                format!("keywright replace {account} --key {ordinal} --reason gone-at-the-idp")
            }
            Self::WeakMethodBack { .. } => "keywright enforce, for the person's wave".to_owned(),
            Self::PersonOut { account, .. } => format!("if they left: keywright account left {account}"),
            Self::ModelAlert { model, .. } => format!("keywright mds show {model}; keywright audit ledger"),
            Self::KeyNeverUsed { account, .. } => format!("ask {account} whether the key works"),
            Self::Due(due) => due.next_step(),
            Self::CannotTell { untold, .. } => untold.next_step(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BreakGlass { finding } => finding.fmt(f),
            Self::KeyUnknown { account, administrator, key } => {
                let administrator = if *administrator { " (administrator)" } else { "" };
                write!(f, "{account}{administrator}: nobody here made {key}")
            }
            Self::KeyDiffers { account, ordinal, outlived: true } => {
                write!(f, "{account}: key {ordinal} is out of service here and still at the IdP")
            }
            Self::KeyDiffers { account, ordinal, outlived: false } => {
                write!(f, "{account}: key {ordinal} is not at the IdP any more")
            }
            Self::WeakMethodBack { account, method } => write!(f, "{account}: weak method back: {method}"),
            Self::PersonOut { account, deleted, keys } => {
                let state = if *deleted { "deleted" } else { "not active" };
                let keys = if *keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
                write!(f, "{account}: {state} at the IdP, with {keys} out")
            }
            Self::ModelAlert { model, what } => write!(f, "model {model}: {what}"),
            Self::KeyNeverUsed { account, ordinal, made } => {
                write!(f, "{account}: key {ordinal}, made on {made}, was never used")
            }
            Self::Due(due) => due.fmt(f),
            Self::CannotTell { account: Some(account), untold } => write!(f, "{account}: {untold}"),
            Self::CannotTell { account: None, untold } => untold.fmt(f),
        }
    }
}
