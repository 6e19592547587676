//! Rosters as spreadsheets write them, and accounts as people spell them.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use keywright::profile::{Column, Roster, RosterError, RosterLayout, built_in};
use keywright_test_support::cli::{Ended, Home, Idp};
use keywright_test_support::data;

/// What becomes of a roster: its accounts, or rows and words of what is wrong there.
type Right = Result<&'static [&'static str], &'static [(usize, &'static str)]>;

const ADA: Right = Ok(&["ada@example.org"]);
const RENE: Right = Ok(&["ren\u{e9}@example.org"]);

#[test]
fn rosters_from_the_field_are_read_or_refused_by_row() {
    let cases: [(&str, Right); 14] = [
        ("semi.csv", ADA),
        ("tab.csv", ADA),
        ("sep.csv", ADA),
        ("sepsemi.csv", ADA),
        ("comma-rows.csv", ADA),
        ("trailing-cols.csv", ADA),
        ("ctrlz.csv", ADA),
        ("nfc.csv", RENE),
        ("nfd.csv", RENE),
        ("cp1252.csv", Err(&[(2, "not UTF-8; save the file as \"CSV UTF-8\"")])),
        ("softhyphen.csv", Err(&[(2, "the account has an invisible character, U+00AD, after \"ada\"")])),
        ("alm.csv", Err(&[(2, "U+061C")])),
        ("nbsp.csv", Err(&[(2, "the account has a blank that is not a space, U+00A0")])),
        ("quoted-newline.csv", Err(&[(2, "the name has a hidden character, U+000A")])),
    ];
    for (name, right) in cases {
        let Some(path) = data::case(&format!("rosters/{name}")) else { return };
        match (Roster::read(&path, &built_in()), right) {
            (Ok(roster), Ok(accounts)) => {
                let people: Vec<_> = roster.people.iter().map(|person| person.account.as_str()).collect();
                assert_eq!((people, roster.not_read), (accounts.to_vec(), Vec::new()), "{name}");
            }
            (Err(RosterError::Rows { rows, .. }), Err(wrong)) => {
                assert_eq!(rows.len(), wrong.len(), "{name}: {rows:?}");
                for ((row, why), (at, words)) in rows.iter().zip(wrong) {
                    assert!(row == at && why.contains(words), "{name}: row {row}: {why}");
                }
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn an_export_of_the_personnel_office_is_read_by_its_own_headings() {
    let Some(path) = data::case("rosters/hr-export-excel.csv") else { return };
    let named = [(Column::Account, "UPN".to_owned()), (Column::Profile, "Profil".to_owned())];
    let mut layout = RosterLayout { headings: named.into(), profile: None };
    // Two people have one login there, which no heading mends.
    let Err(RosterError::Rows { rows, .. }) = layout.read(&path, &built_in()) else { panic!("two people are one") };
    assert_eq!(rows, [(9, "\"j.smith@contoso.example\" is in row 8 already".to_owned())]);

    let corrected = std::fs::read_to_string(&path).unwrap().replacen("Jane\";j.smith", "Jane\";jane.smith", 1);
    let roster = layout.parse("hr.csv", corrected.as_bytes(), &built_in()).unwrap();
    assert_eq!((roster.people.len(), roster.people[0].display_name()), (12, "Müller, Jürgen"));
    assert_eq!(roster.not_read, ["Personalnummer", "Abteilung", "Eintrittsdatum"]);
    assert_eq!(roster.people.iter().filter(|person| person.profile.as_str() == "finance").count(), 4);

    layout.profile = Some("exec".parse().unwrap());
    let roster = layout.parse("hr.csv", corrected.as_bytes(), &built_in()).unwrap();
    assert!(roster.people.iter().all(|person| person.profile.as_str() == "exec"));
}

/// A home with one person at an IdP.
struct Office {
    home: Home,
    settings: String,
    _idp: Idp,
}

impl Office {
    fn new(more: &str) -> Self {
        let home = Home::new();
        let users = home.file("users.csv", "account,profile,name\nada@example.org,admin,Ada\n");
        let idp = Idp::start(&home, Path::new(&users));
        let reader = age::x25519::Identity::generate().to_public();
        let url = &idp.url;
        let text = format!(
            "{more}\nreaders = [\"vault={reader}\"]\n[idp.corp]\nkind = \"embedded\"\nurl = \"{url}\"\ntoken = \"env:IDP_TOKEN\"\n"
        );
        let settings = home.file("keywright.toml", &text);
        Self { home, settings, _idp: idp }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.home.run_with(&[arguments, &["--config", &self.settings]].concat(), &Idp::ENVIRONMENT)
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.home.command(&[arguments, &["--config", &self.settings]].concat());
        command.envs(Idp::ENVIRONMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn a_roster_from_elsewhere_is_read_from_standard_input() {
    let office = Office::new("");
    let export = "Nr;UPN;Dept\n1;ada@example.org;IT\n";
    let dry = ["provision", "-", "--softkeys", "2", "--dry-run"];
    let refused = office.run_with_input(&dry, export).expect(2);
    let refused = refused
        .says("error: standard input: the heading is wrong\n  row 1: there is no column \"account\" for the account");
    refused.says("hint: name the right one of these with --column account=HEADING: Nr, UPN, Dept");

    let told = [&dry[..], &["--column", "account=UPN", "--profile", "admin"]].concat();
    office.run_with_input(&told, export).expect(0).says("columns of the roster that are not read: Nr, Dept");
    office
        .run_with_input(&[&told[..], &["--column", "upn=account"]].concat(), export)
        .expect(2)
        .says("is not a column");
    office.run_with_input(&[&dry[..], &["--profile", "boss"]].concat(), export).expect(2).says("no profile \"boss\"");

    // Once and for all, in the settings.
    let settled = Office::new("columns = { account = \"UPN\" }");
    settled.run_with_input(&[&dry[..], &["--profile", "admin"]].concat(), export).expect(0);
}

#[test]
fn an_account_is_one_however_it_is_spelled() {
    let office = Office::new("");
    let roster = office.home.file("roster.csv", "account,profile\nada@example.org,admin\n");
    let shouted = office.home.file("shouted.csv", "account,profile\nADA@Example.Org,admin\n");
    office.run(&["provision", &roster, "--softkeys", "2"]).expect(0);
    let again = office.run(&["provision", &shouted, "--softkeys", "3", "--json"]).expect(0).json();
    assert_eq!(again[0]["account"], "ada@example.org");
    office.run(&["enroll", "Ada@example.org", "--softkeys", "3"]).expect(0);
    let status = office.run(&["status", "--json"]).expect(0).json();
    assert_eq!((status.len(), &status[0]["account"]), (2, &"ada@example.org".into()));
    let revoke = ["revoke", "ADA@example.org", "--key", "3", "--reason", "lost", "--yes"];
    office.run(&revoke).expect(0);
    // The account is found: what is left is the person's to do.
    let drill = office.run(&["drill", "ADA@example.org", "--softkeys", "3", "--key", "soft:1"]).expect(6);
    assert!(drill.stdout.contains("the key demands a new PIN"), "{}", drill.stdout);
}

#[test]
fn an_account_that_deceives_is_refused_on_the_command_line_too() {
    let office = Office::new("");
    let arguments: [&[&str]; 3] = [
        &["enroll", "ada\u{ad}@example.org", "--profile", "admin", "--softkeys", "1"],
        &["revoke", "ada\u{ad}@example.org", "--key", "1", "--reason", "lost", "--yes"],
        &["drill", "ada\u{ad}@example.org", "--softkeys", "1"],
    ];
    for arguments in arguments {
        office.run(arguments).expect(2).says("an invisible character, U+00AD, after \"ada\"");
    }
    let twin = ["enroll", "\u{430}da@example.org", "--profile", "admin", "--softkeys", "1"];
    office.run(&twin).expect(2).says("(U+0430), which looks like \"a\", at the beginning");
}
