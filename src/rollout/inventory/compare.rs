//! The IdP's keys of a person held against the register's: ours, unknown to us, gone, or outlived. Pure.
//!
//! It refuses to call a key gone where the IdP's list could not be read.

use super::sighting::{SeenKey, Sighting};
use super::{Entry, HeldRole, KeyEntry, MadeHere, Teller, Whose};
use crate::idp::capability::{Binding, Seen, Told, Untold};
use crate::ledger::AccountId;
use crate::register::{Credential, CredentialState, IdpIdentity, Register};
use keywright_attest::{Chain, Statement};
use keywright_fido::webauthn::CredentialId;
use time::OffsetDateTime;

/// A person's entry: what was seen, and what the register has of the same account.
pub fn entry(
    sighting: Sighting,
    roles: Vec<HeldRole>,
    group: Option<String>,
    idp: &IdpIdentity,
    register: &Register,
    now: OffsetDateTime,
) -> Entry {
    let Sighting { user, guest, keys, methods, seen, read: _ } = sighting;
    let known = register.account_of_user(idp, &user.id);
    let account = known.or_else(|| register.unresolved_account(idp, &[&user.login])).cloned();
    let ours: Vec<Ours<'_>> = account.iter().flat_map(|account| Ours::all(account, register, now)).collect();
    let mut entries: Vec<KeyEntry> = keys.found.iter().map(|key| seen_key(key, &ours)).collect();
    let is_listed = |one: &&Ours<'_>| keys.found.iter().any(|key| one.is(key));
    for one in ours.iter().filter(|one| one.is_expected && !is_listed(one)) {
        let whose = if keys.is_whole() { Whose::Gone(one.made()) } else { Whose::CannotTell(one.made()) };
        entries.push(one.entry(whose, None, Told::CannotTell(Untold::not_offered("the key's last use"))));
    }
    let (key_untold, method_untold) = (keys.untold, methods.untold);
    Entry { user, guest, group, account, roles, keys: entries, methods: methods.found, seen, key_untold, method_untold }
}

/// A credential of the register.
struct Ours<'a> {
    id: &'a CredentialId,
    credential: &'a Credential,
    /// Whether the IdP should have it.
    is_expected: bool,
}

impl<'a> Ours<'a> {
    /// Every one that was made for an account, or for another one of the same person.
    fn all(account: &AccountId, register: &'a Register, now: OffsetDateTime) -> Vec<Self> {
        let duplicates = register.accounts.iter().filter(|(_, one)| one.same_as.as_ref() == Some(account));
        let accounts = std::iter::once(account).chain(duplicates.map(|(id, _)| id));
        let mut all = Vec::new();
        for account in accounts {
            let lines = register.standing(account, now).map(|standing| standing.keys).unwrap_or_default();
            for (id, credential) in
                register.accounts.get_key_value(account).into_iter().flat_map(|(id, _)| register.credentials_of(id))
            {
                let line = lines.iter().find(|line| line.credential_id.as_ref() == Some(id));
                let is_out = line.is_none_or(|line| line.standing.is_out_of_service());
                let is_expected = credential.state == CredentialState::Registered && !is_out;
                all.push(Self { id, credential, is_expected });
            }
        }
        all
    }

    fn is(&self, key: &SeenKey) -> bool {
        let names = self.credential.directory_id.as_deref();
        key.passkey.registered.is(self.id, names)
    }

    fn made(&self) -> MadeHere {
        MadeHere { ordinal: self.credential.ordinal, number: self.credential.number }
    }

    fn entry(&self, whose: Whose, seen: Option<&SeenKey>, used: Told<Seen>) -> KeyEntry {
        let (binding, told_by) = self.binding().unwrap_or_else(|| match seen {
            Some(key) => (key.passkey.binding, key.passkey.told_by.into()),
            None => (Binding::CannotTell, Teller::Nobody),
        });
        KeyEntry {
            whose,
            label: self.credential.label().or(seen.map(|key| key.passkey.registered.label.as_str())).map(str::to_owned),
            in_service: seen.is_some_and(|key| key.passkey.registered.in_service),
            credential_id: Some(self.id.clone()),
            aaguid: Some(self.credential.key.aaguid),
            binding,
            told_by,
            used,
        }
    }

    /// What our own verdict proves: nothing without a chain to a root that was trusted.
    fn binding(&self) -> Option<(Binding, Teller)> {
        let verdict = self.credential.model_verdict.as_ref()?;
        let is_proof = verdict.statement == Statement::Valid && verdict.chain == Chain::Trusted;
        let binding = if verdict.backup_eligible { Binding::Synced } else { Binding::DeviceBound };
        is_proof.then_some((binding, Teller::Ledger))
    }
}

fn seen_key(key: &SeenKey, ours: &[Ours<'_>]) -> KeyEntry {
    let used = key.used.clone();
    if let Some(one) = ours.iter().find(|one| one.is(key)) {
        let (made, directory_id) = (one.made(), key.passkey.registered.id.clone());
        let whose = match one.is_expected {
            true => Whose::Ours { made, directory_id },
            false => Whose::Outlived { made, directory_id },
        };
        return one.entry(whose, Some(key), used);
    }
    let registered = &key.passkey.registered;
    KeyEntry {
        whose: Whose::Unknown { directory_id: registered.id.clone() },
        label: Some(registered.label.clone()).filter(|label| !label.is_empty()),
        in_service: registered.in_service,
        credential_id: registered.credential_id.clone(),
        aaguid: key.passkey.aaguid,
        binding: key.passkey.binding,
        told_by: key.passkey.told_by.into(),
        used,
    }
}
