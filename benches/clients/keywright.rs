//! The comparison's client that is our own library.

use keywright_fido::ctap::{Authenticator, GetAssertion, MakeCredential, Permissions, Pin, PinUvAuthToken};
use keywright_fido::hid::usb::UsbBus;
use keywright_fido::hid::{Bus as _, Cancel, Device, Limits};
use keywright_fido::webauthn::{CoseAlgorithm, CredentialId, RelyingParty, RpId, UserEntity, UserHandle};

use crate::client::Client;
use crate::errand::{CLIENT_DATA_HASH, Errand, PIN, RP_ID, RP_NAME, USER_DISPLAY_NAME, USER_ID, USER_NAME};

pub(crate) struct Keywright {
    node: String,
    found: Option<(UsbBus, Device)>,
    open: Option<Authenticator>,
    made: Option<CredentialId>,
}

impl Keywright {
    pub(crate) fn new(node: &str) -> Self {
        Self { node: node.to_owned(), found: None, open: None, made: None }
    }

    fn find(&mut self) {
        let bus = UsbBus::default();
        let device = bus.devices().unwrap().into_iter().find(|device| device.path == self.node);
        self.found = Some((bus, device.expect("the key is there")));
    }

    fn open(&mut self) {
        let (bus, device) = self.found.as_ref().expect("found before");
        let opened = bus.open(device, Limits::default(), Cancel::default()).unwrap();
        self.open = Some(Authenticator::open(opened).unwrap());
    }

    fn key(&mut self) -> &mut Authenticator {
        self.open.as_mut().expect("opened before")
    }

    fn token(&mut self, permissions: Permissions, rp_id: Option<&RpId>) -> PinUvAuthToken {
        self.key().pin_uv_auth_token(&Pin::new(PIN).unwrap(), permissions, rp_id).unwrap()
    }

    fn make_credential(&mut self) {
        let rp_id: RpId = RP_ID.parse().unwrap();
        let token = self.token(Permissions::MAKE_CREDENTIAL, Some(&rp_id));
        let request = MakeCredential {
            resident_key: true,
            ..MakeCredential::new(
                CLIENT_DATA_HASH,
                RelyingParty { id: rp_id, name: RP_NAME.into() },
                UserEntity {
                    id: UserHandle::new(USER_ID).unwrap(),
                    name: USER_NAME.into(),
                    display_name: USER_DISPLAY_NAME.into(),
                },
                vec![CoseAlgorithm::ES256],
            )
        };
        let made = self.key().make_credential(&request, Some(&token), &mut |_| {}).unwrap();
        let data = made.attestation_object.auth_data.attested_credential_data;
        self.made = Some(data.expect("a new credential has its data").credential_id);
    }

    fn get_assertion(&mut self) {
        let rp_id: RpId = RP_ID.parse().unwrap();
        let token = self.token(Permissions::GET_ASSERTION, Some(&rp_id));
        let request = GetAssertion {
            rp_id,
            client_data_hash: CLIENT_DATA_HASH,
            allow_list: vec![self.made.clone().expect("made before")],
            user_presence: true,
        };
        let assertions = self.key().get_assertions(&request, Some(&token), &mut |_| {}).unwrap();
        assert_eq!(assertions.len(), 1);
    }

    fn list_credentials(&mut self) {
        let token = self.token(Permissions::CREDENTIAL_MANAGEMENT, None);
        let key = self.key();
        let mut found = 0;
        for rp in key.enumerate_rps(&token).unwrap() {
            found += key.enumerate_credentials(&token, &rp.id_hash).unwrap().len();
        }
        assert_eq!(found, 1);
    }
}

impl Client for Keywright {
    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::Find => self.find(),
            Errand::Open => self.open(),
            Errand::SetPin => self.key().set_pin(&Pin::new(PIN).unwrap()).unwrap(),
            Errand::MakeCredential => self.make_credential(),
            Errand::GetAssertion => self.get_assertion(),
            Errand::ListCredentials => self.list_credentials(),
        }
    }
}
