//! CTAPHID packets: messages cut into 64-byte reports and put together again (CTAP 2.1, 11.2.4). Pure: no time, no device.
//!
//! It refuses a packet of another channel, whatever it holds; a packet out of sequence; and a message longer than 7609 bytes.

use super::Report;
use crate::ctap::transport::TransportError;

/// The longest message: 57 bytes in the initialization packet and 128 continuation packets of 59.
pub const MAX_MESSAGE: usize = INIT_DATA + 128 * CONTINUATION_DATA;

/// Bytes of message in an initialization packet: 64 less channel, command and two bytes of length.
const INIT_DATA: usize = 57;

/// Bytes of message in a continuation packet: 64 less channel and sequence number.
const CONTINUATION_DATA: usize = 59;

/// Marks an initialization packet in the fifth byte; without it that byte is a sequence number.
const INIT_BIT: u8 = 0x80;

/// A channel, 4 bytes as they stand in a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChannelId(pub [u8; 4]);

impl ChannelId {
    /// The channel on which channels are asked for.
    pub const BROADCAST: Self = Self([0xFF; 4]);

    /// 0 and the broadcast channel are nobody's own.
    pub fn is_reserved(self) -> bool {
        self == Self([0; 4]) || self == Self::BROADCAST
    }
}

impl std::fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// A CTAPHID command, 7 bits (CTAP 2.1, 11.2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// 0x01 CTAPHID_PING
    Ping,
    /// 0x03 CTAPHID_MSG
    Msg,
    /// 0x04 CTAPHID_LOCK
    Lock,
    /// 0x06 CTAPHID_INIT
    Init,
    /// 0x08 CTAPHID_WINK
    Wink,
    /// 0x10 CTAPHID_CBOR
    Cbor,
    /// 0x11 CTAPHID_CANCEL
    Cancel,
    /// 0x3B CTAPHID_KEEPALIVE
    Keepalive,
    /// 0x3F CTAPHID_ERROR
    Error,
    /// A vendor's command, or one that the specification does not name.
    Unknown(u8),
}

impl From<u8> for Command {
    fn from(code: u8) -> Self {
        match code & !INIT_BIT {
            0x01 => Self::Ping,
            0x03 => Self::Msg,
            0x04 => Self::Lock,
            0x06 => Self::Init,
            0x08 => Self::Wink,
            0x10 => Self::Cbor,
            0x11 => Self::Cancel,
            0x3B => Self::Keepalive,
            0x3F => Self::Error,
            unknown => Self::Unknown(unknown),
        }
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::Ping => 0x01,
            Command::Msg => 0x03,
            Command::Lock => 0x04,
            Command::Init => 0x06,
            Command::Wink => 0x08,
            Command::Cbor => 0x10,
            Command::Cancel => 0x11,
            Command::Keepalive => 0x3B,
            Command::Error => 0x3F,
            Command::Unknown(code) => code & !INIT_BIT,
        }
    }
}

/// One report, read as a packet. Every report is one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The first packet of a message.
    Initialization {
        /// The channel it is on.
        channel: ChannelId,
        /// What is asked or answered.
        command: Command,
        /// Bytes in the whole message, as claimed: up to 65535.
        length: usize,
        /// The first bytes of the message, and what fills the packet after them.
        data: &'a [u8],
    },
    /// A following packet of a message.
    Continuation {
        /// The channel it is on.
        channel: ChannelId,
        /// 0 to 127, counted from 0 in each message.
        sequence: u8,
        /// The next bytes of the message, and what fills the packet after them.
        data: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    /// Reads a report.
    pub fn parse(report: &'a Report) -> Self {
        let [c0, c1, c2, c3, kind, high, low, ..] = *report;
        let channel = ChannelId([c0, c1, c2, c3]);
        if kind & INIT_BIT == 0 {
            return Self::Continuation { channel, sequence: kind, data: &report[5..] };
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        Self::Initialization { channel, command: Command::from(kind), length, data: &report[7..] }
    }

    /// The channel it is on.
    pub fn channel(&self) -> ChannelId {
        match *self {
            Self::Initialization { channel, .. } | Self::Continuation { channel, .. } => channel,
        }
    }
}

/// The reports that carry a message, filled up with zeros. Fails with [`TransportError::MessageTooLong`] beyond 7609 bytes.
pub fn packets(
    channel: ChannelId,
    command: Command,
    message: &[u8],
) -> Result<impl Iterator<Item = Report> + '_, TransportError> {
    let length = u16::try_from(message.len())
        .ok()
        .filter(|_| message.len() <= MAX_MESSAGE)
        .ok_or(TransportError::MessageTooLong(message.len()))?;
    let (first, rest) = message.split_at(message.len().min(INIT_DATA));
    let [high, low] = length.to_be_bytes();
    let initialization = report(channel, &[u8::from(command) | INIT_BIT, high, low], first);
    let continuations =
        (0u8..).zip(rest.chunks(CONTINUATION_DATA)).map(move |(sequence, part)| report(channel, &[sequence], part));
    Ok(std::iter::once(initialization).chain(continuations))
}

fn report(channel: ChannelId, head: &[u8], data: &[u8]) -> Report {
    let mut report = [0; 64];
    let bytes = channel.0.iter().chain(head).chain(data);
    report.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    report
}

/// A message that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it answers, or KEEPALIVE or ERROR.
    pub command: Command,
    /// At most 7609 bytes.
    pub data: Vec<u8>,
}

/// What a report did for the message that is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nothing: it is on another channel, or it continues a message whose beginning we did not see. The latter is the rest of
    /// an answer that was given up, and no harm.
    Skipped,
    /// The message has begun or grown.
    Partial,
    /// The message is complete.
    Whole(Message),
}

/// Puts one channel's messages together.
#[derive(Debug)]
pub struct Assembly {
    channel: ChannelId,
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    message: Message,
    length: usize,
    next: u8,
}

impl Assembly {
    /// For the messages on this channel.
    pub fn new(channel: ChannelId) -> Self {
        Self { channel, begun: None }
    }

    /// Takes a report. Fails with [`TransportError::Protocol`] if a message on our channel claims more than 7609 bytes, continues out
    /// of sequence, or begins inside another.
    pub fn push(&mut self, report: &Report) -> Result<Progress, TransportError> {
        let packet = Packet::parse(report);
        if packet.channel() != self.channel {
            return Ok(Progress::Skipped);
        }
        let mut begun = match (packet, self.begun.take()) {
            (Packet::Initialization { .. }, Some(_)) => {
                return Err(TransportError::Protocol("a message began inside another"));
            }
            (Packet::Initialization { length, .. }, None) if length > MAX_MESSAGE => {
                return Err(TransportError::Protocol("a message claims more than 7609 bytes"));
            }
            (Packet::Initialization { command, length, data, .. }, None) => {
                let data = data[..length.min(data.len())].to_vec();
                Begun { message: Message { command, data }, length, next: 0 }
            }
            (Packet::Continuation { .. }, None) => return Ok(Progress::Skipped),
            (Packet::Continuation { sequence, data, .. }, Some(mut begun)) => {
                if sequence != begun.next {
                    return Err(TransportError::Protocol("a packet is out of sequence"));
                }
                let missing = begun.length - begun.message.data.len();
                begun.message.data.extend_from_slice(&data[..missing.min(data.len())]);
                begun.next += 1;
                begun
            }
        };
        if begun.message.data.len() < begun.length {
            begun.message.data.reserve(begun.length - begun.message.data.len());
            self.begun = Some(begun);
            return Ok(Progress::Partial);
        }
        Ok(Progress::Whole(begun.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId([1, 2, 3, 4]);

    fn message(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    fn cut(length: usize) -> Vec<Report> {
        packets(CHANNEL, Command::Cbor, &message(length)).unwrap().collect()
    }

    fn refusal(reports: &[Report]) -> TransportError {
        let mut assembly = Assembly::new(CHANNEL);
        reports.iter().find_map(|report| assembly.push(report).err()).expect("one of these must be refused")
    }

    #[test]
    fn a_getinfo_request_is_these_bytes() {
        let mut expected = [0; 64];
        expected[..8].copy_from_slice(&[1, 2, 3, 4, 0x90, 0x00, 0x01, 0x04]);
        assert_eq!(packets(CHANNEL, Command::Cbor, &[0x04]).unwrap().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_cancel_is_an_empty_message_in_one_packet() {
        let mut expected = [0; 64];
        expected[..5].copy_from_slice(&[1, 2, 3, 4, 0x91]);
        assert_eq!(packets(CHANNEL, Command::Cancel, &[]).unwrap().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn fifty_seven_bytes_fill_one_packet() {
        let reports = cut(57);
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0][..7], [1, 2, 3, 4, 0x90, 0x00, 57]);
        assert_eq!(reports[0][7..], message(57));
    }

    #[test]
    fn the_fifty_eighth_byte_needs_a_second_packet() {
        let reports = cut(58);
        assert_eq!(reports.len(), 2);
        assert_eq!(reports[0][..7], [1, 2, 3, 4, 0x90, 0x00, 58]);
        assert_eq!(reports[1][..7], [1, 2, 3, 4, 0x00, 57, 0x00]);
        assert_eq!(reports[1][7..], [0; 57]);
    }

    #[test]
    fn the_longest_message_ends_with_sequence_number_127() {
        let reports = cut(7609);
        assert_eq!(reports.len(), 129);
        assert_eq!(reports[0][..7], [1, 2, 3, 4, 0x90, 0x1D, 0xB9]);
        assert_eq!(reports[128][..5], [1, 2, 3, 4, 127]);
        assert_eq!(reports[128][63], message(7609)[7608]);
    }

    #[test]
    fn one_byte_more_is_refused_before_anything_is_sent() {
        for length in [7610, 65_536] {
            let error = packets(CHANNEL, Command::Cbor, &message(length)).err();
            assert_eq!(error, Some(TransportError::MessageTooLong(length)));
        }
    }

    #[test]
    fn what_is_cut_is_put_together_again() {
        for length in [0, 1, 56, 57, 58, 116, 117, 1024, 7608, 7609] {
            let mut assembly = Assembly::new(CHANNEL);
            let reports = cut(length);
            let (last, before) = reports.split_last().unwrap();
            for report in before {
                assert_eq!(assembly.push(report), Ok(Progress::Partial));
            }
            let whole = Message { command: Command::Cbor, data: message(length) };
            assert_eq!(assembly.push(last), Ok(Progress::Whole(whole)));
        }
    }

    #[test]
    fn another_channels_packets_change_nothing() {
        let foreign: Vec<_> = packets(ChannelId([9, 9, 9, 9]), Command::Cbor, &[7; 200]).unwrap().collect();
        let mut assembly = Assembly::new(CHANNEL);
        let mut whole = None;
        for own in cut(200) {
            for report in &foreign {
                assert_eq!(assembly.push(report), Ok(Progress::Skipped));
            }
            whole = Some(assembly.push(&own).unwrap());
        }
        assert_eq!(whole, Some(Progress::Whole(Message { command: Command::Cbor, data: message(200) })));
    }

    #[test]
    fn the_rest_of_an_answer_whose_beginning_was_not_seen_is_skipped() {
        assert_eq!(Assembly::new(CHANNEL).push(&cut(58)[1]), Ok(Progress::Skipped));
    }

    #[test]
    fn a_claim_of_more_than_7609_bytes_is_refused_at_once() {
        for length in [[0x1D, 0xBA], [0xFF, 0xFF]] {
            let mut report = cut(57)[0];
            report[5..7].copy_from_slice(&length);
            assert_eq!(refusal(&[report]), TransportError::Protocol("a message claims more than 7609 bytes"));
        }
    }

    #[test]
    fn packets_out_of_sequence_are_refused() {
        let reports = cut(300);
        let wrong = TransportError::Protocol("a packet is out of sequence");
        assert_eq!(refusal(&[reports[0], reports[2]]), wrong);
        assert_eq!(refusal(&[reports[0], reports[1], reports[1]]), wrong);
    }

    #[test]
    fn a_message_inside_another_is_refused() {
        let reports = cut(300);
        let wrong = TransportError::Protocol("a message began inside another");
        assert_eq!(refusal(&[reports[0], reports[0]]), wrong);
        assert_eq!(refusal(&[reports[0], reports[1], cut(1)[0]]), wrong);
    }

    #[test]
    fn commands_keep_their_numbers() {
        for code in 0..=0x7F {
            assert_eq!(u8::from(Command::from(code)), code);
        }
    }
}
