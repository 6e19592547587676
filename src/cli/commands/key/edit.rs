//! `keywright key edit`: where a key is, and what people keep of it in their own words.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::shared::arguments::{WhichIdp, WhichKey};
use crate::cli::shared::output::View;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::idp::Directory;
use crate::ledger::{AccountId, Event, KeyNumber, KeyState};
use crate::provision::{self, Relabelled, RetryPolicy};
use crate::register::Register;
use keywright_fido::webauthn::CredentialId;

/// Correct a key's label, place or custodian, or say that it is lost, retired or destroyed.
///
/// What is written on it, where it is kept, and by whom. A new label is given to the key at the IdP, too, where its API changes
/// labels: embedded, PingOne, privacyIDEA. A key that is lost, retired or destroyed counts no longer; if the IdP still has it, revoke it, too.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key edit ada@example.org --key 2 --place safe-3\n  keywright key edit K-0042 --label blue\n  keywright key edit K-0042 --as lost --reason ticket-4711"
)]
pub(crate) struct Edit {
    /// The key's own number, or the login of the account that has it
    #[arg(value_name = "K-NUMBER|ACCOUNT")]
    target: String,
    /// Which of the account's keys: 1, 2, ... as 'keywright status' counts them, or its own number
    #[arg(long, value_name = "NUMBER")]
    key: Option<WhichKey>,
    /// What is written on it
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["place", "custodian", "now"])]
    label: Option<String>,
    /// Where it is kept
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// Who keeps it
    #[arg(long, value_name = "NAME")]
    custodian: Option<String>,
    /// Where it is now
    #[arg(long = "as", value_name = "STATE", requires = "reason")]
    now: Option<Where>,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT", requires = "now")]
    reason: Option<String>,
    #[command(flatten)]
    idp: WhichIdp,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Where a person may say that a key is. `key add` and `key return` put keys in stock.
#[derive(Clone, Copy, ValueEnum)]
enum Where {
    /// With somebody: it was found again
    Held,
    /// Nobody knows where
    Lost,
    /// Here, and not to be used any longer
    Retired,
    /// It is gone
    Destroyed,
}

impl From<Where> for KeyState {
    fn from(place: Where) -> Self {
        match place {
            Where::Held => Self::Held,
            Where::Lost => Self::Lost,
            Where::Retired => Self::Retired,
            Where::Destroyed => Self::Destroyed,
        }
    }
}

#[derive(Serialize)]
struct Edited<'a> {
    number: Option<KeyNumber>,
    state: Option<KeyState>,
    /// Whose it is; `null` for a key that is nobody's.
    account: Option<&'a str>,
    directory: Option<&'a str>,
    ordinal: Option<usize>,
    label: Option<&'a str>,
    place: Option<&'a str>,
    custodian: Option<&'a str>,
    /// What became of the label at the IdP; `null` where it was not to change there.
    label_at_idp: Option<&'static str>,
    dry_run: bool,
}

impl View for Edited<'_> {
    const KIND: &'static str = "key-edited";
}

/// A key that is to be edited.
enum Target {
    Key(KeyNumber),
    /// One whose attestation was not judged yet, so that it has no number.
    Credential(CredentialId),
}

/// The label at the IdP.
enum AtIdp {
    /// It is not to change.
    Stays,
    /// It cannot be changed there; why, for people.
    Cannot(String),
    /// It can, and this goes into the ledger before.
    Can { directory: Box<dyn Directory>, credential_id: CredentialId, request: Box<Event> },
}

impl Edit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut register = session.register()?;
        let target = self.target(&register)?;
        let at_idp = self.at_idp(&target, &register, session)?;
        session.catch_interrupts(ENDING)?;
        let mut events = vec![self.event(&target, session)?];
        if let AtIdp::Can { request, .. } = &at_idp {
            events.push((**request).clone());
        }
        if self.dry_run {
            self.tell(&target, &at_idp, None, &register.supposing(&events)?, session)?;
            return Ok(Exit::Done);
        }
        let store = session.ledger_for_writing()?;
        register.catch_up(&*store)?;
        register.record_all(&*store, &events)?;
        let relabelled = match &at_idp {
            AtIdp::Can { directory, credential_id, .. } => {
                let policy = RetryPolicy::default();
                Some(provision::relabel(&**directory, &*store, &policy, &session.cancel, credential_id)?)
            }
            AtIdp::Stays | AtIdp::Cannot(_) => None,
        };
        self.tell(&target, &at_idp, relabelled.as_ref(), &register, session)?;
        Ok(match relabelled {
            Some(Relabelled::Refused(why)) => {
                session.console.warn(&format!("the label at the IdP stays as it is: {why}"));
                Exit::Directory
            }
            Some(Relabelled::Pending) => {
                session.console.hint("the IdP did not answer; 'keywright resume' changes the label there once it does");
                Exit::Directory
            }
            Some(Relabelled::Done) | None => Exit::Done,
        })
    }

    /// What the key is now, or would be.
    fn tell(
        &self,
        target: &Target,
        at_idp: &AtIdp,
        relabelled: Option<&Relabelled>,
        register: &Register,
        session: &Session,
    ) -> Result<(), CliError> {
        let (number, credential) = match target {
            Target::Key(number) => (Some(*number), register.current_of(*number).map(|(_, credential)| credential)),
            Target::Credential(id) => (None, register.credentials.get(id)),
        };
        let key = number.and_then(|number| register.keys.get(number));
        let kept = credential.map(|one| &one.kept).or(key.map(|key| &*key.kept));
        let edited = Edited {
            number,
            state: key.map(|key| key.state),
            account: credential.map(|one| register.login(&one.account)),
            directory: credential.map(|one| one.account.directory.as_str()),
            ordinal: credential.map(|one| one.ordinal),
            label: credential.and_then(|one| one.label()).or(kept.and_then(|kept| kept.label.as_deref())),
            place: kept.and_then(|kept| kept.place.as_deref()),
            custodian: kept.and_then(|kept| kept.custodian.as_deref()),
            label_at_idp: match (at_idp, relabelled) {
                (AtIdp::Stays, _) => None,
                (_, Some(Relabelled::Done)) => Some("changed"),
                (_, Some(Relabelled::Pending)) => Some("pending"),
                (AtIdp::Can { .. }, None) => Some("to-change"),
                (_, Some(Relabelled::Refused(_)) | None) => Some("stays"),
            },
            dry_run: self.dry_run,
        };
        let whose = credential.map(|one| format!("key {} of {}", one.ordinal, register.login(&one.account)));
        let named = number.map(|number| number.to_string()).or(whose).unwrap_or_default();
        session.output.result(&edited, || match (self.dry_run, at_idp) {
            (false, _) => format!("{named} is changed"),
            (true, AtIdp::Can { .. }) => format!("would change {named}, and its label at the IdP"),
            (true, AtIdp::Stays | AtIdp::Cannot(_)) => format!("would change {named}"),
        })?;
        if let AtIdp::Cannot(why) = at_idp {
            session.console.say(&format!("the label at the IdP stays as it is: {why}"));
        }
        let withdrawn = self.now.is_some_and(|state| !matches!(state, Where::Held));
        if let Some(one) = credential.filter(|one| withdrawn && one.state.may_be_registered()) {
            session.console.hint(&format!(
                "the IdP still has it: keywright revoke {} --key {} --reason TEXT",
                register.login(&one.account),
                one.ordinal
            ));
        }
        Ok(())
    }

    fn at_idp(&self, target: &Target, register: &Register, session: &Session) -> Result<AtIdp, CliError> {
        let current = match target {
            Target::Key(number) => register.current_of(*number),
            Target::Credential(id) => register.credentials.get_key_value(id),
        };
        let wanted = self.label.as_deref().zip(current);
        let Some((label, (credential_id, credential))) = wanted else { return Ok(AtIdp::Stays) };
        let Some(request) = provision::request_label(register, credential_id, label) else { return Ok(AtIdp::Stays) };
        let id = &credential.account;
        let Some(directory) = account::own_directory(id, register, &self.idp, &session.settings()?)? else {
            return Ok(AtIdp::Cannot(format!("the settings have no IdP {}", id.directory)));
        };
        if directory.capabilities().labels.is_none() {
            return Ok(AtIdp::Cannot(format!("the API of {} changes no labels", directory.name())));
        }
        Ok(AtIdp::Can { directory, credential_id: credential_id.clone(), request: request.into() })
    }

    fn target(&self, register: &Register) -> Result<Target, CliError> {
        let number = match (self.target.parse(), self.key) {
            (Ok(number), None) => number,
            (_, Some(which)) => {
                let id = account::find(&self.target, self.idp.idp.as_ref(), register)?;
                return self.of_account(&id, which, register);
            }
            (Err(_), None) => {
                return Err(CliError::Usage(format!(
                    "{} is an account; say which of its keys with --key",
                    self.target
                )));
            }
        };
        match register.keys.get(number) {
            Some(_) => Ok(Target::Key(number)),
            None => Err(CliError::NotFound(format!("there is no key {number} in the ledger"))),
        }
    }

    fn of_account(&self, id: &AccountId, which: WhichKey, register: &Register) -> Result<Target, CliError> {
        let ordinal = which.of_account(id, register)?;
        let job = register.job_of_key(id, ordinal).and_then(|job| register.jobs.get(&job));
        let made = job.and_then(|job| register.credentials.get_key_value(job.credential_id()?));
        match made {
            Some((id, credential)) => Ok(credential.number.map_or_else(|| Target::Credential(id.clone()), Target::Key)),
            None => Err(CliError::NotFound(format!("{id} has no key {ordinal} in the ledger"))),
        }
    }

    fn event(&self, target: &Target, session: &Session) -> Result<Event, CliError> {
        let (label, place, custodian) = (self.label.clone(), self.place.clone(), self.custodian.clone());
        let operator = session.operator()?;
        match target {
            Target::Key(key) => {
                let (state, reason) = (self.now.map(KeyState::from), self.reason.clone());
                Ok(Event::KeyChanged { key: *key, state, reason, label, place, custodian, operator })
            }
            Target::Credential(_) if self.now.is_some() => Err(CliError::Usage(
                "this key has no number yet, because its job is not finished; 'keywright resume' first".into(),
            )),
            Target::Credential(id) => {
                Ok(Event::KeyEdited { credential_id: id.clone(), label, place, custodian, operator })
            }
        }
    }
}
