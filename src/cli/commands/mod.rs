//! The commands: one file or folder each, arguments in, words out. They do not call each other, but where one
//! is a part of another: a break-glass account is drilled as every key is.

pub(crate) mod account;
pub(crate) mod attest;
pub(crate) mod audit;
pub(crate) mod breakglass;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod enforce;
pub(crate) mod enroll;
pub(crate) mod hand_over;
pub(crate) mod help;
pub(crate) mod idp;
pub(crate) mod init;
pub(crate) mod inventory;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod man;
pub(crate) mod mds;
pub(crate) mod profile;
pub(crate) mod provision;
pub(crate) mod ready;
pub(crate) mod reconcile;
pub(crate) mod recover;
pub(crate) mod register;
#[cfg(feature = "practice")]
pub(crate) mod rehearse;
pub(crate) mod replace;
pub(crate) mod resume;
pub(crate) mod revoke;
pub(crate) mod rollout;
pub(crate) mod roster;
#[cfg(all(feature = "practice", target_os = "linux"))]
pub(crate) mod softkey;
pub(crate) mod station;
pub(crate) mod status;
pub(crate) mod version;
pub(crate) mod watch;
pub(crate) mod witness;
