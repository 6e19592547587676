//! `keywright inventory --paths`: every way in besides the front door.

use serde::Serialize;

use crate::cli::shared::estate::Estate;
use crate::cli::shared::output::{View, count, table};
use crate::cli::shared::{CliError, Exit, Session};
use crate::cli::view::inventory::UntoldLine;
use crate::idp::capability::{RuleOrder, Untold};
use crate::rollout::paths::{Open, WayIn, ways_in};
use crate::rollout::ready::surroundings;
use crate::rollout::{Factor, Plan};

#[derive(Serialize)]
struct PathLine<'a> {
    name: &'a str,
    directory: &'a str,
    /// The IdP's id of the application; `null`: the IdP does not know it.
    application: Option<&'a str>,
    /// `strict`, `weaker`, `none`, `legacy`, `not-at-the-idp`, `cannot-tell`.
    guard: &'static str,
    guarded_by: String,
    owner: Option<&'a str>,
    factor: Option<Factor>,
    decision: String,
    /// Why it keeps `ready` at no: `undecided`, `overdue`, `not-covered`.
    open: Option<Open<'a>>,
}

impl View for PathLine<'_> {
    const KIND: &'static str = "path";
}

#[derive(Serialize)]
struct Paths<'a> {
    directory: &'a str,
    paths: usize,
    open: usize,
    untold: Vec<UntoldLine>,
    /// Whether the IdP tells its applications.
    told: bool,
}

impl View for Paths<'_> {
    const KIND: &'static str = "paths";
}

impl<'a> PathLine<'a> {
    fn new(way: &'a WayIn<'_>, directory: &'a str) -> Self {
        Self {
            name: way.name,
            directory,
            application: way.application.map(|application| application.id.as_str()),
            guard: way.guard.code(),
            guarded_by: way.guard.words(),
            owner: way.plan.map(|plan| plan.owner.as_str()),
            factor: way.plan.and_then(|plan| plan.factor),
            decision: way.decision_words(),
            open: way.open,
        }
    }
}

/// Lists them; exit code 3 if one is open, or the list is not whole.
pub(super) fn run(estate: &Estate<'_>, plan: Option<&Plan>, session: &Session) -> Result<Exit, CliError> {
    let directory = estate.directory.name();
    let listed = surroundings::applications(&*estate.directory, &estate.retry, &session.cancel)?;
    let order = estate.directory.capabilities().policies.map_or(RuleOrder::CannotTell, |policies| policies.order());
    let (found, untold) = match &listed {
        Some(listing) => (listing.found.as_slice(), listing.untold.clone()),
        None => (&[][..], vec![Untold::not_offered("which applications there are")]),
    };
    let ways = ways_in(plan, found, order, Session::now().date());
    let open = ways.iter().filter(|way| way.open.is_some()).count();
    let end = Paths {
        directory,
        paths: ways.len(),
        open,
        untold: untold.iter().map(UntoldLine::new).collect(),
        told: listed.is_some(),
    };
    if session.output.is_json() {
        ways.iter().try_for_each(|way| session.output.object(&PathLine::new(way, directory)))?;
    }
    session.output.result(&end, || text(&ways, &untold, open))?;
    let vouched = plan.is_some_and(|plan| plan.paths_vouched_by.is_some()) && listed.is_none();
    let is_whole = untold.is_empty() || vouched;
    Ok(if open == 0 && is_whole { Exit::Done } else { Exit::Partial })
}

fn text(ways: &[WayIn<'_>], untold: &[Untold], open: usize) -> String {
    let heading = ["WAY IN", "GUARDED BY", "DECISION", "OWNER"].map(str::to_owned);
    let row = |way: &WayIn<'_>| {
        let decision = match way.open {
            Some(Open::Overdue { .. }) => format!("OVERDUE: {}", way.decision_words()),
            Some(Open::NotCovered) => format!("NOT COVERED: {}", way.decision_words()),
            Some(Open::Undecided) | None => way.decision_words(),
        };
        let owner = way.plan.map_or("-", |plan| plan.owner.as_str());
        [way.name.to_owned(), way.guard.words(), decision, owner.to_owned()]
    };
    let mut text = String::new();
    if !ways.is_empty() {
        text.push_str(&table(&std::iter::once(heading).chain(ways.iter().map(row)).collect::<Vec<_>>()));
        text.push('\n');
    }
    for untold in untold {
        text.push_str(&format!("{untold}\n"));
    }
    text.push_str(&format!("{}, {open} to be decided\n", count(ways.len(), "way in", "ways in")));
    text
}
