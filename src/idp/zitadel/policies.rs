//! What a Zitadel organization lets its people register, sign in with, and get back in by: its login settings
//! (`GET /v2/settings/login`; confirmed by its proto, which leaves out whatever is off).
//!
//! Zitadel has no rule for part of an organization, so a group is an organization here, by its id. It refuses to take another IdP's
//! sign-in for anything but unknown.

use serde::Deserialize;
use serde_json::Value;
use ureq::http::Method;

use super::Zitadel;
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::error::DirectoryError;

const PLACE: &str = "console: Settings > Login Behavior and Security, of the organization or the instance";

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "details")]
    _details: Value,
    settings: Settings,
}

/// `zitadel.settings.v2.LoginSettings`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    allow_username_password: bool,
    allow_external_idp: bool,
    force_mfa: bool,
    force_mfa_local_only: bool,
    /// `PASSKEYS_TYPE_ALLOWED`, `PASSKEYS_TYPE_NOT_ALLOWED`.
    passkeys_type: String,
    hide_password_reset: bool,
    /// `SECOND_FACTOR_TYPE_OTP`, `_U2F`, `_OTP_EMAIL`, `_OTP_SMS`, `_RECOVERY_CODES`.
    second_factors: Vec<String>,
}

impl Settings {
    fn weak_factors(&self) -> Vec<String> {
        let kinds = self.second_factors.iter().map(|kind| kind.trim_start_matches("SECOND_FACTOR_TYPE_"));
        kinds.filter(|kind| !matches!(*kind, "U2F" | "UNSPECIFIED")).map(str::to_owned).collect()
    }

    fn sign_in(&self) -> Admits {
        let mut ways = Vec::new();
        if self.allow_username_password {
            match self.force_mfa || self.force_mfa_local_only {
                true => ways.extend(self.weak_factors()),
                false => ways.push("a password".to_owned()),
            }
        }
        if self.allow_external_idp {
            ways.push("another IdP's sign-in".to_owned());
        }
        match () {
            () if !ways.is_empty() => Admits::Weaker(ways),
            () if self.allow_username_password || self.passkeys_type == "PASSKEYS_TYPE_ALLOWED" => {
                Admits::PhishingResistant
            }
            () => Admits::Nothing,
        }
    }

    fn rules(&self) -> Vec<Rule> {
        let rule = |about, admits| Rule {
            policy: "login settings".into(),
            about,
            state: RuleState::On,
            admits,
            place: PLACE.into(),
            leaves_out: Listing::default(),
        };
        let weak = self.weak_factors();
        let registers = if weak.is_empty() { Admits::PhishingResistant } else { Admits::Weaker(weak) };
        let mut rules = vec![rule(About::Registration, registers), rule(About::SignIn, self.sign_in())];
        if self.allow_username_password && !self.hide_password_reset {
            rules.push(rule(About::Recovery, Admits::Weaker(vec!["password reset by e-mail".into()])));
        }
        rules
    }
}

impl Policies for Zitadel {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        if group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            let why = format!("Zitadel has rules for organizations alone; name one by its id instead of {group}");
            return Err(self.session.idp().refused(why));
        }
        let call = self.call(Method::GET, "/v2/settings/login").query("ctx.orgId", group);
        let asked = self.send(call, &format!("organization {group}")).and_then(|reply| reply.json::<Answer>());
        let told = Told::of_existing(
            "the login settings",
            "the permission policy.read, such as the role Org Owner Viewer has",
            asked,
        )?;
        Ok(Listing::of(told.map(|told| told.settings.rules())))
    }

    fn order(&self) -> RuleOrder {
        RuleOrder::First
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_off() {
        let sign_in = |settings: Value| serde_json::from_value::<Settings>(settings).unwrap().sign_in();
        let passkeys = "PASSKEYS_TYPE_ALLOWED";
        assert_eq!(sign_in(json!({ "passkeysType": passkeys })), Admits::PhishingResistant);
        assert_eq!(sign_in(json!({})), Admits::Nothing);
        let password = json!({ "allowUsernamePassword": true, "passkeysType": passkeys });
        assert_eq!(sign_in(password), Admits::Weaker(vec!["a password".into()]));
        let forced =
            |factors: Value| json!({ "allowUsernamePassword": true, "forceMfa": true, "secondFactors": factors });
        assert_eq!(sign_in(forced(json!(["SECOND_FACTOR_TYPE_U2F"]))), Admits::PhishingResistant);
        assert_eq!(sign_in(forced(json!(["SECOND_FACTOR_TYPE_OTP_SMS"]))), Admits::Weaker(vec!["OTP_SMS".into()]));
        assert!(matches!(sign_in(json!({ "allowExternalIdp": true, "passkeysType": passkeys })), Admits::Weaker(_)));
    }
}
