//! The program as a person or a script runs it, command by command.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod attest_verify;
mod audit_key;
mod company_network;
mod completions;
mod dialects;
mod doctor;
mod editors;
mod foreign_text;
mod idp;
mod init;
mod json;
mod key;
mod mds;
mod others_can_write;
mod profile;
mod provision;
mod readers;
mod recover;
mod roster;
mod stories;
#[cfg(target_os = "linux")]
mod text;
mod usage;
