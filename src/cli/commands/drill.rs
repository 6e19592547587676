//! `keywright drill`: a stored key is taken out and tried.

use std::borrow::Cow;

use clap::Args;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::arguments::{OneKey, PinArgument, WhichIdp, WhichKey};
use crate::cli::shared::console::Style;
use crate::cli::shared::device::KeysError;
use crate::cli::shared::failure::table;
use crate::cli::shared::open_key::{Keys, open};
use crate::cli::shared::operator::claimed_name;
use crate::cli::shared::output::View;
use crate::cli::shared::session::ENDING;
use crate::cli::shared::{CliError, Exit, Session, account, pin_entry};
use crate::cli::view::checkpoint::CheckpointLine;
use crate::idp::Registration;
use crate::ledger::{AccountId, Observed, SeenByHand};
use crate::provision::drill::{Ready, Whose};
use crate::provision::{Drill as Engine, DrillError, RetryPolicy};
use crate::register::{CredentialState, IdpIdentity, Register};
use crate::secret::{SecretSource, SystemEntropy};
use keywright_fido::ctap::{Authenticator, Keepalive, Pin};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::CredentialId;

/// Prove that a stored key still works.
///
/// Recognises the key, asks the IdP whether it still has the key's credential, takes the key's PIN and a touch, verifies the
/// signature, and signs in where the IdP lets us try. The ledger gets what was seen, good or bad. Without ACCOUNT, every key that
/// is plugged in and in the ledger is tried. The last PIN attempts of a key are never used.
///
/// An IdP without an API cannot be asked. There you say that the key signs in, and the key shows the credential that the browser
/// made, if it lists any; the first such drill confirms a key that was registered by hand.
///
/// Ends with 0 if every key passed, 3 if some did, 6 if it was about a PIN, 5 if there is no key that the ledger knows.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright drill
  keywright drill ada@example.org --key 1-2.3
  keywright drill ada@example.org --number 2 --pin file:pin.txt --json")]
pub(crate) struct Drill {
    /// The login at the IdP [default: the people whose keys are plugged in]
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli::commands) account: Option<String>,
    /// Which of the person's keys it is, as its label says, or its own number (K-0042): one that no longer has its credential is then written down as failed
    #[arg(long, value_name = "NUMBER", requires = "account")]
    pub(in crate::cli::commands) number: Option<WhichKey>,
    #[command(flatten)]
    pub(in crate::cli::commands) which: OneKey,
    #[command(flatten)]
    pub(in crate::cli::commands) pin: PinArgument,
    #[command(flatten)]
    pub(in crate::cli::commands) idp: WhichIdp,
    /// Somebody has signed in with this key, at an IdP without an API [default: asks]
    #[arg(long)]
    pub(in crate::cli::commands) signed_in: bool,
    /// Ask ledger, IdP and key what can be asked without PIN and touch, and write nothing
    #[arg(long)]
    pub(in crate::cli::commands) dry_run: bool,
}

#[derive(Serialize)]
struct Drilled<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    ordinal: usize,
    port: &'a str,
    credential_id: &'a CredentialId,
    dry_run: bool,
    proved: bool,
    signature: bool,
    registered: Option<bool>,
    signed_in: Option<bool>,
    /// At an IdP without an API: who says that it signs in, and what the key shows of it.
    by_hand: Option<&'a SeenByHand>,
    /// Whether the key takes a new PIN and nothing else from now on.
    force_pin_change: bool,
    account_complete: bool,
    /// Whether the ledger has it.
    recorded: bool,
    /// RFC 3339; `null` where the profile asks for no drills.
    next_drill: Option<String>,
    failure: Option<Why>,
    /// What the ledger's end was signed as; `null` if nothing was written.
    checkpoint: Option<CheckpointLine>,
}

impl View for Drilled<'_> {
    const KIND: &'static str = "drill";
}

#[derive(Serialize)]
struct Why {
    message: String,
    hint: Cow<'static, str>,
}

/// A key that is plugged in, and the credential that it is to be tried for.
struct Candidate {
    device: Device,
    key: Authenticator,
    id: CredentialId,
    /// Typed already, by the person of a key that shows nothing without it.
    pin: Option<Pin>,
}

impl Drill {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let directory = match &self.account {
            Some(login) => {
                account::directory_of(login, &session.register_if_any()?.unwrap_or_default(), &self.idp, &settings)?
            }
            None => self.idp.open(&settings)?,
        };
        session.catch_interrupts(ENDING)?;
        // Opening for writing would make one.
        let store = session.ledger_for_reading()?;
        let store = if self.dry_run { store } else { session.ledger_for_writing()? };
        let (retry, cancel, operator) = (RetryPolicy::default(), &session.cancel, session.operator()?);
        let engine = Engine::open(&*directory, &*store, retry, cancel, &SystemEntropy, operator)?;
        let register = engine.book();
        let named = self.account.as_deref();
        let account = named.map(|login| account::known_at_idp(login, &*directory, &register)).transpose()?;
        let ordinal = match (&account, self.number) {
            (Some(account), Some(which)) => Some(which.of_account(account, &register)?),
            _ => None,
        };
        let idp = IdpIdentity { name: directory.name().to_owned(), instance: directory.instance()? };

        let keys = Keys::open(&self.which.source, session)?;
        let devices = match self.which.key.as_deref() {
            Some(named) => vec![keys.choose(Some(named), session)?],
            None => keys.bus().devices()?,
        };
        if devices.is_empty() {
            return Err(KeysError::None.into());
        }
        let alone = devices.len() == 1;
        let mut candidates = Vec::new();
        for device in devices {
            let mut key = open(keys.bus(), &device, session)?;
            let place = &device.port;
            let (id, pin) = match engine.whose(&device, &mut key, account.as_ref())? {
                Whose::Credential(id) => (Some(id), None),
                Whose::Probably(ids) if self.dry_run => {
                    let whose = probably(&ids, &register);
                    session.console.say(&format!("the key in {place} is probably {whose}; its PIN would tell"));
                    continue;
                }
                Whose::Probably(ids) => {
                    let whose = probably(&ids, &register);
                    session.console.say(&format!("the key in {place} is probably {whose}; its PIN tells"));
                    let pin = self.take_pin(&format!("PIN of the key in port {place}"), session)?;
                    (Some(engine.find(&mut key, &ids, &pin)?), Some(pin))
                }
                Whose::Hidden(_) if self.dry_run => {
                    session.console.say(&format!("the key in {place} shows nothing without its PIN"));
                    continue;
                }
                Whose::Hidden(_) if !alone => {
                    session.console.say(&format!(
                        "the key in {place} shows nothing without its PIN; try it by itself, with --key"
                    ));
                    continue;
                }
                Whose::Hidden(hidden) => {
                    let pin = self.take_pin(&format!("PIN of the key in port {place}"), session)?;
                    (Some(engine.find(&mut key, &hidden, &pin)?), Some(pin))
                }
                Whose::Nobody => (claimed(account.as_ref(), ordinal, &register).filter(|_| alone), None),
            };
            let Some(id) = id else {
                session.console.say(&format!("the key in {place} has no credential that the ledger knows"));
                continue;
            };
            let found = &register.credentials[&id];
            let meant = account.as_ref().is_none_or(|account| *account == found.account)
                && ordinal.is_none_or(|ordinal| ordinal == found.ordinal);
            if !meant || !idp.has(&found.account, &register.accounts[&found.account]) {
                session.console.say(&format!(
                    "the key in {place} is key {} of {}; it was left alone",
                    found.ordinal, found.account
                ));
                continue;
            }
            candidates.push(Candidate { device, key, id, pin });
        }
        if candidates.is_empty() {
            return Err(KeysError::NotInLedger.into());
        }
        if candidates.len() > 1 && !matches!(self.pin.pin, None | Some(SecretSource::Prompt)) {
            return Err(CliError::Usage(
                "several keys are to be tried, and --pin names the PIN of one; name the key with --key".into(),
            ));
        }
        if candidates.len() > 1 && self.signed_in {
            return Err(CliError::Usage(
                "several keys are to be tried, and --signed-in speaks for one; name the key with --key".into(),
            ));
        }
        let mut exits = Vec::new();
        for candidate in candidates {
            exits.push(self.one(candidate, &engine, session)?);
        }
        if !self.dry_run {
            self.show_outside(session)?;
        }
        Ok(Exit::of_several(&exits))
    }

    /// Has those outside see where the drill ended: once, however many keys were tried.
    fn show_outside(&self, session: &Session) -> Result<(), CliError> {
        let settings = session.settings()?.checkpoints;
        if !settings.has_outsiders() {
            return Ok(());
        }
        if let Some(signed) = session.checkpoint()? {
            session.tell_checkpoint(&session.seen_outside(signed)?);
        }
        Ok(())
    }

    fn take_pin(&self, what: &str, session: &Session) -> Result<Pin, CliError> {
        pin_entry::take(self.pin.pin.as_ref(), "--pin", what, session)
    }

    /// Whether somebody has signed in with the key. An IdP with an API is asked itself.
    fn is_signed_in(&self, engine: &Engine<'_>, whose: &str, session: &Session) -> Result<bool, CliError> {
        let Registration::ByHand(by_hand) = engine.registration() else { return Ok(true) };
        if self.signed_in {
            return Ok(true);
        }
        if !session.console.looks().asks {
            return Err(CliError::Usage(format!(
                "nobody here can ask {} whether {whose}, signs in; say so with --signed-in once somebody has",
                by_hand.sign_in_url
            )));
        }
        let question = format!("{whose}: has somebody signed in with it at {}?", by_hand.sign_in_url);
        match session.console.confirm(&question, false) {
            Err(CliError::NotConfirmed) if !session.cancel.is_cancelled() => Ok(false),
            Err(CliError::NotConfirmed) => Err(CliError::Stopped),
            said => said.map(|()| true),
        }
    }

    /// What the key shows, with PIN and touch.
    fn tried<T: FnMut(Keepalive)>(
        &self,
        key: &mut Authenticator,
        ready: &Ready,
        pin: &Pin,
        engine: &Engine<'_>,
        prompt: &mut dyn FnMut() -> T,
    ) -> Result<Observed, DrillError> {
        let observed = engine.prove(key, ready, pin, &mut prompt())?;
        let Registration::ByHand(by_hand) = engine.registration() else { return Ok(observed) };
        let seen = engine.confirm(key, ready, pin, by_hand, &claimed_name(), &mut prompt())?;
        Ok(Observed { by_hand: Some(seen), ..observed })
    }

    /// Tries one key, and says how it went.
    fn one(&self, candidate: Candidate, engine: &Engine<'_>, session: &Session) -> Result<Exit, CliError> {
        let Candidate { device, mut key, id, pin } = candidate;
        let key = &mut key;
        let register = engine.book();
        let credential = &register.credentials[&id];
        let account = &register.accounts[&credential.account];
        let person = account.person.display_name();
        let whose = format!("{person}, key {} of {}", credential.ordinal, credential.account);
        let ended = match engine.examine(key, &id) {
            Err(error) => Err(error),
            Ok(_) if self.dry_run => {
                let registered = (engine.registration() == Registration::Api).then_some(true);
                Ok(Observed { registered, ..Observed::default() })
            }
            Ok(_) if !self.is_signed_in(engine, &whose, session)? => Err(DrillError::NobodySignedIn),
            Ok(ready) => {
                let pin = match pin {
                    Some(pin) => pin,
                    None => self.take_pin(&format!("PIN of {whose}"), session)?,
                };
                let place = format!("{whose} (port {})", device.port);
                self.tried(key, &ready, &pin, engine, &mut || touch_prompt(&place, session))
            }
        };
        if ended.is_err() && session.cancel.is_cancelled() {
            return Err(CliError::Stopped);
        }
        // A ledger that cannot be written is worse than any key.
        let recorded = !self.dry_run && engine.conclude(&id, &ended)?;
        if let Err(DrillError::Ledger(error)) = ended {
            return Err(error.into());
        }
        let signed = if recorded { session.checkpoint()? } else { None };
        let register = engine.book();
        let observed = ended.as_ref().ok();
        let failure = ended.as_ref().err();
        let drilled = Drilled {
            account: &account.login,
            directory: &credential.account.directory,
            person,
            ordinal: credential.ordinal,
            port: &device.port,
            credential_id: &id,
            dry_run: self.dry_run,
            proved: !self.dry_run && failure.is_none(),
            signature: observed.is_some_and(|observed| observed.signature.is_some()),
            registered: match failure {
                Some(DrillError::NotRegistered { .. }) => Some(false),
                _ => observed.and_then(|observed| observed.registered),
            },
            signed_in: match failure {
                Some(DrillError::NotLetIn { .. }) => Some(false),
                _ => observed.and_then(|observed| observed.signed_in),
            },
            by_hand: observed.and_then(|observed| observed.by_hand.as_ref()),
            force_pin_change: key.info().force_pin_change,
            account_complete: register
                .standing(&credential.account, Session::now())
                .is_some_and(|standing| standing.is_complete()),
            recorded,
            next_drill: register.next_drill(&register.credentials[&id]).and_then(|next| next.format(&Rfc3339).ok()),
            checkpoint: signed.as_ref().map(CheckpointLine::new),
            failure: failure.map(|error| Why { message: error.to_string(), hint: table::drill(error).next }),
        };
        session.output.result(&drilled, || drilled.drill_text(&whose))?;
        if let Some(signed) = &signed {
            session.tell_checkpoint(signed);
        }
        if let Some(error) = failure {
            session.console.hint(&table::drill(error).next);
        }
        Ok(failure.map_or(Exit::Done, |error| table::drill(error).exit))
    }
}

/// Whose keys these are, in words.
fn probably(ids: &[CredentialId], register: &Register) -> String {
    let known = ids.iter().filter_map(|id| register.credentials.get(id));
    known.map(|one| format!("key {} of {}", one.ordinal, one.account)).collect::<Vec<_>>().join(" or ")
}

/// Tells that the key waits for a touch, whenever it begins to.
fn touch_prompt<'a>(place: &'a str, session: &'a Session) -> impl FnMut(Keepalive) + use<'a> {
    let mut asked = false;
    move |keepalive| {
        let needed = keepalive == Keepalive::UpNeeded;
        if needed && !asked {
            session.console.mark(Style::Now, "touch now:", place);
        }
        asked = needed;
    }
}

impl Drilled<'_> {
    fn drill_text(&self, whose: &str) -> String {
        let next = self.next_drill.as_ref().map(|next| format!("; next drill by {}", next.get(..10).unwrap_or(next)));
        match &self.failure {
            Some(why) => {
                let kept = if self.recorded { " (the ledger has it)" } else { "" };
                format!("{whose}: FAILED: {}{kept}", why.message)
            }
            None if self.dry_run && self.registered == Some(true) => {
                format!("{whose}: registered; its PIN and a touch would prove it")
            }
            None if self.dry_run => format!("{whose}: its PIN, a touch and somebody's word would prove it"),
            None => {
                let how = match (self.by_hand, self.signed_in) {
                    (Some(SeenByHand { said_by, found: Some(found) }), _) => {
                        format!("signed, also for {}; signs in there as {said_by} says", found.rp_id)
                    }
                    (Some(SeenByHand { said_by, found: None }), _) => {
                        format!("signed; signs in as {said_by} says, and the key shows nothing of it")
                    }
                    (None, Some(true)) => "signed, registered, signed in".to_owned(),
                    (None, _) => "signed, registered".to_owned(),
                };
                let pin = if self.force_pin_change { "; its person has to choose a new PIN now" } else { "" };
                format!("{whose}: works: {how}{}{pin}", next.unwrap_or_default())
            }
        }
    }
}

/// The credential that a key should have which shows none: if the person says which key it is, or there is only one.
fn claimed(account: Option<&AccountId>, ordinal: Option<usize>, register: &Register) -> Option<CredentialId> {
    let mut in_service = register
        .credentials_of(account?)
        // An erased one is still a key of the account, and must not be taken for its other key.
        .filter(|(_, one)| one.state.is_in_use() || one.state == CredentialState::Erased)
        .filter(|(_, one)| ordinal.is_none_or(|ordinal| ordinal == one.ordinal));
    match (in_service.next(), in_service.next()) {
        (Some((id, _)), None) => Some(id.clone()),
        _ => None,
    }
}
