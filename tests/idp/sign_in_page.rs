//! The embedded directory's page for browsers, as the requests that it makes. (That a real browser makes them is seen elsewhere.)

use std::sync::Arc;

use crate::software_signer::Signer;
use keywright::idp::Directory;
use keywright::idp::embedded::Embedded;
use keywright_attest::Anchors;
use keywright_fido::webauthn::UserVerification;
use keywright_practice::idp_server::wire::{Login, NewUser, PageSignIn, SignInResponse, SignedIn};
use keywright_practice::idp_server::{EmbeddedServer, Settings};
use serde_json::Value;

const TOKEN: &str = "correct-horse-battery";

struct Page {
    server: EmbeddedServer,
    directory: Embedded,
    signer: Signer,
}

/// Makes a person with a key.
pub(crate) fn one_person(directory: &Embedded, login: &str) -> Signer {
    let new =
        NewUser { login: login.into(), display_name: "Ada Lovelace".into(), active: true, other_methods: Vec::new() };
    let user = directory.create_user(&new).unwrap();
    let (ceremony, signer) = (directory.begin(&user).unwrap(), Signer::new());
    let options = &ceremony.options;
    let made = signer.register(&options.challenge, &ceremony.origin, &options.rp.id);
    directory.complete(&ceremony, &made, "Key 1").unwrap();
    signer
}

impl Page {
    /// A server with one person, who has a key.
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Arc::new(Anchors::none()));
        change(&mut settings);
        let server = EmbeddedServer::start("127.0.0.1:0".parse().unwrap(), None, TOKEN.into(), settings).unwrap();
        let directory = Embedded::new("page", &server.url(), TOKEN.into()).unwrap();
        let signer = one_person(&directory, "ada@example.org");
        Self { server, directory, signer }
    }

    /// A request without the token, as a browser makes it.
    fn post(&self, path: &str, body: &impl serde::Serialize) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.post(format!("{}{path}", self.server.url())).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    fn begin(&self, login: &str) -> Result<PageSignIn, String> {
        match self.post("/sign-in", &Login { login: login.into() }) {
            (200, begun) => Ok(serde_json::from_value(begun).unwrap()),
            (_, refused) => Err(refused["error"]["message"].as_str().unwrap().to_owned()),
        }
    }

    fn finish(&mut self, begun: &PageSignIn) -> Result<SignedIn, String> {
        let options = &begun.public_key;
        let signed = self.signer.sign_in(&options.challenge, self.server.origin(), &options.rp_id);
        let response = SignInResponse { response: signed.to_json() };
        match self.post(&format!("/sign-in/{}/{}", begun.user, begun.id), &response) {
            (200, signed_in) => Ok(serde_json::from_value(signed_in).unwrap()),
            (_, refused) => Err(refused["error"]["message"].as_str().unwrap().to_owned()),
        }
    }
}

#[test]
fn a_person_signs_in_once_with_each_challenge() {
    let mut page = Page::new(|_| {});
    let begun = page.begin("ada@example.org").unwrap();
    assert_eq!(begun.public_key.user_verification, UserVerification::Required);
    assert_eq!(begun.origin, *page.server.origin());
    assert_eq!(begun.public_key.allow_credentials.len(), 1);
    let expected = SignedIn { display_name: "Ada Lovelace".into(), label: "Key 1".into(), user_verified: true };
    assert_eq!(page.finish(&begun), Ok(expected));
    assert!(page.finish(&begun).unwrap_err().contains("has already ended"));
}

#[test]
fn strangers_and_revoked_keys_are_refused_in_words() {
    let mut page = Page::new(|_| {});
    assert_eq!(page.begin("eve@example.org").unwrap_err(), "there is no such account");
    let begun = page.begin("ada@example.org").unwrap();
    let user = page.directory.find_user("ada@example.org").unwrap();
    for registered in page.directory.list(&user).unwrap() {
        page.directory.revoke(&user, &registered).unwrap();
    }
    let refused = page.finish(&begun).unwrap_err();
    assert!(refused.starts_with("the key “Key 1” was revoked on 20"), "{refused}");
    assert_eq!(page.begin("ada@example.org").unwrap_err(), "the account has no security key");
}

#[test]
fn a_revoked_key_beside_another_one_is_asked_for_and_named() {
    let mut page = Page::new(|_| {});
    let user = page.directory.find_user("ada@example.org").unwrap();
    let lost = page.directory.list(&user).unwrap().remove(0);
    let (ceremony, other) = (page.directory.begin(&user).unwrap(), Signer::new());
    let made = other.register(&ceremony.options.challenge, &ceremony.origin, &ceremony.options.rp.id);
    page.directory.complete(&ceremony, &made, "Key 2").unwrap();
    page.directory.revoke(&user, &lost).unwrap();

    let begun = page.begin("ada@example.org").unwrap();
    let asked: Vec<_> = begun.public_key.allow_credentials.iter().map(|one| &one.id).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.contains(&lost.credential_id.as_ref().unwrap()));
    let refused = page.finish(&begun).unwrap_err();
    assert!(refused.starts_with("the key “Key 1” was revoked on 20"), "{refused}");
    // Nobody else is asked for it: neither for a new key nor for a sign-in over the API.
    assert_eq!(page.directory.begin(&user).unwrap().options.exclude_credentials.len(), 1);
    assert_eq!(page.directory.sign_in().unwrap().begin(&user).unwrap().options.allow_credentials.len(), 1);

    page.signer = other;
    let begun = page.begin("ada@example.org").unwrap();
    assert_eq!(page.finish(&begun).unwrap().label, "Key 2");
}

#[test]
fn a_touch_is_enough_only_where_the_server_says_so() {
    const TOUCHED: u8 = 0x01;
    for (wanted, allowed) in [(UserVerification::Required, false), (UserVerification::Discouraged, true)] {
        let mut page = Page::new(|settings| settings.user_verification = wanted);
        page.signer.flags = TOUCHED;
        let begun = page.begin("ada@example.org").unwrap();
        let finished = page.finish(&begun);
        assert_eq!(finished.as_ref().is_ok_and(|signed_in| !signed_in.user_verified), allowed, "{finished:?}");
    }
}

#[test]
fn the_page_stands_alone_and_opens_no_other_door() {
    let page = Page::new(|_| {});
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(page.server.url()).call().unwrap();
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let html = answer.body_mut().read_to_string().unwrap();
    assert!(!html.contains("https://") && !html.contains("http://"), "nothing from elsewhere");
    assert_eq!(agent.get(format!("{}/v1/users", page.server.url())).call().unwrap().status().as_u16(), 401);
}
