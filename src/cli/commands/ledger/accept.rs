//! `keywright ledger accept`: the ledger as it is, though this station remembers another.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::Change;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::{Event, Origin};
use crate::register::Register;

/// Go on with the ledger as it is, though this station remembers a newer or another one.
///
/// For a state folder that came back from a backup, and for one that was begun anew. What the other ledger said is lost: keys that
/// only it knew are in no list any more, so look at the IdP for keys that this ledger does not have. That it was accepted, why and
/// by whom is the ledger's next event.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright ledger accept --reason restored-from-backup-of-monday")]
pub(crate) struct Accept {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Accepted {
    /// How it was not the one that was remembered.
    lost: String,
    reason: String,
    dry_run: bool,
}

impl View for Accepted {
    const KIND: &'static str = "ledger-accepted";
}

impl Accept {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let Some((mismatch, memory)) = session.mismatch()?.zip(session.memory()?) else {
            session.console.say("the ledger is the one that this station remembers; nothing is to be accepted");
            return Ok(Exit::Done);
        };
        let lost = mismatch.to_string();
        let accepted = Accepted { lost: lost.clone(), reason: self.reason.clone(), dry_run: self.change.dry_run };
        if self.change.dry_run {
            session.output.result(&accepted, || format!("would accept it: {lost}"))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("{lost}. Go on with it as it is?"), self.change.yes)?;
        let store = session.ledger_as_accepted()?;
        let mut register = Register::of(&*store)?;
        let operator = session.operator()?;
        register
            .record(&*store, &Event::LedgerAccepted { lost: lost.clone(), reason: self.reason.clone(), operator })?;
        // What was signed of the lost history stays, where nobody takes it for this one's.
        let mut roots = crate::ledger::tree::Tree::default();
        let mut lost_checkpoints = Vec::new();
        let mut kept = session.checkpoints()?.all()?.into_iter().peekable();
        let origin = Origin::of_ledger(&register.id);
        store.each(&crate::ledger::Head::EMPTY, &mut |entry| {
            roots.push(&entry.hash);
            while let Some(one) = kept.next_if(|one| one.checkpoint.size <= roots.size()) {
                let same = (one.checkpoint.size, one.checkpoint.root) == (roots.size(), roots.root());
                if !same || one.checkpoint.origin != origin {
                    lost_checkpoints.push(one);
                }
            }
            Ok(())
        })?;
        lost_checkpoints.extend(kept);
        session.checkpoints()?.give_up(&lost_checkpoints)?;
        memory.forget(Some(&origin))?;
        session.output.result(&accepted, || format!("accepted: {lost}"))?;
        Ok(Exit::Done)
    }
}
