//! softkey
