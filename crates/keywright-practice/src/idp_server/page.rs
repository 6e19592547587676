//! The page on which a person signs in with a key, and the two requests that it makes.
//!
//! Needs no API token: a browser has none. It can begin and end sign-ins, and nothing else.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::ceremony::Provider;
use super::refusal::Refusal;
use super::routes::{Body, LONGEST_REQUEST};
use super::wire::{Login, PageSignIn, SignInResponse, SignedIn};

/// Nothing from elsewhere is loaded, and no other page may show this one in a frame.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";

/// The page's routes.
pub(super) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/sign-in", post(begin))
        .route("/sign-in/{user}/{sign_in}", post(finish))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .with_state(provider)
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(include_str!("page.html")))
}

async fn begin(State(at): State<Arc<Provider>>, Body(login): Body<Login>) -> Result<Json<PageSignIn>, Refusal> {
    let found = at.users(Some(&login.login))?.users.into_iter().next().ok_or(Refusal::Absent("account"))?;
    let mut begun = at.begin_sign_in(&found.id)?;
    // Revoked keys may answer too, because a person who holds one is to read just that. Browsers call any key that was not
    // asked for the wrong one.
    begun.public_key.allow_credentials.extend(at.revoked(&found.id)?);
    Ok(Json(PageSignIn { user: found.id, id: begun.id, origin: begun.origin, public_key: begun.public_key }))
}

async fn finish(
    State(at): State<Arc<Provider>>,
    Path((user, sign_in)): Path<(String, String)>,
    Body(response): Body<SignInResponse>,
) -> Result<Json<SignedIn>, Refusal> {
    let (credential, user_verified) = at.finish_sign_in(&user, &sign_in, &response)?;
    let display_name = at.user(&user)?.display_name;
    Ok(Json(SignedIn { display_name, label: credential.label, user_verified }))
}
