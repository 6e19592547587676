//! Logs on stderr, if asked for. At `trace` they show which messages go over the wire to keys, so the person is warned.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;

use crate::cli::shared::{CliError, Session};

/// Starts the log that `--log` or `-v` asks for; without them there is none.
pub(crate) fn start(session: &Session) -> Result<(), CliError> {
    let global = &session.global;
    let filter = match (&global.log, global.verbose) {
        (Some(filter), _) => filter.clone(),
        (None, 0) => return Ok(()),
        (None, 1) => "keywright=info".to_owned(),
        (None, 2) => "keywright=debug".to_owned(),
        (None, _) => "keywright=trace".to_owned(),
    };
    let parsed = EnvFilter::try_new(&filter).map_err(|error| CliError::Usage(format!("--log: {error}")))?;
    if parsed.max_level_hint().is_none_or(|level| level == tracing::level_filters::LevelFilter::TRACE) {
        session.console.warn("this log shows which messages go to and from keys; it is nobody else's business");
    }
    let progress = session.console.progress().clone();
    tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(move || Between(progress.clone()))
        .with_ansi(session.console.looks().colour)
        .try_init()
        .map_err(|error| CliError::System { what: "the log", why: error.to_string() })
}

/// Stderr, between two drawings of the progress lines.
struct Between(MultiProgress);

impl Write for Between {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
