//! Encoded values one after the other, each of which can be read by itself: their lengths come first.

use bytes::Bytes;

/// The values' bytes, and where each ends.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of one. The place is below [`Pieces::len`].
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[place]]
    }

    /// Writes them after what is there.
    pub(super) fn write<E: From<postcard::Error>>(
        before: Vec<u8>,
        each: impl Iterator<Item = Result<Vec<u8>, E>>,
    ) -> Result<Vec<u8>, E> {
        let (mut lengths, mut bytes) = (Vec::new(), Vec::new());
        for one in each {
            let one = one?;
            lengths.push(one.len());
            bytes.extend(one);
        }
        let mut all = postcard::to_extend(&lengths, before)?;
        all.append(&mut bytes);
        Ok(all)
    }

    /// Reads what [`Pieces::write`] wrote, and nothing after it.
    pub(super) fn read(bytes: Bytes) -> Result<Self, postcard::Error> {
        let (mut ends, rest) = postcard::take_from_bytes::<Vec<usize>>(&bytes)?;
        let mut end = 0_usize;
        for length in &mut ends {
            end = end.checked_add(*length).ok_or(postcard::Error::DeserializeBadEncoding)?;
            *length = end;
        }
        if end != rest.len() {
            return Err(postcard::Error::DeserializeUnexpectedEnd);
        }
        let bytes = bytes.slice(bytes.len() - rest.len()..);
        Ok(Self { bytes, ends })
    }
}
