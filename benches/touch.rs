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
    let mut group = criterion.benchmark_group("1 s touch");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(1));
    let mut runs = Vec::new();
    group.bench_function("16 people x 1 key", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| run(16, 1, &mut runs)).sum());
    });
    group.finish();
    criterion.final_summary();
    // Empty if the arguments asked for another benchmark.
    if runs.is_empty() {
        return;
    }

    let mut alone = Vec::new();
    for _ in 0..3 {
        run(1, 1, &mut alone);
    }
    let mut pairs = Vec::new();
    run(8, 2, &mut pairs);

    let alone = mean(alone.iter().map(|run| run.whole));
    let whole = mean(runs.iter().map(|run| run.whole));
    let slowest = mean(runs.iter().map(|run| run.slowest));
    let pairs = &pairs[0];
    eprintln!("\n16 people x 1 key, each touch after {TOUCH:?}, mean of {} runs", runs.len());
    eprintln!("  a key alone        {alone:7.3} s");
    eprintln!("  16 keys at once    {whole:7.3} s   {:.3} of a key alone", whole / alone);
    eprintln!("  the slowest of 16  {slowest:7.3} s   the run is {:.3} of it", whole / slowest);
    let (whole_of_pairs, slowest) = (pairs.whole.as_secs_f64(), pairs.slowest.as_secs_f64());
    eprintln!("8 people x 2 keys    {whole_of_pairs:7.3} s   {:.3} of its slowest key", whole_of_pairs / slowest);
    assert!(whole / alone <= BOUND, "16 keys took {:.3} times as long as one, and may take {BOUND}", whole / alone);
}

struct Run {
    whole: Duration,
    slowest: Duration,
}

fn run(people: usize, keys_each: usize, runs: &mut Vec<Run>) -> Duration {
    let stopwatch = Stopwatch::default();
    let whole = Workbench::with_touch(Place::Disk, people, keys_each, TOUCH).provision(&stopwatch);
    let slowest = stopwatch.keys().into_iter().max().expect("there are keys");
    runs.push(Run { whole, slowest });
    whole
}

fn mean(times: impl ExactSizeIterator<Item = Duration>) -> f64 {
    let number = times.len() as f64;
    times.map(|time| time.as_secs_f64()).sum::<f64>() / number
}
