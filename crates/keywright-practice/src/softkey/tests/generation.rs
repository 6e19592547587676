//! Keys that pass for older and newer ones.

use super::super::{Generation, Model};
use super::pin::{CLIENT_PIN, Session, authenticate, make_verified, with_legacy_token};
use super::*;

const INVALID_COMMAND: u8 = 0x01;
const INVALID_PARAMETER: u8 = 0x02;
const PIN_AUTH_INVALID: u8 = 0x33;
const CREDENTIAL_MANAGEMENT: u8 = 0x0a;
const PREVIEW: u8 = 0x41;

fn disguised(generation: Generation) -> Rack {
    Rack::in_memory_of(&[Model { generation, ..Model::default() }]).unwrap()
}

fn members(info: &Value) -> Vec<i64> {
    info.as_map().unwrap().iter().filter_map(|(key, _)| key.as_integer()).collect()
}

#[test]
fn a_2_0_key_says_what_2_0_keys_say() {
    let rack = disguised(Generation::Ctap20);
    let info = client(rack.key(0)).get_info();
    assert_eq!(versions(&info), ["U2F_V2", "FIDO_2_0"]);
    assert_eq!(members(&info), [1, 2, 3, 4, 5, 6]);
    assert_eq!(info.get(6), Some(&array([1.into()])));
    for absent in ["pinUvAuthToken", "credMgmt", "authnrCfg", "ep", "credentialMgmtPreview"] {
        assert_eq!(has_option(&info, absent), None, "{absent}");
    }
    assert_eq!((has_option(&info, "rk"), has_option(&info, "clientPin")), (Some(true), Some(false)));
}

#[test]
fn a_2_0_key_does_not_know_later_commands() {
    let rack = disguised(Generation::Ctap20);
    let mut client = client(rack.key(0));
    for command in [0x0a, 0x0b, 0x0c, 0x0d, PREVIEW] {
        assert_eq!(client.ask(command, None).0, INVALID_COMMAND, "{command:02x}");
    }
    let subcommand = |protocol: i64, number: i64| Some(Value::map([(1, protocol.into()), (2, number.into())]));
    assert_eq!(client.ask(CLIENT_PIN, subcommand(1, 9)).0, INVALID_PARAMETER);
    assert_eq!(client.ask(CLIENT_PIN, subcommand(2, 2)).0, INVALID_PARAMETER);
    let (status, retries) = client.ask(CLIENT_PIN, subcommand(1, 1));
    assert_eq!((status, members(&retries)), (0, vec![3]));
    assert_eq!(client.ask(0x07, None).0, 0x30, "reset exists, and is too late after clientPIN");
}

#[test]
fn a_2_0_key_passes_over_later_members_and_refuses_protocol_2() {
    let rack = disguised(Generation::Ctap20);
    let mut client = client(rack.key(0));
    let (status, made) = client.ask(0x01, Some(make_credential(true, [(0x0a, 1.into())])));
    assert_eq!((status, made.get(4)), (0, None), "enterprise attestation was asked for, and silently not given");
    let two = make_credential(true, [(8, [0; 32].as_slice().into()), (9, 2.into())]);
    assert_eq!(client.ask(0x01, Some(two)).0, PIN_AUTH_INVALID);
}

#[test]
fn an_old_token_is_good_until_the_power_goes() {
    let rack = disguised(Generation::Ctap20);
    let key = rack.key(0);
    let (mut one, token) = with_legacy_token(key);
    assert_eq!([make_verified(&mut one, &token), make_verified(&mut one, &token)], [0, 0]);
    key.advance(HOUR);
    assert_eq!(make_verified(&mut one, &token), 0);
    assert_eq!(make_verified(&mut one, &[9; 32]), PIN_AUTH_INVALID, "another token is none");
    key.power_cycle();
    assert_eq!(make_verified(&mut client(key), &token), PIN_AUTH_INVALID);
}

#[test]
fn asking_for_an_old_token_again_costs_no_retries() {
    let rack = disguised(Generation::Ctap20);
    let (mut client, token) = with_legacy_token(rack.key(0));
    // A wrong PIN gives the key a new agreement key. The old token may be lost by that, a retry may not.
    let session = Session::begin(&mut client);
    assert_eq!(session.token(&mut client, 5, "0000", []), Err(0x31));
    for _ in 0..3 {
        make_verified(&mut client, &token);
    }
    let (_, retries) = client.ask(CLIENT_PIN, Some(Value::map([(1, 1.into()), (2, 1.into())])));
    assert_eq!(retries.get(3), Some(&7.into()));
}

#[test]
fn a_preview_key_manages_credentials_with_the_old_command_and_token() {
    let rack = disguised(Generation::Ctap21Pre);
    let (mut client, token) = with_legacy_token(rack.key(0));
    let info = client.get_info();
    assert_eq!(versions(&info), ["U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE"]);
    assert_eq!(has_option(&info, "credentialMgmtPreview"), Some(true));
    assert_eq!((has_option(&info, "credMgmt"), has_option(&info, "pinUvAuthToken")), (None, None));
    assert_eq!(make_verified(&mut client, &token), 0);

    let metadata = || Value::map([(1, 1.into()), (3, 1.into()), (4, authenticate(&token, &[1]))]);
    assert_eq!(client.ask(CREDENTIAL_MANAGEMENT, Some(metadata())).0, INVALID_COMMAND);
    let (status, counts) = client.ask(PREVIEW, Some(metadata()));
    assert_eq!((status, counts.get(1), counts.get(2)), (0, Some(&1.into()), Some(&149.into())));

    // A walk over several answers: the token is shown with the first request only.
    let begin = Value::map([(1, 2.into()), (3, 1.into()), (4, authenticate(&token, &[2]))]);
    let (status, rp) = client.ask(PREVIEW, Some(begin));
    assert_eq!((status, rp.get(5)), (0, Some(&1.into())));
    assert_eq!(make_verified(&mut client, &token), 0, "and back to making credentials");
    assert_eq!(client.ask(PREVIEW, Some(Value::map([(1, 7.into())]))).0, INVALID_COMMAND);
}

#[test]
fn a_2_3_key_has_every_member_and_one_that_nobody_knows() {
    let rack = disguised(Generation::Ctap23);
    let mut client = client(rack.key(0));
    let info = client.get_info();
    assert_eq!(versions(&info), ["U2F_V2", "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]);
    assert!((0x16..=0x20).all(|member| info.get(member).is_some()), "{:x?}", members(&info));
    assert!(members(&info).is_sorted(), "canonical order");
    assert_eq!(has_option(&info, "keywrightUnheardOf"), Some(true));
    assert_eq!(info.get(0x1f), Some(&array([1.into(), 2.into(), 3.into()])));
    assert_ne!(client.get_info().get(0x19), info.get(0x19), "encIdentifier is another at each answer");
    assert_eq!(client.make(true).0, 0);
}

#[test]
fn a_folder_keeps_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let old = Model { generation: Generation::Ctap20, max_resident_credentials: 3, ..Model::default() };
    Rack::create_of(folder.path(), &[old]).unwrap();
    let rack = Rack::open(folder.path()).unwrap();
    assert_eq!(versions(&client(rack.key(0)).get_info()), ["U2F_V2", "FIDO_2_0"]);
}
