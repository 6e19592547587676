//! What every IdP that a test plays has to show around the keys: its people, policies, sessions and passes.
//!
//! A test file says with [`Estate`] what differs. Nothing here verifies a registration, so it runs everywhere.

use std::path::Path;

use keywright::idp::capability::{Capabilities, Cursor, Listing, Person, Removed, RoleHolder};
use keywright::idp::{Directory, DirectoryError, User};
use keywright_test_support::fault_proxy::{self, Fault, FaultProxy, Which};
use keywright_test_support::workshop::each;

use crate::fake_idp::{self, FakeIdp};
use crate::prism::Prism;

/// An IdP with people in it, that a test plays.
pub(crate) trait Estate: Sized + Sync + 'static {
    /// The vendor's own description, where there is one; a path.
    const DESCRIPTION: Option<&'static str>;
    /// Every request that changes something around the keys.
    const WRITINGS: &'static [Writing<Self>];

    /// With Ada in it, and others.
    fn start() -> Self;

    /// Its server.
    fn server(&self) -> &FakeIdp;

    /// The adapter, with files in this folder.
    fn open(url: &str, folder: &Path) -> Box<dyn Directory>;
}

/// A request that changes something.
pub(crate) struct Writing<E> {
    /// Its method.
    pub method: &'static str,
    /// Its path's pattern.
    pub path: &'static str,
    /// Makes it so that there is something to change.
    pub before: fn(&E),
    /// Has it changed.
    pub write: fn(&Capabilities<'_>, &User) -> Result<(), DirectoryError>,
    /// Whether it is.
    pub is_done: fn(&E) -> bool,
}

/// An IdP in a folder of its own, and its adapter.
pub(crate) struct Visit<E> {
    pub idp: E,
    pub directory: Box<dyn Directory>,
    folder: tempfile::TempDir,
}

impl<E: Estate> Visit<E> {
    pub(crate) fn new() -> Self {
        let (idp, folder) = (E::start(), tempfile::tempdir().unwrap());
        let directory = E::open(&idp.server().url(), folder.path());
        Self { idp, directory, folder }
    }

    /// The same through the vendor's own description. `None`, said aloud, where Prism is not there.
    pub(crate) fn described() -> Option<(Self, Prism, FakeIdp)> {
        let visit = Self::new();
        let prism = Prism::start(E::DESCRIPTION?, &visit.idp.server().url())?;
        let (described, own) = (prism.url(), visit.idp.server().url());
        let front = FakeIdp::start(move |request| {
            // Tokens are no matter of the description.
            let is_token = request.path.ends_with("/token");
            let mut answer = fake_idp::forward(if is_token { &own } else { &described }, request);
            // Links name the address that was asked.
            let asked = format!("http://{}", request.header("host").unwrap());
            answer.body = String::from_utf8(answer.body).unwrap().replace(&own, &asked).into_bytes();
            answer
        });
        let directory = E::open(&front.url(), visit.folder.path());
        Some((Self { directory, ..visit }, prism, front))
    }

    pub(crate) fn ada(&self) -> User {
        self.directory.find_user("ada").unwrap()
    }

    /// Every member of a group, and how many pages it took.
    pub(crate) fn members(&self, group: &str) -> (Listing<Person>, usize) {
        let people = self.directory.capabilities().people.unwrap();
        walk(|after| people.members(group, after).unwrap())
    }

    /// Every administrator.
    pub(crate) fn admins(&self) -> (Listing<RoleHolder>, usize) {
        let people = self.directory.capabilities().people.unwrap();
        walk(|after| people.admins(after).unwrap())
    }
}

/// How many requests one person's inventory takes: methods, passkeys and last use. docs/idp/README.md has the figures.
pub(crate) fn asked_for_one_person<E: Estate>(login: &str) -> usize {
    let visit = Visit::<E>::new();
    let user = visit.directory.find_user(login).unwrap();
    let asked = || visit.idp.server().calls().iter().filter(|call| !call.ends_with("/token")).count();
    let before = asked();
    let has = visit.directory.capabilities();
    has.methods.unwrap().methods(&user).unwrap();
    if let Some(passkeys) = has.passkeys {
        passkeys.passkeys(&user).unwrap();
    }
    has.last_use.unwrap().last_use(&user).unwrap();
    asked() - before
}

/// Removes what the account has of this kind; nothing if it has none.
pub(crate) fn remove(has: &Capabilities<'_>, user: &User, kind: &str) -> Result<(), DirectoryError> {
    let methods = has.methods.unwrap().methods(user)?;
    let Some(method) = methods.found.iter().find(|method| method.kind == kind) else {
        assert!(methods.is_whole(), "a list that was kept back is not an empty one: {:?}", methods.untold);
        return Ok(());
    };
    match has.removal.unwrap().remove(user, method)? {
        Removed::Gone => Ok(()),
        Removed::IsDefault { why } => panic!("{why}"),
    }
}

fn walk<T>(page: impl Fn(Option<&Cursor>) -> keywright::idp::capability::Page<T>) -> (Listing<T>, usize) {
    let (mut all, mut after, mut pages) = (Listing::default(), None, 0);
    loop {
        let page = page(after.as_ref());
        all.found.extend(page.listing.found);
        all.untold.extend(page.listing.untold);
        (after, pages) = (page.next, pages + 1);
        if after.is_none() {
            return (all, pages);
        }
        assert!(pages < 100, "a list without end");
    }
}

/// Each writing request goes wrong once, in every way, and is never called done where it is not; asked again, it is done. A third time
/// changes nothing and is no error.
pub(crate) fn one_fault<E: Estate>() {
    let faults = |writing| fault_proxy::table().into_iter().map(move |(fault, _)| (writing, fault));
    each(E::WRITINGS.iter().flat_map(faults), |(writing, fault)| {
        let case = format!("{} {} {fault:?}", writing.method, writing.path);
        let (idp, folder) = (E::start(), tempfile::tempdir().unwrap());
        (writing.before)(&idp);
        assert!(!(writing.is_done)(&idp), "{case}: there is something to do");
        let proxy = FaultProxy::start(&idp.server().url());
        let directory = E::open(&proxy.url(), folder.path());
        let user = directory.find_user("ada").unwrap();
        let gone = fault == Fault::GoneAfter;
        proxy.once(Which::request(writing.method, writing.path), fault);
        let write = || (writing.write)(&directory.capabilities(), &user);
        let first = write();
        assert!(first.is_err() || (writing.is_done)(&idp), "{case}: it is called done");
        assert!(gone || proxy.faults() == 1, "{case}: it did not go wrong");
        proxy.clear();
        proxy.settle();
        for _ in 0..2 {
            write().unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!((writing.is_done)(&idp), "{case}");
        }
    });
}
