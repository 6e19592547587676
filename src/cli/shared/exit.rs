//! How the program ends: the exit codes, which are part of the interface.

use std::process::ExitCode;

/// The exit codes. Documented in `keywright --help`; never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that was asked for is done.
    Done = 0,
    /// It failed, and none of the others says it better.
    Failed = 1,
    /// The command line, the settings, a profile or the roster is wrong. Nothing was touched.
    Usage = 2,
    /// Some people of a batch have their keys, others do not. Or an audit found something to do.
    Partial = 3,
    /// The identity provider cannot be reached, fails, or does not accept our sign-in or what we ask for.
    Directory = 4,
    /// There is no key, or it is not clear which one is meant.
    Key = 5,
    /// A PIN is wrong, blocked, unknown, or against the key's rules.
    Pin = 6,
    /// The attestation is not what the profile demands, or something is known against it.
    Attestation = 7,
    /// Somebody ended it: 128 and the number of SIGINT.
    Interrupted = 130,
}

/// The table for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  failed
    2  wrong usage, settings, profile or roster; nothing was touched
    3  a part of the batch failed, or an audit found something to do
    4  the identity provider: not reached, failing, or refusing us
    5  no key, or more than one and none named
    6  PIN wrong, blocked, unknown or against the key's rules
    7  attestation refused, or an audit found something about attestations
  130  interrupted; run 'keywright resume' to go on";

impl Exit {
    /// Clap's own ends: help and version are fine, everything else is wrong usage.
    pub(crate) fn from_clap(error: &clap::Error) -> Self {
        if error.use_stderr() { Self::Usage } else { Self::Done }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Partial,
            Exit::Directory,
            Exit::Key,
            Exit::Pin,
            Exit::Attestation,
            Exit::Interrupted,
        ] {
            let code = format!("{:5}  ", exit as u8);
            assert!(HELP.lines().any(|line| line.starts_with(&code)), "{exit:?}");
        }
    }
}
