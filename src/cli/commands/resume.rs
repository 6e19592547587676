//! `keywright resume`: what an earlier run left unfinished.

use clap::Args;

use crate::cli::shared::arguments::{WhichIdp, Work};
use crate::cli::shared::batch::{Outcome, RunContext, RunKind};
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view;
use crate::cli::view::recovery::{self, RecoveryView};
use crate::provision::{self, Plan};
use crate::settings::{IdpChoice, Settings};

/// Continue what an earlier run left unfinished.
///
/// After an interruption, a power cut or a failure, the ledger says which step of which key was open. keywright looks at the key
/// and at the IdP, and finishes the step, undoes it, or says what a person has to do. Nothing is registered twice. People who lost a key are
/// got back in first. Where the settings have several IdPs, each account is finished at its own, one IdP after the other.
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
        Self::name_enforcements(session)?;
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
        // A table that was renamed since has a name that the ledger does not know: only its IdP can say which it is.
        let is_renamed = left.iter().any(|name| !settings.idp.contains_key(name));
        let names = settings.idp.keys().filter(|name| is_renamed || left.contains(*name));
        let which = |name: &String| WhichIdp { idp: Some(IdpChoice::Name(name.clone())), ..self.work.idp.clone() };
        Ok(names.map(which).collect())
    }

    fn at(&self, idp: &WhichIdp, settings: &Settings, session: &Session) -> Result<Exit, CliError> {
        let work = Work { idp: idp.clone(), ..self.work.clone() };
        let of_recoveries = self.recoveries(&work, settings, session)?;
        let context = RunContext::open(&work, settings, session)?;
        match context.run(RunKind::Resume, Plan::for_resuming, session)? {
            Outcome::Nothing if of_recoveries.is_some() => {}
            Outcome::Nothing => {
                let place = match &idp.idp {
                    Some(IdpChoice::Name(name)) => format!(" at {name}"),
                    Some(IdpChoice::Url(_)) | None => String::new(),
                };
                session.console.say(&format!("nothing is left to do{place}"));
            }
            outcome => {
                let exit = view::print_outcome(&outcome, session)?;
                return Ok(if exit == Exit::Done { of_recoveries.unwrap_or(exit) } else { exit });
            }
        }
        Ok(of_recoveries.unwrap_or(Exit::Done))
    }

    /// An enforcement that was interrupted asks first whether its people are still ready: its own command does that.
    fn name_enforcements(session: &Session) -> Result<(), CliError> {
        let register = session.register_if_any()?.unwrap_or_default();
        for (id, one) in register.rollout.enforcements.iter().filter(|(_, one)| one.ended.is_none()) {
            let scope = &one.scope;
            session
                .console
                .hint(&format!("{id} of {scope} was interrupted; 'keywright enforce' for the same people goes on"));
        }
        Ok(())
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
