//! What the practice IdP does: accounts, registrations (WebAuthn 7.1), sign-ins (WebAuthn 7.2).
//!
//! Every answer of a key is verified here as if the provisioning side were an attacker.

mod estate;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::refusal::Refusal;
use super::server::Settings;
use super::store::{Account, Store, Stored};
use super::wire::{
    API, Begun, Ceremonies, Check, Completion, Credential, Credentials, NewLabel, NewUser, OtherMethods, SignInBegun,
    SignInResponse, UserChange, Users,
};
use super::wire::{Finding, User};
use keywright_attest::{Chain, Judge, Statement};
use keywright_fido::webauthn::options::{
    AuthenticatorSelection, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
};
use keywright_fido::webauthn::response::{ExpectedAuthentication, ExpectedRegistration};
use keywright_fido::webauthn::{
    AttestationConveyance, AttestationObject, AuthenticationResponse, Challenge, CoseAlgorithm,
    CredentialCreationOptions, CredentialRequestOptions, Origin, RegistrationResponse, RelyingParty, UserEntity,
    UserHandle, UserVerification,
};

/// The algorithms that are offered, the preferred one first.
const OFFERED: [CoseAlgorithm; 5] =
    [CoseAlgorithm::ES256, CoseAlgorithm::EDDSA, CoseAlgorithm::ES384, CoseAlgorithm::ES512, CoseAlgorithm::RS256];

/// The identity provider behind the routes.
pub(super) struct Provider {
    settings: Settings,
    judge: Judge,
    origin: Origin,
    store: Mutex<Store>,
}

impl Provider {
    /// `origin` is the settings' one, or the server's own address.
    pub(super) fn new(settings: Settings, origin: Origin, store: Store) -> Self {
        Self { judge: Judge::new(settings.anchors.clone()), settings, origin, store: Mutex::new(store) }
    }

    pub(super) fn check(&self) -> Result<Check, Refusal> {
        let Settings { rp_id, attestation, anchors, trusted_only, challenge_lifetime, .. } = &self.settings;
        let mut findings = Vec::new();
        if *trusted_only && anchors.is_empty() {
            let message = "the server refuses untrusted attestations and has no trust anchors".into();
            findings.push(Finding { blocks: true, message });
        }
        if *trusted_only && *attestation == AttestationConveyance::None {
            let message = "the server asks for no attestation and refuses keys without one".into();
            findings.push(Finding { blocks: true, message });
        }
        if *challenge_lifetime < Duration::from_secs(30) {
            let message =
                format!("registrations expire after {} s, which is too short for people", challenge_lifetime.as_secs());
            findings.push(Finding { blocks: false, message });
        }
        Ok(Check {
            api: API,
            instance: self.store().instance()?,
            rp_id: rp_id.clone(),
            origin: self.origin.clone(),
            attestation: *attestation,
            trusted_only: *trusted_only,
            challenge_seconds: challenge_lifetime.as_secs(),
            findings,
        })
    }

    pub(super) fn create_user(&self, new: &NewUser) -> Result<User, Refusal> {
        check_name("login", &new.login, 200)?;
        check_name("display_name", &new.display_name, 200)?;
        let handle = UserHandle::new(random::<32>())?;
        let id = random_id();
        let store = self.store();
        match store.create_user(&id, &handle, new)? {
            true => Ok(account(&store, &id)?.user),
            false => Err(Refusal::LoginTaken(new.login.clone())),
        }
    }

    pub(super) fn users(&self, login: Option<&str>) -> Result<Users, Refusal> {
        Ok(Users { users: self.store().users(login)? })
    }

    pub(super) fn user(&self, id: &str) -> Result<User, Refusal> {
        Ok(account(&self.store(), id)?.user)
    }

    pub(super) fn change_user(&self, id: &str, change: &UserChange) -> Result<User, Refusal> {
        if let Some(name) = &change.display_name {
            check_name("display_name", name, 200)?;
        }
        if let Some(login) = &change.login {
            check_name("login", login, 200)?;
        }
        let store = self.store();
        account(&store, id)?;
        match (store.change_user(id, change)?, &change.login) {
            (false, Some(login)) => Err(Refusal::LoginTaken(login.clone())),
            _ => Ok(account(&store, id)?.user),
        }
    }

    pub(super) fn other_methods(&self, user: &str) -> Result<OtherMethods, Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(OtherMethods { other_methods: store.other_methods(user)? })
    }

    pub(super) fn begin(&self, user: &str) -> Result<Begun, Refusal> {
        let store = self.store();
        let Account { user, handle } = active(&store, user)?;
        let id = random_id();
        let challenge = Challenge::new(random::<32>())?;
        let deadline = self.deadline();
        store.begin_ceremony(&id, &user.id, &challenge, deadline)?;
        let offer = |alg| PublicKeyCredentialParameters { kind: "public-key".into(), alg };
        let public_key = CredentialCreationOptions {
            rp: RelyingParty { id: self.settings.rp_id.clone(), name: self.settings.rp_name.clone() },
            user: UserEntity { id: handle, name: user.login, display_name: user.display_name },
            challenge,
            pub_key_cred_params: OFFERED.map(offer).to_vec(),
            timeout: self.timeout(),
            exclude_credentials: descriptors(store.credentials(&user.id)?),
            authenticator_selection: AuthenticatorSelection {
                resident_key: Some("required".into()),
                require_resident_key: true,
                user_verification: UserVerification::Required,
            },
            attestation: self.settings.attestation,
            extensions: serde_json::Value::Null,
        };
        Ok(Begun { id, deadline, origin: self.origin.clone(), public_key })
    }

    pub(super) fn pending(&self, user: &str) -> Result<Ceremonies, Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(Ceremonies { ceremonies: store.pending(user)? })
    }

    pub(super) fn complete(&self, user: &str, id: &str, completion: &Completion) -> Result<Credential, Refusal> {
        check_name("label", &completion.label, 100)?;
        let mut store = self.store();
        let now = (self.settings.now)();
        let ceremony = store.ceremony(user, id)?.ok_or(Refusal::Absent("ceremony"))?;
        if ceremony.ended {
            return Err(Refusal::Ended);
        }
        if now > ceremony.deadline {
            return Err(Refusal::Expired);
        }
        active(&store, user)?;
        let response = RegistrationResponse::from_json(&completion.response)?;
        let made = response.check(&ExpectedRegistration {
            challenge: &ceremony.challenge,
            origin: &self.origin,
            rp_id: &self.settings.rp_id,
            user_verification: true,
        })?;
        if !OFFERED.iter().any(|offered| offered.is(made.public_key.algorithm)) {
            return Err(Refusal::Algorithm(made.public_key.algorithm.0));
        }
        let attestation = &response.attestation_object;
        let attested = self.judge(attestation, &response.client_data_json.hash(), now)?;
        let credential = Credential {
            id: id.to_owned(),
            credential_id: made.credential_id.clone(),
            label: completion.label.clone(),
            aaguid: made.aaguid,
            transports: response.transports.clone(),
            sign_count: attestation.auth_data.sign_count,
            created: now,
            last_used: None,
        };
        let stored = Stored { user: user.to_owned(), credential, public_key: made.public_key.clone() };
        match store.register(&stored)? {
            true => {
                let backup_eligible = attestation.auth_data.flags.backup_eligible();
                store.remember_passkey(id, backup_eligible, attested)?;
                Ok(stored.credential)
            }
            false => Err(Refusal::Registered),
        }
    }

    pub(super) fn abandon(&self, user: &str, id: &str) -> Result<(), Refusal> {
        let store = self.store();
        match store.ceremony(user, id)?.ok_or(Refusal::Absent("ceremony"))?.ended {
            true => Err(Refusal::Ended),
            false => Ok(store.forget_ceremony(id)?),
        }
    }

    pub(super) fn credentials(&self, user: &str) -> Result<Credentials, Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(Credentials { credentials: store.credentials(user)? })
    }

    pub(super) fn revoke(&self, user: &str, id: &str) -> Result<(), Refusal> {
        match self.store().revoke(user, id, (self.settings.now)())? {
            true => Ok(()),
            false => Err(Refusal::Absent("credential")),
        }
    }

    pub(super) fn relabel(&self, user: &str, id: &str, new: &NewLabel) -> Result<Credential, Refusal> {
        check_name("label", &new.label, 100)?;
        let store = self.store();
        store.relabel(user, id, &new.label)?;
        let credential = store.credentials(user)?.into_iter().find(|credential| credential.id == id);
        credential.ok_or(Refusal::Absent("credential"))
    }

    pub(super) fn begin_sign_in(&self, user: &str) -> Result<SignInBegun, Refusal> {
        let store = self.store();
        estate::may_sign_in(&store, user)?;
        let credentials = store.credentials(user)?;
        if credentials.is_empty() {
            return Err(Refusal::NoCredential);
        }
        let id = random_id();
        let challenge = Challenge::new(random::<32>())?;
        store.begin_sign_in(&id, user, &challenge, self.deadline())?;
        let public_key = CredentialRequestOptions {
            challenge,
            rp_id: self.settings.rp_id.clone(),
            allow_credentials: descriptors(credentials),
            user_verification: self.settings.user_verification,
            timeout: self.timeout(),
        };
        Ok(SignInBegun { id, origin: self.origin.clone(), public_key })
    }

    /// Credentials with which the user cannot sign in any more.
    pub(super) fn revoked(&self, user: &str) -> Result<Vec<PublicKeyCredentialDescriptor>, Refusal> {
        let revoked = self.store().revoked(user)?;
        Ok(revoked.into_iter().map(|revoked| PublicKeyCredentialDescriptor::new(revoked.credential_id)).collect())
    }

    /// The credential that signed in, and whether the key checked its PIN.
    pub(super) fn finish_sign_in(
        &self,
        user: &str,
        id: &str,
        answer: &SignInResponse,
    ) -> Result<(Credential, bool), Refusal> {
        let store = self.store();
        let now = (self.settings.now)();
        let sign_in = store.try_sign_in(user, id)?.ok_or(Refusal::Absent("sign-in"))?;
        if sign_in.ended {
            return Err(Refusal::Ended);
        }
        if now > sign_in.deadline {
            return Err(Refusal::Expired);
        }
        let account = estate::may_sign_in(&store, user)?;
        let response = AuthenticationResponse::from_json(&answer.response)?;
        let Some(Stored { mut credential, public_key, .. }) =
            store.credential(&response.credential_id)?.filter(|stored| stored.user == user)
        else {
            let revoked = store.revoked(user)?.into_iter().find(|one| one.credential_id == response.credential_id);
            return Err(revoked.map_or(Refusal::Foreign("credential"), Refusal::Revoked));
        };
        if response.user_handle.as_ref().is_some_and(|handle| *handle != account.handle) {
            return Err(Refusal::Foreign("user handle"));
        }
        let data = response.check(&ExpectedAuthentication {
            challenge: &sign_in.challenge,
            origin: &self.origin,
            rp_id: &self.settings.rp_id,
            user_verification: self.settings.user_verification == UserVerification::Required,
            public_key: &public_key,
            sign_count: credential.sign_count,
        })?;
        estate::may_be_of_model(&store, credential.aaguid)?;
        store.signed_in(&credential.id, data.sign_count, now)?;
        self.signed_in_by(&store, user, "passkey")?;
        credential.sign_count = data.sign_count;
        credential.last_used = Some(now);
        Ok((credential, data.flags.user_verified()))
    }

    /// Whether it leads to a trust anchor. A statement that breaks its format's rules is refused in any case; how much more is asked is
    /// a setting.
    fn judge(
        &self,
        attestation: &AttestationObject,
        client_data_hash: &[u8; 32],
        now: OffsetDateTime,
    ) -> Result<bool, Refusal> {
        let verdict = self.judge.judge(attestation, Some(client_data_hash), None, now);
        let trusted = (verdict.statement, verdict.chain) == (Statement::Valid, Chain::Trusted);
        if verdict.statement == Statement::Invalid || (self.settings.trusted_only && !trusted) {
            let why = verdict.reasons.first().cloned();
            return Err(Refusal::Attestation(why.unwrap_or_else(|| "it leads to no trust anchor".into())));
        }
        Ok(trusted)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Changes are transactions: a panic in between leaves nothing half-done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In whole seconds, as it is kept.
    fn deadline(&self) -> OffsetDateTime {
        let deadline = (self.settings.now)() + self.settings.challenge_lifetime;
        deadline - Duration::from_nanos(deadline.nanosecond().into())
    }

    fn timeout(&self) -> Option<u64> {
        u64::try_from(self.settings.challenge_lifetime.as_millis()).ok()
    }
}

fn account(store: &Store, id: &str) -> Result<Account, Refusal> {
    store.account(id)?.ok_or(Refusal::Absent("user"))
}

fn active(store: &Store, id: &str) -> Result<Account, Refusal> {
    let account = account(store, id)?;
    if account.user.active { Ok(account) } else { Err(Refusal::Inactive) }
}

fn descriptors(credentials: Vec<Credential>) -> Vec<PublicKeyCredentialDescriptor> {
    let descriptor = |credential: Credential| PublicKeyCredentialDescriptor {
        transports: credential.transports,
        ..PublicKeyCredentialDescriptor::new(credential.credential_id)
    };
    credentials.into_iter().map(descriptor).collect()
}

/// Names are shown to people: no empty ones, no endless ones, no control characters.
fn check_name(what: &str, name: &str, longest: usize) -> Result<(), Refusal> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > longest || name.chars().any(char::is_control) {
        return Err(Refusal::Request(format!("{what}: 1 to {longest} characters without control characters")));
    }
    Ok(())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("aws-lc draws random bytes or ends the process");
    bytes
}

fn random_id() -> String {
    data_encoding::HEXLOWER.encode(&random::<16>())
}
