//! `keywright hand-over again`: a PIN letter that did not come out, printed once more.

use clap::Args;
use serde::Serialize;

use crate::cli::shared::arguments::{WhichIdp, WhichKey};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::terminal::Terminal;
use crate::cli::shared::{CliError, Exit, Session, account};
use crate::ledger::JobId;
use crate::provision::{self, Operator as _};
use crate::secret::LetterProgram;

/// Print PIN letters of an account again.
///
/// Works as long as nobody has said that they came out: until then the PINs are sealed in the state folder. Afterwards nobody has the
/// PIN but its reader, and a forgotten one needs 'keywright replace ACCOUNT --key N --same-key'.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright hand-over again ada@example.org --key 1")]
pub(crate) struct Again {
    /// The login
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Which of the account's keys: 1, 2, ... or its own number (K-0042); without it, all whose letters nobody has seen
    #[arg(long, value_name = "NUMBER")]
    key: Option<WhichKey>,
    #[command(flatten)]
    idp: WhichIdp,
    /// Say that the letters came out: the sealed copies are destroyed. A terminal is asked
    #[arg(long)]
    letters_came_out: bool,
    /// Say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Printed<'a> {
    account: &'a str,
    directory: &'a str,
    /// Whose letters were printed.
    ordinals: Vec<usize>,
    /// Whether somebody said that they came out.
    came_out: bool,
    dry_run: bool,
}

impl View for Printed<'_> {
    const KIND: &'static str = "letters-printed";
}

impl Again {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let settings = session.settings()?;
        let register = session.register()?;
        let directory = account::directory_of(&self.account, &register, &self.idp, &settings)?;
        let id = account::known_at_idp(&self.account, &*directory, &register)?;
        let login = register.login(&id);
        let key = self.key.map(|which| which.of_account(&id, &register)).transpose()?;
        let mut letters = provision::waiting_letters(&register, &id);
        letters.retain(|(_, ordinal)| key.is_none_or(|key| key == *ordinal));
        if letters.is_empty() {
            return Err(gone(login, key));
        }
        let program = LetterProgram::new(&settings.letter_program)?;
        let (ordinals, directory_name) = (letters.iter().map(|(_, ordinal)| *ordinal).collect(), &id.directory);
        let mut printed =
            Printed { account: login, directory: directory_name, ordinals, came_out: false, dry_run: self.dry_run };
        let how_many = count(letters.len(), "letter", "letters");
        if self.dry_run {
            session.output.result(&printed, || format!("would print {how_many} of {login}"))?;
            return Ok(Exit::Done);
        }
        let store = session.ledger_for_writing()?;
        let vault = session.vault()?;
        for (job, ordinal) in &letters {
            let again = provision::letter_again(&register, &vault, directory.registration(), &*store, *job)?;
            let (delivery, pin) = again.ok_or_else(|| gone(login, Some(*ordinal)))?;
            program.print(&delivery, &pin)?;
        }
        let terminal = Terminal::new(&session.console, false).with_letters(self.letters_came_out);
        printed.came_out = terminal.letters_came_out(letters.len());
        if printed.came_out {
            let jobs: Vec<JobId> = letters.iter().map(|(job, _)| *job).collect();
            provision::letters_arrived(&*store, &vault, &jobs, &session.operator()?)?;
        }
        session.output.result(&printed, || format!("{how_many} of {login} went to the printer"))?;
        if printed.came_out {
            return Ok(Exit::Done);
        }
        session.console.hint("look at the printer, then 'keywright resume --letters-came-out', or print again");
        Ok(Exit::Failed)
    }
}

/// There is no sealed copy to print.
fn gone(login: &str, key: Option<usize>) -> CliError {
    let (what, key) = match key {
        Some(key) => (format!("the PIN of {login}'s key {key} is not sealed here any more"), key.to_string()),
        None => (format!("no letter of {login} waits for somebody to say that it came out"), "N".to_owned()),
    };
    CliError::NotFound(format!("{what}; for a new PIN: keywright replace {login} --key {key} --same-key"))
}
