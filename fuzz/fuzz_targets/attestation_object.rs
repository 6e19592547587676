//! An attestation object, read and judged.

#![no_main]

use keywright_attest::{Judge, Statement, Verdict};
use keywright_fido::webauthn::AttestationObject;
use keywright_fuzz::maker::{JUDGE, MAKER, assert_not_forged};
use keywright_fuzz::testing::{CLIENT_DATA_HASH, now};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(object) = AttestationObject::parse(input) else { return };
    // Strict: what is taken is what would be written, but for the order of members.
    assert_eq!(object.as_bytes(), input);
    let AttestationObject { fmt, att_stmt, auth_data_bytes, .. } = object.clone();
    let written = AttestationObject::new(fmt, att_stmt, auth_data_bytes).expect("it was read before");
    assert_eq!(written.as_bytes().len(), input.len());
    assert_eq!(AttestationObject::parse(written.as_bytes()), Ok(written));

    let verdict = JUDGE.judge(&object, Some(&CLIENT_DATA_HASH), None, now());
    assert_not_forged(&object, &verdict);
    // What the judge remembers of other objects changes nothing.
    assert_eq!(Judge::new(MAKER.anchors()).judge(&object, Some(&CLIENT_DATA_HASH), None, now()), verdict);
    if matches!(verdict.statement, Statement::Invalid | Statement::Unverified) {
        assert!(!verdict.reasons.is_empty());
    }
    let json = serde_json::to_string(&verdict).expect("a verdict goes into the ledger");
    assert_eq!(serde_json::from_str::<Verdict>(&json).expect("and comes out of it"), verdict);

    // Other client data, or none, is never good enough for a signature.
    for hash in [Some(&[0; 32]), None] {
        let verdict = JUDGE.judge(&object, hash, None, now());
        assert!(!matches!(verdict.statement, Statement::Valid | Statement::SelfSigned), "{verdict:?}");
    }
});
