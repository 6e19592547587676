//! A ceremony of our own, for IdPs that begin none: the challenge is drawn here, and nobody but us holds the answer against it.
//!
//! It refuses to say where the answer goes, or whether it goes anywhere: that is the adapter's.

use std::time::Duration;

use time::OffsetDateTime;

use crate::secret::{Entropy as _, SystemEntropy};
use keywright_fido::webauthn::options::{AuthenticatorSelection, PublicKeyCredentialParameters};
use keywright_fido::webauthn::{
    AttestationConveyance, Ceremony, Challenge, CoseAlgorithm, CredentialCreationOptions, Origin, RelyingParty,
    UserEntity, UserVerification,
};

/// How long a key may take to attest itself. Nobody waits for it but us.
const LIFE: Duration = Duration::from_secs(3600);

/// 32 bytes that nobody knows.
pub(super) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    bytes
}

/// For a resident credential, with user verification and attestation.
pub(super) fn ceremony(user_id: &str, rp: RelyingParty, user: UserEntity, origin: Origin) -> Ceremony {
    let parameters = |alg| PublicKeyCredentialParameters { kind: "public-key".into(), alg };
    let options = CredentialCreationOptions {
        rp,
        user,
        challenge: Challenge::new(random()).expect("WebAuthn allows 32 bytes"),
        pub_key_cred_params: [CoseAlgorithm::ES256, CoseAlgorithm::EDDSA].map(parameters).into(),
        timeout: None,
        exclude_credentials: Vec::new(),
        authenticator_selection: AuthenticatorSelection {
            resident_key: Some("required".into()),
            require_resident_key: true,
            user_verification: UserVerification::Required,
        },
        attestation: AttestationConveyance::Direct,
        extensions: serde_json::Value::Null,
    };
    Ceremony {
        user_id: user_id.to_owned(),
        pending: None,
        continuation: None,
        options,
        origin,
        deadline: OffsetDateTime::now_utc() + LIFE,
    }
}
