//! What commands share: the session, the terminal, keys that are chosen and opened, and how errors end the program.

pub(crate) mod account;
pub(crate) mod arguments;
pub(crate) mod batch;
pub(crate) mod checkpoint;
pub(crate) mod console;
pub(crate) mod cosign;
pub(crate) mod device;
pub(crate) mod estate;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod judging;
pub(crate) mod ledger;
pub(crate) mod logging;
pub(crate) mod model_name;
pub(crate) mod open_key;
pub(crate) mod operator;
pub(crate) mod output;
pub(crate) mod pin_entry;
pub(crate) mod plan_summary;
#[cfg(feature = "practice")]
pub(crate) mod practice_idp;
pub(crate) mod profiles;
pub(crate) mod select_by_touch;
pub(crate) mod session;
pub(crate) mod sign_checkpoint;
#[cfg(feature = "practice")]
pub(crate) mod soft_keys;
pub(crate) mod state;
pub(crate) mod terminal;

pub(crate) use exit::Exit;
pub(crate) use failure::CliError;
pub(crate) use session::Session;
