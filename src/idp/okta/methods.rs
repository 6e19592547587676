//! The ways in that an Okta account has, from both of Okta's lists.
//!
//! The list of factors leaves out what the person's policy does not ask for, as seen from this machine's network; the
//! enrolments of the Identity Engine have everything. It refuses to take either alone for all.

use ureq::http::Method as HttpMethod;

use super::classes::{CLASSES, factor_types};
use super::wire::{Enrollment, Enrollments, Factor};
use super::{Okta, PENDING, Scope, factors_path, is_absent};
use crate::idp::capability::methods::{Method, Removal, SignInMethods, Usable};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const FACTORS: &str = "the account's factors";
const ENROLLMENTS: &str = "the account's authenticator enrolments";

/// What the list of enrolments needs.
const ENROLLMENTS_NEED: &str =
    "the Identity Engine with its API for authenticator enrolments, and the scope okta.users.read";

impl Okta {
    /// What the Identity Engine has of the user.
    pub(super) fn enrollments(&self, user: &User) -> Result<Told<Vec<Enrollment>>, DirectoryError> {
        let path = format!("/api/v1/users/{}/authenticator-enrollments", segment(&user.id));
        let asked = self.read(Scope::Users, &path, &[], ENROLLMENTS).and_then(|reply| reply.json::<Enrollments>());
        Told::from_answer(ENROLLMENTS, ENROLLMENTS_NEED, asked.map(Enrollments::list))
    }

    /// The factors that the user's policy asks for.
    pub(super) fn factors(&self, user: &User) -> Result<Vec<Factor>, DirectoryError> {
        self.get(&factors_path(&user.id), &format!("user {}", user.login))?.json()
    }
}

impl SignInMethods for Okta {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        // An account that is not there is an error; a list that is refused is not.
        let factors = match self.factors(user) {
            Err(absent @ DirectoryError::NotFound { .. }) => return Err(absent),
            answer => Told::from_answer(FACTORS, "the scope okta.users.read, and an administrator's role", answer)?,
        };
        Ok(merged(factors, self.enrollments(user)?))
    }
}

/// Both lists as one. An enrolment adds a method unless its factors are listed, because then they say more.
fn merged(factors: Told<Vec<Factor>>, enrollments: Told<Vec<Enrollment>>) -> Listing<Method> {
    let mut methods = Listing::default();
    let is_set_up = |factor: &Factor| !matches!(factor.status.as_str(), PENDING | "NOT_SETUP");
    let factors = match factors {
        Told::Known(factors) => factors.into_iter().filter(is_set_up).collect(),
        Told::CannotTell(untold) => {
            methods.untold.push(untold);
            Vec::new()
        }
    };
    methods.found.extend(factors.iter().map(of_factor));
    match enrollments {
        Told::CannotTell(untold) => methods.untold.push(untold),
        Told::Known(enrollments) => {
            let is_told = |enrollment: &Enrollment| {
                let types = factor_types(&enrollment.key);
                factors.iter().any(|factor| {
                    factor.id == enrollment.id
                        || types.contains(&factor.factor_type.as_str()) && is_of(factor, enrollment)
                })
            };
            methods.found.extend(enrollments.iter().filter(|one| !is_told(one)).map(of_enrollment));
        }
    }
    methods
}

/// Codes of Okta Verify and of Google's app have one factor type, and differ in who provides them.
fn is_of(factor: &Factor, enrollment: &Enrollment) -> bool {
    match (factor.factor_type.as_str(), enrollment.key.as_str()) {
        ("token:software:totp", "google_otp") => factor.provider == "GOOGLE",
        ("token:software:totp", "okta_verify") => factor.provider != "GOOGLE",
        _ => true,
    }
}

fn of_factor(factor: &Factor) -> Method {
    let mut method = CLASSES.method(&factor.factor_type, format!("factors/{}", factor.id));
    method.usable = usable(&factor.status);
    if matches!(factor.factor_type.as_str(), "push" | "signed_nonce")
        || factor.factor_type == "token:software:totp" && factor.provider != "GOOGLE"
    {
        method.removal = Removal::WithOthers { which: "every other factor of Okta Verify".into() };
    }
    method
}

/// One that no factor tells of: the person's policy does not ask for it, and it may open another door, such as a recovery.
fn of_enrollment(enrollment: &Enrollment) -> Method {
    let mut method = CLASSES.method(&enrollment.key, format!("authenticator-enrollments/{}", enrollment.id));
    method.usable = usable(&enrollment.status);
    if enrollment.key == "okta_password" {
        let why = "Okta removes a password from no account; make it optional in the enrolment policy and the sign-on policies";
        method.removal = Removal::Impossible { why: why.into() };
    }
    method
}

/// `UserFactorStatus`.
fn usable(status: &str) -> Usable {
    match status {
        "ACTIVE" => Usable::Yes,
        "INACTIVE" | "DISABLED" | "EXPIRED" => Usable::No { why: status.into() },
        _ => Usable::CannotTell,
    }
}

impl MethodRemoval for Okta {
    /// A telephone goes as a way of recovery too. `reset_factors`, which takes security keys as well, is never used.
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.session.idp().refused(why.clone()));
        }
        let (list, id) = match method.id.split_once('/') {
            Some((list @ ("factors" | "authenticator-enrollments"), id)) => (list, id),
            _ => return Err(self.session.idp().refused(format!("{} is no method of Okta's", method.id))),
        };
        let path = format!("/api/v1/users/{}/{list}/{}", segment(&user.id), segment(id));
        let call = self.session.call(HttpMethod::DELETE, &path);
        let call = match method.kind.as_str() {
            "sms" | "call" => call.query("removeRecoveryEnrollment", "true"),
            _ => call,
        };
        let reply = self.session.send(call)?;
        if is_absent(&reply) {
            return Ok(Removed::Gone);
        }
        match self.accepted(reply, "such sign-in method")?.status() {
            204 => Ok(Removed::Gone),
            status => Err(self.session.idp().invalid_response(format!("HTTP {status} to a removal"))),
        }
    }
}
