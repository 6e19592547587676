//! Format `packed` (WebAuthn 8.2): signed by an attestation certificate's key, or by the new credential itself.

use super::{Certificates, Findings, Reading};
use crate::Statement;
use keywright_fido::webauthn::AttestationObject;
use keywright_fido::webauthn::cbor::Value;
use keywright_fido::webauthn::cose::CoseAlgorithm;

pub(super) fn examine<'a>(
    object: &'a AttestationObject,
    client_data_hash: Option<&[u8; 32]>,
    findings: &mut Findings<'_>,
) -> Reading<'a> {
    let att_stmt = &object.att_stmt;
    findings.only_members("8.2", att_stmt, &["alg", "sig", "x5c"]);
    let sig = findings.signature("8.2", att_stmt);
    let alg = att_stmt.get("alg").and_then(Value::as_integer).map(CoseAlgorithm);
    if alg.is_none() {
        findings.wrong("WebAuthn 8.2: attStmt has no integer alg.");
    }
    let message = client_data_hash.map(|hash| [&object.auth_data_bytes[..], hash].concat());
    let credential = object.auth_data.attested_credential_data.as_ref();

    let Some(x5c) = att_stmt.get("x5c") else {
        if let (Some(credential), Some(alg), Some(sig)) = (credential, alg, sig) {
            let key = &credential.public_key;
            match alg.is(key.algorithm) {
                true => findings.signed("8.2", &key.parameters, alg, message.as_deref(), sig),
                false => findings.wrong(format!(
                    "WebAuthn 8.2: alg is {}, but the credential that should have signed has {}.",
                    alg.0, key.algorithm.0
                )),
            }
        }
        return (Statement::SelfSigned, Certificates::default());
    };

    let certificates = findings.certificates("8.2", x5c);
    if let Some(leaf) = certificates.leaf() {
        leaf.packed_faults.iter().for_each(|fault| findings.wrong(fault.as_str()));
        if let (Some(alg), Some(sig)) = (alg, sig) {
            findings.signed("8.2", &leaf.key, alg, message.as_deref(), sig);
        }
        if let (Some(vouched), Some(credential)) = (leaf.aaguid, credential)
            && vouched != credential.aaguid
        {
            findings.wrong(format!(
                "WebAuthn 8.2: the certificate is for the model {vouched}, the authenticator data says {}.",
                credential.aaguid
            ));
        }
    }
    (Statement::Valid, certificates)
}

#[cfg(test)]
mod tests {
    use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};

    use super::super::tests::{examine, expect};
    use super::*;
    use crate::testing::{
        AAGUID, CLIENT_DATA_HASH, Maker, auth_data, cose_ed25519, leaf_params, with_auth_data, with_forged_signature,
        with_member,
    };
    use keywright_fido::webauthn::cbor;

    #[test]
    fn attestation_keys_of_every_kind() {
        let kinds: [(&'static SignatureAlgorithm, i64); 9] = [
            (&rcgen::PKCS_ECDSA_P256_SHA256, -9),
            (&PKCS_ECDSA_P384_SHA384, -51),
            (&PKCS_ECDSA_P521_SHA512, -52),
            (&PKCS_ED25519, -19),
            (&rcgen::PKCS_ECDSA_P256_SHA256, -7),
            (&PKCS_ECDSA_P384_SHA384, -35),
            (&PKCS_ECDSA_P521_SHA512, -36),
            (&PKCS_ED25519, -8),
            (&PKCS_RSA_SHA256, -257),
        ];
        for (algorithm, alg) in kinds {
            let maker = Maker::with_attestation_key(algorithm);
            let object = maker.packed(&maker.leaf(&leaf_params()), alg);
            let examined = examine(&object, Some(&CLIENT_DATA_HASH));
            assert_eq!((examined.statement, examined.reasons), (Statement::Valid, Vec::new()), "{alg}");
            expect(&with_forged_signature(&object), Statement::Invalid, "does not verify");
            let other = if [-7, -9].contains(&alg) { -257 } else { -9 };
            expect(&with_member(&object, "alg", Some(other.into())), Statement::Invalid, "alg is");
        }
    }

    #[test]
    fn one_change_to_the_statement() {
        let maker = Maker::new();
        let good = maker.good_packed();
        let leaf = maker.leaf(&leaf_params());
        let list = |certificates: Vec<Value>| Some(Value::Array(certificates));
        for (key, value, words) in [
            ("alg", None, "no integer alg"),
            ("alg", Some("ES256".into()), "no integer alg"),
            ("alg", Some((-65535).into()), "alg is -65535"),
            ("sig", None, "no byte string sig"),
            ("sig", Some("sig".into()), "no byte string sig"),
            ("sig", Some(Vec::new().into()), "does not verify"),
            ("x5c", Some(Value::Null), "not a list of certificates"),
            ("x5c", list(vec![]), "not a list of certificates"),
            ("x5c", list(vec![leaf.clone().into(), 1.into()]), "not a list of certificates"),
            ("x5c", list(vec![vec![0x30, 0].into()]), "cannot be read"),
            ("x5c", list(vec![[leaf.as_slice(), &[0]].concat().into()]), "bytes follow it"),
            ("x5c", list(vec![Maker::new().leaf(&leaf_params()).into()]), "does not verify"),
            ("ecdaaKeyId", Some(vec![1].into()), "has a member"),
        ] {
            expect(&with_member(&good, key, value), Statement::Invalid, words);
        }
    }

    #[test]
    fn what_was_signed_is_bound() {
        let good = Maker::new().good_packed();
        let counted = with_auth_data(&good, |auth_data| auth_data[36] += 1);
        expect(&counted, Statement::Invalid, "does not verify");
        let other_model = with_auth_data(&good, |auth_data| auth_data[AAGUID] += 1);
        expect(&other_model, Statement::Invalid, "the certificate is for the model");
        let examined = examine(&good, Some(&[0; 32]));
        assert_eq!(examined.statement, Statement::Invalid);
    }

    #[test]
    fn self_attestation_is_by_the_credential() {
        let good = Maker::new().self_signed();
        let examined = examine(&good, Some(&CLIENT_DATA_HASH));
        assert_eq!((examined.statement, examined.reasons), (Statement::SelfSigned, Vec::new()));
        let by_its_newer_number = with_member(&good, "alg", Some((-9).into()));
        assert_eq!(examine(&by_its_newer_number, Some(&CLIENT_DATA_HASH)).statement, Statement::SelfSigned);
        expect(&with_forged_signature(&good), Statement::Invalid, "does not verify");
        expect(&with_member(&good, "alg", Some((-35).into())), Statement::Invalid, "the credential that should");
        let other_key = with_auth_data(&good, |bytes| *bytes = auth_data(&cose_ed25519()));
        expect(&other_key, Statement::Invalid, "the credential that should");
        let stripped = with_member(&Maker::new().good_packed(), "x5c", None);
        expect(&stripped, Statement::Invalid, "does not verify");
    }

    #[test]
    fn a_key_that_is_not_understood_leaves_the_statement_unverified() {
        let es256k = cbor::encode(&Value::map([(1, 2.into()), (3, (-47).into()), (-1, 8.into())]));
        let object = with_auth_data(&Maker::new().self_signed(), |bytes| *bytes = auth_data(&es256k));
        expect(&with_member(&object, "alg", Some((-47).into())), Statement::Unverified, "not supported");
    }
}
