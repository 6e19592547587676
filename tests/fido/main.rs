//! The CTAP client and the attestation rules against soft keys, real keys' registrations and the specifications' vectors.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod attestation_corpus;
mod blob_store;
mod ctap_on_softkey;
mod mds_blob;
mod webauthn_vectors;
