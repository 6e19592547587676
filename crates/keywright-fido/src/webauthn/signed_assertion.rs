//! What a verifier needs to check an assertion's signature, in the one form in which it is kept and handed on.

use serde::{Deserialize, Serialize};

use super::{ClientDataJson, CosePublicKey, WebauthnError, base64url};

/// An assertion (WebAuthn 6.3.3): the signature, and the two things that it is over. JSON: each member in base64url without
/// padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAssertion {
    /// Authenticator data as signed.
    #[serde(with = "base64url")]
    pub authenticator_data: Vec<u8>,
    /// Client data as hashed.
    pub client_data_json: ClientDataJson,
    /// The signature, encoded as WebAuthn 6.5.5 says.
    #[serde(with = "base64url")]
    pub signature: Vec<u8>,
}

impl SignedAssertion {
    /// Verifies the signature over authenticator data and client data hash (WebAuthn 7.2 steps 20 and 21).
    /// [`WebauthnError::BadSignature`] if it is another key's, [`WebauthnError::UnsupportedAlgorithm`] if this key's algorithm
    /// cannot be verified here. What the signed data says is not looked at.
    pub fn verify(&self, public_key: &CosePublicKey) -> Result<(), WebauthnError> {
        let message = [&self.authenticator_data[..], &self.client_data_json.hash()].concat();
        public_key.verify(&message, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_json_has_three_texts() {
        let json = r#"{"authenticator_data":"AAAA","client_data_json":"e30","signature":"MEQC"}"#;
        let read: SignedAssertion = serde_json::from_str(json).unwrap();
        assert_eq!(read.client_data_json.as_bytes(), b"{}");
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
