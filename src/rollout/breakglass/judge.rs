//! What is to be done about the break-glass accounts of an IdP. Pure: of the register, and of what the IdP said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::{ACCOUNTS_NEEDED, DRILL_DAYS, Sighting, moment, outside_drills, text};
use crate::ledger::AccountId;
use crate::register::Register;
use crate::register::rollout::BreakGlass;

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// There are fewer accounts than needed.
    TooFewAccounts {
        /// How many there are.
        accounts: usize,
    },
    /// All bags are in one place.
    OnePlace {
        /// The place.
        place: String,
    },
    /// All keys are of one model, and a profile demands two.
    OneModel,
    /// A key in a bag does not count.
    KeyNotInService {
        /// The account's login.
        account: String,
        /// Which of its keys.
        ordinal: usize,
    },
    /// A key was taken out of its bag, and nobody wrote down in which it is now.
    NoBag {
        /// The account's login.
        account: String,
        /// Which of its keys.
        ordinal: usize,
    },
    /// The account was not tried in time.
    DrillDue {
        /// The account's login.
        account: String,
        /// When it passed its last drill, if ever.
        last: Option<String>,
    },
    /// Somebody signed in who did no drill.
    SignInOutsideDrill {
        /// The account's login.
        account: String,
        /// When, RFC 3339.
        at: String,
        /// By which method, in the IdP's word.
        by: Option<String>,
    },
    /// Something could not be read.
    CannotTell {
        /// The account's login.
        account: String,
        /// What, why, and what it needs, in a sentence.
        why: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewAccounts { accounts } => {
                write!(f, "break-glass accounts: {accounts}, and {ACCOUNTS_NEEDED} are needed")
            }
            Self::OnePlace { place } => write!(f, "every bag is in one place: {place}"),
            Self::OneModel => f.write_str("every key is of one model, and the profile demands two"),
            Self::KeyNotInService { account, ordinal } => write!(f, "{account}: key {ordinal} does not count"),
            Self::NoBag { account, ordinal } => write!(f, "{account}: key {ordinal} is in no sealed bag"),
            Self::DrillDue { account, last: Some(last) } => write!(f, "{account}: drill due, the last was on {last}"),
            Self::DrillDue { account, last: None } => write!(f, "{account}: drill due, there was none yet"),
            Self::SignInOutsideDrill { account, at, by } => {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                write!(f, "{account}: SIGNED IN outside a drill, {at}{by}")
            }
            Self::CannotTell { account, why } => write!(f, "{account}: {why}"),
        }
    }
}

/// Everything that is to be done about the accounts of an IdP, by its name in the settings. Accounts that the IdP was not asked about
/// are judged by the register alone.
pub fn judge(
    register: &Register,
    directory: &str,
    sightings: &BTreeMap<AccountId, Sighting>,
    at: OffsetDateTime,
) -> Vec<Finding> {
    let known = register.rollout.break_glass.iter().filter(|(account, _)| account.directory == directory);
    let known: BTreeMap<&AccountId, &BreakGlass> = known.collect();
    let mut findings = Vec::new();
    if known.len() < ACCOUNTS_NEEDED {
        findings.push(Finding::TooFewAccounts { accounts: known.len() });
    }
    let places: BTreeSet<&str> =
        known.values().flat_map(|one| one.bags.values()).map(|bag| bag.place.as_str()).collect();
    if let (1, Some(place)) = (places.len(), places.first()) {
        findings.push(Finding::OnePlace { place: (*place).to_owned() });
    }
    if has_one_model(register, &known) {
        findings.push(Finding::OneModel);
    }
    for (account, one) in &known {
        let login = register.login(account);
        findings.extend(of_keys(register, account, one, at, login));
        let last = one.last_passed().and_then(|drill| moment(&drill.ended));
        if last.is_none_or(|last| at - last > Duration::days(DRILL_DAYS)) {
            findings
                .push(Finding::DrillDue { account: login.to_owned(), last: last.map(|last| last.date().to_string()) });
        }
        let Some(sighting) = sightings.get(*account) else { continue };
        for seen in outside_drills(register, account, &sighting.sign_ins.found) {
            let (at, by) = (text(seen.at), seen.by.clone());
            findings.push(Finding::SignInOutsideDrill { account: login.to_owned(), at, by });
        }
        for untold in &sighting.sign_ins.untold {
            findings.push(Finding::CannotTell { account: login.to_owned(), why: untold.to_string() });
        }
    }
    findings
}

fn of_keys(
    register: &Register,
    account: &AccountId,
    one: &BreakGlass,
    at: OffsetDateTime,
    login: &str,
) -> Vec<Finding> {
    let standing = register.standing(account, at);
    let counts = |ordinal: usize| {
        let keys = standing.iter().flat_map(|standing| &standing.keys);
        keys.rev().find(|key| key.ordinal == ordinal).is_some_and(|key| key.standing.counts())
    };
    let mut findings = Vec::new();
    for (ordinal, bag) in &one.bags {
        if !counts(*ordinal) {
            findings.push(Finding::KeyNotInService { account: login.to_owned(), ordinal: *ordinal });
        } else if bag.number.is_none() {
            findings.push(Finding::NoBag { account: login.to_owned(), ordinal: *ordinal });
        }
    }
    findings
}

/// Whether a profile of theirs demands keys of two models, and all that are in bags are of one.
fn has_one_model(register: &Register, known: &BTreeMap<&AccountId, &BreakGlass>) -> bool {
    let demanded = known
        .keys()
        .any(|account| register.accounts.get(*account).is_some_and(|account| account.profile.keys.two_models));
    let bagged = known.iter().flat_map(|(account, one)| one.bags.keys().map(move |ordinal| (*account, *ordinal)));
    let models = bagged.filter_map(|(account, ordinal)| {
        let id = register.credential_of_key(account, ordinal)?;
        Some(register.credentials.get(id)?.key.aaguid)
    });
    let models: Vec<_> = models.collect();
    demanded && models.len() > 1 && models.iter().all(|model| *model == models[0])
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::idp::capability::{Listing, SignInSeen};
    use crate::ledger::Event;
    use crate::ledger::sample::{account, event, journey, log};

    fn added(ordinal: usize, place: &str) -> Event {
        event(json!({"event": "break-glass-added", "account": account("ada"), "ordinal": ordinal, "place": place,
            "bag": "1", "may_open": ["Bo"], "operator": "root"}))
    }

    fn drilled(bag: Option<&str>) -> Event {
        event(json!({"event": "break-glass-drilled", "account": account("ada"), "ordinal": 1, "by": ["Bo", "Cy"],
            "began": "2026-11-23T18:53:00Z", "passed": true, "bag": bag, "operator": "root",
            "sign_in_log": {"log": "cannot-tell", "why": "refused"}}))
    }

    fn words(more: &[Event], seen: &[OffsetDateTime], at: OffsetDateTime) -> Vec<String> {
        let events: Vec<_> = journey("ada").into_iter().chain(more.iter().cloned()).collect();
        let register = Register::read(&log(&events)).unwrap();
        let sign_ins = seen.iter().map(|at| SignInSeen { at: *at, by: Some("sms".into()) }).collect();
        let (policies, not_in) = (BTreeMap::new(), Vec::new());
        let sighting = Sighting { sign_ins: Listing::whole(sign_ins), policies, not_in };
        let sightings = BTreeMap::from([(account("ada"), sighting)]);
        judge(&register, "embedded", &sightings, at).iter().map(ToString::to_string).collect()
    }

    const SOON: OffsetDateTime = datetime!(2026-11-24 00:00 UTC);

    #[test]
    fn too_few_in_one_place_and_never_tried_is_told() {
        let found = words(&[added(1, "safe")], &[], SOON);
        let told = [
            "break-glass accounts: 1, and 2 are needed",
            "every bag is in one place: safe",
            "ada: drill due, there was none yet",
        ];
        assert_eq!(found, told);
    }

    #[test]
    fn a_drill_is_good_for_ninety_days_and_opens_its_bag() {
        let bagged = [added(1, "safe"), added(2, "vault"), drilled(Some("2"))];
        assert_eq!(words(&bagged, &[], SOON), ["break-glass accounts: 1, and 2 are needed"]);
        let opened = [added(1, "safe"), added(2, "vault"), drilled(None)];
        assert!(words(&opened, &[], SOON).contains(&"ada: key 1 is in no sealed bag".to_owned()));
        let late = words(&bagged, &[], datetime!(2027-02-22 00:00 UTC));
        assert!(late.contains(&"ada: drill due, the last was on 2026-11-23".to_owned()), "{late:?}");
    }

    #[test]
    fn a_sign_in_is_a_drills_or_told() {
        let bagged = [added(1, "safe"), added(2, "vault"), drilled(Some("2"))];
        let during = datetime!(2026-11-23 18:53:30 UTC);
        let ours = datetime!(2026-11-23 18:48 UTC);
        let outside = datetime!(2026-11-23 21:00 UTC);
        let found = words(&bagged, &[ours, during, outside], SOON);
        assert_eq!(found[1..], ["ada: SIGNED IN outside a drill, 2026-11-23T21:00:00Z by sms"]);
    }

    #[test]
    fn a_key_that_does_not_count_is_told() {
        let credential_id = crate::ledger::sample::credential_id(1);
        let revoked =
            Event::CredentialRevoked { account: account("ada"), credential_id, reason: "lost".into(), operator: None };
        let found = words(&[added(1, "safe"), revoked], &[], SOON);
        assert!(found.contains(&"ada: key 1 does not count".to_owned()), "{found:?}");
    }
}
