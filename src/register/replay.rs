//! Reads events into the register, and writes to log and register at once.
//!
//! It refuses an event that contradicts those before it: an unknown job, a step out of turn, an account called complete with
//! too few proved keys. What was done to a key or at an IdP is never refused for being odd.

use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::{
    Account, AccountState, Bought, Credential, CredentialState, Erasing, Hardened, Job, JobState, Kept, Key, Outcomes,
    Register, Replacement,
};
use crate::ledger::personal::Token;
use crate::ledger::{
    AccountId, Entry, Erasure, Event, FailureCode, JobId, KeyIdentity, KeyState, LedgerError, Outcome, Record, Step,
    Store, each_event,
};
use keywright_attest::Verdict;
use keywright_fido::webauthn::CredentialId;

impl Register {
    /// Reads a whole log that a store gave, and so has checked. [`LedgerError::Broken`] at what does not fit.
    pub fn read(entries: &[Entry]) -> Result<Self, LedgerError> {
        let mut book = Self::default();
        for entry in entries {
            book.apply(entry, &entry.event()?)?;
        }
        Ok(book)
    }

    /// Reads what the store has after the newest entry that was read; nothing is kept but the register. Fails with
    /// [`LedgerError::Broken`] where the chain does not go on from there.
    pub fn catch_up(&mut self, store: &dyn Store) -> Result<(), LedgerError> {
        each_event(store, &self.head.clone(), &mut |entry, event| self.apply(&entry, &event))
    }

    /// Reads one more event: `event` is what `entry` holds. Fails with [`LedgerError::Broken`], and then nothing has changed.
    pub fn apply(&mut self, entry: &Entry, event: &Event) -> Result<(), LedgerError> {
        self.head.expect_next(entry.seq)?;
        let credential = self.check(event).map_err(|why| LedgerError::broken(entry.seq, why))?;
        self.note(entry.seq, &entry.time, event, credential);
        if entry.seq == 1 {
            self.id = HEXLOWER.encode(&entry.hash);
        }
        self.head = entry.head();
        self.tree.push(&entry.hash);
        Ok(())
    }

    /// Appends an event to the store and reads it. Where another station wrote meanwhile, that is read first, and the event goes after
    /// it if it still fits. Fails with [`LedgerError::Rejected`] before anything is written if it does not.
    pub fn record(&mut self, store: &dyn Store, event: &Event) -> Result<(), LedgerError> {
        loop {
            self.validate(event)?;
            match self.take(store, &[self.record_of(event)]) {
                Err(LedgerError::Conflict { .. }) => self.catch_up(store)?,
                taken => return taken,
            }
        }
    }

    /// Several events at once: the log gets all of them or none. Fails with [`LedgerError::Conflict`] if the store has events that
    /// were not read: what was decided together rests on them.
    pub fn record_all(&mut self, store: &dyn Store, events: &[Event]) -> Result<(), LedgerError> {
        // Each has to fit after those before it, so they are tried on a copy first. What the snapshot has is not copied.
        let (mut trial, mut records) = (self.clone(), Vec::with_capacity(events.len()));
        for (seq, event) in (self.head.seq + 1..).zip(events) {
            trial.suppose(seq, event)?;
            records.push(trial.record_of(event));
        }
        self.take(store, &records)
    }

    /// What the register would be after these events, for a dry run: nothing is written. Fails as [`Self::record_all`] would.
    pub fn supposing(&self, events: &[Event]) -> Result<Self, LedgerError> {
        let mut trial = self.clone();
        (self.head.seq + 1..).zip(events).try_for_each(|(seq, event)| trial.suppose(seq, event))?;
        Ok(trial)
    }

    fn suppose(&mut self, seq: u64, event: &Event) -> Result<(), LedgerError> {
        let made = self.check(event).map_err(|why| LedgerError::Rejected { why })?;
        self.note(seq, "", event, made);
        Ok(())
    }

    fn take(&mut self, store: &dyn Store, records: &[Record<'_>]) -> Result<(), LedgerError> {
        let entries = store.append(&self.head, records)?;
        entries.iter().zip(records).try_for_each(|(entry, record)| self.apply(entry, record.event))
    }

    /// The event, and the account that its texts are about: the one that it names, else that of its job or its key.
    pub fn record_of<'a>(&self, event: &'a Event) -> Record<'a> {
        let of_job = || Some(&self.jobs.get(&event.job()?)?.account);
        let of_key = || match event {
            Event::KeyEdited { credential_id, .. } => Some(&self.credentials.get(credential_id)?.account),
            // Whoever had it last; nobody, while it is in stock for the first time.
            Event::KeyChanged { key, .. } => {
                let newest = self.keys.get(*key)?.credentials.last()?;
                Some(&self.credentials.get(newest)?.account)
            }
            _ => None,
        };
        Record { event, about: event.account().or_else(of_job).or_else(of_key).cloned() }
    }

    /// Whether the event can follow what is here; [`LedgerError::Rejected`] if not.
    pub fn validate(&self, event: &Event) -> Result<(), LedgerError> {
        self.check(event).map(|_| ()).map_err(|why| LedgerError::Rejected { why })
    }

    /// Whether the event can follow what is here. Of a Make outcome, gives the credential that comes of it.
    fn check(&self, event: &Event) -> Result<Option<Credential>, String> {
        match event {
            Event::BatchStarted { batch, .. } => {
                ensure(*batch > self.batch, || format!("batch {batch} begins after batch {}", self.batch))?;
            }
            Event::AccountPlanned { .. } | Event::LedgerAccepted { .. } | Event::AuditSampled(_) => {}
            Event::UserFound { account, .. } => {
                self.account(account)?;
            }
            Event::JobPlanned { job, account, .. } => {
                self.account(account)?;
                ensure(*job == self.next_job(), || format!("{job} is planned, but {} is the next", self.next_job()))?;
            }
            Event::ReplacementPlanned { job, ordinal, .. } => {
                let account = &self.job(*job)?.account;
                let known = self.job_of_key(account, *ordinal).is_some_and(|other| other != *job);
                ensure(known, || format!("{account} has no key {ordinal} to be replaced"))?;
            }
            Event::StepStarted { job, step } | Event::StepFailed { job, step, .. } => {
                let state = &self.job(*job)?.state;
                ensure(state.step() == Some(*step), || format!("{job} is at {}, not at {step}", place(state)))?;
            }
            Event::StepDone { job: id, outcome } => {
                let job = self.job(*id)?;
                let step = outcome.step();
                ensure(job.state == JobState::Open(step), || {
                    format!("{step} of {id} ended, but the job is at {}", place(&job.state))
                })?;
                match outcome {
                    Outcome::Make { .. } => return self.made(*id, job, outcome).map(Some),
                    Outcome::Verify { .. }
                    | Outcome::Prove { .. }
                    | Outcome::Complete { .. }
                    | Outcome::CompleteByHand { .. }
                    | Outcome::SignIn { .. } => {
                        ensure(self.credential_of(job).is_some(), || format!("{id} has made no credential"))?;
                    }
                    _ => {}
                }
            }
            Event::PinDelivered { job, .. } => {
                let state = &self.job(*job)?.state;
                ensure(*state == JobState::Open(Step::HandOver), || {
                    format!("the PIN of {job} was delivered, but the job is at {}", place(state))
                })?;
            }
            Event::SteppedBack { job, to, .. } => {
                let state = &self.job(*job)?.state;
                ensure(state.step().is_some_and(|step| *to <= step), || {
                    format!("{job} goes back to {to} from {}", place(state))
                })?;
            }
            Event::CredentialDeleted { job, credential_id, .. } => {
                self.job(*job)?;
                if let Some(credential) = self.credentials.get(credential_id) {
                    ensure(credential.job == *job, || {
                        format!("credential {credential_id} belongs to {}", credential.job)
                    })?;
                }
            }
            Event::CeremonyAbandoned { job, .. } => {
                self.job(*job)?;
            }
            Event::AccountCompleted { account } => {
                let (proved, required) = (self.proved_keys(account), self.account(account)?.profile.keys.required);
                ensure(proved >= required, || format!("{account} has {proved} of {required} proved keys"))?;
            }
            // A credential that somebody else registered may be removed too.
            Event::CredentialRevoked { account, credential_id, .. } => {
                if self.credentials.contains_key(credential_id) {
                    self.credential(account, credential_id)?;
                }
            }
            Event::KeyDrilled { account, credential_id, .. } => {
                self.credential(account, credential_id)?;
            }
            Event::RevocationRequested { account, credential_id, .. }
            | Event::RelabelRequested { account, credential_id, .. }
            | Event::RelabelEnded { account, credential_id, .. } => {
                self.credential(account, credential_id)?;
            }
            Event::KeyErasureStarted { credential_ids, .. }
            | Event::KeyErased { credential_ids, .. }
            | Event::KeyNotErased { credential_ids, .. } => {
                ensure(!credential_ids.is_empty(), || "no credential was erased".to_owned())?;
                credential_ids.iter().try_for_each(|id| self.known(id).map(|_| ()))?;
            }
            Event::KeyEdited { credential_id, .. } | Event::KeyReturned { credential_id, .. } => {
                self.known(credential_id)?;
            }
            Event::KeyAdded { key, .. } => {
                ensure(self.keys.get(*key).is_none(), || format!("{key} is another key already"))?;
            }
            Event::KeyMarked { key, .. } | Event::KeyChanged { key, .. } => {
                ensure(self.keys.get(*key).is_some(), || format!("there is no key {key}"))?;
            }
            Event::AccountLeft { account, .. } | Event::AccountEdited { account, .. } => {
                self.account(account)?;
            }
            Event::AccountErased { account, .. } => {
                let active = self.account(account)?.state == AccountState::Active;
                ensure(!active, || format!("{account} is erased, but it has not left"))?;
            }
            Event::AccountForgotten { account, .. } => {
                self.account(account)?;
                let made = self.credentials_of(account).count();
                ensure(made == 0, || format!("{account} is forgotten, but {made} credentials were made for it"))?;
            }
            Event::JobGivenUp { job, .. } => {
                let state = &self.job(*job)?.state;
                ensure(state.step().is_some(), || format!("{job} is given up at {}", place(state)))?;
            }
            Event::AttentionNeeded { job, .. } => {
                job.map_or(Ok(()), |job| self.job(job).map(|_| ()))?;
            }
            Event::BreakGlassAdded(_)
            | Event::BreakGlassRemoved(_)
            | Event::BreakGlassDrilled(_)
            | Event::UnknownKeyRemovalBegun(_)
            | Event::UnknownKeyRemoved(_)
            | Event::RecoveryBegun(_)
            | Event::RecoveryStepStarted(_)
            | Event::RecoveryStepDone(_)
            | Event::RecoveryEnded(_)
            | Event::EnforcementBegun(_)
            | Event::EnforcementStepStarted(_)
            | Event::EnforcementStepDone(_)
            | Event::EnforcementEnded(_)
            | Event::EstateRead(_) => self.check_rollout(event)?,
        }
        Ok(None)
    }

    pub(super) fn account(&self, account: &AccountId) -> Result<&Account, String> {
        self.accounts.get(account).ok_or_else(|| format!("{account} was never planned"))
    }

    fn job(&self, job: JobId) -> Result<&Job, String> {
        self.jobs.get(&job).ok_or_else(|| format!("{job} was never planned"))
    }

    fn credential(&self, account: &AccountId, id: &CredentialId) -> Result<&Credential, String> {
        self.credentials
            .get(id)
            .filter(|credential| credential.account == *account)
            .ok_or_else(|| format!("{account} has no credential {id}"))
    }

    fn known(&self, id: &CredentialId) -> Result<&Credential, String> {
        self.credentials.get(id).ok_or_else(|| format!("no job made the credential {id}"))
    }

    fn credential_of(&self, job: &Job) -> Option<&Credential> {
        self.credentials.get(job.credential_id()?)
    }

    /// The credential that a Make outcome tells of, with its `made` and `made_by` still empty.
    fn made(&self, id: JobId, job: &Job, outcome: &Outcome) -> Result<Credential, String> {
        let Outcome::Make { credential_id, rp_id, public_key, .. } = outcome else {
            return Err("no credential was made".to_owned());
        };
        if let Some(known) = self.credentials.get(credential_id) {
            ensure(known.job == id, || format!("credential {credential_id} belongs to {} already", known.job))?;
        }
        Ok(Credential {
            account: job.account.clone(),
            job: id,
            ordinal: job.ordinal,
            key: Arc::clone(job.key.as_ref().ok_or_else(|| format!("{id} has taken no key"))?),
            number: None,
            rp_id: rp_id.clone(),
            public_key_print: Credential::print(public_key),
            made_by: 0,
            judged_by: None,
            model_verdict: None,
            attested_serial: None,
            made_for: None,
            directory_id: None,
            label: None,
            by_hand: None,
            kept: Kept::default(),
            relabel: None,
            to_be_revoked: None,
            returned: None,
            gone: false,
            state: CredentialState::OnKey,
            erasing: None,
            made: String::new(),
            proved: None,
            drilled: None,
            failed: None,
        })
    }

    /// Takes in an event that was checked.
    fn note(&mut self, seq: u64, time: &str, event: &Event, made: Option<Credential>) {
        match event {
            Event::BatchStarted { batch, operator, .. } => {
                (self.batch, self.operator) = (*batch, Some(self.shared.operators.share(operator.clone())));
            }
            Event::AccountPlanned { account, person, profile, .. } => {
                let (person, profile) = (person.clone(), self.shared.profiles.share((**profile).clone()));
                if let Some(known) = self.accounts.get_mut(account) {
                    known.operator.clone_from(&self.operator);
                    (known.person, known.profile, known.state) = (person, profile, AccountState::Active);
                    self.recount(account);
                } else {
                    let (user_id, other_methods, jobs) = (None, Vec::new(), Vec::new());
                    let planned = Account {
                        login: account.login.clone(),
                        former_logins: Vec::new(),
                        idp: None,
                        same_as: None,
                        operator: self.operator.clone(),
                        person,
                        profile,
                        user_id,
                        other_methods,
                        state: AccountState::Active,
                        erased: None,
                        jobs,
                        completed: false,
                    };
                    self.accounts.insert(account.clone(), planned);
                }
            }
            Event::UserFound { account, user_id, login, idp, other_methods } => {
                let same_as = self.first_account_of(account, user_id);
                self.note_user(account, user_id);
                if let Some(account) = self.accounts.get_mut(account) {
                    if let Some(login) = login.as_ref().filter(|login| **login != account.login) {
                        let former = std::mem::replace(&mut account.login, login.clone());
                        account.former_logins.push(former);
                    }
                    if idp.is_some() {
                        account.idp.clone_from(idp);
                    }
                    account.same_as = same_as;
                    account.user_id = Some(user_id.clone());
                    account.other_methods.clone_from(other_methods);
                }
            }
            Event::JobPlanned { job, account, ordinal } => {
                self.jobs.insert(
                    *job,
                    Job {
                        account: account.clone(),
                        ordinal: *ordinal,
                        state: JobState::Ready(Step::ALL[0]),
                        outcomes: Outcomes::default(),
                        key: None,
                        credential_id: None,
                        earlier: Vec::new(),
                        witness: None,
                        number: None,
                        was_reset: false,
                        hardened: None,
                        directory_waits: false,
                        pending: None,
                        replaces: None,
                        pins_sealed: 0,
                        pin_delivered: None,
                        pin_unconfirmed: false,
                        attention: Vec::new(),
                    },
                );
                if let Some(account) = self.accounts.get_mut(account) {
                    account.jobs.push(*job);
                }
            }
            Event::ReplacementPlanned { job, ordinal, reason, same_key } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    let (ordinal, reason, same_key) = (*ordinal, reason.clone(), *same_key);
                    job.replaces = Some(Replacement { ordinal, reason, same_key });
                }
            }
            Event::StepStarted { job, step } => self.set_state(*job, JobState::Open(*step)),
            Event::StepFailed { job, step, failure } => {
                self.set_state(*job, JobState::Failed(*step, failure.clone()));
                if let Some(job) = self.jobs.get_mut(job) {
                    match failure.code {
                        FailureCode::PinUnconfirmed => job.pin_unconfirmed = true,
                        FailureCode::PinLost => job.pin_unconfirmed = false,
                        _ => {}
                    }
                }
            }
            Event::StepDone { job, outcome } => self.note_outcome(seq, time, *job, outcome, made),
            Event::PinDelivered { job, how, readers, .. } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.pin_delivered = Some((*how, readers.clone()));
                    job.pin_unconfirmed = false;
                }
            }
            Event::SteppedBack { job, to, .. } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.step_back(*to);
                }
            }
            Event::CredentialDeleted { credential_id, .. } => self.retire(credential_id, CredentialState::Deleted),
            Event::CredentialRevoked { credential_id, .. } => {
                self.retire(credential_id, CredentialState::Revoked);
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    credential.to_be_revoked = None;
                }
            }
            Event::CeremonyAbandoned { job, pending } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    // Another pending object may have been left by a crash; the job's own ceremony is still on then.
                    if job.pending.as_ref().is_none_or(|named| named == pending) {
                        job.directory_waits = false;
                        job.pending = None;
                    }
                }
            }
            Event::AccountCompleted { account } => {
                if let Some(account) = self.accounts.get_mut(account) {
                    account.completed = true;
                }
            }
            Event::KeyDrilled { credential_id, proved, observed, .. } => {
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    if *proved {
                        credential.signed(time);
                        credential.drilled = Some(time.to_owned());
                        if let Some(seen) = observed.as_ref().and_then(|observed| observed.by_hand.clone()) {
                            credential.by_hand = Some(Box::new(seen));
                            if credential.state == CredentialState::Unconfirmed {
                                credential.state = CredentialState::Registered;
                            }
                        }
                    } else {
                        credential.failed = Some(time.to_owned());
                    }
                }
            }
            Event::RevocationRequested { credential_id, reason, .. } => {
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    credential.to_be_revoked = Some(reason.clone());
                }
            }
            Event::RelabelRequested { credential_id, label, .. } => {
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    credential.relabel = Some(label.clone());
                }
            }
            Event::RelabelEnded { credential_id, label, .. } => {
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    credential.relabel = None;
                    if label.is_some() {
                        credential.label.clone_from(label);
                    }
                }
            }
            Event::KeyErasureStarted { credential_ids, how, .. } => {
                for id in credential_ids {
                    self.set_erasing(id, Some(Erasing { how: *how, since: time.to_owned() }));
                }
            }
            Event::KeyNotErased { credential_ids, .. } => {
                for id in credential_ids {
                    self.set_erasing(id, None);
                }
            }
            Event::KeyErased { credential_ids, how, .. } => {
                for id in credential_ids {
                    self.retire(id, CredentialState::Erased);
                }
                if *how == Erasure::Reset {
                    self.note_reset(time, credential_ids);
                }
            }
            Event::KeyEdited { credential_id, label, place, custodian, .. } => {
                let number = self.credentials.get(credential_id).and_then(|credential| credential.number);
                if let Some(Credential { kept, .. }) = self.credentials.get_mut(credential_id) {
                    kept.edit(label, place, custodian);
                }
                if let Some(key) = number.and_then(|number| self.keys.get_mut(number)) {
                    key.kept.edit(label, place, custodian);
                }
            }
            Event::KeyAdded { key, identity, model, serial, attested_serial, place, .. } => {
                let identity = identity.as_deref().map(|identity| self.shared.keys.share(identity.clone()));
                let bought = Bought { model: model.clone(), serial: serial.clone() };
                let added = Key {
                    identity,
                    attested_serial: attested_serial.clone(),
                    bought: Some(bought.into()),
                    kept: Kept { place: place.clone(), ..Kept::default() }.into(),
                    ..Key::new(time, KeyState::InStock)
                };
                self.keys.add(*key, added);
            }
            Event::KeyMarked { key, credential_id, .. } => {
                if let Some(key) = self.keys.get_mut(*key) {
                    key.marker = Some(credential_id.clone().into());
                }
            }
            Event::KeyChanged { key, state, reason, label, place, custodian, .. } => {
                self.note_changed(time, *key, *state, reason.as_ref(), (label, place, custodian));
            }
            Event::AccountEdited { account, name, ticket, storage, .. } => {
                if let Some(Account { person, .. }) = self.accounts.get_mut(account) {
                    for (new, old) in
                        [(name, &mut person.name), (ticket, &mut person.ticket), (storage, &mut person.storage)]
                    {
                        if new.is_some() {
                            old.clone_from(new);
                        }
                    }
                }
            }
            Event::KeyReturned { credential_id, .. } => {
                if let Some(credential) = self.credentials.get_mut(credential_id) {
                    credential.returned = Some(time.to_owned());
                }
                self.note_returned(time, credential_id);
            }
            Event::AccountLeft { account, reason, .. } => {
                let left = AccountState::Left { since: time.to_owned(), reason: reason.clone() };
                self.set_account_state(account, left);
                self.rollout.note(time, event);
            }
            Event::LedgerAccepted { .. } | Event::AuditSampled(_) => {}
            Event::AccountForgotten { account, .. } => {
                self.set_account_state(account, AccountState::Forgotten);
                self.rollout.note(time, event);
            }
            Event::AccountErased { account, login, .. } => {
                self.last_erasure = seq;
                // What was erased before keeps its name.
                let instead = if Token::is_erased(&account.login) { &account.login } else { login };
                self.rollout.erase_words(account, instead);
                if let Some(known) = self.accounts.get_mut(account) {
                    known.erase(time, instead);
                }
                let jobs = self.accounts.get(account).into_iter().flat_map(|known| &known.jobs);
                let ids = jobs.filter_map(|job| self.jobs.get(job)).flat_map(Job::credential_ids);
                for id in ids {
                    if let Some(credential) = self.credentials.get_mut(id) {
                        credential.erase_words(instead);
                    }
                }
            }
            Event::JobGivenUp { job, .. } => self.set_state(*job, JobState::GivenUp),
            Event::AttentionNeeded { job, message } => {
                if let Some(job) = job.and_then(|job| self.jobs.get_mut(&job)) {
                    job.attention.push(self.attention.len());
                }
                self.attention.push((*job, message.clone()));
            }
            Event::BreakGlassAdded(_)
            | Event::BreakGlassRemoved(_)
            | Event::BreakGlassDrilled(_)
            | Event::UnknownKeyRemovalBegun(_)
            | Event::UnknownKeyRemoved(_)
            | Event::RecoveryBegun(_)
            | Event::RecoveryStepStarted(_)
            | Event::RecoveryStepDone(_)
            | Event::RecoveryEnded(_)
            | Event::EnforcementBegun(_)
            | Event::EnforcementStepStarted(_)
            | Event::EnforcementStepDone(_)
            | Event::EnforcementEnded(_)
            | Event::EstateRead(_) => self.rollout.note(time, event),
        }
    }

    fn note_outcome(&mut self, seq: u64, time: &str, id: JobId, outcome: &Outcome, made: Option<Credential>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let step = outcome.step();
        job.outcomes.note(step, seq);
        job.state = step.next().map_or(JobState::Done, JobState::Ready);
        match outcome {
            Outcome::Inspect { key } => {
                job.number = key.number;
                // What many keys have in common is kept once.
                job.key = Some(self.shared.keys.share(KeyIdentity { number: None, ..key.clone() }));
            }
            Outcome::Reset { done } => job.was_reset = *done,
            Outcome::SealPin { .. } => {
                job.pins_sealed += 1;
                job.pin_delivered = None;
                job.pin_unconfirmed = false;
            }
            Outcome::Begin { ceremony, .. } => {
                job.directory_waits = true;
                job.pending.clone_from(&ceremony.pending);
            }
            Outcome::Make { credential_id, .. } => job.make(credential_id.clone()),
            Outcome::Prove { witness, .. } => {
                job.witness = witness.clone().map(|witness| self.shared.witness_results.share(witness));
            }
            Outcome::Complete { .. } | Outcome::CompleteByHand { .. } => {
                job.directory_waits = false;
                job.pending = None;
            }
            Outcome::Harden { min_pin_length, always_uv, pin_complexity_policy, long_touch_for_reset, .. } => {
                job.hardened = Some(Hardened {
                    min_pin_length: *min_pin_length,
                    always_uv: *always_uv,
                    pin_complexity_policy: *pin_complexity_policy == Some(true),
                    long_touch_for_reset: *long_touch_for_reset == Some(true),
                });
            }
            Outcome::HandOver { how, readers } => job.pin_delivered = Some((*how, readers.clone())),
            Outcome::SetPin {} | Outcome::Verify { .. } | Outcome::SignIn { .. } => {}
        }
        let Some(credential_id) = job.credential_id() else { return };
        if let Some(made) = made {
            let made = Credential { made: time.to_owned(), made_by: seq, ..made };
            self.credentials.insert(credential_id.clone(), made);
        }
        let Some(credential) = self.credentials.get_mut(credential_id) else { return };
        match outcome {
            Outcome::Verify { verdict, key } => {
                let of_model = Verdict { serial: None, subject: None, ..(**verdict).clone() };
                credential.model_verdict = Some(self.shared.verdicts.share(of_model));
                if let Some(serial) = &verdict.serial {
                    let known = self.by_serial.get_or_insert_with(serial.clone(), Vec::new);
                    if !known.contains(credential_id) {
                        known.push(credential_id.clone());
                    }
                }
                credential.attested_serial.clone_from(&verdict.serial);
                credential.judged_by = Some(seq);
                // The rule for logs from before keys had numbers is frozen: what it gave is printed on labels.
                let number = key.or_else(|| self.keys.attested(verdict)).unwrap_or_else(|| self.keys.next_number());
                credential.number = Some(number);
                self.keys.enrolled(number, credential, credential_id, job.was_reset, time);
                let account = self.accounts.get(&credential.account);
                credential.made_for = account.map(|account| Arc::clone(&account.profile));
            }
            Outcome::Prove { .. } | Outcome::SignIn { done: true } => credential.signed(time),
            Outcome::Complete { directory_id, label } => {
                credential.directory_id = Some(directory_id.clone());
                credential.label = Some(label.clone());
                credential.state = CredentialState::Registered;
            }
            Outcome::CompleteByHand { label } => {
                credential.label = Some(label.clone());
                credential.state = CredentialState::Unconfirmed;
            }
            _ => {}
        }
    }

    fn set_state(&mut self, job: JobId, state: JobState) {
        if let Some(job) = self.jobs.get_mut(&job) {
            job.state = state;
        }
    }

    /// Nothing is made any more for an account that is not active: its open jobs end.
    fn set_account_state(&mut self, account: &AccountId, state: AccountState) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.state = state;
            account.completed = false;
            for id in &account.jobs {
                if let Some(job) = self.jobs.get_mut(id).filter(|job| job.state.step().is_some()) {
                    job.state = JobState::GivenUp;
                }
            }
        }
    }

    fn set_erasing(&mut self, id: &CredentialId, erasing: Option<Erasing>) {
        let Some(credential) = self.credentials.get_mut(id) else { return };
        credential.erasing = erasing;
        let account = credential.account.clone();
        self.recount(&account);
    }

    /// A credential that is gone; one that was revoked stays so when it is deleted from its key too.
    fn retire(&mut self, id: &CredentialId, state: CredentialState) {
        let Some(credential) = self.credentials.get_mut(id) else { return };
        if credential.state != CredentialState::Revoked {
            credential.state = state;
        }
        credential.gone |= matches!(state, CredentialState::Deleted | CredentialState::Erased);
        (credential.erasing, credential.relabel) = (None, None);
        let account = credential.account.clone();
        self.recount(&account);
    }

    /// An account with too few proved keys is no longer complete. It becomes so by an event alone.
    fn recount(&mut self, account: &AccountId) {
        let proved = self.proved_keys(account);
        if let Some(account) = self.accounts.get_mut(account) {
            account.completed &= proved >= account.profile.keys.required;
        }
    }
}

fn place(state: &JobState) -> String {
    match state {
        JobState::Ready(step) => format!("{step} (not begun)"),
        JobState::Open(step) => format!("{step} (begun)"),
        JobState::Failed(step, _) => format!("{step} (failed)"),
        JobState::Done => "its end".to_owned(),
        JobState::GivenUp => "its end, given up".to_owned(),
    }
}

pub(super) fn ensure(fits: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if fits { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests;
