//! A key back in factory state: pulled out, plugged in again, recognised, and reset with a touch.
//!
//! It refuses to reset another key than the one that was looked at, and to believe a key that still has a PIN afterwards.

use std::time::Duration;

use crate::cli::shared::console::Style;
use crate::cli::shared::open_key::{self, Keys, touch_prompt};
use crate::cli::shared::{CliError, Session};
use crate::provision::fingerprint;
use keywright_fido::ctap::GetInfo;
use keywright_fido::hid::Device;

/// How long a person has to replug the key.
const REPLUG_TIME: Duration = Duration::from_secs(60);

/// Erases everything on the key, which the caller has closed: our handle has to be gone, or the system does not see the key go.
/// Returns where the key is now, and what it says of itself.
pub(super) fn erase(
    keys: &Keys,
    device: &Device,
    before: &GetInfo,
    session: &Session,
) -> Result<(Device, GetInfo), CliError> {
    let what = format!("pull the key out of port {} and plug it in again", device.port);
    session.console.mark(Style::Now, "now:", &what);
    let again = keys.bus().replug(device, REPLUG_TIME, &session.cancel)?;
    let mut key = open_key::open(keys.bus(), &again, session)?;
    let after = key.info();
    if after.aaguid != before.aaguid {
        return Err(CliError::AnotherKey(format!("its model is {}, not {}", after.aaguid, before.aaguid)));
    }
    if fingerprint(after) != fingerprint(before) || again.serial != device.serial {
        return Err(CliError::AnotherKey("it is of the same model and answers differently".into()));
    }
    key.reset(&mut touch_prompt(session, &again))?;
    let info = key.refresh_info()?.clone();
    if info.has_pin() {
        return Err(CliError::NotFound("the key says that it was reset but still has a PIN".into()));
    }
    Ok((again, info))
}
