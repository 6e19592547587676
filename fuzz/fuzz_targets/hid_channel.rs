//! A channel whose other end sends any reports at all: every call ends in time, and what it takes for an answer is one.

#![no_main]

use std::time::Duration;

use keywright_fido::ctap::TransportError;
use keywright_fido::hid::frame::Command;
use keywright_fido::hid::{Cancel, Channel, Clock, Limits};
use keywright_fuzz::pretending::Pretending;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits =
    Limits { silence: Duration::from_secs(3), total: Duration::from_secs(20), busy: Duration::from_secs(5) };

/// An exchange may begin with a fresh start on the channel, and ends with a wait of at most half a second for what was cancelled.
const LONGEST: Duration = Duration::from_secs(20 + 20 + 1);

fuzz_target!(|input: (u16, &[u8])| {
    let (length, acts) = input;
    let pipe = Pretending::new(acts.to_vec());
    let bystander = pipe.bystander();
    let opened = Channel::open_with(Box::new(pipe), LIMITS, Cancel::default(), Box::new(bystander.clone()));
    assert!(bystander.now() <= LONGEST);
    let Ok(mut channel) = opened else { return };

    let request = vec![0x5a; usize::from(length)];
    for asked in [Command::Cbor, Command::Ping, Command::Wink, Command::Cbor] {
        let began = bystander.now();
        let answer = match asked {
            Command::Ping => channel.ping(&request),
            Command::Wink => channel.wink().map(|()| Vec::new()),
            _ => channel.cbor(&request, &mut |_| {}),
        };
        let took = bystander.now() - began;
        assert!(took <= LONGEST, "{took:?}");
        match answer {
            Ok(answer) => {
                let (command, said) = bystander.last_message().expect("an answer was said");
                assert_eq!(command, asked);
                if asked != Command::Wink {
                    assert_eq!(answer, said);
                }
            }
            Err(TransportError::MessageTooLong(claimed)) => assert!(claimed == request.len() && claimed > 7609),
            Err(_) => {}
        }
    }
});
