//! The story of a lost key: Ada's key is stolen, and she is got back in. With faults: the IdP is down, the printer jams, one key is full,
//! one has somebody's PIN, one is pulled.

use super::Stage;
use super::spoil::{self, ROOM};
use super::story::Theatre;
use crate::cli::shared::{CliError, Session};
use crate::idp::capability::{Standing, Suspension as _};
use keywright_practice::idp_server::wire::estate::OtherSignIn;
use keywright_practice::softkey::Model;

const ADA: &str = "ada@example.org";

/// Plays it.
pub(super) fn play(mut stage: Stage, faults: bool, session: &Session) -> Result<Stage, CliError> {
    let mut models = vec![Model::default(); 3];
    if faults {
        // The third is full, the fourth has somebody's PIN, the fifth is pulled. The first or the second is stolen.
        models = vec![Model::default(); 5];
        models[2] = Model { max_resident_credentials: ROOM, ..Model::default() };
        stage.print_letters_with_jams()?;
    }
    let mut at = Theatre::furnish(stage, &[(ADA, "Ada Example", &["sms"])], &models, session)?;
    if faults {
        spoil::full(at.stage(), 3)?;
        spoil::locked(at.stage(), 4)?;
    }

    at.scene(
        "Ada has two keys",
        "One on her key ring, one in the safe: so that losing one is a nuisance and no disaster.",
    );
    at.run(&["provision", &roster(&at), "--softkeys", "2", "--letters-came-out"])?.expect(&[0])?;

    at.scene(
        "Her bag is stolen, and a key with it",
        "The thief may try. Meanwhile somebody signs in as Ada by SMS: nobody knows who that was.",
    );
    at.steal(ADA, 1, "2")?;
    at.idp()?.sign_in_otherwise(&at.user(ADA)?, &OtherSignIn { method: "sms".into(), pass: None })?;
    at.run(&["status"])?.expect(&[0])?;

    at.scene(
        "The help desk looks before it acts",
        "Who asked, and how it is known who they are, has to be said. The plan is what will be done.",
    );
    let recover = [
        "recover",
        ADA,
        "--lost",
        "1",
        "--stolen",
        "--pass",
        "--asked-by",
        "Ada, by telephone",
        "--identity-proved",
        "called back; her manager vouched",
    ];
    at.run(&[&recover[..], &["--dry-run"]].concat())?.expect(&[0])?;

    if faults {
        at.scene(
            "The IdP is down",
            "The key is written down as gone all the same: it no longer counts. The rest waits.",
        );
        at.idp_goes_down();
        at.run(&[&recover[..], &["--yes"]].concat())?.expect(&[4])?;
        at.idp_comes_back()?;
        at.scene("The IdP is back, and the printer jams", "A pass that reached nobody is withdrawn.");
        at.stage().jam(true)?;
        at.run(&["resume", "--softkeys", "1"])?.expect(&[1])?;
        at.stage().jam(false)?;
        at.scene(
            "The printer prints, and the key at hand is full",
            "The account is open again; the new key is to come.",
        );
        at.run(&["resume", "--softkeys", "2", "--letters-came-out"])?.expect(&[1, 3, 5])?;
        at.scene("The next key has somebody's PIN", "Nobody says that it may be reset, so it is left alone.");
        at.run(&["resume", "--softkeys", "3", "--letters-came-out"])?.expect(&[1, 3, 5, 6])?;
        at.scene(
            "The third one is pulled out at the wrong moment",
            "That is an ordinary thing: it is plugged in again.",
        );
        let pulled = [("KEYWRIGHT_REHEARSE_PULL", "4")];
        at.run_with(&["resume", "--softkeys", "4", "--letters-came-out"], &pulled)?.expect(&[1, 3, 5])?;
        at.run(&["resume", "--softkeys", "4", "--letters-came-out"])?.expect(&[0])?;
    } else {
        at.scene(
            "The whole procedure, in one command",
            "The account is shut before anything else, and opens again when the key is gone and not before.",
        );
        at.run(&[&recover[..], &["--yes", "--softkeys", "2"]].concat())?.expect(&[0])?;
    }

    at.scene(
        "What is so now",
        "Two keys that count, one revoked; the account is open, the stranger's session is over.",
    );
    at.run(&["status"])?.expect(&[0])?;
    let (idp, ada) = (at.idp()?, at.user(ADA)?);
    let open = idp.standing(&ada)? == Standing::Active;
    let strangers = idp.sessions(&ada)?.sessions.iter().filter(|session| session.by != "passkey").count();
    at.tell(&format!(
        "at the IdP: the account is {}; sessions by SMS: {strangers}",
        if open { "open" } else { "SHUT" }
    ));
    at.scene("And anybody can check it", "Who asked, who did what, in which order: in the ledger, and it verifies.");
    at.run(&["ledger", "verify"])?.expect(&[0])?;
    if !open || strangers > 0 {
        return Err(CliError::System { what: "the story", why: "Ada is not as she should be at the IdP".to_owned() });
    }
    Ok(at.end())
}

fn roster(at: &Theatre<'_>) -> String {
    at.stage().roster().display().to_string()
}
