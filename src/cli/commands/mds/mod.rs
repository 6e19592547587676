//! `keywright mds`: what the FIDO Alliance says of models of security keys.

pub(crate) mod diff;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod update;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::shared::judging::metadata_roots;
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use keywright_attest::mds::{Blob, BlobStore, Record, Stored};
use keywright_attest::{Anchors, Metadata};

/// What the FIDO Alliance says of models of keys: fetch it, look into it, compare it.
#[derive(Args)]
pub(crate) struct Mds {
    #[command(subcommand)]
    command: MdsCommand,
}

#[derive(Subcommand)]
enum MdsCommand {
    Update(update::Update),
    Import(import::Import),
    Status(status::Status),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
}

impl Mds {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            MdsCommand::Update(command) => command.run(session),
            MdsCommand::Import(command) => command.run(session),
            MdsCommand::Status(command) => command.run(session),
            MdsCommand::List(command) => command.run(session),
            MdsCommand::Show(command) => command.run(session),
            MdsCommand::Diff(command) => command.run(session),
        }
    }
}

/// Who has to have signed a BLOB.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Signer {
    /// The root that the signing certificates have to lead to, PEM or DER, instead of FIDO's (GlobalSign Root CA - R3 and Root
    /// R46); the metadata is never called FIDO's then
    #[arg(long, value_name = "CERT")]
    root: Option<PathBuf>,
}

impl Signer {
    fn roots(&self) -> Result<Anchors, CliError> {
        metadata_roots(self.root.as_deref())
    }
}

/// A BLOB in a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct BlobFile {
    /// The BLOB
    file: PathBuf,
    /// Accept it without a valid signature; every verdict that uses it says so
    #[arg(long, conflicts_with = "root")]
    unsigned: bool,
    #[command(flatten)]
    signer: Signer,
}

impl BlobFile {
    fn read(&self) -> Result<Blob, CliError> {
        let bytes = std::fs::read(&self.file)
            .map_err(|error| CliError::File { path: self.file.clone(), why: error.to_string() })?;
        if self.unsigned {
            return Ok(Blob::unsigned(bytes)?);
        }
        Ok(Blob::signed(bytes, &self.signer.roots()?, Session::now())?)
    }
}

/// Puts a BLOB to use and tells what became of it.
fn store(blob: &Blob, source: &str, session: &Session) -> Result<Exit, CliError> {
    let state = session.state()?;
    let (metadata, stored) = state.create()?.metadata()?.store(blob, source, Session::now())?;
    let (record, before) = match &stored {
        Stored::New { record, replaced } => (record, replaced.as_ref().map(|replaced| replaced.id.no)),
        Stored::Same(record) => (record, Some(record.id.no)),
    };
    let done = Done {
        status: status::Document::new(record, &metadata),
        new: matches!(stored, Stored::New { .. }),
        replaced: before,
    };
    session.output.result(&done, || match (&stored, before) {
        (Stored::Same(_), _) => format!("number {} is already stored\n{}", record.id.no, done.status.metadata_text()),
        (_, Some(no)) => format!("number {} is in use, instead of {no}\n{}", record.id.no, done.status.metadata_text()),
        _ => format!("number {} is in use\n{}", record.id.no, done.status.metadata_text()),
    })?;
    Ok(Exit::Done)
}

#[derive(serde::Serialize)]
struct Done<'a> {
    #[serde(flatten)]
    status: status::Document<'a>,
    /// Whether it was not in use before.
    new: bool,
    /// The number that was in use before.
    replaced: Option<u64>,
}

impl View for Done<'_> {
    const KIND: &'static str = "metadata-stored";
}

/// The metadata in use.
fn in_use(blob_store: &BlobStore) -> Result<(Metadata, Record), CliError> {
    blob_store.load()?.ok_or(CliError::NoMetadata)
}

/// A path as it is kept in the record: absolute where that is known.
fn source_of(file: &Path) -> String {
    file.canonicalize().unwrap_or_else(|_| file.to_owned()).display().to_string()
}
