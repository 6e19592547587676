//! A person of the ledger, whatever the texts are kept in: number, salt, and what becomes of each text.
//!
//! It refuses a text that its token does not fit, and one that is gone without having been erased.

use std::sync::Arc;

use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use super::Token;
use super::members::Member;
use crate::ledger::AccountId;

/// The account of texts about nobody in particular.
const NOBODY: &str = "";

/// A person, for writing.
pub(in crate::ledger) struct Person {
    pub(in crate::ledger) number: u64,
    pub(in crate::ledger) salt: hmac::Key,
    /// Whether events of version 0.1.0 have the account's login in plain text.
    pub(in crate::ledger) named_in_log: bool,
}

impl Person {
    /// What stands in the log for a text about the person; `None` if the text itself does.
    pub(in crate::ledger) fn token(&self, member: Member, text: &str) -> Option<Token> {
        let stays = match member {
            Member::OfAccountId => self.named_in_log || Token::is_erased(text),
            Member::Other => Token::is_erased(text),
            // It says which person is erased, also where nothing is left to be erased but what came since.
            Member::OfErasure => false,
        };
        (!stays).then(|| Token::of(self.number, &self.salt, text))
    }
}

/// What is kept of a token: its text, or `None` if that was erased. Fails, in words, where it was not.
pub(in crate::ledger) fn kept_text(
    token: Token,
    text: Option<String>,
    salt: Option<&hmac::Key>,
) -> Result<Option<Arc<str>>, String> {
    match (text, salt) {
        (Some(text), Some(salt)) if Token::of(token.person, salt, &text) == token => Ok(Some(text.into())),
        (None, None) => Ok(None),
        (Some(_), _) => Err("a text about a person was changed".to_owned()),
        (None, Some(_)) => Err("a text about a person is gone, and was not erased by 'account erase'".to_owned()),
    }
}

/// An account as the tables have it.
pub(in crate::ledger) fn identity(account: Option<&AccountId>) -> String {
    account.map_or_else(|| NOBODY.to_owned(), crate::ledger::chain::json)
}

/// What tokens of a new person are made with.
pub(in crate::ledger) fn new_salt() -> Zeroizing<[u8; 32]> {
    let mut salt = Zeroizing::new([0; 32]);
    rand::fill(&mut *salt).expect("aws-lc draws random bytes or ends the process");
    salt
}

/// The salt as HMAC-SHA-256 takes it.
pub(in crate::ledger) fn key(salt: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, salt)
}
