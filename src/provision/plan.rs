//! Who gets what, and why: the people who were asked for, held against the register and the IdP.
//!
//! A plan is data. A dry run prints it, and a run carries it out, so that the two cannot differ. To draw one changes nothing,
//! at the IdP or anywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use time::OffsetDateTime;

use super::preflight;
use super::resolve_account::{UserLookup, account_of, failure_of};
use super::run_error::RunError;
use super::same_person;
use super::station::Station;
use crate::idp::User;
use crate::ledger::{AccountId, Failure, FailureCode, Head, JobId, Step};
use crate::profile::{Person, Profile, ProfileName, Profiles, Roster};
use crate::register::{Account, AccountState, IdpIdentity, KeyStanding, Register, Replacement};
use keywright_fido::webauthn::{CredentialId, RpId};

/// What is to be done about one account.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The account.
    pub account: AccountId,
    /// Its login as the IdP has it; as it was asked for, if the IdP does not know it.
    pub login: String,
    /// The roster's row, with what an older one said and this one leaves out.
    pub person: Person,
    /// The profile.
    pub profile: Profile,
    /// The user at the IdP, where there is something to do for it.
    pub user: Option<User>,
    /// Weaker ways to sign in that the account has; empty where nobody had to ask.
    pub other_methods: Vec<String>,
    /// What is not as the register has it.
    pub changes: Vec<Change>,
    /// Keys of earlier runs that are not done.
    pub unfinished: Vec<Unfinished>,
    /// Keys still to be made, by ordinal; empty if the account has enough.
    pub ordinals: Vec<usize>,
    /// Why nothing is done for it.
    pub refused: Option<Failure>,
}

/// A key that an earlier run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The job.
    pub job: JobId,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The step that is next.
    pub step: Step,
}

/// What is not as the register has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The register did not have the account.
    New,
    /// It was said to have left, or to be a mistake.
    Back,
    /// The IdP calls it otherwise now.
    Login {
        /// What it was.
        from: String,
    },
    /// The person's name.
    Name {
        /// What it was.
        from: Option<String>,
    },
    /// The part of the roll-out.
    Wave {
        /// What it was.
        from: Option<String>,
    },
    /// The class of accounts.
    Profile {
        /// What it was.
        from: ProfileName,
        /// Keys that do not meet the new one.
        unmet: Vec<Unmet>,
    },
    /// A key of it is reset and registered again. Until it is, the others alone sign in.
    SameKey {
        /// Which of the account's keys.
        ordinal: usize,
        /// Its other keys in service.
        others: usize,
    },
    /// The profile demands other things than when the account was planned last.
    Rules {
        /// Keys that do not meet them.
        unmet: Vec<Unmet>,
    },
}

/// A key that does not meet its account's new profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Which of the account's keys.
    pub ordinal: usize,
    /// What it lacks, a sentence each.
    pub why: Vec<String>,
}

impl Change {
    /// Whether somebody has to agree before anything is done: the account becomes another thing than it was.
    pub fn needs_consent(&self) -> bool {
        matches!(self, Self::Back | Self::Profile { .. } | Self::SameKey { .. })
    }
}

/// What was, for the line of the person who it is about.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, unmet) = match self {
            Self::New => return f.write_str("new account"),
            Self::Back => return f.write_str("comes back; it was written down as left or as a mistake"),
            Self::Login { from } => return write!(f, "its login was {from}"),
            Self::SameKey { ordinal, others: 0 } => {
                return write!(
                    f,
                    "key {ordinal} is reset and registered again; it has no other key in service, so that until then none signs in"
                );
            }
            Self::SameKey { ordinal, others } => {
                return write!(
                    f,
                    "key {ordinal} is reset and registered again; until then only its other keys in service sign in: {others}"
                );
            }
            Self::Name { from: Some(from) } => return write!(f, "its name was {from}"),
            Self::Name { from: None } => return f.write_str("its name is new"),
            Self::Wave { from: Some(from) } => return write!(f, "its wave was {from}"),
            Self::Wave { from: None } => return f.write_str("its wave is new"),
            Self::Profile { from, unmet } => (format!("its profile was {from}"), unmet),
            Self::Rules { unmet } => ("its profile has other rules now".to_owned(), unmet),
        };
        f.write_str(&what)?;
        let mut keys = unmet.iter();
        keys.try_for_each(|key| write!(f, "; key {} does not meet it: {}", key.ordinal, key.why.join(" ")))
    }
}

/// A key that was revoked, and that the IdP still has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRevocation {
    /// The account.
    pub account: AccountId,
    /// Its login.
    pub login: String,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// Why, in the words of whoever revoked it.
    pub reason: String,
}

/// A key that is to have another label at the IdP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLabel {
    /// The account.
    pub account: AccountId,
    /// Its login.
    pub login: String,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The credential.
    pub credential_id: CredentialId,
    /// The label.
    pub label: String,
}

/// A credential whose key was about to be erased, and of which nobody knows whether it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenErasure {
    /// The account.
    pub account: AccountId,
    /// Its login.
    pub login: String,
    /// Which of the account's keys.
    pub ordinal: usize,
    /// The credential.
    pub credential_id: CredentialId,
    /// Its RP ID.
    pub rp_id: RpId,
}

/// People in the order of the roster.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The people.
    pub people: Vec<Planned>,
    /// The IdP.
    pub idp: IdpIdentity,
    /// SHA-256 of the roster, if there is one.
    pub roster_sha256: Option<[u8; 32]>,
    /// The key that the new one takes the place of, and why.
    pub replaces: Option<Replacement>,
    /// Keys that were revoked while the IdP was away, or that another one has taken the place of.
    pub revocations: Vec<PendingRevocation>,
    /// Labels that the IdP has not got yet.
    pub labels: Vec<PendingLabel>,
    /// Credentials that the keys which are plugged in are asked for, because their erasure did not come to an end.
    pub erasures: Vec<OpenErasure>,
    /// Whether a key that never came leaves nothing planned: nobody has to come back to it, as to a roster.
    pub(super) withdrawn_without_key: bool,
    /// The end of the log that it rests on.
    pub head: Head,
}

/// Who was asked for.
struct Wanted {
    person: Person,
    profile: Profile,
    /// The account, where it is known already.
    account: Option<AccountId>,
}

/// What earlier runs left, at any IdP.
struct LeftToDo {
    unfinished: Vec<AccountId>,
    revocations: Vec<PendingRevocation>,
    labels: Vec<PendingLabel>,
    erasures: Vec<OpenErasure>,
}

impl LeftToDo {
    fn find(register: &Register, now: OffsetDateTime) -> Self {
        let accounts = register.accounts.iter();
        let unfinished = accounts.filter(|(id, account)| is_unfinished(register, id, account, now));
        Self {
            unfinished: unfinished.map(|(id, _)| id.clone()).collect(),
            revocations: pending_revocations(register, now),
            labels: pending_labels(register),
            erasures: open_erasures(register),
        }
    }

    fn retain(&mut self, wanted: impl Fn(&AccountId) -> bool) {
        self.unfinished.retain(&wanted);
        self.revocations.retain(|one| wanted(&one.account));
        self.labels.retain(|one| wanted(&one.account));
        self.erasures.retain(|one| wanted(&one.account));
    }

    /// Whom it is about.
    fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        let revocations = self.revocations.iter().map(|one| &one.account);
        let labels = self.labels.iter().map(|one| &one.account);
        let erasures = self.erasures.iter().map(|one| &one.account);
        self.unfinished.iter().chain(revocations).chain(labels).chain(erasures)
    }
}

/// The IdPs at which earlier runs left something, as the settings called them then.
pub fn idps_to_resume_at(register: &Register, now: OffsetDateTime) -> BTreeSet<String> {
    LeftToDo::find(register, now).accounts().map(|id| id.directory.clone()).collect()
}

/// How many keys somebody gets.
#[derive(Clone, Copy)]
enum Need {
    /// As many as the profile demands.
    Required,
    /// One more than there are, unless one is under way.
    OneMore,
    /// None: what was begun is finished.
    Unfinished,
}

impl Plan {
    /// The keys that the people of a roster still need, and those that earlier runs left open for them.
    ///
    /// Fails if the IdP cannot be reached or would refuse every registration; what it says of single people is in the plan.
    pub fn for_roster(station: &Station<'_>, roster: &Roster, profiles: &Profiles) -> Result<Self, RunError> {
        let wanted = roster.people.iter().map(|person| Wanted {
            // A roster is only read with the profiles that it is checked against.
            profile: profiles[&person.profile].clone(),
            person: person.clone(),
            account: None,
        });
        let plan = Self::draw(station, &Register::of(station.store)?, wanted.collect(), Need::Required)?;
        Ok(Self { roster_sha256: Some(roster.sha256), ..plan })
    }

    /// One more key for one person, whatever the account has; but first the one that is under way.
    pub fn one_more(station: &Station<'_>, person: &Person, profile: &Profile) -> Result<Self, RunError> {
        let wanted = Wanted { person: person.clone(), profile: profile.clone(), account: None };
        Self::draw(station, &Register::of(station.store)?, vec![wanted], Need::OneMore)
    }

    /// The keys that one person of the register still needs, and those that earlier runs left open for them.
    pub fn for_account(station: &Station<'_>, account: &AccountId) -> Result<Self, RunError> {
        let register = Register::of(station.store)?;
        let wanted = register.accounts.get(account).map(|known| {
            let (person, profile) =
                (Person { account: known.login.clone(), ..known.person.clone() }, (*known.profile).clone());
            Wanted { person, profile, account: None }
        });
        Self::draw(station, &register, wanted.into_iter().collect(), Need::Required)
    }

    /// One more key for one person, which takes the place of the one with this number: that one is revoked once the new one counts.
    /// A key that is under way is finished first, and then nothing is replaced.
    pub fn replacing(
        station: &Station<'_>,
        person: &Person,
        profile: &Profile,
        replacement: Replacement,
    ) -> Result<Self, RunError> {
        let mut plan = Self::one_more(station, person, profile)?;
        for planned in plan.people.iter_mut().filter(|planned| !planned.unfinished.is_empty()) {
            let message = "another key of the account is under way; end it with 'keywright resume' first".to_owned();
            planned.refuse(Failure { code: FailureCode::AccountRefused, message, ctap_status: None });
        }
        if replacement.same_key {
            let register = Register::read(&station.store.entries(0)?)?;
            for planned in plan.people.iter_mut().filter(|planned| planned.refused.is_none()) {
                let standing = register.standing(&planned.account, (station.now)());
                let keys = standing.iter().flat_map(|standing| &standing.keys);
                let others = keys.filter(|key| key.ordinal != replacement.ordinal && key.standing.counts()).count();
                planned.changes.push(Change::SameKey { ordinal: replacement.ordinal, others });
            }
        }
        plan.replaces = Some(replacement);
        Ok(plan)
    }

    /// Everyone at this IdP who is not done, and what is still to be removed or changed there; `None` if nothing is left to do. Plans
    /// nothing new: a plan is in the log whole, or not at all.
    pub fn for_resuming(station: &Station<'_>) -> Result<Option<Self>, RunError> {
        let register = Register::of(station.store)?;
        let mut left = LeftToDo::find(&register, (station.now)());
        if left.accounts().next().is_none() {
            return Ok(None);
        }
        let idp = ask_which(station)?;
        left.retain(|id| register.accounts.get(id).is_some_and(|account| idp.has(id, account)));
        if left.accounts().next().is_none() {
            return Ok(None);
        }
        let LeftToDo { unfinished, revocations, labels, erasures } = left;
        let wanted = unfinished.into_iter().filter_map(|id| {
            let account = register.accounts.get(&id)?;
            let (person, profile) = (account.person.clone(), (*account.profile).clone());
            Some(Wanted { person, profile, account: Some(id) })
        });
        let plan = Self::draw(station, &register, wanted.collect(), Need::Unfinished)?;
        Ok(Some(Self { revocations, labels, erasures, ..plan }))
    }

    fn draw(station: &Station<'_>, register: &Register, wanted: Vec<Wanted>, need: Need) -> Result<Self, RunError> {
        preflight::ask_idp(station)?;
        let idp = ask_which(station)?;
        preflight::hold_models_against(station, register, &idp)?;
        let mut lookup = UserLookup::new(station);
        let mut people: Vec<Planned> = Vec::new();
        let mut rows: BTreeMap<AccountId, String> = BTreeMap::new();
        for one in wanted {
            let mut planned = plan_one(station, register, &idp, &mut lookup, one, need)?;
            if let Some(other) = rows.get(&planned.account).filter(|_| planned.refused.is_none()) {
                let message = format!("is the same person as {other}, who is in this roster already");
                planned.refuse(Failure { code: FailureCode::AccountRefused, message, ctap_status: None });
            }
            rows.entry(planned.account.clone()).or_insert_with(|| planned.person.account.clone());
            people.push(planned);
        }
        // What was put off for these people is done first: a key that is lost still signs in.
        let mut revocations = pending_revocations(register, (station.now)());
        revocations.retain(|pending| people.iter().any(|planned| planned.account == pending.account));
        let withdrawn_without_key = matches!(need, Need::OneMore);
        Ok(Self {
            people,
            idp,
            roster_sha256: None,
            replaces: None,
            revocations,
            labels: Vec::new(),
            erasures: Vec::new(),
            withdrawn_without_key,
            head: register.head.clone(),
        })
    }

    /// Keys to be made, and to be finished.
    pub fn keys(&self) -> usize {
        self.people.iter().map(|planned| planned.ordinals.len() + planned.unfinished.len()).sum()
    }

    /// Changes that somebody has to agree to, with whose they are.
    pub fn to_be_agreed(&self) -> impl Iterator<Item = (&Planned, &Change)> {
        let changes =
            self.people.iter().flat_map(|planned| planned.changes.iter().map(move |change| (planned, change)));
        changes.filter(|(_, change)| change.needs_consent())
    }
}

impl Planned {
    /// Whether there is something to do about keys.
    pub fn has_keys_to_come(&self) -> bool {
        !self.ordinals.is_empty() || !self.unfinished.is_empty()
    }

    fn refuse(&mut self, why: Failure) {
        (self.user, self.refused) = (None, Some(why));
        (self.changes, self.unfinished, self.ordinals) = (Vec::new(), Vec::new(), Vec::new());
    }
}

/// Which IdP it is that the station works with.
fn ask_which(station: &Station<'_>) -> Result<IdpIdentity, RunError> {
    let instance = station.retry_policy.ask(&station.cancel, || station.directory.instance())?;
    Ok(IdpIdentity { name: station.directory.name().to_owned(), instance })
}

/// Whether something is left to do about an account.
fn is_unfinished(register: &Register, id: &AccountId, account: &Account, now: OffsetDateTime) -> bool {
    let open = account.jobs.iter().any(|job| register.jobs[job].state.step().is_some());
    let complete = register.standing(id, now).is_some_and(|standing| standing.is_complete());
    let is_over = account.state != AccountState::Active || account.same_as.is_some() && !open;
    !is_over && (open || !complete || !account.completed)
}

fn plan_one(
    station: &Station<'_>,
    register: &Register,
    idp: &IdpIdentity,
    lookup: &mut UserLookup<'_, '_>,
    wanted: Wanted,
    need: Need,
) -> Result<Planned, RunError> {
    let Wanted { person, profile, account } = wanted;
    let login = account.as_ref().map_or(person.account.as_str(), |id| register.login(id)).to_owned();
    let known = account.as_ref().or_else(|| register.holder_of_login(idp, &login)).map(|id| register.person(id));
    let open = account.as_ref().map(|id| unfinished(register, id));
    let mut planned = Planned {
        account: account.unwrap_or_else(|| AccountId::new(&idp.name, &login)),
        login: login.clone(),
        person,
        profile,
        user: None,
        other_methods: Vec::new(),
        changes: Vec::new(),
        unfinished: Vec::new(),
        ordinals: Vec::new(),
        refused: None,
    };
    if open.is_some_and(|open| open.is_empty()) {
        // Nothing was begun for somebody who is not done: keys are missing, and the IdP need not be asked about that.
        return Ok(planned);
    }
    let user = match lookup.find(&login, known.as_ref())? {
        Ok(user) => user,
        Err(failure) => {
            if let Some(known) = known {
                planned.account = known.account;
            }
            planned.refuse(failure);
            return Ok(planned);
        }
    };
    match account_of(register, idp, &login, &user) {
        Ok(account) => planned.account = account,
        Err(holder) => {
            planned.refuse(failure_of(same_person::changed(&register.person(&holder), &user))?);
            planned.account = holder;
            return Ok(planned);
        }
    }
    planned.login.clone_from(&user.login);
    hold_against(station, register, &mut planned, need);
    let known = register.accounts.get(&planned.account);
    let is_as_known = known.is_some_and(|known| known.idp.as_ref() == Some(&idp.instance));
    if planned.has_keys_to_come() || !planned.changes.is_empty() || !is_as_known {
        match lookup.ask(&login, || station.directory.other_methods(&user))? {
            Ok(methods) => planned.other_methods = methods,
            Err(failure) => {
                planned.refuse(failure);
                return Ok(planned);
            }
        }
    }
    planned.user = Some(user);
    Ok(planned)
}

/// What the register has of the account decides what changes and what is still to be made.
fn hold_against(station: &Station<'_>, register: &Register, planned: &mut Planned, need: Need) {
    let id = planned.account.clone();
    planned.unfinished = unfinished(register, &id);
    let now = (station.now)();
    if let Some(known) = register.accounts.get(&id) {
        let over = |new: &mut Option<String>, old: &Option<String>| *new = new.take().or_else(|| old.clone());
        over(&mut planned.person.name, &known.person.name);
        over(&mut planned.person.ticket, &known.person.ticket);
        over(&mut planned.person.reason, &known.person.reason);
        over(&mut planned.person.storage, &known.person.storage);
        over(&mut planned.person.wave, &known.person.wave);
        let unmet = || unmet(register, &id, &planned.profile, now);
        if known.state != AccountState::Active {
            planned.changes.push(Change::Back);
        }
        if known.login != planned.login {
            planned.changes.push(Change::Login { from: known.login.clone() });
        }
        if known.person.name != planned.person.name {
            planned.changes.push(Change::Name { from: known.person.name.clone() });
        }
        if known.person.wave != planned.person.wave {
            planned.changes.push(Change::Wave { from: known.person.wave.clone() });
        }
        if known.profile.name != planned.profile.name {
            planned.changes.push(Change::Profile { from: known.profile.name.clone(), unmet: unmet() });
        } else if *known.profile != planned.profile {
            planned.changes.push(Change::Rules { unmet: unmet() });
        }
    } else {
        planned.changes.push(Change::New);
    }
    let standing = register.standing_with(&id, &planned.profile, now);
    let last = register.last_ordinal(&id);
    let missing = match need {
        Need::Required => {
            let required = planned.profile.keys.required;
            required.saturating_sub(standing.map_or(0, |standing| standing.had_or_to_come()))
        }
        Need::OneMore => usize::from(planned.unfinished.is_empty()),
        Need::Unfinished => 0,
    };
    planned.ordinals = (last + 1..=last + missing).collect();
}

/// What is still to be removed at IdPs: keys that were revoked while one was away, and keys that another took the place of.
pub(super) fn pending_revocations(register: &Register, now: OffsetDateTime) -> Vec<PendingRevocation> {
    let revocation = |account: &AccountId, ordinal, reason: &str| PendingRevocation {
        account: account.clone(),
        login: register.login(account).to_owned(),
        ordinal,
        reason: reason.to_owned(),
    };
    let outstanding = register.outstanding_credentials().map(|(_, one)| one);
    let put_off = outstanding.filter(|one| one.state.may_be_registered()).filter_map(|one| {
        let reason = one.to_be_revoked.as_ref()?;
        Some(revocation(&one.account, one.ordinal, reason))
    });
    let replaced = register.replaced_keys(now).into_iter();
    put_off.chain(replaced.map(|(account, ordinal, reason)| revocation(account, ordinal, reason))).collect()
}

/// Labels that were corrected, and that the IdP has not got yet.
fn pending_labels(register: &Register) -> Vec<PendingLabel> {
    let pending = register.outstanding_credentials().filter_map(|(id, one)| {
        let (account, login) = (one.account.clone(), register.login(&one.account).to_owned());
        let (ordinal, credential_id, label) = (one.ordinal, id.clone(), one.relabel.clone()?);
        Some(PendingLabel { account, login, ordinal, credential_id, label })
    });
    pending.collect()
}

/// Erasures that were begun and did not end, of credentials that could still sign in.
fn open_erasures(register: &Register) -> Vec<OpenErasure> {
    let open = register.outstanding_credentials().filter(|(_, one)| one.erasing.is_some() && one.state.lives());
    let open = open.map(|(id, one)| OpenErasure {
        account: one.account.clone(),
        login: register.login(&one.account).to_owned(),
        ordinal: one.ordinal,
        credential_id: id.clone(),
        rp_id: one.rp_id.clone(),
    });
    open.collect()
}

fn unfinished(register: &Register, id: &AccountId) -> Vec<Unfinished> {
    let jobs = register.accounts.get(id).map(|account| account.jobs.as_slice()).unwrap_or_default();
    let open = jobs.iter().filter_map(|id| {
        let job = &register.jobs[id];
        Some(Unfinished { job: *id, ordinal: job.ordinal, step: job.state.step()? })
    });
    open.collect()
}

/// Keys in service that do not meet a profile.
fn unmet(register: &Register, id: &AccountId, profile: &Profile, now: OffsetDateTime) -> Vec<Unmet> {
    let keys = register.standing_with(id, profile, now).map(|standing| standing.keys).unwrap_or_default();
    let unmet = keys.into_iter().filter_map(|key| match key.standing {
        KeyStanding::ProfileNotMet { why } => Some(Unmet { ordinal: key.ordinal, why }),
        _ => None,
    });
    unmet.collect()
}
