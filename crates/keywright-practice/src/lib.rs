//! Everything that a rehearsal needs and a station does not: soft security keys ([`softkey`]) and a small identity provider
//! on loopback ([`idp_server`]).

pub mod idp_server;
pub mod softkey;
