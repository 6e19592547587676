//! authenticatorClientPIN (0x06): CTAP 2.1 section 6.5.
//!
//! Each exchange that carries a PIN asks for the key's keyAgreement first. It is not kept from one to the next: any wrong
//! PIN, another program's too, makes the key take a new one, some firmware does so after each use, and a PIN encrypted for
//! the old one counts as a wrong PIN. One short exchange is cheaper than one of eight attempts.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::command::Command;
use super::pin_uv_auth_protocol::SharedSecret;
use super::{Authenticator, CtapError, GetInfo, Pin, PinUvAuthProtocol, StatusCode};
use crate::webauthn::RpId;
use crate::webauthn::cbor::Value;

const GET_PIN_RETRIES: Command = Command::new(0x06, "authenticatorClientPIN getPINRetries");
pub(super) const GET_KEY_AGREEMENT: Command = Command::new(0x06, "authenticatorClientPIN getKeyAgreement");
const SET_PIN: Command = Command::new(0x06, "authenticatorClientPIN setPIN");
const CHANGE_PIN: Command = Command::new(0x06, "authenticatorClientPIN changePIN");
const GET_PIN_TOKEN: Command = Command::new(0x06, "authenticatorClientPIN getPinToken");
const GET_PIN_UV_AUTH_TOKEN: Command =
    Command::new(0x06, "authenticatorClientPIN getPinUvAuthTokenUsingPinWithPermissions");

/// What a token may be used for (CTAP 2.1, 6.5.5.7). A set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(pub u8);

impl Permissions {
    /// mc
    pub const MAKE_CREDENTIAL: Self = Self(0x01);
    /// ga
    pub const GET_ASSERTION: Self = Self(0x02);
    /// cm
    pub const CREDENTIAL_MANAGEMENT: Self = Self(0x04);
    /// be
    pub const BIO_ENROLLMENT: Self = Self(0x08);
    /// lbw
    pub const LARGE_BLOB_WRITE: Self = Self(0x10);
    /// acfg
    pub const AUTHENTICATOR_CONFIGURATION: Self = Self(0x20);
    /// pcmr (CTAP 2.2): a token for it outlives the power. Not to be asked for with others.
    pub const PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY: Self = Self(0x40);

    /// Whether every bit of `other` is in this set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the key has what they are for (CTAP 2.1, 6.5.5.7.2 step 7): asked for others, it answers UNAUTHORIZED_PERMISSION, which
    /// helps nobody. Legacy tokens are good for whatever the key has.
    fn offered_by(self, info: &GetInfo) -> Result<(), CtapError> {
        if info.option("pinUvAuthToken") != Some(true) {
            return Ok(());
        }
        let bio = info.option("bioEnroll").is_some() || info.option("userVerificationMgmtPreview").is_some();
        for (permission, offered, what) in [
            (Self::CREDENTIAL_MANAGEMENT, info.manages_credentials(), "credential management (credMgmt)"),
            (Self::BIO_ENROLLMENT, bio, "fingerprints (bioEnroll)"),
            (Self::LARGE_BLOB_WRITE, info.option("largeBlobs") == Some(true), "large blobs (largeBlobs)"),
            (
                Self::AUTHENTICATOR_CONFIGURATION,
                info.option("authnrCfg") == Some(true),
                "authenticatorConfig (authnrCfg)",
            ),
            (
                Self::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY,
                info.option("perCredMgmtRO") == Some(true),
                "persistent tokens (perCredMgmtRO)",
            ),
        ] {
            if self.contains(permission) && !offered {
                return Err(CtapError::Unsupported(what));
            }
        }
        Ok(())
    }
}

impl std::ops::BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A pinUvAuthToken with the protocol it was got with. Wiped when dropped.
///
/// A key takes mc and ga away from it after one makeCredential or getAssertion with a touch (CTAP 2.1, 6.1.2 and 6.2.2), and
/// everything when the next token is given.
pub struct PinUvAuthToken {
    /// The protocol that it is used with.
    pub(super) protocol: PinUvAuthProtocol,
    /// 16 or 32 bytes; 32 in protocol 2.
    pub(super) token: Zeroizing<Vec<u8>>,
    /// What it was asked for; `None` for a legacy token, which is good for everything the key can do.
    pub(super) permissions: Option<Permissions>,
}

impl PinUvAuthToken {
    /// Whether it was asked for with all of these permissions.
    pub fn permits(&self, permissions: Permissions) -> bool {
        self.permissions.is_none_or(|granted| granted.contains(permissions))
    }

    /// pinUvAuthParam: authenticate(token, message).
    pub(super) fn authenticate(&self, message: &[u8]) -> Value {
        self.protocol.authenticate(&self.token, message).into()
    }
}

impl std::fmt::Debug for PinUvAuthToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PinUvAuthToken").field("permissions", &self.permissions).finish_non_exhaustive()
    }
}

/// getPINRetries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRetries {
    /// Attempts left before the key blocks its PIN.
    pub retries: u32,
    /// Whether the key wants to be replugged before the next attempt; `None` if it does not tell.
    pub power_cycle_state: Option<bool>,
}

impl Authenticator {
    /// clientPIN setPIN, on a key that has none. The PIN is held against the key's minPINLength and maxPINLength first.
    /// Changes getInfo's `clientPin`, which [`Authenticator::info`] has then without asking the key again.
    pub fn set_pin(&mut self, pin: &Pin) -> Result<(), CtapError> {
        pin.check(self.info.min_pin_length, self.info.max_pin_length)?;
        let (key_agreement, secret) = self.agree_on_secret()?;
        let request = encode_set_pin(key_agreement, &secret, encrypt_new_pin(&secret, pin)?);
        self.exchange(SET_PIN, &request).map_err(|error| self.with_rules(error))?;
        self.info.options.insert("clientPin".into(), true);
        Ok(())
    }

    /// clientPIN changePIN. The new PIN is held against the key's minPINLength and maxPINLength first. The current one is sent
    /// once. Ends a forced change.
    pub fn change_pin(&mut self, current: &Pin, new: &Pin) -> Result<(), CtapError> {
        new.check(self.info.min_pin_length, self.info.max_pin_length)?;
        let (key_agreement, secret) = self.agree_on_secret()?;
        let (pin_hash_enc, new_pin_enc) = (encrypt_pin_hash(&secret, current)?, encrypt_new_pin(&secret, new)?);
        let request = encode_change_pin(key_agreement, &secret, pin_hash_enc, new_pin_enc);
        self.exchange(CHANGE_PIN, &request).map_err(|error| self.with_rules(error))?;
        Ok(())
    }

    /// A refusal for the key's own rules, with where they are explained if the key tells (pinComplexityPolicyURL).
    fn with_rules(&self, error: CtapError) -> CtapError {
        let url = self.info.pin_complexity_policy_url.as_deref().map(String::from_utf8_lossy);
        match (error, url) {
            (CtapError::Status { command, status: StatusCode::PinPolicyViolation }, Some(url)) => {
                CtapError::PinRules { command, url: url.into_owned() }
            }
            (error, _) => error,
        }
    }

    /// clientPIN getPINRetries. Only on a key that has a PIN: some firmware answers nonsense before.
    pub fn pin_retries(&mut self) -> Result<PinRetries, CtapError> {
        let protocol = PinUvAuthProtocol::choose(&self.info)?;
        decode_pin_retries(&self.exchange(GET_PIN_RETRIES, &encode_get_pin_retries(protocol))?)
    }

    /// A token for these permissions, bound to the RP ID if there is one; the legacy token on keys without `pinUvAuthToken`.
    /// Sends the PIN once.
    ///
    /// mc and ga need an RP ID. cm is good for everything without one, and for that RP's credentials with one. It ends the
    /// token that was given before. [`CtapError::Unsupported`] for mc and ga on a key that gives those for a fingerprint only.
    pub fn pin_uv_auth_token(
        &mut self,
        pin: &Pin,
        permissions: Permissions,
        rp_id: Option<&RpId>,
    ) -> Result<PinUvAuthToken, CtapError> {
        permissions.offered_by(&self.info)?;
        let uses = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
        if permissions.0 & uses.0 != 0 && self.info.option("noMcGaPermissionsWithClientPin") == Some(true) {
            return Err(CtapError::Unsupported("mc and ga permissions with a PIN"));
        }
        let (key_agreement, secret) = self.agree_on_secret()?;
        let pin_hash_enc = encrypt_pin_hash(&secret, pin)?;
        let protocol = secret.protocol();
        let permissions = (self.info.option("pinUvAuthToken") == Some(true)).then_some(permissions);
        let (command, request) = match permissions {
            None => (GET_PIN_TOKEN, encode_get_pin_token(protocol, key_agreement, pin_hash_enc)),
            Some(permissions) => {
                (GET_PIN_UV_AUTH_TOKEN, encode_get_token(protocol, key_agreement, pin_hash_enc, permissions, rp_id))
            }
        };
        let token = decode_token(command, &self.exchange(command, &request)?, &secret)?;
        Ok(PinUvAuthToken { protocol, token, permissions })
    }

    /// getKeyAgreement, and our side of it: the COSE_Key to send, and the secret.
    fn agree_on_secret(&mut self) -> Result<(Value, SharedSecret), CtapError> {
        let protocol = PinUvAuthProtocol::choose(&self.info)?;
        let body = self.exchange(GET_KEY_AGREEMENT, &encode_get_key_agreement(protocol))?;
        SharedSecret::encapsulate(protocol, &decode_key_agreement(&body)?)
    }
}

fn encode_get_pin_retries(protocol: PinUvAuthProtocol) -> Vec<u8> {
    GET_PIN_RETRIES.request([(0x01, protocol.number().into()), (0x02, 0x01.into())])
}

/// `retries` is a count below 256; firmware has been seen to answer a negative one.
fn decode_pin_retries(body: &[u8]) -> Result<PinRetries, CtapError> {
    let answer = GET_PIN_RETRIES.answer(body)?;
    let retries = answer.required(0x03, Value::as_integer)?;
    let retries = u8::try_from(retries)
        .map_err(|_| GET_PIN_RETRIES.malformed(format!("{retries} is not a number of attempts")))?;
    Ok(PinRetries { retries: retries.into(), power_cycle_state: answer.optional(0x04, Value::as_bool)? })
}

fn encode_get_key_agreement(protocol: PinUvAuthProtocol) -> Vec<u8> {
    GET_KEY_AGREEMENT.request([(0x01, protocol.number().into()), (0x02, 0x02.into())])
}

/// The key's COSE_Key as an uncompressed point. `alg` is not looked at: keys say -25 and -7, and mean the same.
fn decode_key_agreement(body: &[u8]) -> Result<[u8; 65], CtapError> {
    let answer = GET_KEY_AGREEMENT.answer(body)?;
    let key = answer.required(0x01, Some)?;
    let coordinate = |label: i64| key.get(label).and_then(Value::as_bytes).filter(|bytes| bytes.len() == 32);
    match (key.get(1), key.get(-1), coordinate(-2), coordinate(-3)) {
        (Some(Value::Integer(2)), Some(Value::Integer(1)), Some(x), Some(y)) => {
            let mut point = [0x04; 65];
            point[1..33].copy_from_slice(x);
            point[33..].copy_from_slice(y);
            Ok(point)
        }
        _ => Err(GET_KEY_AGREEMENT.malformed("keyAgreement is not a P-256 key")),
    }
}

fn encode_set_pin(key_agreement: Value, secret: &SharedSecret, new_pin_enc: Vec<u8>) -> Vec<u8> {
    SET_PIN.request([
        (0x01, secret.protocol().number().into()),
        (0x02, 0x03.into()),
        (0x03, key_agreement),
        (0x04, secret.authenticate(&new_pin_enc).into()),
        (0x05, new_pin_enc.into()),
    ])
}

fn encode_change_pin(
    key_agreement: Value,
    secret: &SharedSecret,
    pin_hash_enc: Vec<u8>,
    new_pin_enc: Vec<u8>,
) -> Vec<u8> {
    CHANGE_PIN.request([
        (0x01, secret.protocol().number().into()),
        (0x02, 0x04.into()),
        (0x03, key_agreement),
        (0x04, secret.authenticate(&[&new_pin_enc[..], &pin_hash_enc].concat()).into()),
        (0x05, new_pin_enc.into()),
        (0x06, pin_hash_enc.into()),
    ])
}

fn encode_get_pin_token(protocol: PinUvAuthProtocol, key_agreement: Value, pin_hash_enc: Vec<u8>) -> Vec<u8> {
    GET_PIN_TOKEN.request([
        (0x01, protocol.number().into()),
        (0x02, 0x05.into()),
        (0x03, key_agreement),
        (0x06, pin_hash_enc.into()),
    ])
}

fn encode_get_token(
    protocol: PinUvAuthProtocol,
    key_agreement: Value,
    pin_hash_enc: Vec<u8>,
    permissions: Permissions,
    rp_id: Option<&RpId>,
) -> Vec<u8> {
    let parameters = [
        (0x01, protocol.number().into()),
        (0x02, 0x09.into()),
        (0x03, key_agreement),
        (0x06, pin_hash_enc.into()),
        (0x09, i64::from(permissions.0).into()),
    ];
    let rp_id = rp_id.map(|rp_id| (0x0a, rp_id.as_str().into()));
    GET_PIN_UV_AUTH_TOKEN.request(parameters.into_iter().chain(rp_id))
}

/// Protocol 1 has tokens of 16 or 32 bytes, protocol 2 of 32 (CTAP 2.1, 6.5.6 and 6.5.7).
fn decode_token(command: Command, body: &[u8], secret: &SharedSecret) -> Result<Zeroizing<Vec<u8>>, CtapError> {
    let answer = command.answer(body)?;
    let token = secret.decrypt(answer.required(0x02, Value::as_bytes)?);
    match (secret.protocol(), token) {
        (PinUvAuthProtocol::One, Some(token)) if [16, 32].contains(&token.len()) => Ok(token),
        (PinUvAuthProtocol::Two, Some(token)) if token.len() == 32 => Ok(token),
        _ => Err(command.malformed("pinUvAuthToken has a length that no token has")),
    }
}

/// newPinEnc: the PIN with NULs up to 64 bytes.
fn encrypt_new_pin(secret: &SharedSecret, pin: &Pin) -> Result<Vec<u8>, CtapError> {
    let mut padded = Zeroizing::new([0; 64]);
    padded[..pin.expose().len()].copy_from_slice(pin.expose().as_bytes());
    secret.encrypt(&*padded)
}

/// pinHashEnc: LEFT(SHA-256(PIN), 16).
fn encrypt_pin_hash(secret: &SharedSecret, pin: &Pin) -> Result<Vec<u8>, CtapError> {
    let hash: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(pin.expose()).into());
    secret.encrypt(&hash[..16])
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::PinError;
    use super::super::pin_uv_auth_protocol::tests::{hex, known_exchange, known_key_agreement};
    use super::super::scripted::{info, key, options};
    use super::*;

    /// A token of 32 bytes that WebauthnWorks' guide uses, for the tests of other commands.
    pub(crate) fn known_token() -> PinUvAuthToken {
        let token = hex("0125fecfd8bf3f679bd9ec221324baa74f3cade0314b4fba8029500a320612ad");
        PinUvAuthToken { protocol: PinUvAuthProtocol::Two, token: Zeroizing::new(token), permissions: None }
    }

    const COSE_KEY: &str = "a501020338182001215820003a0bc15db601a238e891db21ca5f71eab98c8e05bf4e318daf471ea6e76dab\
                            2258203e303d19dcf2147db8d4ee0d932b0a0308ca55d69cf021c1c7e111d0cdc59efe";

    /// The requests of the CTAP2.1-Migration-Guide, Protocol/PinProtocol/2.md.
    #[test]
    fn set_pin_and_change_pin_are_the_migration_guide_s() {
        let new_pin_enc = "3672a1bc264e2cef5f647aff51100b15\
                           c2cdbe642fe446d1e7eb6cf52ef5268b616d1d2720c5b0d05195d0ab3b07a248\
                           a2f99930060ad3ce58a89824928050a93aa453ca66a8feade0333721dbf1b966";
        assert_eq!(
            encode_set_pin(known_key_agreement(), &known_exchange(), hex(new_pin_enc)),
            hex(&format!(
                "06a50102020303{COSE_KEY}\
                 0458206572fe937c1c04fb68b5a91408f9058246a6650013fe8dc023c5eec130f01a28\
                 055850{new_pin_enc}"
            ))
        );
        let new_pin_enc = "4b41b0af9beecf165e9a1f4abc852fe81441cf87ab46a5de55b752c5203498c1\
                           4e8d0f52be4ec1ac731e1e1fb99c00bf0fc8a768b40a95a7b1f2dd907f3af35f\
                           2cc4f3a3aa00b3f5267623e624f33ebc";
        let pin_hash_enc = "6af8b75c50296805d34fc6326956ca20708f38d17a782ffdd1a537d221eecb3e";
        assert_eq!(
            encode_change_pin(known_key_agreement(), &known_exchange(), hex(pin_hash_enc), hex(new_pin_enc)),
            hex(&format!(
                "06a60102020403{COSE_KEY}\
                 045820d6b8d7cf32879f9515ac310a3a99cf6ec025644e921745aba8a34be20faa17e7\
                 055850{new_pin_enc}\
                 065820{pin_hash_enc}"
            ))
        );
        // What those ciphertexts hold: the new PIN "09876" and the hash of "123456".
        let mut padded = vec![0; 64];
        padded[..5].copy_from_slice(b"09876");
        assert_eq!(*known_exchange().decrypt(&hex(new_pin_enc)).unwrap(), padded);
        let hash = known_exchange().decrypt(&hex(pin_hash_enc)).unwrap();
        assert_eq!(*hash, hex("8d969eef6ecad3c29a3a629280e686cf"));
        let ours = encrypt_pin_hash(&known_exchange(), &Pin::new("123456").unwrap()).unwrap();
        assert_eq!(known_exchange().decrypt(&ours), Some(hash));
        let ours = encrypt_new_pin(&known_exchange(), &Pin::new("09876").unwrap()).unwrap();
        assert_eq!(*known_exchange().decrypt(&ours).unwrap(), padded);
    }

    #[test]
    fn token_requests_are_the_specification_s() {
        let rp_id = "example.org".parse().unwrap();
        let permissions = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
        assert_eq!(
            encode_get_token(PinUvAuthProtocol::Two, known_key_agreement(), vec![7; 2], permissions, Some(&rp_id)),
            hex(&format!("06a60102020903{COSE_KEY}0642070709030a6b6578616d706c652e6f7267"))
        );
        assert_eq!(
            encode_get_token(PinUvAuthProtocol::Two, known_key_agreement(), vec![7; 2], Permissions(0x24), None),
            hex(&format!("06a50102020903{COSE_KEY}06420707091824"))
        );
        assert_eq!(
            encode_get_pin_token(PinUvAuthProtocol::One, known_key_agreement(), vec![7; 2]),
            hex(&format!("06a40101020503{COSE_KEY}06420707"))
        );
        assert_eq!(encode_get_key_agreement(PinUvAuthProtocol::Two), hex("06a201020202"));
        assert_eq!(encode_get_pin_retries(PinUvAuthProtocol::One), hex("06a201010201"));
    }

    #[test]
    fn a_key_agreement_is_a_p_256_point() {
        let cose = "a501020338182001215820d7404f738990a0af2bbc053d39f0a9c293898bf8e7c0fb9ab1ef4dd61bb70d37\
                    225820c09bed90721b78631be0e68f42997f7a1957b87a6537cfade9f0a68cd432e7f9";
        let point = decode_key_agreement(&hex(&format!("a101{cose}"))).unwrap();
        assert_eq!(point[..3], [0x04, 0xd7, 0x40]);
        assert_eq!(point[63..], [0xe7, 0xf9]);
        // Another curve, a coordinate of 31 bytes, no key at all.
        for wrong in [
            format!("a101{}", cose.replace("2001215820", "2002215820")),
            format!("a101{}", cose.replace("2001215820d7", "200121581f")),
            "a10100".into(),
            "a0".into(),
        ] {
            assert!(matches!(decode_key_agreement(&hex(&wrong)), Err(CtapError::InvalidResponse { .. })), "{wrong}");
        }
    }

    #[test]
    fn retries_are_a_count_or_an_error() {
        let answer = |body| decode_pin_retries(&hex(body));
        assert_eq!(answer("a10308"), Ok(PinRetries { retries: 8, power_cycle_state: None }));
        assert_eq!(answer("a2030504f5"), Ok(PinRetries { retries: 5, power_cycle_state: Some(true) }));
        // -61 was seen on CanoKey; then 256, a text, nothing, a powerCycleState that is a number.
        for wrong in ["a103383c", "a103190100", "a10360", "a0", "a203050401"] {
            assert!(matches!(answer(wrong), Err(CtapError::InvalidResponse { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_token_has_a_length_that_its_protocol_has() {
        let decode = |token: &[u8]| {
            let secret = known_exchange();
            let encrypted = Value::from(secret.encrypt(token).unwrap());
            let body = crate::webauthn::cbor::encode(&Value::map([(0x02, encrypted)]));
            decode_token(GET_PIN_TOKEN, &body, &secret).map(|token| token.to_vec())
        };
        assert_eq!(decode(&[9; 32]), Ok(vec![9; 32]));
        for wrong in [16, 48] {
            assert!(matches!(decode(&vec![9; wrong]), Err(CtapError::InvalidResponse { .. })), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_asked() {
        let pin = Pin::new("123456").unwrap();
        let rp_id = "example.org".parse().unwrap();
        let (mut without, _) = key(info([]), []);
        assert_eq!(without.set_pin(&pin), Err(CtapError::Unsupported("clientPin")));
        assert_eq!(without.pin_retries(), Err(CtapError::Unsupported("clientPin")));
        let (mut eight, _) = key(info([options([("clientPin", true)]), (0x0d, 8.into())]), []);
        let short = CtapError::Pin(PinError::TooShort { length: 6, minimum: 8 });
        assert_eq!(eight.set_pin(&pin), Err(short.clone()));
        assert_eq!(eight.change_pin(&pin, &pin), Err(short));
        let options =
            options([("clientPin", true), ("pinUvAuthToken", true), ("noMcGaPermissionsWithClientPin", true)]);
        let (mut fingers, _) = key(info([options]), []);
        let refused = fingers.pin_uv_auth_token(&pin, Permissions::GET_ASSERTION, Some(&rp_id));
        assert!(matches!(refused, Err(CtapError::Unsupported(_))));
    }

    #[test]
    fn a_refusal_for_the_key_s_rules_says_where_they_are() {
        let refusal = CtapError::Status { command: "c", status: StatusCode::PinPolicyViolation };
        let (plain, _) = key(info([]), []);
        assert_eq!(plain.with_rules(refusal.clone()), refusal);
        let (strict, _) = key(info([(0x1c, b"https://maker.example/pin".to_vec().into())]), []);
        let told = strict.with_rules(refusal);
        assert!(told.to_string().ends_with("its rules: https://maker.example/pin"), "{told}");
        assert_eq!(told.status(), Some(StatusCode::PinPolicyViolation));
        let other = CtapError::Status { command: "c", status: StatusCode::PinInvalid };
        assert_eq!(strict.with_rules(other.clone()), other);
    }

    #[test]
    fn a_permission_for_what_the_key_has_not_is_not_asked_for() {
        let pin = Pin::new("123456").unwrap();
        let (mut plain, script) = key(info([options([("clientPin", true), ("pinUvAuthToken", true)])]), []);
        for bit in [0x04, 0x08, 0x10, 0x20, 0x40] {
            let refused = plain.pin_uv_auth_token(&pin, Permissions(bit), None);
            assert!(matches!(refused, Err(CtapError::Unsupported(_))), "{bit:#x}");
        }
        script.assert_done();
    }

    #[test]
    fn protocol_two_is_chosen_where_it_is_offered() {
        let chosen = |protocols: &[i64]| {
            let list = Value::Array(protocols.iter().map(|number| (*number).into()).collect());
            let (authenticator, _) = key(info([options([("clientPin", false)]), (0x06, list)]), []);
            PinUvAuthProtocol::choose(authenticator.info())
        };
        assert_eq!(chosen(&[1, 2]), Ok(PinUvAuthProtocol::Two));
        assert_eq!(chosen(&[1]), Ok(PinUvAuthProtocol::One));
        assert_eq!(chosen(&[]), Ok(PinUvAuthProtocol::One));
        assert!(matches!(chosen(&[3]), Err(CtapError::Unsupported(_))));
    }

    #[test]
    fn a_token_knows_what_it_was_asked_for_and_does_not_print() {
        let mut token = known_token();
        assert!(token.permits(Permissions::GET_ASSERTION), "a legacy token is good for everything");
        token.permissions = Some(Permissions::MAKE_CREDENTIAL);
        assert!(token.permits(Permissions::MAKE_CREDENTIAL) && !token.permits(Permissions::GET_ASSERTION));
        assert_eq!(format!("{token:?}"), "PinUvAuthToken { permissions: Some(Permissions(1)), .. }");
    }
}
