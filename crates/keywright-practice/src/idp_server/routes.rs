//! The API's paths and methods: reads requests, asks the [`Provider`], writes answers. The table is in [`super`].

mod estate;

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::ceremony::Provider;
use super::refusal::Refusal;
use super::wire::User;
use super::wire::{
    Begun, Ceremonies, Check, Completion, Credential, Credentials, NewLabel, NewUser, OtherMethods, SignInBegun,
    SignInResponse, UserChange, Users,
};

/// The longest request that is read, in bytes: an attestation object has a few kilobytes.
pub(super) const LONGEST_REQUEST: usize = 1024 * 1024;

type Answer<T> = Result<Json<T>, Refusal>;
type Made<T> = Result<(StatusCode, Json<T>), Refusal>;
type At = State<Arc<Provider>>;

/// Every route, behind the token.
pub(super) fn router(provider: Arc<Provider>, token: &SecretString) -> Router {
    // Digests have one length, so that comparing them tells nothing about the token's.
    let token: Arc<[u8; 32]> = Arc::new(Sha256::digest(token.expose_secret()).into());
    Router::new()
        .route("/v1/check", get(check))
        .route("/v1/users", get(users).post(create_user))
        .route("/v1/users/{user}", get(user).patch(change_user))
        .route("/v1/users/{user}/other-methods", get(other_methods))
        .route("/v1/users/{user}/ceremonies", get(pending).post(begin))
        .route("/v1/users/{user}/ceremonies/{ceremony}", post(complete).delete(abandon))
        .route("/v1/users/{user}/credentials", get(credentials))
        .route("/v1/users/{user}/credentials/{credential}", delete(revoke).patch(relabel))
        .route("/v1/users/{user}/sign-ins", post(begin_sign_in))
        .route("/v1/users/{user}/sign-ins/{sign_in}", post(finish_sign_in))
        .merge(estate::router())
        .fallback(async || Refusal::Path)
        .method_not_allowed_fallback(async || Refusal::Method)
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .layer(middleware::from_fn_with_state(token, authorised))
        .with_state(provider)
}

async fn authorised(State(token): State<Arc<[u8; 32]>>, request: Request, next: Next) -> Result<Response, Refusal> {
    let sent = request.headers().get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    let sent: [u8; 32] = Sha256::digest(sent.strip_prefix(b"Bearer ").unwrap_or_default()).into();
    if verify_slices_are_equal(&sent, &token[..]).is_err() {
        // The refusal would not arrive if the connection broke under a request that is still being sent.
        drop(to_bytes(request.into_body(), LONGEST_REQUEST).await);
        return Err(Refusal::Token);
    }
    Ok(next.run(request).await)
}

async fn check(State(at): At) -> Answer<Check> {
    at.check().map(Json)
}

#[derive(Deserialize)]
struct Search {
    login: Option<String>,
}

async fn users(State(at): At, search: Result<Query<Search>, QueryRejection>) -> Answer<Users> {
    let Query(search) = search.map_err(|error| Refusal::Request(error.body_text()))?;
    at.users(search.login.as_deref()).map(Json)
}

async fn create_user(State(at): At, Body(new): Body<NewUser>) -> Made<User> {
    made(at.create_user(&new))
}

async fn user(State(at): At, Path(user): Path<String>) -> Answer<User> {
    at.user(&user).map(Json)
}

async fn change_user(State(at): At, Path(user): Path<String>, Body(change): Body<UserChange>) -> Answer<User> {
    at.change_user(&user, &change).map(Json)
}

async fn other_methods(State(at): At, Path(user): Path<String>) -> Answer<OtherMethods> {
    at.other_methods(&user).map(Json)
}

async fn begin(State(at): At, Path(user): Path<String>) -> Made<Begun> {
    made(at.begin(&user))
}

async fn pending(State(at): At, Path(user): Path<String>) -> Answer<Ceremonies> {
    at.pending(&user).map(Json)
}

async fn complete(
    State(at): At,
    Path((user, ceremony)): Path<(String, String)>,
    Body(completion): Body<Completion>,
) -> Made<Credential> {
    made(at.complete(&user, &ceremony, &completion))
}

async fn abandon(State(at): At, Path((user, ceremony)): Path<(String, String)>) -> Result<StatusCode, Refusal> {
    at.abandon(&user, &ceremony).map(|()| StatusCode::NO_CONTENT)
}

async fn credentials(State(at): At, Path(user): Path<String>) -> Answer<Credentials> {
    at.credentials(&user).map(Json)
}

async fn revoke(State(at): At, Path((user, credential)): Path<(String, String)>) -> Result<StatusCode, Refusal> {
    at.revoke(&user, &credential).map(|()| StatusCode::NO_CONTENT)
}

async fn relabel(
    State(at): At,
    Path((user, credential)): Path<(String, String)>,
    Body(new): Body<NewLabel>,
) -> Answer<Credential> {
    at.relabel(&user, &credential, &new).map(Json)
}

async fn begin_sign_in(State(at): At, Path(user): Path<String>) -> Made<SignInBegun> {
    made(at.begin_sign_in(&user))
}

async fn finish_sign_in(
    State(at): At,
    Path((user, sign_in)): Path<(String, String)>,
    Body(response): Body<SignInResponse>,
) -> Answer<Credential> {
    at.finish_sign_in(&user, &sign_in, &response).map(|(credential, _)| Json(credential))
}

fn made<T>(result: Result<T, Refusal>) -> Made<T> {
    result.map(|made| (StatusCode::CREATED, Json(made)))
}

/// A JSON body that is called so: a browser sends that to another site only if the site agreed. A failure to read it is a
/// [`Refusal`] like any other.
pub(super) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::ContentType);
        }
        let unreadable = |why: String| Refusal::Request(format!("the body cannot be read: {why}"));
        let bytes = Bytes::from_request(request, state).await.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLong(LONGEST_REQUEST),
            _ => unreadable(error.body_text()),
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(error.to_string()))
    }
}
