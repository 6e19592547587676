//! An account as `status` shows it: what holds of it and of each of its keys, as JSON, as a row, and by itself.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::output::View;
use crate::ledger::{AccountId, FailureCode, JobId, KeyNumber, Seen, Step, WitnessResult, Writer};
use crate::register::{
    Account, AccountStanding, AccountState, CredentialState, JobState, KeyLine, KeyStanding, Register, Standing,
};
use keywright_fido::webauthn::{Aaguid, CredentialId};

/// An account.
#[derive(Serialize)]
pub(crate) struct StatusAccount<'a> {
    pub(crate) account: &'a str,
    pub(crate) directory: &'a str,
    pub(crate) person: &'a str,
    pub(crate) profile: String,
    pub(crate) state: AccountStanding,
    pub(crate) complete: bool,
    pub(crate) keys_proved: usize,
    pub(crate) keys_required: usize,
    /// Handed out to be registered by hand, and not confirmed yet.
    pub(crate) keys_unconfirmed: usize,
    /// RFC 3339: when the first of its keys has to be drilled.
    pub(crate) next_drill: Option<String>,
    user_id: Option<&'a str>,
    former_logins: &'a [String],
    ticket: Option<&'a str>,
    reason: Option<&'a str>,
    storage: Option<&'a str>,
    /// The part of the roll-out that it is in.
    pub(crate) wave: Option<&'a str>,
    /// Who ran the newest batch that planned it.
    operator: Option<&'a str>,
    /// What the system said of who that was.
    operator_seen: Option<&'a Seen>,
    #[serde(skip)]
    operator_words: Option<String>,
    /// The login of the person's account that counts, where the log has two.
    same_as: Option<&'a str>,
    /// RFC 3339: when it was written down that the person left.
    left: Option<&'a str>,
    /// RFC 3339: when the person's names were erased.
    erased: Option<&'a str>,
    pub(crate) keys: Vec<StatusKey<'a>>,
    jobs: Vec<JobLine<'a>>,
    pub(crate) attention: Vec<&'a str>,
}

impl View for StatusAccount<'_> {
    const KIND: &'static str = "account";
}

/// A key of an account.
#[derive(Serialize)]
pub(crate) struct StatusKey<'a> {
    pub(crate) ordinal: usize,
    /// The key's own number, once it is known which key it is.
    pub(crate) number: Option<KeyNumber>,
    job: JobId,
    #[serde(flatten)]
    pub(crate) standing: KeyStanding,
    pub(crate) label: Option<&'a str>,
    pub(crate) place: Option<&'a str>,
    custodian: Option<&'a str>,
    product: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    aaguid: Option<Aaguid>,
    pub(crate) serial: Option<&'a str>,
    usb_serial: Option<&'a str>,
    credential_id: Option<CredentialId>,
    pub(crate) made: Option<&'a str>,
    pub(crate) proved: Option<&'a str>,
    pub(crate) next_drill: Option<String>,
    returned: Option<&'a str>,
    /// Whether somebody has it.
    pub(crate) out: bool,
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

impl<'a> StatusAccount<'a> {
    /// An account of the register, and what holds of it at a moment; `None` if it was never planned.
    pub(crate) fn of(id: &AccountId, register: &'a Register, at: OffsetDateTime) -> Option<Self> {
        let (id, account) = register.accounts.get_key_value(id)?;
        Some(Self::new(id, account, register, register.standing(id, at)?))
    }

    fn new(id: &'a AccountId, account: &'a Account, register: &'a Register, standing: Standing) -> Self {
        let person = &account.person;
        Self {
            account: &account.login,
            directory: &id.directory,
            person: person.display_name(),
            profile: account.profile.name.to_string(),
            state: standing.account,
            complete: standing.is_complete(),
            keys_proved: standing.in_service(),
            keys_required: standing.required,
            keys_unconfirmed: standing.to_be_confirmed(),
            next_drill: standing.next_drill.and_then(|next| next.format(&Rfc3339).ok()),
            user_id: account.user_id.as_deref(),
            former_logins: &account.former_logins,
            ticket: person.ticket.as_deref(),
            reason: person.reason.as_deref(),
            storage: person.storage.as_deref(),
            wave: person.wave.as_deref(),
            operator: account.operator.as_ref().map(|operator| operator.name.as_str()),
            operator_seen: account.operator.as_ref().and_then(|operator| operator.seen.as_ref()),
            operator_words: account.operator.as_ref().map(ToString::to_string),
            same_as: account.same_as.as_ref().map(|id| register.login(id)),
            left: left_since(account),
            erased: account.erased.as_deref(),
            keys: standing.keys.into_iter().map(|key| StatusKey::new(key, register)).collect(),
            jobs: account.jobs.iter().map(|job| job_line(*job, register)).collect(),
            attention: register.attention_of(id).collect(),
        }
    }

    /// Keys that a person who left still has.
    pub(crate) fn to_collect(&self) -> impl Iterator<Item = &StatusKey<'a>> {
        self.keys.iter().filter(|key| self.state == AccountStanding::Left && key.out)
    }

    /// What is known of it besides its keys, with names.
    pub(crate) fn details(&self) -> Vec<(&'static str, String)> {
        let one = |name, value: Option<&str>| value.map(|value| (name, value.to_owned()));
        let former = (!self.former_logins.is_empty()).then(|| ("formerly", self.former_logins.join(", ")));
        let known = [
            one("person", Some(self.person)),
            one("IdP's id", self.user_id),
            former,
            one("ticket", self.ticket),
            one("reason", self.reason),
            one("storage", self.storage),
            one("wave", self.wave),
            one("operator", self.operator_words.as_deref()),
            one("left", self.left.map(day_of)),
            one("erased", self.erased.map(day_of)),
        ];
        known.into_iter().flatten().collect()
    }

    /// The account's state in a word or two.
    pub(crate) fn state_words(&self) -> &'static str {
        self.state.words()
    }

    /// What comes next, for the row of the account.
    pub(crate) fn next_words(&self, writer: &Writer) -> String {
        let of_keys = self.keys.iter().filter_map(|key| key.next_words(writer));
        let mut next: Vec<String> = of_keys.collect();
        next.extend(self.same_as.map(|other| format!("the same person as {other}")));
        next.extend(self.to_collect().map(|key| format!("key {}: to be collected", key.ordinal)));
        next.extend(self.next_drill.as_deref().map(|day| format!("next drill by {}", day_of(day))));
        next.join("; ")
    }
}

impl<'a> StatusKey<'a> {
    fn new(key: KeyLine, register: &'a Register) -> Self {
        let credential = key.credential_id.as_ref().and_then(|id| register.credentials.get(id));
        let taken = register.jobs.get(&key.job).and_then(|job| job.key());
        let verdict = credential.and_then(|one| one.model_verdict.as_ref());
        let next_drill = credential.filter(|_| key.standing.counts()).and_then(|one| register.next_drill(one));
        Self {
            ordinal: key.ordinal,
            number: credential.and_then(|one| one.number),
            job: key.job,
            label: credential.and_then(|one| one.label()),
            place: credential.and_then(|one| one.kept.place.as_deref()),
            custodian: credential.and_then(|one| one.kept.custodian.as_deref()),
            product: taken.map(|key| key.product.as_str()),
            model: verdict.and_then(|verdict| verdict.model.as_deref()),
            aaguid: taken.map(|key| key.aaguid),
            serial: credential.and_then(|one| one.attested_serial.as_deref()),
            usb_serial: taken.and_then(|key| key.usb_serial.as_deref()),
            made: credential.map(|one| one.made.as_str()),
            proved: credential.and_then(|one| one.proved.as_deref()),
            next_drill: next_drill.and_then(|next| next.format(&Rfc3339).ok()),
            returned: credential.and_then(|one| one.returned.as_deref()),
            out: credential.is_some_and(|one| one.is_out()),
            credential_id: key.credential_id,
            standing: key.standing,
        }
    }

    /// The model: its name in metadata, else the product's.
    pub(crate) fn known_model(&self) -> Option<&'a str> {
        self.model.or(self.product)
    }

    /// What holds of the key, in words.
    pub(crate) fn state_words(&self, writer: &Writer) -> String {
        match &self.standing {
            KeyStanding::InService => "in service".to_owned(),
            KeyStanding::DrillDue { since } => format!("in service, drill due since {}", day_of(since)),
            KeyStanding::FailedDrill { at } => format!("failed its drill of {}", day_of(at)),
            KeyStanding::ProfileNotMet { why } => format!("does not meet the profile: {}", why.join(" ")),
            KeyStanding::ToBeConfirmed => "register it by hand, then drill".to_owned(),
            KeyStanding::Superseded { account, ordinal } => format!("is key {ordinal} of {} now", account.login),
            KeyStanding::Planned => "planned".to_owned(),
            KeyStanding::Interrupted { step } => format!("{step}, {}", running_words(writer)),
            KeyStanding::Failed { step, message } => format!("{step} failed: {message}"),
            KeyStanding::PinLost => "its PIN is lost: replace this key".to_owned(),
            KeyStanding::GivenUp => "given up".to_owned(),
            KeyStanding::NotRegistered => "not registered at the IdP".to_owned(),
            KeyStanding::Withdrawn { key_state } => format!("{key_state}, and still registered: revoke it"),
            KeyStanding::CannotTell { since } => format!(
                "cannot tell whether it was erased on {}: plug it in and run 'keywright resume', or revoke it",
                day_of(since)
            ),
            KeyStanding::Erased => "erased".to_owned(),
            KeyStanding::Deleted => "deleted".to_owned(),
            KeyStanding::Revoked => "revoked".to_owned(),
            KeyStanding::RevocationPending => "still signs in: to be revoked by 'keywright resume'".to_owned(),
        }
    }

    /// What is to be done about it, for the row of its account; `None` if nothing is.
    fn next_words(&self, writer: &Writer) -> Option<String> {
        let is_quiet = matches!(
            self.standing,
            KeyStanding::InService
                | KeyStanding::GivenUp
                | KeyStanding::Erased
                | KeyStanding::Deleted
                | KeyStanding::Revoked
                | KeyStanding::Superseded { .. }
        );
        (!is_quiet).then(|| format!("key {}: {}", self.ordinal, self.state_words(writer)))
    }
}

fn running_words(writer: &Writer) -> String {
    match writer {
        Writer::Process { id, since } => {
            let since = since.replace_nanosecond(0).unwrap_or(*since).format(&Rfc3339).unwrap_or_default();
            format!("running in process {id} since {since}")
        }
        Writer::Nobody => "interrupted; 'keywright resume' goes on".to_owned(),
        Writer::CannotTell => "cannot tell whether it is running or interrupted".to_owned(),
    }
}

/// The day of a moment (RFC 3339).
pub(crate) fn day_of(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

fn left_since(account: &Account) -> Option<&str> {
    match &account.state {
        AccountState::Left { since, .. } => Some(since),
        AccountState::Active | AccountState::Forgotten => None,
    }
}

fn job_line(id: JobId, register: &Register) -> JobLine<'_> {
    let job = &register.jobs[&id];
    let credential = job.credential_id().and_then(|id| register.credentials.get(id));
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
