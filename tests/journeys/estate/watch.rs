//! `keywright watch`: looks, one after the other.

use keywright_practice::idp_server::wire::estate::{Hold, OtherSignIn};
use keywright_test_support::fault_proxy::{Fault, Reply, Which};
use serde_json::{Value, json};

use super::{Estate, account, of_kind};

fn findings(lines: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_kind(lines, "watch-finding").iter().map(|one| (text(&one["finding"]), text(&one["account"]))).collect()
}

fn told(finding: &str, login: &str) -> (String, String) {
    (finding.to_owned(), login.to_owned())
}

#[test]
fn what_is_new_since_the_last_look_is_told_once_a_line() {
    let estate = Estate::with_keys(&["ada@example.org", "bo@example.org"]);
    estate.make_admin("ada@example.org", "owner", Hold::Active);
    let look = |code| estate.look(&["watch", "--json"]).expect(code).json();
    assert_eq!(look(0).last().unwrap()["since"], json!(null));
    assert!(look(0).last().unwrap()["since"].is_string());

    estate.set_methods("ada@example.org", &["sms"]);
    estate.set_active("bo@example.org", false);
    let found = look(3);
    assert_eq!(
        findings(&found),
        [told("weak-method-back", "ada@example.org"), told("account-inactive", "bo@example.org")]
    );
    let text = estate.look(&["watch"]).expect(3).stdout;
    assert!(
        !text.contains("weak method back")
            && text.contains("bo@example.org: not active at the IdP, with 2 keys out -> "),
        "{text}"
    );
    estate.set_active("bo@example.org", true);
    look(0);

    // Only the last look is kept, and each is in the ledger.
    let kept = std::fs::read_dir(estate.home.state().join("estate")).unwrap().count();
    assert_eq!((kept, estate.ledger().matches("\"estate-read\"").count()), (1, 5));

    let refused = Fault::ReplyBefore(Reply::new(403, "", "{\"error\":{\"code\":\"forbidden\",\"message\":\"no\"}}"));
    estate.proxy.always(Which::request("GET", "/v1/role-holders"), refused);
    assert_eq!(findings(&look(3)), [told("cannot-tell", "")]);
}

#[test]
fn a_break_glass_account_is_watched_and_drills_are_in_a_calendar() {
    let estate = Estate::with_keys(&["glass1@example.org"]);
    estate.set_methods("glass1@example.org", &["sms"]);
    let added = json!({"event": "break-glass-added", "account": account("glass1@example.org"), "ordinal": 1,
        "place": "safe", "bag": "1", "may_open": ["Bo"], "operator": "root"});
    estate.record(&[added]);
    let glass = estate.user("glass1@example.org");
    estate.idp.sign_in_otherwise(&glass, &OtherSignIn { method: "sms".into(), pass: None }).unwrap();
    let calendar = estate.home.path("drills.ics");
    let lines = estate.look(&["watch", "--json", "--ics", calendar.to_str().unwrap()]).expect(3).json();
    let found = findings(&lines);
    assert!(found.contains(&told("break-glass", "glass1@example.org")), "{found:?}");
    assert!(std::fs::read_to_string(calendar).unwrap().starts_with("BEGIN:VCALENDAR\r\n"));
}

#[test]
fn the_unit_runs_the_command() {
    let service = include_str!("../../../systemd/keywright-watch.service");
    assert!(service.contains("\nExecStart=/usr/bin/keywright watch\n"));
    assert!(include_str!("../../../systemd/keywright-watch.timer").contains("\nPersistent=true\n"));
}
