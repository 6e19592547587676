//! The maker of the seeds. Its keys are the same in every run, so that a corpus keeps its meaning and a finding can be tried
//! again; they are known to everybody, and nothing outside this package may trust them.

use std::sync::LazyLock;

use keywright_attest::{Chain, Judge, Statement, Verdict};
use keywright_fido::webauthn::AttestationObject;
use keywright_fido::webauthn::cose::CoseKeyParameters;
use rcgen::{CertifiedIssuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::testing::{Maker, auth_data, authority};

/// The maker.
pub static MAKER: LazyLock<Maker> = LazyLock::new(|| making(pair(3)));

fn making(credential: KeyPair) -> Maker {
    let root = CertifiedIssuer::self_signed(authority("Root"), pair(1)).expect("the parameters are those of a root");
    Maker { root, attestation: pair(2), credential }
}

/// A judge that trusts the maker's root for every model, and remembers, as the judge of a whole folder does.
pub static JUDGE: LazyLock<Judge> = LazyLock::new(|| Judge::new(MAKER.anchors()));

/// The P-256 key whose private scalar is this byte 32 times.
fn pair(byte: u8) -> KeyPair {
    // OneAsymmetricKey (RFC 5958) around ECPrivateKey (RFC 5915), without the public key, which follows from the other.
    let head: &[u8] = &[
        0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];
    let der = PrivatePkcs8KeyDer::from([head, &[byte; 32]].concat());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).expect("any scalar below the order is a key")
}

/// The maker signs for one credential only, and nobody else has its keys: what is judged valid and trusted is that credential,
/// under the same RP ID hash, and for `packed` the very authenticator data.
pub fn assert_not_forged(object: &AttestationObject, verdict: &Verdict) {
    if (verdict.statement, verdict.chain) != (Statement::Valid, Chain::Trusted) {
        return;
    }
    let credential =
        object.auth_data.attested_credential_data.as_ref().expect("a valid statement attests a credential");
    let (x, y) = MAKER.credential.public_key_raw()[1..].split_at(32);
    match &credential.public_key.parameters {
        CoseKeyParameters::P256 { x: theirs_x, y: theirs_y } => assert_eq!((&theirs_x[..], &theirs_y[..]), (x, y)),
        other => panic!("another key is attested: {other:?}"),
    }
    assert_eq!(credential.credential_id.as_bytes(), b"credential");
    assert_eq!(object.auth_data.rp_id_hash, [0xab; 32]);
    if object.fmt == "packed" {
        assert_eq!(object.auth_data_bytes, auth_data(&credential.public_key.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CLIENT_DATA_HASH, now};

    /// Otherwise nothing that the targets assert about what is valid and trusted would ever be asked.
    #[test]
    fn what_the_maker_signs_is_valid_and_trusted() {
        for object in [MAKER.good_packed(), MAKER.fido_u2f()] {
            let verdict = JUDGE.judge(&object, Some(&CLIENT_DATA_HASH), None, now());
            assert_eq!((verdict.statement, verdict.chain), (Statement::Valid, Chain::Trusted), "{verdict:#?}");
            assert_not_forged(&object, &verdict);
        }
    }

    #[test]
    #[should_panic(expected = "assertion")]
    fn another_makers_credential_would_be_noticed() {
        let object = making(pair(4)).good_packed();
        let verdict = JUDGE.judge(&object, Some(&CLIENT_DATA_HASH), None, now());
        assert_not_forged(&object, &verdict);
    }
}
