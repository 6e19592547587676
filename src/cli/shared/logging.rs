//! Logs on stderr, if asked for. At `trace` they show which messages go over the wire to keys, so the person is warned.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::cli::shared::live::Live;
use crate::cli::shared::{CliError, Session};
use keywright_files::shown;

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
        session.console.warn("this log shows which messages go to and from keys; keep it to yourself");
    }
    let live = session.console.live().clone();
    tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(move || Above(live.clone()))
        // Colours are escape sequences, which could not be told from those that a key sends.
        .with_ansi(false)
        .try_init()
        .map_err(|error| CliError::System { what: "the log", why: error.to_string() })
}

/// Stderr, above the lines that change in place. What keys and IdPs have put into a line is made safe to show.
struct Above(Live);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.above(|| io::stderr().write_all(shown::lines(&text).as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
