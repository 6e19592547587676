//! What every command works with: where words go, where things are, and Ctrl-C.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use crate::cli::shared::arguments::Global;
use crate::cli::shared::console::Console;
use crate::cli::shared::ledger::Server;
use crate::cli::shared::output::Output;
use crate::cli::shared::state::StateFolder;
use crate::cli::shared::{CliError, Exit};
use crate::settings::{Settings, SettingsError};
use keywright_attest::{Anchors, Judge};
use keywright_files::Cancel;

/// What is said at Ctrl-C where a key or an account could be half-done.
pub(crate) const ENDING: &str = "ending as soon as nothing is half-done; Ctrl-C again ends at once";

/// Days past its announced end after which metadata is warned of. FIDO publishes several times a month.
const OVERDUE_DAYS: u32 = 14;

/// One run of the program.
pub(crate) struct Session {
    /// Results.
    pub(crate) output: Output,
    /// Everything else.
    pub(crate) console: Console,
    /// Set by Ctrl-C.
    pub(crate) cancel: Cancel,
    /// The arguments that every command takes.
    pub(crate) global: Global,
    /// Whether the newest checkpoint is remembered outside the state folder; practice leaves no trace there.
    pub(super) remembers: bool,
    /// Whether a ledger was opened for writing.
    pub(super) wrote: AtomicBool,
    /// The server that has the register, if one has: its password is asked for once.
    pub(super) server: OnceLock<Option<Server>>,
}

impl Session {
    /// Looks at the terminal and at nothing else.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            output: Output::new(global.json),
            console: Console::new(),
            cancel: Cancel::default(),
            global: global.clone(),
            // What this station remembers is about its own ledger.
            remembers: global.from.is_none(),
            wrote: AtomicBool::new(false),
            server: OnceLock::new(),
        }
    }

    /// The state folder. It may not exist yet.
    pub(crate) fn state(&self) -> Result<StateFolder, CliError> {
        StateFolder::find(self.global.state.as_deref())
    }

    /// A judge of attestations that trusts these anchors for every model, with the metadata of the state folder if it has any.
    pub(crate) fn judge(&self, anchors: Anchors) -> Result<Judge, CliError> {
        let judge = Judge::new(anchors);
        let Some((metadata, record)) = self.state()?.metadata()?.load()? else { return Ok(judge) };
        let days = metadata.days_overdue(Self::now());
        if days > OVERDUE_DAYS {
            self.console.warn(&format!(
                "the FIDO metadata, number {}, is {days} days overdue; 'keywright mds update' fetches the newest",
                record.id.no
            ));
        }
        Ok(judge.with_metadata(metadata))
    }

    /// Refuses a settings file that was named and is not there, also for commands that do not read it. One command makes it.
    pub(crate) fn named_settings_exist(&self, may_be_made: bool) -> Result<(), CliError> {
        match &self.global.config {
            Some(file) if !may_be_made && !file.exists() => {
                let why = "there is no such file".to_owned();
                Err(SettingsError::Unreadable { file: file.display().to_string(), why }.into())
            }
            _ => Ok(()),
        }
    }

    /// The settings.
    pub(crate) fn settings(&self) -> Result<Settings, CliError> {
        Ok(Settings::find(self.global.config.as_deref())?)
    }

    /// The same run, with another state folder and settings file.
    #[cfg(feature = "practice")]
    pub(crate) fn elsewhere(&self, state: &std::path::Path, config: &std::path::Path) -> Self {
        let global = Global { state: Some(state.to_owned()), config: Some(config.to_owned()), ..self.global.clone() };
        Self {
            output: Output::new(global.json),
            console: self.console.clone(),
            cancel: self.cancel.clone(),
            global,
            remembers: false,
            wrote: AtomicBool::new(false),
            server: OnceLock::new(),
        }
    }

    /// From now on Ctrl-C (and SIGTERM) sets [`Session::cancel`], so that work ends between two steps, and sends to the
    /// receiver; `say` is what the person is told. A second one ends the process at once. To be called once.
    pub(crate) fn catch_interrupts(&self, say: &'static str) -> Result<Receiver<()>, CliError> {
        let (cancel, console) = (self.cancel.clone(), self.console.clone());
        let asked = AtomicBool::new(false);
        let (sender, receiver) = std::sync::mpsc::channel();
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(Exit::Interrupted as i32);
            }
            cancel.cancel();
            // Most commands do not wait for it.
            let _ = sender.send(());
            console.say(&format!("\n{say}"));
        })
        .map_err(|error| CliError::System { what: "catching Ctrl-C", why: error.to_string() })?;
        Ok(receiver)
    }

    /// The time.
    pub(crate) fn now() -> time::OffsetDateTime {
        time::OffsetDateTime::now_utc()
    }
}
