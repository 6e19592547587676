//! The key that a job has in hand: opened when it is needed, and recognised again before it is used.

use sha2::{Digest, Sha256};

use super::job_error::JobError;
use super::station::Station;
use crate::ledger::{FailureCode, KeyIdentity};
use keywright_fido::ctap::{Authenticator, GetInfo};
use keywright_fido::hid::Device;
use keywright_fido::webauthn::cbor::{self, Value};

/// A key that is plugged in and open.
pub(super) struct OpenKey {
    /// Where it is.
    pub device: Device,
    /// The open channel.
    pub authenticator: Authenticator,
}

impl OpenKey {
    /// Opens the key at this insertion.
    pub(super) fn open(station: &Station<'_>, device: &Device) -> Result<Self, JobError> {
        let opened = station.bus.open(device, station.limits, station.cancel.clone())?;
        let authenticator = Authenticator::open(opened)?;
        Ok(Self { device: device.clone(), authenticator })
    }

    /// What the key can be recognised by.
    pub(super) fn identity(&self) -> KeyIdentity {
        identity(&self.device, self.authenticator.info())
    }

    /// Pulled and plugged in again, by a person or a rack: the same port has to hold a key that answers the same.
    pub(super) fn replugged(self, station: &Station<'_>) -> Result<Self, JobError> {
        let before = self.identity();
        let device = self.device.clone();
        // Our handle has to be gone, or the system does not see the key go.
        drop(self);
        let device = station.bus.replug(&device, station.retry_policy.key, &station.cancel)?;
        let again = Self::open(station, &device)?;
        let after = again.identity();
        if after.fingerprint != before.fingerprint || after.usb_serial != before.usb_serial {
            return Err(JobError::new(
                FailureCode::KeyRefused,
                format!("another key was plugged into {}; put back the one that was there", device.port),
            ));
        }
        Ok(again)
    }
}

/// What a key can be recognised by.
pub fn identity(device: &Device, info: &GetInfo) -> KeyIdentity {
    KeyIdentity {
        port: device.port.clone(),
        product: device.product.clone(),
        usb_serial: device.serial.clone(),
        aaguid: info.aaguid,
        firmware_version: info.firmware_version,
        fingerprint: fingerprint(info),
        number: None,
    }
}

/// SHA-256, in hexadecimal, of what getInfo says that stays the same whatever is done to the key: model, firmware, what it can
/// do. Keys of one model and firmware have the same.
pub fn fingerprint(info: &GetInfo) -> String {
    let texts = |texts: &[String]| Value::Array(texts.iter().map(|text| text.as_str().into()).collect());
    // U2F_V2 comes and goes with alwaysUv.
    let versions: Vec<String> = info.versions.iter().filter(|version| *version != "U2F_V2").cloned().collect();
    let number = |number: Option<u64>| number.map_or(Value::Null, |number| Value::Text(number.to_string()));
    let stable = Value::Array(vec![
        info.aaguid.0.as_slice().into(),
        texts(&versions),
        texts(&info.extensions),
        texts(&info.transports),
        number(info.firmware_version),
        number(Some(info.max_msg_size as u64)),
        number(info.max_credential_id_length),
        number(info.max_cred_blob_length),
    ]);
    data_encoding::HEXLOWER.encode(&Sha256::digest(cbor::encode(&stable)))
}
