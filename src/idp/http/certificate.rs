//! Why a server's certificate is not accepted, in words, each with the way out. There is none around the verification.

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error, OtherError};
use time::OffsetDateTime;

/// What TLS found wrong with the certificate of this host; `None` if it was something else.
pub(super) fn in_words(error: &Error, host: &str) -> Option<String> {
    let Error::InvalidCertificate(error) = error else { return None };
    Some(match error {
        CertificateError::UnknownIssuer => {
            "its certificate is from no CA that is trusted here; if that is your company's own, name its PEM file with ca \
             in the IdP's table, or in SSL_CERT_FILE"
                .to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate was good until {}: it has to be renewed, or the clock here is wrong", day(*not_after))
        }
        CertificateError::Expired => {
            "its certificate has expired: it has to be renewed, or the clock here is wrong".to_owned()
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is good from {} on: look whether the clock here is right", day(*not_before))
        }
        CertificateError::NotValidYet => {
            "its certificate is not good yet: look whether the clock here is right".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => match presented.is_empty() {
            true => format!("its certificate has no name in it; it needs {host} as a subject alternative name"),
            false => format!(
                "its certificate is for {} and not for {host}: correct the address, or have the name put into it",
                presented.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
            ),
        },
        CertificateError::NotValidForName => {
            format!("its certificate is not for {host}: correct the address, or have the name put into it")
        }
        CertificateError::Revoked => "its certificate was revoked: it needs a new one".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not for servers (extended key usage): it needs another one".to_owned()
        }
        CertificateError::BadSignature => {
            "its certificate was not signed by the CA that it names: another one of that name may be trusted here".to_owned()
        }
        CertificateError::Other(other) => other_words(other, host),
        _ => unread(host),
    })
}

/// What only the library beneath names.
fn other_words(OtherError(error): &OtherError, host: &str) -> String {
    match error.downcast_ref() {
        Some(webpki::Error::CaUsedAsEndEntity) => format!(
            "its certificate is a CA's own, signed by itself; {host} needs one that this CA signs for it, and ca names the CA's"
        ),
        Some(webpki::Error::UnsupportedCertVersion) => format!(
            "its certificate is of X.509 version 1, which has no place for names; {host} needs one of version 3"
        ),
        _ => unread(host),
    }
}

fn unread(host: &str) -> String {
    format!("its certificate cannot be used; 'openssl s_client -connect {host}:443' shows it")
}

/// `DnsName("login.example.org")`, as the library prints a name, without its quotes.
fn plain(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let day = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    day.map_or_else(|| "a day that no calendar has".to_owned(), |day| day.date().to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_fault_of_a_certificate_is_told_with_the_way_out() {
        let at = |days: u64| UnixTime::since_unix_epoch(Duration::from_secs(days * 86_400));
        let other = |error: webpki::Error| CertificateError::Other(OtherError(Arc::new(error)));
        for (error, words) in [
            (CertificateError::UnknownIssuer, "name its PEM file with ca"),
            (CertificateError::ExpiredContext { time: at(20_000), not_after: at(19_723) }, "good until 2024-01-01"),
            (CertificateError::NotValidYetContext { time: at(1), not_before: at(19_723) }, "good from 2024-01-01 on"),
            (CertificateError::NotValidForName, "not for idp.example.org: correct the address"),
            (other(webpki::Error::CaUsedAsEndEntity), "a CA's own, signed by itself"),
            (other(webpki::Error::UnsupportedCertVersion), "X.509 version 1"),
            (other(webpki::Error::PathLenConstraintViolated), "openssl s_client -connect idp.example.org:443"),
            (CertificateError::BadEncoding, "openssl s_client"),
        ] {
            let told = in_words(&Error::InvalidCertificate(error), "idp.example.org").unwrap();
            assert!(told.contains(words) && !told.contains("Error") && !told.contains('{'), "{told}");
        }
        assert_eq!(in_words(&Error::HandshakeNotComplete, "idp.example.org"), None);
    }
}
