//! The ways in that a person's account has: each with its class, a name for its removal, and whether it can be removed.
//!
//! A class comes from the IdP's table, one file for each IdP with the source of each line. A kind that is in no table is
//! [`MethodClass::Unknown`] and counts as weak: it refuses to take for safe what it does not know.

use serde::{Deserialize, Serialize, Serializer};

use super::told::{Cursor, Listing, Page, Told};
use crate::idp::directory::User;
use crate::idp::error::DirectoryError;

/// How much a way in is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodClass {
    /// Resists phishing, and the key stays in one device.
    DeviceBound,
    /// Resists phishing, and the key is copied between devices.
    Synced,
    /// Resists phishing, and is part of a computer or telephone.
    Platform,
    /// Resists phishing; the IdP does not tell in which of these ways.
    PhishingResistant,
    /// Can be phished: SMS, voice, e-mail, one-time codes, push, questions, app passwords, a password.
    Phishable,
    /// Made to get back in: temporary passes, recovery codes.
    Recovery,
    /// Of a kind that this version does not know.
    Unknown,
}

impl MethodClass {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::DeviceBound,
        Self::Synced,
        Self::Platform,
        Self::PhishingResistant,
        Self::Phishable,
        Self::Recovery,
        Self::Unknown,
    ];

    /// Whether an attacker gets in by it who gets in by no security key.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Phishable | Self::Recovery | Self::Unknown)
    }

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeviceBound => "device_bound",
            Self::Synced => "synced",
            Self::Platform => "platform",
            Self::PhishingResistant => "phishing_resistant",
            Self::Phishable => "phishable",
            Self::Recovery => "recovery",
            Self::Unknown => "unknown",
        }
    }
}

impl Serialize for MethodClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One line of an IdP's table: a kind of method, and what it is worth.
#[derive(Debug, Clone, Copy)]
pub struct MethodKind {
    /// The IdP's word for it; upper and lower case are the same.
    pub kind: &'static str,
    /// What it is called in reports.
    pub name: &'static str,
    /// What it is worth.
    pub class: MethodClass,
    /// Where that is said.
    pub source: &'static str,
}

/// All kinds that an IdP is known to have.
#[derive(Debug, Clone, Copy)]
pub struct MethodTable(pub &'static [MethodKind]);

impl MethodTable {
    /// The line of this kind, if it is known.
    pub fn line(&self, kind: &str) -> Option<&'static MethodKind> {
        self.0.iter().find(|line| line.kind.eq_ignore_ascii_case(kind))
    }

    /// A method of this kind. One of a kind that is in no line is unknown, and goes by the IdP's word for it.
    pub fn method(&self, kind: &str, id: impl Into<String>) -> Method {
        let line = self.line(kind);
        Method {
            id: id.into(),
            kind: kind.to_owned(),
            name: line.map_or(kind, |line| line.name).to_owned(),
            class: line.map_or(MethodClass::Unknown, |line| line.class),
            usable: Usable::Yes,
            removal: Removal::Possible,
            turn: 0,
        }
    }
}

/// A way in that an account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// What its removal names: the IdP's id, below the list that it is in where an IdP has several, such as `factors/mbl1n`.
    pub id: String,
    /// The IdP's word for the kind.
    pub kind: String,
    /// What it is called in reports, with what tells it from others of its kind and is not secret, such as a masked number.
    pub name: String,
    /// What it is worth.
    pub class: MethodClass,
    /// Whether one gets in by it now.
    pub usable: Usable,
    /// Whether it can be removed.
    pub removal: Removal,
    /// In which order an account's methods go: lower first, such as the second telephone before the first.
    pub turn: u8,
}

impl Method {
    /// Whether an attacker could get in by it now, as far as is known.
    pub fn is_weak(&self) -> bool {
        self.class.is_weak() && !matches!(self.usable, Usable::No { .. })
    }
}

/// Whether one gets in by something now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usable {
    /// Yes.
    Yes,
    /// No, such as a pass that has run out.
    No {
        /// Why not, in the IdP's words.
        why: String,
    },
    /// The IdP does not say; it counts as if it were.
    CannotTell,
}

/// Whether a method can be taken from an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// Yes, by itself.
    Possible,
    /// Yes, and others go with it.
    WithOthers {
        /// Which ones.
        which: String,
    },
    /// No.
    Impossible {
        /// Why not, and what takes its place.
        why: String,
    },
}

/// An account in a report over many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The IdP's id of the account.
    pub user_id: String,
    /// The login.
    pub login: String,
    /// Whether the report calls it an administrator's.
    pub is_admin: Option<bool>,
    /// Its methods: of each kind one, without a name for its removal, where the report tells kinds only.
    pub methods: Listing<Method>,
}

/// The methods of one person, and of many where the IdP has a report.
pub trait SignInMethods {
    /// Every way in that the account has, security keys among them. Changes nothing.
    fn methods(&self, user: &User) -> Result<Listing<Method>, DirectoryError>;

    /// A page of the IdP's report over all accounts; `None` if it has none. `CannotTell` if it is refused or not licensed.
    fn report(&self, _after: Option<&Cursor>) -> Option<Result<Told<Page<Reported>>, DirectoryError>> {
        None
    }
}

/// What is weaker than a security key, in words, each once; and what could not be read, because it may be as well.
pub fn weaker_ways(methods: &Listing<Method>) -> Vec<String> {
    let weak = methods.found.iter().filter(|method| method.is_weak()).map(|method| method.name.clone());
    let mut ways: Vec<String> = Vec::new();
    for way in weak.chain(methods.untold.iter().map(ToString::to_string)) {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::capability::Untold;

    const TABLE: MethodTable = MethodTable(&[
        MethodKind { kind: "webauthn", name: "security key", class: MethodClass::PhishingResistant, source: "-" },
        MethodKind { kind: "sms", name: "SMS", class: MethodClass::Phishable, source: "-" },
        MethodKind { kind: "tac", name: "temporary access code", class: MethodClass::Recovery, source: "-" },
    ]);

    #[test]
    fn a_kind_in_no_table_is_weak() {
        assert!(!TABLE.method("WebAuthn", "1").is_weak());
        let new = TABLE.method("brain_wave", "1");
        assert_eq!((new.class, new.is_weak(), new.name.as_str()), (MethodClass::Unknown, true, "brain_wave"));
    }

    #[test]
    fn what_has_run_out_is_not_weak_and_what_is_not_told_may_be() {
        let mut pass = TABLE.method("tac", "1");
        assert!(pass.is_weak());
        pass.usable = Usable::CannotTell;
        assert!(pass.is_weak());
        pass.usable = Usable::No { why: "Expired".into() };
        assert!(!pass.is_weak());
    }

    #[test]
    fn a_list_that_was_kept_back_is_named_among_the_weaker_ways() {
        let sms = || TABLE.method("sms", "1");
        let mut methods = Listing::whole(vec![sms(), TABLE.method("webauthn", "2"), sms()]);
        assert_eq!(weaker_ways(&methods), ["SMS"]);
        methods.untold.push(Untold::not_offered("recovery codes"));
        assert_eq!(weaker_ways(&methods), ["SMS", "cannot tell recovery codes: the IdP does not tell it"]);
    }

    #[test]
    fn a_class_has_the_name_that_it_is_read_by() {
        for class in MethodClass::ALL {
            let text = serde_json::to_string(&class).unwrap();
            assert_eq!(serde_json::from_str::<MethodClass>(&text).unwrap(), class);
        }
    }
}
