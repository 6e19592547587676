//! A roster's row in a snapshot: its form in the log leaves members out, which only JSON can say, and there are too many of them for
//! that.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use crate::profile::{Person, ProfileName};

type Texts = [Option<String>; 5];

pub(in crate::register) fn serialize<S: Serializer>(person: &Person, serializer: S) -> Result<S::Ok, S::Error> {
    let Person { account, profile, name, ticket, reason, storage, wave } = person;
    (account, profile, [name, ticket, reason, storage, wave]).serialize(serializer)
}

pub(in crate::register) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Person, D::Error> {
    let (account, profile, texts) = <(String, ProfileName, Texts)>::deserialize(deserializer)?;
    let [name, ticket, reason, storage, wave] = texts;
    Ok(Person { account, profile, name, ticket, reason, storage, wave })
}
