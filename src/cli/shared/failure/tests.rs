//! Every error of every room: its exit code, and the tone of its message and its hint.

use std::path::PathBuf;
use std::time::Duration;

use keywright_fido::ctap::{StatusCode, StatusMeaning, TimeoutPhase};
use keywright_fido::webauthn::WebauthnError;
use time::macros::date;

use super::*;
use crate::idp::Finding;
use crate::ledger::rollout::{EnforcementId, RecoveryId, RecoveryStep};
use crate::ledger::{AccountId, Failure, FailureCode, Head, Mismatch};
use crate::provision::{NoDelivery, PersonError};
use crate::register::CredentialState;
use crate::rollout::enforce::EnforceError;
use crate::rollout::recover::{RecoverError, StepError};
use crate::rollout::unknown_key::UnknownKeyError;
use crate::settings::MissingAnswer;
use keywright_files::FileError;

/// Two lines of a terminal with 80 columns.
const LONGEST_HINT: usize = 160 - "hint: ".len();

fn account() -> AccountId {
    AccountId::new("corp", "ada@example.org")
}

fn of_keys() -> Vec<(CliError, Exit)> {
    let one = || vec!["soft:1".to_owned()];
    let ctap = "authenticatorClientPIN";
    vec![
        (KeysError::None.into(), Exit::Key),
        (KeysError::Ambiguous { keys: one() }.into(), Exit::Key),
        (KeysError::SeveralTouched { keys: one() }.into(), Exit::Key),
        (KeysError::NotInLedger.into(), Exit::Key),
        (KeysError::NotThisOne { number: crate::ledger::KeyNumber(42), keys: one() }.into(), Exit::Key),
        (KeysError::NotThere { name: "1-2".into(), keys: one() }.into(), Exit::Key),
        (TransportError::Removed.into(), Exit::Failed),
        (TransportError::Mute { reader: "ACS ACR1252 00 00".into() }.into(), Exit::Failed),
        (TransportError::NoPermission { path: "/dev/hidraw0".into() }.into(), Exit::Failed),
        (TransportError::Held { path: "/dev/hidraw0".into(), holder: "firefox".into() }.into(), Exit::Failed),
        (TransportError::Timeout { phase: TimeoutPhase::Silence, after: Duration::from_secs(3) }.into(), Exit::Failed),
        (TransportError::Timeout { phase: TimeoutPhase::Exchange, after: Duration::from_secs(3) }.into(), Exit::Failed),
        (TransportError::Refused { code: 6, name: "ERR_CHANNEL_BUSY".into() }.into(), Exit::Failed),
        (TransportError::Busy(Duration::from_secs(3)).into(), Exit::Failed),
        (TransportError::Protocol("a packet is out of sequence").into(), Exit::Failed),
        (TransportError::MessageTooLong(9000).into(), Exit::Failed),
        (TransportError::Cancelled.into(), Exit::Interrupted),
        (TransportError::System("hidapi error".into()).into(), Exit::Failed),
        (CtapError::Transport(TransportError::Cancelled).into(), Exit::Interrupted),
        (CtapError::Status { command: ctap, status: StatusCode::PinInvalid }.into(), Exit::Pin),
        (CtapError::Status { command: ctap, status: StatusCode::PinBlocked }.into(), Exit::Pin),
        (CtapError::Status { command: ctap, status: StatusCode::KeyStoreFull }.into(), Exit::Failed),
        (CtapError::InvalidResponse { command: ctap, why: "it is empty".into() }.into(), Exit::Failed),
        (CtapError::Webauthn(WebauthnError::BadSignature).into(), Exit::Failed),
        (CtapError::Unsupported("credential management (credMgmt)").into(), Exit::Failed),
        (CtapError::Limit { what: "the length of a request", asked: 9000, maximum: 1024 }.into(), Exit::Failed),
        (CtapError::Pin(PinError::Nul).into(), Exit::Pin),
        (CtapError::Crypto("no random bytes").into(), Exit::Failed),
        (PinError::TooShort { length: 3, minimum: 4 }.into(), Exit::Pin),
        (PinError::TooLong { length: 70, maximum: 63 }.into(), Exit::Pin),
        (PinError::Nul.into(), Exit::Pin),
        (PinAttemptError::Wrong { left: 7 }.into(), Exit::Pin),
        (PinAttemptError::Blocked.into(), Exit::Pin),
        (PinAttemptError::Replug { left: Some(5) }.into(), Exit::Pin),
        (PinAttemptError::Few { left: 3 }.into(), Exit::Pin),
        (CliError::PinState { what: "the key has no PIN", next: "'keywright key pin set' gives it one" }, Exit::Pin),
    ]
}

fn of_secrets() -> Vec<(CliError, Exit)> {
    let (path, why) = (|| "vault/pins/1.age".to_owned(), || "it is damaged".to_owned());
    let program = || "lp".to_owned();
    vec![
        (SecretError::File(FileError::Io { path: path(), why: why() }).into(), Exit::Failed),
        (SecretError::File(FileError::InsecurePermissions { path: path() }).into(), Exit::Failed),
        (FileError::Io { path: path(), why: why() }.into(), Exit::Failed),
        (FileError::DiskFull { path: path() }.into(), Exit::Failed),
        (FileError::OthersCanWrite { path: path() }.into(), Exit::Failed),
        (FileError::Foreign { path: path(), owner: 1000 }.into(), Exit::Failed),
        (FileError::Link { path: path() }.into(), Exit::Failed),
        (SecretError::IdentityLost { path: path() }.into(), Exit::Failed),
        (SecretError::Unsealable { path: path(), why: why() }.into(), Exit::Failed),
        (SecretError::Shared(why()).into(), Exit::Failed),
        (CliError::Moved { to: "age1x".into() }, Exit::Failed),
        (SecretError::AnotherPin { path: path() }.into(), Exit::Failed),
        (SecretError::Name("x".into()).into(), Exit::Failed),
        (SecretError::Recipient("x".into()).into(), Exit::Usage),
        (SecretError::Sealing { recipient: "age1x1q".into(), why: why(), said: None }.into(), Exit::Usage),
        (SecretError::Reader("x".into()).into(), Exit::Usage),
        (SecretError::SecretKey.into(), Exit::Usage),
        (SecretError::SameReader("helpdesk".into()).into(), Exit::Usage),
        (SecretError::NoReader.into(), Exit::Usage),
        (SecretError::NoLetterProgram.into(), Exit::Usage),
        (SecretError::NoTerminal.into(), Exit::Usage),
        (SecretError::Missing("env:TOKEN".into()).into(), Exit::Failed),
        (SecretError::UnsendableToken { place: "file:token".into(), char: '\u{a0}' }.into(), Exit::Failed),
        (SecretError::Sealed { path: path(), why: why() }.into(), Exit::Failed),
        (SecretError::NoIdentity { path: path() }.into(), Exit::Failed),
        (SecretError::Command { program: program(), why: "it ended with 1".into(), said: None }.into(), Exit::Failed),
        (SecretError::Interrupted.into(), Exit::Interrupted),
        (SecretError::Printer { program: program(), why: "exited with 1".into(), said: None }.into(), Exit::Failed),
        (SecretError::Pin(PinError::Nul).into(), Exit::Pin),
    ]
}

fn of_files() -> Vec<(CliError, Exit)> {
    let (path, why) = (|| "state/ledger.sqlite3".to_owned(), || "it cannot be read".to_owned());
    let settings = |error: SettingsError| (error.into(), Exit::Usage);
    vec![
        (LedgerError::Locked { path: path(), holder: "keywright 7".into() }.into(), Exit::Failed),
        (LedgerError::NotALedger { path: path() }.into(), Exit::Failed),
        (LedgerError::ReadOnly { path: path() }.into(), Exit::Failed),
        (LedgerError::Newer { path: path(), found: 9, known: 1 }.into(), Exit::Failed),
        (LedgerError::Missing { path: path() }.into(), Exit::Failed),
        (LedgerError::Replaced { path: path() }.into(), Exit::Failed),
        (LedgerError::DiskFull { path: path() }.into(), Exit::Failed),
        (LedgerError::Broken { seq: 7, why: why() }.into(), Exit::Failed),
        (LedgerError::Rejected { why: why() }.into(), Exit::Failed),
        (LedgerError::Conflict { expected: Head::EMPTY, found: Head::EMPTY }.into(), Exit::Failed),
        (LedgerError::NotAsRemembered(Mismatch::Forked { known: 7 }).into(), Exit::Failed),
        (LedgerError::Forged { name: "w".into(), path: path() }.into(), Exit::Failed),
        (LedgerError::Private(FileError::InsecurePermissions { path: path() }).into(), Exit::Failed),
        (LedgerError::Column { name: "body".into(), why: why() }.into(), Exit::Failed),
        (LedgerError::Head("x".into()).into(), Exit::Failed),
        (LedgerError::Database("disk I/O error".into()).into(), Exit::Failed),
        (LedgerError::Private(FileError::Link { path: path() }).into(), Exit::Failed),
        (LedgerError::File { path: path(), why: why() }.into(), Exit::Failed),
        (ProfileError::Setting { file: path(), line: 1, column: 2, why: why() }.into(), Exit::Usage),
        (ProfileError::Unreadable { file: path(), why: why() }.into(), Exit::Usage),
        (ProfileError::Shared(FileError::OthersCanWrite { path: path() }).into(), Exit::Usage),
        (RosterError::Unreadable { file: path(), why: why() }.into(), Exit::Usage),
        (RosterError::Empty { file: path() }.into(), Exit::Usage),
        (
            RosterError::Heading { file: path(), row: 1, wrong: vec![why()], names: vec!["UPN".into()] }.into(),
            Exit::Usage,
        ),
        (RosterError::Rows { file: path(), rows: vec![(2, why())] }.into(), Exit::Usage),
        settings(SettingsError::Setting { file: path(), line: 1, column: 2, why: why() }),
        settings(SettingsError::Unreadable { file: path(), why: why() }),
        settings(SettingsError::Shared(FileError::OthersCanWrite { path: path() })),
        (SettingsError::Unwritable { file: path(), why: why() }.into(), Exit::Failed),
        (PlanError::Wrong { file: path(), faults: Vec::new() }.into(), Exit::Usage),
        (PlanError::Unreadable { file: path(), why: why() }.into(), Exit::Usage),
        (PlanError::Shared(FileError::OthersCanWrite { path: path() }).into(), Exit::Usage),
        (RolloutError::Unreadable { file: path(), why: why() }.into(), Exit::Failed),
        (RolloutError::Changed { file: path() }.into(), Exit::Failed),
        (RolloutError::File(FileError::DiskFull { path: path() }).into(), Exit::Failed),
        (RolloutError::NoPeople { directory: "corp".into() }.into(), Exit::Failed),
        (RolloutError::NobodyHasRole { role: "boss".into(), known: vec!["owner".into()] }.into(), Exit::Failed),
        (RolloutError::NobodyHasRole { role: "boss".into(), known: Vec::new() }.into(), Exit::Failed),
        (RolloutError::Stopped.into(), Exit::Interrupted),
        settings(SettingsError::NoIdp),
        settings(SettingsError::SeveralIdps { known: vec!["corp".into(), "lab".into()] }),
        settings(SettingsError::UnknownIdp { name: "x".into(), known: vec!["corp".into()] }),
        settings(SettingsError::UnknownIdp { name: "x".into(), known: vec![] }),
        settings(SettingsError::IdpExists { name: "corp".into(), file: path() }),
        settings(SettingsError::Unanswered {
            missing: vec![MissingAnswer { key: "url", example: "https://x.example".into(), otherwise: vec![] }],
        }),
        settings(SettingsError::WillNotRead { name: "corp".into(), file: path(), why: why() }),
        settings(SettingsError::NoPracticeIdp),
        settings(SettingsError::NoToken),
        (TrustError::NotACertificate(why()).into(), Exit::Usage),
        (TrustError::Pem(why()).into(), Exit::Usage),
        (TrustError::NoCertificate.into(), Exit::Usage),
        (MdsError::Malformed(why()).into(), Exit::Failed),
        (MdsError::Unsigned.into(), Exit::Failed),
        (MdsError::Algorithm("none".into()).into(), Exit::Failed),
        (MdsError::Order.into(), Exit::Failed),
        (MdsError::Untrusted(why()).into(), Exit::Failed),
        (
            MdsError::NotValid { at: date!(2026 - 01 - 02), from: date!(2025 - 01 - 02), until: date!(2026 - 01 - 01) }
                .into(),
            Exit::Failed,
        ),
        (MdsError::Name.into(), Exit::Failed),
        (MdsError::Signature.into(), Exit::Failed),
        (MdsError::RollBack { offered: 6, stored: 7 }.into(), Exit::Failed),
        (MdsError::Damaged(PathBuf::from("mds/blob.jwt")).into(), Exit::Failed),
        (MdsError::Private(FileError::Io { path: "mds/blob.jwt".into(), why: why() }).into(), Exit::Failed),
        (CliError::NoMetadata, Exit::Failed),
    ]
}

fn of_idps() -> Vec<(CliError, Exit)> {
    let (directory, why) = (|| "corp".to_owned(), || "no such token".to_owned());
    let findings = || vec![Finding { blocks: true, message: "passkeys are disabled in this tenant".into() }];
    let no_key = RevokeError::NoSuchKey { account: account(), ordinal: 3 };
    let changed = || PersonError::Changed { login: "ada@example.org".into(), known: "1".into(), found: "2".into() };
    let delivery = NoDelivery { profile: "admin".into(), why: SecretError::NoReader };
    vec![
        (DirectoryError::Unreachable { directory: directory(), why: why() }.into(), Exit::Directory),
        (DirectoryError::Unanswered { directory: directory(), why: why() }.into(), Exit::Directory),
        (DirectoryError::SignIn { directory: directory(), why: why() }.into(), Exit::Directory),
        (DirectoryError::Forbidden { directory: directory(), why: why() }.into(), Exit::Directory),
        (DirectoryError::NotFound { directory: directory(), what: "user ada".into() }.into(), Exit::Failed),
        (DirectoryError::Expired { directory: directory() }.into(), Exit::Directory),
        (DirectoryError::Refused { directory: directory(), why: why() }.into(), Exit::Directory),
        (DirectoryError::RateLimited { directory: directory(), retry_after: None }.into(), Exit::Directory),
        (DirectoryError::Failed { directory: directory(), status: 500 }.into(), Exit::Directory),
        (DirectoryError::InvalidResponse { directory: directory(), why: why() }.into(), Exit::Directory),
        (CliError::Witness(DirectoryError::Failed { directory: directory(), status: 500 }), Exit::Failed),
        (CliError::TimeStamp { server: "tsa.example".into(), why: TimeStampError::Untrusted }, Exit::Failed),
        (CliError::TimeStamp { server: "tsa.example".into(), why: TimeStampError::Signature }, Exit::Failed),
        (
            CliError::TimeStamp { server: "tsa.example".into(), why: TimeStampError::Refused("busy".into()) },
            Exit::Failed,
        ),
        (CliError::NotSetUp { what: "there is no checkpoint yet", next: "make one first" }, Exit::Failed),
        (CliError::Download(DirectoryError::Failed { directory: directory(), status: 500 }), Exit::Failed),
        (OpenError::Secret(SecretError::Interrupted).into(), Exit::Interrupted),
        (OpenError::Directory(DirectoryError::Expired { directory: directory() }).into(), Exit::Directory),
        (OpenError::Setting { connection: "corp".into(), why: "url is missing".into() }.into(), Exit::Usage),
        (RunError::NoKey.into(), Exit::Key),
        (RunError::Blocked { directory: directory(), findings: findings() }.into(), Exit::Directory),
        (RunError::HandOver(delivery).into(), Exit::Usage),
        (RunError::Transport(TransportError::Cancelled).into(), Exit::Interrupted),
        (RunError::Ledger(LedgerError::DiskFull { path: "l".into() }).into(), Exit::Failed),
        (RunError::Directory(DirectoryError::Failed { directory: directory(), status: 500 }).into(), Exit::Directory),
        (no_key.into(), Exit::Failed),
        (RevokeError::Person(changed()).into(), Exit::Failed),
        (DrillError::CredentialGone.into(), Exit::Failed),
        (DrillError::NotRegistered { directory: directory() }.into(), Exit::Failed),
        (DrillError::Unproved(WebauthnError::BadSignature).into(), Exit::Failed),
        (DrillError::NotLetIn { why: why() }.into(), Exit::Failed),
        (DrillError::NotOnKey { rp_id: "bank.example".parse().unwrap() }.into(), Exit::Failed),
        (DrillError::NobodySignedIn.into(), Exit::Failed),
        (DrillError::PinChangeNotTaken.into(), Exit::Failed),
        (DrillError::OutOfService { account: account(), state: CredentialState::Revoked }.into(), Exit::Failed),
        (DrillError::PinChangePending.into(), Exit::Pin),
        (DrillError::Pin(PinAttemptError::Blocked).into(), Exit::Pin),
        (DrillError::Person(changed()).into(), Exit::Failed),
        (DrillError::Record(WebauthnError::BadSignature).into(), Exit::Failed),
        (
            DrillError::Directory(DirectoryError::NotFound { directory: directory(), what: "user ada".into() }).into(),
            Exit::Failed,
        ),
        (DrillError::Ctap(CtapError::Transport(TransportError::Removed)).into(), Exit::Failed),
        (DrillError::Ledger(LedgerError::DiskFull { path: "l".into() }).into(), Exit::Failed),
    ]
}

fn of_rollouts() -> Vec<(CliError, Exit)> {
    let recovery = RecoveryId(1);
    let login = || "ada@example.org".to_owned();
    let untold = crate::idp::capability::Untold::not_offered("her keys");
    let step = |why: StepError| RecoverError::Step { step: RecoveryStep::GivePass, why: Box::new(why) };
    let directory = || DirectoryError::Unreachable { directory: "corp".into(), why: "refused".into() };
    let scope = || "wave 1".to_owned();
    vec![
        (UnknownKeyError::NoSuchKey { login: login(), directory_id: "d-9".into() }.into(), Exit::Failed),
        (UnknownKeyError::MadeHere { login: login(), directory_id: "d-9".into(), ordinal: 1 }.into(), Exit::Failed),
        (UnknownKeyError::LastWayIn { login: login(), directory_id: "d-9".into() }.into(), Exit::Failed),
        (UnknownKeyError::CannotTell(untold).into(), Exit::Failed),
        (UnknownKeyError::StillThere("d-9".into()).into(), Exit::Directory),
        (UnknownKeyError::Directory(directory()).into(), Exit::Directory),
        (RecoverError::NoSuchKey { account: account(), ordinal: 3 }.into(), Exit::Failed),
        (RecoverError::AnotherGoesOn { account: account(), recovery, lost: 1 }.into(), Exit::Failed),
        (RecoverError::BreakGlass(account()).into(), Exit::Failed),
        (RecoverError::NotActive(account()).into(), Exit::Failed),
        (RecoverError::Out { account: account(), word: "deprovisioned".into() }.into(), Exit::Failed),
        (RecoverError::Directory(directory()).into(), Exit::Directory),
        (step(StepError::Directory(directory())).into(), Exit::Directory),
        (step(StepError::StillSignsIn).into(), Exit::Directory),
        (step(StepError::HandOver(SecretError::NoTerminal)).into(), Exit::Usage),
        (step(StepError::NotOutOfThePrinter).into(), Exit::Failed),
        (step(StepError::Run(RunError::NoKey)).into(), Exit::Key),
        (EnforceError::NotReady { scope: scope(), reasons: 2 }.into(), Exit::Partial),
        (EnforceError::AnotherGoesOn { enforcement: EnforcementId(1), scope: scope() }.into(), Exit::Failed),
        (EnforceError::PolicyNotOn { group: "admins".into() }.into(), Exit::Failed),
        (EnforceError::NotOffered { directory: "corp".into() }.into(), Exit::Failed),
        (EnforceError::Stopped.into(), Exit::Interrupted),
        (EnforceError::Directory(directory()).into(), Exit::Directory),
    ]
}

fn of_commands() -> Vec<(CliError, Exit)> {
    vec![
        (CliError::Usage("--set url is given twice".into()), Exit::Usage),
        (CliError::File { path: "audit.html".into(), why: "permission denied".into() }, Exit::Failed),
        (CliError::NobodyToAsk { question: "reset this key?".into() }, Exit::Failed),
        (CliError::NotConfirmed, Exit::Failed),
        (EraseError::AnotherKey("it is of another model".into()).into(), Exit::Failed),
        (EraseError::StillHasPin.into(), Exit::Failed),
        (CliError::Unsigned { keys: "ops/ada".into() }, Exit::Failed),
        (CliError::NotFound("there is no credential AAAA on soft:1".into()), Exit::Failed),
        (CliError::Stopped, Exit::Interrupted),
        (CliError::Interrupted, Exit::Interrupted),
        (CliError::System { what: "catching Ctrl-C", why: "no signals".into() }, Exit::Failed),
    ]
}

fn errors() -> impl Iterator<Item = (CliError, Exit)> {
    [of_keys(), of_secrets(), of_files(), of_idps(), of_rollouts(), of_commands()].into_iter().flatten()
}

#[test]
fn every_error_has_its_exit_code() {
    for (error, exit) in errors() {
        assert_eq!(error.exit(), exit, "{error}");
    }
}

#[test]
fn every_error_says_what_failed_in_one_line() {
    for (error, exit) in errors() {
        let message = error.to_string();
        assert!(exit == Exit::Interrupted || message.split_whitespace().count() >= 3, "{message}");
        assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
        assert!(!message.starts_with(char::is_uppercase), "{message}");
    }
}

#[test]
fn every_hint_says_what_to_do_in_two_lines_at_most() {
    let of_errors = errors().map(|(error, _)| error.hint());
    for hint in of_errors.chain(ALL_CODES.map(|code| table::of_code(code).next.into_owned())) {
        assert!((8..=LONGEST_HINT).contains(&hint.len()), "{} letters: {hint}", hint.len());
        assert!(!hint.ends_with('.') && !hint.contains('\n'), "{hint}");
        assert!(!hint.starts_with(char::is_uppercase) || hint.starts_with("KEYWRIGHT"), "{hint}");
    }
}

/// A command on a single key, a job and a drill that come upon the same status.
#[test]
fn the_same_status_is_told_the_same_everywhere() {
    for code in 1..=u8::MAX {
        let status = StatusCode::from(code);
        let error = || CtapError::Status { command: "authenticatorGetAssertion", status };
        let single = CliError::from(error());
        let failure = Failure::from(error());
        let drill = DrillError::from(error());
        assert_eq!(table::of_code(failure.code).exit, single.exit(), "{status}");
        assert_eq!(table::drill(&drill).exit, single.exit(), "{status}");
        assert_eq!(failure.message, single.to_string());
        if let Some(hint) = status.meaning().hint() {
            assert_eq!((&*single.hint(), &*table::of_job(&failure).next), (hint, hint), "{status}");
        }
        // A drill knows that the credential was there, and says what that means.
        if status.meaning() != StatusMeaning::NoCredentials {
            assert_eq!(drill.to_string(), single.to_string());
            assert_eq!(table::drill(&drill).next, single.hint(), "{status}");
        }
    }
    for (status, exit) in [
        (StatusCode::PinAuthInvalid, Exit::Pin),
        (StatusCode::PinNotSet, Exit::Pin),
        (StatusCode::PuatRequired, Exit::Pin),
        (StatusCode::UvBlocked, Exit::Pin),
        (StatusCode::UvInvalid, Exit::Pin),
        (StatusCode::KeepaliveCancel, Exit::Interrupted),
        (StatusCode::KeyStoreFull, Exit::Failed),
        (StatusCode::Unknown(0xf2), Exit::Failed),
    ] {
        assert_eq!(
            CliError::from(CtapError::Status { command: "authenticatorReset", status }).exit(),
            exit,
            "{status}"
        );
    }
}

#[test]
fn a_wrong_pin_is_told_the_same_everywhere() {
    for error in [
        PinAttemptError::Wrong { left: 7 },
        PinAttemptError::Blocked,
        PinAttemptError::Replug { left: None },
        PinAttemptError::Few { left: 3 },
    ] {
        let single = CliError::from(error.clone());
        let failure = Failure::from(error.clone());
        let drill = DrillError::from(error);
        assert_eq!(
            (single.exit(), table::of_code(failure.code).exit, table::drill(&drill).exit),
            (Exit::Pin, Exit::Pin, Exit::Pin)
        );
        assert_eq!((failure.message.as_str(), drill.to_string()), (&*single.to_string(), single.to_string()));
        let (job, drill) = (table::of_job(&failure).next, table::drill(&drill).next);
        assert_eq!((&*job, &*drill), (&*single.hint(), &*single.hint()), "{single}");
    }
}

#[test]
fn the_guide_to_json_names_every_code() {
    let guide = include_str!("../../../../docs/json.md");
    for code in ALL_CODES {
        let word = serde_json::to_value(code).unwrap();
        assert!(guide.contains(&format!("`{}`", word.as_str().unwrap())), "{word}");
    }
}

#[test]
fn a_wrong_roster_names_each_row() {
    let rows = vec![(2, "no account".to_owned()), (7, "unknown profile \"boss\"".to_owned())];
    let error = CliError::from(RosterError::Rows { file: "r.csv".into(), rows });
    assert_eq!(error.details(), ["row 2: no account", "row 7: unknown profile \"boss\""]);
}

const ALL_CODES: [FailureCode; 24] = [
    FailureCode::KeyRemoved,
    FailureCode::KeyFault,
    FailureCode::KeyRefused,
    FailureCode::KeyFull,
    FailureCode::KeyTaken,
    FailureCode::PinUnknown,
    FailureCode::PinBlocked,
    FailureCode::PinPolicy,
    FailureCode::PinRefused,
    FailureCode::TouchTimeout,
    FailureCode::TouchDeclined,
    FailureCode::AttestationRefused,
    FailureCode::ProofFailed,
    FailureCode::AccountRefused,
    FailureCode::DirectorySignIn,
    FailureCode::DirectoryRefused,
    FailureCode::DirectoryDown,
    FailureCode::ChallengeExpired,
    FailureCode::Secret,
    FailureCode::PinUnconfirmed,
    FailureCode::PinLost,
    FailureCode::Interrupted,
    FailureCode::Ledger,
    FailureCode::Internal,
];
