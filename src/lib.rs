//! keywright provisions FIDO2 security keys in batches.
//!
//! It talks CTAP2 over USB HID, sets the PIN and the key's policy, makes a resident credential for each account, checks
//! the attestation, proves that the credential signs in, and registers the public key with the identity provider (IdP).
//! What it did is in a ledger that an auditor can check with other software.
//!
//! Each room knows only the rooms below it:
//!
//! | room | what it does |
//! |---|---|
//! | [`cli`] | one file per command: arguments in, words out |
//! | [`audit`] | questions asked afterwards: is what was provisioned still what it should be? what is this key, this registration? |
//! | [`rollout`] | who signs in with what, what keeps a group from being enforced, people who lost a key, accounts for emergencies |
//! | [`provision`] | the job: roster and profile to plan to journalled steps; resume, undo, many keys at once |
//! | [`witness`] | the credential signs, as another implementation of CTAP2 sees it |
//! | [`settings`] | `keywright.toml`: which identity providers there are, and how they are reached |
//! | [`idp`] | the [`idp::Directory`] door and one folder or file per identity provider |
//! | [`register`] | accounts, keys, credentials and jobs, as the events make them |
//! | [`ledger`] | what happened: the hash-chained event log |
//! | [`profile`] | what a class of accounts demands; who is on the roster |
//! | [`secret`] | PINs: drawing, sealing, handing over |
//!
//! Below them are crates of their own: `keywright-practice` (soft keys, the embedded IdP), `keywright-attest` (verdicts on
//! attestations), `keywright-fido` (WebAuthn data, HID, CTAP2) and `keywright-files` (private files).

pub mod audit;
pub mod cli;
pub mod idp;
pub mod ledger;
pub mod profile;
pub mod provision;
pub mod register;
pub mod rollout;
pub mod secret;
pub mod settings;
pub mod witness;
