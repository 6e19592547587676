//! What spreadsheets and people write, and what becomes of it.

use super::*;
use crate::profile::built_in;

fn parse(text: impl AsRef<[u8]>) -> Result<Roster, RosterError> {
    RosterLayout::default().parse("roster.csv", text.as_ref(), &built_in())
}

/// Row numbers and reasons of a roster that has to be refused.
fn wrong_rows(text: impl AsRef<[u8]>) -> Vec<(usize, String)> {
    match parse(&text) {
        Err(RosterError::Rows { rows, .. }) => rows,
        other => panic!("{:?}: {other:?}", String::from_utf8_lossy(text.as_ref())),
    }
}

fn assert_wrong(text: impl AsRef<[u8]>, expected: &[(usize, &str)]) {
    let rows = wrong_rows(&text);
    let told = rows.len() == expected.len()
        && rows.iter().zip(expected).all(|((row, why), (at, part))| row == at && why.contains(part));
    assert!(told, "{rows:#?}\nexpected\n{expected:#?}");
}

#[test]
fn people_are_read_in_the_order_of_the_file() {
    let roster = parse(
        "ticket,account,name,profile\nREQ-1,alice@example.org,\"Ali, \"\"A.\"\" Ce\",admin\n,bob@example.org,,break-glass",
    )
    .unwrap();
    let [alice, bob] = roster.people.as_slice() else { panic!("{roster:?}") };
    assert_eq!((alice.display_name(), alice.ticket.as_deref()), ("Ali, \"A.\" Ce", Some("REQ-1")));
    assert_eq!((bob.display_name(), bob.profile.as_str()), ("bob@example.org", "break-glass"));
    assert_eq!((&bob.name, &bob.ticket, &bob.reason, &bob.storage), (&None, &None, &None, &None));
}

#[test]
fn what_spreadsheets_write_is_read() {
    let plain = parse("account,profile\nalice,admin\nbob,exec\n").unwrap();
    let text = "\u{feff}Account , Profile\r\n alice ,admin\r\n\r\nbob,\"exec\"\r\n\r\n";
    let roster = parse(text).unwrap();
    assert_eq!(roster.people, plain.people);
    assert_eq!(roster.sha256, <[u8; 32]>::from(Sha256::digest(text)));
    assert_ne!(roster.sha256, plain.sha256);
}

#[test]
fn an_empty_roster_is_told_apart_from_a_wrong_one() {
    for text in ["", "\u{feff}", "\r\n\n", "account,profile", "account,profile\n\n"] {
        assert_eq!(parse(text), Err(RosterError::Empty { file: "roster.csv".to_owned() }), "{text:?}");
    }
}

#[test]
fn the_heading_has_to_be_right() {
    let wrong = |text: &str| match parse(text) {
        Err(RosterError::Heading { row, wrong, .. }) => (row, wrong),
        other => panic!("{text:?}: {other:?}"),
    };
    let no_account = "there is no column \"account\" for the account".to_owned();
    let no_profile = "there is no column \"profile\" for the profile".to_owned();
    assert_eq!(wrong("alice,admin\n"), (1, vec![no_account, no_profile.clone()]));
    assert_eq!(wrong("account,profile,Account\n"), (1, vec!["the column \"account\" is there twice".to_owned()]));
    assert_eq!(wrong("\naccount,name\nalice,Alice\n"), (2, vec![no_profile]));
    assert!(wrong("\"account,profile\nalice,admin").1[0].contains("quote"));
    assert_wrong(b"a\0c\0", &[(1, "UTF-16 without a byte order mark")]);
}

#[test]
fn other_headings_are_named_and_further_columns_are_told() {
    let headings = BTreeMap::from([(Column::Account, "upn".to_owned()), (Column::Profile, "Rolle".to_owned())]);
    let mut layout = RosterLayout { headings, profile: None };
    let text = "Nr;Name;UPN;Abteilung;ROLLE;account;;\n1;\"M\u{fc}ller, J\";ada;IT;Admin;x;;y\n2;;bob;;exec\n";
    let roster = layout.parse("hr.csv", text.as_bytes(), &built_in()).unwrap();
    let [ada, bob] = roster.people.as_slice() else { panic!("{roster:?}") };
    assert_eq!((ada.account.as_str(), ada.profile.as_str(), ada.display_name()), ("ada", "admin", "M\u{fc}ller, J"));
    assert_eq!((bob.account.as_str(), bob.profile.as_str(), &bob.name), ("bob", "exec", &None));
    assert_eq!(roster.not_read, ["Nr", "Abteilung", "account", "column 8"]);

    // One profile for all takes the place of the column.
    layout.profile = Some("finance".parse().unwrap());
    let roster = layout.parse("hr.csv", text.as_bytes(), &built_in()).unwrap();
    assert!(roster.people.iter().all(|person| person.profile.as_str() == "finance"));
    assert_eq!(roster.not_read, ["Nr", "Abteilung", "ROLLE", "account", "column 8"]);

    let missing = layout.parse("hr.csv", b"account,profile\nada,admin", &built_in()).unwrap_err();
    let RosterError::Heading { wrong, names, .. } = missing else { panic!("{missing:?}") };
    assert_eq!(wrong, ["there is no column \"upn\" for the account"]);
    assert_eq!(names, ["account", "profile"]);
}

#[test]
fn a_heading_for_a_column_is_named_in_one_word() {
    let named = |text: &str| text.parse::<ColumnHeading>();
    assert_eq!(named("Account= UPN "), Ok(ColumnHeading { column: Column::Account, heading: "UPN".into() }));
    assert_eq!(named("profile=Rolle = Amt").unwrap().heading, "Rolle = Amt");
    assert_eq!(named("account").unwrap_err(), "name the roster's heading, as in account=UPN");
    assert!(named("upn=account").unwrap_err().contains("\"upn\" is not a column; there are account, profile, name"));
}

#[test]
fn any_separator_encoding_and_line_end_of_a_spreadsheet_is_read() {
    let plain = parse("account,profile,name\nren\u{e9},admin,R\nbob,exec,\"B, B\"").unwrap().people;
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
    };
    let tabs = "account\tprofile\tname\r\nren\u{e9}\tadmin\tR\r\nbob\texec\tB, B\r\n";
    for text in [
        tabs.into(),
        utf16(tabs, u16::to_le_bytes),
        utf16(tabs, u16::to_be_bytes),
        tabs.replace("\r\n", "\r").into(),
        tabs.replace('\t', ";").into(),
        format!("\u{feff}sep=;\r\n{}", tabs.replace('\t', ";")).into(),
        format!("\"SEP=\t\"\n{tabs}").into(),
        format!("sep=|\n{}", tabs.replace('\t', "|")).into(),
        format!("\r\n{tabs}\t\t\t\t\r\n\t\t\r\n\u{1a}").into(),
        // Spreadsheets leave away what is empty at the end.
        b"storage;profile;account;name;reason\n;admin;rene\xcc\x81;R\n;exec;bob;B, B;;;\n".to_vec(),
    ] {
        assert_eq!(parse(&text).map(|roster| roster.people), Ok(plain.clone()), "{:?}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn a_line_break_in_a_cell_is_harmless_where_nobody_reads_it() {
    let address = "account;address;profile\nada;\"1 High St\r\nLondon\";admin\nbob;x;exec\nADA;;admin\n";
    assert_wrong(address, &[(5, "\"ADA\" is in row 2 already")]);
    let roster = parse(address.replace("ADA", "eve")).unwrap();
    assert_eq!(roster.people.len(), 3);
    assert_wrong("account,profile,name\nada,admin,\"Ada\nByron\"\n", &[(2, "hidden character, U+000A")]);
}

#[test]
fn all_wrong_rows_are_told_at_once() {
    let text = b"account,profile,name\r\n\
        alice,admin,Alice\r\n\
        bob,Boss,Bob\r\n\
        ,admin,Nobody\r\n\
        \r\n\
        dave,admin\r\n\
        erin,admin,Erin,1\r\n\
        fr\xffed,admin,Fred\r\n\
        ALICE,exec,Alice\r\n\
        BOB,exec,Bob\r\n\
        gina,,G\x07na\r\n";
    assert_wrong(
        text,
        &[
            (3, "no profile \"Boss\"; there are admin, break-glass, exec, finance"),
            (4, "the account is empty"),
            (7, "4 fields, but the heading has 3"),
            (8, "byte 3 is not UTF-8"),
            (9, "\"ALICE\" is in row 2 already"),
            (10, "\"BOB\" is in row 3 already"),
            (11, "the name has a hidden character, U+0007"),
            (11, "no profile \"\""),
        ],
    );
}

#[test]
fn a_login_is_the_same_in_any_case_and_form() {
    assert_wrong(
        "account,profile\nren\u{e9}@example.org,exec\nRENE\u{301}@example.org,exec\nrene@example.org,exec",
        &[(3, "in row 2 already")],
    );
}

#[test]
fn a_login_that_looks_like_another_is_refused() {
    assert_wrong("account,profile\nali\u{200b}ce,admin\n\u{202e}bob,admin", &[(2, "U+200B"), (3, "U+202E")]);
}

#[test]
fn a_stray_quote_spoils_its_own_row_only() {
    for broken in ["\"alice,admin", "alice,\"admin", "al\"ice,admin", "\"ali\"ce,admin", "\"alice\"\",admin"] {
        assert_wrong(format!("account,profile\n{broken}\nbob,nobody\n"), &[(2, "quote"), (3, "no profile")]);
    }
    assert!(parse("account,profile\n\"alice\",\"admin\"").is_ok());
}

#[test]
fn the_error_counts_the_rows() {
    let error = parse("account,profile\nalice,x\nbob,y\n").unwrap_err().to_string();
    assert_eq!(error, "roster.csv: 2 rows are wrong");
    assert_eq!(parse("account,profile\nalice,x").unwrap_err().to_string(), "roster.csv: 1 row is wrong");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Roster::read(Path::new("/nowhere/roster.csv"), &built_in()).unwrap_err();
    assert!(matches!(error, RosterError::Unreadable { file, .. } if file == "/nowhere/roster.csv"));
}
