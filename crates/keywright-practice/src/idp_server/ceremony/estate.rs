//! What the practice IdP does around the keys: groups, roles, methods, policies, suspension, sessions, passes.
//!
//! A policy that acts and admits passkeys alone shuts every other way out for its people. A suspended account signs in by no way, and
//! gets keys registered all the same, so that a lost key can be replaced before the door opens again.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Provider, account, active, check_name, random, random_id};
use crate::idp_server::refusal::Refusal;
use crate::idp_server::store::{Store, StoredPass};
use crate::idp_server::wire::estate::{
    Application, Applications, Members, Method, MethodReport, Methods, NamedApplication, NamedPolicies, NewPass,
    OtherSignIn, PAGE, Pass, Policy, ReportedAccount, RoleGrant, RoleHolders, Session, Sessions, ShutModels, SignInLog,
};
use crate::idp_server::wire::{User, UserChange};
use keywright_fido::webauthn::Aaguid;

/// The kind of a pass among an account's methods.
const PASS: &str = "temporary-pass";

const PASSKEY: &str = "passkey";

/// The longest that a pass is good for, in seconds: 30 days.
const LONGEST_PASS: u32 = 30 * 24 * 60 * 60;

impl Provider {
    pub(in crate::idp_server) fn set_member(&self, group: &str, user: &str, is: bool) -> Result<(), Refusal> {
        check_name("group", group, 200)?;
        let store = self.store();
        account(&store, user)?;
        Ok(store.set_member(group, user, is)?)
    }

    pub(in crate::idp_server) fn members(&self, group: &str, after: &str) -> Result<Members, Refusal> {
        let mut users = self.store().members(group, after)?;
        let more = users.len() > PAGE as usize;
        users.truncate(PAGE as usize);
        let next = users.last().filter(|_| more).map(|user: &User| user.login.clone());
        Ok(Members { users, next })
    }

    pub(in crate::idp_server) fn set_role(
        &self,
        user: &str,
        role: &str,
        grant: Option<&RoleGrant>,
    ) -> Result<(), Refusal> {
        check_name("role", role, 200)?;
        let store = self.store();
        account(&store, user)?;
        Ok(store.set_role(user, role, grant.map(|grant| grant.hold))?)
    }

    pub(in crate::idp_server) fn role_holders(&self, of: Option<&str>, after: &str) -> Result<RoleHolders, Refusal> {
        let store = self.store();
        if let Some(user) = of {
            account(&store, user)?;
        }
        let mut holders = store.role_holders(of, after)?;
        let more = holders.len() > PAGE as usize;
        holders.truncate(PAGE as usize);
        let next = holders.last().filter(|_| more).map(|one| format!("{}/{}", one.user, one.role));
        Ok(RoleHolders { holders, next })
    }

    pub(in crate::idp_server) fn methods(&self, user: &str) -> Result<Methods, Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(Methods { methods: self.methods_of(&store, user)? })
    }

    /// The report over all accounts.
    pub(in crate::idp_server) fn method_report(&self, after: &str) -> Result<MethodReport, Refusal> {
        let store = self.store();
        let mut accounts = store.accounts_after(after)?;
        let more = accounts.len() > PAGE as usize;
        accounts.truncate(PAGE as usize);
        let next = accounts.last().filter(|_| more).map(|(user, _)| user.clone());
        let reported = |(user, login): (String, String)| {
            let methods = self.methods_of(&store, &user)?;
            Ok(ReportedAccount { user, login, methods })
        };
        Ok(MethodReport { accounts: accounts.into_iter().map(reported).collect::<Result<_, Refusal>>()?, next })
    }

    fn methods_of(&self, store: &Store, user: &str) -> Result<Vec<Method>, Refusal> {
        let mut methods = Vec::new();
        for credential in store.credentials(user)? {
            let told = store.passkey(&credential.id)?;
            methods.push(Method {
                id: credential.id,
                kind: PASSKEY.into(),
                usable: true,
                aaguid: Some(credential.aaguid),
                backup_eligible: told.map(|(eligible, _)| eligible),
                attested: told.map(|(_, attested)| attested),
            });
        }
        let plain = |id: String, kind: &str, usable| {
            let (aaguid, backup_eligible, attested) = (None, None, None);
            Method { id, kind: kind.into(), usable, aaguid, backup_eligible, attested }
        };
        methods.extend(store.other_methods(user)?.into_iter().map(|kind| plain(kind.clone(), &kind, true)));
        if let Some(pass) = store.pass(user)? {
            let usable = self.is_good(&pass);
            methods.push(plain(pass.id, PASS, usable));
        }
        Ok(methods)
    }

    /// Removes a method that is no passkey; those are revoked as credentials.
    pub(in crate::idp_server) fn remove_method(&self, user: &str, method: &str) -> Result<(), Refusal> {
        let store = self.store();
        account(&store, user)?;
        if store.forget_pass(user, method)? {
            return Ok(());
        }
        let before = store.other_methods(user)?;
        let after: Vec<String> = before.iter().filter(|kind| *kind != method).cloned().collect();
        if after.len() == before.len() {
            return Err(Refusal::Absent("method"));
        }
        store.change_user(user, &UserChange { other_methods: Some(after), ..UserChange::default() })?;
        Ok(())
    }

    pub(in crate::idp_server) fn set_policy(&self, name: &str, policy: Option<&Policy>) -> Result<(), Refusal> {
        check_name("policy", name, 200)?;
        Ok(self.store().set_policy(name, policy)?)
    }

    pub(in crate::idp_server) fn policies_of(&self, group: &str) -> Result<NamedPolicies, Refusal> {
        Ok(NamedPolicies { policies: self.store().policies(Some(group), None)? })
    }

    /// The policies that are about a sign-in of this account, as [`Self::other_sign_in`] goes by them.
    pub(in crate::idp_server) fn what_if(&self, user: &str) -> Result<NamedPolicies, Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(NamedPolicies { policies: store.policies(None, Some(user))? })
    }

    pub(in crate::idp_server) fn set_application(
        &self,
        id: &str,
        application: Option<&Application>,
    ) -> Result<(), Refusal> {
        check_name("application", id, 200)?;
        if let Some(application) = application {
            check_name("name", &application.name, 200)?;
        }
        Ok(self.store().set_application(id, application)?)
    }

    pub(in crate::idp_server) fn applications(&self, after: &str) -> Result<Applications, Refusal> {
        let store = self.store();
        let mut found = store.applications(after)?;
        let more = found.len() > PAGE as usize;
        found.truncate(PAGE as usize);
        let next = found.last().filter(|_| more).map(|(id, _)| id.clone());
        let named = |(id, application): (String, Application)| {
            let rules = store.policies_named(&application.policies)?;
            Ok(NamedApplication { id, application, rules })
        };
        Ok(Applications { applications: found.into_iter().map(named).collect::<Result<_, Refusal>>()?, next })
    }

    pub(in crate::idp_server) fn set_model_shut(&self, model: Aaguid, is: bool) -> Result<(), Refusal> {
        Ok(self.store().set_model_shut(&model.to_string(), is)?)
    }

    pub(in crate::idp_server) fn shut_models(&self) -> Result<ShutModels, Refusal> {
        let models = self.store().shut_models()?;
        Ok(ShutModels { models: models.iter().filter_map(|model| model.parse().ok()).collect() })
    }

    pub(in crate::idp_server) fn set_suspended(&self, user: &str, is: bool) -> Result<(), Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(store.set_suspended(user, is)?)
    }

    pub(in crate::idp_server) fn sessions(&self, user: &str) -> Result<Sessions, Refusal> {
        let store = self.store();
        account(&store, user)?;
        let (sessions, last) = store.sessions(user)?;
        Ok(Sessions { sessions, last })
    }

    /// What is in the sign-in log, which keeps everything.
    pub(in crate::idp_server) fn sign_in_log(&self, user: &str, since: &str) -> Result<SignInLog, Refusal> {
        let at = OffsetDateTime::parse(since, &Rfc3339);
        let since = at.map_err(|_| Refusal::Request("since: a moment in RFC 3339".to_owned()))?;
        let store = self.store();
        account(&store, user)?;
        Ok(SignInLog { sign_ins: store.sign_ins(user, since)? })
    }

    pub(in crate::idp_server) fn end_sessions(&self, user: &str) -> Result<(), Refusal> {
        let store = self.store();
        account(&store, user)?;
        Ok(store.end_sessions(user)?)
    }

    pub(in crate::idp_server) fn issue_pass(&self, user: &str, wanted: &NewPass) -> Result<Pass, Refusal> {
        if !(60..=LONGEST_PASS).contains(&wanted.seconds) {
            return Err(Refusal::Request(format!("seconds: 60 to {LONGEST_PASS}")));
        }
        let store = self.store();
        active(&store, user)?;
        let now = (self.settings.now)();
        let until =
            now + time::Duration::seconds(wanted.seconds.into()) - time::Duration::nanoseconds(now.nanosecond().into());
        let pass = data_encoding::BASE32_NOPAD.encode(&random::<10>());
        let digest = Sha256::digest(pass.as_bytes()).to_vec();
        let stored = StoredPass { id: random_id(), digest, until, once: wanted.once, used: false };
        store.set_pass(user, &stored)?;
        Ok(Pass { id: stored.id, pass, until })
    }

    /// A sign-in by something else than a passkey, as the policies let it.
    pub(in crate::idp_server) fn other_sign_in(&self, user: &str, how: &OtherSignIn) -> Result<Session, Refusal> {
        let store = self.store();
        may_sign_in(&store, user)?;
        let policies = store.policies(None, Some(user))?;
        let shuts = policies.iter().find(|one| one.policy.enforced && !one.policy.admits.contains(&how.method));
        if let Some(policy) = shuts {
            return Err(Refusal::Policy(policy.name.clone()));
        }
        if how.method == PASS {
            let pass = store.pass(user)?.filter(|pass| self.is_good(pass)).ok_or(Refusal::Foreign("pass"))?;
            let typed = Sha256::digest(how.pass.as_deref().unwrap_or_default().as_bytes());
            if verify_slices_are_equal(&typed, &pass.digest).is_err() {
                return Err(Refusal::Foreign("pass"));
            }
            store.use_pass(&pass.id)?;
        } else if !store.other_methods(user)?.contains(&how.method) {
            return Err(Refusal::Foreign("method"));
        }
        self.signed_in_by(&store, user, &how.method)
    }

    /// Keeps a session for whoever just signed in.
    pub(super) fn signed_in_by(&self, store: &Store, user: &str, by: &str) -> Result<Session, Refusal> {
        let session = Session { id: random_id(), by: by.to_owned(), began: (self.settings.now)() };
        store.add_session(&session.id, user, by, session.began)?;
        Ok(session)
    }

    fn is_good(&self, pass: &StoredPass) -> bool {
        (self.settings.now)() <= pass.until && !(pass.once && pass.used)
    }
}

/// Refuses a key of a model that is shut out.
pub(super) fn may_be_of_model(store: &Store, model: Aaguid) -> Result<(), Refusal> {
    let shut = store.shut_models()?;
    if shut.contains(&model.to_string()) { Err(Refusal::Policy("shut models".into())) } else { Ok(()) }
}

/// The account, if it may sign in.
pub(super) fn may_sign_in(store: &Store, user: &str) -> Result<super::Account, Refusal> {
    let account = active(store, user)?;
    if account.user.suspended { Err(Refusal::Suspended) } else { Ok(account) }
}
