//! The strict reader: what it takes has one meaning and one length.

#![no_main]

use keywright_fido::webauthn::cbor::{decode, decode_first, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok((value, used)) = decode_first(input) else {
        assert!(decode(input).is_err());
        return;
    };
    assert_eq!(decode(input).is_ok(), used == input.len());
    assert_eq!(decode(&input[..used]), Ok(value.clone()));
    // Written again it differs in the order of map keys alone: the same length, and canonical from then on.
    let canonical = encode(&value);
    assert_eq!(canonical.len(), used);
    let again = decode(&canonical).expect("what is written can be read");
    assert_eq!(encode(&again), canonical);
    let sorted = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.sort_unstable();
        bytes
    };
    assert_eq!(sorted(&canonical), sorted(&input[..used]));
});
