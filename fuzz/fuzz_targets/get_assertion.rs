//! The answers to authenticatorGetAssertion and authenticatorGetNextAssertion: signatures for the RP that asked, by credentials
//! that were asked for.

#![no_main]

use keywright_fido::ctap::GetAssertion;
use keywright_fido::webauthn::{AuthenticatorData, CredentialId};
use keywright_fuzz::answering::{answers, key, rp_id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (listed, script) = input;
    let id = |number: u8| CredentialId::new([number; 16]).expect("16 bytes will do");
    let allow_list: Vec<_> = (0..listed % 4).map(id).collect();
    let request = GetAssertion {
        rp_id: rp_id(),
        client_data_hash: [0x5a; 32],
        allow_list: allow_list.clone(),
        user_presence: true,
    };
    let answers = answers(script);
    let number = answers.len();
    let Ok(assertions) = key(answers).get_assertions(&request, None, &mut |_| {}) else { return };
    assert!((1..=number).contains(&assertions.len()));
    for assertion in assertions {
        let data = AuthenticatorData::parse(&assertion.authenticator_data).expect("it was read before");
        assert_eq!(data.rp_id_hash, rp_id().hash());
        assert!(allow_list.is_empty() || allow_list.contains(&assertion.credential_id));
    }
});
