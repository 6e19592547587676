//! What an IdP tells, and what it keeps back: an answer that was refused never reads as an empty one.
//!
//! It refuses to turn a failure into "cannot tell": an IdP that cannot be reached is asked again, so only a refusal, a missing
//! licence, a list that lags and a member that does not exist become values here.

use std::fmt;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::idp::error::DirectoryError;

/// Something that the IdP does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// What it is, such as `authenticator enrolments`.
    pub what: String,
    /// Why it is not told.
    pub why: WhyUntold,
    /// The permission, role or licence that it needs, as the IdP's console calls it; empty if nothing would help.
    pub needs: String,
}

/// Why an IdP does not tell something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "words")]
pub enum WhyUntold {
    /// It refused, in its own words.
    Refused(String),
    /// The tenant has no licence for it, in the IdP's words.
    NotLicensed(String),
    /// The list is behind what is there now; as of then, if it says.
    Lags(#[serde(with = "time::serde::rfc3339::option")] Option<OffsetDateTime>),
    /// Its API has no such thing.
    NotOffered,
}

impl Untold {
    /// The IdP's API has no such thing, and nothing would help.
    pub fn not_offered(what: impl Into<String>) -> Self {
        Self { what: what.into(), why: WhyUntold::NotOffered, needs: String::new() }
    }

    /// What somebody can do about it.
    pub fn next_step(&self) -> String {
        match self.needs.as_str() {
            "" => "look for yourself in the IdP's console".to_owned(),
            needs => format!("it needs {needs}"),
        }
    }

    /// What a refusal keeps back: 403 and 404 are answers, any other error stays one.
    pub fn of_refusal(
        what: impl Into<String>,
        needs: impl Into<String>,
        error: DirectoryError,
    ) -> Result<Self, DirectoryError> {
        let why = match error {
            DirectoryError::Forbidden { why, .. } => why,
            DirectoryError::NotFound { .. } => "it does not know this request".into(),
            error => return Err(error),
        };
        Ok(Self { what: what.into(), why: WhyUntold::Refused(why), needs: needs.into() })
    }
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot tell {}: ", self.what)?;
        match &self.why {
            WhyUntold::Refused(why) => write!(f, "refused ({why})"),
            WhyUntold::NotLicensed(why) => write!(f, "not licensed ({why})"),
            WhyUntold::Lags(Some(as_of)) => write!(f, "the list is as of {}", as_of.date()),
            WhyUntold::Lags(None) => f.write_str("the list lags behind"),
            WhyUntold::NotOffered => f.write_str("the IdP does not tell it"),
        }?;
        if self.needs.is_empty() { Ok(()) } else { write!(f, "; it needs {}", self.needs) }
    }
}

/// An answer, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told<T> {
    /// The IdP tells it.
    Known(T),
    /// It does not.
    CannotTell(Untold),
}

impl<T> Told<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::CannotTell(_) => None,
        }
    }

    /// What is not told, if it is not.
    pub fn untold(self) -> Option<Untold> {
        match self {
            Self::Known(_) => None,
            Self::CannotTell(untold) => Some(untold),
        }
    }

    /// Keeps a refusal apart from a failure; see [`Untold::of_refusal`].
    pub fn from_answer(what: &str, needs: &str, answer: Result<T, DirectoryError>) -> Result<Self, DirectoryError> {
        match answer {
            Ok(value) => Ok(Self::Known(value)),
            Err(error) => Untold::of_refusal(what, needs, error).map(Self::CannotTell),
        }
    }

    /// The same for something that there is or is not, such as a group: that it is not there is an error.
    pub fn of_existing(what: &str, needs: &str, answer: Result<T, DirectoryError>) -> Result<Self, DirectoryError> {
        match answer {
            Err(absent @ DirectoryError::NotFound { .. }) => Err(absent),
            answer => Self::from_answer(what, needs, answer),
        }
    }

    /// Whether a request is let through, which shows that the permission for it is there. Nothing of its answer is kept.
    pub fn probed(what: &str, needs: &str, answer: Result<T, DirectoryError>) -> Result<Told<bool>, DirectoryError> {
        match answer {
            Ok(_) => Ok(Told::Known(true)),
            Err(DirectoryError::Forbidden { .. }) => Ok(Told::Known(false)),
            Err(error) => Untold::of_refusal(what, needs, error).map(Told::CannotTell),
        }
    }

    /// Something made of the answer, if there is one.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Told<U> {
        match self {
            Self::Known(value) => Told::Known(make(value)),
            Self::CannotTell(untold) => Told::CannotTell(untold),
        }
    }
}

/// What an IdP listed, and which of its lists it kept back. Only one with nothing kept back is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// What was listed.
    pub found: Vec<T>,
    /// What was not told.
    pub untold: Vec<Untold>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { found: Vec::new(), untold: Vec::new() }
    }
}

impl<T> Listing<T> {
    /// Everything that there is.
    pub fn whole(found: Vec<T>) -> Self {
        Self { found, untold: Vec::new() }
    }

    /// Nothing, because of this.
    pub fn untold(untold: Untold) -> Self {
        Self { found: Vec::new(), untold: vec![untold] }
    }

    /// Whether nothing was kept back.
    pub fn is_whole(&self) -> bool {
        self.untold.is_empty()
    }

    /// What was told, or nothing because of what was not.
    pub fn of(told: Told<Vec<T>>) -> Self {
        let mut listing = Self::default();
        listing.take(told);
        listing
    }

    /// Adds what another list has, and what it kept back.
    pub fn extend(&mut self, more: Self) {
        self.found.extend(more.found);
        self.untold.extend(more.untold);
    }

    /// Takes what was told, or notes what was not.
    pub fn take(&mut self, told: Told<Vec<T>>) {
        match told {
            Told::Known(more) => self.found.extend(more),
            Told::CannotTell(untold) => self.untold.push(untold),
        }
    }
}

/// Where a long list goes on, as the IdP calls it. Good for the adapter that gave it and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A part of a long list. Whoever walks it can stop after any page and go on from [`Page::next`] later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub listing: Listing<T>,
    /// The next page; `None` on the last.
    pub next: Option<Cursor>,
}

/// Walks a long list, and shows what is on each page to `take` until it has enough. `page` fetches one. Fails with
/// [`DirectoryError::InvalidResponse`] where the list leads back to the page that it was on: it would be walked for ever.
pub fn walk<T, E: From<DirectoryError>>(
    directory: &str,
    mut page: impl FnMut(Option<&Cursor>) -> Result<Page<T>, E>,
    mut take: impl FnMut(Listing<T>) -> ControlFlow<()>,
) -> Result<(), E> {
    let mut after: Option<Cursor> = None;
    loop {
        let Page { listing, next } = page(after.as_ref())?;
        if take(listing).is_break() || next.is_none() {
            return Ok(());
        }
        if next == after {
            let why = "a list goes on with the page that it was on".to_owned();
            return Err(DirectoryError::InvalidResponse { directory: directory.to_owned(), why }.into());
        }
        after = next;
    }
}

impl<T> Page<T> {
    /// The only one.
    pub fn only(listing: Listing<T>) -> Self {
        Self { listing, next: None }
    }

    /// What was told of it with the path of the next one, or nothing because of what was not.
    pub fn of(told: Told<(Vec<T>, Option<String>)>) -> Self {
        match told {
            Told::Known((found, next)) => Self { listing: Listing::whole(found), next: next.map(Cursor) },
            Told::CannotTell(untold) => Self::only(Listing::untold(untold)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::error::IdpName;

    #[test]
    fn a_refusal_is_a_value_and_a_failure_stays_one() {
        let acme = IdpName::new("acme");
        let told = |error| Told::<()>::from_answer("enrolments", "the scope okta.users.read", Err(error));
        let refused = told(acme.forbidden("no role")).unwrap();
        let Told::CannotTell(untold) = &refused else { panic!("{refused:?}") };
        assert_eq!(untold.to_string(), "cannot tell enrolments: refused (no role); it needs the scope okta.users.read");
        assert!(refused.known().is_none());
        assert!(told(acme.not_found("x")).is_ok());
        for failure in [acme.failed(500), acme.rate_limited(None), acme.unreachable("x"), acme.sign_in_refused("x")] {
            assert_eq!(told(failure.clone()), Err(failure));
        }
    }

    #[test]
    fn a_list_is_walked_to_its_end_or_until_there_is_enough_and_never_in_a_circle() {
        let page = |after: Option<&Cursor>, last: u32| {
            let number: u32 = after.map_or(0, |cursor| cursor.0.parse().unwrap());
            let next = (number < last).then(|| Cursor((number + 1).to_string()));
            Ok::<_, DirectoryError>(Page { listing: Listing::whole(vec![number]), next })
        };
        let walked = |enough: u32| {
            let mut seen = Vec::new();
            let take = |listing: Listing<u32>| {
                seen.extend(listing.found);
                if seen.last() == Some(&enough) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            walk("acme", |after| page(after, 3), take).unwrap();
            seen
        };
        assert_eq!((walked(9), walked(1)), (vec![0, 1, 2, 3], vec![0, 1]));
        let circle = |_: Option<&Cursor>| {
            Ok::<_, DirectoryError>(Page { listing: Listing::<u32>::default(), next: Some(Cursor("1".into())) })
        };
        let error = walk("acme", circle, |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, DirectoryError::InvalidResponse { .. }), "{error}");
    }

    #[test]
    fn a_list_with_something_kept_back_is_not_whole() {
        let mut listing = Listing::whole(vec![1]);
        listing.take(Told::Known(vec![2]));
        assert!(listing.is_whole());
        listing.take(Told::CannotTell(Untold::not_offered("the last use")));
        assert_eq!((listing.found.len(), listing.is_whole()), (2, false));
    }
}
