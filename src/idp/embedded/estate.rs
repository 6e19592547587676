//! What the practice IdP can do around the keys: every capability that there is.

use std::collections::BTreeSet;

use secrecy::SecretString;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use ureq::http::Method as HttpMethod;

use super::classes::CLASSES;
use super::{Embedded, cut, known, path, registered, removed, send};
use crate::idp::capability::Capability;
use crate::idp::capability::applications::{Application, Applications};
use crate::idp::capability::labels::Labels;
use crate::idp::capability::last_use::{KeyUse, LastUse, LastUsed, Seen, SignInSeen};
use crate::idp::capability::methods::{Method, MethodClass, Removal, Reported, SignInMethods, Usable};
use crate::idp::capability::models::{ModelRules, ShutOut};
use crate::idp::capability::pass::{Pass, TemporaryPass, WantedPass};
use crate::idp::capability::passkeys::{Binding, Passkey, Passkeys, ToldBy};
use crate::idp::capability::people::{Hold, People, Person, Role, RoleHolder};
use crate::idp::capability::policies::{About, Admits, Policies, Rule, RuleOrder, RuleState};
use crate::idp::capability::removal::{MethodRemoval, Removed};
use crate::idp::capability::rights::{AccountRights, Right, Rights};
use crate::idp::capability::sessions::Sessions;
use crate::idp::capability::suspension::{Standing, Suspension};
use crate::idp::capability::told::{Cursor, Listing, Page, Told};
use crate::idp::capability::what_if::{Evaluation, WhatIf};
use crate::idp::directory::{Finding, Registered, User};
use crate::idp::error::DirectoryError;
use crate::idp::http::segment;
use keywright_fido::webauthn::Aaguid;
use keywright_practice::idp_server::wire::{self, estate};

/// What every capability needs, and has.
const TOKEN: &str = "API token";

const PASSKEY: &str = "passkey";

/// What people who rehearse set up, and try. A real IdP has its console for it.
impl Embedded {
    /// Puts somebody into a group, or takes them out.
    pub fn set_member(&self, group: &str, user: &User, is: bool) -> Result<(), DirectoryError> {
        let at = format!("/v1/groups/{}/members/{}", segment(group), segment(&user.id));
        removed(&send(self.call(put_or_delete(is), &at), &known(user))?)
    }

    /// Gives a role, or takes it.
    pub fn set_role(&self, user: &User, role: &str, hold: Option<estate::Hold>) -> Result<(), DirectoryError> {
        let at = path(&user.id, &format!("/roles/{}", segment(role)));
        let call = self.call(put_or_delete(hold.is_some()), &at);
        let call = match hold {
            Some(hold) => call.json(&estate::RoleGrant { hold }),
            None => call,
        };
        removed(&send(call, &known(user))?)
    }

    /// Sets a policy, or takes it away.
    pub fn set_policy(&self, name: &str, policy: Option<&estate::Policy>) -> Result<(), DirectoryError> {
        let call = self.call(put_or_delete(policy.is_some()), &format!("/v1/policies/{}", segment(name)));
        let call = match policy {
            Some(policy) => call.json(policy),
            None => call,
        };
        removed(&send(call, "such policy")?)
    }

    /// Makes an application, or takes it away.
    pub fn set_application(&self, id: &str, application: Option<&estate::Application>) -> Result<(), DirectoryError> {
        let call = self.call(put_or_delete(application.is_some()), &format!("/v1/applications/{}", segment(id)));
        let call = match application {
            Some(application) => call.json(application),
            None => call,
        };
        removed(&send(call, "such application")?)
    }

    /// Shuts a model out, or lets it in again.
    pub fn set_model_shut(&self, model: Aaguid, is: bool) -> Result<(), DirectoryError> {
        removed(&send(self.call(put_or_delete(is), &format!("/v1/shut-models/{model}")), "such model")?)
    }

    /// Signs in by something else than a passkey, as somebody who stole it would.
    pub fn sign_in_otherwise(&self, user: &User, how: &estate::OtherSignIn) -> Result<estate::Session, DirectoryError> {
        send(self.call(HttpMethod::POST, &path(&user.id, "/other-sign-ins")).json(how), &known(user))?.json()
    }

    /// What the account is signed in to.
    pub fn sessions(&self, user: &User) -> Result<estate::Sessions, DirectoryError> {
        self.get(&path(&user.id, "/sessions"), &known(user))
    }
}

fn put_or_delete(put: bool) -> HttpMethod {
    if put { HttpMethod::PUT } else { HttpMethod::DELETE }
}

fn holder(told: estate::RoleHolder) -> RoleHolder {
    RoleHolder {
        user_id: told.user,
        login: Some(told.login),
        role: Role { id: told.role.clone(), name: told.role },
        hold: match told.hold {
            estate::Hold::Active => Hold::Active,
            estate::Hold::Eligible => Hold::Eligible,
        },
        through: None,
    }
}

/// A path that goes on after a cursor.
fn page_of(at: &str, after: Option<&Cursor>) -> String {
    after.map_or_else(|| at.to_owned(), |cursor| format!("{at}?after={}", segment(&cursor.0)))
}

impl People for Embedded {
    fn members(&self, group: &str, after: Option<&Cursor>) -> Result<Page<Person>, DirectoryError> {
        let at = page_of(&format!("/v1/groups/{}/members", segment(group)), after);
        let page: estate::Members = self.get(&at, "such group")?;
        let person = |user: wire::User| Person { user: user.into(), guest: false };
        let found = page.users.into_iter().map(person).collect();
        Ok(Page { listing: Listing::whole(found), next: page.next.map(Cursor) })
    }

    fn admins(&self, after: Option<&Cursor>) -> Result<Page<RoleHolder>, DirectoryError> {
        let page: estate::RoleHolders = self.get(&page_of("/v1/role-holders", after), "roles")?;
        let found = page.holders.into_iter().map(holder).collect();
        Ok(Page { listing: Listing::whole(found), next: page.next.map(Cursor) })
    }

    fn roles(&self, user: &User) -> Result<Listing<RoleHolder>, DirectoryError> {
        let told: estate::RoleHolders = self.get(&path(&user.id, "/roles"), &known(user))?;
        Ok(Listing::whole(told.holders.into_iter().map(holder).collect()))
    }
}

impl Embedded {
    fn told_methods(&self, user: &User) -> Result<Vec<estate::Method>, DirectoryError> {
        Ok(self.get::<estate::Methods>(&path(&user.id, "/methods"), &known(user))?.methods)
    }
}

/// Where a key is: an attestation that the server verified is the only proof of a bound one.
fn binding(told: &estate::Method) -> (Binding, ToldBy) {
    match (told.backup_eligible, told.attested) {
        (Some(true), _) => (Binding::Synced, ToldBy::IdpType),
        (Some(false), Some(true)) => (Binding::DeviceBound, ToldBy::Attestation),
        (Some(false), _) => (Binding::DeviceBound, ToldBy::IdpType),
        (None, _) => (Binding::CannotTell, ToldBy::Nobody),
    }
}

/// A method that the server lists.
fn method(told: estate::Method) -> Method {
    let mut method = CLASSES.method(&told.kind, told.id.clone());
    if told.kind == PASSKEY {
        method.class = MethodClass::from(binding(&told).0);
        method.removal = Removal::Impossible { why: "keys are revoked one by one".into() };
    }
    if !told.usable {
        method.usable = Usable::No { why: "used or run out".into() };
    }
    method
}

impl SignInMethods for Embedded {
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError> {
        Ok(Listing::whole(self.told_methods(user)?.into_iter().map(method).collect()))
    }

    fn report(&self, after: Option<&Cursor>) -> Option<Result<Told<Page<Reported>>, DirectoryError>> {
        let at = page_of("/v1/method-report", after);
        let page = self.get::<estate::MethodReport>(&at, "report").map(|page| {
            let reported = |one: estate::ReportedAccount| Reported {
                user_id: one.user,
                login: one.login,
                is_admin: None,
                methods: Listing::whole(one.methods.into_iter().map(method).collect()),
            };
            let found = page.accounts.into_iter().map(reported).collect();
            Page { listing: Listing::whole(found), next: page.next.map(Cursor) }
        });
        Some(Told::from_answer("the report over all accounts", TOKEN, page))
    }
}

impl MethodRemoval for Embedded {
    fn remove(&self, user: &User, method: &Method) -> Result<Removed, DirectoryError> {
        if let Removal::Impossible { why } = &method.removal {
            return Err(self.api.client.idp().refused(why.clone()));
        }
        let at = path(&user.id, &format!("/methods/{}", segment(&method.id)));
        match send(self.call(HttpMethod::DELETE, &at), "such sign-in method") {
            Ok(reply) => removed(&reply).map(|()| Removed::Gone),
            // Gone already; or somebody on the way knows nothing of it.
            Err(absent @ DirectoryError::NotFound { .. }) => {
                let is_there = self.told_methods(user)?.iter().any(|other| other.id == method.id);
                if is_there { Err(absent) } else { Ok(Removed::Gone) }
            }
            Err(error) => Err(error),
        }
    }
}

impl Passkeys for Embedded {
    fn passkeys(&self, user: &User) -> Result<Listing<Passkey>, DirectoryError> {
        let told = self.told_methods(user)?;
        let passkey = |credential: wire::Credential| {
            let method = told.iter().find(|method| method.id == credential.id);
            let (binding, told_by) = method.map_or((Binding::CannotTell, ToldBy::Nobody), binding);
            let by_model = Passkey::by_model(registered(credential.clone()), Some(credential.aaguid));
            if told_by == ToldBy::Nobody { by_model } else { Passkey { binding, told_by, ..by_model } }
        };
        Ok(Listing::whole(self.credentials(user)?.into_iter().map(passkey).collect()))
    }
}

impl LastUse for Embedded {
    fn last_use(&self, user: &User) -> Result<LastUsed, DirectoryError> {
        let keys = self.credentials(user)?.into_iter();
        let keys = keys.map(|credential| KeyUse { key: credential.id, at: credential.last_used });
        Ok(LastUsed {
            account: Told::Known(Seen { at: self.sessions(user)?.last }),
            keys: Listing::whole(keys.collect()),
        })
    }

    fn sign_ins(&self, user: &User, since: OffsetDateTime) -> Result<Listing<SignInSeen>, DirectoryError> {
        let since = since.format(&Rfc3339).unwrap_or_default();
        let at = path(&user.id, &format!("/sign-in-log?since={}", segment(&since)));
        let told: estate::SignInLog = self.get(&at, &known(user))?;
        let seen = |one: estate::Session| SignInSeen { at: one.began, by: Some(one.by) };
        Ok(Listing::whole(told.sign_ins.into_iter().map(seen).collect()))
    }
}

fn rule(told: estate::NamedPolicy) -> Rule {
    Rule {
        policy: told.name,
        about: About::SignIn,
        state: if told.policy.enforced { RuleState::On } else { RuleState::ReportOnly },
        admits: match told.policy.admits.is_empty() {
            true => Admits::PhishingResistant,
            false => Admits::Weaker(told.policy.admits),
        },
        place: "PUT /v1/policies/NAME".into(),
        leaves_out: Listing::default(),
    }
}

impl Applications for Embedded {
    fn applications(&self, after: Option<&Cursor>) -> Result<Page<Application>, DirectoryError> {
        let page: estate::Applications = self.get(&page_of("/v1/applications", after), "applications")?;
        let application = |told: estate::NamedApplication| Application {
            id: told.id,
            name: told.application.name,
            legacy: told.application.legacy,
            rules: Listing::whole(told.rules.into_iter().map(rule).collect()),
        };
        let found = page.applications.into_iter().map(application).collect();
        Ok(Page { listing: Listing::whole(found), next: page.next.map(Cursor) })
    }
}

impl ModelRules for Embedded {
    fn shut_out(&self, models: &BTreeSet<Aaguid>) -> Result<Listing<ShutOut>, DirectoryError> {
        let told: estate::ShutModels = self.get("/v1/shut-models", "models")?;
        let shut = |model| ShutOut {
            model,
            rule: "shut models".into(),
            at_sign_in: true,
            place: "DELETE /v1/shut-models/AAGUID".into(),
        };
        Ok(Listing::whole(told.models.into_iter().filter(|model| models.contains(model)).map(shut).collect()))
    }
}

impl Policies for Embedded {
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError> {
        let told: estate::NamedPolicies = self.get(&format!("/v1/groups/{}/policies", segment(group)), "such group")?;
        Ok(Listing::whole(told.policies.into_iter().map(rule).collect()))
    }

    fn order(&self) -> RuleOrder {
        RuleOrder::Every
    }
}

impl WhatIf for Embedded {
    fn what_if(&self, user: &User) -> Result<Listing<Evaluation>, DirectoryError> {
        let told: estate::NamedPolicies = self.get(&path(&user.id, "/what-if"), &known(user))?;
        let (rules, prepared) = told.policies.into_iter().map(rule).partition(|rule| rule.state == RuleState::On);
        Ok(Listing::whole(vec![Evaluation { sign_in: "to anything".into(), rules, prepared: Told::Known(prepared) }]))
    }
}

impl Suspension for Embedded {
    fn standing(&self, user: &User) -> Result<Standing, DirectoryError> {
        let told: wire::User = self.get(&path(&user.id, ""), &known(user))?;
        Ok(match (told.active, told.suspended) {
            (false, _) => Standing::Out("inactive".into()),
            (true, true) => Standing::Suspended,
            (true, false) => Standing::Active,
        })
    }

    fn suspend(&self, user: &User) -> Result<(), DirectoryError> {
        removed(&send(self.call(HttpMethod::PUT, &path(&user.id, "/suspension")), &known(user))?)
    }

    fn restore(&self, user: &User) -> Result<(), DirectoryError> {
        removed(&send(self.call(HttpMethod::DELETE, &path(&user.id, "/suspension")), &known(user))?)
    }

    fn registers_while_suspended(&self) -> Told<bool> {
        Told::Known(true)
    }
}

impl Sessions for Embedded {
    fn end(&self, user: &User) -> Result<(), DirectoryError> {
        removed(&send(self.call(HttpMethod::DELETE, &path(&user.id, "/sessions")), &known(user))?)
    }

    fn lives_on(&self) -> &'static str {
        "nothing: the practice IdP has no applications"
    }
}

impl TemporaryPass for Embedded {
    fn issue(&self, user: &User, wanted: WantedPass) -> Result<Pass, DirectoryError> {
        let seconds = u32::try_from(wanted.lifetime.as_secs()).unwrap_or(u32::MAX);
        let body = estate::NewPass { seconds, once: wanted.once };
        let call = self.call(HttpMethod::POST, &path(&user.id, "/passes")).json(&body);
        let given: estate::Pass = send(call, &known(user))?.json()?;
        let (secret, until) = (SecretString::from(given.pass), Some(given.until));
        Ok(Pass { id: given.id, secret, until, usable: Usable::Yes })
    }

    fn withdraw(&self, user: &User, pass: &str) -> Result<(), DirectoryError> {
        let method = CLASSES.method("temporary-pass", pass);
        self.remove(user, &method).map(drop)
    }

    fn limits(&self) -> &'static str {
        "one for each account, of a minute to 30 days; where a policy admits passkeys alone it opens nothing"
    }
}

impl Labels for Embedded {
    fn relabel(&self, user: &User, key: &Registered, label: &str) -> Result<(), DirectoryError> {
        let at = path(&user.id, &format!("/credentials/{}", segment(&key.id)));
        let call = self.call(HttpMethod::PATCH, &at).json(&wire::NewLabel { label: cut(label) });
        let changed: wire::Credential = send(call, "such security key")?.json()?;
        match key.credential_id.as_ref() == Some(&changed.credential_id) {
            true => Ok(()),
            false => Err(self.api.client.idp().invalid_response("another security key than the one that was named")),
        }
    }
}

impl AccountRights for Embedded {
    /// The token opens everything; that it is taken is seen here.
    fn rights(&self) -> Result<Rights, DirectoryError> {
        self.check()?;
        let right = |capability| Right { capability, name: TOKEN.into(), there: Told::Known(true) };
        Ok(Rights { needed: Capability::ALL.map(right).into(), beyond: Told::Known(Vec::new()) })
    }

    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError> {
        Ok(Told::Known(true))
    }
}

impl From<wire::User> for User {
    fn from(user: wire::User) -> Self {
        let active = user.active && !user.suspended;
        Self { id: user.id, login: user.login, display_name: user.display_name, active }
    }
}

impl From<wire::Finding> for Finding {
    fn from(finding: wire::Finding) -> Self {
        Self { blocks: finding.blocks, message: finding.message }
    }
}
