//! `keywright help`: of a command, or of a topic that several commands share (`*.txt`).

use clap::Args;

use crate::cli::shared::{CliError, Exit, Session, exit};

/// Print the help of a command, or of a topic: secrets, rosters, profiles, settings, json, exit-codes, environment
#[derive(Args)]
#[command(
    about = "Print the help of a command or topic",
    after_long_help = "Example:\n  keywright help key pin\n  keywright help rosters"
)]
pub(crate) struct Help {
    /// A command with its subcommands, or a topic
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

/// What the environment can say.
pub(crate) const ENVIRONMENT: &str = "\
Environment:
  KEYWRIGHT_STATE    the state folder, as --state
  KEYWRIGHT_CONFIG   the settings file, as --config
  KEYWRIGHT_LOG      what to log, as --log
  KEYWRIGHT_AGE_IDENTITY
                     the identity that opens secrets in age files; a file as age-keygen writes it
  NO_COLOR           no colours; CLICOLOR_FORCE=1 forces them
  TERM=dumb          neither colours nor progress lines";

/// A topic's name, and its text; the first line is its title.
pub(crate) fn topics() -> [(&'static str, String); 7] {
    [
        ("secrets", include_str!("secrets.txt").to_owned()),
        ("rosters", include_str!("rosters.txt").to_owned()),
        ("profiles", include_str!("profiles.txt").to_owned()),
        ("settings", include_str!("settings.txt").to_owned()),
        ("json", include_str!("json.txt").to_owned()),
        ("exit-codes", format!("{}\n", exit::help())),
        ("environment", format!("{ENVIRONMENT}\n")),
    ]
}

impl Help {
    /// Runs it. `tree` is the tree of commands.
    pub(crate) fn run(&self, mut tree: clap::Command, session: &Session) -> Result<Exit, CliError> {
        if let [word] = self.words.as_slice()
            && let Some((_, text)) = topics().into_iter().find(|(name, _)| name == word)
        {
            session.output.text(&text)?;
            return Ok(Exit::Done);
        }
        // Names the commands above each command in its usage.
        tree.build();
        let mut command = &mut tree;
        for (at, word) in self.words.iter().enumerate() {
            if command.find_subcommand(word).is_none() {
                return Err(unknown(&self.words[..=at], command));
            }
            command = command.find_subcommand_mut(word).expect("it was found on the line above");
        }
        session.output.text(&command.render_long_help().to_string())?;
        Ok(Exit::Done)
    }
}

fn unknown(words: &[String], above: &clap::Command) -> CliError {
    let commands = above.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| command.get_name());
    let topics = topics();
    let names: Vec<_> = match words {
        [_] => commands.chain(topics.iter().map(|(name, _)| *name)).collect(),
        _ => commands.collect(),
    };
    let there = if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) };
    CliError::Usage(format!("there is no help for \"{}\"{there}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_begins_with_its_title_and_keeps_to_the_terminal() {
        for (name, text) in topics() {
            assert!(text.lines().next().is_some_and(|title| title.contains(':')), "{name}");
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{name}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}");
        }
    }
}
