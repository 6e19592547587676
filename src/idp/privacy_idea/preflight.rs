//! What keeps enrolments from working at a privacyIDEA server, or will bite later: rights, realm, policies, trust anchors.
//!
//! What it may not read it says so of, and does not guess.

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use super::PrivacyIdea;
use super::wire::{Policy, TokenType};
use crate::idp::directory::Finding;
use crate::idp::error::DirectoryError;
use keywright_fido::webauthn::RpId;

pub(super) fn look(server: &PrivacyIdea) -> Result<Vec<Finding>, DirectoryError> {
    let granted = server.session.sign_in()?;
    let mut findings = Vec::new();
    if granted.role != "admin" {
        findings.push(Finding::blocks(
            "our account is a user, not an administrator; name one in username (with @realm if it has one)",
        ));
        return Ok(findings);
    }
    let has = |right: &str| granted.rights.iter().any(|other| other == right);
    for right in [server.token_type.enroll_right().as_str(), "tokenlist", "userlist", "delete", "revoke"] {
        if !has(right) {
            findings.push(Finding::blocks(format!(
                "our account lacks the right {right}; give it (Config > Policies, scope admin)"
            )));
        }
    }
    if server.token_type == TokenType::Passkey && !has("setdescription") {
        findings.push(Finding::says(
            "our account lacks the right setdescription, so keys get no label (Config > Policies, scope admin)",
        ));
    }
    if let Some(realms) = read::<Value>(server, "/realm/", "realms", &mut findings)?
        && !realms
            .as_object()
            .is_some_and(|realms| realms.keys().any(|realm| realm.eq_ignore_ascii_case(&server.realm)))
    {
        findings.push(Finding::blocks(format!("there is no realm {}; see Config > Realms", server.realm)));
    }
    if let Some(policies) = read::<Vec<Policy>>(server, "/policy/", "policies (right policyread)", &mut findings)? {
        let policies: Vec<Policy> = policies.into_iter().filter(|policy| policy.enrols_in(&server.realm)).collect();
        relying_party(server, &policies, &mut findings);
        match server.token_type {
            TokenType::Webauthn => attestation(server, &policies, &mut findings)?,
            TokenType::Passkey => {
                findings.push(Finding::says("tokens of type passkey are taken whatever their attestation and model"))
            }
        }
    }
    Ok(findings)
}

fn relying_party(server: &PrivacyIdea, policies: &[Policy], findings: &mut Vec<Finding>) {
    for action in ["webauthn_relying_party_id", "webauthn_relying_party_name"] {
        if values(policies, action).next().is_none() {
            findings.push(Finding::blocks(format!(
                "no policy sets {action} for this realm (Config > Policies, scope enrollment)"
            )));
        }
    }
    for id in values(policies, "webauthn_relying_party_id") {
        // The server itself would take any origin, and browsers would then not sign in.
        if !id.parse::<RpId>().is_ok_and(|id| server.origin.may_use(&id)) {
            findings.push(Finding::blocks(format!(
                "origin {} does not belong to webauthn_relying_party_id {id}: no browser would use the keys there",
                server.origin
            )));
        }
    }
    for action in ["max_token_per_user", &format!("{}_max_token_per_user", server.token_type.name())] {
        for most in values(policies, action) {
            findings.push(Finding::says(format!("a policy allows {most} tokens for each user ({action})")));
        }
    }
}

fn attestation(server: &PrivacyIdea, policies: &[Policy], findings: &mut Vec<Finding>) -> Result<(), DirectoryError> {
    let level = values(policies, "webauthn_authenticator_attestation_level").next().unwrap_or("untrusted");
    findings.push(Finding::says(format!("attestation level of the server: {level}")));
    let key = "webauthn.trust_anchor_dir";
    if level == "trusted"
        && let Some(folder) = read::<Value>(server, &format!("/system/{key}"), "settings (right configread)", findings)?
        && folder.as_str().is_none_or(str::is_empty)
    {
        findings.push(Finding::blocks(format!(
            "{key} is not set, so no attestation is trusted (Config > System, WebAuthn)"
        )));
    }
    for models in values(policies, "webauthn_authenticator_selection_list") {
        findings.push(Finding::says(format!(
            "only these models are taken (webauthn_authenticator_selection_list): {models}"
        )));
    }
    for demands in values(policies, "webauthn_req") {
        findings
            .push(Finding::says(format!("only certain attestation certificates are taken (webauthn_req): {demands}")));
    }
    Ok(())
}

/// What policies set an action to.
fn values<'a>(policies: &'a [Policy], action: &str) -> impl Iterator<Item = &'a str> {
    policies.iter().filter_map(move |policy| policy.action[action].as_str())
}

/// Reads it; where our account may not, that is a finding.
fn read<V: DeserializeOwned>(
    server: &PrivacyIdea,
    path: &str,
    what: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<V>, DirectoryError> {
    match server.ask(server.call(Method::GET, path), what) {
        Ok(value) => Ok(Some(value)),
        Err(DirectoryError::Forbidden { .. }) => {
            findings.push(Finding::says(format!("our account may not read {what}, so they were not checked")));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
