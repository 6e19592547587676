//! TLS to the server: its certificate is verified, ours is shown, and neither can be left out.

use std::sync::Arc;

use data_encoding::BASE64_MIME;
use keywright::ledger::postgres::{Access, ClientCertificate};
use keywright::ledger::{LedgerError, PostgresStore, Store};
use keywright_test_support::postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::store::{access, register};

struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn anchor(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate for these names, of this one, and its key.
    fn issue(&self, names: &[&str], common_name: &str) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        (params.signed_by(&key, &self.0).unwrap().der().clone(), key)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", BASE64_MIME.encode(der))
}

/// A server that speaks TLS under a certificate for these names, and lets office_b in by a certificate alone.
fn secured(ca: &Ca, names: &[&str]) -> Option<Postgres> {
    let server = register()?;
    let (certificate, key) = ca.issue(names, "server");
    server.secure(
        &pem("CERTIFICATE", &certificate),
        &pem("PRIVATE KEY", key.serialized_der()),
        &pem("CERTIFICATE", &ca.anchor()),
        "hostssl all office_b 127.0.0.1/32 cert",
    );
    Some(server)
}

#[test]
fn the_servers_certificate_is_verified() {
    let (ca, other) = (Ca::new("company"), Ca::new("other"));
    let Some(server) = secured(&ca, &["127.0.0.1"]) else { return };
    let trusting = |ca: &Ca| Access { anchors: vec![ca.anchor()], ..access(&server, "audit") };
    let store = PostgresStore::read(trusting(&ca)).unwrap();
    store.head().unwrap();
    let secured_now =
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'audit' AND ssl";
    assert_eq!(server.sql("keywright", secured_now), "1");
    match PostgresStore::read(trusting(&other)).err() {
        Some(LedgerError::Unreachable { why, .. }) => assert!(why.contains("certificate is not trusted"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let ca = Ca::new("company");
    let Some(server) = secured(&ca, &["db.example.org"]) else { return };
    let refused = PostgresStore::read(Access { anchors: vec![ca.anchor()], ..access(&server, "audit") }).err();
    assert!(
        matches!(&refused, Some(LedgerError::Unreachable { why, .. }) if why.contains("certificate")),
        "{refused:?}"
    );
}

#[test]
fn a_station_shows_its_own_certificate() {
    let ca = Ca::new("company");
    let Some(server) = secured(&ca, &["127.0.0.1"]) else { return };
    let open = |certificate| {
        let access = Access { anchors: vec![ca.anchor()], certificate, ..access(&server, "office_b") };
        PostgresStore::read(access)
    };
    let with = |common_name: &str| {
        let (certificate, key) = ca.issue(&[], common_name);
        let key = PrivateKeyDer::try_from(key.serialized_der().to_vec()).unwrap();
        Some(Arc::new(ClientCertificate { chain: vec![certificate], key }))
    };
    open(with("office_b")).unwrap().head().unwrap();
    for refused in [open(None).err(), open(with("office_a")).err()] {
        assert!(matches!(refused, Some(LedgerError::NoRight { .. })), "{refused:?}");
    }
}
