//! The embedded directory as the provisioning side meets it: over HTTP, with a wary server and a treacherous network.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::software_signer::Signer;
use keywright::idp::embedded::Embedded;
use keywright::idp::http::{Client, Limits};
use keywright::idp::{Directory, DirectoryError, Registered, User};
use keywright_attest::Anchors;
use keywright_fido::ctap::{Authenticator, GetAssertion, MakeCredential, Permissions, Pin};
use keywright_fido::hid;
use keywright_fido::webauthn::options::UserVerification;
use keywright_fido::webauthn::{
    AttestationConveyance, Ceremony, CeremonyType, Challenge, ClientDataJson, CoseAlgorithm, RegistrationResponse,
};
use keywright_practice::idp_server::{EmbeddedServer, Settings, StartError, wire};
use keywright_practice::softkey::{Rack, SOFT_AAGUID, Touch};
use keywright_test_support::fault_proxy::{Fault, FaultProxy, Reply, Which};
use time::OffsetDateTime;
use time::macros::datetime;
use ureq::http::Method;

const TOKEN: &str = "correct-horse-battery";
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// A server with a clock that stands still until it is told otherwise, and its client.
struct World {
    server: EmbeddedServer,
    idp: Embedded,
    seconds: Arc<AtomicI64>,
}

impl World {
    fn new() -> Self {
        Self::with(None, |_| {}).unwrap()
    }

    fn with(database: Option<&Path>, change: impl FnOnce(&mut Settings)) -> Result<Self, StartError> {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&seconds);
        let mut settings = Settings::new(Arc::new(Anchors::none()));
        settings.now = Arc::new(move || NOON + time::Duration::seconds(clock.load(Ordering::SeqCst)));
        change(&mut settings);
        let server = EmbeddedServer::start(LOOPBACK, database, TOKEN.into(), settings)?;
        let idp = Embedded::new("rehearsal", &server.url(), TOKEN.into()).unwrap();
        Ok(Self { server, idp, seconds })
    }

    fn user(&self, login: &str) -> User {
        let other_methods = vec!["sms".into(), "password".into()];
        let new =
            wire::NewUser { login: login.into(), display_name: login.to_uppercase(), active: true, other_methods };
        self.idp.create_user(&new).unwrap()
    }

    fn wait(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A key registered for the user, all well.
    fn enrolled(&self, user: &User) -> (Signer, Registered) {
        let signer = Signer::new();
        let ceremony = self.idp.begin(user).unwrap();
        let registered = self.idp.complete(&ceremony, &made(&signer, &ceremony), "key").unwrap();
        (signer, registered)
    }

    fn sign_in(&self, user: &User, signer: &mut Signer) -> Result<(), DirectoryError> {
        let door = self.idp.sign_in().unwrap();
        let ceremony = door.begin(user)?;
        let options = &ceremony.options;
        door.finish(user, &ceremony, &signer.sign_in(&options.challenge, &ceremony.origin, &options.rp_id))
    }
}

/// The signer's answer to a ceremony.
fn made(signer: &Signer, ceremony: &Ceremony) -> RegistrationResponse {
    signer.register(&ceremony.options.challenge, &ceremony.origin, &ceremony.options.rp.id)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, DirectoryError>) -> String {
    match result {
        Err(DirectoryError::Refused { why, .. }) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_admin_gets_two_keys_and_signs_in_with_both() {
    let world = World::new();
    let alice = world.user("alice");
    assert_eq!(world.idp.find_user("alice").unwrap(), alice);
    assert_eq!(world.idp.find_user("ALICE").unwrap(), alice, "logins are the same in any case");
    assert_eq!(world.idp.preflight().unwrap(), []);
    assert_eq!(world.idp.other_methods(&alice).unwrap(), ["sms", "password"]);

    let (mut primary, mut backup) = (Signer::new(), Signer::new());
    let first = world.idp.begin(&alice).unwrap();
    assert_eq!(first.origin, *world.server.origin());
    assert_eq!(first.deadline, NOON + time::Duration::seconds(300));
    assert_eq!(first.options.rp.id.as_str(), "localhost");
    assert_eq!((first.options.user.name.as_str(), first.options.user.display_name.as_str()), ("alice", "ALICE"));
    assert_eq!(first.options.user.id.as_bytes().len(), 32);
    assert_ne!(first.options.user.id.to_string(), alice.id);
    assert_eq!(first.options.challenge.as_bytes().len(), 32);
    assert_eq!(first.options.pub_key_cred_params[0].alg, CoseAlgorithm::ES256);
    assert_eq!(first.options.authenticator_selection.resident_key.as_deref(), Some("required"));
    assert_eq!(first.options.authenticator_selection.user_verification, UserVerification::Required);
    assert_eq!(first.options.attestation, AttestationConveyance::Direct);
    assert!(first.options.exclude_credentials.is_empty());
    assert_eq!(world.idp.pending(&alice).unwrap(), [first.pending.clone().unwrap()]);

    let registered = world.idp.complete(&first, &made(&primary, &first), "primary").unwrap();
    assert_eq!(Some(&registered.id), first.pending.as_ref(), "the pending object becomes the credential");
    assert_eq!(registered.credential_id.as_ref(), Some(&primary.credential_id));
    assert!(world.idp.pending(&alice).unwrap().is_empty());

    let second = world.idp.begin(&alice).unwrap();
    assert_eq!(second.options.user.id, first.options.user.id, "the user handle stays");
    assert_ne!(second.options.challenge, first.options.challenge);
    assert_eq!(second.options.exclude_credentials[0].id, primary.credential_id);
    assert_eq!(second.options.exclude_credentials[0].transports, ["usb"]);
    world.idp.complete(&second, &made(&backup, &second), "backup").unwrap();
    let labels = world.idp.list(&alice).unwrap().into_iter().map(|key| key.label).collect::<Vec<_>>();
    assert_eq!(labels, ["primary", "backup"]);
    let relabel =
        |user: &User, key: &Registered, label: &str| world.idp.capabilities().labels.unwrap().relabel(user, key, label);
    let key = world.idp.list(&alice).unwrap().remove(1);
    relabel(&alice, &key, &format!("{:0>120}", "blue")).unwrap();
    assert_eq!(world.idp.list(&alice).unwrap()[1].label.len(), 100, "no longer than the server takes");
    let bob = world.user("bob");
    assert!(matches!(relabel(&bob, &key, "mine"), Err(DirectoryError::NotFound { .. })));

    backup.user_handle = Some(first.options.user.id.clone());
    for key in [&mut primary, &mut backup] {
        world.sign_in(&alice, key).unwrap();
    }
    let counters = world.idp.credentials(&alice).unwrap().into_iter().map(|key| (key.sign_count, key.last_used));
    assert_eq!(counters.collect::<Vec<_>>(), [(2, Some(NOON)), (2, Some(NOON))]);
}

#[test]
fn nothing_is_done_without_the_token() {
    let world = World::new();
    let alice = world.user("alice");
    for token in ["correct-horse-batterz", "correct-horse-battery-", "correct-horse-batter", "x"] {
        let stranger = Embedded::new("rehearsal", &world.server.url(), token.into()).unwrap();
        let error = stranger.find_user("alice").unwrap_err();
        assert!(matches!(error, DirectoryError::SignIn { .. }), "{error}");
        assert!(!error.to_string().contains(token), "{error}");
        assert!(matches!(stranger.begin(&alice), Err(DirectoryError::SignIn { .. })));
        let long =
            wire::NewUser { login: "a".repeat(500_000), display_name: "A".into(), active: true, other_methods: vec![] };
        let error = stranger.create_user(&long).unwrap_err();
        assert!(matches!(error, DirectoryError::SignIn { .. }), "the refusal arrives: {error}");
    }
    let client = Client::new("rehearsal", &world.server.url(), Limits::default()).unwrap();
    for path in ["/v1/check", "/v1/users", "/nowhere"] {
        let reply = client.call(Method::GET, path).send().unwrap();
        assert_eq!((reply.status(), reply.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        assert_eq!(reply.fault().code.as_deref(), Some("token"));
    }
    assert!(world.idp.pending(&alice).unwrap().is_empty());
}

#[test]
fn nothing_is_done_twice() {
    let world = World::new();
    let alice = world.user("alice");
    let signer = Signer::new();
    let ceremony = world.idp.begin(&alice).unwrap();
    let registered = world.idp.complete(&ceremony, &made(&signer, &ceremony), "one").unwrap();
    let again = refusal(world.idp.complete(&ceremony, &made(&signer, &ceremony), "two"));
    assert!(again.contains("has already ended"), "{again}");
    refusal(world.idp.complete(&ceremony, &made(&Signer::new(), &ceremony), "three"));
    refusal(world.idp.abandon(&alice, &registered.id));
    assert_eq!(world.idp.list(&alice).unwrap(), std::slice::from_ref(&registered));

    world.idp.revoke(&alice, &registered).unwrap();
    refusal(world.idp.complete(&ceremony, &made(&signer, &ceremony), "four"));
    assert!(matches!(world.idp.revoke(&alice, &registered), Err(DirectoryError::NotFound { .. })));
    assert!(world.idp.list(&alice).unwrap().is_empty());
}

#[test]
fn a_registration_has_a_deadline_and_can_be_abandoned() {
    let world = World::new();
    let alice = world.user("alice");
    let late = world.idp.begin(&alice).unwrap();
    world.wait(300);
    let in_time = world.idp.begin(&alice).unwrap();
    world.idp.complete(&in_time, &made(&Signer::new(), &in_time), "in time").unwrap();
    world.wait(1);
    let error = world.idp.complete(&late, &made(&Signer::new(), &late), "late").unwrap_err();
    assert_eq!(error, DirectoryError::Expired { directory: "rehearsal".into() });

    let pending = late.pending.unwrap();
    assert_eq!(world.idp.pending(&alice).unwrap(), std::slice::from_ref(&pending));
    for _ in 0..2 {
        world.idp.abandon(&alice, &pending).unwrap();
    }
    assert!(world.idp.pending(&alice).unwrap().is_empty());
    let bob = world.user("bob");
    let his = world.idp.begin(&bob).unwrap().pending.unwrap();
    world.idp.abandon(&alice, &his).unwrap();
    assert_eq!(world.idp.pending(&bob).unwrap(), [his], "nobody abandons another's registration");
}

/// Changes a ceremony or a signer before the answer is made.
type Lie = fn(&mut Ceremony, &mut Signer);

#[test]
fn a_false_registration_is_refused() {
    let world = World::new();
    let alice = world.user("alice");
    let lies: [(&str, Lie, &str); 8] = [
        ("another challenge", |c, _| c.options.challenge = Challenge::new([7; 32]).unwrap(), "challenge"),
        ("another origin", |c, _| c.origin = "https://localhost.example.org".parse().unwrap(), "origin"),
        ("another port", |c, _| c.origin = "http://localhost:1".parse().unwrap(), "origin"),
        ("another RP ID", |c, _| c.options.rp.id = "example.org".parse().unwrap(), "rpIdHash"),
        ("nobody touched it", |_, s| s.flags = 0x04, "flags"),
        ("nobody entered a PIN", |_, s| s.flags = 0x01, "flags"),
        ("a false signature", |_, s| s.forges = true, "attestation"),
        ("an algorithm that was not offered", |_, s| s.algorithm = -47, "not offered"),
    ];
    for (name, lie, word) in lies {
        let ceremony = world.idp.begin(&alice).unwrap();
        let (mut told, mut signer) = (ceremony.clone(), Signer::new());
        lie(&mut told, &mut signer);
        let why = refusal(world.idp.complete(&ceremony, &made(&signer, &told), "key"));
        assert!(why.contains(word), "{name}: {why}");
        assert_eq!(world.idp.pending(&alice).unwrap().len(), 1, "{name}");
        world.idp.abandon(&alice, ceremony.pending.as_deref().unwrap()).unwrap();
    }
    assert!(world.idp.list(&alice).unwrap().is_empty());
}

#[test]
fn an_answer_counts_for_its_own_ceremony_and_person() {
    let world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let (hers, his) = (world.idp.begin(&alice).unwrap(), world.idp.begin(&bob).unwrap());
    refusal(world.idp.complete(&his, &made(&Signer::new(), &hers), "for another challenge"));
    let crossed = Ceremony { user_id: bob.id.clone(), ..hers.clone() };
    let error = world.idp.complete(&crossed, &made(&Signer::new(), &hers), "in his name").unwrap_err();
    assert!(matches!(error, DirectoryError::NotFound { .. }), "{error}");

    let signer = Signer::new();
    world.idp.complete(&hers, &made(&signer, &hers), "hers").unwrap();
    let why = refusal(world.idp.complete(&his, &made(&signer, &his), "the same key"));
    assert!(why.contains("registered already"), "{why}");
    assert!(world.idp.list(&bob).unwrap().is_empty());
    let key = &world.idp.list(&alice).unwrap()[0];
    assert!(matches!(world.idp.revoke(&bob, key), Err(DirectoryError::NotFound { .. })));
    assert_eq!(world.idp.list(&alice).unwrap().len(), 1);
}

#[test]
fn a_false_sign_in_is_refused() {
    let world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let why = refusal(world.sign_in(&alice, &mut Signer::new()));
    assert!(why.contains("no security key"), "{why}");

    let (mut signer, registered) = world.enrolled(&alice);
    let (mut his, _) = world.enrolled(&bob);
    assert!(refusal(world.sign_in(&alice, &mut his)).contains("not this account's"));
    assert!(refusal(world.sign_in(&alice, &mut Signer::new())).contains("not this account's"));
    world.sign_in(&alice, &mut signer).unwrap();
    signer.sign_count = 0;
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("signCount"), "a counter that goes back");
    signer.sign_count = 1;
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("signCount"), "a counter that stands still");
    signer.sign_count = 10;
    signer.forges = true;
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("signature"));
    signer.forges = false;
    signer.flags = 0x01;
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("flags"));
    signer.flags = crate::software_signer::PRESENT_AND_VERIFIED;
    signer.user_handle = Some(world.idp.begin(&bob).unwrap().options.user.id);
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("user handle"));
    signer.user_handle = None;
    world.sign_in(&alice, &mut signer).unwrap();

    let door = world.idp.sign_in().unwrap();
    let ceremony = door.begin(&alice).unwrap();
    let response = signer.sign_in(&ceremony.options.challenge, &ceremony.origin, &ceremony.options.rp_id);
    door.finish(&alice, &ceremony, &response).unwrap();
    assert!(refusal(door.finish(&alice, &ceremony, &response)).contains("has already ended"), "a replay");
    let ceremony = door.begin(&alice).unwrap();
    world.wait(301);
    let response = signer.sign_in(&ceremony.options.challenge, &ceremony.origin, &ceremony.options.rp_id);
    assert!(matches!(door.finish(&alice, &ceremony, &response), Err(DirectoryError::Expired { .. })));

    world.idp.revoke(&alice, &registered).unwrap();
    world.enrolled(&alice);
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("was revoked on"), "a revoked key");
}

#[test]
fn an_inactive_account_neither_registers_nor_signs_in() {
    let world = World::new();
    let alice = world.user("alice");
    let (mut signer, _) = world.enrolled(&alice);
    let ceremony = world.idp.begin(&alice).unwrap();
    let door = world.idp.sign_in().unwrap();
    let signing_in = door.begin(&alice).unwrap();

    let change = wire::UserChange { active: Some(false), ..Default::default() };
    assert!(!world.idp.change_user(&alice, &change).unwrap().active);
    assert!(!world.idp.find_user("alice").unwrap().active);
    let response = signer.sign_in(&signing_in.options.challenge, &signing_in.origin, &signing_in.options.rp_id);
    assert!(refusal(door.finish(&alice, &signing_in, &response)).contains("not active"));
    assert!(refusal(world.sign_in(&alice, &mut signer)).contains("not active"));
    assert!(refusal(world.idp.begin(&alice)).contains("not active"));
    assert!(refusal(world.idp.complete(&ceremony, &made(&Signer::new(), &ceremony), "key")).contains("not active"));
    assert_eq!(world.idp.list(&alice).unwrap().len(), 1, "what is registered stays");
}

#[test]
fn a_demand_for_trust_is_met_or_refused() {
    let world = World::with(None, |settings| settings.trusted_only = true).unwrap();
    let findings = world.idp.preflight().unwrap();
    assert!(findings.iter().any(|finding| finding.blocks && finding.message.contains("no trust anchors")));
    let alice = world.user("alice");
    let ceremony = world.idp.begin(&alice).unwrap();
    let why = refusal(world.idp.complete(&ceremony, &made(&Signer::new(), &ceremony), "self-signed"));
    assert!(why.contains("attestation"), "{why}");
}

#[test]
fn a_key_that_leads_to_an_anchor_is_taken() {
    let rack = Rack::in_memory(1).unwrap();
    rack.set_touch(Touch::After(Duration::ZERO));
    let world = World::with(None, |settings| {
        settings.trusted_only = true;
        settings.anchors = Arc::new(Anchors::from_pem_or_der(rack.anchor_pem().as_bytes()).unwrap());
        settings.now = Arc::new(OffsetDateTime::now_utc);
    })
    .unwrap();
    assert_eq!(world.idp.preflight().unwrap(), []);
    let alice = world.user("alice");

    let pipe = Box::new(rack.key(0).open().unwrap());
    let mut key = Authenticator::open_hid(pipe, hid::Limits::default(), hid::Cancel::default()).unwrap();
    let pin = Pin::new("837462").unwrap();
    key.set_pin(&pin).unwrap();
    key.refresh_info().unwrap();
    let ceremony = world.idp.begin(&alice).unwrap();
    let options = &ceremony.options;
    let client_data_json = ClientDataJson::new(CeremonyType::Create, &options.challenge, &ceremony.origin);
    let request = MakeCredential {
        exclude_list: vec![],
        resident_key: true,
        attestation_formats_preference: vec![],
        ..MakeCredential::new(
            client_data_json.hash(),
            options.rp.clone(),
            options.user.clone(),
            options.pub_key_cred_params.iter().map(|offered| offered.alg).collect(),
        )
    };
    let rp_id = &options.rp.id;
    let token = key.pin_uv_auth_token(&pin, Permissions::MAKE_CREDENTIAL, Some(rp_id)).unwrap();
    let made = key.make_credential(&request, Some(&token), &mut |_| {}).unwrap().attestation_object;
    let response = RegistrationResponse {
        credential_id: made.auth_data.attested_credential_data.as_ref().unwrap().credential_id.clone(),
        client_data_json,
        attestation_object: made,
        transports: vec!["usb".into()],
    };
    world.idp.complete(&ceremony, &response, "soft key").unwrap();
    assert_eq!(world.idp.credentials(&alice).unwrap()[0].aaguid, SOFT_AAGUID);

    let door = world.idp.sign_in().unwrap();
    let ceremony = door.begin(&alice).unwrap();
    let client_data_json = ClientDataJson::new(CeremonyType::Get, &ceremony.options.challenge, &ceremony.origin);
    let request = GetAssertion {
        rp_id: rp_id.clone(),
        client_data_hash: client_data_json.hash(),
        allow_list: vec![],
        user_presence: true,
    };
    let token = key.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(rp_id)).unwrap();
    let signed = key.get_assertions(&request, Some(&token), &mut |_| {}).unwrap().remove(0);
    assert_eq!(signed.user_handle.as_ref(), Some(&options.user.id), "the key stored the account");
    door.finish(&alice, &ceremony, &signed.into_response(client_data_json)).unwrap();
}

#[test]
fn accounts_have_one_login_and_a_name() {
    let world = World::new();
    world.user("alice");
    let new = |login: &str| wire::NewUser {
        login: login.into(),
        display_name: "A".into(),
        active: true,
        other_methods: vec![],
    };
    for taken in ["alice", "Alice"] {
        assert!(refusal(world.idp.create_user(&new(taken))).contains("another account"));
    }
    for wrong in ["", " ", "a\nb", &"a".repeat(201)] {
        refusal(world.idp.create_user(&new(wrong)));
    }
    let odd = "o'neil+ops/../%@example.org?#é";
    let user = world.idp.create_user(&new(odd)).unwrap();
    assert_eq!(world.idp.find_user(odd).unwrap(), user);
    let error = world.idp.find_user("nobody").unwrap_err();
    assert_eq!(error.to_string(), "rehearsal has no user nobody");
    let gone = User { id: "0".repeat(32), ..user };
    assert!(matches!(world.idp.begin(&gone), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(world.idp.list(&gone), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn a_request_that_cannot_be_read_gets_an_error_that_can() {
    let world = World::new();
    let client = Client::new("rehearsal", &world.server.url(), Limits::default()).unwrap();
    let authorised = |method, path| {
        client.call(method, path).credential("authorization".parse().unwrap(), format!("Bearer {TOKEN}").into())
    };
    for (call, status, code) in [
        (authorised(Method::GET, "/v1/nowhere"), 404, "path"),
        (authorised(Method::DELETE, "/v1/users"), 405, "method"),
        (authorised(Method::POST, "/v1/users"), 415, "content_type"),
        (authorised(Method::POST, "/v1/users").json(&serde_json::json!({ "login": 1 })), 400, "request"),
        (authorised(Method::GET, "/v1/users/none"), 404, "absent"),
    ] {
        let reply = call.send().unwrap();
        assert_eq!((reply.status(), reply.fault().code.as_deref()), (status, Some(code)));
        assert!(!reply.fault().message.is_empty());
    }
}

#[test]
fn a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.db");
    let world = World::with(Some(&file), |_| {}).unwrap();
    let alice = world.user("alice");
    let (mut signer, registered) = world.enrolled(&alice);
    let open = world.idp.begin(&alice).unwrap();
    let start = |change: fn(&mut Settings)| World::with(Some(&file), change).err().map(|error| error.to_string());
    assert!(start(|_| {}).unwrap().contains("another server has it open"));
    world.server.stop();

    let other = |settings: &mut Settings| {
        settings.rp_id = "example.org".parse().unwrap();
        settings.origin = Some("https://login.example.org".parse().unwrap());
    };
    assert!(start(other).unwrap().contains("belong to the RP ID localhost"));
    let same_origin = open.origin.clone();
    let world = World::with(Some(&file), |settings| settings.origin = Some(same_origin)).unwrap();
    assert_eq!(world.idp.find_user("alice").unwrap(), alice);
    assert_eq!(world.idp.list(&alice).unwrap(), [registered]);
    world.sign_in(&alice, &mut signer).unwrap();
    world.idp.complete(&open, &made(&Signer::new(), &open), "begun before").unwrap();
    drop(world);

    let db = rusqlite::Connection::open(&file).unwrap();
    db.pragma_update(None, "user_version", 2).unwrap();
    drop(db);
    assert!(start(|_| {}).unwrap().contains("later version"));
    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
    assert!(start(|_| {}).unwrap().contains("another program"));
    std::fs::write(&file, "no database, and longer than a header of one hundred bytes".repeat(9)).unwrap();
    assert!(start(|_| {}).unwrap().contains("another program"));
}

#[test]
fn the_server_starts_only_where_it_is_safe() {
    let start = |address: &str, token: &str, change: fn(&mut Settings)| {
        let mut settings = Settings::new(Arc::new(Anchors::none()));
        change(&mut settings);
        EmbeddedServer::start(address.parse().unwrap(), None, token.to_owned().into(), settings)
    };
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        assert!(matches!(start(address, TOKEN, |_| {}), Err(StartError::NotLoopback(_))), "{address}");
    }
    for token in ["", "short", "with a space in it", "with\na line break"] {
        assert!(matches!(start("127.0.0.1:0", token, |_| {}), Err(StartError::Token)), "{token:?}");
    }
    let foreign = start("127.0.0.1:0", TOKEN, |settings| settings.rp_id = "example.org".parse().unwrap());
    assert!(matches!(foreign, Err(StartError::Origin { .. })));
    let first = start("127.0.0.1:0", TOKEN, |_| {}).unwrap();
    let taken = start(first.url().strip_prefix("http://").unwrap(), TOKEN, |_| {});
    assert!(matches!(taken, Err(StartError::Listen { .. })));
    first.stop();
}

#[test]
fn a_stopped_server_is_unreachable() {
    let world = World::new();
    world.user("alice");
    let idle = std::net::TcpStream::connect(world.server.url().strip_prefix("http://").unwrap()).unwrap();
    world.server.stop();
    let error = world.idp.find_user("alice").unwrap_err();
    assert!(matches!(error, DirectoryError::Unreachable { .. }), "{error}");
    assert!(!error.may_have_acted());
    drop(idle);
}

#[test]
fn sixteen_people_register_at_once() {
    let world = World::new();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let world = &world;
            scope.spawn(move || {
                let user = world.user(&format!("user{number}"));
                let (mut signer, _) = world.enrolled(&user);
                world.sign_in(&user, &mut signer).unwrap();
            });
        }
    });
}

/// What an error has to be, and whether the request may have been acted on.
type Expected = (fn(&DirectoryError) -> bool, bool);

/// Every fault, what the client has to make of it, and whether the server acts.
fn faults() -> Vec<(Fault, Expected, bool)> {
    use DirectoryError as E;
    let unanswered: Expected = (|error| matches!(error, E::Unanswered { .. }), true);
    let failed: Expected = (|error| matches!(error, E::Failed { status: 500, .. }), true);
    let answer: Expected = (|error| matches!(error, E::InvalidResponse { .. }), true);
    let sign_in: Expected = (|error| matches!(error, E::SignIn { .. }), false);
    let forbidden: Expected = (|error| matches!(error, E::Forbidden { .. }), false);
    let wait: Expected = (|error| matches!(error, E::RateLimited { retry_after: None, .. }), false);
    let wait_7_s: Expected = (
        |error| matches!(error, E::RateLimited { retry_after: Some(wait), .. } if *wait == Duration::from_secs(7)),
        false,
    );
    vec![
        (Fault::ReplyBefore(Reply::status(500)), failed, false),
        (Fault::ReplyAfter(Reply::status(500)), failed, true),
        (Fault::ReplyBefore(Reply::too_many(None)), wait, false),
        (Fault::ReplyBefore(Reply::too_many(Some("7"))), wait_7_s, false),
        (Fault::ReplyBefore(Reply::status(401)), sign_in, false),
        (Fault::ReplyBefore(Reply::page(403)), forbidden, false),
        (Fault::ReplyBefore(Reply::page(200)), answer, false),
        (Fault::ReplyAfter(Reply::page(200)), answer, true),
        (Fault::ReplyBefore(Reply::garbage()), answer, false),
        (Fault::ReplyAfter(Reply::garbage()), answer, true),
        (Fault::ReplyBefore(Reply::new(302, "Location: http://127.0.0.1:1/\r\n", "")), answer, false),
        (Fault::ReplyAfter(Reply::new(200, "", "{\"id\":")), answer, true),
        (Fault::DropBefore, unanswered, false),
        (Fault::DropAfter, unanswered, true),
        (Fault::StallBefore, unanswered, false),
        (Fault::StallAfter, unanswered, true),
        (Fault::HalfHead, unanswered, true),
        (Fault::HalfBody, unanswered, true),
        (Fault::StallInBody, unanswered, true),
    ]
}

#[test]
fn each_fault_is_told_apart_and_nothing_is_repeated() {
    let world = World::new();
    let proxy = FaultProxy::start(&world.server.url());
    let idp = Embedded::new("rehearsal", &proxy.url(), TOKEN.into()).unwrap();
    let hasty = Limits { total: Duration::from_millis(200), ..Limits::default() };
    let hasty = Embedded::with_limits("rehearsal", &proxy.url(), TOKEN.into(), hasty).unwrap();
    for (number, (fault, (is_it, may_have_acted), acts)) in faults().into_iter().enumerate() {
        let user = world.user(&format!("user{number}"));
        let ceremony = idp.begin(&user).unwrap();
        let signer = Signer::new();
        let before = proxy.seen().len();
        proxy.once(Which::request("POST", "/v1/users/*/ceremonies/*"), fault.clone());
        let stalls = matches!(fault, Fault::StallBefore | Fault::StallAfter | Fault::StallInBody);
        let client = if stalls { &hasty } else { &idp };
        let error = client.complete(&ceremony, &made(&signer, &ceremony), "key").unwrap_err();
        proxy.settle();
        assert!(is_it(&error), "{fault:?}: {error:?}");
        assert_eq!(error.may_have_acted(), may_have_acted, "{fault:?}");
        assert!(may_have_acted || !acts, "{fault:?}: an error must not deny what happened");
        assert_eq!(proxy.seen().len(), before + 1, "{fault:?}: sent once");

        // What the caller does then: look, and only then ask again.
        let found = idp.read_back(&user, &ceremony, &signer.credential_id, "key").unwrap();
        assert_eq!(found.is_some(), acts, "{fault:?}");
        if found.is_none() {
            idp.complete(&ceremony, &made(&signer, &ceremony), "key").unwrap();
        }
        assert_eq!(world.idp.list(&user).unwrap().len(), 1, "{fault:?}");
        assert!(world.idp.pending(&user).unwrap().is_empty(), "{fault:?}");
    }
}

#[test]
fn a_lost_answer_to_begin_leaves_a_pending_object_that_is_found() {
    let world = World::new();
    let alice = world.user("alice");
    let proxy = FaultProxy::start(&world.server.url());
    let idp = Embedded::new("rehearsal", &proxy.url(), TOKEN.into()).unwrap();
    proxy.always(Which::any(), Fault::DropAfter);
    assert!(idp.begin(&alice).unwrap_err().may_have_acted());
    proxy.clear();
    let left = idp.pending(&alice).unwrap();
    assert_eq!(left.len(), 1);
    proxy.once(Which::Index(2), Fault::DropAfter);
    assert!(idp.abandon(&alice, &left[0]).unwrap_err().may_have_acted());
    idp.abandon(&alice, &left[0]).unwrap();
    assert!(idp.pending(&alice).unwrap().is_empty());
}

#[test]
fn another_account_than_the_one_that_was_asked_for_is_no_answer() {
    let world = World::new();
    let (alice, eve) = (world.user("alice"), world.user("eve"));
    let proxy = FaultProxy::start(&world.server.url());
    let idp = Embedded::new("rehearsal", &proxy.url(), TOKEN.into()).unwrap();
    assert_eq!(idp.find_user("Alice").unwrap(), alice);
    let other = serde_json::json!({
        "users": [{"id": eve.id, "login": eve.login, "display_name": eve.display_name, "active": true}]
    });
    let headers = "Content-Type: application/json\r\n";
    proxy.always(Which::any(), Fault::ReplyBefore(Reply::new(200, headers, &other.to_string())));
    let error = idp.find_user("alice").unwrap_err();
    assert!(error.to_string().contains("another account than alice"), "{error}");
}
