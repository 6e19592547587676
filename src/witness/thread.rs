//! Work that may hang or panic, on a thread that can be left behind.

use std::any::Any;
use std::panic;
use std::sync::Once;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, Builder};
use std::time::Duration;

use super::Obstacle;

const NAME: &str = "witness";

/// Does the work on a thread of its own, and waits for it so long and no longer. A panic's words are in the result and nowhere
/// else.
pub(super) fn within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Obstacle> {
    keep_panics_quiet();
    let (done, result) = mpsc::channel::<T>();
    let failed = |error: std::io::Error| Obstacle::Failed { words: error.to_string() };
    let witness = Builder::new()
        .name(NAME.into())
        .spawn(move || {
            // Nobody listens any more if it took too long.
            drop(done.send(work()));
        })
        .map_err(failed)?;
    match result.recv_timeout(deadline) {
        Ok(result) => Ok(result),
        Err(RecvTimeoutError::Timeout) => {
            let milliseconds = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
            Err(Obstacle::Deadline { milliseconds })
        }
        // The sender is gone and sent nothing, so the thread is ending.
        Err(RecvTimeoutError::Disconnected) => {
            let words = witness.join().err().map_or_else(|| "no words".to_owned(), |payload| words(&*payload));
            Err(Obstacle::Panicked { words })
        }
    }
}

/// The hook that prints panics lets those of the witness pass: they are told as a result.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(NAME) {
                print(info);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn work_that_ends_gives_its_result() {
        assert_eq!(within(LONG, || 7), Ok(7));
    }

    #[test]
    fn a_panic_ends_with_its_thread() {
        let panicked = |words: &str| Err(Obstacle::Panicked { words: words.into() });
        assert_eq!(within(LONG, || panic!("on purpose")), panicked("on purpose"));
        let short: Vec<u8> = vec![0; 3];
        let beyond = within(LONG, move || {
            let _sixth = short[5];
        });
        assert_eq!(beyond, panicked("index out of bounds: the len is 3 but the index is 5"));
    }

    #[test]
    fn work_that_does_not_end_is_left_behind() {
        let (release, held) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let left = within(Duration::from_millis(20), move || {
            // As a read of a silent key.
            let _ = held.recv();
            ended.send(()).unwrap();
        });
        assert_eq!(left, Err(Obstacle::Deadline { milliseconds: 20 }));
        // What lets it end is the key, later.
        drop(release);
        end.recv_timeout(LONG).unwrap();
    }
}
