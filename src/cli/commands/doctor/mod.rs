//! `keywright doctor`: what stands between a person and their keys, each finding with the one thing to do.
//!
//! It looks and changes nothing. It refuses to open a key that another program holds, and to wait long for any.

mod keys;
mod station;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::console::Style;
use crate::cli::shared::output::{View, table};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_fido::ctap::TransportError;
use keywright_files::shown;

/// The rule that lets plain users open keys on Linux.
const UDEV_RULE: &str = include_str!("../../../../udev/70-keywright.rules");

/// Say what stands between you and your keys, and what to do about it.
///
/// Looks at the settings, this process's memory, the state folder, the ledger and every key that is plugged in: may it be opened, does another program
/// hold it, does it have a PIN, how many PIN attempts are left. The IdP is not asked; 'keywright idp check' does that.
///
/// Exit code 0 if all is well, 5 if there is no key that can be used, 1 if there is one but something else is wrong.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright doctor\n  keywright doctor --json\n  keywright doctor --udev-rule | sudo tee /etc/udev/rules.d/70-keywright.rules"
)]
pub(crate) struct Doctor {
    /// Print the rule that lets plain users open keys (Linux), and do nothing else
    #[arg(long, conflicts_with = "softkeys")]
    udev_rule: bool,
    #[command(flatten)]
    source: KeySource,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Check {
    Settings,
    Idp,
    Memory,
    State,
    Ledger,
    Key,
}

/// What a look showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    check: Check,
    ok: bool,
    /// The file, folder, IdP or device.
    subject: String,
    message: String,
    /// The one thing to do about it.
    next_step: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    key: Option<keys::Facts>,
}

impl View for Finding {
    const KIND: &'static str = "doctor-finding";
}

impl Finding {
    fn well(check: Check, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check, ok: true, subject: subject.into(), message: message.into(), next_step: None, key: None }
    }

    fn wrong(check: Check, subject: impl Into<String>, message: impl Into<String>, step: impl Into<String>) -> Self {
        Self { ok: false, next_step: Some(step.into()), ..Self::well(check, subject, message) }
    }

    /// With the words that a command would end with.
    fn of_error(check: Check, subject: impl Into<String>, error: &CliError) -> Self {
        Self { ok: false, next_step: Some(error.hint()), ..Self::well(check, subject, error.to_string()) }
    }
}

impl Doctor {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if self.udev_rule {
            session.output.bytes(UDEV_RULE.as_bytes())?;
            return Ok(Exit::Done);
        }
        session.catch_interrupts(ENDING)?;
        let mut findings = station::look(session);
        findings.extend(keys::look(&self.source, session));
        if session.cancel.is_cancelled() {
            return Err(TransportError::Cancelled.into());
        }
        if session.output.is_json() {
            for finding in &findings {
                session.output.object(finding)?;
            }
        } else {
            session.output.bytes(findings_text(&findings, session).as_bytes())?;
        }
        Ok(exit(&findings))
    }
}

fn exit(findings: &[Finding]) -> Exit {
    if !findings.iter().any(|finding| finding.check == Check::Key && finding.ok) {
        Exit::Key
    } else if findings.iter().all(|finding| finding.ok) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

/// A line for each finding, and one below it for what there is to do.
fn findings_text(findings: &[Finding], session: &Session) -> String {
    let rows: Vec<[String; 3]> = findings
        .iter()
        .map(|finding| {
            let check = format!("{:?}", finding.check).to_lowercase();
            [check, finding.subject.clone(), finding.message.clone()]
        })
        .collect();
    let mut text = String::new();
    for (finding, line) in findings.iter().zip(table(&rows).lines()) {
        let (style, state) = if finding.ok { (Style::Good, "ok   ") } else { (Style::Bad, "wrong") };
        text.push_str(&format!("{}  {line}\n", session.console.paint(style, state)));
        if let Some(step) = &finding.next_step {
            let step = shown::one_line(step);
            text.push_str(&format!("       {} {step}\n", session.console.paint(Style::Now, "do:")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_whether_a_key_can_be_used() {
        let key = Finding::well(Check::Key, "/dev/hidraw0", "fine");
        let held = Finding::wrong(Check::Key, "/dev/hidraw1", "held", "close it");
        let folder = Finding::well(Check::State, "/state", "fine");
        assert_eq!(exit(&[]), Exit::Key);
        assert_eq!(exit(&[folder.clone(), held.clone()]), Exit::Key);
        assert_eq!(exit(&[folder.clone(), key.clone(), held]), Exit::Failed);
        assert_eq!(exit(&[folder, key]), Exit::Done);
    }

    #[test]
    fn a_finding_is_an_object_with_its_next_step() {
        let wrong = Finding::wrong(Check::Key, "/dev/hidraw1", "held", "close it");
        let expected = serde_json::json!({
            "check": "key", "ok": false, "subject": "/dev/hidraw1", "message": "held", "next_step": "close it"
        });
        assert_eq!(serde_json::to_value(wrong).unwrap(), expected);
    }
}
