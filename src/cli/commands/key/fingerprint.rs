//! `keywright key fingerprint add|list|rename|delete`: fingerprints on keys with a sensor (CTAP 2.1, 6.7).
//!
//! It refuses to keep half an enrolment: one that was given up is cancelled on the key. Whose finger it is nobody can know.

use clap::{Args, Subcommand};
use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::cli::shared::arguments::{Change, OneKey, PinArgument};
use crate::cli::shared::console::Style;
use crate::cli::shared::open_key::{OpenKey, touch_prompt};
use crate::cli::shared::output::{View, table};
use crate::cli::shared::{CliError, Exit, Session, pin_entry};
use keywright_fido::ctap::{Authenticator, CtapError, Fingerprint, Permissions, PinUvAuthToken, Sample, SampleStatus};

/// Add, list, rename or delete fingerprints on a key.
///
/// Needs the key's PIN, which goes on working beside them.
#[derive(Args)]
pub(crate) struct FingerprintCommand {
    #[command(subcommand)]
    command: FingerprintSubcommand,
}

#[derive(Subcommand)]
enum FingerprintSubcommand {
    Add(Add),
    List(List),
    Rename(Rename),
    Delete(Delete),
}

/// Enrol a finger: it touches the sensor several times.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key fingerprint add --name right-thumb")]
struct Add {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// What it is called on the key
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    change: Change,
}

/// List the fingerprints on a key.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key fingerprint list --pin file:pin.txt --json")]
struct List {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Spend one of the last PIN attempts
    #[arg(long)]
    yes: bool,
}

/// Give a fingerprint another name.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key fingerprint rename 0a1b left-thumb")]
struct Rename {
    /// The fingerprint's id, as the list shows it
    id: String,
    /// What it is called on the key
    name: String,
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    #[command(flatten)]
    change: Change,
}

/// Delete a fingerprint.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright key fingerprint delete 0a1b")]
struct Delete {
    /// The fingerprint's id, as the list shows it
    id: String,
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    #[command(flatten)]
    change: Change,
}

/// What was done with a fingerprint.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Done {
    Added,
    Renamed,
    Deleted,
}

/// A fingerprint on a key.
#[derive(Serialize)]
struct Line {
    path: String,
    /// `null` for one that would be added.
    template_id: Option<String>,
    name: Option<String>,
    /// `null` where nothing was changed.
    done: Option<Done>,
}

impl View for Line {
    const KIND: &'static str = "key-fingerprint";
}

impl Line {
    fn new(path: &str, fingerprint: &Fingerprint, done: Option<Done>) -> Self {
        let template_id = Some(HEXLOWER.encode(&fingerprint.template_id));
        Self { path: path.to_owned(), template_id, name: fingerprint.friendly_name.clone(), done }
    }

    fn called(&self) -> String {
        let id = self.template_id.as_deref().unwrap_or("a fingerprint");
        self.name.as_ref().map_or_else(|| id.to_owned(), |name| format!("{id} (\"{name}\")"))
    }
}

impl FingerprintCommand {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        match &self.command {
            FingerprintSubcommand::Add(command) => command.run(session),
            FingerprintSubcommand::List(command) => command.run(session),
            FingerprintSubcommand::Rename(command) => command.run(session),
            FingerprintSubcommand::Delete(command) => command.run(session),
        }
    }
}

/// The key with its sensor, and a token for it.
fn open(
    which: &OneKey,
    pin: &PinArgument,
    yes: bool,
    session: &Session,
) -> Result<(OpenKey, PinUvAuthToken), CliError> {
    let mut key = OpenKey::open(which, session)?;
    // A key without a sensor is not worth a PIN.
    key.authenticator.fingerprint_sensor()?;
    let token = pin_entry::token(&mut key.authenticator, Permissions::BIO_ENROLLMENT, pin.pin.as_ref(), yes, session)?;
    Ok((key, token))
}

/// The fingerprint with this id.
fn find(key: &mut OpenKey, token: &PinUvAuthToken, id: &str) -> Result<Fingerprint, CliError> {
    let wanted = id.to_lowercase();
    let mut all = key.authenticator.fingerprints(token)?.into_iter();
    all.find(|one| HEXLOWER.encode(&one.template_id) == wanted)
        .ok_or_else(|| CliError::NotFound(format!("there is no fingerprint {id} on {}", key.device.path)))
}

impl Add {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (mut key, token) = open(&self.which, &self.pin, self.change.yes, session)?;
        let path = key.device.path.clone();
        let longest = key.authenticator.fingerprint_sensor()?.max_friendly_name;
        if let Some(name) = self.name.as_ref().filter(|name| name.len() > longest) {
            return Err(CliError::Usage(format!("\"{name}\" is longer than the {longest} bytes that this key keeps")));
        }
        if self.change.dry_run {
            let line = Line { path, template_id: None, name: self.name.clone(), done: None };
            session.output.result(&line, || "would enrol a finger".to_owned())?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("enrol a finger on {path}?"), self.change.yes)?;
        let device = key.device.clone();
        let enrolled = enrol(&mut key.authenticator, &token, &mut touch_prompt(session, &device), session);
        if enrolled.is_err() {
            // The first error says more than that there was nothing to cancel.
            let _ = key.authenticator.cancel_fingerprint();
        }
        let template_id = enrolled?;
        if let Some(name) = &self.name {
            key.authenticator.rename_fingerprint(&token, &template_id, name)?;
        }
        let kept = find(&mut key, &token, &HEXLOWER.encode(&template_id))?;
        let line = Line::new(&path, &kept, Some(Done::Added));
        session.output.result(&line, || format!("{path}  enrolled: {}", line.called()))?;
        Ok(Exit::Done)
    }
}

/// Touches until the key is content. A finger that the key has already ends it.
fn enrol(
    key: &mut Authenticator,
    token: &PinUvAuthToken,
    prompt: keywright_fido::ctap::Touch<'_>,
    session: &Session,
) -> Result<Vec<u8>, CliError> {
    let (template_id, mut sample) = key.begin_fingerprint(token, prompt)?;
    while sample.remaining > 0 {
        tell(sample, session);
        if session.cancel.is_cancelled() {
            return Err(CliError::Interrupted);
        }
        if sample.status == SampleStatus::Exists {
            return Err(CliError::NotFound(format!("nothing was enrolled: {}", SampleStatus::Exists)));
        }
        sample = key.next_fingerprint_sample(token, &template_id, prompt)?;
    }
    if sample.status != SampleStatus::Good {
        let why = format!("the last sample was not taken: {}", sample.status);
        let command = "authenticatorBioEnrollment enrollCaptureNextSample";
        return Err(CtapError::InvalidResponse { command, why }.into());
    }
    Ok(template_id)
}

fn tell(sample: Sample, session: &Session) {
    let style = if sample.status == SampleStatus::Good { Style::Good } else { Style::Bad };
    session.console.result("sample", style, &format!("{},", sample.status), &format!("{} more", sample.remaining));
}

impl List {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (mut key, token) = open(&self.which, &self.pin, self.yes, session)?;
        let found = key.authenticator.fingerprints(&token)?;
        let lines: Vec<Line> = found.iter().map(|one| Line::new(&key.device.path, one, None)).collect();
        if session.output.is_json() {
            for line in &lines {
                session.output.object(line)?;
            }
        } else if lines.is_empty() {
            session.console.say("there are no fingerprints on this key");
        } else {
            let heading = ["ID", "NAME"].map(str::to_owned);
            let dash = || "-".to_owned();
            let rows =
                lines.iter().map(|line| [&line.template_id, &line.name].map(|cell| cell.clone().unwrap_or_else(dash)));
            session.output.text(&table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))?;
        }
        Ok(Exit::Done)
    }
}

impl Rename {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (mut key, token) = open(&self.which, &self.pin, self.change.yes, session)?;
        let found = find(&mut key, &token, &self.id)?;
        let path = key.device.path.clone();
        if self.change.dry_run {
            let line = Line::new(&path, &found, None);
            session.output.result(&line, || format!("would rename {} to \"{}\"", line.called(), self.name))?;
            return Ok(Exit::Done);
        }
        key.authenticator.rename_fingerprint(&token, &found.template_id, &self.name)?;
        let renamed = find(&mut key, &token, &self.id)?;
        let line = Line::new(&path, &renamed, Some(Done::Renamed));
        if renamed.friendly_name.as_ref() != Some(&self.name) {
            return Err(CliError::NotFound(format!("the key accepted the name but calls it {}", line.called())));
        }
        session.output.result(&line, || format!("{path}  renamed: {}", line.called()))?;
        Ok(Exit::Done)
    }
}

impl Delete {
    fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (mut key, token) = open(&self.which, &self.pin, self.change.yes, session)?;
        let found = find(&mut key, &token, &self.id)?;
        let path = key.device.path.clone();
        let mut line = Line::new(&path, &found, None);
        if self.change.dry_run {
            session.output.result(&line, || format!("would delete {}", line.called()))?;
            return Ok(Exit::Done);
        }
        session.console.confirm(&format!("delete fingerprint {} from {path}?", line.called()), self.change.yes)?;
        key.authenticator.delete_fingerprint(&token, &found.template_id)?;
        if key.authenticator.fingerprints(&token)?.iter().any(|one| one.template_id == found.template_id) {
            return Err(CliError::NotFound(format!("the key accepted the command but still has {}", line.called())));
        }
        line.done = Some(Done::Deleted);
        session.output.result(&line, || format!("{path}  deleted: {}", line.called()))?;
        Ok(Exit::Done)
    }
}
