//! Each IdP adapter: the requests it sends, held against the vendor's description, and what it does when the IdP fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod auth0;
mod descriptions;
mod documentation;
mod embedded;
mod entra;
mod estate;
mod estates;
mod fake_idp;
mod google_workspace;
mod hostile_page;
mod http;
mod oauth;
mod okta;
mod ping_one;
mod played;
mod prism;
mod privacy_idea;
mod recorded;
mod relying_party;
mod scale;
mod sign_in_page;
mod software_signer;
mod zitadel;
