//! authenticatorLargeBlobs (0x0C), reading: CTAP 2.1 section 6.10.
//!
//! It refuses to write: no account that is provisioned here has large blobs of its own.

use sha2::{Digest, Sha256};

use super::command::Command;
use super::{Authenticator, CtapError};
use crate::webauthn::cbor::Value;

const COMMAND: Command = Command::new(0x0c, "authenticatorLargeBlobs");

/// LEFT(SHA-256(array), 16) at the end of the serialised array.
const CHECKSUM: usize = 16;

/// The largest serialised array that is read from a key that does not tell its maximum.
const MAXIMUM: usize = 65_536;

impl Authenticator {
    /// authenticatorLargeBlobs read: the whole serialised large-blob array, its checksum verified. At least 17 bytes: an empty
    /// CBOR array and 16 bytes of checksum. Needs no PIN.
    pub fn read_large_blobs(&mut self) -> Result<Vec<u8>, CtapError> {
        if self.info.option("largeBlobs") != Some(true) {
            return Err(CtapError::Unsupported("largeBlobs"));
        }
        // maxFragmentLength is maxMsgSize - 64.
        let fragment = self.info.max_msg_size.saturating_sub(64).max(1);
        let maximum =
            self.info.max_serialized_large_blob_array.map_or(MAXIMUM, |maximum| maximum.min(1 << 20) as usize);
        let mut array = Vec::new();
        loop {
            let part = decode(&self.exchange(COMMAND, &encode(fragment, array.len()))?, fragment)?;
            array.extend_from_slice(&part);
            if array.len() > maximum {
                return Err(COMMAND.malformed(format!("the array is longer than {maximum} bytes")));
            }
            if part.len() < fragment {
                return verify(array);
            }
        }
    }
}

fn encode(get: usize, offset: usize) -> Vec<u8> {
    COMMAND.request([(0x01, (get as i64).into()), (0x03, (offset as i64).into())])
}

fn decode(body: &[u8], asked: usize) -> Result<Vec<u8>, CtapError> {
    let answer = COMMAND.answer(body)?;
    let part = answer.required(0x01, Value::as_bytes)?;
    if part.len() > asked {
        return Err(COMMAND.malformed(format!("{} bytes where {asked} were asked for", part.len())));
    }
    Ok(part.to_vec())
}

fn verify(array: Vec<u8>) -> Result<Vec<u8>, CtapError> {
    match array.split_last_chunk::<CHECKSUM>() {
        Some((content, checksum)) if Sha256::digest(content)[..CHECKSUM] == *checksum => Ok(array),
        _ => Err(COMMAND.malformed("the checksum of the array does not match")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{Exchange, answer, info, key, options};
    use super::*;

    /// An empty array and LEFT(SHA-256(0x80), 16): what a key has at first (CTAP 2.1, 6.10).
    const EMPTY: &str = "8076be8b528d0075f7aae98d6fa57a6d3c";

    fn with_room_for(fragment: i64) -> Vec<u8> {
        info([options([("largeBlobs", true)]), (0x05, (fragment + 64).into()), (0x0b, 40.into())])
    }

    fn part(bytes: &[u8]) -> Vec<u8> {
        answer([(0x01, bytes.into())])
    }

    #[test]
    fn requests_are_the_specification_s() {
        assert_eq!(encode(960, 0), hex("0ca2011903c00300"));
        assert_eq!(encode(960, 1920), hex("0ca2011903c003190780"));
    }

    #[test]
    fn the_array_is_read_in_fragments_until_one_is_short() {
        let array = hex(EMPTY);
        let (mut whole, script) = key(with_room_for(960), [(encode(960, 0), part(&array))]);
        assert_eq!(whole.read_large_blobs(), Ok(array.clone()));
        script.assert_done();
        let (mut parts, script) = key(
            with_room_for(8),
            [
                (encode(8, 0), part(&array[..8])),
                (encode(8, 8), part(&array[8..16])),
                (encode(8, 16), part(&array[16..])),
            ],
        );
        assert_eq!(parts.read_large_blobs(), Ok(array.clone()));
        script.assert_done();
        // A length that is a multiple of the fragment ends with an empty one.
        let (mut exact, script) = key(with_room_for(17), [(encode(17, 0), part(&array)), (encode(17, 17), part(&[]))]);
        assert_eq!(exact.read_large_blobs(), Ok(array));
        script.assert_done();
    }

    #[test]
    fn a_damaged_endless_or_overlong_array_is_refused() {
        let mut damaged = hex(EMPTY);
        damaged[16] ^= 1;
        let full = [0; 17];
        let scripts: [Vec<Exchange>; 4] = [
            vec![(encode(17, 0), part(&damaged)), (encode(17, 17), part(&[]))],
            vec![(encode(17, 0), part(&[0x80; 10]))],
            vec![(encode(17, 0), part(&[0; 18]))],
            vec![(encode(17, 0), part(&full)), (encode(17, 17), part(&full)), (encode(17, 34), part(&full))],
        ];
        for script in scripts {
            let (mut authenticator, left) = key(with_room_for(17), script);
            assert!(matches!(authenticator.read_large_blobs(), Err(CtapError::InvalidResponse { .. })));
            left.assert_done();
        }
    }

    #[test]
    fn a_key_without_large_blobs_is_not_asked() {
        let (mut authenticator, _) = key(info([]), []);
        assert_eq!(authenticator.read_large_blobs(), Err(CtapError::Unsupported("largeBlobs")));
    }
}
