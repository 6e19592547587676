//! Random lives of people and keys: after each step register, IdP and keys say the same, and the step did what it is for.
//!
//! `KEYWRIGHT_LIVES=2000 KEYWRIGHT_LIVES_SEED=7 cargo test --test journeys lives::` lives so many, others than usual. A life that
//! goes wrong is made shorter and printed; `KEYWRIGHT_LIFE='...' cargo test --test journeys lives::one_life` repeats it.

mod agreement;
mod model;
mod step;
mod world;

use std::env;
use std::process::{Command, Stdio};

use keywright_test_support::power_cut::work_until_cut;
use keywright_test_support::workshop::Workshop;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use model::Seen;
use step::{Step, Words};
use world::World;

/// A life to be repeated.
const LIFE: &str = "KEYWRIGHT_LIFE";
/// How many lives.
const LIVES: &str = "KEYWRIGHT_LIVES";
/// Which ones.
const SEED: &str = "KEYWRIGHT_LIVES_SEED";
/// Which half of them a process lives.
const HALF: &str = "KEYWRIGHT_LIVES_HALF";

/// So many that they take about a minute.
const USUAL: u32 = 120;
/// The steps of the longest life, after its beginning.
const LONGEST: usize = 10;

/// One life. The error says what went wrong at which step.
fn live(steps: &[Step]) -> Result<(), String> {
    let world = World::new();
    let mut before = agreement::check(&world)?;
    for (number, step) in steps.iter().enumerate() {
        let at = |why: String| format!("step {}, '{step}': {why}", number + 1);
        let slot = step.which().and_then(|which| world.slot(which, &before.register));
        let outcome = world.happen(*step, slot);
        let after = agreement::check(&world).map_err(|why| at(format!("{why}\n{outcome:?}")))?;
        let seen = Seen { world: &world, before: &before, step: *step, slot, outcome: &outcome, after: &after };
        seen.judge().map_err(at)?;
        before = after;
    }
    Ok(())
}

/// A step of a life in a process that may die.
#[test]
#[ignore = "started by the tests of this file, in a process that may die"]
fn mortal() {
    let words = env::var(world::STEP).unwrap();
    work_until_cut(|workshop, store| {
        let world = World::at(Workshop::at(workshop.path(), &workshop.url));
        let Ok(Step::Work(work, _)) = words.parse() else { panic!("'{words}' is no work") };
        let slot = work.which().and_then(|which| world.slot(which, &world.book()));
        world.work(work, slot, store);
    });
}

/// Half of the lives, in a process of its own: while another test starts a program, its child has our locks for a moment.
#[test]
#[ignore = "started by the tests of this file"]
fn half() {
    let number = |name: &str, otherwise| env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap());
    let (cases, seed, half) = (number(LIVES, USUAL) / 2, number(SEED, 0), number(HALF, 0));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&[seed.to_be_bytes(), half.to_be_bytes()].concat());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let ended = runner.run(&step::lives(LONGEST), |steps| {
        // Each is told at once: making it shorter takes minutes.
        live(&steps).map_err(TestCaseError::fail).inspect_err(|why| eprintln!("{LIFE}='{}'\n{why}", Words(&steps)))
    });
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("{LIFE}='{}'\n{why}", Words(&steps)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn register_idp_and_keys_agree_in_every_life() {
    let halves = ["0", "1"].map(|half| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "lives::half", "--ignored", "--nocapture"]).env(HALF, half);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for half in halves {
        let output = half.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn one_life() {
    let Ok(words) = env::var(LIFE) else { return };
    live(&step::read(&words).unwrap()).unwrap();
}

#[test]
fn lives_that_went_wrong_once() {
    for words in WENT_WRONG {
        live(&step::read(words).unwrap()).unwrap_or_else(|why| panic!("{LIFE}='{words}'\n{why}"));
    }
}

/// What was found, in words.
const WENT_WRONG: &[&str] = &[
    // A key that was to be revoked counted as to come, and no other was planned.
    "roster ada strict; killed before:48 provision; lose ada.2; killed after:0 revoke ada 2; provision",
    // Neither the old nor the new login found a person whose login changed, but the roster's run.
    "roster ada pair; provision; rename ada; replace ada 1; enroll ada",
    // The dry run did not know the key of somebody whose login changed, that the run then went on with.
    "roster ada pair; provision; rename ada; killed before:31 same-key ada 1; resume",
    // The key of a letter that nobody had seen was looked at again and again, as long as others waited for keys.
    "roster ada posted; roster grace strict; provision; lose ada.1; program recover ada 1; roster mary pair; provision",
];
