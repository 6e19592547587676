//! APDUs (ISO 7816-4): commands in short form with chaining, or in extended form; responses with their status word.
//!
//! It refuses to cut a command short: what does not fit into one short APDU becomes several.

use super::StatusWord;
use crate::ctap::transport::TransportError;

/// What one short APDU carries.
const SHORT: usize = 255;

/// Bit 5 of the class: more of this command follows (ISO 7816-4, 5.3.3).
const CHAINED: u8 = 0x10;

/// A command before it is encoded. It always asks for all of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// What the command is about.
    pub data: &'a [u8],
}

impl Command<'_> {
    /// As short APDUs: one, or a chain whose last one asks for the answer.
    pub fn short(&self) -> Vec<Vec<u8>> {
        let Self { cla, ins, p1, p2, data } = *self;
        if data.is_empty() {
            return vec![vec![cla, ins, p1, p2, 0]];
        }
        let last = data.len().div_ceil(SHORT) - 1;
        let apdu = |(at, piece): (usize, &[u8])| {
            let length = u8::try_from(piece.len()).expect("a piece has at most 255 bytes");
            let (chained, answer): (u8, &[u8]) = if at == last { (0, &[0]) } else { (CHAINED, &[]) };
            [&[cla | chained, ins, p1, p2, length], piece, answer].concat()
        };
        data.chunks(SHORT).enumerate().map(apdu).collect()
    }

    /// As one extended APDU. Fails if the data are longer than two bytes can say.
    pub fn extended(&self) -> Result<Vec<u8>, TransportError> {
        let Self { cla, ins, p1, p2, data } = *self;
        let length = u16::try_from(data.len()).map_err(|_| TransportError::MessageTooLong(data.len()))?.to_be_bytes();
        let length: &[u8] = if data.is_empty() { &[] } else { &length };
        Ok([&[cla, ins, p1, p2, 0], length, data, &[0, 0]].concat())
    }
}

/// What a card answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What comes before the status word.
    pub data: Vec<u8>,
    /// Its last two bytes.
    pub status: StatusWord,
}

impl Response {
    /// Takes the status word off.
    pub fn parse(mut bytes: Vec<u8>) -> Result<Self, TransportError> {
        let short = TransportError::Protocol("a response APDU has no status word");
        let Some([sw1, sw2]) = bytes.last_chunk().copied() else { return Err(short) };
        bytes.truncate(bytes.len() - 2);
        Ok(Self { data: bytes, status: StatusWord::new(sw1, sw2) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn command(data: &[u8]) -> Command<'_> {
        Command { cla: 0x80, ins: 0x10, p1: 0x80, p2: 0, data }
    }

    #[test]
    fn a_short_command_has_length_data_and_le() {
        assert_eq!(command(&[0x04]).short(), [vec![0x80, 0x10, 0x80, 0, 1, 0x04, 0]]);
        assert_eq!(command(&[]).short(), [vec![0x80, 0x10, 0x80, 0, 0]]);
        let whole = command(&[7; 255]).short();
        assert_eq!(whole.len(), 1);
        assert_eq!((whole[0].len(), &whole[0][..5], whole[0][260]), (261, &[0x80, 0x10, 0x80, 0, 255][..], 0));
    }

    #[test]
    fn what_is_longer_is_chained_and_the_last_link_asks_for_the_answer() {
        let data: Vec<u8> = (0..600).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let chain = command(&data).short();
        let heads: Vec<&[u8]> = chain.iter().map(|apdu| &apdu[..5]).collect();
        assert_eq!(heads, [&[0x90, 0x10, 0x80, 0, 255], &[0x90, 0x10, 0x80, 0, 255], &[0x80, 0x10, 0x80, 0, 90][..]]);
        assert_eq!(chain.iter().map(Vec::len).collect::<Vec<_>>(), [260, 260, 96]);
        let joined: Vec<u8> = chain.iter().flat_map(|apdu| apdu[5..5 + usize::from(apdu[4])].to_vec()).collect();
        assert_eq!(joined, data);
        assert_eq!(command(&[7; 510]).short().len(), 2);
    }

    #[test]
    fn an_extended_command_has_two_bytes_of_length() {
        assert_eq!(command(&[0x04]).extended(), Ok(vec![0x80, 0x10, 0x80, 0, 0, 0, 1, 0x04, 0, 0]));
        assert_eq!(command(&[]).extended(), Ok(vec![0x80, 0x10, 0x80, 0, 0, 0, 0]));
        let long = command(&[7; 600]).extended().unwrap();
        assert_eq!((long.len(), &long[..7], &long[607..]), (609, &[0x80, 0x10, 0x80, 0, 0, 2, 88][..], &[0, 0][..]));
        assert_eq!(command(&[7; 65536]).extended(), Err(TransportError::MessageTooLong(65536)));
    }

    #[test]
    fn a_response_ends_with_its_status_word() {
        let parsed = Response::parse(vec![1, 2, 0x90, 0]).unwrap();
        assert_eq!((parsed.data, parsed.status), (vec![1, 2], StatusWord::SUCCESS));
        assert_eq!(Response::parse(vec![0x6A, 0x82]).unwrap().status, StatusWord::NOT_FOUND);
        assert!(Response::parse(vec![0x90]).is_err());
        assert!(Response::parse(vec![]).is_err());
    }
}
