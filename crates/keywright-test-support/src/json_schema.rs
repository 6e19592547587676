//! Holds JSON of the program against `docs/keywright-2.schema.json`, with a validator that is not ours.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schema.
pub const SCHEMA: &str = include_str!("../../../docs/keywright-2.schema.json");

/// What describes one object.
struct Description {
    name: String,
    kind: String,
    validator: Validator,
}

static DESCRIPTIONS: LazyLock<Vec<Description>> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let described = schema["oneOf"].as_array().unwrap().iter().map(|one| one["$ref"].as_str().unwrap());
    described
        .map(|reference| {
            let name = reference.trim_start_matches("#/$defs/").to_owned();
            let kind = schema["$defs"][&name]["properties"]["kind"]["const"].as_str().unwrap().to_owned();
            let alone = json!({ "$schema": schema["$schema"], "$ref": reference, "$defs": schema["$defs"] });
            Description { name, kind, validator: jsonschema::validator_for(&alone).unwrap() }
        })
        .collect()
});

/// The kinds that the schema describes.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    DESCRIPTIONS.iter().map(|description| description.kind.as_str())
}

/// What an object of ours has against the schema; nothing if it fulfils one description of its kind.
pub fn faults(object: &Value) -> Vec<String> {
    let of_its_kind = || DESCRIPTIONS.iter().filter(|description| object["kind"] == description.kind);
    if of_its_kind().any(|description| description.validator.is_valid(object)) {
        return Vec::new();
    }
    let told = of_its_kind().flat_map(|Description { name, validator, .. }| {
        validator.iter_errors(object).map(move |error| format!("{name}: {}: {error}", error.instance_path()))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { vec![format!("no kind {} is described", object["kind"])] } else { told }
}

/// Fails the test unless the schema describes this object.
#[track_caller]
pub fn hold(object: &Value) {
    let faults = faults(object);
    assert!(faults.is_empty(), "{object}\nis not as docs/keywright-2.schema.json says:\n{}", faults.join("\n"));
}
