//! The data that authenticators, clients and relying parties exchange, as WebAuthn Level 3 spells it.
//!
//! Pure: encodes, decodes and checks shapes. It refuses to do I/O, and it refuses to judge: whether an attestation is
//! acceptable is another crate's question.

pub mod attestation_object;
pub mod authenticator_data;
pub mod base64url;
pub mod cbor;
pub mod ceremony;
pub mod client_data;
pub mod cose;
pub mod identifiers;
mod model_name;
pub mod options;
pub mod response;
pub mod signed_assertion;

pub use attestation_object::AttestationObject;
pub use authenticator_data::{AttestedCredentialData, AuthenticatorData, Flags};
pub use ceremony::{Ceremony, SignInCeremony};
pub use client_data::{CeremonyType, ClientDataJson};
pub use cose::{CoseAlgorithm, CosePublicKey};
pub use identifiers::{Aaguid, Challenge, CredentialId, Origin, RpId, UserHandle};
pub use options::{
    AttestationConveyance, CredentialCreationOptions, CredentialRequestOptions, RelyingParty, UserEntity,
    UserVerification,
};
pub use response::{AuthenticationResponse, RegistrationResponse};
pub use signed_assertion::SignedAssertion;

/// What is wrong with bytes or text that should have been WebAuthn data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// The CBOR itself is not acceptable.
    #[error("{0}")]
    Cbor(#[from] cbor::CborError),
    /// A value has the wrong length, alphabet or form.
    #[error("{what}: {why}")]
    Malformed {
        /// The specification's name of the value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A signature does not verify with the key and algorithm it names.
    #[error("the signature does not verify with this key")]
    BadSignature,
    /// The algorithm is known by number only.
    #[error("COSE algorithm {0} is not supported for verification")]
    UnsupportedAlgorithm(i64),
    /// A ceremony's data is not what the relying party asked for (WebAuthn 7.1, 7.2).
    #[error("{what} is not what was asked for: {why}")]
    Ceremony {
        /// The specification's name of the member.
        what: &'static str,
        /// What differs.
        why: String,
    },
}

impl WebauthnError {
    /// Data called `what` that is not as the specification has it.
    pub fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }
}
