//! The tenant's policy for passkeys (`fido2AuthenticationMethodConfiguration`), in words.
//!
//! Its older form (`isAttestationEnforced`, `keyRestrictions`) ends on 2027-10-15; the newer one has a list of profiles, each for
//! some groups. Where there are profiles, they are what is in force. What is in neither form is not made up.
//!
//! Restrictions of models act at sign-in too: a model that is taken off shuts out the people who hold it. So do excluded groups,
//! whatever includes them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::idp::capability::models::ShutOut;
use crate::idp::directory::Finding;
use keywright_fido::webauthn::Aaguid;

/// Where all of it is changed.
const WHERE: &str = "Entra admin center > Authentication methods > Policies > Passkey (FIDO2)";

/// The group that everybody is in.
const EVERYBODY: &str = "all_users";

/// `fido2AuthenticationMethodConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Policy {
    state: Option<String>,
    is_self_service_registration_allowed: Option<bool>,
    is_attestation_enforced: Option<bool>,
    key_restrictions: Option<KeyRestrictions>,
    default_passkey_profile: Option<String>,
    passkey_profiles: Option<Vec<PasskeyProfile>>,
    include_targets: Option<Vec<Target>>,
    exclude_targets: Option<Vec<Target>>,
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
    id: Option<String>,
    name: Option<String>,
    attestation_enforcement: Option<String>,
    key_restrictions: Option<KeyRestrictions>,
    /// `deviceBound`, `synced`, or both with a comma.
    passkey_types: Option<String>,
}

/// `passkeyAuthenticationMethodTarget`, `excludeTarget`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    id: Option<String>,
    /// Ids of profiles; of none: the default one.
    allowed_passkey_profiles: Option<Vec<String>>,
}

impl Policy {
    /// What keeps registrations from working, or will.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        match self.state.as_deref() {
            Some("enabled") => {}
            Some(state) => {
                found.push(Finding::blocks(format!("passkeys are {state} in this tenant; switch them on: {WHERE}")))
            }
            None => found.push(Finding::says("Entra does not say whether passkeys are enabled")),
        }
        match self.is_self_service_registration_allowed {
            Some(true) => {}
            // Graph refuses registrations on behalf of others too while it is off.
            Some(false) => found.push(Finding::blocks(format!(
                "\"Allow self-service set up\" is off, and without it Entra refuses every registration, ours too; switch it on: \
                 {WHERE} > Configure"
            ))),
            None => found.push(Finding::says("Entra does not say whether \"Allow self-service set up\" is on; it has to be")),
        }
        let profiles = self.profiles();
        if profiles.is_empty() {
            if self.is_attestation_enforced == Some(true) {
                found.push(enforced("attestation is enforced"));
            }
            if let Some(restrictions) = &self.key_restrictions {
                found.extend(restrictions.finding("models are restricted"));
            }
        }
        for profile in profiles {
            found.extend(profile.findings());
        }
        if !profiles.is_empty() && !profiles.iter().any(PasskeyProfile::takes_security_keys) {
            found.push(Finding::blocks(format!(
                "no passkey profile allows device-bound passkeys; change one: {WHERE} > Configure"
            )));
        }
        found.extend(self.targets());
        found.extend(self.excluded());
        found
    }

    /// Which of these models do not sign in, by which restriction.
    pub(super) fn shut_out(&self, models: &BTreeSet<Aaguid>) -> Vec<ShutOut> {
        let by = |restrictions: &KeyRestrictions, rule: String| {
            let shut = models.iter().filter(|model| !restrictions.lets_in(**model));
            let shut = shut.map(|model| ShutOut {
                model: *model,
                rule: rule.clone(),
                at_sign_in: true,
                place: format!("{WHERE} > Configure"),
            });
            shut.collect::<Vec<_>>()
        };
        if self.profiles().is_empty() {
            return self.key_restrictions.iter().flat_map(|keys| by(keys, "key restrictions".into())).collect();
        }
        let profiles = self.profiles().iter().filter_map(|profile| {
            let rule = format!("{}, for {}", profile.called(), self.people_of(profile));
            Some(by(profile.key_restrictions.as_ref()?, rule))
        });
        profiles.flatten().collect()
    }

    fn profiles(&self) -> &[PasskeyProfile] {
        self.passkey_profiles.as_deref().unwrap_or_default()
    }

    /// The profiles of a target; `None` if it names some that are not listed.
    fn profiles_of(&self, target: &Target) -> Option<Vec<&PasskeyProfile>> {
        let named = target.allowed_passkey_profiles.as_deref().unwrap_or_default();
        let default = self.default_passkey_profile.as_ref();
        let named: Vec<&String> = if named.is_empty() { default.into_iter().collect() } else { named.iter().collect() };
        named.into_iter().map(|id| self.profiles().iter().find(|one| one.id.as_ref() == Some(id))).collect()
    }

    /// Whom a profile is for, in words.
    fn people_of(&self, profile: &PasskeyProfile) -> String {
        let has = |target: &&Target| {
            self.profiles_of(target).is_some_and(|all| all.iter().any(|one| std::ptr::eq(*one, profile)))
        };
        let targets = self.include_targets.as_deref().unwrap_or_default().iter().filter(has);
        let groups: Vec<&str> = targets.filter_map(|target| target.id.as_deref()).collect();
        match groups.as_slice() {
            [] => "no group that is named".into(),
            groups if groups.contains(&EVERYBODY) => "everybody".into(),
            groups => format!("group {}", groups.join(", ")),
        }
    }

    fn targets(&self) -> Vec<Finding> {
        let Some(targets) = self.include_targets.as_ref() else { return Vec::new() };
        let groups: Vec<&str> = targets.iter().filter_map(|target| target.id.as_deref()).collect();
        if groups.is_empty() {
            return vec![Finding::blocks(format!(
                "passkeys are enabled for nobody; name users: {WHERE} > Enable and target"
            ))];
        }
        let mut found = Vec::new();
        if !groups.contains(&EVERYBODY) {
            found.push(Finding::says(format!("only members of these groups may have passkeys: {}", groups.join(", "))));
        }
        // Which profile a person gets who is in several groups is Entra's to say.
        for target in targets {
            let shut = self
                .profiles_of(target)
                .is_some_and(|profiles| !profiles.is_empty() && !profiles.iter().any(|one| one.takes_security_keys()));
            if shut {
                let group = target.id.as_deref().unwrap_or_default();
                found.push(Finding::says(format!(
                    "group {group} has only passkey profiles without device-bound passkeys, so its people cannot have security keys: \
                     {WHERE} > Enable and target"
                )));
            }
        }
        found
    }

    fn excluded(&self) -> Option<Finding> {
        let groups = self.exclude_targets.iter().flatten().filter_map(|target| target.id.as_deref());
        let groups: Vec<&str> = groups.collect();
        if groups.is_empty() {
            return None;
        }
        let blocks = groups.contains(&EVERYBODY);
        let message = format!(
            "members of these groups can neither register passkeys nor sign in with them, whatever else they are in: {}; \
             {WHERE} > Enable and target > Exclude",
            groups.join(", ")
        );
        Some(Finding { blocks, message })
    }
}

impl PasskeyProfile {
    fn called(&self) -> String {
        format!("passkey profile \"{}\"", self.name.as_deref().unwrap_or("without a name"))
    }

    fn takes_security_keys(&self) -> bool {
        self.passkey_types.as_deref().is_none_or(|types| types.split(',').any(|one| one.trim() == "deviceBound"))
    }

    fn findings(&self) -> Vec<Finding> {
        let name = self.called();
        let attestation = (self.attestation_enforcement.as_deref() == Some("registrationOnly"))
            .then(|| enforced(&format!("{name}: attestation is enforced")));
        let synced = (!self.takes_security_keys())
            .then(|| Finding::says(format!("{name}: it does not allow device-bound passkeys")));
        let restricted =
            self.key_restrictions.as_ref().and_then(|keys| keys.finding(&format!("{name}: models are restricted")));
        [attestation, synced, restricted].into_iter().flatten().collect()
    }
}

impl KeyRestrictions {
    /// Whether keys of this model may be registered and sign in, as far as is known.
    fn lets_in(&self, model: Aaguid) -> bool {
        if self.is_enforced != Some(true) {
            return true;
        }
        let named = self.aa_guids.iter().flatten().flatten().any(|aaguid| aaguid.parse() == Ok(model));
        match self.enforcement_type.as_deref() {
            Some("allow") => named,
            Some("block") => !named,
            _ => true,
        }
    }

    fn finding(&self, beginning: &str) -> Option<Finding> {
        if self.is_enforced != Some(true) {
            return None;
        }
        let models: Vec<&str> = self.aa_guids.iter().flatten().flatten().map(String::as_str).collect();
        let models = if models.is_empty() { "no model".to_owned() } else { models.join(", ") };
        Some(match self.enforcement_type.as_deref() {
            Some("allow") => Finding::says(format!("{beginning}: only {models} may be registered, and sign in")),
            Some("block") => Finding::says(format!(
                "{beginning}: {models} may not be registered, and keys of theirs that are registered do not sign in"
            )),
            _ => Finding::says(format!(
                "{beginning} in a way that is not known here: {models}; look at {WHERE} > Configure"
            )),
        })
    }
}

fn enforced(beginning: &str) -> Finding {
    Finding::says(format!("{beginning}: Entra refuses models that FIDO's metadata does not list, soft keys among them"))
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
            (
                "keyRestrictions",
                block,
                false,
                "may not be registered, and keys of theirs that are registered do not sign in",
            ),
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
            ("excludeTargets", json!([{ "targetType": "group", "id": "7a1e" }]), false, "nor sign in with them"),
            ("excludeTargets", json!([{ "targetType": "group", "id": "all_users" }]), true, "nor sign in with them"),
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

    /// Two profiles for two groups, as of the Graph documentation's example; the older members are there as they were.
    fn with_profiles() -> Policy {
        let mut policy = with("isAttestationEnforced", json!(true));
        policy["keyRestrictions"] = json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [] });
        let allow = json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [MODEL] });
        let off = json!({ "isEnforced": false, "enforcementType": "allow", "aaGuids": [] });
        policy["defaultPasskeyProfile"] = json!("p-synced");
        policy["passkeyProfiles"] = json!([
            { "id": "p-keys", "name": "Keys", "passkeyTypes": "deviceBound", "attestationEnforcement": "disabled", "keyRestrictions": allow },
            { "id": "p-synced", "name": "Phones", "passkeyTypes": "synced", "attestationEnforcement": "disabled", "keyRestrictions": off },
        ]);
        policy["includeTargets"] = json!([
            { "targetType": "group", "id": "admins", "allowedPasskeyProfiles": ["p-keys"] },
            { "targetType": "group", "id": "all_users", "allowedPasskeyProfiles": [] },
        ]);
        serde_json::from_value(policy).unwrap()
    }

    #[test]
    fn profiles_take_the_place_of_the_older_form_and_are_told_by_group() {
        let found = with_profiles().findings();
        let told = |words: &str| found.iter().filter(|one| one.message.contains(words)).count();
        assert_eq!(told("attestation is enforced"), 0, "{found:?}");
        assert_eq!(told("\"Keys\": models are restricted: only 2fc"), 1, "{found:?}");
        assert_eq!(told("group all_users has only passkey profiles without"), 1, "{found:?}");
        assert_eq!(told("group admins has"), 0, "{found:?}");
        assert!(found.iter().all(|one| !one.blocks), "{found:?}");
    }

    #[test]
    fn a_model_that_a_restriction_leaves_out_is_told_with_its_people() {
        let known: Aaguid = MODEL.parse().unwrap();
        let other: Aaguid = "c5ef55ff-ad9a-4b9f-b580-adebafe026d0".parse().unwrap();
        let models = BTreeSet::from([known, other]);
        let [shut] = with_profiles().shut_out(&models).try_into().unwrap();
        assert_eq!((shut.model, shut.at_sign_in), (other, true));
        assert!(shut.rule.contains("\"Keys\", for group admins"), "{shut:?}");
        let block = json!({ "isEnforced": true, "enforcementType": "block", "aaGuids": [MODEL.to_uppercase()] });
        let policy: Policy = serde_json::from_value(with("keyRestrictions", block)).unwrap();
        let [shut] = policy.shut_out(&models).try_into().unwrap();
        assert_eq!(shut.model, known);
        assert_eq!(serde_json::from_value::<Policy>(with("id", json!("Fido2"))).unwrap().shut_out(&models), []);
    }
}
