//! Which identity providers are set up, and is one ready? As a person asks before the first batch.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod cli_support;

use cli_support::Home;
use serde_json::json;

const TWO: &str = "\
[idp.corp]
kind = \"embedded\"
url = \"http://127.0.0.1:9\"
token = \"env:CORP_TOKEN\"

[idp.lab]
kind = \"embedded\"
url = \"http://[::1]:9\"
token = \"file:lab.token\"
";

#[test]
fn what_is_set_up_is_listed_without_asking_anybody() {
    let home = Home::new();
    let settings = home.file("keywright.toml", TWO);
    let listed = home.run(&["idp", "list", "--config", &settings, "--json"]).expect(0).json();
    let of = |name: &str, address: &str, secret: &str| json!({ "schema": "keywright/1", "name": name, "kind": "embedded", "address": address, "secret": secret });
    assert_eq!(
        listed,
        [of("corp", "http://127.0.0.1:9", "env:CORP_TOKEN"), of("lab", "http://[::1]:9", "file:lab.token")]
    );
    let words = home.run(&["idp", "list", "--config", &settings]).expect(0).stdout;
    assert_eq!(words.lines().nth(1).unwrap(), "lab   embedded  http://[::1]:9  secret from file:lab.token");

    let none = home.file("empty.toml", "");
    let ended = home.run(&["idp", "list", "--config", &none]).expect(0).says("no identity provider is set up");
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_one_to_check_is_named_first_of_all() {
    let home = Home::new();
    let settings = home.file("keywright.toml", TWO);
    let check = |more: &[&str]| home.run(&[&["idp", "check", "--config", &settings], more].concat());
    check(&[]).expect(2).says("several identity providers");
    check(&["home"]).expect(2).says("no identity provider is called \"home\"").says("corp, lab");
    // Its secret comes before its address: nothing can be asked without it.
    check(&["lab"]).expect(1).says("lab.token");
    check(&["lab", "--idp", "corp"]).expect(2).says("cannot be used with");
}
