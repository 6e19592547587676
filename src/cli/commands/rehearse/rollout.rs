//! The story of a roll-out: who signs in with what, keys for everybody, accounts for emergencies, the way back rehearsed, and only then
//! the weak methods go.

use super::Stage;
use super::spoil::{self, ROOM};
use super::story::Theatre;
use crate::cli::shared::state::write_private;
use crate::cli::shared::{CliError, Session};
use crate::idp::capability::SignInMethods as _;
use keywright_practice::idp_server::wire::estate::{Hold, OtherSignIn, Policy};
use keywright_practice::softkey::Model;

/// Keys for five accounts with two each, and one more for the rehearsal. With faults that one is full; the next has somebody's PIN, and the
/// last is pulled.
const KEYS: &str = "11";
const LOCKED: &str = "12";
const PULLED: &str = "13";

const GROUP: &str = "admins";
const POLICY: &str = "keys only";
const TEST: &str = "test-1@example.org";

const PLAN: &str = r#"# Made by 'keywright rehearse'.
idp = "rehearsal"

[[group]]
name = "admins"
group = "admins"
factor = "hardware-keys"
profile = "admin"
wave = "1"
supporter = "helpdesk@example.org"

[[path]]
name = "VPN"
owner = "network team"
factor = "hardware-keys"
decision = "covered"
"#;

/// Plays it.
pub(super) fn play(mut stage: Stage, faults: bool, session: &Session) -> Result<Stage, CliError> {
    let people: [(&str, &str, &[&str]); 5] = [
        ("ada@example.org", "Ada Example", &["sms", "totp"]),
        ("bo@example.org", "Bo Example", &["sms", "email"]),
        (TEST, "Test One", &["sms"]),
        ("bg1@example.org", "Emergency One", &[]),
        ("bg2@example.org", "Emergency Two", &[]),
    ];
    write_private(&stage.folder.join("rollout.toml"), PLAN.as_bytes())?;
    let mut models = vec![Model::default(); 11];
    if faults {
        models[10] = Model { max_resident_credentials: ROOM, ..Model::default() };
        models.extend([Model::default(); 2]);
        stage.print_letters_with_jams()?;
    }
    let mut at = Theatre::furnish(stage, &people, &models, session)?;
    if faults {
        spoil::full(at.stage(), 11)?;
        spoil::locked(at.stage(), 12)?;
    }
    set_up(&at)?;

    at.scene("Who signs in with what?", "Roll-outs fail on what nobody saw. So look first: nothing is changed by it.");
    at.run(&["inventory", "--group", GROUP])?.expect(&[0, 3])?;
    at.scene("Can it be enforced?", "Not yet, and each reason has what mends it.");
    at.run(&["ready", "--wave", "1"])?.expect(&[3])?;
    at.tell("A try all the same is stopped before anything is touched:");
    at.run(&["enforce", "--wave", "1", "--yes"])?.expect(&[3])?;

    at.scene(
        "Keys for everybody",
        "Two each: one to lose. The accounts for emergencies get theirs by a profile of their own.",
    );
    at.run(&["provision", &roster(&at), "--softkeys", "10", "--letters-came-out"])?.expect(&[0])?;

    at.scene("Accounts for emergencies", "Sealed bags, two places, and two people who try each account every 90 days.");
    for (account, place, bag, new_bag) in [
        ("bg1@example.org", "safe in Linz", "004711", "004713"),
        ("bg2@example.org", "safe in Graz", "004712", "004714"),
    ] {
        let add = ["breakglass", "add", account, "--key", "1", "--place", place, "--bag", bag];
        at.run(&[&add[..], &["--may-open", "Ada Example", "--may-open", "Bo Example", "--yes"]].concat())?
            .expect(&[0])?;
        let (pin, key) = (at.pin(account, 1)?, at.key_path(account, 1, "10")?);
        let drill = ["breakglass", "drill", account, "--by", "Ada Example", "--by", "Bo Example", "--new-bag", new_bag];
        let drilled = at.run(&[&drill[..], &["--softkeys", "10", "--key", &key, "--pin", &pin]].concat())?;
        at.forget_pin()?;
        drilled.expect(&[0])?;
    }
    at.run(&["breakglass", "status", "--group", GROUP])?.expect(&[0])?;

    at.scene("The way back, before it is needed", "A test account of the group loses a key, and gets back in.");
    let rehearse = ["recover", TEST, "--rehearse", "--group", GROUP, "--yes"];
    if faults {
        at.tell("The IdP is down: the rehearsal does not begin, and nothing is changed.");
        at.idp_goes_down();
        at.run(&[&rehearse[..], &["--softkeys", KEYS]].concat())?.expect(&[4])?;
        at.idp_comes_back()?;
        at.tell("The printer jams: a pass that reached nobody is withdrawn.");
        at.stage().jam(true)?;
        at.run(&[&rehearse[..], &["--softkeys", KEYS]].concat())?.expect(&[1])?;
        at.stage().jam(false)?;
        at.tell("It prints, and the key at hand is full.");
        // The lost key is among them too: it has a PIN that nobody may reset.
        at.run(&["resume", "--softkeys", KEYS, "--letters-came-out"])?.expect(&[1, 3, 5, 6])?;
        at.tell("The next one has somebody's PIN, and nobody says that it may be reset.");
        at.run(&["resume", "--softkeys", LOCKED, "--letters-came-out"])?.expect(&[1, 3, 5, 6])?;
        at.tell("The third one is pulled out at the wrong moment, and plugged in again.");
        let pulled = [("KEYWRIGHT_REHEARSE_PULL", PULLED)];
        at.run_with(&["resume", "--softkeys", PULLED, "--letters-came-out"], &pulled)?.expect(&[1, 3, 5, 6])?;
        at.run(&["resume", "--softkeys", PULLED, "--letters-came-out"])?.expect(&[0])?;
    } else {
        at.run(&[&rehearse[..], &["--softkeys", KEYS]].concat())?.expect(&[0])?;
    }

    at.scene("Can it be enforced now?", "Yes: this is the page for the meeting where it is decided.");
    at.run(&["ready", "--wave", "1"])?.expect(&[0])?;
    at.run(&["enforce", "--wave", "1", "--dry-run"])?.expect(&[0])?;

    at.scene(
        "The switch, and then the weak methods",
        "The policy comes first, because people would register weak methods again. A person sets it in the IdP's console.",
    );
    let strict = Policy { group: Some(GROUP.to_owned()), enforced: true, admits: Vec::new() };
    at.idp()?.set_policy(POLICY, Some(&strict))?;
    at.tell(&format!("policy \"{POLICY}\": switched on for {GROUP}"));
    if faults {
        at.tell("The IdP is down: nothing is removed.");
        at.idp_goes_down();
        at.run(&["enforce", "--wave", "1", "--yes"])?.expect(&[4])?;
        at.idp_comes_back()?;
    }
    at.run(&["enforce", "--wave", "1", "--yes"])?.expect(&[0])?;

    at.scene("Does SMS still open the door?", "That is what it was all for.");
    let (idp, ada) = (at.idp()?, at.user("ada@example.org")?);
    let refused = idp.sign_in_otherwise(&ada, &OtherSignIn { method: "sms".into(), pass: None }).is_err();
    let weak = idp.methods(&ada)?.found.iter().filter(|method| method.is_weak()).count();
    at.tell(if refused { "signing in as Ada by SMS: refused" } else { "signing in as Ada by SMS: it OPENED" });

    at.scene("If somebody has to be helped back", "What was removed is kept, without its secret.");
    at.run(&["enforce", "--removed", "ada@example.org"])?.expect(&[0])?;
    at.scene("From now on", "A timer looks for what comes back: a weak method, an unknown key, a drill that is due.");
    at.run(&["watch"])?.expect(&[0, 3])?;
    at.run(&["ledger", "verify"])?.expect(&[0])?;
    if !refused || weak > 0 {
        return Err(CliError::System { what: "the story", why: "a weak method is left".to_owned() });
    }
    Ok(at.end())
}

/// What the IdP's administrator did long ago, or did for this.
fn set_up(at: &Theatre<'_>) -> Result<(), CliError> {
    let idp = at.idp()?;
    for login in ["ada@example.org", "bo@example.org", TEST] {
        idp.set_member(GROUP, &at.user(login)?, true)?;
    }
    idp.set_role(&at.user("ada@example.org")?, "Global Administrator", Some(Hold::Active))?;
    let prepared = Policy { group: Some(GROUP.to_owned()), enforced: false, admits: Vec::new() };
    idp.set_policy(POLICY, Some(&prepared))?;
    at.stage().write_roster(&[
        ("ada@example.org", "admin", "1"),
        ("bo@example.org", "admin", "1"),
        (TEST, "admin", "1"),
        ("bg1@example.org", "break-glass", ""),
        ("bg2@example.org", "break-glass", ""),
    ])
}

fn roster(at: &Theatre<'_>) -> String {
    at.stage().roster().display().to_string()
}
