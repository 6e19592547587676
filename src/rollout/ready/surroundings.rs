//! What an IdP says besides people: the policies of each group, which models it shuts out, and what our account may do. Read, never
//! changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::idp::capability::{
    Application, Capability, Cursor, Evaluation, Listing, Page, Policies, Rights, Rule, RuleOrder, ShutOut, Told,
    Untold, walk,
};
use crate::idp::{Directory, DirectoryError};
use crate::provision::RetryPolicy;
use crate::rollout::inventory::Inventory;
use crate::rollout::plan::{GroupPlan, Plan};
use keywright_fido::webauthn::Aaguid;
use keywright_files::Cancel;

/// What stands around the people of a roll-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The rules about each group of the plan, by the plan's name for it.
    pub policies: BTreeMap<String, Listing<Rule>>,
    /// How the rules of several policies add up.
    pub order: RuleOrder,
    /// Models that are shut out; `None` where the adapter does not read that.
    pub models: Option<Listing<ShutOut>>,
    /// What people sign in to; `None` where the adapter does not read it.
    pub applications: Option<Listing<Application>>,
    /// What the IdP itself says of sign-ins of a few people of each group, by their ids.
    pub what_if: BTreeMap<String, Listing<Evaluation>>,
    /// What our account may do.
    pub rights: Told<Rights>,
    /// Whether it may change accounts of administrators.
    pub over_administrators: Told<bool>,
    /// What the adapter can do.
    pub has: BTreeSet<Capability>,
}

impl Surroundings {
    /// Asks the IdP. `inventory` says which models are in use.
    pub fn read(
        directory: &dyn Directory,
        retry: &RetryPolicy,
        cancel: &Cancel,
        plan: &Plan,
        inventory: &Inventory,
    ) -> Result<Self, DirectoryError> {
        let has = directory.capabilities();
        let mut policies = BTreeMap::new();
        for group in &plan.groups {
            let rules = retry.ask(cancel, || rules_of(has.policies, group))?;
            policies.insert(group.name.clone(), rules);
        }
        let in_use: BTreeSet<Aaguid> =
            inventory.people.iter().flat_map(|entry| &entry.keys).filter_map(|key| key.aaguid).collect();
        let models = match has.models {
            Some(_) if in_use.is_empty() => Some(Listing::default()),
            Some(rules) => {
                match Told::from_answer("rules about models", "", retry.ask(cancel, || rules.shut_out(&in_use)))? {
                    Told::Known(shut) => Some(shut),
                    Told::CannotTell(untold) => Some(Listing::untold(untold)),
                }
            }
            None => None,
        };
        let mut what_if = BTreeMap::new();
        if let Some(asked) = has.what_if {
            let people = plan.groups.iter().flat_map(|group| super::what_if::sample(inventory, &group.name));
            for entry in people {
                let answer = retry.ask(cancel, || asked.what_if(&entry.user));
                let told = Told::from_answer("what the IdP would ask of them", "", answer)?;
                let told = match told {
                    Told::Known(told) => told,
                    Told::CannotTell(untold) => Listing::untold(untold),
                };
                what_if.insert(entry.user.id.clone(), told);
            }
        }
        let rights = match has.rights {
            Some(rights) => Told::from_answer("what our account may do", "", retry.ask(cancel, || rights.rights()))?,
            None => Told::CannotTell(Untold::not_offered("what our account may do")),
        };
        let over = "whether our account may change administrators";
        let over_administrators = match has.rights {
            Some(rights) => match Told::from_answer(over, "", retry.ask(cancel, || rights.over_administrators()))? {
                Told::Known(told) => told,
                Told::CannotTell(untold) => Told::CannotTell(untold),
            },
            None => Told::CannotTell(Untold::not_offered(over)),
        };
        let applications = applications(directory, retry, cancel)?;
        let order = has.policies.map_or(RuleOrder::CannotTell, |policies| policies.order());
        let has = Capability::ALL.into_iter().filter(|one| has.has(*one)).collect();
        Ok(Self { policies, order, models, applications, what_if, rights, over_administrators, has })
    }
}

/// What people sign in to; `None` where the adapter does not read it.
pub fn applications(
    directory: &dyn Directory,
    retry: &RetryPolicy,
    cancel: &Cancel,
) -> Result<Option<Listing<Application>>, DirectoryError> {
    let Some(reads) = directory.capabilities().applications else { return Ok(None) };
    let mut all = Listing::default();
    let fetch = |after: Option<&Cursor>| {
        let page = retry.ask(cancel, || reads.applications(after));
        Ok::<_, DirectoryError>(match Told::from_answer("applications", "", page)? {
            Told::Known(page) => page,
            Told::CannotTell(untold) => Page::only(Listing::untold(untold)),
        })
    };
    walk(directory.name(), fetch, |listing: Listing<Application>| {
        all.extend(listing);
        ControlFlow::Continue(())
    })?;
    Ok(Some(all))
}

fn rules_of(policies: Option<&dyn Policies>, group: &GroupPlan) -> Result<Listing<Rule>, DirectoryError> {
    let Some(policies) = policies else { return Ok(Listing::untold(Untold::not_offered("policies"))) };
    let Some(name) = group.guarded_as() else {
        let what = format!("the policies of {}", group.who);
        let needs = "policy-group in rollout.toml: the group at the IdP that they are about".to_owned();
        return Ok(Listing::untold(Untold { needs, ..Untold::not_offered(what) }));
    };
    Ok(match Told::from_answer("policies", "", policies.of_group(name))? {
        Told::Known(rules) => rules,
        Told::CannotTell(untold) => Listing::untold(untold),
    })
}
