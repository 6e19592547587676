//! HTTP for every adapter: JSON in and out, time limits, and what each failure means.
