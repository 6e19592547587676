//! One signature of a key, as a step and a drill ask for it.

use keywright_fido::ctap::{Authenticator, CtapError, GetAssertion, PinUvAuthToken, Touch};
use keywright_fido::webauthn::response::AuthenticationResponse;
use keywright_fido::webauthn::{ClientDataJson, CredentialId, RpId};

/// One signature with a touch; `token` needs ga for this RP ID. `None` if the key answers with none.
pub(super) fn sign(
    key: &mut Authenticator,
    token: &PinUvAuthToken,
    rp_id: &RpId,
    credential_id: &CredentialId,
    client_data: ClientDataJson,
    touch: Touch<'_>,
) -> Result<Option<AuthenticationResponse>, CtapError> {
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: client_data.hash(),
        allow_list: vec![credential_id.clone()],
        user_presence: true,
    };
    let assertion = key.get_assertions(&request, Some(token), touch)?.into_iter().next();
    Ok(assertion.map(|assertion| assertion.into_response(client_data)))
}
