//! What experience says to try: numbers at the ends of types, texts that surprise, names that mean something elsewhere.

use std::sync::LazyLock;

use protocol::catalogue::{Catalogue, Object, Type};
use protocol::generate::Choices;
use protocol::{Version, errors};

/// Numbers at and beyond the ends of what types hold, and numbers that are none.
pub(super) const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "-0",
    "0.0",
    "1.0",
    "1.5",
    "0.1",
    "1e0",
    "1E2",
    "255",
    "256",
    "32767",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "0.30000000000000004",
    "123456789012345678901234567890",
    "01",
    "+1",
    "1.",
    ".5",
    "0x10",
    "NaN",
    "Infinity",
    "-",
    "1e",
];

/// Contents of strings, between the quotes, as they are written.
pub(super) const TEXTS: &[&[u8]] = &[
    b"",
    b" ",
    b"a",
    b"\\u0000",
    b"TAG\\u0000X",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\ud83d\\ude00",
    b"\\uFFFF",
    b"\\u202e",
    b"\xc3\xa9",
    b"\xe9\x9b\xbb\xe6\xb0\x97",
    b"\xf0\x9f\x94\x8c",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\\n",
    b"\n",
    b"\t",
    b"\\/",
    b"\\\\",
    b"\\\"",
    b"\\x",
    b"\\u12",
    b"%s%n%x",
    b"${jndi:ldap://127.0.0.1/a}",
    b"';--",
    b"`id`",
    b"$(id)",
    b"../../../etc/passwd",
    b"<script>",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"60abc",
    b"99999999999999999999",
    b"2026-01-01T12:00:00Z",
    b"2026-01-01T12:00:00.Z",
    b"2026-01-01T12:00:00.123456789012345678Z",
    b"2026-02-30T12:00:00Z",
    b"2016-12-31T23:59:60Z",
    b"222222017-10-27T19:10:11Z",
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:59-23:59",
    b"1969-12-31T23:59:59Z",
    b"2026-01-01T12:00:00+24:00",
    b"2026-01-01",
    b"https://127.0.0.1/",
    b"ftp://user:pass@127.0.0.1:99999/",
    b"http://[",
    b"file:///dev/zero",
    b"-----BEGIN CERTIFICATE-----",
];

/// Names that mean something to the language a device is written in.
pub(super) const NAMES: &[&str] =
    &["constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "__class__", "length", "id", "$ref", ""];

/// Lengths at which fields end, and sizes at which buffers do.
pub(super) const LENGTHS: &[usize] =
    &[19, 20, 21, 25, 26, 36, 37, 50, 51, 64, 65, 127, 128, 255, 256, 257, 500, 501, 1024, 2501, 4097, 10_001];

/// What is not of the type that stood there.
pub(super) const OTHERS: &[&str] =
    &["null", "true", "false", "0", "\"\"", "[]", "{}", "[null]", "{\"a\":null}", "[[]]"];

/// Words of the catalogues.
pub(super) struct Vocabulary {
    /// Every action.
    pub(super) actions: Vec<String>,
    /// Every field.
    pub(super) fields: Vec<String>,
    /// Every word of an enumeration.
    pub(super) values: Vec<String>,
    /// Every error code.
    pub(super) codes: Vec<&'static str>,
}

/// The words of every version, each once, sorted.
pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut words = Vocabulary { actions: Vec::new(), fields: Vec::new(), values: Vec::new(), codes: Vec::new() };
    for version in Version::ALL {
        words.codes.extend(errors::codes(version));
        for message in Catalogue::of(version).messages() {
            words.actions.push(message.action.clone());
            words.object(&message.request, 0);
            if let Some(response) = message.response() {
                words.object(response, 0);
            }
        }
    }
    for list in [&mut words.actions, &mut words.fields, &mut words.values] {
        list.sort();
        list.dedup();
    }
    words.codes.sort_unstable();
    words.codes.dedup();
    words
});

impl Vocabulary {
    fn object(&mut self, object: &Object, depth: usize) {
        for field in &object.fields {
            self.fields.push(field.name.clone());
            self.ty(&field.ty, depth + 1);
        }
    }

    fn ty(&mut self, ty: &Type, depth: usize) {
        match ty {
            Type::Enum(enumeration) => self.values.extend(enumeration.values.iter().cloned()),
            // Nothing in the catalogues is deeper.
            Type::Object(object) if depth < 16 => self.object(object, depth),
            Type::List { item, .. } => self.ty(item, depth),
            _ => {}
        }
    }
}

/// A number below `bound`, 0 if that is 0.
pub(super) fn below(bound: usize, choices: &mut dyn Choices) -> usize {
    usize::try_from(choices.choose(bound as u64)).unwrap_or(0)
}

/// One of these.
pub(super) fn pick<'a, T>(from: &'a [T], choices: &mut dyn Choices) -> Option<&'a T> {
    from.get(below(from.len(), choices))
}

/// One of these texts, which is never empty of choices; an empty text otherwise.
pub(super) fn word<'a, T: AsRef<str>>(from: &'a [T], choices: &mut dyn Choices) -> &'a str {
    pick(from, choices).map_or("", AsRef::as_ref)
}
