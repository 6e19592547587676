//! What the practice IdP's methods are worth. An account may be given a method of any name; these are known.
//!
//! Source: `keywright_practice::idp_server::wire::estate::Method`.

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, class: MethodClass) -> MethodKind {
    MethodKind { kind, name: kind, class, source: "wire::estate" }
}

use MethodClass::{Phishable, PhishingResistant, Platform, Recovery};

pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("passkey", PhishingResistant),
    line("windows-hello", Platform),
    line("sms", Phishable),
    line("voice", Phishable),
    line("email", Phishable),
    line("totp", Phishable),
    line("push", Phishable),
    line("questions", Phishable),
    line("app-password", Phishable),
    line("password", Phishable),
    line("recovery-codes", Recovery),
    line("temporary-pass", Recovery),
]);
