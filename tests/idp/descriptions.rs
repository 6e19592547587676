//! The vendors' own descriptions, held against requests: what a description does not know does not pass.

use crate::fake_idp::{Answer, FakeIdp};
use crate::prism::Prism;
use keywright::idp::http::{Client, Limits};
use serde_json::{Value, json};
use ureq::http::{Method, header};

#[test]
fn what_okta_does_not_describe_does_not_pass() {
    let factor =
        json!({ "id": "fwf2rovRxogXJ0nDy0g4", "factorType": "webauthn", "provider": "FIDO", "status": "ACTIVE" });
    let idp = FakeIdp::start(move |request| match request.segments().last().map(String::as_str) {
        // No array of factors.
        Some("factors") if request.path.contains("wrong") => Answer::json(200, &json!("everything is fine")),
        Some("factors") if request.method == "GET" => Answer::json(200, &json!([factor])),
        _ => Answer::json(200, &factor),
    });
    let Some(prism) = Prism::start("okta-openapi-excerpt.yaml", &idp.url()) else { return };
    let client = Client::new("acme", &prism.url(), Limits::default()).unwrap();
    let status = |method: Method, path: &str, body: Option<Value>| {
        let call = client.call(method, path).credential(header::AUTHORIZATION, "SSWS token".into());
        let call = if let Some(body) = body { call.json(&body) } else { call };
        call.send().unwrap().status()
    };
    let (known, unknown) = ("/api/v1/users/00u15s1KDETTQMQYABRL/factors", "/api/v1/users/00u15s1KDETTQMQYABRL/keys");
    let enrol = |kind: &str| Some(json!({ "factorType": kind, "provider": "FIDO" }));
    assert_eq!(status(Method::GET, known, None), 200);
    assert_eq!(status(Method::POST, known, enrol("webauthn")), 200);
    assert_eq!(idp.calls().len(), 2);

    assert_eq!(status(Method::GET, unknown, None), 404, "a path that is not described");
    assert_eq!(status(Method::POST, known, enrol("security-key")), 422, "a body that is not described");
    assert_eq!(idp.calls().len(), 2, "neither went on");
    assert_eq!(status(Method::GET, "/api/v1/users/wrong/factors", None), 500, "an answer that is not described");
}
