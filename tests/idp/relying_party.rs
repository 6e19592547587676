//! A relying party that is not ours: py_webauthn, asked about each registration that reaches a fake IdP.
//!
//! `tests/reverify/install` installs it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use keywright_test_support::installed::installed;

/// One process for all tests of a file: it takes longer to start than to answer.
static SHARED: Mutex<Option<RelyingParty>> = Mutex::new(None);

/// Whether there is one to ask with [`verify`]; said aloud where py_webauthn is not installed.
pub(crate) fn is_there() -> bool {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.is_none() {
        *shared = RelyingParty::start();
    }
    shared.is_some()
}

/// The credential id in base64url, or why py_webauthn refuses it; see [`RelyingParty::verify`].
pub(crate) fn verify(
    expected: &Expected<'_>,
    credential_id: &str,
    client_data: &str,
    attestation_object: &str,
) -> Result<String, String> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let relying_party = shared.as_mut().expect("whoever asks was told that there is one");
    relying_party.verify(expected, credential_id, client_data, attestation_object)
}

/// py_webauthn in a process that answers one line for each line.
struct RelyingParty {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a registration has to answer to.
pub(crate) struct Expected<'a> {
    /// The bytes that client data has to carry, in base64url.
    pub challenge: &'a str,
    pub origin: &'a str,
    pub rp_id: &'a str,
    /// PEM certificates that the attestation has to lead to; empty: it is not asked.
    pub roots: &'a [String],
}

impl RelyingParty {
    /// `None`, said aloud, where py_webauthn is not installed.
    fn start() -> Option<Self> {
        let cache = installed("reverify", "py_webauthn", "tests/reverify/install")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp/relying_party.py");
        let mut child = Command::new(cache.join("bin/python"))
            .arg("-I")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, input, output })
    }

    /// The credential id in base64url, or why py_webauthn refuses it. `attestation_object` and `client_data` are base64url
    /// without padding.
    fn verify(
        &mut self,
        expected: &Expected<'_>,
        credential_id: &str,
        client_data: &str,
        attestation_object: &str,
    ) -> Result<String, String> {
        let question = json!({
            "challenge": expected.challenge,
            "origin": expected.origin,
            "rp_id": expected.rp_id,
            "roots": expected.roots,
            "credential": {
                "id": credential_id,
                "rawId": credential_id,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": { "clientDataJSON": client_data, "attestationObject": attestation_object },
            },
        });
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        match answer["credential_id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(answer["refused"].as_str().unwrap().to_owned()),
        }
    }
}

impl Drop for RelyingParty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
