//! The world as OpenSK sees it: our clock, finger, memory, cable and randomness, and the settings of the model.

use std::sync::Arc;

use opensk::api::connection::{HidConnection, RecvStatus, UsbEndpoint};
use opensk::api::crypto::software_crypto::SoftwareCrypto;
use opensk::api::customization::{CustomizationImpl, DEFAULT_CUSTOMIZATION};
use opensk::api::key_store;
use opensk::ctap::data_formats::EnterpriseAttestationMode;
use opensk::ctap::status_code::{Ctap2StatusCode, CtapResult};
use opensk::env::Env;

use super::clock::FirmwareClock;
use super::memory::{Flash, Memory};
use super::presence::SoftUserPresence;
use super::rng::SoftRng;
use super::wire::Wire;
use super::{Fault, Model};

/// The relying parties that a soft key gives vendor-facilitated enterprise attestation (CTAP 2.1, 7.1.1). Platform-managed
/// it gives to all.
pub const VENDOR_FACILITATED_RPS: &[&str] = &["enterprise.example"];

/// OpenSK's own limit.
const MOST_RESIDENT_CREDENTIALS: u16 = 300;

/// One power cycle of one key.
pub(super) struct SoftEnv {
    pub(super) clock: FirmwareClock,
    pub(super) rng: SoftRng,
    finger: SoftUserPresence,
    flash: Flash,
    cable: SoftHidConnection,
    settings: CustomizationImpl,
}

impl SoftEnv {
    /// A world in which the firmware is about to boot.
    pub(super) fn new(wire: &Arc<Wire>, memory: Arc<Memory>, attach: u64) -> Self {
        let model = memory.model();
        let settings = settings(model);
        Self {
            clock: FirmwareClock::booting(wire.clock.clone(), wire.plugged_at()),
            rng: if model.fault == Some(Fault::NoRandomness) { SoftRng::broken() } else { SoftRng::default() },
            finger: SoftUserPresence::new(Arc::clone(wire), attach),
            flash: Flash::new(memory, Arc::clone(wire), attach),
            cable: SoftHidConnection { wire: Arc::clone(wire), attach },
            settings,
        }
    }
}

fn settings(model: Model) -> CustomizationImpl {
    CustomizationImpl {
        enterprise_attestation_mode: Some(EnterpriseAttestationMode::PlatformManaged),
        enterprise_rp_id_list: VENDOR_FACILITATED_RPS,
        use_batch_attestation: true,
        max_supported_resident_keys: model.max_resident_credentials.min(MOST_RESIDENT_CREDENTIALS).into(),
        ..DEFAULT_CUSTOMIZATION
    }
}

/// The firmware's way out while it is busy with a request. In, it reads through the finger only.
pub(super) struct SoftHidConnection {
    wire: Arc<Wire>,
    attach: u64,
}

impl HidConnection for SoftHidConnection {
    fn send(&mut self, report: &[u8; 64], _endpoint: UsbEndpoint) -> CtapResult<()> {
        self.wire.broadcast(self.attach, report);
        Ok(())
    }

    fn recv(&mut self, _report: &mut [u8; 64], _timeout_ms: usize) -> CtapResult<RecvStatus> {
        Err(Ctap2StatusCode::CTAP2_ERR_VENDOR_HARDWARE_FAILURE)
    }
}

/// OpenSK's debugging output, which its build leaves out.
pub(super) struct Silence;

impl std::fmt::Write for Silence {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

impl key_store::Helper for SoftEnv {}

impl Env for SoftEnv {
    type Rng = SoftRng;
    type UserPresence = SoftUserPresence;
    type Persist = Flash;
    type KeyStore = Self;
    type Write = Silence;
    type Customization = CustomizationImpl;
    type HidConnection = SoftHidConnection;
    type Clock = FirmwareClock;
    type Crypto = SoftwareCrypto;

    fn rng(&mut self) -> &mut SoftRng {
        &mut self.rng
    }

    fn user_presence(&mut self) -> &mut SoftUserPresence {
        &mut self.finger
    }

    fn persist(&mut self) -> &mut Flash {
        &mut self.flash
    }

    fn key_store(&mut self) -> &mut Self {
        self
    }

    fn clock(&mut self) -> &mut FirmwareClock {
        &mut self.clock
    }

    fn write(&mut self) -> Silence {
        Silence
    }

    fn customization(&self) -> &CustomizationImpl {
        &self.settings
    }

    fn hid_connection(&mut self) -> &mut SoftHidConnection {
        &mut self.cable
    }

    /// Every start of a soft key is a plugging in, after which a reset is allowed.
    fn boots_after_soft_reset(&self) -> bool {
        false
    }
}
