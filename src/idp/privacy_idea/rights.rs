//! What our administrator may do at privacyIDEA: the rights that its sign-in tells (as run: 3.14). Where no policy is of scope admin it
//! has every right, which is said once.

use super::PrivacyIdea;
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::Told;
use crate::idp::error::DirectoryError;

/// Rights that change nothing by themselves, or that people need to look around.
const READING: [&str; 3] = ["list", "read", "auditlog"];

/// So many rights nobody was given one by one.
const ALL_OF_THEM: usize = 100;

impl AccountRights for PrivacyIdea {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let granted = self.session.sign_in()?.rights;
        let enrol = self.token_type.enroll_right();
        let needed = [
            (Capability::Registration, enrol.as_str()),
            (Capability::Registration, "userlist"),
            (Capability::Registration, "tokenlist"),
            (Capability::Registration, "revoke"),
            (Capability::Registration, "delete"),
            (Capability::People, "userlist"),
            (Capability::Methods, "tokenlist"),
            (Capability::Passkeys, "tokenlist"),
            (Capability::LastUse, "tokenlist"),
            (Capability::LastUse, "auditlog"),
            (Capability::Policies, "policyread"),
            (Capability::Policies, "clienttype"),
            (Capability::WhatIf, "policyread"),
            (Capability::Removal, "delete"),
            (Capability::Pass, "enrollREGISTRATION"),
            (Capability::Pass, "delete"),
        ];
        let has = |name: &str| granted.iter().any(|one| one == name);
        let is_needed = |name: &str| needed.iter().any(|(_, one)| *one == name) || name == "setdescription";
        let reads = |name: &str| READING.iter().any(|part| name.contains(part));
        let mut beyond: Vec<String> = granted.iter().filter(|name| !is_needed(name) && !reads(name)).cloned().collect();
        if beyond.len() > ALL_OF_THEM {
            beyond = vec!["every other right, because no policy is of scope admin".to_owned()];
        }
        let right = |(capability, name): &(Capability, &str)| Right {
            capability: *capability,
            name: format!("right {name}"),
            there: Told::Known(has(name)),
        };
        Ok(Rights { needed: needed.iter().map(right).collect(), beyond: Told::Known(beyond) })
    }

    /// Rights are over people of realms, superusers' too.
    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        let granted = self.session.sign_in()?.rights;
        Ok(Told::Known(["delete", "revoke"].iter().all(|name| granted.iter().any(|one| one == name))))
    }
}
