//! `keywright ledger prove`: that an event is in the ledger of a checkpoint, or that one checkpoint goes on from another.

use std::path::PathBuf;

use clap::Args;
use data_encoding::BASE64;
use serde::Serialize;

use crate::cli::shared::output::View;
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::tree::{Hash, WholeTree};
use crate::ledger::{Entry, Head, Kept};

/// Prove that an event is in the ledger, for somebody who has a checkpoint of it.
///
/// The proof is a C2SP tlog-proof: the event, the hashes beside its way up the tree, and the newest checkpoint. docs/verify_proof.py
/// verifies it in a dozen lines. With --since, it is the proof that the newest checkpoint goes on from an earlier one, in the form
/// that C2SP witnesses take.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright ledger prove 57 --out event-57.tlog-proof\n  keywright ledger prove --since 40"
)]
pub(crate) struct Prove {
    /// The event's number
    #[arg(value_name = "EVENT", required_unless_present = "since")]
    event: Option<u64>,
    /// How many events the ledger had at an earlier checkpoint
    #[arg(long, value_name = "SIZE", conflicts_with = "event")]
    since: Option<u64>,
    /// A file for the proof, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Proof<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    size: u64,
    proof: &'a str,
}

impl View for Proof<'_> {
    const KIND: &'static str = "ledger-proof";
}

impl Prove {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let newest = session.checkpoints()?.all()?.pop();
        let none =
            CliError::NotSetUp { what: "there is no checkpoint yet", next: "'keywright ledger checkpoint' makes one" };
        let Kept { checkpoint, note, file } = newest.ok_or(none)?;
        let (mut hashes, mut wanted, mut before) = (Vec::new(), None, Head::EMPTY);
        session.ledger_for_reading()?.each(&Head::EMPTY, &mut |entry| {
            if entry.seq <= checkpoint.size {
                hashes.push(entry.hash);
            }
            if Some(entry.seq) == self.event {
                wanted = Some((before.hash, entry.clone()));
            }
            before = entry.head();
            Ok(())
        })?;
        let tree = WholeTree::new(hashes);
        if tree.root() != checkpoint.root {
            let path = file.display();
            return Err(CliError::NotFound(format!(
                "the ledger is not the one of {path}; 'keywright ledger verify' says more"
            )));
        }
        let beyond = |size: u64| {
            let what = format!(
                "the newest checkpoint has {} events; 'keywright ledger checkpoint' makes one",
                checkpoint.size
            );
            CliError::NotFound(format!("event {size} is not in it: {what}"))
        };
        let text = match (self.event, self.since) {
            (Some(event), _) => {
                let proof = tree.inclusion(event).ok_or_else(|| beyond(event))?;
                let (before, entry) = wanted.ok_or_else(|| beyond(event))?;
                let body = BASE64.encode(&hashed(&before, &entry));
                format!("c2sp.org/tlog-proof@v1\nextra {body}\nindex {}\n{}\n{note}", event - 1, lines(&proof))
            }
            (None, from) => {
                let from = from.unwrap_or_default();
                let proof = tree.consistency(from).ok_or_else(|| beyond(from))?;
                format!("old {from}\n{}\n{note}", lines(&proof))
            }
        };
        if let Some(out) = &self.out {
            write_private(out, text.as_bytes())?;
        }
        let proof = Proof { event: self.event, from: self.since, size: checkpoint.size, proof: &text };
        session.output.result(&proof, || match &self.out {
            Some(out) => out.display().to_string(),
            None => text.trim_end().to_owned(),
        })?;
        Ok(Exit::Done)
    }
}

/// What the chain hashes for an entry: the hash before it, and its text.
fn hashed(before: &Hash, entry: &Entry) -> Vec<u8> {
    [&before[..], format!("{}\n{}\n{}", entry.seq, entry.time, entry.body).as_bytes()].concat()
}

fn lines(proof: &[Hash]) -> String {
    proof.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect()
}
