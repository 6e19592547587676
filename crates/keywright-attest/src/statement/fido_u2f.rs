//! Format `fido-u2f` (WebAuthn 8.6): what a U2F authenticator signed, or a CTAP2 authenticator in its manner.

use super::{Findings, Reading};
use crate::Statement;
use keywright_fido::webauthn::AttestationObject;
use keywright_fido::webauthn::cbor::Value;
use keywright_fido::webauthn::cose::{CoseAlgorithm, CoseKeyParameters};

pub(super) fn examine<'a>(
    object: &'a AttestationObject,
    client_data_hash: Option<&[u8; 32]>,
    findings: &mut Findings<'_>,
) -> Reading<'a> {
    let att_stmt = &object.att_stmt;
    findings.only_members("8.6", att_stmt, &["sig", "x5c"]);
    let sig = findings.signature("8.6", att_stmt);
    let certificates = findings.certificates("8.6", att_stmt.get("x5c").unwrap_or(&Value::Null));
    if certificates.x5c.len() > 1 {
        findings.wrong(format!("WebAuthn 8.6: x5c has {} certificates instead of one.", certificates.x5c.len()));
    }
    let Some(leaf) = certificates.leaf() else { return (Statement::Valid, certificates) };
    if !matches!(leaf.key, CoseKeyParameters::P256 { .. }) {
        findings.wrong("WebAuthn 8.6: the attestation certificate's key is not on P-256.");
        return (Statement::Valid, certificates);
    }
    if let (Some(sig), Some(credential)) = (sig, &object.auth_data.attested_credential_data) {
        match &credential.public_key.parameters {
            CoseKeyParameters::P256 { x, y } => {
                let message = client_data_hash.map(|hash| {
                    let id = credential.credential_id.as_bytes();
                    [&[0x00][..], &object.auth_data.rp_id_hash, hash, id, &[0x04], x, y].concat()
                });
                findings.signed("8.6", &leaf.key, CoseAlgorithm::ES256, message.as_deref(), sig);
            }
            _ => findings.wrong("WebAuthn 8.6: the credential's key is not on P-256."),
        }
    }
    (Statement::Valid, certificates)
}

#[cfg(test)]
mod tests {
    use rcgen::PKCS_ECDSA_P384_SHA384;

    use super::super::tests::{examine, expect};
    use super::*;
    use crate::Judge;
    use crate::testing::{
        AAGUID, CLIENT_DATA_HASH, MODEL, Maker, auth_data, cose_ed25519, leaf_params, now, with_auth_data,
        with_forged_signature, with_member,
    };
    use keywright_fido::webauthn::Aaguid;

    #[test]
    fn signed_as_u2f_signs() {
        let examined_with = |hash| examine(&Maker::new().fido_u2f(), Some(hash)).statement;
        assert_eq!(examined_with(&CLIENT_DATA_HASH), Statement::Valid);
        assert_eq!(examined_with(&[0; 32]), Statement::Invalid);
    }

    #[test]
    fn one_change_to_the_statement() {
        let maker = Maker::new();
        let good = maker.fido_u2f();
        let leaf = Value::from(maker.leaf(&leaf_params()));
        let on_p384 = Value::from(Maker::with_attestation_key(&PKCS_ECDSA_P384_SHA384).leaf(&leaf_params()));
        for (key, value, words) in [
            ("x5c", None, "not a list of certificates"),
            ("x5c", Some(Value::Array(vec![])), "not a list of certificates"),
            ("x5c", Some(Value::Array(vec![leaf.clone(), leaf])), "2 certificates instead of one"),
            ("x5c", Some(Value::Array(vec![on_p384])), "key is not on P-256"),
            ("sig", None, "no byte string sig"),
            ("alg", Some((-7).into()), "has a member"),
        ] {
            expect(&with_member(&good, key, value), Statement::Invalid, words);
        }
        expect(&with_forged_signature(&good), Statement::Invalid, "does not verify");
        let ed25519 = with_auth_data(&good, |bytes| *bytes = auth_data(&cose_ed25519()));
        expect(&ed25519, Statement::Invalid, "credential's key is not on P-256");
        let elsewhere = with_auth_data(&good, |auth_data| auth_data[0] ^= 1);
        expect(&elsewhere, Statement::Invalid, "does not verify");
    }

    #[test]
    fn a_model_that_is_not_signed_is_not_reported() {
        let maker = Maker::new();
        let pretends = with_auth_data(&maker.fido_u2f(), |bytes| bytes[AAGUID..AAGUID + 16].copy_from_slice(&MODEL.0));
        let verdict = Judge::new(maker.anchors()).judge(&pretends, Some(&CLIENT_DATA_HASH), None, now());
        assert_eq!((verdict.statement, verdict.aaguid), (Statement::Valid, Aaguid::ZERO));
        assert!(verdict.reasons[0].contains("does not cover the AAGUID"));
    }
}
