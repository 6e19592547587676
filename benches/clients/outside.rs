//! Outside the machine: builds the client in C, and starts the machine with this program in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/clients");

/// The status of tests/hid-vm/run if the machine cannot start.
const NO_MACHINE: i32 = 125;

/// Seconds for a round of all clients under emulation, and for the machine itself.
const ROUND: usize = 30;
const BOOT: usize = 60;

pub(crate) fn start(rounds: usize) {
    let libfido2 = compile_libfido2();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!("Load of this computer before: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    let limit = (BOOT + ROUND * (rounds + 1)).to_string();
    let status = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hid-vm/run"))
        .args(["--limit", &limit])
        .arg(std::env::current_exe().unwrap())
        .args(["inside", &rounds.to_string()])
        .arg(libfido2)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    match status.code() {
        Some(0) => {}
        Some(NO_MACHINE) => println!("SKIPPED: the clients were not compared"),
        code => exit(code.unwrap_or(1)),
    }
}

fn compile_libfido2() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libfido2-client");
    let compiled = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-o"])
        .arg(&program)
        .arg(Path::new(FOLDER).join("libfido2.c"))
        .arg("-lfido2")
        .status()
        .expect("cc is there: apt-get install gcc");
    assert!(compiled.success(), "libfido2.c does not compile; apt-get install libfido2-dev");
    program
}
