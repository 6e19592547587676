use keywright_fido::webauthn::{CosePublicKey, CredentialId, SignedAssertion};

use super::*;

/// The example of the specification, with its key.
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn station() -> (tempfile::TempDir, StationKey) {
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::read_or_make(&folder.path().join("station.pem")).unwrap();
    (folder, key)
}

#[test]
fn the_example_of_the_specification_verifies() {
    let note: Note = EXAMPLE.parse().unwrap();
    let key: NoteKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!((note.text(), key.name()), ("This is an example message.\n", "example.com/foo"));
    assert_eq!(note.signed_by(&key), Signed::Yes);
    assert_eq!((note.to_string(), key.to_string()), (EXAMPLE.to_owned(), EXAMPLE_KEY.to_owned()));
    let forged: Note = EXAMPLE.replace("example message", "forged message").parse().unwrap();
    assert_eq!(forged.signed_by(&key), Signed::Forged);
}

#[test]
fn the_checkpoint_and_cosignature_of_the_specification_are_read() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let read: Note = note.parse().unwrap();
    assert_eq!((read.signatures.len(), read.to_string()), (2, note.to_owned()));
}

#[test]
fn a_cosignature_covers_its_time() {
    let (_folder, key) = station();
    let witness = NoteKey::new("witness.example/w", KeyKind::Cosigner(key.public())).unwrap();
    assert_eq!(witness.to_string().parse::<NoteKey>().unwrap(), witness);
    let mut note = Note::new("origin\n1\nroot\n".into()).unwrap();
    let signed = |time: u64, signed: u64| {
        let message = format!("cosignature/v1\ntime {signed}\norigin\n1\nroot\n");
        [&time.to_be_bytes()[..], &key.sign(message.as_bytes())].concat()
    };
    note.add(&witness, signed(1_795_456_801, 1_795_456_800));
    assert_eq!(note.signed_by(&witness), Signed::Forged);
    // A good one beside it does not help.
    note.add(&witness, signed(1_795_456_800, 1_795_456_800));
    assert_eq!(note.signed_by(&witness), Signed::Forged);
    let mut note = Note::new("origin\n1\nroot\n".into()).unwrap();
    note.add(&witness, signed(1_795_456_800, 1_795_456_800));
    assert_eq!(note.to_string().parse::<Note>().unwrap().signed_by(&witness), Signed::At(1_795_456_800));
    // The same key as a log's key is another key.
    assert_eq!(note.signed_by(&NoteKey::of_station("witness.example/w", key.public()).unwrap()), Signed::No);
}

#[test]
fn a_security_key_signs_with_a_touch_and_for_nobody_else() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let cose = [&b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"[..], &point[..32], b"\x22\x58\x20", &point[32..]].concat();
    let security_key = assertion::SecurityKey {
        credential_id: CredentialId::new(*b"credential").unwrap(),
        public_key: CosePublicKey::parse(&cose).unwrap(),
    };
    let key = NoteKey::new("ops/ada", KeyKind::SecurityKey(security_key)).unwrap();
    assert_eq!(key.to_string().parse::<NoteKey>().unwrap(), key);

    let text = "origin\n1\nroot\n";
    let sign = |rp_id: &str, flags: u8, signed: &str| {
        let authenticator_data = [&Sha256::digest(rp_id)[..], &[flags], &[0, 0, 0, 1]].concat();
        let client_data_json = assertion::client_data(signed);
        let message = [&authenticator_data[..], &client_data_json.hash()].concat();
        let signature = pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec();
        assertion::pack(&SignedAssertion { authenticator_data, client_data_json, signature }).unwrap()
    };
    for (signature, found) in [
        (sign("ledger.keywright.invalid", 1, text), Signed::Yes),
        (sign("ledger.keywright.invalid", 0, text), Signed::Forged),
        (sign("ledger.keywright.invalid", 1, "origin\n2\nroot\n"), Signed::Forged),
        (sign("login.example", 1, text), Signed::Forged),
        (b"\xff\xffshort".to_vec(), Signed::Forged),
        (Vec::new(), Signed::Forged),
    ] {
        let mut note = Note::new(text.to_owned()).unwrap();
        note.add(&key, signature);
        assert_eq!(note.signed_by(&key), found);
    }
}

#[test]
fn signatures_are_joined_under_one_text_only() {
    let (_one, one) = station();
    let (_other, other) = station();
    let signed = |text: &str, key: &StationKey| {
        let mut note = Note::new(text.to_owned()).unwrap();
        note.sign("log", key);
        note
    };
    let mut note = signed("a\n", &one);
    assert!(!note.merge(signed("b\n", &other)));
    assert!(note.merge(signed("a\n", &other)) && note.merge(signed("a\n", &other)));
    assert_eq!(note.signatures.len(), 2);
    for key in [&one, &other] {
        assert_eq!(note.signed_by(&NoteKey::of_station("log", key.public()).unwrap()), Signed::Yes);
        assert_eq!(note.signed_by(&NoteKey::of_station("gol", key.public()).unwrap()), Signed::No);
    }
}

#[test]
fn what_is_no_note_and_no_key_is_refused() {
    let line = EXAMPLE.lines().last().unwrap();
    for wrong in [
        String::new(),
        "text\n".into(),
        "text\n\n".into(),
        format!("text\n{line}\n"),
        EXAMPLE.trim_end().into(),
        EXAMPLE.replace('\u{2014}', "-"),
        EXAMPLE.replace("foo Uw", "foo  Uw"),
        EXAMPLE.replace("example.com/foo", "example+com"),
        EXAMPLE.replace("yaQM=", "yaQM"),
        EXAMPLE.replace("an example", "an\texample"),
        format!("{EXAMPLE}{}", format!("{line}\n").repeat(MOST_SIGNATURES)),
        format!("{}\n{EXAMPLE}", "x".repeat(LONGEST)),
    ] {
        assert!(wrong.parse::<Note>().is_err(), "{wrong:.200}");
    }
    for wrong in [
        "",
        "a+b",
        "a+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        &EXAMPLE_KEY.replace("+Ae", "+Be"),
        &EXAMPLE_KEY[..40],
    ] {
        assert!(wrong.parse::<NoteKey>().is_err(), "{wrong}");
    }
    assert!(NoteKey::of_station("a b", [0; 32]).is_err() && NoteKey::of_station("", [0; 32]).is_err());
}
