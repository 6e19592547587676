//! Ceremonies as ledgers have them, those of version 0.1.0 too: read, and written again as they were.

use keywright::ledger::{Event, Outcome};
use keywright_fido::webauthn::Ceremony;
use serde_json::Value;

/// The outcome of a begin with this ceremony around its options, as its kind of IdP makes it.
fn begun(user_id: &str, pending_object: &str, options: &str, origin: &str) -> String {
    format!(
        r#"{{"event":"step-done","job":7,"outcome":{{"ceremony":{{"deadline":"2026-11-23T18:06:36.5Z",{pending_object},"options":{options},"origin":"{origin}","user_id":"{user_id}"}},"deadline":"2026-11-23T18:06:36.5Z","step":"begin"}}}}"#
    )
}

fn options(rp_id: &str, more: &str) -> String {
    format!(
        r#"{{"attestation":"direct","authenticatorSelection":{{"requireResidentKey":true,"residentKey":"required","userVerification":"required"}},"challenge":"AAECAwQFBgcICQoLDA0ODw","excludeCredentials":[{{"id":"Y3JlZGVudGlhbA","transports":["usb","nfc"],"type":"public-key"}}],{more}"pubKeyCredParams":[{{"alg":-7,"type":"public-key"}},{{"alg":-257,"type":"public-key"}}],"rp":{{"id":"{rp_id}","name":"Example"}},"user":{{"displayName":"Zoë Ångström","id":"AQID","name":"zoe@example.org"}}}}"#
    )
}

/// Text of today's form, one for each kind of IdP: what it calls the registration that it waits for.
fn recorded() -> Vec<(&'static str, String, Option<&'static str>, Option<&'static str>)> {
    let plain = |rp_id: &str| options(rp_id, "");
    let timed = |rp_id: &str| options(rp_id, r#""timeout":300000,"#);
    vec![
        (
            "embedded",
            begun("u-1", r#""pending":"c-1""#, &plain("localhost"), "http://localhost:8460"),
            Some("c-1"),
            None,
        ),
        (
            "entra",
            begun(
                "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0",
                r#""continuation":"2026-11-23T18:01:36Z","pending":null"#,
                &options(
                    "login.microsoft.com",
                    r#""extensions":{"credentialProtectionPolicy":"userVerificationOptional","hmacCreateSecret":true},"timeout":0,"#,
                ),
                "https://login.microsoft.com",
            ),
            None,
            Some("2026-11-23T18:01:36Z"),
        ),
        (
            "okta",
            begun(
                "00u15s1KDETTQMQYABRL",
                r#""pending":"fwf2cj4em8MhwkHHjl0g7""#,
                &plain("acme.okta.com"),
                "https://acme.okta.com",
            ),
            Some("fwf2cj4em8MhwkHHjl0g7"),
            None,
        ),
        (
            "ping-one",
            begun("u-2", r#""pending":"d-9""#, &timed("auth.pingone.eu"), "https://auth.pingone.eu"),
            Some("d-9"),
            None,
        ),
        (
            "privacyidea",
            begun(
                "zoe@acme",
                r#""continuation":"02659936574063359702","pending":"WAN00025CE7""#,
                &timed("pi.example.org"),
                "https://pi.example.org:8443",
            ),
            Some("WAN00025CE7"),
            Some("02659936574063359702"),
        ),
        (
            "zitadel",
            begun(
                "163840776835432705",
                r#""pending":"163840776835432345""#,
                &timed("id.example.org"),
                "https://id.example.org",
            ),
            Some("163840776835432345"),
            None,
        ),
        (
            "manual",
            begun("zoe@example.org", r#""pending":null"#, &plain("keywright.invalid"), "https://keywright.invalid"),
            None,
            None,
        ),
    ]
}

fn ceremony(event: &Event) -> &Ceremony {
    match event {
        Event::StepDone { outcome: Outcome::Begin { ceremony, .. }, .. } => ceremony,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ceremony_of_every_kind_of_idp_is_read_and_written_as_it_was() {
    for (kind, text, pending, continuation) in recorded() {
        let event: Event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let read = ceremony(&event);
        assert_eq!((read.pending.as_deref(), read.continuation.as_deref()), (pending, continuation), "{kind}");
        assert_eq!(read.options.challenge.to_string(), "AAECAwQFBgcICQoLDA0ODw");
        let written: Value = serde_json::to_value(&event).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{kind}");
    }
}
