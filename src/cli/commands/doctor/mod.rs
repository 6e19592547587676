//! `keywright doctor`: what stands between a person and their keys, each finding with the one thing to do.
//!
//! It looks and changes nothing. It refuses to open a key that another program holds, and to wait long for any.

mod keys;

use clap::Args;

use crate::cli::shared::arguments::KeySource;
use crate::cli::shared::findings::{Check, Finding, findings_text, station};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_fido::ctap::TransportError;

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
            session.output.painted(&findings_text(&findings, session))?;
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
}
