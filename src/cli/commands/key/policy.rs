//! `keywright key policy`: what a key enforces about PINs, user verification and enterprise attestation.
//!
//! It refuses what cannot be taken back by mistake: the minimum length only ever grows, so a smaller one is refused here.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::shared::arguments::{Change, OneKey, PinArgument};
use crate::cli::shared::open_key::{OpenKey, touch_prompt};
use crate::cli::shared::output::View;
use crate::cli::shared::{CliError, Exit, Session, pin_entry};
use keywright_fido::ctap::{Authenticator, CtapError, GetInfo, MinPinLength, Permissions};
use keywright_fido::webauthn::RpId;

/// Show or change what a key enforces.
///
/// Without a change, shows what is set. The minimum PIN length can only grow; only a reset makes it smaller again. With
/// --force-pin-change the key does nothing more until the person has chosen a new PIN, so it is done last. What was changed is
/// read back from the key.
#[derive(Args)]
#[command(
    after_long_help = "Example:\n  keywright key policy\n  keywright key policy --min-pin-length 8 --always-uv on --pin file:pin.txt"
)]
pub(crate) struct Policy {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// The fewest characters of a PIN, 4 to 63; it can only grow
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(4..=63))]
    min_pin_length: Option<u8>,
    /// Whether the key asks for the PIN at every use
    #[arg(long, value_name = "on|off")]
    always_uv: Option<Switch>,
    /// Have the person choose a new PIN before anything else
    #[arg(long)]
    force_pin_change: bool,
    /// Allow enterprise attestation; only a reset takes it back
    #[arg(long)]
    enterprise_attestation: bool,
    /// Let this RP ask for the minimum PIN length (minPinLength); those that were allowed before no longer may (repeatable)
    #[arg(long, value_name = "RPID")]
    min_pin_length_rp: Vec<RpId>,
    /// Have the key hold PINs against rules of its own; only a reset takes it back
    #[arg(long)]
    pin_complexity: bool,
    /// Have a reset take a touch of ten seconds; only a reset takes it back
    #[arg(long)]
    long_touch_for_reset: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Serialize)]
struct Enforced<'a> {
    path: &'a str,
    changed: bool,
    min_pin_length: usize,
    force_pin_change: bool,
    always_uv: Option<bool>,
    enterprise_attestation: Option<bool>,
    pin_complexity_policy: Option<bool>,
    long_touch_for_reset: Option<bool>,
}

impl View for Enforced<'_> {
    const KIND: &'static str = "key-policy";
}

impl<'a> Enforced<'a> {
    fn new(path: &'a str, changed: bool, info: &GetInfo, seen: Option<bool>) -> Self {
        Self {
            path,
            changed,
            min_pin_length: info.min_pin_length,
            force_pin_change: info.force_pin_change,
            // What was seen to hold counts more than what a key shows.
            always_uv: seen.or(info.option("alwaysUv")),
            enterprise_attestation: info.option("ep"),
            pin_complexity_policy: info.pin_complexity_policy,
            long_touch_for_reset: info.long_touch_for_reset,
        }
    }

    fn policy_text(&self) -> String {
        let switch = |value: Option<bool>| match value {
            Some(true) => "on",
            Some(false) => "off",
            None => "not supported",
        };
        format!(
            "{}\n  minimum PIN length      {} characters\n  PIN change demanded     {}\n  always asks for PIN     {}\n  enterprise attestation  {}\n  PIN rules of its own    {}\n  long touch for a reset  {}\n",
            self.path,
            self.min_pin_length,
            if self.force_pin_change { "yes" } else { "no" },
            switch(self.always_uv),
            switch(self.enterprise_attestation),
            switch(self.pin_complexity_policy),
            switch(self.long_touch_for_reset),
        )
    }
}

impl Policy {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let mut key = OpenKey::open(&self.which, session)?;
        let wanted = self.wanted();
        if wanted.is_empty() {
            return self.show(&key, false, session);
        }
        let current = key.authenticator.info().min_pin_length;
        if let Some(length) = self.min_pin_length.filter(|length| usize::from(*length) < current) {
            return Err(CliError::Usage(format!(
                "the minimum PIN length is {current} and cannot become {length}; it only grows"
            )));
        }
        self.is_possible(&key.authenticator)?;
        if self.change.dry_run {
            session.console.say(&format!("would {}", wanted.join(", ")));
            return self.show(&key, false, session);
        }
        session.console.confirm(&format!("{} on {}?", wanted.join(", "), key.device.path), self.change.yes)?;

        // Before there is a token, which the touch for it would end.
        let always_uv = match self.always_uv {
            Some(_) => key.authenticator.always_uv(None, &mut touch_prompt(session, &key.device))?,
            None => None,
        };
        let token = if key.authenticator.info().has_pin() {
            let permissions = Permissions::AUTHENTICATOR_CONFIGURATION;
            let pin = self.pin.pin.as_ref();
            Some(pin_entry::token(&mut key.authenticator, permissions, pin, self.change.yes, session)?)
        } else {
            None
        };
        if self.enterprise_attestation {
            key.authenticator.enable_enterprise_attestation(token.as_ref())?;
        }
        if let Some(wanted) = self.always_uv.map(|switch| switch == Switch::On).filter(|on| always_uv != Some(*on)) {
            let prompt = &mut touch_prompt(session, &key.device);
            key.authenticator.toggle_always_uv(token.as_ref(), wanted, None, prompt)?;
        }
        if self.long_touch_for_reset {
            key.authenticator.enable_long_touch_for_reset(token.as_ref())?;
        }
        // Last: a demanded PIN change makes the key refuse the token.
        if self.changes_pin_rules() {
            key.authenticator.set_min_pin_length(token.as_ref(), &self.pin_rules())?;
        }
        let info = key.authenticator.refresh_info()?;
        let not_done = self.not_done(info);
        self.show(&key, true, session)?;
        if !not_done.is_empty() {
            return Err(CliError::NotFound(format!(
                "the key accepted the command but did not {}",
                not_done.join(", ")
            )));
        }
        if key.authenticator.info().force_pin_change && !self.force_pin_change {
            session.console.warn("the PIN is shorter than the new minimum, so the key demands a new one");
        }
        Ok(Exit::Done)
    }

    fn pin_rules(&self) -> MinPinLength {
        MinPinLength {
            new_min_pin_length: self.min_pin_length.map(usize::from),
            rp_ids: self.min_pin_length_rp.clone(),
            force_change_pin: self.force_pin_change,
            pin_complexity_policy: self.pin_complexity,
        }
    }

    fn changes_pin_rules(&self) -> bool {
        self.pin_rules() != MinPinLength::default()
    }

    /// Whether the key has what is to be changed, before anybody gives its PIN.
    fn is_possible(&self, key: &Authenticator) -> Result<(), CtapError> {
        if self.enterprise_attestation {
            key.takes_enterprise_attestation()?;
        }
        if self.always_uv.is_some() {
            key.takes_always_uv()?;
        }
        if self.long_touch_for_reset {
            key.takes_long_touch_for_reset()?;
        }
        if self.changes_pin_rules() {
            key.takes_min_pin_length(&self.pin_rules())?;
        }
        Ok(())
    }

    fn show(&self, key: &OpenKey, changed: bool, session: &Session) -> Result<Exit, CliError> {
        let seen = self.always_uv.filter(|_| changed).map(|switch| switch == Switch::On);
        let enforced = Enforced::new(&key.device.path, changed, key.authenticator.info(), seen);
        session.output.result(&enforced, || enforced.policy_text())?;
        Ok(Exit::Done)
    }

    /// What was asked for, in words.
    fn wanted(&self) -> Vec<String> {
        let mut wanted = Vec::new();
        if self.enterprise_attestation {
            wanted.push("allow enterprise attestation".to_owned());
        }
        if let Some(switch) = self.always_uv {
            let when = if switch == Switch::On { "always" } else { "not always" };
            wanted.push(format!("{when} ask for the PIN"));
        }
        if let Some(length) = self.min_pin_length {
            wanted.push(format!("demand PINs of at least {length} characters"));
        }
        if !self.min_pin_length_rp.is_empty() {
            let rp_ids: Vec<&str> = self.min_pin_length_rp.iter().map(RpId::as_str).collect();
            wanted.push(format!("tell the minimum PIN length to {}", rp_ids.join(", ")));
        }
        if self.pin_complexity {
            wanted.push("hold PINs against rules of its own".to_owned());
        }
        if self.long_touch_for_reset {
            wanted.push("take ten seconds of touch for a reset".to_owned());
        }
        if self.force_pin_change {
            wanted.push("demand a new PIN".to_owned());
        }
        wanted
    }

    /// What was asked for and is not so, in words. `alwaysUv` was seen to hold when it was set.
    fn not_done(&self, info: &GetInfo) -> Vec<&'static str> {
        let mut not_done = Vec::new();
        if self.enterprise_attestation && info.option("ep") != Some(true) {
            not_done.push("allow enterprise attestation");
        }
        if self.min_pin_length.is_some_and(|length| info.min_pin_length != usize::from(length)) {
            not_done.push("change the minimum PIN length");
        }
        if self.pin_complexity && info.pin_complexity_policy != Some(true) {
            not_done.push("hold PINs against rules of its own");
        }
        if self.long_touch_for_reset && info.long_touch_for_reset != Some(true) {
            not_done.push("want a long touch for a reset");
        }
        if self.force_pin_change && !info.force_pin_change {
            not_done.push("demand a new PIN");
        }
        not_done
    }
}
