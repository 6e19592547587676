//! What every run of jobs works with, opened once: keys, IdP, ledger, vault, readers, anchors.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::shared::arguments::Work;
use crate::cli::shared::checkpoint::Signed;
use crate::cli::shared::judging::read_anchors;
use crate::cli::shared::open_key::Keys;
use crate::cli::shared::plan_summary::PlanSummary;
use crate::cli::shared::state::StateFolder;
use crate::cli::shared::terminal::Terminal;
use crate::cli::shared::{CliError, Session, sign_checkpoint};
use crate::idp::Directory;
use crate::ledger::{LedgerError, Store};
use crate::provision::{self, DryRun, Identification, Plan, Report, RetryPolicy, RunError, Station};
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
    letters_came_out: bool,
    bell: bool,
    dry_run: bool,
    labels: Option<PathBuf>,
    identification: Identification,
    wait: Duration,
}

/// What ended a run, for the person at the machine: a Ctrl-C comes before all but the ledger's failures.
fn failure_of(error: RunError, session: &Session) -> CliError {
    match error {
        RunError::Transport(keywright_fido::ctap::TransportError::Cancelled) => CliError::Interrupted,
        error if session.cancel.is_cancelled() && !matches!(error, RunError::Ledger(_)) => CliError::Interrupted,
        error => CliError::from(error),
    }
}

/// What came of a plan.
pub(crate) enum Outcome {
    /// Nothing is left to do.
    Nothing,
    /// Nothing was to be changed.
    DryRun(Box<DryRunOutcome>),
    /// It was carried out.
    Run(Box<RunOutcome>),
}

/// A plan that was not carried out.
pub(crate) struct DryRunOutcome {
    /// The plan.
    pub(crate) plan: Plan,
    /// What it would do with the keys that are plugged in.
    pub(crate) dry_run: DryRun,
    /// The FIDO metadata that attestations would be judged by, if any.
    pub(crate) metadata: Option<String>,
}

/// A run that is over.
pub(crate) struct RunOutcome {
    /// What was asked for.
    pub(crate) kind: RunKind,
    /// What became of it.
    pub(crate) report: Report,
    /// How long it took.
    pub(crate) took: Duration,
    /// Where PINs are that are handed over as files.
    pub(crate) hand_over: PathBuf,
    /// Where the list for a label printer goes.
    pub(crate) labels: Option<PathBuf>,
    /// The checkpoint that it ended with, or why there is none.
    pub(crate) checkpoint: Result<Option<Signed>, CliError>,
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
            let (store, vault) = (session.ledger_for_writing()?, session.vault()?);
            provision::destroy_handed_over(&*store, &vault)?;
            (store, vault, None)
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
            letters_came_out: work.letters_came_out,
            bell: work.bell,
            dry_run: work.dry_run,
            labels: work.labels.clone(),
            identification: if by_port { Identification::ByPort } else { Identification::ByTouch },
            wait,
        })
    }

    /// Draws a plan and carries it out, or says what it would do. What is said and what is done is one and the same plan. On a
    /// terminal it is agreed to before the first write.
    pub(crate) fn run(
        &self,
        kind: RunKind,
        draw: impl Fn(&Station<'_>) -> Result<Option<Plan>, RunError>,
        session: &Session,
    ) -> Result<Outcome, CliError> {
        let failed = |error| failure_of(error, session);
        self.at_station(session, |station, terminal| {
            loop {
                let Some(plan) = draw(station).map_err(failed)? else { return Ok(Outcome::Nothing) };
                if self.dry_run {
                    let dry_run = provision::dry_run(station, &plan).map_err(failed)?;
                    let metadata = self
                        .judge
                        .metadata()
                        .map(|metadata| format!("metadata number {}, {}", metadata.id().no, metadata.id().signer()));
                    return Ok(Outcome::DryRun(Box::new(DryRunOutcome { plan, dry_run, metadata })));
                }
                self.agree(station, &plan, session, failed)?;
                let began = Instant::now();
                terminal.expect(plan.keys(), plan.people.iter().map(|planned| planned.person.display_name()));
                let report = provision::run(station, &plan);
                terminal.clear();
                match report {
                    // Nothing of the plan was begun.
                    Err(RunError::Ledger(LedgerError::Conflict { .. })) if !session.cancel.is_cancelled() => {
                        session.console.say("another station wrote meanwhile; the plan is drawn anew");
                    }
                    report => {
                        let report = report.map_err(failed)?;
                        return Ok(Outcome::Run(Box::new(self.outcome(kind, report, began.elapsed(), session))));
                    }
                }
            }
        })
    }

    /// Sets the machine up, and works with it.
    pub(crate) fn at_station<T>(
        &self,
        session: &Session,
        work: impl FnOnce(&Station<'_>, &Terminal<'_>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let terminal =
            Terminal::new(&session.console, self.yes).with_letters(self.letters_came_out).with_bell(self.bell);
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
            operator_name: session.operator()?,
        };
        work(&station, &terminal)
    }

    /// A run that is over, with the checkpoint that it ends with.
    pub(crate) fn outcome(&self, kind: RunKind, report: Report, took: Duration, session: &Session) -> RunOutcome {
        let (hand_over, labels) = (self.state.hand_over(), self.labels.clone());
        RunOutcome { kind, report, took, hand_over, labels, checkpoint: self.checkpoint(session) }
    }

    /// The checkpoint that the run ends with. Those outside see it first, so that it is not the touch that they wait for; where the
    /// settings demand it, one of their security keys signs it too.
    fn checkpoint(&self, session: &Session) -> Result<Option<Signed>, CliError> {
        let signed = session.checkpoint()?.map(|signed| session.seen_outside(signed)).transpose()?;
        let settings = session.settings()?.checkpoints;
        match signed {
            Some(signed) if settings.require_security_key => {
                let pinned = settings.security_keys();
                sign_checkpoint::with_any_key(self.keys.bus(), &pinned, signed, session).map(Some)
            }
            signed => Ok(signed),
        }
    }

    /// Asks before the first write. Without a terminal only what makes an account another thing than it was needs a yes.
    fn agree(
        &self,
        station: &Station<'_>,
        plan: &Plan,
        session: &Session,
        failed: impl FnOnce(RunError) -> CliError,
    ) -> Result<(), CliError> {
        let changes: Vec<_> = plan.to_be_agreed().collect();
        let asks = session.console.looks().asks && plan.keys() > 0;
        if self.yes || changes.is_empty() && !asks {
            return Ok(());
        }
        for (planned, change) in &changes {
            session.console.say(&format!("{}: {change}", planned.login));
        }
        if !asks {
            return session.console.confirm("go on with these changes?", false);
        }
        let dry_run = provision::dry_run(station, plan).map_err(failed)?;
        let all = PlanSummary::count(plan, &dry_run).in_one_line(&plan.idp.name);
        session.console.confirm(&format!("{all}. Go on?"), false)
    }
}
