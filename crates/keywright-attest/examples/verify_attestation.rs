//! Verifies the attestation of a registration with the FIDO metadata.
//!
//!     cargo run -p keywright-attest --example verify_attestation -- blob.jwt registration.json
//!
//! The BLOB is what <https://mds3.fidoalliance.org/> gives; the registration is a RegistrationResponseJSON (WebAuthn 5.1.8.1).

use std::error::Error;
use std::process::ExitCode;

use keywright_attest::mds::{Blob, fido_roots};
use keywright_attest::{Anchors, AttestationDemand, Judge, Metadata, Policy};
use keywright_fido::webauthn::RegistrationResponse;
use time::OffsetDateTime;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(blob), Some(registration)) = (arguments.next(), arguments.next()) else {
        return Err("two files are needed: the metadata BLOB and a registration".into());
    };
    let now = OffsetDateTime::now_utc();
    let metadata = Metadata::read(&Blob::signed(std::fs::read(blob)?, &fido_roots(), now)?)?;
    let registration: serde_json::Value = serde_json::from_slice(&std::fs::read(registration)?)?;
    let registration = RegistrationResponse::from_json(&registration)?;

    let judge = Judge::new(Anchors::none()).with_metadata(metadata);
    let hash = registration.client_data_json.hash();
    let verdict = judge.judge(&registration.attestation_object, Some(&hash), None, now);
    println!("{}", serde_json::to_string_pretty(&verdict)?);
    match Policy::demanding(AttestationDemand::Trusted).accept(&verdict) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(refusals) => {
            refusals.iter().for_each(|refusal| eprintln!("{refusal}"));
            Ok(ExitCode::FAILURE)
        }
    }
}
