//! How far the FIDO Alliance certified a model.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A certification, the weakest first. In text as the metadata service's statuses end (`FIDO_CERTIFIED_L1plus`: `L1plus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Certification {
    /// It works as FIDO wants it; nothing is said of how it keeps its keys. The scheme before there were levels.
    #[serde(rename = "certified")]
    Functional,
    /// Level 1.
    L1,
    /// Level 1+.
    #[serde(rename = "L1plus")]
    L1Plus,
    /// Level 2.
    L2,
    /// Level 2+.
    #[serde(rename = "L2plus")]
    L2Plus,
    /// Level 3.
    L3,
    /// Level 3+.
    #[serde(rename = "L3plus")]
    L3Plus,
}

impl fmt::Display for Certification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Functional => "certified",
            Self::L1 => "L1",
            Self::L1Plus => "L1plus",
            Self::L2 => "L2",
            Self::L2Plus => "L2plus",
            Self::L3 => "L3",
            Self::L3Plus => "L3plus",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_order() {
        use Certification::{Functional, L1, L1Plus, L2, L2Plus, L3, L3Plus};
        let all = [Functional, L1, L1Plus, L2, L2Plus, L3, L3Plus];
        assert!(all.is_sorted());
        for one in all {
            assert_eq!(serde_json::to_value(one).unwrap(), one.to_string());
        }
    }
}
