//! Which account of the register a user of an IdP is, and which a person means by a login.
//!
//! The IdP's own id of the user decides. A login decides only where no id is known yet; it never makes two people one.

use std::collections::BTreeSet;

use super::{Account, AccountState, Register};
use crate::ledger::{AccountId, IdpInstance};
use crate::profile::login;

/// An IdP, as the settings call it and as it is known wherever they do.
#[derive(Debug, Clone)]
pub struct IdpIdentity {
    /// The name in the settings.
    pub name: String,
    /// What stays when that name changes.
    pub instance: IdpInstance,
}

impl IdpIdentity {
    /// Whether the account is one of this IdP.
    pub fn has(&self, id: &AccountId, account: &Account) -> bool {
        account.idp.as_ref().map_or(id.directory == self.name, |idp| *idp == self.instance)
    }

    /// An id of a user is of this IdP if the IdP is the same, or its table in the settings is: a table whose tenant is written
    /// otherwise than before is no other IdP where a user's id says so.
    fn knows_ids_of(&self, id: &AccountId, account: &Account) -> bool {
        self.has(id, account) || id.directory == self.name
    }
}

/// The person whom an account was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPerson {
    /// The account.
    pub account: AccountId,
    /// The login that it had when the IdP was asked last.
    pub login: String,
    /// The IdP's id of the user; `None` if the IdP was never asked.
    pub user_id: Option<String>,
    /// Which IdP, if it was asked by a version that wrote that down.
    idp: Option<IdpInstance>,
}

impl KnownPerson {
    /// Somebody whom the IdP told of, whether the register has them or not.
    pub fn told(account: AccountId, login: String, user_id: String) -> Self {
        Self { account, login, user_id: Some(user_id), idp: None }
    }

    /// Whether the user with this id is that person. Nobody knows better while no id is known.
    pub fn is(&self, user_id: &str) -> bool {
        let Some(known) = &self.user_id else { return true };
        self.idp.as_ref().map_or(known == user_id, |idp| idp.is_one_user(known, user_id))
    }
}

impl Register {
    /// The account of the IdP's user with this id, if it has one.
    ///
    pub fn account_of_user(&self, idp: &IdpIdentity, user_id: &str) -> Option<&AccountId> {
        let its = |(id, account): &(&AccountId, &Account)| {
            let known = account.user_id.as_deref();
            known.is_some_and(|known| idp.instance.is_one_user(known, user_id)) && idp.knows_ids_of(id, account)
        };
        // Of several, the first one that was found at the IdP.
        self.accounts.iter().filter(its).find(|(_, account)| account.same_as.is_none()).map(|(id, _)| id)
    }

    /// Another account of the same table in the settings that has this user already, and is still in use.
    pub(super) fn first_account_of(&mut self, new: &AccountId, user_id: &str) -> Option<AccountId> {
        let first = AccountId::new("", "");
        let its = self.users().range((user_id.to_owned(), first)..).take_while(|(known, _)| known == user_id);
        let others: Vec<AccountId> = its.map(|(_, id)| id.clone()).collect();
        others.into_iter().filter(|id| id != new && id.directory == new.directory).find(|id| {
            let known = self.accounts.get(id);
            known.is_some_and(|known| known.same_as.is_none() && known.state == AccountState::Active)
        })
    }

    /// The account has this user now.
    pub(super) fn note_user(&mut self, account: &AccountId, user_id: &str) {
        let former = self.accounts.get(account).and_then(|known| known.user_id.clone());
        let users = self.users();
        if let Some(former) = former {
            users.remove(&(former, account.clone()));
        }
        users.insert((user_id.to_owned(), account.clone()));
    }

    fn users(&mut self) -> &mut BTreeSet<(String, AccountId)> {
        let Self { accounts, by_user, .. } = self;
        by_user.get_or_insert_with(|| {
            accounts.iter().filter_map(|(id, account)| Some((account.user_id.clone()?, id.clone()))).collect()
        })
    }

    /// Who an account is, as far as is known, to be held against what the IdP says.
    pub fn person(&self, account: &AccountId) -> KnownPerson {
        let known = self.accounts.get(account);
        KnownPerson {
            account: account.clone(),
            login: self.login(account).to_owned(),
            user_id: known.and_then(|known| known.user_id.clone()),
            idp: known.and_then(|known| known.idp.clone()),
        }
    }

    /// The account that was planned under a login of this IdP and whose user nobody has asked for yet.
    pub fn unresolved_account(&self, idp: &IdpIdentity, logins: &[&str]) -> Option<&AccountId> {
        let unresolved = self.accounts.iter().filter(|(id, account)| account.user_id.is_none() && idp.has(id, account));
        let mut named =
            unresolved.filter(|(_, account)| logins.iter().any(|login| login::is_same(login, &account.login)));
        named.next().map(|(id, _)| id)
    }

    /// The account of this IdP that had the login when it was asked for last, and is still in use.
    pub fn holder_of_login(&self, idp: &IdpIdentity, login: &str) -> Option<&AccountId> {
        let in_use = |account: &Account| !matches!(account.state, AccountState::Left { .. } | AccountState::Forgotten);
        let mut holders = self
            .accounts
            .iter()
            .filter(|(id, account)| idp.has(id, account) && in_use(account) && login::is_same(&account.login, login));
        holders.next().map(|(id, _)| id)
    }

    /// Whom a person may mean: accounts that have this login or the IdP's id, at any IdP. Where there are none, those that had it
    /// before.
    pub fn accounts_named(&self, text: &str) -> Vec<&AccountId> {
        let named = |wanted: &dyn Fn(&Account) -> bool| -> Vec<&AccountId> {
            self.accounts.iter().filter(|(_, account)| wanted(account)).map(|(id, _)| id).collect()
        };
        let now = named(&|account| login::is_same(&account.login, text) || account.user_id.as_deref() == Some(text));
        // Where a log has one person twice, each is meant by the login as it was written.
        let exactly: Vec<&AccountId> =
            now.iter().filter(|id| id.login == text || self.login(id) == text).copied().collect();
        if now.len() > 1 && exactly.len() == 1 {
            return exactly;
        }
        let first: Vec<&AccountId> = now.iter().filter(|id| self.accounts[**id].same_as.is_none()).copied().collect();
        if !first.is_empty() {
            return first;
        }
        if !now.is_empty() {
            return now;
        }
        named(&|account| {
            let asked = &account.person.account;
            account.former_logins.iter().chain([asked]).any(|login| login::is_same(login, text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Event;
    use crate::ledger::sample::*;

    fn idp(name: &str, identity: &str) -> IdpIdentity {
        IdpIdentity { name: name.to_owned(), instance: IdpInstance::new("embedded", identity) }
    }

    fn seen(login: &str, user_id: &str, now: &str, identity: &str) -> Event {
        Event::UserFound {
            account: account(login),
            user_id: user_id.to_owned(),
            login: Some(now.to_owned()),
            idp: Some(IdpInstance::new("embedded", identity)),
            other_methods: Vec::new(),
        }
    }

    fn read(events: &[Event]) -> Register {
        Register::read(&log(events)).unwrap()
    }

    #[test]
    fn a_user_is_one_account_whatever_the_login_and_the_settings_say() {
        let register =
            read(&[planned("ada", 2), seen("ada", "u-1", "ada", "acme"), seen("ada", "u-1", "ada.l", "acme")]);
        let ada = account("ada");
        assert_eq!((register.login(&ada), &register.accounts[&ada].former_logins), ("ada.l", &vec!["ada".to_owned()]));
        // Renamed in the settings; and a table whose tenant is written otherwise.
        for same in [idp("corp", "ACME"), idp("embedded", "acme.example")] {
            assert_eq!(register.account_of_user(&same, "u-1"), Some(&ada));
        }
        assert_eq!(register.account_of_user(&idp("corp", "other"), "u-1"), None);
        for text in ["ADA.L", "u-1", "Ada"] {
            assert_eq!(register.accounts_named(text), [&ada], "{text}");
        }
    }

    #[test]
    fn a_login_decides_only_while_no_id_is_known() {
        let here = idp("embedded", "acme");
        let register = read(&[planned("ada", 2), planned("bob", 2), found("bob")]);
        assert_eq!(register.unresolved_account(&here, &["ADA"]), Some(&account("ada")));
        assert_eq!(register.unresolved_account(&here, &["bob"]), None);
        assert_eq!(register.holder_of_login(&here, "Bob"), Some(&account("bob")));
        let (account, reason, operator) = (account("bob"), "left".to_owned(), "root".into());
        let left = read(&[planned("bob", 2), found("bob"), Event::AccountLeft { account, reason, operator }]);
        assert_eq!(left.holder_of_login(&here, "bob"), None);
    }

    #[test]
    fn a_person_who_was_planned_twice_is_one_account_and_a_duplicate() {
        let mut events = journey("ada");
        events.extend([planned("Ada", 2), seen("Ada", "id-ada", "Ada", "acme")]);
        let register = read(&events);
        assert_eq!(register.account_of_user(&idp("embedded", "acme"), "id-ada"), Some(&account("ada")));
        assert_eq!(register.accounts[&account("Ada")].same_as, Some(account("ada")));
        // Each by the login as it was written, and the person's own account by any other.
        for (text, meant) in [("ada", "ada"), ("Ada", "Ada"), ("ADA", "ada"), ("id-ada", "ada")] {
            assert_eq!(register.accounts_named(text), [&account(meant)], "{text}");
        }
    }
}
