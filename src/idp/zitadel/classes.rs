//! What Zitadel's methods are worth.
//!
//! Source: `AuthenticationMethodType` of zitadel/zitadel, proto/zitadel/user/v2/user_service.proto (commit 030cccc).

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, class: MethodClass) -> MethodKind {
    MethodKind { kind, name: kind, class, source: "proto: AuthenticationMethodType" }
}

/// Without the `AUTHENTICATION_METHOD_TYPE_` before each.
pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("PASSKEY", MethodClass::PhishingResistant),
    // A security key too, as a second factor.
    line("U2F", MethodClass::PhishingResistant),
    line("PASSWORD", MethodClass::Phishable),
    line("TOTP", MethodClass::Phishable),
    line("OTP_SMS", MethodClass::Phishable),
    line("OTP_EMAIL", MethodClass::Phishable),
    // Another IdP's sign-in, whatever that asks for.
    line("IDP", MethodClass::Unknown),
    line("RECOVERY_CODE", MethodClass::Recovery),
]);
