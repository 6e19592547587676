//! OpenSK running: reports in, reports out, one power cycle on one thread.
//!
//! Framing, channels and commands are OpenSK's own; in between sit the disguise and the scripted pull.

use std::sync::Arc;

use opensk::api::persist::Persist;
use opensk::ctap::hid::{CtapHid, CtapHidCommand, HidPacketIterator, Message};
use opensk::ctap::main_hid::MainHid;
use opensk::ctap::status_code::CtapResult;
use opensk::ctap::{Channel, CtapState};
use opensk::env::Env;
use rand_core::RngCore;

use super::env::SoftEnv;
use super::fault::{Fault, shows_token};
use super::generation::{Answer, Generation, Request};
use super::legacy::LegacyToken;
use super::memory::Memory;
use super::wire::{Side, Wire};
use keywright_fido::hid::Report;

/// One power cycle of one key's firmware.
pub(super) struct Firmware {
    wire: Arc<Wire>,
    attach: u64,
    generation: Generation,
    legacy_token: Option<LegacyToken>,
    fault: Option<Fault>,
    /// Until a request that showed a token was done.
    locked: bool,
    env: SoftEnv,
    framing: CtapHid<SoftEnv>,
    main: MainHid<SoftEnv>,
    ctap: CtapState<SoftEnv>,
}

impl Firmware {
    /// Starts the firmware. Fails if it has to finish an interrupted reset and cannot write that down.
    pub(super) fn boot(wire: &Arc<Wire>, memory: Arc<Memory>, attach: u64) -> CtapResult<Self> {
        let (generation, fault) = (memory.model().generation, memory.model().fault);
        let mut env = SoftEnv::new(wire, memory, attach);
        // OpenSK does this once more, and then with a panic if it fails.
        env.persist().init()?;
        let ctap = CtapState::new(&mut env);
        env.clock.booted();
        Ok(Self {
            wire: Arc::clone(wire),
            attach,
            generation,
            legacy_token: None,
            fault,
            locked: true,
            env,
            framing: CtapHid::new(CtapHid::<SoftEnv>::CAPABILITY_WINK | CtapHid::<SoftEnv>::CAPABILITY_CBOR),
            main: MainHid::default(),
            ctap,
        })
    }

    /// Works until the power goes.
    pub(super) fn run(mut self) {
        let _fuse = Fuse { wire: Arc::clone(&self.wire), attach: self.attach };
        while let Some((report, lease)) = self.wire.next(self.attach) {
            let answers = self.process(&report);
            // The state file stays locked until the report was acted on, whoever has gone meanwhile, and no longer: who has
            // the answer and closes the key can count on its being free.
            drop(lease);
            for answer in answers {
                self.wire.broadcast(self.attach, &answer);
            }
        }
    }

    fn process(&mut self, report: &Report) -> HidPacketIterator {
        let Some(message) = self.framing.parse_packet(&mut self.env, report, false) else {
            return HidPacketIterator::none();
        };
        let answer = match message.cmd {
            CtapHidCommand::Cbor => self.request(message),
            _ => Some(self.main.process_message(&mut self.env, message, &mut self.ctap)),
        };
        answer.map_or_else(HidPacketIterator::none, CtapHid::<SoftEnv>::split_message)
    }

    /// One CTAP2 request; no answer if the key was pulled on the way.
    fn request(&mut self, mut message: Message) -> Option<Message> {
        let pull = self.wire.request(message.payload.first().copied());
        if pull == Some(Side::Before) {
            self.wire.pull_if(self.attach);
            return None;
        }
        let asked = message.payload.clone();
        let mut answer = match self.generation.request(&message.payload) {
            Request::Refuse(status) => {
                message.payload = vec![status];
                message
            }
            Request::Forward { request, answer } => {
                message.payload = request;
                self.forward(message, answer)
            }
        };
        if pull == Some(Side::After) {
            self.wire.pull_if(self.attach);
            return None;
        }
        if let Some(fault) = self.fault {
            self.locked &= !(answer.payload.first() == Some(&0) && shows_token(&asked));
            answer.payload = fault.answer(&asked, answer.payload, self.locked);
        }
        Some(answer)
    }

    fn forward(&mut self, message: Message, answer: Answer) -> Message {
        if self.generation.has_legacy_tokens() {
            if let Some(token) = &self.legacy_token
                && let Some(again) = token.rearm(&message.payload)
            {
                self.env.rng.replay(&again.drawn);
                self.ctap.process_command(&mut self.env, &again.request, Channel::MainHid(message.cid));
                self.env.rng.fresh();
            }
            self.env.rng.record();
        }
        let request = message.payload.clone();
        let mut message = self.main.process_message(&mut self.env, message, &mut self.ctap);
        if self.generation.has_legacy_tokens() {
            let drawn = self.env.rng.recorded();
            LegacyToken::follow(&mut self.legacy_token, &request, &message.payload, drawn);
        }
        match answer {
            Answer::AsItIs => {}
            Answer::GetInfo => {
                let mut random = [0; 64];
                self.env.rng.fill_bytes(&mut random);
                message.payload = self.generation.get_info(&message.payload, &random);
            }
            Answer::Members(most) => message.payload = super::generation::keep_members(&message.payload, most),
        }
        message
    }
}

/// A firmware that panics drops off the bus, so that nobody waits for it.
struct Fuse {
    wire: Arc<Wire>,
    attach: u64,
}

impl Drop for Fuse {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.wire.pull_if(self.attach);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firmware_that_panics_drops_off_the_bus() {
        let wire = Arc::new(Wire::new());
        let fuse = Fuse { wire: Arc::clone(&wire), attach: 1 };
        let firmware = std::thread::spawn(move || {
            let _fuse = fuse;
            panic!("on purpose");
        });
        assert!(firmware.join().is_err());
        assert_eq!(wire.attach(), None);
    }
}
