//! The answer to authenticatorGetInfo.

#![no_main]

use keywright_fido::ctap::Authenticator;
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fuzz::answering::Answering;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let pipe = Answering::new(vec![answer.to_vec()]);
    let Ok(key) = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()) else { return };
    let info = key.info();
    for (number, member) in &info.unknown {
        assert!(!(0x01..=0x1f).contains(number), "{number:#x} is known");
        assert!(answer.windows(member.len()).any(|window| window == member));
    }
    // Two readers: where the strict one takes the whole answer, both say the same.
    let Ok(members) = cbor::decode(&answer[1..]) else { return };
    let count = members.as_map().map(<[_]>::len);
    assert!(count.is_some_and(|count| info.unknown.len() <= count));
    let versions =
        members.get(0x01).and_then(Value::as_array).map(|all| all.iter().filter_map(Value::as_text).collect());
    assert_eq!(versions, Some(info.versions.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(members.get(0x03).and_then(Value::as_bytes), Some(&info.aaguid.0[..]));
    let size = |number: i64, default: usize| {
        members.get(number).map_or(Some(default), |size| size.as_integer()?.try_into().ok())
    };
    assert_eq!(size(0x05, 1024), Some(info.max_msg_size));
    assert_eq!(size(0x0d, 4), Some(info.min_pin_length));
    assert_eq!(size(0x1d, 63), Some(info.max_pin_length));
});
