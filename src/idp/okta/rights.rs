//! What our account may do at an Okta org: reading is tried, writing follows from the roles of the token's account or of the app.
//!
//! Which roles may do what is from Okta's table of standard administrator roles, as far as it is known for sure; a custom role, and
//! what the table was not seen to say, cannot be told.

use super::{Okta, Scope};
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;

/// What reading needs: its scope, and a request that is let through with it.
const READING: [(Capability, Scope, &str, &str); 9] = [
    (Capability::People, Scope::Groups, "okta.groups.read", "/api/v1/groups?limit=1"),
    (Capability::People, Scope::Roles, "okta.roles.read", "/api/v1/iam/assignees/users?limit=1"),
    (Capability::Methods, Scope::Users, "okta.users.read", "/api/v1/users?limit=1"),
    (Capability::Passkeys, Scope::Users, "okta.users.read", "/api/v1/users?limit=1"),
    (Capability::LastUse, Scope::Users, "okta.users.read", "/api/v1/users?limit=1"),
    (Capability::LastUse, Scope::Logs, "okta.logs.read", "/api/v1/logs?limit=1"),
    (Capability::Policies, Scope::Policies, "okta.policies.read", "/api/v1/policies?type=MFA_ENROLL"),
    (Capability::Policies, Scope::Apps, "okta.apps.read", "/api/v1/apps?limit=1"),
    (Capability::WhatIf, Scope::Policies, "okta.policies.read", "/api/v1/policies?type=ACCESS_POLICY"),
];

/// What writing needs: a role, and those that are known to be enough.
const WRITING: [(Capability, &str, &[&str]); 5] = [
    (Capability::Registration, "Help Desk Administrator or more", &["HELP_DESK_ADMIN", "USER_ADMIN"]),
    (Capability::Removal, "Help Desk Administrator or more", &["HELP_DESK_ADMIN", "USER_ADMIN"]),
    (Capability::Suspension, "Group Administrator or more", &["USER_ADMIN"]),
    (Capability::Sessions, "Group Administrator or more", &["USER_ADMIN"]),
    (Capability::Pass, "one with okta.users.credentials.manageTemporaryAccessCode", &[]),
];

/// Roles that may do all of it.
const ALL: [&str; 2] = ["SUPER_ADMIN", "ORG_ADMIN"];

impl AccountRights for Okta {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let mut needed = Vec::new();
        for (capability, scope, name, path) in READING {
            let name = if self.app.is_some() { format!("scope {name}") } else { format!("{name}, by a role") };
            let there = Told::probed(&format!("whether {name} is there"), &name, self.read(scope, path, &[], &name))?;
            needed.push(Right { capability, name, there });
        }
        let held = self.own_roles()?;
        for (capability, role, enough) in WRITING {
            let there = match &held {
                Told::CannotTell(untold) => Told::CannotTell(untold.clone()),
                Told::Known(held) if held.is_empty() => Told::Known(false),
                Told::Known(held)
                    if held.iter().any(|one| ALL.contains(&&*one.kind) || enough.contains(&&*one.kind)) =>
                {
                    Told::Known(true)
                }
                Told::Known(held) => Told::CannotTell(Self::of_the_role(capability.words(), held)),
            };
            needed.push(Right { capability, name: format!("role {role}"), there });
        }
        let beyond = Told::CannotTell(Untold::not_offered("which scopes and permissions it has besides"));
        Ok(Rights { needed, beyond })
    }

    /// Administrators are changed by super administrators alone.
    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(match self.own_roles()? {
            Told::Known(held) if held.iter().any(|one| one.kind == "SUPER_ADMIN") => Told::Known(true),
            Told::Known(held) if held.iter().any(|one| one.kind == "CUSTOM") => {
                Told::CannotTell(Self::of_the_role("change administrators", &held))
            }
            Told::Known(_) => Told::Known(false),
            Told::CannotTell(untold) => Told::CannotTell(untold),
        })
    }
}
