//! Identity providers: the [`Directory`] door, and one file or folder for each kind of IdP.
//!
//! What differs between IdPs (paths, encodings, pending objects, time limits) is hidden here and nowhere else. An adapter
//! refuses to repeat a request that may have been acted on; it says so, and the caller looks first.
//!
//! A kind of IdP is added with its file and one entry of [`KINDS`].

pub mod auth0;
pub mod capability;
pub mod connection;
pub mod directory;
#[cfg(feature = "practice")]
pub mod embedded;
pub mod entra;
pub mod error;
pub mod google_workspace;
pub mod http;
pub mod kind;
pub mod manual;
pub mod oauth;
pub mod okta;
mod own_challenge;
pub mod ping_one;
pub mod privacy_idea;
pub mod question;
pub mod session;
mod token_cache;
pub mod zitadel;

pub use capability::{Capabilities, Capability};
pub use connection::{ConnectionConfig, IdpSettings, OpenError};
pub use directory::{ByHand, Directory, Finding, Registered, Registration, SignIn, User};
pub use error::{DirectoryError, IdpName};
pub use kind::{KINDS, Kind};
pub use session::{Authorization, Session};
