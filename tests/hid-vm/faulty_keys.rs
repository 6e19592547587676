//! Keys that misbehave, one way at a time, on a real `/dev/hidraw`: the right answer or a clear error, in bounded time, while the
//! key beside is not disturbed.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use keywright_fido::ctap::CtapError;
use keywright_fido::ctap::{Keepalive, TimeoutPhase, TransportError};
use keywright_fido::hid::frame::{ChannelId, Command, Packet, packets};
use keywright_fido::hid::{Channel, Limits, PipeError, Report};
use keywright_practice::softkey::uhid::{Attached, Line, To};
use keywright_practice::softkey::{Moment, Side, Touch};

use crate::bench::{Bench, within};

const GET_INFO: [u8; 1] = [0x04];
const SELECTION: [u8; 1] = [0x0b];

/// Shorter than keywright's own, so that the tests are; longer than anything takes here that is not a fault.
const LIMITS: Limits =
    Limits { silence: Duration::from_secs(2), total: Duration::from_secs(5), busy: Duration::from_secs(3) };

/// What an exchange may take beyond its limits: CANCEL and draining, on a slow machine.
const GRACE: Duration = Duration::from_millis(1500);

/// A channel that is another program's.
const FOREIGN: ChannelId = ChannelId([0x99; 4]);

type Carried = Result<(), PipeError>;

fn frames(channel: ChannelId, command: Command, message: &[u8]) -> Vec<Report> {
    packets(channel, command, message).unwrap().collect()
}

fn send_all(line: &Line, reports: &[Report]) -> Carried {
    reports.iter().try_for_each(|report| line.send(To::Host, report))
}

fn begins(report: &Report, wanted: Command) -> bool {
    matches!(Packet::parse(report), Packet::Initialization { command, .. } if command == wanted)
}

/// The answer to CTAPHID_CBOR begins with this report.
fn answers(to: To, report: &Report) -> bool {
    to == To::Host && begins(report, Command::Cbor)
}

fn get_info(channel: &mut Channel) -> Result<Vec<u8>, TransportError> {
    channel.cbor(&GET_INFO, &mut |_| ())
}

/// A key behind `carry`, with a good key beside it that is asked all the time, and the faulty one asked for getInfo.
fn ask_beside_a_good_key(
    carry: impl Fn(To, &Report, &Line) -> Carried + Send + Sync + 'static,
) -> Result<(), CtapError> {
    ask(LIMITS, LIMITS.total + GRACE, carry)
}

fn ask(
    limits: Limits,
    most: Duration,
    carry: impl Fn(To, &Report, &Line) -> Carried + Send + Sync + 'static,
) -> Result<(), CtapError> {
    let bench = Bench::new(2);
    let (faulty, good) = (bench.attach_through(0, carry), bench.attach(1));
    beside(&bench, &good, || within(most, "asked", || bench.open(&faulty, limits).map(drop)))
}

/// Works while another thread asks the good key, which has to answer every time.
fn beside<T>(bench: &Bench, good: &Attached, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    let mut channel = bench.channel(good, LIMITS).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut asked = 0;
            while !over.load(Ordering::Acquire) || asked == 0 {
                let start = Instant::now();
                get_info(&mut channel).unwrap();
                assert!(start.elapsed() < LIMITS.silence, "the good key took {:?}", start.elapsed());
                asked += 1;
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        // The other thread ends also when this one panics.
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let end = End(&over);
        let done = work();
        drop(end);
        other.join().expect("the good key answered");
        done
    })
}

fn hid(error: CtapError) -> TransportError {
    match error {
        CtapError::Transport(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_behaves_answers() {
    ask_beside_a_good_key(|to, report, line| line.send(to, report)).unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn another_programs_answer_to_init_is_passed_over() {
    ask_beside_a_good_key(|to, report, line| {
        if to == To::Host && begins(report, Command::Init) {
            let stranger = [&[0xee; 8][..], &FOREIGN.0, &[2, 1, 0, 0, 5]].concat();
            send_all(line, &frames(ChannelId::BROADCAST, Command::Init, &stranger))?;
        }
        line.send(to, report)
    })
    .unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn another_channels_answer_is_not_taken_for_the_keys() {
    let bench = Bench::new(1);
    let faulty = bench.attach_through(0, |to, report, line| {
        if answers(to, report) {
            // As long as the right one, so that only the channel tells.
            send_all(line, &frames(FOREIGN, Command::Cbor, &[0; 200]))?;
        }
        line.send(to, report)
    });
    let mut channel = bench.channel(&faulty, LIMITS).unwrap();
    let answer = get_info(&mut channel).unwrap();
    assert!(answer.len() > 100 && answer[..10] != [0; 10], "{answer:02x?}");
    keywright_fido::webauthn::cbor::decode(&answer[1..]).unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn another_channels_continuations_between_ours_are_passed_over() {
    ask_beside_a_good_key(|to, report, line| {
        line.send(to, report)?;
        if to == To::Host && matches!(Packet::parse(report), Packet::Continuation { .. }) {
            let foreign = frames(FOREIGN, Command::Cbor, &[0xaa; 400]);
            send_all(line, &foreign[1..])?;
        }
        Ok(())
    })
    .unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn truncated_cbor_is_an_error() {
    let error = ask_beside_a_good_key(|to, report, line| {
        let mut report = *report;
        if answers(to, &report) {
            report[5..7].copy_from_slice(&40_u16.to_be_bytes());
        }
        line.send(to, &report)
    })
    .unwrap_err();
    assert!(matches!(error, CtapError::InvalidResponse { .. } | CtapError::Webauthn(_)), "{error}");
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_length_that_no_message_has_is_an_error() {
    let error = ask_beside_a_good_key(|to, report, line| {
        let mut report = *report;
        if answers(to, &report) {
            report[5..7].fill(0xff);
        }
        line.send(to, &report)
    })
    .unwrap_err();
    assert!(matches!(hid(error), TransportError::Protocol(_)));
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_silent_key_is_waited_for_as_long_as_it_may_be_silent() {
    for silent_to in [Command::Init, Command::Cbor] {
        let error = ask(LIMITS, LIMITS.silence + GRACE, move |to, report, line| {
            if to == To::Key && begins(report, silent_to) { Ok(()) } else { line.send(to, report) }
        })
        .unwrap_err();
        assert_eq!(hid(error), TransportError::Timeout { phase: TimeoutPhase::Silence, after: LIMITS.silence });
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn packets_out_of_sequence_are_an_error() {
    let error = ask_beside_a_good_key(|to, report, line| {
        let mut report = *report;
        if to == To::Host && matches!(Packet::parse(&report), Packet::Continuation { sequence: 1, .. }) {
            report[4] = 5;
        }
        line.send(to, &report)
    })
    .unwrap_err();
    assert_eq!(hid(error), TransportError::Protocol("a packet is out of sequence"));
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn duplicated_packets_are_an_error_and_no_wrong_answer() {
    let duplicate = Arc::new(AtomicBool::new(true));
    let carry = {
        let duplicate = Arc::clone(&duplicate);
        move |to: To, report: &Report, line: &Line| {
            line.send(to, report)?;
            if to == To::Host && duplicate.load(Ordering::Acquire) { line.send(to, report) } else { Ok(()) }
        }
    };
    let bench = Bench::new(2);
    let (faulty, good) = (bench.attach_through(0, carry), bench.attach(1));
    beside(&bench, &good, || {
        let mut channel = bench.channel(&faulty, LIMITS).unwrap();
        // One packet twice is one answer, and the second is nobody's.
        assert_eq!(channel.ping(b"one").unwrap(), b"one");
        assert_eq!(channel.ping(b"two").unwrap(), b"two");
        let error = within(LIMITS.silence + GRACE, "doubled", || get_info(&mut channel)).unwrap_err();
        assert!(matches!(error, TransportError::Protocol(_)), "{error}");
        duplicate.store(false, Ordering::Release);
        assert_eq!(get_info(&mut channel).unwrap()[0], 0);
    });
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn keepalive_for_ever_ends_with_the_total_limit_and_the_key_is_usable_after_it() {
    let bench = Bench::new(2);
    bench.rack.key(0).touch(Touch::Never);
    let (faulty, good) = (bench.attach(0), bench.attach(1));
    beside(&bench, &good, || {
        let mut channel = bench.channel(&faulty, LIMITS).unwrap();
        let mut heard = 0;
        let error = within(LIMITS.total + GRACE, "kept alive", || {
            channel.cbor(&SELECTION, &mut |keepalive| heard += usize::from(keepalive == Keepalive::UpNeeded))
        });
        assert_eq!(error.unwrap_err(), TransportError::Timeout { phase: TimeoutPhase::Exchange, after: LIMITS.total });
        assert!(heard > 10, "{heard}");
        // The cancelled request was answered, and that answer is not this one.
        assert!(get_info(&mut channel).unwrap().len() > 100);
    });
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn an_answer_long_after_cancel_is_not_taken_for_the_next() {
    let bench = Bench::new(2);
    bench.rack.key(0).touch(Touch::Never);
    // CTAP2_ERR_KEEPALIVE_CANCEL comes when it is no longer waited for: with the next request that is no CANCEL.
    let late = Mutex::new(None);
    let carry = move |to: To, report: &Report, line: &Line| {
        if answers(to, report) && report[7] == 0x2d {
            *late.lock().unwrap() = Some(*report);
            return Ok(());
        }
        if to == To::Key
            && !begins(report, Command::Cancel)
            && let Some(late) = late.lock().unwrap().take()
        {
            line.send(To::Host, &late)?;
        }
        line.send(to, report)
    };
    let (faulty, good) = (bench.attach_through(0, carry), bench.attach(1));
    let limits = Limits { total: Duration::from_secs(2), ..LIMITS };
    beside(&bench, &good, || {
        let mut channel = bench.channel(&faulty, limits).unwrap();
        let error = within(limits.total + GRACE, "cancelled", || channel.cbor(&SELECTION, &mut |_| ()));
        assert_eq!(error.unwrap_err(), TransportError::Timeout { phase: TimeoutPhase::Exchange, after: limits.total });
        for _ in 0..3 {
            assert!(get_info(&mut channel).unwrap().len() > 100);
        }
    });
}

/// Answers requests with ERR_CHANNEL_BUSY until this long after the first of them.
fn busy_for(time: Duration) -> impl Fn(To, &Report, &Line) -> Carried + Send + Sync + 'static {
    let since = OnceLock::new();
    move |to, report, line| {
        if to == To::Key && begins(report, Command::Cbor) {
            let since: &Instant = since.get_or_init(Instant::now);
            if since.elapsed() < time {
                let channel = Packet::parse(report).channel();
                return send_all(line, &frames(channel, Command::Error, &[0x06]));
            }
        }
        line.send(to, report)
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_busy_for_a_second_is_asked_again() {
    ask(LIMITS, Duration::from_secs(1) + GRACE, busy_for(Duration::from_secs(1))).unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_busy_for_ever_is_given_up() {
    let error = ask(LIMITS, LIMITS.busy + GRACE, busy_for(Duration::MAX)).unwrap_err();
    assert_eq!(hid(error), TransportError::Busy(LIMITS.busy));
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_pulled_in_the_middle_of_any_command_is_removed() {
    // makeCredential, getAssertion, getInfo, clientPIN, reset, getNextAssertion, credentialManagement, selection, largeBlobs,
    // config.
    let commands = [0x01, 0x02, 0x04, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d];
    let bench = Bench::new(2);
    let good = bench.attach(1);
    beside(&bench, &good, || {
        for command in commands {
            for side in [Side::Before, Side::After] {
                let key = bench.rack.key(0);
                key.plug();
                let attached = bench.attach(0);
                let mut channel = bench.channel(&attached, LIMITS).unwrap();
                key.pull_at(Moment::Command(command), side);
                let what = format!("pulled {side:?} 0x{command:02x}");
                // Three packets, so that there is a middle.
                let request = [&[command][..], &[0xa0; 150]].concat();
                let error = within(LIMITS.silence, &what, || channel.cbor(&request, &mut |_| ())).unwrap_err();
                assert_eq!(error, TransportError::Removed, "{what}");
                assert!(!attached.is_there() || !key.is_plugged());
            }
        }
    });
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_is_pulled_in_the_middle_of_a_message_is_removed() {
    for (to, continuation) in [(To::Host, 0), (To::Key, 0), (To::Key, 1)] {
        let bench = Bench::new(2);
        let key = bench.rack.key(0).clone();
        let (faulty, good) = (
            bench.attach_through(0, move |way, report, line| {
                let here =
                    matches!(Packet::parse(report), Packet::Continuation { sequence, .. } if sequence == continuation);
                if way == to && here {
                    key.pull();
                    return Err(PipeError::Removed);
                }
                line.send(way, report)
            }),
            bench.attach(1),
        );
        beside(&bench, &good, || {
            let mut channel = bench.channel(&faulty, LIMITS).unwrap();
            let error = within(LIMITS.silence + GRACE, "pulled", || channel.ping(&[7; 1000])).unwrap_err();
            assert_eq!(error, TransportError::Removed, "{to:?} {continuation}");
        });
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_that_waits_for_a_touch_and_is_pulled_is_removed_and_comes_back_as_another() {
    let bench = Bench::new(1);
    let key = bench.rack.key(0);
    key.touch(Touch::Never);
    let attached = bench.attach(0);
    let before = bench.device(&attached);
    let mut channel = bench.channel(&attached, LIMITS).unwrap();
    let heard = AtomicUsize::new(0);
    let error = within(LIMITS.silence, "pulled", || {
        channel.cbor(&SELECTION, &mut |_| {
            if heard.fetch_add(1, Ordering::Relaxed) == 3 {
                key.pull();
            }
        })
    });
    assert_eq!(error.unwrap_err(), TransportError::Removed);
    drop((channel, attached));
    key.plug();
    let again = bench.attach(0);
    let after = bench.device(&again);
    assert!(after.attach > before.attach || after.path != before.path, "{before:?} {after:?}");
    bench.open(&again, LIMITS).unwrap();
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn two_handles_hear_the_same_key() {
    let bench = Bench::new(1);
    let attached = bench.attach(0);
    let mut ours = bench.channel(&attached, LIMITS).unwrap();
    // Without a lock, as a browser opens it.
    let mut theirs = std::fs::File::open(attached.node()).unwrap();
    assert_eq!(ours.ping(b"hear, hear").unwrap(), b"hear, hear");
    let mut heard = [0; 64];
    theirs.read_exact(&mut heard).unwrap();
    assert_eq!(&heard[7..17], b"hear, hear");
}
