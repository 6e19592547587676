//! Random estates, policies, losses and outages: whatever is enforced, recovered, bagged or left, nobody is locked out by us. Each
//! active person has a way in, or was reported as having none before the command acted.
//!
//! `KEYWRIGHT_LOCKOUTS=500 KEYWRIGHT_LOCKOUTS_SEED=7 cargo test --test journeys lockouts::` tries so many, others than usual. What goes
//! wrong is made shorter and printed.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use keywright::idp::capability::{SignInMethods as _, Standing, Suspension as _};
use keywright::idp::{Directory, User};
use keywright::ledger::rollout::{BreakGlassAdded, Loss};
use keywright::ledger::{AccountId, Event};
use keywright::provision::{RetryPolicy, RevokeOrder, leave};
use keywright::register::{AccountState, Register};
use keywright::rollout::Scope;
use keywright::rollout::enforce::{EnforceError, Enforcing};
use keywright::rollout::inventory::read::{Depth, NotKept, Reader};
use keywright::rollout::recover::{self, RecoverError, StandsAt, Wanted};
use keywright::rollout::watch::{self, Look};
use keywright_files::Cancel;
use keywright_practice::idp_server::wire::UserChange;
use keywright_practice::idp_server::wire::estate::Policy;
use keywright_practice::softkey::Rack;
use keywright_test_support::workshop::{DIRECTORY, Hands, Workshop};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use time::OffsetDateTime;

use crate::enforcement::{plan, policy, weak};
use crate::odd_idp::{OddIdp, Oddity};

const PEOPLE: [&str; 3] = ["ada", "bo", "cy"];
const GROUP: &str = "everybody";

/// What happens. People are named by their place in [`PEOPLE`].
#[derive(Debug, Clone)]
enum Step {
    /// Somebody registers weak methods.
    Register(usize, Vec<&'static str>),
    /// Somebody removes a key in the IdP's console.
    RemoveInConsole(usize),
    /// Somebody suspends the account in the IdP's console.
    Suspend(usize),
    /// The policy admits keys alone, or everything.
    Policy(bool),
    /// Everything weak goes, after so many removals the IdP is away.
    Enforce(Option<usize>),
    /// A key is lost.
    Recover { who: usize, key: usize, loss: Loss, pass: bool, key_at_hand: bool },
    /// The account is kept for emergencies from now on.
    Bag(usize),
    /// Somebody looks what is new.
    Watch,
    /// The person leaves.
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE.len();
    let kinds = prop::sample::subsequence(vec!["sms", "totp", "email"], 0..=3);
    let loss = prop::sample::select(vec![Loss::Lost, Loss::Stolen]);
    prop_oneof![
        3 => (who.clone(), kinds).prop_map(|(who, kinds)| Step::Register(who, kinds)),
        1 => who.clone().prop_map(Step::RemoveInConsole),
        1 => who.clone().prop_map(Step::Suspend),
        1 => any::<bool>().prop_map(Step::Policy),
        4 => prop::option::weighted(0.3, 0_usize..4).prop_map(Step::Enforce),
        4 => (who.clone(), 1_usize..4, loss, any::<bool>(), any::<bool>())
            .prop_map(|(who, key, loss, pass, key_at_hand)| Step::Recover { who, key, loss, pass, key_at_hand }),
        1 => who.clone().prop_map(Step::Bag),
        2 => Just(Step::Watch),
        1 => who.prop_map(Step::Leave),
    ]
}

struct World {
    workshop: Workshop,
    keys: usize,
    /// Who was said to have no way in before a command acted, or lost it in the IdP's own console, and has none since.
    reported: BTreeSet<&'static str>,
    /// Whose keys somebody removed in the console.
    console: BTreeSet<&'static str>,
    /// Whom an administrator suspended in the console, and nobody restored since.
    suspended: BTreeSet<&'static str>,
    /// What the last look saw.
    look: Option<Look>,
}

impl World {
    fn new() -> Self {
        let mut workshop = Workshop::new(6, &PEOPLE);
        // A key that was used before is no new one.
        workshop.profile.keys.reset = keywright::profile::Reset::Never;
        workshop.provision().unwrap();
        let world = Self {
            workshop,
            keys: 6,
            reported: BTreeSet::new(),
            console: BTreeSet::new(),
            suspended: BTreeSet::new(),
            look: None,
        };
        for login in PEOPLE {
            world.workshop.directory().set_member(GROUP, &world.user(login), true).unwrap();
        }
        world
    }

    fn user(&self, login: &str) -> User {
        self.workshop.directory().find_user(login).unwrap()
    }

    fn happen(&mut self, step: &Step) -> Result<(), String> {
        let directory = self.workshop.directory();
        match step {
            Step::Register(who, kinds) => {
                let methods = kinds.iter().map(|kind| (*kind).to_owned()).collect();
                let change = UserChange { other_methods: Some(methods), ..UserChange::default() };
                directory.change_user(&self.user(PEOPLE[*who]), &change).unwrap();
            }
            Step::RemoveInConsole(who) => {
                let user = self.user(PEOPLE[*who]);
                if let Some(first) = directory.list(&user).unwrap().first() {
                    directory.revoke(&user, first).unwrap();
                }
                self.console.insert(PEOPLE[*who]);
            }
            Step::Suspend(who) => {
                directory.suspend(&self.user(PEOPLE[*who])).unwrap();
                self.suspended.insert(PEOPLE[*who]);
            }
            Step::Policy(strict) => {
                let rule = Policy { group: Some(GROUP.to_owned()), enforced: true, admits: Vec::new() };
                directory.set_policy("keys only", strict.then_some(&rule)).unwrap();
            }
            Step::Enforce(away_after) => return self.enforce(*away_after),
            Step::Recover { who, key, loss, pass, key_at_hand } => {
                return self.recover(PEOPLE[*who], *key, *loss, *pass, *key_at_hand);
            }
            Step::Watch => return self.watch(),
            Step::Bag(who) => self.bag(PEOPLE[*who]),
            Step::Leave(who) => {
                let (account, store) = (AccountId::new(DIRECTORY, PEOPLE[*who]), self.workshop.store());
                let (retry, operator) = (quick(), "tester".into());
                let order = RevokeOrder { reason: "left", operator: &operator };
                leave(&directory, &store, &retry, &Cancel::default(), &account, order).unwrap();
            }
        }
        Ok(())
    }

    /// A look changes nothing, and names everybody whose keys count here and are not at the IdP.
    fn watch(&mut self) -> Result<(), String> {
        let directory = self.workshop.directory();
        let at_the_idp = || -> Vec<_> {
            let state = |login: &&str| {
                let user = self.user(login);
                (directory.standing(&user).unwrap(), directory.methods(&user).unwrap().found)
            };
            PEOPLE.iter().map(state).collect()
        };
        let (before, register) = (at_the_idp(), self.workshop.book());
        let reader = Reader {
            directory: &directory,
            retry: &quick(),
            cancel: &Cancel::default(),
            now: &OffsetDateTime::now_utc,
            progress: &|_, _| {},
        };
        let scope = Scope::Accounts(PEOPLE.map(str::to_owned).into());
        let inventory =
            reader.read(&scope, None, Depth::EachAccount, &register, &NotKept).map_err(|error| error.to_string())?;
        let look = Look { inventory, models: BTreeMap::new() };
        let (plan, break_glass, at) = (None, BTreeMap::new(), OffsetDateTime::now_utc());
        let last = self.look.as_ref();
        let found = watch::judge(&watch::Grounds {
            before: last,
            now: &look,
            plan,
            register: &register,
            break_glass: &break_glass,
            at,
        });
        if at_the_idp() != before {
            return Err("a look changed something at the IdP".to_owned());
        }
        for login in PEOPLE {
            let account = AccountId::new(DIRECTORY, login);
            let standing = register.standing(&account, at).unwrap();
            let counts = standing.keys.iter().filter(|key| key.standing.counts()).count();
            let is_active = register.accounts[&account].state == AccountState::Active;
            let is_told = found.iter().any(|one| one.code() == "key-gone" && one.account() == Some(login));
            if is_active && self.keys_that_open(login, &register) < counts && !is_told {
                return Err(format!(
                    "{login} has fewer keys at the IdP than count here, and no look says so: {found:?}"
                ));
            }
        }
        self.look = Some(look);
        Ok(())
    }

    fn bag(&self, login: &str) {
        let account = AccountId::new(DIRECTORY, login);
        let (place, bag, may_open) = ("safe".to_owned(), "1".to_owned(), vec!["Cy".to_owned()]);
        let added = BreakGlassAdded { account, ordinal: 1, place, bag, may_open, operator: "tester".into() };
        let store = self.workshop.store();
        // Somebody who left has none, and that is refused.
        drop(Register::of(&store).unwrap().record(&store, &Event::BreakGlassAdded(added)));
    }

    /// Takes everything weak from everybody, more than any roll-out would.
    fn enforce(&self, away_after: Option<usize>) -> Result<(), String> {
        let planned = plan(&self.workshop, &PEOPLE);
        let before: Vec<usize> = PEOPLE.iter().map(|login| weak(&self.workshop, login).len()).collect();
        let inner = self.workshop.directory();
        let odd = match away_after {
            Some(removals) => OddIdp::new(inner, Oddity::AwayAfter(AtomicUsize::new(removals))),
            None => OddIdp::new(inner, Oddity::Default("sms")),
        };
        let ended = {
            let store = self.workshop.store();
            let (retry, operator) = (quick(), "tester".into());
            let enforcing = Enforcing {
                directory: &odd,
                store: &store,
                retry: &retry,
                cancel: &Cancel::default(),
                now: &OffsetDateTime::now_utc,
                operator: &operator,
                tell: &|_| {},
            };
            enforcing.go_on(&planned, policy())
        };
        match ended {
            Ok(_) | Err(EnforceError::Directory(_)) => {}
            Err(error) => return Err(format!("enforce: {error}")),
        }
        let register = self.workshop.book();
        for (login, before) in PEOPLE.iter().zip(before) {
            if weak(&self.workshop, login).len() < before {
                let keys = self.keys_that_open(login, &register);
                if keys < 2 || register.is_break_glass(&AccountId::new(DIRECTORY, login)) {
                    return Err(format!("a method was taken from {login}, who has {keys} keys or is break-glass"));
                }
            }
        }
        Ok(())
    }

    fn recover(
        &mut self,
        login: &'static str,
        key: usize,
        loss: Loss,
        pass: bool,
        key_at_hand: bool,
    ) -> Result<(), String> {
        if key_at_hand {
            self.keys += 1;
            Rack::create(&self.workshop.path().join("softkeys"), self.keys).unwrap();
        }
        let account = AccountId::new(DIRECTORY, login);
        let open = self.workshop.book().rollout.open_recovery(&account).map(|(id, _)| id);
        let rack = self.workshop.rack();
        let mut was_last = false;
        let ended = self.workshop.with(&rack, &Hands::default(), |station| {
            let recovery = match open {
                Some(open) => open,
                None => {
                    let register = Register::of(station.store)?;
                    let plan = recover::plan(
                        station,
                        &register,
                        Wanted {
                            account: account.clone(),
                            lost: key,
                            loss,
                            asked_by: login.to_owned(),
                            identity_proved: "in person".to_owned(),
                            rehearsal: None,
                            pass_minutes: pass.then_some(10),
                        },
                    )?;
                    was_last = plan.keys_left == 0;
                    recover::begin(station, &plan)?
                }
            };
            recover::go_on(station, recovery)
        });
        // That it is the last one was said before anything was done.
        if was_last {
            self.reported.insert(login);
        }
        match ended {
            Ok(done) => {
                let standing = self.workshop.directory().standing(&self.user(login)).unwrap();
                if standing == Standing::Active {
                    self.suspended.remove(login);
                } else if open.is_some() && self.suspended.contains(login) {
                    // Somebody shut the account after the recovery had opened it: that is not undone behind their back.
                    return Ok(());
                } else {
                    return Err(format!(
                        "{login} is {standing:?} after a recovery that stands at {:?}",
                        done.stands_at
                    ));
                }
                let keys = self.keys_that_open(login, &self.workshop.book());
                if done.stands_at == StandsAt::Complete && keys < 2 {
                    // Keys that were removed in the console behind our back count here until somebody looks.
                    let removed = self.console.contains(login);
                    return if removed { Ok(()) } else { Err(format!("{login} is complete with {keys} keys")) };
                }
                Ok(())
            }
            Err(RecoverError::NoSuchKey { .. } | RecoverError::NotActive(_) | RecoverError::BreakGlass(_)) => Ok(()),
            Err(error) => Err(format!("recover {login}: {error}")),
        }
    }

    /// Keys that count and that the IdP has in service.
    fn keys_that_open(&self, login: &str, register: &Register) -> usize {
        let account = AccountId::new(DIRECTORY, login);
        let listed = self.workshop.directory().list(&self.user(login)).unwrap();
        let standing = register.standing(&account, OffsetDateTime::now_utc()).unwrap();
        let counting = standing.keys.iter().filter(|key| key.standing.counts());
        let ids = counting.filter_map(|key| key.credential_id.as_ref());
        ids.filter(|id| listed.iter().any(|one| one.is(id, None))).count()
    }

    /// Every active person has a way in, or somebody said before that they would not have one.
    fn nobody_is_locked_out(&mut self, after: &Step) -> Result<(), String> {
        let in_console =
            matches!(after, Step::Register(..) | Step::RemoveInConsole(_) | Step::Suspend(_) | Step::Policy(_));
        let register = self.workshop.book();
        let directory = self.workshop.directory();
        let strict = directory.capabilities().policies.unwrap().of_group(GROUP).unwrap().found;
        for login in PEOPLE {
            let account = AccountId::new(DIRECTORY, login);
            let is_active = register.accounts[&account].state == AccountState::Active;
            let methods = directory.methods(&self.user(login)).unwrap().found;
            let weak = methods.iter().filter(|method| method.is_weak() && strict.is_empty()).count();
            if !is_active || self.keys_that_open(login, &register) + weak > 0 {
                self.reported.remove(login);
            } else if in_console {
                self.reported.insert(login);
            } else if !self.reported.contains(login) {
                return Err(format!("{login} has no way in, and nobody said so before"));
            }
        }
        Ok(())
    }

    /// At the end the IdP is there and keys are: whoever began a recovery and did not leave is back in.
    fn everybody_gets_back_in(&mut self) -> Result<(), String> {
        let open: Vec<_> =
            self.workshop.book().rollout.open_recoveries().map(|(id, one)| (id, one.account.clone())).collect();
        for (id, account) in open {
            if self.workshop.book().accounts[&account].state != AccountState::Active {
                continue;
            }
            self.keys += 2;
            Rack::create(&self.workshop.path().join("softkeys"), self.keys).unwrap();
            let rack = self.workshop.rack();
            let done = self.workshop.with(&rack, &Hands::default(), |station| recover::go_on(station, id));
            match done {
                Ok(done) if done.stands_at == StandsAt::Complete => {}
                Ok(_) if self.suspended.iter().any(|login| **login == account.login) => {}
                other => return Err(format!("{account} does not get back in: {other:?}")),
            }
        }
        Ok(())
    }
}

fn quick() -> RetryPolicy {
    RetryPolicy { key: Duration::ZERO, backoff: Duration::ZERO, retry_after: Duration::ZERO }
}

fn live(steps: &[Step]) -> Result<(), String> {
    let mut world = World::new();
    for (number, step) in steps.iter().enumerate() {
        let at = |why: String| format!("step {}, {step:?}: {why}", number + 1);
        world.happen(step).map_err(at)?;
        world.nobody_is_locked_out(step).map_err(at)?;
    }
    world.everybody_gets_back_in()
}

#[test]
fn nobody_is_locked_out_whatever_happens() {
    let number = |name: &str, otherwise| env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap());
    let (cases, seed) = (number("KEYWRIGHT_LOCKOUTS", 24), number("KEYWRIGHT_LOCKOUTS_SEED", 0));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_be_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let ended = runner.run(&prop::collection::vec(step(), 1..9), |steps| live(&steps).map_err(TestCaseError::fail));
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("{steps:#?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
