//! The answer to reset (ISO 7816-3): whether the card has contacts, and whether it says that it takes extended APDUs.
//!
//! It refuses to guess: what cannot be read says nothing, and such a card is spoken to in short APDUs.

use crate::ctap::transport::TransportKind;

/// An answer to reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atr<'a> {
    interface: &'a [u8],
    historical: &'a [u8],
}

impl<'a> Atr<'a> {
    /// Its interface and historical bytes; `None` for bytes that are no answer to reset.
    pub fn parse(atr: &'a [u8]) -> Option<Self> {
        let (&[_ts, t0], rest) = atr.split_first_chunk()?;
        let (mut length, mut announced) = (0, t0 >> 4);
        loop {
            let group = announced.count_ones() as usize;
            let has_td = announced & 0b1000 != 0;
            length += group;
            if !has_td {
                break;
            }
            // TD is the last byte of its group, and announces the next one.
            announced = rest.get(length - 1)? >> 4;
        }
        let historical = rest.get(length..)?.get(..usize::from(t0 & 0x0F))?;
        Some(Self { interface: &atr[1..2 + length], historical })
    }

    /// How a card with this answer is reached: PC/SC part 3, 3.1.3.2.3 gives one to cards without contacts.
    pub fn kind(&self) -> TransportKind {
        match self.interface {
            [t0, 0x80, 0x01] if t0 & 0xF0 == 0x80 => TransportKind::Nfc,
            _ => TransportKind::SmartCard,
        }
    }

    /// Whether the card capabilities say that extended Lc and Le are taken (ISO 7816-4, 8.1.1.2.7, third table).
    pub fn takes_extended_length(&self) -> bool {
        let objects = match self.historical.split_first() {
            Some((0x80, objects)) => objects,
            // The last three are a status.
            Some((0x00, objects)) => objects.get(..objects.len().saturating_sub(3)).unwrap_or_default(),
            _ => return false,
        };
        let mut rest = objects;
        while let Some((head, tail)) = rest.split_first() {
            let Some((value, after)) = tail.split_at_checked(usize::from(head & 0x0F)) else { return false };
            if head >> 4 == 7 {
                return value.get(2).is_some_and(|third| third & 0x40 != 0);
            }
            rest = after;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_contacts_is_known_by_its_answer() {
        // An NFC key: T0, TD1, TD2, then the historical bytes of its ATS and the check byte.
        let nfc = [0x3B, 0x88, 0x80, 0x01, 0x00, 0x73, 0xC8, 0x40, 0x13, 0x00, 0x90, 0x00, 0x71];
        let atr = Atr::parse(&nfc).unwrap();
        assert_eq!((atr.kind(), atr.takes_extended_length()), (TransportKind::Nfc, false));
        // A chip card with T=1 and interface bytes.
        let chip = [0x3B, 0xF8, 0x13, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x15, 1, 2, 3, 4, 5, 6, 7, 8, 0x99];
        let atr = Atr::parse(&chip).unwrap();
        assert_eq!(
            (atr.kind(), atr.historical, atr.takes_extended_length()),
            (TransportKind::SmartCard, &chip[9..17], false)
        );
        assert_eq!(Atr::parse(&[0x3B, 0x00]).unwrap().kind(), TransportKind::SmartCard);
    }

    #[test]
    fn extended_length_is_bit_seven_of_the_third_capability() {
        let with = |historical: &[u8]| {
            let t0 = 0x80 | u8::try_from(historical.len()).unwrap();
            let atr = [&[0x3B, t0, 0x80, 0x01], historical, &[0]].concat();
            Atr::parse(&atr).unwrap().takes_extended_length()
        };
        assert!(with(&[0x80, 0x73, 0xC0, 0x21, 0xC0]));
        assert!(with(&[0x80, 0x31, 0x80, 0x73, 0x00, 0x00, 0x40]), "after another object");
        assert!(!with(&[0x80, 0x73, 0xC0, 0x21, 0x80]), "chaining only");
        assert!(!with(&[0x80, 0x72, 0xC0, 0x40]), "no third byte");
        assert!(!with(&[0x80, 0x75, 0x40]), "cut off");
        assert!(!with(b"keywright"), "another category");
        assert!(!with(&[]));
    }

    #[test]
    fn what_is_cut_off_is_no_answer_to_reset() {
        for wrong in [&[][..], &[0x3B], &[0x3B, 0x80], &[0x3B, 0x81, 0x80, 0x01], &[0x3B, 0x05, 1, 2]] {
            assert_eq!(Atr::parse(wrong), None, "{wrong:02x?}");
        }
    }
}
