//! The part of a drill that an API does elsewhere: a person registered the key in a browser, and signed in with it.
//!
//! The person's word is taken, and written down as theirs. What the key itself can show of it is looked at: a credential for the
//! directory's RP ID, and its signature. It refuses to hold such a credential for the attested one: that both are on one key is
//! seen here, by one PIN, and by nobody else.

use data_encoding::BASE64URL_NOPAD;

use super::{Drill, DrillError, Ready};
use crate::idp::ByHand;
use crate::ledger::{FoundOnKey, SeenByHand};
use crate::provision::{pin_attempts, signature};
use crate::register::CredentialState;
use keywright_fido::ctap::{Authenticator, MinPinLength, Permissions, Pin, StoredCredential, Touch};
use keywright_fido::webauthn::response::ExpectedAuthentication;
use keywright_fido::webauthn::{CeremonyType, ClientDataJson, CosePublicKey, Origin};

impl Drill<'_> {
    /// What the key shows of a registration that was made by hand, with PIN and, where it shows a credential, a touch. `said_by`
    /// is who says that it signs in. A key that is confirmed by this then demands the PIN change that its profile asks for.
    pub fn confirm(
        &self,
        key: &mut Authenticator,
        ready: &Ready,
        pin: &Pin,
        by_hand: &ByHand,
        said_by: &str,
        touch: Touch<'_>,
    ) -> Result<SeenByHand, DrillError> {
        let found = match on_key(key, pin, by_hand, &ready.user.login)? {
            Some((stored, public_key)) => Some(self.sign(key, pin, by_hand, stored, &public_key, touch)?),
            None if by_hand.resident_key => return Err(DrillError::NotOnKey { rp_id: by_hand.rp_id.clone() }),
            None => None,
        };
        if ready.credential.state == CredentialState::Unconfirmed {
            self.force_pin_change(key, ready, pin)?;
        }
        Ok(SeenByHand { said_by: said_by.to_owned(), found })
    }

    fn sign(
        &self,
        key: &mut Authenticator,
        pin: &Pin,
        by_hand: &ByHand,
        stored: StoredCredential,
        public_key: &CosePublicKey,
        touch: Touch<'_>,
    ) -> Result<FoundOnKey, DrillError> {
        let (rp_id, id) = (&by_hand.rp_id, &stored.credential_id);
        let challenge = self.challenge()?;
        let origin: Origin = format!("https://{rp_id}").parse().map_err(DrillError::Record)?;
        let client_data = ClientDataJson::new(CeremonyType::Get, &challenge, &origin);
        let token = pin_attempts::token(key, pin, Permissions::GET_ASSERTION, Some(rp_id))?;
        let response =
            signature::sign(key, &token, rp_id, id, client_data, touch)?.ok_or(DrillError::CredentialGone)?;
        let expected = ExpectedAuthentication {
            challenge: &challenge,
            origin: &origin,
            rp_id,
            user_verification: true,
            public_key,
            // Nobody knows how often it signed before.
            sign_count: 0,
        };
        response.check(&expected).map_err(DrillError::Unproved)?;
        Ok(FoundOnKey {
            credential_id: stored.credential_id,
            rp_id: rp_id.clone(),
            user_name: stored.user_name,
            public_key: BASE64URL_NOPAD.encode(&public_key.bytes),
            signature: response.assertion,
        })
    }

    fn force_pin_change(&self, key: &mut Authenticator, ready: &Ready, pin: &Pin) -> Result<(), DrillError> {
        let force = self.journal.book().accounts[&ready.credential.account].profile.pin.force_change;
        if !force || key.info().force_pin_change {
            return Ok(());
        }
        let token = pin_attempts::token(key, pin, Permissions::AUTHENTICATOR_CONFIGURATION, None)?;
        let request = MinPinLength { force_change_pin: true, ..MinPinLength::default() };
        key.set_min_pin_length(Some(&token), &request)?;
        match key.refresh_info()?.force_pin_change {
            true => Ok(()),
            false => Err(DrillError::PinChangeNotTaken),
        }
    }
}

/// The credential that the browser made, and its public key: the one under the account's login if the key has several. `None` if
/// there is none, or the key lists none.
fn on_key(
    key: &mut Authenticator,
    pin: &Pin,
    by_hand: &ByHand,
    login: &str,
) -> Result<Option<(StoredCredential, CosePublicKey)>, DrillError> {
    if !key.info().manages_credentials() {
        return Ok(None);
    }
    let token = pin_attempts::token(key, pin, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let mut stored = key.enumerate_credentials(&token, &by_hand.rp_id.hash())?;
    stored.sort_by_key(|one| !one.user_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(login)));
    Ok(stored.into_iter().find_map(|one| one.public_key.clone().map(|public_key| (one, public_key))))
}
