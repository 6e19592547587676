//! `keywright register init`: the register's tables, and who may do what with them.

use clap::Args;
use serde::Serialize;

use super::{AsOwner, is_missing};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session};
use crate::ledger::postgres::{Roles, health, init};

/// Make the register in a PostgreSQL database, and let roles write or read it.
///
/// Run by the role that owns the register from then on, which no station uses. Each station needs a role of its own, which the
/// database's administrator makes; it may append events and change nothing. Run it again to let further roles in.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright register init --at postgres://keyowner@db.example.org/keywright --password prompt --writer office-a --writer office-b --reader audit"
)]
pub(crate) struct Init {
    /// A role that stations write as; can be given again
    #[arg(long, value_name = "ROLE")]
    writer: Vec<String>,
    /// A role that reads; can be given again
    #[arg(long, value_name = "ROLE")]
    reader: Vec<String>,
    #[command(flatten)]
    owner: AsOwner,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct RegisterMade {
    register: String,
    /// Whether it was made now.
    made: bool,
    writers: Vec<String>,
    readers: Vec<String>,
    dry_run: bool,
}

impl View for RegisterMade {
    const KIND: &'static str = "register-made";
}

impl Init {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let (register, access) = self.owner.access(session)?;
        let found = health(access.clone());
        let made = is_missing(&found);
        if !made {
            found?;
        }
        if !self.dry_run {
            init(access, &Roles { writers: self.writer.clone(), readers: self.reader.clone() })?;
        }
        let made = RegisterMade {
            register,
            made,
            writers: self.writer.clone(),
            readers: self.reader.clone(),
            dry_run: self.dry_run,
        };
        session.output.result(&made, || words(&made))?;
        Ok(Exit::Done)
    }
}

fn words(one: &RegisterMade) -> String {
    let what = match (one.dry_run, one.made) {
        (true, true) => "would make the register at",
        (false, true) => "made the register at",
        (_, false) => "there is a register at",
    };
    let mut text = format!("{what} {}", one.register);
    for (roles, right) in [(&one.writers, "may append"), (&one.readers, "may read")] {
        if !roles.is_empty() {
            text.push_str(&format!("\n{right}: {}", roles.join(", ")));
        }
    }
    text
}
