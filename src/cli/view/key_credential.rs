//! A credential that is on a key.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;

use crate::cli::shared::output::{View, table};
use keywright_fido::ctap::{Authenticator, CtapError, PinUvAuthToken, StoredCredential, StoredRp};
use keywright_fido::webauthn::CredentialId;

/// A credential on a key.
#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) rp_id: Option<String>,
    pub(crate) rp_id_hash: String,
    pub(crate) credential_id: CredentialId,
    pub(crate) user_name: Option<String>,
    pub(crate) user_display_name: Option<String>,
    pub(crate) user_handle: String,
    pub(crate) algorithm: Option<i64>,
    pub(crate) cred_protect: Option<u64>,
    pub(crate) deleted: bool,
    pub(crate) renamed: bool,
}

impl View for Line {
    const KIND: &'static str = "key-credential";
}

impl Line {
    fn new(path: &str, rp: &StoredRp, credential: StoredCredential) -> Self {
        Self {
            path: path.to_owned(),
            rp_id: rp.id.clone(),
            rp_id_hash: HEXLOWER.encode(&rp.id_hash),
            user_handle: BASE64URL_NOPAD.encode(credential.user_handle.as_bytes()),
            credential_id: credential.credential_id,
            user_name: credential.user_name,
            user_display_name: credential.user_display_name,
            algorithm: credential.public_key.map(|key| key.algorithm.0),
            cred_protect: credential.cred_protect,
            deleted: false,
            renamed: false,
        }
    }

    /// The RP ID; some keys do not tell it.
    pub(crate) fn rp(&self) -> &str {
        self.rp_id.as_deref().unwrap_or(&self.rp_id_hash)
    }
}

/// Everything that is on a key. `token` needs cm.
pub(crate) fn on_key(path: &str, key: &mut Authenticator, token: &PinUvAuthToken) -> Result<Vec<Line>, CtapError> {
    let mut lines = Vec::new();
    for rp in key.enumerate_rps(token)? {
        for credential in key.enumerate_credentials(token, &rp.id_hash)? {
            lines.push(Line::new(path, &rp, credential));
        }
    }
    Ok(lines)
}

/// A table.
pub(crate) fn credential_table(lines: &[Line]) -> String {
    let heading = ["RP", "USER", "NAME", "CREDENTIAL"].map(str::to_owned);
    let rows = lines.iter().map(|line| {
        [
            line.rp().to_owned(),
            line.user_name.clone().unwrap_or_else(|| "-".into()),
            line.user_display_name.clone().unwrap_or_else(|| "-".into()),
            line.credential_id.to_string(),
        ]
    });
    table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}
