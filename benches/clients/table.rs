//! The comparison in figures: medians, and ratios to the first client.

use std::time::Duration;

use crate::errand::Errand;
use crate::machine::Took;

/// Prints a group for each errand, and one for the whole.
pub(crate) fn print(taken: &[(&str, Vec<[Took; 6]>)]) {
    let rounds = taken[0].1.len();
    println!("Medians of {rounds} rounds; in brackets, times as much as {}.\n", taken[0].0);
    println!(
        "{:<18}{:<16}{:>8}{:>8}{:>19}{:>19}{:>19}",
        "errand", "client", "to key", "to host", "wall ms", "without key ms", "processor ms"
    );
    for (at, errand) in Errand::ALL.into_iter().enumerate() {
        group(errand.name(), taken.iter().map(|(name, rounds)| (*name, rounds.iter().map(|took| took[at]).collect())));
    }
    group("all", taken.iter().map(|(name, rounds)| (*name, rounds.iter().map(|took| sum(took)).collect())));
}

fn group<'a>(errand: &str, clients: impl Iterator<Item = (&'a str, Vec<Took>)>) {
    let mut first: Option<[f64; 3]> = None;
    for (name, took) in clients {
        let figures = [
            median(took.iter().map(|took| took.wall)),
            median(took.iter().map(|took| took.wall.saturating_sub(took.key))),
            median(took.iter().map(|took| took.processor)),
        ];
        let to_key = range(took.iter().map(|took| took.reports_to_key));
        let to_host = range(took.iter().map(|took| took.reports_to_host));
        let first = first.get_or_insert(figures);
        print!("{errand:<18}{name:<16}{to_key:>8}{to_host:>8}");
        for (figure, first) in figures.iter().zip(*first) {
            print!("{figure:>11.2} {:>7}", format!("({:.2})", figure / first));
        }
        println!();
    }
    println!();
}

fn sum(all: &[Took]) -> Took {
    all.iter().fold(Took::default(), |sum, took| Took {
        wall: sum.wall + took.wall,
        key: sum.key + took.key,
        processor: sum.processor + took.processor,
        reports_to_key: sum.reports_to_key + took.reports_to_key,
        reports_to_host: sum.reports_to_host + took.reports_to_host,
    })
}

/// In milliseconds.
fn median(durations: impl Iterator<Item = Duration>) -> f64 {
    let mut durations: Vec<Duration> = durations.collect();
    durations.sort();
    let (low, high) = (durations[(durations.len() - 1) / 2], durations[durations.len() / 2]);
    (low + high).as_secs_f64() * 500.0
}

/// One number if it was always the same.
fn range(counts: impl Iterator<Item = u64> + Clone) -> String {
    let least = counts.clone().min().expect("there are rounds");
    match counts.max() {
        Some(most) if most != least => format!("{least}-{most}"),
        _ => least.to_string(),
    }
}
