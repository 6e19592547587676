//! authenticatorConfig (0x0D): CTAP 2.1 section 6.11.

use crate::webauthn::RpId;

/// setMinPINLength (subcommand 0x03).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MinPinLength {
    /// The new minimum in code points, at most 63 (some firmware takes more and then never a PIN again). It only ever grows.
    pub new_min_pin_length: Option<usize>,
    /// Who may ask for the minimum length.
    pub rp_ids: Vec<RpId>,
    /// Whether the person has to choose a PIN before anything else.
    pub force_change_pin: bool,
}
