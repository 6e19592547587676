//! What Auth0's authentication methods are worth.
//!
//! Source: `AuthenticationMethodTypeEnum` of auth0/node-auth0 (74170bb, July 2026).

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, class: MethodClass) -> MethodKind {
    MethodKind { kind, name: kind, class, source: "types: AuthenticationMethodTypeEnum" }
}

/// The kind of a sign-in by another IdP, which stands among the identities.
pub(super) const FEDERATED: &str = "federated";

pub(super) const PASSWORD: &str = "password";

pub(super) const CLASSES: MethodTable = MethodTable(&[
    // Bound or synced as `credential_device_type` says.
    line("passkey", MethodClass::PhishingResistant),
    line("webauthn-roaming", MethodClass::PhishingResistant),
    line("webauthn-platform", MethodClass::Platform),
    line(PASSWORD, MethodClass::Phishable),
    line("totp", MethodClass::Phishable),
    line("push", MethodClass::Phishable),
    line("guardian", MethodClass::Phishable),
    line("phone", MethodClass::Phishable),
    line("email", MethodClass::Phishable),
    line("email-verification", MethodClass::Phishable),
    line("recovery-code", MethodClass::Recovery),
    MethodKind {
        kind: FEDERATED,
        name: "another IdP's sign-in",
        // Whatever that asks for.
        class: MethodClass::Unknown,
        source: "types: UserIdentitySchema",
    },
]);
