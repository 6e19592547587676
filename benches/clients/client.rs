//! A client's side of the comparison: does an errand for each line on standard input, and answers each with what it took.

use std::io::{Write as _, stdin, stdout};
use std::time::Instant;

use crate::errand::Errand;

/// A program that runs errands on one key.
pub(crate) trait Client {
    fn run(&mut self, errand: Errand);
}

/// Answers with nanoseconds by the clock and nanoseconds of processor.
pub(crate) fn serve(mut client: impl Client) {
    for line in stdin().lines() {
        let line = line.unwrap();
        let errand = Errand::ALL.into_iter().find(|errand| errand.name() == line).expect("an errand");
        let (processor_before, before) = (processor(), Instant::now());
        client.run(errand);
        let took = before.elapsed();
        println!("took {} {}", took.as_nanos(), processor() - processor_before);
        stdout().flush().unwrap();
    }
}

/// What the kernel has counted of this process, which has one thread, in nanoseconds. Yielding has it count up to now.
fn processor() -> u64 {
    std::thread::yield_now();
    let counted = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    counted.split_whitespace().next().unwrap().parse().unwrap()
}
