//! Passkeys of an Auth0 account: what a key is asked for, what is registered of it, and what is told of those that are there.
//!
//! | member | what it is | how sure |
//! |---|---|---|
//! | `public_key` | a COSE_Key (RFC 9052) in base64 with padding | "encoded as base64" is Auth0's description; COSE is what Auth0 gives back of passkeys that it registered itself (test data of auth0/Auth0.swift), so it is what it keeps; that it takes the same is concluded |
//! | `key_id`, `user_handle` | base64url without padding | the same test data |
//! | `credential_device_type`, `credential_backed_up` | the flags BE and BS | description |
//! | `identity_user_id` | the id within the database connection | description |
//!
//! A passkey signs in by its user handle, so that all of an account's have one: that of those that are there, else one that follows from
//! tenant and identity and is the same each time. It refuses to send what our own check does not pass: Auth0 checks nothing.

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha512};
use ureq::http::Method;

use super::wire::{AuthenticationMethod, PASSKEY};
use super::{Auth0, known, methods_path};
use crate::idp::capability::passkeys::{Binding, Passkey, Passkeys, ToldBy};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::{Registered, User};
use crate::idp::error::DirectoryError;
use crate::idp::own_challenge;
use keywright_fido::webauthn::options::PublicKeyCredentialDescriptor;
use keywright_fido::webauthn::response::ExpectedRegistration;
use keywright_fido::webauthn::{Aaguid, Ceremony, RegistrationResponse, RelyingParty, UserEntity, UserHandle};

/// What reading an account's passkeys needs.
pub(super) const NEEDS: &str = "the scope read:authentication_methods";

/// What is asked of a key. Nothing is changed at Auth0.
pub(super) fn begin(auth0: &Auth0, user: &User) -> Result<Ceremony, DirectoryError> {
    let idp = auth0.session.idp();
    let account = auth0.account(&user.id, &known(user))?;
    let identity = account.database_identity().ok_or_else(|| {
        idp.refused(format!("{} is in no database connection, and Auth0 has passkeys for no other", user.login))
    })?;
    let there: Vec<AuthenticationMethod> =
        auth0.authentication_methods(user)?.into_iter().filter(AuthenticationMethod::is_key).collect();
    let known_handle = there.iter().filter(|one| one.kind == PASSKEY).find_map(|one| one.user_handle.as_deref());
    let handle = match known_handle {
        Some(told) => told.parse().map_err(|error| idp.invalid_response(format!("user_handle: {error}")))?,
        None => own_handle(&auth0.host, &identity.id()),
    };
    let entity = UserEntity { id: handle, name: user.login.clone(), display_name: user.display_name.clone() };
    let rp = RelyingParty { id: auth0.rp_id.clone(), name: auth0.rp_id.to_string() };
    let mut ceremony = own_challenge::ceremony(&user.id, rp, entity, auth0.origin.clone());
    let ids = there.iter().filter_map(|one| one.registered(&auth0.rp_id).credential_id);
    ceremony.options.exclude_credentials = ids.map(PublicKeyCredentialDescriptor::new).collect();
    ceremony.continuation = Some(identity.id());
    Ok(ceremony)
}

/// 64 bytes, as many as Auth0's own have.
fn own_handle(host: &str, identity: &str) -> UserHandle {
    let mut hash = Sha512::new();
    for part in [host, identity] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    UserHandle::new(hash.finalize().to_vec()).expect("WebAuthn allows 64 bytes")
}

/// `CreateUserAuthenticationMethodResponseContent`.
#[derive(Deserialize)]
struct Created {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    key_id: Option<String>,
}

/// Registers what the key made, once it passed our own check.
pub(super) fn complete(
    auth0: &Auth0,
    ceremony: &Ceremony,
    response: &RegistrationResponse,
    label: &str,
) -> Result<Registered, DirectoryError> {
    let idp = auth0.session.idp();
    let expected = ExpectedRegistration {
        challenge: &ceremony.options.challenge,
        origin: &ceremony.origin,
        rp_id: &ceremony.options.rp.id,
        user_verification: true,
    };
    let made = response.check(&expected).map_err(|error| idp.refused(format!("nothing was sent: {error}")))?;
    let flags = response.attestation_object.auth_data.flags;
    let mut body = json!({
        "type": PASSKEY,
        "name": label,
        "key_id": response.credential_id,
        "public_key": BASE64.encode(&made.public_key.bytes),
        "relying_party_identifier": ceremony.options.rp.id,
        "credential_device_type": if flags.backup_eligible() { "multi_device" } else { "single_device" },
        "credential_backed_up": flags.backup_state(),
        "identity_user_id": ceremony.continuation,
        "user_handle": ceremony.options.user.id,
        "transports": response.transports,
    });
    if made.aaguid != Aaguid::ZERO {
        body["aaguid"] = made.aaguid.to_string().into();
    }
    let call = auth0.call(Method::POST, &methods_path(&ceremony.user_id)).json(&body);
    let created: Created = auth0.send(call, "such user")?.json()?;
    let is_it = created.key_id.as_ref().is_none_or(|id| *id == response.credential_id.to_string());
    if created.kind != PASSKEY || !is_it {
        return Err(idp.invalid_response("it says that it registered something else"));
    }
    Ok(Registered {
        id: created.id,
        credential_id: Some(response.credential_id.clone()),
        label: created.name.unwrap_or_else(|| label.to_owned()),
        in_service: true,
    })
}

impl Passkeys for Auth0 {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let asked = self.authentication_methods(user);
        let told = Told::of_existing("the account's passkeys", NEEDS, asked)?;
        let passkey = |one: AuthenticationMethod| Passkey {
            binding: one.binding(),
            told_by: if one.binding() == Binding::CannotTell { ToldBy::Nobody } else { ToldBy::IdpType },
            ..Passkey::by_model(one.registered(&self.rp_id), one.aaguid)
        };
        let keys = |all: Vec<AuthenticationMethod>| all.into_iter().filter(AuthenticationMethod::is_key);
        Ok(Listing::of(told.map(|all| keys(all).map(passkey).collect())))
    }
}

impl AuthenticationMethod {
    /// By the flag BE, which the client told when it was registered.
    pub(super) fn binding(&self) -> Binding {
        match self.credential_device_type.as_deref() {
            Some("single_device") => Binding::DeviceBound,
            Some("multi_device") => Binding::Synced,
            _ => Binding::CannotTell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_user_handle_is_the_same_each_time_and_nobody_elses() {
        let one = own_handle("acme.eu.auth0.com", "1");
        assert_eq!((one.as_bytes().len(), &one), (64, &own_handle("acme.eu.auth0.com", "1")));
        assert_ne!(one, own_handle("acme.eu.auth0.com", "2"));
        assert_ne!(own_handle("ab", "c"), own_handle("a", "bc"));
    }
}
