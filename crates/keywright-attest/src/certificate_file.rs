//! Certificates as files hold them: one or many, in DER or in PEM, and PEM as editors save it.
//!
//! It refuses what is no X.509 certificate, and text in an encoding that it would have to guess.

use keywright_files::text;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::nom;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::TrustError;

/// What begins a section of PEM.
const PEM: &str = "-----BEGIN ";

/// The certificates in a file, in its order, at least one: DER, one after the other; or PEM in UTF-8 or UTF-16, where other
/// sections and text between are passed over.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let certificates = match bytes {
        [] => return Err(TrustError::NoCertificate),
        // A SEQUENCE of more than 127 bytes, which every certificate is.
        [0x30, 0x81..=0x84, ..] => from_der(bytes)?,
        _ => from_pem(&text::decode(bytes)?)?,
    };
    if certificates.is_empty() { Err(TrustError::NoCertificate) } else { Ok(certificates) }
}

fn from_der(mut bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let mut certificates = Vec::new();
    while !bytes.is_empty() {
        let (rest, _) = X509Certificate::from_der(bytes).map_err(not_a_certificate)?;
        certificates.push(CertificateDer::from(bytes[..bytes.len() - rest.len()].to_vec()));
        bytes = rest;
    }
    Ok(certificates)
}

fn from_pem(text: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    if !text.contains(PEM) {
        return Err(TrustError::NoCertificate);
    }
    let sections = CertificateDer::pem_slice_iter(text.as_bytes());
    sections
        .map(|section| {
            let certificate = section.map_err(|error| TrustError::Pem(error.to_string()))?;
            parse(&certificate)?;
            Ok(certificate)
        })
        .collect()
}

/// Reads one certificate, which fills the whole input.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, TrustError> {
    match X509Certificate::from_der(der).map_err(not_a_certificate)? {
        ([], certificate) => Ok(certificate),
        _ => Err(TrustError::NotACertificate("bytes follow it".into())),
    }
}

fn not_a_certificate(error: nom::Err<x509_parser::error::X509Error>) -> TrustError {
    TrustError::NotACertificate(match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => error.to_string(),
        nom::Err::Incomplete(_) => "it ends too early".into(),
    })
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::testing::Maker;

    fn ders() -> [Vec<u8>; 2] {
        [Maker::new(), Maker::new()].map(|maker| maker.root.der().to_vec())
    }

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(der))
    }

    fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
        read_certificates(bytes).unwrap().iter().map(|der| der.to_vec()).collect()
    }

    #[test]
    fn one_or_many_in_der_or_pem() {
        let ders = ders();
        assert_eq!(read(&ders[0]), ders[..1]);
        assert_eq!(read(&ders.concat()), ders);
        let text = format!("0 is no DER\n{}-----BEGIN X-----\nAAAA\n-----END X-----\n{}", pem(&ders[0]), pem(&ders[1]));
        assert_eq!(read(text.as_bytes()), ders);
        assert_eq!(read(text.replace('\n', "\r\n").as_bytes()), ders);
    }

    #[test]
    fn pem_is_text_as_editors_save_it() {
        let ders = ders();
        let text = format!("\u{feff}{}", pem(&ders[0]));
        assert_eq!(read(text.as_bytes()), ders[..1]);
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let utf16: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            assert_eq!(read(&utf16), ders[..1]);
            assert!(matches!(read_certificates(&utf16[2..]), Err(TrustError::Text(_))), "which of two bytes is first?");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let ders = ders();
        let broken = pem(&[0x30, 0]);
        for (bytes, refusal) in [
            (&b""[..], "there is no certificate in it"),
            (b"nothing", "there is no certificate in it"),
            (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "there is no certificate in it"),
            (&[0x30, 0], "the text looks like UTF-16"),
            (b"-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n", "damaged PEM"),
            (broken.as_bytes(), "not an X.509 certificate"),
            (&ders[0][..200], "not an X.509 certificate"),
            (&[&ders[0][..], &[0x30, 0x81, 0]].concat(), "not an X.509 certificate"),
        ] {
            let error = read_certificates(bytes).unwrap_err().to_string();
            assert!(error.starts_with(refusal), "{error} / {refusal}");
        }
    }
}
