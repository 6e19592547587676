//! `keywright status`: who has which keys, and what is left to do. Reads while another keywright writes.

use clap::Args;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::run_report::to_be_confirmed;
use crate::ledger::{AccountId, FailureCode, JobId, Step, WitnessResult};
use crate::register::{AccountStanding, CredentialState, JobState, KeyStanding, Register, Standing};

/// Who has which keys, and what is left to do.
///
/// Can be asked while another keywright works on the same ledger.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright status\n  keywright status --unfinished --json")]
pub(crate) struct Status {
    /// Only accounts that are not complete, or that need a person's attention
    #[arg(long)]
    unfinished: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    profile: String,
    state: AccountStanding,
    complete: bool,
    keys_proved: usize,
    keys_required: usize,
    /// Handed out to be registered by hand, and not confirmed yet.
    keys_unconfirmed: usize,
    /// RFC 3339: when the first of its keys has to be drilled.
    next_drill: Option<String>,
    keys: Vec<KeyStanding>,
    jobs: Vec<JobLine<'a>>,
    attention: Vec<&'a str>,
}

impl View for Line<'_> {
    const KIND: &'static str = "account";
}

#[derive(Serialize)]
struct JobLine<'a> {
    job: JobId,
    ordinal: usize,
    state: &'static str,
    step: Option<Step>,
    /// What the second implementation said of its credential.
    witness: Option<&'a WitnessResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Why<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    code: FailureCode,
    message: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    batch: u64,
    accounts: usize,
    complete: usize,
    keys_proved: usize,
    keys_unconfirmed: usize,
    events: u64,
    attention: Vec<&'a str>,
}

impl View for Summary<'_> {
    const KIND: &'static str = "summary";
}

impl Status {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let book = session.register()?;
        let now = Session::now();
        let all: Vec<_> =
            book.accounts.keys().filter_map(|id| Some(line(id, &book, book.standing(id, now)?))).collect();
        let summary = Summary {
            batch: book.batch,
            accounts: all.iter().filter(|line| line.state != AccountStanding::Forgotten).count(),
            complete: all.iter().filter(|line| line.complete).count(),
            keys_proved: all.iter().map(|line| line.keys_proved).sum(),
            keys_unconfirmed: all.iter().map(|line| line.keys_unconfirmed).sum(),
            events: book.head.seq,
            attention: book.attention.iter().filter(|(job, _)| job.is_none()).map(|(_, what)| what.as_str()).collect(),
        };
        let listed = |line: &&Line<'_>| {
            !matches!(line.state, AccountStanding::Left | AccountStanding::Forgotten) && !line.complete
        };
        let wanted = |line: &&Line<'_>| !self.unfinished || listed(line) || !line.attention.is_empty();
        let lines: Vec<_> = all.iter().filter(wanted).collect();
        if session.output.is_json() {
            for line in lines {
                session.output.object(line)?;
            }
            session.output.object(&summary)?;
        } else {
            session.output.words(&words(&lines, &summary))?;
        }
        Ok(Exit::Done)
    }
}

fn line<'a>(id: &'a AccountId, book: &'a Register, standing: Standing) -> Line<'a> {
    let account = &book.accounts[id];
    Line {
        account: &id.login,
        directory: &id.directory,
        person: account.person.display_name(),
        profile: account.profile.name.to_string(),
        state: standing.account,
        complete: standing.is_complete(),
        keys_proved: standing.in_service(),
        keys_required: standing.required,
        keys_unconfirmed: standing.to_be_confirmed(),
        next_drill: standing.next_drill.and_then(|next| next.format(&Rfc3339).ok()),
        keys: standing.keys.into_iter().map(|key| key.standing).collect(),
        jobs: account.jobs.iter().map(|job| job_line(*job, book)).collect(),
        attention: book
            .attention
            .iter()
            .filter(|(job, _)| job.is_some_and(|job| account.jobs.contains(&job)))
            .map(|(_, what)| what.as_str())
            .collect(),
    }
}

fn job_line(id: JobId, book: &Register) -> JobLine<'_> {
    let job = &book.jobs[&id];
    let credential = job.credential_id().and_then(|id| book.credentials.get(id));
    let unconfirmed = credential.is_some_and(|one| one.state == CredentialState::Unconfirmed);
    let (state, failure) = match &job.state {
        JobState::Ready(_) => ("ready", None),
        JobState::Open(_) => ("open", None),
        JobState::Failed(_, failure) => ("failed", Some(Why { code: failure.code, message: &failure.message })),
        JobState::Done if unconfirmed => ("unconfirmed", None),
        JobState::Done => ("done", None),
        JobState::GivenUp => ("given-up", None),
    };
    JobLine { job: id, ordinal: job.ordinal, state, step: job.state.step(), witness: job.witness_result(), failure }
}

fn words(lines: &[&Line<'_>], summary: &Summary<'_>) -> String {
    let heading = ["ACCOUNT", "PROFILE", "KEYS", "STATE", "NEXT"].map(str::to_owned);
    let rows = lines.iter().map(|line| {
        let keys = format!("{}/{}", line.keys_proved, line.keys_required);
        let (state, next) = state_and_next(line);
        let drill = line.next_drill.as_ref().map(|day| format!("next drill by {}", day.get(..10).unwrap_or(day)));
        let next = [(!next.is_empty()).then_some(next), drill].into_iter().flatten().collect::<Vec<_>>().join("; ");
        [line.account.to_owned(), line.profile.clone(), keys, state.to_owned(), next]
    });
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    for line in lines {
        for what in &line.attention {
            text.push_str(&format!("attention: {}: {what}\n", line.account));
        }
    }
    for what in &summary.attention {
        text.push_str(&format!("attention: {what}\n"));
    }
    text.push_str(&format!(
        "{} of {} complete, {} proved{}\n",
        summary.complete,
        count(summary.accounts, "account", "accounts"),
        count(summary.keys_proved, "key", "keys"),
        to_be_confirmed(summary.keys_unconfirmed),
    ));
    text
}

/// The account's state in a word, and what comes next: a step, and where it stands.
fn state_and_next(line: &Line<'_>) -> (&'static str, String) {
    let next = line
        .jobs
        .iter()
        .filter_map(|job| match (job.step, &job.failure, job.state) {
            (Some(step), Some(failure), _) => Some(format!("key {}: {step} again ({})", job.ordinal, failure.message)),
            (Some(step), None, "open") => Some(format!("key {}: {step}, under way or interrupted", job.ordinal)),
            (Some(step), None, _) => Some(format!("key {}: {step}", job.ordinal)),
            (None, _, "unconfirmed") => Some(format!("key {}: register it by hand, then drill", job.ordinal)),
            (None, ..) => None,
        })
        .collect::<Vec<_>>()
        .join("; ");
    (account_state(line.state), next)
}

/// The account's state for people.
fn account_state(standing: AccountStanding) -> &'static str {
    match standing {
        AccountStanding::Failed => "failed",
        AccountStanding::UnderWay => "under way",
        AccountStanding::Planned => "planned",
        AccountStanding::KeysMissing => "keys missing",
        AccountStanding::ToBeConfirmed => "to be confirmed",
        AccountStanding::Complete => "complete",
        AccountStanding::Left => "left",
        AccountStanding::Forgotten => "forgotten",
    }
}
