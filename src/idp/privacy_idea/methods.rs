//! The ways in that a person has at privacyIDEA: every token of theirs.
//!
//! It refuses to say anything of the password in the resolver, which is another system's.

use ureq::http::Method as HttpMethod;

use super::classes::{CLASSES, NO_SIGN_IN};
use super::wire::Token;
use super::{PrivacyIdea, registered};
use crate::idp::capability::methods::{Method, MethodClass, SignInMethods, Usable};
use crate::idp::capability::passkeys::{Binding, Passkey, Passkeys, ToldBy};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::told::{Listing, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;

const TOKENS: &str = "the person's tokens";
const TOKENLIST: &str = "the right tokenlist (Config > Policies, scope admin)";

impl SignInMethods for PrivacyIdea {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        let tokens = match self.tokens(user) {
            Err(absent @ DirectoryError::NotFound { .. }) => return Err(absent),
            answer => Told::from_answer(TOKENS, TOKENLIST, answer)?,
        };
        Ok(match tokens {
            Told::CannotTell(untold) => Listing::untold(untold),
            Told::Known(mut tokens) => {
                tokens.retain(|token| !token.revoked && !NO_SIGN_IN.contains(&token.tokentype.as_str()));
                tokens.sort_by(|one, other| (&one.tokentype, &one.serial).cmp(&(&other.tokentype, &other.serial)));
                Listing::whole(tokens.iter().map(of_token).collect())
            }
        })
    }
}

/// A token that is disabled, locked or on its way opens nothing now.
fn of_token(token: &Token) -> Method {
    let mut method = CLASSES.method(&token.tokentype, token.serial.clone());
    if token.is_key() {
        method.class = MethodClass::from(binding(token).0);
    }
    if !token.is_in_service() {
        let state = token.rollout_state.as_deref().filter(|_| !token.is_rolled_out());
        let why = state.unwrap_or(if token.locked { "locked" } else { "disabled" });
        method.usable = Usable::No { why: why.to_owned() };
    }
    method
}

/// Where a key is, by what its token tells: the type that came with the backup flags (passkeys), or an attestation that leads to a
/// trust anchor.
fn binding(token: &Token) -> (Binding, ToldBy) {
    match (token.told("device_type"), token.told("attestation_level")) {
        (Some("multi_device"), _) => (Binding::Synced, ToldBy::IdpType),
        (Some("single_device"), _) => (Binding::DeviceBound, ToldBy::IdpType),
        (_, Some("trusted")) => (Binding::DeviceBound, ToldBy::Attestation),
        _ => (Binding::CannotTell, ToldBy::Nobody),
    }
}

impl MethodRemoval for PrivacyIdea {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        let call = self.call(HttpMethod::DELETE, &format!("/token/{}", segment(&method.id)));
        match self.ask::<u32>(call, &format!("token {}", method.id)) {
            Ok(0) => Err(self.session.idp().invalid_response(format!("it did not delete token {}", method.id))),
            Ok(_) => Ok(Removed::Gone),
            // Gone already; or somebody on the way knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.tokens(user)?.iter().any(|token| token.serial == method.id);
                if is_there { Err(absent) } else { Ok(Removed::Gone) }
            }
            Err(error) => Err(error),
        }
    }
}

impl Passkeys for PrivacyIdea {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let keys = Told::from_answer(TOKENS, TOKENLIST, self.keys(user))?;
        let passkey = |token: Token| {
            let aaguid = token.told("aaguid").and_then(|aaguid| aaguid.parse().ok());
            let (binding, told_by) = binding(&token);
            let by_model = Passkey::by_model(registered(token), aaguid);
            if told_by == ToldBy::Nobody { by_model } else { Passkey { binding, told_by, ..by_model } }
        };
        let mut passkeys = Listing::default();
        passkeys.take(match keys {
            Told::Known(keys) => Told::Known(keys.into_iter().map(passkey).collect()),
            Told::CannotTell(untold) => Told::CannotTell(untold),
        });
        Ok(passkeys)
    }
}
