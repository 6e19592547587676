//! What our service account may do at Zitadel: the permissions that it has (`auth/v1/permissions/zitadel/me/_search`; confirmed by its
//! proto). Which permission a request takes is in the proto too, except for sessions, which is seen in documentation only: a session's
//! permission that is not listed cannot be told.

use serde_json::json;

use super::{MyPermissions, Zitadel};
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::told::{Told, Untold};
use crate::idp::error::DirectoryError;

/// A permission, or one of several that are as good.
const NEEDED: [(Capability, &[&str]); 12] = [
    (Capability::Registration, &["user.passkey.write", "user.credential.write"]),
    (Capability::People, &["user.read"]),
    (Capability::People, &["iam.member.read"]),
    (Capability::People, &["org.member.read"]),
    (Capability::Methods, &["user.read"]),
    (Capability::Passkeys, &["user.read"]),
    (Capability::LastUse, &["session.read"]),
    (Capability::Policies, &["policy.read"]),
    (Capability::Policies, &["project.app.read"]),
    (Capability::Removal, &["user.write", "user.credential.write"]),
    (Capability::Suspension, &["user.write"]),
    (Capability::Sessions, &["session.delete"]),
];

impl Zitadel {
    /// What the token may do; permissions of one organization are told like those of all.
    pub(super) fn permissions(&self) -> Result<Vec<String>, DirectoryError> {
        let reply = self.post("/auth/v1/permissions/zitadel/me/_search", &json!({}), "list of permissions")?;
        let granted = reply.json::<MyPermissions>()?.result;
        Ok(granted.into_iter().map(|one| one.split(':').next().unwrap_or_default().to_owned()).collect())
    }
}

impl AccountRights for Zitadel {
    fn rights(&self) -> Result<Rights, DirectoryError> {
        let granted =
            Told::from_answer("what the token may do", "a service account with any role", self.permissions())?;
        let right = |(capability, names): &(Capability, &[&str])| {
            let there = match &granted {
                Told::CannotTell(untold) => Told::CannotTell(untold.clone()),
                Told::Known(granted) if names.iter().any(|name| granted.iter().any(|one| one == name)) => {
                    Told::Known(true)
                }
                Told::Known(_) if names[0].starts_with("session.") => {
                    Told::CannotTell(Untold::not_offered(format!("whether {} is needed and there", names[0])))
                }
                Told::Known(_) => Told::Known(false),
            };
            Right { capability: *capability, name: names.join(" or "), there }
        };
        let needed = NEEDED.iter().map(right).collect();
        let is_needed = |one: &String| NEEDED.iter().any(|(_, names)| names.contains(&one.as_str()));
        let writes = |one: &String| !one.ends_with(".read");
        let beyond = granted.map(|granted| granted.into_iter().filter(|one| writes(one) && !is_needed(one)).collect());
        Ok(Rights { needed, beyond })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(Told::CannotTell(Untold::not_offered("whether the token may change accounts of managers")))
    }
}
