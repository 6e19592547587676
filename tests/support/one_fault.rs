//! One request of a run goes wrong once, in every way: the batch goes on with the next person, the failure is coded right, and the
//! next run ends what was left, with nothing there twice.
//!
//! Use it with `#[path = "support/one_fault.rs"] mod one_fault;` beside `fault_proxy` and `workshop`.

use std::path::Path;

use keywright::idp::Directory;
use keywright::ledger::FailureCode;
use keywright::provision::RunError;
use keywright::softkey::Touch;

use crate::fault_proxy::{self, FaultProxy, Which};
use crate::workshop::{Hands, Workshop, each, failures};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "not every IdP has all of them")]
pub enum Purpose {
    /// It belongs to the preflight: if it fails, the run ends.
    Preflight,
    /// It looks. If it fails where a failure is looked into, the IdP counts as down, whatever it said.
    Look,
    /// It changes something.
    Act,
    /// It takes something back, or looks whether that may be done.
    TakeBack,
}

/// Two people who are to get a key each at an IdP that a test plays.
pub struct OneFault<'a, Idp> {
    /// Every request of a run, by method and pattern.
    pub requests: &'a [(Purpose, &'a str, &'a str)],
    /// A new IdP for these people.
    pub start: fn(&[&str]) -> Option<Idp>,
    /// Its address.
    pub url: fn(&Idp) -> String,
    /// The adapter for this address, with files in this folder.
    pub open: fn(&str, &Path) -> Box<dyn Directory>,
    /// Holds what the IdP has in the end against what it should have. The request, and words for the case.
    pub settled: fn(&Idp, (&str, &str), &str),
}

const LOGINS: [&str; 2] = ["ada", "grace"];

impl<Idp> OneFault<'_, Idp> {
    pub fn run(&self) {
        if (self.start)(&LOGINS).is_none() {
            return;
        }
        let faults = |request| fault_proxy::table().into_iter().map(move |fault| (request, fault));
        each(self.requests.iter().flat_map(faults), |(&(purpose, method, path), (fault, code))| {
            let case = format!("{method} {path} {fault:?}");
            let idp = (self.start)(&LOGINS).unwrap();
            let mut workshop = Workshop::without_directory(2, &LOGINS);
            workshop.profile.keys.required = 1;
            let proxy = FaultProxy::start(&(self.url)(&idp));
            let directory = (self.open)(&proxy.url(), workshop.path());
            let directory = directory.as_ref();
            proxy.once(Which::of(method, path), fault);
            let rack = workshop.rack();
            if purpose == Purpose::TakeBack {
                // Something to take back.
                rack.key(0).touch(Touch::Declined);
            }
            match workshop.provision_at(directory, &workshop.store(), &rack, &Hands::default()) {
                Ok(report) => {
                    assert!(report.accounts.iter().any(|account| account.complete), "{case}: {report:#?}");
                    let accounts = report.accounts.iter().filter_map(|account| account.failure.clone());
                    for failure in accounts.chain(failures(&report).into_iter().map(|(_, failure)| failure)) {
                        let looked = purpose != Purpose::Act && failure.code == FailureCode::DirectoryDown;
                        let declined = purpose == Purpose::TakeBack && failure.code == FailureCode::TouchDeclined;
                        assert!(failure.code == code || looked || declined, "{case}: {failure:?}");
                    }
                }
                Err(RunError::Directory(_) | RunError::Blocked { .. }) => {
                    assert_eq!(purpose, Purpose::Preflight, "{case}");
                }
                Err(error) => panic!("{case}: {error}"),
            }
            drop(rack);
            proxy.clear();
            proxy.settle();
            let report =
                workshop.provision_at(directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
            assert!(report.accounts.iter().all(|account| account.complete), "{case}: {report:#?}");
            workshop.everything_agrees_at(directory, &workshop.rack(), &LOGINS, 1);
            (self.settled)(&idp, (method, path), &case);
        });
    }
}
