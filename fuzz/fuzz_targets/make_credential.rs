//! The answer to authenticatorMakeCredential: a credential for the RP that asked, or an error.

#![no_main]

use keywright::ctap::MakeCredential;
use keywright::webauthn::{AttestationObject, CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_fuzz::answering::{key, rp_id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let request = MakeCredential {
        client_data_hash: [0x5a; 32],
        rp: RelyingParty { id: rp_id(), name: String::new() },
        user: UserEntity {
            id: UserHandle::new([1]).expect("one byte will do"),
            name: "ada".into(),
            display_name: String::new(),
        },
        pub_key_cred_params: vec![CoseAlgorithm::ES256],
        exclude_list: Vec::new(),
        resident_key: true,
        cred_protect: None,
        cred_blob: None,
        min_pin_length: false,
        hmac_secret: false,
        large_blob_key: false,
        enterprise_attestation: None,
        attestation_formats_preference: Vec::new(),
    };
    let Ok(made) = key(vec![answer.to_vec()]).make_credential(&request, None, &mut |_| {}) else { return };
    let object = made.attestation_object;
    assert_eq!(object.auth_data.rp_id_hash, rp_id().hash());
    assert!(object.auth_data.attested_credential_data.is_some());
    let written = object.to_bytes();
    assert_eq!(AttestationObject::parse(&written).map(|again| again.to_bytes()), Ok(written));
});
