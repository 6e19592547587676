//! What our worker app may do at PingOne: reading is tried, writing follows from the roles that are assigned to it.
//!
//! What a role lets one do is from PingOne's documentation of its roles, as far as it is known for sure; a custom role, and the rest,
//! cannot be told. Whether it may change accounts that have roles themselves is not documented.

use super::{PingOne, people};
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const IDENTITY: &str = "Identity Data Admin";
const IDENTITY_READING: &str = "Identity Data Admin or Identity Data Read Only";
const POLICIES: &str = "Environment Admin or Configuration Read Only";

/// What reading needs: a role, and a request that is let through with it.
const READING: [(Capability, &str, &str); 7] = [
    (Capability::People, IDENTITY_READING, "/users?limit=1"),
    (Capability::People, IDENTITY_READING, "/groups?limit=1"),
    (Capability::Methods, IDENTITY_READING, "/users?limit=1"),
    (Capability::Passkeys, IDENTITY_READING, "/users?limit=1"),
    (Capability::LastUse, IDENTITY_READING, "/users?limit=1"),
    (Capability::Policies, POLICIES, "/deviceAuthenticationPolicies"),
    (Capability::Policies, POLICIES, "/signOnPolicies"),
];

const WRITING: [Capability; 4] =
    [Capability::Registration, Capability::Removal, Capability::Suspension, Capability::Sessions];

/// Roles that something here needs.
const NEEDED: [&str; 4] = [IDENTITY, "Identity Data Read Only", "Environment Admin", "Configuration Read Only"];

impl AccountRights for PingOne {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let mut needed = Vec::new();
        for (capability, role, path) in READING {
            let name = format!("role {role}");
            let there =
                Told::probed(&format!("whether the app has the {name}"), &name, self.get(path, "such environment"))?;
            needed.push(Right { capability, name, there });
        }
        let asked = || {
            let names = self.role_names()?;
            self.assigned(&format!("/applications/{}", segment(&self.client_id)), &names, "such application")
        };
        let held = Told::from_answer("the app's roles", people::NEEDS, asked())?;
        let held = held.map(|roles| roles.into_iter().map(|role| role.name).collect::<Vec<_>>());
        for capability in WRITING {
            let there = match &held {
                Told::CannotTell(untold) => Told::CannotTell(untold.clone()),
                Told::Known(held) if held.iter().any(|role| role == IDENTITY) => Told::Known(true),
                Told::Known(held) if held.iter().all(|role| NEEDED.contains(&role.as_str())) => Told::Known(false),
                Told::Known(held) => {
                    let what = format!("whether the role {} lets us {}", held.join(", "), capability.words());
                    Told::CannotTell(Untold::not_offered(what))
                }
            };
            needed.push(Right { capability, name: format!("role {IDENTITY}"), there });
        }
        let beyond = held.map(|held| held.into_iter().filter(|role| !NEEDED.contains(&role.as_str())).collect());
        Ok(Rights { needed, beyond })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(Told::CannotTell(Untold::not_offered("whether the app may change accounts that have roles")))
    }
}
