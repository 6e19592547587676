//! What every run of jobs works with, opened once: keys, IdP, ledger, vault, readers, anchors.

use std::time::{Duration, Instant};

use crate::cli::shared::arguments::Work;
use crate::cli::shared::judging::read_anchors;
use crate::cli::shared::ledger::register_of;
use crate::cli::shared::open_key::Keys;
use crate::cli::shared::operator::operator_name;
use crate::cli::shared::state::StateFolder;
use crate::cli::shared::terminal::Terminal;
use crate::cli::shared::{CliError, Session};
use crate::idp::Directory;
use crate::ledger::Store;
use crate::provision::{self, Identification, Plan, Report, RetryPolicy, RunError, Station};
use crate::register::Register;
use crate::secret::{Reader, SystemEntropy, Vault};
use crate::settings::Settings;
use crate::witness::Witness;
use keywright_attest::{Anchors, Judge};
use keywright_fido::hid::Limits;

/// The machine, set up for a run.
pub(crate) struct RunContext {
    keys: Keys,
    directory: Box<dyn Directory>,
    store: Box<dyn Store>,
    vault: Vault,
    judge: Judge,
    readers: Vec<Reader>,
    letter_program: Vec<String>,
    state: StateFolder,
    /// Where a dry run's vault is, until it is over.
    _scratch: Option<tempfile::TempDir>,
    yes: bool,
    identification: Identification,
    wait: Duration,
}

/// A run that is over.
pub(crate) struct RunOutcome {
    /// What was asked for.
    pub(crate) kind: RunKind,
    /// Whether nothing was to be changed.
    pub(crate) dry_run: bool,
    /// What became of it.
    pub(crate) report: Report,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Who runs what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunKind {
    /// Everybody of the plan is to be complete.
    Provision,
    /// Everybody in the ledger is to be complete.
    Resume,
    /// The plan's keys are to be made, whether or not they are enough.
    Enroll,
}

impl RunContext {
    /// Opens everything. A dry run opens nothing for writing, and makes no folder.
    pub(crate) fn open(work: &Work, settings: &Settings, session: &Session) -> Result<Self, CliError> {
        let directory = work.idp.open(settings)?;
        Self::with_directory(work, settings, directory, session)
    }

    /// As [`RunContext::open`], with an IdP that is already chosen.
    pub(crate) fn with_directory(
        work: &Work,
        settings: &Settings,
        directory: Box<dyn Directory>,
        session: &Session,
    ) -> Result<Self, CliError> {
        let state = session.state()?;
        let keys = Keys::open(&work.source, session)?;
        let mut anchors = read_anchors(&work.anchor)?;
        if let Some(pem) = keys.soft_anchor_pem() {
            anchors.merge(Anchors::from_pem_or_der(pem.as_bytes())?);
        }
        let (store, vault, scratch) = if work.dry_run {
            let scratch = tempfile::tempdir()
                .map_err(|error| CliError::File { path: std::env::temp_dir(), why: error.to_string() })?;
            (session.ledger_or_empty()?, Vault::open(scratch.path())?, Some(scratch))
        } else {
            (session.ledger_for_writing()?, Vault::open(&state.vault())?, None)
        };
        let readers = settings.readers.iter().chain(&work.reader).cloned().collect();
        let letter_program = settings.letter_program.clone();
        // Soft keys do not blink, so a rehearsal goes by ports.
        let by_port = work.by_port || keys.soft_anchor_pem().is_some();
        // No more soft keys will be plugged in.
        let wait =
            if keys.soft_anchor_pem().is_some() { Duration::ZERO } else { Duration::from_secs(work.wait.into()) };
        Ok(Self {
            keys,
            directory,
            store,
            vault,
            judge: session.judge(anchors)?,
            readers,
            letter_program,
            state,
            _scratch: scratch,
            yes: work.yes,
            identification: if by_port { Identification::ByPort } else { Identification::ByTouch },
            wait,
        })
    }

    /// What the ledger says now.
    pub(crate) fn register(&self) -> Result<Register, CliError> {
        register_of(&*self.store)
    }

    /// The IdP's name.
    pub(crate) fn directory_name(&self) -> &str {
        self.directory.name()
    }

    /// Runs the plan (or what the ledger has open).
    pub(crate) fn run(
        &self,
        kind: RunKind,
        plan: &Plan,
        dry_run: bool,
        session: &Session,
    ) -> Result<RunOutcome, CliError> {
        let began = Instant::now();
        let terminal = Terminal::new(&session.console, self.yes, self.keys_to_make(plan)?);
        let this_program = std::env::current_exe()
            .map_err(|error| CliError::System { what: "starting the second implementation", why: error.to_string() })?;
        let station = Station {
            bus: self.keys.bus(),
            directory: &*self.directory,
            store: &*self.store,
            vault: &self.vault,
            operator: &terminal,
            identification: self.identification,
            judge: &self.judge,
            witness: Witness::new(this_program),
            readers: &self.readers,
            hand_over_folder: self.state.hand_over(),
            letter_program: self.letter_program.clone(),
            entropy: &SystemEntropy,
            now: &Session::now,
            limits: Limits::default(),
            retry_policy: RetryPolicy { key: self.wait, ..RetryPolicy::default() },
            cancel: session.cancel.clone(),
            operator_name: operator_name(),
        };
        let report = match (dry_run, kind) {
            (true, _) => provision::dry_run(&station, plan),
            (false, RunKind::Resume) => provision::resume(&station),
            (false, _) => provision::run(&station, plan),
        };
        terminal.clear();
        let report = report.map_err(|error| match error {
            RunError::Transport(keywright_fido::ctap::TransportError::Cancelled) => CliError::Interrupted,
            error if session.cancel.is_cancelled() && !matches!(error, RunError::Ledger(_)) => CliError::Interrupted,
            error => error.into(),
        })?;
        Ok(RunOutcome { kind, dry_run, report, took: began.elapsed() })
    }

    /// Keys of the plan, and those that earlier runs left open for its people.
    fn keys_to_make(&self, plan: &Plan) -> Result<usize, CliError> {
        let register = self.register()?;
        let of_plan = |job: &&crate::register::Job| plan.people.iter().any(|planned| planned.account == job.account);
        let open = register.jobs.values().filter(|job| job.state.step().is_some()).filter(of_plan).count();
        Ok(plan.keys() + open)
    }
}
