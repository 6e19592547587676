//! What a model is called: by the metadata in the state folder, else by keywright's own table.
//!
//! A name is for people. It refuses to fail: a name that cannot be read is none.

use crate::cli::shared::Session;
use keywright_attest::Metadata;
use keywright_fido::webauthn::Aaguid;

/// The names that are at hand, read once for a command.
pub(crate) struct ModelNames(Option<Metadata>);

impl ModelNames {
    /// Reads the metadata, if there is any.
    pub(crate) fn read(session: &Session) -> Self {
        let stored = session.state().ok().and_then(|state| state.metadata().ok()?.load().ok().flatten());
        Self(stored.map(|(metadata, _)| metadata))
    }

    /// The model's name.
    pub(crate) fn of(&self, aaguid: Aaguid) -> Option<String> {
        let listed = self.0.as_ref().and_then(|metadata| Some(metadata.model(aaguid)?.name.clone()));
        listed.or_else(|| aaguid.model_name().map(str::to_owned))
    }
}
