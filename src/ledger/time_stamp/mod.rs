//! Time stamps over checkpoints (RFC 3161): a server that others trust says that a checkpoint existed at a time.
//!
//! What is stamped is the text of the checkpoint's note, so `openssl ts -verify` does what is done here, with the same two files.
//! It refuses a stamp of any other text, one by a certificate that is not for time stamps alone, or was not valid at the time
//! that it says, and one that leads to no root that somebody named. It never asks whether a certificate was revoked.

mod message;
mod signature;

use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Int, ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _, Tag, Tagged as _};
use keywright_attest::{TrustError, read_certificates};
use rustls::pki_types::TrustAnchor;
use sha2::{Digest as _, Sha256};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use message::{MessageImprint, Request, Response, TstInfo};

/// id-signedData (RFC 5652 section 5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// id-ct-TSTInfo (RFC 3161 section 2.4.2).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// What a server is asked.
pub struct Query {
    imprint: MessageImprint,
    nonce: Int,
}

/// A server's answer, as it came. Nothing of it has been checked but that it can be read, and that it is no refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStamp {
    response: Vec<u8>,
    signed: SignedData,
    /// What is signed, as it is hashed.
    content: Vec<u8>,
    info: TstInfo,
    time: OffsetDateTime,
}

/// What a time stamp says that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// When the text existed, to the second.
    pub at: OffsetDateTime,
    /// The server's name in its certificate.
    pub by: String,
}

/// Root certificates of time-stamping servers.
#[derive(Debug, Clone)]
pub struct Roots(Vec<TrustAnchor<'static>>);

/// Why there is no time stamp, or none that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeStampError {
    /// The server said no.
    #[error("the time-stamping server refused: {0}")]
    Refused(String),
    /// What came is none.
    #[error("this is no time stamp (RFC 3161): {0}")]
    Malformed(&'static str),
    /// It is over something else.
    #[error("it is a time stamp of something else than this checkpoint")]
    AnotherText,
    /// It answers another question.
    #[error("the answer has another nonce than the question: it is an old one")]
    AnotherNonce,
    /// An algorithm that is not taken.
    #[error("its algorithm {0} is not one that is taken here")]
    Algorithm(String),
    /// It was changed.
    #[error("its signature does not verify")]
    Signature,
    /// By a certificate that is for something else.
    #[error("its certificate is not one for time stamps alone (RFC 3161, section 2.3)")]
    NotForTimeStamps,
    /// By a certificate that was too old or too new.
    #[error("its certificate was not valid at the time that it says")]
    NotValid,
    /// By somebody else.
    #[error("its certificate leads to none of the roots that are named")]
    Untrusted,
}

impl Stamped {
    /// When, in RFC 3339.
    pub fn time(&self) -> String {
        self.at.format(&Rfc3339).unwrap_or_else(|_| self.at.to_string())
    }
}

impl Roots {
    /// Those in a file of certificates, PEM or DER.
    pub fn read(bytes: &[u8]) -> Result<Self, TrustError> {
        let anchor = |der| {
            let anchor = webpki::anchor_from_trusted_cert(der);
            anchor.map(|anchor| anchor.to_owned()).map_err(|error| TrustError::NotACertificate(error.to_string()))
        };
        read_certificates(bytes)?.iter().map(anchor).collect::<Result<_, _>>().map(Self)
    }
}

impl Query {
    /// A question for this text. The nonce is eight bytes from the system's random source, by which an old answer is found out.
    pub fn new(text: &str, nonce: [u8; 8]) -> Self {
        // Positive, and with no zeros before it: an INTEGER of these eight bytes is itself.
        let mut nonce = nonce;
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        Self {
            imprint: MessageImprint::sha_256(Sha256::digest(text).into()).expect("a hash fits into an OCTET STRING"),
            nonce: Int::new(&nonce).expect("eight bytes fit into an INTEGER"),
        }
    }

    /// The request, DER: the body of a POST of `application/timestamp-query`.
    pub fn to_der(&self) -> Vec<u8> {
        let request = Request {
            version: 1,
            message_imprint: self.imprint.clone(),
            policy: None,
            nonce: Some(self.nonce.clone()),
            cert_req: true,
            extensions: None,
        };
        request.to_der().expect("its lengths are those of a hash and a nonce")
    }

    /// The time stamp in an answer to this question (`application/timestamp-reply`).
    pub fn answered(&self, response: Vec<u8>) -> Result<TimeStamp, TimeStampError> {
        let stamp = TimeStamp::read(response)?;
        match stamp.info.nonce == Some(self.nonce.clone()) {
            true => Ok(stamp),
            false => Err(TimeStampError::AnotherNonce),
        }
    }
}

impl TimeStamp {
    /// Reads an answer (TimeStampResp in DER).
    pub fn read(response: Vec<u8>) -> Result<Self, TimeStampError> {
        let wrong = TimeStampError::Malformed;
        let Response { status, token } =
            Response::from_der(&response).map_err(|_| wrong("the answer cannot be read"))?;
        if status.status > 1 {
            let words = status.words.filter(|words| !words.is_empty()).map(|words| words.join("; "));
            return Err(TimeStampError::Refused(words.unwrap_or_else(|| format!("status {}", status.status))));
        }
        let ContentInfo { content_type, content } = token.ok_or(wrong("there is none in the answer"))?;
        if content_type != SIGNED_DATA {
            return Err(wrong("it is not signed"));
        }
        let signed: SignedData = content.decode_as().map_err(|_| wrong("its envelope cannot be read"))?;
        if signed.encap_content_info.econtent_type != TST_INFO {
            return Err(wrong("something else is signed"));
        }
        let content = signed.encap_content_info.econtent.as_ref().ok_or(wrong("nothing is signed"))?;
        let content: OctetString = content.decode_as().map_err(|_| wrong("what is signed cannot be read"))?;
        let content = content.into_bytes();
        let info = TstInfo::from_der(&content).map_err(|_| wrong("what is signed cannot be read"))?;
        let time = generalized_time(&info).ok_or(wrong("its time cannot be read"))?;
        Ok(Self { response, signed, content, info, time })
    }

    /// The answer, as it came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.response
    }

    /// Whether it is a time stamp of this text, and signed by the certificate that it names, whoever that belongs to.
    pub fn fits(&self, text: &str) -> Result<(), TimeStampError> {
        let imprint = &self.info.message_imprint;
        if signature::digest(&imprint.hash_algorithm.oid, text.as_bytes())? != imprint.hashed_message.as_bytes() {
            return Err(TimeStampError::AnotherText);
        }
        signature::check(&self.signed, &self.content).map(drop)
    }

    /// The same, and that one of these roots vouches for the certificate.
    pub fn verify(&self, text: &str, roots: &Roots) -> Result<Stamped, TimeStampError> {
        self.fits(text)?;
        let signer = signature::check(&self.signed, &self.content)?;
        let by = signer.trusted_by(&roots.0, self.time)?;
        Ok(Stamped { at: self.time, by })
    }
}

/// genTime, to the second: `YYYYMMDDhhmmss[.f...]Z` (RFC 3161 section 2.4.2).
fn generalized_time(info: &TstInfo) -> Option<OffsetDateTime> {
    const WHOLE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]");
    if info.gen_time.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(info.gen_time.value()).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    Some(PrimitiveDateTime::parse(whole, WHOLE).ok()?.assume_utc())
}
