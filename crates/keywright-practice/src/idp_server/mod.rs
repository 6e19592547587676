//! The practice IdP: a small IdP on loopback that does what a real one does, for rehearsals and for trying keys.
//!
//! The [`EmbeddedServer`] keeps accounts, verifies every registration and every sign-in on its own, and takes nothing on
//! trust from the provisioning side, which speaks to it over HTTP like to any other IdP. It refuses to
//! listen anywhere but on loopback, and every request without its API token but sign-ins.
//!
//! # The API
//!
//! JSON in, JSON out; `Authorization: Bearer TOKEN` on every request; times are RFC 3339, binary values base64url without
//! padding. `USER`, `CEREMONY`, `CREDENTIAL` and `SIGN_IN` are ids that the server draws and never changes; a completed
//! ceremony's id becomes its credential's id.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/check` | | 200 [`wire::Check`] |
//! | `POST /v1/users` | [`wire::NewUser`] | 201 [`wire::User`] |
//! | `GET /v1/users[?login=LOGIN]` | | 200 `{"users": [..]}`, empty if there is none |
//! | `GET /v1/users/USER` | | 200 [`wire::User`] |
//! | `PATCH /v1/users/USER` | [`wire::UserChange`] | 200 [`wire::User`] |
//! | `GET /v1/users/USER/other-methods` | | 200 `{"other_methods": ["sms", ..]}` |
//! | `POST /v1/users/USER/ceremonies` | | 201 [`wire::Begun`] |
//! | `GET /v1/users/USER/ceremonies` | | 200 `{"ceremonies": [..]}`: those that nobody completed, expired ones too |
//! | `POST /v1/users/USER/ceremonies/CEREMONY` | [`wire::Completion`] | 201 [`wire::Credential`] |
//! | `DELETE /v1/users/USER/ceremonies/CEREMONY` | | 204; 409 once it is completed |
//! | `GET /v1/users/USER/credentials` | | 200 `{"credentials": [..]}` |
//! | `PATCH /v1/users/USER/credentials/CREDENTIAL` | [`wire::NewLabel`] | 200 [`wire::Credential`] |
//! | `DELETE /v1/users/USER/credentials/CREDENTIAL` | | 204 |
//! | `POST /v1/users/USER/sign-ins` | | 201 [`wire::SignInBegun`] |
//! | `POST /v1/users/USER/sign-ins/SIGN_IN` | [`wire::SignInResponse`] | 200 [`wire::Credential`] |
//!
//! Around the keys, with the types of [`wire::estate`]; pages go on with `?after=NEXT`:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/groups/GROUP/members` | | 200 [`wire::estate::Members`] |
//! | `PUT`, `DELETE /v1/groups/GROUP/members/USER` | | 204 |
//! | `GET /v1/groups/GROUP/policies` | | 200 [`wire::estate::NamedPolicies`], those for everybody too |
//! | `PUT`, `DELETE /v1/policies/NAME` | [`wire::estate::Policy`] | 204 |
//! | `GET /v1/applications` | | 200 [`wire::estate::Applications`], each with the policies that guard it |
//! | `PUT`, `DELETE /v1/applications/ID` | [`wire::estate::Application`] | 204 |
//! | `GET /v1/shut-models`, `PUT`, `DELETE /v1/shut-models/AAGUID` | | 200 [`wire::estate::ShutModels`], 204 |
//! | `GET /v1/role-holders`, `GET /v1/users/USER/roles` | | 200 [`wire::estate::RoleHolders`] |
//! | `PUT`, `DELETE /v1/users/USER/roles/ROLE` | [`wire::estate::RoleGrant`] | 204 |
//! | `GET /v1/method-report` | | 200 [`wire::estate::MethodReport`], over all accounts |
//! | `GET /v1/users/USER/methods` | | 200 [`wire::estate::Methods`] |
//! | `DELETE /v1/users/USER/methods/METHOD` | | 204; passkeys are removed as credentials |
//! | `GET /v1/users/USER/what-if` | | 200 [`wire::estate::NamedPolicies`]: those that are about a sign-in of theirs |
//! | `PUT`, `DELETE /v1/users/USER/suspension` | | 204 |
//! | `GET`, `DELETE /v1/users/USER/sessions` | | 200 [`wire::estate::Sessions`], 204 |
//! | `GET /v1/users/USER/sign-in-log?since=MOMENT` | | 200 [`wire::estate::SignInLog`] |
//! | `POST /v1/users/USER/passes` | [`wire::estate::NewPass`] | 201 [`wire::estate::Pass`]; removed as a method |
//! | `POST /v1/users/USER/other-sign-ins` | [`wire::estate::OtherSignIn`] | 201 [`wire::estate::Session`] |
//!
//! Without a token, for browsers: `GET /` is a page on which a person signs in with a key. It uses `POST /sign-in`
//! ([`wire::Login`] to [`wire::PageSignIn`]) and `POST /sign-in/USER/SIGN_IN` ([`wire::SignInResponse`] to [`wire::SignedIn`]).
//!
//! A request that names another host than this machine or the origin, or that comes from another site's page, is refused; a body
//! has to be called `application/json`, and has a megabyte at most.
//!
//! A failure is `{"error": {"code": "..", "message": ".."}}`: 400 for a request that cannot be read, 401 without the token,
//! 403 to another site's page, 404 for what is not there, 408 for a slow one, 413 for a long one, 415 for another type of body,
//! 421 for another host, 409 for what cannot be done now, 410 `expired` after the deadline, 422 for a registration or
//! sign-in that does not verify, 500 if the database fails.

mod ceremony;
mod connections;
mod guard;
mod page;
mod refusal;
mod routes;
mod server;
mod store;
pub mod wire;

pub use connections::Limits;
pub use server::{Clock, EmbeddedServer, Settings, StartError};
