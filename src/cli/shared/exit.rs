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
    /// The identity provider cannot be reached, fails, or refuses to sign us in or what we ask for.
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

/// What each means, for `--help`.
pub(crate) const TABLE: [(Exit, &str); 9] = [
    (Exit::Done, "done"),
    (Exit::Failed, "failed"),
    (Exit::Usage, "wrong usage, settings, profile or roster; nothing was touched"),
    (Exit::Partial, "a part of the batch failed, or an audit found something to do"),
    (Exit::Directory, "the identity provider: not reached, failing, or refusing us"),
    (Exit::Key, "no key, or more than one and none named"),
    (Exit::Pin, "PIN wrong, blocked, unknown or against the key's rules"),
    (Exit::Attestation, "attestation refused, or an audit found something about attestations"),
    (Exit::Interrupted, "interrupted; run 'keywright resume' to go on"),
];

/// The table as text.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(exit, meaning)| format!("\n  {:>3}  {meaning}", *exit as u8));
    format!("Exit codes:{}", rows.collect::<String>())
}

impl Exit {
    /// Clap's own ends: help and version are fine, everything else is wrong usage.
    pub(crate) fn from_clap(error: &clap::Error) -> Self {
        if error.use_stderr() { Self::Usage } else { Self::Done }
    }

    /// How several things ended that were done one after the other.
    pub(crate) fn of_several(exits: &[Self]) -> Self {
        match exits {
            all if all.iter().all(|exit| *exit == Self::Done) => Self::Done,
            all if all.contains(&Self::Done) => Self::Partial,
            [first, others @ ..] if others.iter().all(|exit| exit == first) => *first,
            _ => Self::Failed,
        }
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
    fn several_ends_are_one() {
        use Exit::*;
        for (all, one) in
            [(&[][..], Done), (&[Done, Done], Done), (&[Done, Pin], Partial), (&[Pin, Pin], Pin), (&[Pin, Key], Failed)]
        {
            assert_eq!(Exit::of_several(all), one, "{all:?}");
        }
    }

    #[test]
    fn the_help_has_each_code_once_in_their_order() {
        let codes: Vec<u8> = TABLE.iter().map(|(exit, _)| *exit as u8).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
        assert!(help().contains("\n    4  the identity provider") && help().contains("\n  130  interrupted"));
    }
}
