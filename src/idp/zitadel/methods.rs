//! The ways in that a Zitadel account has on the domain where people sign in.
//!
//! Zitadel tells kinds, each once; what else there is of a kind goes with it. It refuses to count keys of another domain, which are
//! of no use here.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method as HttpMethod;

use super::classes::CLASSES;
use super::{Done, GRPC_NOT_FOUND, Zitadel, known, path};
use crate::idp::capability::methods::{Method, Removal, SignInMethods};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Listing, Untold};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const PREFIX: &str = "AUTHENTICATION_METHOD_TYPE_";

/// What reading an account's methods needs.
const NEEDS: &str = "the permission user.read, such as the role Org User Manager has";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Methods {
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    auth_method_types: Vec<String>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(rename = "details")]
    _details: Value,
    #[serde(default)]
    result: Vec<Link>,
}

/// `IDPLink`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    idp_id: String,
    user_id: String,
}

impl SignInMethods for Zitadel {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let call = self.call(HttpMethod::GET, &path(&user.id, "/authentication_methods"));
        // Keys without a domain are older than domains, and are good everywhere.
        let call = call.query("domainQuery.domain", self.domain.as_str());
        let call = call.query("domainQuery.includeWithoutDomain", "true");
        let types = match self.send(call, &known(user)) {
            Ok(reply) => reply.json::<Methods>()?.auth_method_types,
            Err(absent @ DirectoryError::NotFound { .. }) => return Err(absent),
            Err(error) => {
                let untold = Untold::of_refusal("the account's sign-in methods", NEEDS, error)?;
                return Ok(Listing::untold(untold));
            }
        };
        let mut methods = Listing::default();
        for kind in types.iter().map(|name| name.trim_start_matches(PREFIX)).filter(|kind| *kind != "UNSPECIFIED") {
            if kind == "IDP" {
                methods.found.extend(self.links(user)?);
            } else {
                methods.found.push(of_kind(kind));
            }
        }
        Ok(methods)
    }
}

impl Zitadel {
    /// Each other IdP by which the account signs in.
    fn links(&self, user: &User) -> Result<Vec<Method>, DirectoryError> {
        let links: Links = self.post(&path(&user.id, "/links/_search"), &json!({}), &known(user))?.json()?;
        let method =
            |link: &Link| CLASSES.method("IDP", format!("links/{}/{}", segment(&link.idp_id), segment(&link.user_id)));
        Ok(match links.result.as_slice() {
            [] => vec![of_kind("IDP")],
            links => links.iter().map(method).collect(),
        })
    }
}

fn of_kind(kind: &str) -> Method {
    let removed_by = match kind {
        "TOTP" => Some("totp"),
        "OTP_SMS" => Some("otp_sms"),
        "OTP_EMAIL" => Some("otp_email"),
        "RECOVERY_CODE" => Some("recovery_codes"),
        _ => None,
    };
    let mut method = CLASSES.method(kind, removed_by.unwrap_or(kind));
    if removed_by.is_none() {
        let why = match kind {
            "PASSWORD" => "Zitadel removes no password; switch off username and password for the organization",
            "PASSKEY" | "U2F" => "keys are revoked one by one",
            _ => "it is not known here how Zitadel removes it",
        };
        method.removal = Removal::Impossible { why: why.into() };
    }
    method
}

impl MethodRemoval for Zitadel {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.session.idp().refused(why.clone()));
        }
        let is_one = matches!(method.id.as_str(), "totp" | "otp_sms" | "otp_email" | "recovery_codes");
        if !is_one && !method.id.starts_with("links/") {
            return Err(self.session.idp().refused(format!("{} is no method of Zitadel's", method.id)));
        }
        let call = self.call(HttpMethod::DELETE, &path(&user.id, &format!("/{}", method.id)));
        let reply = self.session.send(call)?;
        if reply.status() == 404 && reply.fault().code.as_deref() == Some(GRPC_NOT_FOUND) {
            return Ok(Removed::Gone);
        }
        reply.accepted("such sign-in method")?.json::<Done>().map(|_| Removed::Gone)
    }
}
