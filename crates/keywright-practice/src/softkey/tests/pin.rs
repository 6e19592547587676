//! PIN/UV auth protocol 1, just enough of it to hold a token (CTAP 2.1, 6.5.6).

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::iv::FixedLength;
use sha2::{Digest, Sha256};

use super::super::Touch;
use super::*;

pub(super) const CLIENT_PIN: u8 = 0x06;
const SET_PIN: i64 = 3;
pub(super) const GET_PIN_TOKEN: i64 = 5;
const TOKEN_WITH_PERMISSIONS: i64 = 9;
const PIN: &str = "4711";

pub(super) struct Session {
    secret: [u8; 32],
    key: Value,
}

impl Session {
    pub(super) fn begin(client: &mut Client) -> Self {
        let (status, answer) = client.ask(CLIENT_PIN, Some(Value::map([(1, 1.into()), (2, 2.into())])));
        assert_eq!(status, 0);
        let theirs = answer.get(1).unwrap();
        let coordinate = |map: &Value, label: i64| map.get(label).unwrap().as_bytes().unwrap().to_vec();
        let point = [&[4], &*coordinate(theirs, -2), &*coordinate(theirs, -3)].concat();
        let ours = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = ours.compute_public_key().unwrap();
        let secret = agree(&ours, UnparsedPublicKey::new(&ECDH_P256, point), (), |z| Ok(Sha256::digest(z).into()));
        let point = public.as_ref();
        let key =
            [(1, 2.into()), (3, (-25).into()), (-1, 1.into()), (-2, point[1..33].into()), (-3, point[33..].into())];
        Self { secret: secret.unwrap(), key: Value::map(key) }
    }

    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let key = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &self.secret).unwrap()).unwrap();
        let mut bytes = plain.to_vec();
        key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from([0; 16]))).unwrap();
        bytes
    }

    fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let key = DecryptingKey::cbc(UnboundCipherKey::new(&AES_256, &self.secret).unwrap()).unwrap();
        let mut bytes = sealed.to_vec();
        key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from([0; 16]))).unwrap();
        bytes
    }

    pub(super) fn set_pin(&self, client: &mut Client) {
        let mut padded = [0; 64];
        padded[..PIN.len()].copy_from_slice(PIN.as_bytes());
        let sealed = self.encrypt(&padded);
        let proof = authenticate(&self.secret, &sealed);
        assert_eq!(self.ask(client, SET_PIN, [(4, proof), (5, sealed.into())]).0, 0);
    }

    /// The token's 32 bytes, or the status.
    pub(super) fn token<const N: usize>(
        &self,
        client: &mut Client,
        subcommand: i64,
        pin: &str,
        more: [(i64, Value); N],
    ) -> Result<Vec<u8>, u8> {
        let hash = self.encrypt(&Sha256::digest(pin)[..16]);
        let (status, answer) = self.ask(client, subcommand, [(6, hash.into())].into_iter().chain(more));
        if status == 0 { Ok(self.decrypt(answer.get(2).unwrap().as_bytes().unwrap())) } else { Err(status) }
    }

    fn ask(&self, client: &mut Client, subcommand: i64, more: impl IntoIterator<Item = (i64, Value)>) -> (u8, Value) {
        let members = [(1, 1.into()), (2, subcommand.into()), (3, self.key.clone())];
        client.ask(CLIENT_PIN, Some(Value::map(members.into_iter().chain(more))))
    }
}

/// pinUvAuthParam of protocol 1.
pub(super) fn authenticate(key: &[u8], message: &[u8]) -> Value {
    sign(&Key::new(HMAC_SHA256, key), message).as_ref()[..16].into()
}

/// A key with a PIN, and a legacy token for it.
pub(super) fn with_legacy_token(key: &SoftKey) -> (Client, Vec<u8>) {
    let mut client = client(key);
    let session = Session::begin(&mut client);
    session.set_pin(&mut client);
    let token = session.token(&mut client, GET_PIN_TOKEN, PIN, []).unwrap();
    (client, token)
}

/// makeCredential with user verification by this token.
pub(super) fn make_verified(client: &mut Client, token: &[u8]) -> u8 {
    let more = [(8, authenticate(token, &[7; 32])), (9, 1.into())];
    client.ask(0x01, Some(make_credential(true, more))).0
}

const PIN_INVALID: u8 = 0x31;
const PIN_AUTH_INVALID: u8 = 0x33;
const PIN_AUTH_BLOCKED: u8 = 0x34;

#[test]
fn a_power_cycle_ends_a_pin_token() {
    let rack = rack(1);
    let (mut before, token) = with_legacy_token(rack.key(0));
    assert_eq!(make_verified(&mut before, &token), 0);
    rack.key(0).power_cycle();
    assert_eq!(make_verified(&mut client(rack.key(0)), &token), PIN_AUTH_INVALID);
}

#[test]
fn a_pin_token_runs_out_on_the_keys_clock() {
    let rack = rack(1);
    let (mut client, token) = with_legacy_token(rack.key(0));
    // Unused tokens live for 30 s.
    rack.key(0).advance(Duration::from_secs(31));
    assert_eq!(make_verified(&mut client, &token), PIN_AUTH_INVALID);
}

#[test]
fn the_pin_survives_and_three_strikes_end_with_a_power_cycle() {
    let rack = rack(1);
    let key = rack.key(0);
    let mut one = client(key);
    Session::begin(&mut one).set_pin(&mut one);
    for expected in [PIN_INVALID, PIN_INVALID, PIN_AUTH_BLOCKED] {
        let session = Session::begin(&mut one);
        assert_eq!(session.token(&mut one, GET_PIN_TOKEN, "1111", []), Err(expected));
    }
    key.power_cycle();
    let mut two = client(key);
    assert_eq!(has_option(&two.get_info(), "clientPin"), Some(true));
    let session = Session::begin(&mut two);
    let permissions = [(9, 0x04.into())];
    session.token(&mut two, TOKEN_WITH_PERMISSIONS, PIN, permissions).unwrap();
}

#[test]
fn a_pin_in_a_folder_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let rack = Rack::create(folder.path(), 1).unwrap();
    let mut one = client(rack.key(0));
    Session::begin(&mut one).set_pin(&mut one);
    drop((one, rack));
    let rack = Rack::open(folder.path()).unwrap();
    rack.set_touch(Touch::Never);
    let mut two = client(rack.key(0));
    Session::begin(&mut two).token(&mut two, GET_PIN_TOKEN, PIN, []).unwrap();
}
