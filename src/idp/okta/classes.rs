//! What Okta's factors and authenticators are worth.
//!
//! Sources: `spec` is okta/okta-management-openapi-spec, 2026.06.3 (`UserFactorType`, and the keys of authenticators);
//! `AuthenticatorMethodProperty` there has which methods Okta itself calls phishing-resistant.

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, name: &'static str, class: MethodClass, source: &'static str) -> MethodKind {
    MethodKind { kind, name, class, source }
}

use MethodClass::{Phishable, PhishingResistant, Recovery, Unknown};

const FACTOR: &str = "spec: UserFactorType";
const KEY: &str = "spec: AuthenticatorEnrollment key, AuthenticatorKeyEnum";

/// Factor types first, then keys of authenticators.
pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("webauthn", "webauthn", PhishingResistant, FACTOR),
    line("u2f", "u2f", PhishingResistant, FACTOR),
    line("signed_nonce", "Okta FastPass", MethodClass::Platform, "spec: UserFactorType; Okta Verify bound to a device"),
    line("sms", "sms", Phishable, FACTOR),
    line("call", "call", Phishable, FACTOR),
    line("email", "email", Phishable, FACTOR),
    line("question", "question", Phishable, FACTOR),
    line("push", "push", Phishable, FACTOR),
    line("token", "token", Phishable, FACTOR),
    line("token:hardware", "token:hardware", Phishable, FACTOR),
    line("token:hotp", "token:hotp", Phishable, FACTOR),
    line("token:software:totp", "token:software:totp", Phishable, FACTOR),
    line("web", "web", Unknown, "spec: UserFactorType; another product's sign-in, such as Duo's"),
    line("okta_password", "password", Phishable, KEY),
    line("okta_email", "email", Phishable, KEY),
    line("phone_number", "phone", Phishable, KEY),
    line("security_question", "question", Phishable, KEY),
    line("google_otp", "google_otp", Phishable, KEY),
    line("custom_otp", "custom_otp", Phishable, KEY),
    line("onprem_mfa", "onprem_mfa", Phishable, KEY),
    line("rsa_token", "rsa_token", Phishable, KEY),
    line("symantec_vip", "symantec_vip", Phishable, KEY),
    line("yubikey_token", "yubikey_token", Phishable, "spec: key; one-time codes of a YubiKey, not FIDO2"),
    line("custom_app", "custom_app", Phishable, "spec: key; push to an app of the company's own"),
    line("okta_verify", "Okta Verify", Phishable, "spec: key; push and codes together with FastPass"),
    line("duo", "duo", Unknown, KEY),
    line("external_idp", "external_idp", Unknown, KEY),
    line("tac", "temporary access code", Recovery, KEY),
]);

/// Which factor types show that an authenticator's methods were listed one by one.
pub(super) fn factor_types(authenticator: &str) -> &'static [&'static str] {
    match authenticator {
        "okta_email" => &["email"],
        "phone_number" => &["sms", "call"],
        "security_question" => &["question"],
        "okta_verify" => &["push", "signed_nonce", "token:software:totp"],
        "google_otp" => &["token:software:totp"],
        "custom_otp" => &["token:hotp"],
        "yubikey_token" => &["token:hardware"],
        "rsa_token" | "symantec_vip" | "onprem_mfa" => &["token"],
        "duo" | "external_idp" => &["web"],
        _ => &[],
    }
}
