//! People get their keys at a privacyIDEA server that nobody here wrote, and its own list agrees with the ledger.

#![allow(clippy::unwrap_used)] // clippy knows test functions only, not what they call

#[path = "support/privacy_idea.rs"]
mod privacy_idea;
#[path = "support/workshop.rs"]
mod workshop;

use keywright::hid::Cancel;
use keywright::idp::Directory;
use keywright::idp::privacy_idea::TokenType;
use keywright::ledger::AccountId;
use keywright::provision::{Patience, revoke};
use privacy_idea::Server;
use serde_json::{Value, json};
use workshop::{DIRECTORY, Hands, Workshop, failures};

const TEN: [&str; 10] = ["user1", "user2", "user3", "user4", "user5", "user6", "user7", "user8", "user9", "user10"];

/// A workshop with one key for each, which the server trusts.
fn workshop_at(server: &Server, logins: &[&str]) -> Workshop {
    let mut workshop = Workshop::without_directory(logins.len(), logins);
    workshop.profile.keys.required = 1;
    server.trust(&workshop.path().join("softkeys/attestation-ca.pem"), "softkeys");
    workshop
}

fn trusted() -> Value {
    json!({ "webauthn_authenticator_attestation_level": "trusted" })
}

fn ten_people(token_type: TokenType) {
    let Some(server) = Server::start(&trusted()) else { return };
    let workshop = workshop_at(&server, &TEN);
    let directory = server.directory(token_type);
    let blocking: Vec<_> = directory.preflight().unwrap().into_iter().filter(|finding| finding.blocks).collect();
    assert_eq!(blocking, []);
    let report = workshop.provision_at(&directory, &workshop.store(), &workshop.rack(), &Hands::default()).unwrap();
    assert_eq!(failures(&report), []);
    assert!(report.accounts.iter().all(|account| account.complete), "{report:#?}");
    workshop.everything_agrees_at(&directory, &workshop.rack(), &TEN, 1);
    let tokens = server.tokens();
    assert_eq!(tokens.len(), TEN.len());
    for token in &tokens {
        assert_eq!(token["rollout_state"], "enrolled", "{token}");
        assert_eq!(token["active"], true, "{token}");
        assert_eq!(token["tokentype"], token_type.name());
        assert!(token["description"].as_str().unwrap().starts_with("Key 1"), "{token}");
        if token_type == TokenType::Webauthn {
            assert_eq!(token["info"]["attestation_level"], "trusted");
        }
    }

    let account = AccountId { directory: DIRECTORY.into(), login: "user3".into() };
    let revocation =
        revoke(&directory, &workshop.store(), &Patience::default(), &Cancel::default(), &account, 1, "lost").unwrap();
    assert_eq!((revocation.removed.len(), revocation.keys_left), (1, 0));
    let user = directory.find_user("user3").unwrap();
    assert_eq!(directory.list(&user).unwrap(), []);
    let revoked: Vec<_> = server.tokens().into_iter().filter(|token| token["revoked"] == true).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["username"], "user3");
}

#[test]
fn ten_people_get_webauthn_tokens_whose_attestation_the_server_trusts() {
    ten_people(TokenType::Webauthn);
}

#[test]
fn ten_people_get_passkeys() {
    ten_people(TokenType::Passkey);
}
