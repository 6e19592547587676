//! One connection to PostgreSQL, made again whenever it is lost.
//!
//! Each statement that is sent here may be sent twice: a reading one anyway, a writing one because it says by itself whether it was
//! carried out already. Each is one message, so that a pooler may give every one of them to another connection. It refuses a
//! server elsewhere without TLS, a certificate that does not verify, and a password in the address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::LedgerError;

/// How long a connection may take to come, and an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a server that is away is asked again: it may be restarting, or another takes its place.
const AWAY: Duration = Duration::from_secs(20);

/// Where a register is: `postgres://USER@HOST[:PORT]/DATABASE`, or `postgres:///DATABASE?user=USER&host=/FOLDER` for a socket.
#[derive(Clone)]
pub struct PostgresUrl {
    text: String,
    config: Config,
}

/// Where it is, and what it asks for.
#[derive(Clone)]
pub struct Access {
    /// The address.
    pub url: PostgresUrl,
    /// The role's password.
    pub password: Option<SecretString>,
    /// Trust anchors besides the system's.
    pub anchors: Vec<CertificateDer<'static>>,
    /// A certificate with its chain, and its key.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// What this side shows of itself.
pub struct ClientCertificate {
    /// It and those that lead to its anchor.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub key: PrivateKeyDer<'static>,
}

impl FromStr for PostgresUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("a register's address is postgres://USER@HOST/DATABASE".to_owned());
        }
        // The error does not repeat the text, which may have a password in it.
        let config: Config = text.parse().map_err(|_| {
            "this is no address of a PostgreSQL database (postgres://USER@HOST/DATABASE); how it is trusted stands beside it: \
             ca, certificate, key"
                .to_owned()
        })?;
        if config.get_password().is_some() {
            return Err("no password can stand in an address; name its place with password = \"file:...\"".to_owned());
        }
        if config.get_user().is_none() || config.get_dbname().is_none() || config.get_hosts().is_empty() {
            return Err("the address names no user, no host or no database (postgres://USER@HOST/DATABASE)".to_owned());
        }
        Ok(Self { text: text.to_owned(), config })
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PostgresUrl {
    /// Whether it is reached without a network.
    fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
    }
}

/// A connection, and how to make it again.
pub(super) struct Connection {
    access: Access,
    tls: Option<MakeRustlsConnect>,
    runtime: Runtime,
    client: Option<Client>,
}

/// What is sent with a statement.
pub(super) type Parameters<'p> = &'p [(&'p (dyn ToSql + Sync), Type)];

/// What came of asking once.
enum Failed {
    /// Nobody knows whether it was carried out.
    Lost(String),
    /// The server, or this side, refuses for good.
    Refused(LedgerError),
}

impl Connection {
    /// Connects to a server that answers now: one that is away when a command begins is told at once.
    pub(super) fn open(access: Access) -> Result<Self, LedgerError> {
        let mut connection = Self::new(access)?;
        match connection.connect() {
            Ok(()) => Ok(connection),
            Err(Failed::Refused(error)) => Err(error),
            Err(Failed::Lost(why)) => Err(connection.unreachable(why)),
        }
    }

    /// Connects when something is asked.
    pub(super) fn new(access: Access) -> Result<Self, LedgerError> {
        let place = access.url.to_string();
        let refused = |why: String| LedgerError::Unreachable { place: place.clone(), why };
        let secured = !access.url.is_local() || !access.anchors.is_empty() || access.certificate.is_some();
        let tls = secured.then(|| tls(&access)).transpose().map_err(refused)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| refused(error.to_string()))?;
        Ok(Self { access, tls, runtime, client: None })
    }

    /// The address, for people.
    pub(super) fn place(&self) -> String {
        self.access.url.to_string()
    }

    /// The rows that a statement gives.
    pub(super) fn ask(&mut self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, LedgerError> {
        self.persist(|connection| connection.once(sql, parameters))
    }

    /// The one row that a statement gives.
    pub(super) fn ask_one(&mut self, sql: &str, parameters: Parameters<'_>) -> Result<Row, LedgerError> {
        let row = self.ask(sql, parameters)?.into_iter().next();
        row.ok_or_else(|| LedgerError::Database("it gave no answer".to_owned()))
    }

    /// The rows that a statement within a transaction gives: it is not sent again, because the transaction is gone with the connection.
    pub(super) fn ask_once(&mut self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, LedgerError> {
        match self.once(sql, parameters) {
            Ok(rows) => Ok(rows),
            Err(Failed::Refused(error)) => Err(error),
            Err(Failed::Lost(why)) => Err(self.unreachable(why)),
        }
    }

    /// Several statements in one transaction, without answers. Once: whoever sends them looks at what came of it.
    pub(super) fn execute(&mut self, sql: &str) -> Result<(), LedgerError> {
        match self.batch(sql) {
            Ok(()) => Ok(()),
            Err(Failed::Refused(error)) => Err(error),
            Err(Failed::Lost(why)) => Err(self.unreachable(why)),
        }
    }

    fn persist<T>(&mut self, mut once: impl FnMut(&mut Self) -> Result<T, Failed>) -> Result<T, LedgerError> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let why = match once(self) {
                Ok(found) => return Ok(found),
                Err(Failed::Refused(error)) => return Err(error),
                Err(Failed::Lost(why)) => why,
            };
            tracing::debug!("the connection to the register was lost: {why}");
            self.client = None;
            if began.elapsed() > AWAY {
                return Err(self.unreachable(why));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn once(&mut self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Failed> {
        self.connect()?;
        let Some(client) = &self.client else { return Err(Failed::Lost("there is no connection".to_owned())) };
        let answered =
            self.runtime.block_on(async { tokio::time::timeout(ANSWER, client.query_typed(sql, parameters)).await });
        match answered {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(Failed::Lost(format!("no answer within {} s", ANSWER.as_secs()))),
        }
    }

    fn batch(&mut self, sql: &str) -> Result<(), Failed> {
        self.connect()?;
        let Some(client) = &self.client else { return Err(Failed::Lost("there is no connection".to_owned())) };
        let answered = self.runtime.block_on(async { tokio::time::timeout(ANSWER, client.batch_execute(sql)).await });
        match answered {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(Failed::Lost(format!("no answer within {} s", ANSWER.as_secs()))),
        }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        let mut config = self.access.url.config.clone();
        config.connect_timeout(ANSWER).keepalives_idle(Duration::from_secs(15)).application_name("keywright");
        config.ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = &self.access.password {
            config.password(password.expose_secret());
        }
        let tls = self.tls.clone();
        let connected = self.runtime.block_on(async {
            let connect = async {
                match tls {
                    Some(tls) => config.connect(tls).await.map(|(client, connection)| {
                        drop(tokio::spawn(connection));
                        client
                    }),
                    None => config.connect(NoTls).await.map(|(client, connection)| {
                        drop(tokio::spawn(connection));
                        client
                    }),
                }
            };
            tokio::time::timeout(ANSWER, connect).await
        });
        match connected {
            Ok(Ok(client)) => {
                self.client = Some(client);
                Ok(())
            }
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(Failed::Lost(format!("no connection within {} s", ANSWER.as_secs()))),
        }
    }

    fn unreachable(&self, why: String) -> LedgerError {
        LedgerError::Unreachable { place: self.place(), why }
    }

    /// What an error is to us, by its SQLSTATE.
    fn failed(&self, error: &tokio_postgres::Error) -> Failed {
        let place = self.place();
        let Some(said) = error.as_db_error() else {
            let certificate = in_chain::<rustls::Error>(error);
            return match certificate {
                // It is refused again however often it is asked.
                Some(error @ rustls::Error::InvalidCertificate(_)) => {
                    Failed::Refused(self.unreachable(format!("its certificate is not trusted here ({error})")))
                }
                _ => Failed::Lost(words(error)),
            };
        };
        let why = said.message().to_owned();
        Failed::Refused(match said.code() {
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS => return Failed::Lost(why),
            code if code.code().starts_with("08") => return Failed::Lost(why),
            &SqlState::READ_ONLY_SQL_TRANSACTION => LedgerError::Replica { place },
            &SqlState::DISK_FULL => LedgerError::DiskFull { path: place },
            &SqlState::INVALID_CATALOG_NAME
            | &SqlState::INVALID_SCHEMA_NAME
            | &SqlState::UNDEFINED_TABLE
            | &SqlState::UNDEFINED_FUNCTION => LedgerError::Missing { path: place },
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE || code.code().starts_with("28") => {
                LedgerError::NoRight { place, why }
            }
            code => LedgerError::Database(format!("{why} (SQLSTATE {})", code.code())),
        })
    }
}

/// The error of this type among the causes of another.
fn in_chain<'e, E: std::error::Error + 'static>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let found = error.downcast_ref::<E>().or_else(|| inner.and_then(|inner| inner.downcast_ref::<E>()));
        if found.is_some() {
            return found;
        }
        next = error.source();
    }
    None
}

/// The last cause says most.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn tls(access: &Access) -> Result<MakeRustlsConnect, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(access.anchors.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system has no trust anchors for TLS; name the server's with ca".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let config = match &access.certificate {
        Some(client) => builder
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .map_err(|error| format!("its certificate and key do not go together ({error})"))?,
        None => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_user_host_and_database_and_no_secret() {
        for text in ["postgres://office-a@db.example/keywright", "postgresql:///kw?user=a&host=/run/postgresql"] {
            assert_eq!(text.parse::<PostgresUrl>().unwrap().to_string(), text);
        }
        for text in [
            "http://office-a@db.example/keywright",
            "postgres://db.example/keywright",
            "postgres://office-a@db.example",
            "postgres://office-a:s3cr3t@db.example/keywright",
            "postgres://office-a@db.example/keywright?password=s3cr3t",
            "postgres://office-a@db.example/keywright?sslrootcert=s3cr3t",
        ] {
            let error = text.parse::<PostgresUrl>().unwrap_err();
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn only_a_server_on_this_machine_goes_without_tls() {
        let is_local = |text: &str| text.parse::<PostgresUrl>().unwrap().is_local();
        assert!(is_local("postgres://a@127.0.0.1/kw") && is_local("postgres://a@localhost/kw"));
        assert!(is_local("postgres:///kw?user=a&host=/run/postgresql"));
        assert!(!is_local("postgres://a@db.example/kw") && !is_local("postgres://a@127.0.0.1,10.0.0.1/kw"));
    }
}
