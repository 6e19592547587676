//! authenticatorBioEnrollment (0x09, and 0x40 on FIDO_2_1_PRE keys): CTAP 2.1 section 6.7. Fingerprints only: it is the one modality that
//! the specification has.
//!
//! It refuses to call an enrollment done while the key wants more samples. Which finger it was nobody can know.

use super::command::{Answer, Command};
use super::{Authenticator, CtapError, GetInfo, PinUvAuthToken, StatusCode, Touch};
use crate::webauthn::cbor::{self, Value};

const FINGERPRINT: i64 = 0x01;
/// How long the key waits for one touch of the sensor, in milliseconds.
const SAMPLE_TIMEOUT: i64 = 10_000;
/// More than any key stores; a key that claims more is not believed.
const MOST: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subcommand {
    EnrollBegin = 0x01,
    EnrollCaptureNextSample = 0x02,
    CancelCurrentEnrollment = 0x03,
    EnumerateEnrollments = 0x04,
    SetFriendlyName = 0x05,
    RemoveEnrollment = 0x06,
    GetFingerprintSensorInfo = 0x07,
}

impl Subcommand {
    /// The command that carries it: 0x09, or the preview's 0x40 on keys that have nothing else.
    fn on(self, info: &GetInfo) -> Result<Command, CtapError> {
        let name = match self {
            Self::EnrollBegin => "authenticatorBioEnrollment enrollBegin",
            Self::EnrollCaptureNextSample => "authenticatorBioEnrollment enrollCaptureNextSample",
            Self::CancelCurrentEnrollment => "authenticatorBioEnrollment cancelCurrentEnrollment",
            Self::EnumerateEnrollments => "authenticatorBioEnrollment enumerateEnrollments",
            Self::SetFriendlyName => "authenticatorBioEnrollment setFriendlyName",
            Self::RemoveEnrollment => "authenticatorBioEnrollment removeEnrollment",
            Self::GetFingerprintSensorInfo => "authenticatorBioEnrollment getFingerprintSensorInfo",
        };
        match (info.option("bioEnroll"), info.option("userVerificationMgmtPreview")) {
            (Some(_), _) => Ok(Command::new(0x09, name)),
            (None, Some(_)) => Ok(Command::new(0x40, name)),
            (None, None) => Err(CtapError::Unsupported("fingerprints (bioEnroll)")),
        }
    }
}

/// getFingerprintSensorInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FingerprintSensor {
    /// Samples that an enrollment takes at the most.
    pub max_samples: Option<u64>,
    /// The longest friendly name in bytes; 64 if the key does not tell.
    pub max_friendly_name: usize,
}

/// A fingerprint that a key has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The key's name for it.
    pub template_id: Vec<u8>,
    /// What people call it.
    pub friendly_name: Option<String>,
}

/// What one touch of the sensor came to (lastEnrollSampleStatus).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleStatus {
    /// 0x00
    Good,
    /// 0x01 to 0x04: too high, low, left or right.
    OffCentre,
    /// 0x05
    TooFast,
    /// 0x06
    TooSlow,
    /// 0x07
    PoorQuality,
    /// 0x08
    TooSkewed,
    /// 0x09
    TooShort,
    /// 0x0A
    MergeFailure,
    /// 0x0B
    Exists,
    /// 0x0D
    NoUserActivity,
    /// 0x0E
    FingerNotLifted,
    /// One that the specification does not name.
    Unknown(u64),
}

impl From<u64> for SampleStatus {
    fn from(code: u64) -> Self {
        match code {
            0x00 => Self::Good,
            0x01..=0x04 => Self::OffCentre,
            0x05 => Self::TooFast,
            0x06 => Self::TooSlow,
            0x07 => Self::PoorQuality,
            0x08 => Self::TooSkewed,
            0x09 => Self::TooShort,
            0x0a => Self::MergeFailure,
            0x0b => Self::Exists,
            0x0d => Self::NoUserActivity,
            0x0e => Self::FingerNotLifted,
            other => Self::Unknown(other),
        }
    }
}

impl std::fmt::Display for SampleStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::OffCentre => f.write_str("the finger was not in the middle"),
            Self::TooFast => f.write_str("too fast"),
            Self::TooSlow => f.write_str("too slow"),
            Self::PoorQuality => f.write_str("not clear enough"),
            Self::TooSkewed => f.write_str("the finger was at an angle"),
            Self::TooShort => f.write_str("too short"),
            Self::MergeFailure => f.write_str("it does not fit the samples before"),
            Self::Exists => f.write_str("the key has this fingerprint already"),
            Self::NoUserActivity => f.write_str("nobody touched the sensor"),
            Self::FingerNotLifted => f.write_str("lift the finger between two touches"),
            Self::Unknown(code) => write!(f, "sample status 0x{code:02X}"),
        }
    }
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What it came to.
    pub status: SampleStatus,
    /// How many more good ones the key wants; none means that the fingerprint is enrolled.
    pub remaining: u64,
}

/// Tokens need be.
impl Authenticator {
    /// bioEnrollment getFingerprintSensorInfo. Needs no token.
    pub fn fingerprint_sensor(&mut self) -> Result<FingerprintSensor, CtapError> {
        let answer = self.enrol(Subcommand::GetFingerprintSensorInfo, Vec::new(), None, &mut |_| {})?;
        let longest = answer.unsigned(0x08)?.and_then(|length| usize::try_from(length).ok());
        Ok(FingerprintSensor { max_samples: answer.unsigned(0x03)?, max_friendly_name: longest.unwrap_or(64) })
    }

    /// bioEnrollment enumerateEnrollments. Empty if there are none.
    pub fn fingerprints(&mut self, token: &PinUvAuthToken) -> Result<Vec<Fingerprint>, CtapError> {
        let answer = match self.enrol(Subcommand::EnumerateEnrollments, Vec::new(), Some(token), &mut |_| {}) {
            // CTAP 2.1, 6.7.6: with nothing enrolled, CTAP2_ERR_INVALID_OPTION.
            Err(error) if matches!(error.status(), Some(StatusCode::InvalidOption | StatusCode::NoCredentials)) => {
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let infos = answer.optional(0x07, Value::as_array)?.unwrap_or_default();
        if infos.len() > MOST {
            return Err(answer.malformed(format!("{} fingerprints are more than a key stores", infos.len())));
        }
        infos.iter().map(|info| fingerprint(&answer, info)).collect()
    }

    /// bioEnrollment enrollBegin: the first touch of the sensor. Gives the new fingerprint's id.
    pub fn begin_fingerprint(
        &mut self,
        token: &PinUvAuthToken,
        touch: Touch<'_>,
    ) -> Result<(Vec<u8>, Sample), CtapError> {
        let parameters = vec![(0x03, SAMPLE_TIMEOUT.into())];
        let answer = self.enrol(Subcommand::EnrollBegin, parameters, Some(token), touch)?;
        Ok((answer.required(0x04, Value::as_bytes)?.to_vec(), sample(&answer)?))
    }

    /// bioEnrollment enrollCaptureNextSample: one more touch of the sensor.
    pub fn next_fingerprint_sample(
        &mut self,
        token: &PinUvAuthToken,
        template_id: &[u8],
        touch: Touch<'_>,
    ) -> Result<Sample, CtapError> {
        let parameters = vec![(0x01, template_id.into()), (0x03, SAMPLE_TIMEOUT.into())];
        sample(&self.enrol(Subcommand::EnrollCaptureNextSample, parameters, Some(token), touch)?)
    }

    /// bioEnrollment cancelCurrentEnrollment: nothing is left of it. Needs no token.
    pub fn cancel_fingerprint(&mut self) -> Result<(), CtapError> {
        self.enrol(Subcommand::CancelCurrentEnrollment, Vec::new(), None, &mut |_| {}).map(drop)
    }

    /// bioEnrollment setFriendlyName.
    pub fn rename_fingerprint(
        &mut self,
        token: &PinUvAuthToken,
        template_id: &[u8],
        friendly_name: &str,
    ) -> Result<(), CtapError> {
        let parameters = vec![(0x01, template_id.into()), (0x02, friendly_name.into())];
        self.enrol(Subcommand::SetFriendlyName, parameters, Some(token), &mut |_| {}).map(drop)
    }

    /// bioEnrollment removeEnrollment.
    pub fn delete_fingerprint(&mut self, token: &PinUvAuthToken, template_id: &[u8]) -> Result<(), CtapError> {
        let parameters = vec![(0x01, template_id.into())];
        self.enrol(Subcommand::RemoveEnrollment, parameters, Some(token), &mut |_| {}).map(drop)
    }

    fn enrol(
        &mut self,
        subcommand: Subcommand,
        parameters: Vec<(i64, Value)>,
        token: Option<&PinUvAuthToken>,
        touch: Touch<'_>,
    ) -> Result<Answer, CtapError> {
        let command = subcommand.on(&self.info)?;
        command.answer(&self.exchange_with_touch(command, &encode(command, subcommand, parameters, token), touch)?)
    }
}

/// pinUvAuthParam covers the modality, the subcommand and the canonical parameters.
fn encode(
    command: Command,
    subcommand: Subcommand,
    parameters: Vec<(i64, Value)>,
    token: Option<&PinUvAuthToken>,
) -> Vec<u8> {
    let parameters = (!parameters.is_empty()).then(|| Value::map(parameters));
    let authorisation = token.map(|token| {
        let mut message = vec![FINGERPRINT as u8, subcommand as u8];
        message.extend(parameters.iter().flat_map(cbor::encode));
        [(0x04, token.protocol.number().into()), (0x05, token.authenticate(&message))]
    });
    command.request(
        [(0x01, FINGERPRINT.into()), (0x02, (subcommand as i64).into())]
            .into_iter()
            .chain(parameters.map(|parameters| (0x03, parameters)))
            .chain(authorisation.into_iter().flatten()),
    )
}

fn sample(answer: &Answer) -> Result<Sample, CtapError> {
    let missing = |key: i64| answer.malformed(format!("member 0x{key:02X} is missing"));
    Ok(Sample {
        status: SampleStatus::from(answer.unsigned(0x05)?.ok_or_else(|| missing(0x05))?),
        remaining: answer.unsigned(0x06)?.ok_or_else(|| missing(0x06))?,
    })
}

fn fingerprint(answer: &Answer, info: &Value) -> Result<Fingerprint, CtapError> {
    let template_id = info.get(0x01).and_then(Value::as_bytes);
    let template_id = template_id.ok_or_else(|| answer.malformed("a fingerprint has no id"))?.to_vec();
    Ok(Fingerprint { template_id, friendly_name: info.get(0x02).and_then(Value::as_text).map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::super::Keepalive;
    use super::super::client_pin::tests::known_token;
    use super::super::pin_uv_auth_protocol::tests::hex;
    use super::super::scripted::{answer, info, key, options, touched};
    use super::*;

    fn with_sensor() -> Vec<u8> {
        info([options([("bioEnroll", false), ("uv", false)])])
    }

    // HMAC-SHA-256 with the known token over 01, the subcommand and the parameters, computed apart.
    const BEGIN: &str =
        "09a50101020103a103192710040205582074ca765ab9886e0165327e6cfade491928cdfe584669a56109e08f1ea216ee57";
    const NEXT: &str =
        "09a50101020203a20142aabb031927100402055820735e21d1b3971d6d019d4df449157b9bc3efa3935ba444b26550d0c871be782d";
    const LIST: &str = "a4010102040402055820f4ecd378f55b277c3818be7560b8fb34303794aa87293dbb420af24086e95155";
    const NAME: &str = "09a50101020503a20142aabb02646c656674040205\
                        58204e3122842c5dc883fcc1d96b7cf1b85b9c9e0edef82ad2d3f3af9f87581f3fca";
    const DELETE: &str =
        "09a50101020603a10142aabb04020558208b978aed6e2a62385daa4088c7ecc6a01012acd0437eae5a3b5bd9904c8b2a27";

    const ID: [u8; 2] = [0xaa, 0xbb];

    #[test]
    fn a_finger_is_enrolled_sample_by_sample() {
        let begun = answer([(0x04, ID[..].into()), (0x05, 0.into()), (0x06, 2.into())]);
        let bad = answer([(0x05, 7.into()), (0x06, 2.into())]);
        let good = |remaining: i64| answer([(0x05, 0.into()), (0x06, remaining.into())]);
        let (mut authenticator, script) = key(
            with_sensor(),
            [
                (hex(BEGIN), touched(begun)),
                (hex(NEXT), touched(bad)),
                (hex(NEXT), touched(good(1))),
                (hex(NEXT), touched(good(0))),
                (hex(NAME), vec![0]),
                (hex("09a201010203"), vec![0]),
            ],
        );
        let mut heard = 0;
        let mut touch = |keepalive| heard += usize::from(keepalive == Keepalive::UpNeeded);
        let (id, first) = authenticator.begin_fingerprint(&known_token(), &mut touch).unwrap();
        assert_eq!((&id[..], first), (&ID[..], Sample { status: SampleStatus::Good, remaining: 2 }));
        let next: Vec<_> =
            (0..3).map(|_| authenticator.next_fingerprint_sample(&known_token(), &id, &mut touch).unwrap()).collect();
        assert_eq!(next[0], Sample { status: SampleStatus::PoorQuality, remaining: 2 });
        assert_eq!(next[2], Sample { status: SampleStatus::Good, remaining: 0 });
        authenticator.rename_fingerprint(&known_token(), &id, "left").unwrap();
        authenticator.cancel_fingerprint().unwrap();
        script.assert_done();
        assert_eq!(heard, 4);
    }

    #[test]
    fn fingerprints_are_listed_with_or_without_a_name_and_deleted() {
        let named = Value::map([(0x01, Value::from(&ID[..])), (0x02, "left".into())]);
        let nameless = Value::map([(0x01, Value::from(vec![1]))]);
        let listed = answer([(0x07, Value::Array(vec![named, nameless]))]);
        for (told, byte) in [(with_sensor(), "09"), (info([options([("userVerificationMgmtPreview", true)])]), "40")] {
            let (mut authenticator, script) = key(told, [(hex(&format!("{byte}{LIST}")), listed.clone())]);
            let found = authenticator.fingerprints(&known_token()).unwrap();
            script.assert_done();
            assert_eq!(found[0], Fingerprint { template_id: ID.to_vec(), friendly_name: Some("left".into()) });
            assert_eq!(found[1], Fingerprint { template_id: vec![1], friendly_name: None });
        }
        let (mut authenticator, script) = key(with_sensor(), [(hex(DELETE), vec![0])]);
        authenticator.delete_fingerprint(&known_token(), &ID).unwrap();
        script.assert_done();
    }

    #[test]
    fn none_is_an_empty_list() {
        for none in [vec![0x2c], vec![0x2e], vec![0], answer([(0x07, Value::Array(Vec::new()))])] {
            let (mut authenticator, _) = key(with_sensor(), [(hex(&format!("09{LIST}")), none)]);
            assert_eq!(authenticator.fingerprints(&known_token()), Ok(Vec::new()));
        }
    }

    #[test]
    fn the_sensor_says_what_it_takes() {
        let told = answer([(0x02, 1.into()), (0x03, 5.into()), (0x08, 15.into())]);
        let (mut authenticator, script) = key(with_sensor(), [(hex("09a201010207"), told)]);
        let sensor = authenticator.fingerprint_sensor().unwrap();
        assert_eq!(sensor, FingerprintSensor { max_samples: Some(5), max_friendly_name: 15 });
        script.assert_done();
    }

    #[test]
    fn a_key_without_a_sensor_is_not_asked_and_half_an_answer_is_none() {
        let (mut plain, _) = key(info([]), []);
        assert_eq!(plain.fingerprint_sensor(), Err(CtapError::Unsupported("fingerprints (bioEnroll)")));
        for half in
            [answer([(0x05, 0.into())]), answer([(0x06, 0.into())]), answer([(0x05, (-1).into()), (0x06, 0.into())])]
        {
            let (mut authenticator, _) = key(with_sensor(), [(hex(NEXT), half)]);
            let refused = authenticator.next_fingerprint_sample(&known_token(), &ID, &mut |_| {});
            assert!(matches!(refused, Err(CtapError::InvalidResponse { .. })), "{refused:?}");
        }
    }

    #[test]
    fn every_status_has_words() {
        for code in 0..=0x20 {
            assert!(!SampleStatus::from(code).to_string().is_empty());
        }
        assert_eq!(SampleStatus::from(0x0c).to_string(), "sample status 0x0C");
    }
}
