//! The comparison's client that is ctap-hid-fido2. It has no way to set the RP's name: its makeCredential is that much shorter.

use ::ctap_hid_fido2::fidokey::{CredentialSupportedKeyType, GetAssertionArgsBuilder, MakeCredentialArgsBuilder};
use ::ctap_hid_fido2::public_key_credential_user_entity::PublicKeyCredentialUserEntity;
use ::ctap_hid_fido2::{FidoKeyHid, FidoKeyHidFactory, HidParam, LibCfg, get_fidokey_devices};

use crate::client::Client;
use crate::errand::{CLIENT_DATA_HASH, Errand, PIN, RP_ID, USER_DISPLAY_NAME, USER_ID, USER_NAME};

pub(crate) struct CtapHidFido2 {
    node: String,
    open: Option<FidoKeyHid>,
    made: Vec<u8>,
}

impl CtapHidFido2 {
    pub(crate) fn new(node: &str) -> Self {
        Self { node: node.to_owned(), open: None, made: Vec::new() }
    }

    fn find(&self) {
        let is_it = |param: &HidParam| matches!(param, HidParam::Path(path) if *path == self.node);
        assert!(get_fidokey_devices().iter().any(|found| is_it(&found.param)), "the key is there");
    }

    fn open(&mut self) {
        let config = LibCfg { enable_keep_alive_msg: false, use_pre_credential_management: false, ..LibCfg::init() };
        let key = FidoKeyHidFactory::create_by_params(&[HidParam::Path(self.node.clone())], &config).unwrap();
        key.get_info().unwrap();
        // Protocol 2, as the others choose; it does not choose by itself unless it is told to ask getInfo once more.
        self.open = Some(key.with_pin_protocol_version(2));
    }

    fn key(&self) -> &FidoKeyHid {
        self.open.as_ref().expect("opened before")
    }

    fn make_credential(&mut self) {
        let user = PublicKeyCredentialUserEntity::new(Some(&USER_ID), Some(USER_NAME), Some(USER_DISPLAY_NAME));
        let request = MakeCredentialArgsBuilder::new(RP_ID, &CLIENT_DATA_HASH)
            .key_type(CredentialSupportedKeyType::Ecdsa256)
            .user_entity(&user)
            .resident_key()
            .pin(PIN)
            .build();
        self.made = self.key().make_credential_with_args(&request).unwrap().credential_descriptor.id;
    }

    fn get_assertion(&self) {
        let request = GetAssertionArgsBuilder::new(RP_ID, &CLIENT_DATA_HASH).credential_id(&self.made).pin(PIN).build();
        assert_eq!(self.key().get_assertion_with_args(&request).unwrap().len(), 1);
    }

    fn list_credentials(&self) {
        let mut found = 0;
        for rp in self.key().credential_management_enumerate_rps(Some(PIN)).unwrap() {
            found += self.key().credential_management_enumerate_credentials(Some(PIN), &rp.rpid_hash).unwrap().len();
        }
        assert_eq!(found, 1);
    }
}

impl Client for CtapHidFido2 {
    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Find => self.find(),
            Errand::Open => self.open(),
            Errand::SetPin => self.key().set_new_pin(PIN).unwrap(),
            Errand::MakeCredential => self.make_credential(),
            Errand::GetAssertion => self.get_assertion(),
            Errand::ListCredentials => self.list_credentials(),
        }
    }
}
