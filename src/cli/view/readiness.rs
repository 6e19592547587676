//! The answer to "can it be enforced now?": as JSON, a line for each reason, and for people.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::output::{View, count};
use crate::rollout::ready::{GroupReadiness, LeftOut, PersonReadiness, Readiness, Reason, Tried, Which};
use keywright_files::shown;

/// A reason.
#[derive(Serialize)]
pub(crate) struct ReasonLine<'a> {
    /// The plan's group; `null` if it is about all.
    group: Option<&'a str>,
    /// The person; `null` if it is about a group or about all.
    account: Option<&'a str>,
    reason: &'static str,
    message: String,
    /// What would let it be told.
    needs: Option<&'a str>,
    next: String,
}

impl View for ReasonLine<'_> {
    const KIND: &'static str = "not-ready";
}

impl<'a> ReasonLine<'a> {
    pub(crate) fn new(
        group: Option<&'a GroupReadiness>,
        person: Option<&'a PersonReadiness>,
        reason: &'a Reason,
    ) -> Self {
        let group = group.map(|group| group.name.as_str());
        let account = person.map(|person| person.user.login.as_str());
        let next = reason.next_step(account.unwrap_or("ACCOUNT"), group.unwrap_or("GROUP"));
        Self { group, account, reason: reason.code(), message: reason.to_string(), needs: reason.needs(), next }
    }
}

#[derive(Serialize)]
struct GroupLine<'a> {
    name: &'a str,
    ready: bool,
    people: usize,
    people_ready: usize,
    left_out: Vec<LeftOutLine<'a>>,
    /// Policies that are prepared and have to be switched on.
    switches: Vec<SwitchLine<'a>>,
    /// What the IdP's own what-if said of a few of its people.
    what_if: Vec<TriedLine<'a>>,
    /// Weak methods that the enforcement removes.
    to_go: usize,
    /// Weak methods that the plan lets stay.
    to_stay: usize,
}

#[derive(Serialize)]
struct TriedLine<'a> {
    account: &'a str,
    sign_in: &'a str,
    policies: &'a [String],
    admits: &'a str,
    /// Policies that do not act yet; `null` if the IdP does not say.
    prepared: Option<&'a [String]>,
}

#[derive(Serialize)]
struct LeftOutLine<'a> {
    account: &'a str,
    why: LeftOut,
}

#[derive(Serialize)]
struct SwitchLine<'a> {
    policy: &'a str,
    place: &'a str,
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct ReadinessLine<'a> {
    ready: bool,
    about: String,
    directory: &'a str,
    /// RFC 3339.
    at: String,
    reasons: usize,
    groups: Vec<GroupLine<'a>>,
    /// Of what was read of the people, as the ledger has it.
    sha256: &'a str,
}

impl View for ReadinessLine<'_> {
    const KIND: &'static str = "readiness";
}

impl<'a> ReadinessLine<'a> {
    pub(crate) fn new(which: &Which, directory: &'a str, answer: &'a Readiness, sha256: &'a str) -> Self {
        let left_out =
            |person: &'a PersonReadiness| person.left_out.map(|why| LeftOutLine { account: &person.user.login, why });
        let tried = |person: &'a PersonReadiness| {
            person.tried.iter().map(|tried| TriedLine {
                account: &person.user.login,
                sign_in: &tried.sign_in,
                policies: &tried.policies,
                admits: &tried.admits,
                prepared: tried.prepared.as_deref(),
            })
        };
        let group = |group: &'a GroupReadiness| GroupLine {
            name: &group.name,
            ready: group.is_ready(),
            people: group.people.len(),
            people_ready: ready_people(group),
            left_out: group.people.iter().filter_map(left_out).collect(),
            switches: group.switches.iter().map(|one| SwitchLine { policy: &one.policy, place: &one.place }).collect(),
            what_if: group.people.iter().flat_map(tried).collect(),
            to_go: group.people.iter().map(|person| person.to_go.len()).sum(),
            to_stay: group.people.iter().map(|person| person.to_stay.len()).sum(),
        };
        Self {
            ready: answer.is_ready(),
            about: which.to_string(),
            directory,
            at: answer.at.format(&Rfc3339).unwrap_or_default(),
            reasons: answer.all().count(),
            groups: answer.groups.iter().map(group).collect(),
            sha256,
        }
    }
}

/// People of whom nothing stands in the way.
pub(crate) fn ready_people(group: &GroupReadiness) -> usize {
    group.people.iter().filter(|person| person.left_out.is_none() && person.reasons.is_empty()).count()
}

/// The answer first, then each reason with what mends it.
pub(crate) fn text(which: &Which, answer: &Readiness) -> String {
    let mut text = match answer.is_ready() {
        true => format!("{which} can be enforced now\n"),
        false => format!("{which} cannot be enforced: {}\n", count(answer.all().count(), "reason", "reasons")),
    };
    for reason in &answer.reasons {
        text.push_str(&line("", reason, "ACCOUNT", "GROUP"));
    }
    for group in &answer.groups {
        let left_out = group.people.iter().filter(|person| person.left_out.is_some()).count();
        let asked = group.people.len() - left_out;
        text.push_str(&format!(
            "\n{}: {} of {} ready; {}\n",
            group.name,
            ready_people(group),
            count(asked, "person", "people"),
            group.factor.words()
        ));
        for reason in &group.reasons {
            text.push_str(&line("  ", reason, "ACCOUNT", &group.name));
        }
        for person in &group.people {
            if let Some(why) = person.left_out {
                text.push_str(&shown::one_line(&format!("  {}: left out, {}", person.user.login, why.words())));
                text.push('\n');
            }
            for reason in &person.reasons {
                let (login, words) = (&person.user.login, reason.to_string());
                text.push_str(&format!("  {}\n", shown::one_line(&format!("{login}: {words}"))));
                text.push_str(&format!("    -> {}\n", shown::one_line(&reason.next_step(login, &group.name))));
            }
        }
        for person in &group.people {
            for tried in &person.tried {
                text.push_str(&format!("  {}\n", shown::one_line(&what_if(&person.user.login, tried))));
            }
        }
        text.push_str(&then(group));
    }
    text
}

fn line(indent: &str, reason: &Reason, login: &str, group: &str) -> String {
    let (words, next) = (reason.to_string(), reason.next_step(login, group));
    format!("{indent}{}\n{indent}  -> {}\n", shown::one_line(&words), shown::one_line(&next))
}

/// What the IdP itself said of a sign-in.
fn what_if(login: &str, tried: &Tried) -> String {
    let by = if tried.policies.is_empty() { String::new() } else { format!(" by {}", tried.policies.join(", ")) };
    let prepared = match tried.prepared.as_deref() {
        None => "; it does not evaluate what is prepared".to_owned(),
        Some([]) => String::new(),
        Some(prepared) => format!("; prepared: {}", prepared.join(", ")),
    };
    format!("the IdP's what-if for {login} {}: opens{by} to {}{prepared}", tried.sign_in, tried.admits)
}

/// What an enforcement does with the group.
fn then(group: &GroupReadiness) -> String {
    let mut text = String::new();
    for rule in &group.switches {
        let words = format!("  to be switched on: policy {} ({})", rule.policy, rule.place);
        text.push_str(&format!("{}\n", shown::one_line(&words)));
    }
    let (to_go, to_stay) =
        group.people.iter().fold((0, 0), |(go, stay), one| (go + one.to_go.len(), stay + one.to_stay.len()));
    if to_go + to_stay > 0 {
        let to_go = count(to_go, "weak method", "weak methods");
        text.push_str(&format!("  'keywright enforce' will remove {to_go}; {to_stay} may stay for now\n"));
    }
    text
}
