//! What keeps registrations at an Okta org from working, or will bite later: rights, the authenticator's settings, and the enrolment
//! policies, which decide whether a registered key is let in at all.
//!
//! What it may not read it says so of, and does not guess.

use ureq::http::Method;

use super::Okta;
use super::wire::{Account, Authenticators, EnrollmentPolicy, MethodSettings};
use crate::idp::capability::told::Told;
use crate::idp::directory::Finding;
use crate::idp::error::DirectoryError;

/// Where the authenticator is set up.
const AUTHENTICATOR: &str = "Security > Authenticators > Passkey (FIDO2 WebAuthn)";

/// Where policies say who may have which authenticator.
const ENROLLMENT: &str = "Security > Authenticators > Enrollment";

pub(super) fn look(okta: &Okta) -> Result<Vec<Finding>, DirectoryError> {
    okta.session.sign_in()?;
    let mut findings = Vec::new();
    let users = okta.session.call(Method::GET, "/api/v1/users").query("limit", "1");
    match okta.send(users, "list of users") {
        Ok(reply) => drop(reply.json::<Vec<Account>>()?),
        Err(DirectoryError::Forbidden { why, .. }) => {
            findings.push(Finding::blocks(format!("users cannot be read: {why}")))
        }
        Err(error) => return Err(error),
    }
    let mut groups = Vec::new();
    match okta.authenticator()? {
        Authenticators::Absent => findings.push(Finding::blocks(
            "Okta has no authenticator for security keys: Security > Authenticators > Add > Passkey (FIDO2 WebAuthn)",
        )),
        Authenticators::Hidden(why) => findings.push(Finding::says(format!(
            "Okta does not tell the authenticator's settings ({why}; scope okta.authenticators.read); credentials are made for {}, \
             which is wrong if Okta has a custom RP ID",
            okta.host
        ))),
        Authenticators::Settings { active, mut settings } => {
            if !active {
                findings.push(Finding::blocks(format!("the authenticator for security keys is not active: {AUTHENTICATOR}")));
            }
            about_settings(okta, &settings, &mut findings)?;
            groups = settings.aaguid_groups.take().unwrap_or_default();
        }
    }
    match okta.enrollment_policies()? {
        Told::Known(policies) => {
            let models = |group: &str| {
                let known = groups.iter().find(|one| one.name == group);
                known.map_or_else(|| group.to_owned(), |known| format!("{group} ({})", known.aaguids.join(", ")))
            };
            findings.extend(about_policies(&policies, models));
        }
        Told::CannotTell(untold) => {
            findings
                .push(Finding::says(format!("{untold}; a key is of no use to people whose policy does not let it in")));
        }
    }
    Ok(findings)
}

fn about_settings(okta: &Okta, settings: &MethodSettings, findings: &mut Vec<Finding>) -> Result<(), DirectoryError> {
    let rp_id = okta.rp_id_of(settings)?;
    if !okta.origin.may_use(&rp_id) {
        findings.push(Finding::blocks(format!(
            "origin: people sign in at {}, where the RP ID {rp_id} is of no use",
            okta.origin
        )));
    }
    if settings.attachment.as_deref() == Some("BUILT_IN") {
        findings.push(Finding::blocks("the authenticator allows built-in authenticators only, not security keys"));
    }
    if settings.cert_based_attestation_validation == Some(true) {
        findings.push(Finding::says("Okta checks attestation: models that it does not know are refused"));
    }
    if settings.allow_syncable_passkeys == Some(true) {
        findings.push(Finding::says(format!(
            "Okta takes passkeys that are copied between devices too; if only security keys are wanted, switch it off: {AUTHENTICATOR}"
        )));
    }
    if settings.user_verification.as_deref() == Some("DISCOURAGED") {
        findings.push(Finding::says("Okta does not ask for the PIN at sign-in (user verification: discouraged)"));
    }
    Ok(())
}

/// An enrolment policy that does not let an authenticator in hides registered ones too.
fn about_policies(policies: &[EnrollmentPolicy], models: impl Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let about = |policy: &EnrollmentPolicy| policy.about("webauthn").map(|told| told.is_allowed());
    let told: Vec<_> = policies.iter().filter_map(|policy| Some((policy, about(policy)?))).collect();
    let nobody = !told.is_empty() && told.iter().all(|(_, allowed)| !allowed);
    for (policy, _) in told.iter().filter(|(_, allowed)| !allowed) {
        let message = format!(
            "enrolment policy \"{}\" does not allow security keys, so its people can neither register nor use one: {ENROLLMENT}",
            policy.name
        );
        findings.push(Finding { blocks: nobody, message });
    }
    for (policy, _) in told.iter().filter(|(_, allowed)| *allowed) {
        let constraints = policy.about("webauthn").and_then(|told| told.constraints.as_ref());
        let groups = constraints.and_then(|constraints| constraints.aaguid_groups.as_deref()).unwrap_or_default();
        if !groups.is_empty() {
            let groups = groups.iter().map(|group| models(group)).collect::<Vec<_>>().join(", ");
            findings.push(Finding::says(format!(
                "enrolment policy \"{}\" takes only models of the groups {groups}; see that yours is in them: {ENROLLMENT}",
                policy.name
            )));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(name: &str, by_oneself: &str, groups: &[&str]) -> EnrollmentPolicy {
        let constraints = json!({ "aaguidGroups": groups });
        let webauthn = json!({ "key": "webauthn", "enroll": { "self": by_oneself }, "constraints": constraints });
        serde_json::from_value(json!({
            "name": name, "status": "ACTIVE", "settings": { "type": "AUTHENTICATORS", "authenticators": [webauthn] },
        }))
        .unwrap()
    }

    #[test]
    fn a_policy_that_shuts_keys_out_is_told_and_blocks_if_it_is_all_there_is() {
        let told = |policies: &[EnrollmentPolicy]| {
            about_policies(policies, str::to_owned)
                .into_iter()
                .map(|finding| (finding.blocks, finding.message))
                .collect::<Vec<_>>()
        };
        let (optional, shut) = (|| policy("Everybody", "OPTIONAL", &[]), || policy("Admins", "NOT_ALLOWED", &[]));
        assert_eq!(told(&[optional(), policy("A", "REQUIRED", &[])]), []);
        let [(false, words)] = &told(&[optional(), shut()])[..] else { panic!("it blocks nobody of the other") };
        assert!(words.contains("\"Admins\" does not allow"), "{words}");
        assert!(matches!(&told(&[shut()])[..], [(true, _)]));
        let [(false, words)] = &told(&[policy("Admins", "REQUIRED", &["Ours"])])[..] else { panic!("it is told") };
        assert!(words.contains("only models of the groups Ours"), "{words}");
        // A policy of the Classic Engine says nothing about authenticators.
        let classic = json!({ "name": "Old", "status": "ACTIVE", "settings": { "factors": {} } });
        assert_eq!(told(&[serde_json::from_value(classic).unwrap()]), []);
    }
}
