//! `keywright status`: who has which keys, and what is left to do. Reads while another keywright writes.

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::shared::arguments::moment;
use crate::cli::shared::output::{View, count, harmless, table};
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::run_report::to_be_confirmed;
use crate::cli::view::status_account::{StatusAccount, StatusKey, day_of};
use crate::ledger::{LedgerError, Writer};
use crate::profile::{ProfileName, login};
use crate::register::{AccountStanding, Register};
use crate::settings::IdpChoice;

/// Who has which keys, and what is left to do.
///
/// With an account: each of its keys. Can be asked while another keywright works on the same ledger. A key counts once it is
/// registered, was seen to sign, meets the profile, and its PIN was handed over.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright status\n  keywright status ada@example.org\n  keywright status --unfinished --json\n  keywright status --profile break-glass --csv\n  keywright status --wave 2 --unfinished\n  keywright status --at 2026-06-30"
)]
pub(crate) struct Status {
    /// One account: its login, a former one, or the IdP's id
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only accounts that are not complete, or that need a person's attention
    #[arg(long)]
    unfinished: bool,
    /// Only accounts of this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// Only accounts of this wave of the roll-out, as the roster has it
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
    /// As it was at the end of this day, or at this moment (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = moment)]
    at: Option<OffsetDateTime>,
    /// The IdP, where several have the login
    #[arg(long, value_name = "NAME", requires = "account")]
    idp: Option<IdpChoice>,
    /// Print one row for each key as CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
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
        // First of all: what follows is what this ledger says, and it may be the wrong one.
        let mismatch = session.mismatch()?.map(|mismatch| CliError::Ledger(mismatch.into()));
        if let Some(error) = &mismatch {
            session.console.error(error);
        }
        let shown = self.show(session);
        match (mismatch, shown) {
            (Some(error), Ok(_)) => Ok(error.exit()),
            // There is nothing to be shown, and that was said.
            (Some(error), Err(CliError::Ledger(LedgerError::Missing { .. }))) => Ok(error.exit()),
            (_, shown) => shown,
        }
    }

    fn show(&self, session: &Session) -> Result<Exit, CliError> {
        let register = match self.at {
            Some(at) => Register::as_of(&session.ledger_for_reading()?.entries(0)?, at)?,
            None => session.register()?,
        };
        let now = self.at.unwrap_or_else(Session::now);
        // What was under way at another moment is not known.
        let writer = match self.at {
            Some(_) => Writer::CannotTell,
            None => Writer::of_ledger(&session.state()?.ledger()),
        };
        let account = |id| Some(StatusAccount::new(id, &register, register.standing(id, now)?));
        if let Some(text) = &self.account {
            let id = account::find(text, self.idp.as_ref(), &register)?;
            let found: Vec<_> =
                register.accounts.get_key_value(&id).and_then(|(id, _)| account(id)).into_iter().collect();
            return self.print(&found, None, &writer, session);
        }
        let all: Vec<_> = register.accounts.keys().filter_map(account).collect();
        let summary = Summary {
            batch: register.batch,
            accounts: all.iter().filter(|one| is_somebody(one.state)).count(),
            complete: all.iter().filter(|one| one.complete).count(),
            keys_proved: all.iter().map(|one| one.keys_proved).sum(),
            keys_unconfirmed: all.iter().map(|one| one.keys_unconfirmed).sum(),
            events: register.head.seq,
            attention: register
                .attention
                .iter()
                .filter(|(job, _)| job.is_none())
                .map(|(_, what)| what.as_str())
                .collect(),
        };
        let accounts: Vec<_> = all.into_iter().filter(|one| self.wants(one)).collect();
        self.print(&accounts, Some(&summary), &writer, session)
    }

    fn wants(&self, one: &StatusAccount<'_>) -> bool {
        let is_over = matches!(one.state, AccountStanding::Left | AccountStanding::Forgotten);
        let is_finished = one.complete || is_over && one.to_collect().next().is_none();
        let wanted = !self.unfinished || !is_finished || !one.attention.is_empty();
        let in_wave = |wave: &String| one.wave.is_some_and(|own| login::is_same(own, wave.trim()));
        wanted
            && self.profile.as_ref().is_none_or(|profile| profile.as_str() == one.profile)
            && self.wave.as_ref().is_none_or(in_wave)
    }

    fn print(
        &self,
        accounts: &[StatusAccount<'_>],
        summary: Option<&Summary<'_>>,
        writer: &Writer,
        session: &Session,
    ) -> Result<Exit, CliError> {
        if session.output.is_json() {
            accounts.iter().try_for_each(|one| session.output.object(one))?;
            if let Some(summary) = summary {
                session.output.object(summary)?;
            }
        } else if self.csv {
            session.output.bytes(&csv(accounts, writer)?)?;
        } else if let (Some(one), None) = (accounts.first(), summary) {
            session.output.text(&by_itself(one, writer))?;
        } else if let Some(summary) = summary {
            session.output.text(&accounts_table(accounts, summary, writer))?;
        }
        Ok(Exit::Done)
    }
}

/// Whether an account is a person of its own, and no mistake.
fn is_somebody(state: AccountStanding) -> bool {
    !matches!(state, AccountStanding::Forgotten | AccountStanding::Duplicate)
}

fn accounts_table(accounts: &[StatusAccount<'_>], summary: &Summary<'_>, writer: &Writer) -> String {
    let heading = ["ACCOUNT", "PROFILE", "KEYS", "STATE", "NEXT"].map(str::to_owned);
    let rows = accounts.iter().map(|one| {
        let keys = format!("{}/{}", one.keys_proved, one.keys_required);
        [one.account.to_owned(), one.profile.clone(), keys, one.state_words().to_owned(), one.next_words(writer)]
    });
    let mut text = table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    for one in accounts {
        for what in &one.attention {
            text.push_str(&format!("attention: {}: {what}\n", one.account));
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

/// One account: what is known of it, a line each, and its keys.
fn by_itself(one: &StatusAccount<'_>, writer: &Writer) -> String {
    let mut text = format!(
        "{} at {}: {}, {} of {} keys of profile {}\n",
        one.account,
        one.directory,
        one.state_words(),
        one.keys_proved,
        one.keys_required,
        one.profile
    );
    for (name, value) in one.details() {
        text.push_str(&format!("  {name:<10} {value}\n"));
    }
    let heading =
        ["KEY", "NUMBER", "STATE", "LABEL", "MODEL", "SERIAL", "PLACE", "LAST PROVED", "NEXT DRILL"].map(str::to_owned);
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let rows = one.keys.iter().map(|key| {
        [
            key.ordinal.to_string(),
            or_dash(key.number.map(|number| number.to_string()).as_deref()),
            key.state_words(writer),
            or_dash(key.label),
            or_dash(key.known_model()),
            or_dash(key.serial),
            or_dash(key.place),
            or_dash(key.proved.map(day_of)),
            or_dash(key.next_drill.as_deref().map(day_of)),
        ]
    });
    text.push_str(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
    for what in &one.attention {
        text.push_str(&format!("attention: {what}\n"));
    }
    text
}

/// A row for each key, and one for an account without keys. A spreadsheet takes none of the texts for a formula.
fn csv(accounts: &[StatusAccount<'_>], writer: &Writer) -> Result<Vec<u8>, CliError> {
    const HEADING: [&str; 16] = [
        "account",
        "directory",
        "person",
        "profile",
        "account state",
        "key",
        "number",
        "key state",
        "label",
        "model",
        "serial",
        "place",
        "made",
        "last proved",
        "next drill",
        "wave",
    ];
    let failed = |error: &dyn std::fmt::Display| CliError::File { path: "stdout".into(), why: error.to_string() };
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(HEADING).map_err(|error| failed(&error))?;
    for one in accounts {
        let start = [one.account, one.directory, one.person, &one.profile, one.state_words()].map(harmless);
        let keys: Vec<_> = one.keys.iter().map(|key| csv_key(key, writer)).collect();
        let wave = harmless(one.wave.unwrap_or_default());
        let none: [String; 10] = Default::default();
        let keys = if keys.is_empty() { vec![none] } else { keys };
        for key in keys {
            rows.write_record(start.iter().chain(&key).chain([&wave])).map_err(|error| failed(&error))?;
        }
    }
    rows.into_inner().map_err(|error| failed(&error))
}

fn csv_key(key: &StatusKey<'_>, writer: &Writer) -> [String; 10] {
    let text = |text: Option<&str>| harmless(text.unwrap_or_default());
    [
        key.ordinal.to_string(),
        key.number.map(|number| number.to_string()).unwrap_or_default(),
        harmless(&key.state_words(writer)),
        text(key.label),
        text(key.known_model()),
        text(key.serial),
        text(key.place),
        text(key.made),
        text(key.proved),
        text(key.next_drill.as_deref()),
    ]
}
