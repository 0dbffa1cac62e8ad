//! Finds the official schema files: they are not part of this repository.
//!
//! `OCPP_SCHEMAS` names a folder with `1.6/`, `2.0.1/` and `2.1/` and files like `AuthorizeRequest.json`; else
//! `OCPP_PYTHON_PACKAGE` names an installed Python package `ocpp`; else the package is looked for in the virtual
//! environments that this workspace makes: `.venv` and those below `interop/.cache`.
//!
//! The files in the package differ from the official ones in the places of [`DIFFERENCES`], where what they have is
//! replaced by what is official.

#![expect(clippy::panic, clippy::expect_used, reason = "a test without its files must say so")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

use protocol::Version;
use protocol::catalogue::{Catalogue, Kind};
use serde_json::{Value, json};

/// A place where the Python package has something else than the official file.
struct Difference {
    file: &'static str,
    /// The schema, in the style of a JSON pointer.
    place: &'static str,
    keyword: &'static str,
    package: fn() -> Value,
    /// `null` where the keyword is not there.
    official: fn() -> Value,
}

/// Every difference of the package `ocpp` 2.1.0.
const DIFFERENCES: &[Difference] = &[
    Difference {
        file: "1.6 MeterValuesRequest",
        place: "/properties/meterValue",
        keyword: "minItems",
        package: || json!(1),
        official: || Value::Null,
    },
    Difference {
        file: "1.6 MeterValuesRequest",
        place: "/properties/meterValue/items/properties/sampledValue",
        keyword: "minItems",
        package: || json!(1),
        official: || Value::Null,
    },
    Difference {
        file: "1.6 MeterValuesRequest",
        place: "/properties/meterValue/items/properties/sampledValue/items/properties/unit",
        keyword: "enum",
        package: || units(&["Hertz"]),
        official: || units(&[]),
    },
    Difference {
        file: "2.0.1 Get15118EVCertificateResponse",
        place: "/properties/exiResponse",
        keyword: "maxLength",
        package: || json!(7500),
        official: || json!(5600),
    },
];

fn units(more: &[&str]) -> Value {
    const OFFICIAL: &[&str] = &[
        "Wh",
        "kWh",
        "varh",
        "kvarh",
        "W",
        "kW",
        "VA",
        "kVA",
        "var",
        "kvar",
        "A",
        "V",
        "K",
        "Celcius",
        "Celsius",
        "Fahrenheit",
        "Percent",
    ];
    json!([OFFICIAL, more].concat())
}

/// An official schema file and what it describes.
pub(crate) struct SchemaFile {
    pub(crate) version: Version,
    pub(crate) action: String,
    /// `Request` or `Response`.
    pub(crate) part: &'static str,
    pub(crate) schema: Value,
}

impl SchemaFile {
    pub(crate) fn name(&self) -> String {
        format!("{} {}{}", self.version, self.action, self.part)
    }
}

/// Where the files were found.
pub(crate) enum Source {
    Official(PathBuf),
    Python(PathBuf),
}

/// The source, or `None` after saying loudly that there is none; in CI that is a failure.
pub(crate) fn find() -> Option<Source> {
    if let Some(folder) = std::env::var_os("OCPP_SCHEMAS") {
        return Some(Source::Official(PathBuf::from(folder)));
    }
    if let Some(folder) = std::env::var_os("OCPP_PYTHON_PACKAGE") {
        return Some(Source::Python(PathBuf::from(folder)));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Some(package) = packages(&root.join(".venv"), 0).or_else(|| packages(&root.join("interop/.cache"), 3)) {
        return Some(Source::Python(package));
    }
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        // Not `eprintln!`, which a test that passes keeps to itself.
        let said = std::io::stderr().write_all(
            b"\n*** NOT COMPARED: no official schema files found. Set OCPP_SCHEMAS to a folder with them, or\n\
              *** OCPP_PYTHON_PACKAGE to an installed Python package \"ocpp\", or install it into .venv.\n\n",
        );
        said.expect("a place to say so");
    });
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI the official schema files must be there");
    None
}

/// The Python package in a virtual environment, or in one of those so many folders below.
fn packages(folder: &Path, below: usize) -> Option<PathBuf> {
    let children = |folder: &Path| {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let here = children(&folder.join("lib"))
        .into_iter()
        .map(|python| python.join("site-packages/ocpp"))
        .find(|package| package.join("v21/schemas").is_dir());
    if here.is_some() || below == 0 {
        return here;
    }
    children(folder).into_iter().filter(|child| child.is_dir()).find_map(|child| packages(&child, below - 1))
}

/// All 387 files.
pub(crate) fn load(source: &Source) -> Vec<SchemaFile> {
    let mut files = Vec::new();
    for version in Version::ALL {
        for message in Catalogue::of(version).messages() {
            let parts: &[&'static str] = match message.kind {
                Kind::Call => &["Request", "Response"],
                Kind::Send => &["Request"],
            };
            for part in parts {
                let path = path_of(source, version, &message.action, part, message.kind);
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let schema = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let mut file = SchemaFile { version, action: message.action.clone(), part, schema };
                if matches!(source, Source::Python(_)) {
                    make_official(&mut file);
                }
                files.push(file);
            }
        }
    }
    files
}

/// Replaces what only the package has.
fn make_official(file: &mut SchemaFile) {
    let name = file.name();
    for difference in DIFFERENCES.iter().filter(|difference| difference.file == name) {
        let place = file.schema.pointer_mut(difference.place).and_then(Value::as_object_mut);
        let place = place.unwrap_or_else(|| panic!("{name} has no {}", difference.place));
        let found = place.get(difference.keyword).cloned().unwrap_or_default();
        if found == (difference.official)() {
            eprintln!("{name} {}: the package is like the official file by now", difference.place);
        } else {
            assert_eq!(found, (difference.package)(), "{name} {}: {}", difference.place, difference.keyword);
        }
        match (difference.official)() {
            Value::Null => drop(place.remove(difference.keyword)),
            official => drop(place.insert(difference.keyword.to_owned(), official)),
        }
    }
}

/// The folder with the files of this version.
pub(crate) fn folder_of(source: &Source, version: Version) -> PathBuf {
    match source {
        Source::Official(folder) => folder.join(version.number()),
        Source::Python(package) => {
            let name = match version {
                Version::V16 => "v16",
                Version::V201 => "v201",
                Version::V21 => "v21",
            };
            package.join(name).join("schemas")
        }
    }
}

fn path_of(source: &Source, version: Version, action: &str, part: &str, kind: Kind) -> PathBuf {
    let is_bare =
        kind == Kind::Send || (version == Version::V16 && part == "Request" && matches!(source, Source::Python(_)));
    let part = if is_bare { "" } else { part };
    folder_of(source, version).join(format!("{action}{part}.json"))
}
