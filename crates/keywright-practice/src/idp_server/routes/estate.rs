//! The paths of the estate around the keys. The table is in [`crate::idp_server`].

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use serde::Deserialize;

use super::{Answer, At, Body, Made, made};
use crate::idp_server::ceremony::Provider;
use crate::idp_server::refusal::Refusal;
use crate::idp_server::wire::estate::{
    Application, Applications, Members, MethodReport, Methods, NamedPolicies, NewPass, OtherSignIn, Pass, Policy,
    RoleGrant, RoleHolders, Session, Sessions, ShutModels, SignInLog,
};
use keywright_fido::webauthn::Aaguid;

use axum::Json;
use axum::extract::State;

type Done = Result<StatusCode, Refusal>;

/// Every route of the estate.
pub(super) fn router() -> Router<Arc<Provider>> {
    Router::new()
        .route("/v1/groups/{group}/members", get(members))
        .route("/v1/groups/{group}/members/{user}", put(add_member).delete(remove_member))
        .route("/v1/groups/{group}/policies", get(policies))
        .route("/v1/policies/{policy}", put(set_policy).delete(forget_policy))
        .route("/v1/applications", get(applications))
        .route("/v1/applications/{application}", put(set_application).delete(forget_application))
        .route("/v1/shut-models", get(shut_models))
        .route("/v1/shut-models/{model}", put(shut_model).delete(let_model_in))
        .route("/v1/role-holders", get(role_holders))
        .route("/v1/users/{user}/roles", get(roles))
        .route("/v1/users/{user}/roles/{role}", put(grant_role).delete(take_role))
        .route("/v1/method-report", get(method_report))
        .route("/v1/users/{user}/methods", get(methods))
        .route("/v1/users/{user}/methods/{method}", delete(remove_method))
        .route("/v1/users/{user}/what-if", get(what_if))
        .route("/v1/users/{user}/suspension", put(suspend).delete(restore))
        .route("/v1/users/{user}/sessions", get(sessions).delete(end_sessions))
        .route("/v1/users/{user}/sign-in-log", get(sign_in_log))
        .route("/v1/users/{user}/passes", post(issue_pass))
        .route("/v1/users/{user}/other-sign-ins", post(other_sign_in))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

#[derive(Deserialize)]
struct Since {
    since: String,
}

fn done(result: Result<(), Refusal>) -> Done {
    result.map(|()| StatusCode::NO_CONTENT)
}

async fn members(State(at): At, Path(group): Path<String>, Query(page): Query<After>) -> Answer<Members> {
    at.members(&group, &page.after).map(Json)
}

async fn add_member(State(at): At, Path((group, user)): Path<(String, String)>) -> Done {
    done(at.set_member(&group, &user, true))
}

async fn remove_member(State(at): At, Path((group, user)): Path<(String, String)>) -> Done {
    done(at.set_member(&group, &user, false))
}

async fn policies(State(at): At, Path(group): Path<String>) -> Answer<NamedPolicies> {
    at.policies_of(&group).map(Json)
}

async fn set_policy(State(at): At, Path(name): Path<String>, Body(policy): Body<Policy>) -> Done {
    done(at.set_policy(&name, Some(&policy)))
}

async fn forget_policy(State(at): At, Path(name): Path<String>) -> Done {
    done(at.set_policy(&name, None))
}

async fn applications(State(at): At, Query(page): Query<After>) -> Answer<Applications> {
    at.applications(&page.after).map(Json)
}

async fn set_application(State(at): At, Path(id): Path<String>, Body(application): Body<Application>) -> Done {
    done(at.set_application(&id, Some(&application)))
}

async fn forget_application(State(at): At, Path(id): Path<String>) -> Done {
    done(at.set_application(&id, None))
}

async fn shut_models(State(at): At) -> Answer<ShutModels> {
    at.shut_models().map(Json)
}

async fn shut_model(State(at): At, Path(model): Path<Aaguid>) -> Done {
    done(at.set_model_shut(model, true))
}

async fn let_model_in(State(at): At, Path(model): Path<Aaguid>) -> Done {
    done(at.set_model_shut(model, false))
}

async fn role_holders(State(at): At, Query(page): Query<After>) -> Answer<RoleHolders> {
    at.role_holders(None, &page.after).map(Json)
}

async fn roles(State(at): At, Path(user): Path<String>) -> Answer<RoleHolders> {
    at.role_holders(Some(&user), "").map(Json)
}

async fn grant_role(State(at): At, Path((user, role)): Path<(String, String)>, Body(grant): Body<RoleGrant>) -> Done {
    done(at.set_role(&user, &role, Some(&grant)))
}

async fn take_role(State(at): At, Path((user, role)): Path<(String, String)>) -> Done {
    done(at.set_role(&user, &role, None))
}

async fn methods(State(at): At, Path(user): Path<String>) -> Answer<Methods> {
    at.methods(&user).map(Json)
}

async fn method_report(State(at): At, Query(page): Query<After>) -> Answer<MethodReport> {
    at.method_report(&page.after).map(Json)
}

async fn remove_method(State(at): At, Path((user, method)): Path<(String, String)>) -> Done {
    done(at.remove_method(&user, &method))
}

async fn what_if(State(at): At, Path(user): Path<String>) -> Answer<NamedPolicies> {
    at.what_if(&user).map(Json)
}

async fn suspend(State(at): At, Path(user): Path<String>) -> Done {
    done(at.set_suspended(&user, true))
}

async fn restore(State(at): At, Path(user): Path<String>) -> Done {
    done(at.set_suspended(&user, false))
}

async fn sessions(State(at): At, Path(user): Path<String>) -> Answer<Sessions> {
    at.sessions(&user).map(Json)
}

async fn sign_in_log(State(at): At, Path(user): Path<String>, Query(log): Query<Since>) -> Answer<SignInLog> {
    at.sign_in_log(&user, &log.since).map(Json)
}

async fn end_sessions(State(at): At, Path(user): Path<String>) -> Done {
    done(at.end_sessions(&user))
}

async fn issue_pass(State(at): At, Path(user): Path<String>, Body(wanted): Body<NewPass>) -> Made<Pass> {
    made(at.issue_pass(&user, &wanted))
}

async fn other_sign_in(State(at): At, Path(user): Path<String>, Body(how): Body<OtherSignIn>) -> Made<Session> {
    made(at.other_sign_in(&user, &how))
}
