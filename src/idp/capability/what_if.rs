//! What an IdP itself says of a sign-in that nobody made: its what-if, which Entra calls to evaluate and Okta to simulate.
//!
//! It is a second opinion beside our reading of the rules. It refuses to call a door shut by a rule that the IdP does not say is about
//! this person, and to guess what it says of rules that do not act yet.

use serde::{Deserialize, Serialize};

use super::policies::{About, Admits, Rule, RuleOrder, RuleState};
use super::told::{Listing, Told, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// One sign-in of one person, as the IdP evaluates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// To what and from where, such as `to Payroll`.
    pub sign_in: String,
    /// The rules that act, and that it says are about this sign-in.
    pub rules: Vec<Rule>,
    /// The rules that do not act yet, and that it says would be about it.
    pub prepared: Told<Vec<Rule>>,
}

impl Evaluation {
    /// What opens the door by the rules that act, as they add up here.
    pub fn admits(&self, order: RuleOrder) -> Admits {
        let all = || self.rules.iter().filter(|rule| rule.about == About::SignIn && rule.state == RuleState::On);
        let is = |wanted: &Admits| all().any(|rule| rule.admits == *wanted);
        let untold: Option<&Untold> = all().find_map(|rule| match &rule.admits {
            Admits::CannotTell(untold) => Some(untold),
            _ => None,
        });
        let mut weaker: Vec<String> = Vec::new();
        for rule in all() {
            if let Admits::Weaker(ways) = &rule.admits {
                weaker.extend(ways.iter().cloned());
            }
        }
        if all().next().is_none() {
            return Admits::Weaker(vec!["anything, because no policy is about it".to_owned()]);
        }
        match (order, untold) {
            // One that shuts is enough where each has to be satisfied.
            (RuleOrder::Every, _) if is(&Admits::Nothing) => Admits::Nothing,
            (RuleOrder::Every, _) if is(&Admits::PhishingResistant) => Admits::PhishingResistant,
            _ if !weaker.is_empty() => Admits::Weaker(weaker),
            (_, Some(untold)) => Admits::CannotTell(untold.clone()),
            _ if is(&Admits::PhishingResistant) => Admits::PhishingResistant,
            _ => Admits::Nothing,
        }
    }
}

/// Asking the IdP what a sign-in would come to.
pub trait WhatIf {
    /// A few sign-ins of this person. Nobody is signed in, and nothing is changed.
    fn what_if(&self, user: &User) -> Result<Listing<Evaluation>, DirectoryError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(admits: &[Admits]) -> Evaluation {
        let rule = |admits: &Admits| Rule {
            policy: "P".into(),
            about: About::SignIn,
            state: RuleState::On,
            admits: admits.clone(),
            place: String::new(),
            leaves_out: Listing::default(),
        };
        Evaluation {
            sign_in: "to Payroll".into(),
            rules: admits.iter().map(rule).collect(),
            prepared: Told::Known(Vec::new()),
        }
    }

    #[test]
    fn rules_add_up_as_the_idp_has_them() {
        let (strict, weak) = (Admits::PhishingResistant, Admits::Weaker(vec!["sms".into()]));
        let untold = Admits::CannotTell(Untold::not_offered("what a rule lets in"));
        let both = evaluation(&[weak.clone(), strict.clone(), untold.clone()]);
        assert_eq!((both.admits(RuleOrder::Every), both.admits(RuleOrder::First)), (strict.clone(), weak.clone()));
        assert_eq!(evaluation(&[strict.clone(), untold.clone()]).admits(RuleOrder::First), untold);
        assert_eq!(evaluation(std::slice::from_ref(&strict)).admits(RuleOrder::CannotTell), strict);
        assert_eq!(evaluation(&[weak.clone(), Admits::Nothing]).admits(RuleOrder::Every), Admits::Nothing);
        assert!(matches!(evaluation(&[]).admits(RuleOrder::Every), Admits::Weaker(_)), "no rule is no door");
    }
}
