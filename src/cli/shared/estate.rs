//! The estate as the commands of the roll-out read it: which IdP, which plan, with progress, and a record in the ledger.
//!
//! Nothing here changes anything at the IdP.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use clap::Args;

use crate::cli::shared::arguments::WhichIdp;
use crate::cli::shared::live::{LiveLine, Showing};
use crate::cli::shared::{CliError, Session, profiles};
use crate::idp::Directory;
use crate::ledger::Event;
use crate::ledger::rollout::{EstateRead, Reading};
use crate::provision::RetryPolicy;
use crate::register::Register;
use crate::rollout::inventory::read::{Depth, Reader};
use crate::rollout::ready::{self, Grounds, Surroundings, Which};
use crate::rollout::watch::Look;
use crate::rollout::{Inventory, Plan, Readiness, Scope, Shelf, Who};
use crate::settings::{IdpChoice, Settings};

/// Which plan.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WhichPlan {
    /// The roll-out plan [default: rollout.toml beside the settings]
    #[arg(long, value_name = "FILE")]
    pub(crate) rollout: Option<PathBuf>,
}

impl WhichPlan {
    /// Where it is, or would be.
    pub(crate) fn file(&self, session: &Session) -> PathBuf {
        let settings = Settings::file(session.global.config.as_deref());
        Plan::file(self.rollout.as_deref(), settings.as_deref())
    }

    /// Reads it.
    pub(crate) fn read(&self, session: &Session) -> Result<Plan, CliError> {
        let profiles = profiles::load(None, &session.settings()?)?;
        Ok(Plan::read(&self.file(session), &profiles)?)
    }

    /// Reads it, if there is one; one that was named has to be there.
    pub(crate) fn read_if_any(&self, session: &Session) -> Result<Option<Plan>, CliError> {
        match self.rollout.is_none() && !self.file(session).exists() {
            true => Ok(None),
            false => self.read(session).map(Some),
        }
    }
}

/// Whom an inventory is about.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "people", multiple = false)]
pub(crate) struct WhichPeople {
    /// The members of this group at the IdP
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Everybody who has this role at the IdP, or can take it on
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Everybody with any role of power
    #[arg(long)]
    all_admins: bool,
}

impl WhichPeople {
    /// Them; everybody in the plan, if nobody is named.
    pub(crate) fn scope(&self) -> Scope {
        match (&self.group, &self.role, self.all_admins) {
            (Some(group), ..) => Scope::People(Who::Group(group.clone())),
            (_, Some(role), _) => Scope::People(Who::Role(role.clone())),
            (_, _, true) => Scope::People(Who::AllAdmins),
            (None, None, false) => Scope::Rollout,
        }
    }

    /// The plan, which somebody has to have written where it says whom it is about.
    pub(crate) fn plan(&self, which: &WhichPlan, session: &Session) -> Result<Option<Plan>, CliError> {
        let plan = which.read_if_any(session)?;
        if plan.is_none() && self.scope() == Scope::Rollout {
            let file = which.file(session).display().to_string();
            return Err(CliError::Usage(format!(
                "say whom it is about: --group, --role or --all-admins; there is no {file} that would"
            )));
        }
        Ok(plan)
    }
}

/// Which part of the plan.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WhichPart {
    /// Only this wave, as the roster or the plan has it
    #[arg(long, value_name = "WAVE", conflicts_with = "group")]
    wave: Option<String>,
    /// Only this group of the plan
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl WhichPart {
    /// The one that the ledger has of an enforcement.
    pub(crate) fn of(which: &Which) -> Self {
        match which {
            Which::All => Self::default(),
            Which::Wave(wave) => Self { wave: Some(wave.clone()), group: None },
            Which::Group(group) => Self { wave: None, group: Some(group.clone()) },
        }
    }

    /// The part. A group has to be one of the plan.
    pub(crate) fn read(&self, plan: &Plan) -> Result<Which, CliError> {
        match (&self.wave, &self.group) {
            (Some(wave), _) => Ok(Which::Wave(wave.trim().to_owned())),
            (None, None) => Ok(Which::All),
            (None, Some(group)) => match plan.group(group) {
                Some(known) => Ok(Which::Group(known.name.clone())),
                None => {
                    let names: Vec<&str> = plan.groups.iter().map(|group| group.name.as_str()).collect();
                    Err(CliError::Usage(format!("the plan has no group \"{group}\"; it has {}", names.join(", "))))
                }
            },
        }
    }
}

/// An IdP, with what it takes to read it.
pub(crate) struct Estate<'s> {
    /// The IdP.
    pub(crate) directory: Box<dyn Directory>,
    /// How often it is asked again.
    pub(crate) retry: RetryPolicy,
    session: &'s Session,
}

impl<'s> Estate<'s> {
    /// Opens the IdP: the one that is named, else the plan's, else as everywhere.
    pub(crate) fn open(which: &WhichIdp, plan: Option<&Plan>, session: &'s Session) -> Result<Self, CliError> {
        let mut which = which.clone();
        if which.idp.is_none() {
            which.idp = plan.and_then(|plan| plan.idp.clone()).map(IdpChoice::Name);
        }
        let directory = which.open(&session.settings()?)?;
        Ok(Self { directory, retry: RetryPolicy::default(), session })
    }

    /// Reads everybody. One that was interrupted less than a day ago goes on, unless it is to begin anew.
    pub(crate) fn inventory(
        &self,
        scope: &Scope,
        plan: Option<&Plan>,
        depth: Depth,
        register: &Register,
        anew: bool,
    ) -> Result<Inventory, CliError> {
        let progress = Progress::new(self.session);
        let reader = Reader {
            directory: &*self.directory,
            retry: &self.retry,
            cancel: &self.session.cancel,
            now: &Session::now,
            progress: &|done, all| progress.at(done, all),
        };
        let shelf = self.session.shelf()?;
        let instance = self.retry.ask(&self.session.cancel, || self.directory.instance())?;
        let partial = shelf.partial(&instance, scope, Session::now());
        if anew {
            partial.clear()?;
        }
        let read = reader.read(scope, plan, depth, register, &partial);
        drop(progress);
        let inventory = read?;
        partial.clear()?;
        Ok(inventory)
    }
}

impl Estate<'_> {
    /// Reads the people of the plan, each account by itself, and what stands around them, and answers.
    pub(crate) fn readiness(
        &self,
        which: &Which,
        plan: &Plan,
        register: &Register,
    ) -> Result<(Inventory, Readiness), CliError> {
        // What is there now decides: an older reading is no ground to enforce on.
        let inventory = self.inventory(&Scope::Rollout, Some(plan), Depth::EachAccount, register, true)?;
        let cancel = &self.session.cancel;
        let surroundings = Surroundings::read(&*self.directory, &self.retry, cancel, plan, &inventory)?;
        let grounds =
            Grounds { plan, inventory: &inventory, surroundings: &surroundings, register, at: Session::now() };
        let answer = ready::assess(which, &grounds);
        Ok((inventory, answer))
    }
}

impl Session {
    /// The folder of what was read of the estate.
    pub(crate) fn shelf(&self) -> Result<Shelf, CliError> {
        Ok(Shelf::new(self.state()?.path().join("estate")))
    }

    /// Keeps an inventory, and writes its SHA-256 into the ledger; gives that SHA-256.
    pub(crate) fn record_reading(
        &self,
        reading: Reading,
        scope: &str,
        inventory: &Inventory,
        findings: usize,
    ) -> Result<String, CliError> {
        self.state()?.create()?;
        let sha256 = self.shelf()?.put(inventory)?;
        self.record_kept(reading, scope, inventory, &sha256, findings)?;
        Ok(sha256)
    }

    /// Keeps a look in the place of the last one at the same people, and writes its SHA-256 into the ledger; gives that SHA-256.
    pub(crate) fn record_look(&self, scope: &str, look: &Look, findings: usize) -> Result<String, CliError> {
        self.state()?.create()?;
        let sha256 = self.shelf()?.put(look)?;
        let last = self.register_or_empty()?;
        let last = last.rollout.last_reading(Reading::Watch, &look.inventory.directory, scope);
        self.record_kept(Reading::Watch, scope, &look.inventory, &sha256, findings)?;
        // A look each hour for years: what is new is told from the last one alone.
        if let Some(last) = last.filter(|last| last.read.sha256 != sha256) {
            self.shelf()?.remove(&last.read.sha256)?;
        }
        Ok(sha256)
    }

    fn record_kept(
        &self,
        reading: Reading,
        scope: &str,
        inventory: &Inventory,
        sha256: &str,
        findings: usize,
    ) -> Result<(), CliError> {
        let store = self.ledger_for_writing()?;
        let read = EstateRead {
            reading,
            directory: inventory.directory.clone(),
            scope: scope.to_owned(),
            sha256: sha256.to_owned(),
            people: inventory.people.len() as u64,
            findings: findings as u64,
            operator: self.operator()?,
        };
        Register::of(&*store)?.record(&*store, &Event::EstateRead(read))?;
        Ok(())
    }

    /// What the ledger says now; nothing, where there is none.
    pub(crate) fn register_or_empty(&self) -> Result<Register, CliError> {
        Ok(self.register_if_any()?.unwrap_or_default())
    }
}

/// How far a reading is: a line that changes where there is a terminal, else a line now and then for long ones.
struct Progress<'s> {
    session: &'s Session,
    /// People read, and all of them.
    people: Arc<Mutex<(usize, usize)>>,
    told: Mutex<usize>,
    _showing: Showing,
}

/// People after whom a line is worth it.
const WORTH_A_LINE: usize = 500;

impl<'s> Progress<'s> {
    fn new(session: &'s Session) -> Self {
        let people = Arc::new(Mutex::new((0, 0)));
        let (read, began) = (Arc::clone(&people), Instant::now());
        let showing = session.console.live().show(move |_| {
            let (done, all) = *lock(&read);
            let text = format!("{done} of {all} people  {} s", began.elapsed().as_secs());
            vec![LiveLine { text, style: None }]
        });
        Self { session, people, told: Mutex::new(0), _showing: showing }
    }

    fn at(&self, done: usize, all: usize) {
        *lock(&self.people) = (done, all);
        if self.session.console.looks().live {
            return;
        }
        let mut told = lock(&self.told);
        if done >= *told + WORTH_A_LINE {
            *told = done;
            self.session.console.say(&format!("{done} of {all} people"));
        }
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    // Numbers are whole at any moment.
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}
