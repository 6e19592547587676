//! Soft keys as they come back from people: full, or with somebody's PIN.

use super::Stage;
use crate::cli::shared::CliError;
use keywright_fido::ctap::{Authenticator, MakeCredential, Pin};
use keywright_fido::hid::{Bus as _, Cancel, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, RelyingParty, UserEntity, UserHandle};
use keywright_practice::softkey::Rack;

/// A key that is to be full has room for this many credentials.
pub(super) const ROOM: u16 = 2;

/// Opens the soft key with this number, counted from 1.
fn opened(stage: &Stage, number: usize) -> Result<Authenticator, CliError> {
    let rack = Rack::open(&stage.state()?.softkeys())?;
    let devices = rack.devices()?;
    let device = number.checked_sub(1).and_then(|at| devices.get(at));
    let device = device.ok_or_else(|| CliError::NotFound(format!("soft key {number} is not there")))?;
    Ok(Authenticator::open(rack.open(device, Limits::default(), Cancel::default())?)?)
}

/// Fills a key that has [`ROOM`] for few.
pub(super) fn full(stage: &Stage, number: usize) -> Result<(), CliError> {
    let mut key = opened(stage, number)?;
    for customer in 0..ROOM {
        let shop = RelyingParty { id: "shop.example".parse().map_err(|_| made_up())?, name: "Shop".into() };
        let id = UserHandle::new(customer.to_be_bytes()).map_err(|_| made_up())?;
        let user = UserEntity { id, name: format!("customer {customer}"), display_name: String::new() };
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new([7; 32], shop, user, vec![CoseAlgorithm::ES256])
        };
        key.make_credential(&request, None, &mut |_| {})?;
    }
    Ok(())
}

/// Gives a key a PIN that nobody here knows.
pub(super) fn locked(stage: &Stage, number: usize) -> Result<(), CliError> {
    Ok(opened(stage, number)?.set_pin(&Pin::new("somebody's own")?)?)
}

fn made_up() -> CliError {
    CliError::System { what: "the story", why: "a made-up website was refused".to_owned() }
}
