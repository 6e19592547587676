//! Break-glass accounts: bags, drills, and what the IdP says of them.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cli::shared::output::View;
use crate::idp::capability::{Admits, Rule, RuleState};
use crate::ledger::AccountId;
use crate::ledger::rollout::SignInLog;
use crate::register::Register;
use crate::register::rollout::BreakGlassDrill;
use crate::rollout::breakglass::{DRILL_DAYS, Finding, Sighting};

/// One account.
#[derive(Serialize)]
pub(crate) struct AccountView {
    account: String,
    directory: String,
    dry_run: bool,
    /// Whether it is kept for emergencies.
    kept: bool,
    keys_in_service: usize,
    bags: Vec<BagLine>,
    last_drill: Option<DrillLine>,
    /// RFC 3339; `null` before it passed one.
    next_drill: Option<String>,
    policies: Vec<PolicyLine>,
    /// Groups that were asked for and that it is not in.
    not_in: Vec<String>,
}

#[derive(Serialize)]
struct BagLine {
    ordinal: usize,
    /// `null` since a drill opened it.
    bag: Option<String>,
    place: String,
    may_open: Vec<String>,
    since: String,
}

#[derive(Serialize)]
struct DrillLine {
    ordinal: usize,
    at: String,
    by: Vec<String>,
    passed: bool,
    /// Sign-ins that the IdP's log had; `null` if it could not be read.
    sign_ins: Option<usize>,
}

#[derive(Serialize)]
struct PolicyLine {
    group: String,
    policy: String,
    state: &'static str,
    admits: &'static str,
    /// Weaker ways that it lets in.
    ways: Vec<String>,
}

impl View for AccountView {
    const KIND: &'static str = "break-glass";
}

/// Something that is to be done.
#[derive(Serialize)]
pub(crate) struct FindingView<'a> {
    directory: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
    message: String,
}

impl View for FindingView<'_> {
    const KIND: &'static str = "break-glass-finding";
}

impl<'a> FindingView<'a> {
    /// One of an IdP's.
    pub(crate) fn new(directory: &'a str, finding: &'a Finding) -> Self {
        Self { directory, finding, message: finding.to_string() }
    }
}

impl AccountView {
    /// What the register says of it.
    pub(crate) fn of_register(register: &Register, id: &AccountId, at: OffsetDateTime, dry_run: bool) -> Self {
        let known = register.rollout.break_glass.get(id);
        let bags = known.into_iter().flat_map(|known| &known.bags);
        let bags = bags.map(|(ordinal, bag)| BagLine {
            ordinal: *ordinal,
            bag: bag.number.clone(),
            place: bag.place.clone(),
            may_open: bag.may_open.clone(),
            since: bag.since.clone(),
        });
        let passed = known.and_then(|known| known.last_passed());
        let ended = passed.and_then(|drill| OffsetDateTime::parse(&drill.ended, &Rfc3339).ok());
        Self {
            account: register.login(id).to_owned(),
            directory: id.directory.clone(),
            dry_run,
            kept: known.is_some(),
            keys_in_service: register.standing(id, at).map_or(0, |standing| standing.in_service()),
            bags: bags.collect(),
            last_drill: known.and_then(|known| known.drills.last()).map(DrillLine::new),
            next_drill: ended.and_then(|ended| (ended + Duration::days(DRILL_DAYS)).format(&Rfc3339).ok()),
            policies: Vec::new(),
            not_in: Vec::new(),
        }
    }

    /// And what the IdP says of policies.
    pub(crate) fn with(self, sighting: &Sighting) -> Self {
        let lines = sighting.policies.iter().flat_map(|(group, rules)| {
            rules.found.iter().map(move |rule| PolicyLine {
                group: group.clone(),
                policy: rule.policy.clone(),
                state: match rule.state {
                    RuleState::On => "on",
                    RuleState::ReportOnly => "report-only",
                    RuleState::Off => "off",
                },
                admits: match &rule.admits {
                    Admits::Nothing => "nothing",
                    Admits::PhishingResistant => "phishing-resistant",
                    Admits::Weaker(_) => "weaker",
                    Admits::CannotTell(_) => "cannot-tell",
                },
                ways: match &rule.admits {
                    Admits::Weaker(ways) => ways.clone(),
                    _ => Vec::new(),
                },
            })
        });
        Self { policies: lines.collect(), not_in: sighting.not_in.clone(), ..self }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}  keys in service: {}\n", self.account, self.keys_in_service);
        for BagLine { ordinal, bag, place, may_open, .. } in &self.bags {
            let bag = bag.as_ref().map_or("no bag".to_owned(), |bag| format!("bag {bag}"));
            text.push_str(&format!("  key {ordinal}: {bag}, {place}; to be opened by {}\n", may_open.join(", ")));
        }
        match &self.last_drill {
            None => text.push_str("  never tried\n"),
            Some(DrillLine { at, by, passed, sign_ins, .. }) => {
                let passed = if *passed { "passed" } else { "NOT passed" };
                let log = sign_ins
                    .map_or("sign-in log: cannot tell".to_owned(), |count| format!("sign-ins in the log: {count}"));
                let (day, by) = (at.get(..10).unwrap_or(at), by.join(" and "));
                text.push_str(&format!("  drill {passed} on {day} by {by}; {log}\n"));
            }
        }
        if let Some(next) = &self.next_drill {
            text.push_str(&format!("  next drill by {}\n", next.get(..10).unwrap_or(next)));
        }
        text
    }
}

impl DrillLine {
    fn new(drill: &BreakGlassDrill) -> Self {
        let sign_ins = match &drill.sign_in_log {
            SignInLog::Read { sign_ins, .. } => Some(sign_ins.len()),
            SignInLog::CannotTell { .. } => None,
        };
        Self { ordinal: drill.ordinal, at: drill.ended.clone(), by: drill.by.clone(), passed: drill.passed, sign_ins }
    }
}

/// Which policies include the account, and which groups leave it out.
pub(crate) fn policy_lines(sighting: &Sighting) -> String {
    let mut text = String::new();
    for (group, rules) in &sighting.policies {
        for rule in &rules.found {
            text.push_str(&format!("  included by {group}: {}\n", rule_words(rule)));
        }
        for untold in &rules.untold {
            text.push_str(&format!("  {group}: {untold}\n"));
        }
    }
    for group in &sighting.not_in {
        text.push_str(&format!("  left out by {group}: it is no member\n"));
    }
    text
}

fn rule_words(rule: &Rule) -> String {
    let state = match rule.state {
        RuleState::On => "acts",
        RuleState::ReportOnly => "only reports",
        RuleState::Off => "is off",
    };
    let admits = match &rule.admits {
        Admits::Nothing => "lets nobody in".to_owned(),
        Admits::PhishingResistant => "lets in what resists phishing".to_owned(),
        Admits::Weaker(ways) => format!("lets in {} too", ways.join(", ")),
        Admits::CannotTell(untold) => untold.to_string(),
    };
    format!("{}: {state}, {admits}", rule.policy)
}
