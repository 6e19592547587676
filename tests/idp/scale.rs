//! What an inventory of many people costs at each IdP: requests for each person, what is asked again after it was ended half-way, and how
//! long it takes at the rate that the vendor documents.
//!
//! `KEYWRIGHT_SCALE=5000 cargo test --test idp inventory_asks -- --nocapture` prints the figures for so many people; docs/idp/README.md has
//! them.

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keywright::idp::Directory;
use keywright::provision::RetryPolicy;
use keywright::register::Register;
use keywright::rollout::inventory::read::{Depth, PORTION, Reader};
use keywright::rollout::plan::Who;
use keywright::rollout::{RolloutError, Scope, Shelf};
use keywright_files::Cancel;
use time::OffsetDateTime;

use crate::estates::{Estate, Visit};
use crate::fake_idp::FakeIdp;

/// People, unless somebody wants more.
const FEW: usize = 1000;

/// While it is limited, a server says of every such request that it is one too many.
const LIMITED_EVERY: usize = 97;

/// What is said of an IdP.
pub(crate) struct Costs<'a> {
    pub name: &'a str,
    /// Requests for each person, at the most.
    pub per_person: usize,
    /// One that everybody is in.
    pub group: &'a str,
    /// How often it lets itself be asked, and where that is documented; `None` where nothing is.
    pub pace: Option<Pace>,
}

/// So many requests in such a time.
pub(crate) struct Pace {
    pub requests: u32,
    pub per: Duration,
    pub source: &'static str,
}

/// How many people the test is about.
pub(crate) fn people() -> usize {
    env::var("KEYWRIGHT_SCALE").map_or(FEW, |text| text.parse().unwrap())
}

/// Reads everybody at a fake. `is_list` says of a path that it is not about what one person has.
pub(crate) fn an_inventory_costs<E: Estate>(
    costs: &Costs<'_>,
    is_list: impl Fn(&str) -> bool,
    populate: impl Fn(&E, usize),
) {
    let visit = Visit::<E>::new();
    populate(&visit.idp, people());
    holds(costs, &*visit.directory, visit.idp.server(), is_list);
}

/// Reads everybody, and once more with an end in the middle and a server that is asked too often.
pub(crate) fn holds(costs: &Costs<'_>, directory: &dyn Directory, server: &FakeIdp, is_list: impl Fn(&str) -> bool) {
    let Costs { name, per_person, group, pace } = costs;
    let people = people();
    let instance = directory.instance().unwrap();
    let scope = Scope::People(Who::Group((*group).to_owned()));
    let register = Register::default();
    let retry = RetryPolicy { backoff: Duration::from_millis(1), ..RetryPolicy::default() };
    let asked = || {
        let seen = server.seen();
        let answered = seen.iter().filter(|(_, answer)| answer.status != 429).map(|(request, _)| request);
        let (lists, about_people): (Vec<_>, Vec<_>) = answered.partition(|request| is_list(&request.path));
        (lists.len(), about_people.len())
    };
    let read = |shelf: &Shelf, end_after: usize| {
        let (cancel, told) = (Cancel::default(), AtomicUsize::new(0));
        if end_after == 0 {
            cancel.cancel();
        }
        let reader = Reader {
            directory,
            retry: &retry,
            cancel: &cancel,
            now: &OffsetDateTime::now_utc,
            progress: &|done, _| {
                told.fetch_add(1, Ordering::Relaxed);
                if done >= end_after {
                    cancel.cancel();
                }
            },
        };
        let partial = shelf.partial(&instance, &scope, OffsetDateTime::now_utc());
        let read = reader.read(&scope, None, Depth::EachAccount, &register, &partial);
        (read, told.into_inner())
    };

    let folder = tempfile::tempdir().unwrap();
    let (before, began) = (asked(), Instant::now());
    let (whole, told) = read(&Shelf::new(folder.path().join("whole")), usize::MAX);
    let (whole, took) = (whole.unwrap(), began.elapsed());
    let (lists, about_people) = (asked().0 - before.0, asked().1 - before.1);
    assert_eq!(whole.people.len(), people, "{name}");
    assert!(told > 0, "{name}: it said nothing of how far it was");
    assert!(about_people <= people * per_person, "{name}: {about_people} requests for {people} people");

    server.is_asked_too_often_every(LIMITED_EVERY);
    let (shelf, before) = (Shelf::new(folder.path().join("ended")), asked().1);
    let (ended, _) = read(&shelf, people / 2);
    assert!(matches!(ended, Err(RolloutError::Stopped)), "{name}: {:?}", ended.map(|whole| whole.people.len()));
    let (again, _) = read(&shelf, usize::MAX);
    assert_eq!(again.unwrap().people.len(), people, "{name}");
    // Of a person who was one too many everything is asked again.
    let limited = server.seen().iter().filter(|(_, answer)| answer.status == 429).count();
    let twice = (asked().1 - before).saturating_sub(about_people);
    assert!(limited > 0, "{name}: it was never asked too often");
    assert!(twice <= (PORTION + limited) * per_person, "{name}: {twice} requests were sent twice");
    // Who ends it while it waits is told of no fault.
    server.is_asked_too_often_every(1);
    let (ended, _) = read(&Shelf::new(folder.path().join("waits")), 0);
    assert!(matches!(ended, Err(RolloutError::Stopped)), "{name}: {:?}", ended.map(|whole| whole.people.len()));

    let at_its_pace = match pace {
        None => "no documented rate".to_owned(),
        Some(Pace { requests, per, source }) => {
            let seconds = (lists + about_people) as f64 / f64::from(*requests) * per.as_secs_f64();
            format!("{:.0} min at {requests} in {} s ({source})", (seconds / 60.0).ceil(), per.as_secs())
        }
    };
    println!(
        "{name}: {people} people, {about_people} requests ({per_person} each) and {lists} for lists, {at_its_pace}; {:.1} s here; ended \
         half-way and limited {limited} times, {twice} more",
        took.as_secs_f64()
    );
}
