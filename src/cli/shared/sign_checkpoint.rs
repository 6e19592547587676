//! The operator's own security key signs a checkpoint, with a touch.
//!
//! It refuses to take a signature that does not verify: what a key answers is checked before it is kept.

use crate::cli::shared::open_key::{self, touch_prompt};
use crate::cli::shared::{CliError, Session, checkpoint, pin_entry};
use crate::ledger::Kept;
use crate::ledger::assertion::{self, SecurityKey};
use crate::ledger::note::{KeyKind, NoteKey, Signed};
use crate::provision::{PinAttemptError, credential_on_key, pin_attempts};
use crate::secret::SecretSource;
use keywright_fido::ctap::{Authenticator, GetAssertion, MakeCredential, Permissions, PinUvAuthToken};
use keywright_fido::hid::{Bus, Device};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, RpId, UserEntity, UserHandle};

/// What became of it.
pub(crate) enum Found {
    /// It signed, under this name.
    Signed(Kept, String),
    /// The key has none of the credentials.
    NoCredential,
}

/// Makes the credential for it. The key stores nothing: the credential id stands in what the settings get.
pub(crate) fn make(
    key: &mut Authenticator,
    device: &Device,
    name: &str,
    pin: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<NoteKey, CliError> {
    let wrong = |why: &dyn std::fmt::Display| CliError::Usage(format!("--new-key {name}: {why}"));
    // The name first, before anybody touches anything.
    NoteKey::of_station(name, [0; 32]).map_err(|error| wrong(&error))?;
    let rp_id = assertion::rp_id();
    let token = token(key, Permissions::MAKE_CREDENTIAL, &rp_id, pin, yes, session)?;
    let user = UserEntity {
        id: UserHandle::new(*b"checkpoint").map_err(|error| wrong(&error))?,
        name: name.to_owned(),
        display_name: name.to_owned(),
    };
    let request = MakeCredential::new(
        assertion::client_data(name).hash(),
        RelyingParty { id: rp_id, name: "keywright checkpoints".to_owned() },
        user,
        vec![CoseAlgorithm::ES256, CoseAlgorithm::EDDSA],
    );
    let made = key.make_credential(&request, token.as_ref(), &mut touch_prompt(session, device))?;
    let attested = made.attestation_object.auth_data.attested_credential_data.clone();
    let attested = attested.ok_or_else(|| CliError::NotFound("the key made no credential".to_owned()))?;
    let security_key = SecurityKey { credential_id: attested.credential_id, public_key: attested.public_key };
    NoteKey::new(name, KeyKind::SecurityKey(security_key)).map_err(|error| wrong(&error))
}

/// Has the key sign with the first of these credentials that it has, and keeps the signature with the checkpoint.
pub(crate) fn sign(
    key: &mut Authenticator,
    device: &Device,
    pinned: &[NoteKey],
    kept: &Kept,
    pin: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<Found, CliError> {
    let rp_id = assertion::rp_id();
    for note_key in pinned {
        let KeyKind::SecurityKey(security_key) = note_key.kind() else { continue };
        let id = &security_key.credential_id;
        if credential_on_key::first(key, &rp_id, std::slice::from_ref(id), None)?.is_none() {
            continue;
        }
        // A touch is what is asked for; only keys that demand their PIN for everything get it.
        let token = match key.info().option("alwaysUv") {
            Some(true) => token(key, Permissions::GET_ASSERTION, &rp_id, pin, yes, session)?,
            _ => None,
        };
        let client_data = assertion::client_data(kept.note.text());
        let request = GetAssertion {
            rp_id: rp_id.clone(),
            client_data_hash: client_data.hash(),
            allow_list: vec![id.clone()],
            user_presence: true,
        };
        let assertions = key.get_assertions(&request, token.as_ref(), &mut touch_prompt(session, device))?;
        let signed = assertions.into_iter().next().map(|assertion| assertion.into_response(client_data).assertion);
        let mut note = kept.note.clone();
        if let Some(signature) = signed.as_ref().and_then(assertion::pack) {
            note.add(note_key, signature);
        }
        if note.signed_by(note_key) != Signed::Yes {
            return Err(CliError::NotFound(format!("the key's signature is not one of {}", note_key.name())));
        }
        let kept = session.checkpoints()?.keep(kept.checkpoint.clone(), note)?;
        return Ok(Found::Signed(kept, note_key.name().to_owned()));
    }
    Ok(Found::NoCredential)
}

/// The same with whichever of the keys that are plugged in has one of the credentials.
pub(crate) fn with_any_key(
    bus: &dyn Bus,
    pinned: &[NoteKey],
    signed: checkpoint::Signed,
    session: &Session,
) -> Result<checkpoint::Signed, CliError> {
    for device in bus.devices()? {
        let mut key = open_key::open(bus, &device, session)?;
        if let Found::Signed(kept, name) = sign(&mut key, &device, pinned, &signed.kept, None, false, session)? {
            return Ok(checkpoint::Signed { kept, security_key: Some(name), ..signed });
        }
    }
    let names: Vec<_> = pinned.iter().map(NoteKey::name).collect();
    Err(CliError::Unsigned { keys: names.join(", ") })
}

fn token(
    key: &mut Authenticator,
    permissions: Permissions,
    rp_id: &RpId,
    pin: Option<&SecretSource>,
    yes: bool,
    session: &Session,
) -> Result<Option<PinUvAuthToken>, CliError> {
    if !key.info().has_pin() {
        return Ok(None);
    }
    let pin = pin_entry::for_tokens(key, pin, yes, session)?;
    let token: Result<_, PinAttemptError> = pin_attempts::token(key, &pin, permissions, Some(rp_id));
    Ok(Some(token?))
}
