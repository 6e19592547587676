//! How things are shown: one view for each thing, for people and as JSON.

pub(crate) mod get_info;
pub(crate) mod key_credential;
pub(crate) mod ledger_credential;
pub(crate) mod ledger_head;
pub(crate) mod run_report;
