//! A judge for each set of roots that a profile pins: what one trusts, another need not.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::Standards;
use crate::profile::Profile;
use crate::register::Register;
use keywright_attest::{Judge, TrustError};

/// The judges of a book's profiles, by the roots that these pin.
#[derive(Debug)]
pub(super) struct Judges<'a> {
    standards: &'a Standards<'a>,
    pinning: BTreeMap<&'a [String], Result<Judge, TrustError>>,
}

impl<'a> Judges<'a> {
    /// Reads every profile's roots once.
    pub(super) fn new(book: &'a Register, standards: &'a Standards<'a>) -> Self {
        let mut pinning = BTreeMap::new();
        for account in book.accounts.values().filter(|account| !account.profile.keys.anchors.is_empty()) {
            let rules = &account.profile.keys;
            pinning
                .entry(rules.anchors.as_slice())
                .or_insert_with(|| rules.pinned_anchors().map(|anchors| standards.judge.also_pinning(anchors)));
        }
        Self { standards, pinning }
    }

    /// When they judge.
    pub(super) fn at(&self) -> OffsetDateTime {
        self.standards.at
    }

    /// The judge for accounts with this profile. Fails if a root that it pins is no certificate.
    pub(super) fn judge_for(&self, profile: &Profile) -> Result<&Judge, &TrustError> {
        match self.pinning.get(profile.keys.anchors.as_slice()) {
            Some(judge) => judge.as_ref(),
            None => Ok(self.standards.judge),
        }
    }
}
