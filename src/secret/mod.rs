//! PINs: drawing them, sealing them before the key has them, handing them over, and keeping this process's memory to itself.
//!
//! It refuses to write a secret in plain text, to take one from the command line, and to call a PIN handed over that reached
//! nobody.

pub mod draw;
pub mod hand_over;
mod letter;
pub mod memory;
mod pass_note;
mod printer;
mod program;
pub mod reader;
mod recipient;
pub mod seal;
pub mod source;
mod weak;

pub use draw::{Entropy, PinAlphabet, SystemEntropy, draw};
pub use hand_over::{AgeFiles, Delivery, LetterProgram};
pub use pass_note::PassNote;
pub(crate) use program::{child, words_without};
pub use reader::Reader;
pub use recipient::Recipient;
pub use seal::{PinOwner, SealedPin, SharedCopies, Vault};
pub use source::{PLACES, SecretSource};

use keywright_files::FileError;

/// What can go wrong with secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file could not be read or written, or others can read it.
    #[error(transparent)]
    File(#[from] FileError),
    /// The station's identity is gone, and with it the way to open the working copies beside it.
    #[error(
        "{path} is missing, but there are sealed PINs that only it opens; put it back, or move the folder pins away"
    )]
    IdentityLost {
        /// Where it should be.
        path: String,
    },
    /// A sealed PIN that does not open with this station's identity.
    #[error("{path} does not open with this station's identity: {why}")]
    Unsealable {
        /// The file.
        path: String,
        /// What age says.
        why: String,
    },
    /// The copies that other stations find.
    #[error("the sealed PINs of the other stations cannot be reached: {0}")]
    Shared(String),
    /// A file in a sealed PIN's place that is another's.
    #[error("{path} is not the PIN that was sealed for this key")]
    AnotherPin {
        /// The file.
        path: String,
    },
    /// A name of a working copy that is no file name.
    #[error("{0:?} is not the name of a sealed PIN")]
    Name(String),
    /// A text that is no age recipient.
    #[error("\"{0}\" is not an age recipient (age1...)")]
    Recipient(String),
    /// A recipient that only the program `age` can seal to, and it did not.
    #[error("nothing can be sealed to {recipient}: {why}")]
    Sealing {
        /// The public key.
        recipient: String,
        /// What the system or the end of the program says.
        why: String,
        /// What it said last, for the terminal alone.
        said: Option<String>,
    },
    /// A text that names no reader.
    #[error("{0:?} is not a reader: write NAME=age1..., with a NAME of 1 to 64 letters, digits and dashes")]
    Reader(String),
    /// A secret key where a public key belongs. It is not repeated.
    #[error(
        "this is a reader's secret key, which nobody else should have; give the public key (age-keygen -y prints it)"
    )]
    SecretKey,
    /// Two readers whose files would have the same names.
    #[error("two readers are called {0}")]
    SameReader(String),
    /// Nobody would be able to read the PIN.
    #[error("nobody is named who may read PINs")]
    NoReader,
    /// Nothing would print the letter.
    #[error("no program is named that prints letters")]
    NoLetterProgram,
    /// Nobody would see the PIN.
    #[error("there is no terminal to show PINs on")]
    NoTerminal,
    /// Nothing at the place that a secret was to come from.
    #[error("no secret at {0}")]
    Missing(String),
    /// A token with a character that no header of a request can carry.
    #[error("{place}: no token has the character U+{code:04X} in it", code = u32::from(*.char))]
    UnsendableToken {
        /// Where it came from.
        place: String,
        /// The character.
        char: char,
    },
    /// A file that is encrypted with age and does not open.
    #[error("{path}: {why}")]
    Sealed {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A file that is encrypted to an age identity, and nobody said where that is.
    #[error("{path} is encrypted to an age identity, and no identity is named")]
    NoIdentity {
        /// The file.
        path: String,
    },
    /// A program that was to print a secret.
    #[error("no secret from {program}: {why}")]
    Command {
        /// The program.
        program: String,
        /// What the system or the end of its standard error says.
        why: String,
        /// What it said last, for the terminal alone.
        said: Option<String>,
    },
    /// Somebody pressed Ctrl-C at the prompt.
    #[error("interrupted")]
    Interrupted,
    /// The printing program failed, so the PIN counts as not handed over.
    #[error("printing failed: \"{program}\" {why}")]
    Printer {
        /// The program.
        program: String,
        /// What it said.
        why: String,
        /// What it said last, for the terminal alone.
        said: Option<String>,
    },
    /// The text is no PIN.
    #[error(transparent)]
    Pin(#[from] keywright_fido::ctap::PinError),
}

impl SecretError {
    /// What a program said last, to be shown once on the terminal and kept nowhere: these are another program's words.
    pub fn child_words(&self) -> Option<String> {
        match self {
            Self::Printer { program, said: Some(said), .. } | Self::Command { program, said: Some(said), .. } => {
                Some(format!("{program} says: {said}"))
            }
            Self::Sealing { said: Some(said), .. } => Some(format!("age says: {said}")),
            _ => None,
        }
    }
}
