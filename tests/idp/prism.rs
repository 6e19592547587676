//! A vendor's own description of its API, between an adapter and a fake: Prism lets nothing through that the description does not
//! know, neither request nor answer.
//!
//! `tests/idp/install` installs it.

use keywright_test_support::skipped;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use keywright_test_support::installed::installed;

/// How long Node may take to read a description on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// Prism in front of a server; it ends when it is dropped.
pub(crate) struct Prism {
    child: Child,
    port: u16,
    reader: Option<JoinHandle<()>>,
}

/// A description from the facts beside the repository, or any other file. `None`, said aloud, where it is not there.
pub(crate) fn described(description: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/facts").join(description);
    if file.exists() {
        return Some(file);
    }
    skipped(format_args!("{} is not there", file.display()));
    None
}

impl Prism {
    /// In front of `upstream` (`http://127.0.0.1:PORT`), with a description from the facts beside the repository, such as
    /// `okta-openapi-excerpt.yaml`. `None`, said aloud, where one of them is not there.
    pub(crate) fn start(description: &str, upstream: &str) -> Option<Self> {
        let cache = installed("prism", "Prism", "tests/idp/install")?;
        let description = described(description)?;
        // Free a moment ago. If another program takes it first, Prism does not start, and says so.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(cache.join("node_modules/.bin/prism"))
            .arg("proxy")
            .arg(description)
            .arg(upstream)
            .args(["--errors", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                if line.contains("Prism is listening") {
                    let _ = tell.send(());
                }
                // Which rule was broken, for whoever reads the failed test.
                if line.contains("Violation") || line.contains("terminated with error") {
                    eprintln!("{line}");
                }
            }
        });
        let prism = Self { child, port, reader: Some(reader) };
        told.recv_timeout(STARTS_WITHIN).expect("Prism listens");
        Some(prism)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
