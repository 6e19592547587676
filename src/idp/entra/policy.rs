//! The tenant's policy for passkeys (`fido2AuthenticationMethodConfiguration`), in words.
//!
//! Its older form (`isAttestationEnforced`, `keyRestrictions`) ends on 2027-10-15; the newer one has a list of profiles. Both
//! are read, and what is in neither is not made up.

use serde::Deserialize;

use crate::idp::directory::Finding;

/// Where all of it is changed.
const WHERE: &str = "Entra admin center > Authentication methods > Policies > Passkey (FIDO2)";

/// `fido2AuthenticationMethodConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Policy {
    state: Option<String>,
    is_self_service_registration_allowed: Option<bool>,
    is_attestation_enforced: Option<bool>,
    key_restrictions: Option<KeyRestrictions>,
    passkey_profiles: Option<Vec<PasskeyProfile>>,
    include_targets: Option<Vec<Target>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyRestrictions {
    is_enforced: Option<bool>,
    enforcement_type: Option<String>,
    aa_guids: Option<Vec<Option<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasskeyProfile {
    name: Option<String>,
    attestation_enforcement: Option<String>,
    key_restrictions: Option<KeyRestrictions>,
    /// `deviceBound`, `synced`, or both with a comma.
    passkey_types: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Target {
    id: Option<String>,
}

impl Policy {
    /// What keeps registrations from working, or will.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        match self.state.as_deref() {
            Some("enabled") => {}
            Some(state) => found.push(blocks(format!("passkeys are {state} in this tenant; switch them on: {WHERE}"))),
            None => found.push(says("Entra does not say whether passkeys are enabled".into())),
        }
        match self.is_self_service_registration_allowed {
            Some(true) => {}
            // Graph refuses registrations on behalf of others too while it is off.
            Some(false) => found.push(blocks(format!(
                "\"Allow self-service set up\" is off, and without it Entra refuses every registration, ours too; switch it on: \
                 {WHERE} > Configure"
            ))),
            None => found.push(says("Entra does not say whether \"Allow self-service set up\" is on; it has to be".into())),
        }
        if self.is_attestation_enforced == Some(true) {
            found.push(enforced("attestation is enforced"));
        }
        if let Some(restrictions) = &self.key_restrictions {
            found.extend(restrictions.finding("models are restricted"));
        }
        let profiles = self.passkey_profiles.as_deref().unwrap_or_default();
        for profile in profiles {
            found.extend(profile.findings());
        }
        if !profiles.is_empty() && !profiles.iter().any(PasskeyProfile::takes_security_keys) {
            found.push(blocks(format!(
                "no passkey profile allows device-bound passkeys; change one: {WHERE} > Configure"
            )));
        }
        found.extend(self.targets());
        found
    }

    fn targets(&self) -> Option<Finding> {
        let targets = self.include_targets.as_ref()?;
        let groups: Vec<&str> = targets.iter().filter_map(|target| target.id.as_deref()).collect();
        if groups.is_empty() {
            return Some(blocks(format!("passkeys are enabled for nobody; name users: {WHERE} > Enable and target")));
        }
        let everybody = groups.contains(&"all_users");
        (!everybody).then(|| says(format!("only members of these groups may have passkeys: {}", groups.join(", "))))
    }
}

impl PasskeyProfile {
    fn takes_security_keys(&self) -> bool {
        self.passkey_types.as_deref().is_none_or(|types| types.split(',').any(|one| one.trim() == "deviceBound"))
    }

    fn findings(&self) -> Vec<Finding> {
        let name = format!("passkey profile \"{}\"", self.name.as_deref().unwrap_or("without a name"));
        let attestation = (self.attestation_enforcement.as_deref() == Some("registrationOnly"))
            .then(|| enforced(&format!("{name}: attestation is enforced")));
        let synced =
            (!self.takes_security_keys()).then(|| says(format!("{name}: it does not allow device-bound passkeys")));
        let restricted =
            self.key_restrictions.as_ref().and_then(|keys| keys.finding(&format!("{name}: models are restricted")));
        [attestation, synced, restricted].into_iter().flatten().collect()
    }
}

impl KeyRestrictions {
    fn finding(&self, beginning: &str) -> Option<Finding> {
        if self.is_enforced != Some(true) {
            return None;
        }
        let models: Vec<&str> = self.aa_guids.iter().flatten().flatten().map(String::as_str).collect();
        let models = if models.is_empty() { "no model".to_owned() } else { models.join(", ") };
        Some(match self.enforcement_type.as_deref() {
            Some("allow") => says(format!("{beginning}: only {models} may be registered")),
            Some("block") => says(format!("{beginning}: {models} may not be registered")),
            _ => says(format!("{beginning} in a way that is not known here: {models}; look at {WHERE} > Configure")),
        })
    }
}

fn enforced(beginning: &str) -> Finding {
    says(format!("{beginning}: Entra refuses models that FIDO's metadata does not list, soft keys among them"))
}

fn blocks(message: String) -> Finding {
    Finding { blocks: true, message }
}

fn says(message: String) -> Finding {
    Finding { blocks: false, message }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

    /// Each finding: whether it blocks, and its words.
    fn findings(policy: Value) -> Vec<(bool, String)> {
        let policy: Policy = serde_json::from_value(policy).unwrap();
        policy.findings().into_iter().map(|finding| (finding.blocks, finding.message)).collect()
    }

    fn with(member: &str, value: Value) -> Value {
        let mut policy = json!({
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
            "id": "Fido2", "state": "enabled", "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": false,
            "keyRestrictions": { "isEnforced": false, "enforcementType": "block", "aaGuids": [] },
            "includeTargets": [{ "targetType": "group", "id": "all_users", "isRegistrationRequired": false }],
        });
        policy[member] = value;
        policy
    }

    #[test]
    fn a_policy_that_lets_us_says_nothing() {
        assert_eq!(findings(with("id", json!("Fido2"))), []);
        let profile =
            json!([{ "name": "Default", "attestationEnforcement": "disabled", "passkeyTypes": "deviceBound,synced" }]);
        assert_eq!(findings(with("passkeyProfiles", profile)), []);
    }

    #[test]
    fn each_switch_is_named() {
        let allow = json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [MODEL] });
        let block = json!({ "isEnforced": true, "enforcementType": "block", "aaGuids": [MODEL] });
        let profile = |member: &str, value: Value| json!([{ "name": "Admins", member: value }]);
        for (member, value, blocks, words) in [
            ("state", json!("disabled"), true, "passkeys are disabled"),
            ("state", Value::Null, false, "does not say whether passkeys"),
            ("isSelfServiceRegistrationAllowed", json!(false), true, "Allow self-service set up"),
            ("isSelfServiceRegistrationAllowed", Value::Null, false, "does not say"),
            ("isAttestationEnforced", json!(true), false, "attestation is enforced"),
            ("keyRestrictions", allow.clone(), false, "only 2fc0579f-8113-47ea-b116-bb5a8db9202a may"),
            ("keyRestrictions", block, false, "may not be registered"),
            (
                "passkeyProfiles",
                profile("attestationEnforcement", json!("registrationOnly")),
                false,
                "\"Admins\": attest",
            ),
            (
                "passkeyProfiles",
                profile("keyRestrictions", allow),
                false,
                "\"Admins\": models are restricted: only 2fc",
            ),
            ("passkeyProfiles", profile("passkeyTypes", json!("synced")), true, "no passkey profile allows"),
            ("includeTargets", json!([]), true, "for nobody"),
            (
                "includeTargets",
                json!([{ "id": "9f2c" }]),
                false,
                "only members of these groups may have passkeys: 9f2c",
            ),
        ] {
            let found = findings(with(member, value.clone()));
            let told = found.iter().any(|(is_blocking, message)| *is_blocking == blocks && message.contains(words));
            assert!(told, "{member} {value}: {found:?}");
            assert_eq!(found.iter().any(|(blocking, _)| *blocking), blocks, "{member} {value}: {found:?}");
        }
    }
}
