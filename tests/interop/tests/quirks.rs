//! Where this firmware differs from OpenSK, case by case, and what keywright's CTAP client makes of it.

use std::time::Duration;

use keywright_attest::{Anchors, Judge};
use keywright_fido::ctap::{
    Authenticator, CredProtect, CtapError, EnterpriseAttestation, GetAssertion, Keepalive, MakeCredential,
    MinPinLength, NewCredential, Permissions, Pin, PinError, StatusCode, TransportError,
};
use keywright_fido::hid::{Cancel, Channel, Limits, Pipe};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity, UserHandle};
use keywright_interop::{AAGUID, Board, Maker, UserPresence};
use keywright_practice::softkey;

const HASH: [u8; 32] = [0x5a; 32];

/// A key, and the anchor of its maker.
struct Bench {
    key: Board,
    anchor: String,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        softkey::Rack::create(folder.path(), 0).unwrap();
        let pem = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let anchor = pem("attestation-ca.pem");
        let key = Board::new(0, &Maker::under(&anchor, &pem("attestation-ca-key.pem")));
        Self { key, anchor }
    }

    fn open(&self) -> Authenticator {
        Authenticator::open_hid(Box::new(self.key.open().unwrap()), Limits::default(), Cancel::default()).unwrap()
    }

    fn open_with_pin(&self) -> Authenticator {
        let mut key = self.open();
        key.set_pin(&pin()).unwrap();
        key.refresh_info().unwrap();
        key
    }

    /// One request as it stands, past everything that keywright would refuse to send.
    fn raw(&self, command: u8, request: &Value) -> Vec<u8> {
        let pipe = Box::new(self.key.open().unwrap());
        let mut channel = Channel::open(pipe, Limits::default(), Cancel::default()).unwrap();
        channel.cbor(&[&[command], cbor::encode(request).as_slice()].concat(), &mut |_| {}).unwrap()
    }

    fn power_cycle(&self) {
        self.key.pull();
        self.key.plug();
    }
}

fn pin() -> Pin {
    Pin::new("271828").unwrap()
}

fn rp() -> RpId {
    "example.org".parse().unwrap()
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

fn make(key: &mut Authenticator, request: &MakeCredential) -> Result<NewCredential, CtapError> {
    let both = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    let token = key.pin_uv_auth_token(&pin(), both, Some(&rp())).unwrap();
    key.make_credential(request, Some(&token), &mut |_| {})
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

#[test]
fn get_info_is_read_whole() {
    let key = Bench::new().open();
    let info = key.info();
    assert_eq!(info.aaguid, AAGUID);
    assert!(["U2F_V2", "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"].iter().all(|one| info.versions.iter().any(|v| v == one)));
    assert_eq!(info.pin_uv_auth_protocols, [2, 1]);
    assert_eq!(info.max_msg_size, 7609);
    assert_eq!((info.option("ep"), info.option("makeCredUvNotRqd")), (None, Some(true)));
    assert_eq!(info.authenticator_config_commands, Some(vec![2, 3]));
    assert_eq!(info.attestation_formats, ["packed"]);
    assert_eq!(info.long_touch_for_reset, Some(false));
    assert!(info.has_extension("thirdPartyPayment"), "one that keywright does not use");
    assert!(info.unknown.is_empty());
}

#[test]
fn a_credential_is_made_judged_and_signs_in_with_each_algorithm() {
    for algorithm in [CoseAlgorithm::ES256, CoseAlgorithm::EDDSA] {
        let bench = Bench::new();
        let mut key = bench.open_with_pin();
        let asked = MakeCredential { pub_key_cred_params: vec![algorithm], ..request(1) };
        let made = make(&mut key, &asked).unwrap();
        let anchors = Anchors::from_pem_or_der(bench.anchor.as_bytes()).unwrap();
        let verdict =
            Judge::new(anchors).judge(&made.attestation_object, Some(&HASH), None, time::OffsetDateTime::now_utc());
        assert!(matches!(verdict.chain, keywright_attest::Chain::Trusted), "{verdict:?}");
        let token = key.pin_uv_auth_token(&pin(), Permissions::GET_ASSERTION, Some(&rp())).unwrap();
        let assertions = key.get_assertions(&sign_in(Vec::new()), Some(&token), &mut |_| {}).unwrap();
        let [assertion] = &assertions[..] else { panic!("{} assertions", assertions.len()) };
        let signed = [&assertion.authenticator_data[..], &HASH].concat();
        let data = made.attestation_object.auth_data.attested_credential_data.unwrap();
        assert_eq!(data.public_key.algorithm, algorithm);
        data.public_key.verify(&signed, &assertion.signature).unwrap();
    }
}

#[test]
fn a_token_under_a_forced_pin_change_is_refused_as_policy() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let token = key.pin_uv_auth_token(&pin(), Permissions::AUTHENTICATOR_CONFIGURATION, None).unwrap();
    let force = MinPinLength { force_change_pin: true, ..MinPinLength::default() };
    key.set_min_pin_length(Some(&token), &force).unwrap();
    assert!(key.refresh_info().unwrap().force_pin_change);
    // OpenSK says PinInvalid, and counts it.
    let refused = key.pin_uv_auth_token(&pin(), Permissions::GET_ASSERTION, Some(&rp()));
    assert_eq!(status(refused), Some(StatusCode::PinPolicyViolation));
    assert_eq!(key.pin_retries().unwrap().retries, 8);
    let own = Pin::new("314159").unwrap();
    key.change_pin(&pin(), &own).unwrap();
    assert!(!key.refresh_info().unwrap().force_pin_change);
    key.pin_uv_auth_token(&own, Permissions::GET_ASSERTION, Some(&rp())).unwrap();
}

#[test]
fn a_minimum_that_would_lock_everybody_out_is_taken_by_the_key_and_not_sent_by_us() {
    let sixty_four = MinPinLength { new_min_pin_length: Some(64), ..MinPinLength::default() };
    let bench = Bench::new();
    let refused = bench.open().set_min_pin_length(None, &sixty_four);
    assert!(matches!(refused, Err(CtapError::Limit { asked: 64, maximum: 63, .. })), "{refused:?}");

    let parameters = Value::map([(1, 64.into())]);
    assert_eq!(bench.raw(0x0d, &Value::map([(1, 3.into()), (2, parameters)])), [0x00]);
    let mut key = bench.open();
    assert_eq!(key.info().min_pin_length, 64);
    let longest = Pin::new(&"x".repeat(63)).unwrap();
    assert!(matches!(key.set_pin(&longest), Err(CtapError::Pin(PinError::TooShort { minimum: 64, .. }))));
}

#[test]
fn get_retries_has_no_power_cycle_state_and_three_strikes_want_a_replug() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let wrong = Pin::new("000000").unwrap();
    let mut strike = || status(key.pin_uv_auth_token(&wrong, Permissions::CREDENTIAL_MANAGEMENT, None)).unwrap();
    let strikes = [StatusCode::PinInvalid, StatusCode::PinInvalid, StatusCode::PinAuthBlocked];
    assert_eq!([strike(), strike(), strike()], strikes);
    let retries = key.pin_retries().unwrap();
    assert_eq!((retries.retries, retries.power_cycle_state), (5, None));
    bench.power_cycle();
    bench.open().pin_uv_auth_token(&pin(), Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
}

#[test]
fn there_is_no_enterprise_attestation_and_nothing_is_asked_for_that_would_be_dropped() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    assert!(matches!(key.enable_enterprise_attestation(None), Err(CtapError::Unsupported(_))));
    let asked = MakeCredential { enterprise_attestation: Some(EnterpriseAttestation::PlatformManaged), ..request(1) };
    assert!(matches!(make(&mut key, &asked), Err(CtapError::Unsupported(_))));
    // What the key would have said: CTAP1_ERR_INVALID_PARAMETER.
    assert_eq!(bench.raw(0x0d, &Value::map([(1, 1.into())])), [0x02]);
}

#[test]
fn policy_is_taken_before_there_is_a_pin() {
    let bench = Bench::new();
    let mut key = bench.open();
    key.toggle_always_uv(None, true, None, &mut |_| {}).unwrap();
    assert!(!key.info().versions.iter().any(|version| version == "U2F_V2"));
    let six = MinPinLength { new_min_pin_length: Some(6), ..MinPinLength::default() };
    // alwaysUv makes the key ask for a token, and without a PIN there is none.
    assert!(status(key.set_min_pin_length(None, &six)).is_some());
    key.set_pin(&pin()).unwrap();
    let token = key.pin_uv_auth_token(&pin(), Permissions::AUTHENTICATOR_CONFIGURATION, None).unwrap();
    key.set_min_pin_length(Some(&token), &six).unwrap();
    assert_eq!(key.refresh_info().unwrap().min_pin_length, 6);
}

#[test]
fn more_rps_for_the_minimum_length_than_the_key_has_room_for() {
    let bench = Bench::new();
    let mut key = bench.open();
    let room = key.info().max_rp_ids_for_set_min_pin_length.unwrap() as usize;
    let ids = |count: usize| (0..count).map(|n| format!("rp{n}.example.org")).collect::<Vec<_>>();
    let tell = |count: usize| MinPinLength {
        rp_ids: ids(count).iter().map(|id| id.parse().unwrap()).collect(),
        ..MinPinLength::default()
    };
    key.set_min_pin_length(None, &tell(room)).unwrap();
    assert!(matches!(key.set_min_pin_length(None, &tell(room + 1)), Err(CtapError::Limit { .. })));
    // OpenSK says CTAP2_ERR_KEY_STORE_FULL.
    let list = Value::Array(ids(room + 1).iter().map(|id| id.as_str().into()).collect());
    assert_eq!(bench.raw(0x0d, &Value::map([(1, 3.into()), (2, Value::map([(2, list)]))])), [0x12]);
}

#[test]
fn names_are_cut_to_64_bytes_and_found_again() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let long = format!("{}\u{e9}{}", "n".repeat(63), "n".repeat(20));
    let mut asked = request(1);
    (asked.user.name, asked.user.display_name) = (long.clone(), long);
    make(&mut key, &asked).unwrap();
    let token = key.pin_uv_auth_token(&pin(), Permissions::CREDENTIAL_MANAGEMENT, None).unwrap();
    // This key adds the RP's name, which is read over.
    let [stored] = &key.enumerate_rps(&token).unwrap()[..] else { panic!("one RP") };
    assert_eq!((stored.id.as_deref(), stored.id_hash), (Some("example.org"), rp().hash()));
    let [credential] = &key.enumerate_credentials(&token, &stored.id_hash).unwrap()[..] else { panic!("one") };
    assert_eq!(credential.user_name, Some("n".repeat(63)));
    key.update_user_information(&token, &credential.credential_id, &request(1).user).unwrap();
    let [credential] = &key.enumerate_credentials(&token, &stored.id_hash).unwrap()[..] else { panic!("one") };
    assert_eq!(credential.user_name.as_deref(), Some("user-1"));
    key.delete_credential(&token, &credential.credential_id).unwrap();
    assert_eq!(key.enumerate_rps(&token), Ok(Vec::new()));
}

#[test]
fn extensions_that_the_key_has_are_given_and_others_are_not_asked_for() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let asked = MakeCredential {
        cred_protect: Some(CredProtect::UserVerificationRequired),
        cred_blob: Some(vec![7; 32]),
        hmac_secret: true,
        attestation_formats_preference: vec!["packed".into()],
        ..request(1)
    };
    let made = make(&mut key, &asked).unwrap();
    let outputs = made.attestation_object.auth_data.extensions.as_ref().unwrap();
    assert_eq!(outputs.get("credProtect"), Some(&Value::Integer(3)));
    assert_eq!(outputs.get("credBlob"), Some(&Value::Bool(true)));
    assert_eq!(outputs.get("hmac-secret"), Some(&Value::Bool(true)));
    let large = MakeCredential { large_blob_key: true, ..request(2) };
    assert!(matches!(make(&mut key, &large), Err(CtapError::Unsupported(_))));
    let bare = MakeCredential { attestation_formats_preference: vec!["none".into()], ..request(3) };
    assert_eq!(make(&mut key, &bare).unwrap().attestation_object.fmt, "none");
}

#[test]
fn a_credential_that_is_excluded_is_found_in_lists_of_any_length() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let protected = MakeCredential { cred_protect: Some(CredProtect::UserVerificationRequired), ..request(1) };
    let held = id(&make(&mut key, &protected).unwrap());
    let strangers =
        |count: u16| (0..count).map(|n| CredentialId::new([[1; 62].as_slice(), &n.to_be_bytes()].concat()).unwrap());
    for count in [0, 30, 200] {
        let with_it = MakeCredential { exclude_list: strangers(count).chain([held.clone()]).collect(), ..request(2) };
        assert_eq!(status(make(&mut key, &with_it)), Some(StatusCode::CredentialExcluded), "{count}");
        let token = key.pin_uv_auth_token(&pin(), Permissions::GET_ASSERTION, Some(&rp())).unwrap();
        let allowed = sign_in(strangers(count).chain([held.clone()]).collect());
        let assertions = key.get_assertions(&allowed, Some(&token), &mut |_| {}).unwrap();
        assert_eq!(assertions[0].credential_id, held, "{count}");
    }
}

#[test]
fn a_reset_is_allowed_in_the_first_ten_seconds_whatever_came_before() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    make(&mut key, &request(1)).unwrap();
    key.reset(&mut |_| {}).unwrap();
    assert!(!key.refresh_info().unwrap().has_pin());
    bench.key.advance(Duration::from_secs(11));
    assert_eq!(status(key.reset(&mut |_| {})), Some(StatusCode::NotAllowed));
}

#[test]
fn a_touch_is_waited_for_given_up_and_cancelled() {
    let bench = Bench::new();
    bench.key.put_finger(UserPresence::Away);
    let wait = || assert!(bench.key.comes_to_wait(Duration::from_secs(20)));

    let mut heard = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait();
            bench.key.advance(Duration::from_secs(31));
        });
        let nobody = bench.open().selection(&mut |keepalive| heard.push(keepalive));
        assert_eq!(status(nobody), Some(StatusCode::UserActionTimeout));
    });

    let cancel = Cancel::default();
    let pipe = Box::new(bench.key.open().unwrap());
    let mut key = Authenticator::open_hid(pipe, Limits::default(), cancel.clone()).unwrap();
    std::thread::scope(|scope| {
        let cancelled = scope.spawn(|| {
            key.selection(&mut |keepalive| {
                if keepalive == Keepalive::UpNeeded {
                    cancel.cancel();
                }
            })
        });
        assert_eq!(cancelled.join().unwrap(), Err(CtapError::Transport(TransportError::Cancelled)));
    });

    // The key is free for the next.
    bench.key.put_finger(UserPresence::Pressed);
    bench.open().selection(&mut |_| {}).unwrap();
}

#[test]
fn two_programs_have_a_channel_each_and_the_longest_message_passes() {
    let bench = Bench::new();
    let channel = || Channel::open(Box::new(bench.key.open().unwrap()), Limits::default(), Cancel::default()).unwrap();
    let mut channels = [channel(), channel()];
    for length in [0, 1, 57, 58, 116, 117, 1024, 7609] {
        for channel in &mut channels {
            assert!(channel.speaks_cbor() && channel.can_wink());
            channel.ping(&vec![0xa5; length]).unwrap();
            assert_eq!(channel.cbor(&[0x04], &mut |_| {}).unwrap()[0], 0x00);
        }
    }
}

#[test]
fn while_another_program_s_message_is_under_way_the_key_says_busy_as_zero_and_is_asked_again() {
    let bench = Bench::new();
    let mut channel = Channel::open(Box::new(bench.key.open().unwrap()), Limits::default(), Cancel::default()).unwrap();
    // The first of many packets, after which that program says nothing more. The key forgets it after half a second.
    let mut neighbour = bench.key.open().unwrap();
    let mut report = [0; 64];
    report[..7].copy_from_slice(&[9, 9, 9, 9, 0x81, 0x10, 0x00]);
    neighbour.write(&report).unwrap();
    channel.ping(b"after a while").unwrap();
    let heard = std::iter::from_fn(|| neighbour.read(Duration::ZERO).unwrap());
    // CTAPHID_ERROR with 0x00, where ERR_CHANNEL_BUSY is 0x06.
    assert!(heard.into_iter().any(|report| report[4..8] == [0xbf, 0x00, 0x01, 0x00]));
}

#[test]
fn what_is_on_the_key_outlives_its_power_and_tokens_do_not() {
    let bench = Bench::new();
    let mut key = bench.open_with_pin();
    let held = id(&make(&mut key, &request(1)).unwrap());
    let token = key.pin_uv_auth_token(&pin(), Permissions::GET_ASSERTION, Some(&rp())).unwrap();
    bench.key.pull();
    assert_eq!(key.refresh_info().err(), Some(CtapError::Transport(TransportError::Removed)));
    bench.key.plug();
    let mut key = bench.open();
    let refused = key.get_assertions(&sign_in(vec![held.clone()]), Some(&token), &mut |_| {});
    assert_eq!(status(refused), Some(StatusCode::PinAuthInvalid));
    let token = key.pin_uv_auth_token(&pin(), Permissions::GET_ASSERTION, Some(&rp())).unwrap();
    assert_eq!(
        key.get_assertions(&sign_in(vec![held.clone()]), Some(&token), &mut |_| {}).unwrap()[0].credential_id,
        held
    );
}
