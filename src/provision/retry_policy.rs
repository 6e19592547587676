//! Asking an IdP again, where that cannot do harm, and waiting as long as it asks us to.

use std::thread;
use std::time::{Duration, Instant};

use crate::idp::DirectoryError;
use keywright_files::Cancel;

/// How long and how often to wait.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// For a key to be plugged in.
    pub key: Duration,
    /// Before an IdP is asked a second time; doubles each time after.
    pub backoff: Duration,
    /// The longest single wait that an IdP may ask for.
    pub retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            key: Duration::from_secs(120),
            backoff: Duration::from_millis(500),
            retry_after: Duration::from_secs(120),
        }
    }
}

const ATTEMPTS: u32 = 5;

/// Whether a request that failed like this may be sent again although it changes something: only if it was not acted on.
fn was_not_acted_on(error: &DirectoryError) -> bool {
    matches!(error, DirectoryError::Unreachable { .. } | DirectoryError::RateLimited { .. })
}

/// Whether asking again might help.
fn is_passing(error: &DirectoryError) -> bool {
    was_not_acted_on(error) || error.may_have_acted()
}

impl RetryPolicy {
    /// A request that changes nothing, or the same thing however often it is sent.
    pub fn ask<T>(
        &self,
        cancel: &Cancel,
        request: impl FnMut() -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        self.again_while(is_passing, cancel, request)
    }

    /// A request that changes something: sent again only if the IdP did not act on it.
    pub fn send<T>(
        &self,
        cancel: &Cancel,
        request: impl FnMut() -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        self.again_while(was_not_acted_on, cancel, request)
    }

    /// A question about what the IdP was just told. Lists may lag behind, so "it is not there" is asked again too.
    pub fn find<T>(
        &self,
        cancel: &Cancel,
        mut request: impl FnMut() -> Result<Option<T>, DirectoryError>,
    ) -> Result<Option<T>, DirectoryError> {
        for attempt in 1..ATTEMPTS {
            let found = self.ask(cancel, &mut request)?;
            if found.is_some() || !pause(self.backoff * 2u32.pow(attempt - 1), cancel) {
                return Ok(found);
            }
        }
        self.ask(cancel, request)
    }

    fn again_while<T>(
        &self,
        may_repeat: fn(&DirectoryError) -> bool,
        cancel: &Cancel,
        mut request: impl FnMut() -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let mut attempt = 0;
        loop {
            let error = match request() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempt += 1;
            let wait = match &error {
                DirectoryError::RateLimited { retry_after: Some(wait), .. } => *wait,
                _ => self.backoff * 2u32.pow(attempt - 1),
            };
            if !may_repeat(&error) || attempt == ATTEMPTS || wait > self.retry_after || !pause(wait, cancel) {
                return Err(error);
            }
        }
    }
}

/// Waits; `false` if somebody ended the run meanwhile.
pub fn pause(wait: Duration, cancel: &Cancel) -> bool {
    const GLANCE: Duration = Duration::from_millis(50);
    let until = Instant::now() + wait;
    while !cancel.is_cancelled() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(GLANCE));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: RetryPolicy =
        RetryPolicy { key: Duration::ZERO, backoff: Duration::ZERO, retry_after: Duration::from_secs(1) };

    fn failing(times: u32, error: DirectoryError) -> (Result<u32, DirectoryError>, Result<u32, DirectoryError>) {
        let request = || {
            let (mut count, error) = (0, error.clone());
            move || {
                count += 1;
                if count > times { Ok(count) } else { Err(error.clone()) }
            }
        };
        (QUICK.ask(&Cancel::default(), request()), QUICK.send(&Cancel::default(), request()))
    }

    #[test]
    fn a_question_is_repeated_but_a_change_only_if_it_was_not_acted_on() {
        let directory = || "acme".to_owned();
        let unreachable = DirectoryError::Unreachable { directory: directory(), why: "refused".into() };
        assert_eq!(failing(4, unreachable.clone()), (Ok(5), Ok(5)));
        assert_eq!(failing(5, unreachable.clone()), (Err(unreachable.clone()), Err(unreachable)));
        let failed = DirectoryError::Failed { directory: directory(), status: 500 };
        assert_eq!(failing(1, failed.clone()), (Ok(2), Err(failed)));
        let refused = DirectoryError::Refused { directory: directory(), why: "no".into() };
        assert_eq!(failing(1, refused.clone()), (Err(refused.clone()), Err(refused)));
    }

    #[test]
    fn a_wait_that_is_too_long_is_not_waited_for() {
        let limited =
            DirectoryError::RateLimited { directory: "acme".into(), retry_after: Some(Duration::from_secs(2)) };
        assert_eq!(failing(1, limited.clone()), (Err(limited.clone()), Err(limited)));
    }

    #[test]
    fn what_a_list_does_not_have_yet_is_looked_for_again_but_not_for_ever() {
        for (there_at, found, asked) in [(1, Some(1), 1), (5, Some(5), 5), (6, None, 5)] {
            let mut count = 0;
            let result = QUICK.find(&Cancel::default(), || {
                count += 1;
                Ok((count >= there_at).then_some(count))
            });
            assert_eq!((result, count), (Ok(found), asked));
        }
    }

    #[test]
    fn a_cancelled_run_does_not_ask_again() {
        let cancel = Cancel::default();
        cancel.cancel();
        let mut asked = 0;
        let retry_policy = RetryPolicy { backoff: Duration::from_secs(3600), ..QUICK };
        let result = retry_policy.ask(&cancel, || {
            asked += 1;
            Err::<(), _>(DirectoryError::Failed { directory: "acme".into(), status: 503 })
        });
        assert!(result.is_err());
        assert_eq!(asked, 1);
    }
}
