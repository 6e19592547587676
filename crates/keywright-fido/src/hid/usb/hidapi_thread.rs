//! hidapi on one thread for the whole process: its C library is not for two at once, and on macOS its list of keys belongs to the
//! run loop of the thread that started it.
//!
//! Open keys are not bound to it: they are read and written from where they are used.

use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use hidapi::{HidApi, HidResult};

use crate::ctap::transport::TransportError;

/// What is done there, with the list of keys if one was made.
type Work = Box<dyn FnOnce(&mut Option<HidApi>) + Send>;

static THREAD: Mutex<Option<Sender<Work>>> = Mutex::new(None);

/// Does this with hidapi as it is, started if it was not.
pub(super) fn ask<T: Send + 'static>(
    work: impl FnOnce(&mut HidApi) -> HidResult<T> + Send + 'static,
) -> Result<T, TransportError> {
    carry_out(move |kept| match kept {
        Some(api) => work(api),
        none => work(none.insert(HidApi::new()?)),
    })
}

/// Does this with hidapi started anew, which makes a new list of keys. To start it for an old list and then refresh that would be
/// two looks at the buses.
pub(super) fn look<T: Send + 'static>(work: impl FnOnce(&HidApi) -> T + Send + 'static) -> Result<T, TransportError> {
    carry_out(move |kept| Ok(work(kept.insert(HidApi::new()?))))
}

fn carry_out<T: Send + 'static>(
    work: impl FnOnce(&mut Option<HidApi>) -> HidResult<T> + Send + 'static,
) -> Result<T, TransportError> {
    let (answer, answered) = mpsc::sync_channel(1);
    let work: Work = Box::new(move |kept| {
        // Whoever asked waits for the answer.
        let _ = answer.send(work(kept));
    });
    let gone = || TransportError::System("the thread that lists keys ended".to_owned());
    thread()?.send(work).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?.map_err(|error| TransportError::System(error.to_string()))
}

/// The thread, started if it was not.
fn thread() -> Result<Sender<Work>, TransportError> {
    let mut kept = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = &*kept {
        return Ok(running.clone());
    }
    let (work, asked) = mpsc::channel::<Work>();
    thread::Builder::new()
        .name("hidapi".to_owned())
        .spawn(move || {
            let mut api = None;
            asked.into_iter().for_each(|work| work(&mut api));
        })
        .map_err(|error| TransportError::System(error.to_string()))?;
    Ok(kept.insert(work).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_is_from_the_same_thread() {
        let name = || ask(|_| Ok((thread::current().id(), thread::current().name().map(str::to_owned))));
        let first = name().unwrap();
        assert_eq!(first.1.as_deref(), Some("hidapi"));
        let others: Vec<_> = (0..4).map(|_| thread::spawn(name)).map(|one| one.join().unwrap().unwrap()).collect();
        assert!(others.iter().all(|other| *other == first));
        assert_eq!(look(|_| thread::current().id()).unwrap(), first.0);
    }
}
