//! Texts and salts in the database: what an append brings, and what entries have tokens of.
//!
//! It refuses a text that its token does not fit, and one that is gone without having been erased.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use zeroize::Zeroizing;

use super::column::value;
use super::connection::{Connection, Parameters};
use super::number;
use crate::ledger::personal::person::{Person, identity, kept_text, key, new_salt};
use crate::ledger::personal::{PersonTexts, Texts, Token, commit, has_texts, is_committed, texts_from};
use crate::ledger::{Entry, Event, LedgerError, Record};

/// How many persons are fetched in one go.
const PAGE: i64 = 1000;

/// Events as they will stand in the log, and what will stand beside it.
pub(super) struct Committed {
    /// The server's time.
    pub(super) time: String,
    pub(super) bodies: Vec<(String, Texts)>,
    pub(super) persons: NewPersons,
    pub(super) texts: NewTexts,
}

/// Columns of new rows.
#[derive(Default)]
pub(super) struct NewPersons {
    pub(super) numbers: Vec<i64>,
    pub(super) accounts: Vec<String>,
    pub(super) salts: Vec<Vec<u8>>,
    pub(super) named: Vec<bool>,
}

/// Columns of new rows.
#[derive(Default)]
pub(super) struct NewTexts {
    pub(super) persons: Vec<i64>,
    pub(super) codes: Vec<Vec<u8>>,
    pub(super) texts: Vec<Vec<u8>>,
}

/// The persons that an append is about; the newest number that any has.
struct People {
    known: HashMap<String, Person>,
    newest: i64,
    new: NewPersons,
}

impl Committed {
    /// Whoever is not known becomes a new person. That nobody else gets the same number is sure as long as the log ends where the
    /// writer expects it: persons come with events only.
    pub(super) fn of(connection: &mut Connection, records: &[Record<'_>]) -> Result<Self, LedgerError> {
        let with_texts = records.iter().filter(|record| has_texts(record.event));
        let mut accounts: Vec<String> = with_texts.map(|record| identity(record.about.as_ref())).collect();
        accounts.sort();
        accounts.dedup();
        let rows = connection.ask(
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
                (SELECT coalesce(max(number), 0) FROM keywright.persons), p.account, p.number, p.salt, p.named_in_log
             FROM (SELECT 1) AS one LEFT JOIN keywright.persons p ON p.account = ANY ($1)",
            &[(&accounts, Type::TEXT_ARRAY)],
        )?;
        let Some(first) = rows.first() else { return Err(LedgerError::Database("it gave no answer".to_owned())) };
        let (time, newest) = (value(first, 0)?, value(first, 1)?);
        let known = rows.iter().filter_map(|row| Person::known(row).transpose()).collect::<Result<_, _>>()?;
        let mut people = People { known, newest, new: NewPersons::default() };
        let (mut bodies, mut texts) = (Vec::with_capacity(records.len()), NewTexts::default());
        for Record { event, about } in records {
            let (account, mut of_entry) = (identity(about.as_ref()), HashMap::new());
            let body = commit(event, |member, text| {
                let Some(token) = people.of(&account).token(member, text) else { return Ok(None) };
                texts.push(token, text);
                of_entry.insert(token, Arc::from(text));
                Ok::<_, LedgerError>(Some(token))
            })?;
            let of_entry = texts_from(&body, |token| of_entry.get(&token).cloned());
            bodies.push((body, of_entry));
            if let Event::AccountErased { account, .. } = event {
                people.erase(&identity(Some(account)));
            }
        }
        Ok(Self { time, bodies, persons: people.new, texts })
    }
}

impl Person {
    /// Of the row with account, number, salt and whether old events name them; `None` if the row has none.
    fn known(row: &Row) -> Result<Option<(String, Self)>, LedgerError> {
        let (account, number): (Option<String>, Option<i64>) = (value(row, 2)?, value(row, 3)?);
        let (Some(account), Some(found), Some(salt)) = (account, number, value::<Option<&[u8]>>(row, 4)?) else {
            return Ok(None);
        };
        let (number, salt) = (person_number(found)?, salt_of(found, salt)?);
        Ok(Some((account, Self { number, salt: key(&salt), named_in_log: value(row, 5)? })))
    }
}

impl People {
    fn of(&mut self, account: &str) -> &Person {
        if !self.known.contains_key(account) {
            let person = self.add(account, false);
            self.known.insert(account.to_owned(), person);
        }
        &self.known[account]
    }

    fn add(&mut self, account: &str, named_in_log: bool) -> Person {
        let salt = new_salt();
        self.newest += 1;
        self.new.numbers.push(self.newest);
        self.new.accounts.push(account.to_owned());
        self.new.salts.push(salt.to_vec());
        self.new.named.push(named_in_log);
        Person { number: self.newest.unsigned_abs(), salt: key(&salt), named_in_log }
    }

    /// Whom old events name goes on to be named, as somebody new.
    fn erase(&mut self, account: &str) {
        if self.known.remove(account).is_some_and(|person| person.named_in_log) {
            let person = self.add(account, true);
            self.known.insert(account.to_owned(), person);
        }
    }
}

impl NewTexts {
    fn push(&mut self, token: Token, text: &str) {
        self.persons.push(number(token.person));
        self.codes.push(token.code.to_vec());
        self.texts.push(text.as_bytes().to_vec());
    }
}

/// What is kept of the tokens of some entries.
pub(super) struct TextsRead(HashMap<Token, KeptText>);

/// `None` if it was erased; in words what is wrong.
type KeptText = Result<Option<Arc<str>>, String>;

impl TextsRead {
    /// Of the entries with these bodies, by one statement.
    pub(super) fn of<'b>(
        connection: &mut Connection,
        bodies: impl IntoIterator<Item = &'b str>,
    ) -> Result<Self, LedgerError> {
        let bodies = bodies.into_iter().filter(|body| is_committed(body));
        let mut tokens: Vec<Token> = bodies.flat_map(Token::all_in).collect();
        tokens.sort();
        tokens.dedup();
        if tokens.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let persons: Vec<i64> = tokens.iter().map(|token| number(token.person)).collect();
        let codes: Vec<&[u8]> = tokens.iter().map(|token| token.code.as_slice()).collect();
        let rows = connection.ask(
            "SELECT w.i, p.number, p.salt, t.text
             FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS w (person, code, i)
             LEFT JOIN keywright.persons p ON p.number = w.person
             LEFT JOIN keywright.texts t ON t.person = w.person AND t.code = w.code",
            &[(&persons, Type::INT8_ARRAY), (&codes, Type::BYTEA_ARRAY)],
        )?;
        let mut salts: HashMap<u64, hmac::Key> = HashMap::new();
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let place = usize::try_from(value::<i64>(row, 0)?).unwrap_or(0);
            if let Some(token) = place.checked_sub(1).and_then(|place| tokens.get(place)) {
                found.insert(*token, one(row, *token, &mut salts)?);
            }
        }
        Ok(Self(found))
    }

    /// The texts of one of those entries.
    pub(super) fn of_entry(&self, entry: &Entry) -> Result<Texts, LedgerError> {
        let mut wrong = None;
        let texts = texts_from(&entry.body, |token| match self.0.get(&token) {
            Some(Ok(text)) => text.clone(),
            Some(Err(why)) => {
                wrong = Some(why.clone());
                None
            }
            None => {
                wrong = Some("a text about a person was not found".to_owned());
                None
            }
        });
        wrong.map_or(Ok(texts), |why| Err(LedgerError::broken(entry.seq, why)))
    }
}

/// What is kept of a token, or in words what is wrong with it.
fn one(row: &Row, token: Token, salts: &mut HashMap<u64, hmac::Key>) -> Result<KeptText, LedgerError> {
    let (person, salt): (Option<i64>, Option<&[u8]>) = (value(row, 1)?, value(row, 2)?);
    if person.is_none() {
        return Ok(Err(format!("person {} of the ledger is gone", token.person)));
    }
    let text = value::<Option<&[u8]>>(row, 3)?.map(|text| String::from_utf8(text.to_vec()));
    let Ok(text) = text.transpose() else { return Ok(Err("a text about a person was changed".to_owned())) };
    if let Some(salt) = salt {
        let Ok(salt) = salt.try_into() else { return Ok(Err("a person's salt was changed".to_owned())) };
        salts.entry(token.person).or_insert_with(|| key(&Zeroizing::new(salt)));
    }
    Ok(kept_text(token, text, salts.get(&token.person)))
}

fn person_number(found: i64) -> Result<u64, LedgerError> {
    u64::try_from(found).map_err(|_| LedgerError::broken(0, format!("person {found} of the ledger has no such number")))
}

fn salt_of(person: i64, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, LedgerError> {
    let wrong = |_| LedgerError::broken(0, format!("person {person} of the ledger has a salt of another length"));
    salt.try_into().map(Zeroizing::new).map_err(wrong)
}

/// Every person with salt and texts.
pub(super) fn persons(
    ask: impl Fn(&str, Parameters<'_>) -> Result<Vec<Row>, LedgerError>,
    visit: &mut dyn FnMut(PersonTexts) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut after = i64::MIN;
    loop {
        let rows = ask(
            "SELECT p.number, p.salt, t.text FROM
                (SELECT number, salt FROM keywright.persons WHERE number > $1 ORDER BY number LIMIT $2) AS p
             LEFT JOIN keywright.texts t ON t.person = p.number ORDER BY p.number, t.text",
            &[(&after, Type::INT8), (&PAGE, Type::INT8)],
        )?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = value(last, 0)?;
        let mut rows = rows.iter().peekable();
        while let Some(row) = rows.next() {
            let found: i64 = value(row, 0)?;
            let salt = value::<Option<&[u8]>>(row, 1)?.map(|salt| salt_of(found, salt)).transpose()?;
            let mut person = PersonTexts { number: person_number(found)?, salt, texts: Vec::new() };
            let mut row = Some(row);
            while let Some(one) = row {
                if let Some(text) = value::<Option<&[u8]>>(one, 2)? {
                    let text = String::from_utf8(text.to_vec()).map_err(|_| {
                        LedgerError::broken(0, format!("person {found} of the ledger has a text that is not UTF-8"))
                    })?;
                    person.texts.push(text);
                }
                row = rows.next_if(|next| value::<i64>(next, 0).is_ok_and(|next| next == found));
            }
            visit(person)?;
        }
    }
}
