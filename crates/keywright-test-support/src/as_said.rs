//! What a dry run said is what the run did: one comparison, for every run of every journey.
//!
//! The dry run is tried on copies of the keys' files, so that it disturbs nothing that a journey has prepared. It refuses to
//! excuse a difference: what was said and not done needs its reason in the report, what was done and not said has none.

use std::collections::BTreeSet;
use std::path::Path;

use keywright::ledger::{AccountId, Event, JobId, Outcome, Store};
use keywright::provision::{DryRun, KeyMatch, KeyState, Plan, Report, Resets, RunError, Station, dry_run, run};
use keywright::register::{JobState, Register};
use keywright::witness::Witness;
use keywright_fido::hid::Device;
use keywright_practice::softkey::Rack;

use crate::workshop::Hands;

/// Carries out a plan, and holds what was done against what a dry run said just before. For a station of a workshop.
pub fn run_as_said(station: &Station<'_>, plan: &Plan) -> Result<Report, RunError> {
    let said = Said::before(station, plan, &station.hand_over_folder.with_file_name("softkeys"));
    let ended = run(station, plan);
    if let Ok(report) = &ended {
        said.hold(station, plan, report);
    }
    ended
}

struct Said {
    register: Register,
    /// `None` where the keys are not files, or one of them is in other hands.
    dry_run: Option<DryRun>,
    devices: Vec<Device>,
}

impl Said {
    fn before(station: &Station<'_>, plan: &Plan, softkeys: &Path) -> Self {
        let register = read(station.store);
        let devices = station.bus.devices().unwrap_or_default();
        let dry_run = copies(&devices, softkeys).and_then(|(_folder, rack)| {
            let hands = Hands::default();
            let station = Station {
                bus: &rack,
                operator: &hands,
                witness: Witness::new("keywright".into()),
                hand_over_folder: station.hand_over_folder.clone(),
                letter_program: station.letter_program.clone(),
                limits: station.limits,
                retry_policy: station.retry_policy,
                cancel: station.cancel.clone(),
                operator_name: station.operator_name.clone(),
                ..*station
            };
            dry_run(&station, plan).ok()
        });
        Self { register, dry_run, devices }
    }

    fn hold(&self, station: &Station<'_>, plan: &Plan, report: &Report) {
        let after = read(station.store);
        people(plan, report);
        jobs(plan, &self.register, &after);
        revocations(plan, report, &after);
        let Some(dry_run) = &self.dry_run else { return };
        // Keys that came or went while it ran were not there to be spoken of.
        let stayed = station.bus.devices().is_ok_and(|now| ports(&now) == ports(&self.devices));
        let waited = !station.retry_policy.key.is_zero();
        if stayed && !waited && !report.interrupted {
            self.keys(plan, dry_run, report, station, &after);
        }
    }

    /// The keys that were free were used, those that were somebody's were not, and as many were reset as was said.
    fn keys(&self, plan: &Plan, dry_run: &DryRun, report: &Report, station: &Station<'_>, after: &Register) {
        let failures: BTreeSet<JobId> = report
            .accounts
            .iter()
            .flat_map(|account| account.jobs.iter().filter(|job| job.failure.is_some()).map(|job| job.job))
            .collect();
        let taken = |state: &KeyState| matches!(state, KeyState::Taken(_) | KeyState::Unusable(_));
        let taken: BTreeSet<&str> =
            dry_run.keys.iter().filter(|key| taken(&key.state)).map(|key| key.port.as_str()).collect();
        let mut cannot_tell = dry_run.keys.iter().filter(|key| matches!(key.state, KeyState::CannotTell(_)));
        let mut resets = 0;
        let mut all_done = true;
        for (account, matches) in &dry_run.matches {
            for KeyMatch { ordinal, key, refusal } in matches {
                let id = after.job_of_key(account, *ordinal);
                let Some((id, job)) = id.and_then(|id| Some((id, after.jobs.get(&id)?))) else {
                    assert!(key.is_none(), "{account}'s key {ordinal} was to be made, and no job is there");
                    continue;
                };
                let done = job.state == JobState::Done;
                all_done &= done;
                let why = failures.contains(&id);
                match (key, done) {
                    (Some(_), false) => assert!(
                        why || !failures.is_empty(),
                        "a key was there for {account}'s key {ordinal}, it was not made, and nothing says why"
                    ),
                    // Only their PINs tell whose these are; then they are somebody's, or free.
                    (None, true) => {
                        let told = cannot_tell.next().is_some();
                        assert!(told, "no key was there for {account}'s key {ordinal} ({refusal:?}), and it was made");
                    }
                    (Some(_), true) | (None, false) => {}
                }
                let was_new = self.register.jobs.get(&id).is_none_or(|job| job.key().is_none());
                if let Some(key) = job.key().filter(|_| done && was_new) {
                    let stays = job.replaces.as_ref().is_some_and(|replacement| replacement.same_key);
                    assert!(
                        stays || !taken.contains(key.port.as_str()),
                        "{account}'s key {ordinal} is on somebody's key: {key:?}"
                    );
                }
                resets += usize::from(done && self.was_reset_since(station.store, id));
            }
        }
        match dry_run.resets(plan) {
            Resets::Exactly(said) if all_done && failures.is_empty() => {
                assert_eq!(resets, said, "keys that were reset, in {:?}", plan.people);
            }
            Resets::Exactly(most) | Resets::UpTo(most) => {
                assert!(resets <= most, "{resets} keys were reset, and the dry run said {most}");
            }
        }
    }

    /// Whether the key that the job has now was reset for it after the dry run.
    fn was_reset_since(&self, store: &dyn Store, id: JobId) -> bool {
        let mut reset = false;
        for entry in store.entries(self.register.head.seq).unwrap() {
            if let Event::StepDone { job, outcome: Outcome::Reset { done } } = entry.event().unwrap()
                && job == id
            {
                reset = done;
            }
        }
        reset
    }
}

/// Everybody of the plan is in the report, and who was refused is refused for the same reason.
fn people(plan: &Plan, report: &Report) {
    let planned: Vec<&AccountId> = plan.people.iter().map(|planned| &planned.account).collect();
    let reported: Vec<&AccountId> = report.accounts.iter().map(|account| &account.account).collect();
    assert_eq!(planned, reported);
    for (planned, account) in plan.people.iter().zip(&report.accounts) {
        assert_eq!(planned.refused, account.failure, "{}", planned.account);
    }
}

/// The keys that were to be made are the jobs that were begun, and of the others only those go on that were to be finished.
fn jobs(plan: &Plan, before: &Register, after: &Register) {
    let mut said: Vec<(&AccountId, usize)> = plan
        .people
        .iter()
        .flat_map(|planned| planned.ordinals.iter().map(|ordinal| (&planned.account, *ordinal)))
        .collect();
    let mut made: Vec<(&AccountId, usize)> = after
        .jobs
        .iter()
        .filter(|(id, _)| !before.jobs.contains_key(id))
        .map(|(_, job)| (&job.account, job.ordinal))
        .collect();
    said.sort();
    made.sort();
    assert_eq!(said, made, "keys to be made, and keys that were");
    let to_finish: BTreeSet<JobId> =
        plan.people.iter().flat_map(|planned| planned.unfinished.iter().map(|one| one.job)).collect();
    let revoked = |job: &keywright::register::Job| {
        let of_job =
            |one: &keywright::provision::PendingRevocation| one.account == job.account && one.ordinal == job.ordinal;
        plan.revocations.iter().any(of_job)
    };
    for (id, job) in &before.jobs {
        let now = &after.jobs[id].state;
        assert!(
            *now == job.state || to_finish.contains(id) || revoked(job),
            "{id} of {} was {:?} and is {now:?}, and nothing said so",
            job.account,
            job.state
        );
    }
}

/// What was to be removed at the IdP is, or is still said to be.
fn revocations(plan: &Plan, report: &Report, after: &Register) {
    for pending in plan.revocations.iter().filter(|_| !report.interrupted) {
        let credentials = after.credentials_of(&pending.account).filter(|(_, one)| one.ordinal == pending.ordinal);
        for (_, one) in credentials {
            assert!(!one.state.may_be_registered() || one.to_be_revoked.is_some(), "{pending:?} was forgotten");
        }
    }
}

fn read(store: &dyn Store) -> Register {
    Register::read(&store.entries(0).unwrap()).unwrap()
}

fn ports(devices: &[Device]) -> BTreeSet<&str> {
    devices.iter().map(|device| device.port.as_str()).collect()
}

/// The same keys once more; `None` if they are not these files.
fn copies(devices: &[Device], softkeys: &Path) -> Option<(tempfile::TempDir, Rack)> {
    let folder = tempfile::tempdir().ok()?;
    std::fs::copy(softkeys.join("attestation-ca.pem"), folder.path().join("attestation-ca.pem")).ok()?;
    for device in devices {
        let slot: usize = device.port.strip_prefix("soft-")?.parse().ok()?;
        let file = format!("soft-{slot:02}.key");
        std::fs::copy(softkeys.join(&file), folder.path().join(&file)).ok()?;
    }
    let rack = Rack::open(folder.path()).ok()?;
    Some((folder, rack))
}
