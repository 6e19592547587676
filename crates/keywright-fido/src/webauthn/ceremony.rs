//! A registration or a sign-in that an IdP has begun and waits for: what it asks for, where, and until when.
//!
//! Knows no IdP: what only an adapter understands is carried as text. Refuses to judge whether the options can be met.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{CredentialCreationOptions, CredentialRequestOptions, Origin};

/// A registration ceremony (WebAuthn 7.1) on behalf of a user. Its JSON form goes into the ledger, so that another process can
/// complete it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceremony {
    /// The user's stable id at the IdP.
    pub user_id: String,
    /// The object that the IdP made for it, to be removed if the registration is not completed; `None` where it makes none.
    /// It becomes the registration's id when the registration is completed.
    pub pending: Option<String>,
    /// What else the adapter has to tell the IdP to complete it, such as a transaction's id. Only the adapter reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<String>,
    /// What the IdP asks for. `challenge` holds the bytes that client data has to carry.
    pub options: CredentialCreationOptions,
    /// The origin that client data has to name.
    pub origin: Origin,
    /// After this the IdP does not take the credential. RFC 3339 in JSON.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline: OffsetDateTime,
}

/// The longest that a registration is taken to last, whatever the IdP says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Ceremony {
    /// One that begins now, that the IdP made the object `pending` for, and that lasts `options.timeout` milliseconds, or
    /// `default_timeout` milliseconds if the options name none; a day at the most.
    pub fn with_pending_object(
        user_id: String,
        pending: String,
        options: CredentialCreationOptions,
        origin: Origin,
        default_timeout: u64,
    ) -> Self {
        let lasts = Duration::from_millis(options.timeout.unwrap_or(default_timeout)).min(LONGEST);
        let deadline = OffsetDateTime::now_utc() + lasts;
        Self { user_id, pending: Some(pending), continuation: None, options, origin, deadline }
    }
}

/// An authentication ceremony (WebAuthn 7.2). Not worth keeping: after a crash another one is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCeremony {
    /// What the IdP asks for.
    pub options: CredentialRequestOptions,
    /// The origin that client data has to name.
    pub origin: Origin,
    /// What else the adapter has to tell the IdP to finish it. Only the adapter reads it.
    pub continuation: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_lasts_a_day_at_the_most() {
        for (timeout, seconds) in [(u64::MAX, 24 * 60 * 60), (120_000, 120), (0, 0)] {
            let options: CredentialCreationOptions = serde_json::from_value(serde_json::json!({
                "rp": { "id": "example.org", "name": "Example" },
                "user": { "id": "AQID", "name": "ada", "displayName": "Ada" },
                "challenge": "AAECAwQFBgcICQoLDA0ODw", "pubKeyCredParams": [], "timeout": timeout,
            }))
            .unwrap();
            let origin = "https://example.org".parse().unwrap();
            let before = OffsetDateTime::now_utc();
            let ceremony = Ceremony::with_pending_object("u".into(), "p".into(), options, origin, 1);
            let lasts = ceremony.deadline - before;
            assert!((lasts.whole_seconds() - seconds).abs() <= 1, "{timeout}: {lasts}");
        }
    }
}
