//! Can the PIN of a key be handed over from here, and how? Asked before the first key gets a PIN, and when it is handed over.

use super::operator::Operator;
use super::station::Station;
use crate::profile::{HandOver, Profile};
use crate::secret::{AgeFiles, Delivery, LetterProgram, SecretError};
use keywright_fido::ctap::Pin;

/// The way that a profile's PINs take from this station.
pub(super) enum PinDelivery<'a> {
    /// A file for each reader.
    AgeFiles(AgeFiles<'a>),
    /// A letter.
    Letter(LetterProgram<'a>),
    /// Shown once to the person at the machine.
    Terminal(&'a dyn Operator),
}

/// Why a profile's PINs reach nobody.
#[derive(Debug, thiserror::Error)]
#[error("the PINs of profile {profile} cannot be handed over: {why}")]
pub struct NoDelivery {
    /// The profile's name.
    pub profile: String,
    /// What is missing.
    pub why: SecretError,
}

impl<'a> PinDelivery<'a> {
    /// The profile's way, if it exists here.
    pub(super) fn of_profile(station: &'a Station<'_>, profile: &Profile) -> Result<Self, NoDelivery> {
        let way = match profile.hand_over {
            HandOver::Age => AgeFiles::new(&station.hand_over_folder, station.readers).map(Self::AgeFiles),
            HandOver::Letter => LetterProgram::new(&station.letter_program).map(Self::Letter),
            HandOver::Terminal if station.operator.can_show_pin() => Ok(Self::Terminal(station.operator)),
            HandOver::Terminal => Err(SecretError::NoTerminal),
        };
        way.map_err(|why| NoDelivery { profile: profile.name.to_string(), why })
    }

    /// Hands a PIN over. When this returns, its reader has it.
    pub(super) fn hand_over(&self, delivery: &Delivery, pin: &Pin) -> Result<(), SecretError> {
        match self {
            Self::AgeFiles(files) => files.write(delivery, pin).map(|_| ()),
            Self::Letter(program) => program.print(delivery, pin),
            Self::Terminal(operator) => operator.show_pin(delivery, pin),
        }
    }

    /// Names of those who read it; empty for letter and terminal.
    pub(super) fn readers(&self) -> Vec<String> {
        match self {
            Self::AgeFiles(files) => files.readers().iter().map(|reader| reader.name.clone()).collect(),
            Self::Letter(_) | Self::Terminal(_) => Vec::new(),
        }
    }
}
