//! `keywright audit ledger`: everything in the ledger, judged again today.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::audit::ledger::{
    Area, Assessment, CredentialAudit, Finding, FindingKind, LedgerAudit, Readable, Severity, Standards,
};
use crate::audit::page;
use crate::cli::shared::checkpoint::Signed;
use crate::cli::shared::judging::JudgedBy;
use crate::cli::shared::output::{View, count};
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session, profiles};
use crate::cli::view::checkpoint::CheckpointLine;
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::ledger::{AccountId, Head, SeenByHand};
use crate::register::Register;
use keywright_attest::Firmware;
use keywright_attest::{Advice, Anchors, Certification, Chain, MetadataId, Statement};
use keywright_fido::webauthn::{Aaguid, CredentialId, RpId};
use keywright_files::shown;

/// Judge every key in the ledger again, by the rules, roots and profiles of today.
///
/// Every credential is judged from the attestation object and client data that were kept. What changed since it was enrolled is
/// told, and so are people with too few keys, jobs that were not finished, and stored keys that nobody tried in time. The hash
/// chain comes first: events after a break are ignored. Profiles are those of the settings, or the built-in ones.
#[derive(Args)]
#[command(
    after_long_help = "Exit codes: 0 nothing to do; 7 something to do about attestations; 3 about anything else; 1 the chain is broken.\n\n\
        Example:\n  keywright audit ledger\n  keywright audit ledger --root maker.pem --html audit.html\n  keywright audit ledger --mds blob.jwt --at 2026-12-31 --json"
)]
pub(crate) struct Ledger {
    #[command(flatten)]
    by: JudgedBy,
    /// Write the audit as one page of HTML, for managers and auditors
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    /// A head of the ledger that was kept somewhere else
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<Head>,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    severity: Severity,
    area: Area,
    finding: &'static str,
    directory: Option<&'a str>,
    account: Option<&'a str>,
    ordinal: Option<usize>,
    credential_id: Option<&'a CredentialId>,
    message: String,
    next: String,
}

impl View for FindingLine<'_> {
    const KIND: &'static str = "finding";
}

#[derive(Serialize)]
struct KeyLine<'a> {
    #[serde(flatten)]
    credential: LedgerCredential,
    person: &'a str,
    profile: &'a str,
    standing: Assessment,
    statement: Option<Statement>,
    chain: Option<Chain>,
    aaguid: Aaguid,
    model: Option<&'a str>,
    serial: Option<&'a str>,
    firmware: Option<Firmware>,
    certification: Option<Certification>,
    advisories: &'a [Advice],
    made: &'a str,
    /// How a registration at an IdP without an API was confirmed.
    by_hand: Option<ByHandLine<'a>>,
    reasons: Vec<String>,
}

impl View for KeyLine<'_> {
    const KIND: &'static str = "credential";
}

#[derive(Serialize)]
struct ByHandLine<'a> {
    said_by: &'a str,
    /// What the key showed; `null` if it showed nothing.
    rp_id: Option<&'a RpId>,
    credential_id: Option<&'a CredentialId>,
}

impl<'a> ByHandLine<'a> {
    fn new(seen: &'a SeenByHand) -> Self {
        let found = seen.found.as_ref();
        Self {
            said_by: &seen.said_by,
            rp_id: found.map(|found| &found.rp_id),
            credential_id: found.map(|found| &found.credential_id),
        }
    }
}

#[derive(Serialize)]
struct MetadataLine<'a> {
    #[serde(flatten)]
    id: &'a MetadataId,
    next_update: String,
}

#[derive(Serialize)]
struct Summary<'a> {
    at: String,
    head: String,
    metadata: Option<MetadataLine<'a>>,
    accounts: usize,
    accounts_covered: usize,
    keys_in_service: usize,
    keys_accepted: usize,
    critical: usize,
    warnings: usize,
    notices: usize,
    /// What the ledger's end was signed as; `null` if it was not.
    checkpoint: Option<CheckpointLine>,
}

impl View for Summary<'_> {
    const KIND: &'static str = "summary";
}

impl Ledger {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        // First of all: what follows is what this ledger says, and it may be the wrong one.
        let mismatch = session.mismatch()?.map(|mismatch| CliError::Ledger(mismatch.into()));
        if let Some(error) = &mismatch {
            session.console.error(error);
        }
        match (mismatch, self.audit(session)) {
            (Some(error), Ok(_)) => Ok(error.exit()),
            (_, ended) => ended,
        }
    }

    fn audit(&self, session: &Session) -> Result<Exit, CliError> {
        let profiles = profiles::load(self.profiles.as_deref(), &session.settings()?)?;
        let by = self.by.set(Anchors::none(), session)?;
        let store = session.ledger_for_reading()?;
        let mut readable = Readable::read(&*store, self.head.as_ref(), by.as_of)?;
        // Of a moment that was named, the profiles of that moment are what holds.
        if by.as_of.is_none() || self.profiles.is_some() {
            readable.hold_against(&profiles);
        }
        let audit = LedgerAudit::judge(&readable, &Standards { judge: &by.judge, at: by.at });

        let is_whole = readable.broken.is_none() && by.as_of.is_none() && session.mismatch()?.is_none();
        let sign = || session.checkpoint_of(audit.register)?.map(|signed| session.seen_outside(signed)).transpose();
        let signed = match is_whole.then(sign) {
            Some(Ok(signed)) => signed,
            Some(Err(error)) => {
                session.console.warn(&format!("the end of the ledger was not signed: {error}"));
                None
            }
            None => None,
        };
        if let Some(html) = &self.html {
            let failed = |why: String| CliError::File { path: html.clone(), why };
            let page = page::render(&audit).map_err(|error| failed(error.to_string()))?;
            write_private(html, page.as_bytes())?;
        }
        if session.output.is_json() {
            for finding in &audit.findings {
                session.output.object(&FindingLine::new(finding, audit.register))?;
            }
            for one in &audit.credentials {
                session.output.object(&KeyLine::new(one, audit.register))?;
            }
            session.output.object(&Summary::new(&audit, signed.as_ref()))?;
        } else {
            session.output.text(&ledger_audit_text(&audit))?;
        }
        if let Some(signed) = &signed {
            session.tell_checkpoint(signed);
        }
        Ok(exit(&audit))
    }
}

impl<'a> FindingLine<'a> {
    fn new(Finding { about, matter }: &'a Finding, register: &'a Register) -> Self {
        Self {
            severity: matter.severity(),
            area: matter.area(),
            finding: matter.code(),
            directory: about.account.as_ref().map(|account| account.directory.as_str()),
            account: about.account.as_ref().map(|account| register.login(account)),
            ordinal: about.ordinal,
            credential_id: about.credential_id.as_ref(),
            message: matter.to_string(),
            next: next_step(about.account.as_ref(), matter),
        }
    }
}

impl<'a> KeyLine<'a> {
    fn new(one: &'a CredentialAudit<'a>, register: &'a Register) -> Self {
        let (credential, verdict) = (one.credential, one.verdict.as_ref());
        Self {
            credential: LedgerCredential::new(one.id, credential, register),
            person: one.account.person.display_name(),
            profile: one.account.profile.name.as_str(),
            standing: one.standing,
            statement: verdict.map(|verdict| verdict.statement),
            chain: verdict.map(|verdict| verdict.chain),
            aaguid: credential.key.aaguid,
            model: verdict.and_then(|verdict| verdict.model.as_deref()),
            serial: verdict.and_then(|verdict| verdict.serial.as_deref()),
            firmware: verdict.and_then(|verdict| verdict.firmware),
            certification: verdict.and_then(|verdict| verdict.certification),
            advisories: verdict.map_or(&[], |verdict| &verdict.advisories),
            made: &credential.made,
            by_hand: credential.by_hand.as_deref().map(ByHandLine::new),
            reasons: one.reasons(),
        }
    }
}

impl<'a> Summary<'a> {
    fn new(audit: &'a LedgerAudit<'_>, signed: Option<&Signed>) -> Self {
        Self {
            checkpoint: signed.map(CheckpointLine::new),
            at: audit.at.format(&Rfc3339).unwrap_or_else(|_| audit.at.to_string()),
            head: audit.head.to_string(),
            metadata: audit
                .metadata
                .map(|metadata| MetadataLine { id: metadata.id(), next_update: metadata.next_update().to_string() }),
            accounts: audit.accounts.iter().filter(|account| !account.standing.account.is_over()).count(),
            accounts_covered: audit.accounts.iter().filter(|account| account.standing.is_complete()).count(),
            keys_in_service: audit.in_service().count(),
            keys_accepted: audit.in_service().filter(|one| one.standing == Assessment::Accepted).count(),
            critical: audit.count(Severity::Critical),
            warnings: audit.count(Severity::Warning),
            notices: audit.count(Severity::Notice),
        }
    }
}

/// A broken chain before attestations, attestations before the rest; notices ask for nothing.
fn exit(audit: &LedgerAudit<'_>) -> Exit {
    let to_do = |area: fn(Area) -> bool| {
        audit.findings.iter().any(|Finding { matter, .. }| matter.severity() < Severity::Notice && area(matter.area()))
    };
    match () {
        () if audit.findings.iter().any(|finding| matches!(finding.matter, FindingKind::ChainBroken(_))) => {
            Exit::Failed
        }
        () if to_do(|area| area == Area::Attestation) => Exit::Attestation,
        () if to_do(|_| true) => Exit::Partial,
        () => Exit::Done,
    }
}

/// What to do next, with the account that it is about in place of the word.
fn next_step(account: Option<&AccountId>, matter: &FindingKind) -> String {
    let next = matter.next_step();
    account.map_or_else(|| next.to_owned(), |account| next.replace("ACCOUNT", &account.login))
}

fn ledger_audit_text(audit: &LedgerAudit<'_>) -> String {
    let mut text = String::new();
    for Finding { about, matter } in &audit.findings {
        let who = about.account.as_ref().map(|account| match about.ordinal {
            Some(ordinal) => format!("{}, key {ordinal}: ", audit.register.login(account)),
            None => format!("{}: ", audit.register.login(account)),
        });
        let line = format!("{:<8}  {}{matter}", matter.severity(), who.unwrap_or_default());
        text.push_str(&format!("{}\n", shown::one_line(&line)));
        if matter.severity() < Severity::Notice {
            let next = next_step(about.account.as_ref(), matter);
            text.push_str(&format!("          {}\n", shown::one_line(&next)));
        }
    }
    let summary = Summary::new(audit, None);
    text.push_str(&format!(
        "{} of {} with enough proved keys; {} of {} accepted today; {} critical, {}, {}\nhead {}\n",
        summary.accounts_covered,
        count(summary.accounts, "account", "accounts"),
        summary.keys_accepted,
        count(summary.keys_in_service, "registered key", "registered keys"),
        summary.critical,
        count(summary.warnings, "warning", "warnings"),
        count(summary.notices, "notice", "notices"),
        summary.head,
    ));
    text
}
