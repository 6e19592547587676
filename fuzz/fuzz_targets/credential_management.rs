//! The answers to authenticatorCredentialManagement: as many entries as answers, or an error.

#![no_main]

use std::sync::LazyLock;

use keywright_fido::ctap::PinUvAuthToken;
use keywright_fuzz::answering::{answers, key, rp_id, token};
use libfuzzer_sys::fuzz_target;

static TOKEN: LazyLock<PinUvAuthToken> = LazyLock::new(token);

fuzz_target!(|script: &[u8]| {
    let answers = answers(script);
    let number = answers.len();
    let _ = key(answers.clone()).credentials_metadata(&TOKEN);
    if let Ok(rps) = key(answers.clone()).enumerate_rps(&TOKEN) {
        assert!(rps.len() <= number);
    }
    if let Ok(credentials) = key(answers).enumerate_credentials(&TOKEN, &rp_id().hash()) {
        assert!(credentials.len() <= number);
        for credential in credentials {
            assert!((1..=64).contains(&credential.user_handle.as_bytes().len()));
            assert!((1..=1023).contains(&credential.credential_id.as_bytes().len()));
        }
    }
});
