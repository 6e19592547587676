//! A person of an inventory: as JSON, as a row of a table, and as rows for a spreadsheet.

use std::collections::BTreeMap;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::output::{View, count};
use crate::cli::shared::spreadsheet::Spreadsheet;
use crate::idp::capability::{Binding, Capability, Hold, Seen, Told, Untold, Usable, WhyUntold};
use crate::ledger::KeyNumber;
use crate::rollout::inventory::Teller;
use crate::rollout::{Entry, Inventory, KeyEntry, Whose};
use keywright_fido::webauthn::{Aaguid, CredentialId};
use keywright_files::shown;

/// When something was seen: `seen`, `never`, or `cannot-tell`.
#[derive(Serialize)]
pub(crate) struct SeenLine {
    state: &'static str,
    /// RFC 3339.
    at: Option<String>,
}

impl SeenLine {
    fn new(seen: &Told<Seen>) -> Self {
        match seen {
            Told::Known(Seen { at: Some(at) }) => Self { state: "seen", at: at.format(&Rfc3339).ok() },
            Told::Known(Seen { at: None }) => Self { state: "never", at: None },
            Told::CannotTell(_) => Self { state: "cannot-tell", at: None },
        }
    }

    fn words(&self) -> String {
        match self.at.as_deref() {
            Some(at) => at.get(..10).unwrap_or(at).to_owned(),
            None if self.state == "never" => "never".to_owned(),
            None => "cannot tell".to_owned(),
        }
    }
}

/// Something that the IdP did not tell.
#[derive(Serialize)]
pub(crate) struct UntoldLine {
    what: String,
    /// `refused`, `not-licensed`, `lags`, `not-offered`.
    why: &'static str,
    /// In the IdP's words.
    words: Option<String>,
    /// As of when a list is that lags, RFC 3339.
    as_of: Option<String>,
    /// The permission, role or licence that it needs.
    needs: Option<String>,
}

impl UntoldLine {
    pub(crate) fn new(untold: &Untold) -> Self {
        let (why, words, as_of) = match &untold.why {
            WhyUntold::Refused(words) => ("refused", Some(words.clone()), None),
            WhyUntold::NotLicensed(words) => ("not-licensed", Some(words.clone()), None),
            WhyUntold::Lags(as_of) => ("lags", None, as_of.and_then(|at| at.format(&Rfc3339).ok())),
            WhyUntold::NotOffered => ("not-offered", None, None),
        };
        let needs = Some(untold.needs.clone()).filter(|needs| !needs.is_empty());
        Self { what: untold.what.clone(), why, words, as_of, needs }
    }
}

/// A role that a person has.
#[derive(Serialize)]
struct RoleLine<'a> {
    id: &'a str,
    name: &'a str,
    /// `active`, or `eligible`: it can be taken on at any time.
    hold: &'static str,
    /// The group that gives it.
    through: Option<&'a str>,
}

/// A key at the IdP or in the register.
#[derive(Serialize)]
struct KeyLine<'a> {
    /// `ours`, `unknown`, `gone`, `outlived`, `cannot-tell`.
    whose: &'static str,
    directory_id: Option<&'a str>,
    credential_id: Option<&'a CredentialId>,
    label: Option<&'a str>,
    ordinal: Option<usize>,
    number: Option<KeyNumber>,
    in_service: bool,
    aaguid: Option<Aaguid>,
    /// `device-bound`, `synced`, `cannot-tell`.
    binding: &'static str,
    /// Who says so.
    told_by: Teller,
    used: SeenLine,
}

/// A way in that is weaker than a key.
#[derive(Serialize)]
struct WeakLine<'a> {
    kind: &'a str,
    name: &'a str,
    class: &'static str,
    /// Whether one gets in by it now; `null`: cannot tell.
    usable: Option<bool>,
}

/// A person of an inventory.
#[derive(Serialize)]
pub(crate) struct PersonLine<'a> {
    account: &'a str,
    directory: &'a str,
    person: &'a str,
    user_id: &'a str,
    active: bool,
    guest: bool,
    /// The group of the roll-out plan.
    group: Option<&'a str>,
    /// Whether the ledger has the account.
    in_ledger: bool,
    roles: Vec<RoleLine<'a>>,
    keys: Vec<KeyLine<'a>>,
    weak: Vec<WeakLine<'a>>,
    seen: SeenLine,
    untold: Vec<UntoldLine>,
}

impl View for PersonLine<'_> {
    const KIND: &'static str = "inventory-person";
}

impl<'a> PersonLine<'a> {
    pub(crate) fn new(entry: &'a Entry, directory: &'a str) -> Self {
        Self {
            account: &entry.user.login,
            directory,
            person: &entry.user.display_name,
            user_id: &entry.user.id,
            active: entry.user.active,
            guest: entry.guest,
            group: entry.group.as_deref(),
            in_ledger: entry.account.is_some(),
            roles: entry
                .roles
                .iter()
                .map(|held| RoleLine {
                    id: &held.role.id,
                    name: &held.role.name,
                    hold: match held.hold {
                        Hold::Active => "active",
                        Hold::Eligible => "eligible",
                    },
                    through: held.through.as_deref(),
                })
                .collect(),
            keys: entry.keys.iter().map(KeyLine::new).collect(),
            weak: entry
                .weak_methods()
                .map(|method| WeakLine {
                    kind: &method.kind,
                    name: &method.name,
                    class: method.class.name(),
                    usable: match method.usable {
                        Usable::Yes => Some(true),
                        Usable::No { .. } => Some(false),
                        Usable::CannotTell => None,
                    },
                })
                .collect(),
            seen: SeenLine::new(&entry.seen),
            untold: entry.untold().map(UntoldLine::new).collect(),
        }
    }
}

impl<'a> KeyLine<'a> {
    fn new(key: &'a KeyEntry) -> Self {
        let made_here = key.whose.made_here();
        Self {
            whose: key.whose.code(),
            directory_id: key.whose.directory_id(),
            credential_id: key.credential_id.as_ref(),
            label: key.label.as_deref(),
            ordinal: made_here.map(|made| made.ordinal),
            number: made_here.and_then(|made| made.number),
            in_service: key.in_service,
            aaguid: key.aaguid,
            binding: match key.binding {
                Binding::DeviceBound => "device-bound",
                Binding::Synced => "synced",
                Binding::CannotTell => "cannot-tell",
            },
            told_by: key.told_by,
            used: SeenLine::new(&key.used),
        }
    }
}

/// The last line of an inventory.
#[derive(Serialize)]
pub(crate) struct InventoryLine<'a> {
    directory: &'a str,
    scope: String,
    /// RFC 3339.
    taken: String,
    /// As the ledger has it.
    sha256: &'a str,
    /// Which of the inventories in the ledger it is, from 1.
    number: usize,
    people: usize,
    administrators: usize,
    weak: usize,
    keys_unknown: usize,
    keys_gone: usize,
    keys_outlived: usize,
    /// What could not be read that is about no single person.
    untold: Vec<UntoldLine>,
    /// What this IdP tells of nobody.
    lacks: Vec<Capability>,
}

impl View for InventoryLine<'_> {
    const KIND: &'static str = "inventory";
}

impl<'a> InventoryLine<'a> {
    pub(crate) fn new(inventory: &'a Inventory, sha256: &'a str, number: usize) -> Self {
        let keys = || inventory.people.iter().flat_map(|entry| &entry.keys);
        Self {
            directory: &inventory.directory,
            scope: inventory.scope.to_string(),
            taken: inventory.taken.format(&Rfc3339).unwrap_or_default(),
            sha256,
            number,
            people: inventory.people.len(),
            administrators: inventory.people.iter().filter(|entry| entry.is_admin()).count(),
            weak: inventory.people.iter().filter(|entry| entry.weak_methods().next().is_some()).count(),
            keys_unknown: inventory.people.iter().map(|entry| entry.unknown_keys().count()).sum(),
            keys_gone: keys().filter(|key| matches!(key.whose, Whose::Gone(_))).count(),
            keys_outlived: keys().filter(|key| matches!(key.whose, Whose::Outlived { .. })).count(),
            untold: inventory.untold.iter().map(UntoldLine::new).collect(),
            lacks: inventory.lacks.iter().copied().collect(),
        }
    }
}

/// A person's roles, keys and weak methods in a few words each.
pub(crate) struct Cells {
    pub(crate) roles: String,
    pub(crate) keys: String,
    pub(crate) weak: String,
    pub(crate) seen: String,
}

impl Cells {
    pub(crate) fn new(entry: &Entry) -> Self {
        let hold = |hold: Hold| if hold == Hold::Eligible { " (eligible)" } else { "" };
        let roles: Vec<String> =
            entry.roles.iter().map(|held| format!("{}{}", held.role.name, hold(held.hold))).collect();
        let mut weak: Vec<String> = entry.weak_methods().map(|method| method.name.clone()).collect();
        weak.dedup();
        if !entry.method_untold.is_empty() {
            weak.push("?".to_owned());
        }
        let mut keys = key_words(&entry.keys);
        if !entry.key_untold.is_empty() {
            keys.push_str("; ?");
        }
        Self { roles: or_dash(roles), keys, weak: or_dash(weak), seen: SeenLine::new(&entry.seen).words() }
    }
}

fn or_dash(words: Vec<String>) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// `2 ours, bound; 1 unknown, synced`.
fn key_words(keys: &[KeyEntry]) -> String {
    let mut kinds: BTreeMap<(usize, &str, Binding), usize> = BTreeMap::new();
    for key in keys {
        let (place, whose) = match key.whose {
            Whose::Ours { .. } => (0, "ours"),
            Whose::Unknown { .. } => (1, "unknown"),
            Whose::Gone(_) => (2, "gone"),
            Whose::Outlived { .. } => (3, "outlived"),
            Whose::CannotTell(_) => (4, "ours?"),
        };
        *kinds.entry((place, whose, key.binding)).or_default() += 1;
    }
    let words = kinds.into_iter().map(|((_, whose, binding), number)| {
        let binding = match binding {
            Binding::DeviceBound => ", bound",
            Binding::Synced => ", synced",
            Binding::CannotTell => "",
        };
        format!("{number} {whose}{binding}")
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

/// Two lines for each person, which fit where logins are long; below them what could not be told.
pub(crate) fn text(inventory: &Inventory, line: &InventoryLine<'_>) -> String {
    let mut text = String::new();
    for entry in &inventory.people {
        let Cells { roles, keys, weak, seen } = Cells::new(entry);
        let inactive = if entry.user.active { "" } else { " (not active)" };
        let roles = if entry.is_admin() { format!(": {roles}") } else { String::new() };
        let who = format!("{}{inactive}{roles}", entry.user.login);
        text.push_str(&format!("{}\n", shown::one_line(&who)));
        let ways = format!("  keys: {keys} | weak: {weak} | seen: {seen}");
        text.push_str(&format!("{}\n", shown::one_line(&ways)));
    }
    if !inventory.people.is_empty() {
        text.push('\n');
    }
    text.push_str(&untold_words(inventory));
    let people = count(line.people, "person", "people");
    let unknown = count(line.keys_unknown, "key unknown to us", "keys unknown to us");
    text.push_str(&format!(
        "{people}, {} with a role of power, {} with weak methods; {unknown}, {} gone, {} outlived\ninventory {}: {}\n",
        line.administrators, line.weak, line.keys_gone, line.keys_outlived, line.number, line.sha256
    ));
    text
}

/// What could not be told, each once, with how many people it is about.
pub(crate) fn untold_words(inventory: &Inventory) -> String {
    let mut about: BTreeMap<String, usize> = BTreeMap::new();
    for (who, untold) in inventory.all_untold() {
        *about.entry(untold.to_string()).or_default() += usize::from(who.is_some());
    }
    let lines = about.into_iter().map(|(words, people)| match people {
        0 => format!("{words}\n"),
        people => format!("{words} ({})\n", count(people, "person", "people")),
    });
    let mut text: String = lines.collect();
    if !inventory.lacks.is_empty() {
        let lacks: Vec<&str> = inventory.lacks.iter().map(|one| one.words()).collect();
        text.push_str(&format!("{} cannot {}\n", inventory.directory, lacks.join(", ")));
    }
    text
}

/// One row for each key, and one for who has none.
pub(crate) fn csv(inventory: &Inventory) -> Vec<u8> {
    let mut sheet = Spreadsheet::new([
        "account",
        "name",
        "active",
        "roles",
        "whose",
        "key",
        "label",
        "binding",
        "told by",
        "used",
        "weak methods",
        "last seen",
        "cannot tell",
    ]);
    for entry in &inventory.people {
        let cells = Cells::new(entry);
        let untold: Vec<String> = entry.untold().map(ToString::to_string).collect();
        let of_key = |key: Option<&KeyEntry>| match key {
            None => Default::default(),
            Some(key) => {
                let line = KeyLine::new(key);
                let number = line.number.map(|number| number.to_string());
                let name = number.or(line.directory_id.map(str::to_owned)).unwrap_or_default();
                let label = key.label.clone().unwrap_or_default();
                [
                    key.whose.words().to_owned(),
                    name,
                    label,
                    line.binding.to_owned(),
                    key.told_by.words().to_owned(),
                    line.used.words(),
                ]
            }
        };
        let keys: Vec<Option<&KeyEntry>> = match entry.keys.as_slice() {
            [] => vec![None],
            keys => keys.iter().map(Some).collect(),
        };
        for key in keys {
            let [whose, name, label, binding, told_by, used]: [String; 6] = of_key(key);
            let active = if entry.user.active { "yes" } else { "no" };
            sheet.row([
                entry.user.login.as_str(),
                &entry.user.display_name,
                active,
                &cells.roles,
                &whose,
                &name,
                &label,
                &binding,
                &told_by,
                &used,
                &cells.weak,
                &cells.seen,
                &untold.join("; "),
            ]);
        }
    }
    sheet.finish()
}
