//! Events of two people with a key each, from plan to proof, for ledgers to be spoiled.

use serde_json::{Value, json};

/// The first is done, the second is under way.
pub fn two_keys() -> Vec<Value> {
    let mut events = vec![json!({"event": "batch-started", "batch": 1, "operator": "root", "version": "0.1.0",
        "directory": "embedded", "roster_sha256": null})];
    for (job, login) in [(1, "ada@example.org"), (2, "bob@example.org")] {
        let account = json!({"directory": "embedded", "login": login});
        events.push(json!({"event": "account-planned", "batch": 1, "account": account,
            "person": {"account": login, "profile": "admin", "name": "Ada", "ticket": "IT-1", "reason": null, "storage": null},
            "profile": {"name": "admin", "description": "Administrators.", "label": "{model} {ordinal}", "hand-over": "letter",
                "keys": {"required": 1, "models": [], "attestation": "none", "reset": "if-used", "always-uv": false, "cred-protect": 1},
                "pin": {"length": 8, "alphabet": "digits", "minimum-on-key": 6, "force-change": true}}}));
        events.push(json!({"event": "user-found", "account": account, "user_id": format!("u-{job}"), "other_methods": ["SMS"]}));
        events.push(json!({"event": "job-planned", "job": job, "account": account, "ordinal": 1}));
        for outcome in outcomes(job) {
            events.push(json!({"event": "step-started", "job": job, "step": outcome["step"]}));
            events.push(json!({"event": "step-done", "job": job, "outcome": outcome}));
            if job == 2 && outcome["step"] == "prove" {
                return events;
            }
        }
        events.push(json!({"event": "account-completed", "account": account}));
    }
    events
}

fn outcomes(job: u64) -> Vec<Value> {
    let credential_id = if job == 1 { "Y3JlZGVudGlhbA" } else { "b3RoZXI" };
    vec![
        json!({"step": "inspect", "key": {"port": format!("1-{job}"), "product": "Soft key", "usb_serial": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "firmware_version": null, "fingerprint": format!("0{job}")}}),
        json!({"step": "reset", "done": false}),
        json!({"step": "seal-pin", "sealed": format!("job-{job}")}),
        json!({"step": "set-pin"}),
        json!({"step": "begin", "ceremony": {"user_id": format!("u-{job}"), "pending": "p-1",
            "options": {"rp": {"id": "login.example.org", "name": "Example"},
                "user": {"id": "AQID", "name": "ada", "displayName": "Ada"}, "challenge": "AAECAwQFBgcICQoLDA0ODw",
                "pubKeyCredParams": [{"type": "public-key", "alg": -7}]},
            "origin": "https://login.example.org", "deadline": "2026-11-23T18:06:36Z"}, "deadline": "2026-11-23T18:06:36Z"}),
        json!({"step": "make", "credential_id": credential_id, "rp_id": "login.example.org", "user_handle": "AQID",
            "attestation_object": "oWNmbXRkbm9uZQ", "client_data_json": "e30", "public_key": "pQECAyYgAQ"}),
        json!({"step": "verify", "verdict": {"fmt": "none", "statement": "none", "chain": "not_checked", "anchor": null,
            "aaguid": "2fc0579f-8113-47ea-b116-bb5a8db9202a", "model": null, "subject": null, "firmware": null,
            "serial": null, "enterprise": false, "transports": [], "backup_eligible": false, "reasons": []}}),
        json!({"step": "prove", "authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MEQC"}),
        json!({"step": "complete", "directory_id": format!("key-{job}"), "label": "Soft key"}),
        json!({"step": "sign-in", "done": true}),
        json!({"step": "harden", "min_pin_length": 6, "always_uv": false, "force_pin_change": true}),
        json!({"step": "hand-over", "how": "letter", "readers": []}),
    ]
}
