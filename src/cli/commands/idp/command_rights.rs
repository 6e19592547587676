//! Which permissions each command needs, whether they are there, and which are too many.
//!
//! It refuses to call a command ready that needs a permission of which nobody can tell whether it is there.

use serde::Serialize;

use crate::idp::Capability;
use crate::idp::capability::{Capabilities, Readiness, Rights, Told};

/// What commands do at an IdP, and whether they take something from accounts. Those sign in with `[idp.NAME.writing]`, if it is there.
const COMMANDS: [(&str, bool, &[Capability]); 5] = {
    use Capability::{
        LastUse, Methods, Pass, Passkeys, People, Policies, Registration, Removal, Sessions, Suspension, WhatIf,
    };
    [
        ("provision, enroll, replace, revoke", false, &[Registration]),
        ("inventory, reconcile, ready, watch", false, &[People, Methods, Passkeys, LastUse, Policies, WhatIf]),
        ("breakglass", false, &[LastUse, People, Policies]),
        ("enforce", true, &[Methods, Removal, Policies, Sessions, Registration]),
        ("recover", true, &[Registration, Methods, Suspension, Sessions, Pass]),
    ]
};

/// A command, and whether our account may do what it does.
#[derive(Serialize)]
pub(super) struct CommandChecked {
    command: &'static str,
    /// `own`, or `writing` for the one of `[idp.NAME.writing]`.
    credential: &'static str,
    /// `ready`, `lacks`, `cannot-tell`.
    state: &'static str,
    /// Permissions that are not there.
    lacks: Vec<String>,
    /// What the IdP does not offer: the command does without it, and says so.
    not_offered: Vec<Capability>,
}

impl CommandChecked {
    /// For people.
    pub(super) fn text(&self) -> String {
        let state = match self.state {
            "lacks" => format!("lacks {}", self.lacks.join(", ")),
            "cannot-tell" => "cannot tell".to_owned(),
            state => state.to_owned(),
        };
        let with = if self.credential == "writing" { " (with its own credential)" } else { "" };
        let words: Vec<&str> = self.not_offered.iter().map(|one| one.words()).collect();
        let without = if words.is_empty() { String::new() } else { format!("; not offered: {}", words.join(", ")) };
        format!("{}{with}: {state}{without}", self.command)
    }
}

/// Every command. `writing` are the rights of the other credential, if there is one.
pub(super) fn of_commands(
    has: Capabilities<'_>,
    own: Option<&Rights>,
    writing: Option<Option<&Rights>>,
) -> Vec<CommandChecked> {
    let checked = |(command, takes, needs): (&'static str, bool, &[Capability])| {
        let (credential, rights) = match writing {
            Some(rights) if takes => ("writing", rights),
            _ => ("own", own),
        };
        let (offered, not_offered): (Vec<Capability>, _) = needs.iter().partition(|one| has.has(**one));
        let (mut lacks, mut untold) = (Vec::new(), rights.is_none());
        for capability in offered {
            match rights.map(|rights| rights.readiness(capability)) {
                Some(Readiness::Lacks(names)) => lacks.extend(names),
                Some(Readiness::CannotTell(_)) | None => untold = true,
                Some(Readiness::Ready) => {}
            }
        }
        let mut named: Vec<String> = Vec::new();
        lacks.retain(|name| {
            !named.contains(name) && {
                named.push(name.clone());
                true
            }
        });
        let state = match (lacks.is_empty(), untold) {
            (false, _) => "lacks",
            (true, true) => "cannot-tell",
            (true, false) => "ready",
        };
        CommandChecked { command, credential, state, lacks, not_offered }
    };
    COMMANDS.into_iter().map(checked).collect()
}

/// Permissions that the ordinary credential has and that only commands need which have one of their own.
pub(super) fn too_many(own: Option<&Rights>) -> Vec<String> {
    let of = |wanted: bool| -> Vec<Capability> {
        COMMANDS.iter().filter(|(_, takes, _)| *takes == wanted).flat_map(|(_, _, needs)| *needs).copied().collect()
    };
    let (of_writing, of_own) = (of(true), of(false));
    let needed = own.into_iter().flat_map(|rights| &rights.needed);
    let needed: Vec<_> = needed.collect();
    let is_needed = |name: &str| needed.iter().any(|right| right.name == name && of_own.contains(&right.capability));
    let mut names: Vec<String> = Vec::new();
    for right in &needed {
        let is_there = right.there == Told::Known(true) && of_writing.contains(&right.capability);
        if is_there && !is_needed(&right.name) && !names.contains(&right.name) {
            names.push(right.name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::capability::Right;

    fn rights(there: &[(Capability, &str, bool)]) -> Rights {
        let needed = there.iter().map(|(capability, name, there)| Right {
            capability: *capability,
            name: (*name).to_owned(),
            there: Told::Known(*there),
        });
        Rights { needed: needed.collect(), beyond: Told::Known(Vec::new()) }
    }

    #[test]
    fn what_a_command_lacks_is_named_once_and_what_an_idp_has_not_is_no_lack() {
        let own = rights(&[(Capability::Registration, "keys.write", false)]);
        let told = of_commands(Capabilities::default(), Some(&own), None);
        assert_eq!((told[0].state, told[0].lacks.as_slice()), ("lacks", &["keys.write".to_owned()][..]));
        let recover = told.iter().find(|one| one.command == "recover").unwrap();
        assert_eq!((recover.state, recover.credential, recover.not_offered.len()), ("lacks", "own", 4));
        let told = of_commands(Capabilities::default(), None, None);
        assert!(told.iter().filter(|one| one.command != "breakglass").all(|one| one.state == "cannot-tell"));
    }

    #[test]
    fn a_credential_that_only_reads_has_too_much_if_it_may_remove() {
        let own = rights(&[
            (Capability::Registration, "keys.write", true),
            (Capability::Removal, "methods.write", true),
            (Capability::Sessions, "keys.write", true),
            (Capability::Suspension, "users.write", false),
        ]);
        assert_eq!(too_many(Some(&own)), ["methods.write"]);
        assert!(too_many(None).is_empty());
    }
}
