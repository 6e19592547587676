//! What a run needs besides keys: settings, a state folder that can be written to, a ledger that is as it was written.

use std::path::{Path, PathBuf};

use super::{Check, Finding};
use crate::cli::shared::output::count;
use crate::cli::shared::state::StateFolder;
use crate::cli::shared::{CliError, Session};
use crate::ledger::chain;
use crate::ledger::postgres::health;
use crate::profile;
use crate::register::Register;
use crate::secret::memory::{Protection, Swapped, protection};
use crate::settings::Settings;

/// How many seconds two clocks may be apart before somebody is told.
const CLOCKS_APART: u64 = 60;

/// Looks at everything that does not need a key. Changes nothing, and asks no IdP.
pub(crate) fn look(session: &Session) -> Vec<Finding> {
    let mut findings = settings(session);
    findings.push(memory());
    match session.state() {
        Ok(state) => {
            findings.extend([metadata(&state), folder(&state)]);
            findings.extend(register(session));
            findings.extend(ledger(&state, session));
        }
        Err(error) => findings.push(Finding::of_error(Check::State, "", &error)),
    }
    findings
}

fn settings(session: &Session) -> Vec<Finding> {
    let file = session.global.config.as_ref().map_or("keywright.toml".to_owned(), |file| file.display().to_string());
    let settings = match session.settings() {
        Ok(settings) => settings,
        Err(error) => {
            return vec![Finding::of_error(Check::Settings, file, &error)];
        }
    };
    let mut findings = vec![Finding::well(Check::Settings, file, "in order")];
    if settings.idp.is_empty() {
        findings.push(Finding::left(Check::Idp, "-", "no IdP is set up", "keywright idp add NAME"));
    }
    let asked = |name| Finding::well(Check::Idp, name, format!("not asked; 'keywright idp check --idp {name}' does"));
    findings.extend(settings.idp.keys().map(asked));
    findings.extend([readers(&settings), letters(&settings), profiles(&settings)]);
    findings
}

/// Who opens the files with PINs; the profiles that hand them over so need somebody.
fn readers(settings: &Settings) -> Finding {
    let names: Vec<_> = settings.readers.iter().map(|reader| reader.name.as_str()).collect();
    match names.as_slice() {
        [] => {
            let message = "nobody opens PIN files; profiles with hand-over = \"age\" need a reader";
            Finding::left(Check::Readers, "-", message, "keywright init, or --reader NAME=age1...")
        }
        _ => Finding::well(Check::Readers, names.join(", "), "can open PIN files"),
    }
}

fn letters(settings: &Settings) -> Finding {
    let Some(program) = settings.letter_program.first() else {
        let message = "no program prints PIN letters; profiles with hand-over = \"letter\" need one";
        return Finding::left(Check::Letters, "-", message, "keywright init, or --letter-program 'lp -d PRINTER'");
    };
    let words = settings.letter_program.join(" ");
    match find_program(program) {
        Some(_) => Finding::well(Check::Letters, words, "prints PIN letters"),
        None => {
            let step = "install it, or name another with letter-program in the settings";
            Finding::wrong(Check::Letters, words, "there is no such program", step)
        }
    }
}

fn profiles(settings: &Settings) -> Finding {
    let folder = settings.profiles.as_deref();
    let subject = folder.map_or_else(|| "built in".to_owned(), |folder| folder.display().to_string());
    match profile::load(folder) {
        Ok(profiles) => {
            let names: Vec<_> = profiles.keys().map(ToString::to_string).collect();
            Finding::well(Check::Profiles, subject, names.join(", "))
        }
        Err(error) => Finding::of_error(Check::Profiles, subject, &error.into()),
    }
}

/// Without metadata a key's maker cannot be verified, and the built-in profiles demand that.
fn metadata(state: &StateFolder) -> Finding {
    let read = || -> Result<Finding, CliError> {
        let subject = "FIDO metadata";
        let Some((metadata, record)) = state.metadata()?.load()? else {
            let message = "none is stored; profiles that demand a trusted attestation refuse every key without it";
            return Ok(Finding::left(Check::Metadata, subject, message, "keywright mds update"));
        };
        let number = record.id.no;
        Ok(match metadata.days_overdue(Session::now()) {
            0 => Finding::well(Check::Metadata, subject, format!("number {number}, in date")),
            days => {
                let message = format!(
                    "number {number}, {} overdue",
                    count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days")
                );
                Finding::left(Check::Metadata, subject, message, "keywright mds update")
            }
        })
    };
    read().unwrap_or_else(|error| Finding::of_error(Check::Metadata, "FIDO metadata", &error))
}

/// Where a program is that is named as a shell would: a path, or a name on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains(std::path::is_separator) {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether PINs in memory can reach a disk or another program of this account.
fn memory() -> Finding {
    let Protection { readable, dumped, swapped } = protection();
    let mut facts = vec![match swapped {
        Swapped::Locked => "locked, so that PINs are never swapped to disk",
        Swapped::NoSwap => "not locked, but there is no swap space",
        Swapped::Possible => {
            "not locked: PINs may be swapped to disk; encrypt the swap space, or 'ulimit -l unlimited'"
        }
        Swapped::CannotTell => "not locked: whether PINs may be swapped to disk cannot be told; encrypt the disk",
    }];
    facts.extend((dumped == Some(true)).then_some("a crash writes it to disk"));
    facts.extend((readable == Some(true)).then_some("other programs of this account can read it"));
    let message = facts.join("; ");
    match (readable, dumped) {
        (Some(true), _) | (_, Some(true)) => {
            Finding::wrong(Check::Memory, "this process", message, "allow keywright prctl() and setrlimit()")
        }
        _ => Finding::well(Check::Memory, "this process", message),
    }
}

fn folder(state: &StateFolder) -> Finding {
    let subject = state.path().display().to_string();
    let there = state.path().exists();
    // A folder that is still to be made is made in the nearest one that is there.
    let nearest = state.path().ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    if let Err(error) = tempfile::Builder::new().prefix(".keywright-doctor").tempfile_in(nearest) {
        let why = format!("cannot be written to: {}: {}", nearest.display(), plain(&error));
        return Finding::wrong(Check::State, subject, why, "name a folder of your own with --state");
    }
    if there && others_may_look_in(state.path()) {
        let step = format!("chmod 700 '{subject}'");
        return Finding::wrong(Check::State, subject, "other accounts may look in", step);
    }
    Finding::well(Check::State, subject, if there { "can be written to" } else { "is made when it is needed" })
}

/// The system's words without the name of our temporary file.
fn plain(error: &std::io::Error) -> String {
    error.get_ref().and_then(|inner| inner.source()).map_or_else(|| error.kind().to_string(), ToString::to_string)
}

#[cfg(unix)]
fn others_may_look_in(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_look_in(_folder: &Path) -> bool {
    false
}

/// What the server shows that has the register, if one has.
fn register(session: &Session) -> Option<Finding> {
    let server = match session.server() {
        Ok(server) => server?,
        // Settings that cannot be read are a finding of their own.
        Err(CliError::Settings(_)) => return None,
        Err(error) => return Some(Finding::of_error(Check::Register, "-", &error)),
    };
    let subject = server.access.url.to_string();
    let wrong = |message: String, step: &str| Finding::wrong(Check::Register, subject.clone(), message, step);
    Some(match health(server.access) {
        Err(error) => Finding::of_error(Check::Register, subject, &error.into()),
        Ok(seen) if seen.is_replica => wrong(
            format!("PostgreSQL {}, a replica that can only be read", seen.server),
            "name the server that can be written in the settings (register)",
        ),
        Ok(seen) if seen.could_change => wrong(
            format!("PostgreSQL {}; this role could change what was written", seen.server),
            "name a role of the station's own in the settings, and 'keywright register init --writer ROLE'",
        ),
        Ok(seen) if seen.clock_ahead.unsigned_abs() > CLOCKS_APART => wrong(
            format!("this station's clock is {} s off the server's, whose time the register has", seen.clock_ahead),
            "set both clocks by NTP",
        ),
        Ok(seen) if !seen.appends => Finding::left(
            Check::Register,
            subject,
            format!("PostgreSQL {}; this role reads and may not append", seen.server),
            "where this is a station: keywright register init --writer ROLE",
        ),
        Ok(seen) => {
            Finding::well(Check::Register, subject, format!("PostgreSQL {}; this role may append", seen.server))
        }
    })
}

/// `None` where nobody can tell where it is: what is in the way of that is a finding of its own.
fn ledger(state: &StateFolder, session: &Session) -> Option<Finding> {
    let server = session.server().ok()?;
    let subject = server.map_or_else(|| state.ledger().display().to_string(), |server| server.access.url.to_string());
    Some(match events(session) {
        Ok(None) => Finding::well(Check::Ledger, subject, "none yet"),
        Ok(Some((events, snapshot))) => {
            let events = count(events, "event", "events");
            Finding::well(Check::Ledger, subject, format!("{events}, unchanged{snapshot}"))
        }
        Err(error) => Finding::of_error(Check::Ledger, subject, &error),
    })
}

/// How many events there are, if there is a ledger, and what is kept of the register beside it; fails unless the chain holds and
/// the events make sense one after the other.
fn events(session: &Session) -> Result<Option<(usize, String)>, CliError> {
    let Some(store) = session.ledger_if_any()? else { return Ok(None) };
    let entries = store.entries(0)?;
    chain::verify(&entries, None)?;
    Register::read(&entries)?;
    let snapshot = match store.kept() {
        Ok(None) => String::new(),
        Ok(Some(kept)) => format!("; snapshot of the register at event {}", kept.head.seq),
        Err(why) => format!("; the snapshot of the register is not used: {why}"),
    };
    Ok(Some((entries.len(), snapshot)))
}
