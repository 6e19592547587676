//! The job: roster and profiles become a plan, the plan becomes steps, and every step is in the ledger before and after it is
//! done.
//!
//! It refuses to guess: a key that cannot be recognised is not touched, a PIN is not tried twice, a request that may have been
//! acted on is not repeated before the IdP was asked.

pub mod credential_on_key;
pub mod drill;
mod dry_run;
mod erase;
mod job;
mod job_context;
mod job_error;
mod journal;
mod key_fit;
mod leave;
mod letters;
mod open_key;
pub mod operator;
pub mod pin_attempts;
mod pin_delivery;
pub mod plan;
mod preflight;
mod recognise;
mod relabel;
pub mod report;
mod resolve_account;
mod resource_locks;
pub mod retry_policy;
pub mod revoke;
pub mod run;
mod run_error;
mod same_key;
pub mod same_person;
mod scheduler;
mod settle_erasures;
mod signature;
mod station;
mod steps;
pub mod which_key;
mod working_copy;

pub use drill::{Drill, DrillError};
pub use dry_run::{AccountKey, DryRun, KeyMatch, KeySeen, KeyState, Resets, Use, dry_run};
pub use erase::{EraseError, Eraser, was_on_empty_key};
pub use key_fit::lacks;
pub use leave::leave;
pub use letters::{LetterError, letter_again, letters_arrived, waiting_letters};
pub use open_key::{fingerprint, identity};
pub use operator::{Identification, JobLabel, Operator};
pub use pin_attempts::PinAttemptError;
pub use pin_delivery::NoDelivery;
pub use plan::{
    Change, OpenErasure, PendingLabel, PendingRevocation, Plan, Planned, Unfinished, Unmet, idps_to_resume_at,
};
pub use relabel::{Relabelled, relabel, request as request_label};
pub use report::{AccountReport, JobReport, Report};
pub use retry_policy::RetryPolicy;
pub use revoke::{Revocation, RevokeError, RevokeOrder, revocation_requests, revoke};
pub use run::run;
pub use run_error::RunError;
pub use same_person::PersonError;
pub use station::Station;
pub use working_copy::destroy_handed_over;
