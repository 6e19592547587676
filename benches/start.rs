//! How long `keywright --version` takes as a process of its own: from being started to having ended.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

use std::process::{Command, Stdio};

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("keywright --version", |bencher| {
        bencher.iter(|| {
            let program = env!("CARGO_BIN_EXE_keywright");
            let ended = Command::new(program).arg("--version").stdout(Stdio::null()).status().unwrap();
            assert!(ended.success());
        });
    });
    criterion.final_summary();
}
