//! What a run would do, in words or JSON.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::shared::batch::DryRunOutcome;
use crate::cli::shared::failure::table as meanings;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::plan_summary::PlanSummary;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::{Failure, FailureCode, JobId, Step};
use crate::provision::{
    AccountKey, Change, DryRun, KeyMatch, KeySeen, KeyState, PendingLabel, PendingRevocation, Plan, Planned, Use,
};
use crate::register::Replacement;
use keywright_fido::webauthn::Aaguid;

#[derive(Serialize)]
struct AccountLine<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    profile: &'a str,
    changes: Vec<ChangeLine>,
    /// Keys of earlier runs that would be finished.
    unfinished: Vec<UnfinishedLine>,
    /// Keys that would be made, and whether one that would do is plugged in.
    make: Vec<MakeLine<'a>>,
    other_methods: &'a [String],
    failure: Option<Why<'a>>,
}

impl View for AccountLine<'_> {
    const KIND: &'static str = "planned-account";
}

#[derive(Serialize)]
struct ChangeLine {
    change: &'static str,
    message: String,
    needs_consent: bool,
}

#[derive(Serialize)]
struct UnfinishedLine {
    job: JobId,
    ordinal: usize,
    step: Step,
}

#[derive(Serialize)]
struct MakeLine<'a> {
    ordinal: usize,
    plugged_in: bool,
    reset: bool,
    failure: Option<Why<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    code: FailureCode,
    message: &'a str,
    hint: Cow<'static, str>,
}

#[derive(Serialize)]
struct KeyLine<'a> {
    port: &'a str,
    product: &'a str,
    aaguid: Option<Aaguid>,
    state: &'static str,
    account: Option<&'a str>,
    ordinal: Option<usize>,
    failure: Option<Why<'a>>,
}

impl View for KeyLine<'_> {
    const KIND: &'static str = "plugged-in-key";
}

/// The last line of a dry run.
#[derive(Serialize)]
struct LastLine<'a> {
    directory: &'a str,
    accounts: usize,
    #[serde(flatten)]
    summary: &'a PlanSummary,
    metadata: Option<&'a str>,
    /// The key that the new one takes the place of; it is revoked once that one counts.
    replaces: Option<usize>,
    /// Whether that key stays, reset.
    same_key: bool,
    /// Keys that would be removed at the IdP.
    revocations: Vec<RevocationLine<'a>>,
    /// Keys that would get another label at the IdP.
    labels: Vec<LabelLine<'a>>,
    /// Credentials that the keys are asked for, because their erasure did not come to an end.
    erasures: usize,
    failed: usize,
}

/// A key that was revoked, and that the IdP still has.
#[derive(Serialize)]
struct RevocationLine<'a> {
    account: &'a str,
    ordinal: usize,
    reason: &'a str,
}

/// A key whose label was corrected, and that the IdP calls otherwise.
#[derive(Serialize)]
struct LabelLine<'a> {
    account: &'a str,
    ordinal: usize,
    label: &'a str,
}

impl View for LastLine<'_> {
    const KIND: &'static str = "plan";
}

/// Prints a plan and returns what it means: 0 if everything in it can be done with the keys that are there or will come.
pub(crate) fn print(outcome: &DryRunOutcome, session: &Session) -> Result<Exit, CliError> {
    let DryRunOutcome { plan, dry_run, metadata } = outcome;
    let summary = PlanSummary::count(plan, dry_run);
    if session.output.is_json() {
        for planned in &plan.people {
            session.output.object(&AccountLine::new(planned, dry_run))?;
        }
        for key in &dry_run.keys {
            session.output.object(&KeyLine::new(key))?;
        }
        session.output.object(&LastLine {
            directory: &plan.idp.name,
            accounts: plan.people.len(),
            summary: &summary,
            metadata: metadata.as_deref(),
            replaces: plan.replaces.as_ref().map(|replacement| replacement.ordinal),
            same_key: plan.replaces.as_ref().is_some_and(|replacement| replacement.same_key),
            revocations: plan.revocations.iter().map(RevocationLine::new).collect(),
            labels: plan.labels.iter().map(LabelLine::new).collect(),
            erasures: plan.erasures.len(),
            failed: plan.people.iter().filter(|planned| refused(planned, dry_run).is_some()).count(),
        })?;
    } else {
        session.output.text(&plan_text(outcome, &summary))?;
    }
    for (planned, change) in plan.to_be_agreed() {
        session.console.say(&format!("{}: {change}; a run asks for this, or takes --yes", planned.login));
    }
    let mut hints = BTreeSet::new();
    for meaning in reasons(plan, dry_run) {
        if hints.insert(meaning.next.clone()) {
            session.console.hint(&meaning.next);
        }
    }
    Ok(exit(plan, dry_run))
}

fn code(change: &Change) -> &'static str {
    match change {
        Change::New => "new-account",
        Change::Back => "back",
        Change::Login { .. } => "login",
        Change::Name { .. } => "name",
        Change::Wave { .. } => "wave",
        Change::SameKey { .. } => "same-key",
        Change::Profile { .. } => "profile",
        Change::Rules { .. } => "profile-rules",
    }
}

impl<'a> AccountLine<'a> {
    fn new(planned: &'a Planned, dry_run: &'a DryRun) -> Self {
        let matches = dry_run.matches.get(&planned.account).map(Vec::as_slice).unwrap_or_default();
        Self {
            account: &planned.login,
            directory: &planned.account.directory,
            person: planned.person.display_name(),
            profile: planned.profile.name.as_str(),
            changes: planned
                .changes
                .iter()
                .map(|change| ChangeLine {
                    change: code(change),
                    message: change.to_string(),
                    needs_consent: change.needs_consent(),
                })
                .collect(),
            unfinished: planned
                .unfinished
                .iter()
                .map(|one| UnfinishedLine { job: one.job, ordinal: one.ordinal, step: one.step })
                .collect(),
            make: planned.ordinals.iter().map(|ordinal| MakeLine::new(*ordinal, matches)).collect(),
            other_methods: &planned.other_methods,
            failure: refused(planned, dry_run).map(|failure| Why::new(failure, meanings::of_person(failure))),
        }
    }
}

impl<'a> RevocationLine<'a> {
    fn new(pending: &'a PendingRevocation) -> Self {
        Self { account: &pending.login, ordinal: pending.ordinal, reason: &pending.reason }
    }
}

impl<'a> LabelLine<'a> {
    fn new(pending: &'a PendingLabel) -> Self {
        Self { account: &pending.login, ordinal: pending.ordinal, label: &pending.label }
    }
}

impl<'a> MakeLine<'a> {
    fn new(ordinal: usize, matches: &'a [KeyMatch]) -> Self {
        let found = matches.iter().find(|one| one.ordinal == ordinal);
        let key = found.and_then(|one| one.key);
        Self {
            ordinal,
            plugged_in: key.is_some(),
            reset: key == Some(Use::AfterReset),
            failure: found.and_then(|one| one.refusal.as_ref()).map(Why::of_key),
        }
    }
}

impl<'a> Why<'a> {
    fn new(failure: &'a Failure, meaning: meanings::Meaning) -> Self {
        Self { code: failure.code, message: &failure.message, hint: meaning.next }
    }

    fn of_key(failure: &'a Failure) -> Self {
        Self::new(failure, meanings::of_job(failure))
    }
}

impl<'a> KeyLine<'a> {
    fn new(key: &'a KeySeen) -> Self {
        let (state, account, ordinal, failure) = match &key.state {
            KeyState::Fresh => ("fresh", None, None, None),
            KeyState::Used => ("used", None, None, None),
            KeyState::Taken(key) => ("taken", Some(key.login.as_str()), Some(key.ordinal), None),
            KeyState::CannotTell(key) => ("cannot-tell", Some(key.login.as_str()), Some(key.ordinal), None),
            KeyState::Unusable(failure) => ("unusable", None, None, Some(Why::of_key(failure))),
        };
        let KeySeen { port, product, aaguid, .. } = key;
        Self { port, product, aaguid: *aaguid, state, account, ordinal, failure }
    }
}

fn plan_text(outcome: &DryRunOutcome, summary: &PlanSummary) -> String {
    let DryRunOutcome { plan, dry_run, metadata } = outcome;
    let heading = ["ACCOUNT", "PROFILE", "PLAN"].map(str::to_owned);
    let rows =
        plan.people.iter().map(|one| [one.login.clone(), one.profile.name.to_string(), plan_words(one, dry_run)]);
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    for key in &dry_run.keys {
        match &key.state {
            KeyState::Taken(AccountKey { login, ordinal, .. }) => {
                text.push_str(&format!("the key in {} is key {ordinal} of {login}\n", key.port));
            }
            KeyState::CannotTell(AccountKey { login, ordinal, .. }) => {
                text.push_str(&format!(
                    "cannot tell whether the key in {} is key {ordinal} of {login}: it looks the same and shows nothing\n",
                    key.port
                ));
            }
            KeyState::Unusable(failure) => {
                text.push_str(&format!("the key in {} cannot be used: {}\n", key.port, failure.message));
            }
            KeyState::Fresh | KeyState::Used => {}
        }
    }
    if let Some(Replacement { ordinal, reason, same_key }) = &plan.replaces {
        if *same_key {
            text.push_str(&format!("the new one is key {ordinal} itself, reset\n"));
        }
        text.push_str(&format!("then revoke key {ordinal}, once the new one counts: {reason}\n"));
    }
    for pending in &plan.revocations {
        text.push_str(&format!("remove key {} of {} at the IdP: {}\n", pending.ordinal, pending.login, pending.reason));
    }
    for PendingLabel { login, ordinal, label, .. } in &plan.labels {
        text.push_str(&format!("call key {ordinal} of {login} \"{label}\" at the IdP\n"));
    }
    for open in &plan.erasures {
        let of = format!("key {} of {}", open.ordinal, open.login);
        text.push_str(&format!("look whether {of} was erased, if it is plugged in\n"));
    }
    let mut parts = vec![format!("dry run at {}: {} to be made", plan.idp.name, count(summary.keys, "key", "keys"))];
    if summary.keys_in_stock > 0 {
        parts.push(format!("{} in stock", summary.keys_in_stock));
    }
    parts.push(format!("{} plugged in and free", count(summary.keys_free, "key is", "keys are")));
    parts.extend(summary.reset_words());
    parts.extend(summary.hand_over_words());
    parts.push(match metadata {
        Some(metadata) => metadata.clone(),
        None => "no FIDO metadata is stored".to_owned(),
    });
    parts.push("nothing was changed".to_owned());
    text.push_str(&parts.join("; "));
    text.push('\n');
    text
}

/// Why nothing would come of what is planned for somebody: known when the plan was drawn, or told by the IdP when it was tried.
fn refused<'a>(planned: &'a Planned, dry_run: &'a DryRun) -> Option<&'a Failure> {
    planned.refused.as_ref().or_else(|| dry_run.refusals.get(&planned.account))
}

/// One person's plan.
fn plan_words(planned: &Planned, dry_run: &DryRun) -> String {
    if let Some(failure) = refused(planned, dry_run) {
        return failure.message.clone();
    }
    let mut parts: Vec<String> = planned.changes.iter().map(ToString::to_string).collect();
    parts.extend(planned.unfinished.iter().map(|one| format!("finish key {}, at {}", one.ordinal, one.step)));
    let matches = dry_run.matches.get(&planned.account).map(Vec::as_slice).unwrap_or_default();
    parts.extend(planned.ordinals.iter().map(|ordinal| make_words(*ordinal, matches)));
    if !planned.has_keys_to_come() && planned.user.is_some() {
        parts.push("has its keys".to_owned());
    }
    if planned.user.is_none() {
        parts.push("keys are missing: run the roster again, or 'keywright enroll'".to_owned());
    }
    parts.join("; ")
}

fn make_words(ordinal: usize, matches: &[KeyMatch]) -> String {
    match matches.iter().find(|one| one.ordinal == ordinal) {
        Some(KeyMatch { key: Some(Use::AfterReset), .. }) => format!("make key {ordinal} after a reset"),
        Some(KeyMatch { refusal: Some(failure), .. }) => format!("make key {ordinal}; {}", failure.message),
        _ => format!("make key {ordinal}"),
    }
}

/// What keeps people or keys from what is planned for them, and what that means.
fn reasons<'a>(plan: &'a Plan, dry_run: &'a DryRun) -> impl Iterator<Item = meanings::Meaning> + 'a {
    let of_people = plan.people.iter().filter_map(|planned| refused(planned, dry_run)).map(meanings::of_person);
    let of_keys = dry_run.matches.values().flatten().filter_map(|one| one.refusal.as_ref()).map(meanings::of_job);
    of_people.chain(of_keys)
}

/// As a run would end, as far as it can be known: keys that are not plugged in yet may still come.
fn exit(plan: &Plan, dry_run: &DryRun) -> Exit {
    let has_refusal = |planned: &Planned| {
        let matches = dry_run.matches.get(&planned.account).map(Vec::as_slice).unwrap_or_default();
        refused(planned, dry_run).is_some() || matches.iter().any(|one| one.refusal.is_some())
    };
    let failed = plan.people.iter().filter(|planned| has_refusal(planned)).count();
    if failed == 0 {
        return Exit::Done;
    }
    if failed < plan.people.len() {
        return Exit::Partial;
    }
    let mut exits = reasons(plan, dry_run).map(|meaning| meaning.exit);
    let first = exits.next().unwrap_or(Exit::Failed);
    if exits.all(|exit| exit == first) { first } else { Exit::Failed }
}
