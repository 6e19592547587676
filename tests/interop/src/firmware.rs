//! The firmware of one power cycle: its USB side on one thread, its application and platform on another.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ctaphid_dispatch::{Channel, DEFAULT_MESSAGE_SIZE, DefaultDispatch, Requester, Responder};
use fido_authenticator::{Authenticator, Config, Conforming};
use rand_core::OsRng;
use ref_swap::OptionRefSwap;
use trussed::ClientImplementation;
use trussed::backend::BackendId;
use trussed::pipe::{ServiceEndpoint, TrussedChannel};
use trussed::platform::{Platform, Syscall, UserInterface};
use trussed::service::Service;
use trussed::types::CoreContext;
use trussed::types::ui::Status;
use trussed::virt::{StorageConfig, Store, StoreConfig};
use trussed_core::InterruptFlag;
use trussed_core::types::consent::Level;
use trussed_staging::StagingContext;
use trussed_staging::virt::{BackendIds, Dispatcher};
use usb_device::bus::UsbBusAllocator;
use usb_device::class::UsbClass;
use usb_device::device::{UsbDeviceBuilder, UsbVidPid};
use usbd_ctaphid::CtapHid;
use usbd_ctaphid::types::Status as Processing;

use crate::board::{PRODUCT_ID, VENDOR_ID};
use crate::cable::{Event, HidConnection};
use crate::flash::Flash;
use crate::usb::Usb;

/// How often a working key says that it works.
const KEEPALIVE: Duration = Duration::from_millis(80);

/// How often the platform looks at its button.
const LOOK: Duration = Duration::from_millis(10);

type Interrupt = OptionRefSwap<'static, InterruptFlag>;

/// Runs until the power goes.
pub(crate) fn run(cable: &Arc<HidConnection>, flash: &Flash, attach: u64) {
    let channel = Channel::new();
    let (requester, responder) = channel.split().expect("the channel is new");
    // The firmware asks for flags that outlive everything: some bytes for each power cycle of a test.
    let interrupt: &'static Interrupt = Box::leak(Box::new(Interrupt::new(None)));
    thread::scope(|threads| {
        threads.spawn(|| run_usb(cable, attach, requester, interrupt));
        run_application(cable, flash, attach, responder, interrupt);
    });
}

fn run_usb(
    cable: &Arc<HidConnection>,
    attach: u64,
    requester: Requester<'_, DEFAULT_MESSAGE_SIZE>,
    interrupt: &'static Interrupt,
) {
    let (usb, wires) = Usb::new(Arc::clone(cable), attach);
    let allocator = UsbBusAllocator::new(usb);
    let mut class = CtapHid::with_interrupt(&allocator, requester, Some(interrupt), 0)
        .implements_ctap1()
        .implements_ctap2()
        .implements_wink();
    // From here on the endpoints are connected.
    let _device = UsbDeviceBuilder::new(&allocator, UsbVidPid(VENDOR_ID, PRODUCT_ID)).build();
    let (out, into) = (class.pipe().read_address(), class.pipe().write_address());
    while let Some(event) = cable.next(attach, KEEPALIVE) {
        class.check_timeout(cable.uptime(attach).as_millis() as u32);
        match event {
            Event::Report(report) => {
                wires.put(report);
                class.endpoint_out(out);
            }
            Event::Answered => {}
            Event::Quiet => {
                class.send_keepalive(cable.waiting());
            }
        }
        class.poll();
        while wires.wrote() {
            class.endpoint_in_complete(into);
        }
        if matches!(class.did_start_processing(), Processing::ReceivedData(_)) {
            cable.ask();
        }
    }
}

fn run_application(
    cable: &Arc<HidConnection>,
    flash: &Flash,
    attach: u64,
    responder: Responder<'_, DEFAULT_MESSAGE_SIZE>,
    interrupt: &'static Interrupt,
) {
    let mut storage =
        StoreConfig { internal: flash.config(false), external: StorageConfig::ram(), volatile: StorageConfig::ram() };
    storage.with_store(|store| {
        let channel = TrussedChannel::new();
        let (requester, endpoint) = channel.split().expect("the channel is new");
        let flag: &'static InterruptFlag = Box::leak(Box::new(InterruptFlag::new()));
        let context = CoreContext::with_interrupt("fido".try_into().expect("a short path"), Some(flag));
        let endpoint =
            ServiceEndpoint::new(endpoint, context, &[BackendId::Custom(BackendIds::StagingBackend), BackendId::Core]);
        let platform = BoardPlatform { store, rng: OsRng, ui: Ui { cable: Arc::clone(cable), attach } };
        let service = Service::with_dispatch(platform, Dispatcher::default());
        let client: ClientImplementation<'_, _, Dispatcher> =
            ClientImplementation::new(requester, Inline { service, endpoints: [endpoint] }, Some(flag));
        let mut config = Config::new(DEFAULT_MESSAGE_SIZE);
        config.firmware_version = Some(0x0001_0800.into());
        let mut application = Authenticator::new(client, Conforming {}, config);
        let mut dispatch = DefaultDispatch::with_interrupt(responder, Some(interrupt));
        while cable.asked(attach) {
            dispatch.poll(&mut [&mut application]);
            cable.answer(attach);
        }
    });
}

/// The platform's service, called where an interrupt would call it.
struct Inline<'a> {
    service: Service<BoardPlatform<'a>, Dispatcher>,
    endpoints: [ServiceEndpoint<'a, BackendIds, StagingContext>; 1],
}

impl Syscall for Inline<'_> {
    fn syscall(&mut self) {
        self.service.process(&mut self.endpoints);
    }
}

struct BoardPlatform<'a> {
    store: Store<'a>,
    rng: OsRng,
    ui: Ui,
}

impl<'a> Platform for BoardPlatform<'a> {
    type R = OsRng;
    type S = Store<'a>;
    type UI = Ui;

    fn rng(&mut self) -> &mut OsRng {
        &mut self.rng
    }

    fn store(&self) -> Store<'a> {
        self.store
    }

    fn user_interface(&mut self) -> &mut Ui {
        &mut self.ui
    }
}

struct Ui {
    cable: Arc<HidConnection>,
    attach: u64,
}

impl UserInterface for Ui {
    fn check_user_presence(&mut self) -> Level {
        if self.cable.pressed(self.attach) { Level::Strong } else { Level::None }
    }

    fn set_status(&mut self, status: Status) {
        self.cable.set_waiting(self.attach, matches!(status, Status::WaitingForUserPresence));
    }

    fn refresh(&mut self) {
        self.cable.rest(self.attach, LOOK);
    }

    fn uptime(&mut self) -> Duration {
        self.cable.uptime(self.attach)
    }
}
