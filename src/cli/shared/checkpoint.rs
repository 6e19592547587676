//! The checkpoint that a command ends with, and what is remembered outside the state folder.
//!
//! It refuses to sign for a ledger that is not the one that is remembered.

use std::path::PathBuf;

use crate::audit::export;
use crate::cli::shared::outside::Missing;
use crate::cli::shared::{CliError, Session};
use crate::ledger::{Checkpoint, Checkpoints, Kept, Memory, Mismatch, Stamped, StationKey};
use crate::register::Register;
use keywright_files::base_folder;

/// A checkpoint that was made, and who signed it.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// As it is kept.
    pub(crate) kept: Kept,
    /// The station, for people.
    pub(crate) station: String,
    /// The operator's security key that signed it, by its name in the settings.
    pub(crate) security_key: Option<String>,
    /// Witnesses that cosigned it when they were asked.
    pub(crate) cosigned: Vec<String>,
    /// What time-stamping servers said when they were asked.
    pub(crate) time_stamps: Vec<Stamped>,
    /// Who was asked, and did not sign.
    pub(crate) missing: Vec<Missing>,
}

impl Session {
    /// The checkpoints beside the ledger.
    pub(crate) fn checkpoints(&self) -> Result<Checkpoints, CliError> {
        Ok(Checkpoints::new(match &self.global.from {
            Some(exported) => exported.join(export::CHECKPOINTS),
            None => self.state()?.path().join("checkpoints"),
        }))
    }

    /// Where the newest checkpoint is remembered. `None` for practice, and without a home folder.
    pub(crate) fn memory(&self) -> Result<Option<Memory>, CliError> {
        if !self.remembers {
            return Ok(None);
        }
        let standard = || base_folder("XDG_CONFIG_HOME", ".config").map(|base| base.join("keywright/checkpoints"));
        let folder: Option<PathBuf> = self.settings()?.checkpoints.memory.or_else(standard);
        Ok(folder.map(|folder| Memory::new(folder, &self.state().map(|state| state.ledger()).unwrap_or_default())))
    }

    /// How the ledger is not the one that this station remembers, if it is not.
    pub(crate) fn mismatch(&self) -> Result<Option<Mismatch>, CliError> {
        let Some(memory) = self.memory()? else { return Ok(None) };
        let store = self.ledger_if_any()?;
        Ok(memory.compare(store.as_deref())?)
    }

    /// Signs where the ledger ends now, keeps that, and remembers it. `None` if there is no ledger yet, or no key to sign with.
    /// Costs nothing new if the ledger ends where it did before.
    pub(crate) fn checkpoint(&self) -> Result<Option<Signed>, CliError> {
        self.refuse_export()?;
        let state = self.state()?;
        let Some(store) = self.ledger_if_any()? else { return Ok(None) };
        let Some(key) = StationKey::read(&state.station_key())? else { return Ok(None) };
        self.sign(&Register::of(&*store)?, &key)
    }

    /// The same of a ledger that was read already, to its end.
    pub(crate) fn checkpoint_of(&self, register: &Register) -> Result<Option<Signed>, CliError> {
        match StationKey::read(&self.state()?.station_key())? {
            // An exported folder may be another station's.
            Some(key) if self.global.from.is_none() => self.sign(register, &key),
            _ => Ok(None),
        }
    }

    fn sign(&self, register: &Register, key: &StationKey) -> Result<Option<Signed>, CliError> {
        if register.head.seq == 0 {
            return Ok(None);
        }
        let checkpoint = Checkpoint::new(&register.id, &register.tree);
        let note = checkpoint.signed(key);
        let kept = self.checkpoints()?.keep(checkpoint, note)?;
        if let Some(memory) = self.memory()?
            && let Err(error) = memory.remember(&register.head, &kept.note)
        {
            self.console.warn(&format!("the checkpoint is not remembered outside the state folder: {error}"));
        }
        let station = key.fingerprint();
        Ok(Some(Signed {
            kept,
            station,
            security_key: None,
            cosigned: Vec::new(),
            time_stamps: Vec::new(),
            missing: Vec::new(),
        }))
    }

    /// After a command that opened the ledger for writing: whatever it wrote is under a checkpoint.
    pub(crate) fn end_with_checkpoint(&self) -> Result<(), CliError> {
        if self.wrote.load(std::sync::atomic::Ordering::SeqCst) { self.checkpoint().map(|_| ()) } else { Ok(()) }
    }

    /// Says which checkpoint a batch, drill or audit ended with.
    pub(crate) fn tell_checkpoint(&self, signed: &Signed) {
        let Signed { kept, station, security_key, cosigned, time_stamps, .. } = signed;
        self.console.say(&format!("checkpoint {}, signed by station {station}", kept.checkpoint));
        if let Some(name) = security_key {
            self.console.say(&format!("signed by security key {name}"));
        }
        for name in cosigned {
            self.console.say(&format!("cosigned by {name}"));
        }
        for stamped in time_stamps {
            self.console.say(&format!("time-stamped by {} at {}", stamped.by, stamped.time()));
        }
    }
}
