//! The vocabulary of the log. Names and members are part of the format: they may be added to, never changed. Which of them are texts
//! about people, and stand in the log as tokens, says `personal/members.rs`. The roll-out's is in `rollout`.

pub mod audit;
mod failure;
pub mod rollout;

pub use failure::{Failure, FailureCode};

use serde::{Deserialize, Serialize};

use self::audit::AuditSampled;
use self::rollout::{
    BreakGlassAdded, BreakGlassDrilled, BreakGlassRemoved, EnforcementBegun, EnforcementEnded, EnforcementStepDone,
    EnforcementStepStarted, EstateRead, RecoveryBegun, RecoveryEnded, RecoveryStepDone, RecoveryStepStarted,
    UnknownKeyRemoval, UnknownKeyRemoved,
};
use super::key_number::{KeyNumber, KeyState};
use super::observed::{Erasure, ErasureSeen, Observed};
use super::{AccountId, Actor, IdpInstance, WitnessResult};
use crate::profile::{HandOver, Person, Profile};
use crate::secret::SealedPin;
use keywright_attest::Verdict;
use keywright_fido::ctap::TransportKind;
use keywright_fido::webauthn::{Aaguid, Ceremony, CredentialId, RpId, SignedAssertion, UserHandle};

/// One person, one key: counted from 1 through the life of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "job {}", self.0)
    }
}

/// The steps of a job, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Is this key one that the job may use?
    Inspect,
    /// Factory state, if the profile says so.
    Reset,
    /// A PIN is drawn and sealed; the key does not have it yet.
    SealPin,
    /// The key gets the PIN.
    SetPin,
    /// The IdP begins a registration.
    Begin,
    /// The key makes the credential.
    Make,
    /// The attestation is judged.
    Verify,
    /// The credential signs, and its signature is checked.
    Prove,
    /// The IdP registers the public key, and it is read back.
    Complete,
    /// The credential signs in at the IdP, where the IdP lets us.
    SignIn,
    /// The key gets its policy.
    Harden,
    /// The PIN reaches its reader.
    HandOver,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 12] = [
        Self::Inspect,
        Self::Reset,
        Self::SealPin,
        Self::SetPin,
        Self::Begin,
        Self::Make,
        Self::Verify,
        Self::Prove,
        Self::Complete,
        Self::SignIn,
        Self::Harden,
        Self::HandOver,
    ];

    /// The step after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step > self)
    }
}

impl std::fmt::Display for Step {
    /// For people; the log has the names of the variants.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inspect => "inspect key",
            Self::Reset => "reset key",
            Self::SealPin => "seal PIN",
            Self::SetPin => "set PIN",
            Self::Begin => "start at IdP",
            Self::Make => "create credential",
            Self::Verify => "check attestation",
            Self::Prove => "test sign-in",
            Self::Complete => "register at IdP",
            Self::SignIn => "sign in at IdP",
            Self::Harden => "apply policy",
            Self::HandOver => "hand over PIN",
        })
    }
}

/// What a key was recognised by when a job took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyIdentity {
    /// Where it was plugged in.
    pub port: String,
    /// The product's name.
    pub product: String,
    /// The USB serial string, if any; some vendors give all keys the same.
    pub usb_serial: Option<String>,
    /// The model.
    pub aaguid: Aaguid,
    /// getInfo's firmwareVersion, if told.
    pub firmware_version: Option<u64>,
    /// SHA-256, in hexadecimal, of what getInfo says that stays the same through the key's life.
    pub fingerprint: String,
    /// Which key it was recognised as, by what a reset may take from it. `None` if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<KeyNumber>,
}

/// What a step ended with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Outcome {
    /// The key that the job takes.
    Inspect {
        /// The key.
        key: KeyIdentity,
    },
    /// Whether the key was reset.
    Reset {
        /// False if there was nothing to reset.
        done: bool,
    },
    /// The working copy's name.
    SealPin {
        /// In the vault.
        sealed: SealedPin,
        /// SHA-256 of the file, in hexadecimal. `None` in logs from before PINs were bound to their keys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// Whose vault that is: [`super::StationKey::fingerprint`]. `None` in logs from before there were several stations.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        station: Option<String>,
    },
    /// The key has the PIN.
    SetPin {},
    /// The IdP waits for a credential.
    Begin {
        /// What the IdP asks for, and what its adapter needs to complete it.
        ceremony: Box<Ceremony>,
        /// RFC 3339; after it the IdP does not take the credential.
        deadline: String,
    },
    /// The key has the credential.
    Make {
        /// The credential.
        credential_id: CredentialId,
        /// The RP ID.
        rp_id: RpId,
        /// The account's handle.
        user_handle: UserHandle,
        /// What the key answered to authenticatorMakeCredential, without the status: CBOR as received, base64url. `None` in logs
        /// from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ctap_response: Option<String>,
        /// The attestation object that was put together from it (WebAuthn 6.5.4): canonical CBOR, base64url.
        attestation_object: String,
        /// As hashed, base64url.
        client_data_json: String,
        /// The credential public key, COSE, base64url.
        public_key: String,
        /// How the key can be reached, in WebAuthn's words.
        #[serde(default = "usb")]
        transports: Vec<String>,
    },
    /// The attestation is acceptable.
    Verify {
        /// The facts.
        verdict: Box<Verdict>,
        /// Which key it is. `None` in logs from before keys had numbers: they follow there from the order of these events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNumber>,
    },
    /// The credential signs.
    Prove {
        /// The signature and what it is over.
        #[serde(flatten)]
        assertion: SignedAssertion,
        /// Whether somebody else's software asked for this signature and verified it. `None` in logs from before there was a
        /// witness.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        witness: Option<WitnessResult>,
    },
    /// The IdP has the public key.
    Complete {
        /// The IdP's name for the credential.
        directory_id: String,
        /// The label there.
        label: String,
    },
    /// The IdP has no API: a person registers the key there, and a drill confirms it. What the job's credential attests
    /// and proves holds for the key.
    #[serde(rename = "complete-by-hand")]
    CompleteByHand {
        /// The key's label.
        label: String,
    },
    /// The credential signed in at the IdP.
    SignIn {
        /// False where the IdP has no way to be signed in to by us.
        done: bool,
    },
    /// The key has its policy.
    Harden {
        /// The minimum PIN length that the key enforces now.
        min_pin_length: usize,
        /// Whether the key asks for the PIN at every use.
        always_uv: bool,
        /// Whether the person has to choose a new PIN.
        force_pin_change: bool,
        /// Whether it holds PINs against rules of its maker's; absent if it does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin_complexity_policy: Option<bool>,
        /// Whether a reset takes a long touch; absent if it does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        long_touch_for_reset: Option<bool>,
    },
    /// The PIN has left this station.
    HandOver {
        /// The way.
        how: HandOver,
        /// Readers' names; empty for letter and terminal.
        readers: Vec<String>,
    },
}

/// Logs from before this was written down are of keys on USB.
fn usb() -> Vec<String> {
    vec![TransportKind::Usb.as_str().to_owned()]
}

impl Outcome {
    /// The key's label, of an outcome of [`Step::Complete`].
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Complete { label, .. } | Self::CompleteByHand { label } => Some(label),
            _ => None,
        }
    }

    /// The step that this ends.
    pub fn step(&self) -> Step {
        match self {
            Self::Inspect { .. } => Step::Inspect,
            Self::Reset { .. } => Step::Reset,
            Self::SealPin { .. } => Step::SealPin,
            Self::SetPin {} => Step::SetPin,
            Self::Begin { .. } => Step::Begin,
            Self::Make { .. } => Step::Make,
            Self::Verify { .. } => Step::Verify,
            Self::Prove { .. } => Step::Prove,
            Self::Complete { .. } | Self::CompleteByHand { .. } => Step::Complete,
            Self::SignIn { .. } => Step::SignIn,
            Self::Harden { .. } => Step::Harden,
            Self::HandOver { .. } => Step::HandOver,
        }
    }
}

impl Event {
    /// The job that this is about, if it is about one.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::JobPlanned { job, .. }
            | Self::ReplacementPlanned { job, .. }
            | Self::StepStarted { job, .. }
            | Self::StepDone { job, .. }
            | Self::PinDelivered { job, .. }
            | Self::StepFailed { job, .. }
            | Self::SteppedBack { job, .. }
            | Self::CredentialDeleted { job, .. }
            | Self::CeremonyAbandoned { job, .. }
            | Self::JobGivenUp { job, .. } => Some(*job),
            Self::AttentionNeeded { job, .. } => *job,
            Self::BatchStarted { .. }
            | Self::AccountPlanned { .. }
            | Self::UserFound { .. }
            | Self::AccountCompleted { .. }
            | Self::CredentialRevoked { .. }
            | Self::RevocationRequested { .. }
            | Self::RelabelRequested { .. }
            | Self::RelabelEnded { .. }
            | Self::KeyErasureStarted { .. }
            | Self::KeyErased { .. }
            | Self::KeyNotErased { .. }
            | Self::KeyEdited { .. }
            | Self::KeyAdded { .. }
            | Self::KeyMarked { .. }
            | Self::KeyChanged { .. }
            | Self::AccountEdited { .. }
            | Self::KeyReturned { .. }
            | Self::AccountLeft { .. }
            | Self::AccountForgotten { .. }
            | Self::AccountErased { .. }
            | Self::LedgerAccepted { .. }
            | Self::AuditSampled(_)
            | Self::KeyDrilled { .. }
            | Self::BreakGlassAdded(_)
            | Self::BreakGlassRemoved(_)
            | Self::BreakGlassDrilled(_)
            | Self::UnknownKeyRemovalBegun(_)
            | Self::UnknownKeyRemoved(_)
            | Self::RecoveryBegun(_)
            | Self::RecoveryStepStarted(_)
            | Self::RecoveryStepDone(_)
            | Self::RecoveryEnded(_)
            | Self::EnforcementBegun(_)
            | Self::EnforcementStepStarted(_)
            | Self::EnforcementStepDone(_)
            | Self::EnforcementEnded(_)
            | Self::EstateRead(_) => None,
        }
    }

    /// The account that this names, if it names one.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::AccountPlanned { account, .. }
            | Self::UserFound { account, .. }
            | Self::JobPlanned { account, .. }
            | Self::AccountCompleted { account }
            | Self::CredentialRevoked { account, .. }
            | Self::RevocationRequested { account, .. }
            | Self::RelabelRequested { account, .. }
            | Self::RelabelEnded { account, .. }
            | Self::AccountEdited { account, .. }
            | Self::AccountLeft { account, .. }
            | Self::AccountForgotten { account, .. }
            | Self::AccountErased { account, .. }
            | Self::KeyDrilled { account, .. }
            | Self::BreakGlassAdded(BreakGlassAdded { account, .. })
            | Self::BreakGlassRemoved(BreakGlassRemoved { account, .. })
            | Self::BreakGlassDrilled(BreakGlassDrilled { account, .. })
            | Self::UnknownKeyRemovalBegun(UnknownKeyRemoval { account, .. })
            | Self::UnknownKeyRemoved(UnknownKeyRemoved { account, .. })
            | Self::RecoveryStepStarted(RecoveryStepStarted { account, .. })
            | Self::RecoveryStepDone(RecoveryStepDone { account, .. })
            | Self::RecoveryEnded(RecoveryEnded { account, .. })
            | Self::EnforcementStepStarted(EnforcementStepStarted { account, .. })
            | Self::EnforcementStepDone(EnforcementStepDone { account, .. }) => Some(account),
            Self::RecoveryBegun(begun) => Some(&begun.account),
            Self::BatchStarted { .. }
            | Self::ReplacementPlanned { .. }
            | Self::StepStarted { .. }
            | Self::StepDone { .. }
            | Self::PinDelivered { .. }
            | Self::StepFailed { .. }
            | Self::SteppedBack { .. }
            | Self::CredentialDeleted { .. }
            | Self::CeremonyAbandoned { .. }
            | Self::KeyErasureStarted { .. }
            | Self::KeyErased { .. }
            | Self::KeyNotErased { .. }
            | Self::KeyEdited { .. }
            | Self::KeyAdded { .. }
            | Self::KeyMarked { .. }
            | Self::KeyChanged { .. }
            | Self::KeyReturned { .. }
            | Self::JobGivenUp { .. }
            | Self::LedgerAccepted { .. }
            | Self::AuditSampled(_)
            | Self::EnforcementBegun(_)
            | Self::EnforcementEnded(_)
            | Self::EstateRead(_)
            | Self::AttentionNeeded { .. } => None,
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins.
    BatchStarted {
        /// From 1.
        batch: u64,
        /// Who runs it.
        operator: Actor,
        /// keywright's version.
        version: String,
        /// The IdP's name.
        directory: String,
        /// SHA-256 of the roster, hexadecimal; `None` if there is none.
        roster_sha256: Option<String>,
    },
    /// An account is to get keys.
    AccountPlanned {
        /// From 1.
        batch: u64,
        /// The account.
        account: AccountId,
        /// The roster's row.
        person: Person,
        /// The profile as it was then.
        profile: Box<Profile>,
    },
    /// The IdP knows the account, under this id, and calls it so.
    UserFound {
        /// The account.
        account: AccountId,
        /// The IdP's stable id.
        user_id: String,
        /// The login as the IdP has it now. `None` in logs of version 0.1.0: the one that was planned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// Which IdP. `None` in logs of version 0.1.0: the one with the account's name in the settings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idp: Option<IdpInstance>,
        /// Weaker ways to sign in that the account still has.
        other_methods: Vec<String>,
    },
    /// A key is to be made for an account.
    JobPlanned {
        /// The job.
        job: JobId,
        /// The account.
        account: AccountId,
        /// Which of the account's keys: 1, 2, ...
        ordinal: usize,
    },
    /// The job's key takes the place of another key of the account, which is to be revoked once the new one counts.
    ReplacementPlanned {
        /// The job.
        job: JobId,
        /// Which of the account's keys is replaced.
        ordinal: usize,
        /// Why, in the operator's words.
        reason: String,
        /// Whether the key stays: it is reset and enrolled anew, and its old credential goes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        same_key: bool,
    },
    /// A step is about to be done.
    StepStarted {
        /// The job.
        job: JobId,
        /// The step.
        step: Step,
    },
    /// A step is done.
    StepDone {
        /// The job.
        job: JobId,
        /// What came of it.
        outcome: Outcome,
    },
    /// A key's PIN has reached its reader. Written before its working copy is destroyed: a copy that is gone without this is lost.
    PinDelivered {
        /// The job.
        job: JobId,
        /// The way.
        how: HandOver,
        /// Readers' names; empty for letter and terminal.
        readers: Vec<String>,
        /// Who handed it over, or said that it arrived. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// A step is not done, and nothing of it is left behind unless `message` says so.
    StepFailed {
        /// The job.
        job: JobId,
        /// The step.
        step: Step,
        /// Why.
        failure: Failure,
    },
    /// The job goes back: everything from this step on is to be done again, because it was undone.
    SteppedBack {
        /// The job.
        job: JobId,
        /// The first step that is to be done again.
        to: Step,
        /// Why.
        why: String,
    },
    /// A credential was deleted from a key, because its registration did not come to be.
    CredentialDeleted {
        /// The job.
        job: JobId,
        /// The credential.
        credential_id: CredentialId,
        /// Why.
        why: String,
    },
    /// A pending object was removed at the IdP.
    CeremonyAbandoned {
        /// The job.
        job: JobId,
        /// The IdP's name for it.
        pending: String,
    },
    /// The account has the proved keys that its profile asks for.
    AccountCompleted {
        /// The account.
        account: AccountId,
    },
    /// A credential was removed at the IdP.
    CredentialRevoked {
        /// The account.
        account: AccountId,
        /// The credential.
        credential_id: CredentialId,
        /// Why, in the operator's words.
        reason: String,
        /// Who had it removed. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// A credential has to be removed at the IdP, which could not be reached: until it is, the key still signs in.
    RevocationRequested {
        /// The account.
        account: AccountId,
        /// The credential.
        credential_id: CredentialId,
        /// Why, in the operator's words.
        reason: String,
        /// Who wants it removed. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// A key is about to get another label at the IdP. Until it is known whether it did, `resume` sees to it.
    RelabelRequested {
        /// The account.
        account: AccountId,
        /// The credential.
        credential_id: CredentialId,
        /// The label.
        label: String,
    },
    /// What came of that.
    RelabelEnded {
        /// The account.
        account: AccountId,
        /// The credential.
        credential_id: CredentialId,
        /// What the IdP calls it now; `None` if the IdP refused, and what it called it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// Credentials are about to go from their key. Until it is known whether they did, nobody counts them.
    KeyErasureStarted {
        /// Those that the log knows, one at least.
        credential_ids: Vec<CredentialId>,
        /// How they are to go.
        how: Erasure,
        /// Who does it.
        operator: Actor,
    },
    /// Credentials are gone from their key, and no job was the reason.
    KeyErased {
        /// Those that the log knows, one at least.
        credential_ids: Vec<CredentialId>,
        /// How they went.
        how: Erasure,
        /// Who did it.
        operator: Actor,
        /// What the key showed before and after. `None` where nobody could ask it, and in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Box<ErasureSeen>>,
    },
    /// Credentials whose erasure was begun are still on their key.
    KeyNotErased {
        /// Those that are there, one at least.
        credential_ids: Vec<CredentialId>,
        /// Who saw it.
        operator: Actor,
    },
    /// What people keep of a key in their own words changed. What is `None` stays.
    KeyEdited {
        /// The credential of the key.
        credential_id: CredentialId,
        /// What is written on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Where it is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Who keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custodian: Option<String>,
        /// Who changed it.
        operator: Actor,
    },
    /// What people keep of an account in their own words changed. What is `None` stays.
    AccountEdited {
        /// The account.
        account: AccountId,
        /// The person's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The request that its keys rest on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
        /// Where its backup or break-glass key is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        storage: Option<String>,
        /// Who changed it.
        operator: Actor,
    },
    /// A key is in the house that is nobody's yet.
    KeyAdded {
        /// Its number, which no key had.
        key: KeyNumber,
        /// What it says of itself, if it was plugged in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<Box<KeyIdentity>>,
        /// The model's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// The serial number in the list of what was bought.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serial: Option<String>,
        /// The serial number that its attestation names, in hexadecimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attested_serial: Option<String>,
        /// Where it is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Who took it in.
        operator: Actor,
    },
    /// A key made a throw-away credential, for an RP that cannot exist: until it is reset, it shows which key it is.
    KeyMarked {
        /// The key.
        key: KeyNumber,
        /// The credential.
        credential_id: CredentialId,
        /// Who had it marked. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// Where a key is, or what people keep of it in their own words, changed. What is `None` stays.
    KeyChanged {
        /// The key.
        key: KeyNumber,
        /// Where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<KeyState>,
        /// Why, in the operator's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What is written on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Where it is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Who keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custodian: Option<String>,
        /// Who changed it.
        operator: Actor,
    },
    /// A key that was to be collected is back.
    KeyReturned {
        /// The credential of the key.
        credential_id: CredentialId,
        /// Who took it.
        operator: Actor,
    },
    /// The person left: no key is made for the account any more, and those it has are to be collected.
    AccountLeft {
        /// The account.
        account: AccountId,
        /// Why, in the operator's words.
        reason: String,
        /// Who wrote it down.
        operator: Actor,
    },
    /// The account was planned by mistake and never had a key. It stays in the log, and counts nowhere.
    AccountForgotten {
        /// The account.
        account: AccountId,
        /// Why, in the operator's words.
        reason: String,
        /// Who wrote it down.
        operator: Actor,
    },
    /// What the ledger kept of the person in words was erased: names, logins, tickets, labels. That it was, when, by whom and why
    /// stays.
    AccountErased {
        /// The account, which left or was forgotten.
        account: AccountId,
        /// Its login; what it reads once it is erased stands for the person from then on.
        login: String,
        /// Why, in the operator's words; without names, because it stays.
        reason: String,
        /// Who erased it.
        operator: Actor,
    },
    /// This log goes on though the station remembered a newer or another one.
    LedgerAccepted {
        /// What was remembered, and is lost.
        lost: String,
        /// Why, in the operator's words.
        reason: String,
        /// Who accepted it.
        operator: Actor,
    },
    /// A stored key was proved again.
    KeyDrilled {
        /// The account.
        account: AccountId,
        /// The credential.
        credential_id: CredentialId,
        /// Whether it passed.
        proved: bool,
        /// What was seen. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observed: Option<Box<Observed>>,
        /// Who tried it. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// A job will not be finished: its key is lost.
    JobGivenUp {
        /// The job.
        job: JobId,
        /// Why, in the operator's words.
        reason: String,
        /// Who gave it up. `None` in logs from before it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<Actor>,
    },
    /// Something that a person has to do, because keywright cannot.
    AttentionNeeded {
        /// The job, if it is about one.
        job: Option<JobId>,
        /// What is left where, and what to do.
        message: String,
    },
    /// A key of a break-glass account is in a sealed bag.
    BreakGlassAdded(BreakGlassAdded),
    /// An account is no longer kept for emergencies.
    BreakGlassRemoved(BreakGlassRemoved),
    /// A break-glass account was tried.
    BreakGlassDrilled(BreakGlassDrilled),
    /// A key that nobody here made is about to be removed at the IdP.
    UnknownKeyRemovalBegun(UnknownKeyRemoval),
    /// The removal of such a key is over.
    UnknownKeyRemoved(UnknownKeyRemoved),
    /// Somebody is got back in.
    RecoveryBegun(Box<RecoveryBegun>),
    /// A step of a recovery is about to be done.
    RecoveryStepStarted(RecoveryStepStarted),
    /// A step of a recovery is done.
    RecoveryStepDone(RecoveryStepDone),
    /// A recovery is over.
    RecoveryEnded(RecoveryEnded),
    /// Weak methods are about to be removed from the people of a wave or group.
    EnforcementBegun(EnforcementBegun),
    /// Something is about to be done to one person's account.
    EnforcementStepStarted(EnforcementStepStarted),
    /// Something was done to one person's account.
    EnforcementStepDone(EnforcementStepDone),
    /// An enforcement is over.
    EnforcementEnded(EnforcementEnded),
    /// The estate was read.
    EstateRead(EstateRead),
    /// Keys were drawn to be checked by hand.
    AuditSampled(AuditSampled),
}
