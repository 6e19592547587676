//! What our app may do at Entra: the application permissions that its access token names (`roles`), without asking Graph for each.
//!
//! Microsoft documents the claim for APIs of one's own and asks nobody to read Graph's tokens; where one cannot be read, nothing can
//! be told. Directory roles of the app, which administrators' accounts need, are in `wids`.

use serde::Deserialize;

use super::Entra;
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;

/// A permission, or one of several that are as good, the least first (Graph's permissions reference).
const NEEDED: [(Capability, &[&str]); 19] = [
    (Capability::Registration, &["UserAuthMethod-Passkey.ReadWrite.All", EVERY_METHOD]),
    (Capability::Registration, &["User.Read.All", "User.ReadBasic.All", DIRECTORY]),
    (Capability::People, &["GroupMember.Read.All", "Group.Read.All", DIRECTORY]),
    (Capability::People, &["RoleManagement.Read.Directory", "RoleManagement.Read.All", DIRECTORY]),
    (Capability::People, &["RoleEligibilitySchedule.Read.Directory", "RoleManagement.Read.All"]),
    (Capability::People, &["PrivilegedEligibilitySchedule.Read.AzureADGroup"]),
    (Capability::Methods, &["UserAuthenticationMethod.Read.All", EVERY_METHOD]),
    (Capability::Methods, &["AuditLog.Read.All"]),
    (
        Capability::Passkeys,
        &[
            "UserAuthMethod-Passkey.Read.All",
            "UserAuthMethod-Passkey.ReadWrite.All",
            "UserAuthenticationMethod.Read.All",
            EVERY_METHOD,
        ],
    ),
    (Capability::LastUse, &["AuditLog.Read.All"]),
    (Capability::Policies, &["Policy.Read.AuthenticationMethod", "Policy.Read.All"]),
    (Capability::Policies, &["Policy.Read.ConditionalAccess", "Policy.Read.All"]),
    (Capability::Policies, &["Policy.Read.All"]),
    (Capability::Policies, &["Application.Read.All", DIRECTORY]),
    (Capability::WhatIf, &["Policy.Read.ConditionalAccess", "Policy.Read.All"]),
    (Capability::Removal, &[EVERY_METHOD]),
    (Capability::Suspension, &["User.EnableDisableAccount.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]),
    (Capability::Sessions, &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"]),
    (Capability::Pass, &["UserAuthMethod-TAP.ReadWrite.All", EVERY_METHOD]),
];

const EVERY_METHOD: &str = "UserAuthenticationMethod.ReadWrite.All";
const DIRECTORY: &str = "Directory.Read.All";

/// For each kind of method there is a permission of its own; together they are as good as [`EVERY_METHOD`].
const REMOVALS: [&str; 5] = [
    "UserAuthMethod-Phone.ReadWrite.All",
    "UserAuthMethod-Email.ReadWrite.All",
    "UserAuthMethod-SoftwareOATH.ReadWrite.All",
    "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All",
    "UserAuthMethod-External.ReadWrite.All",
];

/// Directory roles that may change privileged accounts: Global and Privileged Authentication Administrator.
const OVER_ADMINISTRATORS: [&str; 2] = ["62e90394-69f5-4237-9190-012177145e10", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"];

/// An access token's claims.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    roles: Option<Vec<String>>,
    #[serde(default)]
    wids: Option<Vec<String>>,
}

impl Entra {
    fn claims(&self) -> Result<Option<Claims>, DirectoryError> {
        Ok(self.graph.token_claims()?.and_then(|claims| serde_json::from_value(claims).ok()))
    }
}

impl AccountRights for Entra {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let granted = self.claims()?.and_then(|claims| claims.roles);
        let has = |name: &str| granted.as_ref().map(|granted| granted.iter().any(|one| one == name));
        let told = |there: Option<bool>, name: &str| match there {
            Some(there) => Told::Known(there),
            None => Told::CannotTell(Untold::not_offered(format!("whether the app has {name}"))),
        };
        let right = |(capability, names): &(Capability, &[&str])| {
            let name = names.join(" or ");
            let all = || REMOVALS.iter().map(|name| has(name)).collect::<Option<Vec<bool>>>();
            let one = names.iter().map(|name| has(name)).collect::<Option<Vec<bool>>>();
            let there = one.map(|one| one.contains(&true));
            match capability {
                Capability::Removal => {
                    let there = there.zip(all()).map(|(there, all)| there || all.iter().all(|one| *one));
                    let name = format!("{name}, or one for each kind of method");
                    Right { capability: *capability, there: told(there, &name), name }
                }
                _ => Right { capability: *capability, there: told(there, &name), name },
            }
        };
        let needed: Vec<Right> = NEEDED.iter().map(right).collect();
        let known = |name: &&String| {
            NEEDED.iter().any(|(_, names)| names.contains(&name.as_str())) || name.starts_with("UserAuthMethod-")
        };
        let beyond = match &granted {
            Some(granted) => Told::Known(granted.iter().filter(|name| !known(name)).cloned().collect()),
            None => Told::CannotTell(Untold::not_offered("which permissions the app has")),
        };
        Ok(Rights { needed, beyond })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(match self.claims()?.and_then(|claims| claims.wids) {
            Some(held) => Told::Known(held.iter().any(|role| OVER_ADMINISTRATORS.contains(&role.as_str()))),
            None => Told::CannotTell(Untold::not_offered(
                "whether the app has a role of its own, such as Privileged Authentication Administrator",
            )),
        })
    }
}
