//! Registrations by a maker of our own: right ones, and ones with a single change that is signed for like the rest. Each change
//! breaks a rule that is named beside it; everything around it would be taken.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use keywright_fido::webauthn::cbor::{self, Value};
use keywright_fido::webauthn::{Aaguid, CeremonyType, Challenge, ClientDataJson, RpId};
use rcgen::{
    CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa, KeyUsagePurpose,
    SignatureAlgorithm, SigningKey, date_time_ymd,
};

use crate::testing::{MODEL, Maker, authority, fido_extension, leaf_params, model_extension, pair};
use crate::{Case, Expected, Set};

const RP_ID: &str = "example.org";
const ORIGIN: &str = "https://example.org";
const CREDENTIAL_ID: &[u8] = b"keywright's credential";

/// A registration before it is signed.
struct Draft {
    maker: Maker,
    fmt: &'static str,
    params: CertificateParams,
    reissue: Option<fn(&mut Vec<u8>)>,
    flags: u8,
    aaguid: Aaguid,
    cose: Value,
    after_auth_data: Vec<u8>,
    alg: i64,
    signed_by_credential: bool,
    /// DER; the maker's root if there are none.
    anchors: Vec<Vec<u8>>,
    after_signing: fn(&mut Vec<(Value, Value)>),
    after_encoding: fn(&mut Vec<u8>),
}

impl Draft {
    fn packed(maker: Maker) -> Self {
        let (x, y) = maker.credential.public_key_raw()[1..].split_at(32);
        Self {
            cose: Value::map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.into()), (-3, y.into())]),
            maker,
            fmt: "packed",
            params: leaf_params(),
            reissue: None,
            flags: 0x45,
            aaguid: MODEL,
            after_auth_data: Vec::new(),
            alg: -7,
            signed_by_credential: false,
            anchors: Vec::new(),
            after_signing: |_| {},
            after_encoding: |_| {},
        }
    }

    fn fido_u2f(maker: Maker) -> Self {
        let mut params = leaf_params();
        params.custom_extensions.clear();
        Self { fmt: "fido-u2f", aaguid: Aaguid::ZERO, flags: 0x41, params, ..Self::packed(maker) }
    }

    fn self_signed(maker: Maker) -> Self {
        Self { signed_by_credential: true, ..Self::packed(maker) }
    }

    fn none(maker: Maker) -> Self {
        Self { fmt: "none", aaguid: Aaguid::ZERO, ..Self::packed(maker) }
    }

    fn build(self, name: &str, what: &str, expected: Expected) -> Case {
        let rp_id: RpId = RP_ID.parse().expect("it is a domain");
        let challenge = Challenge::new([0x17; 32]).expect("32 bytes will do");
        let origin = ORIGIN.parse().expect("it is an origin");
        let client_data = ClientDataJson::new(CeremonyType::Create, &challenge, &origin);

        let cose = cbor::encode(&self.cose);
        let length = u16::try_from(CREDENTIAL_ID.len()).expect("it is short").to_be_bytes();
        let auth_data = [
            &rp_id.hash()[..],
            &[self.flags],
            &[0, 0, 0, 1],
            &self.aaguid.0,
            &length,
            CREDENTIAL_ID,
            &cose,
            &self.after_auth_data,
        ]
        .concat();
        let mut leaf = self.maker.leaf(&self.params);
        if let Some(change) = self.reissue {
            leaf = reissue(&self.maker, &leaf, change);
        }

        let signed = match self.fmt {
            "fido-u2f" => {
                let point = self.maker.credential.public_key_raw();
                [&[0][..], &rp_id.hash(), &client_data.hash(), CREDENTIAL_ID, point].concat()
            }
            _ => [&auth_data[..], &client_data.hash()].concat(),
        };
        let key = if self.signed_by_credential { &self.maker.credential } else { &self.maker.attestation };
        let sig = key.sign(&signed).expect("a key of our own signs");
        let x5c = ("x5c", Value::Array(vec![leaf.into()]));
        let members = match self.fmt {
            "none" => Vec::new(),
            "fido-u2f" => vec![("sig", sig.into()), x5c],
            _ if self.signed_by_credential => vec![("alg", self.alg.into()), ("sig", sig.into())],
            _ => vec![("alg", self.alg.into()), ("sig", sig.into()), x5c],
        };
        let mut members: Vec<_> = members.into_iter().map(|(name, value)| (Value::from(name), value)).collect();
        (self.after_signing)(&mut members);
        let mut object = cbor::encode(&Value::map([
            ("fmt", self.fmt.into()),
            ("attStmt", Value::Map(members)),
            ("authData", auth_data.into()),
        ]));
        (self.after_encoding)(&mut object);

        let mut anchors = self.anchors;
        if anchors.is_empty() {
            anchors.push(self.maker.root.der().to_vec());
        }
        let id = BASE64URL_NOPAD.encode(CREDENTIAL_ID);
        Case {
            name: name.into(),
            set: Set::Vector,
            what: what.into(),
            expected,
            response: serde_json::json!({
                "id": id,
                "rawId": id,
                "type": "public-key",
                "response": {
                    "clientDataJSON": BASE64URL_NOPAD.encode(client_data.as_bytes()),
                    "attestationObject": BASE64URL_NOPAD.encode(&object),
                    "transports": [],
                },
                "clientExtensionResults": {},
            }),
            challenge: challenge.to_string(),
            origin: ORIGIN.into(),
            rp_id: RP_ID.into(),
            fmt: self.fmt.into(),
            aaguid: self.aaguid.to_string(),
            roots: anchors.iter().map(|der| BASE64.encode(der)).collect(),
        }
    }
}

/// A maker whose root says that it may issue certificates: some verifiers take no other, and their refusal would hide
/// whether they see what was changed.
fn maker() -> Maker {
    maker_with(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn maker_with(attestation: &'static SignatureAlgorithm) -> Maker {
    let mut params = authority("Root");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = CertifiedIssuer::self_signed(params, pair(&rcgen::PKCS_ECDSA_P256_SHA256));
    Maker { root: root.expect("the parameters are those of a root"), ..Maker::with_attestation_key(attestation) }
}

/// The certificate with a change to its content, signed by the root as if it had issued it so.
fn reissue(maker: &Maker, leaf: &[u8], change: fn(&mut Vec<u8>)) -> Vec<u8> {
    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }, the first two with lengths of two bytes.
    let tbs_length = 4 + usize::from(u16::from_be_bytes([leaf[6], leaf[7]]));
    let mut tbs = leaf[4..4 + tbs_length].to_vec();
    change(&mut tbs);
    let signature = maker.root.key().sign(&tbs).expect("the root signs");
    let ecdsa_with_sha256 = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let bits = [&[0x03, signature.len() as u8 + 1, 0][..], &signature].concat();
    let content = [&tbs[..], &ecdsa_with_sha256, &bits].concat();
    let length = u16::try_from(content.len()).expect("a certificate of ours is short").to_be_bytes();
    [&[0x30, 0x82][..], &length, &content].concat()
}

fn subject(parts: [(DnType, &str); 4]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    parts.into_iter().filter(|(_, text)| !text.is_empty()).for_each(|(kind, text)| name.push(kind, text));
    name
}

/// The subject with C, O, OU and CN; an empty one is left out.
fn named(country: &str, organization: &str, unit: &str, common: &str) -> DistinguishedName {
    subject([
        (DnType::CountryName, country),
        (DnType::OrganizationName, organization),
        (DnType::OrganizationalUnitName, unit),
        (DnType::CommonName, common),
    ])
}

fn critical(mut extension: CustomExtension) -> CustomExtension {
    extension.set_criticality(true);
    extension
}

/// Basic constraints with this content in place of the usual.
fn constrained(params: &mut CertificateParams, content: &[u8]) {
    params.is_ca = IsCa::NoCa;
    params.custom_extensions.push(critical(CustomExtension::from_oid_content(&[2, 5, 29, 19], content.to_vec())));
}

fn turn_last_bit(members: &mut [(Value, Value)]) {
    for (name, value) in members {
        if let (Some("sig"), Value::Bytes(sig)) = (name.as_text(), value) {
            *sig.last_mut().expect("a signature has bytes") ^= 1;
        }
    }
}

/// Name, what is changed, the right answer, the change.
type Change = (&'static str, &'static str, Expected, fn(&mut Draft));

/// All of them.
pub fn all() -> Vec<Case> {
    use Expected::{Accept, Either, Reject};
    let p384 = || maker_with(&rcgen::PKCS_ECDSA_P384_SHA384);
    let mut cases = Vec::new();
    let mut packed = |name: &str, what: &str, expected, change: &dyn Fn(&mut Draft)| {
        let mut draft = Draft::packed(maker());
        change(&mut draft);
        cases.push(draft.build(name, what, expected));
    };

    packed("packed", "nothing", Accept, &|_| {});
    packed("packed-es384", "an attestation key on P-384", Accept, &|draft| {
        *draft = Draft { alg: -35, ..Draft::packed(p384()) };
    });
    packed("packed-rs256", "an attestation key for RSA", Accept, &|draft| {
        *draft = Draft { alg: -257, ..Draft::packed(maker_with(&rcgen::PKCS_RSA_SHA256)) };
    });
    packed("packed-eddsa-credential", "a credential for EdDSA", Accept, &|draft| {
        let x = Value::from(pair(&rcgen::PKCS_ED25519).public_key_raw());
        draft.cose = Value::map([(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, x)]);
    });
    packed("same-name", "nothing; another anchor has the same name", Accept, &|draft| {
        draft.anchors = vec![maker().root.der().to_vec(), draft.maker.root.der().to_vec()];
    });
    packed("no-aaguid-extension", "8.2.1: the AAGUID extension is left out, as it may be", Accept, &|draft| {
        draft.params.custom_extensions.clear();
    });
    packed("explicit-default", "X.690 11.5: CA FALSE spelt out, as Chromium's virtual keys do", Either, &|draft| {
        constrained(&mut draft.params, &[0x30, 3, 1, 1, 0]);
    });
    packed("enterprise-unit", "8.2.1: OU \"Enterprise Attestation\", as Yubico's have it", Either, &|draft| {
        draft.params.distinguished_name = named("SE", "Maker", "Enterprise Attestation", "Batch 1");
    });

    packed("aaguid-mismatch", "8.2: the certificate is for another model", Reject, &|draft| {
        draft.params.custom_extensions = vec![model_extension(Aaguid([9; 16]))];
    });
    packed("aaguid-unwrapped", "8.2.1: AAGUID in one OCTET STRING instead of two", Reject, &|draft| {
        draft.params.custom_extensions = vec![fido_extension(4, MODEL.0.to_vec())];
    });
    packed("aaguid-critical", "8.2.1: critical AAGUID extension", Reject, &|draft| {
        draft.params.custom_extensions = vec![critical(model_extension(MODEL))];
    });
    packed("aaguid-twice", "RFC 5280 4.2: AAGUID extension twice", Reject, &|draft| {
        draft.params.custom_extensions.push(model_extension(MODEL));
    });
    packed("serial-critical", "8.2.2: critical serial number extension", Reject, &|draft| {
        draft.params.custom_extensions.push(critical(fido_extension(2, vec![4, 2, 0x12, 0x34])));
    });
    packed("unknown-critical", "RFC 5280 4.2: unknown critical extension", Reject, &|draft| {
        let nobodys = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        draft.params.custom_extensions.push(critical(nobodys));
    });
    packed("no-country", "8.2.1: no subject C", Reject, &|draft| {
        draft.params.distinguished_name = named("", "Maker", "Authenticator Attestation", "Batch 1");
    });
    packed("long-country", "8.2.1: subject C is not two letters", Reject, &|draft| {
        draft.params.distinguished_name = named("Sweden", "Maker", "Authenticator Attestation", "Batch 1");
    });
    packed("no-organization", "8.2.1: no subject O", Reject, &|draft| {
        draft.params.distinguished_name = named("SE", "", "Authenticator Attestation", "Batch 1");
    });
    packed("no-unit", "8.2.1: no subject OU", Reject, &|draft| {
        draft.params.distinguished_name = named("SE", "Maker", "", "Batch 1");
    });
    packed("other-unit", "8.2.1: another subject OU", Reject, &|draft| {
        draft.params.distinguished_name = named("SE", "Maker", "Attestation", "Batch 1");
    });
    packed("no-common-name", "8.2.1: no subject CN", Reject, &|draft| {
        draft.params.distinguished_name = named("SE", "Maker", "Authenticator Attestation", "");
    });
    packed("ca-true", "8.2.1: CA TRUE", Reject, &|draft| constrained(&mut draft.params, &[0x30, 3, 1, 1, 0xff]));
    packed("no-basic-constraints", "8.2.1: no basic constraints", Reject, &|draft| draft.params.is_ca = IsCa::NoCa);
    packed("version-2", "8.2.1: X.509 version 2", Reject, &|draft| {
        draft.reissue = Some(|tbs| {
            let version = tbs.windows(5).position(|window| window == [0xa0, 3, 2, 1, 2]).expect("it is version 3");
            tbs[version + 4] = 1;
        });
    });
    packed("expired", "RFC 5280 6.1.3: the certificate has expired", Reject, &|draft| {
        draft.params.not_after = date_time_ymd(2025, 2, 1);
    });
    packed("not-yet-valid", "RFC 5280 6.1.3: the certificate is not valid yet", Reject, &|draft| {
        draft.params.not_before = date_time_ymd(2029, 1, 1);
    });
    packed("stranger", "RFC 5280 6.1: issued by a stranger of the same name", Reject, &|draft| {
        draft.anchors = vec![maker().root.der().to_vec()];
    });
    packed("alg-of-another-kind", "8.2: alg RS256, signed with P-256", Reject, &|draft| draft.alg = -257);
    packed("alg-of-another-curve", "5.8.5: alg ES256, signed with P-384", Reject, &|draft| {
        *draft = Draft { alg: -7, ..Draft::packed(p384()) };
    });
    packed("forged", "8.2: a bit of the signature turned", Reject, &|draft| {
        draft.after_signing = |members| turn_last_bit(members);
    });
    packed("trailing-bytes", "6.5.4: a byte after the attestation object", Reject, &|draft| {
        draft.after_encoding = |object| object.push(0);
    });
    packed("indefinite-length", "CTAP2 canonical CBOR: a map of indefinite length", Either, &|draft| {
        draft.after_encoding = |object| {
            object[0] = 0xbf;
            object.push(0xff);
        };
    });
    packed("duplicate-member", "RFC 8949 5.6: fmt twice", Reject, &|draft| {
        draft.after_encoding = |object| {
            object[0] = 0xa4;
            object.splice(1..1, *b"\x63fmt\x64none");
        };
    });
    packed("auth-data-trailing", "6.1: a byte after the authenticator data", Reject, &|draft| {
        draft.after_auth_data = vec![0];
    });
    packed("backed-up", "6.1.3: BS without BE", Reject, &|draft| draft.flags |= 0x10);
    packed("not-present", "7.1: UP is not set", Reject, &|draft| draft.flags &= !0x01);
    packed("off-curve", "SEC 1 3.2.2: the credential's point is not on its curve", Either, &|draft| {
        let y = vec![7; 32];
        let x = y.clone();
        draft.cose = Value::map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.into()), (-3, y.into())]);
    });
    packed("no-alg-in-key", "6.5.1.1: the credential's key names no algorithm", Reject, &|draft| {
        let Value::Map(members) = &mut draft.cose else { return };
        members.retain(|(label, _)| label.as_integer() != Some(3));
    });

    let changes: [Change; 3] = [
        ("self", "nothing: signed by the credential", Either, |_| {}),
        ("self-forged", "8.2: a bit of the signature turned", Reject, |draft| {
            draft.after_signing = |members| turn_last_bit(members);
        }),
        ("self-other-alg", "8.2: alg is not the credential's", Reject, |draft| draft.alg = -35),
    ];
    for (name, what, expected, change) in changes {
        let mut draft = Draft::self_signed(maker());
        change(&mut draft);
        cases.push(draft.build(name, what, expected));
    }
    cases.push(Draft::none(maker()).build("none", "nothing: format none", Either));
    let mut draft = Draft::none(maker());
    draft.after_signing = |members| members.push(("x".into(), 1.into()));
    cases.push(draft.build("none-with-statement", "8.7: format none with a statement", Reject));

    let changes: [Change; 5] = [
        ("u2f", "nothing", Accept, |_| {}),
        ("u2f-forged", "8.6: a bit of the signature turned", Reject, |draft| {
            draft.after_signing = |members| turn_last_bit(members);
        }),
        ("u2f-two-certificates", "8.6: two certificates", Reject, |draft| {
            draft.after_signing = |members| {
                for (_, value) in members {
                    if let Value::Array(x5c) = value {
                        x5c.push(x5c[0].clone());
                    }
                }
            };
        }),
        ("u2f-p384", "8.6: an attestation key on P-384", Reject, |draft| {
            *draft = Draft::fido_u2f(maker_with(&rcgen::PKCS_ECDSA_P384_SHA384));
        }),
        ("u2f-short-x", "8.6: an x coordinate of 31 bytes", Reject, |draft| {
            // A coordinate with a leading zero, as a careless encoder writes it.
            while draft.maker.credential.public_key_raw()[1] != 0 {
                draft.maker.credential = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
            }
            let point: &[u8] = &draft.maker.credential.public_key_raw()[1..];
            let (x, y) = (&point[1..32], &point[32..]);
            draft.cose = Value::map([(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x.into()), (-3, y.into())]);
        }),
    ];
    for (name, what, expected, change) in changes {
        let mut draft = Draft::fido_u2f(maker());
        change(&mut draft);
        cases.push(draft.build(name, what, expected));
    }
    cases
}
