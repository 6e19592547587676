//! `keywright idp serve`: the practice IdP, until Ctrl-C.
//!
//! It refuses to listen anywhere but on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::unrepeated;
use crate::cli::shared::judging::read_anchors;
use crate::cli::shared::output::{View, count};
use crate::cli::shared::practice_idp::{UserRow, add_users, token_file};
use crate::cli::shared::{CliError, Exit, Session};
use crate::secret::SecretSource;
use keywright_attest::Anchors;
use keywright_fido::webauthn::{Origin, RpId, UserVerification};
use keywright_practice::idp_server::{EmbeddedServer, Settings};

/// Serve a small IdP on this machine, for practice.
///
/// It does what a real IdP does: users, registrations on behalf with challenge and deadline, full verification, sign-in; its
/// page for browsers lets a person sign in with a key, and says which key it was. It listens on this machine only, and runs
/// until Ctrl-C.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright idp serve --users roster.csv\n  keywright idp serve --listen 127.0.0.1:8461 --token env:KEYWRIGHT_TOKEN"
)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8460")]
    listen: SocketAddr,
    /// The database [default: idp.sqlite3 in the state folder]
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Where the API token comes from [default: file idp.token in the state folder, made if it is missing]
    #[arg(long, value_name = "SOURCE", value_parser = unrepeated::<SecretSource>())]
    token: Option<SecretSource>,
    /// The relying party's id, a domain
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    rp_id: RpId,
    /// The origin that registrations have to name [default: http://localhost:PORT, or https://DOMAIN with another --rp-id]
    #[arg(long, value_name = "URL")]
    origin: Option<Origin>,
    /// Users to create: a CSV file with the columns account and, optionally, name; a roster works too
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Refuse attestations that lead to none of the certificates in this PEM file (repeatable)
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// Let people sign in with a touch and without the PIN, for browsers that cannot ask for it
    #[arg(long)]
    touch_only: bool,
}

#[derive(Serialize)]
struct Listening<'a> {
    url: &'a str,
    origin: &'a Origin,
    rp_id: &'a RpId,
    database: &'a Path,
    token: String,
}

impl View for Listening<'_> {
    const KIND: &'static str = "idp-serving";
}

impl Serve {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let users = self.users.as_deref().map(read_users).transpose()?.unwrap_or_default();
        let anchors = read_anchors(&self.anchor)?;
        let interrupted = session.catch_interrupts("stopping")?;
        let state = session.state()?;
        let token_source = match &self.token {
            Some(source) => source.clone(),
            None => token_file(state.create()?)?,
        };
        let token = token_source.take("API token")?;
        let database = match &self.database {
            Some(database) => database.clone(),
            None => state.create()?.idp_database(),
        };
        let settings = self.settings(anchors);
        let server = EmbeddedServer::start(self.listen, Some(&database), token.clone(), settings)?;
        let made = add_users(&server, token, &users)?;
        if !users.is_empty() {
            session.console.say(&format!(
                "{} made, {} there already",
                count(made, "user", "users"),
                users.len() - made
            ));
        }
        let listening = Listening {
            url: &server.url(),
            origin: server.origin(),
            rp_id: &self.rp_id,
            database: &database,
            token: token_source.to_string(),
        };
        session.output.result(&listening, || {
            format!(
                "listening on {url}; in another terminal:\n  keywright idp check --idp {url} --idp-token {token}\nin a browser on this machine, to sign in with a key:\n  {origin}",
                origin = listening.origin,
                url = listening.url,
                token = listening.token
            )
        })?;
        // A sender that is gone means that no signal can come any more.
        let _ = interrupted.recv();
        server.stop();
        Ok(Exit::Done)
    }

    fn settings(&self, anchors: Anchors) -> Settings {
        let own_origin = || {
            let here = self.rp_id.as_str() == "localhost";
            if here { None } else { format!("https://{}", self.rp_id).parse().ok() }
        };
        let user_verification =
            if self.touch_only { UserVerification::Discouraged } else { UserVerification::Required };
        Settings {
            user_verification,
            rp_id: self.rp_id.clone(),
            origin: self.origin.clone().or_else(own_origin),
            trusted_only: !self.anchor.is_empty(),
            ..Settings::new(Arc::new(anchors))
        }
    }
}

fn read_users(file: &Path) -> Result<Vec<UserRow>, CliError> {
    let failed = |why: String| CliError::File { path: file.to_owned(), why };
    let text = keywright_files::text::read(file).map_err(|error| failed(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_will_do_as_a_list_of_users() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roster.csv");
        std::fs::write(
            &file,
            "\u{feff}account,profile,name\r\nada@example.org,admin,Ada\r\nbob@example.org,admin,\r\n",
        )
        .unwrap();
        let users = read_users(&file).unwrap();
        assert_eq!(users[0], UserRow { account: "ada@example.org".into(), name: Some("Ada".into()) });
        assert_eq!(users[1].account, "bob@example.org");
        std::fs::write(&file, "login\nada\n").unwrap();
        assert!(read_users(&file).is_err());
    }
}
