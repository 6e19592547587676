//! Why one of several things could not be read.

use serde::Serialize;

/// A stable name for scripts, and the words for people.
#[derive(Serialize)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}
