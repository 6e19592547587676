//! `keywright resume`: what an earlier run left unfinished.

use clap::Args;

use crate::cli::commands::enforce::Enforce;
use crate::cli::commands::revoke::UnknownKeyLine;
use crate::cli::shared::arguments::{Change, WhichIdp, Work};
use crate::cli::shared::batch::{Outcome, RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view;
use crate::cli::view::recovery::{self, RecoveryView};
use crate::idp::Directory;
use crate::provision::{self, Plan, RetryPolicy};
use crate::rollout::ready::Which;
use crate::rollout::unknown_key::Removing;
use crate::settings::{IdpChoice, Settings};

/// Continue what an earlier run left unfinished.
///
/// After an interruption, a power cut or a failure, the ledger says which step of which key was open. keywright looks at the key
/// and at the IdP, and finishes the step, undoes it, or says what a person has to do. Nothing is registered twice. People who lost a key are
/// got back in first; then keys go that nobody here made, and an enforcement goes on, which asks again whether its people are ready.
/// Where the settings have several IdPs, each account is finished at its own, one IdP after the other.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright resume\n  keywright resume --dry-run")]
pub(crate) struct Resume {
    #[command(flatten)]
    work: Work,
}

impl Resume {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        session.catch_interrupts(ENDING)?;
        let idps = self.idps(&settings, session)?;
        let [first, others @ ..] = &idps[..] else {
            session.console.say("nothing is left to do");
            return Ok(Exit::Done);
        };
        if others.is_empty() {
            return self.at(first, &settings, session);
        }
        if self.work.labels.is_some() {
            let several =
                "--labels takes the list of one IdP, and several have something left to do; name one with --idp";
            return Err(CliError::Usage(several.to_owned()));
        }
        let mut exits = Vec::new();
        for idp in &idps {
            match self.at(idp, &settings, session) {
                Ok(exit) => exits.push(exit),
                Err(error) if session.cancel.is_cancelled() => return Err(error),
                // The others are no worse for it.
                Err(error) => {
                    session.console.error(&error);
                    exits.push(error.exit());
                }
            }
        }
        Ok(Exit::of_several(&exits))
    }

    /// The IdPs that have something to be finished.
    fn idps(&self, settings: &Settings, session: &Session) -> Result<Vec<WhichIdp>, CliError> {
        if self.work.idp.idp.is_some() || settings.idp.len() < 2 {
            return Ok(vec![self.work.idp.clone()]);
        }
        let Some(register) = session.register_if_any()? else { return Ok(Vec::new()) };
        let mut left = provision::idps_to_resume_at(&register, Session::now());
        left.extend(register.rollout.open_recoveries().map(|(_, one)| one.account.directory.clone()));
        left.extend(register.rollout.unknown_keys.iter().map(|one| one.account.directory.clone()));
        let enforcements = register.rollout.enforcements.values().filter(|one| one.ended.is_none());
        left.extend(enforcements.map(|one| one.directory.clone()));
        // A table that was renamed since has a name that the ledger does not know: only its IdP can say which it is.
        let is_renamed = left.iter().any(|name| !settings.idp.contains_key(name));
        let names = settings.idp.keys().filter(|name| is_renamed || left.contains(*name));
        let which = |name: &String| WhichIdp { idp: Some(IdpChoice::Name(name.clone())), ..self.work.idp.clone() };
        Ok(names.map(which).collect())
    }

    fn at(&self, idp: &WhichIdp, settings: &Settings, session: &Session) -> Result<Exit, CliError> {
        let work = Work { idp: idp.clone(), ..self.work.clone() };
        let before = [
            self.recoveries(&work, settings, session)?,
            self.unknown_keys(&work, settings, session)?,
            self.enforcement(&work, settings, session)?,
        ];
        let before: Vec<Exit> = before.into_iter().flatten().collect();
        let before = (!before.is_empty()).then(|| Exit::of_several(&before));
        let context = RunContext::open(&work, settings, session)?;
        match context.run(RunKind::Resume, Plan::for_resuming, session)? {
            Outcome::Nothing if before.is_some() => {}
            Outcome::Nothing => {
                let place = match &idp.idp {
                    Some(IdpChoice::Name(name)) => format!(" at {name}"),
                    Some(IdpChoice::Url(_)) | None => String::new(),
                };
                session.console.say(&format!("nothing is left to do{place}"));
            }
            outcome => {
                let exit = view::print_outcome(&outcome, session)?;
                return Ok(if exit == Exit::Done { before.unwrap_or(exit) } else { exit });
            }
        }
        Ok(before.unwrap_or(Exit::Done))
    }

    /// Removes keys that nobody here made, and that were to go at this IdP. `None` if there are none.
    fn unknown_keys(&self, work: &Work, settings: &Settings, session: &Session) -> Result<Option<Exit>, CliError> {
        let register = session.register_if_any()?.unwrap_or_default();
        if register.rollout.unknown_keys.is_empty() {
            return Ok(None);
        }
        let directory: Box<dyn Directory> = work.idp.open_for_writing(settings)?;
        let (mut exits, retry) = (Vec::new(), RetryPolicy::default());
        let open = register.rollout.unknown_keys.iter().filter(|one| one.account.directory == directory.name());
        for removal in open {
            let removed = match work.dry_run {
                true => None,
                false => {
                    let store = session.ledger_for_writing()?;
                    let (directory, cancel) = (&*directory, &session.cancel);
                    Some(Removing { directory, store: &*store, retry: &retry, cancel }.remove(removal)?)
                }
            };
            let line = UnknownKeyLine::new(removal, removed.as_ref());
            session.output.result(&line, || line.text())?;
            exits.push(line.exit());
        }
        Ok((!exits.is_empty()).then(|| Exit::of_several(&exits)))
    }

    /// Goes on with the enforcement at this IdP that has not ended. It asks again whether its people are ready, and asks the person at the
    /// terminal: where there is nobody to ask, it is named. `None` if there is none.
    fn enforcement(&self, work: &Work, settings: &Settings, session: &Session) -> Result<Option<Exit>, CliError> {
        let register = session.register_if_any()?.unwrap_or_default();
        if register.rollout.enforcements.values().all(|one| one.ended.is_some()) {
            return Ok(None);
        }
        let name = work.idp.open(settings)?.name().to_owned();
        let Some((id, one)) = register.rollout.open_enforcement(&name) else { return Ok(None) };
        match one.scope.parse::<Which>() {
            Ok(which) if work.yes || work.dry_run || session.console.looks().asks => {
                session.console.say(&format!("{id} of {} goes on", one.scope));
                let change = Change { dry_run: work.dry_run, yes: work.yes };
                Enforce::again(&which, &work.idp, change).carry_out(session).map(Some)
            }
            Ok(_) | Err(_) => {
                let next = "'keywright enforce' for the same people goes on, and 'keywright resume --yes' too";
                session.console.hint(&format!("{id} of {} was interrupted; {next}", one.scope));
                Ok(Some(Exit::Partial))
            }
        }
    }

    /// Goes on with every recovery at this IdP that has not ended: before all else, because somebody cannot sign in. The worst of
    /// what came of them; `None` if there are none.
    fn recoveries(&self, work: &Work, settings: &Settings, session: &Session) -> Result<Option<Exit>, CliError> {
        let register = session.register_if_any()?.unwrap_or_default();
        if register.rollout.open_recoveries().next().is_none() {
            return Ok(None);
        }
        let directory = work.idp.open_for_writing(settings)?;
        let name = directory.name().to_owned();
        let context = RunContext::with_directory(work, settings, directory, session)?;
        let mut worst = None;
        for (id, _) in register.rollout.open_recoveries().filter(|(_, one)| one.account.directory == name) {
            let exit = if work.dry_run {
                let view = RecoveryView::of_register(&register, id, true);
                session.output.result(&view, || view.text())?;
                Exit::Done
            } else {
                recovery::go_on(&context, id, session)?
            };
            worst = worst.filter(|worst| *worst != Exit::Done).or(Some(exit));
        }
        Ok(worst)
    }
}
