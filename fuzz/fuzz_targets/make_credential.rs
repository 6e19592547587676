//! The answer to authenticatorMakeCredential: a credential for the RP that asked, or an error.

#![no_main]

use keywright_fido::ctap::MakeCredential;
use keywright_fido::webauthn::{AttestationObject, CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_fuzz::answering::{key, rp_id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let user = UserEntity {
        id: UserHandle::new([1]).expect("one byte will do"),
        name: "ada".into(),
        display_name: String::new(),
    };
    let rp = RelyingParty { id: rp_id(), name: String::new() };
    let request =
        MakeCredential { resident_key: true, ..MakeCredential::new([0x5a; 32], rp, user, vec![CoseAlgorithm::ES256]) };
    let Ok(made) = key(vec![answer.to_vec()]).make_credential(&request, None, &mut |_| {}) else { return };
    let object = made.attestation_object;
    assert_eq!(object.auth_data.rp_id_hash, rp_id().hash());
    assert!(object.auth_data.attested_credential_data.is_some());
    assert_eq!(AttestationObject::parse(object.as_bytes()), Ok(object));
});
