//! What each client is asked to do, in this order, and with what.

/// One errand. Its name goes to the client's standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// List the keys that are plugged in. Asks the key nothing.
    Find,
    /// Open the key, and know what getInfo says.
    Open,
    /// Set a PIN on a key that has none.
    SetPin,
    /// A resident credential, with PIN and touch.
    MakeCredential,
    /// A signature by that credential, with PIN and touch.
    GetAssertion,
    /// All resident credentials, with PIN.
    ListCredentials,
}

impl Errand {
    pub(crate) const ALL: [Self; 6] =
        [Self::Find, Self::Open, Self::SetPin, Self::MakeCredential, Self::GetAssertion, Self::ListCredentials];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Open => "open",
            Self::SetPin => "set-pin",
            Self::MakeCredential => "make-credential",
            Self::GetAssertion => "get-assertion",
            Self::ListCredentials => "list-credentials",
        }
    }
}

// The same in libfido2.c and python_fido2.py.
pub(crate) const PIN: &str = "k7mw4xrt";
pub(crate) const RP_ID: &str = "example.org";
pub(crate) const RP_NAME: &str = "Example";
pub(crate) const USER_ID: [u8; 32] = [7; 32];
pub(crate) const USER_NAME: &str = "ada@example.org";
pub(crate) const USER_DISPLAY_NAME: &str = "Ada Lovelace";
pub(crate) const CLIENT_DATA_HASH: [u8; 32] = [7; 32];
