//! `keywright rollout check`: is the plan in order, and what does it say?

use clap::Args;
use serde::Serialize;
use time::Date;

use crate::cli::shared::estate::WhichPlan;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::{CliError, Exit, Session};
use crate::rollout::plan::Decision;
use crate::rollout::{Factor, GroupPlan, Plan};

/// Check the roll-out plan, and say what it decides.
///
/// Reads rollout.toml and asks no IdP. Everything that is wrong is told at once, with line and column. What is not decided yet, and
/// what was decided until a day that is over, is named too, with exit code 3.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright rollout check\n  keywright rollout check --rollout pilot.toml --json"
)]
pub(super) struct Check {
    #[command(flatten)]
    plan: WhichPlan,
}

#[derive(Serialize)]
struct GroupLine<'a> {
    name: &'a str,
    who: String,
    factor: Factor,
    profile: Option<&'a str>,
    wave: Option<&'a str>,
    supporter: &'a str,
    may_stay: usize,
}

impl<'a> GroupLine<'a> {
    fn new(group: &'a GroupPlan) -> Self {
        Self {
            name: &group.name,
            who: group.who.to_string(),
            factor: group.factor,
            profile: group.profile.as_ref().map(|profile| profile.as_str()),
            wave: group.wave.as_deref(),
            supporter: &group.supporter,
            may_stay: group.may_stay.len(),
        }
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    file: String,
    directory: Option<&'a str>,
    groups: Vec<GroupLine<'a>>,
    shared: usize,
    contractors: usize,
    paths: usize,
    /// What is undecided or over, in sentences.
    open: Vec<String>,
}

impl View for Checked<'_> {
    const KIND: &'static str = "rollout-plan";
}

impl Check {
    pub(super) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let plan = self.plan.read(session)?;
        let checked = Checked {
            file: self.plan.file(session).display().to_string(),
            directory: plan.idp.as_deref(),
            groups: plan.groups.iter().map(GroupLine::new).collect(),
            shared: plan.shared.len(),
            contractors: plan.contractors.len(),
            paths: plan.paths.len(),
            open: open(&plan, Session::now().date()),
        };
        session.output.result(&checked, || text(&checked))?;
        Ok(if checked.open.is_empty() { Exit::Done } else { Exit::Partial })
    }
}

/// What a person still has to decide, or decide again.
fn open(plan: &Plan, today: Date) -> Vec<String> {
    let mut open = Vec::new();
    for path in &plan.paths {
        match path.decision.until() {
            None if path.decision == Decision::Undecided => {
                open.push(format!("nobody has decided on the way in \"{}\" ({})", path.name, path.owner));
            }
            Some(until) if until < today => {
                open.push(format!("the way in \"{}\" ({}) was decided until {until}", path.name, path.owner));
            }
            _ => {}
        }
    }
    for group in &plan.groups {
        for stay in group.may_stay.iter().filter(|stay| stay.until < today) {
            open.push(format!("{} may stay in \"{}\" until {}, which is over", stay.method, group.name, stay.until));
        }
    }
    for one in plan.contractors.iter().filter(|one| one.until < today) {
        open.push(format!("the contract of {} ended on {}", one.account, one.until));
    }
    open
}

fn text(checked: &Checked<'_>) -> String {
    let heading = ["GROUP", "WHO", "FACTOR", "PROFILE", "WAVE", "SUPPORTER"].map(str::to_owned);
    let rows = checked.groups.iter().map(|group| {
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        [
            group.name.to_owned(),
            group.who.clone(),
            group.factor.words().to_owned(),
            or_dash(group.profile),
            or_dash(group.wave),
            group.supporter.to_owned(),
        ]
    });
    let mut text = String::new();
    if !checked.groups.is_empty() {
        text.push_str(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
        text.push('\n');
    }
    for open in &checked.open {
        text.push_str(&format!("open: {open}\n"));
    }
    text.push_str(&format!(
        "{}: in order; {}, {}, {}, {}\n",
        checked.file,
        count(checked.groups.len(), "group", "groups"),
        count(checked.shared, "shared account", "shared accounts"),
        count(checked.contractors, "contractor", "contractors"),
        count(checked.paths, "way in", "ways in")
    ));
    text
}
