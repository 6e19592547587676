//! Attestation certificates with any extensions, each issued by the maker's root and each with a good statement by its key, so
//! that nothing but the extensions can be wrong.

#![no_main]

use arbitrary::Arbitrary;
use keywright_attest::{Chain, Statement};
use keywright_fuzz::maker::{JUDGE, MAKER, assert_not_forged};
use keywright_fuzz::testing::{CLIENT_DATA_HASH, MODEL, leaf_params, now};
use libfuzzer_sys::fuzz_target;
use rcgen::{CustomExtension, IsCa};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Arbitrary)]
enum Kind {
    Aaguid,
    SerialNumber,
    FirmwareVersion,
    YubicoFirmware,
    U2fTransports,
    BasicConstraints,
    KeyUsage,
    ExtendedKeyUsage,
    SubjectAlternativeName,
    NameConstraints,
    CertificatePolicies,
    Nobodys,
}

#[derive(Debug, Arbitrary)]
struct Extension {
    kind: Kind,
    critical: bool,
    /// In place of what belongs there.
    other_content: Option<Vec<u8>>,
}

impl Kind {
    fn oid(self) -> &'static [u64] {
        match self {
            Self::Aaguid => &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4],
            Self::SerialNumber => &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 2],
            Self::FirmwareVersion => &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 5],
            Self::YubicoFirmware => &[1, 3, 6, 1, 4, 1, 41482, 13, 1],
            Self::U2fTransports => &[1, 3, 6, 1, 4, 1, 45724, 2, 1, 1],
            Self::BasicConstraints => &[2, 5, 29, 19],
            Self::KeyUsage => &[2, 5, 29, 15],
            Self::ExtendedKeyUsage => &[2, 5, 29, 37],
            Self::SubjectAlternativeName => &[2, 5, 29, 17],
            Self::NameConstraints => &[2, 5, 29, 30],
            Self::CertificatePolicies => &[2, 5, 29, 32],
            Self::Nobodys => &[1, 2, 3, 4],
        }
    }

    fn good_content(self) -> Vec<u8> {
        match self {
            Self::Aaguid => [&[0x04, 0x10], &MODEL.0[..]].concat(),
            Self::SerialNumber => vec![0x04, 2, 0x12, 0x34],
            Self::FirmwareVersion => vec![0x02, 3, 5, 8, 0],
            Self::YubicoFirmware => vec![0x04, 3, 5, 4, 3],
            Self::U2fTransports => vec![0x03, 2, 4, 0x30],
            Self::BasicConstraints => vec![0x30, 0],
            Self::KeyUsage => vec![0x03, 2, 7, 0x80],
            Self::ExtendedKeyUsage => vec![0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2],
            Self::SubjectAlternativeName => vec![0x30, 9, 0x82, 7, b'e', b'x', b'.', b't', b'e', b's', b't'],
            Self::NameConstraints => {
                vec![0x30, 0x0d, 0xa0, 0x0b, 0x30, 9, 0x82, 7, b'e', b'x', b'.', b't', b'e', b's', b't']
            }
            Self::CertificatePolicies => vec![0x30, 6, 0x30, 4, 6, 2, 0x2a, 3],
            Self::Nobodys => vec![5, 0],
        }
    }
}

impl Extension {
    fn content(&self) -> Vec<u8> {
        self.other_content.clone().unwrap_or_else(|| self.kind.good_content())
    }

    /// Whether a certificate with it may be that of a valid statement (WebAuthn 8.2.1, 8.2.2; RFC 5280 4.2).
    fn may_be_there(&self) -> bool {
        let content = self.content();
        let is_octet_string = content.len() > 2 && content[0] == 0x04;
        match self.kind {
            Kind::Aaguid => !self.critical && content == self.kind.good_content(),
            Kind::SerialNumber => !self.critical && is_octet_string,
            Kind::FirmwareVersion => !self.critical && content.first() == Some(&0x02),
            Kind::BasicConstraints => content == [0x30, 0] || content == [0x30, 3, 1, 1, 0],
            Kind::Nobodys => !self.critical,
            _ => true,
        }
    }

    /// Whether nothing can be said against it.
    fn is_harmless(&self) -> bool {
        self.other_content.is_none() && !self.critical && self.kind != Kind::NameConstraints
    }
}

fuzz_target!(|extensions: Vec<Extension>| {
    // A makers' tool refuses more than it can encode; a certificate of a few dozen extensions will do.
    let extensions = &extensions[..extensions.len().min(40)];
    let mut params = leaf_params();
    params.is_ca = IsCa::NoCa;
    params.custom_extensions = extensions
        .iter()
        .map(|extension| {
            let mut built = CustomExtension::from_oid_content(extension.kind.oid(), extension.content());
            built.set_criticality(extension.critical);
            built
        })
        .collect();
    let object = MAKER.packed(&MAKER.leaf(&params), -7);
    let verdict = JUDGE.judge(&object, Some(&CLIENT_DATA_HASH), None, now());
    assert_not_forged(&object, &verdict);

    let mut kinds: Vec<Kind> = extensions.iter().map(|extension| extension.kind).collect();
    kinds.sort_unstable();
    let twice = kinds.windows(2).any(|pair| pair[0] == pair[1]);
    let named = kinds.contains(&Kind::BasicConstraints);
    if verdict.statement == Statement::Valid {
        assert!(!twice && named && extensions.iter().all(Extension::may_be_there), "{extensions:02x?}: {verdict:#?}");
    }
    if !twice && named && extensions.iter().all(Extension::is_harmless) {
        assert_eq!((verdict.statement, verdict.chain), (Statement::Valid, Chain::Trusted), "{verdict:#?}");
        assert_eq!(verdict.enterprise, kinds.contains(&Kind::SerialNumber));
    }
});
