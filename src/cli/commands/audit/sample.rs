//! `keywright audit sample`: keys to check by hand, drawn so that nobody chose them.

use clap::Args;

use super::records::{Asked, Sheet, print};
use crate::audit::record::KeyRecord;
use crate::audit::sample::draw;
use crate::cli::shared::output::count;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::Event;
use crate::ledger::event::audit::AuditSampled;
use crate::register::Register;

/// Draw keys to check by hand: so many, from every profile and model, the same again for whoever knows the seed.
///
/// Let the auditor name the seed, after the ledger was closed for the day. It goes into the ledger with the number of keys that were
/// drawn from; of an exported folder (--from) nothing is written. Keys out of service are not drawn.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright audit sample --size 25 --seed dice-4-1-6\n  keywright audit sample --size 25 --seed X --from evidence --csv"
)]
pub(crate) struct Sample {
    /// How many keys
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    size: u32,
    /// Any text; the same text draws the same keys from the same ledger
    #[arg(long, value_name = "TEXT")]
    seed: String,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    sheet: Sheet,
}

impl Sample {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let (all, drawn) = self.asked.audit(session, |audit| {
            let records = KeyRecord::all(audit);
            let all = records.iter().filter(|record| record.state.is_in_use()).count();
            (all, draw(&records, size, &self.seed))
        })?;
        if session.global.from.is_none() {
            let event = Event::AuditSampled(AuditSampled {
                seed: self.seed.clone(),
                size: u64::from(self.size),
                drawn_from: all as u64,
                operator: session.operator()?,
            });
            let store = session.ledger_for_writing()?;
            let mut register = Register::of(&*store)?;
            register.record(&*store, &event)?;
        }
        print(&drawn, &self.sheet, session)?;
        session.console.say(&format!("{} of {} in use", count(drawn.len(), "key", "keys"), all));
        Ok(Exit::Done)
    }
}
