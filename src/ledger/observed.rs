//! What was seen of a key outside a job: when it was erased, and when it was drilled. Names and members are part of the log's format,
//! as those of events: they may be added to, never changed.

use serde::{Deserialize, Serialize};

use keywright_fido::webauthn::{CredentialId, RpId, SignedAssertion};

/// How credentials went from a key outside a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Erasure {
    /// authenticatorReset: all of them.
    Reset,
    /// Deleted by authenticatorCredentialManagement.
    CredentialDeleted,
}

/// What a key showed without PIN and touch, before it was erased and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureSeen {
    /// The credentials that answered before, each with its signature: it was that key.
    pub before: Vec<SilentAnswer>,
    /// The credentials that were asked for afterwards and that the key no longer has.
    pub silent: Vec<CredentialId>,
}

/// A credential's answer without a touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentAnswer {
    /// The credential.
    pub credential_id: CredentialId,
    /// Its signature, over a challenge of the day; nobody touched the key for it (UP is not set).
    pub signature: SignedAssertion,
}

/// What a drill saw of a stored key. What it did not come to is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The signature, which verified.
    pub signature: Option<SignedAssertion>,
    /// Whether the IdP has the credential.
    pub registered: Option<bool>,
    /// Whether the IdP let the person in with it, where it lets us try.
    pub signed_in: Option<bool>,
    /// What was said and seen of a registration that a person made at an IdP without an API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<SeenByHand>,
    /// Why the key failed, in a sentence without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// That a registration which a person made in a browser came to be: somebody's word, and where the key lists its credentials,
/// the credential itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenByHand {
    /// Who said that the key was used to sign in there, as the operating system calls them.
    pub said_by: String,
    /// The credential that the browser made; `None` if the key lists none for the RP ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundOnKey>,
}

/// A resident credential that was found on a key, and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundOnKey {
    /// The credential.
    pub credential_id: CredentialId,
    /// The RP ID.
    pub rp_id: RpId,
    /// The account's name there, if the key tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The credential public key as the key tells it, COSE, base64url.
    pub public_key: String,
    /// The signature, which verified.
    pub signature: SignedAssertion,
}
