//! A key that is nobody's gets something to be known by: a throw-away credential for an RP that cannot exist.
//!
//! It takes no room on the key, shows nothing to anybody who does not have the ledger, and is gone with a reset. It refuses to go on
//! without a touch; a key that makes no credential before it has a PIN is left without one.

use crate::audit::key::attest;
use crate::cli::shared::open_key::{Keys, touch_prompt};
use crate::cli::shared::{CliError, Session};
use crate::ledger::{Event, KeyNumber};
use crate::register::Register;
use crate::secret::SystemEntropy;
use keywright_attest::{Anchors, Chain, Judge, Statement};
use keywright_fido::ctap::{Authenticator, StatusMeaning};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::CredentialId;

/// What a key showed when it made its throw-away credential.
pub(super) struct Marked {
    pub(super) credential_id: CredentialId,
    /// The model's name in metadata.
    pub(super) model: Option<String>,
    /// The serial number that a trusted attestation names.
    pub(super) attested_serial: Option<String>,
}

/// What attestations are held against here.
pub(super) fn judge(keys: &Keys, session: &Session) -> Result<Judge, CliError> {
    let makers = match keys.soft_anchor_pem() {
        Some(pem) => Anchors::from_pem_or_der(pem.as_bytes())?,
        None => Anchors::none(),
    };
    session.judge(makers)
}

/// Has the key make one, with a touch. `None` if it makes none without a PIN.
pub(super) fn mark(
    key: &mut Authenticator,
    device: &Device,
    judge: &Judge,
    session: &Session,
) -> Result<Option<Marked>, CliError> {
    let made = match attest(key, None, None, &SystemEntropy, &mut touch_prompt(session, device)) {
        Ok(made) => made,
        Err(error) if error.means(StatusMeaning::PinRequired) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let hash = made.client_data.as_ref().map(|client_data| client_data.hash());
    let verdict = judge.judge(&made.attestation, hash.as_ref(), key.info().firmware_version, Session::now());
    let is_trusted = verdict.statement == Statement::Valid && verdict.chain == Chain::Trusted;
    let attested = made.attestation.auth_data.attested_credential_data;
    Ok(attested.map(|attested| Marked {
        credential_id: attested.credential_id,
        model: verdict.model,
        attested_serial: verdict.serial.filter(|_| is_trusted),
    }))
}

/// A key of the ledger that was wiped gets another one, so that it keeps its number. It is back whether it does or not.
pub(in crate::cli::commands) fn mark_again(
    keys: &Keys,
    device: &Device,
    mut key: Authenticator,
    ids: &[CredentialId],
    session: &Session,
) -> Result<(), CliError> {
    let register = session.register()?;
    let Some((number, _)) = ids.iter().find_map(|id| register.key_of(id)) else { return Ok(()) };
    let marked = match mark(&mut key, device, &judge(keys, session)?, session) {
        Ok(Some(marked)) => marked,
        Ok(None) => return untold(number, "it makes no credential without a PIN", session),
        Err(CliError::Ctap(error)) => return untold(number, &error.to_string(), session),
        Err(error) => return Err(error),
    };
    let store = session.ledger_for_writing()?;
    let mut register = Register::of(&*store)?;
    let (credential_id, operator) = (marked.credential_id, Some(session.operator()?));
    Ok(register.record(&*store, &Event::KeyMarked { key: number, credential_id, operator })?)
}

fn untold(number: KeyNumber, why: &str, session: &Session) -> Result<(), CliError> {
    session.console.warn(&format!("{number} is back, and may not be known again: {why}; label it"));
    Ok(())
}
