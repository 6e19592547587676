//! What goes to a time-stamping server and comes from it, as RFC 3161 and RFC 5816 write it down in ASN.1. The envelope
//! (RFC 5652) is the crate `cms`'s.

use cms::cert::x509::ext::Extensions;
use cms::cert::x509::ext::pkix::name::GeneralName;
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::ContentInfo;
use der::asn1::{BitString, Int, Null, ObjectIdentifier, OctetString};
use der::{Any, Sequence};

/// SHA-256.
pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// TimeStampReq (RFC 3161 section 2.4.1).
#[derive(Sequence)]
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) message_imprint: MessageImprint,
    #[asn1(optional = "true")]
    pub(super) policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    pub(super) nonce: Option<Int>,
    /// Whether its certificates are to come with the answer.
    #[asn1(default = "Default::default")]
    pub(super) cert_req: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

/// MessageImprint (RFC 3161 section 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct MessageImprint {
    pub(super) hash_algorithm: AlgorithmIdentifierOwned,
    pub(super) hashed_message: OctetString,
}

/// TimeStampResp (RFC 3161 section 2.4.2).
#[derive(Sequence)]
pub(super) struct Response {
    pub(super) status: StatusInfo,
    #[asn1(optional = "true")]
    pub(super) token: Option<ContentInfo>,
}

/// PKIStatusInfo (RFC 3161 section 2.4.2).
#[derive(Sequence)]
pub(super) struct StatusInfo {
    /// 0 and 1 grant it.
    pub(super) status: u8,
    #[asn1(optional = "true")]
    pub(super) words: Option<Vec<String>>,
    #[asn1(optional = "true")]
    pub(super) fail_info: Option<BitString>,
}

/// TSTInfo (RFC 3161 section 2.4.2): what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct TstInfo {
    pub(super) version: u8,
    pub(super) policy: ObjectIdentifier,
    pub(super) message_imprint: MessageImprint,
    pub(super) serial_number: Int,
    /// GeneralizedTime. The crate `der` knows none with fractions of a second, which servers send.
    pub(super) gen_time: Any,
    #[asn1(optional = "true")]
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub(super) ordering: bool,
    #[asn1(optional = "true")]
    pub(super) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) tsa: Option<GeneralName>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

/// Accuracy (RFC 3161 section 2.4.2).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Accuracy {
    #[asn1(optional = "true")]
    pub(super) seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) micros: Option<u16>,
}

/// SigningCertificate (RFC 2634 section 5.4), which names certificates by their SHA-1.
#[derive(Sequence)]
pub(super) struct SigningCertificate {
    pub(super) certs: Vec<CertId>,
    #[asn1(optional = "true")]
    pub(super) policies: Option<Any>,
}

/// ESSCertID (RFC 2634 section 5.4.1).
#[derive(Sequence)]
pub(super) struct CertId {
    pub(super) hash: OctetString,
    #[asn1(optional = "true")]
    pub(super) issuer_serial: Option<Any>,
}

/// SigningCertificateV2 (RFC 5035 section 3), which names the hash, too.
#[derive(Sequence)]
pub(super) struct SigningCertificateV2 {
    pub(super) certs: Vec<CertIdV2>,
    #[asn1(optional = "true")]
    pub(super) policies: Option<Any>,
}

/// ESSCertIDv2 (RFC 5035 section 4).
#[derive(Sequence)]
pub(super) struct CertIdV2 {
    /// SHA-256 where it is not said.
    #[asn1(optional = "true")]
    pub(super) hash_algorithm: Option<AlgorithmIdentifierOwned>,
    pub(super) hash: OctetString,
    #[asn1(optional = "true")]
    pub(super) issuer_serial: Option<Any>,
}

impl MessageImprint {
    /// The SHA-256 of something.
    pub(super) fn sha_256(hash: [u8; 32]) -> der::Result<Self> {
        // With NULL, as older servers want it.
        let hash_algorithm = AlgorithmIdentifierOwned { oid: SHA_256, parameters: Some(Any::from(Null)) };
        Ok(Self { hash_algorithm, hashed_message: OctetString::new(hash)? })
    }
}
