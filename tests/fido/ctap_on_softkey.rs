//! Every CTAP2 command of ours against OpenSK's firmware, over HID reports.

use std::time::Duration;

use keywright_fido::ctap::{
    Authenticator, CredProtect, CtapError, EnterpriseAttestation, GetAssertion, Keepalive, MakeCredential,
    MinPinLength, NewCredential, Permissions, Pin, PinUvAuthToken, StatusCode,
};
use keywright_fido::hid::{Cancel, Limits};
use keywright_fido::webauthn::cbor::Value;
use keywright_fido::webauthn::{
    AuthenticatorData, CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity, UserHandle,
};
use keywright_practice::softkey::{Generation, Model, Rack, SoftKey, Touch};

const HASH: [u8; 32] = [0x5a; 32];

/// A key of this generation, plugged in.
struct Station(Rack);

impl Station {
    fn with(generation: Generation) -> Self {
        Self::of(Model { generation, ..Model::default() })
    }

    fn of(model: Model) -> Self {
        Self(Rack::in_memory_of(&[model]).unwrap())
    }

    fn key(&self) -> &SoftKey {
        self.0.key(0)
    }

    fn open(&self) -> Authenticator {
        let pipe = self.key().open().unwrap();
        Authenticator::open_hid(Box::new(pipe), Limits::default(), Cancel::default()).unwrap()
    }

    /// The key, opened, with this PIN set.
    fn open_with_pin(&self, text: &str) -> Authenticator {
        let mut authenticator = self.open();
        authenticator.set_pin(&pin(text)).unwrap();
        let known = authenticator.info().options.clone();
        assert_eq!(authenticator.refresh_info().unwrap().options, known, "nothing that had to be asked for");
        authenticator
    }
}

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

fn rp() -> RpId {
    "example.org".parse().unwrap()
}

fn token(authenticator: &mut Authenticator, permissions: Permissions, rp_id: Option<&RpId>) -> PinUvAuthToken {
    authenticator.pin_uv_auth_token(&pin("271828"), permissions, rp_id).unwrap()
}

fn request(user: u8) -> MakeCredential {
    MakeCredential {
        resident_key: true,
        ..MakeCredential::new(
            HASH,
            RelyingParty { id: rp(), name: "Example".into() },
            UserEntity {
                id: UserHandle::new([user]).unwrap(),
                name: format!("user-{user}"),
                display_name: format!("User {user}"),
            },
            vec![CoseAlgorithm::ES256],
        )
    }
}

fn make(authenticator: &mut Authenticator, request: &MakeCredential) -> Result<NewCredential, CtapError> {
    let token = token(authenticator, Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION, Some(&rp()));
    authenticator.make_credential(request, Some(&token), &mut |_| {})
}

fn id(credential: &NewCredential) -> CredentialId {
    credential.attestation_object.auth_data.attested_credential_data.as_ref().unwrap().credential_id.clone()
}

fn sign_in(allow_list: Vec<CredentialId>) -> GetAssertion {
    GetAssertion { rp_id: rp(), client_data_hash: HASH, allow_list, user_presence: true }
}

fn status<T: std::fmt::Debug>(result: Result<T, CtapError>) -> Option<StatusCode> {
    result.unwrap_err().status()
}

/// Each generation with its PIN/UV auth protocol: the first two have 1 and legacy tokens, the others 2 and permissions.
const GENERATIONS: [Generation; 4] = [Generation::Ctap20, Generation::Ctap21Pre, Generation::None, Generation::Ctap23];

#[test]
fn a_credential_is_made_and_signs_in_on_every_generation() {
    for generation in GENERATIONS {
        let station = Station::with(generation);
        let mut authenticator = station.open_with_pin("271828");
        assert!(authenticator.info().has_pin());
        let credential = make(&mut authenticator, &request(1)).unwrap();
        let made = credential.attestation_object.auth_data;
        assert!(made.flags.user_present() && made.flags.user_verified());
        let data = made.attested_credential_data.unwrap();

        let token = token(&mut authenticator, Permissions::GET_ASSERTION, Some(&rp()));
        let assertions = authenticator.get_assertions(&sign_in(Vec::new()), Some(&token), &mut |_| {}).unwrap();
        let [assertion] = &assertions[..] else { panic!("{} assertions", assertions.len()) };
        assert_eq!(assertion.credential_id, data.credential_id);
        assert_eq!(assertion.user_handle, Some(UserHandle::new([1]).unwrap()));
        let signed = [&assertion.authenticator_data[..], &HASH].concat();
        data.public_key.verify(&signed, &assertion.signature).unwrap();
        assert!(AuthenticatorData::parse(&assertion.authenticator_data).unwrap().flags.user_verified());
    }
}

#[test]
fn a_pin_is_set_changed_and_counted() {
    for generation in [Generation::Ctap20, Generation::None] {
        let station = Station::with(generation);
        let mut authenticator = station.open_with_pin("271828");
        assert!(authenticator.set_pin(&pin("314159")).unwrap_err().status().is_some(), "there is a PIN already");
        assert_eq!(authenticator.pin_retries().unwrap().retries, 8);
        assert_eq!(status(authenticator.change_pin(&pin("000000"), &pin("314159"))), Some(StatusCode::PinInvalid));
        assert_eq!(authenticator.pin_retries().unwrap().retries, 7);
        authenticator.change_pin(&pin("271828"), &pin("caf\u{e9}-314159")).unwrap();
        assert_eq!(authenticator.pin_retries().unwrap().retries, 8);
        let permissions = Permissions::GET_ASSERTION;
        let old = authenticator.pin_uv_auth_token(&pin("271828"), permissions, Some(&rp()));
        assert_eq!(status(old), Some(StatusCode::PinInvalid));
        authenticator.pin_uv_auth_token(&pin("cafe\u{301}-314159"), permissions, Some(&rp())).unwrap();
    }
}

#[test]
fn three_wrong_pins_want_a_replug_and_eight_want_a_reset() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let wrong = |authenticator: &mut Authenticator| {
        status(authenticator.pin_uv_auth_token(&pin("000000"), Permissions::CREDENTIAL_MANAGEMENT, None)).unwrap()
    };
    let strikes = [StatusCode::PinInvalid, StatusCode::PinInvalid, StatusCode::PinAuthBlocked];
    assert_eq!([(); 3].map(|()| wrong(&mut authenticator)), strikes);
    let right = authenticator.pin_uv_auth_token(&pin("271828"), Permissions::CREDENTIAL_MANAGEMENT, None);
    assert_eq!(status(right), Some(StatusCode::PinAuthBlocked));
    let retries = authenticator.pin_retries().unwrap();
    assert_eq!((retries.retries, retries.power_cycle_state), (5, Some(true)));

    for _ in 0..2 {
        station.key().power_cycle();
        authenticator = station.open();
        assert_eq!(wrong(&mut authenticator), StatusCode::PinInvalid);
        assert_eq!(wrong(&mut authenticator), StatusCode::PinInvalid);
    }
    station.key().power_cycle();
    authenticator = station.open();
    assert_eq!(wrong(&mut authenticator), StatusCode::PinBlocked);
    let right = authenticator.pin_uv_auth_token(&pin("271828"), Permissions::CREDENTIAL_MANAGEMENT, None);
    assert_eq!(status(right), Some(StatusCode::PinBlocked));
}

#[test]
fn a_credential_gets_every_extension() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let configure = token(&mut authenticator, Permissions::AUTHENTICATOR_CONFIGURATION, None);
    authenticator.enable_enterprise_attestation(Some(&configure)).unwrap();
    let tell = MinPinLength { rp_ids: vec![rp()], ..MinPinLength::default() };
    authenticator.set_min_pin_length(Some(&configure), &tell).unwrap();
    let asked = MakeCredential {
        cred_protect: Some(CredProtect::UserVerificationRequired),
        cred_blob: Some(vec![7; 32]),
        min_pin_length: true,
        hmac_secret: true,
        large_blob_key: true,
        enterprise_attestation: Some(EnterpriseAttestation::PlatformManaged),
        attestation_formats_preference: vec!["packed".into()],
        ..request(1)
    };
    let made = make(&mut authenticator, &asked).unwrap();
    assert!(made.enterprise_attestation);
    assert_eq!(made.large_blob_key.as_ref().map(Vec::len), Some(32));
    let outputs = made.attestation_object.auth_data.extensions.as_ref().unwrap();
    assert_eq!(outputs.get("credProtect"), Some(&Value::Integer(3)));
    assert_eq!(outputs.get("credBlob"), Some(&Value::Bool(true)));
    assert_eq!(outputs.get("hmac-secret"), Some(&Value::Bool(true)));
    assert_eq!(outputs.get("minPinLength"), Some(&Value::Integer(4)));
    assert_eq!(made.attestation_object.fmt, "packed");
    assert!(made.attestation_object.att_stmt.get("x5c").is_some());
}

#[test]
fn a_credential_that_is_excluded_is_found_in_lists_of_any_length() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let protected = MakeCredential { cred_protect: Some(CredProtect::UserVerificationRequired), ..request(1) };
    let held = id(&make(&mut authenticator, &protected).unwrap());
    let strangers =
        |count: u16| (0..count).map(|n| CredentialId::new([[1; 62].as_slice(), &n.to_be_bytes()].concat()).unwrap());
    // 200 credentials take more than one message of 7609 bytes.
    for count in [0, 200] {
        let with_it = MakeCredential { exclude_list: strangers(count).chain([held.clone()]).collect(), ..request(2) };
        assert_eq!(status(make(&mut authenticator, &with_it)), Some(StatusCode::CredentialExcluded), "{count}");
        let sign_in = sign_in(strangers(count).chain([held.clone()]).collect());
        let token = token(&mut authenticator, Permissions::GET_ASSERTION, Some(&rp()));
        let assertions = authenticator.get_assertions(&sign_in, Some(&token), &mut |_| {}).unwrap();
        assert_eq!(assertions[0].credential_id, held);
    }
    let without = MakeCredential { exclude_list: strangers(200).collect(), ..request(2) };
    make(&mut authenticator, &without).unwrap();
}

#[test]
fn several_accounts_give_several_assertions() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let made: Vec<_> = (1..=3).map(|user| id(&make(&mut authenticator, &request(user)).unwrap())).collect();
    let token = token(&mut authenticator, Permissions::GET_ASSERTION, Some(&rp()));
    let touches = station.key().touches();
    let assertions = authenticator.get_assertions(&sign_in(Vec::new()), Some(&token), &mut |_| {}).unwrap();
    assert_eq!(station.key().touches(), touches + 1);
    assert_eq!(assertions.len(), 3);
    assert!(assertions.iter().all(|assertion| made.contains(&assertion.credential_id)));
    assert!(assertions.iter().all(|assertion| assertion.user_name.is_some()), "several accounts and a verified person");
}

#[test]
fn a_silent_question_needs_no_touch() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let held = id(&make(&mut authenticator, &request(1)).unwrap());
    station.key().touch(Touch::Never);
    let silent = GetAssertion { user_presence: false, ..sign_in(vec![held.clone()]) };
    let assertions = authenticator.get_assertions(&silent, None, &mut |_| {}).unwrap();
    assert_eq!(assertions[0].credential_id, held);
    let stranger = GetAssertion { allow_list: vec![CredentialId::new([1; 64]).unwrap()], ..silent };
    assert_eq!(status(authenticator.get_assertions(&stranger, None, &mut |_| {})), Some(StatusCode::NoCredentials));
}

#[test]
fn credentials_are_listed_renamed_and_deleted() {
    for generation in [Generation::Ctap21Pre, Generation::None] {
        let station = Station::with(generation);
        let mut authenticator = station.open_with_pin("271828");
        let manage = token(&mut authenticator, Permissions::CREDENTIAL_MANAGEMENT, None);
        assert_eq!(authenticator.enumerate_rps(&manage), Ok(Vec::new()));
        let before = authenticator.credentials_metadata(&manage).unwrap();
        assert_eq!(before.existing, 0);
        let made: Vec<_> = (1..=2).map(|user| make(&mut authenticator, &request(user)).unwrap()).collect();

        let manage = token(&mut authenticator, Permissions::CREDENTIAL_MANAGEMENT, None);
        let metadata = authenticator.credentials_metadata(&manage).unwrap();
        assert_eq!((metadata.existing, metadata.remaining), (2, before.remaining.map(|before| before - 2)));
        let rps = authenticator.enumerate_rps(&manage).unwrap();
        let [stored] = &rps[..] else { panic!("{rps:?}") };
        assert_eq!((stored.id.as_deref(), stored.id_hash), (Some("example.org"), rp().hash()));
        let credentials = authenticator.enumerate_credentials(&manage, &stored.id_hash).unwrap();
        assert_eq!(credentials.len(), 2);
        let first = credentials.iter().find(|credential| credential.credential_id == id(&made[0])).unwrap();
        assert_eq!(first.user_handle, UserHandle::new([1]).unwrap());
        let public_key = &made[0].attestation_object.auth_data.attested_credential_data.as_ref().unwrap().public_key;
        assert_eq!(first.public_key.as_ref(), Some(public_key));

        let user = UserEntity { id: first.user_handle.clone(), name: "ada".into(), display_name: "Ada".into() };
        let renamed = authenticator.update_user_information(&manage, &first.credential_id, &user);
        if generation == Generation::Ctap21Pre {
            assert!(matches!(renamed, Err(CtapError::Unsupported(_))));
        } else {
            renamed.unwrap();
            let credentials = authenticator.enumerate_credentials(&manage, &stored.id_hash).unwrap();
            assert!(credentials.iter().any(|credential| credential.user_name.as_deref() == Some("ada")));
        }
        for credential in &made {
            authenticator.delete_credential(&manage, &id(credential)).unwrap();
        }
        assert_eq!(status(authenticator.delete_credential(&manage, &id(&made[0]))), Some(StatusCode::NoCredentials));
        assert!(authenticator.enumerate_credentials(&manage, &rp().hash()).unwrap().is_empty());
    }
}

#[test]
fn a_token_for_one_rp_opens_that_rp_s_credentials_only() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    make(&mut authenticator, &request(1)).unwrap();
    let bound = token(&mut authenticator, Permissions::CREDENTIAL_MANAGEMENT, Some(&rp()));
    assert_eq!(authenticator.enumerate_credentials(&bound, &rp().hash()).unwrap().len(), 1);
    assert_eq!(status(authenticator.enumerate_rps(&bound)), Some(StatusCode::PinAuthInvalid));
}

#[test]
fn the_key_s_policy_is_set_and_a_forced_change_ends_with_one() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open();
    // Without a PIN, and without a token.
    authenticator.toggle_always_uv(None, true, None, &mut |_| {}).unwrap();
    assert_eq!(authenticator.info().option("alwaysUv"), Some(true));
    assert!(!authenticator.info().versions.iter().any(|version| version == "U2F_V2"));
    authenticator.set_pin(&pin("271828")).unwrap();
    let configure = token(&mut authenticator, Permissions::AUTHENTICATOR_CONFIGURATION, None);
    authenticator.toggle_always_uv(Some(&configure), false, None, &mut |_| {}).unwrap();
    assert_eq!(authenticator.info().option("alwaysUv"), Some(false));
    let six = MinPinLength { new_min_pin_length: Some(6), ..MinPinLength::default() };
    authenticator.set_min_pin_length(Some(&configure), &six).unwrap();
    assert_eq!(authenticator.refresh_info().unwrap().min_pin_length, 6);
    let less = MinPinLength { new_min_pin_length: Some(5), ..MinPinLength::default() };
    assert_eq!(status(authenticator.set_min_pin_length(Some(&configure), &less)), Some(StatusCode::PinPolicyViolation));
    let forced = MinPinLength { force_change_pin: true, ..MinPinLength::default() };
    authenticator.set_min_pin_length(Some(&configure), &forced).unwrap();
    assert!(authenticator.refresh_info().unwrap().force_pin_change);

    let refused = authenticator.pin_uv_auth_token(&pin("271828"), Permissions::GET_ASSERTION, Some(&rp()));
    assert_eq!(status(refused), Some(StatusCode::PinInvalid));
    assert!(matches!(authenticator.change_pin(&pin("271828"), &pin("31415")), Err(CtapError::Pin(_))));
    authenticator.change_pin(&pin("271828"), &pin("314159")).unwrap();
    authenticator.pin_uv_auth_token(&pin("314159"), Permissions::GET_ASSERTION, Some(&rp())).unwrap();
    assert!(!authenticator.refresh_info().unwrap().force_pin_change);
}

#[test]
fn a_token_without_the_permission_is_refused() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let other = token(&mut authenticator, Permissions::GET_ASSERTION, Some(&rp()));
    assert_eq!(
        status(authenticator.make_credential(&request(1), Some(&other), &mut |_| {})),
        Some(StatusCode::PinAuthInvalid)
    );
    assert_eq!(
        status(authenticator.toggle_always_uv(Some(&other), true, None, &mut |_| {})),
        Some(StatusCode::PinAuthInvalid)
    );
    assert_eq!(status(authenticator.toggle_always_uv(None, true, None, &mut |_| {})), Some(StatusCode::PuatRequired));
}

#[test]
fn a_token_is_good_for_one_touch() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let both = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let token = token(&mut authenticator, both, Some(&rp()));
    authenticator.make_credential(&request(1), Some(&token), &mut |_| {}).unwrap();
    let again = authenticator.get_assertions(&sign_in(Vec::new()), Some(&token), &mut |_| {});
    assert_eq!(status(again), Some(StatusCode::PinAuthInvalid));
}

#[test]
fn a_touch_is_asked_for_and_can_be_declined() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open_with_pin("271828");
    let token = token(&mut authenticator, Permissions::MAKE_CREDENTIAL, Some(&rp()));
    station.key().touch(Touch::Declined);
    let declined = authenticator.make_credential(&request(1), Some(&token), &mut |_| {});
    assert_eq!(status(declined), Some(StatusCode::OperationDenied));
    station.key().touch(Touch::After(Duration::from_millis(150)));
    let mut heard = Vec::new();
    authenticator.make_credential(&request(1), Some(&token), &mut |keepalive| heard.push(keepalive)).unwrap();
    assert!(heard.contains(&Keepalive::UpNeeded), "{heard:?}");
}

#[test]
fn a_reset_erases_everything_and_comes_first_after_power_up() {
    for generation in GENERATIONS {
        let station = Station::with(generation);
        let mut authenticator = station.open_with_pin("271828");
        make(&mut authenticator, &request(1)).unwrap();
        assert_eq!(status(authenticator.reset(&mut |_| {})), Some(StatusCode::NotAllowed));
        station.key().power_cycle();
        let mut authenticator = station.open();
        authenticator.reset(&mut |_| {}).unwrap();
        assert!(!authenticator.refresh_info().unwrap().has_pin());
        let nothing = authenticator.get_assertions(&sign_in(Vec::new()), None, &mut |_| {});
        assert_eq!(status(nothing), Some(StatusCode::NoCredentials));

        station.key().power_cycle();
        let mut authenticator = station.open();
        station.key().advance(Duration::from_secs(11));
        assert_eq!(status(authenticator.reset(&mut |_| {})), Some(StatusCode::NotAllowed));
    }
}

#[test]
fn a_key_is_chosen_by_touching_it_with_and_without_a_pin() {
    for generation in GENERATIONS {
        let station = Station::with(generation);
        let mut authenticator = station.open();
        station.key().touch(Touch::After(Duration::ZERO));
        authenticator.selection(&mut |_| {}).unwrap();
        authenticator.set_pin(&pin("271828")).unwrap();
        authenticator.selection(&mut |_| {}).unwrap();
        assert_eq!(station.key().touches(), 2);
        station.key().touch(Touch::Declined);
        assert_eq!(status(authenticator.selection(&mut |_| {})), Some(StatusCode::OperationDenied), "{generation:?}");
    }
}

#[test]
fn a_full_key_says_so() {
    let station = Station::of(Model { max_resident_credentials: 1, ..Model::default() });
    let mut authenticator = station.open_with_pin("271828");
    make(&mut authenticator, &request(1)).unwrap();
    assert_eq!(status(make(&mut authenticator, &request(2))), Some(StatusCode::KeyStoreFull));
}

#[test]
fn what_a_newer_key_tells_is_kept() {
    let station = Station::with(Generation::Ctap23);
    let authenticator = station.open();
    let info = authenticator.info();
    assert_eq!(info.option("keywrightUnheardOf"), Some(true));
    assert_eq!(info.unknown.keys().copied().collect::<Vec<_>>(), [0x20]);
    assert!(info.authenticator_config_commands.is_some() && info.enc_identifier.is_some());
}

#[test]
fn the_fewest_requests_are_sent() {
    let station = Station::with(Generation::None);
    let mut authenticator = station.open();
    assert_eq!(station.key().requests(), 1, "getInfo");
    authenticator.set_pin(&pin("271828")).unwrap();
    assert_eq!(station.key().requests(), 3, "getKeyAgreement, setPIN");
    make(&mut authenticator, &request(1)).unwrap();
    assert_eq!(station.key().requests(), 6, "getKeyAgreement, a token, makeCredential");
}
