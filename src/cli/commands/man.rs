//! `keywright man`: the manual pages, made from the same definitions as `--help`: one of each command, in the same order of
//! sections, and one of each topic.

use std::path::{Path, PathBuf};

use clap::Args;

use super::help::{ENVIRONMENT, topics};
use crate::cli::shared::{CliError, Exit, Session, exit};

/// Write the manual pages.
///
/// With a folder, writes a page for each command and topic into its folders man1 and man7. Without, prints the main page.
#[derive(Args)]
#[command(after_long_help = "Example:\n  keywright man /usr/local/share/man\n  keywright man | man -l -")]
pub(crate) struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What keywright reads and writes.
const FILES: &str = "\
~/.config/keywright/keywright.toml
    the settings, or the file that --config names: keywright-settings(7)
~/.local/state/keywright
    the state folder, or the one that --state names: the ledger (ledger.sqlite3), sealed PINs
    (vault), PINs on their way to readers (hand-over), FIDO's metadata (metadata), soft keys
    (softkeys); to be backed up after each batch";

impl Man {
    /// Runs it.
    pub(crate) fn run(&self, mut tree: clap::Command, session: &Session) -> Result<Exit, CliError> {
        tree.build();
        let Some(folder) = &self.folder else {
            session.output.bytes(page(&tree, None).as_bytes())?;
            return Ok(Exit::Done);
        };
        let mut pages = Vec::new();
        pages_of(&tree, None, &mut pages);
        pages.extend(topics().iter().map(|(name, text)| (format!("man7/keywright-{name}.7"), topic_page(name, text))));
        for (name, page) in pages {
            write(&folder.join(name), &page)?;
        }
        Ok(Exit::Done)
    }
}

fn write(path: &Path, page: &str) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::File { path: path.to_owned(), why: error.to_string() };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, page).map_err(failed)
}

/// A command's page and those of the commands in it; what is hidden has none.
fn pages_of(command: &clap::Command, above: Option<&str>, pages: &mut Vec<(String, String)>) {
    let name = name_of(command);
    pages.push((format!("man1/{name}.1"), page(command, above)));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages_of(below, Some(&name), pages);
    }
}

/// `keywright-key-pin`.
fn name_of(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: &clap::Command, above: Option<&str>) -> String {
    let man = clap_mangen::Man::new(command.clone()).manual("keywright");
    let mut page = Vec::new();
    man.render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .expect("a page is written to memory");
    let below: Vec<&clap::Command> = command.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    let mut page = String::from_utf8_lossy(&page).into_owned();
    if !below.is_empty() {
        let abouts = below.iter().map(|below| {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default();
            format!(".TP\n\\fB{}\\fR(1)\n{}\n", escaped(&name_of(below)), escaped(&about))
        });
        page.push_str(&format!(".SH COMMANDS\n{}", abouts.collect::<String>()));
    }
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, examples)) = after.split_once("Example:") {
        page.push_str(&section("EXAMPLES", examples.trim_matches('\n')));
    }
    if above.is_none() {
        page.push_str(&section("EXIT STATUS", untitled(&exit::help())));
        page.push_str(&section("ENVIRONMENT", untitled(ENVIRONMENT)));
    }
    page.push_str(&section("FILES", FILES));
    let above = above.map(|above| format!("{above}(1)"));
    let below = below.iter().map(|below| format!("{}(1)", name_of(below)));
    let topics = topics().map(|(name, _)| format!("keywright-{name}(7)"));
    page.push_str(&see_also(above.into_iter().chain(below).chain(topics)));
    page
}

fn topic_page(name: &str, text: &str) -> String {
    let title = text.lines().next().unwrap_or_default().trim_end_matches(':');
    let title = title.split_once(": ").map_or(title, |(_, about)| about);
    let page = format!("keywright-{name}");
    format!(
        ".TH {} 7 \"\" \"keywright {}\" keywright\n.SH NAME\n{} \\- {}\n{}{}{}",
        escaped(&page),
        env!("CARGO_PKG_VERSION"),
        escaped(&page),
        escaped(title),
        section("DESCRIPTION", untitled(text)),
        section("FILES", FILES),
        see_also(std::iter::once("keywright(1)".to_owned()))
    )
}

/// A text without its first line, which is its title.
fn untitled(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(_, rest)| rest.trim_matches('\n'))
}

/// A section whose lines stay as they are.
fn section(title: &str, text: &str) -> String {
    let lines = text.lines().map(|line| match line.is_empty() {
        true => ".sp\n".to_owned(),
        false => format!("{}\n", escaped(line)),
    });
    format!(".SH {title}\n.nf\n{}.fi\n", lines.collect::<String>())
}

fn see_also(pages: impl Iterator<Item = String>) -> String {
    let pages: Vec<String> = pages.map(|page| escaped(&page)).collect();
    format!(".SH \"SEE ALSO\"\n{}\n", pages.join(",\n"))
}

/// A line of text that roff takes for nothing else.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_takes_a_line_as_it_is() {
        assert_eq!(
            escaped(".B is no bold, and \\n no new line --here"),
            "\\&.B is no bold, and \\en no new line \\-\\-here"
        );
        assert_eq!(section("FILES", "a\n\n'b"), ".SH FILES\n.nf\na\n.sp\n\\&'b\n.fi\n");
        let page = topic_page("rosters", "Rosters: who gets keys\n\nA roster is\n");
        assert!(
            page.contains(".SH NAME\nkeywright\\-rosters \\- who gets keys\n.SH DESCRIPTION\n.nf\nA roster is\n.fi\n")
        );
    }
}
