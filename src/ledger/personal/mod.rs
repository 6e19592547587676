//! Texts about people: logins, names, tickets, reasons, labels, places. The log has a token of each, the text stands beside the
//! log, and there it can be erased while the chain still verifies.
//!
//! `members` is the one place that says which members of which events are such texts. A token is the number of the person in this
//! ledger and HMAC-SHA-256 of the text under that person's random salt, so that a changed text is found out, one text of one person is
//! one token, and a token tells nobody anything once text and salt are gone: then the text reads `erased-` and the start of its
//! token. It refuses to take a text whose token does not fit for what was written.
//!
//! Credential ids, serial numbers, user handles and what people sign in with besides are no such texts and stay; `docs/privacy.md`
//! says so.

mod members;
pub(super) mod person;
#[cfg(test)]
pub(crate) mod scratch;
mod side_tables;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zeroize::Zeroizing;

pub use token::Token;

pub(super) use side_tables::{SideError, SideTables};

use super::{Entry, Event, LedgerError};
use members::{Member, each_text};

/// How an event ends whose texts are committed: its last member. No event of version 0.1.0 has it.
const COMMITTED: &str = r#","texts":"committed"}"#;

/// What stands before a text that is written as it is, in an event whose other texts are committed: the login of an account that
/// older events name already, and what an erased text reads.
const AS_IT_IS: &str = "as-it-is:";

/// The texts of one entry by their tokens. Those that were erased are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<Token, Arc<str>>);

/// A person of the ledger, as an export has it.
pub struct PersonTexts {
    /// The number in the tokens.
    pub number: u64,
    /// What the tokens were made with, 32 random bytes; `None` once the person was erased.
    pub salt: Option<Zeroizing<[u8; 32]>>,
    /// The texts, each once.
    pub texts: Vec<String>,
}

/// Number, account, salt, and whether old events name the account.
pub(super) type PersonRow = (i64, Option<String>, Option<Vec<u8>>, bool);

/// What stands beside a log, row by row, to be copied.
#[derive(Default)]
pub(super) struct SideRows {
    pub(super) persons: Vec<PersonRow>,
    /// Person, code, text.
    pub(super) texts: Vec<(i64, Vec<u8>, String)>,
}

/// The texts of an entry's body, by what is kept of each token.
pub(super) fn texts_from(body: &str, mut kept: impl FnMut(Token) -> Option<Arc<str>>) -> Texts {
    let tokens = is_committed(body).then(|| Token::all_in(body)).into_iter().flatten();
    Texts(tokens.filter_map(|token| Some((token, kept(token)?))).collect())
}

/// Whether the texts of an event are committed.
pub(super) fn is_committed(body: &str) -> bool {
    body.ends_with(COMMITTED)
}

/// Whether an event has texts about people.
pub(super) fn has_texts(event: &Event) -> bool {
    let mut any = false;
    each_text(&mut event.clone(), &mut |_, _| any = true);
    any
}

/// An event as it stands in the log: `token` makes the token of a text, or says that the text is written as it is. An event without
/// texts is plain JSON.
pub(super) fn commit<E>(
    event: &Event,
    mut token: impl FnMut(Member, &str) -> Result<Option<Token>, E>,
) -> Result<String, E> {
    let (mut committed, mut any, mut failed) = (event.clone(), false, None);
    each_text(&mut committed, &mut |member, text| {
        any = true;
        match token(member, text) {
            Ok(Some(token)) => *text = token.to_string(),
            Ok(None) => text.insert_str(0, AS_IT_IS),
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut json = super::chain::json(&committed);
    if any {
        json.pop();
        json.push_str(COMMITTED);
    }
    Ok(json)
}

impl Texts {
    /// Puts the texts into an event that was read from a committed body. Fails, in words, where a member is neither token nor marked as
    /// written as it is.
    pub(super) fn resolve(&self, event: &mut Event) -> Result<(), String> {
        let mut wrong = None;
        each_text(event, &mut |_, text| {
            if let Some(rest) = text.strip_prefix(AS_IT_IS) {
                *text = rest.to_owned();
            } else if let Ok(token) = text.parse::<Token>() {
                *text = self.0.get(&token).map_or_else(|| token.erased(), |text| text.to_string());
            } else {
                wrong = Some("a text about a person stands in it without a token".to_owned());
            }
        });
        wrong.map_or(Ok(()), Err)
    }
}

/// Holds what is erased against the events that say so, through a whole log.
#[derive(Debug, Default)]
pub struct Erasures {
    /// Persons some of whose texts are gone, and the first event that shows it.
    gone: BTreeMap<u64, u64>,
    /// Persons some of whose texts are there.
    kept: BTreeSet<u64>,
    /// Persons of whom an event says that they were erased, and that event.
    erased: BTreeMap<u64, u64>,
}

impl Erasures {
    /// Takes in the next entry of the log, which holds this event.
    pub fn note(&mut self, entry: &Entry, event: &Event) {
        if !is_committed(&entry.body) {
            return;
        }
        for token in Token::all_in(&entry.body) {
            match entry.texts.0.contains_key(&token) {
                true => _ = self.kept.insert(token.person),
                false => _ = self.gone.entry(token.person).or_insert(entry.seq),
            }
            if matches!(event, Event::AccountErased { .. }) {
                self.erased.insert(token.person, entry.seq);
            }
        }
    }

    /// After the newest entry. [`LedgerError::Broken`] where texts are gone without an event that says so, or the reverse.
    pub fn check(&self) -> Result<(), LedgerError> {
        if let Some((_, seq)) = self.gone.iter().find(|(person, _)| !self.erased.contains_key(person)) {
            return Err(LedgerError::broken(
                *seq,
                "a text about a person is gone, and no event says that it was erased",
            ));
        }
        match self.erased.iter().find(|(person, _)| self.kept.contains(person)) {
            Some((_, seq)) => {
                Err(LedgerError::broken(*seq, "it says that a person was erased, whose texts are there again"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
