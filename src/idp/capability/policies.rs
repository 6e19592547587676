//! What the policies of a group let its people sign in with, register, and get back in by.
//!
//! It reads rules and says what each admits; it refuses to add them up where the IdP's own order cannot be known.

use serde::{Deserialize, Serialize};

use super::told::{Listing, Untold};
use crate::idp::error::DirectoryError;

/// One rule of a policy that is about a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The policy's name, and the rule's where it has rules.
    pub policy: String,
    /// What it is about.
    pub about: About,
    /// Whether it acts.
    pub state: RuleState,
    /// What it lets in.
    pub admits: Admits,
    /// Where it is changed, as a path through the IdP's console.
    pub place: String,
    /// Accounts that it is not about though it is about their group, by the IdP's ids.
    #[serde(default)]
    pub leaves_out: Listing<String>,
}

impl Rule {
    /// Whether it lets people sign in with nothing weaker than what resists phishing, once it acts.
    pub fn is_strict(&self) -> bool {
        self.about == About::SignIn && self.admits == Admits::PhishingResistant
    }
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// What may be registered.
    Registration,
    /// What opens the door.
    SignIn,
    /// What gets somebody back in who lost something.
    Recovery,
}

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It does.
    On,
    /// It is written down what it would do.
    ReportOnly,
    /// It does not.
    Off,
}

/// What a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admits {
    /// Nobody.
    Nothing,
    /// Only what resists phishing.
    PhishingResistant,
    /// Something weaker too.
    Weaker(Vec<String>),
    /// It cannot be told.
    CannotTell(Untold),
}

/// How several rules about one thing add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrder {
    /// Each that acts has to be satisfied: a strict one shuts what another lets in.
    Every,
    /// The first that fits decides, or each application has its own.
    First,
    /// It cannot be told.
    CannotTell,
}

/// The policies that a group is under.
pub trait Policies {
    /// Every rule that is about this group, those for everybody too. `group` as in
    /// [`People::members`](super::People::members). Changes nothing.
    fn of_group(&self, group: &str) -> Result<Listing<Rule>, DirectoryError>;

    /// How rules about signing in add up here. One that cannot be told is taken for the weaker.
    fn order(&self) -> RuleOrder {
        RuleOrder::CannotTell
    }
}
