//! What a Google account's ways in are worth, by names of our own: the Admin SDK has no list of kinds, but a member or a request for
//! each (`directory/v1` of Google's discovery documents; parameters of the usage report in its documentation).

use crate::idp::capability::methods::{MethodClass, MethodKind, MethodTable};

const fn line(kind: &'static str, name: &'static str, class: MethodClass, source: &'static str) -> MethodKind {
    MethodKind { kind, name, class, source }
}

use MethodClass::{Phishable, PhishingResistant, Recovery};

pub(super) const CLASSES: MethodTable = MethodTable(&[
    line("security-key", "security key", PhishingResistant, "usage report: accounts:num_security_keys"),
    line("passkey", "passkey", PhishingResistant, "usage report: accounts:num_passkeys_enrolled"),
    line("password", "password alone", Phishable, "users: isEnrolledIn2Sv is false"),
    line("app-password", "app password", Phishable, "asps"),
    line("backup-codes", "backup codes", Recovery, "verificationCodes"),
    line("recovery-phone", "recovery phone", Recovery, "users: recoveryPhone"),
    line("recovery-email", "recovery e-mail", Recovery, "users: recoveryEmail"),
]);
