//! A key of somebody's account that nobody here made: another station did, with a ledger of its own.

use keywright::idp::Directory as _;
use keywright::ledger::rollout::UnknownKeyRemoval;
use keywright::provision::RetryPolicy;
use keywright::rollout::Scope;
use keywright::rollout::inventory::read::{Depth, NotKept, Reader};
use keywright::rollout::unknown_key::{UnknownKeyError, plan};
use keywright_files::Cancel;
use keywright_test_support::workshop::{DIRECTORY, Workshop};
use time::OffsetDateTime;

/// Another station registers the workshop's third key for this account.
pub(crate) fn register(workshop: &Workshop, login: &str) {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("softkeys");
    std::fs::create_dir(&keys).unwrap();
    for file in std::fs::read_dir(workshop.path().join("softkeys")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if !name.ends_with(".lock") && !name.starts_with("soft-01") && !name.starts_with("soft-02") {
            std::fs::copy(file.path(), keys.join(name)).unwrap();
        }
    }
    for file in ["reader.key", "reader.pub"] {
        std::fs::copy(workshop.path().join(file), folder.path().join(file)).unwrap();
    }
    let mut elsewhere = Workshop::at(folder.path(), &workshop.url);
    elsewhere.profile.keys.required = 1;
    elsewhere.set_roster(&[login]);
    elsewhere.provision().unwrap();
    let directory = workshop.directory();
    assert_eq!(directory.list(&directory.find_user(login).unwrap()).unwrap().len(), 3);
}

/// The removal of the account's strange key, as `revoke --unknown` plans it.
pub(crate) fn removal(workshop: &Workshop, login: &str) -> Result<UnknownKeyRemoval, UnknownKeyError> {
    let (directory, retry, cancel) = (workshop.directory(), RetryPolicy::default(), Cancel::default());
    let reader = Reader {
        directory: &directory,
        retry: &retry,
        cancel: &cancel,
        now: &OffsetDateTime::now_utc,
        progress: &|_, _| {},
    };
    let scope = Scope::Accounts(vec![login.to_owned()]);
    let inventory = reader.read(&scope, None, Depth::EachAccount, &workshop.book(), &NotKept).unwrap();
    let entry = &inventory.people[0];
    let strange = entry.unknown_keys().next().unwrap();
    plan(entry, DIRECTORY, strange.whose.directory_id().unwrap(), "nobody knows it", &"tester".into())
}
