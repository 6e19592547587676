//! How a run ended, in words or JSON, and as an exit code.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::shared::batch::{RunKind, RunOutcome};
use crate::cli::shared::failure::table;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::checkpoint::CheckpointLine;
use crate::idp::ByHand;
use crate::ledger::{Failure, FailureCode, JobId, KeyNumber, Step, WitnessResult};
use crate::profile::HandOver;
use crate::provision::{AccountReport, JobReport, Report};
use keywright_fido::webauthn::{Aaguid, CredentialId};

#[derive(Serialize)]
struct AccountLine<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    profile: &'a str,
    complete: bool,
    to_be_confirmed: bool,
    other_methods: &'a [String],
    failure: Option<Why<'a>>,
    jobs: Vec<JobLine<'a>>,
}

impl View for AccountLine<'_> {
    const KIND: &'static str = "account";
}

#[derive(Serialize)]
struct JobLine<'a> {
    job: JobId,
    ordinal: usize,
    number: Option<KeyNumber>,
    port: Option<&'a str>,
    label: Option<&'a str>,
    product: Option<&'a str>,
    model: Option<&'a str>,
    serial: Option<&'a str>,
    made_now: bool,
    aaguid: Option<Aaguid>,
    credential_id: Option<&'a CredentialId>,
    witness: Option<&'a WitnessResult>,
    done: bool,
    /// Whether it is to be registered by hand, or was, and no drill has confirmed it.
    unconfirmed: bool,
    failure: Option<Why<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    code: FailureCode,
    message: &'a str,
    hint: Cow<'static, str>,
}

/// The last line of a run.
#[derive(Serialize)]
struct Summary<'a> {
    batch: u64,
    accounts: usize,
    complete: usize,
    keys_proved: usize,
    keys_unconfirmed: usize,
    failed: usize,
    interrupted: bool,
    seconds: f64,
    head: String,
    hand_over: Cow<'a, str>,
    /// What a person has to do with the unconfirmed keys; `null` if there are none.
    by_hand: Option<&'a ByHand>,
    /// What the ledger's end was signed as; `null` if it was not.
    checkpoint: Option<CheckpointLine>,
}

impl View for Summary<'_> {
    const KIND: &'static str = "summary";
}

impl<'a> AccountLine<'a> {
    fn new(account: &'a AccountReport) -> Self {
        Self {
            account: &account.login,
            directory: &account.account.directory,
            person: &account.person,
            profile: &account.profile,
            complete: account.complete,
            to_be_confirmed: account.to_be_confirmed,
            other_methods: &account.other_methods,
            failure: account.failure.as_ref().map(|failure| Why {
                step: None,
                code: failure.code,
                message: &failure.message,
                hint: table::of_person(failure).next,
            }),
            jobs: account.jobs.iter().map(JobLine::new).collect(),
        }
    }
}

impl<'a> JobLine<'a> {
    fn new(job: &'a JobReport) -> Self {
        Self {
            job: job.job,
            ordinal: job.ordinal,
            number: job.number,
            port: job.port.as_deref(),
            label: job.label.as_deref(),
            product: job.product.as_deref(),
            model: job.model.as_deref(),
            serial: job.serial.as_deref(),
            made_now: job.made_now,
            aaguid: job.aaguid,
            credential_id: job.credential_id.as_ref(),
            witness: job.witness.as_ref(),
            done: job.done,
            unconfirmed: job.unconfirmed,
            failure: job.failure.as_ref().map(|(step, failure)| Why {
                step: Some(*step),
                code: failure.code,
                message: &failure.message,
                hint: table::of_job(failure).next,
            }),
        }
    }
}

/// Prints a report and returns what it means.
pub(crate) fn print(outcome: &RunOutcome, session: &Session) -> Result<Exit, CliError> {
    let RunOutcome { kind: verb, report, took, hand_over, labels, checkpoint } = outcome;
    let signed = checkpoint.as_ref().ok().and_then(Option::as_ref);
    let verb = *verb;
    let well = |account: &&AccountReport| is_well(account, verb);
    let unconfirmed = report.accounts.iter().map(|account| account.unconfirmed).sum();
    let summary = Summary {
        batch: report.batch,
        accounts: report.accounts.len(),
        complete: report.accounts.iter().filter(|account| account.complete).count(),
        keys_proved: report.accounts.iter().map(|account| account.keys).sum(),
        keys_unconfirmed: unconfirmed,
        failed: report.accounts.iter().filter(|account| !well(account)).count(),
        interrupted: report.interrupted,
        seconds: took.as_secs_f64(),
        head: report.head.to_string(),
        hand_over: hand_over.to_string_lossy(),
        by_hand: report.by_hand.as_ref().filter(|_| unconfirmed > 0),
        checkpoint: signed.map(CheckpointLine::new),
    };
    if session.output.is_json() {
        for account in &report.accounts {
            session.output.object(&AccountLine::new(account))?;
        }
        session.output.object(&summary)?;
    } else {
        session.output.text(&run_text(report, &summary))?;
    }
    if let Some(by_hand) = summary.by_hand {
        let keys = count(unconfirmed, "key", "keys");
        session.console.say(&format!("{keys} to be registered by hand, one after the other:"));
        session.console.say(by_hand_words(by_hand).trim_end());
    }
    for meaning in meanings(report) {
        session.console.hint(&meaning.next);
    }
    if report.accounts.iter().any(|account| !well(&account) && lacks_keys(account)) && !report.interrupted {
        session
            .console
            .hint("plug more keys in, then 'keywright resume'; for an account with too few, 'keywright enroll'");
    }
    if report.interrupted {
        session.console.say("interrupted; run 'keywright resume' to go on");
    }
    // After everything was said: a list that cannot be written takes nothing of it away.
    if let Some(file) = labels {
        write_private(file, &label_list(report))?;
    }
    if let Some(signed) = signed {
        session.tell_checkpoint(signed);
    }
    if let Err(error) = checkpoint {
        session.console.error(error);
        return Ok(error.exit());
    }
    Ok(exit(report, verb))
}

/// Whether the account has what was asked for.
fn is_well(account: &AccountReport, verb: RunKind) -> bool {
    let failed = account.failure.is_some() || account.jobs.iter().any(|job| job.failure.is_some());
    let made = match verb {
        RunKind::Provision | RunKind::Resume => account.complete || account.to_be_confirmed,
        RunKind::Enroll => account.jobs.iter().all(|job| job.done),
    };
    !failed && made
}

/// Whether nothing failed, and yet there were too few keys.
fn lacks_keys(account: &AccountReport) -> bool {
    !account.complete
        && !account.to_be_confirmed
        && account.failure.is_none()
        && account.jobs.iter().all(|job| job.failure.is_none())
}

/// 0 if every account succeeded; 3 if some did; else the failures' own code if they agree, or 1.
fn exit(report: &Report, verb: RunKind) -> Exit {
    if report.interrupted {
        return Exit::Interrupted;
    }
    let failed = report.accounts.iter().filter(|account| !is_well(account, verb)).count();
    match failed {
        0 => Exit::Done,
        some if some < report.accounts.len() => Exit::Partial,
        _ => {
            let mut exits = meanings(report).into_iter().map(|meaning| meaning.exit);
            // Nothing failed, and yet not everything is done: there were too few keys.
            let first = exits.next().unwrap_or(Exit::Key);
            if exits.all(|exit| exit == first) { first } else { Exit::Failed }
        }
    }
}

fn jobs(report: &Report) -> impl Iterator<Item = &JobReport> {
    report.accounts.iter().flat_map(|account| &account.jobs)
}

/// What the failures mean in the order of the roster, once for each thing that is to be done.
fn meanings(report: &Report) -> Vec<table::Meaning> {
    let of_accounts = report.accounts.iter().flat_map(|account| {
        let of_jobs =
            account.jobs.iter().filter_map(|job| job.failure.as_ref().map(|(_, failure)| table::of_job(failure)));
        account.failure.as_ref().map(table::of_person).into_iter().chain(of_jobs)
    });
    let mut seen = BTreeSet::new();
    of_accounts.filter(|meaning| seen.insert(meaning.next.clone())).collect()
}

fn run_text(report: &Report, summary: &Summary<'_>) -> String {
    let heading = ["ACCOUNT", "PROFILE", "KEYS", "RESULT"].map(str::to_owned);
    let rows = report.accounts.iter().map(|account| {
        let keys = format!("{}/{}", account.keys, account.required);
        [account.login.clone(), account.profile.clone(), keys, result(account, summary)]
    });
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    for account in report.accounts.iter().filter(|account| account.complete && !account.other_methods.is_empty()) {
        text.push_str(&format!(
            "{} can still sign in without a key: {}\n",
            account.login,
            account.other_methods.join(", ")
        ));
    }
    text.push_str(&keys_made(report, &summary.hand_over));
    text.push_str(&format!(
        "{} of {} complete, {} proved{}, {:.1} s\n",
        summary.complete,
        count(summary.accounts, "account", "accounts"),
        count(summary.keys_proved, "key", "keys"),
        to_be_confirmed(summary.keys_unconfirmed),
        summary.seconds
    ));
    text.push_str(&format!("end of the ledger: {}\n", summary.head));
    text
}

/// The keys that this run made, by port: whose each is, and what it is.
fn made(report: &Report) -> Vec<[String; 7]> {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let mut rows: Vec<_> = report
        .accounts
        .iter()
        .flat_map(|account| account.jobs.iter().filter(|job| is_made(job)).map(move |job| (account, job)))
        .map(|(account, job)| {
            let person = match account.person == account.login {
                true => account.login.clone(),
                false => format!("{} ({})", account.person, account.login),
            };
            let (label, serial) = (text(job.label.as_ref()), text(job.serial.as_ref()));
            let model = text(job.model.as_ref().or(job.product.as_ref()));
            let number = job.number.map(|number| number.to_string()).unwrap_or_default();
            [text(job.port.as_ref()), person, job.ordinal.to_string(), number, label, model, serial]
        })
        .collect();
    rows.sort_by_cached_key(|[port, person, key, ..]| (in_order_of_hub(port), person.clone(), key.clone()));
    rows
}

/// Whether the key is ready: this run ended it, or nothing is left but somebody's word that its letter came out.
fn is_made(job: &JobReport) -> bool {
    job.made_now || job.failure.as_ref().is_some_and(|(_, failure)| failure.code == FailureCode::PinUnconfirmed)
}

/// `soft-2` before `soft-10`, `1-4.2` before `1-4.10`.
fn in_order_of_hub(port: &str) -> (String, Vec<u64>) {
    let numbers = port.split(|char: char| !char.is_ascii_digit()).filter_map(|number| number.parse().ok());
    (port.chars().filter(|char| !char.is_ascii_digit()).collect(), numbers.collect())
}

/// The table of the keys that were made, and where their PINs are; nothing if there are none.
fn keys_made(report: &Report, folder: &str) -> String {
    let rows = made(report);
    if rows.is_empty() {
        return String::new();
    }
    let heading = MADE.map(str::to_uppercase);
    let dashed = rows.into_iter().map(|row| row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }));
    let mut text = format!("\n{}", table(&std::iter::once(heading).chain(dashed).collect::<Vec<_>>()));
    let made = || jobs(report).filter(|job| job.made_now);
    let by = |way| made().filter(|job| job.handed_over == Some(way)).count();
    let (files, letters, shown) = (by(HandOver::Age), by(HandOver::Letter), by(HandOver::Terminal));
    if files > 0 {
        let files = count(files, "PIN is", "PINs are");
        text.push_str(&format!("{files} in {folder}, a file for each reader; to open one: age -d -i IDENTITY FILE\n"));
    }
    if letters > 0 {
        let letters = count(letters, "letter", "letters");
        text.push_str(&format!("{letters} went to the printer\n"));
    }
    if shown > 0 {
        text.push_str(&format!("{} shown on the terminal\n", count(shown, "PIN was", "PINs were")));
    }
    text.push('\n');
    text
}

/// The heading of the keys that were made.
const MADE: [&str; 7] = ["port", "person", "key", "number", "label", "model", "serial"];

/// The same for a label printer.
fn label_list(report: &Report) -> Vec<u8> {
    let mut list = Spreadsheet::new(MADE);
    made(report).iter().for_each(|row| list.row(row));
    list.finish()
}

/// How many keys were handed out to be registered by hand, for the end of a line; nothing if there are none.
pub(crate) fn to_be_confirmed(keys: usize) -> String {
    if keys == 0 { String::new() } else { format!(", {keys} to be confirmed") }
}

/// The steps that a person has to do, and the last one here.
pub(crate) fn by_hand_words(by_hand: &ByHand) -> String {
    let last = "Run 'keywright drill ACCOUNT' with the key plugged in: it confirms the key.".to_owned();
    let steps = by_hand.steps.iter().chain([&last]).enumerate();
    steps.map(|(at, step)| format!("  {}. {step}\n", at + 1)).collect()
}

fn result(account: &AccountReport, summary: &Summary<'_>) -> String {
    if let Some(failure) = &account.failure {
        return failure.message.clone();
    }
    let mut failed: Vec<(Step, &str, Vec<String>)> = Vec::new();
    for job in &account.jobs {
        let Some((step, Failure { message, .. })) = &job.failure else { continue };
        let ordinal = job.ordinal.to_string();
        match failed.iter_mut().find(|(at, why, _)| at == step && why == message) {
            Some((.., ordinals)) => ordinals.push(ordinal),
            None => failed.push((*step, message, vec![ordinal])),
        }
    }
    let in_words = |(step, why, keys): &(Step, &str, Vec<String>)| {
        let key = if keys.len() == 1 { "key" } else { "keys" };
        format!("{key} {}, {step}: {why}", keys.join(" and "))
    };
    let failures: Vec<_> = failed.iter().map(in_words).collect();
    match () {
        () if !failures.is_empty() => failures.join("; "),
        () if account.complete => "complete".to_owned(),
        () if account.to_be_confirmed => "to be registered by hand and confirmed".to_owned(),
        () if summary.interrupted => "interrupted".to_owned(),
        () => "not complete: keys are missing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AccountId, Head};

    fn account(login: &str, complete: bool, failures: &[Option<FailureCode>]) -> AccountReport {
        let jobs = failures.iter().enumerate().map(|(index, failure)| JobReport {
            job: JobId(index as u64 + 1),
            ordinal: index + 1,
            number: None,
            port: Some("1-2".into()),
            aaguid: None,
            label: None,
            product: None,
            model: None,
            serial: None,
            made_now: false,
            handed_over: None,
            credential_id: None,
            witness: None,
            done: failure.is_none(),
            unconfirmed: false,
            failure: failure
                .map(|code| (Step::Verify, Failure { code, message: "it went wrong".into(), ctap_status: None })),
        });
        AccountReport {
            account: AccountId::new("corp", login),
            login: login.into(),
            person: login.into(),
            profile: "admin".into(),
            complete,
            to_be_confirmed: false,
            keys: failures.iter().filter(|failure| failure.is_none()).count(),
            unconfirmed: 0,
            required: 2,
            other_methods: vec![],
            jobs: jobs.collect(),
            failure: None,
        }
    }

    fn report(accounts: Vec<AccountReport>) -> Report {
        Report { batch: 1, accounts, head: Head::EMPTY, interrupted: false, by_hand: None }
    }

    #[test]
    fn the_exit_code_says_how_much_and_why() {
        use FailureCode::{AttestationRefused, KeyRemoved, PinBlocked, PinUnknown};

        let good = || account("ada", true, &[None, None]);
        let bad = |code| account("bob", false, &[None, Some(code)]);
        let exit = |accounts| exit(&report(accounts), RunKind::Provision);
        assert_eq!(exit(vec![good(), good()]), Exit::Done);
        assert_eq!(exit(vec![good(), bad(AttestationRefused)]), Exit::Partial);
        assert_eq!(exit(vec![bad(AttestationRefused), bad(AttestationRefused)]), Exit::Attestation);
        assert_eq!(exit(vec![bad(PinBlocked), bad(PinUnknown)]), Exit::Pin);
        assert_eq!(exit(vec![bad(PinBlocked), bad(KeyRemoved)]), Exit::Failed);
        // Nothing failed, but a key is missing: more have to be plugged in.
        assert_eq!(exit(vec![account("cy", false, &[None])]), Exit::Key);
        assert_eq!(exit(vec![]), Exit::Done);
    }

    #[test]
    fn one_more_key_need_not_make_the_account_complete() {
        let first_of_two = || report(vec![account("ada", false, &[None])]);
        assert_eq!(exit(&first_of_two(), RunKind::Enroll), Exit::Done);
        assert_eq!(exit(&first_of_two(), RunKind::Provision), Exit::Key);
        assert_eq!(exit(&Report { interrupted: true, ..first_of_two() }, RunKind::Enroll), Exit::Interrupted);
    }

    #[test]
    fn a_hint_is_given_once() {
        let bad = || account("bob", false, &[Some(FailureCode::KeyRemoved), Some(FailureCode::KeyRemoved)]);
        let report = report(vec![bad(), bad()]);
        let hints: Vec<_> = meanings(&report).into_iter().map(|meaning| meaning.next).collect();
        assert_eq!(hints, [table::of_code(FailureCode::KeyRemoved).next]);
    }

    #[test]
    fn nothing_is_resumed_for_somebody_who_was_not_planned() {
        let code = FailureCode::DirectoryDown;
        let failure = Failure { code, message: "corp cannot be reached".into(), ctap_status: None };
        let absent = AccountReport { failure: Some(failure), ..account("cy", false, &[]) };
        let hints: Vec<_> = meanings(&report(vec![absent])).into_iter().map(|meaning| meaning.next).collect();
        assert_eq!(hints, ["run this again when the IdP answers"]);
    }

    #[test]
    fn the_names_in_json_are_stable() {
        let account = account("ada", false, &[Some(FailureCode::AttestationRefused)]);
        assert_eq!(
            serde_json::to_value(AccountLine::new(&account)).unwrap(),
            serde_json::json!({
                "account": "ada", "directory": "corp", "person": "ada", "profile": "admin",
                "complete": false, "to_be_confirmed": false, "other_methods": [], "failure": null,
                "jobs": [{
                    "job": 1, "ordinal": 1, "number": null, "port": "1-2", "label": null, "product": null, "model": null, "serial": null,
                    "made_now": false, "aaguid": null, "credential_id": null,
                    "witness": null, "done": false, "unconfirmed": false,
                    "failure": {
                        "step": "verify", "code": "attestation-refused", "message": "it went wrong",
                        "hint": "use a key of an allowed model, or add the vendor's certificate with --anchor"
                    }
                }]
            })
        );
    }
}
