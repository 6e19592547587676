//! `keywright status`: who has which keys, and what is left to do. Reads while another keywright writes.

use clap::Args;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::shared::arguments::moment;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::run_report::to_be_confirmed;
use crate::cli::view::status_account::{StatusAccount, StatusKey, day_of};
use crate::ledger::{AccountId, LedgerError, Writer};
use crate::profile::{ProfileName, login};
use crate::register::{AccountStanding, Register};
use crate::settings::IdpChoice;

/// Who has which keys, and what is left to do.
///
/// With an account: each of its keys. Can be asked while another keywright works on the same ledger. A key counts once it is
/// registered, was seen to sign, meets the profile, and its PIN was handed over.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright status\n  keywright status ada@example.org\n  keywright status --unfinished --json\n  keywright status --profile break-glass --csv\n  keywright status --wave 2 --unfinished --check\n  keywright status --at 2026-06-30"
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
    /// For scripts: end with 3 unless all that is shown is complete and needs nobody's attention
    #[arg(long)]
    check: bool,
    /// Print one row for each key as CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// As many accounts are looked at together, on all cores.
const AT_ONCE: usize = 2048;

#[derive(Default, Serialize)]
struct Summary {
    batch: u64,
    accounts: usize,
    complete: usize,
    keys_proved: usize,
    keys_unconfirmed: usize,
    events: u64,
    attention: Vec<String>,
}

impl Summary {
    fn add(&mut self, one: &StatusAccount<'_>) {
        self.accounts += usize::from(!one.state.is_over());
        self.complete += usize::from(one.complete);
        self.keys_proved += one.keys_proved;
        self.keys_unconfirmed += one.keys_unconfirmed;
    }
}

impl View for Summary {
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
        let mut register = match self.at {
            Some(at) => Register::as_of(&*session.ledger_for_reading()?, at)?,
            None => session.register()?,
        };
        let now = self.at.unwrap_or_else(Session::now);
        // What was under way at another moment is not known.
        let writer = match self.at {
            None if session.global.from.is_none() => Writer::of_ledger(&session.state()?.ledger()),
            _ => Writer::CannotTell,
        };
        if let Some(text) = &self.account {
            let id = account::find(text, self.idp.as_ref(), &register)?;
            let Some(one) = StatusAccount::of(&id, &register, now) else { return Ok(Exit::Done) };
            if session.output.is_json() {
                session.output.object(&one)?;
            } else if self.csv {
                let mut sheet = Sheet::new();
                sheet.add(&one, &writer);
                session.output.bytes(&sheet.0.finish())?;
            } else {
                session.output.text(&by_itself(&one, &writer))?;
            }
            return Ok(self.exit(is_open(&one)));
        }
        let shown = self.print(&mut register, now, &writer, session);
        // The program ends here, and to take a long register apart first would be a good part of its time.
        std::mem::forget(register);
        shown
    }

    /// Prints all accounts, some thousand at a time: of 25,000 there are never more in memory.
    fn print(
        &self,
        register: &mut Register,
        now: OffsetDateTime,
        writer: &Writer,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let of_no_job = register.attention.iter().filter(|(job, _)| job.is_none());
        let attention = of_no_job.map(|(_, what)| what.clone()).collect();
        let mut summary = Summary { batch: register.batch, events: register.head.seq, attention, ..Summary::default() };
        let (mut sheet, mut listing) = (Sheet::new(), Listing::default());
        let mut open = !summary.attention.is_empty();
        let ids: Vec<AccountId> = register.accounts.keys().cloned().collect();
        for some in ids.chunks(AT_ONCE) {
            let all: Vec<_> = some.par_iter().filter_map(|id| StatusAccount::of(id, register, now)).collect();
            for one in all {
                summary.add(&one);
                if !self.wants(&one) {
                    continue;
                }
                open |= is_open(&one);
                if session.output.is_json() {
                    session.output.object(&one)?;
                } else if self.csv {
                    sheet.add(&one, writer);
                } else {
                    listing.add(&one, writer);
                }
            }
            register.let_go();
        }
        if session.output.is_json() {
            session.output.object(&summary)?;
        } else if self.csv {
            session.output.bytes(&sheet.0.finish())?;
        } else {
            session.output.text(&listing.finish(&summary))?;
        }
        Ok(self.exit(open))
    }

    fn exit(&self, open: bool) -> Exit {
        if self.check && open { Exit::Partial } else { Exit::Done }
    }

    fn wants(&self, one: &StatusAccount<'_>) -> bool {
        let in_wave = |wave: &String| one.wave.is_some_and(|own| login::is_same(own, wave.trim()));
        (!self.unfinished || is_open(one))
            && self.profile.as_ref().is_none_or(|profile| profile.as_str() == one.profile)
            && self.wave.as_ref().is_none_or(in_wave)
    }
}

/// Whether something is left to do for an account, or to look at.
fn is_open(one: &StatusAccount<'_>) -> bool {
    let is_over = matches!(one.state, AccountStanding::Left | AccountStanding::Forgotten);
    let is_finished = one.complete || is_over && one.to_collect().next().is_none();
    !is_finished || !one.attention.is_empty()
}

/// The table of accounts, and what is to be told below it.
#[derive(Default)]
struct Listing {
    rows: Vec<[String; 5]>,
    attention: String,
}

impl Listing {
    fn add(&mut self, one: &StatusAccount<'_>, writer: &Writer) {
        let keys = format!("{}/{}", one.keys_proved, one.keys_required);
        let state = one.state_words().to_owned();
        self.rows.push([one.account.to_owned(), one.profile.clone(), keys, state, one.next_words(writer)]);
        for what in &one.attention {
            self.attention.push_str(&format!("attention: {}: {what}\n", one.account));
        }
    }

    fn finish(mut self, summary: &Summary) -> String {
        self.rows.insert(0, ["ACCOUNT", "PROFILE", "KEYS", "STATE", "NEXT"].map(str::to_owned));
        let mut text = table(&self.rows);
        text.push_str(&self.attention);
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

/// A row for each key, and one for an account without keys.
struct Sheet(Spreadsheet);

impl Sheet {
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

    fn new() -> Self {
        Self(Spreadsheet::new(Self::HEADING))
    }

    fn add(&mut self, one: &StatusAccount<'_>, writer: &Writer) {
        let start = [one.account, one.directory, one.person, &one.profile, one.state_words()].map(ToOwned::to_owned);
        let keys: Vec<_> = one.keys.iter().map(|key| csv_key(key, writer)).collect();
        let wave = one.wave.unwrap_or_default().to_owned();
        let none: [String; 10] = Default::default();
        let keys = if keys.is_empty() { vec![none] } else { keys };
        for key in keys {
            self.0.row(start.iter().chain(&key).chain([&wave]));
        }
    }
}

fn csv_key(key: &StatusKey<'_>, writer: &Writer) -> [String; 10] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        key.ordinal.to_string(),
        key.number.map(|number| number.to_string()).unwrap_or_default(),
        key.state_words(writer),
        text(key.label),
        text(key.known_model()),
        text(key.serial),
        text(key.place),
        text(key.made),
        text(key.proved),
        text(key.next_drill.as_deref()),
    ]
}
