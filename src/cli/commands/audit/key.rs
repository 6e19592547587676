//! `keywright audit key`: everything that can be found out about the key in the slot.

use clap::Args;
use serde::Serialize;

use crate::audit::key::{attest, shown_of_ledger};
use crate::audit::{Contradiction, Registration};
use crate::cli::shared::arguments::{OneKey, PinArgument};
use crate::cli::shared::judging::{JudgedBy, JudgingProfile, Set};
use crate::cli::shared::model_name::ModelNames;
use crate::cli::shared::open_key::{OpenKey, touch_prompt};
use crate::cli::shared::output::{View, count};
use crate::cli::shared::{CliError, Exit, Session, pin_entry};
use crate::cli::view::get_info::{self, KeyInfo};
use crate::cli::view::key_credential::{self, Line};
use crate::cli::view::ledger_credential::LedgerCredential;
use crate::provision::credential_on_key::Shown;
use crate::provision::pin_attempts;
use crate::register::Register;
use crate::secret::SystemEntropy;
use keywright_attest::{Anchors, Exposure, Policy, Verdict};
use keywright_fido::ctap::{
    Authenticator, EnterpriseAttestation, GetInfo, Permissions, Pin, PinUvAuthToken, StatusMeaning,
};
use keywright_fido::webauthn::{Aaguid, CredentialId, RpId};
use keywright_files::shown;

/// Find out everything about one key: what it is, whether it is genuine, and whose.
///
/// The key makes a temporary credential, with a touch, to show its attestation; nothing of it stays on the key. The attestation
/// is judged by FIDO metadata and by the roots that you name, and with --profile by its demands. Without --pin the key's
/// credentials are not listed, and a key that makes no credential without its PIN shows no attestation. The ledger's
/// credentials are looked for without a PIN.
///
/// Ends with 0, or 7 if the profile refuses the key, or 6 if the key showed no attestation without its PIN.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  keywright audit key
  keywright audit key --key 1-2.3 --pin prompt --profile admin
  keywright audit key --softkeys 1 --enterprise --json")]
pub(crate) struct Key {
    #[command(flatten)]
    which: OneKey,
    #[command(flatten)]
    pin: PinArgument,
    /// Ask for an enterprise attestation, which names the single key
    #[arg(long)]
    enterprise: bool,
    #[command(flatten)]
    judging: JudgedBy,
    #[command(flatten)]
    profile: JudgingProfile,
    /// Spend one of the key's last PIN attempts without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Audited<'a> {
    path: &'a str,
    product: &'a str,
    serial: Option<&'a str>,
    pin: PinState,
    attestation: Option<Attestation>,
    /// `null` without the PIN, and on a key that does not list them.
    credentials: Option<Vec<Line>>,
    /// `null` where there is no ledger.
    ledger: Option<InLedger>,
    info: &'a GetInfo,
}

impl View for Audited<'_> {
    const KIND: &'static str = "key-audit";
}

#[derive(Serialize)]
struct PinState {
    set: bool,
    retries: Option<u32>,
    power_cycle_needed: Option<bool>,
    force_pin_change: bool,
    min_pin_length: usize,
}

#[derive(Serialize)]
struct Attestation {
    /// `null` without a profile.
    accepted: Option<bool>,
    refusals: Vec<String>,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Serialize)]
struct InLedger {
    known: bool,
    /// Those that the key answered for, by name or by all appearances.
    credentials: Vec<LedgerCredential>,
    /// Why it does not tell of the others.
    cannot_tell: Option<String>,
    /// Those whose attestation had this key's serial number, and that the key did not answer for.
    same_serial: Vec<LedgerCredential>,
}

impl Key {
    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit, CliError> {
        let policy = self.profile.policy(session)?;
        let register = session.register_if_any()?;
        let OpenKey { keys, device, mut authenticator } = OpenKey::open(&self.which, session)?;
        let makers = match keys.soft_anchor_pem() {
            Some(pem) => Anchors::from_pem_or_der(pem.as_bytes())?,
            None => Anchors::none(),
        };
        let set = self.judging.set(makers, session)?;
        let key = &mut authenticator;

        let pin = match &self.pin.pin {
            Some(source) => Some(pin_entry::for_tokens(key, Some(source), self.yes, session)?),
            None => None,
        };
        let of_ledger = register.as_ref().map(|register| shown_of_ledger(key, register)).transpose()?;
        let made = self.attestation(key, pin.as_ref(), &mut touch_prompt(session, &device))?;
        let attestation =
            made.map(|made| judge(&made, key.info().aaguid, &set, policy.as_ref().map(|(_, policy)| policy)));
        let credentials = match &pin {
            Some(pin) if key.info().manages_credentials() => {
                let token = pin_attempts::token(key, pin, Permissions::CREDENTIAL_MANAGEMENT, None)?;
                Some(key_credential::on_key(&device.path, key, &token)?)
            }
            _ => None,
        };
        let retries = if key.info().has_pin() { Some(key.pin_retries()?) } else { None };

        let info = key.info();
        let serial = attestation.as_ref().and_then(|attestation| attestation.verdict.serial.as_deref());
        let audited = Audited {
            path: &device.path,
            product: &device.product,
            serial: device.serial.as_deref(),
            pin: PinState {
                set: info.has_pin(),
                retries: retries.map(|retries| retries.retries),
                power_cycle_needed: retries.and_then(|retries| retries.power_cycle_state),
                force_pin_change: info.force_pin_change,
                min_pin_length: info.min_pin_length,
            },
            ledger: register
                .as_ref()
                .zip(of_ledger)
                .map(|(register, shown)| in_ledger(register, shown, info.aaguid, serial)),
            attestation,
            credentials,
            info,
        };
        let model = ModelNames::read(session).of(info.aaguid);
        session.output.result(&audited, || {
            format!(
                "{}{}",
                get_info::key_info_text(&KeyInfo {
                    path: &device.path,
                    product: &device.product,
                    model: model.clone(),
                    info
                }),
                audited.key_audit_text()
            )
        })?;
        Ok(match &audited.attestation {
            None => Exit::Pin,
            Some(Attestation { accepted: Some(false), .. }) => Exit::Attestation,
            Some(_) => Exit::Done,
        })
    }

    /// What the key attests; `None` if it does not without its PIN, and the PIN was not given.
    fn attestation(
        &self,
        key: &mut Authenticator,
        pin: Option<&Pin>,
        touch: keywright_fido::ctap::Touch<'_>,
    ) -> Result<Option<Registration>, CliError> {
        let enterprise = self.enterprise.then_some(EnterpriseAttestation::PlatformManaged);
        let token: Option<PinUvAuthToken> = match pin {
            Some(pin) => Some(pin_attempts::token(key, pin, Permissions::MAKE_CREDENTIAL, Some(&RpId::PROBE))?),
            None => None,
        };
        match attest(key, enterprise, token.as_ref(), &SystemEntropy, touch) {
            Ok(made) => Ok(Some(made)),
            Err(error) if pin.is_none() && error.means(StatusMeaning::PinRequired) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn judge(made: &Registration, claimed: Aaguid, set: &Set, policy: Option<&Policy>) -> Attestation {
    let verdict = made.judge(&set.judge, set.at);
    let attested = made.attestation.auth_data.attested_credential_data.as_ref().map(|data| data.aaguid);
    let contradiction = attested
        .filter(|attested| *attested != claimed)
        .map(|attested| Contradiction::Model { claimed, attested }.to_string());
    let refused = policy.and_then(|policy| policy.accept(&verdict).err()).unwrap_or_default();
    let refusals: Vec<String> = contradiction.into_iter().chain(refused.iter().map(ToString::to_string)).collect();
    Attestation { accepted: policy.map(|_| refusals.is_empty()), refusals, verdict }
}

fn in_ledger(register: &Register, shown: Shown, aaguid: Aaguid, serial: Option<&str>) -> InLedger {
    let ids: Vec<CredentialId> = shown.has.into_iter().chain(shown.perhaps).collect();
    let same_serial = serial.into_iter().flat_map(|serial| register.credentials_on_key(aaguid, serial));
    let others = same_serial.filter(|(id, _)| !ids.contains(id));
    let others: Vec<CredentialId> = others.map(|(id, _)| id.clone()).collect();
    let (credentials, same_serial) = (LedgerCredential::all(&ids, register), LedgerCredential::all(&others, register));
    let known = !(credentials.is_empty() && same_serial.is_empty());
    InLedger { known, credentials, cannot_tell: shown.cannot_tell.map(|error| error.to_string()), same_serial }
}

impl Audited<'_> {
    /// What getInfo does not say.
    fn key_audit_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<24}{}\n", shown::one_line(&value)));
        if let Some(retries) = self.pin.retries {
            let replug = if self.pin.power_cycle_needed == Some(true) { ", after the key was replugged" } else { "" };
            line("PIN attempts left", format!("{retries}{replug}"));
        }
        match &self.attestation {
            None if self.pin.force_pin_change => {
                line("attestation", "not shown before the key has the new PIN that it demands".into());
            }
            None => line("attestation", "not shown without the PIN; repeat with --pin prompt".into()),
            Some(Attestation { accepted, refusals, verdict }) => {
                line("attestation", attestation_in_words(verdict));
                line(
                    "  model",
                    verdict.model.clone().unwrap_or_else(|| "not in the metadata, or there is none".into()),
                );
                if let Some(subject) = &verdict.subject {
                    line("  certificate", subject.clone());
                }
                if let Some(firmware) = verdict.firmware {
                    line("  firmware", firmware.to_string());
                }
                if let Some(serial) = &verdict.serial {
                    line("  serial number", serial.clone());
                }
                if let Some(certification) = verdict.certification {
                    line("  certification", certification.to_string());
                }
                for report in &verdict.status_reports {
                    line("  reported", format!("{} {}", report.status, report.effective_date.as_deref().unwrap_or("")));
                }
                for advice in &verdict.advisories {
                    let exposure = match advice.exposure {
                        Exposure::Affected => "this key has it",
                        Exposure::Presumed => "this key is taken to have it",
                        Exposure::Unknown => "whether this key has it is not known",
                    };
                    line("  advisory", format!("{} ({exposure}): {} {}", advice.id, advice.summary, advice.link));
                }
                for reason in &verdict.reasons {
                    line("  because", reason.clone());
                }
                match accepted {
                    Some(true) => line("  for the profile", "accepted".into()),
                    Some(false) => line("  for the profile", "refused".into()),
                    None => {}
                }
                for refusal in refusals {
                    line("  refused", refusal.clone());
                }
            }
        }
        match &self.ledger {
            None => line("ledger", "there is none".into()),
            Some(InLedger { known: false, cannot_tell: Some(why), .. }) => {
                line("ledger", format!("cannot tell: {why}"))
            }
            Some(InLedger { known: false, .. }) => line("ledger", "does not know this key".into()),
            Some(ledger) => {
                for owned in &ledger.credentials {
                    line("ledger", owned.owner_text());
                }
                for owned in &ledger.same_serial {
                    line("ledger, by its serial", owned.owner_text());
                }
            }
        }
        match &self.credentials {
            None => line("credentials", "not listed: needs the PIN, and a key that manages credentials".into()),
            Some(credentials) => {
                line("credentials", count(credentials.len(), "credential", "credentials"));
                if !credentials.is_empty() {
                    let table = key_credential::credential_table(credentials);
                    table.lines().for_each(|row| text.push_str(&format!("    {row}\n")));
                }
            }
        }
        text
    }
}

fn attestation_in_words(verdict: &Verdict) -> String {
    use keywright_attest::{Chain, Statement};

    let statement = match verdict.statement {
        Statement::Valid => "valid",
        Statement::Invalid => "INVALID",
        Statement::SelfSigned => "signed by the credential itself, which proves no model",
        Statement::None => "none",
        Statement::Unverified => "not verified",
    };
    let chain = match verdict.chain {
        Chain::Trusted => "the chain is trusted",
        Chain::Untrusted => "the chain leads to no trusted root",
        Chain::Expired => "the chain is out of date",
        Chain::UnknownModel => "no root of this model is known",
        Chain::NotChecked => "the chain was not checked",
    };
    let enterprise = if verdict.enterprise { ", enterprise" } else { "" };
    format!("{} ({}{enterprise}), {chain}", statement, verdict.fmt)
}
