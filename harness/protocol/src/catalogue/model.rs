//! What a catalogue says: messages, objects, fields and their types.

use std::sync::Arc;

use crate::Role;

/// Who may send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Only the station.
    Station,
    /// Only the CSMS.
    Csms,
    /// Either side (DataTransfer).
    Both,
}

impl Sender {
    /// Whether this side may send it.
    pub fn includes(self, role: Role) -> bool {
        match self {
            Sender::Station => role == Role::Station,
            Sender::Csms => role == Role::Csms,
            Sender::Both => true,
        }
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A CALL that is answered.
    Call,
    /// A SEND that must not be answered.
    Send,
}

/// A message: a request and, unless it is a SEND, its response.
#[derive(Clone, Debug)]
pub struct Message {
    /// The name on the wire: `BootNotification`.
    pub action: String,
    /// Who may send the request.
    pub from: Sender,
    /// CALL or SEND.
    pub kind: Kind,
    /// The feature profile in 1.6 (`Core`, `SmartCharging`, …, `Security`), the letter of the functional block in
    /// 2.x (`B`).
    pub profile: String,
    /// The payload of the request.
    pub request: Arc<Object>,
    /// The payload of the response; a SEND has none.
    pub response: Option<Arc<Object>>,
}

impl Message {
    /// The payload of the response, if there is a response.
    pub fn response(&self) -> Option<&Object> {
        self.response.as_deref()
    }
}

/// A JSON object with known fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The name of its type; the payloads of messages have none.
    pub name: Option<String>,
    /// Its fields in the order of the specification.
    pub fields: Vec<Field>,
    /// Whether other fields may stand in it: only `CustomDataType`.
    pub open: bool,
}

impl Object {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The type at a path in the style of a JSON pointer: `/chargingSchedule/0/limit`. A list is entered with a
    /// number, `*` or `-`.
    pub fn at(&self, path: &str) -> Option<&Type> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        let ty = &self.field(name)?.ty;
        ty.at(rest)
    }

    /// The fields that must be there.
    pub fn required(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.required)
    }

    /// The field that was probably meant by a name that is none.
    pub fn suggest_field(&self, name: &str) -> Option<&str> {
        super::suggest(name, self.fields.iter().map(|field| field.name.as_str()))
    }
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name on the wire.
    pub name: String,
    /// What may stand in it.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
}

/// A number as the catalogue writes it: `value / 10^scale`, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The digits with their sign.
    pub value: i64,
    /// How many of them stand behind the point.
    pub scale: u32,
}

impl Number {
    /// A whole number.
    pub const fn whole(value: i64) -> Number {
        Number { value, scale: 0 }
    }

    /// The nearest binary number, for arithmetic that need not be exact.
    pub fn as_f64(self) -> f64 {
        self.value as f64 / 10_f64.powi(self.scale.min(18) as i32)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.value.unsigned_abs().to_string();
        let scale = self.scale as usize;
        let sign = if self.value < 0 { "-" } else { "" };
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// What may stand in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Text; lengths count code points.
    String {
        /// The fewest code points.
        min: Option<u64>,
        /// The most code points.
        max: Option<u64>,
        /// Compared without regard to case: CiString of 1.6, identifierString of 2.x.
        case_insensitive: bool,
    },
    /// A whole number.
    Integer {
        /// The least value.
        min: Option<i64>,
        /// The greatest value.
        max: Option<i64>,
        /// Whether `1.0` counts as a whole number: not in the core schemas of 1.6 (draft-04), but in those of its
        /// security extension and of 2.x (draft-06).
        lenient: bool,
    },
    /// A number.
    Decimal {
        /// The least value.
        min: Option<Number>,
        /// The greatest value.
        max: Option<Number>,
        /// The value is a multiple of this.
        step: Option<Number>,
    },
    /// `true` or `false`.
    Boolean,
    /// An RFC 3339 date-time with an offset.
    DateTime,
    /// An absolute URI.
    Uri,
    /// Anything at all.
    Any,
    /// One of a list of words.
    Enum(Arc<Enumeration>),
    /// An object.
    Object(Arc<Object>),
    /// A list.
    List {
        /// What its items are.
        item: Box<Type>,
        /// The fewest items.
        min: Option<u64>,
        /// The most items.
        max: Option<u64>,
    },
}

impl Type {
    /// The type at a path below this one, see [`Object::at`]; the empty path is this type.
    pub fn at(&self, path: &str) -> Option<&Type> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Some(self);
        }
        match self {
            Type::Object(object) => object.at(path),
            Type::List { item, .. } => {
                let (index, rest) = path.split_once('/').unwrap_or((path, ""));
                let is_index = matches!(index, "*" | "-") || index.bytes().all(|byte| byte.is_ascii_digit());
                if is_index { item.at(rest) } else { None }
            }
            _ => None,
        }
    }

    /// The object of this type, or of the items of this list.
    pub fn object(&self) -> Option<&Object> {
        match self {
            Type::Object(object) => Some(object),
            Type::List { item, .. } => item.object(),
            _ => None,
        }
    }

    /// The type in words, as the catalogue writes it: `list(1..) of string[20]`.
    pub fn describe(&self) -> String {
        match self {
            Type::String { min, max, case_insensitive } => {
                let word = if *case_insensitive { "cistring" } else { "string" };
                match (min, max) {
                    (None, None) => word.to_owned(),
                    (None, Some(max)) => format!("{word}[{max}]"),
                    (Some(min), None) => format!("{word}[{min}..]"),
                    (Some(min), Some(max)) => format!("{word}[{min}..{max}]"),
                }
            }
            Type::Integer { min, max, .. } => format!("integer{}", range(min, max)),
            Type::Decimal { step: Some(step), .. } => format!("decimal(step {step})"),
            Type::Decimal { min, max, .. } => format!("decimal{}", range(min, max)),
            Type::Boolean => "boolean".to_owned(),
            Type::DateTime => "dateTime".to_owned(),
            Type::Uri => "uri".to_owned(),
            Type::Any => "any".to_owned(),
            Type::Enum(enumeration) => enumeration.name.clone(),
            Type::Object(object) => object.name.clone().unwrap_or_else(|| "object".to_owned()),
            Type::List { item, min, max } => {
                format!("list{} of {}", range(min, max), item.describe())
            }
        }
    }
}

fn range<T: std::fmt::Display>(min: &Option<T>, max: &Option<T>) -> String {
    match (min, max) {
        (None, None) => String::new(),
        (Some(min), None) => format!("({min}..)"),
        (None, Some(max)) => format!("(..{max})"),
        (Some(min), Some(max)) => format!("({min}..{max})"),
    }
}

/// A named list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Its name in the specification.
    pub name: String,
    /// Its words.
    pub values: Vec<String>,
}

impl Enumeration {
    /// Whether it has this word; case matters.
    pub fn contains(&self, value: &str) -> bool {
        self.values.iter().any(|known| known == value)
    }

    /// The word that was probably meant.
    pub fn suggest(&self, value: &str) -> Option<&str> {
        super::suggest(value, self.values.iter().map(String::as_str))
    }
}
