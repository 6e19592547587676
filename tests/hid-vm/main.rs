//! Real HID: Debian's kernel in a virtual machine, soft keys on `/dev/uhid`, keywright over hidapi, and independent clients.
//!
//! `cargo test` starts the machine once (`tests/hid-vm/run`), and in it this program again, for the tests in `tests/hid-vm`. They
//! are ignored outside. Where there is no machine, this says SKIPPED; with `KEYWRIGHT_REQUIRE_ALL` set it fails instead.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![cfg(target_os = "linux")]

mod attached;
mod bench;
mod browser;
mod doctor;
mod faulty_keys;
mod telling_apart;
mod udev;
mod whole_job;
mod witness;

use std::process::{Command, Stdio};

use keywright_test_support::cli::Home;
use keywright_test_support::skipped;

/// run's status if the machine cannot start.
const NO_MACHINE: i32 = 125;

/// Seconds for everything in the machine: emulation takes ten times as long as hardware.
const LIMIT: &str = "1800";

#[test]
fn keys_work_on_a_real_kernel() {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hid-vm/run");
    let this = std::env::current_exe().expect("a program knows where it is");
    let mut machine = Command::new(run);
    machine.args(["--limit", LIMIT]).arg(&this).args(["--ignored", "--test-threads=1", "--nocapture"]);
    // Not through the test runner, which swallows what tests print that pass.
    machine.stdin(Stdio::null()).stdout(std::io::stderr()).stderr(std::io::stderr());
    let status = machine.status().expect("the script runs");
    if status.code() == Some(NO_MACHINE) {
        let listed = Command::new(this).args(["--ignored", "--list"]).output().expect("this program runs");
        let count = String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.ends_with(": test")).count();
        skipped(format_args!("real HID, {count} tests: there is no machine; tests/hid-vm/install gets it"));
        return;
    }
    assert!(status.success(), "the tests in the machine ended with {status}");
}

#[test]
fn without_uhid_attach_says_what_to_do() {
    if std::fs::File::options().write(true).open("/dev/uhid").is_ok() {
        skipped("this account may use /dev/uhid");
        return;
    }
    let ended = Home::new().run(&["softkey", "attach", "1"]).expect(1);
    ended.says("error: /dev/uhid: ").says("hint: run 'sudo modprobe uhid' once, and repeat with sudo");
}
