//! The answers to authenticatorClientPIN.

#![no_main]

use keywright_fido::ctap::{Permissions, Pin};
use keywright_fuzz::answering::{answers, key, rp_id};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| {
    let answers = answers(script);
    let pin = Pin::new("k7mw4xrt").expect("it is long enough");
    if let Ok(told) = key(answers.clone()).pin_retries() {
        assert!(told.retries <= 255);
    }
    // Two answers each: the key agreement, and what was asked for. What says nothing but success is taken without a second look.
    if key(answers.clone()).change_pin(&pin, &pin).is_ok() {
        assert!(answers.len() >= 2);
    }
    if let Ok(token) = key(answers.clone()).pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp_id())) {
        assert!(answers.len() >= 2);
        assert!(token.permits(Permissions::GET_ASSERTION) && !token.permits(Permissions::MAKE_CREDENTIAL));
    }
});
