//! Messages cut into packets and put together again, with other channels' packets in between.

#![no_main]

use keywright_fido::hid::frame::{Assembly, ChannelId, Command, MAX_MESSAGE, Message, Packet, Progress, packets};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u8; 4], u8, Vec<[u8; 16]>, &[u8])| {
    let (channel, command, foreign, data) = input;
    let (channel, command) = (ChannelId(channel), Command::from(command));
    let Ok(reports) = packets(channel, command, data) else {
        assert!(data.len() > MAX_MESSAGE);
        return;
    };
    let mut foreign = foreign.into_iter().map(|head| {
        let mut report = [0; 64];
        report[..16].copy_from_slice(&head);
        report
    });
    let mut assembly = Assembly::new(channel);
    let mut whole = None;
    for report in reports {
        assert_eq!((whole.as_ref(), Packet::parse(&report).channel()), (None, channel));
        match foreign.next() {
            Some(other) if Packet::parse(&other).channel() != channel => {
                assert_eq!(assembly.push(&other), Ok(Progress::Skipped));
            }
            _ => {}
        }
        match assembly.push(&report).expect("our own packets are sound") {
            Progress::Whole(message) => whole = Some(message),
            Progress::Partial => {}
            Progress::Skipped => panic!("a packet on its own channel was skipped"),
        }
    }
    assert_eq!(whole, Some(Message { command, data: data.to_vec() }));
});
