//! The files of `schemas/`, made from the types. `SNAPSHOTS=overwrite cargo test -p provost schemas` writes them anew.

use std::path::Path;

use provost_ops::{
    close::{ClosePlan, Rehearsal},
    job,
    store::{Header, Line},
};
use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value};

use super::{Cost, printed};

/// A line of a journal.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "for its schema")]
enum JournalLine {
    Header(Header),
    Line(Line<job::Record>),
}

/// The schema of what serializes as `T`, by JSON Schema 2020-12.
pub(super) fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|s| s.inline_subschemas = true);
    let mut schema = settings.with_transform(Strict).into_generator().into_root_schema_for::<T>();
    schema.remove("description");
    schema
}

/// What a document has is all that it has, and a `u32` is no larger than one.
#[derive(Debug, Clone)]
struct Strict;

impl Transform for Strict {
    fn transform(&mut self, schema: &mut Schema) {
        if schema.remove("format") == Some("uint32".into()) {
            schema.insert("maximum".to_owned(), u32::MAX.into());
        }
        let choices = ["oneOf", "anyOf", "allOf"].iter().any(|word| schema.get(*word).is_some());
        if schema.get("properties").is_some() {
            // The branches of a choice beside properties must let those pass.
            let word = if choices { "unevaluatedProperties" } else { "additionalProperties" };
            if choices {
                transform_subschemas(&mut Inside, schema);
            } else {
                transform_subschemas(self, schema);
            }
            schema.insert(word.to_owned(), false.into());
        } else {
            transform_subschemas(self, schema);
        }
    }
}

/// A branch of a choice: what is in its properties is strict, itself it is open.
struct Inside;

impl Transform for Inside {
    fn transform(&mut self, schema: &mut Schema) {
        Strict.transform(schema);
        schema.remove("additionalProperties");
        schema.remove("unevaluatedProperties");
    }
}

/// Adds what every printed document has: the name of its schema, and what the work cost if that was asked for.
fn wrapped(mut schema: Schema, name: &str) -> Schema {
    let named = Value::from_iter([("const", Value::from(format!("provost.{name}/1")))]);
    let cost = of::<Cost>();
    let add = |object: &mut Map<String, Value>| {
        let properties = object.entry("properties").or_insert_with(|| Map::new().into());
        if let Value::Object(properties) = properties {
            properties.insert("schema".to_owned(), named.clone());
            let mut cost = cost.clone();
            cost.remove("$schema");
            cost.remove("title");
            properties.insert("stats".to_owned(), cost.into());
        }
        if let Some(Value::Array(required)) = object.get_mut("required")
            && !required.contains(&"schema".into())
        {
            required.insert(0, "schema".into());
        }
    };
    let object = schema.ensure_object();
    match object.get_mut("oneOf") {
        Some(Value::Array(choices)) => choices.iter_mut().filter_map(Value::as_object_mut).for_each(add),
        _ => add(object),
    }
    schema
}

#[test]
fn the_files_are_those_of_the_types() {
    let mut all: Vec<(&str, &str, Schema)> = printed();
    all.iter_mut().for_each(|(name, _, schema)| *schema = wrapped(schema.clone(), name));
    all.push(("close-plan", "A plan of a close, as `provost close --save` writes it", of::<ClosePlan>()));
    all.push(("rehearsal", "A rehearsal that is remembered", of::<Rehearsal>()));
    all.push((
        "journal-line",
        "A line of a journal, behind its CRC-32 and a space: first whose it is, then what is done",
        of::<JournalLine>(),
    ));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut names: Vec<String> = Vec::new();
    for (name, title, mut schema) in all {
        schema.insert("title".to_owned(), title.into());
        let file = format!("{name}.schema.json");
        let text = format!("{:#}\n", schema.as_value());
        snapbox::assert_data_eq!(text, snapbox::Data::read_from(&folder.join(&file), None).raw());
        names.push(file);
    }
    names.sort();
    let mut found: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, names, "schemas/ holds a file that belongs to no document");
}
