//! A key that speaks CTAP2: a channel, and what it said of itself.

use std::collections::BTreeMap;

use super::{
    Assertion, CredentialsMetadata, CtapError, GetAssertion, GetInfo, MakeCredential, MinPinLength, NewCredential,
    Permissions, Pin, PinRetries, PinUvAuthToken, StoredCredential, StoredRp,
};
use crate::hid::{Cancel, Keepalive, Limits, Pipe};
use crate::webauthn::{CredentialId, RpId, UserEntity};

/// Hears when the key waits for a touch, and when it no longer does.
pub type Touch<'a> = &'a mut dyn FnMut(Keepalive);

/// An open key.
pub struct Authenticator {
    _info: GetInfo,
}

impl Authenticator {
    /// Opens a channel and asks the key what it is.
    pub fn open(_pipe: Box<dyn Pipe>, _limits: Limits, _cancel: Cancel) -> Result<Self, CtapError> {
        todo!()
    }

    /// What the key said last.
    pub fn info(&self) -> &GetInfo {
        todo!()
    }

    /// authenticatorGetInfo again, after something that changes it.
    pub fn refresh_info(&mut self) -> Result<&GetInfo, CtapError> {
        todo!()
    }

    /// CTAPHID_WINK; does nothing on a key that cannot.
    pub fn wink(&mut self) -> Result<(), CtapError> {
        todo!()
    }

    /// clientPIN setPIN, on a key that has none.
    pub fn set_pin(&mut self, _pin: &Pin) -> Result<(), CtapError> {
        todo!()
    }

    /// clientPIN changePIN.
    pub fn change_pin(&mut self, _current: &Pin, _new: &Pin) -> Result<(), CtapError> {
        todo!()
    }

    /// clientPIN getPINRetries. Only on a key that has a PIN: some firmware answers nonsense before.
    pub fn pin_retries(&mut self) -> Result<PinRetries, CtapError> {
        todo!()
    }

    /// A token for these permissions, bound to the RP ID if there is one; the legacy token on keys without `pinUvAuthToken`.
    /// Sends the PIN once.
    pub fn pin_uv_auth_token(
        &mut self,
        _pin: &Pin,
        _permissions: Permissions,
        _rp_id: Option<&RpId>,
    ) -> Result<PinUvAuthToken, CtapError> {
        todo!()
    }

    /// authenticatorMakeCredential.
    pub fn make_credential(
        &mut self,
        _request: &MakeCredential,
        _token: Option<&PinUvAuthToken>,
        _touch: Touch<'_>,
    ) -> Result<NewCredential, CtapError> {
        todo!()
    }

    /// authenticatorGetAssertion and, if the key has several, authenticatorGetNextAssertion for the others.
    pub fn get_assertions(
        &mut self,
        _request: &GetAssertion,
        _token: Option<&PinUvAuthToken>,
        _touch: Touch<'_>,
    ) -> Result<Vec<Assertion>, CtapError> {
        todo!()
    }

    /// credentialManagement getCredsMetadata.
    pub fn credentials_metadata(&mut self, _token: &PinUvAuthToken) -> Result<CredentialsMetadata, CtapError> {
        todo!()
    }

    /// credentialManagement enumerateRPs. Empty if there are none.
    pub fn enumerate_rps(&mut self, _token: &PinUvAuthToken) -> Result<Vec<StoredRp>, CtapError> {
        todo!()
    }

    /// credentialManagement enumerateCredentials. Empty if there are none.
    pub fn enumerate_credentials(
        &mut self,
        _token: &PinUvAuthToken,
        _rp_id_hash: &[u8; 32],
    ) -> Result<Vec<StoredCredential>, CtapError> {
        todo!()
    }

    /// credentialManagement deleteCredential.
    pub fn delete_credential(
        &mut self,
        _token: &PinUvAuthToken,
        _credential_id: &CredentialId,
    ) -> Result<(), CtapError> {
        todo!()
    }

    /// credentialManagement updateUserInformation.
    pub fn update_user_information(
        &mut self,
        _token: &PinUvAuthToken,
        _credential_id: &CredentialId,
        _user: &UserEntity,
    ) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorConfig enableEnterpriseAttestation. Without a token only while the key has no PIN.
    pub fn enable_enterprise_attestation(&mut self, _token: Option<&PinUvAuthToken>) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorConfig toggleAlwaysUv, read before and after, so that it ends as `wanted`.
    pub fn set_always_uv(&mut self, _token: Option<&PinUvAuthToken>, _wanted: bool) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorConfig setMinPINLength.
    pub fn set_min_pin_length(
        &mut self,
        _token: Option<&PinUvAuthToken>,
        _request: &MinPinLength,
    ) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorConfig enableLongTouchForReset (CTAP 2.3).
    pub fn enable_long_touch_for_reset(&mut self, _token: Option<&PinUvAuthToken>) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorReset: within 10 s of power-up, with a touch. Everything on the key is gone.
    pub fn reset(&mut self, _touch: Touch<'_>) -> Result<(), CtapError> {
        todo!()
    }

    /// Returns when somebody touches this key: authenticatorSelection, or on CTAP 2.0 keys makeCredential for a dummy RP with
    /// an empty pinUvAuthParam.
    pub fn selection(&mut self, _touch: Touch<'_>) -> Result<(), CtapError> {
        todo!()
    }

    /// authenticatorLargeBlobs read: the whole serialised large-blob array, its checksum verified.
    pub fn read_large_blobs(&mut self) -> Result<Vec<u8>, CtapError> {
        todo!()
    }
}

/// Members and options that the specification does not name (yet), kept to be shown.
pub type Unknown<K> = BTreeMap<K, String>;
