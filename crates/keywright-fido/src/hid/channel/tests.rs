use super::super::PipeError;
use super::super::scripted::{
    CHANNEL, FOREIGN, Heard, Log, Say, ScriptedPipe, VirtualClock, init_answer, keepalive, say,
};
use super::*;

const OK: &[u8] = &[0x00, 0xA0];
const KEEPALIVE_CANCEL: &[u8] = &[0x2D];
const GET_INFO: &[u8] = &[0x04];

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A channel to a scripted key, and what its test looks at.
struct Bench {
    channel: Channel,
    clock: VirtualClock,
    log: Log,
    cancel: Cancel,
}

impl Bench {
    fn new(script: impl FnMut(&Heard) -> Vec<Say> + Send + 'static) -> Self {
        Self::open(ScriptedPipe::after_init(script)).expect("this key answers INIT")
    }

    fn open(pipe: ScriptedPipe) -> Result<Self, TransportError> {
        let (clock, log, cancel) = (pipe.clock(), pipe.log(), Cancel::default());
        let channel = Channel::open_with(Box::new(pipe), Limits::default(), cancel.clone(), Box::new(clock.clone()))?;
        Ok(Self { channel, clock, log, cancel })
    }

    fn cbor(&mut self) -> Result<Vec<u8>, TransportError> {
        self.channel.cbor(GET_INFO, &mut |_| ())
    }

    /// The error of an exchange, and how long it took.
    fn failure(&mut self) -> (TransportError, Duration) {
        let start = self.clock.now();
        let error = self.cbor().expect_err("this exchange must fail");
        (error, self.clock.now() - start)
    }

    fn answered(mut self) -> Self {
        assert_eq!(self.cbor().as_deref(), Ok(OK));
        self
    }

    /// Somebody asks for the end during the `reads`th read from now.
    fn cancel_after_reads(&mut self, reads: usize) {
        let pipe = std::mem::replace(&mut self.channel.pipe, Box::new(Gone));
        self.channel.pipe = Box::new(Meddler { pipe, reads, cancel: self.cancel.clone() });
    }

    fn commands(&self) -> Vec<Command> {
        self.log.commands()
    }
}

fn silent(after: Duration) -> TransportError {
    TransportError::Timeout { phase: TimeoutPhase::Silence, after }
}

fn unfinished(after: Duration) -> TransportError {
    TransportError::Timeout { phase: TimeoutPhase::Exchange, after }
}

fn ok() -> Vec<Say> {
    say(CHANNEL, Command::Cbor, OK)
}

fn error(channel: ChannelId, code: u8) -> Vec<Say> {
    say(channel, Command::Error, &[code])
}

/// Says `first` to the first CBOR request and answers the later ones.
fn once(first: Vec<Say>) -> impl FnMut(&Heard) -> Vec<Say> + Send + 'static {
    let mut first = Some(first);
    move |heard| match heard.command {
        Command::Cbor => first.take().unwrap_or_else(ok),
        _ => Vec::new(),
    }
}

fn opened(
    script: impl FnMut(&Heard) -> Vec<Say> + Send + 'static,
) -> (Result<Bench, TransportError>, Log, VirtualClock) {
    let pipe = ScriptedPipe::new(script);
    let (log, clock) = (pipe.log(), pipe.clock());
    (Bench::open(pipe), log, clock)
}

mod answers {
    use super::*;

    #[test]
    fn a_sound_key_is_answered_on_its_own_channel() {
        let bench = Bench::new(|_| ok()).answered();
        let heard = bench.log.heard();
        assert_eq!((heard[0].channel, heard[0].command), (ChannelId::BROADCAST, Command::Init));
        assert_eq!((heard[1].channel, heard[1].command, &heard[1].data[..]), (CHANNEL, Command::Cbor, GET_INFO));
        assert!(bench.channel.can_wink() && bench.channel.speaks_cbor());
    }

    #[test]
    fn the_longest_message_goes_out_and_comes_back() {
        let mut bench = Bench::new(|heard| say(CHANNEL, Command::Ping, &heard.data));
        let data: Vec<u8> = (0..7609).map(|i| (i % 251) as u8).collect();
        assert_eq!(bench.channel.ping(&data), Ok(data));
    }

    #[test]
    fn a_longer_message_is_not_sent() {
        let mut bench = Bench::new(|_| ok());
        assert_eq!(bench.channel.ping(&[0; 7610]), Err(TransportError::MessageTooLong(7610)));
        assert_eq!(bench.commands(), [Command::Init]);
    }

    #[test]
    fn wink_is_answered_with_nothing() {
        let mut bench = Bench::new(|_| say(CHANNEL, Command::Wink, &[]));
        assert_eq!(bench.channel.wink(), Ok(()));
    }

    #[test]
    fn a_ping_that_comes_back_changed_is_an_error() {
        let mut bench = Bench::new(|_| say(CHANNEL, Command::Ping, b"pong"));
        assert_eq!(bench.channel.ping(b"ping"), Err(TransportError::Protocol("PING returned other bytes")));
    }

    #[test]
    fn an_error_is_reported_by_its_name() {
        let (refused, _) = Bench::new(|_| error(CHANNEL, 0x0B)).failure();
        assert_eq!(refused, CtapHidErrorCode::InvalidChannel.into());
        assert_eq!(refused.to_string(), "the key answered CTAPHID ERR_INVALID_CHANNEL");
    }

    #[test]
    fn an_answer_to_another_command_is_an_error() {
        let wrong = TransportError::Protocol("an answer to another command");
        assert_eq!(Bench::new(|_| say(CHANNEL, Command::Ping, OK)).failure().0, wrong);
        let mut bench = Bench::new(|_| vec![Say::Report(keepalive(1))]);
        assert_eq!(bench.channel.ping(&[]), Err(wrong));
    }

    #[test]
    fn answers_that_lack_their_first_byte_are_errors() {
        let empty = |command| Bench::new(move |_| say(CHANNEL, command, &[])).failure().0;
        assert_eq!(empty(Command::Cbor), TransportError::Protocol("an answer to CBOR has no status byte"));
        assert_eq!(empty(Command::Keepalive), TransportError::Protocol("KEEPALIVE or ERROR without its byte"));
        assert_eq!(empty(Command::Error), TransportError::Protocol("KEEPALIVE or ERROR without its byte"));
    }

    #[test]
    fn keepalives_are_heard_in_order() {
        let script = [1, 2, 3, 2].map(|status| Say::Report(keepalive(status)));
        let mut bench = Bench::new(once([script.to_vec(), ok()].concat()));
        let mut heard = Vec::new();
        assert_eq!(bench.channel.cbor(GET_INFO, &mut |status| heard.push(status)).as_deref(), Ok(OK));
        use Keepalive::{Processing, UpNeeded};
        assert_eq!(heard, [Processing, UpNeeded, Processing, UpNeeded]);
    }
}

mod neighbours {
    use super::*;

    #[test]
    fn a_foreign_init_answer_is_skipped() {
        let (bench, ..) = opened(|heard| match heard.command {
            Command::Init => {
                let theirs = Heard { data: vec![9; 8], ..heard.clone() };
                [init_answer(&theirs), init_answer(heard)].concat()
            }
            _ => ok(),
        });
        bench.unwrap().answered();
    }

    #[test]
    fn foreign_init_answers_do_not_break_the_silence() {
        let theirs = [&[9u8; 8][..], &FOREIGN.0, &[2, 5, 7, 1, 5]].concat();
        let Say::Report(theirs) = say(ChannelId::BROADCAST, Command::Init, &theirs)[0] else { unreachable!() };
        let (bench, _, clock) = opened(move |_| vec![Say::Every(50 * MILLISECOND, theirs)]);
        assert_eq!(bench.err(), Some(silent(3 * SECOND)));
        assert_eq!(clock.now(), 3 * SECOND);
    }

    #[test]
    fn another_channels_answer_is_never_ours() {
        Bench::new(|_| [say(FOREIGN, Command::Cbor, &[0x00, 0xA1, 1, 2]), ok()].concat()).answered();
    }

    #[test]
    fn another_channels_packets_between_ours_change_nothing() {
        let theirs = say(FOREIGN, Command::Cbor, &[7; 300]);
        let ours = vec![0x5A; 300];
        let mixed: Vec<Say> = say(CHANNEL, Command::Cbor, &ours)
            .into_iter()
            .zip(theirs.iter().skip(1).chain(&theirs).cloned())
            .flat_map(|(own, foreign)| [foreign, own])
            .collect();
        assert_eq!(Bench::new(once(mixed)).cbor(), Ok(ours));
    }

    #[test]
    fn another_channels_chatter_does_not_break_the_silence() {
        let Say::Report(theirs) = say(FOREIGN, Command::Cbor, OK)[0] else { unreachable!() };
        let (error, took) = Bench::new(move |_| vec![Say::Every(20 * MILLISECOND, theirs)]).failure();
        assert_eq!((error, took), (silent(3 * SECOND), 3 * SECOND));
    }

    #[test]
    fn another_channels_error_does_not_end_our_exchange() {
        Bench::new(|_| [error(FOREIGN, 0x7F), ok()].concat()).answered();
    }

    #[test]
    fn a_neighbour_that_never_stops_cannot_hold_us_before_a_request() {
        let Say::Report(theirs) = say(FOREIGN, Command::Cbor, OK)[0] else { unreachable!() };
        let flood = Say::Every(Duration::ZERO, theirs);
        let (bench, ..) = opened(move |heard| [init_answer(heard), vec![flood]].concat());
        let mut bench = bench.unwrap();
        bench.cancel.cancel();
        assert_eq!(bench.cbor(), Err(TransportError::Cancelled));
    }

    #[test]
    fn another_channels_error_does_not_end_our_init() {
        let (bench, log, _) = opened(|heard| [error(FOREIGN, 0x06), init_answer(heard)].concat());
        assert!(bench.is_ok());
        assert_eq!(log.commands(), [Command::Init]);
    }

    #[test]
    fn an_error_on_the_broadcast_channel_is_ours_only_if_nothing_better_comes() {
        let refuse = |heard: &Heard| error(heard.channel, 0x0B);
        let (bench, ..) = opened(move |heard| [refuse(heard), init_answer(heard)].concat());
        assert!(bench.is_ok());
        let (bench, ..) = opened(refuse);
        assert_eq!(bench.err(), Some(CtapHidErrorCode::InvalidChannel.into()));
    }
}

mod broken_keys {
    use super::*;

    #[test]
    fn a_claim_of_65535_bytes_is_an_error_at_once() {
        let mut report = [0; 64];
        report[..7].copy_from_slice(&[0x11, 0x22, 0x33, 0x44, 0x90, 0xFF, 0xFF]);
        let (error, took) = Bench::new(once(vec![Say::Report(report)])).failure();
        assert_eq!(error, TransportError::Protocol("a message claims more than 7609 bytes"));
        assert_eq!(took, Duration::ZERO);
    }

    #[test]
    fn an_answer_that_ends_early_is_silence() {
        let mut reports = say(CHANNEL, Command::Cbor, &[0; 300]);
        reports.pop();
        let (error, took) = Bench::new(once(reports)).failure();
        assert_eq!((error, took), (silent(3 * SECOND), 3 * SECOND));
    }

    #[test]
    fn packets_out_of_sequence_are_an_error() {
        let mut reports = say(CHANNEL, Command::Cbor, &[0; 300]);
        reports.swap(1, 2);
        assert_eq!(Bench::new(once(reports)).failure().0, TransportError::Protocol("a packet is out of sequence"));
    }

    #[test]
    fn a_packet_that_comes_twice_is_an_error() {
        let answer = say(CHANNEL, Command::Cbor, &[0; 300]);
        for (twice, why) in [(0, "a message began inside another"), (2, "a packet is out of sequence")] {
            let mut reports = answer.clone();
            reports.insert(twice, answer[twice]);
            assert_eq!(Bench::new(once(reports)).failure().0, TransportError::Protocol(why));
        }
    }

    #[test]
    fn the_copy_of_a_whole_answer_is_not_the_next_answer() {
        let mut bench =
            Bench::new(once([say(CHANNEL, Command::Cbor, &[0x01]), say(CHANNEL, Command::Cbor, &[0x01])].concat()));
        assert_eq!(bench.cbor(), Ok(vec![0x01]));
        bench.answered();
    }

    #[test]
    fn the_rest_of_an_answer_that_was_given_up_is_skipped() {
        let rest = say(CHANNEL, Command::Cbor, &[7; 300]).split_off(1);
        Bench::new(once([rest, ok()].concat())).answered();
    }

    #[test]
    fn after_nonsense_the_channel_begins_anew() {
        let mut reports = say(CHANNEL, Command::Cbor, &[0; 300]);
        reports.swap(1, 2);
        // The rest of the nonsense comes late, in a form that would pass for an answer.
        reports.extend([vec![Say::Pause(MILLISECOND)], say(CHANNEL, Command::Cbor, &[0x36])].concat());
        let mut bench = Bench::new(once(reports));
        bench.failure();
        let bench = bench.answered();
        let heard = bench.log.heard();
        let expected = [Command::Init, Command::Cbor, Command::Cancel, Command::Init, Command::Cbor];
        assert_eq!(bench.commands(), expected);
        assert_eq!(heard[3].channel, CHANNEL);
    }

    #[test]
    fn a_key_that_grants_another_channel_for_the_fresh_start_is_asked_there() {
        const OTHER: ChannelId = ChannelId([0xA1, 0xA2, 0xA3, 0xA4]);
        let (bench, log, _) = opened(|heard| match (heard.command, heard.channel) {
            (Command::Init, ChannelId::BROADCAST) => init_answer(heard),
            (Command::Init, own) => say(own, Command::Init, &[&heard.data[..], &OTHER.0, &[2, 5, 7, 1, 0x04]].concat()),
            (Command::Cbor, OTHER) => say(OTHER, Command::Cbor, OK),
            _ => Vec::new(),
        });
        let mut bench = bench.unwrap();
        bench.failure();
        bench.answered();
        assert_eq!(log.heard().last().map(|heard| heard.channel), Some(OTHER));
    }

    #[test]
    fn init_answers_that_are_no_answers_are_errors() {
        let answer = |change: fn(&mut Report)| {
            let (bench, ..) = opened(move |heard| {
                let Say::Report(mut report) = init_answer(heard)[0] else { unreachable!() };
                change(&mut report);
                vec![Say::Report(report)]
            });
            bench.err()
        };
        let wrong = |why| Some(TransportError::Protocol(why));
        assert_eq!(answer(|report| report[6] = 16), wrong("an answer to INIT is too short"));
        assert_eq!(answer(|report| report[5] = 0xFF), wrong("an answer to INIT is too long"));
        let reserved = wrong("INIT assigned a reserved channel");
        assert_eq!(answer(|report| report[15..19].fill(0xFF)), reserved);
        assert_eq!(answer(|report| report[15..19].fill(0)), reserved);
        assert_eq!(answer(|report| report[6] = 20), None);
    }
}

mod limits {
    use super::*;

    #[test]
    fn a_silent_key_is_given_up_and_told_so() {
        let mut bench = Bench::new(|_| Vec::new());
        assert_eq!(bench.failure(), (silent(3 * SECOND), 3 * SECOND));
        assert_eq!(bench.commands(), [Command::Init, Command::Cbor, Command::Cancel]);
    }

    #[test]
    fn a_key_that_never_answers_init_is_given_up() {
        let (bench, log, clock) = opened(|_| Vec::new());
        assert_eq!(bench.err(), Some(silent(3 * SECOND)));
        assert_eq!(clock.now(), 3 * SECOND);
        assert_eq!(log.commands(), [Command::Init]);
    }

    #[test]
    fn keepalive_breaks_the_silence() {
        let patient = [Say::Pause(2 * SECOND), Say::Report(keepalive(2))].repeat(14);
        Bench::new(once([patient, ok()].concat())).answered();
    }

    #[test]
    fn each_packet_of_a_long_answer_breaks_the_silence() {
        let slow: Vec<Say> =
            say(CHANNEL, Command::Cbor, &[0; 300]).into_iter().flat_map(|say| [Say::Pause(2 * SECOND), say]).collect();
        assert_eq!(Bench::new(once(slow)).cbor(), Ok(vec![0; 300]));
    }

    #[test]
    fn a_listener_that_takes_its_time_is_not_the_keys_silence() {
        let mut bench = Bench::new(once([vec![Say::Report(keepalive(2))], ok()].concat()));
        let clock = bench.clock.clone();
        assert_eq!(bench.channel.cbor(GET_INFO, &mut |_| clock.advance(10 * SECOND)).as_deref(), Ok(OK));
    }

    #[test]
    fn keepalive_without_end_meets_the_total_limit() {
        let mut bench = Bench::new(|heard| match heard.command {
            Command::Cbor => vec![Say::Every(100 * MILLISECOND, keepalive(2))],
            _ => Vec::new(),
        });
        let (error, took) = bench.failure();
        assert_eq!(error, unfinished(60 * SECOND));
        assert_eq!(took, 60 * SECOND + DRAIN);
        assert_eq!(bench.commands(), [Command::Init, Command::Cbor, Command::Cancel]);
    }

    #[test]
    fn limits_without_bound_do_not_overflow() {
        let pipe = ScriptedPipe::after_init(|_| ok());
        let clock = pipe.clock();
        clock.advance(SECOND);
        let limits = Limits { silence: Duration::MAX, total: Duration::MAX, busy: Duration::MAX };
        let mut channel = Channel::open_with(Box::new(pipe), limits, Cancel::default(), Box::new(clock)).unwrap();
        assert_eq!(channel.cbor(GET_INFO, &mut |_| ()).as_deref(), Ok(OK));
    }
}

mod busy_keys {
    use super::*;

    #[test]
    fn a_key_that_is_busy_for_a_while_is_asked_again_less_and_less_often() {
        let mut refusals = 4;
        let bench = Bench::new(move |_| match refusals {
            0 => ok(),
            _ => {
                refusals -= 1;
                error(CHANNEL, 0x06)
            }
        })
        .answered();
        let at: Vec<_> = bench.log.heard().iter().map(|heard| heard.at.as_millis()).collect();
        assert_eq!(at, [0, 0, 25, 75, 175, 375]);
        assert!(!bench.commands().contains(&Command::Cancel));
    }

    #[test]
    fn a_key_that_is_busy_for_ever_is_given_up() {
        // 0x00 is what some firmware says for it.
        for code in [0x06, 0x00] {
            let mut bench = Bench::new(move |_| error(CHANNEL, code));
            assert_eq!(bench.failure(), (TransportError::Busy(5 * SECOND), 5 * SECOND));
            assert!((10..25).contains(&bench.commands().len()));
        }
    }

    #[test]
    fn init_is_repeated_with_a_fresh_nonce() {
        let mut first = true;
        let (bench, log, _) = opened(move |heard| match std::mem::take(&mut first) {
            true => error(heard.channel, 0x06),
            false => init_answer(heard),
        });
        assert!(bench.is_ok());
        let heard = log.heard();
        assert_eq!(heard.len(), 2);
        assert_ne!(heard[0].data, heard[1].data);
    }

    #[test]
    fn cancel_is_seen_between_two_attempts() {
        let mut bench = Bench::new(|_| error(CHANNEL, 0x06));
        bench.cancel_after_reads(5);
        let (error, took) = bench.failure();
        assert_eq!(error, TransportError::Cancelled);
        assert!(took < SECOND);
    }

    #[test]
    fn the_total_limit_holds_while_the_key_is_busy() {
        let pipe = ScriptedPipe::after_init(|_| error(CHANNEL, 0x06));
        let clock = pipe.clock();
        let limits = Limits { total: SECOND, ..Limits::default() };
        let mut channel =
            Channel::open_with(Box::new(pipe), limits, Cancel::default(), Box::new(clock.clone())).unwrap();
        assert_eq!(channel.cbor(GET_INFO, &mut |_| ()), Err(unfinished(SECOND)));
        assert_eq!(clock.now(), SECOND);
    }
}

mod requests_that_are_cut_off {
    use super::*;

    /// Longer than a packet holds.
    const LONG: &[u8] = &[0x04; 150];

    /// A key that loses its place in a request so many times: it says so to the first packet, on this channel, and hears no
    /// more of that request.
    struct Forgetful {
        pipe: ScriptedPipe,
        times: u32,
        code: u8,
        channel: ChannelId,
        deaf: bool,
        due: Option<Report>,
    }

    impl Pipe for Forgetful {
        fn write(&mut self, report: &Report) -> Result<(), PipeError> {
            match Packet::parse(report) {
                Packet::Initialization { command: Command::Cbor, length, .. } if length > 57 && self.times > 0 => {
                    self.times -= 1;
                    let Say::Report(refusal) = error(self.channel, self.code)[0] else { unreachable!() };
                    (self.deaf, self.due) = (self.channel == CHANNEL, Some(refusal));
                    if self.deaf { Ok(()) } else { self.pipe.write(report) }
                }
                Packet::Continuation { .. } if self.deaf => Ok(()),
                _ => {
                    self.deaf = false;
                    self.pipe.write(report)
                }
            }
        }

        fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
            self.due.take().map_or_else(|| self.pipe.read(timeout), |report| Ok(Some(report)))
        }
    }

    fn ask(times: u32, code: u8, channel: ChannelId) -> (Result<Vec<u8>, TransportError>, Vec<Command>) {
        let pipe = ScriptedPipe::after_init(|_| ok());
        let (log, clock) = (pipe.log(), pipe.clock());
        let forgetful = Forgetful { pipe, times, code, channel, deaf: false, due: None };
        let mut channel =
            Channel::open_with(Box::new(forgetful), Limits::default(), Cancel::default(), Box::new(clock)).unwrap();
        (channel.cbor(LONG, &mut |_| ()), log.commands())
    }

    #[test]
    fn what_the_key_never_had_the_whole_of_is_sent_again_after_a_fresh_start() {
        use Command::{Cbor, Init};
        assert_eq!(ask(1, 0x04, CHANNEL), (Ok(OK.to_vec()), vec![Init, Init, Cbor]));
        assert_eq!(ask(3, 0x04, CHANNEL), (Ok(OK.to_vec()), vec![Init, Init, Init, Init, Cbor]));
    }

    #[test]
    fn a_key_that_never_finds_its_place_is_given_up() {
        let (answer, heard) = ask(u32::MAX, 0x04, CHANNEL);
        assert_eq!(answer, Err(CtapHidErrorCode::InvalidSeq.into()));
        assert_eq!(heard, [Command::Init; 4]);
    }

    #[test]
    fn busy_in_the_middle_of_a_request_is_busy() {
        assert_eq!(ask(2, 0x06, CHANNEL), (Ok(OK.to_vec()), vec![Command::Init, Command::Cbor]));
    }

    #[test]
    fn any_other_error_in_the_middle_is_the_answer() {
        let refused = Err(CtapHidErrorCode::InvalidLen.into());
        assert_eq!(ask(1, 0x03, CHANNEL), (refused, vec![Command::Init]));
    }

    #[test]
    fn another_channels_error_in_the_middle_is_not_ours() {
        assert_eq!(ask(1, 0x04, FOREIGN), (Ok(OK.to_vec()), vec![Command::Init, Command::Cbor]));
    }

    #[test]
    fn what_the_key_had_the_whole_of_is_not_sent_again() {
        for request in [LONG, GET_INFO] {
            let mut bench = Bench::new(|_| error(CHANNEL, 0x04));
            let refused = bench.channel.cbor(request, &mut |_| ());
            assert_eq!(refused, Err(CtapHidErrorCode::InvalidSeq.into()));
            assert_eq!(bench.commands(), [Command::Init, Command::Cbor]);
        }
    }
}

mod cancelling {
    use super::*;

    /// Asks for a touch until it is cancelled, then answers so, after `delay`.
    fn touch(delay: Duration) -> impl FnMut(&Heard) -> Vec<Say> + Send + 'static {
        let mut first = true;
        move |heard| match heard.command {
            Command::Cbor if std::mem::take(&mut first) => vec![Say::Report(keepalive(2))],
            Command::Cbor => ok(),
            Command::Cancel => {
                [vec![Say::Report(keepalive(2)), Say::Pause(delay)], say(CHANNEL, Command::Cbor, KEEPALIVE_CANCEL)]
                    .concat()
            }
            _ => Vec::new(),
        }
    }

    fn cancel_at_touch(bench: &mut Bench) -> Result<Vec<u8>, TransportError> {
        let cancel = bench.cancel.clone();
        bench.channel.cbor(GET_INFO, &mut |status| {
            if status == Keepalive::UpNeeded {
                cancel.cancel();
            }
        })
    }

    #[test]
    fn the_key_is_told_and_its_answer_is_drained() {
        let mut bench = Bench::new(touch(100 * MILLISECOND));
        assert_eq!(cancel_at_touch(&mut bench), Err(TransportError::Cancelled));
        assert_eq!(bench.commands(), [Command::Init, Command::Cbor, Command::Cancel]);
        assert_eq!(bench.clock.now(), 100 * MILLISECOND);
        bench.channel.cancel = Cancel::default();
        let bench = bench.answered();
        assert_eq!(bench.commands()[3..], [Command::Cbor]);
    }

    #[test]
    fn an_answer_that_comes_too_late_is_not_the_next_answer() {
        let mut bench = Bench::new(touch(DRAIN + MILLISECOND));
        assert_eq!(cancel_at_touch(&mut bench), Err(TransportError::Cancelled));
        bench.channel.cancel = Cancel::default();
        let bench = bench.answered();
        assert_eq!(bench.commands()[3..], [Command::Init, Command::Cbor]);
    }

    #[test]
    fn nothing_is_sent_after_somebody_asked_to_end() {
        let mut bench = Bench::new(|_| ok());
        bench.cancel.cancel();
        assert_eq!(bench.cbor(), Err(TransportError::Cancelled));
        assert_eq!(bench.commands(), [Command::Init]);
    }

    #[test]
    fn a_silent_key_is_left_within_a_slice() {
        let mut bench = Bench::new(|_| Vec::new());
        // One read finds nothing stale, one waits; then somebody asks.
        bench.cancel_after_reads(2);
        let (error, took) = bench.failure();
        assert_eq!((error, took), (TransportError::Cancelled, SLICE + DRAIN));
    }
}

mod removal {
    use super::*;

    #[test]
    fn a_key_pulled_in_mid_message_is_removed() {
        let mut reports = say(CHANNEL, Command::Cbor, &[0; 300]);
        reports[2] = Say::Vanish;
        let mut bench = Bench::new(once(reports));
        assert_eq!(bench.failure(), (TransportError::Removed, Duration::ZERO));
        assert_eq!(bench.commands(), [Command::Init, Command::Cbor]);
        assert_eq!(bench.cbor(), Err(TransportError::Removed));
    }

    #[test]
    fn a_key_pulled_while_it_waits_for_a_touch_is_removed() {
        let mut bench = Bench::new(once(vec![Say::Report(keepalive(2)), Say::Pause(SECOND), Say::Vanish]));
        assert_eq!(bench.failure(), (TransportError::Removed, SECOND));
    }

    #[test]
    fn a_key_pulled_before_it_gave_a_channel_is_removed() {
        let (bench, ..) = opened(|_| vec![Say::Vanish]);
        assert_eq!(bench.err(), Some(TransportError::Removed));
    }
}

#[test]
fn no_payload_reaches_the_log() {
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut bench = Bench::new(|_| say(CHANNEL, Command::Cbor, b"\0token-in-answer"));
        bench.channel.cbor(b"\x06pin-in-request", &mut |_| ()).unwrap();
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("to the key channel=11223344 command=Cbor length=15"), "{text}");
    assert!(text.contains("from the key channel=11223344 command=Cbor length=16"), "{text}");
    assert!(!text.contains("-in-") && !text.contains("112, 105, 110"), "{text}");
}

/// Lets some reads pass, then asks for the end.
struct Meddler {
    pipe: Box<dyn Pipe>,
    reads: usize,
    cancel: Cancel,
}

impl Pipe for Meddler {
    fn write(&mut self, report: &Report) -> Result<(), PipeError> {
        self.pipe.write(report)
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<Report>, PipeError> {
        let report = self.pipe.read(timeout);
        self.reads = self.reads.saturating_sub(1);
        if self.reads == 0 {
            self.cancel.cancel();
        }
        report
    }
}

/// A pipe to nothing.
struct Gone;

impl Pipe for Gone {
    fn write(&mut self, _: &Report) -> Result<(), PipeError> {
        Err(PipeError::Removed)
    }

    fn read(&mut self, _: Duration) -> Result<Option<Report>, PipeError> {
        Err(PipeError::Removed)
    }
}
