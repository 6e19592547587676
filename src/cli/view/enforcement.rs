//! An enforcement: what would go, what went, what is left.

use serde::Serialize;

use crate::cli::shared::output::{View, count};
use crate::idp::capability::Rule;
use crate::ledger::AccountId;
use crate::ledger::rollout::EnforcementId;
use crate::register::Register;
use crate::register::rollout::RemovedMethod;
use crate::rollout::enforce::{Enforced, EnforcementPlan, PersonEnforced, PersonPlan};

/// A switch that a person sets before anything is removed.
#[derive(Serialize)]
pub(crate) struct Switch<'a> {
    directory: &'a str,
    scope: &'a str,
    group: &'a str,
    policy: &'a str,
    place: &'a str,
}

impl View for Switch<'_> {
    const KIND: &'static str = "enforcement-switch";
}

impl<'a> Switch<'a> {
    /// One of a plan's.
    pub(crate) fn new(plan: &'a EnforcementPlan, group: &'a str, rule: &'a Rule) -> Self {
        let (directory, scope) = (plan.directory.as_str(), plan.scope.as_str());
        Self { directory, scope, group, policy: &rule.policy, place: &rule.place }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        format!("first you switch \"{}\" on for {}, at: {}", self.policy, self.group, self.place)
    }
}

/// What would be done to a person's account, or was.
#[derive(Serialize)]
pub(crate) struct PersonView<'a> {
    directory: &'a str,
    scope: &'a str,
    account: &'a str,
    enforcement: EnforcementId,
    removed: &'a [String],
    sessions_ended: bool,
    left: &'a [String],
    stays: &'a [String],
    open: &'a [String],
}

impl View for PersonView<'_> {
    const KIND: &'static str = "enforced-person";
}

impl<'a> PersonView<'a> {
    /// What came of it.
    pub(crate) fn new(plan: &'a EnforcementPlan, enforced: &'a Enforced, person: &'a PersonEnforced) -> Self {
        Self {
            directory: &plan.directory,
            scope: &plan.scope,
            account: &person.login,
            enforcement: enforced.enforcement,
            removed: &person.removed,
            sessions_ended: person.sessions_ended,
            left: &person.left,
            stays: &person.stays,
            open: &person.open,
        }
    }
}

/// What would be done to a person's account.
#[derive(Serialize)]
pub(crate) struct PlannedPerson<'a> {
    directory: &'a str,
    scope: &'a str,
    account: &'a str,
    remove: Vec<&'a str>,
    stays: Vec<String>,
}

impl View for PlannedPerson<'_> {
    const KIND: &'static str = "planned-enforcement";
}

impl<'a> PlannedPerson<'a> {
    /// One of a plan's.
    pub(crate) fn new(plan: &'a EnforcementPlan, person: &'a PersonPlan) -> Self {
        Self {
            directory: &plan.directory,
            scope: &plan.scope,
            account: &person.user.login,
            remove: person.to_go.iter().map(|method| method.name.as_str()).collect(),
            stays: person.kept.iter().map(|kept| format!("{} until {}", kept.name, kept.until)).collect(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let remove = if self.remove.is_empty() { "nothing".to_owned() } else { self.remove.join(", ") };
        let stays = if self.stays.is_empty() { String::new() } else { format!("; stays: {}", self.stays.join(", ")) };
        format!("{}: would remove {remove}, and end sessions{stays}", self.account)
    }
}

/// The whole of it.
#[derive(Serialize)]
pub(crate) struct EnforcementView<'a> {
    directory: &'a str,
    scope: &'a str,
    dry_run: bool,
    /// `null` in a dry run.
    enforcement: Option<EnforcementId>,
    people: usize,
    /// Methods that are gone, or would go.
    methods: usize,
    /// People with something left.
    open: usize,
    skipped: Vec<SkippedLine<'a>>,
}

#[derive(Serialize)]
struct SkippedLine<'a> {
    account: &'a str,
    why: &'a str,
}

impl View for EnforcementView<'_> {
    const KIND: &'static str = "enforcement";
}

impl<'a> EnforcementView<'a> {
    /// Of a plan, and of what came of it if it was carried out.
    pub(crate) fn new(plan: &'a EnforcementPlan, enforced: Option<&Enforced>, dry_run: bool) -> Self {
        let planned = plan.people.iter().map(|person| person.to_go.len()).sum();
        let people = enforced.map(|enforced| &enforced.people);
        Self {
            directory: &plan.directory,
            scope: &plan.scope,
            dry_run,
            enforcement: enforced.map(|enforced| enforced.enforcement),
            people: plan.people.len(),
            methods: people.map_or(planned, |people| people.iter().map(|person| person.removed.len()).sum()),
            open: people.map_or(0, |people| people.iter().filter(|person| !person.is_clean()).count()),
            skipped: plan.skipped.iter().map(|one| SkippedLine { account: &one.login, why: one.why }).collect(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let (people, methods) =
            (count(self.people, "person", "people"), count(self.methods, "weak method", "weak methods"));
        let mut text = String::new();
        for SkippedLine { account, why } in &self.skipped {
            text.push_str(&format!("{account}: not touched: {why}\n"));
        }
        text.push_str(&match (self.dry_run, self.open) {
            (true, _) => format!("{}: would remove {methods} from {people}\n", self.scope),
            (false, 0) => format!("{}: {people} enforced, {methods} removed, nothing left\n", self.scope),
            (false, open) => {
                let open = count(open, "person", "people");
                format!("{}: {methods} removed from {people}; {open} with something left, see above\n", self.scope)
            }
        });
        text
    }
}

/// A method that was removed.
#[derive(Serialize)]
pub(crate) struct RemovedView<'a> {
    account: &'a str,
    directory: &'a str,
    enforcement: EnforcementId,
    at: &'a str,
    method_kind: &'a str,
    name: &'a str,
}

impl View for RemovedView<'_> {
    const KIND: &'static str = "removed-method";
}

impl<'a> RemovedView<'a> {
    /// One of an account's.
    pub(crate) fn new(register: &'a Register, id: &'a AccountId, removed: &RemovedMethod<'a>) -> Self {
        Self {
            account: register.login(id),
            directory: &id.directory,
            enforcement: removed.enforcement,
            at: removed.at,
            method_kind: &removed.method.kind,
            name: &removed.method.name,
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let at = self.at.get(..16).unwrap_or(self.at).replace('T', " ");
        format!("{at}  {}  {} ({}), {}", self.account, self.name, self.method_kind, self.enforcement)
    }
}
