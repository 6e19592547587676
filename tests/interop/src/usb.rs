//! A USB bus with two interrupt endpoints and no wires: what the class writes goes to the cable at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use keywright_fido::hid::Report;
use usb_device::bus::{PollResult, UsbBus};
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

use crate::cable::HidConnection;

pub(crate) struct Usb {
    cable: Arc<HidConnection>,
    attach: u64,
    endpoints: usize,
    out: Arc<Mutex<Option<Report>>>,
    written: Arc<AtomicBool>,
}

/// The wires of the [`Usb`] that the class has.
pub(crate) struct Wires {
    out: Arc<Mutex<Option<Report>>>,
    written: Arc<AtomicBool>,
}

impl Usb {
    pub(crate) fn new(cable: Arc<HidConnection>, attach: u64) -> (Self, Wires) {
        let wires = Wires { out: Arc::default(), written: Arc::default() };
        let (out, written) = (Arc::clone(&wires.out), Arc::clone(&wires.written));
        (Self { cable, attach, endpoints: 0, out, written }, wires)
    }
}

impl Wires {
    /// A report for the class to read.
    pub(crate) fn put(&self, report: Report) {
        *self.out.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }

    /// Whether the class wrote since the last time this was asked.
    pub(crate) fn wrote(&self) -> bool {
        self.written.swap(false, Ordering::Relaxed)
    }
}

impl UsbBus for Usb {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _: EndpointType,
        _: u16,
        _: u8,
    ) -> Result<EndpointAddress> {
        self.endpoints += 1;
        Ok(address.unwrap_or_else(|| EndpointAddress::from_parts(self.endpoints, direction)))
    }

    fn write(&self, _: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        let report = bytes.try_into().map_err(|_| UsbError::BufferOverflow)?;
        self.cable.broadcast(self.attach, report);
        self.written.store(true, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn read(&self, _: EndpointAddress, buffer: &mut [u8]) -> Result<usize> {
        let report = self.out.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(UsbError::WouldBlock)?;
        buffer.get_mut(..report.len()).ok_or(UsbError::BufferOverflow)?.copy_from_slice(&report);
        Ok(report.len())
    }

    fn poll(&self) -> PollResult {
        PollResult::None
    }

    fn is_stalled(&self, _: EndpointAddress) -> bool {
        false
    }

    fn enable(&mut self) {}
    fn reset(&self) {}
    fn set_device_address(&self, _: u8) {}
    fn set_stalled(&self, _: EndpointAddress, _: bool) {}
    fn suspend(&self) {}
    fn resume(&self) {}
}
