//! What an inventory of many people costs at each IdP: requests for each person, and what is asked again after it was ended half-way.
//!
//! `KEYWRIGHT_SCALE=5000 cargo test --test idp scale:: -- --nocapture` prints the figures for so many people; docs/idp/README.md has them.

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use keywright::provision::RetryPolicy;
use keywright::register::Register;
use keywright::rollout::inventory::read::{Depth, PORTION, Reader};
use keywright::rollout::plan::Who;
use keywright::rollout::{RolloutError, Scope, Shelf};
use keywright_files::Cancel;
use time::OffsetDateTime;

use crate::estates::{Estate, Visit};

/// People, unless somebody wants more.
const FEW: usize = 2 * PORTION + 8;

/// Reads everybody, and once more with an end in the middle.
///
/// `group` is one that everybody is in; `is_list` says of a path that it is not about what one person has.
pub(crate) fn an_inventory_costs<E: Estate>(
    name: &str,
    per_person: usize,
    group: &str,
    is_list: impl Fn(&str) -> bool,
    populate: impl Fn(&E, usize),
) {
    let people = env::var("KEYWRIGHT_SCALE").map_or(FEW, |text| text.parse().unwrap());
    let visit = Visit::<E>::new();
    populate(&visit.idp, people);
    let instance = visit.directory.instance().unwrap();
    let scope = Scope::People(Who::Group(group.to_owned()));
    let (register, retry) = (Register::default(), RetryPolicy::default());
    let about_people = || {
        let calls = visit.idp.server().calls();
        calls.iter().filter(|call| !call.split_once(' ').is_some_and(|(_, path)| is_list(path))).count()
    };
    let read = |shelf: &Shelf, end_after: usize| {
        let (cancel, told) = (Cancel::default(), AtomicUsize::new(0));
        let reader = Reader {
            directory: &*visit.directory,
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
    let (before, began) = (about_people(), Instant::now());
    let (whole, told) = read(&Shelf::new(folder.path().join("whole")), usize::MAX);
    let (whole, took) = (whole.unwrap(), began.elapsed());
    let asked = about_people() - before;
    assert_eq!(whole.people.len(), people, "{name}");
    assert!(told > 0, "{name}: it said nothing of how far it was");
    assert!(asked <= people * per_person, "{name}: {asked} requests for {people} people");

    let (shelf, before) = (Shelf::new(folder.path().join("ended")), about_people());
    let (ended, _) = read(&shelf, people / 2);
    assert!(matches!(ended, Err(RolloutError::Stopped)), "{name}");
    let (again, _) = read(&shelf, usize::MAX);
    assert_eq!(again.unwrap().people.len(), people, "{name}");
    let twice = (about_people() - before).saturating_sub(asked);
    assert!(twice <= PORTION * per_person, "{name}: {twice} requests were sent twice");
    let seconds = took.as_secs_f64();
    println!(
        "{name}: {people} people, {asked} requests ({per_person} each), {seconds:.1} s; ended half-way, {twice} more"
    );
}
