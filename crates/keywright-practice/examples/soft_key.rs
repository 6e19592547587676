//! A soft key makes a credential and signs in with it: the client and the firmware are those of real keys.

use std::error::Error;

use keywright_attest::{Anchors, Judge};
use keywright_fido::ctap::{Authenticator, GetAssertion, Keepalive, MakeCredential, Permissions, Pin};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::{
    CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, Origin, RelyingParty, RpId, UserEntity, UserHandle,
};
use keywright_practice::softkey::Rack;

fn main() -> Result<(), Box<dyn Error>> {
    let rack = Rack::in_memory(1)?;
    let pipe = rack.key(0).open()?;
    let mut key = Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default())?;
    let pin = Pin::new("271828")?;
    key.set_pin(&pin)?;

    let rp_id: RpId = "example.org".parse()?;
    let origin: Origin = "https://example.org".parse()?;
    let user = UserEntity { id: UserHandle::new([1])?, name: "ada@example.org".into(), display_name: "Ada".into() };
    let mut touch = |keepalive| {
        if keepalive == Keepalive::UpNeeded {
            println!("the key asks for a touch");
        }
    };

    let client_data = ClientDataJson::new(CeremonyType::Create, &Challenge::new([7; 32])?, &origin);
    let rp = RelyingParty { id: rp_id.clone(), name: "Example".into() };
    let request = MakeCredential {
        resident_key: true,
        ..MakeCredential::new(client_data.hash(), rp, user, vec![CoseAlgorithm::ES256])
    };
    let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(&rp_id))?;
    let made = key.make_credential(&request, Some(&token), &mut touch)?.attestation_object;
    let credential = made.auth_data.attested_credential_data.as_ref().ok_or("a new credential has its data")?;
    println!("made {}", credential.credential_id);

    let judge = Judge::new(Anchors::from_pem_or_der(rack.anchor_pem().as_bytes())?);
    let verdict = judge.judge(&made, Some(&client_data.hash()), None, time::OffsetDateTime::now_utc());
    println!("statement {:?}, chain {:?}", verdict.statement, verdict.chain);

    let client_data = ClientDataJson::new(CeremonyType::Get, &Challenge::new([8; 32])?, &origin);
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: client_data.hash(),
        allow_list: vec![credential.credential_id.clone()],
        user_presence: true,
    };
    let token = key.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp_id))?;
    let signed = key.get_assertions(&request, Some(&token), &mut touch)?.remove(0).into_response(client_data);
    signed.assertion.verify(&credential.public_key)?;
    println!("signed, and the signature verifies");
    Ok(())
}
