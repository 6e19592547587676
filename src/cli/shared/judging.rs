//! What attestations are held against when they are judged outside of a run: FIDO metadata, trusted roots, and a moment.
//!
//! It refuses to judge in silence: what it judged by is told on stderr.

use std::path::{Path, PathBuf};

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::shared::arguments::moment;
use crate::cli::shared::output::count;
use crate::cli::shared::profiles;
use crate::cli::shared::{CliError, Session};
use crate::profile::ProfileName;
use keywright_attest::mds::{Blob, fido_roots};
use keywright_attest::{Anchors, Judge, MdsError, Metadata, Policy};

/// By what, and as of when.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JudgedBy {
    /// The FIDO metadata to judge models by: a BLOB, signed [default: the state folder's, if there is any]
    #[arg(long, value_name = "FILE")]
    mds: Option<PathBuf>,
    /// Take the metadata in --mds without a signature
    #[arg(long, requires = "mds")]
    unsigned: bool,
    /// The root that the metadata in --mds has to be signed under, PEM or DER, instead of FIDO's
    #[arg(long, value_name = "CERT", requires = "mds", conflicts_with = "unsigned")]
    mds_root: Option<PathBuf>,
    /// Trust the attestation certificates in this PEM or DER file as well, for every model (repeatable)
    #[arg(long, value_name = "CERT", visible_alias = "anchor")]
    root: Vec<PathBuf>,
    /// Judge as of this day or moment (RFC 3339) [default: now]
    #[arg(long, value_name = "DATE", value_parser = moment)]
    at: Option<OffsetDateTime>,
}

/// Which profile judges.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JudgingProfile {
    /// Judge by this profile's demands on keys
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// A folder of profiles, over the built-in ones and instead of the settings' folder
    #[arg(long, value_name = "DIR", requires = "profile")]
    profiles: Option<PathBuf>,
}

/// A judge, and the moment that it judges as of.
#[derive(Debug)]
pub(crate) struct Set {
    /// The judge.
    pub(crate) judge: Judge,
    /// The moment.
    pub(crate) at: OffsetDateTime,
    /// The same, if it was named: then nothing is known of what happened since.
    pub(crate) as_of: Option<OffsetDateTime>,
}

impl JudgedBy {
    /// The same, with other metadata: what was known at another time.
    pub(crate) fn with_metadata(&self, file: &Path) -> Self {
        Self { mds: Some(file.to_owned()), ..self.clone() }
    }

    /// Reads everything, and says on stderr what it is. `besides` is trusted as well.
    pub(crate) fn set(&self, besides: Anchors, session: &Session) -> Result<Set, CliError> {
        let at = self.at.unwrap_or_else(Session::now);
        let mut anchors = read_anchors(&self.root)?;
        anchors.merge(besides);
        let known = count(anchors.len(), "root", "roots");
        let judge = match &self.mds {
            Some(file) => Judge::new(anchors).with_metadata(self.metadata(file, at)?),
            None => session.judge(anchors)?,
        };
        let metadata = judge.metadata().map_or_else(|| "no FIDO metadata".to_owned(), metadata_in_words);
        session.console.say(&format!("judged by {metadata}, {known}, as of {}", in_words(at)));
        if judge.metadata().is_none() && judge.pinned().is_empty() {
            session
                .console
                .warn("no root is trusted, so that no chain can be; name --mds or --root, or 'keywright mds update'");
        }
        Ok(Set { judge, at, as_of: self.at })
    }

    /// The metadata in a file. Its signature counts if it is good now, or was at the moment that is judged.
    fn metadata(&self, file: &Path, at: OffsetDateTime) -> Result<Metadata, CliError> {
        let bytes =
            std::fs::read(file).map_err(|error| CliError::File { path: file.to_owned(), why: error.to_string() })?;
        if self.unsigned {
            return Ok(Metadata::read(&Blob::unsigned(bytes)?)?);
        }
        let roots = metadata_roots(self.mds_root.as_deref())?;
        let blob = match Blob::signed(bytes.clone(), &roots, Session::now()) {
            Err(MdsError::NotValid { .. }) => Blob::signed(bytes, &roots, at)?,
            now => now?,
        };
        Ok(Metadata::read(&blob)?)
    }
}

impl JudgingProfile {
    /// What the profile demands of attestations, with its name; `None` if none was named.
    pub(crate) fn policy(&self, session: &Session) -> Result<Option<(&ProfileName, Policy)>, CliError> {
        let Some(name) = &self.profile else { return Ok(None) };
        let profiles = profiles::load(self.profiles.as_deref(), &session.settings()?)?;
        let profile = profiles::find(name, &profiles)?;
        Ok(Some((name, Policy::from(&profile.keys))))
    }
}

/// What signing certificates of metadata have to lead to: the root in this file, or else FIDO's.
pub(crate) fn metadata_roots(root: Option<&Path>) -> Result<Anchors, CliError> {
    root.map_or_else(|| Ok(fido_roots()), |root| read_anchors(&[root.to_owned()]))
}

/// The trust anchors in these PEM or DER files.
pub(crate) fn read_anchors(files: &[PathBuf]) -> Result<Anchors, CliError> {
    let mut anchors = Anchors::none();
    for file in files {
        let bytes =
            std::fs::read(file).map_err(|error| CliError::File { path: file.clone(), why: error.to_string() })?;
        let read = Anchors::from_pem_or_der(&bytes)
            .map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))?;
        anchors.merge(read);
    }
    Ok(anchors)
}

fn metadata_in_words(metadata: &Metadata) -> String {
    let id = metadata.id();
    let (number, signer, due) = (id.no, id.signer(), metadata.next_update());
    match metadata.days_overdue(Session::now()) {
        0 => format!("metadata number {number}, {signer} (the next is due {due})"),
        days => format!(
            "metadata number {number}, {signer} (the next was due {due}, {} ago)",
            count(days as usize, "day", "days")
        ),
    }
}

/// Without fractions of a second.
fn in_words(at: OffsetDateTime) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
