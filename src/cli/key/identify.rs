//! `keywright key identify`: whose key is this? Asked without a PIN and without a touch.
//!
//! The key is asked which of the ledger's credentials it has (getAssertion with `up` false). It refuses to guess from serial
//! numbers: some vendors give all keys the same.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::super::args::OneKey;
use super::super::keys::OpenKey;
use super::super::{CliError, Exit, Session};
use crate::ctap::{Authenticator, CtapError, GetAssertion, StatusCode};
use crate::ledger::{Book, Credential, CredentialState, SqliteStore, Store as _};
use crate::webauthn::{Aaguid, CredentialId, RpId};

/// Say whose key this is, without its PIN.
///
/// The key blinks if it can, and is asked which of the ledger's credentials it has. That needs neither PIN nor touch. A
/// credential with credProtect level 3 does not answer to this.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key identify\n  keywright key identify --key 1-2.3 --json")]
pub struct Identify {
    #[command(flatten)]
    which: OneKey,
}

#[derive(Serialize)]
struct Found<'a> {
    path: &'a str,
    product: &'a str,
    serial: Option<&'a str>,
    aaguid: Aaguid,
    in_ledger: bool,
    credentials: Vec<Owned<'a>>,
}

#[derive(Serialize)]
struct Owned<'a> {
    account: &'a str,
    directory: &'a str,
    ordinal: usize,
    label: Option<&'a str>,
    state: CredentialState,
    rp_id: &'a RpId,
    credential_id: &'a CredentialId,
    proved: Option<&'a str>,
}

impl<'a> Owned<'a> {
    fn of(credential_id: &'a CredentialId, credential: &'a Credential) -> Self {
        Self {
            account: &credential.account.login,
            directory: &credential.account.directory,
            ordinal: credential.ordinal,
            label: credential.label.as_deref(),
            state: credential.state,
            rp_id: &credential.rp_id,
            credential_id,
            proved: credential.proved.as_deref(),
        }
    }
}

impl Identify {
    /// Runs it.
    pub fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let book = Book::read(&SqliteStore::read(&session.state()?.ledger())?.entries(0)?)?;
        let mut key = OpenKey::open(&self.which, session)?;
        key.authenticator.wink()?;
        let ids = on_key(&mut key.authenticator, &book)?;
        let credentials: Vec<_> = ids
            .iter()
            .filter_map(|id| book.credentials.get_key_value(id))
            .map(|(id, found)| Owned::of(id, found))
            .collect();
        let found = Found {
            path: &key.device.path,
            product: &key.device.product,
            serial: key.device.serial.as_deref(),
            aaguid: key.authenticator.info().aaguid,
            in_ledger: !credentials.is_empty(),
            credentials,
        };
        session.output.result(&found, || words(&found))?;
        Ok(Exit::Done)
    }
}

fn words(found: &Found<'_>) -> String {
    let mut text = format!("{}  {}  {}\n", found.path, found.product, found.aaguid);
    if found.credentials.is_empty() {
        text.push_str("  not in the ledger\n");
    }
    for owned in &found.credentials {
        let state = match owned.state {
            CredentialState::OnKey => "on the key, not registered",
            CredentialState::Registered => "registered",
            CredentialState::Deleted => "deleted according to the ledger, and yet on the key",
            CredentialState::Revoked => "revoked",
        };
        text.push_str(&format!("  {} at {}, key {}: {state}", owned.account, owned.directory, owned.ordinal));
        text.push_str(&owned.label.map(|label| format!(", \"{label}\"\n")).unwrap_or_else(|| "\n".into()));
    }
    text
}

/// The ledger's credentials that are on this key.
fn on_key(key: &mut Authenticator, book: &Book) -> Result<Vec<CredentialId>, CliError> {
    let mut by_rp: BTreeMap<&RpId, Vec<CredentialId>> = BTreeMap::new();
    for (id, credential) in &book.credentials {
        by_rp.entry(&credential.rp_id).or_default().push(id.clone());
    }
    let info = key.info();
    let limit = ListLimit {
        count: info.max_credential_count_in_list.map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX)).max(1),
        bytes: info.max_msg_size.saturating_sub(OVERHEAD),
        id_length: info.max_credential_id_length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX),
    };
    let mut found = Vec::new();
    for (rp_id, ids) in by_rp {
        for mut chunk in limit.chunks(ids) {
            // A key names one credential of a list, so the others of the list are asked for again.
            while let Some(id) = first_of(key, rp_id, &chunk)? {
                chunk.retain(|other| *other != id);
                found.push(id);
            }
        }
    }
    Ok(found)
}

fn first_of(
    key: &mut Authenticator,
    rp_id: &RpId,
    allow_list: &[CredentialId],
) -> Result<Option<CredentialId>, CliError> {
    if allow_list.is_empty() {
        return Ok(None);
    }
    // The signature is thrown away, so what is signed means nothing.
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: [0; 32],
        allow_list: allow_list.to_vec(),
        user_presence: false,
    };
    match key.get_assertions(&request, None, &mut |_| {}) {
        Ok(assertions) => {
            Ok(assertions.into_iter().map(|assertion| assertion.credential_id).find(|id| allow_list.contains(id)))
        }
        Err(CtapError::Status { status: StatusCode::NoCredentials, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a getAssertion takes besides its list, generously: RP ID, hash, options, map heads.
const OVERHEAD: usize = 400;

/// What one descriptor takes besides the id: map head, two names, the type, a length.
const DESCRIPTOR_OVERHEAD: usize = 32;

/// How long an allowList may be.
struct ListLimit {
    count: usize,
    bytes: usize,
    id_length: usize,
}

impl ListLimit {
    /// Lists that this key takes; ids that are longer than the key's own ever are cannot be on it.
    fn chunks(&self, ids: Vec<CredentialId>) -> Vec<Vec<CredentialId>> {
        let mut chunks: Vec<Vec<CredentialId>> = Vec::new();
        let mut bytes = 0;
        for id in ids.into_iter().filter(|id| id.as_bytes().len() <= self.id_length) {
            let size = id.as_bytes().len() + DESCRIPTOR_OVERHEAD;
            match chunks.last_mut() {
                Some(chunk) if chunk.len() < self.count && bytes + size <= self.bytes => {
                    bytes += size;
                    chunk.push(id);
                }
                _ => {
                    bytes = size;
                    chunks.push(vec![id]);
                }
            }
        }
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(lengths: &[usize]) -> Vec<CredentialId> {
        lengths.iter().enumerate().map(|(n, length)| CredentialId::new(vec![n as u8; *length]).unwrap()).collect()
    }

    fn lengths(limit: &ListLimit, given: &[usize]) -> Vec<usize> {
        limit.chunks(ids(given)).iter().map(Vec::len).collect()
    }

    #[test]
    fn lists_keep_to_count_bytes_and_id_length() {
        let wide = ListLimit { count: 8, bytes: 10_000, id_length: 128 };
        assert_eq!(lengths(&wide, &[16; 17]), [8, 8, 1]);
        assert_eq!(lengths(&wide, &[]), [0_usize; 0]);
        assert_eq!(lengths(&wide, &[16, 129, 16]), [2]);
        let narrow = ListLimit { count: 8, bytes: 2 * (64 + DESCRIPTOR_OVERHEAD), id_length: 128 };
        assert_eq!(lengths(&narrow, &[64; 5]), [2, 2, 1]);
        assert_eq!(lengths(&ListLimit { count: 1, bytes: 0, id_length: 128 }, &[64; 2]), [1, 1]);
    }
}
