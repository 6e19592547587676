//! A profile as a person who decides reads it, and as programs do.

use serde::Serialize;

use crate::cli::shared::output::{View, count, table};
use crate::profile::{HandOver, Profile, ProfileName, Reset, built_in};
use crate::secret::PinAlphabet;
use keywright_attest::{AttestationDemand, Certification, Firmware, ModelStatus};
use keywright_fido::webauthn::Aaguid;

/// What a class of accounts demands.
#[derive(Serialize)]
pub(crate) struct ProfileView<'a> {
    name: &'a ProfileName,
    description: &'a str,
    /// Whether it is as it comes with keywright.
    built_in: bool,
    keys_required: usize,
    /// By AAGUID; empty, with `model_names`, for any.
    models: &'a [Aaguid],
    model_names: &'a [String],
    attestation: AttestationDemand,
    minimum_certification: Option<Certification>,
    minimum_firmware: Option<Firmware>,
    refuse_statuses: &'a [ModelStatus],
    /// Certificates that attestations may lead to besides FIDO's.
    anchors: usize,
    reset: Reset,
    always_uv: bool,
    cred_protect: u8,
    pin_length: usize,
    pin_alphabet: PinAlphabet,
    pin_minimum_on_key: usize,
    pin_force_change: bool,
    pin_complexity_on_key: bool,
    pin_minimum_signed: bool,
    long_touch_for_reset: bool,
    hand_over: HandOver,
    label: String,
    drill_interval_days: Option<u32>,
    /// What the key in hand lacks for it, as far as it says of itself; absent where none was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_lacks: Option<Vec<String>>,
}

impl View for ProfileView<'_> {
    const KIND: &'static str = "profile";
}

impl<'a> ProfileView<'a> {
    /// The profile, without a key.
    pub(crate) fn new(profile: &'a Profile) -> Self {
        let Profile { name, description, keys, pin, label, hand_over, drill_interval_days } = profile;
        Self {
            name,
            description,
            built_in: built_in().get(name) == Some(profile),
            keys_required: keys.required,
            models: &keys.models,
            model_names: &keys.model_names,
            attestation: keys.attestation,
            minimum_certification: keys.minimum_certification,
            minimum_firmware: keys.minimum_firmware,
            refuse_statuses: &keys.refuse_statuses,
            anchors: keys.anchors.len(),
            reset: keys.reset,
            always_uv: keys.always_uv,
            cred_protect: keys.cred_protect,
            pin_length: pin.length,
            pin_alphabet: pin.alphabet,
            pin_minimum_on_key: pin.minimum_on_key,
            pin_force_change: pin.force_change,
            pin_complexity_on_key: pin.complexity_on_key,
            pin_minimum_signed: pin.minimum_signed,
            long_touch_for_reset: keys.long_touch_for_reset,
            hand_over: *hand_over,
            label: label.to_string(),
            drill_interval_days: *drill_interval_days,
            key_lacks: None,
        }
    }

    /// The same, held against a key.
    pub(crate) fn with_key(self, lacks: Vec<String>) -> Self {
        Self { key_lacks: Some(lacks), ..self }
    }

    /// The first line of [`overview`], and one for this profile.
    const HEADING: [&'static str; 6] = ["PROFILE", "KEYS", "USED KEYS", "PIN", "HANDED OVER", "DRILL"];

    fn row(&self) -> [String; 6] {
        let used = match self.reset {
            Reset::Never => "refused",
            Reset::IfUsed => "reset if agreed",
            Reset::Always => "always reset",
        };
        let alphabet = match self.pin_alphabet {
            PinAlphabet::Digits => "digits",
            PinAlphabet::Unambiguous => "characters",
        };
        let drill = self.drill_interval_days.map_or_else(|| "-".to_owned(), |days| format!("{days} days"));
        [
            self.name.to_string(),
            self.keys_required.to_string(),
            used.to_owned(),
            format!("{} {alphabet}", self.pin_length),
            self.hand_over_words().0.to_owned(),
            drill,
        ]
    }

    /// In a word or two, and in a sentence.
    fn hand_over_words(&self) -> (&'static str, &'static str) {
        match self.hand_over {
            HandOver::Age => ("age file", "as a file that only its reader can open (age)"),
            HandOver::Letter => ("letter", "in a printed letter"),
            HandOver::Terminal => ("terminal", "shown once on the terminal"),
        }
    }

    /// Every demand, a line each, for somebody who has to agree to it.
    pub(crate) fn in_full(&self) -> String {
        let mut rows: Vec<[String; 2]> = vec![["keys for each person".to_owned(), self.keys_required.to_string()]];
        let mut row = |name: &str, value: String| rows.push([name.to_owned(), value]);
        row("models", self.models_in_words());
        row("attestation", attestation_in_words(self.attestation).to_owned());
        if self.anchors > 0 {
            row("", format!("or to {}", count(self.anchors, "certificate that it pins", "certificates that it pins")));
        }
        if let Some(level) = self.minimum_certification {
            row("certified by FIDO", format!("{level} at least"));
        }
        if let Some(firmware) = self.minimum_firmware {
            row("firmware", format!("{firmware} at least"));
        }
        if !self.refuse_statuses.is_empty() {
            let statuses: Vec<_> = self.refuse_statuses.iter().map(ToString::to_string).collect();
            row("models refused", format!("those that FIDO reports as {}", statuses.join(", ")));
        }
        row(
            "a key with a PIN",
            match self.reset {
                Reset::Never => "is refused: only keys from an unopened package",
                Reset::IfUsed => "is reset after somebody agreed",
                Reset::Always => "is reset, as every key is",
            }
            .to_owned(),
        );
        let alphabet = match self.pin_alphabet {
            PinAlphabet::Digits => "digits",
            PinAlphabet::Unambiguous => "letters and digits that cannot be mistaken for each other",
        };
        row("PIN", format!("{} {alphabet}", self.pin_length));
        row("shortest PIN on the key", format!("{} characters", self.pin_minimum_on_key));
        row("PIN at first use", if self.pin_force_change { "has to be changed" } else { "stays as it is" }.to_owned());
        if self.pin_complexity_on_key {
            row("PINs that the person chooses", "have to keep to the rules of the key's maker".to_owned());
        }
        if self.pin_minimum_signed {
            row("shortest PIN, signed", "by the key, with the registration".to_owned());
        }
        if self.long_touch_for_reset {
            row("a reset", "takes a touch of ten seconds".to_owned());
        }
        row("PIN asked", if self.always_uv { "at every use, at every site" } else { "where the site asks" }.to_owned());
        row("PIN handed over", self.hand_over_words().1.to_owned());
        let drill = |days| format!("every {days} days: does it still work?");
        row("drill", self.drill_interval_days.map_or_else(|| "none: the key is used daily".to_owned(), drill));
        row("credential protection", format!("level {}", self.cred_protect));
        row("label at the IdP", self.label.clone());
        let from = if self.built_in { "built in" } else { "your own" };
        let mut text = format!("{} ({from}): {}\n\n{}", self.name, self.description, table(&rows));
        if let Some(lacks) = &self.key_lacks {
            match lacks.as_slice() {
                [] => text.push_str(
                    "\nThe key meets it, as far as a key says of itself; its attestation is another matter.\n",
                ),
                lacks => {
                    text.push_str("\nThe key does not meet it:\n");
                    lacks.iter().for_each(|lack| text.push_str(&format!("  {lack}\n")));
                }
            }
        }
        text
    }

    fn models_in_words(&self) -> String {
        let aaguids = self.models.iter().map(ToString::to_string);
        let named: Vec<String> = self.model_names.iter().cloned().chain(aaguids).collect();
        match named.as_slice() {
            [] => "any".to_owned(),
            _ => named.join(", "),
        }
    }
}

fn attestation_in_words(demand: AttestationDemand) -> &'static str {
    match demand {
        AttestationDemand::None => "not demanded; what the key shows is kept",
        AttestationDemand::Statement => "a valid statement, also one that proves no model",
        AttestationDemand::Trusted => "leads to a root of FIDO's metadata",
        AttestationDemand::Enterprise => "leads to a root of FIDO's metadata, and names the single key",
    }
}

/// A table of profiles, a line each.
pub(crate) fn overview(profiles: &[ProfileView<'_>]) -> String {
    let heading = ProfileView::HEADING.map(ToOwned::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(heading).chain(profiles.iter().map(ProfileView::row)).collect();
    table(&rows)
}
