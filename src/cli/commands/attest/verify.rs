//! `keywright attest verify`: any number of registrations, a line each.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::audit::{Found, Registration, Registrations, bulk};
use crate::cli::shared::judging::{JudgedBy, JudgingProfile, Set};
use crate::cli::shared::output::{Output, View, count};
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::problem::Problem;
use keywright_attest::{Anchors, AttestationDemand, Policy, Verdict};
use keywright_fido::webauthn::Aaguid;
use keywright_files::shown;

/// Verify saved registrations: is the statement valid, and do its certificates lead to a trusted root?
///
/// A PATH is a file, a folder or '-' (stdin). A registration is WebAuthn's RegistrationResponseJSON, or an object with
/// 'attestationObject' and 'clientDataJSON' in base64url; a file has one, or is JSON Lines with one a line. In a folder, and in
/// the folders in it, files called *.json, *.jsonl and *.ndjson are read in the order of their names; of a folder that 'ledger
/// export' wrote, the credentials. Without clientDataJSON the signature cannot be checked: such a registration is refused, and
/// everything else in it is checked.
///
/// Each is accepted if its statement is valid and its chain trusted, or with --profile if it is what the profile demands. One
/// that cannot be read does not stop the others.
///
/// With --json an object each: file (a name), line (a number in JSON Lines, or null), accepted, refusals (sentences: which
/// demands are not fulfilled), statement, chain, aaguid, model, serial, firmware, certification, advisories, reasons
/// (sentences: what was found) and further facts; or file, line, accepted (null) and error {code, message}.
///
/// Ends with 0 if all were accepted, 7 if some were refused, 1 if some could not be read.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright attest verify registration.json --root vendor-ca.pem
  keywright attest verify registrations.jsonl --profile admin --json
  keywright attest verify exports/ --mds blob.jwt --at 2026-03-20
  keywright attest verify - --json < registrations.jsonl")]
pub(crate) struct Verify {
    /// Files or folders of registrations; '-' is stdin
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    judging: JudgedBy,
    #[command(flatten)]
    profile: JudgingProfile,
}

#[derive(Serialize)]
struct Judged<'a> {
    file: &'a str,
    line: Option<u64>,
    accepted: bool,
    refusals: &'a [String],
    #[serde(flatten)]
    verdict: &'a Verdict,
}

impl View for Judged<'_> {
    const KIND: &'static str = "registration";
}

#[derive(Serialize)]
struct Unreadable<'a> {
    file: &'a str,
    line: Option<u64>,
    accepted: Option<bool>,
    error: Problem,
}

impl View for Unreadable<'_> {
    const KIND: &'static str = "unreadable-registration";
}

/// What became of one registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accepted,
    Refused,
    Unreadable,
}

/// How many had which fate.
#[derive(Debug, Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    unreadable: usize,
}

impl Verify {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (policy, demands) = match self.profile.policy(session)? {
            Some((name, policy)) => (policy, format!("profile {name}")),
            None => (Policy::demanding(AttestationDemand::Trusted), "a valid statement and a trusted chain".to_owned()),
        };
        let set = self.judging.set(Anchors::none(), session)?;
        session.console.say(&format!("demanded: {demands}"));

        let (mut tally, mut failed) = (Tally::default(), None);
        let mut registrations = Registrations::in_paths(self.paths.clone());
        let work = |found| judge(&found, &set, &policy, session.output.is_json());
        bulk::in_order(&mut registrations, work, |batch| {
            let mut text = String::new();
            for line in batch {
                match line {
                    Ok((fate, line)) => {
                        tally.add(fate);
                        text.push_str(&line);
                        text.push('\n');
                    }
                    Err(error) => failed = Some(error),
                }
            }
            failed = failed.take().or(session.output.bytes(text.as_bytes()).err());
            if failed.is_some() || session.output.is_closed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if session.output.is_closed() {
            // The reader stopped before the end, so success cannot be reported.
            return Ok(Exit::Failed);
        }
        tally.tell(registrations.passed_over(), session)
    }
}

/// Judges one and puts it into a line.
fn judge(found: &Found, set: &Set, policy: &Policy, json: bool) -> Result<(Fate, String), CliError> {
    let (file, line) = (&*found.place.file, found.place.line);
    let registration = match &found.json {
        Ok(json) => Registration::parse(json).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let registration = match registration {
        Ok(registration) => registration,
        Err(message) => {
            let words = format!("unreadable  {}: {message}", found.place);
            let error = Problem { code: "unreadable", message };
            let unreadable = Unreadable { file, line, accepted: None, error };
            let text = if json { Output::line(&unreadable)? } else { shown::one_line(&words).into_owned() };
            return Ok((Fate::Unreadable, text));
        }
    };
    let verdict = registration.judge(&set.judge, set.at);
    let refusals = policy.accept(&verdict).err().unwrap_or_default();
    let contradictions = registration.contradictions();
    let refusals: Vec<String> =
        refusals.iter().map(ToString::to_string).chain(contradictions.iter().map(ToString::to_string)).collect();
    let fate = if refusals.is_empty() { Fate::Accepted } else { Fate::Refused };
    let text = if json {
        Output::line(&Judged { file, line, accepted: refusals.is_empty(), refusals: &refusals, verdict: &verdict })?
    } else {
        let word = if refusals.is_empty() { "accepted" } else { "refused" };
        shown::one_line(&format!("{word:<10}  {}: {}", found.place, verdict_text(&verdict, &refusals))).into_owned()
    };
    Ok((fate, text))
}

/// The key in a few words, then why it was refused, then what was found.
fn verdict_text(verdict: &Verdict, refusals: &[String]) -> String {
    let unnamed = || match (verdict.aaguid, &verdict.subject) {
        (Aaguid::ZERO, Some(subject)) => subject.clone(),
        (Aaguid::ZERO, None) => "a key that does not tell its model".to_owned(),
        (aaguid, _) => aaguid.to_string(),
    };
    let mut text = verdict.model.clone().unwrap_or_else(unnamed);
    let facts = [
        verdict.firmware.map(|firmware| format!("firmware {firmware}")),
        verdict.serial.as_ref().map(|serial| format!("serial {serial}")),
    ];
    for fact in facts.into_iter().flatten().chain(verdict.advisories.iter().map(|advice| advice.id.clone())) {
        text.push_str(&format!(", {fact}"));
    }
    for sentence in refusals.iter().chain(&verdict.reasons) {
        text.push_str(&format!("  {sentence}"));
    }
    text
}

impl Tally {
    fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Accepted => self.accepted += 1,
            Fate::Refused => self.refused += 1,
            Fate::Unreadable => self.unreadable += 1,
        }
    }

    /// The end: how many, and the exit code.
    fn tell(&self, passed_over: u64, session: &Session) -> Result<Exit, CliError> {
        let Self { accepted, refused, unreadable } = *self;
        if passed_over > 0 {
            let files = if passed_over == 1 { "1 file is".to_owned() } else { format!("{passed_over} files are") };
            session.console.warn(&format!("{files} not called *.json, *.jsonl or *.ndjson and were not read"));
        }
        let all = accepted + refused + unreadable;
        if all == 0 {
            return Err(CliError::NotFound("there are no registrations in the paths that you named".into()));
        }
        let registrations = count(all, "registration", "registrations");
        session
            .console
            .say(&format!("{registrations}: {accepted} accepted, {refused} refused, {unreadable} unreadable"));
        Ok(match (unreadable, refused) {
            (1.., _) => Exit::Failed,
            (0, 1..) => Exit::Attestation,
            (0, 0) => Exit::Done,
        })
    }
}
