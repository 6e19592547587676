//! webauthn-rs-core as a peer: `register_credential` with the case's anchors as attestation CAs.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64;
use keywright_peers::{Case, Cases, Expected, Report, patience, rate};
use webauthn_attestation_ca::{AttestationCaList, AttestationCaListBuilder};
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{RegisterPublicKeyCredential, RegistrationState};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (cases, patience) = (Cases::from_arguments()?, patience()?);
    let mut report = Report { peer: "webauthn-rs-core 0.6.2".into(), ..Report::default() };
    for case in &cases.cases {
        let (answer, rate) = match Bench::new(case) {
            Ok(bench) => {
                let verdict = bench.verdict();
                let taken = verdict.is_ok() && case.expected == Expected::Accept;
                let rate = taken.then(|| rate(patience, || assert!(bench.verdict().is_ok())));
                (verdict.map_or_else(|why| format!("reject: {why}"), |()| "accept".into()), rate)
            }
            Err(why) => (format!("reject: {why}"), None),
        };
        report.verdicts.insert(case.name.clone(), answer);
        report.rates.extend(rate.map(|rate| (case.name.clone(), rate)));
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// One case and all that a relying party has ready before the registration arrives.
struct Bench {
    core: WebauthnCore,
    state: RegistrationState,
    anchors: AttestationCaList,
    json: String,
}

impl Bench {
    fn new(case: &Case) -> Result<Self, Failure> {
        let origins = vec![case.origin.parse()?];
        let minute = Duration::from_secs(60);
        let core = WebauthnCore::new_unsafe_experts_only("Example", &case.rp_id, origins, minute, None, None);
        // The state that generate_challenge_register gives, with the case's own challenge in it.
        let state = serde_json::from_value(serde_json::json!({
            "policy": "discouraged",
            "exclude_credentials": [],
            "challenge": case.challenge,
            "credential_algorithms": ["ES256", "ES384", "ES521", "RS256", "EDDSA"],
            "require_resident_key": false,
            "authenticator_attachment": null,
            "extensions": {},
            "allow_synchronised_authenticators": true,
        }))?;
        let mut anchors = AttestationCaListBuilder::new();
        for root in &case.roots {
            let der = BASE64.decode(root.as_bytes())?;
            // One that it cannot read is one that it does not have.
            let _ = anchors.insert_device_der(&der, case.aaguid.parse()?, case.what.clone(), BTreeMap::new());
        }
        Ok(Self { core, state, anchors: anchors.build(), json: case.response.to_string() })
    }

    fn verdict(&self) -> Result<(), String> {
        let response: RegisterPublicKeyCredential =
            serde_json::from_str(&self.json).map_err(|error| error.to_string())?;
        self.core
            .register_credential(&response, &self.state, Some(&self.anchors))
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    }
}
