//! What the IdP for practice starts with: its users and its token.

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::cli::shared::CliError;
use crate::cli::shared::state::{StateFolder, write_private};
use crate::idp::embedded::Embedded;
use crate::idp::{Directory as _, DirectoryError};
use crate::secret::{Entropy as _, SecretSource, SystemEntropy};
use keywright_practice::idp_server::EmbeddedServer;
use keywright_practice::idp_server::wire::NewUser;

/// A row of the users' file; other columns are a roster's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct UserRow {
    /// The login.
    pub(crate) account: String,
    /// The person's name; the login if absent.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// Makes the users that are missing, over HTTP like everything else. Returns how many were made.
pub(crate) fn add_users(server: &EmbeddedServer, token: SecretString, users: &[UserRow]) -> Result<usize, CliError> {
    let client = Embedded::new("embedded", &server.url(), token)?;
    let mut made = 0;
    for user in users {
        match client.find_user(&user.account) {
            Ok(_) => continue,
            Err(DirectoryError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let name = user.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&user.account);
        client.create_user(&NewUser {
            login: user.account.clone(),
            display_name: name.to_owned(),
            active: true,
            other_methods: Vec::new(),
        })?;
        made += 1;
    }
    Ok(made)
}

/// The state folder's token file; a new token is drawn if there is none.
pub(crate) fn token_file(state: &StateFolder) -> Result<SecretSource, CliError> {
    let file = state.idp_token();
    if !file.exists() {
        let token = draw_token();
        write_private(&file, format!("{}\n", token.expose_secret()).as_bytes())?;
    }
    Ok(SecretSource::File(file))
}

/// 256 random bits, in base64url.
fn draw_token() -> SecretString {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes).into()
}
