//! What privacyIDEA's token types are worth.
//!
//! Source: the token classes of privacyidea/privacyidea, `lib/tokens/*token.py` (commit 5541000, after 3.13).

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, class: MethodClass) -> MethodKind {
    MethodKind { kind, name: kind, class, source: "source: lib/tokens" }
}

use MethodClass::{Phishable, PhishingResistant, Recovery, Unknown};

pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("webauthn", PhishingResistant),
    line("passkey", PhishingResistant),
    line("u2f", PhishingResistant),
    line("certificate", PhishingResistant),
    line("hotp", Phishable),
    line("totp", Phishable),
    line("daypassword", Phishable),
    line("sms", Phishable),
    line("email", Phishable),
    line("push", Phishable),
    // A password.
    line("pw", Phishable),
    // Opens whatever is typed.
    line("spass", Phishable),
    line("paper", Phishable),
    line("tan", Phishable),
    line("question", Phishable),
    line("indexedsecret", Phishable),
    line("4eyes", Phishable),
    line("motp", Phishable),
    line("tiqr", Phishable),
    line("ocra", Phishable),
    line("daplug", Phishable),
    line("vasco", Phishable),
    // One-time codes of a YubiKey, not FIDO2.
    line("yubico", Phishable),
    line("yubikey", Phishable),
    line("applspec", Phishable),
    // Another server decides.
    line("remote", Unknown),
    line("radius", Unknown),
    line("registration", Recovery),
]);

/// Types that open no door.
pub(super) const NO_SIGN_IN: [&str; 1] = ["sshkey"];
