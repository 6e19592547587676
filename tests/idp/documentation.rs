//! The table of docs/idp/README.md, held against what the adapters have.

use std::collections::BTreeSet;
use std::path::Path;

use data_encoding::BASE64;
use keywright::idp::connection::{ConnectionConfig, IdpSettings};
use keywright::idp::embedded::Embedded;
use keywright::idp::{
    Capability, Directory, KINDS, auth0, entra, google_workspace, manual, okta, ping_one, privacy_idea, zitadel,
};
use serde_json::json;

use crate::played::keep;

const CELLS: [&str; 4] = ["works", "live", "cannot tell", "-"];

/// Each column's adapter. Nobody is asked anything.
fn adapter(column: &str, folder: &Path) -> Box<dyn Directory> {
    let connection = ConnectionConfig { name: "acme".into(), folder: folder.to_owned(), ..ConnectionConfig::default() };
    fn read<S: serde::de::DeserializeOwned>(text: &str) -> S {
        toml::from_str(text).unwrap()
    }
    let secret = "file:secret";
    keep(folder, "secret", "a-secret");
    let settings: Box<dyn IdpSettings> = match column {
        "practice IdP" => return Box::new(Embedded::new("acme", "http://127.0.0.1:9", "t".to_owned().into()).unwrap()),
        "Auth0" => Box::new(read::<auth0::Settings>(&format!(
            "url = \"https://acme.eu.auth0.com\"\nclient-id = \"c\"\nclient-secret = \"{secret}\"\nrp-id = \"login.example.org\""
        ))),
        "Entra ID" => Box::new(read::<entra::Settings>(&format!(
            "tenant-id = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\nclient-id = \"c\"\nclient-secret = \"{secret}\""
        ))),
        "Google Workspace" => {
            let pem = BASE64.encode(rcgen::KeyPair::generate().unwrap().serialized_der());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
            keep(folder, "google.json", &json!({ "client_email": "a@b", "private_key": pem }).to_string());
            let text = "service-account = \"file:google.json\"\nadministrator = \"admin@example.org\"";
            Box::new(read::<google_workspace::Settings>(text))
        }
        "Okta" => Box::new(read::<okta::Settings>(&format!("url = \"https://acme.okta.com\"\ntoken = \"{secret}\""))),
        "PingOne" => Box::new(read::<ping_one::Settings>(&format!(
            "environment = \"e\"\nclient-id = \"c\"\nclient-secret = \"{secret}\"\npolicy = \"p\"\nrp-id = \"example.org\""
        ))),
        "privacyIDEA" => Box::new(read::<privacy_idea::Settings>(&format!(
            "url = \"https://pi.example.org\"\nusername = \"u\"\npassword = \"{secret}\"\nrealm = \"r\"\ntoken-type = \"passkey\"\n\
             origin = \"https://login.example.org\""
        ))),
        "Zitadel" => {
            Box::new(read::<zitadel::Settings>(&format!("url = \"https://login.example.org\"\ntoken = \"{secret}\"")))
        }
        "by hand" => {
            Box::new(read::<manual::Settings>("rp-id = \"bank.example\"\nsign-in-url = \"https://login.bank.example\""))
        }
        other => panic!("{other} is no kind of IdP"),
    };
    settings.open(&connection).unwrap()
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_table_of_capabilities_is_what_the_adapters_have() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/idp");
    let text = std::fs::read_to_string(docs.join("README.md")).unwrap();
    let (_, rest) = text.split_once("<!-- capabilities").unwrap();
    let (table, _) = rest.split_once("<!-- end of capabilities -->").unwrap();
    let mut lines = table.lines().filter(|line| line.starts_with('|'));
    let columns = cells(lines.next().unwrap());
    assert_eq!(columns.len() - 1, KINDS.len(), "a column for each kind");
    let folder = tempfile::tempdir().unwrap();
    let adapters: Vec<_> = columns[1..].iter().map(|column| adapter(column, folder.path())).collect();
    let mut told = BTreeSet::new();
    for row in lines.skip(1).map(cells) {
        let capability = Capability::ALL.into_iter().find(|one| one.words() == row[0]);
        let capability = capability.unwrap_or_else(|| panic!("{} is no capability", row[0]));
        assert!(told.insert(capability) && row.len() == columns.len(), "{row:?}");
        for (cell, (column, adapter)) in row[1..].iter().zip(columns[1..].iter().zip(&adapters)) {
            assert!(CELLS.contains(cell), "{column}: {cell}");
            let by_hand = capability == Capability::Registration && adapter.registration().by_hand().is_some();
            let has = adapter.capabilities().has(capability) && !by_hand;
            assert_eq!(has, *cell != "-", "{column}: {}", capability.words());
        }
    }
    assert_eq!(told.len(), Capability::ALL.len());
}
