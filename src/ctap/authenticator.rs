//! A key that speaks CTAP2: a channel, and what it said of itself.
//!
//! The commands themselves are in a file each. Only [`Authenticator::open`], [`Authenticator::refresh_info`] and
//! [`Authenticator::set_always_uv`] ask for getInfo; whoever changes something that getInfo tells asks for it again when it
//! matters.

use super::command::Command;
use super::{CtapError, GetInfo, get_info};
use crate::hid::{Cancel, Channel, Keepalive, Limits, Pipe};

/// Hears when the key waits for a touch, and when it no longer does.
pub type Touch<'a> = &'a mut dyn FnMut(Keepalive);

/// An open key.
pub struct Authenticator {
    channel: Channel,
    pub(super) info: GetInfo,
}

impl Authenticator {
    /// Opens a channel and asks the key what it is. [`CtapError::Unsupported`] if it speaks U2F only.
    pub fn open(pipe: Box<dyn Pipe>, limits: Limits, cancel: Cancel) -> Result<Self, CtapError> {
        let mut channel = Channel::open(pipe, limits, cancel)?;
        if !channel.speaks_cbor() {
            return Err(CtapError::Unsupported("CTAP2"));
        }
        let info = get_info::decode(&ask(&mut channel, get_info::COMMAND, &get_info::encode(), &mut |_| {})?)?;
        Ok(Self { channel, info })
    }

    /// What the key said last.
    pub fn info(&self) -> &GetInfo {
        &self.info
    }

    /// authenticatorGetInfo again, after something that changes it.
    pub fn refresh_info(&mut self) -> Result<&GetInfo, CtapError> {
        self.info = get_info::decode(&self.exchange(get_info::COMMAND, &get_info::encode())?)?;
        Ok(&self.info)
    }

    /// CTAPHID_WINK; does nothing on a key that cannot.
    pub fn wink(&mut self) -> Result<(), CtapError> {
        if self.channel.can_wink() {
            self.channel.wink()?;
        }
        Ok(())
    }

    /// One command that asks nobody for a touch. Returns what follows the status.
    pub(super) fn exchange(&mut self, command: Command, request: &[u8]) -> Result<Vec<u8>, CtapError> {
        self.exchange_with_touch(command, request, &mut |_| {})
    }

    /// One command that may wait for a touch. Returns what follows the status.
    pub(super) fn exchange_with_touch(
        &mut self,
        command: Command,
        request: &[u8],
        touch: Touch<'_>,
    ) -> Result<Vec<u8>, CtapError> {
        let maximum = self.info.max_msg_size;
        if request.len() > maximum {
            return Err(CtapError::Limit { what: "the length of a request", asked: request.len(), maximum });
        }
        ask(&mut self.channel, command, request, touch)
    }
}

fn ask(channel: &mut Channel, command: Command, request: &[u8], touch: Touch<'_>) -> Result<Vec<u8>, CtapError> {
    let answer = channel.cbor(request, touch)?;
    // Lengths and status only: requests carry encrypted PINs, answers carry tokens.
    tracing::debug!(command = command.name, sent = request.len(), received = answer.len(), status = answer.first());
    command.body(&answer).map(<[u8]>::to_vec)
}
