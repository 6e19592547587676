//! The ways in that an Entra account has, and the report over all accounts.
//!
//! v1.0 lists no security questions, app passwords and hardware tokens of a person; only the report knows them, and it lags. It
//! refuses to take the report for what is there now where Graph lists it: a method that was removed stays in the report for a
//! while.

use serde::Deserialize;
use time::OffsetDateTime;
use ureq::http::Method as HttpMethod;

use super::classes::{CLASSES, IN_THE_REPORT_ALONE, REPORTED, list};
use super::graph::{Permission, untold};
use super::{Entra, known, wire};
use crate::idp::capability::methods::{Method, MethodClass, Removal, Reported, SignInMethods, Usable};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Cursor, Listing, Page, Told, Untold, WhyUntold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

/// The report over all accounts.
const REPORT: &str = "/v1.0/reports/authenticationMethods/userRegistrationDetails";

/// What is in no list of v1.0.
const UNLISTED: &str = "security questions, app passwords and hardware tokens";

/// `userRegistrationDetails`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    id: String,
    #[serde(default)]
    user_principal_name: String,
    is_admin: Option<bool>,
    #[serde(default)]
    methods_registered: Vec<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_updated_date_time: Option<OffsetDateTime>,
}

impl Entra {
    /// What Graph lists of a person.
    fn listed(&self, user: &User) -> Result<Vec<wire::Method>, DirectoryError> {
        let path = format!("/v1.0/users/{}/authentication/methods", segment(&user.id));
        self.graph.collection(&path, &known(user), Permission::READ_METHODS)
    }

    /// Kinds of which only the report knows, as of its last update.
    fn unlisted(&self, user: &User) -> Result<Told<Vec<Method>>, DirectoryError> {
        let path = format!("{REPORT}/{}", segment(&user.id));
        let asked = self.graph.send(self.graph.call(HttpMethod::GET, &path), UNLISTED, Permission::REPORT);
        let details: Details = match asked {
            Ok(reply) => reply.json()?,
            // An account that is new is not in it yet.
            Err(DirectoryError::NotFound { .. }) => {
                let why = WhyUntold::Lags(None);
                return Ok(Told::CannotTell(Untold { what: UNLISTED.into(), why, needs: String::new() }));
            }
            Err(error) => return untold(UNLISTED, Permission::REPORT, error).map(Told::CannotTell),
        };
        let alone = details.methods_registered.iter().filter(|kind| IN_THE_REPORT_ALONE.contains(&kind.as_str()));
        Ok(Told::Known(alone.map(|kind| reported(kind)).collect()))
    }
}

/// A method that the report names.
fn reported(kind: &str) -> Method {
    let why =
        "Graph has no request for it; the person removes it at aka.ms/mysecurityinfo, or a policy switches it off";
    Method {
        usable: Usable::CannotTell,
        removal: Removal::Impossible { why: why.into() },
        ..REPORTED.method(kind, kind)
    }
}

/// A method that Graph lists.
fn of_graph(told: &wire::Method) -> Method {
    let kind = told.kind();
    let id = told.id.as_deref().unwrap_or_default();
    let mut method = match list(kind) {
        Some((list, _)) => CLASSES.method(kind, format!("{list}/{id}")),
        None => CLASSES.method(kind, kind),
    };
    match kind {
        "phone" => {
            if let Some(which) = &told.phone_type {
                method.name = format!("phone ({which})");
            }
            // The mobile number cannot go while there is an alternate one.
            method.turn = if told.phone_type.as_deref() == Some("mobile") { 3 } else { 0 };
        }
        "fido2" => match told.passkey_type.as_deref() {
            Some("deviceBound") => method.class = MethodClass::DeviceBound,
            Some("synced") => method.class = MethodClass::Synced,
            _ => {}
        },
        "temporaryAccessPass" => {
            method.usable = match told.is_usable {
                Some(true) => Usable::Yes,
                Some(false) => {
                    Usable::No { why: told.method_usability_reason.clone().unwrap_or_else(|| "not usable".into()) }
                }
                None => Usable::CannotTell,
            };
        }
        "microsoftAuthenticator" => method.turn = 2,
        _ => method.turn = 1,
    }
    if list(kind).is_none() {
        let why = match kind {
            "password" => {
                "Graph removes no password; a Conditional Access policy with a phishing-resistant strength makes it useless"
            }
            _ => "it is not known here how Graph removes it",
        };
        method.removal = Removal::Impossible { why: why.into() };
    }
    method
}

impl SignInMethods for Entra {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let mut methods = Listing::default();
        match self.listed(user) {
            Ok(listed) => methods.found.extend(listed.iter().map(of_graph)),
            Err(absent @ DirectoryError::NotFound { .. }) => return Err(absent),
            Err(error) => {
                methods.untold.push(untold("the account's sign-in methods", Permission::READ_METHODS, error)?);
            }
        }
        methods.take(self.unlisted(user)?);
        Ok(methods)
    }

    /// Kinds only, and some hours or days old.
    fn report(&self, after: Option<&Cursor>) -> Option<Result<Told<Page<Reported>>, DirectoryError>> {
        let path = after.map_or(REPORT, |cursor| cursor.0.as_str());
        if !path.starts_with(REPORT) {
            return Some(Err(self.graph.idp().refused("this is no page of Entra's report")));
        }
        let what = "the report on registered methods";
        Some(match self.graph.page::<Details>(path, what, Permission::REPORT) {
            Ok((details, next)) => {
                let found = details.into_iter().map(|one| Reported {
                    methods: Listing {
                        found: one.methods_registered.iter().map(|kind| reported(kind)).collect(),
                        untold: vec![Untold {
                            what: "methods of this moment".into(),
                            why: WhyUntold::Lags(one.last_updated_date_time),
                            needs: String::new(),
                        }],
                    },
                    user_id: one.id,
                    login: one.user_principal_name,
                    is_admin: one.is_admin,
                });
                Ok(Told::Known(Page { listing: Listing::whole(found.collect()), next: next.map(Cursor) }))
            }
            Err(error) => untold(what, Permission::REPORT, error).map(Told::CannotTell),
        })
    }
}

impl MethodRemoval for Entra {
    /// A method that is the default one, or that others lean on, is refused with 400 until they are gone.
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.graph.idp().refused(why.clone()));
        }
        let is_known =
            |(path, _): &(&str, &str)| method.id.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let Some((path, permission)) = list(&method.kind).filter(is_known) else {
            return Err(self.graph.idp().refused(format!("{} is no method of Entra's", method.id)));
        };
        let id = segment(&method.id[path.len() + 1..]);
        // Hardware tokens are known to beta alone.
        let version = if method.kind == "hardwareOath" { "beta" } else { "v1.0" };
        let path = format!("/{version}/users/{}/authentication/{path}/{id}", segment(&user.id));
        let permission = Permission::removal(permission);
        match self.graph.send(self.graph.call(HttpMethod::DELETE, &path), "such sign-in method", permission) {
            Ok(reply) if reply.status() == 204 => Ok(Removed::Gone),
            Ok(reply) => Err(self.graph.idp().invalid_response(format!("HTTP {} to a removal", reply.status()))),
            Err(DirectoryError::Refused { why, .. }) if why.to_lowercase().contains("default") => {
                Ok(Removed::IsDefault { why })
            }
            // An earlier request removed it, whose answer was lost; or somebody on the way to Graph knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.listed(user)?.iter().any(|other| of_graph(other).id == method.id);
                if is_there { Err(absent) } else { Ok(Removed::Gone) }
            }
            Err(error) => Err(error),
        }
    }
}
