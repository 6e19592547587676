//! Which policies privacyIDEA itself finds for a person: `GET /policy/check`, the server's own "Test policy" (as run: 3.14).
//!
//! It is asked for each action that decides a sign-in. Which realm, resolver, user and hour a policy is about is judged by the server;
//! where the person signs in from is not said, so a policy for some clients counts. It finds what is active: it refuses to say anything of
//! a policy that is switched off.

use serde::Deserialize;
use ureq::http::Method;

use super::PrivacyIdea;
use super::policies::{AROUND, POLICYREAD, of_sign_in};
use super::wire::Policy;
use crate::idp::capability::told::{Listing, Told, Untold};
use crate::idp::capability::what_if::{Evaluation, WhatIf};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// Actions that shut something, besides those that let people around their tokens.
const SHUTTING: [(&str, &str); 2] = [("authorization", "tokentype"), ("authentication", "disabled_token_types")];

#[derive(Deserialize)]
struct Checked {
    #[serde(default)]
    policy: Vec<Policy>,
}

impl PrivacyIdea {
    fn policies_for(&self, user: &User) -> Result<Vec<Policy>, DirectoryError> {
        let around = AROUND.iter().map(|(action, _)| ("authentication", *action));
        let mut found: Vec<Policy> = Vec::new();
        for (scope, action) in around.chain(SHUTTING) {
            let call = self.call(Method::GET, "/policy/check").query("user", &user.login).query("realm", &self.realm);
            let checked: Checked = self.ask(call.query("scope", scope).query("action", action), "such person")?;
            let new = checked.policy.into_iter().filter(|policy| !found.iter().any(|one| one.is_named_like(policy)));
            let new: Vec<Policy> = new.collect();
            found.extend(new);
        }
        Ok(found)
    }
}

impl WhatIf for PrivacyIdea {
    fn what_if(&self, user: &User) -> Result<Listing<Evaluation>, DirectoryError> {
        let told = Told::from_answer("which policies are about them", POLICYREAD, self.policies_for(user))?;
        let evaluations = |policies: Vec<Policy>| {
            // The server found each for this very person.
            let rules = of_sign_in(&policies.iter().collect::<Vec<_>>(), |_| true);
            let prepared = Told::CannotTell(Untold::not_offered("what policies that are switched off would be about"));
            vec![Evaluation { sign_in: "by anything that asks the server".into(), rules, prepared }]
        };
        Ok(Listing::of(told.map(evaluations)))
    }
}
