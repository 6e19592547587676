//! What changed as one page of HTML: the numbers for a manager, and each change for whoever follows it up.
//!
//! As the audit's page it loads nothing from anywhere, and its own policy allows nothing but its style.

use askama::Template;

use super::{Change, Difference};
use crate::audit::ledger::LedgerAudit;
use crate::audit::page::{STYLE, moment};
use crate::rollout::page::content_security_policy;
use keywright_files::shown;

/// Writes the page of what is not as it was. Its length grows with the number of changes: about 300 bytes each.
pub fn render(
    earlier: &LedgerAudit<'_>,
    later: &LedgerAudit<'_>,
    differences: &[Difference],
) -> Result<String, askama::Error> {
    let count = |change: Change| differences.iter().filter(|one| one.change == change).count();
    let tile = |change: Change, words, if_any| {
        let number = count(change);
        Tile { title: change.words(), number, words, tone: if number == 0 { "" } else { if_any } }
    };
    let page = Page {
        content_security_policy: content_security_policy(STYLE, None),
        style: STYLE,
        version: env!("CARGO_PKG_VERSION"),
        sides: [Side::new("Earlier", earlier), Side::new("Later", later)],
        tiles: [
            tile(Change::KeyCame, "enrolled, or back", "good"),
            tile(Change::KeyWent, "deleted, revoked, erased or not registered", "warn"),
            tile(Change::Verdict, "by the policy, metadata and roots of each side", "bad"),
            tile(Change::DrillMissed, "stored keys that nobody tried in time", "bad"),
        ],
        groups: differences.chunk_by(|one, next| one.change == next.change).map(Group::new).collect(),
    };
    Ok(shown::lines(&page.render()?).into_owned())
}

#[derive(Template)]
#[template(path = "diff.html")]
struct Page<'a> {
    content_security_policy: String,
    style: &'static str,
    version: &'static str,
    sides: [Side; 2],
    tiles: [Tile; 4],
    groups: Vec<Group<'a>>,
}

/// What was held against the other.
struct Side {
    name: &'static str,
    at: String,
    head: String,
    metadata: String,
}

impl Side {
    fn new(name: &'static str, audit: &LedgerAudit<'_>) -> Self {
        let metadata =
            audit.metadata.map(|metadata| format!("number {}, {}", metadata.id().no, metadata.id().signer()));
        Self {
            name,
            at: moment(audit.at),
            head: audit.head.to_string(),
            metadata: metadata.unwrap_or_else(|| "none".to_owned()),
        }
    }
}

/// A number that stands for itself.
struct Tile {
    title: &'static str,
    number: usize,
    words: &'static str,
    tone: &'static str,
}

/// Changes of one kind.
struct Group<'a> {
    title: &'static str,
    rows: &'a [Difference],
}

impl<'a> Group<'a> {
    fn new(rows: &'a [Difference]) -> Self {
        Self { title: rows.first().map_or("", |one| one.change.words()), rows }
    }
}
