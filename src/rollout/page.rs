//! What was read of the estate as one page of HTML: an inventory, and the answer for the meeting where an enforcement is decided.
//!
//! It refuses to load anything from anywhere: the style is inside, and the page's own policy allows nothing but that. What comes from
//! people and IdPs is escaped by the template's compiler, and made safe to show.

use askama::Template;
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use super::inventory::{Entry, Inventory, KeyEntry, Whose, diff};
use super::ready::{GroupReadiness, PersonReadiness, Readiness, Which};
use crate::idp::capability::{Binding, Hold, Seen, Told};
use keywright_files::shown;

const STYLE: &str = include_str!("../../templates/ledger.css");

/// What a page may do: show itself, styled and scripted by exactly these texts.
pub fn content_security_policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text)));
    let script = script.map(|script| format!("script-src {}; ", hash(script))).unwrap_or_default();
    format!("default-src 'none'; style-src {}; {script}base-uri 'none'; form-action 'none'", hash(style))
}

/// A number that stands for itself.
struct Tile {
    title: &'static str,
    number: usize,
    words: &'static str,
    tone: &'static str,
}

impl Tile {
    fn new(title: &'static str, number: usize, words: &'static str, if_any: &'static str) -> Self {
        Self { title, number, words, tone: if number == 0 { "good" } else { if_any } }
    }
}

#[derive(Template)]
#[template(path = "inventory.html")]
struct InventoryPage<'a> {
    content_security_policy: String,
    style: &'static str,
    version: &'static str,
    title: String,
    at: String,
    idp: &'a str,
    tiles: [Tile; 4],
    untold: Vec<String>,
    rows: Vec<Row<'a>>,
    sha256: &'a str,
}

/// A person.
struct Row<'a> {
    login: &'a str,
    person: &'a str,
    active: bool,
    roles: Vec<String>,
    keys: Vec<KeyCell>,
    weak: Vec<&'a str>,
    seen: String,
    untold: Vec<String>,
}

struct KeyCell {
    name: String,
    tone: &'static str,
    binding: &'static str,
    told_by: &'static str,
    used: String,
}

/// An inventory. About 1 kB for each person.
pub fn inventory(inventory: &Inventory, sha256: &str) -> Result<String, askama::Error> {
    let people = &inventory.people;
    let keys =
        |is: fn(&Whose) -> bool| people.iter().flat_map(|entry| &entry.keys).filter(|key| is(&key.whose)).count();
    let page = InventoryPage {
        content_security_policy: content_security_policy(STYLE, None),
        style: STYLE,
        version: env!("CARGO_PKG_VERSION"),
        title: format!("Ways in: {}", inventory.scope),
        at: moment(inventory.taken),
        idp: &inventory.directory,
        tiles: [
            Tile { title: "People", number: people.len(), words: "accounts at the identity provider", tone: "" },
            Tile::new(
                "With weak methods",
                people.iter().filter(|entry| entry.weak_methods().next().is_some()).count(),
                "people who can be phished",
                "warn",
            ),
            Tile::new(
                "Keys unknown to us",
                people.iter().map(|entry| entry.unknown_keys().count()).sum(),
                "at the identity provider, made by nobody here",
                "bad",
            ),
            Tile::new(
                "Keys that differ",
                keys(|whose| matches!(whose, Whose::Gone(_) | Whose::Outlived { .. })),
                "gone there, or out of service here",
                "bad",
            ),
        ],
        untold: untold(inventory),
        rows: people.iter().map(Row::new).collect(),
        sha256,
    };
    Ok(shown::lines(&page.render()?).into_owned())
}

fn untold(inventory: &Inventory) -> Vec<String> {
    let lacks = inventory.lacks.iter().map(|one| format!("{} cannot {}", inventory.directory, one.words()));
    inventory.untold.iter().map(ToString::to_string).chain(lacks).collect()
}

impl<'a> Row<'a> {
    fn new(entry: &'a Entry) -> Self {
        let role = |held: &super::inventory::HeldRole| match held.hold {
            Hold::Active => held.role.name.clone(),
            Hold::Eligible => format!("{} (eligible)", held.role.name),
        };
        Self {
            login: &entry.user.login,
            person: &entry.user.display_name,
            active: entry.user.active,
            roles: entry.roles.iter().map(role).collect(),
            keys: entry.keys.iter().map(KeyCell::new).collect(),
            weak: entry.weak_methods().map(|method| method.name.as_str()).collect(),
            seen: seen(&entry.seen),
            untold: entry.untold().map(ToString::to_string).collect(),
        }
    }
}

impl KeyCell {
    fn new(key: &KeyEntry) -> Self {
        Self {
            name: diff::name(key),
            tone: match key.whose {
                Whose::Ours { .. } => "good",
                Whose::CannotTell(_) => "warn",
                Whose::Unknown { .. } | Whose::Gone(_) | Whose::Outlived { .. } => "bad",
            },
            binding: match key.binding {
                Binding::DeviceBound => "device-bound",
                Binding::Synced => "synced",
                Binding::CannotTell => "cannot tell whether it is synced",
            },
            told_by: key.told_by.words(),
            used: seen(&key.used),
        }
    }
}

fn seen(seen: &Told<Seen>) -> String {
    match seen {
        Told::Known(Seen { at: Some(at) }) => at.date().to_string(),
        Told::Known(Seen { at: None }) => "never".to_owned(),
        Told::CannotTell(_) => "cannot tell".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "ready.html")]
struct ReadyPage<'a> {
    content_security_policy: String,
    style: &'static str,
    version: &'static str,
    about: String,
    at: String,
    idp: &'a str,
    ready: bool,
    reasons: usize,
    overall: Vec<Why>,
    groups: Vec<Group<'a>>,
}

/// A reason, and what mends it.
struct Why {
    sentence: String,
    next: String,
}

struct Group<'a> {
    name: &'a str,
    factor: &'static str,
    supporter: &'a str,
    ready: bool,
    people: usize,
    people_ready: usize,
    reasons: Vec<Why>,
    switches: Vec<String>,
    to_go: usize,
    to_stay: usize,
    rows: Vec<Person<'a>>,
}

struct Person<'a> {
    login: &'a str,
    person: &'a str,
    state: &'static str,
    tone: &'static str,
    reasons: Vec<Why>,
    to_go: Vec<&'a str>,
    to_stay: Vec<String>,
}

/// The answer, with each reason.
pub fn ready(which: &Which, directory: &str, answer: &Readiness) -> Result<String, askama::Error> {
    let page = ReadyPage {
        content_security_policy: content_security_policy(STYLE, None),
        style: STYLE,
        version: env!("CARGO_PKG_VERSION"),
        about: which.to_string(),
        at: moment(answer.at),
        idp: directory,
        ready: answer.is_ready(),
        reasons: answer.all().count(),
        overall: answer.reasons.iter().map(|reason| why(reason, "ACCOUNT", "GROUP")).collect(),
        groups: answer.groups.iter().map(Group::new).collect(),
    };
    Ok(shown::lines(&page.render()?).into_owned())
}

fn why(reason: &super::ready::Reason, login: &str, group: &str) -> Why {
    Why { sentence: reason.to_string(), next: reason.next_step(login, group) }
}

impl<'a> Group<'a> {
    fn new(group: &'a GroupReadiness) -> Self {
        let asked = group.people.iter().filter(|person| person.left_out.is_none());
        Self {
            name: &group.name,
            factor: group.factor.words(),
            supporter: &group.supporter,
            ready: group.is_ready(),
            people: asked.clone().count(),
            people_ready: asked.filter(|person| person.reasons.is_empty()).count(),
            reasons: group.reasons.iter().map(|reason| why(reason, "ACCOUNT", &group.name)).collect(),
            switches: group.switches.iter().map(|rule| format!("{} ({})", rule.policy, rule.place)).collect(),
            to_go: group.people.iter().map(|person| person.to_go.len()).sum(),
            to_stay: group.people.iter().map(|person| person.to_stay.len()).sum(),
            rows: group.people.iter().map(|person| Person::new(person, &group.name)).collect(),
        }
    }
}

impl<'a> Person<'a> {
    fn new(person: &'a PersonReadiness, group: &str) -> Self {
        let (state, tone) = match (person.left_out, person.reasons.is_empty()) {
            (Some(left_out), _) => (left_out.words(), "note"),
            (None, true) => ("ready", "good"),
            (None, false) => ("not ready", "bad"),
        };
        let login = &person.user.login;
        Self {
            login,
            person: &person.user.display_name,
            state,
            tone,
            reasons: person.reasons.iter().map(|reason| why(reason, login, group)).collect(),
            to_go: person.to_go.iter().map(|method| method.name.as_str()).collect(),
            to_stay: person.to_stay.iter().map(|(method, until)| format!("{} until {until}", method.name)).collect(),
        }
    }
}

fn moment(at: OffsetDateTime) -> String {
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.to_offset(time::UtcOffset::UTC).format(minutes).unwrap_or_else(|_| at.to_string())
}
