//! `keywright enforce`: weak methods go, from those people who are ready.

use clap::Args;

use crate::cli::shared::arguments::{Change, WhichIdp};
use crate::cli::shared::estate::{Estate, WhichPart, WhichPlan};
use crate::cli::shared::output::count;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::enforcement::{EnforcementView, PersonView, PlannedPerson, RemovedView, Switch};
use crate::cli::view::readiness;
use crate::ledger::rollout::PolicySeen;
use crate::rollout::enforce::{self, EnforcementPlan, Enforcing};
use crate::rollout::ready::{Readiness, Which};
use crate::rollout::{Plan, enforce::EnforceError};
use crate::settings::IdpChoice;

/// Take the weak sign-in methods from exactly those people who are ready.
///
/// Asks 'keywright ready' again and stops unless it says yes. Then it says which policy you have to switch on, and reads at the IdP
/// whether it acts; where the IdP does not tell, you are asked. Only then the weak methods of each person go, the default one last;
/// sessions are ended, everything is read back, and what is left is listed.
///
/// Never touched: somebody with fewer than two proved keys that the IdP has in service, a break-glass account, an account whose
/// methods could not be read, a passkey, and what the plan lets stay. What was removed is kept in the ledger without its secret:
/// --removed shows it. Interrupted, the same command goes on; so does 'keywright resume'.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright enforce --wave 1 --dry-run
  keywright enforce --group admins
  keywright enforce --removed ada@example.org")]
pub(crate) struct Enforce {
    #[command(flatten)]
    which: WhichPart,
    /// Show what was removed from this account, so that its person can be helped back
    #[arg(long, value_name = "ACCOUNT", conflicts_with_all = ["wave", "group"])]
    removed: Option<String>,
    /// Say that the policy is switched on, where the IdP does not tell [default: asks]
    #[arg(long)]
    policy_is_on: bool,
    #[command(flatten)]
    plan: WhichPlan,
    #[command(flatten)]
    idp: WhichIdp,
    #[command(flatten)]
    change: Change,
}

impl Enforce {
    /// The one that goes on with an enforcement of these people: it asks again whether they are ready.
    pub(crate) fn again(which: &Which, idp: &WhichIdp, change: Change) -> Self {
        let plan = WhichPlan::default();
        Self { which: WhichPart::of(which), removed: None, policy_is_on: false, plan, idp: idp.clone(), change }
    }

    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        if let Some(login) = &self.removed {
            return self.show_removed(login, session);
        }
        session.catch_interrupts(ENDING)?;
        self.carry_out(session)
    }

    /// The same for a caller that catches interrupts already.
    pub(crate) fn carry_out(&self, session: &Session) -> Result<Exit, CliError> {
        let rollout = self.plan.read(session)?;
        let which = self.which.read(&rollout)?;
        let mut estate = Estate::open(&self.idp, Some(&rollout), session)?;
        let mut plan = match self.ready(&estate, &rollout, &which, session)? {
            Ok(plan) => plan,
            Err(exit) => return Ok(exit),
        };
        if self.change.dry_run {
            return dry_run(&plan, session);
        }
        if !plan.switches.is_empty() {
            self.ask_for_switches(&plan, session)?;
            // What is true now decides, and the list of methods may be another.
            plan = match self.ready(&estate, &rollout, &which, session)? {
                Ok(plan) => plan,
                Err(exit) => return Ok(exit),
            };
        }
        let policy = self.policy(&estate, &rollout, &plan, session)?;
        self.agree(&plan, session)?;
        let named = self.idp.idp.clone().or_else(|| rollout.idp.clone().map(IdpChoice::Name));
        let writing = WhichIdp { idp: named, ..self.idp.clone() };
        estate.directory = writing.open_for_writing(&session.settings()?)?;
        let enforced = {
            let store = session.ledger_for_writing()?;
            let operator = session.operator()?;
            let enforcing = Enforcing {
                directory: &*estate.directory,
                store: &*store,
                retry: &estate.retry,
                cancel: &session.cancel,
                now: &Session::now,
                operator: &operator,
                tell: &|line| session.console.say(line),
            };
            enforcing.go_on(&plan, policy)?
        };
        for person in &enforced.people {
            let view = PersonView::new(&plan, &enforced, person);
            session.output.result(&view, String::new)?;
        }
        let view = EnforcementView::new(&plan, Some(&enforced), false);
        session.output.result(&view, || view.text())?;
        session.checkpoint()?;
        Ok(if enforced.people.iter().all(|person| person.is_clean()) { Exit::Done } else { Exit::Partial })
    }

    /// What may be done, or how the command ends because nothing may.
    fn ready(
        &self,
        estate: &Estate<'_>,
        rollout: &Plan,
        which: &Which,
        session: &Session,
    ) -> Result<Result<EnforcementPlan, Exit>, CliError> {
        let register = session.register_or_empty()?;
        let (inventory, answer): (_, Readiness) = estate.readiness(which, rollout, &register)?;
        match enforce::plan(&inventory.directory, which, &answer) {
            Ok(plan) => Ok(Ok(plan)),
            Err(EnforceError::NotReady { scope, reasons }) => {
                session.console.say(&readiness::text(which, &answer));
                session.console.hint("fix these, then run it again; 'keywright ready --page' writes them down");
                let why = count(reasons, "reason", "reasons");
                session.console.mark(
                    crate::cli::shared::console::Style::Bad,
                    "not enforced:",
                    &format!("{scope} is not ready, {why}"),
                );
                Ok(Err(Exit::Partial))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The policy is the one switch for many people, and comes first; a person sets it.
    fn ask_for_switches(&self, plan: &EnforcementPlan, session: &Session) -> Result<(), CliError> {
        for (group, rule) in &plan.switches {
            session.console.say(&format!("{group}: switch \"{}\" on, at: {}", rule.policy, rule.place));
        }
        let answered = self.policy_is_on || self.change.yes;
        session.console.confirm("is that done?", answered)
    }

    fn policy(
        &self,
        estate: &Estate<'_>,
        rollout: &Plan,
        plan: &EnforcementPlan,
        session: &Session,
    ) -> Result<PolicySeen, CliError> {
        let (directory, retry) = (&*estate.directory, &estate.retry);
        let seen = enforce::policy_seen(directory, retry, &session.cancel, rollout, &plan.groups)?;
        if let PolicySeen::Said { untold } = &seen {
            untold.iter().for_each(|untold| session.console.warn(untold));
            session.console.confirm("is the policy on that lets in nothing weaker?", self.policy_is_on)?;
        }
        Ok(seen)
    }

    fn agree(&self, plan: &EnforcementPlan, session: &Session) -> Result<(), CliError> {
        let methods: usize = plan.people.iter().map(|person| person.to_go.len()).sum();
        let question = format!(
            "remove {} from {} and end their sessions? Most cannot be put back by keywright",
            count(methods, "weak method", "weak methods"),
            count(plan.people.len(), "person", "people")
        );
        session.console.confirm(&question, self.change.yes)
    }

    fn show_removed(&self, login: &str, session: &Session) -> Result<Exit, CliError> {
        let register = session.register()?;
        let id = account::find(login, self.idp.idp.as_ref(), &register)?;
        let removed = register.rollout.removed_methods(&id);
        for one in &removed {
            let view = RemovedView::new(&register, &id, one);
            session.output.result(&view, || view.text())?;
        }
        if removed.is_empty() {
            session.console.say(&format!("nothing was removed from {}", register.login(&id)));
        }
        Ok(Exit::Done)
    }
}

fn dry_run(plan: &EnforcementPlan, session: &Session) -> Result<Exit, CliError> {
    for (group, rule) in &plan.switches {
        let view = Switch::new(plan, group, rule);
        session.output.result(&view, || view.text())?;
    }
    for person in &plan.people {
        let view = PlannedPerson::new(plan, person);
        session.output.result(&view, || view.text())?;
    }
    let view = EnforcementView::new(plan, None, true);
    session.output.result(&view, || view.text())?;
    Ok(Exit::Done)
}
