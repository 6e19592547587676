//! The profiles that a command works with.

use std::path::Path;

use crate::cli::shared::CliError;
use crate::profile::{Profile, ProfileName, Profiles};
use crate::settings::Settings;

/// The profiles: built in, from the settings' folder, or from the folder that is named here.
pub(crate) fn load(named: Option<&Path>, settings: &Settings) -> Result<Profiles, CliError> {
    Ok(crate::profile::load(named.or(settings.profiles.as_deref()))?)
}

/// The profile of this name.
pub(crate) fn find<'a>(name: &ProfileName, profiles: &'a Profiles) -> Result<&'a Profile, CliError> {
    profiles.get(name).ok_or_else(|| {
        let names: Vec<_> = profiles.keys().map(ToString::to_string).collect();
        CliError::Usage(format!("there is no profile \"{name}\"; there are {}", names.join(", ")))
    })
}
