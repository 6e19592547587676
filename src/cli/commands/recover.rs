//! `keywright recover`: a key is lost, and its person is got back in.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::shared::arguments::{WhichKey, Work};
use crate::cli::shared::batch::RunContext;
use crate::cli::shared::estate::WhichPlan;
use crate::cli::shared::output::count;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::cli::view::recovery::{self, RecoveryView};
use crate::idp::Directory;
use crate::ledger::AccountId;
use crate::ledger::rollout::{Loss, RecoveryId, RecoveryStep};
use crate::provision::Station;
use crate::register::Register;
use crate::rollout::recover::{self, RecoveryPlan, Wanted};
use crate::rollout::{Who, breakglass};

/// Get somebody back in who lost a key.
///
/// The whole procedure: says in the ledger who asked and how their identity was proved, keeps the account shut if the key may be
/// stolen, ends its sessions, revokes the key (which is written down at once, whether the IdP answers or not), opens the account,
/// gives out a temporary pass if one is wanted, makes and proves a new key, and withdraws the pass. The account is never opened
/// before the key is revoked.
///
/// Interrupted, or with no key at hand, the same command goes on, and so does 'keywright resume'. With --rehearse it is all done
/// for a test account of a group, which is the proof that 'keywright ready' asks for.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright recover ada@example.org --lost 1 --asked-by ada-by-telephone --identity-proved called-back
  keywright recover ada@example.org --lost K-0042 --stolen --pass --asked-by ada --identity-proved passport
  keywright recover ada@example.org
  keywright recover test-1@example.org --rehearse --group admins")]
pub(crate) struct Recover {
    /// The login at the IdP
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the person's keys is gone: 1, 2, ... as 'keywright status' counts them, or its own number (K-0042)
    #[arg(long, value_name = "NUMBER")]
    lost: Option<WhichKey>,
    /// Who asked for it, and how, for the ledger
    #[arg(long, value_name = "TEXT")]
    asked_by: Option<String>,
    /// How it was proved that they are who they say (NIST SP 800-63B-4, 4.2), for the ledger
    #[arg(long, value_name = "TEXT")]
    identity_proved: Option<String>,
    /// Somebody may have the key: the account is suspended until the key is revoked
    #[arg(long)]
    stolen: bool,
    /// Give the person a temporary pass until the new key is there, sealed and handed over as the profile says of PINs
    #[arg(long)]
    pass: bool,
    /// For how long the pass is good
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=43_200))]
    pass_minutes: u32,
    /// Do all of it for a test account, with suspension and pass where the IdP has them
    #[arg(long, requires = "group")]
    rehearse: bool,
    /// The group that it is rehearsed for
    #[arg(long, value_name = "GROUP", requires = "rehearse")]
    group: Option<String>,
    /// Say that it is the account's last key that counts, by repeating the login; a terminal asks for it
    #[arg(long, value_name = "ACCOUNT")]
    last_key_of: Option<String>,
    /// End a recovery that is not to be gone on with, such as of a key that was found; what was done stays done
    #[arg(long, value_name = "REASON", conflicts_with_all = ["lost", "rehearse", "stolen", "pass"])]
    give_up: Option<String>,
    #[command(flatten)]
    work: Work,
}

impl Recover {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let register = session.register()?;
        let which = account::which_of(&self.account, &register, &self.work.idp, &settings);
        let directory = which.open_for_writing(&settings)?;
        let id = account::known_at_idp(&self.account, &*directory, &register)?;
        session.catch_interrupts(ENDING)?;
        let open = register.rollout.open_recovery(&id).map(|(recovery, open)| (recovery, open.lost));
        if let Some(reason) = &self.give_up {
            return self.give_up(reason, &id, open.map(|(recovery, _)| recovery), session);
        }
        let lost = self.lost.map(|which| which.of_account(&id, &register)).transpose()?;
        let wanted = match open {
            Some((_, of)) if lost.is_none_or(|lost| lost == of) => None,
            _ => Some(self.wanted(&id, lost, &*directory, &register, session)?),
        };
        let context = RunContext::with_directory(&self.work, &settings, directory, session)?;
        let recovery = match (wanted, open) {
            (Some(wanted), _) => context.at_station(session, |station, _| self.begin(station, wanted, session))?,
            (None, open) => open.map(|(recovery, _)| recovery),
        };
        match recovery {
            None => Ok(Exit::Done),
            Some(recovery) if self.work.dry_run => {
                let view = RecoveryView::of_register(&register, recovery, true);
                session.output.result(&view, || view.text())?;
                Ok(Exit::Done)
            }
            Some(recovery) => recovery::go_on(&context, recovery, session),
        }
    }

    /// What was asked for. Who asked, and how that is known, has to be said of everything but a rehearsal.
    fn wanted(
        &self,
        id: &AccountId,
        lost: Option<usize>,
        directory: &dyn Directory,
        register: &Register,
        session: &Session,
    ) -> Result<Wanted, CliError> {
        let missing = |flag: &str, what: &str| CliError::Usage(format!("{flag} is missing: {what}"));
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let rehearsal = self.group.clone().filter(|_| self.rehearse);
        let rehearsal =
            rehearsal.map(|group| self.group_of_plan(&group, id, directory, register, session)).transpose()?;
        let newest = || {
            let standing = register.standing(id, Session::now())?;
            standing.keys.iter().rev().find(|key| key.standing.counts()).map(|key| key.ordinal)
        };
        let lost = lost.or_else(|| rehearsal.as_ref().and_then(|_| newest()));
        let word = |text: &Option<String>, flag, what| {
            let rehearsed = rehearsal.as_ref().map(|_| "rehearsal".to_owned());
            said(text).or(rehearsed).ok_or_else(|| missing(flag, what))
        };
        let capabilities = directory.capabilities();
        let stolen = self.stolen || rehearsal.is_some() && capabilities.suspension.is_some();
        let pass = self.pass || rehearsal.is_some() && capabilities.pass.is_some();
        Ok(Wanted {
            account: id.clone(),
            lost: lost.ok_or_else(|| missing("--lost", "which of the account's keys is gone"))?,
            loss: if stolen { Loss::Stolen } else { Loss::Lost },
            asked_by: word(&self.asked_by, "--asked-by", "who asked for it")?,
            identity_proved: word(&self.identity_proved, "--identity-proved", "how it is known who they are")?,
            rehearsal,
            pass_minutes: pass.then_some(self.pass_minutes),
        })
    }

    /// The group as the roll-out plan calls it, where there is one; and the account has to be in it, as far as the IdP tells.
    fn group_of_plan(
        &self,
        group: &str,
        id: &AccountId,
        directory: &dyn Directory,
        register: &Register,
        session: &Session,
    ) -> Result<String, CliError> {
        let Some(plan) = WhichPlan::default().read_if_any(session)? else { return Ok(group.to_owned()) };
        let Some(known) = plan.group(group) else {
            let names: Vec<&str> = plan.groups.iter().map(|group| group.name.as_str()).collect();
            return Err(CliError::Usage(format!("the plan has no group \"{group}\"; it has {}", names.join(", "))));
        };
        let (Who::Group(members), Some(people)) = (&known.who, directory.capabilities().people) else {
            return Ok(known.name.clone());
        };
        let user = register.accounts[id].user_id.as_deref().unwrap_or_default();
        if !breakglass::members_have(directory.name(), people, members, user)? {
            let login = register.login(id);
            return Err(CliError::NotFound(format!(
                "{login} is not in {}, which it is to be rehearsed for",
                known.who
            )));
        }
        Ok(known.name.clone())
    }

    /// Says what would be done, asks, and writes it down. `None` in a dry run.
    fn begin(&self, station: &Station<'_>, wanted: Wanted, session: &Session) -> Result<Option<RecoveryId>, CliError> {
        let register = Register::of(station.store)?;
        let plan = recover::plan(station, &register, wanted)?;
        if self.work.dry_run {
            let view = RecoveryView::of_plan(&plan);
            session.output.result(&view, || format!("would recover {}:\n{}", plan.login, plan_text(&plan)))?;
            return Ok(None);
        }
        if !self.work.yes || plan.keys_left == 0 {
            session.console.say(&plan_text(&plan));
        }
        if plan.keys_left == 0 {
            self.agree_to_last_key(&plan, session)?;
        }
        let removal = station.directory.registration().by_hand().map(|by_hand| by_hand.removal.clone());
        let question = match removal {
            Some(removal) => {
                session.console.say(&format!("{} has no API: {removal}", station.directory.name()));
                format!("is key {} of {} removed there, and is the rest to be done?", plan.wanted.lost, plan.login)
            }
            None => format!("revoke key {} of {} and go on?", plan.wanted.lost, plan.login),
        };
        session.console.confirm(&question, self.work.yes)?;
        Ok(Some(recover::begin(station, &plan)?))
    }

    /// Nobody loses the last way in that was proved by accident: the login has to be repeated.
    fn agree_to_last_key(&self, plan: &RecoveryPlan, session: &Session) -> Result<(), CliError> {
        let repeated = match &self.last_key_of {
            Some(login) => login.clone(),
            None => session.console.ask(&format!(
                "key {} is the last one of {} that counts; type the login to go on: ",
                plan.wanted.lost, plan.login
            ))?,
        };
        if repeated.trim() == plan.login { Ok(()) } else { Err(CliError::NotConfirmed) }
    }

    fn give_up(
        &self,
        reason: &str,
        id: &AccountId,
        open: Option<RecoveryId>,
        session: &Session,
    ) -> Result<Exit, CliError> {
        let Some(recovery) = open else {
            return Err(CliError::NotFound(format!("no recovery of {id} goes on")));
        };
        let before = session.register()?;
        let state = &before.rollout.recoveries[&recovery];
        let is_shut = state.result(RecoveryStep::Suspend).is_some() && state.result(RecoveryStep::Restore).is_none();
        let shut = if is_shut { "; the account stays suspended" } else { "" };
        let view = RecoveryView::of_register(&before, recovery, self.work.dry_run);
        if self.work.dry_run {
            session.output.result(&view, || format!("would give up {recovery} of {}{shut}", view.account))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("give up {recovery} of {}{shut}?", view.account), self.work.yes)?;
        recover::give_up(&*session.ledger_for_writing()?, id, recovery, reason, &session.operator()?)?;
        let after = session.register()?;
        let view = RecoveryView::of_register(&after, recovery, false);
        session.output.result(&view, || view.text())?;
        Ok(Exit::Done)
    }
}

fn plan_text(plan: &RecoveryPlan) -> String {
    let mut text = String::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let what = match step {
            RecoveryStep::RevokeKey => format!("revoke key {}", plan.wanted.lost),
            RecoveryStep::GivePass => {
                let minutes = plan.wanted.pass_minutes.unwrap_or_default();
                format!("{step}, for {}", count(usize::try_from(minutes).unwrap_or(usize::MAX), "minute", "minutes"))
            }
            step => step.to_string(),
        };
        // A text in memory takes all that is written to it.
        let _ = writeln!(text, "  {}. {what}", at + 1);
    }
    let _ = writeln!(text, "keys that count until the new one is there: {}", plan.keys_left);
    for way in &plan.other_ways {
        let _ = writeln!(text, "other way in: {way}");
    }
    text
}
