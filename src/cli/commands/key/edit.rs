//! `keywright key edit`: where a key is, and what people keep of it in their own words.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::shared::arguments::WhichKey;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::{AccountId, Event, KeyNumber, KeyState};
use crate::register::Register;
use crate::settings::IdpChoice;
use keywright_fido::webauthn::CredentialId;

/// Correct a key's label, place or custodian, or say that it is lost, retired or destroyed.
///
/// What is written on it, where it is kept, and by whom. The label at the IdP stays as it is. A key that is lost, retired or destroyed
/// counts no longer; if the IdP still has it, revoke it, too.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key edit ada@example.org --key 2 --place safe-3\n  keywright key edit K-0042 --as lost --reason ticket-4711"
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
    /// The IdP, where several have this login
    #[arg(long, value_name = "NAME")]
    idp: Option<IdpChoice>,
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

impl Edit {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut register = session.register()?;
        let target = self.target(&register)?;
        let store = session.ledger_for_writing()?;
        register.catch_up(&*store)?;
        register.record(&*store, &self.event(&target, session)?)?;
        let number = match &target {
            Target::Key(number) => Some(*number),
            Target::Credential(_) => None,
        };
        let key = number.and_then(|number| register.keys.get(number));
        let credential = match &target {
            Target::Key(number) => register.current_of(*number).map(|(_, credential)| credential),
            Target::Credential(id) => register.credentials.get(id),
        };
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
        };
        let whose = credential.map(|one| format!("key {} of {}", one.ordinal, one.account));
        let named = number.map(|number| number.to_string()).or(whose).unwrap_or_default();
        session.output.result(&edited, || format!("{named} is changed"))?;
        let withdrawn = self.now.is_some_and(|state| !matches!(state, Where::Held));
        if let Some(one) = credential.filter(|one| withdrawn && one.state.may_be_registered()) {
            session.console.hint(&format!(
                "the IdP still has it: keywright revoke {} --key {} --reason TEXT",
                register.login(&one.account),
                one.ordinal
            ));
        }
        Ok(Exit::Done)
    }

    fn target(&self, register: &Register) -> Result<Target, CliError> {
        let number = match (self.target.parse(), self.key) {
            (Ok(number), None) => number,
            (_, Some(which)) => {
                let id = account::find(&self.target, self.idp.as_ref(), register)?;
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
