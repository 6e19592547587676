//! The certificates, as WebAuthn 8.2.1 and 8.2.2 want them, and which one is served when.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::prelude::*;

use super::super::{SOFT_AAGUID, VENDOR_FACILITATED_RPS};
use super::*;

const AAGUID_OID: &str = "1.3.6.1.4.1.45724.1.1.4";
const SERIAL_OID: &str = "1.3.6.1.4.1.45724.1.1.2";
const CONFIG: u8 = 0x0d;

/// The x5c of a makeCredential answer, after its signature was checked.
fn certificate(made: &Value) -> Vec<u8> {
    assert_eq!(made.get(1).unwrap().as_text(), Some("packed"));
    let statement = made.get(3).unwrap();
    let [der] = statement.get("x5c").unwrap().as_array().unwrap() else { panic!("one certificate") };
    let der = der.as_bytes().unwrap();
    let (_, leaf) = X509Certificate::from_der(der).unwrap();
    let signed = [made.get(2).unwrap().as_bytes().unwrap(), &[7; 32]].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, leaf.public_key().subject_public_key.data.as_ref())
        .verify(&signed, statement.get("sig").unwrap().as_bytes().unwrap())
        .unwrap();
    der.to_vec()
}

fn made(client: &mut Client, more: impl IntoIterator<Item = (i64, Value)>) -> Value {
    let (status, made) = client.ask(0x01, Some(make_credential(true, more)));
    assert_eq!(status, 0);
    made
}

fn enable_enterprise(client: &mut Client) {
    assert_eq!(client.ask(CONFIG, Some(Value::map([(1, 1.into())]))).0, 0);
}

fn extension<'a>(certificate: &'a X509Certificate<'_>, oid: &str) -> Option<&'a X509Extension<'a>> {
    certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == oid)
}

fn check_shape(der: &[u8], anchor_pem: &str) {
    let (rest, leaf) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    assert_eq!(leaf.version(), X509Version::V3);
    let subject: Vec<(String, String)> = leaf
        .subject()
        .iter_attributes()
        .map(|part| (part.attr_type().to_id_string(), part.as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(subject[0], ("2.5.4.6".to_owned(), "CH".to_owned()));
    assert_eq!(subject[1], ("2.5.4.10".to_owned(), "keywright".to_owned()));
    assert_eq!(subject[2], ("2.5.4.11".to_owned(), "Authenticator Attestation".to_owned()));
    assert_eq!(subject[3].0, "2.5.4.3");
    let constraints = leaf.basic_constraints().unwrap().expect("basicConstraints is there");
    assert!(!constraints.value.ca);
    let aaguid = extension(&leaf, AAGUID_OID).unwrap();
    assert!(!aaguid.critical);
    assert_eq!(aaguid.value, [&[0x04, 16], &SOFT_AAGUID.0[..]].concat());
    assert!(leaf.validity().is_valid());

    let (_, pem) = parse_x509_pem(anchor_pem.as_bytes()).unwrap();
    let anchor = pem.parse_x509().unwrap();
    assert!(anchor.is_ca());
    assert_eq!(leaf.issuer(), anchor.subject());
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, anchor.public_key().subject_public_key.data.as_ref())
        .verify(leaf.tbs_certificate.as_ref(), &leaf.signature_value.data)
        .unwrap();
}

#[test]
fn batch_attestation_is_the_rule_and_all_keys_of_a_rack_share_it() {
    let rack = rack(2);
    let answer = made(&mut client(rack.key(0)), []);
    let der = certificate(&answer);
    check_shape(&der, rack.anchor_pem());
    let (_, leaf) = X509Certificate::from_der(&der).unwrap();
    assert!(extension(&leaf, SERIAL_OID).is_none(), "8.2.2: no serial outside enterprise attestation");
    assert_eq!(certificate(&made(&mut client(rack.key(1)), [])), der);
    assert_eq!(answer.get(4), None);
}

#[test]
fn enterprise_attestation_is_given_when_enabled_and_asked_for() {
    let rack = rack(2);
    let mut serials = Vec::new();
    for key in rack.keys() {
        let mut client = client(key);
        let asked = make_credential(true, [(0x0a, 2.into())]);
        assert_eq!(client.ask(0x01, Some(asked)).0, 0x02, "not yet enabled");
        enable_enterprise(&mut client);
        assert_eq!(has_option(&client.get_info(), "ep"), Some(true));

        let plain = made(&mut client, []);
        assert_eq!(plain.get(4), None, "enabled, and not asked for");
        let answer = made(&mut client, [(0x0a, 2.into())]);
        assert_eq!(answer.get(4), Some(&true.into()));
        let der = certificate(&answer);
        assert_ne!(der, certificate(&plain));
        check_shape(&der, rack.anchor_pem());
        let (_, leaf) = X509Certificate::from_der(&der).unwrap();
        let serial = extension(&leaf, SERIAL_OID).unwrap();
        assert!(!serial.critical);
        assert_eq!((serial.value[0], usize::from(serial.value[1])), (0x04, serial.value.len() - 2));
        serials.push(serial.value.to_vec());
    }
    assert_ne!(serials[0], serials[1]);
}

#[test]
fn vendor_facilitated_attestation_is_for_the_rps_on_the_list() {
    let rack = rack(1);
    let mut client = client(rack.key(0));
    enable_enterprise(&mut client);
    assert_eq!(made(&mut client, [(0x0a, 1.into())]).get(4), None, "example.com is not on it");
    let Value::Map(mut members) = make_credential(true, [(0x0a, 1.into())]) else { panic!("a map") };
    members[1].1 = Value::map([("id", VENDOR_FACILITATED_RPS[0].into())]);
    let (status, answer) = client.ask(0x01, Some(Value::Map(members)));
    assert_eq!((status, answer.get(4)), (0, Some(&true.into())));
}

#[test]
fn the_enterprise_certificate_outlives_a_reset_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let enterprise = |rack: &Rack| {
        let mut client = client(rack.key(0));
        enable_enterprise(&mut client);
        certificate(&made(&mut client, [(0x0a, 2.into())]))
    };
    let first = enterprise(&Rack::create(folder.path(), 1).unwrap());
    let rack = Rack::create(folder.path(), 1).unwrap();
    assert_eq!(client(rack.key(0)).ask(0x07, None).0, 0);
    assert_eq!(has_option(&client(rack.key(0)).get_info(), "ep"), Some(false), "a reset turns it off");
    assert_eq!(enterprise(&rack), first);
}

#[test]
fn two_racks_do_not_trust_each_other() {
    assert_ne!(rack(1).anchor_pem(), rack(1).anchor_pem());
}
