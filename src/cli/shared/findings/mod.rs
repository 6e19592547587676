//! What stands between a person and a first batch, point by point: `doctor` looks at each, `init` sees to those that it can.

pub(crate) mod station;

use serde::Serialize;

use crate::cli::shared::console::Style;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Session};
use keywright_files::shown;

/// What a key says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KeyFacts {
    /// Where it is plugged in.
    pub(crate) port: String,
    /// As its maker calls it.
    pub(crate) product: String,
    /// Protocol versions.
    pub(crate) versions: Vec<String>,
    /// Whether it has a PIN.
    pub(crate) pin_set: bool,
    /// PIN attempts left; `None` without a PIN, because some firmware fails at the question.
    pub(crate) pin_retries: Option<u32>,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// `keywright.toml`.
    Settings,
    /// The identity providers.
    Idp,
    /// Who opens PIN files.
    Readers,
    /// The program that prints PIN letters.
    Letters,
    /// What account classes demand.
    Profiles,
    /// FIDO's, which says which makers are genuine.
    Metadata,
    /// This process's.
    Memory,
    /// The state folder.
    State,
    /// The server that has the register of several stations.
    Register,
    /// The ledger.
    Ledger,
    /// The service for card readers.
    #[cfg(feature = "smart-card")]
    Cards,
    /// A key that is plugged in.
    Key,
}

/// What a look showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: Check,
    /// Whether a run is kept from nothing by it. What is still to be done, and keeps some runs from ending, is ok too.
    pub(crate) ok: bool,
    /// The file, folder, IdP or device.
    pub(crate) subject: String,
    /// What the look showed.
    pub(crate) message: String,
    /// The one thing to do about it.
    pub(crate) next_step: Option<String>,
    /// Of a key: what it says of itself.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyFacts>,
}

impl View for Finding {
    const KIND: &'static str = "doctor-finding";
}

impl Finding {
    /// Nothing to do.
    pub(crate) fn well(check: Check, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check, ok: true, subject: subject.into(), message: message.into(), next_step: None, key: None }
    }

    /// Something is in the way.
    pub(crate) fn wrong(
        check: Check,
        subject: impl Into<String>,
        message: impl Into<String>,
        step: impl Into<String>,
    ) -> Self {
        Self { ok: false, next_step: Some(step.into()), ..Self::well(check, subject, message) }
    }

    /// Nothing is in the way yet, and this is still to be done.
    pub(crate) fn left(
        check: Check,
        subject: impl Into<String>,
        message: impl Into<String>,
        step: impl Into<String>,
    ) -> Self {
        Self { next_step: Some(step.into()), ..Self::well(check, subject, message) }
    }

    /// Says what is to be done about it, if something is.
    pub(crate) fn tell_what_to_do(&self, session: &Session) {
        if let Some(step) = &self.next_step {
            let subject = if self.subject == "-" { String::new() } else { format!("{}: ", self.subject) };
            session.console.mark(Style::Now, "to do:", &format!("{subject}{}; {step}", self.message));
        }
    }

    /// With the words that a command would end with.
    pub(crate) fn of_error(check: Check, subject: impl Into<String>, error: &CliError) -> Self {
        Self { ok: false, next_step: Some(error.hint()), ..Self::well(check, subject, error.to_string()) }
    }
}

/// A line for each finding, and one below it for what there is to do.
pub(crate) fn findings_text(findings: &[Finding], session: &Session) -> String {
    let mut text = String::new();
    for finding in findings {
        let check = format!("{:?}", finding.check).to_lowercase();
        let (subject, message) = (shown::one_line(&finding.subject), shown::one_line(&finding.message));
        // In one line with as few columns as can be: half of the screen may be another window.
        let line = match &*subject {
            "" | "-" => message.into_owned(),
            _ => format!("{subject}: {message}"),
        };
        let (style, state) = match (finding.ok, &finding.next_step) {
            (true, None) => (Style::Good, "ok   "),
            (true, Some(_)) => (Style::Now, "to do"),
            (false, _) => (Style::Bad, "wrong"),
        };
        text.push_str(&format!("{}  {check:<9} {line}\n", session.console.paint(style, state)));
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
    fn a_finding_is_an_object_with_its_next_step() {
        let wrong = Finding::wrong(Check::Key, "/dev/hidraw1", "held", "close it");
        let expected = serde_json::json!({
            "check": "key", "ok": false, "subject": "/dev/hidraw1", "message": "held", "next_step": "close it"
        });
        assert_eq!(serde_json::to_value(wrong).unwrap(), expected);
    }
}
