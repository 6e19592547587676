//! The whole ledger, judged again: every credential from the attestation object and client data that were kept, by the rules,
//! roots and metadata of today; and every account, job and stored key by what its profile demands.
//!
//! It refuses to look past a break in the chain: what comes after one may be anybody's.

mod credential;
mod finding;
mod judges;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use time::OffsetDateTime;

pub use credential::{Assessment, CredentialAudit};
pub use finding::{About, Area, Finding, FindingKind, Severity};

use self::judges::Judges;
use crate::ledger::{AccountId, Event, FailureCode, Head, JobId, LedgerError, Step, Store, chain, each_event};
use crate::profile::{Profile, Profiles};
use crate::register::{self, AccountState, CredentialState, Evidence, Job, JobState, KeyStanding, Register, Standing};
use keywright_attest::{Judge, Metadata};
use keywright_fido::webauthn::{CredentialId, RpId};

/// What is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Standards<'a> {
    /// Rules, roots, metadata, advisories.
    pub judge: &'a Judge,
    /// When.
    pub at: OffsetDateTime,
}

/// A ledger that was read for an audit, up to its end or its first break.
pub struct Readable<'a> {
    /// The last event that is as it was written.
    pub head: Head,
    /// What the events up to there say.
    pub book: Register,
    /// Why it was not read to its end.
    pub broken: Option<LedgerError>,
    /// Where the evidence of credentials is read again, one after the other: that of 50,000 does not fit into memory.
    store: &'a dyn Store,
    /// The hashes of the events that have it, as the chain was followed to them: what is read is what was read.
    evidence: BTreeMap<u64, [u8; 32]>,
}

/// What came of it.
#[derive(Debug)]
pub struct LedgerAudit<'a> {
    /// What the log says.
    pub register: &'a Register,
    /// When it was judged.
    pub at: OffsetDateTime,
    /// The last event that is as it was written.
    pub head: &'a Head,
    /// What it was judged by.
    pub metadata: Option<&'a Metadata>,
    /// The roots that are trusted for every model, as distinguished names.
    pub anchors: Vec<String>,
    /// Accounts in order, with their proved keys.
    pub accounts: Vec<Covered<'a>>,
    /// Credentials by account and key.
    pub credentials: Vec<CredentialAudit<'a>>,
    /// The most urgent first, and a broken chain before everything.
    pub findings: Vec<Finding>,
}

/// An account and how many keys it has.
#[derive(Debug)]
pub struct Covered<'a> {
    /// The account.
    pub id: &'a AccountId,
    /// The profile's name.
    pub profile: &'a str,
    /// What holds of its keys at the moment of judging.
    pub standing: Standing,
    /// The profile.
    pub rules: &'a Profile,
}

impl<'a> Readable<'a> {
    /// Reads a log, one entry after the other. `known` is a head that was kept elsewhere. A break is no failure but the audit's
    /// first finding; the store itself may fail. The chain is followed to its end; with a moment, what happened after it is not
    /// known.
    pub fn read(
        store: &'a dyn Store,
        known: Option<&Head>,
        as_of: Option<OffsetDateTime>,
    ) -> Result<Self, LedgerError> {
        let (mut book, mut over) = (Register::default(), false);
        let (mut head, mut evidence) = (Head::EMPTY, BTreeMap::new());
        let read = chain::Walk::start(known).and_then(|mut walk| {
            each_event(store, &Head::EMPTY, &mut |entry, event| {
                walk.take(&entry, &event)?;
                over |= as_of.is_some_and(|at| register::is_later(&entry, at));
                if !over {
                    book.apply(&entry, &event)?;
                    if let Event::StepDone { outcome, .. } = event
                        && matches!(outcome.step(), Step::Begin | Step::Make | Step::Verify | Step::Prove)
                    {
                        evidence.insert(entry.seq, entry.hash);
                    }
                }
                head = entry.head();
                Ok(())
            })?;
            walk.end()
        });
        let broken = match read {
            Ok(()) => None,
            Err(broken @ LedgerError::Broken { .. }) => Some(broken),
            Err(error) => return Err(error),
        };
        Ok(Self { head, book, broken, store, evidence })
    }

    /// The evidence of a credential.
    fn evidence(&self, id: &CredentialId) -> Result<Evidence, String> {
        let outcome = |seq| {
            let entry = self.store.entry(seq)?;
            match entry.event()? {
                Event::StepDone { outcome, .. } if self.evidence.get(&seq) == Some(&entry.hash) => Ok(outcome),
                _ => Err(LedgerError::broken(seq, "it was changed while the ledger was judged")),
            }
        };
        let evidence = self.book.evidence_in(id, outcome).map_err(|error| error.to_string())?;
        evidence.ok_or_else(|| "the ledger has no evidence of it".to_owned())
    }

    /// Holds accounts against the profiles of today, by name. One whose profile is not among them keeps that of the ledger.
    pub fn hold_against(&mut self, profiles: &Profiles) {
        let today: BTreeMap<_, _> = profiles.iter().map(|(name, profile)| (name, Arc::new(profile.clone()))).collect();
        self.book.hold_against(|profile| today.get(&profile.name).map(Arc::clone));
    }
}

impl<'a> LedgerAudit<'a> {
    /// Judges everything that was read, on all cores.
    pub fn judge(ledger: &'a Readable<'_>, standards: &Standards<'a>) -> Self {
        let book = &ledger.book;
        let judges = Judges::new(book, standards);
        let all: Vec<_> = book.credentials.iter().collect();
        let mut credentials: Vec<_> = all
            .into_par_iter()
            .map(|(id, credential)| CredentialAudit::examine(id, credential, ledger, &judges))
            .collect();
        credentials.sort_by_key(|one| (&one.credential.account, one.credential.ordinal, &one.credential.made));
        let accounts: Vec<_> = book
            .accounts
            .iter()
            .filter(|(_, account)| account.state != AccountState::Forgotten)
            .filter_map(|(id, account)| {
                let standing = book.standing(id, standards.at)?;
                Some(Covered { id, profile: account.profile.name.as_str(), standing, rules: &account.profile })
            })
            .collect();

        let mut findings: Vec<Finding> = Vec::new();
        let of_nothing = |matter| Finding { about: About::default(), matter };
        findings.extend(ledger.broken.clone().map(FindingKind::ChainBroken).map(of_nothing));
        findings.extend(means(&credentials, standards).into_iter().map(of_nothing));
        findings.extend(accounts.iter().filter_map(too_few_keys));
        findings.extend(book.accounts.iter().filter_map(|(id, account)| {
            let other = book.login(account.same_as.as_ref()?).to_owned();
            let about = About { account: Some(id.clone()), ..About::default() };
            Some(Finding { about, matter: FindingKind::SamePerson(other) })
        }));
        let active = book.accounts.iter().filter(|(_, account)| account.state == AccountState::Active);
        findings.extend(active.filter(|(_, account)| !account.other_methods.is_empty()).map(|(id, account)| Finding {
            about: About { account: Some(id.clone()), ..About::default() },
            matter: FindingKind::OtherMethods(account.other_methods.clone()),
        }));
        let forgotten = |job: &Job| book.accounts[&job.account].state == AccountState::Forgotten;
        let jobs = book.jobs.iter().filter(|(_, job)| !forgotten(job));
        findings.extend(jobs.filter_map(|(id, job)| unfinished(*id, job)));
        findings.extend(book.attention.iter().map(|(job, what)| Finding {
            about: job.and_then(|job| book.jobs.get(&job)).map(about_job).unwrap_or_default(),
            matter: FindingKind::Attention(what.clone()),
        }));
        let mut of_key: BTreeMap<_, Vec<&CredentialAudit<'_>>> = BTreeMap::new();
        for one in &credentials {
            let verdict = one.verdict.as_ref().filter(|_| one.credential.state.is_in_use());
            if let Some((aaguid, serial)) = verdict.and_then(|verdict| Some((verdict.aaguid, verdict.serial.as_ref()?)))
            {
                of_key.entry((aaguid, serial)).or_default().push(one);
            }
        }
        findings.extend(of_key.iter().flat_map(|((_, serial), all)| enrolled_again(serial, all)));
        findings.extend(one_handle_for_two(&credentials));
        findings.extend(credentials.iter().filter_map(|one| serial_shared(one, book)));
        for one in &credentials {
            findings.extend(one.matters.iter().map(|matter| Finding { about: one.about(), matter: matter.clone() }));
        }
        let due: BTreeSet<_> = accounts
            .iter()
            .flat_map(|account| &account.standing.keys)
            .filter(|key| matches!(key.standing, KeyStanding::DrillDue { .. }))
            .filter_map(|key| key.credential_id.as_ref())
            .collect();
        let due = credentials.iter().filter(|one| due.contains(one.id));
        findings.extend(due.filter_map(|one| Some(Finding { about: one.about(), matter: one.drill()? })));
        findings.extend(still_registered(&accounts, &credentials));
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        Self {
            register: book,
            at: standards.at,
            head: &ledger.head,
            metadata: standards.judge.metadata(),
            anchors: standards.judge.pinned().iter().map(|anchor| anchor.subject.clone()).collect(),
            accounts,
            credentials,
            findings,
        }
    }

    /// How many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.matter.severity() == severity).count()
    }

    /// Credentials that their IdP takes.
    pub fn in_service(&self) -> impl Iterator<Item = &CredentialAudit<'a>> {
        self.credentials.iter().filter(|one| one.credential.state == CredentialState::Registered)
    }
}

fn order(finding: &Finding) -> impl Ord + '_ {
    let About { account, ordinal, .. } = &finding.about;
    (finding.matter.severity(), finding.matter.area(), account, ordinal)
}

/// Whether there was enough to judge by.
fn means(credentials: &[CredentialAudit<'_>], standards: &Standards<'_>) -> Vec<FindingKind> {
    let number = |wanted: fn(&CredentialAudit<'_>) -> bool| credentials.iter().filter(|one| wanted(one)).count();
    let mut matters = Vec::new();
    let unjudged = number(|one| one.standing == Assessment::NotJudged);
    if unjudged > 0 {
        matters.push(FindingKind::NoAnchors(unjudged));
    }
    match standards.judge.metadata() {
        None => {
            let judged = number(|one| one.credential.state == CredentialState::Registered);
            matters.extend((judged > 0).then_some(FindingKind::NoMetadata(judged)));
        }
        Some(metadata) => {
            let no = metadata.id().no;
            if metadata.days_overdue(standards.at) > 0 {
                matters.push(FindingKind::MetadataOverdue { no, next_update: metadata.next_update() });
            }
            matters.extend((!metadata.id().signed).then_some(FindingKind::MetadataUnsigned(no)));
            let root = metadata.id().root.clone();
            matters.extend(root.map(|root| FindingKind::MetadataOfAnother { no, root }));
        }
    }
    matters
}

/// As many others are named with an account: an IdP that gives everybody the same handle has as many findings as people.
const NAMED: usize = 3;

/// Accounts to which an IdP gave one user handle: whichever of their keys is used, it signs in as one of them.
fn one_handle_for_two(credentials: &[CredentialAudit<'_>]) -> Vec<Finding> {
    let mut accounts: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let in_use = |one: &&CredentialAudit<'_>| {
        let state = one.credential.state;
        // A credential that is made for the proof alone is nobody's at an IdP.
        state == CredentialState::Registered && one.credential.rp_id != RpId::PROBE
    };
    for one in credentials.iter().filter(in_use) {
        if let Some(handle) = &one.user_handle {
            // Two accounts that are one person's are another finding.
            let person = one.account.same_as.as_ref().unwrap_or(&one.credential.account);
            let place = (one.credential.rp_id.as_str(), handle.as_bytes());
            accounts.entry(place).or_default().entry(person).or_insert(one.account.login.as_str());
        }
    }
    let mut findings = Vec::new();
    for sharing in accounts.values().filter(|sharing| sharing.len() > 1) {
        for account in sharing.keys() {
            let others = sharing.iter().filter(|(other, _)| *other != account).map(|(_, login)| *login);
            let mut named = others.take(NAMED).collect::<Vec<_>>().join(", ");
            match sharing.len() - 1 {
                others if others > NAMED => named.push_str(&format!(" and {} more", others - NAMED)),
                _ => {}
            }
            let about = About { account: Some((*account).clone()), ..About::default() };
            findings.push(Finding { about, matter: FindingKind::SharedHandle(named) });
        }
    }
    findings
}

fn too_few_keys(account: &Covered<'_>) -> Option<Finding> {
    let Covered { id, standing, .. } = account;
    let (proved, required) = (standing.in_service(), standing.required);
    let short = proved < required && !standing.account.is_over();
    short.then(|| Finding {
        about: About { account: Some((*id).clone()), ..About::default() },
        matter: FindingKind::TooFewKeys { proved, required, unconfirmed: standing.to_be_confirmed() },
    })
}

/// Keys that count no longer, and that their IdP still takes.
fn still_registered(accounts: &[Covered<'_>], credentials: &[CredentialAudit<'_>]) -> Vec<Finding> {
    let out = accounts.iter().flat_map(|account| &account.standing.keys).filter_map(|key| {
        let why = match key.standing {
            KeyStanding::Withdrawn { key_state } => key_state.to_string(),
            KeyStanding::RevocationPending => "to be revoked".to_owned(),
            _ => return None,
        };
        Some((key.credential_id.as_ref()?, why))
    });
    let out: BTreeMap<_, _> = out.collect();
    let matter = |one: &CredentialAudit<'_>| out.get(one.id).map(|why| FindingKind::StillRegistered(why.clone()));
    credentials.iter().filter_map(|one| Some(Finding { about: one.about(), matter: matter(one)? })).collect()
}

/// Registrations in service of one key, by its serial number: each but the newest has a later one.
fn enrolled_again(serial: &str, all: &[&CredentialAudit<'_>]) -> Vec<Finding> {
    let again = all.iter().filter_map(|one| {
        let newer = all.iter().find(|other| other.credential.job > one.credential.job)?;
        let newer = format!("key {} of {}", newer.credential.ordinal, newer.credential.account);
        Some(Finding { about: one.about(), matter: FindingKind::EnrolledAgain { serial: serial.to_owned(), newer } })
    });
    again.collect()
}

/// A key in service whose USB serial number another key in service shows, too.
fn serial_shared(one: &CredentialAudit<'_>, book: &Register) -> Option<Finding> {
    let number = one.credential.number.filter(|_| one.credential.state.is_in_use())?;
    let mut in_use = book.keys.sharing_usb_serial(number).filter_map(|other| Some((other, book.current_of(other)?.1)));
    let (other, credential) = in_use.find(|(_, other)| other.state.is_in_use())?;
    let matter = FindingKind::SerialShared {
        serial: one.credential.key.usb_serial.clone()?,
        other: format!("{other}, key {} of {}", credential.ordinal, credential.account),
    };
    Some(Finding { about: one.about(), matter })
}

fn unfinished(id: JobId, job: &Job) -> Option<Finding> {
    let matter = match &job.state {
        JobState::Ready(step) | JobState::Open(step) => {
            FindingKind::JobUnfinished { job: id, step: *step, failure: None }
        }
        JobState::Failed(_, failure) if failure.code == FailureCode::PinLost => FindingKind::PinLost(id),
        JobState::Failed(step, failure) => {
            FindingKind::JobUnfinished { job: id, step: *step, failure: Some(failure.message.clone()) }
        }
        JobState::GivenUp => FindingKind::JobGivenUp(id),
        JobState::Done => return None,
    };
    Some(Finding { about: about_job(job), matter })
}

fn about_job(job: &Job) -> About {
    About {
        account: Some(job.account.clone()),
        ordinal: Some(job.ordinal),
        credential_id: job.credential_id().cloned(),
    }
}
