//! Logs on stderr, if asked for. At `trace` they show what goes over the wire to keys, so the person is warned.

use tracing_subscriber::EnvFilter;

use super::{CliError, Session};

/// Starts the log that `--log` or `-v` asks for; without them there is none.
pub fn start(session: &Session) -> Result<(), CliError> {
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
        session.console.warn("this log shows what goes over the wire to keys; keep it as you keep a PIN");
    }
    tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(std::io::stderr)
        .with_ansi(session.console.looks().colour)
        .try_init()
        .map_err(|error| CliError::System { what: "the log", why: error.to_string() })
}
