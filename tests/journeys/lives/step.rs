//! What happens in a life, in words that can be written down and repeated.

use std::fmt;
use std::str::FromStr;

use keywright_test_support::power_cut::Cut;
use proptest::prelude::*;

/// Somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Person {
    Ada,
    Grace,
    Mary,
}

/// A class of accounts; its profile has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// One key.
    Solo,
    /// Two keys.
    Pair,
    /// Two keys that enforce longer PINs than those of the others do, and tell their serial numbers.
    Strict,
    /// One key, whose PIN goes by letter.
    Posted,
}

/// The port of a key, from 1.
pub(super) type Slot = usize;
/// A key's number in its account.
pub(super) type Ordinal = usize;

/// A key, by what it is now. Which port it is in, is for chance to say: several jobs run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The one that has the newest credential under this number of the person's.
    Of(Person, Ordinal),
    /// Of those that have no credential in use, the one at this place from 0; in hand or not.
    Free(usize),
}

/// What the person at the machine has keywright do that takes several writes: the process may die between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Provision,
    Resume,
    Enroll(Person),
    Replace(Person, Ordinal),
    /// The key itself stays, with a new PIN.
    SameKey(Person, Ordinal),
    Recover(Person, Ordinal),
    Revoke(Person, Ordinal),
    Leave(Person),
    /// The same, and what is in hand of the person's keys is taken back.
    Wipe(Person),
    Reset(Which),
    Return(Which),
    /// What is plugged in, empty and unknown comes into stock.
    Stock,
    /// A key gets another label.
    Label(Person, Ordinal),
}

/// Where somebody says that a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Lost,
    Held,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// This process, by the functions that the program calls.
    Here,
    /// The program.
    Program,
    /// A process that is killed.
    Killed(Cut),
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The person is on the roster with this class, and has an account at the IdP.
    Roster(Person, Class),
    /// The person is no longer on the roster.
    Drop(Person),
    /// The IdP has a new login and name for the person.
    Rename(Person),
    /// The IdP lets the person in no longer.
    Suspend(Person),
    /// It does again.
    Restore(Person),
    /// A key is gone.
    Lose(Which),
    /// It is back.
    Find(Which),
    /// The IdP cannot be reached from now on.
    Away,
    /// It can again.
    Back,
    Work(Work, How),
    Forget(Person),
    /// Name and ticket of the account are corrected.
    Edit(Person),
    /// The names of somebody who left are erased.
    Erase(Person),
    /// The person's letters are printed again, and come out.
    Letters(Person),
    /// Somebody says where a key is.
    Say(Person, Ordinal, Said),
    Delete(Which),
    Drill(Which),
}

impl Work {
    /// The key in hand that it is about, if it is about one.
    pub(super) fn which(self) -> Option<Which> {
        match self {
            Self::Reset(key) | Self::Return(key) => Some(key),
            _ => None,
        }
    }

    /// Whether the program does it also where no process may die: these are no runs.
    pub(super) fn is_command(self) -> bool {
        matches!(self, Self::Wipe(_) | Self::Reset(_) | Self::Return(_) | Self::Stock | Self::Label(..))
    }
}

impl Step {
    /// The key that it is about, if it is about one.
    pub(super) fn which(self) -> Option<Which> {
        match self {
            Self::Lose(key) | Self::Find(key) => Some(key),
            Self::Delete(key) | Self::Drill(key) => Some(key),
            Self::Work(work, _) => work.which(),
            _ => None,
        }
    }
}

/// A life, to be printed.
pub(super) struct Words<'a>(pub(super) &'a [Step]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join("; "))
    }
}

/// Reads a life as [`Words`] prints it.
pub(super) fn read(words: &str) -> Result<Vec<Step>, String> {
    words.split(';').map(str::trim).filter(|step| !step.is_empty()).map(str::parse).collect()
}

impl Person {
    pub(super) const ALL: [Self; 3] = [Self::Ada, Self::Grace, Self::Mary];
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ada => "ada",
            Self::Grace => "grace",
            Self::Mary => "mary",
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Solo => "solo",
            Self::Pair => "pair",
            Self::Strict => "strict",
            Self::Posted => "posted",
        })
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(person, ordinal) => write!(f, "{person}.{ordinal}"),
            Self::Free(place) => write!(f, "free.{place}"),
        }
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('.').ok_or_else(|| format!("{text} is no key"))? {
            ("free", place) => number(place).map(Self::Free),
            (person, ordinal) => Ok(Self::Of(person.parse()?, number(ordinal)?)),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provision => f.write_str("provision"),
            Self::Resume => f.write_str("resume"),
            Self::Enroll(person) => write!(f, "enroll {person}"),
            Self::Replace(person, ordinal) => write!(f, "replace {person} {ordinal}"),
            Self::Revoke(person, ordinal) => write!(f, "revoke {person} {ordinal}"),
            Self::SameKey(person, ordinal) => write!(f, "same-key {person} {ordinal}"),
            Self::Recover(person, ordinal) => write!(f, "recover {person} {ordinal}"),
            Self::Leave(person) => write!(f, "leave {person}"),
            Self::Wipe(person) => write!(f, "wipe {person}"),
            Self::Reset(key) => write!(f, "reset {key}"),
            Self::Return(key) => write!(f, "return {key}"),
            Self::Stock => f.write_str("stock"),
            Self::Label(person, ordinal) => write!(f, "label {person} {ordinal}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roster(person, class) => write!(f, "roster {person} {class}"),
            Self::Drop(person) => write!(f, "drop {person}"),
            Self::Rename(person) => write!(f, "rename {person}"),
            Self::Suspend(person) => write!(f, "suspend {person}"),
            Self::Restore(person) => write!(f, "restore {person}"),
            Self::Lose(key) => write!(f, "lose {key}"),
            Self::Find(key) => write!(f, "find {key}"),
            Self::Away => f.write_str("away"),
            Self::Back => f.write_str("back"),
            Self::Work(work, How::Here) => write!(f, "{work}"),
            Self::Work(work, How::Program) => write!(f, "program {work}"),
            Self::Work(work, How::Killed(cut)) => write!(f, "killed {cut} {work}"),
            Self::Forget(person) => write!(f, "forget {person}"),
            Self::Edit(person) => write!(f, "edit {person}"),
            Self::Erase(person) => write!(f, "erase {person}"),
            Self::Letters(person) => write!(f, "letters {person}"),
            Self::Say(person, ordinal, Said::Lost) => write!(f, "lost {person} {ordinal}"),
            Self::Say(person, ordinal, Said::Held) => write!(f, "held {person} {ordinal}"),
            Self::Delete(key) => write!(f, "delete {key}"),
            Self::Drill(key) => write!(f, "drill {key}"),
        }
    }
}

impl FromStr for Person {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|person| person.to_string() == text).ok_or_else(|| format!("{text} is nobody"))
    }
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Solo, Self::Pair, Self::Strict, Self::Posted];
        all.into_iter().find(|class| class.to_string() == text).ok_or_else(|| format!("{text} is no class"))
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn work(words: &[&str]) -> Result<Work, String> {
    Ok(match words {
        ["provision"] => Work::Provision,
        ["resume"] => Work::Resume,
        ["enroll", person] => Work::Enroll(person.parse()?),
        ["replace", person, ordinal] => Work::Replace(person.parse()?, number(ordinal)?),
        ["revoke", person, ordinal] => Work::Revoke(person.parse()?, number(ordinal)?),
        ["same-key", person, ordinal] => Work::SameKey(person.parse()?, number(ordinal)?),
        ["recover", person, ordinal] => Work::Recover(person.parse()?, number(ordinal)?),
        ["leave", person] => Work::Leave(person.parse()?),
        ["wipe", person] => Work::Wipe(person.parse()?),
        ["reset", key] => Work::Reset(key.parse()?),
        ["return", key] => Work::Return(key.parse()?),
        ["stock"] => Work::Stock,
        ["label", person, ordinal] => Work::Label(person.parse()?, number(ordinal)?),
        other => return Err(format!("'{}' is no step of a life", other.join(" "))),
    })
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match &words[..] {
            ["roster", person, class] => Self::Roster(person.parse()?, class.parse()?),
            ["drop", person] => Self::Drop(person.parse()?),
            ["rename", person] => Self::Rename(person.parse()?),
            ["suspend", person] => Self::Suspend(person.parse()?),
            ["restore", person] => Self::Restore(person.parse()?),
            ["lose", key] => Self::Lose(key.parse()?),
            ["find", key] => Self::Find(key.parse()?),
            ["away"] => Self::Away,
            ["back"] => Self::Back,
            ["forget", person] => Self::Forget(person.parse()?),
            ["edit", person] => Self::Edit(person.parse()?),
            ["erase", person] => Self::Erase(person.parse()?),
            ["letters", person] => Self::Letters(person.parse()?),
            ["lost", person, ordinal] => Self::Say(person.parse()?, number(ordinal)?, Said::Lost),
            ["held", person, ordinal] => Self::Say(person.parse()?, number(ordinal)?, Said::Held),
            ["delete", key] => Self::Delete(key.parse()?),
            ["drill", key] => Self::Drill(key.parse()?),
            ["program", rest @ ..] => Self::Work(work(rest)?, How::Program),
            ["killed", cut, rest @ ..] => Self::Work(work(rest)?, How::Killed(cut.parse()?)),
            rest => Self::Work(work(rest)?, How::Here),
        })
    }
}

/// Keys that there are.
pub(super) const SLOTS: usize = 5;

/// Lives of so many episodes at most, after a beginning with people and their keys.
pub(super) fn lives(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![
        3 => class().prop_map(|class| vec![Step::Roster(Person::Ada, class), here(Work::Provision)]),
        2 => (class(), class()).prop_map(|(ada, grace)| {
            vec![Step::Roster(Person::Ada, ada), Step::Roster(Person::Grace, grace), here(Work::Provision)]
        }),
        1 => (class(), how()).prop_map(|(class, how)| vec![Step::Roster(Person::Ada, class), Step::Work(Work::Provision, how)]),
    ];
    let rest = proptest::collection::vec(episode(), 1..=longest);
    (first, rest).prop_map(|(first, rest)| [first, rest.concat()].concat())
}

fn here(work: Work) -> Step {
    Step::Work(work, How::Here)
}

fn person() -> impl Strategy<Value = Person> {
    prop_oneof![6 => Just(Person::Ada), 3 => Just(Person::Grace), 1 => Just(Person::Mary)]
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![3 => Just(Class::Pair), 3 => Just(Class::Solo), 3 => Just(Class::Strict), 1 => Just(Class::Posted)]
}

fn ordinal() -> impl Strategy<Value = Ordinal> {
    prop_oneof![3 => 1..=2_usize, 1 => 3..=4_usize]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        5 => (person(), ordinal()).prop_map(|(person, ordinal)| Which::Of(person, ordinal)),
        1 => (0..3_usize).prop_map(Which::Free),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![Just(Said::Lost), Just(Said::Held)]
}

fn cut() -> impl Strategy<Value = Cut> {
    let at = prop_oneof![0..5_usize, 0..56_usize];
    prop_oneof![at.clone().prop_map(Cut::Before), at.prop_map(Cut::After)]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![6 => Just(How::Here), 1 => Just(How::Program), 3 => cut().prop_map(How::Killed)]
}

fn some_work() -> impl Strategy<Value = Work> {
    prop_oneof![
        4 => Just(Work::Provision),
        2 => Just(Work::Resume),
        3 => person().prop_map(Work::Enroll),
        3 => (person(), ordinal()).prop_map(|(person, ordinal)| Work::Replace(person, ordinal)),
        2 => (person(), ordinal()).prop_map(|(person, ordinal)| Work::SameKey(person, ordinal)),
        2 => (person(), ordinal()).prop_map(|(person, ordinal)| Work::Recover(person, ordinal)),
        3 => (person(), ordinal()).prop_map(|(person, ordinal)| Work::Revoke(person, ordinal)),
        1 => person().prop_map(Work::Leave),
        1 => person().prop_map(Work::Wipe),
        2 => which().prop_map(Work::Reset),
        2 => which().prop_map(Work::Return),
        1 => Just(Work::Stock),
        1 => (person(), ordinal()).prop_map(|(person, ordinal)| Work::Label(person, ordinal)),
    ]
}

/// Something that happens, or what people do one after the other.
fn episode() -> impl Strategy<Value = Vec<Step>> {
    let killed = || (some_work(), cut()).prop_map(|(work, cut)| Step::Work(work, How::Killed(cut)));
    prop_oneof![
        12 => step().prop_map(|step| vec![step]),
        4 => (person(), class(), how()).prop_map(|(person, class, how)| {
            vec![Step::Roster(person, class), Step::Work(Work::Provision, how)]
        }),
        3 => (killed(), how()).prop_map(|(killed, how)| vec![killed, Step::Work(Work::Resume, how)]),
        2 => (killed(), step()).prop_map(|(killed, step)| vec![killed, step, here(Work::Resume)]),
        2 => (person(), ordinal(), how()).prop_map(|(person, ordinal, how)| {
            vec![Step::Lose(Which::Of(person, ordinal)), Step::Work(Work::Revoke(person, ordinal), how), here(Work::Provision)]
        }),
        2 => (some_work(), how()).prop_map(|(work, how)| vec![Step::Away, Step::Work(work, how), Step::Back]),
        1 => (person(), how()).prop_map(|(person, how)| vec![Step::Rename(person), Step::Work(Work::Provision, how)]),
        1 => (person(), some_work()).prop_map(|(person, work)| vec![Step::Suspend(person), here(work), Step::Restore(person)]),
        1 => (person(), ordinal(), how()).prop_map(|(person, ordinal, how)| {
            vec![Step::Work(Work::Leave(person), how), here(Work::Return(Which::Of(person, ordinal)))]
        }),
        1 => (person(), how()).prop_map(|(person, how)| vec![Step::Work(Work::Wipe(person), how), here(Work::Wipe(person)), Step::Erase(person)]),
        1 => person().prop_map(|person| {
            let program = |work| Step::Work(work, How::Program);
            vec![Step::Roster(person, Class::Posted), program(Work::Provision), Step::Letters(person), here(Work::Resume)]
        }),
        1 => (person(), ordinal(), how()).prop_map(|(person, ordinal, how)| {
            vec![Step::Lose(Which::Of(person, ordinal)), Step::Work(Work::Recover(person, ordinal), how), Step::Work(Work::Resume, How::Program)]
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (person(), class()).prop_map(|(person, class)| Step::Roster(person, class)),
        1 => person().prop_map(Step::Drop),
        2 => person().prop_map(Step::Rename),
        1 => person().prop_map(Step::Suspend),
        1 => person().prop_map(Step::Restore),
        3 => which().prop_map(Step::Lose),
        2 => which().prop_map(Step::Find),
        1 => Just(Step::Away),
        2 => Just(Step::Back),
        10 => (some_work(), how()).prop_map(|(work, how)| Step::Work(work, how)),
        1 => person().prop_map(Step::Forget),
        1 => person().prop_map(Step::Edit),
        1 => person().prop_map(Step::Erase),
        1 => person().prop_map(Step::Letters),
        1 => (person(), ordinal(), said()).prop_map(|(person, ordinal, said)| Step::Say(person, ordinal, said)),
        2 => which().prop_map(Step::Delete),
        2 => which().prop_map(Step::Drill),
    ]
}
