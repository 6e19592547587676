//! Metadata is kept in a folder, from one update to the next.

use std::path::PathBuf;

use keywright_attest::mds::{Blob, BlobStore, Mac, Stored, fido_roots};
use keywright_attest::{MdsError, Metadata};
use keywright_test_support::metadata_service::{MetadataService, entry, now, payload};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MODEL: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

struct Desk {
    service: MetadataService,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { service: MetadataService::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn shelf(&self) -> BlobStore {
        BlobStore::new(self.folder.path().join("mds")).cached(Self::mac(7))
    }

    fn mac(key: u8) -> Mac {
        Mac::new(move |bytes| Sha256::digest([&[key], bytes].concat()).into())
    }

    /// Puts other bytes in the place of the BLOB in use, and has the index say that they are what was stored.
    fn replace_blob(&self, bytes: &[u8], change: impl Fn(&mut Value)) {
        let index = self.shelf().folder().join("current.json");
        let mut json: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        json["current"]["sha256"] = sha256.clone().into();
        change(&mut json["current"]);
        std::fs::write(&index, json.to_string()).unwrap();
        let name = format!("no{}-{}.blob", json["current"]["no"], &sha256[..16]);
        std::fs::write(self.shelf().folder().join(name), bytes).unwrap();
    }

    /// What a load refuses as changed.
    #[track_caller]
    fn is_refused(&self) {
        for shelf in [self.shelf(), BlobStore::new(self.shelf().folder())] {
            let loaded = shelf.load();
            assert!(matches!(loaded, Err(MdsError::Damaged(_))), "{loaded:?}");
        }
    }

    /// A BLOB whose only model has the number in its name.
    fn signed(&self, no: u64) -> Blob {
        let payload = payload(no, json!([entry(MODEL, &format!("Key {no}"), "FIDO_CERTIFIED", &[])]));
        Blob::signed(self.service.sign(&payload), &self.service.roots(), now()).unwrap()
    }

    fn unsigned(&self, no: u64) -> Blob {
        Blob::unsigned(payload(no, json!([])).to_string().into_bytes()).unwrap()
    }

    fn store(&self, blob: &Blob) -> Result<Stored, MdsError> {
        self.shelf().store(blob, "test", now()).map(|(_, stored)| stored)
    }

    fn current(&self) -> Metadata {
        self.shelf().load().unwrap().unwrap().0
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.shelf().folder()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
        files.sort();
        files
    }
}

#[test]
fn an_empty_shelf_has_nothing_and_is_not_made_by_looking() {
    let desk = Desk::new();
    assert!(desk.shelf().load().unwrap().is_none() && desk.shelf().load_previous().unwrap().is_none());
    assert!(!desk.shelf().folder().exists());
}

#[test]
fn a_newer_one_replaces_the_one_in_use_and_the_one_before_is_kept() {
    let desk = Desk::new();
    for no in 1..=4 {
        let Stored::New { record, replaced } = desk.store(&desk.signed(no)).unwrap() else { panic!() };
        assert_eq!((record.id.no, replaced.map_or(0, |old| old.id.no)), (no, no - 1));
        assert_eq!(desk.current().id().no, no);
    }
    assert_eq!(desk.shelf().load_previous().unwrap().unwrap().1.id.no, 3);
    assert_eq!((desk.files("blob").len(), desk.files("cache").len()), (2, 2));
    assert_eq!(desk.current().model(MODEL.parse().unwrap()).unwrap().name, "Key 4");
    let entry = desk.shelf().entry(MODEL.parse().unwrap()).unwrap().unwrap();
    assert_eq!(entry["metadataStatement"]["description"], "Key 4");
}

#[test]
fn it_never_goes_back() {
    let desk = Desk::new();
    desk.store(&desk.signed(237)).unwrap();
    assert_eq!(desk.store(&desk.signed(122)).unwrap_err(), MdsError::RollBack { offered: 122, stored: 237 });
    assert_eq!(desk.store(&desk.unsigned(236)).unwrap_err(), MdsError::RollBack { offered: 236, stored: 237 });
    assert_eq!(desk.current().id().no, 237);
    assert!(matches!(desk.store(&desk.signed(237)).unwrap(), Stored::New { .. }), "same number, signed anew");

    // What is not signed can claim any number; that does not keep FIDO's out.
    desk.store(&desk.unsigned(u64::MAX)).unwrap();
    assert!(!desk.current().id().signed);
    desk.store(&desk.signed(238)).unwrap();
    assert!(desk.current().id().signed);
    desk.store(&desk.unsigned(300)).unwrap();
    assert_eq!(desk.store(&desk.signed(237)).unwrap_err(), MdsError::RollBack { offered: 237, stored: 238 });
}

#[test]
fn storing_the_same_again_changes_nothing() {
    let desk = Desk::new();
    let blob = desk.signed(7);
    desk.store(&blob).unwrap();
    assert!(matches!(desk.store(&blob).unwrap(), Stored::Same(record) if record.id.no == 7));

    // But for a damaged file, which is mended.
    std::fs::write(&desk.files("blob")[0], b"x").unwrap();
    assert_eq!(desk.shelf().load().unwrap_err(), MdsError::Damaged(desk.files("blob")[0].clone()));
    assert!(matches!(desk.store(&blob).unwrap(), Stored::New { .. }));
    assert_eq!(desk.current().id().no, 7);
}

#[test]
fn what_was_unsigned_can_be_stored_again_signed() {
    let desk = Desk::new();
    let signed = desk.signed(7);
    desk.store(&Blob::unsigned(signed.bytes().to_vec()).unwrap()).unwrap();
    assert!(!desk.current().id().signed);
    desk.store(&signed).unwrap();
    assert!(desk.current().id().signed);
    // They share a file, which stays as long as one of them is needed.
    desk.store(&desk.signed(8)).unwrap();
    assert_eq!(desk.shelf().load_previous().unwrap().unwrap().1.id, *Metadata::read(&signed).unwrap().id());
}

#[test]
fn a_cache_is_never_believed_over_its_blob() {
    let desk = Desk::new();
    desk.store(&desk.signed(7)).unwrap();
    let good = std::fs::read(&desk.files("cache")[0]).unwrap();
    let name = || desk.current().model(MODEL.parse().unwrap()).map(|model| model.name.clone());
    for cache in [b"".to_vec(), good[..good.len() - 1].to_vec(), good.iter().rev().copied().collect()] {
        std::fs::write(&desk.files("cache")[0], cache).unwrap();
        assert_eq!(name().as_deref(), Some("Key 7"));
        assert_eq!(std::fs::read(&desk.files("cache")[0]).unwrap(), good, "it was rebuilt");
    }
    std::fs::remove_file(&desk.files("cache")[0]).unwrap();
    assert_eq!(name().as_deref(), Some("Key 7"));

    // Another BLOB's cache.
    let other = Desk::new();
    other.store(&other.signed(8)).unwrap();
    std::fs::copy(&other.files("cache")[0], &desk.files("cache")[0]).unwrap();
    assert_eq!(name().as_deref(), Some("Key 7"));
}

#[test]
fn a_damaged_index_is_told() {
    let desk = Desk::new();
    desk.store(&desk.signed(7)).unwrap();
    let index = desk.shelf().folder().join("current.json");
    std::fs::write(&index, b"{").unwrap();
    assert_eq!(desk.shelf().load().unwrap_err(), MdsError::Damaged(index.clone()));
    assert_eq!(desk.store(&desk.signed(8)).unwrap_err(), MdsError::Damaged(index));
}

/// A BLOB with this signature.
fn with_signature(signed: &Blob, signature: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(signed.bytes()).unwrap();
    let (input, _) = text.rsplit_once('.').unwrap();
    format!("{input}.{}", data_encoding::BASE64URL_NOPAD.encode(signature)).into_bytes()
}

#[test]
fn a_blob_in_the_folder_that_nobody_signed_is_refused() {
    let desk = Desk::new();
    desk.store(&desk.signed(7)).unwrap();
    desk.replace_blob(&with_signature(&desk.signed(7), &[0; 64]), |_| {});
    desk.is_refused();
    // Nor is another's taken for FIDO's, whatever the index says.
    let another = desk.signed(7);
    desk.replace_blob(another.bytes(), |record| {
        record.as_object_mut().unwrap().remove("root");
        record.as_object_mut().unwrap().remove("root_certificate");
    });
    desk.is_refused();
    desk.replace_blob(another.bytes(), |record| record["root"] = "00".repeat(32).into());
    desk.is_refused();
    desk.replace_blob(another.bytes(), |record| record["stored"] = "2024-01-01T00:00:00Z".into());
    desk.is_refused();
}

#[test]
fn what_the_index_says_of_a_blob_is_what_the_blob_says() {
    let desk = Desk::new();
    let blob = desk.signed(7);
    for (member, lie) in [("no", json!(8)), ("next_update", json!("2099-01-01"))] {
        desk.store(&blob).unwrap();
        desk.replace_blob(blob.bytes(), |record| record[member] = lie.clone());
        desk.is_refused();
        std::fs::remove_dir_all(desk.shelf().folder()).unwrap();
    }
}

#[test]
fn a_cache_that_another_made_is_no_evidence() {
    let desk = Desk::new();
    let blob = desk.signed(7);
    desk.store(&blob).unwrap();
    let name = || desk.current().model(MODEL.parse().unwrap()).map(|model| model.name.clone());
    let cache = desk.files("cache").remove(0);
    let good = std::fs::read(&cache).unwrap();
    // Of the same BLOB, by a key that is not this station's, and with another name in it.
    let evil = BlobStore::new(desk.shelf().folder()).cached(Desk::mac(8));
    std::fs::remove_file(&cache).unwrap();
    evil.load().unwrap();
    assert_ne!(std::fs::read(&cache).unwrap(), good);
    assert_eq!(name().as_deref(), Some("Key 7"));
    assert_eq!(std::fs::read(&cache).unwrap(), good, "it was made anew");
    let mut forged = good.clone();
    let at = forged.windows(5).position(|window| window == b"Key 7").unwrap();
    forged[at + 4] = b'8';
    std::fs::write(&cache, forged).unwrap();
    assert_eq!(name().as_deref(), Some("Key 7"));
    // One that this station made counts, or it would be of no use; but not for another BLOB.
    std::fs::write(&cache, &good).unwrap();
    std::fs::write(&desk.files("blob")[0], with_signature(&blob, &[0; 64])).unwrap();
    desk.is_refused();
}

#[test]
fn one_who_has_no_key_caches_nothing() {
    let desk = Desk::new();
    let shelf = BlobStore::new(desk.shelf().folder());
    shelf.store(&desk.signed(7), "test", now()).unwrap();
    shelf.load().unwrap();
    assert!(desk.files("cache").is_empty());
}

#[test]
fn another_ones_metadata_is_never_fidos() {
    let desk = Desk::new();
    desk.store(&desk.signed(7)).unwrap();
    let root = data_encoding::HEXLOWER.encode(&Sha256::digest(desk.service.root.der()));
    let metadata = desk.current();
    assert_eq!((metadata.id().signed, metadata.id().root.as_deref()), (true, Some(&*root)));
    assert!(metadata.id().signer().contains("NOT FIDO'S"), "{}", metadata.id().signer());
    // Though FIDO's roots were trusted as well.
    let mut roots = fido_roots();
    roots.merge(desk.service.roots());
    let blob = Blob::signed(desk.signed(7).bytes().to_vec(), &roots, now()).unwrap();
    assert_eq!(Metadata::read(&blob).unwrap().id().root, Some(root));
}
