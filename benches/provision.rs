//! Host time per provisioned soft key with instant touch, and where it goes.
//!
//! "whole run" is everything from plan to report for a roster of people with two keys each; divide by the keys. The table on
//! stderr is for one key at a time, so that no key waits for another.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

mod support;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use support::stopwatch::{Door, Spent};
use support::{Place, Stopwatch, Workbench};

/// Single keys that the table is the mean of.
const SINGLES: u32 = 50;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    whole_runs(&mut criterion);
    criterion.final_summary();
    for place in [Place::Memory, Place::Disk] {
        table(place);
    }
}

fn whole_runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole run");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for place in [Place::Memory, Place::Disk] {
        for people in [1, 8] {
            let name = if people == 1 { "person x 2 keys" } else { "people x 2 keys" };
            group.throughput(Throughput::Elements(2 * people as u64));
            group.bench_function(BenchmarkId::new(format!("{place:?}"), format!("{people} {name}")), |bencher| {
                bencher.iter_custom(|times| {
                    (0..times).map(|_| Workbench::new(place, people, 2).provision(&Stopwatch::default())).sum()
                });
            });
        }
    }
    group.finish();
}

/// Prints what the steps of one key take, and where.
fn table(place: Place) {
    let stopwatch = Stopwatch::default();
    let whole: Duration = (0..SINGLES).map(|_| black_box(Workbench::new(place, 1, 1)).provision(&stopwatch)).sum();
    eprintln!("\none person, one key, {place:?} (ms, mean of {SINGLES})");
    eprintln!("{:<12}{:>9}{:>9}{:>11}{:>9}{:>9}", "step", "total", "key", "directory", "ledger", "rest");
    let mut all = Spent::default();
    for (step, spent) in stopwatch.steps() {
        line(&step.map_or_else(|| "open".to_owned(), |step| step.to_string()), &spent);
        all.add(&spent);
    }
    line("all steps", &all);
    eprintln!("{:<12}{:>9.2}", "whole run", milliseconds(whole));
    eprintln!("{:<12}{:>9.2}", "host only", milliseconds(whole.saturating_sub(all.at(Door::Key))));
}

fn line(name: &str, spent: &Spent) {
    let [total, key, directory, ledger, rest] =
        [spent.total, spent.at(Door::Key), spent.at(Door::Directory), spent.at(Door::Ledger), spent.elsewhere()]
            .map(milliseconds);
    eprintln!("{name:<12}{total:>9.2}{key:>9.2}{directory:>11.2}{ledger:>9.2}{rest:>9.2}");
}

/// Of one key.
fn milliseconds(sum: Duration) -> f64 {
    sum.as_secs_f64() * 1000.0 / f64::from(SINGLES)
}
