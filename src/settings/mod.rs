//! The settings, `keywright.toml`: identity providers, profiles, readers of PINs, the program that prints letters.
//!
//! ```toml
//! profiles = "profiles"                     # a folder, over the built-in ones
//! readers = ["vault=age1..."]               # who gets PINs as age files
//! letter-program = ["lp", "-d", "vault"]    # gets a letter on its standard input
//! register = "postgres://office-a@db.example.org/keywright" # for several stations; else it is in the state folder
//!
//! [ports]                                   # what people call the ports of a hub
//! "1-4.2" = "slot 7"
//!
//! [checkpoints]
//! keys = ["ops/ada+0a1b2c3d+/2tl..."]        # who else signs them; 'keywright ledger checkpoint --new-key' prints one
//! require-security-key = true               # each batch ends with such a signature
//! memory = "/var/lib/keywright-memory"      # where the newest is remembered
//!
//! [[checkpoints.time-stamps]]               # who says when they existed (RFC 3161)
//! url = "https://freetsa.org/tsr"
//! root = "freetsa.pem"                      # the root of its certificate
//!
//! [idp.corp]
//! kind = "embedded"
//! url = "http://127.0.0.1:8460"
//! token = "env:CORP_TOKEN"
//! ```
//!
//! Every table `[idp.NAME]` may have `ca`, a PEM file with trust anchors for TLS besides the system's, and `proxy`,
//! `http://host:port` (or the place of one with a password), and one of several `default = true`: new accounts go there. The rest
//! depends on its `kind`.
//!
//! Relative paths are relative to the file. It refuses settings that it does not know, and it holds no secret: only places of
//! secrets.

mod checkpoints;
mod document;
mod error;
mod idp_change;
mod idp_table;
mod new_table;
mod ports;
mod register;
mod station_keys;

#[cfg(test)]
mod questions_tests;

pub use checkpoints::{CheckpointSettings, TimeStampServer, Witness};
pub use document::{IdpChoice, Settings};
pub use error::{MissingAnswer, SettingsError};
pub use idp_change::{answers, with_answers, with_default, without};
pub use idp_table::{IdpTable, certificates};
pub use new_table::{IdpName, NewTable, refuse_name, write};
pub use ports::PortNames;
pub use register::{OtherStation, RegisterPlace};
pub use station_keys::StationKeys;
