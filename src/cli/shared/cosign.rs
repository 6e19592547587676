//! Outside witnesses cosign a checkpoint (C2SP tlog-witness and tlog-cosignature): over HTTP, or in a file that somebody brought.
//!
//! It refuses to keep a line that is not a good signature of a key that the settings name.

use data_encoding::BASE64;
use ureq::http::{Method, header};

use crate::cli::shared::outside::PATIENCE;
use crate::cli::shared::{CliError, Session};
use crate::idp::http::{Client, Reply};
use crate::ledger::note::{Note, NoteKey, Signed};
use crate::ledger::tree::WholeTree;
use crate::ledger::{Head, Kept};
use crate::settings::Witness;

/// The longest answer of a witness that is taken, in bytes.
const LONGEST: u64 = 1 << 20;

/// Has a witness see the checkpoint, with the proof that it goes on from the one that it saw last, and keeps its cosignature.
pub(crate) fn ask(witness: &Witness, kept: &Kept, session: &Session) -> Result<Kept, CliError> {
    let client = Client::new(witness.key.name(), &witness.url, PATIENCE).map_err(CliError::Witness)?;
    let mut hashes = Vec::new();
    session.ledger_for_reading()?.each(&Head::EMPTY, &mut |entry| {
        if entry.seq <= kept.checkpoint.size {
            hashes.push(entry.hash);
        }
        Ok(())
    })?;
    let tree = WholeTree::new(hashes);
    let send = |old: u64| -> Result<Reply, CliError> {
        let proof = match old {
            0 => Some(Vec::new()),
            old => tree.consistency(old),
        };
        let beyond = || CliError::NotFound(format!("{} has seen {old} events, and here are fewer", witness.key.name()));
        let lines: String = proof.ok_or_else(beyond)?.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
        let body = format!("old {old}\n{lines}\n{}", kept.note);
        let call =
            client.call(Method::POST, "/add-checkpoint").text(&body).header(header::ACCEPT, "*/*").up_to(LONGEST);
        call.send().map_err(CliError::Witness)
    };
    let seen = |one: &&Kept| matches!(one.note.signed_by(&witness.key), Signed::At(_));
    let last = session.checkpoints()?.all()?.iter().filter(seen).map(|one| one.checkpoint.size).max();
    let mut reply = send(last.unwrap_or_default())?;
    // It may have seen more than is kept here, or less: then it says how much.
    if reply.status() == 409 {
        let body = reply.into_body();
        let size = std::str::from_utf8(&body).ok().and_then(|text| text.trim().parse().ok());
        reply = send(size.ok_or_else(|| no_cosignature(&witness.key))?)?;
    }
    let lines = reply.accepted("the ledger").map_err(CliError::Witness)?.into_body();
    let lines = String::from_utf8(lines).map_err(|_| no_cosignature(&witness.key))?;
    take(&lines, kept, std::slice::from_ref(&witness.key), session)?.ok_or_else(|| no_cosignature(&witness.key))
}

/// Takes over what these keys signed: `text` is a note with the checkpoint's text, or its signature lines alone. `None` if none of
/// them signed it.
pub(crate) fn take(text: &str, kept: &Kept, keys: &[NoteKey], session: &Session) -> Result<Option<Kept>, CliError> {
    let whole = if text.contains("\n\n") { text.to_owned() } else { format!("{}\n{text}", kept.note.text()) };
    let signed: Note = whole.parse().map_err(|error| CliError::NotFound(format!("{error}")))?;
    let mut note = kept.note.clone();
    let took = keys.iter().filter(|key| note.take(&signed, key)).count();
    match took {
        0 => Ok(None),
        _ => Ok(Some(session.checkpoints()?.keep(kept.checkpoint.clone(), note)?)),
    }
}

fn no_cosignature(key: &NoteKey) -> CliError {
    CliError::NotFound(format!("the answer of {} has no cosignature of the key that the settings name", key.name()))
}
