//! What PingOne's MFA devices are worth.
//!
//! Source: the types of devices in PingOne's documentation of its MFA API; the older ones and WhatsApp as its own form enumerations
//! have them (patrickcping/pingone-go-sdk-v2, management/api/openapi.yaml).

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, class: MethodClass, source: &'static str) -> MethodKind {
    MethodKind { kind, name: kind, class, source }
}

use MethodClass::{Phishable, PhishingResistant, Platform};

const DOCS: &str = "docs: MFA devices";

pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("FIDO2", PhishingResistant, DOCS),
    line("SECURITY_KEY", PhishingResistant, "older than FIDO2 devices"),
    line("PLATFORM", Platform, "older than FIDO2 devices"),
    line("SMS", Phishable, DOCS),
    line("VOICE", Phishable, DOCS),
    line("EMAIL", Phishable, DOCS),
    line("TOTP", Phishable, DOCS),
    line("MOBILE", Phishable, "docs: MFA devices; push and codes of a mobile application"),
    line("OATH_TOKEN", Phishable, DOCS),
    line("WHATSAPP", Phishable, "form enumeration"),
    MethodKind {
        kind: NO_MFA,
        name: "MFA is off for this account, so no key is ever asked for",
        class: Phishable,
        source: "openapi: User.mfaEnabled",
    },
]);

/// The method that an account has whose `mfaEnabled` is false: what is left of its sign-in.
pub(super) const NO_MFA: &str = "mfaEnabled=false";
