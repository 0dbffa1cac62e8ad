//! The catalogue says the same as the official schema files, field by field.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod official_schemas;

use official_schemas::{SchemaFile, Source};
use protocol::Version;
use protocol::catalogue::{Catalogue, Number, Object, Type};
use serde_json::{Map, Value};

#[test]
fn the_catalogue_says_what_the_official_schemas_say() {
    let Some(source) = official_schemas::find() else {
        return;
    };
    let files = official_schemas::load(&source);
    assert_eq!(files.len(), 387);
    assert_eq!(count(&source), files.len(), "a schema file without its message in the catalogue");
    let mut differences = Vec::new();
    for file in &files {
        compare_file(file, &mut differences);
    }
    let lines: Vec<String> = differences.iter().map(|(file, text)| format!("{file} {text}")).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

/// How many schema files the source has, so that none is left out of the comparison.
fn count(source: &Source) -> usize {
    Version::ALL
        .into_iter()
        .flat_map(|version| std::fs::read_dir(official_schemas::folder_of(source, version)).unwrap())
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
        .count()
}

fn compare_file(file: &SchemaFile, differences: &mut Vec<(String, String)>) {
    let message = Catalogue::of(file.version).message(&file.action).unwrap();
    let object = match file.part {
        "Request" => &*message.request,
        _ => message.response().unwrap(),
    };
    let draft = file.schema["$schema"].as_str().unwrap_or_default();
    let mut comparison = Comparison {
        definitions: file.schema["definitions"].as_object(),
        lenient: !draft.contains("draft-04"),
        path: String::new(),
        found: Vec::new(),
    };
    comparison.object(object, file.schema.as_object().unwrap());
    differences.extend(comparison.found.into_iter().map(|text| (file.name(), text)));
    let is_core = file.version == Version::V16 && message.profile != "Security";
    assert_eq!(is_core, !comparison.lenient, "{}: draft", file.name());
}

struct Comparison<'a> {
    definitions: Option<&'a Map<String, Value>>,
    lenient: bool,
    path: String,
    found: Vec<String>,
}

/// Keywords without a say in what is valid.
const SILENT: &[&str] = &[
    "$schema",
    "$id",
    "id",
    "comment",
    "title",
    "description",
    "javaType",
    "default",
    "definitions",
    "additionalItems",
];

impl<'a> Comparison<'a> {
    fn object(&mut self, object: &Object, schema: &'a Map<String, Value>) {
        self.expect_keywords(schema, &["type", "properties", "required", "additionalProperties"]);
        self.expect("type", schema.get("type"), Some("object".into()));
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if closed == object.open {
            self.differ(format!("additionalProperties: closed is {closed}"));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for name in properties.into_iter().flat_map(Map::keys) {
            if object.field(name).is_none() {
                self.differ(format!("properties: {name} is not in the catalogue"));
            }
        }
        for name in &required {
            if !object.field(name).is_some_and(|field| field.required) {
                self.differ(format!("required: {name} is not so in the catalogue"));
            }
        }
        for field in &object.fields {
            let depth = self.path.len();
            self.path.push_str(&format!("/{}", field.name));
            if field.required && !required.contains(&field.name.as_str()) {
                self.differ("required: only in the catalogue".to_owned());
            }
            match properties.and_then(|all| all.get(&field.name)) {
                Some(schema) => {
                    let schema = schema.as_object().unwrap();
                    self.ty(&field.ty, schema);
                }
                None => self.differ("properties: only in the catalogue".to_owned()),
            }
            self.path.truncate(depth);
        }
    }

    fn ty(&mut self, ty: &Type, schema: &'a Map<String, Value>) {
        let schema = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.trim_start_matches("#/definitions/");
                let definition = self.definitions.and_then(|all| all.get(name));
                let definition = definition.and_then(Value::as_object).unwrap();
                match ty {
                    Type::Object(object) if object.name.as_deref() == Some(name) => {}
                    Type::Enum(enumeration) if enumeration.name == name => {}
                    _ => self.differ(format!("$ref: {name} is {}", ty.describe())),
                }
                definition
            }
            None => schema,
        };
        match ty {
            Type::Object(object) => self.object(object, schema),
            Type::List { item, min, max } => {
                self.expect_keywords(schema, &["type", "items", "minItems", "maxItems"]);
                self.expect("type", schema.get("type"), Some("array".into()));
                self.expect("minItems", schema.get("minItems"), min.map(Value::from));
                self.expect("maxItems", schema.get("maxItems"), max.map(Value::from));
                let depth = self.path.len();
                self.path.push_str("/0");
                self.ty(item, schema["items"].as_object().unwrap());
                self.path.truncate(depth);
            }
            Type::String { min, max, .. } => {
                self.expect_keywords(schema, &["type", "minLength", "maxLength"]);
                self.expect("type", schema.get("type"), Some("string".into()));
                self.expect("minLength", schema.get("minLength"), min.map(Value::from));
                self.expect("maxLength", schema.get("maxLength"), max.map(Value::from));
            }
            Type::Integer { min, max, lenient } => {
                self.expect_keywords(schema, &["type", "minimum", "maximum"]);
                self.expect("type", schema.get("type"), Some("integer".into()));
                self.expect_number("minimum", schema, min.map(Number::whole));
                self.expect_number("maximum", schema, max.map(Number::whole));
                if *lenient != self.lenient {
                    self.differ(format!("integer rule: lenient is {}", self.lenient));
                }
            }
            Type::Decimal { min, max, step } => {
                self.expect_keywords(schema, &["type", "minimum", "maximum", "multipleOf"]);
                self.expect("type", schema.get("type"), Some("number".into()));
                self.expect_number("minimum", schema, *min);
                self.expect_number("maximum", schema, *max);
                self.expect_number("multipleOf", schema, *step);
            }
            Type::Boolean => {
                self.expect_keywords(schema, &["type"]);
                self.expect("type", schema.get("type"), Some("boolean".into()));
            }
            Type::DateTime => self.format(schema, "date-time"),
            Type::Uri => self.format(schema, "uri"),
            Type::Any => self.expect_keywords(schema, &[]),
            Type::Enum(enumeration) => {
                self.expect_keywords(schema, &["type", "enum", "additionalProperties"]);
                self.expect("type", schema.get("type"), Some("string".into()));
                let values = Value::from(enumeration.values.clone());
                self.expect("enum", schema.get("enum"), Some(values));
            }
        }
    }

    fn format(&mut self, schema: &Map<String, Value>, format: &str) {
        self.expect_keywords(schema, &["type", "format"]);
        self.expect("type", schema.get("type"), Some("string".into()));
        self.expect("format", schema.get("format"), Some(format.into()));
    }

    fn expect_keywords(&mut self, schema: &Map<String, Value>, known: &[&str]) {
        for keyword in schema.keys() {
            if !known.contains(&keyword.as_str()) && !SILENT.contains(&keyword.as_str()) {
                self.differ(format!("{keyword}: a keyword that was not compared"));
            }
        }
    }

    fn expect(&mut self, keyword: &str, official: Option<&Value>, ours: Option<Value>) {
        if official != ours.as_ref() {
            self.differ(format!("{keyword}: official {official:?}, catalogue {ours:?}"));
        }
    }

    fn expect_number(&mut self, keyword: &str, schema: &Map<String, Value>, ours: Option<Number>) {
        // As written, not as a binary fraction: a step of 0.1 is a tenth.
        let official = schema.get(keyword).map(|number| number.to_string().trim_end_matches(".0").to_owned());
        let ours = ours.map(|number| number.to_string());
        if official != ours {
            self.differ(format!("{keyword}: official {official:?}, catalogue {ours:?}"));
        }
    }

    fn differ(&mut self, text: String) {
        self.found.push(format!("{}: {text}", self.path));
    }
}
