//! Whole batches from roster to ledger, and what comes after: lost keys, drills, power cuts, keys and IdPs that misbehave.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod bad_keys;
mod by_hand;
mod directory_trouble;
mod drill;
#[cfg(unix)]
mod erased;
mod erasure;
mod fewest_reports;
mod firmware_faults;
mod key_numbers;
mod key_trouble;
mod letters;
mod lost_key;
mod one_person;
mod provision_two_admins;
#[cfg(unix)]
mod resume_after_power_cut;
#[cfg(unix)]
mod same_key;
mod telling_apart;
