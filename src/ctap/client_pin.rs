//! authenticatorClientPIN (0x06): CTAP 2.1 section 6.5, PIN/UV auth protocols 1 and 2.

use zeroize::Zeroizing;

/// What a token may be used for (CTAP 2.1, 6.5.5.7). A set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(pub u8);

impl Permissions {
    /// mc
    pub const MAKE_CREDENTIAL: Self = Self(0x01);
    /// ga
    pub const GET_ASSERTION: Self = Self(0x02);
    /// cm
    pub const CREDENTIAL_MANAGEMENT: Self = Self(0x04);
    /// be
    pub const BIO_ENROLLMENT: Self = Self(0x08);
    /// lbw
    pub const LARGE_BLOB_WRITE: Self = Self(0x10);
    /// acfg
    pub const AUTHENTICATOR_CONFIGURATION: Self = Self(0x20);
}

impl std::ops::BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A pinUvAuthToken with the protocol it was got with. Wiped when dropped.
pub struct PinUvAuthToken {
    /// The protocol's number, 1 or 2.
    pub protocol: u64,
    /// 16 or 32 bytes.
    pub token: Zeroizing<Vec<u8>>,
}

/// getPINRetries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRetries {
    /// Attempts left before the key blocks its PIN.
    pub retries: u32,
    /// Whether the key wants to be replugged before the next attempt; `None` if it does not tell.
    pub power_cycle_state: Option<bool>,
}
