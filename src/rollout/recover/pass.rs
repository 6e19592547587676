//! The temporary pass: made at the IdP, and handed over as the account's PINs are.
//!
//! It refuses to leave a pass behind that nobody got: it is withdrawn, and the next one is another.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use super::StepError;
use crate::idp::User;
use crate::idp::capability::{Pass, TemporaryPass, Usable, WantedPass};
use crate::ledger::rollout::RecoveryResult;
use crate::profile::{HandOver, Profile};
use crate::provision::Station;
use crate::secret::{AgeFiles, LetterProgram, PassNote, SecretError};

/// Whose pass it is.
pub(super) struct PassFor<'a> {
    pub(super) user: &'a User,
    pub(super) person: &'a str,
    pub(super) profile: &'a Profile,
    pub(super) minutes: u32,
}

/// Makes a pass and hands it over.
pub(super) fn give(
    station: &Station<'_>,
    passes: &dyn TemporaryPass,
    whose: &PassFor<'_>,
) -> Result<RecoveryResult, StepError> {
    let wanted = WantedPass { lifetime: Duration::from_secs(60 * u64::from(whose.minutes)), once: true };
    let pass = station.retry_policy.send(&station.cancel, || passes.issue(whose.user, wanted))?;
    if let Usable::No { why } = &pass.usable {
        withdraw(station, passes, whose.user, &pass.id)?;
        return Ok(RecoveryResult::Refused { why: format!("it gave out a pass that does not work: {why}") });
    }
    match hand_over(station, passes.limits(), whose, &pass) {
        Ok((how, readers)) => {
            let until = pass.until.and_then(|until| until.format(&Rfc3339).ok());
            Ok(RecoveryResult::PassGiven { pass: pass.id, until, how, readers })
        }
        Err(error) => {
            withdraw(station, passes, whose.user, &pass.id)?;
            Err(error)
        }
    }
}

/// Takes a pass back; one that is gone already too.
pub(super) fn withdraw(
    station: &Station<'_>,
    passes: &dyn TemporaryPass,
    user: &User,
    pass: &str,
) -> Result<(), StepError> {
    Ok(station.retry_policy.ask(&station.cancel, || passes.withdraw(user, pass))?)
}

fn hand_over(
    station: &Station<'_>,
    limits: &'static str,
    whose: &PassFor<'_>,
    pass: &Pass,
) -> Result<(HandOver, Vec<String>), StepError> {
    let how = whose.profile.hand_over;
    let note = PassNote {
        account: whose.user.login.clone(),
        person: whose.person.to_owned(),
        until: pass.until.and_then(|until| until.format(&Rfc3339).ok()),
        limits,
    };
    let readers = match how {
        HandOver::Age => {
            let files = AgeFiles::new(&station.hand_over_folder, station.readers).map_err(StepError::HandOver)?;
            files.write_pass(&note, &pass.secret).map_err(StepError::HandOver)?;
            files.readers().iter().map(|reader| reader.name.clone()).collect()
        }
        HandOver::Letter => {
            let printed =
                LetterProgram::new(&station.letter_program).and_then(|program| program.print_pass(&note, &pass.secret));
            if let Err(error) = printed {
                error.child_words().iter().for_each(|words| station.operator.tell(words));
                return Err(StepError::HandOver(error));
            }
            if !station.operator.letters_came_out(1) {
                return Err(StepError::NotOutOfThePrinter);
            }
            Vec::new()
        }
        HandOver::Terminal if station.operator.can_show_pin() => {
            station.operator.show_pass(&note, &pass.secret).map_err(StepError::HandOver)?;
            Vec::new()
        }
        HandOver::Terminal => return Err(StepError::HandOver(SecretError::NoTerminal)),
    };
    Ok((how, readers))
}
