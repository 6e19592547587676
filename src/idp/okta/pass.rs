//! Temporary Access Codes: an authenticator (`tac`) that an org of the Identity Engine may have. Confirmed by Okta's description, where
//! it is in limited availability; an org without it is told so.
//!
//! It refuses to fall back on a temporary password: where a policy demands a key, that opens nothing.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use ureq::http::Method;

use super::wire::Authenticator;
use super::{Okta, is_absent, known};
use crate::idp::capability::methods::Usable;
use crate::idp::capability::pass::{Pass, TemporaryPass, WantedPass};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// The shortest that Okta takes, in minutes.
const SHORTEST: u64 = 10;

/// `TacAuthenticatorEnrollment`.
#[derive(Deserialize)]
struct Enrolled {
    id: String,
    #[serde(default)]
    status: String,
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    tac: SecretString,
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

impl Okta {
    /// The id of the org's authenticator for temporary access codes.
    fn tac(&self) -> Result<String, DirectoryError> {
        let all: Vec<Authenticator> = self.get("/api/v1/authenticators", "list of authenticators")?.json()?;
        let tac = all.into_iter().find(|one| one.key == "tac" && one.status == "ACTIVE");
        tac.map(|one| one.id).ok_or_else(|| {
            self.session.idp().refused(
                "the org has no temporary access codes; add them (Security > Authenticators > Add > Temporary Access Code)",
            )
        })
    }
}

impl TemporaryPass for Okta {
    fn issue(&self, user: &User, wanted: WantedPass) -> Result<Pass, DirectoryError> {
        let minutes = wanted.lifetime.as_secs().div_ceil(60).max(SHORTEST);
        // A number in a text, as Okta describes it.
        let profile = json!({ "ttl": minutes.to_string(), "multiUse": !wanted.once });
        let body = json!({ "authenticatorId": self.tac()?, "profile": profile });
        let path = format!("/api/v1/users/{}/authenticator-enrollments/tac", segment(&user.id));
        let enrolled: Enrolled = self.send(self.session.call(Method::POST, &path).json(&body), &known(user))?.json()?;
        let usable = match enrolled.status.as_str() {
            "ACTIVE" => Usable::Yes,
            _ => Usable::CannotTell,
        };
        Ok(Pass { id: enrolled.id, secret: enrolled.profile.tac, until: enrolled.profile.expires_at, usable })
    }

    fn withdraw(&self, user: &User, pass: &str) -> Result<(), DirectoryError> {
        let path = format!("/api/v1/users/{}/authenticator-enrollments/{}", segment(&user.id), segment(pass));
        let reply = self.session.send(self.session.call(Method::DELETE, &path))?;
        if is_absent(&reply) {
            return Ok(());
        }
        match self.accepted(reply, "such temporary access code")?.status() {
            204 => Ok(()),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }

    fn limits(&self) -> &'static str {
        "a temporary access code of 10 minutes to 10 days, one for each account; it opens nothing where a rule demands phishing \
         resistance"
    }
}
