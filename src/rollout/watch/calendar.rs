//! What is due when: drills of stored keys and of break-glass accounts, rehearsals of recovery; and all of it for a calendar.
//!
//! Source of the format: RFC 5545. It refuses to write a person's name into a calendar: the account is enough.

use std::fmt;

use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use crate::register::{Register, moment};
use crate::rollout::breakglass::DRILL_DAYS;
use crate::rollout::plan::Plan;
use crate::rollout::ready::GOOD_FOR_DAYS;

/// Something that is due on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The day.
    pub day: Date,
    /// What it is.
    pub kind: DueKind,
    /// The login, where it is about one account.
    pub account: Option<String>,
    /// Which of its keys.
    pub ordinal: Option<usize>,
    /// The group of the plan, where it is about one.
    pub group: Option<String>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueKind {
    /// The drill of a stored key.
    KeyDrill,
    /// The drill of a break-glass account.
    BreakGlassDrill,
    /// The rehearsal of a recovery.
    Rehearsal,
}

impl DueKind {
    /// Its name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::KeyDrill => "key-drill-due",
            Self::BreakGlassDrill => "break-glass-drill-due",
            Self::Rehearsal => "rehearsal-due",
        }
    }
}

impl Due {
    /// What to do about it.
    pub fn next_step(&self) -> String {
        let account = self.account.as_deref().unwrap_or("ACCOUNT");
        match self.kind {
            DueKind::KeyDrill => format!("keywright drill {account}"),
            DueKind::BreakGlassDrill => format!("keywright breakglass drill {account}"),
            DueKind::Rehearsal => {
                let group = self.group.as_deref().unwrap_or("GROUP");
                format!("keywright recover TEST-ACCOUNT --rehearse --group {group}")
            }
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, day) = (self.account.as_deref().unwrap_or_default(), self.day);
        match self.kind {
            DueKind::KeyDrill => {
                write!(f, "{account}: drill of key {} due on {day}", self.ordinal.unwrap_or_default())
            }
            DueKind::BreakGlassDrill => write!(f, "{account}: break-glass drill due on {day}"),
            DueKind::Rehearsal => {
                write!(f, "group {}: rehearsal of a recovery due on {day}", self.group.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Everything that will be due again at an IdP, the first first. What was never done is due by no day.
pub fn dues(register: &Register, directory: &str, plan: Option<&Plan>) -> Vec<Due> {
    let mut all = Vec::new();
    for (id, known) in register.rollout.break_glass.iter().filter(|(id, _)| id.directory == directory) {
        let Some(last) = known.last_passed().and_then(|drill| moment(&drill.ended)) else { continue };
        all.push(Due {
            day: (last + Duration::days(DRILL_DAYS)).date(),
            kind: DueKind::BreakGlassDrill,
            account: Some(register.login(id).to_owned()),
            ordinal: None,
            group: None,
        });
    }
    let ours = register.credentials.values().filter(|one| one.account.directory == directory);
    for credential in ours.filter(|one| !register.is_break_glass(&one.account)) {
        let Some(due) = register.next_drill(credential) else { continue };
        all.push(Due {
            day: due.date(),
            kind: DueKind::KeyDrill,
            account: Some(register.login(&credential.account).to_owned()),
            ordinal: Some(credential.ordinal),
            group: None,
        });
    }
    for group in plan.iter().flat_map(|plan| &plan.groups) {
        let Some(last) = register.rollout.last_rehearsal(&group.name).and_then(|(_, at)| moment(at)) else { continue };
        all.push(Due {
            day: (last + Duration::days(GOOD_FOR_DAYS)).date(),
            kind: DueKind::Rehearsal,
            account: None,
            ordinal: None,
            group: Some(group.name.clone()),
        });
    }
    all.sort();
    all
}

/// A calendar of these, an event of a whole day each.
pub fn calendar(dues: &[Due], now: OffsetDateTime) -> String {
    let stamp = format_description!("[year][month][day]T[hour][minute][second]Z");
    let day = format_description!("[year][month][day]");
    let stamp = now.to_offset(time::UtcOffset::UTC).format(stamp).unwrap_or_default();
    let mut lines = vec!["BEGIN:VCALENDAR".to_owned(), "VERSION:2.0".into(), "PRODID:-//keywright//watch//EN".into()];
    for due in dues {
        let (date, summary) = (due.day.format(day).unwrap_or_default(), due.to_string());
        let about = due.account.as_deref().or(due.group.as_deref()).unwrap_or_default();
        let uid = format!("{}-{}-{}", due.kind.code(), about, due.ordinal.unwrap_or_default());
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}", escaped(&uid)),
            format!("DTSTAMP:{stamp}"),
            format!("DTSTART;VALUE=DATE:{date}"),
            format!("SUMMARY:{}", escaped(&summary)),
            format!("DESCRIPTION:{}", escaped(&due.next_step())),
            "BEGIN:VALARM".into(),
            "ACTION:DISPLAY".into(),
            format!("DESCRIPTION:{}", escaped(&summary)),
            "TRIGGER:-P14D".into(),
            "END:VALARM".into(),
            "END:VEVENT".into(),
        ]);
    }
    lines.push("END:VCALENDAR".into());
    lines.iter().map(|line| folded(line)).collect()
}

/// RFC 5545, 3.3.11.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '\\' | ';' | ',' => escaped.extend(['\\', char]),
            '\n' => escaped.push_str("\\n"),
            char if char.is_control() => {}
            char => escaped.push(char),
        }
    }
    escaped
}

/// RFC 5545, 3.1: a line has 75 bytes at most, without its end, and goes on after a blank.
fn folded(line: &str) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for char in line.chars() {
        if length + char.len_utf8() > 75 {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(char);
        length += char.len_utf8();
    }
    text + "\r\n"
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_calendar_is_as_the_rfc_says() {
        let due = Due {
            day: date!(2027 - 02 - 21),
            kind: DueKind::KeyDrill,
            account: Some("ada, of a very long department; with a very long name@example.org".into()),
            ordinal: Some(2),
            group: None,
        };
        let text = calendar(&[due], datetime!(2026-11-24 08:09:10 UTC));
        assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
        assert!(text.contains("\r\nDTSTAMP:20261124T080910Z\r\nDTSTART;VALUE=DATE:20270221\r\n"), "{text}");
        assert!(text.lines().all(|line| line.trim_end().len() <= 75), "{text}");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains("SUMMARY:ada\\, of a very long department\\; with a very long name@example.org: drill of key 2 due on 2027-02-21"), "{unfolded}");
    }
}
