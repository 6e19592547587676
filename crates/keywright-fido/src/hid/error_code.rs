//! The codes of CTAPHID_ERROR, by the names that the specification gives them (CTAP 2.1, 11.2.9.1.6).
//!
//! It refuses to judge them: what a code means for an exchange is the channel's to know.

use std::fmt;

use crate::ctap::transport::TransportError;

/// Why a key refused a request below CTAP2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CtapHidErrorCode {
    /// 0x01 ERR_INVALID_CMD
    InvalidCmd,
    /// 0x02 ERR_INVALID_PAR
    InvalidPar,
    /// 0x03 ERR_INVALID_LEN
    InvalidLen,
    /// 0x04 ERR_INVALID_SEQ
    InvalidSeq,
    /// 0x05 ERR_MSG_TIMEOUT
    MsgTimeout,
    /// 0x06 ERR_CHANNEL_BUSY
    ChannelBusy,
    /// 0x0A ERR_LOCK_REQUIRED
    LockRequired,
    /// 0x0B ERR_INVALID_CHANNEL
    InvalidChannel,
    /// 0x7F ERR_OTHER
    Other,
    /// A code that the specification does not name.
    Unknown(u8),
}

impl From<u8> for CtapHidErrorCode {
    fn from(code: u8) -> Self {
        match code {
            0x01 => Self::InvalidCmd,
            0x02 => Self::InvalidPar,
            0x03 => Self::InvalidLen,
            0x04 => Self::InvalidSeq,
            0x05 => Self::MsgTimeout,
            0x06 => Self::ChannelBusy,
            0x0A => Self::LockRequired,
            0x0B => Self::InvalidChannel,
            0x7F => Self::Other,
            unknown => Self::Unknown(unknown),
        }
    }
}

impl CtapHidErrorCode {
    /// The byte.
    pub fn code(self) -> u8 {
        match self {
            Self::InvalidCmd => 0x01,
            Self::InvalidPar => 0x02,
            Self::InvalidLen => 0x03,
            Self::InvalidSeq => 0x04,
            Self::MsgTimeout => 0x05,
            Self::ChannelBusy => 0x06,
            Self::LockRequired => 0x0A,
            Self::InvalidChannel => 0x0B,
            Self::Other => 0x7F,
            Self::Unknown(code) => code,
        }
    }
}

impl From<CtapHidErrorCode> for TransportError {
    fn from(code: CtapHidErrorCode) -> Self {
        Self::Refused { code: code.code().into(), name: format!("CTAPHID {code}") }
    }
}

impl fmt::Display for CtapHidErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidCmd => "ERR_INVALID_CMD",
            Self::InvalidPar => "ERR_INVALID_PAR",
            Self::InvalidLen => "ERR_INVALID_LEN",
            Self::InvalidSeq => "ERR_INVALID_SEQ",
            Self::MsgTimeout => "ERR_MSG_TIMEOUT",
            Self::ChannelBusy => "ERR_CHANNEL_BUSY",
            Self::LockRequired => "ERR_LOCK_REQUIRED",
            Self::InvalidChannel => "ERR_INVALID_CHANNEL",
            Self::Other => "ERR_OTHER",
            Self::Unknown(code) => return write!(f, "{code:#04X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::CtapHidErrorCode;

    #[test]
    fn every_code_has_the_specifications_name() {
        let table = [
            (0x01, "ERR_INVALID_CMD"),
            (0x02, "ERR_INVALID_PAR"),
            (0x03, "ERR_INVALID_LEN"),
            (0x04, "ERR_INVALID_SEQ"),
            (0x05, "ERR_MSG_TIMEOUT"),
            (0x06, "ERR_CHANNEL_BUSY"),
            (0x0A, "ERR_LOCK_REQUIRED"),
            (0x0B, "ERR_INVALID_CHANNEL"),
            (0x7F, "ERR_OTHER"),
            (0x42, "0x42"),
        ];
        for (code, name) in table {
            assert_eq!(CtapHidErrorCode::from(code).to_string(), name);
            assert_eq!(CtapHidErrorCode::from(code).code(), code);
        }
    }
}
