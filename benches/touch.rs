//! Touch is what people wait for, so nothing else may add to it: 16 soft keys that each take 1 s of touch, at each of the three
//! touches of a job, finish within 1.15 times a single key's own time.
//!
//! Eight people with two keys each are measured too: a person's two registrations take turns, so there the bound is two keys'
//! registrations one after the other.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

mod support;

use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use support::{Place, Stopwatch, Workbench};

const TOUCH: Duration = Duration::from_secs(1);
const BOUND: f64 = 1.15;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("16 people x 1 key, 1 s touch");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(1));
    let mut shares = Vec::new();
    for place in [Place::Memory, Place::Disk] {
        let mut runs = Vec::new();
        group.bench_function(format!("{place:?}"), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| run(place, 16, 1, &mut runs)).sum());
        });
        // Empty if the arguments asked for another benchmark.
        if !runs.is_empty() {
            shares.push((place, compare(place, &runs)));
        }
    }
    group.finish();
    criterion.final_summary();
    for (place, share) in shares {
        assert!(share <= BOUND, "{place:?}: 16 keys took {share:.3} times as long as one, and may take {BOUND}");
    }
}

/// Prints how these runs of 16 keys stand against a key alone, and returns how many times as long they took.
fn compare(place: Place, runs: &[Run]) -> f64 {
    let (mut alone, mut pairs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        run(place, 1, 1, &mut alone);
    }
    run(place, 8, 2, &mut pairs);
    let whole = mean(runs.iter().map(|run| run.whole));
    let slowest = mean(runs.iter().map(|run| run.slowest));
    let alone = mean(alone.iter().map(|run| run.whole));
    eprintln!("{place:?}, each of a key's three touches after {TOUCH:?}:");
    eprintln!("  a key alone         {alone:7.3} s");
    eprintln!("  16 people x 1 key   {whole:7.3} s  {:.3} of a key alone, mean of {}", whole / alone, runs.len());
    eprintln!("  the slowest of them {slowest:7.3} s  the run is {:.3} of it", whole / slowest);
    let (whole_of_pairs, slowest) = (pairs[0].whole.as_secs_f64(), pairs[0].slowest.as_secs_f64());
    eprintln!("  8 people x 2 keys   {whole_of_pairs:7.3} s  {:.3} of its slowest key\n", whole_of_pairs / slowest);
    whole / alone
}

struct Run {
    whole: Duration,
    slowest: Duration,
}

fn run(place: Place, people: usize, keys_each: usize, runs: &mut Vec<Run>) -> Duration {
    let stopwatch = Stopwatch::default();
    let whole = Workbench::with_touch(place, people, keys_each, TOUCH).provision(&stopwatch);
    let slowest = stopwatch.keys().into_iter().max().expect("there are keys");
    runs.push(Run { whole, slowest });
    whole
}

fn mean(times: impl ExactSizeIterator<Item = Duration>) -> f64 {
    let number = times.len() as f64;
    times.map(|time| time.as_secs_f64()).sum::<f64>() / number
}
