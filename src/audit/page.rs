//! The audit as one page of HTML: for a manager the numbers, the pictures and what to do, for an auditor the table to sample from.
//!
//! It refuses to load anything from anywhere: style and script are inside, and the page's own policy allows nothing but these two,
//! by their hashes. Without JavaScript only the filter is missing. What comes from keys, people and IdPs is escaped by the
//! template's compiler, and made safe to show.

use std::collections::BTreeMap;

use askama::Template;
use time::OffsetDateTime;
use time::macros::format_description;

use super::ledger::{Assessment, Covered, CredentialAudit, Finding, FindingKind, LedgerAudit, Severity};
use crate::ledger::{Checkpoint, SeenByHand};
use crate::register::{Credential, CredentialState};
use crate::rollout::page::content_security_policy;
use keywright_attest::{AttestationDemand, Chain, Exposure, Policy, Statement, Verdict};
use keywright_fido::webauthn::CredentialId;
use keywright_files::shown;

pub(super) const STYLE: &str = include_str!("../../templates/ledger.css");
const SCRIPT: &str = include_str!("../../templates/ledger.js");

/// Groups of findings with more than this are closed at first.
const SHOWN_AT_ONCE: usize = 12;

/// Writes the page. Its length grows with the number of keys: about 2 kB each.
pub fn render(audit: &LedgerAudit<'_>) -> Result<String, askama::Error> {
    Ok(shown::lines(&Page::new(audit).render()?).into_owned())
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct Page<'a> {
    content_security_policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    day: String,
    at: String,
    alarms: Vec<String>,
    tiles: [Tile; 4],
    groups: Vec<Group>,
    charts: [Chart; 4],
    filters: Vec<Filter>,
    rows: Vec<Row<'a>>,
    chain: String,
    head: String,
    checkpoint: String,
    metadata: String,
    anchors: &'a [String],
    profiles: Vec<String>,
}

/// A number that stands for itself.
struct Tile {
    title: &'static str,
    number: String,
    of: Option<usize>,
    words: String,
    tone: &'static str,
}

/// Findings with one thing to do about them.
struct Group {
    severity: Severity,
    urgency: &'static str,
    tone: &'static str,
    code: &'static str,
    title: &'static str,
    next: &'static str,
    open: bool,
    findings: Vec<Line>,
}

struct Line {
    who: Option<String>,
    row: Option<usize>,
    sentence: String,
    link: Option<String>,
}

struct Chart {
    title: &'static str,
    of: &'static str,
    bars: Vec<Bar>,
    legend: Vec<(&'static str, &'static str)>,
}

struct Bar {
    label: String,
    more: Option<String>,
    parts: Vec<Part>,
    number: String,
}

/// Of a bar that is 1000 wide.
struct Part {
    tone: &'static str,
    from: usize,
    width: usize,
}

/// A list to choose from, of what one column has. The name is that of the rows' attribute.
struct Filter {
    name: &'static str,
    title: &'static str,
    values: Vec<String>,
}

/// A key in the table.
struct Row<'a> {
    /// The first that is out of service begins a part of its own.
    begins_out_of_service: bool,
    number: usize,
    wave: &'a str,
    login: &'a str,
    person: &'a str,
    ordinal: usize,
    label: String,
    model: &'a str,
    aaguid: String,
    serial: &'a str,
    firmware: String,
    standing: Assessment,
    tone: &'static str,
    chain: &'static str,
    certification: String,
    advisories: Vec<String>,
    enrolled: String,
    proved: Vec<String>,
    profile: &'a str,
    state: &'static str,
    credential_id: &'a CredentialId,
    reasons: Vec<String>,
    policy: String,
    statement: &'static str,
    anchor: String,
    then: String,
    witness: String,
    directory: String,
}

impl<'a> Page<'a> {
    fn new(audit: &'a LedgerAudit<'_>) -> Self {
        let rows = rows(audit);
        let broken = audit.findings.iter().filter(|finding| matches!(finding.matter, FindingKind::ChainBroken(_)));
        let alarms: Vec<_> = broken.map(|finding| finding.matter.to_string()).collect();
        Self {
            content_security_policy: policy(),
            style: STYLE,
            script: SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
            day: audit.at.date().to_string(),
            at: moment(audit.at),
            tiles: tiles(audit),
            groups: groups(audit),
            charts: [by_model(audit), by_standing(audit), coverage(audit), by_algorithm(audit)],
            filters: filters(&rows),
            rows,
            chain: match alarms.is_empty() {
                true => format!("{} events, unchanged", audit.head.seq),
                false => format!("BROKEN; the {} events before the break are unchanged", audit.head.seq),
            },
            alarms,
            head: audit.head.to_string(),
            checkpoint: checkpoint(audit),
            metadata: metadata(audit),
            anchors: &audit.anchors,
            profiles: profiles(audit),
        }
    }
}

/// Keys in service first, each under the number that findings call it by.
fn rows<'a>(audit: &'a LedgerAudit<'_>) -> Vec<Row<'a>> {
    let numbered = || audit.credentials.iter().zip(1..);
    let is_in = |one: &CredentialAudit<'_>| one.credential.state.is_in_use();
    let mut rows: Vec<Row<'a>> =
        numbered().filter(|(one, _)| is_in(one)).map(|(one, number)| Row::new(one, number)).collect();
    let first = rows.len();
    rows.extend(numbered().filter(|(one, _)| !is_in(one)).map(|(one, number)| Row::new(one, number)));
    if let Some(row) = rows.get_mut(first) {
        row.begins_out_of_service = true;
    }
    rows
}

/// What can be chosen from: columns in which keys differ.
fn filters(rows: &[Row<'_>]) -> Vec<Filter> {
    type Value = fn(&Row<'_>) -> String;
    let columns: [(&str, &str, Value); 5] = [
        ("standing", "Verdict", |row| row.standing.to_string()),
        ("state", "State", |row| row.state.to_owned()),
        ("profile", "Profile", |row| row.profile.to_owned()),
        ("model", "Model", |row| row.model.to_owned()),
        ("wave", "Wave", |row| row.wave.to_owned()),
    ];
    let filters = columns.into_iter().map(|(name, title, value)| {
        let mut values: Vec<String> = rows.iter().map(value).filter(|value| !value.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        Filter { name, title, values }
    });
    filters.filter(|filter| filter.values.len() > 1).collect()
}

/// Where the ledger ends, as whoever keeps the page can hold it against the ledger later.
fn checkpoint(audit: &LedgerAudit<'_>) -> String {
    let register = audit.register;
    match register.head == *audit.head && register.head.seq > 0 {
        true => Checkpoint::new(&register.id, &register.tree).to_string(),
        false => "none: the page does not tell the whole ledger".to_owned(),
    }
}

/// See [`content_security_policy`].
fn policy() -> String {
    content_security_policy(STYLE, Some(SCRIPT))
}

fn tiles(audit: &LedgerAudit<'_>) -> [Tile; 4] {
    let covered = audit.accounts.iter().filter(|account| account.standing.is_complete()).count();
    let in_service = audit.in_service().count();
    let accepted = audit.in_service().filter(|one| one.standing == Assessment::Accepted).count();
    let (critical, warnings) = (audit.count(Severity::Critical), audit.count(Severity::Warning));
    let profiles = profile_names(audit).len();
    let all = |number, of| if number == of { "good" } else { "warn" };
    [
        Tile {
            title: "Accounts with all their keys",
            number: covered.to_string(),
            of: Some(audit.accounts.len()),
            words: format!("in {}", counted(profiles, "profile")),
            tone: all(covered, audit.accounts.len()),
        },
        Tile {
            title: "Keys accepted today",
            number: accepted.to_string(),
            of: Some(in_service),
            words: "registered and in service".into(),
            tone: all(accepted, in_service),
        },
        Tile {
            title: "To act on now",
            number: critical.to_string(),
            of: None,
            words: "keys or accounts not to be relied on".into(),
            tone: if critical == 0 { "good" } else { "bad" },
        },
        Tile {
            title: "To be done",
            number: warnings.to_string(),
            of: None,
            words: format!("and {} to know", audit.count(Severity::Notice)),
            tone: if warnings == 0 { "good" } else { "warn" },
        },
    ]
}

fn groups(audit: &LedgerAudit<'_>) -> Vec<Group> {
    let rows: BTreeMap<&CredentialId, usize> =
        audit.credentials.iter().zip(1..).map(|(one, row)| (one.id, row)).collect();
    let mut groups: Vec<Group> = Vec::new();
    for Finding { about, matter } in &audit.findings {
        let (severity, code, next) = (matter.severity(), matter.code(), matter.next_step());
        let (urgency, tone) = match severity {
            Severity::Critical => ("Act now", "bad"),
            Severity::Warning => ("To do", "warn"),
            Severity::Notice => ("To know", "note"),
        };
        let line = Line {
            who: about.account.as_ref().map(|account| match about.ordinal {
                Some(ordinal) => format!("{}, key {ordinal}", audit.register.login(account)),
                None => audit.register.login(account).to_owned(),
            }),
            row: about.credential_id.as_ref().and_then(|id| rows.get(id).copied()),
            sentence: matter.to_string(),
            link: match matter {
                FindingKind::Advisory { advice, .. } if advice.link.starts_with("https://") => {
                    Some(advice.link.clone())
                }
                _ => None,
            },
        };
        let known =
            groups.iter_mut().find(|group| group.severity == severity && group.code == code && group.next == next);
        match known {
            Some(group) => group.findings.push(line),
            None => groups.push(Group {
                severity,
                urgency,
                tone,
                code,
                title: matter.title(),
                next,
                open: false,
                findings: vec![line],
            }),
        }
    }
    for group in &mut groups {
        group.open = group.severity < Severity::Notice && group.findings.len() <= SHOWN_AT_ONCE;
    }
    groups
}

fn by_model(audit: &LedgerAudit<'_>) -> Chart {
    let mut models: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for one in audit.in_service() {
        let place = match one.standing {
            Assessment::Accepted => 0,
            Assessment::NotJudged => 1,
            Assessment::Refused | Assessment::Unsound => 2,
        };
        models.entry(model(one)).or_default()[place] += 1;
    }
    let mut models: Vec<_> = models.into_iter().collect();
    models.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.iter().sum::<usize>()));
    let most = models.first().map_or(0, |(_, numbers)| numbers.iter().sum());
    Chart {
        title: "Keys by model",
        of: "Model",
        bars: models
            .into_iter()
            .map(|(model, numbers)| Bar {
                label: model.to_owned(),
                more: None,
                parts: stack(&["good", "rest", "bad"], &numbers, most),
                number: numbers.iter().sum::<usize>().to_string(),
            })
            .collect(),
        legend: vec![("good", "accepted"), ("rest", "not judged"), ("bad", "refused or unsound")],
    }
}

fn by_standing(audit: &LedgerAudit<'_>) -> Chart {
    let all = audit.in_service().count();
    let standings = [Assessment::Accepted, Assessment::NotJudged, Assessment::Refused, Assessment::Unsound];
    let numbers = standings.map(|standing| audit.in_service().filter(|one| one.standing == standing).count());
    Chart {
        title: "Keys by verdict",
        of: "Verdict",
        bars: standings
            .into_iter()
            .zip(numbers)
            .filter(|_| all > 0)
            .map(|(standing, number)| Bar {
                label: standing.to_string(),
                more: None,
                parts: stack(&[fill(standing)], &[number], all),
                number: number.to_string(),
            })
            .collect(),
        legend: Vec::new(),
    }
}

fn coverage(audit: &LedgerAudit<'_>) -> Chart {
    let bars = profile_names(audit).into_iter().map(|name| {
        let accounts: Vec<&Covered<'_>> = audit.accounts.iter().filter(|account| account.profile == name).collect();
        let with =
            |keys: fn(usize) -> bool| accounts.iter().filter(|account| keys(account.standing.in_service())).count();
        let numbers = [with(|keys| keys >= 2), with(|keys| keys == 1), with(|keys| keys == 0)];
        let required = accounts.iter().map(|account| account.standing.required).max().unwrap_or(0);
        Bar {
            label: name.to_owned(),
            more: Some(format!("asks for {required}")),
            parts: stack(&["good", "warn", "bad"], &numbers, accounts.len()),
            number: format!("{} / {} / {}", numbers[0], numbers[1], numbers[2]),
        }
    });
    Chart {
        title: "People by proved keys",
        of: "Profile",
        bars: bars.collect(),
        legend: vec![("good", "two or more"), ("warn", "one"), ("bad", "none")],
    }
}

/// What signatures are made by, the most usual first: what is to be replaced when an algorithm falls.
fn by_algorithm(audit: &LedgerAudit<'_>) -> Chart {
    let mut algorithms: BTreeMap<String, usize> = BTreeMap::new();
    for one in audit.in_service() {
        let name = one.algorithm.map_or_else(|| "cannot be read".to_owned(), |algorithm| algorithm.to_string());
        *algorithms.entry(name).or_default() += 1;
    }
    let mut algorithms: Vec<_> = algorithms.into_iter().collect();
    algorithms.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let all = audit.in_service().count();
    Chart {
        title: "Keys by algorithm",
        of: "Algorithm",
        bars: algorithms
            .into_iter()
            .map(|(label, number)| Bar {
                label,
                more: None,
                parts: stack(&["good"], &[number], all),
                number: number.to_string(),
            })
            .collect(),
        legend: Vec::new(),
    }
}

/// Parts one after the other, each as wide as its number of `whole`.
fn stack(tones: &[&'static str], numbers: &[usize], whole: usize) -> Vec<Part> {
    let mut from = 0;
    let mut parts = Vec::new();
    for (tone, number) in tones.iter().zip(numbers) {
        let to = from + number;
        let scale = |number: usize| (number * 1000).checked_div(whole).unwrap_or(0);
        if *number > 0 {
            parts.push(Part { tone, from: scale(from), width: scale(to) - scale(from) });
        }
        from = to;
    }
    parts
}

fn profile_names<'a>(audit: &'a LedgerAudit<'_>) -> Vec<&'a str> {
    let mut names: Vec<_> = audit.accounts.iter().map(|account| account.profile).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn profiles(audit: &LedgerAudit<'_>) -> Vec<String> {
    let mut rules: BTreeMap<&str, String> = BTreeMap::new();
    for Covered { profile, rules: demanded, .. } in &audit.accounts {
        let drill = demanded.drill_interval_days.map(|days| format!(", each tried every {days} days"));
        rules.entry(*profile).or_insert_with(|| {
            let keys = counted(demanded.keys.required, "proved key");
            format!("{profile}: {keys}{}; {}", drill.unwrap_or_default(), policy_text(&Policy::from(&demanded.keys)))
        });
    }
    rules.into_values().collect()
}

fn metadata(audit: &LedgerAudit<'_>) -> String {
    match audit.metadata {
        None => "none: statuses, certifications and model names are not known".into(),
        Some(metadata) => format!(
            "number {}, {}, to be replaced by {}, SHA-256 {}",
            metadata.id().no,
            metadata.id().signer(),
            metadata.next_update(),
            metadata.id().sha256,
        ),
    }
}

impl<'a> Row<'a> {
    fn new(one: &'a CredentialAudit<'_>, number: usize) -> Self {
        let (credential, verdict) = (one.credential, one.verdict.as_ref());
        let advisories = verdict.into_iter().flat_map(|verdict| &verdict.advisories);
        Self {
            begins_out_of_service: false,
            number,
            wave: one.account.person.wave.as_deref().unwrap_or_default(),
            login: &one.account.login,
            person: one.account.person.display_name(),
            ordinal: credential.ordinal,
            label: {
                let label = credential.label.as_deref().unwrap_or("no label");
                credential.number.map_or_else(|| label.to_owned(), |number| format!("{number} {label}"))
            },
            model: model(one),
            aaguid: credential.key.aaguid.to_string(),
            serial: verdict.and_then(|verdict| verdict.serial.as_deref()).unwrap_or("no serial"),
            firmware: verdict
                .and_then(|verdict| verdict.firmware)
                .map_or("firmware not told".into(), |firmware| format!("firmware {firmware}")),
            standing: one.standing,
            tone: match one.standing {
                // Good is what somebody can rely on.
                Assessment::Accepted if credential.state.is_in_use() => "good",
                Assessment::Accepted | Assessment::NotJudged => "dim",
                Assessment::Refused | Assessment::Unsound => "bad",
            },
            chain: verdict.map_or("", |verdict| chain(verdict.chain)),
            certification: verdict
                .and_then(|verdict| verdict.certification)
                .map_or("not known".into(), |certification| certification.to_string()),
            advisories: advisories
                .map(|advice| match advice.exposure {
                    Exposure::Affected => advice.id.clone(),
                    Exposure::Presumed => format!("{} (presumed)", advice.id),
                    Exposure::Unknown => format!("{} (perhaps)", advice.id),
                })
                .collect(),
            enrolled: day(&credential.made),
            proved: [("proved", &credential.proved), ("tried", &credential.drilled), ("FAILED", &credential.failed)]
                .into_iter()
                .filter_map(|(what, when)| when.as_deref().map(|when| format!("{what} {}", day(when))))
                .collect(),
            profile: one.account.profile.name.as_str(),
            state: match credential.state {
                CredentialState::OnKey => "on the key, not registered",
                CredentialState::Unconfirmed => "to be registered by hand",
                CredentialState::Registered if credential.by_hand.is_some() => "registered by hand",
                CredentialState::Registered => "registered",
                CredentialState::Deleted => "deleted from the key",
                CredentialState::Erased => "no longer on the key",
                CredentialState::Revoked => "revoked",
            },
            credential_id: one.id,
            reasons: one.reasons(),
            policy: policy_text(&one.policy()),
            statement: verdict.map_or("unreadable", |verdict| statement(verdict.statement)),
            anchor: verdict
                .and_then(|verdict| verdict.anchor.as_ref())
                .map_or("nothing that is trusted".into(), |anchor| anchor.subject.clone()),
            then: credential.model_verdict.as_deref().map_or("none".into(), verdict_words),
            witness: proof(one),
            directory: at_directory(credential),
        }
    }
}

/// What the IdP calls it; where people register keys, who says that it is there, and what the key showed of it.
fn at_directory(credential: &Credential) -> String {
    let directory = &credential.account.directory;
    match (&credential.directory_id, credential.by_hand.as_deref(), credential.state) {
        (Some(id), ..) => format!("{id} at {directory}"),
        (None, Some(SeenByHand { said_by, found: Some(found) }), _) => format!(
            "by hand at {directory}, as {said_by} says; the key showed credential {} for {}, which signed",
            found.credential_id, found.rp_id
        ),
        (None, Some(SeenByHand { said_by, found: None }), _) => {
            format!("by hand at {directory}, as {said_by} says; the key shows no credential of it")
        }
        (None, None, CredentialState::Unconfirmed) => format!("by hand at {directory}, not confirmed"),
        (None, None, _) => format!("not at {directory}"),
    }
}

fn proof(one: &CredentialAudit<'_>) -> String {
    let Some(job) = one.job.filter(|job| job.has_proof()) else { return "no signature is kept".into() };
    let signed = match one.matters.contains(&FindingKind::ProofInvalid) {
        true => "the kept signature does not verify",
        false => "the kept signature verifies",
    };
    let witness =
        job.witness_result().map_or("made by a keywright without a second implementation".into(), ToString::to_string);
    format!("{signed}; {witness}")
}

/// Metadata's name of the model, or what the key calls itself.
fn model<'a>(one: &'a CredentialAudit<'_>) -> &'a str {
    let named = one.verdict.as_ref().and_then(|verdict| verdict.model.as_deref());
    named.unwrap_or(&one.credential.key.product)
}

fn verdict_words(verdict: &Verdict) -> String {
    let by = verdict.metadata.as_ref().map(|metadata| format!(", by metadata number {}", metadata.no));
    format!("statement {}, {}{}", statement(verdict.statement), chain(verdict.chain), by.unwrap_or_default())
}

fn statement(statement: Statement) -> &'static str {
    match statement {
        Statement::Valid => "valid",
        Statement::Invalid => "invalid",
        Statement::SelfSigned => "signed by the credential itself",
        Statement::None => "none",
        Statement::Unverified => "not verified",
    }
}

fn chain(chain: Chain) -> &'static str {
    match chain {
        Chain::Trusted => "chain trusted",
        Chain::Untrusted => "chain untrusted",
        Chain::Expired => "certificate out of date",
        Chain::UnknownModel => "model without roots",
        Chain::NotChecked => "chain not checked",
    }
}

fn policy_text(policy: &Policy) -> String {
    let demand = match policy.attestation {
        AttestationDemand::None => "no attestation",
        AttestationDemand::Statement => "a valid attestation",
        AttestationDemand::Trusted => "an attestation that leads to a trusted root",
        AttestationDemand::Enterprise => "an enterprise attestation with a serial number",
    };
    let mut words = vec![demand.to_owned()];
    let aaguids = policy.aaguids.iter().map(ToString::to_string);
    let models: Vec<_> = aaguids.chain(policy.model_names.iter().cloned()).collect();
    words.push(if models.is_empty() { "any model".into() } else { models.join(" or ") });
    words.extend(policy.minimum_certification.map(|minimum| format!("certified {minimum} or better")));
    words.extend(policy.minimum_firmware.map(|minimum| format!("firmware {minimum} or newer")));
    words.extend(policy.refuse_statuses.iter().map(|status| format!("no model with status {status}")));
    if policy.refuse_backup_eligible {
        words.push("no credential that can leave its key".into());
    }
    words.join(", ")
}

fn fill(standing: Assessment) -> &'static str {
    match standing {
        Assessment::Accepted => "good",
        Assessment::NotJudged => "rest",
        Assessment::Refused | Assessment::Unsound => "bad",
    }
}

fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> String {
    time.get(..10).unwrap_or(time).to_owned()
}

pub(super) fn moment(at: OffsetDateTime) -> String {
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.to_offset(time::UtcOffset::UTC).format(minutes).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    #[test]
    fn parts_of_a_bar_touch_and_fill_it() {
        let parts = stack(&["good", "warn", "bad"], &[1, 0, 2], 3);
        let places: Vec<_> = parts.iter().map(|part| (part.tone, part.from, part.width)).collect();
        assert_eq!(places, [("good", 0, 333), ("bad", 333, 667)]);
        assert!(stack(&["good"], &[0], 0).is_empty());
    }

    #[test]
    fn the_policy_names_the_texts_that_are_in_the_page() {
        for (text, directive) in [(STYLE, "style-src"), (SCRIPT, "script-src")] {
            let hash = BASE64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
            assert!(policy().contains(&format!("{directive} 'sha256-{hash}'")), "{directive}");
        }
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"), "the text would end its element");
    }
}
