//! What an attestation certificate says, read once: the key, what its extensions tell of the model, and the rules that it
//! breaks. A pure function of the bytes, because thousands of keys share one certificate.
//!
//! It verifies no signature and judges no chain.

use aws_lc_rs::digest;
use x509_parser::asn1_rs::{Any, BitString, Class, Integer, OctetString, Oid, oid};
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519, OID_X509_EXT_BASIC_CONSTRAINTS,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

use super::subject::{self, Subject};
use super::{Firmware, FirmwareSource, TrustError, certificate_file};
use keywright_fido::webauthn::Aaguid;
use keywright_fido::webauthn::cose::CoseKeyParameters;

/// id-fido-gen-ce-aaguid (WebAuthn 8.2.1).
const AAGUID: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.4);
/// id-fido-gen-ce-sernum (WebAuthn 8.2.2).
const SERIAL_NUMBER: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.2);
/// id-fido-gen-ce-fw-version (WebAuthn 8.2.1).
const FIRMWARE_VERSION: Oid<'static> = oid!(1.3.6.1.4.1.45724.1.1.5);
/// fidoU2FTransports (FIDO U2F Authenticator Transports Extension).
const U2F_TRANSPORTS: Oid<'static> = oid!(1.3.6.1.4.1.45724.2.1.1);
/// Yubico's device id: an OID in ASCII, 1.3.6.1.4.1.41482.1.N.
const YUBICO_DEVICE: Oid<'static> = oid!(1.3.6.1.4.1.41482.2);
/// Yubico's firmware version: three bytes.
const YUBICO_FIRMWARE: Oid<'static> = oid!(1.3.6.1.4.1.41482.13.1);

/// The bits of fidoU2FTransports from the highest on.
const TRANSPORTS: [&str; 6] = ["bluetooth-classic", "ble", "usb", "nfc", "internal", "lightning"];

/// An attestation certificate's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationCertificate {
    /// The public key; `Other` if it is of a kind that no signature can be verified with here.
    pub key: CoseKeyParameters,
    /// The subject, as a distinguished name.
    pub subject: String,
    /// The subject's O, the vendor.
    pub organization: Option<String>,
    /// SHA-1 of the public key's bits, by which metadata names U2F models (RFC 5280 section 4.2.1.2, method 1).
    pub key_identifier: [u8; 20],
    /// The model that the certificate vouches for.
    pub aaguid: Option<Aaguid>,
    /// The firmware that it was issued for, and the extension that says so.
    pub firmware: Option<(Firmware, FirmwareSource)>,
    /// The kind of Yubico's devices that it is for: the last number of its device id.
    pub yubico_device: Option<u32>,
    /// The single key's serial number, in hexadecimal.
    pub serial: Option<String>,
    /// U2F transports.
    pub transports: Vec<String>,
    /// Whether the subject's OU is "Enterprise Attestation", as Yubico writes it into enterprise attestations.
    pub enterprise_unit: bool,
    /// Breaches of X.509 itself, whatever the format.
    pub x509_faults: Vec<String>,
    /// Breaches of the rules for packed attestation certificates (WebAuthn 8.2.1, 8.2.2).
    pub packed_faults: Vec<String>,
    /// Peculiarities that are let pass.
    pub remarks: Vec<String>,
}

impl AttestationCertificate {
    /// Reads a certificate in DER. Errors: it is none, or bytes follow it.
    pub fn read(der: &[u8]) -> Result<Self, TrustError> {
        let certificate = certificate_file::parse(der)?;
        let mut read = Self {
            key: key(certificate.public_key()),
            subject: subject::shown(certificate.subject()),
            organization: None,
            key_identifier: key_identifier(certificate.public_key()),
            aaguid: None,
            firmware: None,
            yubico_device: None,
            serial: None,
            transports: Vec::new(),
            enterprise_unit: false,
            x509_faults: Vec::new(),
            packed_faults: Vec::new(),
            remarks: Vec::new(),
        };
        if certificate.version() != X509Version::V3 {
            read.break_packed("8.2.1", "is not of X.509 version 3");
        }
        read.read_serial_number(certificate.raw_serial());
        read.read_subject(Subject::read(certificate.subject()));
        if certificate.extensions_map().is_err() {
            read.x509_faults.push("RFC 5280 4.2: the attestation certificate has an extension twice.".into());
        }
        for extension in certificate.extensions() {
            read.read_extension(extension);
        }
        if !certificate.extensions().iter().any(|extension| extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS) {
            read.break_packed("8.2.1", "has no basic constraints");
        }
        Ok(read)
    }

    /// Whether it is for enterprise attestation: it names the single key, or its subject says so.
    pub fn is_enterprise(&self) -> bool {
        self.serial.is_some() || self.enterprise_unit
    }

    /// The subject's rules (WebAuthn 8.2.1).
    fn read_subject(&mut self, subject: Subject) {
        self.organization = subject.organization;
        self.enterprise_unit = subject.enterprise_unit;
        subject.faults.iter().for_each(|fault| self.break_packed("8.2.1", fault));
        if self.enterprise_unit {
            self.remarks.push(
                "WebAuthn 8.2.1: the subject OU is \"Enterprise Attestation\" instead of \"Authenticator Attestation\", as \
                 Yubico's enterprise attestations have it."
                    .into(),
            );
        }
    }

    /// RFC 5280 4.1.2.2 has serial numbers positive and of 20 octets at the most, and users of certificates prepared for others.
    fn read_serial_number(&mut self, serial: &[u8]) {
        let peculiar = match serial {
            [] | [0] => "zero",
            [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => "longer than it needs to be",
            [0x80..=0xff, ..] => "negative",
            serial if serial.len() > 20 => "longer than 20 octets",
            _ => return,
        };
        self.remarks.push(format!(
            "RFC 5280 4.1.2.2: the attestation certificate's serial number is {peculiar}; that is let pass."
        ));
    }

    fn read_extension(&mut self, extension: &X509Extension<'_>) {
        let octets =
            || OctetString::from_der(extension.value).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, it)| it);
        match &extension.oid {
            oid if *oid == AAGUID => {
                self.never_critical("8.2.1", "AAGUID", extension);
                match octets().and_then(|octets| octets.as_ref().try_into().ok()) {
                    Some(aaguid) => self.aaguid = Some(Aaguid(aaguid)),
                    None => {
                        self.break_packed("8.2.1", "has an AAGUID extension that is not 16 bytes in an OCTET STRING")
                    }
                }
            }
            oid if *oid == SERIAL_NUMBER => {
                self.never_critical("8.2.2", "serial number", extension);
                match octets().filter(|octets| !octets.as_ref().is_empty()) {
                    Some(octets) => self.serial = Some(data_encoding::HEXLOWER.encode(octets.as_ref())),
                    None => self.break_packed("8.2.2", "has a serial number extension that is not an OCTET STRING"),
                }
            }
            oid if *oid == FIRMWARE_VERSION => {
                self.never_critical("8.2.1", "firmware version", extension);
                match Integer::from_der(extension.value).map(|(rest, number)| (rest, number.as_u64())) {
                    // Yubico's own extension tells more, wherever it stands.
                    Ok(([], Ok(number))) => {
                        let told = (Firmware::Number(number), FirmwareSource::FidoExtension);
                        self.firmware = self.firmware.or(Some(told));
                    }
                    _ => self.break_packed("8.2.1", "has a firmware version extension that is not an INTEGER"),
                }
            }
            oid if *oid == YUBICO_FIRMWARE => {
                if let Some(version) = octets().and_then(|octets| octets.as_ref().try_into().ok()) {
                    self.firmware = Some((Firmware::Dotted(version), FirmwareSource::YubicoExtension));
                }
            }
            oid if *oid == YUBICO_DEVICE => {
                let number = std::str::from_utf8(extension.value).ok().and_then(|text| text.rsplit_once('.'));
                self.yubico_device = number.and_then(|(_, last)| last.parse().ok());
            }
            oid if *oid == U2F_TRANSPORTS => {
                if let Ok((_, bits)) = BitString::from_der(extension.value) {
                    let bits = bits.data.first().copied().unwrap_or(0);
                    let named = TRANSPORTS.iter().enumerate().filter(|(bit, _)| bits & (0x80 >> bit) != 0);
                    self.transports = named.map(|(_, name)| (*name).to_owned()).collect();
                }
            }
            oid => match extension.parsed_extension() {
                ParsedExtension::UnsupportedExtension { .. } if !extension.critical => {}
                ParsedExtension::UnsupportedExtension { .. } => self.x509_faults.push(format!(
                    "RFC 5280 4.2: the attestation certificate has a critical extension {oid} that is not known."
                )),
                // What is read of an extension that is known has to be all of it.
                parsed if matches!(parsed, ParsedExtension::ParseError { .. }) || !is_one_item(extension.value) => {
                    self.x509_faults.push(format!(
                        "RFC 5280 4.2: the extension {oid} of the attestation certificate is malformed."
                    ));
                }
                ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
                    self.break_packed("8.2.1", "is a CA's (basic constraints, CA is true)");
                }
                // SEQUENCE { BOOLEAN FALSE }: the default, which DER leaves out.
                ParsedExtension::BasicConstraints(_) if extension.value == [0x30, 0x03, 0x01, 0x01, 0x00] => {
                    self.remarks.push(
                        "X.690 11.5: the basic constraints spell out CA FALSE, the default; that is let pass.".into(),
                    )
                }
                _ => {}
            },
        }
    }

    fn never_critical(&mut self, clause: &str, name: &str, extension: &X509Extension<'_>) {
        if extension.critical {
            self.break_packed(clause, &format!("has a critical {name} extension"));
        }
    }

    fn break_packed(&mut self, clause: &str, what: &str) {
        self.packed_faults.push(format!("WebAuthn {clause}: the attestation certificate {what}."));
    }
}

/// Whether these bytes are one item of DER, of a type that ASN.1 itself has, with nothing after it. Known extensions are of no
/// other, and their parsers look at a tag's number alone.
fn is_one_item(bytes: &[u8]) -> bool {
    Any::from_der(bytes).is_ok_and(|(rest, item)| rest.is_empty() && item.class() == Class::Universal)
}

fn key_identifier(info: &SubjectPublicKeyInfo<'_>) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &info.subject_public_key.data);
    digest.as_ref().try_into().expect("SHA-1 has 20 bytes")
}

/// The key in the form that signatures are verified with.
fn key(info: &SubjectPublicKeyInfo<'_>) -> CoseKeyParameters {
    let bits = info.subject_public_key.as_ref();
    let curve = || info.algorithm.parameters.as_ref().map(Any::as_oid)?.ok();
    let algorithm = &info.algorithm.algorithm;
    let read = if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        match curve() {
            Some(curve) if curve == OID_EC_P256 => point(bits).map(|(x, y)| CoseKeyParameters::P256 { x, y }),
            Some(curve) if curve == OID_NIST_EC_P384 => point(bits).map(|(x, y)| CoseKeyParameters::P384 { x, y }),
            Some(curve) if curve == OID_NIST_EC_P521 => point(bits).map(|(x, y)| CoseKeyParameters::P521 { x, y }),
            _ => None,
        }
    } else if *algorithm == OID_SIG_ED25519 {
        bits.try_into().ok().map(|x| CoseKeyParameters::Ed25519 { x })
    } else if *algorithm == OID_PKCS1_RSAENCRYPTION {
        match info.parsed() {
            Ok(PublicKey::RSA(rsa)) => {
                Some(CoseKeyParameters::Rsa { n: unsigned(rsa.modulus), e: unsigned(rsa.exponent) })
            }
            _ => None,
        }
    } else {
        None
    };
    read.unwrap_or(CoseKeyParameters::Other)
}

/// SEC 1's uncompressed form, taken apart.
fn point<const N: usize>(bits: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (x, y) = bits.strip_prefix(&[4])?.split_at_checked(N)?;
    Some((x.try_into().ok()?, y.try_into().ok()?))
}

/// An ASN.1 INTEGER without the zero that keeps it positive.
fn unsigned(integer: &[u8]) -> Vec<u8> {
    integer.strip_prefix(&[0]).unwrap_or(integer).to_vec()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa};

    use super::*;
    use crate::testing::{CLIENT_DATA_HASH, MODEL, Maker, fido_extension, leaf_params, model_extension, now};
    use crate::{Anchors, Judge, Statement, Verdict};

    /// The verdict on an attestation whose certificate was changed in one respect.
    fn changed(change: impl FnOnce(&mut CertificateParams)) -> Verdict {
        let mut params = leaf_params();
        change(&mut params);
        let maker = Maker::new();
        Judge::new(maker.anchors()).judge(&maker.packed(&maker.leaf(&params), -7), Some(&CLIENT_DATA_HASH), None, now())
    }

    fn refused(words: &str, change: impl FnOnce(&mut CertificateParams)) {
        let verdict = changed(change);
        assert_eq!(verdict.statement, Statement::Invalid, "{words}");
        assert!(verdict.reasons.iter().any(|reason| reason.contains(words)), "{words}: {:?}", verdict.reasons);
    }

    fn critical(mut extension: CustomExtension) -> CustomExtension {
        extension.set_criticality(true);
        extension
    }

    #[test]
    fn nothing_is_wrong_with_the_pattern() {
        let verdict = changed(|_| {});
        assert_eq!((verdict.statement, verdict.aaguid, verdict.reasons), (Statement::Valid, MODEL, Vec::new()));
        assert_eq!(changed(|params| params.custom_extensions.clear()).statement, Statement::Valid);
    }

    #[test]
    fn one_change_to_the_subject() {
        for (attribute, words) in [
            (DnType::CountryName, "subject C"),
            (DnType::OrganizationName, "subject O"),
            (DnType::OrganizationalUnitName, "subject OU"),
            (DnType::CommonName, "subject CN"),
        ] {
            refused(&format!("has no {words}."), |params| assert!(params.distinguished_name.remove(attribute.clone())));
            refused(&format!("has an empty {words}."), |params| params.distinguished_name.push(attribute, ""));
        }
        refused("has the subject C \"SWE\"", |params| params.distinguished_name.push(DnType::CountryName, "SWE"));
        refused("has the subject OU \"authenticator attestation\" instead of", |params| {
            params.distinguished_name.push(DnType::OrganizationalUnitName, "authenticator attestation");
        });
        let vectors = changed(|params| params.distinguished_name.push(DnType::CountryName, "AA"));
        assert_eq!(vectors.statement, Statement::Valid);
    }

    #[test]
    fn one_change_to_the_extensions() {
        refused("has no basic constraints", |params| params.is_ca = IsCa::NoCa);
        refused("CA is true", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        refused("is for the model", |params| params.custom_extensions = vec![model_extension(Aaguid([1; 16]))]);
        refused("AAGUID extension that is not", |params| {
            params.custom_extensions = vec![fido_extension(4, MODEL.0.to_vec())];
        });
        refused("AAGUID extension that is not", |params| {
            params.custom_extensions = vec![fido_extension(4, [&[4, 15], &MODEL.0[1..]].concat())];
        });
        refused("AAGUID extension that is not", |params| {
            params.custom_extensions = vec![fido_extension(4, [&[4, 16], &MODEL.0[..], &[0]].concat())];
        });
        refused("critical AAGUID", |params| params.custom_extensions = vec![critical(model_extension(MODEL))]);
        refused("critical serial number", |params| {
            params.custom_extensions.push(critical(fido_extension(2, vec![4, 1, 7])));
        });
        refused("not an OCTET STRING", |params| params.custom_extensions.push(fido_extension(2, vec![2, 1, 7])));
        refused("critical firmware version", |params| {
            params.custom_extensions.push(critical(fido_extension(5, vec![2, 1, 7])));
        });
        refused("not an INTEGER", |params| params.custom_extensions.push(fido_extension(5, vec![4, 1, 7])));
        refused("not an INTEGER", |params| params.custom_extensions.push(fido_extension(5, vec![2, 1, 7, 0])));
        // With something after it, of a class that is nobody's, and of another type.
        for content in [&[0x30, 0, 0][..], &[0x70, 0], &[0x31, 0]] {
            refused("2.5.29.19 of the attestation certificate is malformed", |params| {
                params.is_ca = IsCa::NoCa;
                let other = CustomExtension::from_oid_content(&[2, 5, 29, 19], content.to_vec());
                params.custom_extensions.push(critical(other));
            });
        }
        refused("extension twice", |params| params.custom_extensions.push(model_extension(MODEL)));
        refused("1.2.3.4 that is not known", |params| {
            params.custom_extensions.push(critical(CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0])));
        });
    }

    #[test]
    fn odd_serial_numbers_are_told_and_let_pass() {
        for (serial, words) in [
            (vec![0], "is zero"),
            (vec![0x85], "is negative"),
            (vec![0x4b; 21], "longer than 20"),
            (vec![0, 1], "needs to be"),
        ] {
            let verdict = changed(|params| params.serial_number = Some(rcgen::SerialNumber::from_slice(&[7])));
            assert_eq!(verdict.reasons, [""; 0]);
            let mut read = AttestationCertificate::read(&Maker::new().leaf(&leaf_params())).unwrap();
            read.remarks.clear();
            read.read_serial_number(&serial);
            assert!(read.remarks[0].contains(words), "{words}: {:?}", read.remarks);
        }
    }

    #[test]
    fn another_version_of_x509() {
        let maker = Maker::new();
        let mut leaf = maker.leaf(&leaf_params());
        let version = leaf.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).unwrap();
        leaf[version + 4] = 1;
        let verdict = Judge::new(Anchors::none()).judge(&maker.packed(&leaf, -7), Some(&CLIENT_DATA_HASH), None, now());
        assert_eq!(verdict.statement, Statement::Invalid);
        assert!(verdict.reasons[0].contains("version 3"), "{:?}", verdict.reasons);
    }

    #[test]
    fn a_default_that_is_spelt_out_is_let_pass() {
        let verdict = changed(|params| {
            params.is_ca = IsCa::NoCa;
            let constraints = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0]);
            params.custom_extensions.push(critical(constraints));
        });
        assert_eq!(verdict.statement, Statement::Valid);
        assert!(verdict.reasons[0].contains("X.690 11.5"), "{:?}", verdict.reasons);
    }

    #[test]
    fn firmware_and_transports() {
        let yubico = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 41482, 13, 1], vec![4, 3, 5, 4, 3]);
        let number = fido_extension(5, vec![2, 3, 5, 8, 0]);
        let with = |extensions: &[&CustomExtension]| {
            changed(|params| params.custom_extensions.extend(extensions.iter().copied().cloned())).firmware
        };
        assert_eq!(with(&[&number]), Some(Firmware::Number(0x05_08_00)));
        for both in [[&yubico, &number], [&number, &yubico]] {
            assert_eq!(with(&both), Some(Firmware::Dotted([5, 4, 3])));
        }
        let transports = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 45724, 2, 1, 1], vec![3, 2, 4, 0x30]);
        assert_eq!(changed(|params| params.custom_extensions.push(transports)).transports, ["usb", "nfc"]);
    }

    #[test]
    fn an_enterprise_attestation_is_told_by_serial_number_or_unit() {
        let by_serial =
            changed(|params| params.custom_extensions.push(fido_extension(2, vec![4, 4, 1, 0x2b, 0x15, 0xf9])));
        assert_eq!(by_serial.statement, Statement::Valid);
        assert_eq!((by_serial.enterprise, by_serial.serial.as_deref()), (true, Some("012b15f9")));
        let by_unit = changed(|params| {
            params.distinguished_name.push(DnType::OrganizationalUnitName, "Enterprise Attestation");
        });
        assert_eq!((by_unit.statement, by_unit.enterprise, by_unit.serial), (Statement::Valid, true, None));
        assert!(by_unit.reasons[0].contains("Enterprise Attestation"));
        assert!(!changed(|_| {}).enterprise);
    }
}
