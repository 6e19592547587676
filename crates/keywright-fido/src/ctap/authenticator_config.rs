//! authenticatorConfig (0x0D): CTAP 2.1 section 6.11.
//!
//! It refuses to send what getInfo does not offer, and a minimum PIN length after which no PIN could be set.

use super::command::Command;
use super::{Authenticator, CtapError, GetAssertion, GetInfo, MakeCredential, PinUvAuthToken, StatusMeaning, Touch};
use crate::webauthn::cbor::{self, Value};
use crate::webauthn::{CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity, UserHandle};

/// The longest minimum: a PIN has at most 63 bytes, and some firmware takes 64 and then no PIN ever again.
const LONGEST_MINIMUM: usize = 63;

/// A subcommand's number and the name that errors call it by.
type Subcommand = (u8, &'static str);

const ENABLE_ENTERPRISE_ATTESTATION: Subcommand = (0x01, "authenticatorConfig enableEnterpriseAttestation");
const TOGGLE_ALWAYS_UV: Subcommand = (0x02, "authenticatorConfig toggleAlwaysUv");
const ENABLE_LONG_TOUCH_FOR_RESET: Subcommand = (0x04, "authenticatorConfig enableLongTouchForReset");
const SET_MIN_PIN_LENGTH: Subcommand = (0x03, "authenticatorConfig setMinPINLength");

/// setMinPINLength (subcommand 0x03).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MinPinLength {
    /// The new minimum in code points, at most 63 (some firmware takes more and then never a PIN again). It only ever grows.
    pub new_min_pin_length: Option<usize>,
    /// Who may ask for the minimum length.
    pub rp_ids: Vec<RpId>,
    /// Whether the person has to choose a PIN before anything else.
    pub force_change_pin: bool,
    /// Whether the key holds PINs against rules of its own (CTAP 2.2); only a reset takes that back.
    pub pin_complexity_policy: bool,
}

/// Tokens need acfg. A key without a PIN takes these commands without a token, unless `alwaysUv` is on; pico-fido asks for one
/// all the same. getInfo's `authnrCfg` and authenticatorConfigCommands are held against each before it is sent.
impl Authenticator {
    /// authenticatorConfig enableEnterpriseAttestation. Without a token only while the key has no PIN. A reset turns it off.
    /// Asks for getInfo afterwards, for its `ep` decides whether makeCredential may ask for such an attestation.
    pub fn enable_enterprise_attestation(&mut self, token: Option<&PinUvAuthToken>) -> Result<(), CtapError> {
        self.configure(ENABLE_ENTERPRISE_ATTESTATION, None, token)?;
        self.refresh_info().map(drop)
    }

    /// What alwaysUv is, as far as it can be seen: see [`Authenticator::always_verifies`]. `None` on a key that has it not. Asks for
    /// getInfo. To be asked before there is a token: one that the key has given ends with the touch that it may want.
    pub fn always_uv(
        &mut self,
        known: Option<(&RpId, &CredentialId)>,
        touch: Touch<'_>,
    ) -> Result<Option<bool>, CtapError> {
        // Another program may have toggled it since getInfo was read last. Firmware exists that shows it on while it is locked; none
        // that shows it off.
        Ok(match self.refresh_info()?.option("alwaysUv") {
            Some(true) => Some(self.always_verifies(known, touch)?.unwrap_or(true)),
            shown => shown,
        })
    }

    /// authenticatorConfig toggleAlwaysUv, once, and a look whether it ended as `wanted`. `known` is a credential of the key, if one is
    /// known.
    pub fn toggle_always_uv(
        &mut self,
        token: Option<&PinUvAuthToken>,
        wanted: bool,
        known: Option<(&RpId, &CredentialId)>,
        touch: Touch<'_>,
    ) -> Result<(), CtapError> {
        self.takes_always_uv()?;
        self.configure(TOGGLE_ALWAYS_UV, None, token)?;
        if self.always_uv(known, touch)? == Some(wanted) {
            return Ok(());
        }
        let why = match self.info.option("alwaysUv") {
            Some(true) if wanted => "alwaysUv is shown, and yet nobody had to be verified",
            _ => "alwaysUv is as it was before",
        };
        Err(CtapError::InvalidResponse { command: TOGGLE_ALWAYS_UV.1, why: why.into() })
    }

    /// Whether the key refuses to sign where nobody was verified, as it has to while alwaysUv is on (CTAP 2.1, 6.2.2 step 5), whatever
    /// getInfo says. `None` if its answers do not tell.
    ///
    /// It is asked for a signature of a credential that it has, without a token. Where none is known it is asked for one for an RP that
    /// cannot be; a key that says that it has none, and may have looked for it first, is asked to make one that it does not keep. A key
    /// that does not refuse may want a touch for each.
    pub fn always_verifies(
        &mut self,
        known: Option<(&RpId, &CredentialId)>,
        touch: Touch<'_>,
    ) -> Result<Option<bool>, CtapError> {
        let request = GetAssertion {
            rp_id: known.map_or(RpId::PROBE, |(rp_id, _)| rp_id.clone()),
            client_data_hash: [0; 32],
            allow_list: known.map(|(_, credential_id)| credential_id.clone()).into_iter().collect(),
            user_presence: true,
        };
        match self.get_assertions(&request, None, touch) {
            Ok(_) => return Ok(Some(false)),
            Err(error) if error.means(StatusMeaning::PinRequired) => return Ok(Some(true)),
            Err(error) if error.means(StatusMeaning::NoCredentials) && known.is_none() => {}
            Err(error) => return undecided(error),
        }
        let nobody = UserEntity { id: UserHandle::new([0])?, name: "nobody".into(), display_name: String::new() };
        let rp = RelyingParty { id: RpId::PROBE, name: String::new() };
        match self.make_credential(&MakeCredential::new([0; 32], rp, nobody, vec![CoseAlgorithm::ES256]), None, touch) {
            Ok(_) => Ok(Some(false)),
            // Some keys refuse that at all times (makeCredUvNotRqd).
            Err(error) => undecided(error),
        }
    }

    /// authenticatorConfig setMinPINLength. Members that are not set are not sent. After force_change_pin the key gives no
    /// token until its PIN is changed, so that comes last. [`CtapError::Limit`] for more than 63, or more RP IDs than
    /// maxRPIDsForSetMinPINLength.
    pub fn set_min_pin_length(
        &mut self,
        token: Option<&PinUvAuthToken>,
        request: &MinPinLength,
    ) -> Result<(), CtapError> {
        self.takes_min_pin_length(request)?;
        self.configure(SET_MIN_PIN_LENGTH, min_pin_length_parameters(request), token)
    }

    /// Whether this key can be asked for that, before anybody gives a PIN for it. Asks the key nothing.
    pub fn takes_min_pin_length(&self, request: &MinPinLength) -> Result<(), CtapError> {
        if self.info.option("setMinPINLength") != Some(true) {
            return Err(CtapError::Unsupported("setting of the minimum PIN length (setMinPINLength)"));
        }
        if request.pin_complexity_policy && self.info.pin_complexity_policy.is_none() {
            return Err(CtapError::Unsupported("PIN rules of its own (pinComplexityPolicy)"));
        }
        if let Some(asked) = request.new_min_pin_length.filter(|asked| *asked > LONGEST_MINIMUM) {
            return Err(CtapError::Limit { what: "newMinPINLength", asked, maximum: LONGEST_MINIMUM });
        }
        let maximum = self.info.max_rp_ids_for_set_min_pin_length.unwrap_or(0) as usize;
        if request.rp_ids.len() > maximum {
            let what = "the number of minPinLengthRPIDs";
            return Err(CtapError::Limit { what, asked: request.rp_ids.len(), maximum });
        }
        self.takes(SET_MIN_PIN_LENGTH)
    }

    /// authenticatorConfig enableLongTouchForReset (CTAP 2.3): from then on a reset takes a touch of ten seconds. Only a reset takes it
    /// back. Asks for getInfo afterwards.
    pub fn enable_long_touch_for_reset(&mut self, token: Option<&PinUvAuthToken>) -> Result<(), CtapError> {
        self.takes_long_touch_for_reset()?;
        self.configure(ENABLE_LONG_TOUCH_FOR_RESET, None, token)?;
        self.refresh_info().map(drop)
    }

    /// Whether this key can be made to want a long touch for a reset. Asks the key nothing.
    pub fn takes_long_touch_for_reset(&self) -> Result<(), CtapError> {
        self.info.takes_long_touch_for_reset()
    }

    /// Whether this key lets enterprise attestation be enabled. Asks the key nothing.
    pub fn takes_enterprise_attestation(&self) -> Result<(), CtapError> {
        if self.info.option("ep").is_none() {
            return Err(CtapError::Unsupported("enterprise attestation (ep)"));
        }
        self.takes(ENABLE_ENTERPRISE_ATTESTATION)
    }

    /// Whether this key has `alwaysUv` and lets it be toggled. Asks the key nothing.
    pub fn takes_always_uv(&self) -> Result<(), CtapError> {
        if self.info.option("alwaysUv").is_none() {
            return Err(CtapError::Unsupported("setting to ask for the PIN at every use (alwaysUv)"));
        }
        self.takes(TOGGLE_ALWAYS_UV)
    }

    fn takes(&self, subcommand: Subcommand) -> Result<(), CtapError> {
        self.info.takes(subcommand)
    }

    fn configure(
        &mut self,
        (subcommand, name): Subcommand,
        parameters: Option<Value>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), CtapError> {
        self.takes((subcommand, name))?;
        let command = Command::new(0x0d, name);
        self.exchange(command, &encode(command, subcommand, parameters, token)).map(drop)
    }
}

impl GetInfo {
    /// Whether a key that says this can be made to want a long touch for a reset.
    pub fn takes_long_touch_for_reset(&self) -> Result<(), CtapError> {
        if self.long_touch_for_reset.is_none() || self.authenticator_config_commands.is_none() {
            return Err(CtapError::Unsupported("setting for a long touch at a reset (longTouchForReset)"));
        }
        self.takes(ENABLE_LONG_TOUCH_FOR_RESET)
    }

    fn takes(&self, (subcommand, name): Subcommand) -> Result<(), CtapError> {
        if self.option("authnrCfg") != Some(true) {
            return Err(CtapError::Unsupported("authenticatorConfig (authnrCfg)"));
        }
        let listed = |list: &Vec<u64>| list.contains(&subcommand.into());
        if !self.authenticator_config_commands.as_ref().is_none_or(listed) {
            return Err(CtapError::Unsupported(name));
        }
        Ok(())
    }
}

/// What a key answers says nothing; that it cannot be asked is an error.
fn undecided(error: CtapError) -> Result<Option<bool>, CtapError> {
    match error {
        CtapError::Status { .. } | CtapError::InvalidResponse { .. } | CtapError::Webauthn(_) => Ok(None),
        error => Err(error),
    }
}

fn min_pin_length_parameters(request: &MinPinLength) -> Option<Value> {
    let mut parameters: Vec<(i64, Value)> = Vec::new();
    parameters.extend(request.new_min_pin_length.map(|length| (0x01, (length as i64).into())));
    if !request.rp_ids.is_empty() {
        parameters.push((0x02, Value::Array(request.rp_ids.iter().map(|rp_id| rp_id.as_str().into()).collect())));
    }
    if request.force_change_pin {
        parameters.push((0x03, true.into()));
    }
    if request.pin_complexity_policy {
        parameters.push((0x04, true.into()));
    }
    (!parameters.is_empty()).then(|| Value::map(parameters))
}

/// pinUvAuthParam covers 32 bytes of 0xFF, the command, the subcommand and the canonical parameters.
fn encode(command: Command, subcommand: u8, parameters: Option<Value>, token: Option<&PinUvAuthToken>) -> Vec<u8> {
    let authorisation = token.map(|token| {
        let mut message = vec![0xff; 32];
        message.extend([0x0d, subcommand]);
        message.extend(parameters.iter().flat_map(cbor::encode));
        [(0x03, token.protocol.number().into()), (0x04, token.authenticate(&message))]
    });
    command.request(
        [(0x01, i64::from(subcommand).into())]
            .into_iter()
            .chain(parameters.map(|parameters| (0x02, parameters)))
            .chain(authorisation.into_iter().flatten()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{answer, auth_data, info, key, options};
    use super::*;

    fn encoded((subcommand, name): Subcommand, parameters: Option<Value>) -> Vec<u8> {
        encode(Command::new(0x0d, name), subcommand, parameters, Some(&known_token()))
    }

    /// HMAC-SHA-256 with the known token over 32 bytes of 0xFF, 0x0D, the subcommand and the parameters, computed apart.
    #[test]
    fn requests_are_the_specification_s() {
        assert_eq!(
            encoded(ENABLE_ENTERPRISE_ATTESTATION, None),
            hex("0da3010103020458204e724bc8af8776d0e92a3961c28bf9980b7b3962c610ba7abf07c74a0972b074")
        );
        assert_eq!(
            encoded(TOGGLE_ALWAYS_UV, None),
            hex("0da30102030204582040d0d64f5030fa46d8e27c1bb358d5eb7b0da88fd4955b83ed19335bb35d886c")
        );
        let all = MinPinLength {
            new_min_pin_length: Some(6),
            rp_ids: vec!["example.org".parse().unwrap()],
            force_change_pin: true,
            pin_complexity_policy: false,
        };
        assert_eq!(
            encoded(ENABLE_LONG_TOUCH_FOR_RESET, None),
            hex("0da3010403020458208d001230f48bbd40cd694dc6ee1aa91d2fe859c348e30ba52aecad29dd2ec301")
        );
        let rules = MinPinLength { pin_complexity_policy: true, ..MinPinLength::default() };
        assert_eq!(
            encoded(SET_MIN_PIN_LENGTH, min_pin_length_parameters(&rules)),
            hex("0da4010302a104f5030204582092b19ee06e1c501a9ed8be6c0004383bd57400d188b85bc01e0081ba4e0fd835")
        );
        assert_eq!(
            encoded(SET_MIN_PIN_LENGTH, min_pin_length_parameters(&all)),
            hex("0da4010302a3010602816b6578616d706c652e6f726703f50302045820\
                 0a3bcca8c4837064bc5fa0bac92553692458068ba5d1466b2d6f716e2ddddd43")
        );
        // Without a PIN there is no token, and without parameters no member 0x02.
        assert_eq!(
            encode(Command::new(0x0d, ""), 0x03, min_pin_length_parameters(&MinPinLength::default()), None),
            hex("0da10103")
        );
    }

    fn shows(always_uv: bool) -> Vec<u8> {
        info([options([("authnrCfg", true), ("alwaysUv", always_uv)])])
    }

    /// What the key shows, and what it answers to an assertion without a token; one that finds none is asked to make one, and does.
    fn set(wanted: bool, looks: &[(bool, Option<u8>)], toggles: usize) -> Result<(), CtapError> {
        let mut exchanges = Vec::new();
        let probe = get_assertion_without_token();
        for (at, (shown, answer)) in looks.iter().enumerate() {
            if at > 0 && at <= toggles {
                exchanges.push((hex("0da10102"), vec![0]));
            }
            exchanges.push((vec![0x04], shows(*shown)));
            exchanges.extend(answer.map(|answer| (probe.clone(), vec![answer])));
            if *answer == NOT_FOUND {
                exchanges.push((make_credential_without_token(), made()));
            }
        }
        let (mut authenticator, script) = key(shows(false), exchanges);
        let done = match authenticator.always_uv(None, &mut |_| {}).unwrap() {
            Some(now) if now == wanted => Ok(()),
            _ => authenticator.toggle_always_uv(None, wanted, None, &mut |_| {}),
        };
        script.assert_done();
        done
    }

    fn get_assertion_without_token() -> Vec<u8> {
        let id = RpId::PROBE;
        Command::new(0x02, "").request([(0x01, id.as_str().into()), (0x02, vec![0; 32].into())])
    }

    fn make_credential_without_token() -> Vec<u8> {
        let es256 = Value::map([("alg", (-7).into()), ("type", Value::from("public-key"))]);
        Command::new(0x01, "").request([
            (0x01, vec![0; 32].into()),
            (0x02, Value::map([("id", RpId::PROBE.as_str().into())])),
            (0x03, Value::map([("id", vec![0].into()), ("name", Value::from("nobody"))])),
            (0x04, Value::Array(vec![es256])),
        ])
    }

    fn made() -> Vec<u8> {
        let data = auth_data(RpId::PROBE.as_str(), Some(&[7; 16]));
        answer([(0x01, "none".into()), (0x02, data), (0x03, Value::Map(Vec::new()))])
    }

    const VERIFIED: Option<u8> = Some(0x36);
    const NOT_FOUND: Option<u8> = Some(0x2e);

    #[test]
    fn always_uv_is_toggled_only_when_it_is_not_as_wanted_and_seen_to_hold() {
        set(true, &[(false, None), (true, VERIFIED)], 1).unwrap();
        set(false, &[(true, VERIFIED), (false, None)], 1).unwrap();
        // Somebody else did it meanwhile.
        set(true, &[(true, VERIFIED)], 0).unwrap();
        set(false, &[(false, None)], 0).unwrap();
        for nothing_changed in
            [set(true, &[(false, None), (false, None)], 1), set(false, &[(true, VERIFIED), (true, VERIFIED)], 1)]
        {
            assert!(matches!(nothing_changed, Err(CtapError::InvalidResponse { .. })), "{nothing_changed:?}");
        }
    }

    #[test]
    fn always_uv_that_is_only_shown_is_not_believed() {
        // It was off, and is on now.
        set(true, &[(true, NOT_FOUND), (true, VERIFIED)], 1).unwrap();
        // It was off all the time.
        set(false, &[(true, NOT_FOUND)], 0).unwrap();
        let refused = set(true, &[(true, NOT_FOUND), (true, NOT_FOUND)], 1).unwrap_err();
        assert!(refused.to_string().contains("nobody had to be verified"), "{refused}");
        // An answer that does not tell leaves what getInfo shows.
        set(true, &[(true, Some(0x7f))], 0).unwrap();
    }

    #[test]
    fn a_key_that_looks_for_a_credential_before_it_refuses_is_not_called_a_liar() {
        // It has none for the probe, and lets nobody make one.
        let exchanges = [
            (vec![0x04], shows(true)),
            (get_assertion_without_token(), vec![0x2e]),
            (make_credential_without_token(), vec![0x36]),
        ];
        let (mut authenticator, script) = key(shows(false), exchanges);
        assert_eq!(authenticator.always_uv(None, &mut |_| {}), Ok(Some(true)));
        script.assert_done();
        // It is asked for one that it has.
        let (rp_id, id): (RpId, _) = ("example.org".parse().unwrap(), CredentialId::new([9; 4]).unwrap());
        let asked = Command::new(0x02, "").request([
            (0x01, "example.org".into()),
            (0x02, vec![0; 32].into()),
            (0x03, Value::Array(vec![super::super::command::descriptor(&id)])),
        ]);
        let signed = answer([(0x02, auth_data("example.org", None)), (0x03, vec![0x30, 0x00].into())]);
        for (answered, found) in
            [(vec![0x36], Some(true)), (signed, Some(false)), (vec![0x2e], None), (vec![0x2f], None)]
        {
            let (mut authenticator, script) = key(info([]), [(asked.clone(), answered)]);
            assert_eq!(authenticator.always_verifies(Some((&rp_id, &id)), &mut |_| {}), Ok(found));
            script.assert_done();
        }
    }

    #[test]
    fn what_get_info_does_not_offer_is_not_sent() {
        let (mut plain, _) = key(info([]), []);
        assert!(matches!(plain.enable_enterprise_attestation(None), Err(CtapError::Unsupported(_))));
        let only = |list: Vec<Value>| {
            info([options([("authnrCfg", true), ("setMinPINLength", true)]), (0x1f, Value::Array(list))])
        };
        let (mut listed, _) = key(only(vec![2.into(), 3.into()]), []);
        assert!(matches!(listed.enable_enterprise_attestation(None), Err(CtapError::Unsupported(_))));
        let (mut listed, script) = key(only(vec![3.into()]), [(hex("0da2010302a10106"), vec![0])]);
        let six = MinPinLength { new_min_pin_length: Some(6), ..MinPinLength::default() };
        listed.set_min_pin_length(None, &six).unwrap();
        script.assert_done();
        let sixty_four = MinPinLength { new_min_pin_length: Some(64), ..MinPinLength::default() };
        assert_eq!(
            listed.set_min_pin_length(None, &sixty_four),
            Err(CtapError::Limit { what: "newMinPINLength", asked: 64, maximum: 63 })
        );
        let rp = MinPinLength { rp_ids: vec!["example.org".parse().unwrap()], ..MinPinLength::default() };
        assert!(matches!(listed.set_min_pin_length(None, &rp), Err(CtapError::Limit { asked: 1, maximum: 0, .. })));
    }
}
