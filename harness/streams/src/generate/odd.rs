//! Values that have tripped implementations: at the ends of types, or with a meaning somewhere else.

use protocol::catalogue::Type;
use protocol::generate::{Choices, one_in, pick};
use serde_json::{Value, json};

use super::writing::Odd;

/// Numbers, as they are written in JSON.
pub(super) const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "-0",
    "1.0",
    "1e0",
    "1.5",
    "-0.0",
    "1E2",
    "1e-7",
    "0.1",
    "0.30000000000000004",
    "1e308",
    "1e309",
    "1e400",
    "-1e400",
    "1e-400",
    "1e9999999999",
    "65535",
    "65536",
    "999999999",
    "256",
    "127",
    "128",
];

/// Date-times at odd places by what is odd about them, most of them none: each kind is met as often as the others.
pub(super) const TIMES: [&[&str]; 5] = [
    // Forms of other standards, or of none.
    &[
        "2026-01-01T12:00:00",
        "2026-01-01T12:00Z",
        "2026-01-01 12:00:00Z",
        "2026-01-01t12:00:00z",
        "2026-01-01",
        "20260101T120000Z",
        "2026-W01-1T12:00:00Z",
        "2026-001T12:00:00Z",
        "2026-01-01T12:00:00Z\n",
    ],
    // Fractions.
    &[
        "2026-01-01T12:00:00.12345678901234567890Z",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00.",
        "2026-01-01T12:00:00,5Z",
        "2026-01-01T12:00:00.1234567890+01:00",
        "2026-01-01T12:00:00.999999999Z",
    ],
    // Days and hours that there are not, or hardly.
    &[
        "2016-12-31T23:59:60Z",
        "2026-01-01T12:00:60Z",
        "2026-01-01T12:00:61Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2024-02-29T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-01T12:00:00+14:00",
        "2026-01-01T12:00:00-23:59",
        "2026-01-01T12:00:00+24:00",
        "2026-01-01T12:00:00+99:99",
        "2026-01-01T12:00:00+0200",
        "2026-01-01T12:00:00+02",
    ],
    // The ends of calendars and counters.
    &[
        "1970-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999Z",
        "2038-01-19T03:14:08Z",
        "2106-02-07T06:28:16Z",
        "1899-12-31T00:00:00Z",
        "222222017-10-27T19:10:11Z",
        "10000-01-01T00:00:00Z",
        "+2026-01-01T12:00:00Z",
        "-2026-01-01T12:00:00Z",
    ],
    // No times at all.
    &["now", "", " ", "Z", "T", "1767268800", "2026-01-01T12:00:00Z; x", "٢٠٢٦-٠١-٠١T١٢:٠٠:٠٠Z"],
];

/// Texts that mean something somewhere, or are hard to handle.
pub(super) const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "constructor",
    "__proto__",
    "' OR ''='",
    "\"",
    "\\",
    "%s%s%s%n",
    "%x%x%x%x%p",
    "é",
    "電🔌",
    "-1",
    "0",
    "NaN",
    "undefined",
    "true",
    "toString",
    "hasOwnProperty",
    "'",
    "1' AND '1'='2",
    "\\'; SELECT 1 --",
    "`true`",
    "$(true)",
    ";true",
    "|true",
    "&&true",
    "\ntrue\n",
    "${7*7}",
    "{{7*7}}",
    "#{7*7}",
    "{0}",
    "%00",
    "%2e%2e%2f",
    "../../../../etc/passwd",
    "..\\..\\x",
    "/dev/null",
    "<b>x</b>",
    "<!--",
    "]]>",
    "&amp;",
    "a\u{0}b",
    "\u{0}",
    "a\u{7}\u{8}\u{1b}[31mb",
    "a\r\nX-Injected: 1",
    "\u{7f}",
    "\u{80}",
    "\u{feff}a",
    "a\u{202e}b",
    "\u{2028}",
    "e\u{301}\u{301}\u{301}",
    "👩\u{200d}👩\u{200d}👧",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "ＡＢＣ",
    "İıſK",
    "ß",
    " 04A1B2C3D4 ",
    "1e999",
    "0x10",
    "0123",
    "🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌🔌",
];

/// Contents of strings that no text can hold, as they are written.
pub(super) const RAW_TEXTS: &[&str] = &[
    "\"\\ud800\"",
    "\"a\\udc00b\"",
    "\"\\udfff\\ud800\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\/\"",
    "\"\\u0041\"",
    "\"\\b\\f\"",
];

/// Texts that make a careless reader look somewhere; `@` is where.
const LOOKUPS: &[&str] = &[
    "${jndi:ldap://@}",
    "$(curl http://@)",
    "`wget http://@`",
    ";curl http://@;",
    "|curl http://@",
    "http://@",
    "\\\\@",
    "${${lower:j}ndi:ldap://@}",
    "<img src=http://@>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'http://@'>]>",
];

/// Values of settings; the first ones are sound.
const SETTINGS: &[&str] = &[
    "60",
    "0",
    "1",
    "true",
    "false",
    "300",
    "30",
    "60abc",
    "abc",
    "-1",
    "",
    "2147483647",
    "2147483648",
    "99999999999",
    "1.5",
    "1e3",
    "0x3c",
    " 60",
    "60 ",
    "+60",
    "060",
    "6 0",
    "TRUE",
    "yes",
    "null",
    "NaN",
    "Energy.Active.Import.Register",
    "NoSuchMeasurand",
    "Energy.Active.Import.Register,",
    ",",
    "é",
    "9223372036854775808",
    "%n",
];

/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:9";

/// The longest text that is made; a few of these fit into an act.
const LONGEST: usize = 100_000;

/// An odd value for a place of this type. The first choices are the short ones.
pub(super) fn odd(ty: &Type, canary: Option<&str>, choices: &mut dyn Choices) -> Odd {
    if one_in(6, choices) {
        return foreign(choices);
    }
    match ty {
        Type::String { min, max, .. } => text(*min, *max, canary, choices),
        Type::Uri => text(None, None, canary, choices),
        Type::Integer { min, max, .. } => {
            let ends = [min.map(|min| min.saturating_sub(1)), max.map(|max| max.saturating_add(1)), *min, *max];
            number(ends.into_iter().flatten().map(|end| end.to_string()).collect(), choices)
        }
        Type::Decimal { min, max, .. } => {
            let ends = [*min, *max].into_iter().flatten().map(|end| end.to_string());
            number(ends.chain(["0.05".to_owned(), "16.000001".to_owned()]).collect(), choices)
        }
        Type::Boolean => {
            let odd = [json!("true"), json!(1), json!(0), json!("yes"), json!(null), json!("")];
            Odd::Value(pick(&odd, choices).cloned().unwrap_or(Value::Null))
        }
        Type::DateTime => Odd::Value(json!(time(choices))),
        Type::Enum(enumeration) => {
            let first = enumeration.values.first().map_or("", String::as_str);
            let odd = [
                "NoSuchValue".to_owned(),
                first.to_lowercase(),
                first.to_uppercase(),
                String::new(),
                format!("{first} "),
                format!("{first}\u{0}"),
                "constructor".to_owned(),
                "__proto__".to_owned(),
                "x".repeat(300),
            ];
            let known = enumeration.values.len() as u64;
            // Every word of the enumeration is tried too.
            let at = choices.choose(known + odd.len() as u64);
            let word = match at.checked_sub(known) {
                Some(at) => odd.get(usize::try_from(at).unwrap_or(0)),
                None => enumeration.values.get(usize::try_from(at).unwrap_or(0)),
            };
            Odd::Value(word.map_or(Value::Null, |word| json!(word)))
        }
        Type::Object(_) => container("{}", choices),
        Type::List { .. } => container("[]", choices),
        Type::Any => foreign(choices),
    }
}

/// A value of a setting: sound half of the time.
pub(super) fn setting(choices: &mut dyn Choices) -> &'static str {
    let (sound, odd) = SETTINGS.split_at(7);
    let values = if one_in(2, choices) { odd } else { sound };
    pick(values, choices).copied().unwrap_or("60")
}

/// A value of a setting that is a whole number: sound half of the time.
pub(super) fn whole_setting(choices: &mut dyn Choices) -> &'static str {
    let odd = ["-1", "60abc", "abc", "99999999999", "", "2147483648", "1.5", "-60", " 60"];
    let values: &[&'static str] = if one_in(2, choices) { &odd } else { &["60", "0", "1", "300", "3600"] };
    pick(values, choices).copied().unwrap_or("60")
}

/// A time that is odd, or none.
pub(super) fn time(choices: &mut dyn Choices) -> &'static str {
    let kind = pick(&TIMES, choices).copied().unwrap_or(&[]);
    pick(kind, choices).copied().unwrap_or("")
}

/// A text that makes a careless reader look at this address.
pub(super) fn lookup(canary: &str, choices: &mut dyn Choices) -> String {
    pick(LOOKUPS, choices).copied().unwrap_or("http://@").replace('@', canary)
}

fn text(min: Option<u64>, max: Option<u64>, canary: Option<&str>, choices: &mut dyn Choices) -> Odd {
    let room = max.unwrap_or(u64::MAX);
    match choices.choose(10) {
        0..=3 => Odd::Value(pick(TEXTS, choices).map_or(Value::Null, |text| json!(text))),
        4 => Odd::Raw(pick(RAW_TEXTS, choices).map_or_else(String::new, |text| (*text).to_owned())),
        5 => Odd::Value(Value::String(lookup(canary.unwrap_or(NOBODY), choices))),
        6 | 7 => {
            let ends = [
                max.unwrap_or(50),
                max.map_or(51, |max| max + 1),
                max.map_or(49, |max| max.saturating_sub(1)),
                min.unwrap_or(0),
                255,
                256,
                1024,
            ];
            let length = pick(&ends, choices).copied().unwrap_or(0);
            let filler = pick(&["x", "é", "🔌", "\"", "\u{1}"], choices).copied().unwrap_or("x");
            Odd::Value(Value::String(filler.repeat(usize::try_from(length).unwrap_or(0).min(LONGEST / 4))))
        }
        8 => {
            let lengths = [300, 1500, 2000, 5000, 20_000, 66_000, LONGEST];
            let length = pick(&lengths, choices).copied().unwrap_or(300);
            // Long texts are for stations that take them, and rarely.
            let length = if one_in(3, choices) { length } else { length.min(2000) };
            Odd::Value(Value::String("A".repeat(length)))
        }
        _ => {
            let text = pick(TEXTS, choices).copied().unwrap_or("x");
            let times = (room.min(64) as usize) / text.chars().count().max(1);
            Odd::Value(Value::String(text.repeat(times.max(1))))
        }
    }
}

fn number(ends: Vec<String>, choices: &mut dyn Choices) -> Odd {
    if one_in(16, choices) {
        let digits = [20, 40, 310, 1000, 5000];
        let count = pick(&digits, choices).copied().unwrap_or(20);
        return Odd::Raw("7".repeat(count));
    }
    let known = ends.len() as u64;
    let at = choices.choose(known + NUMBERS.len() as u64);
    let text = match at.checked_sub(known) {
        Some(at) => NUMBERS.get(usize::try_from(at).unwrap_or(0)).map(|number| (*number).to_owned()),
        None => ends.into_iter().nth(usize::try_from(at).unwrap_or(0)),
    };
    Odd::Raw(text.unwrap_or_else(|| "0".to_owned()))
}

fn container(own: &str, choices: &mut dyn Choices) -> Odd {
    match choices.choose(8) {
        0 => Odd::Raw(own.to_owned()),
        1 => Odd::Raw("[null]".to_owned()),
        2 => Odd::Raw("{\"__proto__\":{\"admin\":true},\"constructor\":{\"prototype\":{}}}".to_owned()),
        3 => Odd::Raw("null".to_owned()),
        4 => {
            let count = pick(&[10, 100, 1000, 10_000], choices).copied().unwrap_or(10);
            Odd::Raw(format!("[{}{{}}]", "{},".repeat(count)))
        }
        5 => Odd::Raw(nested(pick(&[5, 50, 120, 500], choices).copied().unwrap_or(5))),
        6 => Odd::Raw("[[]]".to_owned()),
        _ => Odd::Raw("\"\"".to_owned()),
    }
}

/// Lists in lists.
pub(super) fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// A value of any type.
fn foreign(choices: &mut dyn Choices) -> Odd {
    let odd = [
        json!(null),
        json!(0),
        json!(""),
        json!([]),
        json!({}),
        json!(true),
        json!("1"),
        json!(-1.5),
        json!([[]]),
        json!([null]),
        json!({ "": null }),
        json!({ "value": "x", "type": "x" }),
        json!(false),
    ];
    Odd::Value(pick(&odd, choices).cloned().unwrap_or(Value::Null))
}
