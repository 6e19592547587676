//! What differs between two BLOBs, model by model.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Metadata, Model};
use crate::StatusReport;

/// A difference in one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// AAGUID, or the first key identifier of a U2F model.
    pub model: String,
    /// Its name, the newer one if there are two.
    pub name: String,
    /// What is different.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not listed before.
    Added,
    /// It is no longer listed.
    Removed,
    /// It is called otherwise.
    Renamed {
        /// How it was called.
        from: String,
    },
    /// There are reports that were not there.
    Reported {
        /// The new ones.
        reports: Vec<StatusReport>,
    },
    /// Reports are gone.
    Withdrawn {
        /// Those that were there before.
        reports: Vec<StatusReport>,
    },
    /// Other anchors.
    Anchors {
        /// How many are new.
        added: usize,
        /// How many are gone.
        removed: usize,
    },
}

/// The differences, by model.
pub fn changes(before: &Metadata, after: &Metadata) -> Vec<Change> {
    let (old, new) = (by_key(before), by_key(after));
    let mut changes = Vec::new();
    for (key, model) in &old {
        if !new.contains_key(key) {
            changes.push(Change { model: key.clone(), name: model.name.clone(), kind: ChangeKind::Removed });
        }
    }
    for (key, model) in &new {
        let mut push = |kind| changes.push(Change { model: key.clone(), name: model.name.clone(), kind });
        let Some(earlier) = old.get(key) else {
            push(ChangeKind::Added);
            continue;
        };
        if earlier.name != model.name {
            push(ChangeKind::Renamed { from: earlier.name.clone() });
        }
        let missing = |from: &Model, other: &Model| -> Vec<StatusReport> {
            from.reports.iter().filter(|report| !other.reports.contains(report)).cloned().collect()
        };
        let (reported, withdrawn) = (missing(model, earlier), missing(earlier, model));
        if !reported.is_empty() {
            push(ChangeKind::Reported { reports: reported });
        }
        if !withdrawn.is_empty() {
            push(ChangeKind::Withdrawn { reports: withdrawn });
        }
        let (was, is) = (before.anchors(earlier), after.anchors(model));
        let added = is.iter().filter(|anchor| !was.iter().any(|other| other == *anchor)).count();
        let removed = was.iter().filter(|anchor| !is.iter().any(|other| other == *anchor)).count();
        if added + removed > 0 {
            push(ChangeKind::Anchors { added, removed });
        }
    }
    changes.sort_by(|a, b| (&a.name, &a.model).cmp(&(&b.name, &b.model)));
    changes
}

fn by_key(metadata: &Metadata) -> BTreeMap<String, &Model> {
    metadata.models().iter().map(|model| (model.key(), model)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{MODEL, Maker, metadata};
    use keywright_fido::webauthn::Aaguid;

    fn kinds(before: &Metadata, after: &Metadata) -> Vec<ChangeKind> {
        changes(before, after).into_iter().map(|change| change.kind).collect()
    }

    #[test]
    fn models_come_and_go() {
        let (here, there) = (metadata(MODEL, &json!([]), &[]), metadata(Aaguid([1; 16]), &json!([]), &[]));
        let mut both = kinds(&here, &there);
        both.sort_by_key(|kind| *kind == ChangeKind::Added);
        assert_eq!(both, [ChangeKind::Removed, ChangeKind::Added]);
        assert_eq!(changes(&here, &here), []);
    }

    #[test]
    fn reports_and_anchors_change() {
        let (one, other) = (Maker::new(), Maker::new());
        let before = metadata(MODEL, &json!([{"status": "FIDO_CERTIFIED"}]), &[one.root.der()]);
        let after = metadata(MODEL, &json!([{"status": "REVOKED"}]), &[other.root.der()]);
        let found = kinds(&before, &after);
        let [ChangeKind::Reported { reports }, ChangeKind::Withdrawn { .. }, anchors] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(reports[0].status.to_string(), "REVOKED");
        assert_eq!(*anchors, ChangeKind::Anchors { added: 1, removed: 1 });
        let change = serde_json::to_value(&changes(&before, &after)[2]).unwrap();
        let expected = json!({"model": MODEL, "name": "Maker's key", "change": "anchors", "added": 1, "removed": 1});
        assert_eq!(change, expected);
    }
}
