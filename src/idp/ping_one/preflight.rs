//! What keeps registrations at PingOne from working, or will bite later: rights, the MFA policy that the settings name, and the policy
//! for FIDO that is in force in it.
//!
//! What it may not read it says so of, and does not guess.

use std::collections::BTreeSet;

use ureq::http::Method;

use super::PingOne;
use super::wire::{DevicePolicy, Fido2Policies, Fido2Policy, MdsRequirements, Users};
use crate::idp::capability::models::{ModelRules, ShutOut};
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::directory::Finding;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;
use keywright_fido::webauthn::Aaguid;

const MFA: &str = "Authentication > MFA";
const FIDO: &str = "Authentication > FIDO";

/// What reading policies needs.
const NEEDS: &str = "the role Environment Admin or Configuration Read Only";

pub(super) fn look(ping: &PingOne) -> Result<Vec<Finding>, DirectoryError> {
    ping.session.sign_in()?;
    let mut findings = Vec::new();
    match ping.send(ping.call(Method::GET, "/users").query("limit", "1"), "such environment") {
        Ok(reply) => drop(reply.json::<Users>()?),
        Err(DirectoryError::Forbidden { why, .. }) => {
            findings.push(Finding::blocks(format!("users cannot be read: {why}")))
        }
        Err(error) => return Err(error),
    }
    let named = ping.device_policy()?;
    if let Told::Known(policy) = &named {
        findings.extend(about_devices(policy));
    }
    match (named, ping.fido2_policies()?) {
        (Told::Known(policy), Told::Known(policies)) => match in_force(&policy, &policies) {
            Some(fido2) => findings.extend(about_fido2(ping, fido2)),
            None => findings
                .push(Finding::says(format!("no policy for FIDO is in force in MFA policy {} ({FIDO})", policy.name))),
        },
        (named, policies) => {
            let untold = [named.untold(), policies.untold()].into_iter().flatten();
            findings.extend(untold.map(|untold| Finding::says(untold.to_string())));
        }
    }
    Ok(findings)
}

/// The policy for FIDO that an MFA policy uses: its own, or the environment's default.
fn in_force<'a>(policy: &DevicePolicy, policies: &'a [Fido2Policy]) -> Option<&'a Fido2Policy> {
    match policy.fido2.as_ref().and_then(|fido2| fido2.fido2_policy_id.as_deref()) {
        Some(id) => policies.iter().find(|one| one.id == id),
        None => policies.iter().find(|one| one.default),
    }
}

fn about_devices(policy: &DevicePolicy) -> Option<Finding> {
    let name = &policy.name;
    match &policy.fido2 {
        Some(fido2) if fido2.enabled && fido2.pairing_disabled => Some(Finding::says(format!(
            "MFA policy {name} lets in FIDO2 devices that are registered and no new ones (pairing is off): {MFA}"
        ))),
        Some(fido2) if fido2.enabled => None,
        _ => Some(Finding::blocks(format!("MFA policy {name} does not have FIDO2 switched on: {MFA}"))),
    }
}

fn about_fido2(ping: &PingOne, policy: &Fido2Policy) -> Vec<Finding> {
    let name = &policy.name;
    let mut found = Vec::new();
    if policy.relying_party_id.as_deref() != Some(ping.rp_id.as_str()) {
        let theirs = policy.relying_party_id.as_deref().unwrap_or("none");
        found.push(Finding::says(format!(
            "rp-id: the policy for FIDO that is in force, {name}, has {theirs}, not {} ({FIDO})",
            ping.rp_id
        )));
    }
    if policy.authenticator_attachment.as_deref() == Some("PLATFORM") {
        found.push(Finding::blocks(format!(
            "policy {name} takes only what is built into a device (authenticator attachment: platform), so every security key is \
             refused: {FIDO}"
        )));
    }
    found.extend(policy.mds_authenticators_requirements.as_ref().and_then(|models| about_models(name, models)));
    if policy.backup_eligibility.as_ref().is_some_and(|backup| backup.allow) {
        found.push(Finding::says(format!(
            "policy {name} takes passkeys that are copied between devices too; if only security keys are wanted, switch it off: {FIDO}"
        )));
    }
    if policy.discoverable_credentials.as_deref() == Some("DISCOURAGED") {
        found.push(Finding::says(format!("policy {name} does not ask for credentials on the key")));
    }
    found
}

fn about_models(name: &str, models: &MdsRequirements) -> Option<Finding> {
    let which = match models.option.as_str() {
        "" | "NONE" | "AUDIT_ONLY" => return None,
        "GLOBAL" => "models that FIDO's metadata lists".to_owned(),
        "CERTIFIED" => "models that FIDO has certified".to_owned(),
        "SPECIFIC" => {
            let ids = models.allowed_authenticators.iter().map(|one| one.id.as_str()).collect::<Vec<_>>();
            format!("these models: {}", if ids.is_empty() { "none".to_owned() } else { ids.join(", ") })
        }
        other => format!("some models ({other}, which is not known here)"),
    };
    let when = match models.enforce_during_authentication {
        true => "may be registered, and sign in",
        false => "may be registered",
    };
    Some(Finding::says(format!("policy {name}: only {which} {when}: {FIDO}")))
}

impl PingOne {
    /// The MFA policy that the settings name.
    fn device_policy(&self) -> Result<Told<DevicePolicy>, DirectoryError> {
        let what = "the MFA policy of the settings";
        let asked = self.get(&format!("/deviceAuthenticationPolicies/{}", segment(&self.policy)), what);
        Told::from_answer(what, NEEDS, asked.and_then(|reply| reply.json()))
    }

    fn fido2_policies(&self) -> Result<Told<Vec<Fido2Policy>>, DirectoryError> {
        let what = "the policies for FIDO";
        let asked = self.get("/fido2Policies", what).and_then(|reply| reply.json::<Fido2Policies>());
        Told::from_answer(what, NEEDS, asked.map(|list| list.embedded.fido2_policies))
    }
}

/// Whether the policy for FIDO that is in force lets no synced passkey in, at sign-in either.
pub(super) fn refuses_synced(ping: &PingOne) -> Result<Told<bool>, DirectoryError> {
    Ok(match (ping.device_policy()?, ping.fido2_policies()?) {
        (Told::Known(policy), Told::Known(policies)) => {
            let backup = in_force(&policy, &policies).and_then(|fido2| fido2.backup_eligibility.as_ref());
            Told::Known(backup.is_some_and(|backup| !backup.allow && backup.enforce_during_authentication))
        }
        (Told::CannotTell(untold), _) | (_, Told::CannotTell(untold)) => Told::CannotTell(untold),
    })
}

impl ModelRules for PingOne {
    fn shut_out(&self, models: &BTreeSet<Aaguid>) -> Result<Listing<ShutOut>, DirectoryError> {
        let mut shut = Listing::default();
        let (named, policies) = match (self.device_policy()?, self.fido2_policies()?) {
            (Told::Known(named), Told::Known(policies)) => (named, policies),
            (named, policies) => {
                shut.untold.extend([named.untold(), policies.untold()].into_iter().flatten());
                return Ok(shut);
            }
        };
        let Some(policy) = in_force(&named, &policies) else { return Ok(shut) };
        match policy.mds_authenticators_requirements.as_ref() {
            Some(rule) if rule.option == "SPECIFIC" => {
                let allowed: Vec<Result<Aaguid, _>> =
                    rule.allowed_authenticators.iter().map(|one| one.id.parse::<Aaguid>()).collect();
                if allowed.iter().any(Result::is_err) {
                    shut.untold
                        .push(Untold::not_offered(format!("which models policy {} lets in by other ids", policy.name)));
                    return Ok(shut);
                }
                let shuts = |model: &&Aaguid| !allowed.iter().flatten().any(|allowed| allowed == *model);
                shut.found.extend(models.iter().filter(shuts).map(|model| ShutOut {
                    model: *model,
                    rule: format!("policy {} for FIDO, for everybody under MFA policy {}", policy.name, named.name),
                    at_sign_in: rule.enforce_during_authentication,
                    place: FIDO.into(),
                }));
            }
            Some(rule) if matches!(rule.option.as_str(), "GLOBAL" | "CERTIFIED") => {
                let what = format!("which models policy {} lets in by FIDO's metadata ({})", policy.name, rule.option);
                shut.untold.push(Untold::not_offered(what));
            }
            _ => {}
        }
        Ok(shut)
    }
}
