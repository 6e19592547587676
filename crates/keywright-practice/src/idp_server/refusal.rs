//! Why the practice IdP does not do what it was asked for, and how it says so over HTTP.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::store::Revoked;
use keywright_fido::webauthn::WebauthnError;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The API token is absent or another one.
    #[error("the API token is not the one that this server was started with")]
    Token,
    /// The request is for another host: a name that leads here, but is not ours.
    #[error("this server is not the host that the request names")]
    Host,
    /// The request comes from another site's page.
    #[error("pages of other sites are not answered")]
    Origin,
    /// The body is not called JSON.
    #[error("a body has to have the content type application/json")]
    ContentType,
    /// The body is too long.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    /// The request was not there in time.
    #[error("the request took too long")]
    Slow,
    /// The request cannot be read.
    #[error("{0}")]
    Request(String),
    /// There is no such path.
    #[error("there is no such path")]
    Path,
    /// The path takes other methods.
    #[error("this path does not accept this method")]
    Method,
    /// The account, ceremony, credential or sign-in is not there.
    #[error("there is no such {0}")]
    Absent(&'static str),
    /// Another account has this login.
    #[error("another account has the login {0}")]
    LoginTaken(String),
    /// The account may not sign in, so nothing is registered for it either.
    #[error("the account is not active")]
    Inactive,
    /// The account is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// A policy shuts this way out.
    #[error("policy {0} does not admit it")]
    Policy(String),
    /// The ceremony is completed, or the sign-in was tried.
    #[error("it has already ended")]
    Ended,
    /// Somebody has this credential.
    #[error("this credential is registered already")]
    Registered,
    /// A sign-in of an account that has no credential.
    #[error("the account has no security key")]
    NoCredential,
    /// The deadline is over.
    #[error("its time ran out")]
    Expired,
    /// The registration or sign-in is not what was asked for.
    #[error("{0}")]
    Response(#[from] WebauthnError),
    /// The registration's key is of an algorithm that was not offered.
    #[error("COSE algorithm {0} was not offered")]
    Algorithm(i64),
    /// The attestation is not acceptable.
    #[error("the attestation is refused: {0}")]
    Attestation(String),
    /// The sign-in's credential or user handle is not this account's.
    #[error("the {0} is not this account's")]
    Foreign(&'static str),
    /// The sign-in's credential was this account's.
    #[error("the key “{}” was revoked on {}", .0.label, .0.at.date())]
    Revoked(Revoked),
    /// The database.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
}

impl Refusal {
    /// The HTTP status and the machine's word.
    pub(super) fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Token => (StatusCode::UNAUTHORIZED, "token"),
            Self::Host => (StatusCode::MISDIRECTED_REQUEST, "host"),
            Self::Origin => (StatusCode::FORBIDDEN, "origin"),
            Self::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type"),
            Self::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow"),
            Self::Request(_) => (StatusCode::BAD_REQUEST, "request"),
            Self::Path => (StatusCode::NOT_FOUND, "path"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method"),
            Self::Absent(_) => (StatusCode::NOT_FOUND, "absent"),
            Self::LoginTaken(_) => (StatusCode::CONFLICT, "login_taken"),
            Self::Inactive => (StatusCode::CONFLICT, "inactive"),
            Self::Suspended => (StatusCode::CONFLICT, "suspended"),
            Self::Policy(_) => (StatusCode::UNPROCESSABLE_ENTITY, "policy"),
            Self::Ended => (StatusCode::CONFLICT, "ended"),
            Self::Registered => (StatusCode::CONFLICT, "registered"),
            Self::NoCredential => (StatusCode::CONFLICT, "no_credential"),
            Self::Expired => (StatusCode::GONE, "expired"),
            Self::Response(_) => (StatusCode::UNPROCESSABLE_ENTITY, "response"),
            Self::Algorithm(_) => (StatusCode::UNPROCESSABLE_ENTITY, "algorithm"),
            Self::Attestation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "attestation"),
            Self::Revoked(_) => (StatusCode::UNPROCESSABLE_ENTITY, "revoked"),
            Self::Foreign(_) => (StatusCode::UNPROCESSABLE_ENTITY, "foreign"),
            Self::Database(_) => (StatusCode::INTERNAL_SERVER_ERROR, "database"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        match &self {
            // The answer is for anybody with the token; the file's name and its state are for who runs the server.
            Self::Database(error) => tracing::error!(%error, "the practice IdP's database failed"),
            refusal => tracing::debug!(%status, code, %refusal, "refused"),
        }
        let body = json!({ "error": { "code": code, "message": self.to_string() } });
        let mut response = (status, axum::Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}
