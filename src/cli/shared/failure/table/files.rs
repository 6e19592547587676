//! Secrets, the ledger, and what people write: profiles, rosters, settings, metadata.

use super::{CHECK_PATH, FETCH_AGAIN, FREE_SPACE, Meaning, RUN_AGAIN, keys, row};
use crate::cli::shared::Exit::{Failed, Interrupted, Usage};
use crate::ledger::LedgerError;
use crate::profile::stock_list::StockListError;
use crate::profile::{ProfileError, RosterError};
use crate::rollout::PlanError;
use crate::secret::SecretError;
use crate::settings::SettingsError;
use keywright_attest::MdsError;
use keywright_files::FileError;

pub(super) fn stock_list(error: &StockListError) -> Meaning {
    match error {
        StockListError::Unreadable { .. } => row(Failed, CHECK_PATH),
        StockListError::NoSerials { .. } => row(Usage, "name the column of serial numbers serial in the first line"),
        StockListError::Rows { .. } => row(Usage, "correct these rows, then run this again; nothing was written"),
    }
}

pub(super) fn secret(error: &SecretError) -> Meaning {
    match error {
        SecretError::File(error) => file(error),
        SecretError::Pin(error) => keys::pin(error),
        SecretError::Interrupted => row(Interrupted, RUN_AGAIN),
        SecretError::Recipient(_) => row(Usage, "a recipient starts with age1; 'age-keygen -y' prints it"),
        SecretError::Reader(_) | SecretError::SecretKey => {
            row(Usage, "name a reader as NAME=age1..., with the public key")
        }
        SecretError::Sealing { .. } => row(
            Usage,
            "install age and this reader's plugin (age-plugin-NAME) on this station, or give the reader a key of age's own (age1...)",
        ),
        SecretError::SameReader(_) => row(Usage, "give each reader a name of their own"),
        SecretError::NoReader => {
            row(Usage, "add readers = [\"NAME=age1...\"] to the settings, or name one with --reader")
        }
        SecretError::NoLetterProgram => row(Usage, "add letter-program = [\"lp\"] to the settings"),
        SecretError::NoTerminal => row(Usage, "run this on a terminal, or choose another hand-over in the profile"),
        SecretError::Name(_) => row(Failed, "remove what is not a sealed PIN from the folder pins in the vault"),
        SecretError::Missing(_) => row(
            Failed,
            "put it there, or name another place: prompt, file:PATH, age:PATH, env:NAME, fd:N or 'command:PROGRAM ARG...'",
        ),
        SecretError::Command { .. } => row(Failed, "run it by hand: it has to print the secret and nothing before it"),
        SecretError::UnsendableToken { .. } => {
            row(Failed, "copy the token anew, letters, digits and signs alone; nothing was sent")
        }
        SecretError::Sealed { .. } => row(Failed, "'age --decrypt' tells whether it opens at all"),
        SecretError::NoIdentity { .. } => row(Failed, "set KEYWRIGHT_AGE_IDENTITY to the file that age-keygen made"),
        SecretError::Unsealable { .. } | SecretError::IdentityLost { .. } => {
            row(Failed, "the state folder's vault has another station's identity; restore it from the backup")
        }
        SecretError::Shared(_) => row(Failed, "when the register's server is back, 'keywright resume' goes on"),
        SecretError::AnotherPin { .. } => row(
            Failed,
            "put the files of the vault back as they were, then 'keywright resume'; nothing was handed over",
        ),
        SecretError::Printer { .. } => {
            row(Failed, "the PIN is still sealed; repair the printer, then 'keywright resume'")
        }
    }
}

pub(super) fn file(error: &FileError) -> Meaning {
    match error {
        FileError::Io { .. } => row(Failed, CHECK_PATH),
        FileError::DiskFull { .. } => row(Failed, FREE_SPACE),
        FileError::InsecurePermissions { path } => row(Failed, format!("chmod 600 {path}")),
        FileError::OthersCanWrite { path } => row(Failed, format!("look at what is in it, then: chmod go-w '{path}'")),
        FileError::Foreign { path, .. } => {
            row(Failed, format!("if what is in it is yours: sudo chown $(id -u) '{path}'"))
        }
        FileError::Link { path } => row(Failed, format!("look where it leads, then: rm '{path}'")),
    }
}

pub(super) fn ledger(error: &LedgerError) -> Meaning {
    match error {
        LedgerError::Locked { .. } => row(Failed, "wait for it to end; 'keywright status' works meanwhile"),
        LedgerError::NotALedger { .. } => row(Failed, "name another state folder with --state"),
        LedgerError::ReadOnly { .. } => row(Failed, "run this without --dry-run"),
        LedgerError::Newer { .. } => row(Failed, "use the newer keywright; this one leaves the ledger alone"),
        LedgerError::Older { .. } => row(Failed, "its owner runs 'keywright register migrate'"),
        LedgerError::Unreachable { .. } => row(
            Failed,
            "when it is back, 'keywright resume' looks at what came of the last step; 'keywright doctor' tests the way",
        ),
        LedgerError::Replica { .. } => row(Failed, "name the server that can be written in the settings (register)"),
        LedgerError::NoRight { .. } => {
            row(Failed, "its owner gives a station's role its rights with 'keywright register init --writer ROLE'")
        }
        LedgerError::Column { .. } => row(
            Failed,
            "ask who administers the database what was changed; a backup restored beside it shows what it was",
        ),
        LedgerError::NotEmpty { .. } => row(Failed, "name a place where there is none"),
        LedgerError::Claimed { .. } => row(Failed, "end the work there, or wait until then and run this again"),
        LedgerError::Missing { path } if path.starts_with("postgres") => {
            row(Failed, "its owner makes it with 'keywright register init'")
        }
        LedgerError::Missing { .. } => row(Failed, "name the state folder with --state, or provision somebody first"),
        LedgerError::Replaced { .. } => {
            row(Failed, "put the file back or leave the new one, and look who changed it; then 'keywright resume'")
        }
        LedgerError::DiskFull { .. } => row(Failed, "free disk space, then 'keywright resume'"),
        LedgerError::Broken { .. } => {
            row(Failed, "somebody changed the ledger; keep this file and compare it with the last export")
        }
        LedgerError::Rejected { .. } => row(Failed, "'keywright status' shows what the ledger says now"),
        LedgerError::Conflict { .. } => row(Failed, "nothing was written; run the command again"),
        LedgerError::Head(_) => row(Failed, "'keywright ledger verify' prints the head"),
        LedgerError::NotAsRemembered(_) => {
            row(Failed, "put the newer ledger back; if it is lost for good: keywright ledger accept --reason WHY")
        }
        LedgerError::Forged { .. } | LedgerError::TimeStamp { .. } => {
            row(Failed, "keep that file, and look who could change it")
        }
        LedgerError::Private(error) => file(error),
        LedgerError::Database(_) => row(Failed, FREE_SPACE),
        LedgerError::File { .. } => row(Failed, CHECK_PATH),
    }
}

pub(super) fn profile(error: &ProfileError) -> Meaning {
    match error {
        ProfileError::Setting { .. } => row(Usage, "correct the profile; the built-in ones show every setting"),
        ProfileError::Unreadable { .. } => row(Usage, CHECK_PATH),
        ProfileError::Shared(error) => Meaning { exit: Usage, ..file(error) },
    }
}

pub(super) fn roster(error: &RosterError) -> Meaning {
    match error {
        RosterError::Unreadable { .. } => row(Usage, "a roster is a CSV file in UTF-8"),
        RosterError::Empty { .. } => row(Usage, "the first line is 'account,profile', then one person a line"),
        RosterError::Heading { names, .. } => {
            let names: Vec<_> = names.iter().filter(|name| !name.is_empty()).map(String::as_str).collect();
            let names = names.join(", ");
            row(Usage, format!("name the right one of these with --column account=HEADING: {names}"))
        }
        RosterError::Rows { .. } => row(Usage, "correct these rows; nothing was touched"),
    }
}

pub(super) fn plan(error: &PlanError) -> Meaning {
    match error {
        PlanError::Wrong { .. } => row(Usage, "correct the plan at these places; docs/rollout.md shows every setting"),
        PlanError::Unreadable { .. } => {
            row(Usage, "name the plan with --rollout; docs/rollout.toml is one to begin with")
        }
        PlanError::Shared(error) => Meaning { exit: Usage, ..file(error) },
    }
}

pub(super) fn settings(error: &SettingsError) -> Meaning {
    match error {
        SettingsError::Setting { .. } => row(Usage, "correct the settings at this place"),
        SettingsError::Unreadable { .. } => row(Usage, "check the path of the settings, or name a file with --config"),
        SettingsError::Unwritable { .. } => row(Failed, CHECK_PATH),
        SettingsError::Shared(error) => Meaning { exit: Usage, ..file(error) },
        SettingsError::NoIdp => {
            row(Usage, "'keywright idp add NAME' sets one up; --idp http://127.0.0.1:8460 is one for practice")
        }
        SettingsError::SeveralIdps { known } | SettingsError::UnknownIdp { known, .. } if !known.is_empty() => row(
            Usage,
            format!("--idp takes one of: {}; 'keywright idp default NAME' makes one the default", known.join(", ")),
        ),
        SettingsError::SeveralIdps { .. } | SettingsError::UnknownIdp { .. } => {
            row(Usage, "'keywright idp add NAME' sets one up")
        }
        SettingsError::IdpExists { file, .. } => {
            row(Usage, format!("choose another name, or change that table in {file}"))
        }
        SettingsError::Unanswered { missing } => {
            let sets = missing.iter().map(|one| format!("--set {}={}", one.key, one.example));
            row(Usage, format!("add, for example: {}", sets.collect::<Vec<_>>().join(" ")))
        }
        SettingsError::WillNotRead { .. } => row(Usage, "nothing was written; repeat with other answers"),
        SettingsError::NoPracticeIdp => row(Usage, "name the identity provider as it is called in the settings"),
        SettingsError::NoToken => row(Usage, "add --idp-token, for example --idp-token env:KEYWRIGHT_TOKEN"),
    }
}

pub(super) fn mds(error: &MdsError) -> Meaning {
    match error {
        MdsError::Unsigned => row(Failed, "take it without a signature with --unsigned, if you know where it is from"),
        MdsError::NotValid { .. } => {
            row(Failed, "fetch the newest with 'keywright mds update', or take this one with --unsigned")
        }
        MdsError::RollBack { .. } => {
            row(Failed, "keep the newer one; to start over, remove the folder mds in the state folder")
        }
        MdsError::Damaged(_) => row(Failed, "remove the folder mds in the state folder, then 'keywright mds update'"),
        MdsError::Malformed(_) | MdsError::Signature | MdsError::Order | MdsError::Name | MdsError::Algorithm(_) => {
            row(Failed, FETCH_AGAIN)
        }
        MdsError::Untrusted(_) => row(
            Failed,
            "nothing was stored; fetch it from https://mds3.fidoalliance.org/, or name its root (--root, or --mds-root)",
        ),
        MdsError::Private(error) => file(error),
    }
}
