//! The same errands on the same kind of key by four clients: keywright's library, libfido2 in C, python-fido2, ctap-hid-fido2.
//!
//! It runs itself in the machine of `tests/hid-vm`, once, and prints a table there. README.md beside this file says what the
//! figures are.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod ctap_hid_fido2;
#[cfg(target_os = "linux")]
mod errand;
#[cfg(target_os = "linux")]
mod keywright;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() {
    // Cargo says `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["inside", rounds, libfido2] => machine::compare(rounds.parse().expect("a number of rounds"), libfido2),
        ["keywright", node] => client::serve(keywright::Keywright::new(node)),
        ["ctap-hid-fido2", node] => client::serve(ctap_hid_fido2::CtapHidFido2::new(node)),
        [] => outside::start(20),
        [rounds] => outside::start(rounds.parse().expect("a number of rounds")),
        _ => panic!("cargo bench --bench clients [-- ROUNDS]"),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("SKIPPED: soft keys are devices of the kernel's on Linux only");
}
