//! Real HID: Debian's kernel in a virtual machine, soft keys on `/dev/uhid`, keywright over hidapi, and independent clients.
//!
//! `cargo test` starts the machine once (`tests/hid-vm/run`), and in it this program again, for the tests in `tests/hid-vm`. They
//! are ignored outside. Where there is no machine, this says SKIPPED; with `KEYWRIGHT_REQUIRE_HID_VM` set it fails instead.

#![cfg(target_os = "linux")]

#[path = "hid-vm/attached.rs"]
mod attached;
#[path = "hid-vm/bench.rs"]
mod bench;
#[path = "hid-vm/browser.rs"]
mod browser;
mod cli_support;
#[path = "hid-vm/doctor.rs"]
mod doctor;
#[path = "hid-vm/faulty_keys.rs"]
mod faulty_keys;
#[path = "hid-vm/telling_apart.rs"]
mod telling_apart;
#[path = "hid-vm/udev.rs"]
mod udev;
#[path = "hid-vm/whole_job.rs"]
mod whole_job;
#[path = "hid-vm/witness.rs"]
mod witness;

use std::io::Write as _;
use std::process::{Command, Stdio};

use cli_support::Home;

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
    let mut terminal = std::io::stderr();
    machine.stdin(Stdio::null()).stdout(std::io::stderr()).stderr(std::io::stderr());
    let status = machine.status().expect("the script runs");
    if status.code() == Some(NO_MACHINE) && std::env::var_os("KEYWRIGHT_REQUIRE_HID_VM").is_none() {
        let listed = Command::new(this).args(["--ignored", "--list"]).output().expect("this program runs");
        let count = String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.ends_with(": test")).count();
        writeln!(terminal, "SKIPPED: real HID, {count} tests").expect("stderr takes words");
        return;
    }
    assert!(status.success(), "the tests in the machine ended with {status}");
}

#[test]
fn without_uhid_attach_says_what_to_do() {
    if std::fs::File::options().write(true).open("/dev/uhid").is_ok() {
        println!("SKIPPED: this account may use /dev/uhid");
        return;
    }
    let ended = Home::new().run(&["softkey", "attach", "1"]).expect(1);
    ended.says("error: /dev/uhid: ").says("hint: run 'sudo modprobe uhid' once, and repeat with sudo");
}
