//! The vocabulary of the roll-out: break-glass accounts, recoveries, enforcement, and what was read of the estate. As that of the jobs, it
//! is part of the log's format: it may be added to, never changed.
//!
//! What is about to be written at an IdP stands here before it is, so that after a crash somebody knows what to ask there.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::ledger::{AccountId, Actor};
use crate::profile::HandOver;

/// One lost key: counted from 1 through the life of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryId(pub u64);

impl fmt::Display for RecoveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recovery {}", self.0)
    }
}

/// One removal of weak methods from the people of a wave or group: counted from 1 through the life of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnforcementId(pub u64);

impl fmt::Display for EnforcementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "enforcement {}", self.0)
    }
}

/// A key of a break-glass account is in a sealed bag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassAdded {
    /// The account.
    pub account: AccountId,
    /// Which of its keys.
    pub ordinal: usize,
    /// Where the bag is.
    pub place: String,
    /// The number on the bag's seal.
    pub bag: String,
    /// Who may open it, one at least.
    pub may_open: Vec<String>,
    /// Who wrote it down.
    pub operator: Actor,
}

/// An account is no longer kept for emergencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassRemoved {
    /// The account.
    pub account: AccountId,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who wrote it down.
    pub operator: Actor,
}

/// A break-glass account was tried. That its key signs is an event of its own before this one ([`super::Event::KeyDrilled`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassDrilled {
    /// The account.
    pub account: AccountId,
    /// Which of its keys.
    pub ordinal: usize,
    /// Who did it: two people at least.
    pub by: Vec<String>,
    /// When it began, RFC 3339: what the log has from then on is the drill.
    pub began: String,
    /// Whether the key signed, and the IdP let the account in where it lets us try.
    pub passed: bool,
    /// What the IdP's sign-in log said right after it.
    pub sign_in_log: SignInLog,
    /// The number on the new bag's seal; `None` if the key is in no new bag yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bag: Option<String>,
    /// Who wrote it down.
    pub operator: Actor,
}

/// What an IdP's sign-in log said of an account. IdPs forget it after days; this stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "kebab-case")]
pub enum SignInLog {
    /// It was read.
    Read {
        /// From when on, RFC 3339.
        since: String,
        /// The sign-ins in it, the oldest first.
        sign_ins: Vec<SignInEntry>,
    },
    /// The IdP does not tell.
    CannotTell {
        /// Why not, and what it needs, in a sentence.
        why: String,
    },
}

/// A line of a sign-in log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEntry {
    /// When, RFC 3339.
    pub at: String,
    /// By which method, in the IdP's word; `None` if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A key at the IdP that nobody here made is about to be removed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownKeyRemoval {
    /// The account, which the ledger need not know.
    pub account: AccountId,
    /// Its login then.
    pub login: String,
    /// The IdP's id of it.
    pub user_id: String,
    /// The IdP's name for the key.
    pub directory_id: String,
    /// Its label there.
    pub label: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who has it removed.
    pub operator: Actor,
}

/// The removal of such a key is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownKeyRemoved {
    /// The account.
    pub account: AccountId,
    /// The IdP's name for the key.
    pub directory_id: String,
    /// What became of it.
    pub ending: UnknownKeyEnding,
}

/// What became of a key that nobody here made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum UnknownKeyEnding {
    /// It is gone.
    Removed {},
    /// It was gone already.
    Absent {},
    /// The IdP refused, and it is still there.
    Kept {
        /// In the IdP's words.
        why: String,
    },
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Nobody knows where it is, and nobody is suspected of having it.
    Lost,
    /// Somebody may have it who must not.
    Stolen,
}

/// Somebody is got back in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryBegun {
    /// Its number.
    pub recovery: RecoveryId,
    /// The account.
    pub account: AccountId,
    /// Which of its keys is gone.
    pub lost: usize,
    /// What became of the key.
    pub loss: Loss,
    /// Who asked for it, in the operator's words.
    pub asked_by: String,
    /// How their identity was proved, in the operator's words (NIST SP 800-63B-4, 4.2).
    pub identity_proved: String,
    /// The group that it is rehearsed for; `None`: it is real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<String>,
    /// What is to be done, in this order.
    pub steps: Vec<RecoveryStep>,
    /// For how many minutes a temporary pass is wanted, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_minutes: Option<u32>,
    /// Who does it.
    pub operator: Actor,
}

/// What a recovery is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryStep {
    /// The account signs in by no way.
    Suspend,
    /// What it is signed in to ends.
    EndSessions,
    /// The key that is gone is removed at the IdP.
    RevokeKey,
    /// The account signs in again.
    Restore,
    /// A temporary pass is made, and reaches its reader. One of which nobody knows whether it did is followed by another.
    GivePass,
    /// A new key is registered, proved and handed over.
    NewKey,
    /// The temporary pass is withdrawn.
    EndPass,
}

impl fmt::Display for RecoveryStep {
    /// For people; the log has the names of the variants.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suspend => "suspend account",
            Self::EndSessions => "end sessions",
            Self::RevokeKey => "revoke key",
            Self::Restore => "restore account",
            Self::GivePass => "give out temporary pass",
            Self::NewKey => "make new key",
            Self::EndPass => "withdraw temporary pass",
        })
    }
}

/// A step of a recovery is about to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStepStarted {
    /// The recovery.
    pub recovery: RecoveryId,
    /// Its account.
    pub account: AccountId,
    /// The step.
    pub step: RecoveryStep,
    /// Who does it. `None` in logs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Actor>,
}

/// A step of a recovery is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStepDone {
    /// The recovery.
    pub recovery: RecoveryId,
    /// Its account.
    pub account: AccountId,
    /// The step.
    pub step: RecoveryStep,
    /// What it came to.
    pub result: RecoveryResult,
}

/// What a step of a recovery came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum RecoveryResult {
    /// It is so, now or before.
    Done {},
    /// The IdP has no such thing; a person does it, or it is not done.
    NotOffered {
        /// What it does not do, in a sentence.
        why: String,
    },
    /// The IdP refused it; a person does it, or it is not done.
    Refused {
        /// The IdP's words.
        why: String,
    },
    /// The IdP made a pass, and it has left this station.
    PassGiven {
        /// The IdP's name for it.
        pass: String,
        /// Until when it is good, RFC 3339, if the IdP says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// The way.
        how: HandOver,
        /// Readers' names; empty for letter and terminal.
        readers: Vec<String>,
    },
    /// A new key counts.
    KeyMade {
        /// The job that made it.
        job: JobId,
    },
}

/// A recovery is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryEnded {
    /// The recovery.
    pub recovery: RecoveryId,
    /// Its account.
    pub account: AccountId,
    /// How.
    pub ending: RecoveryEnding,
    /// Who ended it. `None` in logs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Actor>,
}

/// How a recovery ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum RecoveryEnding {
    /// The account has the proved keys that its profile asks for.
    Complete {},
    /// It is not gone on with.
    GivenUp {
        /// Why, in the operator's words.
        reason: String,
    },
}

/// Weak methods are about to be removed from the people of a wave or group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementBegun {
    /// Its number.
    pub enforcement: EnforcementId,
    /// The IdP's name.
    pub directory: String,
    /// The wave or group, such as `wave 1`.
    pub scope: String,
    /// How many people.
    pub people: u64,
    /// How it is known that the policy lets in nothing weaker.
    pub policy: PolicySeen,
    /// Who does it.
    pub operator: Actor,
}

/// How it is known that a policy is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum PolicySeen {
    /// The IdP said so.
    ReadBack {
        /// The policies' names.
        policies: Vec<String>,
    },
    /// The operator said so; the IdP does not tell it.
    Said {
        /// What the IdP does not tell, in sentences.
        untold: Vec<String>,
    },
}

/// Something is about to be done to one person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementStepStarted {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// The account.
    pub account: AccountId,
    /// What.
    pub step: EnforcementStep,
    /// Who does it. `None` in logs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Actor>,
}

/// Something was done to one person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementStepDone {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// The account.
    pub account: AccountId,
    /// What.
    pub step: EnforcementStep,
    /// What it came to.
    pub result: EnforcementResult,
}

/// What is done to one person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum EnforcementStep {
    /// A weak method goes.
    RemoveMethod {
        /// The method as it was, so that the person can be helped back.
        method: KeptMethod,
    },
    /// What the account is signed in to ends.
    EndSessions {},
    /// What is left is read, and ends the person's part.
    ReadBack {},
}

/// A method without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMethod {
    /// The IdP's name for it.
    pub id: String,
    /// The IdP's word for the kind.
    pub kind: String,
    /// What it is called in reports, with what tells it from others of its kind, such as a masked number.
    pub name: String,
}

/// What a step of an enforcement came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum EnforcementResult {
    /// It is so, now or before.
    Done {},
    /// It is not.
    NotDone {
        /// Why, in a sentence without secrets.
        why: String,
    },
    /// What the account has left.
    Left {
        /// Weak methods that are still there.
        weak: Vec<KeptMethod>,
        /// What could not be read, in sentences.
        untold: Vec<String>,
    },
}

/// An enforcement is over: each of its people was read back, or told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementEnded {
    /// The enforcement.
    pub enforcement: EnforcementId,
    /// How many people still have a weak method, or could not be read.
    pub open: u64,
}

/// What was read of the estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstateRead {
    /// What it was for.
    pub reading: Reading,
    /// The IdP's name.
    pub directory: String,
    /// About whom, such as `group sales` or `wave 1`.
    pub scope: String,
    /// SHA-256, in hexadecimal, of what was written of it.
    pub sha256: String,
    /// How many people.
    pub people: u64,
    /// How many findings, those included that could not be told.
    pub findings: u64,
    /// Who read it.
    pub operator: Actor,
}

/// What the estate is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Who has what.
    Inventory,
    /// Whether it can be enforced: not, if there are findings.
    Readiness,
    /// What is new since the last look.
    Watch,
}
