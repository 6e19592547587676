//! A certificate's bytes: as an attestation certificate, and as an anchor.

#![no_main]

use keywright_attest::{Anchors, AttestationCertificate, Statement};
use keywright_fuzz::maker::{JUDGE, MAKER, assert_not_forged};
use keywright_fuzz::testing::{CLIENT_DATA_HASH, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let read = AttestationCertificate::read(input);
    assert_eq!(AttestationCertificate::read(input), read);
    if let Ok(anchors) = Anchors::from_pem_or_der(input) {
        assert!(!anchors.is_empty() && anchors.len() <= input.len());
    }

    let object = MAKER.packed(input, -7);
    let verdict = JUDGE.judge(&object, Some(&CLIENT_DATA_HASH), None, now());
    assert_not_forged(&object, &verdict);
    if read.is_err() {
        assert_eq!(verdict.statement, Statement::Invalid);
    }
});
