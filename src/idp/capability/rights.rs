//! Which permissions a capability needs, and which of them our account has.
//!
//! It refuses to call a capability ready that has a permission of which nobody can tell whether it is there.

use serde::{Deserialize, Serialize};

use super::Capability;
use super::told::{Told, Untold};
use crate::idp::error::DirectoryError;

/// A permission that a capability needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// What it is needed for.
    pub capability: Capability,
    /// Its name, as the IdP's console has it.
    pub name: String,
    /// Whether our account has it.
    pub there: Told<bool>,
}

/// What our account may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// What is needed.
    pub needed: Vec<Right>,
    /// What it has and nothing here needs.
    pub beyond: Told<Vec<String>>,
}

/// Whether a capability can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Every permission is there.
    Ready,
    /// Some are not: these.
    Lacks(Vec<String>),
    /// Of some nobody can tell: these.
    CannotTell(Vec<Untold>),
}

impl Rights {
    /// Whether a capability can be used. What is lacking is named before what cannot be told.
    pub fn readiness(&self, capability: Capability) -> Readiness {
        let needed = || self.needed.iter().filter(move |right| right.capability == capability);
        let lacking: Vec<String> =
            needed().filter(|right| right.there == Told::Known(false)).map(|right| right.name.clone()).collect();
        if !lacking.is_empty() {
            return Readiness::Lacks(lacking);
        }
        let untold: Vec<Untold> = needed()
            .filter_map(|right| match &right.there {
                Told::CannotTell(untold) => Some(untold.clone()),
                Told::Known(_) => None,
            })
            .collect();
        if untold.is_empty() { Readiness::Ready } else { Readiness::CannotTell(untold) }
    }
}

/// Asking what our account may do.
pub trait AccountRights {
    /// Probes it. Changes nothing.
    fn rights(&self) -> Result<Rights, DirectoryError>;

    /// Whether it may change accounts of administrators too, which IdPs keep from most that may change others. Changes nothing.
    fn over_administrators(&self) -> Result<Told<bool>, DirectoryError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_tell_is_never_ready() {
        let right = |capability, name: &str, there| Right { capability, name: name.into(), there };
        let untold = Untold::not_offered("whether it is there");
        let rights = Rights {
            needed: vec![
                right(Capability::People, "a", Told::Known(true)),
                right(Capability::Methods, "b", Told::CannotTell(untold.clone())),
                right(Capability::Sessions, "c", Told::CannotTell(untold.clone())),
                right(Capability::Sessions, "d", Told::Known(false)),
            ],
            beyond: Told::Known(Vec::new()),
        };
        assert_eq!(rights.readiness(Capability::People), Readiness::Ready);
        assert_eq!(rights.readiness(Capability::Methods), Readiness::CannotTell(vec![untold]));
        assert_eq!(rights.readiness(Capability::Sessions), Readiness::Lacks(vec!["d".into()]));
    }
}
