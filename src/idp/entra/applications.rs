//! The applications of an Entra tenant, and the Conditional Access policies that each is under.
//!
//! | what | request | how sure |
//! |---|---|---|
//! | applications | `servicePrincipals` that people sign in to (tag `WindowsAzureActiveDirectoryIntegratedApp`) | confirmed (CSDL); the tag is seen in documentation |
//! | policies | `identity/conditionalAccess/policies` | confirmed (CSDL) |
//! | older protocols | sign-ins of the last week with a `clientAppUsed` that knows passwords alone | confirmed (CSDL); the words are Microsoft's documentation |
//!
//! A policy guards an application for everybody or for some, which is said; it refuses to call it guarded by one that is for some.
//! Microsoft's own applications are under the policies for all applications, and are not listed one by one.

use std::collections::BTreeSet;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Entra;
use super::graph::{Permission, untold};
use super::policies::AccessPolicy;
use crate::idp::capability::applications::{Application, Applications};
use crate::idp::capability::policies::Rule;
use crate::idp::capability::told::{Cursor, Listing, Page, Untold};
use crate::idp::error::DirectoryError;

const PRINCIPALS: &str = "/v1.0/servicePrincipals";

/// How far back sign-ins by older protocols are looked for: as long as a tenant without a licence keeps them.
const LOOKS_BACK: time::Duration = time::Duration::days(7);

/// Words of `clientAppUsed` for protocols that know passwords alone.
const LEGACY: [&str; 12] = [
    "Authenticated SMTP",
    "AutoDiscover",
    "Exchange ActiveSync",
    "Exchange Online PowerShell",
    "Exchange Web Services",
    "IMAP4",
    "MAPI Over HTTP",
    "Offline Address Book",
    "Other clients",
    "Outlook Anywhere (RPC over HTTP)",
    "POP3",
    "Reporting Web Services",
];

/// `servicePrincipal`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Principal {
    app_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    account_enabled: Option<bool>,
}

/// `signIn`, as far as it is about the protocol.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    #[serde(default)]
    app_id: Option<String>,
}

impl Entra {
    /// Applications that were signed in to by an older protocol of late.
    fn by_older_protocols(&self) -> Result<Result<BTreeSet<String>, Untold>, DirectoryError> {
        let what = "which applications are reached by older protocols";
        let since = (self.graph.now() - LOOKS_BACK).replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let words = LEGACY.map(|word| format!("clientAppUsed eq '{word}'")).join(" or ");
        let filter = format!("createdDateTime ge {} and ({words})", since.format(&Rfc3339).unwrap_or_default());
        let path = format!("/v1.0/auditLogs/signIns?$filter={}&$top=1000", crate::idp::http::segment(&filter));
        match self.graph.collection::<SignedIn>(&path, what, Permission::REPORT) {
            Ok(seen) => Ok(Ok(seen.into_iter().filter_map(|one| one.app_id).collect())),
            Err(error) => Ok(Err(untold(what, Permission::REPORT, error)?)),
        }
    }
}

impl Applications for Entra {
    fn applications(&self, after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError> {
        let what = "the applications";
        let first = format!(
            "{PRINCIPALS}?$filter=tags/any(t:t%20eq%20'WindowsAzureActiveDirectoryIntegratedApp')&$select=appId,displayName,accountEnabled&$top=999"
        );
        let path = match after {
            None => first,
            Some(cursor) if cursor.0.starts_with(PRINCIPALS) => cursor.0.clone(),
            Some(_) => return Err(self.graph.idp().refused("this is no page of that list")),
        };
        let (principals, next) = match self.graph.page::<Principal>(&path, what, Permission::APPLICATIONS) {
            Ok(page) => page,
            Err(error) => return Ok(Page::only(Listing::untold(untold(what, Permission::APPLICATIONS, error)?))),
        };
        let access = "/v1.0/identity/conditionalAccess/policies";
        let policies =
            match self.graph.collection::<AccessPolicy>(access, "Conditional Access policies", Permission::READ_ACCESS)
            {
                Ok(policies) => Ok(policies),
                Err(error) => Err(untold("Conditional Access policies", Permission::READ_ACCESS, error)?),
            };
        let mut listing = Listing::default();
        let older = match self.by_older_protocols()? {
            Ok(older) => older,
            Err(untold) => {
                listing.untold.push(untold);
                BTreeSet::new()
            }
        };
        listing.found.extend(principals.into_iter().filter(|one| one.account_enabled != Some(false)).map(|one| {
            let rules: Listing<Rule> = match &policies {
                Ok(policies) => {
                    Listing::whole(policies.iter().filter_map(|policy| policy.of_application(&one.app_id)).collect())
                }
                Err(untold) => Listing::untold(untold.clone()),
            };
            let legacy = older.contains(&one.app_id);
            Application { name: one.display_name.unwrap_or_else(|| one.app_id.clone()), id: one.app_id, legacy, rules }
        }));
        Ok(Page { listing, next: next.map(Cursor) })
    }
}
