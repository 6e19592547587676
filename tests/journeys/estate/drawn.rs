//! `keywright roster draw`, and `keywright inventory --paths`.

use keywright_practice::idp_server::wire::estate::{Application, Hold};
use serde_json::json;

use super::{Estate, of_kind};

#[test]
fn the_roster_that_is_drawn_is_one_that_provision_takes() {
    let estate = Estate::with_keys(&["ada@example.org"]);
    for login in ["bo@example.org", "cy@example.org", "dee@example.org"] {
        estate.create(login, &["sms"]);
        estate.make_admin(login, "helpdesk", Hold::Active);
    }
    estate.make_admin("ada@example.org", "owner", Hold::Active);
    estate.set_active("dee@example.org", false);
    let drawn = estate.look(&["roster", "draw", "--all-admins"]).expect(0);
    assert!(drawn.stdout.starts_with("\u{feff}account,profile,name,wave,roles,keys,"), "{}", drawn.stdout);
    assert!(drawn.stdout.contains("\nada@example.org,admin,ada@example.org,,owner,2 of 2,,"), "{}", drawn.stdout);
    assert!(drawn.stdout.contains("\nbo@example.org,admin,BO@EXAMPLE.ORG,,helpdesk,none,,sms,"), "{}", drawn.stdout);
    assert!(!drawn.stdout.contains("dee@"), "{}", drawn.stdout);
    let missing = estate.look(&["roster", "draw", "--all-admins", "--missing"]).expect(0).stdout;
    let roster = estate.home.file("drawn.csv", &missing);
    estate.run(&["provision", &roster, "--softkeys", "6"]).expect(0);
    let again = estate.look(&["roster", "draw", "--all-admins", "--missing", "--json"]).expect(0).one();
    assert_eq!((&again["people"], &again["complete"]), (&json!(0), &json!(3)));

    // Who is on a roster and no longer privileged.
    estate.idp.set_role(&estate.user("cy@example.org"), "helpdesk", None).unwrap();
    estate.set_active("bo@example.org", false);
    let older = ["roster", "draw", "--all-admins", "--against", &roster, "--json"];
    let lines = estate.look(&older).expect(3).json();
    let gone: Vec<_> =
        of_kind(&lines, "no-longer").iter().map(|one| (one["account"].clone(), one["why"].clone())).collect();
    assert_eq!(gone, [(json!("bo@example.org"), json!("inactive")), (json!("cy@example.org"), json!("not-asked"))]);
    estate.look(&older[..older.len() - 1]).expect(3).says("cy@example.org: has no such role or group any more");
}

#[test]
fn the_plan_says_profile_and_wave_and_who_makes_their_own() {
    let estate = Estate::new(&["ada@example.org", "bo@example.org"]);
    estate.idp.set_member("g-fin", &estate.user("ada@example.org"), true).unwrap();
    estate.idp.set_member("g-sales", &estate.user("bo@example.org"), true).unwrap();
    estate.home.file("rollout.toml", "[[group]]\nname = \"fin\"\ngroup = \"g-fin\"\nfactor = \"both\"\nprofile = \"finance\"\nwave = \"2\"\nsupporter = \"x\"\n\n[[group]]\nname = \"sales\"\ngroup = \"g-sales\"\nfactor = \"synced-passkey\"\nsupporter = \"x\"\n");
    let lines = estate.look(&["roster", "draw", "--json"]).expect(0).json();
    let [row] = &of_kind(&lines, "roster-row")[..] else { panic!("{lines:#?}") };
    assert_eq!(
        (&row["account"], &row["profile"], &row["wave"]),
        (&json!("ada@example.org"), &json!("finance"), &json!("2"))
    );
}

#[test]
fn every_way_in_is_listed_with_its_guard_and_decision() {
    let estate = Estate::new(&["ada@example.org"]);
    estate.set_policy("keys only", "admins", true, &[]);
    let application = |name: &str, legacy, policies: &[&str]| Application {
        name: name.into(),
        legacy,
        policies: policies.iter().map(|policy| (*policy).to_owned()).collect(),
    };
    for (id, made) in [
        ("crm", application("CRM", false, &["keys only"])),
        ("mail", application("IMAP", true, &["keys only"])),
        ("pay", application("Payroll", false, &[])),
    ] {
        estate.idp.set_application(id, Some(&made)).unwrap();
    }
    let path = |name: &str, more: &str| format!("[[path]]\nname = \"{name}\"\nowner = \"it\"\n{more}\n");
    let plan = path("Old payroll", "application = \"pay\"\ndecision = \"switch-off\"\nuntil = 2099-01-01")
        + &path("VPN", "factor = \"hardware-keys\"\ndecision = \"covered\"");
    estate.home.file("rollout.toml", &plan);
    let ended = estate.look(&["inventory", "--paths", "--json"]).expect(3).json();
    let open: Vec<_> = of_kind(&ended, "path")
        .iter()
        .map(|one| (one["name"].clone(), one["guard"].clone(), one["open"].clone()))
        .collect();
    let expected = [
        ("IMAP", "legacy", json!("undecided")),
        ("CRM", "strict", json!(null)),
        ("Old payroll", "none", json!(null)),
        ("VPN", "not-at-the-idp", json!(null)),
    ];
    assert_eq!(open, expected.map(|(name, guard, open)| (json!(name), json!(guard), open)));
    let text = estate.look(&["inventory", "--paths"]).expect(3).stdout;
    assert!(text.contains("UNDECIDED"), "{text}");
    estate.home.file("rollout.toml", &(plan + &path("Mail", "application = \"mail\"\ndecision = \"accept-risk\"\nuntil = 2099-01-01\nwhy = \"goes with the old server\"")));
    estate.look(&["inventory", "--paths"]).expect(0);
}
