//! A stored key still works: it has the ledger's credential, the IdP has it too, and it signs in. A key that a person
//! registers at an IdP without an API is confirmed by its first drill.
//!
//! The IdP is asked first, so that nobody types a PIN for a key that is out of service. It refuses to spend a key's last
//! PIN attempts, and to write that a key failed where somebody mistyped or the IdP was away.

mod by_hand;

use super::credential_on_key;
use super::journal::Journal;
use super::open_key::fingerprint;
use super::pin_attempts::{self, PinAttemptError};
use super::recognise::{Shown, shown};
use super::retry_policy::RetryPolicy;
use super::same_person::{self, PersonError};
use super::signature;
use crate::idp::{Directory, DirectoryError, Registration, User};
use crate::ledger::{AccountId, Actor, Event, LedgerError, Observed, Store};
use crate::register::{Credential, CredentialState, Evidence, Register};
use crate::secret::Entropy;
use keywright_fido::ctap::{Authenticator, CtapError, Permissions, Pin, StatusMeaning, Touch};
use keywright_fido::hid::{Cancel, Device};
use keywright_fido::webauthn::response::ExpectedAuthentication;
use keywright_fido::webauthn::{
    AttestationObject, AuthenticatorData, CeremonyType, Challenge, ClientDataJson, CredentialId, Origin, RpId,
    WebauthnError,
};

/// What a drill works with.
pub struct Drill<'a> {
    directory: &'a dyn Directory,
    registration: Registration<'a>,
    journal: Journal<'a>,
    retry_policy: RetryPolicy,
    cancel: Cancel,
    entropy: &'a dyn Entropy,
    /// For the log.
    operator: Actor,
}

/// Whose key is in the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// It shows this credential of the ledger.
    Credential(CredentialId),
    /// It shows nothing without its PIN, and may have one of these.
    Hidden(Vec<CredentialId>),
    /// It has one of these, by all appearances; with its PIN it says which.
    Probably(Vec<CredentialId>),
    /// It has no credential that the ledger knows.
    Nobody,
}

/// A key that a PIN and a touch can prove now: the IdP has its credential.
#[derive(Debug)]
pub struct Ready {
    id: CredentialId,
    credential: Credential,
    user: User,
}

/// Why a key is not proved.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The key does not have it any more.
    #[error("the key no longer has the credential: it was reset, or the credential was deleted")]
    CredentialGone,
    /// The IdP does not have it any more.
    #[error("{directory} no longer has this key's credential")]
    NotRegistered {
        /// The IdP's name.
        directory: String,
    },
    /// The signature is not what it should be.
    #[error("the key's signature is wrong: {0}")]
    Unproved(WebauthnError),
    /// The IdP looked at the signature and kept the door closed.
    #[error("signing in failed: {why}")]
    NotLetIn {
        /// The IdP's words.
        why: String,
    },
    /// The IdP has no API, and nothing on the key shows that a person registered it there.
    #[error("the key has no credential for {rp_id}")]
    NotOnKey {
        /// The RP ID.
        rp_id: RpId,
    },
    /// The IdP has no API, and the person who could know says no.
    #[error("nobody has signed in with this key yet")]
    NobodySignedIn,
    /// The forced PIN change did not take.
    #[error("the key accepted the forced PIN change but does not show it")]
    PinChangeNotTaken,

    /// The ledger says that this key is not in use.
    #[error("the key of {account} is out of service: {}", in_words(*state))]
    OutOfService {
        /// The account.
        account: AccountId,
        /// What became of the credential.
        state: CredentialState,
    },
    /// The person has not chosen a PIN yet.
    #[error("the key demands a new PIN before anything else")]
    PinChangePending,
    /// The PIN was wrong, or not sent.
    #[error(transparent)]
    Pin(PinAttemptError),
    /// The login was handed on, or switched off.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// What the ledger has of the credential cannot be used.
    #[error("the ledger's record of this key cannot be read: {0}")]
    Record(WebauthnError),
    /// The IdP.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The key.
    #[error(transparent)]
    Ctap(CtapError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

fn in_words(state: CredentialState) -> &'static str {
    match state {
        CredentialState::OnKey => "its credential was never registered",
        CredentialState::Unconfirmed => "it is to be registered by hand",
        CredentialState::Registered => "it is registered",
        CredentialState::Deleted => "its credential was deleted",
        CredentialState::Erased => "its key was reset, or its credential deleted",
        CredentialState::Revoked => "it was revoked",
    }
}

impl From<CtapError> for DrillError {
    fn from(error: CtapError) -> Self {
        // The ledger knows that it had one.
        if error.means(StatusMeaning::NoCredentials) { Self::CredentialGone } else { Self::Ctap(error) }
    }
}

impl From<PinAttemptError> for DrillError {
    fn from(error: PinAttemptError) -> Self {
        match error {
            PinAttemptError::Ctap(error) => error.into(),
            error => Self::Pin(error),
        }
    }
}

impl DrillError {
    /// What was seen of the key, where the failure is the key's own. That is written down; everything else can be tried again.
    fn observed(&self) -> Option<Observed> {
        let failure = Some(self.to_string());
        match self {
            Self::NotRegistered { .. } => Some(Observed { registered: Some(false), failure, ..Observed::default() }),
            Self::NotLetIn { .. } => {
                Some(Observed { registered: Some(true), signed_in: Some(false), failure, ..Observed::default() })
            }
            Self::CredentialGone
            | Self::Unproved(_)
            | Self::NotOnKey { .. }
            | Self::NobodySignedIn
            | Self::Pin(PinAttemptError::Blocked) => Some(Observed { failure, ..Observed::default() }),
            // Every key of the ledger has a PIN, and losing it takes a reset.
            Self::Ctap(error) if error.means(StatusMeaning::PinNotSet) => {
                Some(Observed { failure, ..Observed::default() })
            }
            _ => None,
        }
    }
}

impl<'a> Drill<'a> {
    /// Reads the ledger.
    pub fn open(
        directory: &'a dyn Directory,
        store: &'a dyn Store,
        retry_policy: RetryPolicy,
        cancel: &Cancel,
        entropy: &'a dyn Entropy,
        operator: Actor,
    ) -> Result<Self, LedgerError> {
        let (journal, registration) = (Journal::open(store)?, directory.registration());
        Ok(Self { directory, registration, journal, retry_policy, cancel: cancel.clone(), entropy, operator })
    }

    /// How keys get registered here: where a person does it, a drill takes that person's word.
    pub fn registration(&self) -> Registration<'a> {
        self.registration
    }

    /// What the ledger says now.
    pub fn book(&self) -> Register {
        self.journal.book().clone()
    }

    /// Asks the key which of the ledger's credentials it has, without PIN and touch. `account` narrows down whose a key may be
    /// that shows nothing.
    pub fn whose(
        &self,
        device: &Device,
        key: &mut Authenticator,
        account: Option<&AccountId>,
    ) -> Result<Whose, DrillError> {
        let book = self.book();
        let mut candidates: Vec<_> = book.credentials.iter().collect();
        // A credential in service counts before one that is not.
        candidates.sort_by_key(|(_, credential)| !credential.state.is_in_use());
        let ids: Vec<_> = candidates.iter().map(|(id, one)| (one.rp_id.clone(), (*id).clone())).collect();
        let refuses = match shown(key, &ids)? {
            Shown::Credential(id) => return Ok(Whose::Credential(id)),
            Shown::Perhaps(ids) => return Ok(Whose::Probably(ids)),
            Shown::Refusal => true,
            Shown::Nothing => false,
        };
        if !key.info().has_pin() {
            return Ok(Whose::Nobody);
        }
        let print = fingerprint(key.info());
        let may_be = |one: &Credential| {
            let hides = refuses || book.accounts[&one.account].profile.keys.cred_protect == 3;
            let alike = one.key.fingerprint == print && one.key.usb_serial == device.serial;
            let wanted = account.is_none_or(|account| *account == one.account);
            one.state.is_in_use() && hides && alike && wanted
        };
        let hidden: Vec<_> = candidates.iter().filter(|(_, one)| may_be(one)).map(|(id, _)| (*id).clone()).collect();
        Ok(if hidden.is_empty() { Whose::Nobody } else { Whose::Hidden(hidden) })
    }

    /// Which of these credentials a key has that shows them with its PIN only.
    pub fn find(
        &self,
        key: &mut Authenticator,
        hidden: &[CredentialId],
        pin: &Pin,
    ) -> Result<CredentialId, DrillError> {
        takes_pin(key)?;
        let book = self.book();
        let rp_ids: std::collections::BTreeSet<&RpId> = hidden.iter().map(|id| &book.credentials[id].rp_id).collect();
        for rp_id in rp_ids {
            let ids: Vec<_> = hidden.iter().filter(|id| book.credentials[id].rp_id == *rp_id).cloned().collect();
            let token = pin_attempts::token(key, pin, Permissions::GET_ASSERTION, Some(rp_id))?;
            if let Some(id) = credential_on_key::first(key, rp_id, &ids, Some(&token))? {
                return Ok(id);
            }
        }
        Err(DrillError::CredentialGone)
    }

    /// Whether ledger and directory have the credential in service, and the key takes a PIN. Changes nothing.
    pub fn examine(&self, key: &mut Authenticator, id: &CredentialId) -> Result<Ready, DrillError> {
        let (credential, person) = {
            let book = self.journal.book();
            let credential = book.credentials[id].clone();
            let person = book.person(&credential.account);
            (credential, person)
        };
        let account = &credential.account;
        if !credential.state.is_in_use() {
            return Err(DrillError::OutOfService { account: account.clone(), state: credential.state });
        }
        let user = same_person::find_active(self.directory, &self.retry_policy, &self.cancel, &person)?;
        let name = credential.directory_id.as_deref();
        let is_listed = || -> Result<bool, DirectoryError> {
            let listed = self.ask(|| self.directory.list(&user))?;
            Ok(listed.iter().any(|registered| registered.in_service && registered.is(id, name)))
        };
        if self.registration == Registration::Api && !is_listed()? {
            return Err(DrillError::NotRegistered { directory: self.directory.name().to_owned() });
        }
        takes_pin(key)?;
        Ok(Ready { id: id.clone(), credential, user })
    }

    /// The key signs, with PIN and touch: for the IdP's own challenge where that lets us sign in, so that one touch does.
    pub fn prove(
        &self,
        key: &mut Authenticator,
        ready: &Ready,
        pin: &Pin,
        touch: Touch<'_>,
    ) -> Result<Observed, DrillError> {
        let Ready { id, credential, user } = ready;
        let rp_id = &credential.rp_id;
        let no_credential = || DrillError::Record(WebauthnError::malformed("authData", "it names no credential"));
        let evidence = self.journal.evidence(id)?.ok_or_else(no_credential)?;
        let attested = AttestationObject::parse(&evidence.attestation_object)
            .map_err(DrillError::Record)?
            .auth_data
            .attested_credential_data
            .ok_or_else(no_credential)?;
        let token = pin_attempts::token(key, pin, Permissions::GET_ASSERTION, Some(rp_id))?;
        let door = self.directory.sign_in();
        let ceremony = door.map(|door| self.ask(|| door.begin(user))).transpose()?;
        let (challenge, origin) = match &ceremony {
            Some(ceremony) => (ceremony.options.challenge.clone(), ceremony.origin.clone()),
            None => (self.challenge()?, origin(credential, &evidence)?),
        };
        let client_data = ClientDataJson::new(CeremonyType::Get, &challenge, &origin);
        let response =
            signature::sign(key, &token, rp_id, id, client_data, touch)?.ok_or(DrillError::CredentialGone)?;
        response
            .check(&ExpectedAuthentication {
                challenge: &challenge,
                origin: &origin,
                rp_id,
                user_verification: true,
                public_key: &attested.public_key,
                sign_count: last_count(&evidence),
            })
            .map_err(DrillError::Unproved)?;
        if let (Some(door), Some(ceremony)) = (door, &ceremony) {
            let sent = self.retry_policy.send(&self.cancel, || door.finish(user, ceremony, &response));
            sent.map_err(|error| match error {
                DirectoryError::Refused { why, .. } => DrillError::NotLetIn { why },
                error => error.into(),
            })?;
        }
        Ok(Observed {
            signature: Some(response.assertion),
            registered: (self.registration == Registration::Api).then_some(true),
            signed_in: ceremony.map(|_| true),
            by_hand: None,
            failure: None,
        })
    }

    /// Writes how a drill of this credential ended, if that says something about the key, and that the account is complete if it
    /// is now. Returns whether it does.
    pub fn conclude(&self, id: &CredentialId, ended: &Result<Observed, DrillError>) -> Result<bool, LedgerError> {
        let (account, unconfirmed) = {
            let book = self.journal.book();
            let credential = &book.credentials[id];
            (credential.account.clone(), credential.state == CredentialState::Unconfirmed)
        };
        let (proved, observed) = match ended {
            Ok(observed) => (true, observed.clone()),
            // What nobody has done yet has not failed.
            Err(DrillError::NotOnKey { .. } | DrillError::NobodySignedIn) if unconfirmed => return Ok(false),
            Err(error) => match error.observed() {
                Some(observed) => (false, observed),
                None => return Ok(false),
            },
        };
        let observed = Some(Box::new(observed));
        let (credential_id, operator) = (id.clone(), Some(self.operator.clone()));
        let drilled = Event::KeyDrilled { account: account.clone(), credential_id, proved, observed, operator };
        self.journal.record(&drilled)?;
        self.journal.complete_account(&account)?;
        Ok(true)
    }

    fn ask<T>(&self, request: impl FnMut() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
        self.retry_policy.ask(&self.cancel, request)
    }

    fn challenge(&self) -> Result<Challenge, DrillError> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        Challenge::new(bytes).map_err(DrillError::Record)
    }
}

/// Where the credential signs in: where it was registered.
fn origin(credential: &Credential, evidence: &Evidence) -> Result<Origin, DrillError> {
    match &evidence.ceremony {
        Some(ceremony) => Ok(ceremony.origin.clone()),
        None => format!("https://{}", credential.rp_id).parse().map_err(DrillError::Record),
    }
}

/// The counter when the credential was proved; a copy of the key would be behind.
fn last_count(evidence: &Evidence) -> u32 {
    let proved = evidence.assertion.as_ref().map(|one| AuthenticatorData::parse(&one.authenticator_data));
    proved.and_then(Result::ok).map_or(0, |data| data.sign_count)
}

/// Whether the key takes a PIN now, with attempts to spare.
fn takes_pin(key: &mut Authenticator) -> Result<(), DrillError> {
    if !key.info().has_pin() {
        // Every key of the ledger has a PIN, and losing it takes a reset.
        return Err(DrillError::CredentialGone);
    }
    if key.info().force_pin_change {
        return Err(DrillError::PinChangePending);
    }
    pin_attempts::may_be_spent(key)?;
    Ok(())
}
