//! What would keep a passkey from being registered at Auth0, or from opening anything afterwards.
//!
//! It refuses to call the RP ID right where the tenant's domains could not be read.

use super::Auth0;
use super::wire::{Connection, CustomDomain};
use crate::idp::capability::Capability;
use crate::idp::capability::rights::{AccountRights as _, Readiness};
use crate::idp::capability::told::Told;
use crate::idp::directory::Finding;
use crate::idp::error::DirectoryError;

const GRANT: &str = "grant it in Applications > APIs > Auth0 Management API > Machine to Machine Applications";

/// Asks what can be asked. No request here changes anything.
pub(super) fn look(auth0: &Auth0) -> Result<Vec<Finding>, DirectoryError> {
    auth0.session.sign_in()?;
    let mut findings = vec![Finding::says(
        "Auth0 looks at nothing that it is given: models are let in by the profile alone, and that a key opens the door shows in its first sign-in ('keywright inventory' has when)",
    )];
    match auth0.rights()?.readiness(Capability::Registration) {
        Readiness::Ready => {}
        Readiness::Lacks(scopes) => {
            findings.push(Finding::blocks(format!("the application lacks {}; {GRANT}", scopes.join(", "))));
        }
        Readiness::CannotTell(untold) => {
            findings.extend(untold.iter().map(|untold| Finding::says(untold.to_string())));
        }
    }
    findings.extend(rp_id(auth0)?);
    findings.extend(connections(auth0)?);
    Ok(findings)
}

fn rp_id(auth0: &Auth0) -> Result<Option<Finding>, DirectoryError> {
    let asked = auth0.get("/custom-domains", "custom domains").and_then(|reply| reply.json::<Vec<CustomDomain>>());
    let mut known = match Told::from_answer("custom domains", "the scope read:custom_domains", asked)? {
        Told::Known(domains) => domains.into_iter().map(CustomDomain::rp_id).collect::<Vec<_>>(),
        Told::CannotTell(untold) => return Ok(Some(Finding::says(untold.to_string()))),
    };
    known.push(auth0.host.clone());
    let is_known = known.iter().any(|domain| domain == auth0.rp_id.as_str());
    let wrong = || {
        let known = known.join(", ");
        Finding::blocks(format!("rp-id {} is no domain that the tenant's passkeys are for: {known}", auth0.rp_id))
    };
    Ok((!is_known).then(wrong))
}

fn connections(auth0: &Auth0) -> Result<Option<Finding>, DirectoryError> {
    let asked = auth0.listed::<Connection>("/connections?strategy=auth0", "connections", "database connections");
    Ok(match Told::from_answer("database connections", "the scope read:connections", asked)? {
        Told::CannotTell(untold) => Some(Finding::says(untold.to_string())),
        Told::Known(all) if all.iter().any(Connection::has_passkeys) => None,
        Told::Known(_) => Some(Finding::blocks(
            "no database connection has passkeys switched on (Authentication > Database > the connection > Authentication Methods)",
        )),
    })
}
